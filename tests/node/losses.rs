//! Members that have lost what they had acknowledged, and nodes that know after a restart what was committed.

use leasehold::kv::{Command, Scalar};
use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation};
use leasehold::raft::{
    self, Append, Configuration, Entry, Index, MemberAction, MembershipChange, Misbehaviour, Note, Payload,
    Role, Settings, Term,
};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::{Clock, Span};

use crate::cluster::{Cluster, id, write};
use crate::time::{At, ByName};

fn lost(cluster: &Cluster) -> Vec<(raft::NodeId, Index)> {
    let lost = cluster.notes.iter().filter_map(|note| match note {
        Note::EntriesLost { peer, index } => Some((*peer, *index)),
        _ => None,
    });
    lost.collect()
}

/// Starts a node anew on that storage.
fn restart(cluster: &mut Cluster, place: usize, mut storage: MemoryStorage) {
    storage.crash();
    let Ok(recovered) = storage.recover();
    let identity = Identity::numbered(id(place), Configuration::new(3, 0), cluster.now + 1);
    let mut jitter = ByName(id(place).0);
    let at = At(cluster.now);
    let node = Node::start(identity, Settings::default(), SoundRules, recovered, &at, &mut jitter);
    cluster.nodes[place] = (node, storage);
    cluster.settle(id(place));
}

fn written(cluster: &mut Cluster, number: u64) -> bool {
    cluster.ask(0, number, write(i64::try_from(number).unwrap()));
    cluster.deliver_all();
    cluster.answer(number) == Some(&Answer::Done)
}

/// n3 is put back to a copy of its disk from before half of 40 writes. What was acknowledged last, and its index.
fn put_back() -> (Cluster, Index) {
    let mut cluster = Cluster::elected();
    let mut copy = None;
    for number in 0..40 {
        assert!(written(&mut cluster, number));
        if number == 20 {
            copy = Some(cluster.nodes[2].1.clone());
        }
    }
    cluster.pass(1_000);
    assert_eq!(lost(&cluster), []);
    restart(&mut cluster, 2, copy.unwrap());
    let held = cluster.nodes[0].0.raft().log().last_index();
    (cluster, held)
}

#[test]
fn a_member_that_was_put_back_is_noticed_and_repaired_and_counted_no_more() {
    let (mut cluster, held) = put_back();
    cluster.pass(1_100);
    assert_eq!(lost(&cluster), [(id(2), held)], "once");
    let peers = cluster.nodes[0].0.status(&At(cluster.now).read()).peers;
    assert_eq!([peers[0].lost_entries, peers[1].lost_entries], [false, true]);
    assert_eq!(
        peers[1].match_index, held,
        "it has got them again, so that it votes for nobody who lacks them"
    );
    assert!(written(&mut cluster, 100), "n1 and n2 are a majority");

    // Without n2 there is no majority that remembers: no write, and soon no lease.
    cluster.replies.clear();
    for _ in 0..4_000 {
        cluster.pass_without(1, 1);
    }
    assert_eq!(cluster.remaining(0), None);
    cluster.ask(0, 101, write(1));
    cluster.pass_without(1, 3_000);
    assert_ne!(cluster.answer(101), Some(&Answer::Done));
}

#[test]
fn a_member_that_was_removed_after_a_loss_may_come_back_empty() {
    let (mut cluster, _) = put_back();
    cluster.pass(1_100);
    let change = |action| Operation::Change(MembershipChange { action, node: "n3".into() });
    cluster.ask(0, 200, change(MemberAction::Remove));
    cluster.pass(1_000);
    assert!(matches!(cluster.answer(200), Some(Answer::Configured { .. })), "{:?}", cluster.answer(200));
    restart(&mut cluster, 2, MemoryStorage::default());
    for (number, action) in [(201, MemberAction::Add), (202, MemberAction::Promote)] {
        cluster.ask(0, number, change(action));
        cluster.pass(2_000);
        assert!(
            matches!(cluster.answer(number), Some(Answer::Configured { .. })),
            "{:?}",
            cluster.answer(number)
        );
    }
    let peers = cluster.nodes[0].0.status(&At(cluster.now).read()).peers;
    assert!(peers.iter().all(|peer| !peer.lost_entries));
    cluster.ask(0, 203, write(1));
    cluster.pass_without(1, 500);
    assert_eq!(cluster.answer(203), Some(&Answer::Done), "it is counted again");
}

#[test]
fn a_learner_that_has_lost_entries_is_not_promoted_before_it_was_removed() {
    let mut cluster = Cluster::with_learners(2, 1);
    cluster.pass(6_000);
    let mut copy = cluster.nodes[2].1.clone();
    copy.crash();
    for number in 0..5 {
        assert!(written(&mut cluster, number));
    }
    cluster.pass(1_000);
    let Ok(recovered) = copy.clone().recover();
    let identity = Identity::numbered(id(2), Configuration::new(2, 1), 9);
    let at = At(cluster.now);
    let node = Node::start(identity, Settings::default(), SoundRules, recovered, &at, &mut ByName(2));
    cluster.nodes[2] = (node, copy);
    cluster.pass(1_500);
    assert_eq!(lost(&cluster).len(), 1);
    let promote = MembershipChange { action: MemberAction::Promote, node: "n3".into() };
    cluster.ask(0, 50, Operation::Change(promote));
    cluster.pass(1_000);
    assert!(matches!(cluster.answer(50), Some(Answer::Refused(_))), "{:?}", cluster.answer(50));
}

#[test]
fn messages_that_overtake_each_other_prove_nothing() {
    let mut cluster = Cluster::elected();
    cluster.pass(1_000);
    cluster.network.clear();
    // Two rounds with an entry each; the second one arrives first.
    cluster.ask(0, 1, write(1));
    cluster.ask(0, 2, write(2));
    let to_n2: Vec<_> = cluster.network.iter().filter(|(_, to, _)| *to == id(1)).cloned().collect();
    assert_eq!(to_n2.len(), 2);
    cluster.network.clear();
    for (from, to, message) in to_n2.into_iter().rev() {
        cluster.give(to, Input::Message { from, message });
    }
    let answers: Vec<_> = cluster.network.drain(..).collect();
    let rejected = |message: &Message| {
        matches!(message, Message::Raft(raft::Message::AppendReply(reply))
            if matches!(reply.outcome, raft::AppendOutcome::Rejected { .. }))
    };
    assert!(rejected(&answers[0].2) && !rejected(&answers[1].2), "{answers:?}");
    // So do the answers: "I have the first entry", and then, of a later round, "I do not have it".
    for (from, to, message) in answers.into_iter().rev() {
        cluster.give(to, Input::Message { from, message });
    }
    assert_eq!(lost(&cluster), []);
    cluster.deliver_all();
    cluster.pass(1_000);
    assert_eq!((lost(&cluster), cluster.answer(2)), (vec![], Some(&Answer::Done)));
}

#[test]
fn a_node_knows_after_a_restart_what_was_committed_and_gives_none_of_it_up() {
    let mut cluster = Cluster::elected();
    for number in 0..10 {
        assert!(written(&mut cluster, number));
        cluster.pass(600);
    }
    let storage = cluster.nodes[1].1.clone();
    restart(&mut cluster, 1, storage);
    let node = &cluster.nodes[1].0;
    let commit = node.raft().commit();
    // The last commit index may have found nothing to be stored with.
    assert!(commit >= Index(node.raft().log().last_index().0 - 1) && commit > Index(8), "{commit}");
    assert_eq!(node.applied(), commit);
    assert_eq!(
        node.state().read(&crate::cluster::key()),
        Some(&Scalar::Integer(i64::try_from(commit.0).unwrap() - 2))
    );
    // A leader that was elected by nodes that have forgotten.
    cluster.notes.clear();
    cluster.network.clear();
    let command = Command::Write { key: crate::cluster::key(), value: Scalar::Integer(666) };
    let entry = Entry { term: Term(7), payload: Payload::Command(command) };
    let append = Append {
        term: Term(7),
        round: 1,
        promise: Span::secs(5),
        stamp: None,
        previous_index: Index(commit.0 - 1),
        previous_term: Term(1),
        commit,
        entries: Some([entry].into()),
    };
    cluster
        .give(id(1), Input::Message { from: id(2), message: Message::Raft(raft::Message::Append(append)) });
    let told = Note::Misbehaviour { peer: id(2), fact: Misbehaviour::ContradictsCommitted };
    assert!(cluster.notes.contains(&told), "{:?}", cluster.notes);
    assert_eq!(cluster.nodes[1].0.raft().log().entry(commit).unwrap().term, Term(1));
    assert_eq!(cluster.nodes[1].0.raft().role(), Role::Follower);
}
