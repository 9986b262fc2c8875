//! Members change while the cluster runs: the node over its real contract, a clock that the test moves, a network that the
//! test cuts, and processes that crash.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "node_support/time.rs"]
#[allow(dead_code, unreachable_pub, reason = "each uses what it needs of it")]
mod time;

use std::collections::VecDeque;

use leasehold::kv::{Command, Scalar};
use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output, Refusal, RequestId};
use leasehold::raft::{
    self, Append, AppendOutcome, AppendReply, Configuration, Entry, Index, LogBounds, MemberAction, Members,
    MembershipChange, MembershipFault, Names, NodeId, Note, Payload, Recovered, Role, Settings,
    StepDownCause, Term, VoteRequest,
};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::{Clock, Span};
use time::{At, ByName};

struct Process {
    identity: Identity,
    storage: MemoryStorage,
    node: Option<Node<SoundRules>>,
}

struct Cluster {
    now: u64,
    processes: Vec<Process>,
    network: VecDeque<(NodeId, NodeId, Message)>,
    /// Links, one way, on which everything is lost.
    cut: Vec<(usize, usize)>,
    replies: Vec<(RequestId, Answer)>,
    notes: Vec<(usize, Note)>,
    next_request: u64,
    log: LogBounds,
}

/// `n1` to `n9`, of whom the first `voters` found the cluster and all others join it, if at all.
const NODES: u16 = 9;

impl Cluster {
    fn founded(voters: u16) -> Cluster {
        Cluster::founded_with(voters, LogBounds::default())
    }

    fn founded_with(voters: u16, log: LogBounds) -> Cluster {
        let process = |place: u16| Process {
            identity: Identity {
                id: NodeId(place),
                names: Names::numbered(NODES),
                configuration: match place < voters {
                    true => Configuration::new(voters, 0),
                    false => Configuration::nobody(),
                },
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

    fn start(&mut self, place: usize) {
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

    fn crash(&mut self, place: usize) {
        self.processes[place].storage.crash();
        self.processes[place].node = None;
    }

    fn node(&self, place: usize) -> &Node<SoundRules> {
        self.processes[place].node.as_ref().unwrap()
    }

    fn give(&mut self, place: usize, input: Input) {
        let Some(node) = self.processes.get_mut(place).and_then(|process| process.node.as_mut()) else {
            return;
        };
        node.handle(&At(self.now), &mut ByName(id(place).0), input);
        self.settle(place);
    }

    fn settle(&mut self, place: usize) {
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

    fn deliver_all(&mut self) {
        while let Some((from, to, message)) = self.network.pop_front() {
            if !self.cut.contains(&(from.index(), to.index())) {
                self.give(to.index(), Input::Message { from, message });
            }
        }
    }

    /// Nobody talks to these any more, nor they to anybody.
    fn isolate(&mut self, apart: &[usize]) {
        for one in 0..usize::from(NODES) {
            for other in apart.iter().copied().filter(|other| *other != one) {
                self.cut.extend([(one, other), (other, one)]);
            }
        }
    }

    fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now += 1_000_000;
            (0..usize::from(NODES)).for_each(|place| self.give(place, Input::Wakeup));
            self.deliver_all();
        }
    }

    fn ask(&mut self, place: usize, operation: Operation) -> RequestId {
        let request = RequestId(self.next_request);
        self.next_request += 1;
        self.give(place, Input::Request { request, operation });
        request
    }

    fn answer(&self, request: RequestId) -> Option<&Answer> {
        self.replies.iter().find(|(answered, _)| *answered == request).map(|(_, answer)| answer)
    }

    /// Asks `place` for a change, lets everybody act on it and gives the answer.
    fn change(&mut self, place: usize, action: MemberAction, node: usize) -> Option<Answer> {
        let request = self.ask(place, change(action, node));
        self.deliver_all();
        self.answer(request).cloned()
    }

    fn grown(voters: u16, by: u16) -> Cluster {
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

    fn write(&mut self, place: usize, value: i64) -> RequestId {
        self.ask(place, Operation::Update(Command::Write { key: key(), value: Scalar::Integer(value) }))
    }

    fn leads(&self, place: usize) -> bool {
        self.node(place).raft().role() == Role::Leader
    }

    fn members(&self, place: usize) -> (Vec<u16>, Vec<u16>) {
        let configuration = self.node(place).raft().configuration();
        let numbers = |nodes: Vec<NodeId>| nodes.iter().map(|node| node.0 + 1).collect();
        (numbers(configuration.voting_nodes().collect()), numbers(configuration.learning_nodes().collect()))
    }

    fn lease_runs(&self, place: usize) -> bool {
        self.node(place).raft().lease_remaining(&At(self.now).read()).is_some()
    }
}

fn id(place: usize) -> NodeId {
    NodeId(u16::try_from(place).unwrap())
}

fn name(place: usize) -> String {
    format!("n{}", place + 1)
}

fn key() -> Scalar {
    Scalar::Text("x".into())
}

fn change(action: MemberAction, place: usize) -> Operation {
    Operation::Change(MembershipChange { action, node: name(place).into() })
}

fn refused(fault: MembershipFault) -> Option<Answer> {
    Some(Answer::Refused(Refusal::Membership(fault)))
}

fn members(voters: &[&str], learners: &[&str]) -> Members {
    let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    Members { voters: names(voters), learners: names(learners) }
}

fn value(value: i64, lease_valid: bool) -> Answer {
    let network_round_trips = u32::from(!lease_valid);
    Answer::Value { value: Some(Scalar::Integer(value)), lease_valid, network_round_trips }
}

fn read() -> Operation {
    Operation::Read { key: key() }
}

#[test]
fn a_node_joins_catches_up_votes_and_another_one_leaves() {
    let mut cluster = Cluster::founded(3);
    let written = cluster.write(0, 1);
    cluster.deliver_all();
    assert_eq!(cluster.answer(written), Some(&Answer::Done));
    assert_eq!(cluster.members(3), (vec![], vec![]), "n4 knows of nobody");

    // Asked at a follower, which passes it on.
    let added = cluster.change(1, MemberAction::Add, 3);
    let Some(Answer::Configured { index, members: found }) = added else { panic!("{added:?}") };
    assert_eq!((index, *found), (Index(3), members(&["n1", "n2", "n3"], &["n4"])));
    cluster.pass(1_000);
    assert_eq!(cluster.members(3), (vec![1, 2, 3], vec![4]));
    assert_eq!(cluster.node(3).state().read(&key()), Some(&Scalar::Integer(1)));

    assert!(matches!(cluster.change(0, MemberAction::Promote, 3), Some(Answer::Configured { .. })));
    cluster.pass(1_000);
    for place in 0..4 {
        assert_eq!(cluster.members(place), (vec![1, 2, 3, 4], vec![]));
    }
    assert!(matches!(cluster.change(0, MemberAction::Remove, 2), Some(Answer::Configured { .. })));
    cluster.pass(20_000);
    for place in 0..4 {
        assert_eq!(cluster.members(place), (vec![1, 2, 4], vec![]), "n3 as well has been told");
    }
    assert!(cluster.leads(0) && cluster.node(0).raft().term() == Term(1), "nobody disturbed the leader");
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let mut cluster = Cluster::founded(2);
    let refusals = [
        (MemberAction::Add, 0, MembershipFault::IsVoter),
        (MemberAction::Promote, 1, MembershipFault::IsVoter),
        (MemberAction::Promote, 4, MembershipFault::NotMember),
        (MemberAction::Remove, 4, MembershipFault::NotMember),
    ];
    for (action, node, fault) in refusals {
        assert_eq!(cluster.change(0, action, node), refused(fault), "{action:?} {node}");
    }
    cluster.change(0, MemberAction::Add, 2);
    cluster.pass(1_000);
    assert_eq!(cluster.change(0, MemberAction::Add, 2), refused(MembershipFault::IsLearner));
    cluster.change(0, MemberAction::Remove, 1);
    cluster.pass(1_000);
    assert_eq!(cluster.change(0, MemberAction::Remove, 0), refused(MembershipFault::LastVoter));
    let long: Vec<String> = (0..400).map(|number| format!("{number:0>256}")).collect();
    let mut answers = Vec::new();
    for name in long {
        let node = name.as_str().into();
        let request = cluster.ask(0, Operation::Change(MembershipChange { action: MemberAction::Add, node }));
        cluster.pass(501);
        answers.push(cluster.answer(request).cloned());
        if answers.last() == Some(&refused(MembershipFault::TooMany)) {
            break;
        }
    }
    assert_eq!(answers.pop(), Some(refused(MembershipFault::TooMany)), "names that fit into no message");
    assert!(answers.len() > 30);
}

#[test]
fn a_learner_that_has_not_caught_up_is_not_promoted() {
    let mut cluster = Cluster::founded(3);
    cluster.isolate(&[3]);
    cluster.change(0, MemberAction::Add, 3);
    cluster.pass(1_000);
    let lag = cluster.node(0).raft().log().last_index().0;
    assert_eq!(cluster.change(0, MemberAction::Promote, 3), refused(MembershipFault::Behind { lag }));
    cluster.cut.clear();
    cluster.pass(1_000);
    // It was there, and has not been heard of for an election timeout.
    cluster.isolate(&[3]);
    cluster.pass(6_000);
    assert_eq!(cluster.change(0, MemberAction::Promote, 3), refused(MembershipFault::Behind { lag: 0 }));
    cluster.cut.clear();
    cluster.pass(1_000);
    assert!(matches!(cluster.change(0, MemberAction::Promote, 3), Some(Answer::Configured { .. })));
}

#[test]
fn a_change_that_would_leave_no_majority_is_refused() {
    let mut cluster = Cluster::founded(3);
    cluster.crash(2);
    cluster.pass(6_000);
    assert_eq!(cluster.change(0, MemberAction::Remove, 1), refused(MembershipFault::NoQuorum));
    assert!(matches!(cluster.change(0, MemberAction::Remove, 2), Some(Answer::Configured { .. })));
}

#[test]
fn one_change_at_a_time() {
    let mut cluster = Cluster::founded(3);
    cluster.pass(600);
    let first = cluster.ask(0, change(MemberAction::Add, 3));
    let second = cluster.ask(0, change(MemberAction::Add, 4));
    assert_eq!(cluster.answer(second).cloned(), refused(MembershipFault::UnderWay));
    cluster.deliver_all();
    assert!(matches!(cluster.answer(first), Some(Answer::Configured { .. })));
    assert!(matches!(cluster.change(0, MemberAction::Add, 4), Some(Answer::Configured { .. })));
}

#[test]
fn a_configuration_is_in_force_from_its_append_and_gone_when_it_is_cut_off() {
    let mut cluster = Cluster::grown(3, 1);
    // n1 goes on alone: it removes n4, and the entry reaches nobody.
    cluster.isolate(&[0]);
    let lost = cluster.ask(0, change(MemberAction::Remove, 3));
    assert_eq!(cluster.members(0), (vec![1, 2, 3], vec![]), "uncommitted, and in force");
    cluster.pass(12_000);
    assert!(cluster.leads(1), "n2 is elected by three of four");
    assert_eq!(cluster.members(1), (vec![1, 2, 3, 4], vec![]));
    cluster.cut.clear();
    cluster.pass(2_000);
    assert_eq!(cluster.members(0), (vec![1, 2, 3, 4], vec![]), "what was before is back");
    assert_eq!(cluster.answer(lost), Some(&Answer::Refused(Refusal::TimedOut)), "n1 could not know");
    let Ok(Recovered { log, .. }) = cluster.processes[0].storage.recover();
    let (index, _) = (1..=log.last_index().0)
        .map(|index| (index, &log.entry(Index(index)).unwrap().payload))
        .rfind(|(_, payload)| matches!(payload, Payload::Configuration(_)))
        .unwrap();
    assert_eq!(cluster.node(0).raft().configuration_index(), Index(index));
}

#[test]
fn the_new_configurations_majority_commits_its_own_entry() {
    // Four voters need three: with only n1 and n2 the promotion of n4 must not commit.
    let mut cluster = Cluster::founded(3);
    cluster.change(0, MemberAction::Add, 3);
    cluster.pass(1_000);
    cluster.isolate(&[2, 3]);
    let promoted = cluster.ask(0, change(MemberAction::Promote, 3));
    let written = cluster.write(0, 1);
    cluster.pass(2_000);
    assert_eq!(cluster.members(0), (vec![1, 2, 3, 4], vec![]));
    assert_eq!((cluster.answer(promoted), cluster.answer(written)), (None, None));
    cluster.pass(1_000);
    assert!(!cluster.lease_runs(0), "two of four renew no lease");
}

#[test]
fn learners_count_for_nothing() {
    let mut cluster = Cluster::founded(3);
    for place in [3, 4] {
        cluster.change(0, MemberAction::Add, place);
        cluster.pass(1_000);
    }
    cluster.isolate(&[1, 2]);
    cluster.cut.retain(|(from, to)| ![(1, 2), (2, 1)].contains(&(*from, *to)));
    let written = cluster.write(0, 1);
    cluster.pass(3_000);
    assert_eq!(cluster.answer(written), None, "two learners and one voter of three commit nothing");
    assert!(!cluster.lease_runs(0));
}

#[test]
fn a_new_leader_changes_nothing_before_an_entry_of_its_own_is_committed() {
    let mut cluster = Cluster::founded(3);
    cluster.isolate(&[0]);
    // n2 is elected; its first entry is under way and acknowledged by nobody.
    while !cluster.leads(1) {
        cluster.now += 1_000_000;
        (0..3).for_each(|place| cluster.give(place, Input::Wakeup));
        for (from, to, message) in std::mem::take(&mut cluster.network) {
            let reply = matches!(message, Message::Raft(raft::Message::AppendReply(_)));
            if !reply && !cluster.cut.contains(&(from.index(), to.index())) {
                cluster.give(to.index(), Input::Message { from, message });
            }
        }
    }
    // Rounds are acknowledged, but not the entry: a quorum of the configuration in force has answered.
    let (term, round) = (cluster.node(1).raft().term(), 1);
    cluster.network.clear();
    let outcome = AppendOutcome::Accepted { matched: Index(1) };
    let reply = raft::Message::AppendReply(AppendReply { term, round, outcome });
    cluster.give(1, Input::Message { from: id(2), message: Message::Raft(reply) });
    assert!(cluster.lease_runs(1) && cluster.node(1).raft().commit() < Index(2));
    let early = cluster.ask(1, change(MemberAction::Remove, 0));
    assert_eq!(cluster.answer(early).cloned(), refused(MembershipFault::UnderWay));
    cluster.pass(1_000);
    assert!(matches!(cluster.change(1, MemberAction::Remove, 0), Some(Answer::Configured { .. })));
}

#[test]
fn the_next_change_waits_for_a_round_of_the_present_configuration() {
    let mut cluster = Cluster::founded(3);
    cluster.pass(600);
    let added = cluster.ask(0, change(MemberAction::Add, 3));
    // The entry is committed by an answer to an earlier round, which no correct node gives. The lease still rests on what
    // was acknowledged under the configuration before.
    let term = cluster.node(0).raft().term();
    let outcome = AppendOutcome::Accepted { matched: cluster.node(0).raft().configuration_index() };
    let reply = raft::Message::AppendReply(AppendReply { term, round: 1, outcome });
    cluster.give(0, Input::Message { from: id(1), message: Message::Raft(reply) });
    assert!(matches!(cluster.answer(added), Some(Answer::Configured { .. })));
    let next = cluster.ask(0, change(MemberAction::Add, 4));
    assert_eq!(cluster.answer(next).cloned(), refused(MembershipFault::UnderWay));
    cluster.deliver_all();
    assert!(matches!(cluster.change(0, MemberAction::Add, 4), Some(Answer::Configured { .. })));
}

#[test]
fn a_leader_that_is_removed_hands_over_and_keeps_no_lease() {
    let mut cluster = Cluster::founded(3);
    let written = cluster.write(0, 7);
    cluster.pass(600);
    assert_eq!(cluster.answer(written), Some(&Answer::Done));
    assert!(cluster.lease_runs(0));
    let (before, removed) = (cluster.now, cluster.ask(0, change(MemberAction::Remove, 0)));
    assert!(cluster.leads(0) && cluster.lease_runs(0), "until it is committed it goes on");
    assert_eq!(cluster.members(0), (vec![2, 3], vec![]));
    cluster.deliver_all();
    assert!(matches!(cluster.answer(removed), Some(Answer::Configured { .. })));
    assert!(!cluster.leads(0) && !cluster.lease_runs(0) && cluster.node(0).raft().lease().is_none());
    let caused = |(place, note): &(usize, Note)| {
        *place == 0 && matches!(note, Note::SteppedDown { cause: StepDownCause::Removed, .. })
    };
    assert!(cluster.notes.iter().any(caused));
    cluster.pass(10);
    assert!(cluster.leads(1) || cluster.leads(2), "nobody had to wait for an election timeout");
    assert!(cluster.now - before < 1_000_000_000);
    let leader = if cluster.leads(1) { 1 } else { 2 };
    cluster.pass(1_000);
    let reading = cluster.ask(leader, read());
    assert_eq!(cluster.answer(reading), Some(&value(7, true)));
    let term = cluster.node(leader).raft().term();
    cluster.pass(30_000);
    assert_eq!(cluster.node(leader).raft().term(), term, "n1 campaigns no more");
    // Clients of the removed node are still served, through the leader.
    let passed_on = cluster.ask(0, read());
    cluster.deliver_all();
    assert!(matches!(cluster.answer(passed_on), Some(Answer::Value { .. })));
}

#[test]
fn a_leader_that_is_removed_under_load_hands_over_all_the_same() {
    let mut cluster = Cluster::founded(3);
    cluster.pass(600);
    cluster.ask(0, change(MemberAction::Remove, 0));
    // When the removal commits the successor lacks what was written after it.
    let written = cluster.write(0, 1);
    cluster.deliver_all();
    assert!(!cluster.leads(0) && !cluster.lease_runs(0));
    assert!(matches!(cluster.answer(written), None | Some(Answer::Done)));
    cluster.pass(10);
    let leader = (1..3).find(|place| cluster.leads(*place)).expect("nobody had to wait");
    let reading = cluster.ask(leader, read());
    cluster.pass(600);
    assert!(matches!(cluster.answer(reading), Some(Answer::Value { value: Some(_), .. })), "nothing is lost");
}

#[test]
fn a_leader_that_is_removed_and_finds_no_successor_steps_down_in_the_end() {
    let mut cluster = Cluster::founded(3);
    cluster.pass(600);
    let removed = cluster.ask(0, change(MemberAction::Remove, 0));
    // Both answer once more, and nothing comes to them from then on.
    let sent = std::mem::take(&mut cluster.network);
    for (from, to, message) in sent {
        cluster.give(to.index(), Input::Message { from, message });
    }
    cluster.cut.extend([(0, 1), (0, 2)]);
    cluster.write(0, 1);
    cluster.deliver_all();
    assert!(matches!(cluster.answer(removed), Some(Answer::Configured { .. })));
    assert!(cluster.leads(0), "it tries to hand over");
    cluster.pass(5_100);
    assert!(!cluster.leads(0) && !cluster.lease_runs(0));
}

#[test]
fn a_leader_that_is_removed_and_cannot_commit_that_does_not_count_itself() {
    let mut cluster = Cluster::founded(3);
    cluster.pass(600);
    cluster.isolate(&[2]);
    // n1 and n2 were a majority of three. Of n2 and n3 only n2 is left.
    let removed = cluster.ask(0, change(MemberAction::Remove, 0));
    cluster.pass(4_000);
    assert_eq!(cluster.answer(removed), None);
    assert!(!cluster.lease_runs(0), "one of two is no quorum, whatever the leader itself holds");
}

#[test]
fn a_removed_node_that_was_not_told_disturbs_nobody() {
    let mut cluster = Cluster::grown(3, 1);
    cluster.isolate(&[3]);
    cluster.change(0, MemberAction::Remove, 3);
    cluster.pass(20_000);
    assert_eq!(cluster.members(3), (vec![1, 2, 3, 4], vec![]));
    let (term, leader) = (cluster.node(0).raft().term(), cluster.leads(0));
    assert!(leader);
    cluster.cut.clear();
    cluster.pass(10_000);
    assert_eq!((cluster.node(0).raft().term(), cluster.leads(0)), (term, true));
    assert_eq!(cluster.members(3), (vec![1, 2, 3], vec![]), "and it is told in the end");
}

#[test]
fn a_voter_that_does_not_know_the_candidate_as_one_votes_for_it() {
    // n2 is cut off while n3 becomes a voter by the votes of n1 and n3 alone. Then n1 is lost: without n2's vote for a
    // node that it takes for a learner nobody could ever lead again.
    let mut cluster = Cluster::founded(2);
    cluster.change(0, MemberAction::Add, 2);
    cluster.pass(1_000);
    cluster.isolate(&[1]);
    let promoted = cluster.ask(0, change(MemberAction::Promote, 2));
    cluster.deliver_all();
    assert!(matches!(cluster.answer(promoted), Some(Answer::Configured { .. })));
    cluster.crash(0);
    cluster.cut.clear();
    assert_eq!(cluster.members(1), (vec![1, 2], vec![3]));
    cluster.pass(15_000);
    assert!(cluster.leads(2));
    assert_eq!(cluster.members(1), (vec![1, 2, 3], vec![]));
}

#[test]
fn a_learner_that_does_not_know_of_its_promotion_votes_when_asked() {
    let mut cluster = Cluster::founded(3);
    cluster.change(0, MemberAction::Add, 3);
    cluster.pass(1_000);
    cluster.isolate(&[3]);
    let promoted = cluster.ask(0, change(MemberAction::Promote, 3));
    cluster.deliver_all();
    assert!(matches!(cluster.answer(promoted), Some(Answer::Configured { .. })), "three of four");
    cluster.crash(0);
    cluster.cut.clear();
    assert_eq!(cluster.members(3), (vec![1, 2, 3], vec![4]));
    cluster.pass(15_000);
    assert!(cluster.leads(1) || cluster.leads(2), "three of four are left, n4 among them");
}

#[test]
fn a_node_that_waits_to_join_votes_for_nobody() {
    let mut cluster = Cluster::founded(3);
    cluster.pass(20_000);
    let request = VoteRequest {
        ballot: leasehold::lease::Ballot::Vote,
        term: Term(9),
        last_index: Index(9),
        last_term: Term(9),
    };
    let before = cluster.notes.len();
    cluster.give(3, Input::Message { from: id(1), message: Message::Raft(raft::Message::Vote(request)) });
    assert!(!cluster.notes[before..].iter().any(|(_, note)| matches!(note, Note::VoteGranted { .. })));
    assert!(!cluster.notes.iter().any(|(place, note)| *place > 2 && matches!(note, Note::Campaign { .. })));
}

#[test]
fn the_last_voter_left_does_not_forget_what_it_promised_to_the_leader_that_was_removed() {
    // n1 leads n1 and n2 and removes itself: n2 is the whole electorate from the append on. It holds the entry, crashes and
    // starts again while n1's lease runs.
    let mut cluster = Cluster::founded(2);
    let written = cluster.write(0, 1);
    cluster.pass(600);
    assert_eq!(cluster.answer(written), Some(&Answer::Done));
    cluster.cut.push((1, 0));
    cluster.ask(0, change(MemberAction::Remove, 0));
    cluster.deliver_all();
    assert_eq!(cluster.members(1), (vec![2], vec![]));
    assert!(cluster.leads(0) && cluster.lease_runs(0), "it has not heard that this is committed");
    cluster.crash(1);
    cluster.start(1);
    while cluster.lease_runs(0) {
        assert!(!cluster.leads(1), "n1 may still answer reads");
        cluster.pass(10);
    }
    cluster.pass(10_000);
    assert!(cluster.leads(1));
}

#[test]
fn a_node_that_comes_back_empty_under_its_old_name_is_brought_up_to_date_again() {
    let mut cluster = Cluster::founded(3);
    let written = cluster.write(0, 1);
    cluster.pass(600);
    assert_eq!(cluster.answer(written), Some(&Answer::Done));
    assert!(matches!(cluster.change(0, MemberAction::Remove, 2), Some(Answer::Configured { .. })));
    cluster.pass(600);
    cluster.crash(2);
    cluster.processes[2].storage = MemoryStorage::default();
    cluster.processes[2].identity.configuration = Configuration::nobody();
    cluster.start(2);
    assert!(matches!(cluster.change(0, MemberAction::Add, 2), Some(Answer::Configured { .. })));
    cluster.pass(1_000);
    assert!(matches!(cluster.change(0, MemberAction::Promote, 2), Some(Answer::Configured { .. })));
    assert!(cluster.leads(0) && cluster.node(0).raft().term() == Term(1), "in the same term");
    assert_eq!(cluster.node(2).state().read(&key()), Some(&Scalar::Integer(1)));
}

#[test]
fn members_survive_a_restart() {
    let mut cluster = Cluster::grown(3, 2);
    cluster.change(0, MemberAction::Remove, 0);
    cluster.pass(1_000);
    for place in 0..5 {
        cluster.crash(place);
        cluster.start(place);
        assert_eq!(cluster.members(place), (vec![2, 3, 4, 5], vec![]), "{}", name(place));
    }
    cluster.pass(15_000);
    assert!(!cluster.leads(0));
    let leader = (1..5).find(|place| cluster.leads(*place)).unwrap();
    assert!(matches!(cluster.change(leader, MemberAction::Remove, 4), Some(Answer::Configured { .. })));
}

/// Logs of one applied entry: whoever joins late gets a snapshot, and restarts find no entry of the members.
#[test]
fn members_travel_with_a_snapshot_and_are_there_when_their_entry_is_not() {
    let bounds = LogBounds { entries_max: 1, ..LogBounds::default() };
    let mut cluster = Cluster::founded_with(2, bounds);
    for place in [2, 3] {
        for action in [MemberAction::Add, MemberAction::Promote] {
            let answer = cluster.change(0, action, place);
            assert!(matches!(answer, Some(Answer::Configured { .. })), "{answer:?}");
            cluster.pass(1_500);
        }
    }
    for value in 0..5 {
        cluster.write(0, value);
        cluster.pass(600);
    }
    // n5 is told of everything by a snapshot, and of itself by the entry behind it.
    assert!(matches!(cluster.change(0, MemberAction::Add, 4), Some(Answer::Configured { .. })));
    cluster.pass(3_000);
    assert!(
        cluster
            .notes
            .iter()
            .any(|(place, note)| { *place == 4 && matches!(note, Note::SnapshotInstalled { .. }) })
    );
    for value in 5..9 {
        cluster.write(0, value);
        cluster.pass(600);
    }
    let index = cluster.node(0).raft().configuration_index();
    for place in 0..5 {
        let raft = cluster.node(place).raft();
        assert!(raft.log().base().index >= index, "n{}: the entry is dropped", place + 1);
        assert_eq!(
            (cluster.members(place), raft.configuration_index()),
            ((vec![1, 2, 3, 4], vec![5]), index)
        );
    }
    for place in 0..5 {
        cluster.crash(place);
        cluster.start(place);
        let raft = cluster.node(place).raft();
        assert_eq!(
            (cluster.members(place), raft.configuration_index()),
            ((vec![1, 2, 3, 4], vec![5]), index)
        );
    }
    cluster.pass(15_000);
    let leader = (0..4).find(|place| cluster.leads(*place)).unwrap();
    let answer = cluster.change(leader, MemberAction::Promote, 4);
    assert!(matches!(answer, Some(Answer::Configured { .. })), "{answer:?}");
    cluster.pass(1_000);
    assert_eq!(cluster.members(4), (vec![1, 2, 3, 4, 5], vec![]));
}

/// A voter that was away while the others changed the members and dropped the entries goes by the snapshot's.
#[test]
fn a_snapshot_takes_the_place_of_members_that_were_never_committed() {
    let bounds = LogBounds { entries_max: 1, ..LogBounds::default() };
    let mut cluster = Cluster::founded_with(3, bounds);
    cluster.change(0, MemberAction::Add, 3);
    cluster.pass(1_000);
    cluster.isolate(&[0]);
    cluster.ask(0, change(MemberAction::Remove, 3));
    assert_eq!(cluster.members(0), (vec![1, 2, 3], vec![]));
    cluster.pass(13_000);
    let leader = (1..3).find(|place| cluster.leads(*place)).unwrap();
    for value in 0..4 {
        cluster.write(leader, value);
        cluster.pass(600);
    }
    let promoted = cluster.change(leader, MemberAction::Promote, 3);
    assert!(matches!(promoted, Some(Answer::Configured { .. })), "{promoted:?}");
    for value in 4..8 {
        cluster.write(leader, value);
        cluster.pass(600);
    }
    cluster.cut.clear();
    cluster.pass(4_000);
    assert_eq!(cluster.members(0), (vec![1, 2, 3, 4], vec![]));
    assert!(
        cluster
            .notes
            .iter()
            .any(|(place, note)| { *place == 0 && matches!(note, Note::SnapshotInstalled { .. }) })
    );
}

#[test]
fn a_vote_for_a_node_whose_number_is_not_the_same_after_a_restart_is_nobodys() {
    let names = Names::numbered(2);
    let identity = |names: &Names| Identity {
        id: id(0),
        names: names.clone(),
        configuration: Configuration::new(2, 0),
        incarnation: 1,
    };
    let settings = Settings::default();
    let mut storage = MemoryStorage::default();
    let Ok(recovered) = storage.recover();
    let mut node = Node::start(identity(&names), settings, SoundRules, recovered, &At(0), &mut ByName(0));
    let later = At(60_000_000_000);
    let ask = |node: &mut Node<SoundRules>, from| {
        let request = VoteRequest {
            ballot: leasehold::lease::Ballot::Vote,
            term: Term(5),
            last_index: Index(0),
            last_term: Term(0),
        };
        let message = Message::Raft(raft::Message::Vote(request));
        node.handle(&later, &mut ByName(0), Input::Message { from, message });
        std::iter::from_fn(|| node.poll_output()).collect::<Vec<_>>()
    };
    let n7 = node.introduce("n7").unwrap();
    let outputs = ask(&mut node, n7);
    let granted = |output: &Output| matches!(output, Output::Note(Note::VoteGranted { .. }));
    assert!(outputs.iter().any(granted));
    for output in outputs {
        if let Output::Persist(write) = output {
            storage.write(write);
        }
    }
    let Ok(_) = storage.sync();
    let Ok(recovered) = storage.recover();
    let mut node = Node::start(identity(&names), settings, SoundRules, recovered, &At(0), &mut ByName(0));
    let n8 = node.introduce("n8").unwrap();
    assert_eq!(n8, n7, "another name has the number now");
    assert!(!ask(&mut node, n8).iter().any(granted), "it has voted in this term");
}

#[test]
fn an_unknown_leader_is_followed() {
    // This node was away while n7 was added, promoted and elected.
    let identity = Identity::numbered(id(0), Configuration::new(2, 0), 1);
    let mut storage = MemoryStorage::default();
    let Ok(recovered) = storage.recover();
    let mut node = Node::start(identity, Settings::default(), SoundRules, recovered, &At(0), &mut ByName(0));
    let n7 = node.introduce("n7").unwrap();
    let entry = Entry {
        term: Term(3),
        payload: Payload::Configuration(Box::new(members(&["n1", "n2", "n7"], &["n8"]))),
    };
    let append = Append {
        term: Term(3),
        round: 1,
        promise: Span::secs(5),
        stamp: None,
        previous_index: Index(0),
        previous_term: Term(0),
        commit: Index(0),
        entries: Some([entry].into()),
    };
    let message = Message::Raft(raft::Message::Append(append));
    node.handle(&At(1), &mut ByName(0), Input::Message { from: n7, message });
    assert_eq!(node.raft().leader(), Some(n7));
    assert_eq!(node.raft().members(), members(&["n1", "n2", "n7"], &["n8"]));
    assert_eq!(node.names().id("n8"), Some(NodeId(3)));
}

#[test]
fn strangers_names_are_bounded() {
    let identity = Identity::numbered(id(0), Configuration::new(1, 0), 1);
    let mut storage = MemoryStorage::default();
    let Ok(recovered) = storage.recover();
    let mut node = Node::start(identity, Settings::default(), SoundRules, recovered, &At(0), &mut ByName(0));
    let introduced = (0..100_000).filter(|number| node.introduce(&format!("s{number}")).is_some()).count();
    assert_eq!(introduced, 3_999);
}
