//! Lengths that change through the log, and promises of other lengths.

use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation, Refusal};
use leasehold::raft::{self, Append, Configuration, Index, Note, Settings, Term};
use leasehold::storage::Storage;
use leasehold::time::{Clock, Span};

use crate::cluster::{Cluster, id, lengths, write};
use crate::time::{At, ByName};

#[test]
fn lengths_that_a_follower_is_asked_to_apply_become_the_clusters_through_the_log() {
    let mut cluster = Cluster::elected();
    cluster.ask(1, 1, Operation::Agree(lengths(7_000, 9_000, 1_000)));
    cluster.deliver_all();
    assert_eq!(cluster.answer(1), Some(&Answer::Done));
    cluster.pass(1_000);
    for node in 0..3 {
        let running = &cluster.nodes[node].0;
        assert_eq!(running.agreed(), Some(lengths(7_000, 9_000, 1_000)));
        assert_eq!(running.raft().settings().lease.lengths(), lengths(7_000, 9_000, 1_000));
        assert_eq!(
            running.raft().settings().heartbeat,
            Span::millis(500),
            "longer is no reason to change it"
        );
    }
    assert!(cluster.remaining(0) > Some(Span::millis(5_000)));
    // Before a follower acknowledged the first round that asks for nine seconds, they were on its disk.
    assert_eq!(cluster.longest_promise(1), Span::secs(9));
}

#[test]
fn rounds_from_before_a_change_give_no_lease_of_the_new_length() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, Operation::Agree(lengths(9_000, 10_000, 0)));
    // Another round, sent before the change is committed: its acknowledgements are five seconds' worth, and they come when
    // the new lengths are in force.
    cluster.ask(0, 2, write(1));
    cluster.deliver_hop();
    let old: Vec<_> = cluster.network.drain(..).collect();
    let in_force = |cluster: &Cluster| cluster.nodes[0].0.raft().settings().lease.lengths();
    let mut came_late = 0;
    for (from, to, message) in old {
        came_late += usize::from(in_force(&cluster) == lengths(9_000, 10_000, 0));
        cluster.give(to, Input::Message { from, message });
        assert!(cluster.remaining(0) <= Some(Span::millis(2_500)), "{:?}", cluster.remaining(0));
    }
    assert!(came_late >= 2, "of both followers' answers, some came before the change: {came_late}");
    cluster.deliver_all();
    assert!(cluster.remaining(0) > Some(Span::millis(8_900)), "{:?}", cluster.remaining(0));
}

#[test]
fn a_shorter_lease_is_in_force_as_soon_as_it_is_agreed() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, Operation::Agree(lengths(300, 500, 0)));
    cluster.deliver_hop();
    assert!(cluster.remaining(0) > Some(Span::millis(2_400)), "{:?}", cluster.remaining(0));
    let (from, to, message) = cluster.network.pop_front().unwrap();
    cluster.give(to, Input::Message { from, message });
    assert_eq!(cluster.nodes[0].0.raft().settings().lease.lengths(), lengths(300, 500, 0));
    // No round that asks for the new promise can have been acknowledged.
    assert!(cluster.remaining(0) <= Some(Span::millis(300)), "{:?}", cluster.remaining(0));
}

#[test]
fn a_cut_never_lengthens_a_lease_whose_round_carried_shorter_lengths() {
    let mut cluster = Cluster::elected();
    // Both changes travel in rounds that ask for promises of five seconds, and both are committed before any other round
    // is acknowledged. The second is a cut, from nine seconds to six.
    cluster.ask(0, 1, Operation::Agree(lengths(9_000, 10_000, 0)));
    cluster.ask(0, 2, Operation::Agree(lengths(6_000, 7_000, 0)));
    cluster.deliver_hop();
    let old: Vec<_> = cluster.network.drain(..).collect();
    for (from, to, message) in old {
        cluster.give(to, Input::Message { from, message });
        assert!(cluster.remaining(0) <= Some(Span::millis(2_500)), "{:?}", cluster.remaining(0));
    }
    assert_eq!(cluster.nodes[0].0.raft().settings().lease.lengths(), lengths(6_000, 7_000, 0));
    assert!(cluster.remaining(0) > Some(Span::millis(2_400)), "{:?}", cluster.remaining(0));
    cluster.deliver_all();
    assert!(cluster.remaining(0) > Some(Span::millis(5_900)), "{:?}", cluster.remaining(0));
}

#[test]
fn a_promise_is_not_shortened_by_a_round_with_shorter_lengths() {
    let mut cluster = Cluster::elected();
    cluster.pass(500);
    cluster.ask(0, 1, Operation::Agree(lengths(300, 500, 0)));
    cluster.deliver_all();
    assert_eq!(cluster.nodes[1].0.raft().settings().lease.lengths(), lengths(300, 500, 0));
    assert!(cluster.remaining(0) <= Some(Span::millis(300)), "cut short: {:?}", cluster.remaining(0));
    assert_eq!(cluster.nodes[0].0.raft().settings().heartbeat, Span::millis(50), "in proportion");
    let running = |cluster: &Cluster| {
        let now = At(cluster.now).read();
        cluster.nodes[1].0.raft().promise_ends().filter(|end| !end.reached(&now)).count()
    };
    cluster.now += 600_000_000;
    assert_eq!(running(&cluster), 1, "that of five seconds");
    cluster.now += 4_300_000_000;
    assert_eq!(running(&cluster), 1);
    cluster.now += 200_000_000;
    assert_eq!(running(&cluster), 0);
}

#[test]
fn unsafe_lengths_are_refused_and_ignored() {
    let mut cluster = Cluster::elected();
    for (number, wrong) in
        [(1, lengths(5_000, 5_000, 0)), (2, lengths(0, 0, 0)), (3, lengths(5_200, 5_000, 500))]
    {
        cluster.ask(0, number, Operation::Agree(wrong));
        assert_eq!(cluster.answer(number), Some(&Answer::Refused(Refusal::UnsafeLease)));
    }
    cluster.give(id(0), Input::ProposeLengths(lengths(5_000, 5_000, 0)));
    cluster.pass(1_000);
    assert_eq!(cluster.nodes[0].0.agreed(), None);
    assert_eq!(cluster.nodes[0].0.raft().log().last_index().0, 1);
}

#[test]
fn a_leader_that_asks_for_another_promise_is_reported_once_and_obeyed() {
    let mut cluster = Cluster::new(3);
    let mut ask = |round, seconds| {
        let append = Append {
            term: Term(1),
            round,
            promise: Span::secs(seconds),
            stamp: None,
            previous_index: Index::ZERO,
            previous_term: Term(0),
            commit: Index::ZERO,
            entries: None,
        };
        let message = Message::Raft(raft::Message::Append(append));
        cluster.give(id(1), Input::Message { from: id(0), message });
        let differs = |note: &&Note| matches!(note, Note::PromiseDiffers { .. });
        (cluster.notes.iter().filter(differs).count(), cluster.longest_promise(1))
    };
    assert_eq!(ask(1, 9), (0, Span::secs(9)), "a change of lengths may be on its way");
    for round in 2..5 {
        assert_eq!(ask(round, 9).0, 1);
    }
    assert_eq!(ask(5, 5).0, 1, "its own");
    ask(6, 7);
    assert_eq!(ask(7, 7).0, 2, "another length");
}

#[test]
fn a_stored_promise_goes_down_when_the_long_ones_are_over() {
    let mut cluster = Cluster::elected();
    cluster.ask(0, 1, Operation::Agree(lengths(7_000, 9_000, 1_000)));
    cluster.pass(1_000);
    cluster.ask(0, 2, Operation::Agree(lengths(3_000, 5_000, 500)));
    cluster.deliver_all();
    // The last round that asked for nine seconds was accepted just now.
    cluster.pass(8_900);
    assert_eq!(cluster.longest_promise(1), Span::secs(9), "a restart now must wait for that one");
    cluster.pass(600);
    assert_eq!(cluster.longest_promise(1), Span::secs(5));
    // A node that has restarted does not know when it gave its longest promise.
    cluster.ask(0, 4, Operation::Agree(lengths(7_000, 9_000, 1_000)));
    cluster.pass(1_000);
    cluster.ask(0, 5, Operation::Agree(lengths(3_000, 5_000, 500)));
    cluster.deliver_all();
    cluster.nodes[1].1.crash();
    let Ok(recovered) = cluster.nodes[1].1.recover();
    let identity = Identity::numbered(id(1), Configuration::new(3, 0), 2);
    let now = At(cluster.now);
    cluster.nodes[1].0 =
        Node::start(identity, Settings::default(), SoundRules, recovered, &now, &mut ByName(1));
    cluster.pass(8_900);
    assert_eq!(cluster.longest_promise(1), Span::secs(9));
    cluster.pass(600);
    assert_eq!(cluster.longest_promise(1), Span::secs(5));
    // And up again.
    cluster.ask(0, 3, Operation::Agree(lengths(7_000, 9_000, 1_000)));
    cluster.pass(1_000);
    assert_eq!(cluster.longest_promise(1), Span::secs(9));
}
