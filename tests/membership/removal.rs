//! Leaders that remove themselves, and nodes that were not told of their removal.

use leasehold::node::{Answer, Input};
use leasehold::raft::{MemberAction, Note, StepDownCause};

use crate::cluster::{Cluster, change, read, value};

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

/// The leader `n1` has its own removal in its log, nobody else has, and it leads no more.
fn with_removal_in_the_leaders_log_only(voters: u16) -> Cluster {
    let mut cluster = Cluster::founded(voters);
    cluster.pass(600);
    cluster.isolate(&[0, 1, 2, 3]);
    cluster.ask(0, change(MemberAction::Remove, 0));
    cluster.pass(5_100);
    assert!(!cluster.leads(0) && !cluster.lease_runs(0));
    cluster
}

#[test]
fn a_leader_that_loses_its_leadership_before_its_removal_is_committed_campaigns_all_the_same() {
    let mut cluster = with_removal_in_the_leaders_log_only(2);
    assert_eq!((cluster.members(0), cluster.members(1)), ((vec![2], vec![]), (vec![1, 2], vec![])));
    cluster.cut.clear();
    // n2 cannot be elected: its log is shorter than that of n1, which its own configuration needs.
    cluster.pass(15_000);
    assert!(cluster.leads(1), "n1 was elected, committed its removal and handed over");
    assert_eq!((cluster.members(0), cluster.members(1)), ((vec![2], vec![]), (vec![2], vec![])));
    let written = cluster.write(1, 3);
    cluster.deliver_all();
    assert_eq!(cluster.answer(written), Some(&Answer::Done));
    let campaigns = |cluster: &Cluster| {
        let by_n1 = |(place, note): &&(usize, Note)| *place == 0 && matches!(note, Note::Campaign { .. });
        cluster.notes.iter().filter(by_n1).count()
    };
    let before = campaigns(&cluster);
    cluster.pass(30_000);
    assert_eq!(campaigns(&cluster), before, "now that it knows, it campaigns no more");
}

#[test]
fn a_candidate_that_has_removed_itself_does_not_count_itself() {
    // Of n2, n3 and n4 two are needed, and only n2 is there.
    let mut cluster = with_removal_in_the_leaders_log_only(4);
    cluster.cut.clear();
    cluster.isolate(&[2, 3]);
    let before = cluster.notes.len();
    cluster.pass(20_000);
    let elected = |(_, note): &(usize, Note)| matches!(note, Note::Elected { .. });
    assert!(!cluster.notes[before..].iter().any(elected), "n1 and n2 are no majority of three");
    cluster.cut.clear();
    cluster.isolate(&[3]);
    cluster.pass(20_000);
    assert!(cluster.leads(1) || cluster.leads(2));
}

#[test]
fn a_leader_that_was_removing_itself_and_is_restarted_campaigns_as_well() {
    let mut cluster = with_removal_in_the_leaders_log_only(2);
    cluster.crash(0);
    cluster.start(0);
    cluster.cut.clear();
    cluster.pass(20_000);
    assert!(cluster.leads(1));
}

#[test]
fn a_removed_node_that_restarts_is_told_again_and_campaigns_no_more() {
    let mut cluster = Cluster::founded(3);
    assert!(matches!(cluster.change(0, MemberAction::Remove, 2), Some(Answer::Configured { .. })));
    cluster.pass(1_000);
    let term = cluster.node(0).raft().term();
    cluster.crash(2);
    cluster.start(2);
    cluster.pass(10_000);
    let notes = cluster.notes.len();
    cluster.pass(30_000);
    let by_n3 = |(place, note): &(usize, Note)| *place == 2 && matches!(note, Note::Campaign { .. });
    assert!(!cluster.notes[notes..].iter().any(by_n3), "what is committed is not stored, so it is told");
    assert!(cluster.leads(0) && cluster.node(0).raft().term() == term, "and disturbs nobody");
}
