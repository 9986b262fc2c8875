//! Snapshots among a node's inputs: chunks that fit, nearly fit or make no sense, answers to its own chunks, and the disk
//! that all of it ends up on.

use std::sync::Arc;

use leasehold::kv::{Pairs, Scalar};
use leasehold::lease::{LeaseLengths, LeaseRules};
use leasehold::node::Node;
use leasehold::raft::{
    Configured, Index, LogBounds, Message as RaftMessage, Payload, Position, Received, Recovered,
    SnapshotChunk, SnapshotReply, Term, Write,
};
use leasehold::storage::{MemoryStorage, Storage};

use super::drawn::Bytes;

/// Bounds that are met at once, or never.
pub(crate) fn bounds(shape: u8) -> LogBounds {
    let usual = LogBounds::default();
    match shape / 64 {
        0 => usual,
        1 => LogBounds { entries_max: 1, chunk_bytes_max: 1, ..usual },
        2 => LogBounds { entries_max: 4, chunk_bytes_max: 60, ..usual },
        _ => LogBounds { bytes_max: 300, chunk_bytes_max: 200, ..usual },
    }
}

/// The snapshot that the bytes make up, as far as the node has said that it has it.
#[derive(Default)]
pub(crate) struct Offered {
    at: Position,
    agreed: Option<LeaseLengths>,
    configured: Option<Arc<Configured>>,
    held: u64,
}

impl Offered {
    pub(crate) fn heard(&mut self, reply: &SnapshotReply) {
        self.held = match reply.received {
            Received::Pairs(count) => count,
            Received::All => 0,
        };
    }

    pub(crate) fn message(&mut self, bytes: &mut Bytes<'_>, term: Term, last: Index) -> RaftMessage {
        let kind = bytes.byte() % 8;
        if kind == 0 {
            let received =
                if bytes.flag() { Received::All } else { Received::Pairs(bytes.number(self.held)) };
            let index = Index(bytes.number(last.0));
            return RaftMessage::SnapshotReply(SnapshotReply { term, index, received });
        }
        if kind <= 2 {
            let index = Index(bytes.number(last.0.saturating_add(5)));
            *self = Offered {
                at: Position { index, term: Term(bytes.number(term.0)) },
                agreed: bytes.flag().then(|| bytes.lengths()),
                configured: bytes.flag().then(|| {
                    let index = Index(bytes.number(index.0));
                    Arc::new(Configured { index, members: bytes.members() })
                }),
                held: 0,
            };
        }
        let offset = bytes.number(self.held);
        let pairs: Pairs = (0..u64::from(bytes.byte() % 4))
            .map(|place| {
                let key = bytes.number(offset.saturating_add(place));
                (Scalar::Integer(i64::try_from(key).unwrap()), bytes.scalar())
            })
            .collect();
        let agreed = if bytes.byte() % 16 == 15 { None } else { self.agreed };
        let at = if bytes.byte() % 16 == 15 { Position { term, ..self.at } } else { self.at };
        self.held = offset.saturating_add(pairs.len() as u64);
        let chunk = SnapshotChunk {
            term,
            at,
            agreed,
            cluster: None,
            configured: self.configured.clone(),
            offset,
            pairs,
            last: bytes.flag(),
        };
        RaftMessage::Snapshot(chunk.into())
    }

    /// Whoever got a chunk of the node's takes it.
    pub(crate) fn take(chunk: &SnapshotChunk) -> RaftMessage {
        let held = chunk.offset + chunk.pairs.len() as u64;
        let received = if chunk.last { Received::All } else { Received::Pairs(held) };
        RaftMessage::SnapshotReply(SnapshotReply { term: chunk.term, index: chunk.at.index, received })
    }
}

/// What the node has written.
#[derive(Clone, Default)]
pub(crate) struct Disk(MemoryStorage);

impl Disk {
    pub(crate) fn of(recovered: &Recovered) -> Disk {
        assert!(recovered.log.base() == Position::default());
        let mut storage = MemoryStorage::default();
        let entries = recovered.log.slice(Index(1), usize::MAX).map(|entries| (Index(1), entries));
        storage.write(Write {
            ticket: 1,
            hard_state: Some(recovered.hard_state),
            entries,
            ..Write::default()
        });
        storage.sync_up_to(1);
        storage.crash();
        Disk(storage)
    }

    pub(crate) fn write(&mut self, write: Write) {
        self.0.write(write);
    }

    pub(crate) fn sync_up_to(&mut self, ticket: u64) {
        self.0.sync_up_to(ticket);
    }

    /// The last entry that is on stable storage.
    pub(crate) fn synced_index(&self) -> Index {
        self.clone().crash().log.last_index()
    }

    /// The process ends; what the next one finds.
    pub(crate) fn crash(&mut self) -> Recovered {
        self.0.crash();
        let Ok(recovered) = self.0.recover();
        recovered
    }

    /// Everything written makes the very state that the node has.
    pub(crate) fn compare<R: LeaseRules>(&self, node: &Node<R>) {
        let mut synced = self.0.clone();
        let Ok(_) = synced.sync();
        let Ok(Recovered { mut state, log, .. }) = synced.recover();
        assert_eq!(log.last_index(), node.raft().log().last_index());
        let mut index = log.base().index;
        assert!(index <= node.applied(), "what is dropped was applied");
        while index < node.applied() {
            index = index.next();
            state.apply(index, &log.entry(index).unwrap().payload);
        }
        assert!(state.values == *node.state(), "{state:?} on the disk, {:?}", node.state());
        assert_eq!(state.agreed, node.agreed());
        let last =
            (log.base().index.0 + 1..=log.last_index().0).map(Index).rev().find_map(|index| {
                match &log.entry(index).unwrap().payload {
                    Payload::Configuration(members) => Some((index, (**members).clone())),
                    _ => None,
                }
            });
        let stored = state.configured.map(|configured| (configured.index, configured.members.clone()));
        let (index, mut members) = last.or(stored).unwrap_or_default();
        assert_eq!(index, node.raft().configuration_index());
        if index > Index(0) {
            let mut own = node.raft().members();
            for names in [&mut members.voters, &mut members.learners, &mut own.voters, &mut own.learners] {
                names.sort_unstable();
            }
            assert_eq!(members, own, "the members are those of the disk");
        }
        let own = node.raft().log();
        assert!(log.base() <= own.base(), "nothing is folded before it is dropped");
        if own.base().index > log.base().index {
            // A compaction that no write has carried yet.
            assert_eq!(log.term_at(own.base().index), Some(own.base().term));
        } else {
            assert_eq!(log.base(), own.base());
        }
    }
}
