//! The node over its real contract: three of them, a clock that the test moves, and a network that delivers in order.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::VecDeque;

use leasehold::kv::{Command, Scalar};
use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output, Refusal, RequestId};
use leasehold::raft::{Configuration, Jitter, NodeId, Role, Settings};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::{Clock, Nanos, Reading, Span, Stamp};

struct At(u64);

impl Clock for At {
    fn read(&self) -> Reading {
        Reading { stamp: Stamp::new(Nanos(self.0), Nanos(self.0)), wall: None }
    }
}

/// Candidates never collide: each waits for as long as its name says.
struct ByName(u16);

impl Jitter for ByName {
    fn jitter(&mut self, _most: Span) -> Span {
        Span::millis(u64::from(self.0))
    }
}

struct Cluster {
    now: u64,
    nodes: Vec<(Node<SoundRules>, MemoryStorage)>,
    network: VecDeque<(NodeId, NodeId, Message)>,
    replies: Vec<(RequestId, Answer)>,
    sent: usize,
}

impl Cluster {
    fn new(voters: u16) -> Cluster {
        let configuration = Configuration::new(voters, 0);
        let start = |id: NodeId| {
            let identity = Identity { id, configuration, incarnation: 1 };
            let mut storage = MemoryStorage::default();
            let Ok(recovered) = storage.recover();
            let settings = Settings::default();
            let node = Node::start(identity, settings, SoundRules, recovered, &At(0), &mut ByName(id.0));
            (node, storage)
        };
        let nodes = configuration.nodes().map(start).collect();
        let mut cluster = Cluster { now: 0, nodes, network: VecDeque::new(), replies: Vec::new(), sent: 0 };
        for id in configuration.nodes() {
            cluster.settle(id);
        }
        cluster
    }

    fn give(&mut self, to: NodeId, input: Input) {
        self.nodes[to.index()].0.handle(&At(self.now), &mut ByName(to.0), input);
        self.settle(to);
    }

    /// Carries out what a node asks for.
    fn settle(&mut self, id: NodeId) {
        while let Some(output) = self.nodes[id.index()].0.poll_output() {
            match output {
                Output::Send { to, message } => {
                    self.sent += 1;
                    self.network.push_back((id, to, message));
                }
                Output::Reply { request, answer } => self.replies.push((request, answer)),
                Output::Persist(write) => {
                    let (node, storage) = &mut self.nodes[id.index()];
                    storage.write(write);
                    let Ok(ticket) = storage.sync();
                    node.handle(&At(self.now), &mut ByName(id.0), Input::Persisted { ticket });
                }
                Output::Note(_) => {}
            }
        }
    }

    fn deliver_all(&mut self) {
        while let Some((from, to, message)) = self.network.pop_front() {
            self.give(to, Input::Message { from, message });
        }
    }

    /// Lets time pass, millisecond by millisecond.
    fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now += 1_000_000;
            for place in 0..self.nodes.len() {
                self.give(id(place), Input::Wakeup);
            }
            self.deliver_all();
        }
    }

    fn ask(&mut self, node: usize, number: u64, operation: Operation) {
        self.give(id(node), Input::Request { request: RequestId(number), operation });
    }

    fn answer(&self, number: u64) -> Option<&Answer> {
        self.replies.iter().find(|(request, _)| *request == RequestId(number)).map(|(_, answer)| answer)
    }

    fn elected() -> Cluster {
        let mut cluster = Cluster::new(3);
        cluster.pass(6_000);
        assert_eq!(cluster.nodes[0].0.raft().role(), Role::Leader);
        cluster
    }
}

fn id(place: usize) -> NodeId {
    NodeId(u16::try_from(place).unwrap())
}

fn write(value: i64) -> Operation {
    Operation::Update(Command::Write { key: key(), value: Scalar::Integer(value) })
}

fn read() -> Operation {
    Operation::Read { key: key() }
}

fn key() -> Scalar {
    Scalar::Text("x".into())
}

fn value(value: i64, lease_valid: bool, network_round_trips: u32) -> Answer {
    Answer::Value { value: Some(Scalar::Integer(value)), lease_valid, network_round_trips }
}

#[test]
fn a_lease_read_sends_nothing_and_waits_for_nothing() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(42));
    cluster.deliver_all();
    let sent = cluster.sent;
    for number in 2..1_000 {
        cluster.ask(0, number, read());
        assert_eq!(cluster.answer(number), Some(&value(42, true, 0)));
    }
    assert_eq!(cluster.sent, sent, "998 lease reads, no message");
}

#[test]
fn a_lapsed_lease_costs_one_round_trip() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(42));
    cluster.deliver_all();
    // Nobody wakes anybody for 2.5 s: the leader's lease is over, and nobody else may campaign yet.
    cluster.now += 2_500_000_000;
    cluster.ask(0, 2, read());
    assert_eq!(cluster.answer(2), None, "it asks a quorum first");
    cluster.deliver_all();
    assert_eq!(cluster.answer(2), Some(&value(42, false, 1)));
    cluster.ask(0, 3, read());
    assert_eq!(cluster.answer(3), Some(&value(42, true, 0)), "that round was a lease");
}

#[test]
fn a_request_to_a_follower_is_answered_through_it_and_counts_its_trip() {
    let mut cluster = Cluster::elected();
    cluster.ask(2, 1, write(7));
    cluster.deliver_all();
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
    cluster.ask(1, 2, read());
    cluster.deliver_all();
    assert_eq!(cluster.answer(2), Some(&value(7, true, 1)));
}

#[test]
fn a_forwarded_write_is_executed_once_however_often_it_arrives() {
    let mut cluster = Cluster::elected();
    cluster.ask(1, 1, write(1));
    let (from, to, forward) = cluster.network.front().cloned().unwrap();
    assert!(matches!(forward, Message::Forward(_)));
    cluster.deliver_all();
    cluster.ask(0, 2, write(2));
    cluster.deliver_all();
    for _ in 0..3 {
        cluster.give(to, Input::Message { from, message: forward.clone() });
        cluster.deliver_all();
    }
    cluster.ask(0, 3, read());
    assert_eq!(cluster.answer(3), Some(&value(2, true, 0)), "the duplicates changed nothing");
}

#[test]
fn a_leader_alone_is_no_majority_and_says_so_in_the_end() {
    let mut cluster = Cluster::new(3);
    cluster.ask(0, 1, read());
    cluster.ask(0, 2, write(1));
    for _ in 0..6_100 {
        cluster.now += 1_000_000;
        cluster.give(id(0), Input::Wakeup);
        cluster.network.clear();
    }
    for number in [1, 2] {
        assert_eq!(cluster.answer(number), Some(&Answer::Refused(Refusal::NoLeader)));
    }
}

#[test]
fn an_update_that_may_be_in_a_log_is_never_refused() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(1));
    cluster.network.clear();
    for _ in 0..6_100 {
        cluster.now += 1_000_000;
        cluster.give(id(0), Input::Wakeup);
        cluster.network.clear();
    }
    assert_eq!(cluster.answer(1), Some(&Answer::Refused(Refusal::TimedOut)), "nobody knows");
    assert_eq!(cluster.nodes[0].0.raft().role(), Role::Follower, "it has not heard from a quorum");
}

#[test]
fn a_transfer_ends_the_lease_before_the_successor_is_told() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(1));
    cluster.deliver_all();
    cluster.give(id(0), Input::TransferLeadership { to: id(2) });
    cluster.ask(0, 2, read());
    assert_eq!(cluster.answer(2), None, "no read under the lease any more");
    cluster.deliver_all();
    assert_eq!(cluster.nodes[2].0.raft().role(), Role::Leader);
    // The old leader stepped down before a quorum had confirmed it: the read went on to the successor, which had no lease
    // yet either.
    assert_eq!(cluster.answer(2), Some(&value(1, false, 2)));
}

#[test]
fn a_single_voter_leads_at_once() {
    let mut cluster = Cluster::new(1);
    cluster.ask(0, 1, write(5));
    cluster.ask(0, 2, read());
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
    assert_eq!(cluster.answer(2), Some(&value(5, true, 0)));
}

#[test]
fn a_single_voter_that_has_slept_still_leads() {
    let mut cluster = Cluster::new(1);
    cluster.ask(0, 1, write(5));
    cluster.now += 60_000_000_000;
    cluster.give(id(0), Input::Wakeup);
    cluster.ask(0, 2, read());
    assert_eq!(cluster.answer(2), Some(&value(5, true, 0)));
}

#[test]
fn a_forward_that_is_refused_late_goes_on_to_the_leader_there_is_now() {
    let mut cluster = Cluster::elected();
    cluster.ask(1, 1, write(1));
    let (from, to, forward) = cluster.network.pop_front().unwrap();
    assert!(matches!(forward, Message::Forward(_)));
    cluster.give(id(0), Input::TransferLeadership { to: id(2) });
    cluster.deliver_all();
    assert_eq!(
        cluster.nodes[1].0.raft().leader(),
        Some(id(2)),
        "the new leader is known before the refusal comes"
    );
    assert_eq!(cluster.answer(1), None);
    cluster.give(to, Input::Message { from, message: forward });
    cluster.deliver_all();
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
}
