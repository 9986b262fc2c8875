//! Where a node's durable state goes. The node says what to write ([`Write`]); its host writes, syncs and confirms.
//!
//! [`MemoryStorage`] keeps it for as long as the process lives; `durable::DurableStorage` (feature `durable`) keeps it in
//! a database.

#[cfg(feature = "durable")]
pub mod durable;

use std::collections::VecDeque;
use std::convert::Infallible;

use crate::kv::KeyValues;
use crate::raft::{Entry, HardState, Index, Log, Position, Recovered, SnapshotWrite, StateMachine, Write};

/// Durable storage. A write is safe once it is synced, and only then.
pub trait Storage {
    /// Why it can fail.
    type Error;

    /// Takes a write, in order. It may be lost until it is synced.
    fn write(&mut self, write: Write);

    /// Makes everything written so far safe, in one go, and tells the last write's ticket.
    fn sync(&mut self) -> Result<u64, Self::Error>;

    /// What a node that starts now would find.
    fn recover(&mut self) -> Result<Recovered, Self::Error>;
}

/// Storage in memory, which keeps what is written apart from what is synced, so that a crash can be played.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    hard_state: HardState,
    /// The state machine at the base ...
    state: StateMachine,
    base: Position,
    /// ... and the entries behind it.
    entries: Vec<Entry>,
    /// A snapshot that comes in.
    set_aside: KeyValues,
    commit: Index,
    unsynced: VecDeque<Write>,
    synced_ticket: u64,
}

impl MemoryStorage {
    /// Makes writes up to `ticket` safe and leaves later ones at risk.
    pub fn sync_up_to(&mut self, ticket: u64) {
        while self.unsynced.front().is_some_and(|write| write.ticket <= ticket) {
            let write = self.unsynced.pop_front().expect("the front was looked at");
            self.synced_ticket = write.ticket;
            if let Some(hard_state) = write.hard_state {
                self.hard_state = hard_state;
            }
            for part in write.snapshot {
                self.take_snapshot(part);
            }
            if let Some((first, entries)) = write.entries {
                self.store(first, &entries);
            }
            self.commit = write.commit.unwrap_or(self.commit);
            if let Some(index) = write.compacted {
                self.compact(index);
            }
        }
    }

    /// A crash: what was not synced is lost, and the next process counts its tickets from 1.
    pub fn crash(&mut self) {
        self.unsynced.clear();
        self.set_aside = KeyValues::default();
        self.synced_ticket = 0;
    }

    /// Is everything written safe?
    pub fn is_synced(&self) -> bool {
        self.unsynced.is_empty()
    }

    fn store(&mut self, first: Index, entries: &[Entry]) {
        let place = self.place(first);
        assert!(place <= self.entries.len(), "a write leaves a gap before index {first}");
        self.entries.truncate(place);
        self.entries.extend_from_slice(entries);
    }

    /// Where an entry stands, or would stand, in the vector.
    fn place(&self, index: Index) -> usize {
        let place = index.0.checked_sub(self.base.index.0 + 1);
        place.and_then(|place| usize::try_from(place).ok()).expect("an index behind the base")
    }

    fn take_snapshot(&mut self, write: SnapshotWrite) {
        match write {
            SnapshotWrite::Part { offset, pairs } => {
                if offset == 0 {
                    self.set_aside = KeyValues::default();
                }
                assert_eq!(self.set_aside.len(), offset, "a part of a snapshot is missing");
                assert!(self.set_aside.append(&pairs), "parts come in the keys' order");
            }
            SnapshotWrite::Install { at, pairs, agreed, configured, cluster } => {
                assert_eq!(self.set_aside.len(), pairs, "a part of a snapshot is missing");
                let values = std::mem::take(&mut self.set_aside);
                self.state = StateMachine { values, agreed, configured, cluster };
                self.base = at;
                self.entries.clear();
            }
        }
    }

    fn compact(&mut self, index: Index) {
        let count = self.place(index.next());
        for entry in self.entries.drain(..count) {
            self.base = Position { index: self.base.index.next(), term: entry.term };
            self.state.apply(self.base.index, &entry.payload);
        }
    }
}

impl Storage for MemoryStorage {
    type Error = Infallible;

    fn write(&mut self, write: Write) {
        let last = self.unsynced.back().map_or(self.synced_ticket, |write| write.ticket);
        assert_eq!(write.ticket, last + 1, "writes are taken in order");
        self.unsynced.push_back(write);
    }

    fn sync(&mut self) -> Result<u64, Infallible> {
        self.sync_up_to(u64::MAX);
        Ok(self.synced_ticket)
    }

    fn recover(&mut self) -> Result<Recovered, Infallible> {
        let log = Log::recovered(self.base, self.entries.clone());
        Ok(Recovered { hard_state: self.hard_state, state: self.state.clone(), log, commit: self.commit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::{Cas, Command, Scalar};
    use crate::raft::{Payload, Term};

    fn write(ticket: u64, first: u64, terms: &[u64]) -> Write {
        let entries = terms.iter().map(|term| Entry { term: Term(*term), payload: Payload::Noop });
        Write { ticket, entries: Some((Index(first), entries.collect())), ..Write::default() }
    }

    #[test]
    fn entries_that_are_dropped_are_applied_to_the_state_once_and_gone() {
        let key = Scalar::Null;
        let swap = |from, to| {
            let (from, to) = (Scalar::Integer(from), Scalar::Integer(to));
            Payload::Command(Command::Cas(Box::new(Cas {
                key: Scalar::Null,
                from,
                to,
                create_if_not_exists: true,
            })))
        };
        let payloads = [swap(0, 1), swap(2, 3), swap(1, 2), Payload::Noop];
        let entries = payloads.into_iter().map(|payload| Entry { term: Term(1), payload }).collect();
        let mut storage = MemoryStorage::default();
        storage.write(Write { ticket: 1, entries: Some((Index(1), entries)), ..Write::default() });
        storage.write(Write { ticket: 2, compacted: Some(Index(1)), ..Write::default() });
        storage.write(Write { ticket: 3, compacted: Some(Index(3)), ..Write::default() });
        assert_eq!(storage.sync(), Ok(3));
        assert_eq!(storage.entries.len(), 1);
        let Ok(Recovered { state, log, .. }) = storage.recover();
        // Applied twice, the last two would leave 3.
        assert_eq!(state.values.read(&key), Some(&Scalar::Integer(2)));
        assert_eq!(log.base(), Position { index: Index(3), term: Term(1) });
    }

    #[test]
    fn a_crash_keeps_what_was_synced_and_loses_the_rest() {
        let mut storage = MemoryStorage::default();
        storage.write(write(1, 1, &[1, 1]));
        assert_eq!(storage.sync(), Ok(1));
        storage.write(write(2, 2, &[2, 2, 2]));
        storage.write(write(3, 5, &[3]));
        storage.sync_up_to(2);
        storage.crash();
        let Ok(Recovered { log, .. }) = storage.recover();
        assert_eq!((log.last_index(), log.last_term()), (Index(4), Term(2)));
    }
}
