//! Nodes that another one does not know, or takes for less than they are.

use leasehold::kv::{Command, Scalar};
use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Output};
use leasehold::raft::{
    self, Append, ClusterOrigin, Configuration, Entry, Index, LogBounds, MemberAction, Names, NodeId, Note,
    Payload, Settings, Term, VoteRequest,
};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::Span;

use crate::cluster::{Cluster, change, id, key, members};
use crate::time::{At, ByName};

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
fn a_vote_for_a_node_whose_number_is_not_the_same_after_a_restart_is_nobodys() {
    let names = Names::numbered(2);
    let identity = |names: &Names| Identity {
        id: id(0),
        names: names.clone(),
        configuration: Configuration::new(2, 0),
        cluster: ClusterOrigin::Nowhere,
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

/// The entries and snapshot chunks that `n1` sends to `n4` while so many milliseconds pass.
fn sent_to_n4(cluster: &mut Cluster, millis: u64) -> usize {
    let mut sent = 0;
    for _ in 0..millis {
        cluster.now += 1_000_000;
        (0..3).for_each(|place| cluster.give(place, Input::Wakeup));
        while let Some((from, to, message)) = cluster.network.pop_front() {
            sent += match &message {
                Message::Raft(raft::Message::Append(append)) if to == id(3) => {
                    append.entries.as_deref().map_or(0, <[Entry]>::len)
                }
                Message::Raft(raft::Message::Snapshot(_)) if to == id(3) => 1,
                _ => 0,
            };
            cluster.give(to.index(), Input::Message { from, message });
        }
    }
    sent
}

fn write_much(cluster: &mut Cluster, count: u32) {
    for number in 0..count {
        let (key, value) = (key(), Scalar::Text("x".repeat(2_000).into()));
        cluster.ask(0, Operation::Update(Command::Write { key, value }));
        if number % 10 == 9 {
            cluster.pass(10);
        }
    }
    cluster.pass(600);
}

#[test]
fn a_learner_that_was_never_started_costs_no_more_than_heartbeats() {
    let mut cluster = Cluster::founded(3);
    cluster.crash(3);
    cluster.change(0, MemberAction::Add, 3);
    write_much(&mut cluster, 100);
    sent_to_n4(&mut cluster, 1_000);
    assert_eq!(sent_to_n4(&mut cluster, 10_000), 0, "it has never answered");
    cluster.start(3);
    cluster.pass(1_000);
    let last = |place: usize| cluster.node(place).raft().log().last_index();
    assert_eq!(last(3), last(0), "and has everything soon after it is there");
}

#[test]
fn a_snapshot_is_sent_no_more_to_a_learner_that_has_gone() {
    let bounds = LogBounds { entries_max: 1, ..LogBounds::default() };
    let mut cluster = Cluster::founded_with(3, bounds);
    write_much(&mut cluster, 100);
    cluster.ask(0, change(MemberAction::Add, 3));
    let is_chunk = |message: &Message| matches!(message, Message::Raft(raft::Message::Snapshot(_)));
    for _ in 0..10_000 {
        if cluster.network.iter().any(|(_, _, message)| is_chunk(message)) {
            break;
        }
        match cluster.network.pop_front() {
            Some((from, to, message)) => cluster.give(to.index(), Input::Message { from, message }),
            None => {
                cluster.now += 1_000_000;
                (0..4).for_each(|place| cluster.give(place, Input::Wakeup));
            }
        }
    }
    assert!(cluster.network.iter().any(|(_, _, message)| is_chunk(message)));
    cluster.network.retain(|(_, _, message)| !is_chunk(message));
    cluster.crash(3);
    sent_to_n4(&mut cluster, 1_500);
    assert_eq!(sent_to_n4(&mut cluster, 10_000), 0, "it answers no round either");
    cluster.start(3);
    cluster.pass(3_000);
    assert_eq!(cluster.node(3).state().read(&key()), cluster.node(0).state().read(&key()));
}
