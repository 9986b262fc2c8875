//! Our node as a process of the world: the very node that production runs, with its storage.

mod disk;
mod store;
mod words;

use std::collections::BTreeMap;

use leasehold::kv::{Cas, Command, Scalar};
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output, Refusal, RequestId};
use leasehold::raft::{
    self, ClusterOrigin, Configuration, MembershipChange, Names, NodeId, Note, Payload, Raft, Settings,
};
use leasehold::storage::durable::Membership;
use leasehold::time::{Alarm, Clock, Reading, Span};

use self::store::{Durable, Store};
pub use self::words::entry_words;
use crate::hosted::Hosted;
use crate::note;
use crate::rules::Rules;
use crate::setup::{DiskKind, NodeSpec, Order, Setup};
use crate::watch::Traced;
use leasehold_world::{
    DiskChance, DiskFaults, Effect, Jitter, Process, ProcessInput, Recovery, Reply, Request, SyncEnd,
};

/// A node with its storage. The node is there while the process is up.
#[derive(Debug, Clone)]
pub struct LeaseNode {
    identity: Identity,
    settings: Settings,
    rules: Rules,
    storage: Store,
    node: Option<Node<Rules>>,
    /// What [`startup_grace`] says of every start but the first.
    restart_grace: Span,
    /// The world's tokens of requests that are not answered yet. The node wants requests numbered in the order in which
    /// they come, and on their way one may overtake another.
    tokens: BTreeMap<RequestId, u64>,
    requests: u64,
}

/// Nodes that are not to lead first wait for so many election timeouts.
const FIRST_LEADER_HEAD_START: u64 = 10;

/// How much longer than an election timeout a node waits after a start before it campaigns; `starts` is how often it was
/// started before.
pub fn startup_grace(setup: &Setup, node: usize, starts: u64) -> Span {
    match setup.cluster.first_leader {
        // The head start is for the first leader of all.
        _ if starts > 0 => setup.timers.startup_grace,
        None => setup.timers.startup_grace,
        Some(first) if first == node => Span::ZERO,
        Some(_) => setup.nodes[node].lease.election_timeout * FIRST_LEADER_HEAD_START,
    }
}

impl LeaseNode {
    /// The processes of a setup.
    pub fn cluster(setup: &Setup) -> Vec<LeaseNode> {
        let rules = Rules::named(&setup.rules);
        let founding = Configuration::new(narrow(setup.cluster.voters), narrow(setup.learners()));
        let mut names = Names::default();
        for spec in &setup.nodes {
            names.add(&spec.name);
        }
        let nodes = setup.nodes.iter().zip((0..).map(NodeId)).enumerate();
        let process = |(place, (spec, id)): (usize, (&NodeSpec, NodeId))| {
            let startup_grace = startup_grace(setup, place, 0);
            let settings = Settings {
                lease: spec.lease,
                heartbeat: setup.timers.heartbeat,
                election_jitter: spec.election_jitter,
                startup_grace,
                first_start: spec.lease.election_timeout + startup_grace,
                request_deadline: setup.timers.request_deadline,
                log: setup.log,
            };
            LeaseNode {
                identity: Identity {
                    id,
                    names: names.clone(),
                    configuration: match founding.contains(id) {
                        true => founding.clone(),
                        false => Configuration::nobody(),
                    },
                    // Its nodes write no lines that could go astray.
                    cluster: ClusterOrigin::Nowhere,
                    incarnation: 0,
                },
                settings,
                rules,
                storage: store(setup, spec, !founding.contains(id)),
                restart_grace: self::startup_grace(setup, place, 1),
                node: None,
                tokens: BTreeMap::new(),
                requests: 0,
            }
        };
        nodes.map(process).collect()
    }

    /// The node, while the process is up.
    pub fn node(&self) -> Option<&Node<Rules>> {
        self.node.as_ref()
    }

    /// The node's Raft, while the process is up.
    pub fn raft(&self) -> Option<&Raft<Rules>> {
        self.node.as_ref().map(Node::raft)
    }

    /// A hash of what is on the node's durable disk; 0 where there is none.
    pub fn disk_hash(&self) -> u64 {
        self.storage.disk_hash()
    }

    fn running(&mut self) -> &mut Node<Rules> {
        self.node.as_mut().expect("the world gives input to processes that are up")
    }
}

/// `joins`: no configuration names it at the start.
fn store(setup: &Setup, spec: &NodeSpec, joins: bool) -> Store {
    match spec.disk.kind {
        DiskKind::Memory => Store::Memory(Box::default()),
        DiskKind::Durable => {
            let names = setup.nodes.iter().map(|node| node.name.clone()).collect();
            let membership = Membership { own: spec.name.clone(), names, joins, cluster: None };
            Store::Durable(Box::new(Durable::new(membership, spec.lease, spec.disk.unsynced)))
        }
    }
}

/// A reading that the world has taken for the node. One is taken for each input.
struct Taken(Reading);

impl Clock for Taken {
    fn read(&self) -> Reading {
        self.0
    }
}

/// The world's jitter as the node asks for it.
struct Drawn<'a>(&'a mut dyn Jitter);

impl raft::Jitter for Drawn<'_> {
    fn jitter(&mut self, most: Span) -> Span {
        self.0.jitter(most)
    }
}

impl Process for LeaseNode {
    type Message = Message;
    type Note = Note;
    type Order = Order;

    fn message_kind(message: &Message) -> &str {
        message.kind()
    }

    fn note_word(note: &Note) -> Option<&'static str> {
        note::awaited_as(note)
    }

    fn elected_in(note: &Note) -> Option<u64> {
        note::elected_in(note)
    }

    fn recover(&mut self, faults: DiskFaults) -> Result<Recovery, String> {
        self.storage.recover(faults)
    }

    fn start(&mut self, now: Reading, jitter: &mut dyn Jitter) {
        let recovered = self.storage.found();
        let (identity, settings) = (self.identity.clone(), self.settings);
        self.node =
            Some(Node::start(identity, settings, self.rules, recovered, &Taken(now), &mut Drawn(jitter)));
    }

    fn has_disk(&self) -> bool {
        matches!(self.storage, Store::Durable(_))
    }

    fn begin_sync(&mut self) -> bool {
        match &mut self.storage {
            Store::Memory(_) => false,
            Store::Durable(durable) => durable.begin_sync(),
        }
    }

    fn end_sync(&mut self, faults: DiskFaults) -> SyncEnd {
        match &mut self.storage {
            Store::Memory(_) => SyncEnd::Failed("a model of a disk has no syncs of its own".to_owned()),
            Store::Durable(durable) => durable.end_sync(faults),
        }
    }

    fn corrupt(&mut self, chance: &mut dyn DiskChance) -> Option<String> {
        self.storage.corrupt(chance)
    }

    fn crash(&mut self, chance: &mut dyn DiskChance) {
        self.storage.crash(chance);
        self.node = None;
        self.tokens.clear();
        self.identity.incarnation += 1;
        self.settings.startup_grace = self.restart_grace;
        self.settings.first_start = self.settings.lease.election_timeout + self.restart_grace;
    }

    #[inline]
    fn handle(&mut self, now: Reading, jitter: &mut dyn Jitter, input: ProcessInput<Message, Order>) {
        let input = match input {
            ProcessInput::Message { from, message } => Input::Message { from: NodeId(narrow(from)), message },
            ProcessInput::Request { token, request } => {
                let number = RequestId(self.requests);
                self.requests += 1;
                self.tokens.insert(number, token);
                Input::Request { request: number, operation: operation(request) }
            }
            ProcessInput::Wakeup => Input::Wakeup,
            ProcessInput::Synced { ticket } => {
                self.storage.synced(ticket);
                Input::Persisted { ticket }
            }
            ProcessInput::StorageFull => Input::StorageFull,
            ProcessInput::Order(Order::Apply { lengths }) => Input::ProposeLengths(lengths),
            ProcessInput::Order(Order::Member { change, node }) => {
                let node = self.identity.names.name(NodeId(narrow(node))).clone();
                Input::ProposeChange(MembershipChange { action: change, node })
            }
            ProcessInput::Order(Order::Transfer { to }) => {
                Input::TransferLeadership { to: NodeId(narrow(to)) }
            }
        };
        self.running().handle(&Taken(now), &mut Drawn(jitter), input);
    }

    #[inline]
    fn poll_effect(&mut self) -> Option<Effect<Message, Note>> {
        loop {
            // Each arm makes the effect in its place: a message is large, and goes this way more often than any other.
            match self.running().poll_output()? {
                Output::Send { to, message } => return Some(Effect::Send { to: to.index(), message }),
                Output::Reply { request, answer } => {
                    let token = self.tokens.remove(&request).expect("a request is answered once");
                    return Some(Effect::Reply { token, reply: reply(&answer) });
                }
                Output::Persist(write) => {
                    let ticket = write.ticket;
                    self.storage.write(write);
                    return Some(Effect::Write { ticket });
                }
                Output::HandoverEnded { .. } => {
                    unreachable!("a fault asks for a transfer, and waits for nothing")
                }
                // Seen in the messages that follow from them.
                Output::Note(Note::LengthsInForce { .. } | Note::PromiseDiffers { .. }) => {}
                Output::Note(note) => return Some(Effect::Note(note)),
            }
        }
    }

    fn alarms(&self, mut each: impl FnMut(Alarm)) {
        if let Some(node) = &self.node {
            for (_, alarm) in node.timers().iter() {
                each(alarm);
            }
        }
    }

    fn take_hastened(&mut self) -> bool {
        self.node.as_mut().is_some_and(Node::take_hastened)
    }
}

impl Hosted for LeaseNode {
    #[inline]
    fn node(&self) -> Option<&Node<Rules>> {
        self.node.as_ref()
    }

    fn has_in_log(&self, request: &Request) -> bool {
        let (Some(node), Operation::Update(wanted)) = (&self.node, operation(*request)) else {
            return true;
        };
        let log = node.raft().log();
        let entry = |index| log.entry(raft::Index(index)).map(|entry| &entry.payload);
        let is_wanted = |payload: Option<&Payload>| {
            payload.is_none_or(|payload| *payload == Payload::Command(wanted.clone()))
        };
        (1..=log.last_index().0).any(|index| is_wanted(entry(index)))
    }

    #[inline]
    fn as_raft(message: &Message) -> Option<&raft::Message> {
        match message {
            Message::Raft(message) => Some(message),
            _ => None,
        }
    }
}

fn narrow(place: usize) -> u16 {
    u16::try_from(place).expect("a setup has at most a thousand nodes")
}

fn scalar(number: u64) -> Scalar {
    Scalar::Integer(i64::try_from(number).expect("keys and values count up from 0"))
}

fn operation(request: Request) -> Operation {
    match request {
        Request::Read { key } => Operation::Read { key: scalar(key) },
        Request::Write { key, value } => {
            Operation::Update(Command::Write { key: scalar(key), value: scalar(value) })
        }
        Request::Cas { key, from, to } => Operation::Update(Command::Cas(Box::new(Cas {
            key: scalar(key),
            // Values count up from 1, so that no key holds 0.
            from: scalar(from.unwrap_or(0)),
            to: scalar(to),
            create_if_not_exists: from.is_none(),
        }))),
    }
}

fn reply(answer: &Answer) -> Reply {
    match answer {
        Answer::Value { value, lease_valid, network_round_trips } => Reply::Value {
            value: value.as_ref().map(|value| match value {
                Scalar::Integer(value) => u64::try_from(*value).expect("values count up from 1"),
                other => panic!("a client of the simulator never wrote {other}"),
            }),
            lease: *lease_valid,
            round_trips: *network_round_trips,
        },
        Answer::Done | Answer::Configured { .. } => Reply::Done,
        Answer::Refused(refusal) => match refusal {
            Refusal::KeyMissing | Refusal::PreconditionFailed { .. } => Reply::NotSwapped,
            Refusal::NoLeader
            | Refusal::Unreachable { .. }
            | Refusal::Overloaded
            | Refusal::Superseded
            | Refusal::UnsafeLease
            | Refusal::Membership(_) => Reply::Refused,
            Refusal::TimedOut => Reply::Unknown,
        },
    }
}
