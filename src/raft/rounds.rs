//! Rounds: which send of the leader has a quorum acknowledged, and the lease that follows from it.
//!
//! A leader numbers its broadcasts within a term and remembers when each was sent. An acknowledgement names the round,
//! so the instant from which a quorum's promises count is that of the newest round a quorum has acknowledged.
//! Only the lease rules say what follows from it.

use std::collections::VecDeque;

use crate::time::{Alarm, Reading};

/// Sending instants that are remembered. When there are more rounds than that in a round trip, every other one of them is
/// forgotten, and stands for an earlier round from then on.
const INSTANTS_MAX: usize = 4_096;

/// A leader's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// It is counted from here.
    pub start: Reading,
    /// It runs until then.
    pub end: Alarm,
}

/// The rounds of one term.
#[derive(Debug, Clone, Default)]
pub(super) struct Rounds {
    latest: u64,
    /// Rounds in order, with their sending instants.
    sent: VecDeque<(u64, Reading)>,
}

impl Rounds {
    /// The newest round's number; 0 before the first.
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    /// A new round begins, sent not before `now`.
    pub(super) fn open(&mut self, now: Reading) -> u64 {
        if self.sent.len() == INSTANTS_MAX {
            let mut place = 0;
            self.sent.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
        self.latest += 1;
        self.sent.push_back((self.latest, now));
        self.latest
    }

    /// None of the rounds so far renews a lease any more.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
    }

    /// A quorum has acknowledged `round`: since when do its promises count? From its sending, or from that of the newest
    /// round before it whose instant is remembered: those who acknowledged a round have promised for longer than any
    /// round before it asks. Forgets it and all before it.
    pub(super) fn acknowledged(&mut self, round: u64) -> Option<Reading> {
        if round > self.latest {
            return None;
        }
        let after = self.sent.partition_point(|(sent, _)| *sent <= round);
        self.sent.drain(..after).next_back().map(|(_, at)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Nanos, Stamp};

    fn at(nanos: u64) -> Reading {
        Reading { stamp: Stamp::new(Nanos(nanos), Nanos(nanos)), wall: None }
    }

    #[test]
    fn a_round_is_found_by_its_number_and_only_once() {
        let mut rounds = Rounds::default();
        for nanos in 1..=5 {
            assert_eq!(rounds.open(at(nanos)), nanos);
        }
        assert_eq!(rounds.acknowledged(3), Some(at(3)));
        assert_eq!(rounds.acknowledged(2), None, "forgotten with round 3");
        assert_eq!(rounds.acknowledged(5), Some(at(5)));
        assert_eq!(rounds.acknowledged(6), None, "never sent");
    }

    #[test]
    fn forgotten_rounds_are_not_mistaken_for_later_ones() {
        let mut rounds = Rounds::default();
        rounds.open(at(1));
        rounds.open(at(2));
        rounds.forget();
        assert_eq!(rounds.open(at(3)), 3);
        assert_eq!(rounds.acknowledged(2), None);
        assert_eq!(rounds.acknowledged(3), Some(at(3)));
    }

    #[test]
    fn more_rounds_than_are_remembered_still_renew() {
        let mut rounds = Rounds::default();
        let many = 10 * INSTANTS_MAX as u64;
        for nanos in 1..=many {
            rounds.open(at(nanos));
            assert!(rounds.sent.len() <= INSTANTS_MAX);
        }
        let mut before = 0;
        for round in [1, 2, 777, many / 2, many - 1, many] {
            let found = rounds.acknowledged(round).map_or(before, |at| at.stamp.raw().0);
            assert!(before <= found && found <= round, "round {round} counts from the sending of {found}");
            before = found;
        }
        assert_eq!(before, many, "the newest is always remembered");
    }
}
