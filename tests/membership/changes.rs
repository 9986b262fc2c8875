//! Changes of members: what is refused, what is in force when, and whose votes count.

use leasehold::kv::Scalar;
use leasehold::node::{Answer, Input, Message, Operation, Refusal};
use leasehold::raft::{
    self, AppendOutcome, AppendReply, Index, MemberAction, MembershipChange, MembershipFault, Payload,
    Recovered, Term,
};
use leasehold::storage::Storage;

use crate::cluster::{Cluster, change, id, key, members, refused};

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
    let reply = raft::Message::AppendReply(AppendReply { term, round, outcome, state: None });
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
    let reply = raft::Message::AppendReply(AppendReply { term, round: 1, outcome, state: None });
    cluster.give(0, Input::Message { from: id(1), message: Message::Raft(reply) });
    assert!(matches!(cluster.answer(added), Some(Answer::Configured { .. })));
    let next = cluster.ask(0, change(MemberAction::Add, 4));
    assert_eq!(cluster.answer(next).cloned(), refused(MembershipFault::UnderWay));
    cluster.deliver_all();
    assert!(matches!(cluster.change(0, MemberAction::Add, 4), Some(Answer::Configured { .. })));
}
