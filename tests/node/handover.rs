//! Leadership that is handed over.

use leasehold::node::{HandoverOutcome, Input};
use leasehold::raft::Role;
use leasehold::time::Clock;

use crate::cluster::{Cluster, id, read, value, write};
use crate::time::At;

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
