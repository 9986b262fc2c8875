//! The node over its real contract: three of them, a clock that the test moves, and a network that delivers in order.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "node/bad_peers.rs"]
mod bad_peers;
#[path = "node/compaction.rs"]
mod compaction;
#[path = "node/length_changes.rs"]
mod length_changes;

#[path = "node_support/time.rs"]
#[allow(dead_code, unreachable_pub, reason = "each uses what it needs of it")]
mod time;

use std::collections::VecDeque;

use leasehold::kv::{Command, Scalar};
use leasehold::lease::{LeaseLengths, SoundRules};
use leasehold::node::{
    Answer, Forward, ForwardAnswer, HandoverOutcome, Identity, Input, Message, Node, Operation, Output,
    Refusal, RequestId,
};
use leasehold::raft::{self, Append, Configuration, Index, NodeId, Note, Recovered, Role, Settings, Term};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::{Clock, Span};
use time::{At, ByName};

struct Cluster {
    now: u64,
    nodes: Vec<(Node<SoundRules>, MemoryStorage)>,
    network: VecDeque<(NodeId, NodeId, Message)>,
    replies: Vec<(RequestId, Answer)>,
    handovers: Vec<HandoverOutcome>,
    notes: Vec<Note>,
    sent: usize,
    /// The node whose disk is full.
    full: Option<NodeId>,
    /// The node whose disk stands still.
    stalled: Option<NodeId>,
}

impl Cluster {
    fn new(voters: u16) -> Cluster {
        Cluster::with_learners(voters, 0)
    }

    fn with_learners(voters: u16, learners: u16) -> Cluster {
        Cluster::with_settings(Configuration::new(voters, learners), Settings::default())
    }

    fn with_settings(configuration: Configuration, settings: Settings) -> Cluster {
        let start = |id: NodeId| {
            let identity = Identity::numbered(id, configuration.clone(), 1);
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
        };
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
                Output::HandoverEnded { outcome, .. } => self.handovers.push(outcome),
                Output::Persist(write) if self.full == Some(id) => {
                    self.nodes[id.index()].1.write(write);
                    self.give(id, Input::StorageFull);
                }
                Output::Persist(write) if self.stalled == Some(id) => {
                    self.nodes[id.index()].1.write(write);
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
    fn room_again(&mut self) {
        let id = self.full.take().or(self.stalled.take()).unwrap();
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

    /// Delivers what is under way now, and nothing that comes of it: one message's delay.
    fn deliver_hop(&mut self) {
        for (from, to, message) in std::mem::take(&mut self.network) {
            self.give(to, Input::Message { from, message });
        }
    }

    fn hand_over(&mut self, leader: usize, to: Option<usize>) {
        self.give(id(leader), Input::Handover { request: RequestId(99), to: to.map(id) });
    }

    fn leads(&self, node: usize) -> bool {
        self.nodes[node].0.raft().role() == Role::Leader
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

    /// Lets time pass; whatever is sent to or by one node is lost.
    fn pass_without(&mut self, down: usize, millis: u64) {
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

fn lengths(d: u64, t: u64, s: u64) -> LeaseLengths {
    LeaseLengths {
        duration: Span::millis(d),
        election_timeout: Span::millis(t),
        max_clock_skew: Span::millis(s),
    }
}

impl Cluster {
    fn remaining(&self, node: usize) -> Option<Span> {
        self.nodes[node].0.status(&At(self.now).read()).lease_remaining
    }

    fn longest_promise(&mut self, node: usize) -> Span {
        let Ok(Recovered { hard_state, .. }) = self.nodes[node].1.recover();
        hard_state.longest_promise
    }
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
fn an_answer_that_is_there_at_once_can_be_taken_at_once() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(7));
    cluster.deliver_all();
    let now = At(cluster.now);
    let (leader, _) = &mut cluster.nodes[0];
    let mut ask = |number, operation| {
        let request = RequestId(number);
        leader.handle(&now, &mut ByName(0), Input::Request { request, operation });
        leader.take_answer(request)
    };
    assert_eq!(ask(2, read()), Some(value(7, true, 0)));
    assert_eq!(ask(3, write(8)), None, "it is not there yet");
    assert_eq!(leader.take_answer(RequestId(2)), None, "taken once");
    leader.handle(&now, &mut ByName(0), Input::Request { request: RequestId(4), operation: read() });
    assert_eq!(leader.take_answer(RequestId(3)), None, "another one's");
    cluster.settle(id(0));
    cluster.deliver_all();
    let answers: Vec<u64> = cluster.replies.iter().map(|(request, _)| request.0).collect();
    assert_eq!(answers, [1, 4, 3], "what was not taken comes out, and nothing else");
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

#[test]
fn a_leader_whose_disk_is_not_needed_leads_on_while_it_stalls() {
    let mut cluster = Cluster::elected();
    cluster.stalled = Some(id(0));
    for number in 1..=20 {
        cluster.ask(0, number, write(1));
        cluster.pass(1_000);
        cluster.ask(0, 100 + number, read());
        assert_eq!(cluster.answer(number), Some(&Answer::Done));
        assert_eq!(cluster.answer(100 + number), Some(&value(1, true, 0)));
    }
}

#[test]
fn a_leader_whose_disk_is_needed_and_stalls_reads_no_longer_than_its_lease_and_steps_down() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(1));
    cluster.pass_without(2, 600);
    cluster.stalled = Some(id(0));
    // Nothing is under way to the disk: it may stand still for as long as it likes.
    cluster.pass_without(2, 10_000);
    cluster.ask(0, 2, read());
    assert_eq!(cluster.answer(2), Some(&value(1, true, 0)));

    cluster.ask(0, 3, write(2));
    cluster.pass_without(2, 1_900);
    cluster.ask(0, 4, read());
    assert_eq!(cluster.answer(4), Some(&value(1, true, 0)), "a sync that is shorter than the lease is borne");
    cluster.pass_without(2, 600);
    cluster.ask(0, 5, read());
    cluster.pass_without(2, 1_900);
    assert_eq!(cluster.answer(5), None, "the other one acknowledges every round, and that is no quorum");
    cluster.pass_without(2, 700);
    assert!(!cluster.leads(0));

    cluster.room_again();
    cluster.pass_without(2, 13_000);
    cluster.ask(0, 6, read());
    cluster.pass_without(2, 10);
    let Some(Answer::Value { value: Some(found), .. }) = cluster.answer(6) else {
        panic!("{:?}", cluster.answer(6));
    };
    assert_eq!(*found, Scalar::Integer(2), "what was under way was kept, and done");
}

#[test]
fn a_single_voter_whose_disk_stalls_reads_no_longer_than_its_lease() {
    let mut cluster = Cluster::new(1);
    cluster.ask(0, 1, write(1));
    cluster.stalled = Some(id(0));
    cluster.ask(0, 2, write(2));
    cluster.pass(1_900);
    cluster.ask(0, 3, read());
    assert_eq!(cluster.answer(3), Some(&value(1, true, 0)));
    cluster.pass(1_000);
    cluster.ask(0, 4, read());
    cluster.pass(10);
    assert_eq!(cluster.answer(4), None);
    assert!(cluster.leads(0), "nobody else could");
    cluster.room_again();
    assert_eq!(cluster.answer(4), Some(&value(2, false, 0)));
    cluster.pass(600);
    cluster.ask(0, 5, read());
    assert_eq!(cluster.answer(5), Some(&value(2, true, 0)));
}

#[test]
fn a_forward_that_was_lost_is_sent_again() {
    for operation in [write(1), read()] {
        let mut cluster = Cluster::elected();
        cluster.ask(0, 1, write(1));
        cluster.deliver_all();
        cluster.ask(1, 2, operation);
        assert!(matches!(cluster.network.pop_front(), Some((_, _, Message::Forward(_)))));
        cluster.pass(900);
        assert_eq!(cluster.answer(2), None, "it might still be on its way");
        cluster.pass(1_100);
        assert!(
            matches!(cluster.answer(2), Some(Answer::Done | Answer::Value { .. })),
            "{:?}",
            cluster.answer(2)
        );
    }
}

#[test]
fn an_answer_that_was_lost_is_given_again_and_nothing_is_done_twice() {
    for operation in [write(1), read()] {
        let mut cluster = Cluster::elected();
        cluster.ask(0, 1, write(1));
        cluster.deliver_all();
        let before = cluster.nodes[0].0.raft().log().last_index();
        let update = matches!(operation, Operation::Update(_));
        cluster.ask(1, 2, operation);
        while let Some((from, to, message)) = cluster.network.pop_front() {
            if !matches!(message, Message::Answer(_)) {
                cluster.give(to, Input::Message { from, message });
            }
        }
        cluster.pass(2_000);
        assert!(
            matches!(cluster.answer(2), Some(Answer::Done | Answer::Value { .. })),
            "{:?}",
            cluster.answer(2)
        );
        let after = cluster.nodes[0].0.raft().log().last_index();
        assert_eq!(after.0, before.0 + u64::from(update), "executed once");
    }
}

#[test]
fn nothing_is_sent_again_that_is_answered_in_time() {
    let mut cluster = Cluster::elected();
    let forwards = |cluster: &Cluster| {
        cluster.network.iter().filter(|(_, _, message)| matches!(message, Message::Forward(_))).count()
    };
    for number in 1..200 {
        cluster.ask(1, number, write(1));
        assert_eq!(forwards(&cluster), 1);
        cluster.deliver_all();
        cluster.pass(20);
        assert!(cluster.answer(number).is_some());
    }
}

#[test]
fn too_many_requests_are_refused_at_once_and_the_others_kept() {
    let text = |length: usize| Scalar::Text("y".repeat(length).into());
    let large = || Operation::Update(Command::Write { key: key(), value: text(1 << 20) });
    for (operation, room) in [(read(), 16_384), (large(), 63)] {
        let mut cluster = Cluster::new(3);
        for number in 0..=room {
            cluster.ask(0, number, operation.clone());
        }
        assert_eq!(cluster.answer(room), Some(&Answer::Refused(Refusal::Overloaded)));
        assert_eq!(cluster.replies.len(), 1);
    }
}

#[test]
fn a_slow_follower_costs_bounded_memory() {
    let mut cluster = Cluster::elected();
    let text = Scalar::Text("y".repeat(1 << 20).into());
    for number in 0..40 {
        let operation = Operation::Update(Command::Write { key: key(), value: text.clone() });
        cluster.ask(0, number, operation);
    }
    let entries = |message: &Message| match message {
        Message::Raft(raft::Message::Append(append)) => {
            append.entries.as_ref().map_or(0, |entries| entries.len())
        }
        _ => 0,
    };
    let under_way = |cluster: &Cluster| -> usize {
        cluster.network.iter().filter(|(_, to, _)| *to == id(2)).map(|(_, _, message)| entries(message)).sum()
    };
    assert!((1..=5).contains(&under_way(&cluster)), "{}", under_way(&cluster));
    cluster.deliver_all();
    cluster.pass(1_000);
    assert_eq!(cluster.replies.len(), 40);
    assert_eq!(cluster.nodes[2].0.raft().log().last_index(), cluster.nodes[0].0.raft().log().last_index());
}

#[test]
fn a_single_voter_that_has_stepped_down_says_what_it_never_did() {
    let mut cluster = Cluster::with_learners(1, 1);
    cluster.full = Some(id(0));
    cluster.give(id(0), Input::StorageFull);
    let term = cluster.nodes[0].0.raft().term();
    assert_eq!(cluster.nodes[0].0.raft().role(), Role::Follower);
    let forward = Forward { incarnation: 1, sequence: 0, floor: 0, term, operation: write(1) };
    cluster.network.clear();
    cluster.give(id(0), Input::Message { from: id(1), message: Message::Forward(forward) });
    let refusal = Answer::Refused(Refusal::NoLeader);
    let answer = ForwardAnswer { incarnation: 1, sequence: 0, answer: refusal };
    assert_eq!(cluster.network.pop_front(), Some((id(0), id(1), Message::Answer(answer))));
}

#[test]
fn leadership_moves_without_a_gap_longer_than_a_round_trip() {
    let mut cluster = Cluster::elected();
    let term = cluster.nodes[0].0.raft().term();
    cluster.hand_over(0, Some(2));
    let (mut hops, mut hops_without_leader) = (0, 0);
    while !cluster.leads(2) {
        assert!(cluster.nodes[0].0.status(&At(cluster.now).read()).lease_remaining.is_none());
        cluster.deliver_hop();
        hops += 1;
        hops_without_leader += u32::from((0..3).all(|node| !cluster.leads(node)));
    }
    assert_eq!(hops, 3, "TimeoutNow, and the votes' round trip");
    assert_eq!(hops_without_leader, 1, "the votes on their way back: half a round trip");
    cluster.deliver_all();
    assert_eq!(cluster.handovers, [HandoverOutcome::Done { leader: id(2), term: term.next() }]);
    // No time has passed, and the successor has a lease.
    cluster.ask(2, 1, write(5));
    cluster.deliver_all();
    cluster.ask(2, 2, read());
    assert_eq!(cluster.answer(2), Some(&value(5, true, 0)));
}

#[test]
fn without_a_name_the_best_voter_gets_the_leadership() {
    let mut cluster = Cluster::elected();
    // Node 1 misses an entry.
    cluster.ask(0, 1, write(1));
    cluster.network.retain(|(_, to, _)| *to != id(1));
    cluster.deliver_all();
    cluster.hand_over(0, None);
    cluster.deliver_all();
    assert!(matches!(cluster.handovers[..], [HandoverOutcome::Done { leader, .. }] if leader == id(2)));
}

#[test]
fn a_transfer_to_nobody_who_answers_is_given_up_and_the_lease_goes_on() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(1));
    let cut = |cluster: &mut Cluster| cluster.network.retain(|(from, to, _)| *to != id(2) && *from != id(2));
    cut(&mut cluster);
    cluster.deliver_all();
    cluster.hand_over(0, Some(2));
    cluster.hand_over(0, Some(1));
    assert_eq!(cluster.handovers, [HandoverOutcome::Busy]);
    for _ in 0..6_000 {
        cluster.now += 1_000_000;
        for place in 0..2 {
            cluster.give(id(place), Input::Wakeup);
        }
        while !cluster.network.is_empty() {
            cut(&mut cluster);
            cluster.deliver_hop();
        }
    }
    assert_eq!(cluster.handovers[1..], [HandoverOutcome::GivenUp]);
    cluster.ask(0, 2, read());
    assert_eq!(cluster.answer(2), Some(&value(1, true, 0)));
}

#[test]
fn a_transfer_whose_message_is_lost_leaves_a_leader_without_a_lease_and_says_that_it_does_not_know() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(1));
    cluster.deliver_all();
    cluster.hand_over(0, Some(2));
    cluster.network.clear();
    cluster.pass(6_000);
    assert_eq!(cluster.handovers, [HandoverOutcome::Unknown]);
    cluster.ask(0, 2, read());
    assert_eq!(cluster.answer(2), None, "no lease in this term");
    cluster.deliver_all();
    assert_eq!(cluster.answer(2), Some(&value(1, false, 1)));
}

#[test]
fn only_the_leader_hands_over() {
    let mut cluster = Cluster::elected();
    cluster.hand_over(1, Some(2));
    assert_eq!(cluster.handovers, [HandoverOutcome::NotLeader { leader: Some(id(0)) }]);
}

#[test]
fn a_leaders_status_tells_who_lags_and_for_how_long_it_was_not_heard() {
    let mut cluster = Cluster::elected();
    cluster.pass(20);
    cluster.ask(0, 1, write(1));
    cluster.network.retain(|(_, to, _)| *to != id(2));
    cluster.deliver_all();
    cluster.now += 7_000_000;
    let status = cluster.nodes[0].0.status(&At(cluster.now).read());
    assert_eq!((status.commit.0, status.applied.0, status.last_index.0), (2, 2, 2));
    let [current, late] = status.peers[..] else { panic!("two others: {status:?}") };
    assert_eq!((current.node, current.match_index.0), (id(1), 2));
    assert_eq!(current.acknowledged, Some(Span::millis(7)));
    assert_eq!((late.node, late.match_index.0), (id(2), 1));
    assert_eq!(late.acknowledged, Some(Span::millis(27)));
    assert!(status.lease_remaining <= Some(Span::millis(2_493)), "{status:?}");
    let follower = cluster.nodes[1].0.status(&At(cluster.now).read());
    assert_eq!((follower.leader, follower.peers.len(), follower.lease_remaining), (Some(id(0)), 0, None));
}
