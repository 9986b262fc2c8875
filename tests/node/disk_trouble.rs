//! Disks that are full, and disks that stand still.

use leasehold::kv::Scalar;
use leasehold::lease::Ballot;
use leasehold::node::{Answer, Refusal};
use leasehold::raft::{Note, Role};
use leasehold::time::{Clock, Span};

use crate::cluster::{Cluster, id, read, value, write};
use crate::time::At;

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
    cluster.pass(9_900);
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
fn a_leader_is_elected_although_a_sync_takes_half_an_election_timeout() {
    for sync_millis in [1_200, 2_400] {
        let mut cluster = Cluster::new(3);
        cluster.sync_millis = sync_millis;
        cluster.pass(30_000);
        assert!((0..3).any(|node| cluster.leads(node)), "syncs of {sync_millis} ms");
        let votes = |note: &&Note| matches!(note, Note::Campaign { ballot: Ballot::Vote, .. });
        let campaigns = cluster.notes.iter().filter(votes).count();
        assert!(campaigns <= 6, "syncs of {sync_millis} ms: {campaigns} campaigns");
        cluster.ask(0, 1, write(1));
        cluster.pass(5_500);
        assert_eq!(cluster.answer(1), Some(&Answer::Done));
    }
}

#[test]
fn a_candidate_whose_disk_stands_still_stays_in_its_term_and_names_the_disk() {
    let mut cluster = Cluster::new(3);
    cluster.stalled = Some(id(0));
    // n1 is the first to campaign. Nobody else can: the others' clocks stand still.
    let alone = |cluster: &mut Cluster, millis| cluster.pass_without(1, millis);
    alone(&mut cluster, 5_600);
    let candidate = |cluster: &Cluster| {
        let raft = cluster.nodes[0].0.raft();
        (raft.role(), raft.term().0)
    };
    assert_eq!(candidate(&cluster), (Role::Candidate, 1));
    alone(&mut cluster, 20_000);
    assert_eq!(candidate(&cluster), (Role::Candidate, 1), "no campaign before the vote is stored");
    let slow = |note: &&Note| matches!(note, Note::SlowDisk { .. });
    assert_eq!(cluster.notes.iter().filter(slow).count(), 1, "told once while it waits");
    let waited = cluster.nodes[0].0.status(&At(cluster.now).read()).disk_wait;
    assert!(waited >= Some(Span::secs(19)), "{waited:?}");
    cluster.room_again();
    assert_eq!(cluster.notes.iter().filter(slow).count(), 2, "and how long it was");
    assert_eq!(cluster.nodes[0].0.status(&At(cluster.now).read()).disk_wait, None);
}
