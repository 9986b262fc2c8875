//! Nodes over their real contract, a clock that the test moves, and a network that delivers in order.

use std::collections::VecDeque;

use leasehold::kv::{Command, Scalar};
use leasehold::lease::{LeaseLengths, SoundRules};
use leasehold::node::{
    Answer, HandoverOutcome, Identity, Input, Message, Node, Operation, Output, RequestId,
};
use leasehold::raft::{ClusterOrigin, Configuration, NodeId, Note, Recovered, Role, Settings};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::{Clock, Span};

use crate::time::{At, ByName};

pub(crate) struct Cluster {
    pub(crate) now: u64,
    pub(crate) nodes: Vec<(Node<SoundRules>, MemoryStorage)>,
    pub(crate) network: VecDeque<(NodeId, NodeId, Message)>,
    pub(crate) replies: Vec<(RequestId, Answer)>,
    pub(crate) handovers: Vec<HandoverOutcome>,
    pub(crate) notes: Vec<Note>,
    pub(crate) sent: usize,
    /// The node whose disk is full.
    pub(crate) full: Option<NodeId>,
    /// The node whose disk stands still.
    pub(crate) stalled: Option<NodeId>,
    /// Each sync takes so many milliseconds, on every node; and those under way, with when they end.
    pub(crate) sync_millis: u64,
    syncs: VecDeque<(u64, NodeId)>,
}

impl Cluster {
    pub(crate) fn new(voters: u16) -> Cluster {
        Cluster::with_learners(voters, 0)
    }

    pub(crate) fn with_learners(voters: u16, learners: u16) -> Cluster {
        Cluster::with_settings(Configuration::new(voters, learners), Settings::default())
    }

    pub(crate) fn with_settings(configuration: Configuration, settings: Settings) -> Cluster {
        Cluster::with_origins(configuration, settings, |_| ClusterOrigin::Nowhere)
    }

    /// Each node has the cluster's id from where `origin` says.
    pub(crate) fn with_origins(
        configuration: Configuration,
        settings: Settings,
        origin: impl Fn(NodeId) -> ClusterOrigin,
    ) -> Cluster {
        let start = |id: NodeId| {
            let mut identity = Identity::numbered(id, configuration.clone(), 1);
            identity.cluster = origin(id);
            let mut storage = MemoryStorage::default();
            let Ok(recovered) = storage.recover();
            let node = Node::start(identity, settings, SoundRules, recovered, &At(0), &mut ByName(id.0));
            (node, storage)
        };
        let nodes = configuration.nodes().map(start).collect();
        let mut cluster = Cluster {
            now: 0,
            nodes,
            network: VecDeque::new(),
            replies: Vec::new(),
            handovers: Vec::new(),
            notes: Vec::new(),
            sent: 0,
            full: None,
            stalled: None,
            sync_millis: 0,
            syncs: VecDeque::new(),
        };
        for id in configuration.nodes() {
            cluster.settle(id);
        }
        cluster
    }

    pub(crate) fn give(&mut self, to: NodeId, input: Input) {
        self.nodes[to.index()].0.handle(&At(self.now), &mut ByName(to.0), input);
        self.settle(to);
    }

    /// Carries out what a node asks for.
    pub(crate) fn settle(&mut self, id: NodeId) {
        while let Some(output) = self.nodes[id.index()].0.poll_output() {
            match output {
                Output::Send { to, message } => {
                    self.sent += 1;
                    self.network.push_back((id, to, message));
                }
                Output::Reply { request, answer } => self.replies.push((request, answer)),
                Output::HandoverEnded { outcome, .. } => self.handovers.push(outcome),
                Output::Persist(write) if self.full == Some(id) => {
                    self.nodes[id.index()].1.write(write);
                    self.give(id, Input::StorageFull);
                }
                Output::Persist(write) if self.stalled == Some(id) => {
                    self.nodes[id.index()].1.write(write);
                }
                Output::Persist(write) if self.sync_millis > 0 => {
                    self.nodes[id.index()].1.write(write);
                    self.syncs.push_back((self.now + self.sync_millis * 1_000_000, id));
                }
                Output::Persist(write) => {
                    let (node, storage) = &mut self.nodes[id.index()];
                    storage.write(write);
                    let Ok(ticket) = storage.sync();
                    node.handle(&At(self.now), &mut ByName(id.0), Input::Persisted { ticket });
                }
                Output::Note(note) => self.notes.push(note),
            }
        }
    }

    /// The full disk has room again, or the stalled one goes on: what was under way is synced.
    pub(crate) fn room_again(&mut self) {
        let id = self.full.take().or(self.stalled.take()).unwrap();
        self.sync(id);
    }

    fn sync(&mut self, id: NodeId) {
        let (node, storage) = &mut self.nodes[id.index()];
        let Ok(ticket) = storage.sync();
        node.handle(&At(self.now), &mut ByName(id.0), Input::Persisted { ticket });
        self.settle(id);
    }

    pub(crate) fn deliver_all(&mut self) {
        while let Some((from, to, message)) = self.network.pop_front() {
            self.give(to, Input::Message { from, message });
        }
    }

    /// Delivers what is under way now, and nothing that comes of it: one message's delay.
    pub(crate) fn deliver_hop(&mut self) {
        for (from, to, message) in std::mem::take(&mut self.network) {
            self.give(to, Input::Message { from, message });
        }
    }

    pub(crate) fn hand_over(&mut self, leader: usize, to: Option<usize>) {
        self.give(id(leader), Input::Handover { request: RequestId(99), to: to.map(id) });
    }

    pub(crate) fn leads(&self, node: usize) -> bool {
        self.nodes[node].0.raft().role() == Role::Leader
    }

    /// Lets time pass, millisecond by millisecond.
    pub(crate) fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now += 1_000_000;
            while self.syncs.front().is_some_and(|(due, _)| *due <= self.now) {
                let (_, synced) = self.syncs.pop_front().unwrap();
                self.sync(synced);
            }
            for place in 0..self.nodes.len() {
                self.give(id(place), Input::Wakeup);
            }
            self.deliver_all();
        }
    }

    /// Lets time pass; whatever is sent to or by one node is lost.
    pub(crate) fn pass_without(&mut self, down: usize, millis: u64) {
        for _ in 0..millis {
            self.now += 1_000_000;
            for place in (0..self.nodes.len()).filter(|place| *place != down) {
                self.give(id(place), Input::Wakeup);
            }
            while let Some((from, to, message)) = self.network.pop_front() {
                if from != id(down) && to != id(down) {
                    self.give(to, Input::Message { from, message });
                }
            }
        }
    }

    pub(crate) fn ask(&mut self, node: usize, number: u64, operation: Operation) {
        self.give(id(node), Input::Request { request: RequestId(number), operation });
    }

    pub(crate) fn answer(&self, number: u64) -> Option<&Answer> {
        self.replies.iter().find(|(request, _)| *request == RequestId(number)).map(|(_, answer)| answer)
    }

    pub(crate) fn elected() -> Cluster {
        let mut cluster = Cluster::new(3);
        cluster.pass(6_000);
        assert_eq!(cluster.nodes[0].0.raft().role(), Role::Leader);
        cluster
    }

    pub(crate) fn remaining(&self, node: usize) -> Option<Span> {
        self.nodes[node].0.status(&At(self.now).read()).lease_remaining
    }

    pub(crate) fn longest_promise(&mut self, node: usize) -> Span {
        let Ok(Recovered { hard_state, .. }) = self.nodes[node].1.recover();
        hard_state.longest_promise
    }
}

pub(crate) fn id(place: usize) -> NodeId {
    NodeId(u16::try_from(place).unwrap())
}

pub(crate) fn write(value: i64) -> Operation {
    Operation::Update(Command::Write { key: key(), value: Scalar::Integer(value) })
}

pub(crate) fn read() -> Operation {
    Operation::Read { key: key() }
}

pub(crate) fn key() -> Scalar {
    Scalar::Text("x".into())
}

pub(crate) fn value(value: i64, lease_valid: bool, network_round_trips: u32) -> Answer {
    Answer::Value { value: Some(Scalar::Integer(value)), lease_valid, network_round_trips }
}

pub(crate) fn lengths(d: u64, t: u64, s: u64) -> LeaseLengths {
    LeaseLengths {
        duration: Span::millis(d),
        election_timeout: Span::millis(t),
        max_clock_skew: Span::millis(s),
    }
}
