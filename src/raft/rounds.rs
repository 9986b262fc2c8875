//! Rounds: which send of the leader has a quorum acknowledged, and the lease that follows from it.
//!
//! A leader numbers its broadcasts within a term and remembers when each was sent. An acknowledgement names the round,
//! so the instant from which a quorum's promises count is that of the newest round a quorum has acknowledged.
//! Only the lease rules say what follows from it.

use std::collections::VecDeque;

use crate::time::{Alarm, Reading};

/// Rounds whose sending instants are remembered. One whose instant was forgotten renews no lease.
const ROUNDS_MAX: usize = 4_096;

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
    /// Sending instants of the newest rounds; the last is that of `latest`.
    sent: VecDeque<Reading>,
}

impl Rounds {
    /// The newest round's number; 0 before the first.
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    /// A new round begins, sent not before `now`.
    pub(super) fn open(&mut self, now: Reading) -> u64 {
        if self.sent.len() == ROUNDS_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
        self.latest += 1;
        self.latest
    }

    /// None of the rounds so far renews a lease any more.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
    }

    /// A quorum has acknowledged `round`: when was it sent? Forgets it and all before it.
    pub(super) fn acknowledged(&mut self, round: u64) -> Option<Reading> {
        let newer = usize::try_from(self.latest.checked_sub(round)?).ok()?;
        let place = self.sent.len().checked_sub(newer + 1)?;
        self.sent.drain(..=place).next_back()
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
    fn what_is_remembered_is_bounded() {
        let mut rounds = Rounds::default();
        for nanos in 1..=(ROUNDS_MAX as u64 + 1) {
            rounds.open(at(nanos));
        }
        assert_eq!(rounds.acknowledged(1), None, "forgotten: it renews no lease");
        assert_eq!(rounds.acknowledged(2), Some(at(2)));
    }
}
