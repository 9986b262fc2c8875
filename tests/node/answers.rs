//! What clients are answered, when, and what it costs.

use leasehold::node::{Answer, Input, Refusal, RequestId};
use leasehold::raft::{Note, Role};

use crate::cluster::{Cluster, id, read, value, write};
use crate::time::{At, ByName};

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
fn a_leader_alone_is_no_majority_and_says_so_in_the_end() {
    let mut cluster = Cluster::new(3);
    cluster.ask(0, 1, read());
    cluster.ask(0, 2, write(1));
    for _ in 0..10_100 {
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
    for _ in 0..10_100 {
        cluster.now += 1_000_000;
        cluster.give(id(0), Input::Wakeup);
        cluster.network.clear();
    }
    assert_eq!(cluster.answer(1), Some(&Answer::Refused(Refusal::TimedOut)), "nobody knows");
    assert_ne!(cluster.nodes[0].0.raft().role(), Role::Leader, "it has not heard from a quorum");
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

/// It is a whole electorate, so that it can renew its lease whenever it wants to; that is when the lease has run out.
#[test]
fn a_sole_voter_that_has_slept_reads_at_once_and_renews_its_lease_once() {
    let mut cluster = Cluster::with_learners(1, 0);
    cluster.ask(0, 1, write(42));
    cluster.now += 60_000_000_000;
    cluster.notes.clear();
    for number in 2..12 {
        cluster.ask(0, number, read());
        assert_eq!(cluster.answer(number), Some(&value(42, true, 0)));
    }
    let renewals = cluster.notes.iter().filter(|note| matches!(note, Note::LeaseRenewed { .. }));
    assert_eq!(renewals.count(), 1);
}
