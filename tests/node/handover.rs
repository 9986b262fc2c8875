//! Leadership that is handed over.

use leasehold::node::{Answer, HandoverOutcome, Input};
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

/// Lets time pass without node 2: nothing comes to it and nothing from it.
fn pass_without_successor(cluster: &mut Cluster, millis: u64) {
    cluster.pass_without(2, millis);
}

#[test]
fn a_successor_that_has_gone_is_given_up_and_writes_and_lease_go_on_meanwhile() {
    let mut cluster = Cluster::elected();
    pass_without_successor(&mut cluster, 20);
    cluster.ask(0, 1, write(1));
    pass_without_successor(&mut cluster, 20);
    cluster.hand_over(0, Some(2));
    cluster.hand_over(0, Some(1));
    assert_eq!(cluster.handovers, [HandoverOutcome::Busy]);
    cluster.ask(0, 2, write(2));
    pass_without_successor(&mut cluster, 1);
    assert_eq!(cluster.answer(2), Some(&Answer::Done), "it has not answered yet, so nothing waits for it");
    pass_without_successor(&mut cluster, 2_000);
    assert_eq!(cluster.handovers[1..], [HandoverOutcome::GivenUp]);
    cluster.ask(0, 3, read());
    assert_eq!(cluster.answer(3), Some(&value(2, true, 0)));
    // By now it is known that it does not answer.
    cluster.hand_over(0, Some(2));
    assert_eq!(cluster.handovers[2..], [HandoverOutcome::Silent { successor: id(2) }]);
    cluster.hand_over(0, None);
    pass_without_successor(&mut cluster, 10);
    assert!(cluster.leads(1), "the one that answers is chosen");
}

#[test]
fn a_leader_whose_successor_was_told_and_is_silent_leads_the_next_term_with_a_lease() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(1));
    cluster.deliver_all();
    let term = cluster.nodes[0].0.raft().term();
    cluster.hand_over(0, Some(2));
    let told = cluster.network.pop_back().unwrap();
    assert!(matches!(told, (_, to, _) if to == id(2)));
    cluster.ask(0, 2, write(2));
    cluster.ask(0, 3, read());
    pass_without_successor(&mut cluster, 1_499);
    assert_eq!((cluster.answer(2), cluster.remaining(0)), (None, None));
    assert_eq!(cluster.answer(3), Some(&value(1, false, 1)));
    pass_without_successor(&mut cluster, 2);
    assert!(cluster.leads(0));
    assert_eq!(cluster.nodes[0].0.raft().term(), term.next());
    assert_eq!(cluster.handovers, [HandoverOutcome::GivenUp]);
    assert_eq!(cluster.answer(2), Some(&Answer::Done));
    cluster.ask(0, 4, read());
    assert_eq!(cluster.answer(4), Some(&value(2, true, 0)), "no time has passed since");

    // The message comes after all, to a node that has not heard of the new term: it is not elected, and disturbs nobody.
    let (from, to, message) = told;
    cluster.give(to, Input::Message { from, message });
    cluster.pass(3_000);
    assert!(cluster.leads(0) && cluster.nodes[0].0.raft().term() == term.next());
    assert!(cluster.remaining(0).is_some());
}

#[test]
fn a_successor_that_lacks_much_is_caught_up_before_proposals_stop() {
    let mut cluster = Cluster::elected();
    for number in 0..600 {
        cluster.ask(0, 1_000 + number, write(1));
        if number % 100 == 99 {
            // Short enough that node 2 still counts as one that answers.
            pass_without_successor(&mut cluster, 10);
        }
    }
    cluster.hand_over(0, Some(2));
    cluster.ask(0, 1, write(2));
    pass_without_successor(&mut cluster, 10);
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
    cluster.pass(1_000);
    assert!(matches!(cluster.handovers[..], [HandoverOutcome::Done { leader, .. }] if leader == id(2)));
}

#[test]
fn only_the_leader_hands_over() {
    let mut cluster = Cluster::elected();
    cluster.hand_over(1, Some(2));
    assert_eq!(cluster.handovers, [HandoverOutcome::NotLeader { leader: Some(id(0)) }]);
}
