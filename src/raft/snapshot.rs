//! What a log is shortened by: the state machine's contents at some index, and how they travel.
//!
//! A snapshot is never written as a whole by the node that has it. Its storage keeps the state machine as it was at the log's
//! [base](Log::base), and compaction brings that forward by the very entries that it drops
//! ([`Write::compacted`](super::Write::compacted)), so its cost is that of what has changed. A leader cuts what a follower
//! lacks out of its applied state, of which it keeps a copy that costs nothing, and sends it in chunks.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::{Configured, HardState, Index, Log, Name, Payload, Term};
use crate::kv::{KeyValues, Outcome, Pairs};
use crate::lease::LeaseLengths;
use crate::time::Span;

/// Everything that the applied entries have made, and so everything that a snapshot is of. What a future entry changes
/// belongs in here: storage, the leader's chunks and a restart carry all of this, and nothing beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateMachine {
    /// The keys and their values.
    pub values: KeyValues,
    /// The lease's lengths that the cluster has agreed on, if it has.
    pub agreed: Option<LeaseLengths>,
    /// The members, unless they are those that the cluster began with. (In force they are from their append on.)
    pub configured: Option<Arc<Configured>>,
    /// The cluster's id, once it is known: agreed on by the first entries, or given to the node when it was started.
    pub cluster: Option<Name>,
}

/// A hash of the state at an index. States that are the same have the same hash; states that differ have another, but for
/// one chance in 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateDigest {
    /// Everything up to here is applied.
    pub index: Index,
    /// See [`StateMachine::hash`].
    pub hash: u64,
}

impl StateMachine {
    /// A hash of the keys with their values, the agreed lengths and the entry of the members. The same for the same state on
    /// every node and in every process.
    pub fn hash(&self) -> u64 {
        let lengths = self.agreed.map_or([0; 3], |lengths| {
            [lengths.duration, lengths.election_timeout, lengths.max_clock_skew].map(Span::as_nanos)
        });
        let configured = self.configured.as_ref().map_or(0, |configured| configured.index.0);
        let [duration, timeout, skew] = lengths;
        let mut bytes = [0; 48];
        for (part, word) in bytes.chunks_exact_mut(8).zip([
            self.values.hash(),
            self.values.len(),
            duration,
            timeout,
            skew,
            configured,
        ]) {
            part.copy_from_slice(&word.to_le_bytes());
        }
        xxh3_64(&bytes)
    }

    /// Applies what the entry at `index` carries.
    pub fn apply(&mut self, index: Index, payload: &Payload) -> Outcome {
        match payload {
            Payload::Noop => Outcome::Done,
            Payload::Command(command) => self.values.apply(command),
            Payload::Lease(lengths) => {
                if lengths.may_be_agreed() {
                    self.agreed = Some(*lengths);
                }
                Outcome::Done
            }
            Payload::Configuration(members) => {
                self.configured = Some(Arc::new(Configured { index, members: (**members).clone() }));
                Outcome::Done
            }
            Payload::Cluster(id) => {
                // The first one counts: a cluster keeps its id.
                self.cluster.get_or_insert_with(|| id.clone());
                Outcome::Done
            }
        }
    }
}

/// How long a log may become, beyond what is not applied yet, before its oldest entries are dropped; and how what was
/// dropped is sent to those that lack it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBounds {
    /// Entries; at least 1.
    pub entries_max: u64,
    /// Their size as messages, in bytes; at least 1.
    pub bytes_max: u64,
    /// The size of a snapshot's chunk as a message, in bytes, unless a single pair is larger.
    pub chunk_bytes_max: usize,
}

impl Default for LogBounds {
    /// 65 536 entries, 64 MiB, chunks of 256 KiB.
    fn default() -> LogBounds {
        LogBounds { entries_max: 65_536, bytes_max: 64 * 1_024 * 1_024, chunk_bytes_max: 256 * 1_024 }
    }
}

/// A place in the log: an index and the term of the entry there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The index; 0 before the first entry.
    pub index: Index,
    /// The term of that entry; 0 before the first.
    pub term: Term,
}

/// What a node starts with: what its storage held.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// Term, vote, promise.
    pub hard_state: HardState,
    /// The state machine at the log's base.
    pub state: StateMachine,
    /// The entries behind that.
    pub log: Log,
    /// Entries up to here were committed when something was stored last; no more than the log has.
    pub commit: Index,
}

impl Recovered {
    /// Has the node of this storage ever stored anything? Whoever acknowledges a round has stored its promise before, and
    /// whoever votes its vote. So a node that has stored nothing has promised nobody anything.
    pub fn has_past(&self) -> bool {
        let entries = self.log.last_index() > Index::ZERO;
        // The cluster's id may have been given by the operator. It is no promise.
        let empty = StateMachine { cluster: self.state.cluster.clone(), ..StateMachine::default() };
        entries || self.hard_state != HardState::default() || self.state != empty
    }
}

/// A part of a snapshot, from a leader to a follower that has fallen behind its log.
///
/// It promises nothing and asks for no promise: only rounds do, and they go on meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotChunk {
    /// The leader's term.
    pub term: Term,
    /// The state machine as it was here.
    pub at: Position,
    /// The lengths that were agreed on there; the same in each of its chunks.
    pub agreed: Option<LeaseLengths>,
    /// The members there, unless they are those that the cluster began with; the same in each of its chunks.
    pub configured: Option<Arc<Configured>>,
    /// The cluster's id, if it has one; the same in each of its chunks.
    pub cluster: Option<Name>,
    /// So many pairs of it come before this chunk.
    pub offset: u64,
    /// Keys and values, in the keys' order.
    pub pairs: Pairs,
    /// Nothing comes behind this chunk.
    pub last: bool,
}

/// A follower's answer to a [`SnapshotChunk`], sent when what it says is on stable storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotReply {
    /// The follower's term.
    pub term: Term,
    /// The snapshot's index.
    pub index: Index,
    /// What it has of it.
    pub received: Received,
}

/// What a follower has of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// So many of its pairs.
    Pairs(u64),
    /// All of it, or what is more: its state is that of the snapshot or a later one.
    All,
}

/// What storage does with a snapshot that comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotWrite {
    /// Sets these pairs aside, behind `offset` others. At offset 0, whatever was set aside before goes.
    Part {
        /// Pairs of this snapshot that are set aside already.
        offset: u64,
        /// Those that come next.
        pairs: Pairs,
    },
    /// What was set aside is now the state machine's state, and there are no entries; at once or not at all.
    Install {
        /// The new base of the log.
        at: Position,
        /// So many pairs were set aside.
        pairs: u64,
        /// The lengths that were agreed on there.
        agreed: Option<LeaseLengths>,
        /// The members there, unless they are those that the cluster began with.
        configured: Option<Arc<Configured>>,
        /// The cluster's id, if it has one.
        cluster: Option<Name>,
    },
}
