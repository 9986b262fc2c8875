//! Logs that are compacted, and nodes that fall behind them.

use leasehold::raft::{LogBounds, Position, Received, SnapshotChunk, SnapshotReply};

use super::*;

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
    fn restart(&mut self, id: NodeId) {
        let (node, storage) = &mut self.nodes[id.index()];
        storage.crash();
        let Ok(recovered) = storage.recover();
        let identity = Identity { id, configuration: node.raft().configuration(), incarnation: 2 };
        let settings = *node.raft().settings();
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
    let chunk = |term, at, offset, pairs, last| SnapshotChunk { term, at, agreed: None, offset, pairs, last };
    let odd = [
        chunk(term, ahead, 7, pairs(&[1]), true),
        chunk(term, ahead, u64::MAX, pairs(&[1]), true),
        chunk(term, ahead, 0, pairs(&[2, 1]), true),
        chunk(term, Position { term: term.next(), ..ahead }, 0, pairs(&[1]), true),
        chunk(term, Position { term: Term(0), ..ahead }, 0, pairs(&[1]), true),
        chunk(term.next(), ahead, 0, pairs(&[1]), true),
        chunk(Term(0), ahead, 0, pairs(&[1]), true),
        chunk(term, Position { index: Index(5), term }, 0, pairs(&[1]), true),
    ];
    for chunk in odd {
        let shown = format!("{chunk:?}");
        cluster.give(
            id(1),
            Input::Message { from: id(0), message: Message::Raft(raft::Message::Snapshot(chunk)) },
        );
        let node = &cluster.nodes[1].0;
        assert!(*node.state() == *follower.state() && node.applied() == follower.applied(), "{shown}");
        assert_eq!(node.raft().term(), term, "{shown}");
    }
    for received in [Received::All, Received::Pairs(u64::MAX), Received::Pairs(0)] {
        let reply = SnapshotReply { term, index: Index(10_000), received };
        let message = Message::Raft(raft::Message::SnapshotReply(reply));
        cluster.give(id(0), Input::Message { from: id(1), message });
    }
    cluster.fill(id(9), 100..140);
    cluster.pass(2_000);
    cluster.assert_equal();
}
