//! The replicated log, in memory.

use std::sync::Arc;

use super::{Index, Members, Term};
use crate::kv::Command;
use crate::lease::LeaseLengths;

/// What an entry carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Nothing: a new leader's first entry, by which everything before it commits (Raft dissertation, section 6.4).
    Noop,
    /// A command for the state machine.
    Command(Command),
    /// The lengths of leases and promises from here on.
    Lease(LeaseLengths),
    /// The members from here on. Boxed: there are few.
    Configuration(Box<Members>),
}

/// A log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The term of the leader that appended it.
    pub term: Term,
    /// What it carries.
    pub payload: Payload,
}

impl Entry {
    /// The bytes it takes in a message, or a few more.
    pub(super) fn weight(&self) -> usize {
        match &self.payload {
            Payload::Noop => 48,
            Payload::Lease(_) => 160,
            Payload::Configuration(members) => 96 + members.weight(),
            Payload::Command(command) => 48 + command.weight(),
        }
    }
}

/// The log: entries 1 to [`Log::last_index`].
#[derive(Debug, Clone, Default)]
pub struct Log {
    entries: Vec<Entry>,
    /// The lowest index that no durable write has covered yet.
    unwritten_from: Option<Index>,
}

impl Log {
    /// The log as it was found on disk.
    pub fn recovered(entries: Vec<Entry>) -> Log {
        Log { entries, unwritten_from: None }
    }

    /// The last entry's index, 0 when the log is empty.
    pub fn last_index(&self) -> Index {
        Index(self.entries.len() as u64)
    }

    /// The last entry's term, 0 when the log is empty.
    pub fn last_term(&self) -> Term {
        self.entries.last().map_or(Term(0), |entry| entry.term)
    }

    /// The entry at `index`, if there is one.
    pub fn entry(&self, index: Index) -> Option<&Entry> {
        self.entries.get(offset(index)?)
    }

    /// The term at `index`; term 0 at index 0; `None` past the end.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == Index::ZERO { Some(Term(0)) } else { self.entry(index).map(|entry| entry.term) }
    }

    /// The entries from `first` on, at most `count`; `None` when there are none.
    pub fn slice(&self, first: Index, count: usize) -> Option<Arc<[Entry]>> {
        let entries = self.entries.get(offset(first)?..)?;
        let entries = &entries[..count.min(entries.len())];
        (!entries.is_empty()).then(|| Arc::from(entries))
    }

    /// The entries from `first` on, at most `count`, and of at most so many bytes together unless the first is larger.
    pub fn batch(&self, first: Index, count: usize, bytes_max: usize) -> Option<Arc<[Entry]>> {
        let entries = self.entries.get(offset(first)?..)?;
        let mut bytes = 0usize;
        let fitting = entries.iter().take(count).take_while(|entry| {
            bytes = bytes.saturating_add(entry.weight());
            bytes <= bytes_max
        });
        let count = fitting.count().max(1);
        self.slice(first, count)
    }

    /// Appends one entry and tells its index.
    pub(super) fn push(&mut self, entry: Entry) -> Index {
        self.entries.push(entry);
        let index = self.last_index();
        self.unwritten_from = Some(self.unwritten_from.map_or(index, |from| from.min(index)));
        index
    }

    /// The first of a leader's entries behind `previous` that is not in the log yet, or stands in the place of another
    /// one (Raft paper, figure 2, AppendEntries 3 and 4). A message that is shorter than the log changes nothing.
    pub(super) fn first_new(&self, previous: Index, entries: &[Entry]) -> Option<Index> {
        let mut indices = (previous.0 + 1..).map(Index);
        entries
            .iter()
            .find_map(|entry| indices.next().filter(|index| self.term_at(*index) != Some(entry.term)))
    }

    /// Stores entries from `first` on; whatever stood there and behind goes. `first` is at most the last index + 1.
    pub(super) fn store(&mut self, first: Index, entries: &[Entry]) {
        let place = offset(first).filter(|place| *place <= self.entries.len());
        self.entries.truncate(place.expect("entries are stored behind one that is in the log"));
        self.entries.extend_from_slice(entries);
        self.unwritten_from = Some(self.unwritten_from.map_or(first, |from| from.min(first)));
    }

    /// The last index before `index` whose term is not the one at `index`: where a leader should try next when the
    /// entry at `index` conflicts (Raft paper, section 5.3).
    pub(super) fn before_term_at(&self, index: Index) -> Index {
        let Some(term) = self.term_at(index) else {
            return self.last_index().min(index.previous());
        };
        let mut index = index;
        while index > Index::ZERO && self.term_at(index) == Some(term) {
            index = index.previous();
        }
        index
    }

    pub(super) fn has_unwritten(&self) -> bool {
        self.unwritten_from.is_some()
    }

    /// The entries that no durable write has covered, which the caller now writes.
    pub(super) fn take_unwritten(&mut self) -> Option<(Index, Arc<[Entry]>)> {
        let first = self.unwritten_from.take()?;
        Some((first, self.slice(first, usize::MAX)?))
    }
}

/// Where `index` stands in the vector; `None` for index 0.
fn offset(index: Index) -> Option<usize> {
    usize::try_from(index.0.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::Scalar;

    fn entries(terms: &[u64]) -> Vec<Entry> {
        terms.iter().map(|term| Entry { term: Term(*term), payload: Payload::Noop }).collect()
    }

    fn terms(log: &Log) -> Vec<u64> {
        (1..=log.last_index().0).map(|index| log.term_at(Index(index)).unwrap().0).collect()
    }

    #[test]
    fn a_leaders_entries_replace_what_conflicts_and_nothing_else() {
        let mut log = Log::recovered(entries(&[1, 1, 2, 2]));
        assert_eq!(log.first_new(Index(1), &entries(&[1, 2])), None, "known already");
        assert_eq!(log.first_new(Index(2), &entries(&[2, 3])), Some(Index(4)));
        assert_eq!(log.first_new(Index(4), &entries(&[2])), Some(Index(5)));
        log.store(Index(3), &entries(&[3, 3]));
        assert_eq!(terms(&log), [1, 1, 3, 3]);
        assert_eq!(log.take_unwritten().map(|(first, entries)| (first, entries.len())), Some((Index(3), 2)));
        assert_eq!(log.take_unwritten(), None);
    }

    #[test]
    fn a_batch_is_bounded_in_bytes_and_has_at_least_one_entry() {
        let text = |length: usize| Scalar::Text("x".repeat(length).into());
        let write = |length| Payload::Command(Command::Write { key: Scalar::Null, value: text(length) });
        let entry = |length| Entry { term: Term(1), payload: write(length) };
        let log = Log::recovered(vec![entry(1_000), entry(1_000), entry(1_000), entry(9_000)]);
        let batch = |first, bytes| log.batch(Index(first), 100, bytes).map(|entries| entries.len());
        assert_eq!(batch(1, 2_500), Some(2));
        assert_eq!(batch(1, 1_000_000), Some(4));
        assert_eq!(batch(4, 2_500), Some(1), "larger than the bound, and alone");
        assert_eq!(batch(5, 2_500), None);
    }

    #[test]
    fn a_conflict_skips_its_whole_term() {
        let log = Log::recovered(entries(&[1, 1, 2, 2, 2]));
        assert_eq!(log.before_term_at(Index(5)), Index(2));
        assert_eq!(log.before_term_at(Index(2)), Index(0));
        assert_eq!(log.before_term_at(Index(9)), Index(5), "past the end: the end");
    }
}
