//! Requests that a node passes on to the leader, and what comes of it when messages are lost, late or doubled.

use leasehold::node::{Answer, Forward, ForwardAnswer, Input, Message, Operation, Refusal};
use leasehold::raft::{Configuration, Role, Settings};
use leasehold::time::Span;

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

#[test]
fn an_update_in_the_hands_of_a_leader_that_died_is_given_up_soon_after_the_next_one_is_known() {
    let settings = Settings { request_deadline: Span::secs(100), ..Settings::default() };
    let mut cluster = Cluster::with_settings(Configuration::new(3, 0), settings);
    cluster.pass(7_000);
    assert!(cluster.leads(0));
    for asked in [1, 2] {
        cluster.ask(asked, asked as u64, write(1));
        cluster.network.clear();
    }
    let mut millis = 0;
    while !(cluster.leads(1) || cluster.leads(2)) {
        cluster.pass_without(0, 1);
        millis += 1;
        assert!(millis < 10_000);
    }
    assert_eq!((cluster.answer(1), cluster.answer(2)), (None, None));
    // Two heartbeats of 500 ms, and the one that the clock is in.
    cluster.pass_without(0, 1_600);
    let unknown = Answer::Refused(Refusal::TimedOut);
    assert_eq!((cluster.answer(1), cluster.answer(2)), (Some(&unknown), Some(&unknown)));
}

#[test]
fn a_node_that_is_cut_off_from_the_leader_alone_says_so_at_once() {
    let settings = Settings { request_deadline: Span::secs(100), ..Settings::default() };
    let mut cluster = Cluster::with_settings(Configuration::new(3, 0), settings);
    cluster.pass(7_000);
    assert!(cluster.leads(0));
    // n3 hears n2, and n2 hears n1.
    let pass = |cluster: &mut Cluster, millis: u64| {
        for _ in 0..millis {
            cluster.now += 1_000_000;
            (0..3).for_each(|place| cluster.give(id(place), Input::Wakeup));
            while let Some((from, to, message)) = cluster.network.pop_front() {
                if (from, to) != (id(0), id(2)) && (from, to) != (id(2), id(0)) {
                    cluster.give(to, Input::Message { from, message });
                }
            }
        }
    };
    pass(&mut cluster, 8_000);
    assert!(cluster.leads(0), "nobody is deposed");
    let refused = Answer::Refused(Refusal::Unreachable { leader: "n1".into(), by: "n2".into() });
    cluster.ask(2, 1, read());
    cluster.ask(2, 2, write(1));
    assert_eq!((cluster.answer(1), cluster.answer(2)), (Some(&refused), Some(&refused)));
    pass(&mut cluster, 20_000);
    cluster.ask(2, 3, read());
    assert_eq!(cluster.answer(3), Some(&refused), "and still");
    cluster.pass(1_000);
    cluster.ask(2, 4, write(1));
    cluster.deliver_all();
    assert_eq!(cluster.answer(4), Some(&Answer::Done), "it hears the leader again");
}

#[test]
fn a_leader_that_has_just_died_is_nobodys_excuse() {
    let settings = Settings { request_deadline: Span::secs(100), ..Settings::default() };
    let mut cluster = Cluster::with_settings(Configuration::new(3, 0), settings);
    cluster.pass(7_000);
    for _ in 0..7_000 {
        cluster.pass_without(0, 1);
    }
    assert!(cluster.leads(1) || cluster.leads(2));
    cluster.ask(1, 1, write(1));
    cluster.ask(2, 2, write(2));
    cluster.pass_without(0, 1_000);
    assert_eq!((cluster.answer(1), cluster.answer(2)), (Some(&Answer::Done), Some(&Answer::Done)));
    let excuse = |answer: &Answer| matches!(answer, Answer::Refused(Refusal::Unreachable { .. }));
    assert!(!cluster.replies.iter().any(|(_, answer)| excuse(answer)));
}

#[test]
fn a_leader_that_another_node_has_heard_later_and_that_is_dead_is_no_excuse() {
    let settings = Settings { request_deadline: Span::secs(100), ..Settings::default() };
    let mut cluster = Cluster::with_settings(Configuration::new(3, 0), settings);
    cluster.pass(7_000);
    // n2 hears nothing of n1 for two seconds, n3 does; then n1 dies.
    for _ in 0..2_000 {
        cluster.now += 1_000_000;
        (0..3).for_each(|place| cluster.give(id(place), Input::Wakeup));
        while let Some((from, to, message)) = cluster.network.pop_front() {
            if (from, to) != (id(0), id(1)) {
                cluster.give(to, Input::Message { from, message });
            }
        }
    }
    // n2 asks n3, which has promised for longer and has not heard n1 lately.
    while cluster.nodes[1].0.raft().role() != Role::PreCandidate {
        cluster.pass_without(0, 1);
    }
    cluster.ask(1, 1, write(1));
    cluster.pass_without(0, 700);
    assert_eq!(cluster.answer(1), None, "it waits for the election");
    cluster.pass_without(0, 10_000);
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
}

#[test]
fn what_others_said_of_a_leader_is_forgotten_when_it_is_heard() {
    let settings = Settings { request_deadline: Span::secs(100), ..Settings::default() };
    let mut cluster = Cluster::with_settings(Configuration::new(3, 0), settings);
    cluster.pass(7_000);
    for _ in 0..8_000 {
        cluster.now += 1_000_000;
        (0..3).for_each(|place| cluster.give(id(place), Input::Wakeup));
        while let Some((from, to, message)) = cluster.network.pop_front() {
            if (from, to) != (id(0), id(2)) && (from, to) != (id(2), id(0)) {
                cluster.give(to, Input::Message { from, message });
            }
        }
    }
    cluster.pass(600);
    assert_eq!(cluster.nodes[2].0.raft().leader(), Some(id(0)));
    cluster.hand_over(0, Some(1));
    for _ in 0..20 {
        if cluster.nodes[2].0.raft().leader().is_none() {
            break;
        }
        cluster.deliver_hop();
    }
    assert_eq!(cluster.nodes[2].0.raft().leader(), None, "between two leaders");
    cluster.ask(2, 1, write(1));
    assert_eq!(cluster.answer(1), None);
    cluster.pass(1_000);
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
}

#[test]
fn an_earlier_leader_that_lives_has_two_heartbeats_to_say_what_it_did_not_do() {
    let mut cluster = Cluster::elected();
    cluster.ask(1, 1, write(1));
    let (from, to, forward) = cluster.network.pop_front().unwrap();
    cluster.give(id(0), Input::TransferLeadership { to: id(2) });
    cluster.deliver_all();
    cluster.pass(800);
    assert_eq!(cluster.answer(1), None);
    cluster.give(to, Input::Message { from, message: forward });
    cluster.deliver_all();
    assert_eq!(cluster.answer(1), Some(&Answer::Done), "the refusal was definite, so the next leader did it");
}
