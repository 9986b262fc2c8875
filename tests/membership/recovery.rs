//! Members after a restart, and members that come by a snapshot.

use leasehold::kv::Scalar;
use leasehold::node::Answer;
use leasehold::raft::{Configuration, LogBounds, MemberAction, Note, Term};
use leasehold::storage::MemoryStorage;

use crate::cluster::{Cluster, change, key, name};

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
