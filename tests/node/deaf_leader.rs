//! A leader that can send and cannot hear: its rounds keep nobody from taking over.

use leasehold::node::{Answer, Input, Message};
use leasehold::raft::Message as RaftMessage;
use leasehold::time::Span;

use crate::cluster::{Cluster, id, read, value, write};

/// Lets time pass; whatever is sent to node 0 is lost.
fn pass_deaf(cluster: &mut Cluster, millis: u64) {
    for _ in 0..millis {
        cluster.now += 1_000_000;
        (0..3).for_each(|place| cluster.give(id(place), Input::Wakeup));
        while let Some((from, to, message)) = cluster.network.pop_front() {
            if to != id(0) {
                cluster.give(to, Input::Message { from, message });
            }
        }
        let followers_lead = cluster.leads(1) || cluster.leads(2);
        assert!(!followers_lead || cluster.remaining(0).is_none(), "nobody leads while its lease runs");
    }
}

#[test]
fn a_leader_that_hears_nobody_is_replaced_an_effective_lease_and_a_promise_later() {
    let mut cluster = Cluster::elected();
    cluster.pass(500);
    // E is 2.5 s and T is 5 s. It hears something for the last time up to a heartbeat before.
    pass_deaf(&mut cluster, 6_900);
    assert!(!cluster.leads(1) && !cluster.leads(2), "its last promises still run");
    pass_deaf(&mut cluster, 700);
    assert!(cluster.leads(1) || cluster.leads(2), "it sends rounds still, and they ask for no promise");
}

#[test]
fn a_lease_rests_on_no_round_that_asked_for_no_promise() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, write(1));
    cluster.deliver_all();
    pass_deaf(&mut cluster, 3_000);
    assert!(cluster.leads(0) && cluster.remaining(0).is_none());
    // It hears again. The next round is its own idea, and asks for nothing.
    while cluster.network.is_empty() {
        cluster.now += 1_000_000;
        cluster.give(id(0), Input::Wakeup);
    }
    let asks = |cluster: &Cluster| {
        let sent = cluster.network.iter().filter_map(|(from, _, message)| match message {
            Message::Raft(RaftMessage::Append(append)) if *from == id(0) => Some(append.promise),
            _ => None,
        });
        sent.max()
    };
    assert_eq!(asks(&cluster), Some(Span::ZERO));
    cluster.deliver_hop();
    cluster.deliver_hop();
    assert!(
        cluster.leads(0) && cluster.remaining(0).is_none(),
        "a quorum has answered, and promised nothing"
    );
    // The answer makes it ask at once.
    assert_eq!(asks(&cluster), Some(Span::secs(5)));
    cluster.deliver_hop();
    cluster.deliver_hop();
    assert!(cluster.remaining(0).is_some());
    cluster.ask(0, 2, read());
    assert_eq!(cluster.answer(2), Some(&value(1, true, 0)));
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
}
