//! Nine processes that crash and start again, a clock that the test moves, and a network that the test cuts.

use std::collections::VecDeque;

use leasehold::kv::{Command, Scalar};
use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output, Refusal, RequestId};
use leasehold::raft::{
    ClusterOrigin, Configuration, LogBounds, MemberAction, Members, MembershipChange, MembershipFault, Names,
    NodeId, Note, Role, Settings,
};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::Clock;

use crate::time::{At, ByName};

pub(crate) struct Process {
    pub(crate) identity: Identity,
    pub(crate) storage: MemoryStorage,
    pub(crate) node: Option<Node<SoundRules>>,
}

pub(crate) struct Cluster {
    pub(crate) now: u64,
    pub(crate) processes: Vec<Process>,
    pub(crate) network: VecDeque<(NodeId, NodeId, Message)>,
    /// Links, one way, on which everything is lost.
    pub(crate) cut: Vec<(usize, usize)>,
    pub(crate) replies: Vec<(RequestId, Answer)>,
    pub(crate) notes: Vec<(usize, Note)>,
    pub(crate) next_request: u64,
    pub(crate) log: LogBounds,
}

/// `n1` to `n9`, of whom the first `voters` found the cluster and all others join it, if at all.
pub(crate) const NODES: u16 = 9;

impl Cluster {
    pub(crate) fn founded(voters: u16) -> Cluster {
        Cluster::founded_with(voters, LogBounds::default())
    }

    pub(crate) fn founded_with(voters: u16, log: LogBounds) -> Cluster {
        let process = |place: u16| Process {
            identity: Identity {
                id: NodeId(place),
                names: Names::numbered(NODES),
                configuration: match place < voters {
                    true => Configuration::new(voters, 0),
                    false => Configuration::nobody(),
                },
                cluster: ClusterOrigin::Nowhere,
                incarnation: 0,
            },
            storage: MemoryStorage::default(),
            node: None,
        };
        let mut cluster = Cluster {
            now: 0,
            processes: (0..NODES).map(process).collect(),
            network: VecDeque::new(),
            cut: Vec::new(),
            replies: Vec::new(),
            notes: Vec::new(),
            next_request: 0,
            log,
        };
        (0..usize::from(NODES)).for_each(|place| cluster.start(place));
        cluster.pass(7_000);
        assert!(cluster.leads(0));
        cluster
    }

    pub(crate) fn start(&mut self, place: usize) {
        let process = &mut self.processes[place];
        process.identity.incarnation += 1;
        let Ok(recovered) = process.storage.recover();
        let identity = process.identity.clone();
        let mut jitter = ByName(identity.id.0);
        let settings = Settings { log: self.log, ..Settings::default() };
        process.node =
            Some(Node::start(identity, settings, SoundRules, recovered, &At(self.now), &mut jitter));
        self.settle(place);
    }

    pub(crate) fn crash(&mut self, place: usize) {
        self.processes[place].storage.crash();
        self.processes[place].node = None;
    }

    pub(crate) fn node(&self, place: usize) -> &Node<SoundRules> {
        self.processes[place].node.as_ref().unwrap()
    }

    pub(crate) fn give(&mut self, place: usize, input: Input) {
        let Some(node) = self.processes.get_mut(place).and_then(|process| process.node.as_mut()) else {
            return;
        };
        node.handle(&At(self.now), &mut ByName(id(place).0), input);
        self.settle(place);
    }

    pub(crate) fn settle(&mut self, place: usize) {
        let process = &mut self.processes[place];
        let node = process.node.as_mut().unwrap();
        while let Some(output) = node.poll_output() {
            match output {
                Output::Send { to, message } => self.network.push_back((id(place), to, message)),
                Output::Reply { request, answer } => self.replies.push((request, answer)),
                Output::HandoverEnded { .. } => unreachable!("nobody asks for one"),
                Output::Persist(write) => {
                    process.storage.write(write);
                    let Ok(ticket) = process.storage.sync();
                    node.handle(&At(self.now), &mut ByName(id(place).0), Input::Persisted { ticket });
                }
                Output::Note(note) => self.notes.push((place, note)),
            }
        }
    }

    pub(crate) fn deliver_all(&mut self) {
        while let Some((from, to, message)) = self.network.pop_front() {
            if !self.cut.contains(&(from.index(), to.index())) {
                self.give(to.index(), Input::Message { from, message });
            }
        }
    }

    /// Nobody talks to these any more, nor they to anybody.
    pub(crate) fn isolate(&mut self, apart: &[usize]) {
        for one in 0..usize::from(NODES) {
            for other in apart.iter().copied().filter(|other| *other != one) {
                self.cut.extend([(one, other), (other, one)]);
            }
        }
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now += 1_000_000;
            (0..usize::from(NODES)).for_each(|place| self.give(place, Input::Wakeup));
            self.deliver_all();
        }
    }

    pub(crate) fn ask(&mut self, place: usize, operation: Operation) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.give(place, Input::Request { request, operation });
        request
    }

    pub(crate) fn answer(&self, request: RequestId) -> Option<&Answer> {
        self.replies.iter().find(|(answered, _)| *answered == request).map(|(_, answer)| answer)
    }

    /// Asks `place` for a change, lets everybody act on it and gives the answer.
    pub(crate) fn change(&mut self, place: usize, action: MemberAction, node: usize) -> Option<Answer> {
        let request = self.ask(place, change(action, node));
        self.deliver_all();
        self.answer(request).cloned()
    }

    pub(crate) fn grown(voters: u16, by: u16) -> Cluster {
        let mut cluster = Cluster::founded(voters);
        for place in voters..voters + by {
            for action in [MemberAction::Add, MemberAction::Promote] {
                let answer = cluster.change(0, action, usize::from(place));
                assert!(matches!(answer, Some(Answer::Configured { .. })), "{answer:?}");
                cluster.pass(1_000);
            }
        }
        cluster
    }

    pub(crate) fn write(&mut self, place: usize, value: i64) -> RequestId {
        self.ask(place, Operation::Update(Command::Write { key: key(), value: Scalar::Integer(value) }))
    }

    pub(crate) fn leads(&self, place: usize) -> bool {
        self.node(place).raft().role() == Role::Leader
    }

    pub(crate) fn members(&self, place: usize) -> (Vec<u16>, Vec<u16>) {
        let configuration = self.node(place).raft().configuration();
        let numbers = |nodes: Vec<NodeId>| nodes.iter().map(|node| node.0 + 1).collect();
        (numbers(configuration.voting_nodes().collect()), numbers(configuration.learning_nodes().collect()))
    }

    pub(crate) fn lease_runs(&self, place: usize) -> bool {
        self.node(place).raft().lease_remaining(&At(self.now).read()).is_some()
    }
}

pub(crate) fn id(place: usize) -> NodeId {
    NodeId(u16::try_from(place).unwrap())
}

pub(crate) fn name(place: usize) -> String {
    format!("n{}", place + 1)
}

pub(crate) fn key() -> Scalar {
    Scalar::Text("x".into())
}

pub(crate) fn change(action: MemberAction, place: usize) -> Operation {
    Operation::Change(MembershipChange { action, node: name(place).into() })
}

pub(crate) fn refused(fault: MembershipFault) -> Option<Answer> {
    Some(Answer::Refused(Refusal::Membership(fault)))
}

pub(crate) fn members(voters: &[&str], learners: &[&str]) -> Members {
    let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    Members { voters: names(voters), learners: names(learners) }
}

pub(crate) fn value(value: i64, lease_valid: bool) -> Answer {
    let network_round_trips = u32::from(!lease_valid);
    Answer::Value { value: Some(Scalar::Integer(value)), lease_valid, network_round_trips }
}

pub(crate) fn read() -> Operation {
    Operation::Read { key: key() }
}
