//! What waits at a leader: entries of somebody's that are not applied yet, and reads whose round is not confirmed. Both are
//! bounded, whoever sent them.

use std::collections::{BTreeMap, VecDeque};

use super::load::Load;
use super::requests::Origin;
use crate::kv::Scalar;
use crate::raft::{Index, ReadIndex, Term};
use crate::time::{Reading, Span, Stamp};

/// Entries, or reads, that may wait at once ...
const WAITING_MAX: usize = 65_536;
/// ... and about how many bytes of them.
const WAITING_BYTES_MAX: usize = 256 * 1_024 * 1_024;

/// Whose proposal each entry is that is not applied yet.
#[derive(Debug, Clone)]
pub(super) struct Proposals {
    origins: BTreeMap<(Index, Term), (Origin, usize, Stamp)>,
    /// Those of an earlier leadership whose entries were beyond the log's end when this node was elected again. They wait for
    /// nothing: other entries take their places, and then their clients hear that they failed.
    replaced: BTreeMap<(Index, Term), (Origin, usize, Stamp)>,
    load: Load,
}

impl Default for Proposals {
    fn default() -> Proposals {
        Proposals {
            origins: BTreeMap::new(),
            replaced: BTreeMap::new(),
            load: Load::new(WAITING_MAX, WAITING_BYTES_MAX),
        }
    }
}

impl Proposals {
    /// Is there room for one of so many bytes?
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.load.has_room(bytes)
    }

    /// How long has the oldest one waited that can still be done?
    pub(super) fn oldest_age(&self, now: &Reading) -> Span {
        let oldest = self.origins.first_key_value();
        oldest.map_or(Span::ZERO, |(_, (_, _, since))| now.stamp.elapsed_max(*since))
    }

    /// Added at `now`.
    pub(super) fn add(&mut self, place: (Index, Term), origin: Origin, bytes: usize, now: Stamp) {
        self.load.add(bytes);
        let before = self.origins.insert(place, (origin, bytes, now));
        assert!(before.is_none(), "a leader appends to its log and replaces nothing");
    }

    /// The next proposal for an index up to `index`, and its term.
    pub(super) fn take_up_to(&mut self, index: Index) -> Option<(Term, Origin)> {
        let next = |of: &BTreeMap<(Index, Term), _>| of.first_key_value().map(|(place, _)| *place);
        let replaced_is_next = match (next(&self.origins), next(&self.replaced)) {
            (Some(place), Some(replaced)) => replaced < place,
            (None, replaced) => replaced.is_some(),
            (Some(_), None) => false,
        };
        let from = if replaced_is_next { &mut self.replaced } else { &mut self.origins };
        let first = from.first_entry().filter(|first| first.key().0 <= index)?;
        let ((_, term), (origin, bytes, _)) = first.remove_entry();
        self.load.remove(bytes);
        Some((term, origin))
    }

    /// This node leads again, with a log that ends at `last`. Proposals beyond are those of an earlier leadership, and are
    /// answered once the log has grown past them. They are not what a new proposal waits for: a leader that refused updates
    /// because of their age would never grow its log past them. When there are many they would leave no room for any
    /// that make it grow, so they are forgotten: their clients hear that the outcome is unknown.
    pub(super) fn lead_again(&mut self, last: Index) {
        self.replaced.append(&mut self.origins.split_off(&(last.next(), Term(0))));
        if self.load.is_half_full() {
            for (_, (_, bytes, _)) in std::mem::take(&mut self.replaced) {
                self.load.remove(bytes);
            }
        }
    }
}

/// A read at the leader that waits for a quorum.
#[derive(Debug, Clone)]
pub(super) struct WaitingRead {
    pub(super) term: Term,
    pub(super) needs: ReadIndex,
    pub(super) key: Scalar,
    pub(super) origin: Origin,
}

/// In the order in which their rounds are confirmed.
#[derive(Debug, Clone)]
pub(super) struct WaitingReads {
    reads: VecDeque<WaitingRead>,
    load: Load,
}

impl Default for WaitingReads {
    fn default() -> WaitingReads {
        WaitingReads { reads: VecDeque::new(), load: Load::new(WAITING_MAX, WAITING_BYTES_MAX) }
    }
}

impl WaitingReads {
    /// Is there room for one that asks for this key?
    pub(super) fn has_room(&self, key: &Scalar) -> bool {
        self.load.has_room(key.weight())
    }

    pub(super) fn push(&mut self, read: WaitingRead) {
        self.load.add(read.key.weight());
        self.reads.push_back(read);
    }

    pub(super) fn front(&self) -> Option<&WaitingRead> {
        self.reads.front()
    }

    /// What the read needs that came last.
    pub(super) fn newest(&self) -> Option<ReadIndex> {
        self.reads.back().map(|read| read.needs)
    }

    pub(super) fn pop(&mut self) -> Option<WaitingRead> {
        let read = self.reads.pop_front()?;
        self.load.remove(read.key.weight());
        Some(read)
    }

    pub(super) fn holds(&self, origin: Origin) -> bool {
        self.reads.iter().any(|read| read.origin == origin)
    }

    /// Takes out all reads but those of that term's leader.
    pub(super) fn take_all_but(&mut self, led: Option<Term>) -> VecDeque<WaitingRead> {
        let (kept, taken): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.reads).into_iter().partition(|read| led == Some(read.term));
        self.reads = kept;
        for read in &taken {
            self.load.remove(read.key.weight());
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::super::RequestId;
    use super::*;
    use crate::time::Nanos;

    #[test]
    fn proposals_of_the_past_do_not_keep_a_leader_from_proposing() {
        let mut proposals = Proposals::default();
        let origin = Origin::Client(RequestId(1));
        for index in 1..=WAITING_MAX as u64 {
            assert!(proposals.has_room(10));
            proposals.add((Index(index), Term(1)), origin, 10, Stamp::new(Nanos(0), Nanos(0)));
        }
        assert!(!proposals.has_room(10));
        // The entries from 5 on were another leader's victims, and then this node was elected again.
        proposals.lead_again(Index(4));
        assert!(proposals.has_room(10));
        let mut left = 0;
        while proposals.take_up_to(Index(u64::MAX)).is_some() {
            left += 1;
        }
        assert_eq!(left, 4);
    }

    #[test]
    fn what_other_entries_replace_makes_a_leader_look_no_slower_and_is_answered_in_its_turn() {
        let mut proposals = Proposals::default();
        let second = |number: u64| Nanos(number * 1_000_000_000);
        let stamp = |at: u64| Stamp::new(second(at), second(at));
        let now = |at: u64| Reading { stamp: stamp(at), wall: None };
        let origin = |number: u64| Origin::Client(RequestId(number));
        for index in 5..=8 {
            proposals.add((Index(index), Term(1)), origin(index), 10, stamp(0));
        }
        // Entries 5 and 6 survived; 7 and 8 did not.
        proposals.lead_again(Index(6));
        assert_eq!(proposals.oldest_age(&now(60)), Span::secs(60), "5 may still be done");
        assert_eq!(proposals.take_up_to(Index(6)), Some((Term(1), origin(5))));
        assert_eq!(proposals.take_up_to(Index(6)), Some((Term(1), origin(6))));
        assert_eq!(proposals.take_up_to(Index(6)), None);
        assert_eq!(proposals.oldest_age(&now(60)), Span::ZERO, "7 and 8 wait for nothing");
        proposals.add((Index(7), Term(3)), origin(70), 10, stamp(60));
        assert_eq!(proposals.oldest_age(&now(61)), Span::secs(1));
        assert_eq!(proposals.take_up_to(Index(7)), Some((Term(1), origin(7))), "it failed: 7 is of term 3");
        assert_eq!(proposals.take_up_to(Index(7)), Some((Term(3), origin(70))));
        assert_eq!(proposals.take_up_to(Index(8)), Some((Term(1), origin(8))));
        assert!(!proposals.load.is_half_full() && proposals.has_room(WAITING_BYTES_MAX), "all is given back");
    }
}
