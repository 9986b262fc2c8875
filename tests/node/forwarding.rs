//! Requests that a node passes on to the leader, and what comes of it when messages are lost, late or doubled.

use leasehold::node::{Answer, Forward, ForwardAnswer, Input, Message, Operation, Refusal};
use leasehold::raft::Role;

use crate::cluster::{Cluster, id, read, value, write};

#[test]
fn a_request_to_a_follower_is_answered_through_it_and_counts_its_trip() {
    let mut cluster = Cluster::elected();
    cluster.ask(2, 1, write(7));
    cluster.deliver_all();
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
    cluster.ask(1, 2, read());
    cluster.deliver_all();
    assert_eq!(cluster.answer(2), Some(&value(7, true, 1)));
}

#[test]
fn a_forwarded_write_is_executed_once_however_often_it_arrives() {
    let mut cluster = Cluster::elected();
    cluster.ask(1, 1, write(1));
    let (from, to, forward) = cluster.network.front().cloned().unwrap();
    assert!(matches!(forward, Message::Forward(_)));
    cluster.deliver_all();
    cluster.ask(0, 2, write(2));
    cluster.deliver_all();
    for _ in 0..3 {
        cluster.give(to, Input::Message { from, message: forward.clone() });
        cluster.deliver_all();
    }
    cluster.ask(0, 3, read());
    assert_eq!(cluster.answer(3), Some(&value(2, true, 0)), "the duplicates changed nothing");
}

#[test]
fn a_forward_that_is_refused_late_goes_on_to_the_leader_there_is_now() {
    let mut cluster = Cluster::elected();
    cluster.ask(1, 1, write(1));
    let (from, to, forward) = cluster.network.pop_front().unwrap();
    assert!(matches!(forward, Message::Forward(_)));
    cluster.give(id(0), Input::TransferLeadership { to: id(2) });
    cluster.deliver_all();
    assert_eq!(
        cluster.nodes[1].0.raft().leader(),
        Some(id(2)),
        "the new leader is known before the refusal comes"
    );
    assert_eq!(cluster.answer(1), None);
    cluster.give(to, Input::Message { from, message: forward });
    cluster.deliver_all();
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
}

#[test]
fn a_forward_that_was_lost_is_sent_again() {
    for operation in [write(1), read()] {
        let mut cluster = Cluster::elected();
        cluster.ask(0, 1, write(1));
        cluster.deliver_all();
        cluster.ask(1, 2, operation);
        assert!(matches!(cluster.network.pop_front(), Some((_, _, Message::Forward(_)))));
        cluster.pass(900);
        assert_eq!(cluster.answer(2), None, "it might still be on its way");
        cluster.pass(1_100);
        assert!(
            matches!(cluster.answer(2), Some(Answer::Done | Answer::Value { .. })),
            "{:?}",
            cluster.answer(2)
        );
    }
}

#[test]
fn an_answer_that_was_lost_is_given_again_and_nothing_is_done_twice() {
    for operation in [write(1), read()] {
        let mut cluster = Cluster::elected();
        cluster.ask(0, 1, write(1));
        cluster.deliver_all();
        let before = cluster.nodes[0].0.raft().log().last_index();
        let update = matches!(operation, Operation::Update(_));
        cluster.ask(1, 2, operation);
        while let Some((from, to, message)) = cluster.network.pop_front() {
            if !matches!(message, Message::Answer(_)) {
                cluster.give(to, Input::Message { from, message });
            }
        }
        cluster.pass(2_000);
        assert!(
            matches!(cluster.answer(2), Some(Answer::Done | Answer::Value { .. })),
            "{:?}",
            cluster.answer(2)
        );
        let after = cluster.nodes[0].0.raft().log().last_index();
        assert_eq!(after.0, before.0 + u64::from(update), "executed once");
    }
}

#[test]
fn nothing_is_sent_again_that_is_answered_in_time() {
    let mut cluster = Cluster::elected();
    let forwards = |cluster: &Cluster| {
        cluster.network.iter().filter(|(_, _, message)| matches!(message, Message::Forward(_))).count()
    };
    for number in 1..200 {
        cluster.ask(1, number, write(1));
        assert_eq!(forwards(&cluster), 1);
        cluster.deliver_all();
        cluster.pass(20);
        assert!(cluster.answer(number).is_some());
    }
}

#[test]
fn a_single_voter_that_has_stepped_down_says_what_it_never_did() {
    let mut cluster = Cluster::with_learners(1, 1);
    cluster.full = Some(id(0));
    cluster.give(id(0), Input::StorageFull);
    let term = cluster.nodes[0].0.raft().term();
    assert_eq!(cluster.nodes[0].0.raft().role(), Role::Follower);
    let forward = Forward { incarnation: 1, sequence: 0, floor: 0, term, operation: write(1) };
    cluster.network.clear();
    cluster.give(id(0), Input::Message { from: id(1), message: Message::Forward(forward.into()) });
    let refusal = Answer::Refused(Refusal::NoLeader);
    let answer = ForwardAnswer { incarnation: 1, sequence: 0, answer: refusal };
    assert_eq!(cluster.network.pop_front(), Some((id(0), id(1), Message::Answer(answer))));
}
