//! The replicated log, in memory: what is behind its base. What is up to there has been applied and dropped.

use std::sync::Arc;

use super::{Index, LogBounds, Members, Name, Position, Term};
use crate::kv::Command;
use crate::lease::LeaseLengths;

/// Entries dropped at once at most.
const COMPACT_ENTRIES_MAX: u64 = 1_024;

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
    /// The cluster's id, drawn by its first leader: that leader's first entry.
    Cluster(Name),
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
            Payload::Cluster(id) => 64 + 6 * id.len(),
            Payload::Command(command) => 48 + command.weight(),
        }
    }
}

/// The log: entries behind [`Log::base`] up to [`Log::last_index`].
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Everything up to here is committed, applied and dropped.
    base: Position,
    entries: Vec<Entry>,
    /// Their weights together.
    bytes: u64,
    /// The lowest index that no durable write has covered yet.
    unwritten_from: Option<Index>,
}

impl Log {
    /// The log as it was found on disk.
    pub fn recovered(base: Position, entries: Vec<Entry>) -> Log {
        let bytes = weights(&entries);
        Log { base, entries, bytes, unwritten_from: None }
    }

    /// Everything up to here has been dropped: it is in the state machine.
    pub fn base(&self) -> Position {
        self.base
    }

    /// How many entries there are.
    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Are there no entries?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// About how many bytes they take in messages.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The last entry's index, dropped or not; 0 when there never was one.
    pub fn last_index(&self) -> Index {
        Index(self.base.index.0 + self.entries.len() as u64)
    }

    /// Its term.
    pub fn last_term(&self) -> Term {
        self.entries.last().map_or(self.base.term, |entry| entry.term)
    }

    /// The entry at `index`, if there is one.
    pub fn entry(&self, index: Index) -> Option<&Entry> {
        self.entries.get(self.offset(index)?)
    }

    /// All entries, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The term at `index`, the base included; `None` before it and past the end.
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base.index {
            Some(self.base.term)
        } else {
            self.entry(index).map(|entry| entry.term)
        }
    }

    /// Is the entry at `index` that of `term`, for all that a leader of this term can say? What was dropped was committed,
    /// so every later leader has the same there.
    pub(super) fn matches(&self, index: Index, term: Term) -> bool {
        index < self.base.index || self.term_at(index) == Some(term)
    }

    /// The entries from `first` on, at most `count`; `None` when there are none.
    pub fn slice(&self, first: Index, count: usize) -> Option<Arc<[Entry]>> {
        let entries = self.entries.get(self.offset(first)?..)?;
        let entries = &entries[..count.min(entries.len())];
        (!entries.is_empty()).then(|| Arc::from(entries))
    }

    /// The entries from `first` on, at most `count`, and of at most so many bytes together unless the first is larger.
    pub fn batch(&self, first: Index, count: usize, bytes_max: usize) -> Option<Arc<[Entry]>> {
        let entries = self.entries.get(self.offset(first)?..)?;
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
        self.bytes += entry.weight() as u64;
        self.entries.push(entry);
        let index = self.last_index();
        self.unwritten_from = Some(self.unwritten_from.map_or(index, |from| from.min(index)));
        index
    }

    /// The first of a leader's entries behind `previous` that is not in the log yet, or stands in the place of another
    /// one (Raft paper, figure 2, AppendEntries 3 and 4). A message that is shorter than the log changes nothing.
    pub(super) fn first_new(&self, previous: Index, entries: &[Entry]) -> Option<Index> {
        let mut indices = (previous.0 + 1..).map(Index);
        entries.iter().find_map(|entry| indices.next().filter(|index| !self.matches(*index, entry.term)))
    }

    /// Stores entries from `first` on; whatever stood there and behind goes. `first` is at most the last index + 1.
    pub(super) fn store(&mut self, first: Index, entries: &[Entry]) {
        let place = self.offset(first).filter(|place| *place <= self.entries.len());
        let place = place.expect("entries are stored behind one that is in the log");
        self.bytes -= weights(&self.entries[place..]);
        self.bytes += weights(entries);
        self.entries.truncate(place);
        self.entries.extend_from_slice(entries);
        self.unwritten_from = Some(self.unwritten_from.map_or(first, |from| from.min(first)));
    }

    /// The last index before `index` whose term is not the one at `index`: where a leader should try next when the
    /// entry at `index` conflicts (Raft paper, section 5.3). Not before the base.
    pub(super) fn before_term_at(&self, index: Index) -> Index {
        let Some(term) = self.term_at(index) else {
            return self.last_index().min(index.previous());
        };
        let mut index = index;
        while index > self.base.index && self.term_at(index) == Some(term) {
            index = index.previous();
        }
        index
    }

    /// Up to where entries should be dropped, if there are more than the bounds allow: an eighth of them at a time, but no
    /// more entries than can be folded into the stored state between two heartbeats. What is kept spares a follower that
    /// lags a little a whole snapshot.
    pub(super) fn excess(&self, bounds: &LogBounds) -> Option<Index> {
        if self.len() <= bounds.entries_max && self.bytes <= bounds.bytes_max {
            return None;
        }
        let entries_kept = bounds.entries_max - (bounds.entries_max / 8).min(COMPACT_ENTRIES_MAX);
        let bytes_kept = bounds.bytes_max - bounds.bytes_max / 8;
        let (mut count, mut bytes) = (0, self.bytes);
        for entry in &self.entries {
            let fits = self.len() - count <= entries_kept && bytes <= bytes_kept;
            if fits || count == COMPACT_ENTRIES_MAX {
                break;
            }
            count += 1;
            bytes -= entry.weight() as u64;
        }
        Some(Index(self.base.index.0 + count))
    }

    /// Drops what is up to `index`, which must have been applied; not what no durable write covers yet. Tells up to where
    /// something was dropped.
    pub(super) fn compact(&mut self, index: Index) -> Option<Index> {
        let written = self.unwritten_from.map_or(self.last_index(), Index::previous);
        let index = index.min(written);
        let count = index.0.checked_sub(self.base.index.0).filter(|count| *count > 0)?;
        let count = usize::try_from(count).ok()?;
        self.base = Position { index, term: self.entries[count - 1].term };
        self.bytes -= weights(&self.entries[..count]);
        self.entries.drain(..count);
        Some(index)
    }

    /// A snapshot takes the place of the whole log.
    pub(super) fn install(&mut self, at: Position) {
        *self = Log::recovered(at, Vec::new());
    }

    /// Where `index` stands in the vector; `None` up to the base.
    fn offset(&self, index: Index) -> Option<usize> {
        usize::try_from(index.0.checked_sub(self.base.index.0)?.checked_sub(1)?).ok()
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

fn weights(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.weight() as u64).sum()
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
        let mut log = Log::recovered(Position::default(), entries(&[1, 1, 2, 2]));
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
        let log =
            Log::recovered(Position::default(), vec![entry(1_000), entry(1_000), entry(1_000), entry(9_000)]);
        let batch = |first, bytes| log.batch(Index(first), 100, bytes).map(|entries| entries.len());
        assert_eq!(batch(1, 2_500), Some(2));
        assert_eq!(batch(1, 1_000_000), Some(4));
        assert_eq!(batch(4, 2_500), Some(1), "larger than the bound, and alone");
        assert_eq!(batch(5, 2_500), None);
    }

    /// Entries 4 to 7 behind a base at 3.
    fn compacted() -> Log {
        Log::recovered(Position { index: Index(3), term: Term(2) }, entries(&[2, 3, 3, 4]))
    }

    #[test]
    fn what_is_before_the_base_is_gone_and_what_is_behind_keeps_its_index() {
        let mut log = Log::recovered(Position::default(), entries(&[1, 1, 2, 2, 3, 3, 4]));
        assert_eq!(log.compact(Index(3)), Some(Index(3)));
        assert_eq!(log.compact(Index(2)), None, "dropped already");
        let (terms, bytes) = ([None, None, Some(2), Some(2), Some(3), Some(3), Some(4), None], 4 * 48);
        for log in [&log, &compacted()] {
            assert_eq!((log.last_index(), log.len(), log.bytes()), (Index(7), 4, bytes));
            for (index, term) in (1..).zip(terms) {
                assert_eq!(log.term_at(Index(index)), term.map(Term), "index {index}");
            }
            assert!(log.entry(Index(3)).is_none() && log.entry(Index(4)).is_some());
            assert_eq!(log.slice(Index(3), 9), None);
            assert_eq!(log.batch(Index(6), 9, 1_000).map(|batch| batch.len()), Some(2));
            assert_eq!(log.before_term_at(Index(4)), Index(3), "not before the base");
        }
        log.compact(Index(7));
        assert_eq!((log.last_index(), log.last_term(), log.len()), (Index(7), Term(4), 0));
        log.push(Entry { term: Term(5), payload: Payload::Noop });
        assert_eq!(log.take_unwritten().map(|(first, _)| first), Some(Index(8)));
    }

    #[test]
    fn what_a_leader_sends_from_before_the_base_matches_there() {
        let mut log = compacted();
        assert_eq!(log.first_new(Index(1), &entries(&[2, 2, 2, 3])), None);
        assert_eq!(log.first_new(Index(1), &entries(&[2, 2, 2, 4])), Some(Index(5)));
        assert_eq!(log.first_new(Index(0), &entries(&[1])), None, "all of it before the base");
        log.store(Index(4), &entries(&[9]));
        assert_eq!((log.last_index(), log.last_term(), log.bytes()), (Index(4), Term(9), 48));
    }

    #[test]
    fn entries_that_are_not_written_yet_are_kept() {
        let mut log = compacted();
        log.push(Entry { term: Term(5), payload: Payload::Noop });
        assert_eq!(log.compact(Index(8)), Some(Index(7)));
        assert_eq!(log.take_unwritten().map(|(first, entries)| (first, entries.len())), Some((Index(8), 1)));
        assert_eq!(log.compact(Index(8)), Some(Index(8)));
    }

    #[test]
    fn the_bounds_hold_in_entries_and_in_bytes() {
        let excess = |entries_max, bytes_max| {
            let bounds = LogBounds { entries_max, bytes_max, ..LogBounds::default() };
            Log::recovered(Position::default(), entries(&[1; 80])).excess(&bounds)
        };
        assert_eq!(excess(80, 80 * 48), None);
        assert_eq!(excess(79, 9_999), Some(Index(10)), "down to 70: an eighth below the bound");
        assert_eq!(excess(8, 9_999), Some(Index(73)), "all at once");
        assert_eq!(excess(1, 9_999), Some(Index(79)));
        assert_eq!(excess(800, 79 * 48), Some(Index(11)), "by bytes: 3318 are kept");
        let long = Log::recovered(Position::default(), entries(&[1; 5_000]));
        let bounds = LogBounds { entries_max: 10, ..LogBounds::default() };
        assert_eq!(long.excess(&bounds), Some(Index(COMPACT_ENTRIES_MAX)), "a piece at a time");
    }

    #[test]
    fn a_conflict_skips_its_whole_term() {
        let log = Log::recovered(Position::default(), entries(&[1, 1, 2, 2, 2]));
        assert_eq!(log.before_term_at(Index(5)), Index(2));
        assert_eq!(log.before_term_at(Index(2)), Index(0));
        assert_eq!(log.before_term_at(Index(9)), Index(5), "past the end: the end");
    }
}
