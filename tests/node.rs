//! The node over its real contract: three of them, a clock that the test moves, and a network that delivers in order.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::VecDeque;

use leasehold::kv::{Command, Scalar};
use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output, Refusal, RequestId};
use leasehold::raft::{
    self, Configuration, Index, Jitter, LogBounds, NodeId, Position, Received, Role, Settings, SnapshotChunk,
    SnapshotReply, Term,
};
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
    /// The node whose disk is full.
    full: Option<NodeId>,
}

impl Cluster {
    fn new(voters: u16) -> Cluster {
        Cluster::with(voters, Settings::default())
    }

    fn with(voters: u16, settings: Settings) -> Cluster {
        let configuration = Configuration::new(voters, 0);
        let start = |id: NodeId| {
            let identity = Identity { id, configuration, incarnation: 1 };
            let mut storage = MemoryStorage::default();
            let Ok(recovered) = storage.recover();
            let node = Node::start(identity, settings, SoundRules, recovered, &At(0), &mut ByName(id.0));
            (node, storage)
        };
        let nodes = configuration.nodes().map(start).collect();
        let mut cluster =
            Cluster { now: 0, nodes, network: VecDeque::new(), replies: Vec::new(), sent: 0, full: None };
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
                Output::Persist(write) if self.full == Some(id) => {
                    self.nodes[id.index()].1.write(write);
                    self.give(id, Input::StorageFull);
                }
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

    /// The full disk has room again: what was under way is synced.
    fn room_again(&mut self) {
        let id = self.full.take().unwrap();
        let (node, storage) = &mut self.nodes[id.index()];
        let Ok(ticket) = storage.sync();
        node.handle(&At(self.now), &mut ByName(id.0), Input::Persisted { ticket });
        self.settle(id);
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

    /// A cluster whose logs are short and whose snapshots come in many messages.
    fn compacting() -> Cluster {
        let log = LogBounds { entries_max: 16, chunk_bytes_max: 200, ..LogBounds::default() };
        let mut cluster = Cluster::with(3, Settings { log, ..Settings::default() });
        cluster.pass(6_000);
        cluster
    }

    /// Node 0 sets keys and everybody but `without` hears of it.
    fn fill(&mut self, without: NodeId, numbers: std::ops::Range<i64>) {
        for number in numbers {
            let (key, value) = (Scalar::Integer(number % 40), Scalar::Integer(number));
            self.ask(0, u64::try_from(number).unwrap(), Operation::Update(Command::Write { key, value }));
            while let Some((from, to, message)) = self.network.pop_front() {
                if from != without && to != without {
                    self.give(to, Input::Message { from, message });
                }
            }
        }
    }

    /// The process of a node ends and starts again with what its storage holds.
    fn restart(&mut self, id: NodeId) {
        let (node, storage) = &mut self.nodes[id.index()];
        storage.crash();
        let Ok(recovered) = storage.recover();
        let identity = Identity { id, configuration: node.raft().configuration(), incarnation: 2 };
        let settings = *node.raft().settings();
        *node = Node::start(identity, settings, SoundRules, recovered, &At(self.now), &mut ByName(id.0));
        self.settle(id);
    }

    /// Delivers what `fate` makes of each message: none of it, one, or several.
    fn deliver(&mut self, mut fate: impl FnMut(&Message) -> usize) {
        while let Some((from, to, message)) = self.network.pop_front() {
            for _ in 0..fate(&message) {
                self.give(to, Input::Message { from, message: message.clone() });
            }
        }
    }

    fn assert_equal(&self) {
        let (leader, _) = &self.nodes[0];
        for (node, storage) in &self.nodes {
            assert!(node.raft().log().len() <= 16 + 4, "bounded: {}", node.raft().log().len());
            assert_eq!(node.applied(), leader.applied());
            assert!(node.state() == leader.state());
            let Ok(recovered) = storage.clone().recover();
            assert_eq!(recovered.log.last_index(), leader.raft().log().last_index());
        }
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

#[test]
fn a_leader_whose_disk_is_full_makes_room_for_another_and_comes_back() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(1));
    cluster.deliver_all();
    cluster.full = Some(id(0));
    cluster.ask(0, 2, write(2));
    assert_eq!(cluster.nodes[0].0.raft().role(), Role::Follower);
    assert_eq!(cluster.nodes[0].0.raft().lease(), None);
    cluster.ask(0, 3, read());
    assert_eq!(cluster.answer(3), None, "no read under a lease that was given up");
    cluster.pass(12_000);
    assert!(cluster.nodes[1..].iter().any(|(node, _)| node.raft().role() == Role::Leader));
    assert_eq!(cluster.nodes[0].0.raft().role(), Role::Follower, "it could not store its own vote");
    cluster.ask(1, 4, write(4));
    cluster.ask(0, 5, write(5));
    cluster.deliver_all();
    assert_eq!(cluster.answer(4), Some(&Answer::Done), "the others go on");
    assert_eq!(cluster.answer(5), Some(&Answer::Done), "and take what the full node's clients ask for");

    cluster.room_again();
    cluster.pass(1_000);
    let (node, leader) = (cluster.nodes[0].0.raft(), cluster.nodes[1].0.raft());
    assert_eq!((node.log().last_index(), node.term()), (leader.log().last_index(), leader.term()));
    assert_eq!(node.commit(), leader.commit(), "it has caught up");
}

#[test]
fn a_single_voter_whose_disk_was_full_leads_again_when_there_is_room() {
    let mut cluster = Cluster::new(1);
    cluster.ask(0, 1, write(1));
    cluster.full = Some(id(0));
    cluster.ask(0, 2, write(2));
    cluster.ask(0, 3, read());
    cluster.pass(5_900);
    assert_eq!((cluster.answer(2), cluster.answer(3)), (None, None));
    cluster.pass(200);
    assert_eq!(cluster.answer(2), Some(&Answer::Refused(Refusal::TimedOut)), "it may still be done");
    assert_eq!(cluster.answer(3), Some(&Answer::Refused(Refusal::NoLeader)));

    cluster.room_again();
    cluster.pass(6_000);
    cluster.ask(0, 4, read());
    assert_eq!(cluster.answer(4), Some(&value(2, true, 0)), "what was under way was kept, and done");
}

fn is_chunk(message: &Message) -> bool {
    matches!(message, Message::Raft(raft::Message::Snapshot(_)))
}

#[test]
fn a_node_that_fell_behind_the_log_gets_a_snapshot_in_chunks() {
    let mut cluster = Cluster::compacting();
    cluster.fill(id(2), 0..200);
    assert!(cluster.nodes[0].0.raft().log().base().index > cluster.nodes[2].0.raft().log().last_index());
    let mut chunks = 0;
    for _ in 0..2_000 {
        cluster.now += 1_000_000;
        for place in 0..3 {
            cluster.give(id(place), Input::Wakeup);
        }
        cluster.deliver(|message| {
            chunks += usize::from(is_chunk(message));
            1
        });
    }
    assert!(chunks >= 8, "{chunks} chunks");
    assert_eq!(cluster.nodes[0].0.raft().role(), Role::Leader, "rounds went on meanwhile");
    cluster.assert_equal();
    cluster.restart(id(2));
    assert!(cluster.nodes[2].0.state().len() > 0 && cluster.nodes[2].0.applied() > Index::ZERO);
    cluster.pass(2_000);
    cluster.fill(id(9), 200..240);
    cluster.pass(2_000);
    cluster.assert_equal();
}

#[test]
fn chunks_that_are_lost_or_come_twice_and_a_restart_in_between_cost_time_only() {
    for every in [2, 3, 5] {
        let mut cluster = Cluster::compacting();
        cluster.fill(id(2), 0..200);
        let mut count = 0;
        for round in 0..30_000 {
            cluster.now += 1_000_000;
            for place in 0..3 {
                cluster.give(id(place), Input::Wakeup);
            }
            if round == 3_000 {
                cluster.restart(id(2));
            }
            cluster.deliver(|message| {
                let snapshot = matches!(
                    message,
                    Message::Raft(raft::Message::Snapshot(_) | raft::Message::SnapshotReply(_))
                );
                count += usize::from(snapshot);
                match snapshot {
                    true if count % every == 0 => 0,
                    true if count % every == 1 => 2,
                    _ => 1,
                }
            });
        }
        cluster.assert_equal();
    }
}

#[test]
fn a_leader_that_is_replaced_in_the_middle_is_followed_by_another_snapshot() {
    let mut cluster = Cluster::compacting();
    cluster.fill(id(2), 0..200);
    let mut chunks = 0;
    while chunks < 4 {
        cluster.now += 1_000_000;
        for place in 0..3 {
            cluster.give(id(place), Input::Wakeup);
        }
        cluster.deliver(|message| {
            chunks += usize::from(is_chunk(message));
            usize::from(!is_chunk(message) || chunks < 4)
        });
    }
    cluster.restart(id(0));
    cluster.pass(20_000);
    let leader = cluster.nodes.iter().position(|(node, _)| node.raft().role() == Role::Leader).unwrap();
    let state = cluster.nodes[leader].0.state().clone();
    assert!(cluster.nodes.iter().all(|(node, _)| *node.state() == state) && state.len() == 40);
}

#[test]
fn what_is_no_part_of_the_snapshot_changes_nothing() {
    let mut cluster = Cluster::compacting();
    cluster.fill(id(9), 0..100);
    let follower = cluster.nodes[1].0.clone();
    let term = follower.raft().term();
    let pairs =
        |numbers: &[i64]| numbers.iter().map(|number| (Scalar::Integer(*number), Scalar::Null)).collect();
    let ahead = Position { index: Index(10_000), term };
    let chunk = |term, at, offset, pairs, last| SnapshotChunk { term, at, offset, pairs, last };
    let odd = [
        chunk(term, ahead, 7, pairs(&[1]), true),
        chunk(term, ahead, u64::MAX, pairs(&[1]), true),
        chunk(term, ahead, 0, pairs(&[2, 1]), true),
        chunk(term, Position { term: term.next(), ..ahead }, 0, pairs(&[1]), true),
        chunk(term, Position { term: Term(0), ..ahead }, 0, pairs(&[1]), true),
        chunk(term.next(), ahead, 0, pairs(&[1]), true),
        chunk(Term(0), ahead, 0, pairs(&[1]), true),
        chunk(term, Position { index: Index(5), term }, 0, pairs(&[1]), true),
    ];
    for chunk in odd {
        let shown = format!("{chunk:?}");
        cluster.give(
            id(1),
            Input::Message { from: id(0), message: Message::Raft(raft::Message::Snapshot(chunk)) },
        );
        let node = &cluster.nodes[1].0;
        assert!(*node.state() == *follower.state() && node.applied() == follower.applied(), "{shown}");
        assert_eq!(node.raft().term(), term, "{shown}");
    }
    for received in [Received::All, Received::Pairs(u64::MAX), Received::Pairs(0)] {
        let reply = SnapshotReply { term, index: Index(10_000), received };
        let message = Message::Raft(raft::Message::SnapshotReply(reply));
        cluster.give(id(0), Input::Message { from: id(1), message });
    }
    cluster.fill(id(9), 100..140);
    cluster.pass(2_000);
    cluster.assert_equal();
}
