//! Logs that are compacted, and nodes that fall behind them.

use leasehold::kv::{Command, Scalar};
use leasehold::lease::SoundRules;
use leasehold::node::{Answer, Identity, Input, Message, Node, Operation};
use leasehold::raft::{
    self, Append, Configuration, Index, LogBounds, NodeId, Note, Position, Received, Role, Settings,
    SnapshotChunk, SnapshotReply, Term,
};
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::{Clock, Span};

use crate::cluster::{Cluster, id, lengths, write};
use crate::time::{At, ByName};

impl Cluster {
    /// A cluster whose logs are short and whose snapshots come in many messages.
    fn compacting() -> Cluster {
        let log = LogBounds { entries_max: 16, chunk_bytes_max: 200, ..LogBounds::default() };
        let mut cluster =
            Cluster::with_settings(Configuration::new(3, 0), Settings { log, ..Settings::default() });
        cluster.pass(6_000);
        cluster
    }

    /// Node 0 sets keys and everybody but `without` hears of it.
    fn fill(&mut self, without: NodeId, numbers: std::ops::Range<i64>) {
        for number in numbers {
            let (key, value) = (Scalar::Integer(number % 40), Scalar::Integer(number));
            self.ask(0, u64::try_from(number).unwrap(), Operation::Update(Command::Write { key, value }));
            while let Some((from, to, message)) = self.network.pop_front() {
                if from != without && to != without {
                    self.give(to, Input::Message { from, message });
                }
            }
        }
    }

    /// The process of a node ends and starts again with what its storage holds.
    pub(crate) fn restart(&mut self, id: NodeId) {
        let (node, storage) = &mut self.nodes[id.index()];
        storage.crash();
        let Ok(recovered) = storage.recover();
        let identity = Identity::numbered(id, node.raft().configuration().clone(), 2);
        // Those that it was started with, whatever is in force.
        let settings = Settings { log: node.raft().settings().log, ..Settings::default() };
        *node = Node::start(identity, settings, SoundRules, recovered, &At(self.now), &mut ByName(id.0));
        self.settle(id);
    }

    /// Delivers what `fate` makes of each message: none of it, one, or several.
    fn deliver(&mut self, mut fate: impl FnMut(&Message) -> usize) {
        while let Some((from, to, message)) = self.network.pop_front() {
            for _ in 0..fate(&message) {
                self.give(to, Input::Message { from, message: message.clone() });
            }
        }
    }

    fn assert_equal(&self) {
        let (leader, _) = &self.nodes[0];
        for (node, storage) in &self.nodes {
            assert!(node.raft().log().len() <= 16 + 4, "bounded: {}", node.raft().log().len());
            assert_eq!(node.applied(), leader.applied());
            assert!(node.state() == leader.state());
            assert_eq!(node.agreed(), leader.agreed());
            let Ok(recovered) = storage.clone().recover();
            assert_eq!(recovered.log.last_index(), leader.raft().log().last_index());
        }
    }
}

fn is_chunk(message: &Message) -> bool {
    matches!(message, Message::Raft(raft::Message::Snapshot(_)))
}

#[test]
fn a_node_that_fell_behind_the_log_gets_a_snapshot_in_chunks() {
    let mut cluster = Cluster::compacting();
    cluster.fill(id(2), 0..200);
    assert!(cluster.nodes[0].0.raft().log().base().index > cluster.nodes[2].0.raft().log().last_index());
    let mut chunks = 0;
    for _ in 0..2_000 {
        cluster.now += 1_000_000;
        for place in 0..3 {
            cluster.give(id(place), Input::Wakeup);
        }
        cluster.deliver(|message| {
            chunks += usize::from(is_chunk(message));
            1
        });
    }
    assert!(chunks >= 8, "{chunks} chunks");
    assert_eq!(cluster.nodes[0].0.raft().role(), Role::Leader, "rounds went on meanwhile");
    cluster.assert_equal();
    cluster.restart(id(2));
    assert!(!cluster.nodes[2].0.state().is_empty() && cluster.nodes[2].0.applied() > Index::ZERO);
    cluster.pass(2_000);
    cluster.fill(id(9), 200..240);
    cluster.pass(2_000);
    cluster.assert_equal();
}

#[test]
fn chunks_that_are_lost_or_come_twice_and_a_restart_in_between_cost_time_only() {
    for every in [2, 3, 5] {
        let mut cluster = Cluster::compacting();
        cluster.fill(id(2), 0..200);
        let mut count = 0;
        for round in 0..30_000 {
            cluster.now += 1_000_000;
            for place in 0..3 {
                cluster.give(id(place), Input::Wakeup);
            }
            if round == 3_000 {
                cluster.restart(id(2));
            }
            cluster.deliver(|message| {
                let snapshot = matches!(
                    message,
                    Message::Raft(raft::Message::Snapshot(_) | raft::Message::SnapshotReply(_))
                );
                count += usize::from(snapshot);
                match snapshot {
                    true if count % every == 0 => 0,
                    true if count % every == 1 => 2,
                    _ => 1,
                }
            });
        }
        cluster.assert_equal();
    }
}

#[test]
fn a_leader_that_is_replaced_in_the_middle_is_followed_by_another_snapshot() {
    let mut cluster = Cluster::compacting();
    cluster.fill(id(2), 0..200);
    let mut chunks = 0;
    while chunks < 4 {
        cluster.now += 1_000_000;
        for place in 0..3 {
            cluster.give(id(place), Input::Wakeup);
        }
        cluster.deliver(|message| {
            chunks += usize::from(is_chunk(message));
            usize::from(!is_chunk(message) || chunks < 4)
        });
    }
    cluster.restart(id(0));
    cluster.pass(20_000);
    let leader = cluster.nodes.iter().position(|(node, _)| node.raft().role() == Role::Leader).unwrap();
    let state = cluster.nodes[leader].0.state().clone();
    assert!(cluster.nodes.iter().all(|(node, _)| *node.state() == state) && state.len() == 40);
}

#[test]
fn what_is_no_part_of_the_snapshot_changes_nothing() {
    let mut cluster = Cluster::compacting();
    cluster.fill(id(9), 0..100);
    let follower = cluster.nodes[1].0.clone();
    let term = follower.raft().term();
    let pairs =
        |numbers: &[i64]| numbers.iter().map(|number| (Scalar::Integer(*number), Scalar::Null)).collect();
    let ahead = Position { index: Index(10_000), term };
    let chunk = |term, at, offset, pairs, last| SnapshotChunk {
        term,
        at,
        agreed: None,
        cluster: None,
        configured: None,
        offset,
        pairs,
        last,
    };
    let odd = [
        chunk(term, Position { index: Index(5), term }, 0, pairs(&[1]), true),
        chunk(term, Position { index: follower.raft().commit(), term }, 0, pairs(&[1]), true),
        chunk(term, ahead, 7, pairs(&[1]), true),
        chunk(term, ahead, u64::MAX, pairs(&[1]), true),
        chunk(term, ahead, 0, pairs(&[2, 1]), true),
        chunk(term, Position { term: term.next(), ..ahead }, 0, pairs(&[1]), true),
        chunk(term, Position { term: Term(0), ..ahead }, 0, pairs(&[1]), true),
        chunk(term.next(), ahead, 0, pairs(&[1]), true),
        chunk(Term(0), ahead, 0, pairs(&[1]), true),
    ];
    for chunk in odd {
        let shown = format!("{chunk:?}");
        cluster.give(
            id(1),
            Input::Message { from: id(0), message: Message::Raft(raft::Message::Snapshot(chunk.into())) },
        );
        let node = &cluster.nodes[1].0;
        assert!(*node.state() == *follower.state() && node.applied() == follower.applied(), "{shown}");
        assert_eq!(node.raft().term(), term, "{shown}");
    }
    let not_the_leader = chunk(term, ahead, 0, pairs(&[1]), true);
    let message = Message::Raft(raft::Message::Snapshot(not_the_leader.into()));
    cluster.give(id(1), Input::Message { from: id(2), message });
    assert_eq!(cluster.nodes[1].0.applied(), follower.applied());
    for received in [Received::All, Received::Pairs(u64::MAX), Received::Pairs(0)] {
        let reply = SnapshotReply { term, index: Index(10_000), received };
        let message = Message::Raft(raft::Message::SnapshotReply(reply));
        cluster.give(id(0), Input::Message { from: id(1), message });
    }
    cluster.fill(id(9), 100..140);
    cluster.pass(2_000);
    cluster.assert_equal();
}

/// Lets time pass until node 2 has what the others have.
fn catch_up(cluster: &mut Cluster) {
    for _ in 0..20 {
        cluster.pass(500);
        if cluster.nodes[2].0.applied() == cluster.nodes[0].0.applied() {
            return;
        }
    }
    panic!("node 2 does not catch up");
}

#[test]
fn lengths_that_were_agreed_on_travel_with_a_snapshot_and_are_there_after_a_restart() {
    let agreed = lengths(7_000, 9_000, 1_000);
    let mut cluster = Cluster::compacting();
    cluster.ask(0, 9_999, Operation::Agree(agreed));
    cluster.pass(500);
    // What node 2 has forgotten it gets again.
    cluster.nodes[2].1 = MemoryStorage::default();
    cluster.restart(id(2));
    assert_eq!(cluster.nodes[2].0.agreed(), None);
    cluster.fill(id(2), 0..200);
    catch_up(&mut cluster);
    cluster.assert_equal();
    for place in 0..3 {
        let in_force = |cluster: &Cluster| cluster.nodes[place].0.raft().settings().lease.lengths();
        assert_eq!(cluster.nodes[place].0.agreed(), Some(agreed));
        assert_eq!(in_force(&cluster), agreed, "node {place}");
        cluster.restart(id(place));
        assert!(cluster.nodes[place].0.raft().log().base().index > Index(100), "node {place}");
        assert_eq!(cluster.nodes[place].0.agreed(), Some(agreed), "before anybody leads");
        assert_eq!(in_force(&cluster), agreed, "node {place} after its restart");
        assert!(cluster.longest_promise(place) >= Span::secs(9) || place == 0, "node {place} promised that");
        let now = At(cluster.now + 8_999_000_000).read();
        assert!(
            cluster.nodes[place].0.raft().promise_ends().any(|end| !end.reached(&now)),
            "and withholds votes for as long"
        );
    }
}

#[test]
fn lengths_that_nobody_may_agree_on_and_lengths_that_change_on_the_way_are_no_snapshot() {
    for (first, second) in [
        (Some(lengths(9_000, 7_000, 0)), Some(lengths(9_000, 7_000, 0))),
        (None, Some(lengths(7_000, 9_000, 0))),
        (Some(lengths(7_000, 9_000, 0)), None),
    ] {
        let mut cluster = Cluster::compacting();
        let term = cluster.nodes[1].0.raft().term();
        let at = Position { index: Index(10_000), term };
        for (offset, agreed) in [(0, first), (1, second)] {
            let pairs = [(Scalar::Integer(i64::try_from(offset).unwrap()), Scalar::Null)].into();
            let chunk = SnapshotChunk {
                term,
                at,
                agreed,
                configured: None,
                cluster: None,
                offset,
                pairs,
                last: offset == 1,
            };
            let message = Message::Raft(raft::Message::Snapshot(chunk.into()));
            cluster.give(id(1), Input::Message { from: id(0), message });
        }
        assert!(cluster.nodes[1].0.applied() < Index(10_000));
        assert!(cluster.notes.iter().any(|note| matches!(note, Note::Misbehaviour { .. })));
    }
}

#[test]
fn a_snapshot_takes_the_place_of_a_log_that_says_otherwise() {
    let mut cluster = Cluster::compacting();
    let (node, _) = &cluster.nodes[1];
    let (term, last) = (node.raft().term(), node.raft().log().last_index());
    let tail: Vec<_> = (0..20).map(|_| raft::Entry { term, payload: raft::Payload::Noop }).collect();
    let append = |term, previous_index, previous_term, entries: &[raft::Entry]| {
        Message::Raft(raft::Message::Append(Append {
            term,
            round: 1_000,
            promise: Span::secs(5),
            stamp: None,
            previous_index,
            previous_term,
            commit: Index(0),
            entries: (!entries.is_empty()).then(|| entries.into()),
        }))
    };
    cluster.give(id(1), Input::Message { from: id(0), message: append(term, last, term, &tail) });
    assert_eq!(cluster.nodes[1].0.raft().log().last_index(), Index(last.0 + 20));
    // Node 2 leads the next term, in which something else was committed in that place.
    let next = term.next();
    cluster.give(id(1), Input::Message { from: id(2), message: append(next, Index(9_999), next, &[]) });
    let at = Position { index: Index(last.0 + 10), term: next };
    let pairs = [(Scalar::Null, Scalar::Integer(1))].into();
    let chunk = SnapshotChunk {
        term: next,
        at,
        agreed: None,
        configured: None,
        cluster: None,
        offset: 0,
        pairs,
        last: true,
    };
    let message = Message::Raft(raft::Message::Snapshot(chunk.into()));
    cluster.give(id(1), Input::Message { from: id(2), message });
    let (node, storage) = &mut cluster.nodes[1];
    let Ok(stored) = storage.recover();
    for log in [node.raft().log(), &stored.log] {
        assert_eq!((log.base(), log.last_index(), log.len()), (at, at.index, 0), "nothing is left behind it");
    }
    assert_eq!((node.applied(), node.state().len()), (at.index, 1));
}

/// Follower 1 is gone, and follower 2 gets a snapshot whose chunks and answers go through while its acknowledgements of rounds
/// do not.
#[test]
fn chunks_neither_renew_the_lease_nor_keep_a_leader_in_office() {
    let mut cluster = Cluster::compacting();
    cluster.fill(id(2), 0..200);
    let (mut chunks, mut answers, mut step_down) = (0, 0, None);
    let lease = *cluster.nodes[0].0.raft().lease().unwrap();
    for millis in (0..6_000u64).step_by(50) {
        cluster.now += 50_000_000;
        cluster.give(id(0), Input::Wakeup);
        cluster.give(id(2), Input::Wakeup);
        // A message takes 50 ms, so that rounds are under way while chunks are.
        for (from, to, message) in std::mem::take(&mut cluster.network) {
            let answered = matches!(message, Message::Raft(raft::Message::SnapshotReply(_)));
            let acknowledges_rounds = matches!(message, Message::Raft(raft::Message::AppendReply(_)));
            // The leader learns once that node 2 lacks what it has dropped.
            let lost = acknowledges_rounds && chunks > 0;
            if from == id(1) || to == id(1) || lost {
                continue;
            }
            chunks += usize::from(is_chunk(&message));
            answers += usize::from(answered);
            let before = cluster.nodes[0].0.raft().lease().copied();
            cluster.give(to, Input::Message { from, message });
            if answered {
                let after = cluster.nodes[0].0.raft().lease().copied();
                assert!(after.is_none() || after == before, "an answer renews nothing");
            }
        }
        let leads = cluster.nodes[0].0.raft().role() == Role::Leader;
        step_down = step_down.or((!leads).then_some(millis));
    }
    assert!(chunks >= 8 && answers >= 8, "{chunks} chunks, {answers} answers");
    assert!(step_down.is_some_and(|millis| millis <= 5_600), "stepped down after {step_down:?} ms");
    assert!(lease.end.reached(&At(cluster.now).read()));
}

#[test]
fn what_is_not_committed_is_never_dropped() {
    let mut cluster = Cluster::compacting();
    cluster.fill(id(9), 0..10);
    let committed = cluster.nodes[0].0.raft().commit();
    for number in 1_000..1_200 {
        cluster.ask(0, number, write(1));
    }
    let log = cluster.nodes[0].0.raft().log();
    assert!(log.base().index <= committed && log.len() >= 200, "{} are kept", log.len());
    assert_eq!(cluster.nodes[0].0.applied(), committed);
    cluster.network.clear();
    cluster.pass(3_000);
    for number in 1_000..1_200 {
        assert_eq!(cluster.answer(number), Some(&Answer::Done));
    }
    cluster.assert_equal();
}

#[test]
fn storage_in_memory_keeps_no_more_than_the_log_does() {
    let mut cluster = Cluster::compacting();
    cluster.fill(id(9), 0..5_000);
    for (node, storage) in &mut cluster.nodes {
        let Ok(stored) = storage.recover();
        assert!(stored.log.len() <= 16 + 4, "{} entries", stored.log.len());
        assert_eq!((stored.state.values.len(), node.state().len()), (40, 40));
        let told = node.status(&At(cluster.now).read()).first_index;
        assert!(told == node.raft().log().base().index.next() && told > Index(4_900), "{told}");
    }
}

#[test]
fn a_chunk_is_acknowledged_once_it_is_on_stable_storage() {
    let mut cluster = Cluster::compacting();
    let term = cluster.nodes[1].0.raft().term();
    let at = Position { index: Index(10_000), term };
    let answers = |cluster: &Cluster| {
        let snapshot = |message: &Message| matches!(message, Message::Raft(raft::Message::SnapshotReply(_)));
        cluster.network.iter().filter(|(_, _, message)| snapshot(message)).count()
    };
    for (offset, last) in [(0, false), (1, true)] {
        cluster.full = Some(id(1));
        let pairs = [(Scalar::Integer(i64::from(last)), Scalar::Null)].into();
        let chunk =
            SnapshotChunk { term, at, agreed: None, configured: None, cluster: None, offset, pairs, last };
        let message = Message::Raft(raft::Message::Snapshot(chunk.into()));
        cluster.give(id(1), Input::Message { from: id(0), message });
        assert_eq!(answers(&cluster), usize::from(last), "the disk has not got it");
        cluster.room_again();
        assert_eq!(answers(&cluster), usize::from(last) + 1);
    }
    assert_eq!(cluster.nodes[1].0.applied(), at.index);
}
