//! What one node takes on, and no more.

use leasehold::kv::{Command, Scalar};
use leasehold::node::{Answer, Message, Operation, Refusal};
use leasehold::raft;

use crate::cluster::{Cluster, id, key, read};

#[test]
fn too_many_requests_are_refused_at_once_and_the_others_kept() {
    let text = |length: usize| Scalar::Text("y".repeat(length).into());
    let large = || Operation::Update(Command::Write { key: key(), value: text(1 << 20) });
    for (operation, room) in [(read(), 16_384), (large(), 63)] {
        let mut cluster = Cluster::new(3);
        for number in 0..=room {
            cluster.ask(0, number, operation.clone());
        }
        assert_eq!(cluster.answer(room), Some(&Answer::Refused(Refusal::Overloaded)));
        assert_eq!(cluster.replies.len(), 1);
    }
}

#[test]
fn a_slow_follower_costs_bounded_memory() {
    let mut cluster = Cluster::elected();
    let text = Scalar::Text("y".repeat(1 << 20).into());
    for number in 0..40 {
        let operation = Operation::Update(Command::Write { key: key(), value: text.clone() });
        cluster.ask(0, number, operation);
    }
    let entries = |message: &Message| match message {
        Message::Raft(raft::Message::Append(append)) => {
            append.entries.as_ref().map_or(0, |entries| entries.len())
        }
        _ => 0,
    };
    let under_way = |cluster: &Cluster| -> usize {
        cluster.network.iter().filter(|(_, to, _)| *to == id(2)).map(|(_, _, message)| entries(message)).sum()
    };
    assert!((1..=5).contains(&under_way(&cluster)), "{}", under_way(&cluster));
    cluster.deliver_all();
    cluster.pass(1_000);
    assert_eq!(cluster.replies.len(), 40);
    assert_eq!(cluster.nodes[2].0.raft().log().last_index(), cluster.nodes[0].0.raft().log().last_index());
}

#[test]
fn a_leader_that_is_too_slow_takes_no_more_than_it_can_do_in_time() {
    // Deadline 10 s. A disk that stands still for longer than half of that.
    let mut cluster = Cluster::new(1);
    cluster.deliver_all();
    assert!(cluster.leads(0));
    cluster.stalled = Some(id(0));
    let write = || crate::cluster::write(1);
    cluster.ask(0, 1, write());
    cluster.pass(4_900);
    cluster.ask(0, 2, write());
    assert_eq!(cluster.answer(2), None, "the first one has waited for less than half of the deadline");
    cluster.pass(200);
    cluster.ask(0, 3, write());
    assert_eq!(cluster.answer(3), Some(&Answer::Refused(Refusal::Overloaded)), "definite, and at once");
    cluster.room_again();
    cluster.deliver_all();
    assert_eq!((cluster.answer(1), cluster.answer(2)), (Some(&Answer::Done), Some(&Answer::Done)));
    cluster.ask(0, 4, write());
    assert_eq!(cluster.answer(4), Some(&Answer::Done), "it takes updates again");
}
