//! Rounds: which send of the leader has a quorum acknowledged, and the lease that follows from it.
//!
//! A leader numbers its broadcasts within a term and remembers when each was sent. An acknowledgement names the round,
//! so the instant from which a quorum's promises count is that of the newest round a quorum has acknowledged.
//! Only the lease rules say what follows from it.

use std::collections::VecDeque;

use crate::time::Reading;

/// Sending instants that are remembered. When there are more rounds than that in a round trip, every other one of them is
/// forgotten, and stands for an earlier round from then on.
const INSTANTS_MAX: usize = 4_096;

/// The rounds of one term.
#[derive(Debug, Clone, Default)]
pub(super) struct Rounds {
    latest: u64,
    /// In order. One that asked for no promise has none before it that asked for one: who acknowledges it has promised
    /// nothing, and may never have received those before it.
    sent: VecDeque<Sent>,
    /// Writes under way, and the newest round before which each had to be stored. As many as there are such writes.
    unstored: VecDeque<(u64, u64)>,
    /// The newest round that the leader itself acknowledges.
    own: u64,
}

/// A round whose sending instant is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    round: u64,
    /// It was sent no earlier than that.
    pub(super) at: Reading,
    /// Who accepts it promises to withhold votes, so that a lease may rest on it.
    pub(super) asks: bool,
}

impl Rounds {
    /// The newest round's number; 0 before the first.
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    /// A new round begins, sent not before `now`, which `asks` for promises or does not. `ticket` is that of the write that
    /// covers everything the leader had to store by then.
    pub(super) fn open(&mut self, at: Reading, ticket: u64, asks: bool) -> u64 {
        if !asks {
            self.sent.retain(|sent| !sent.asks);
        }
        if self.sent.len() == INSTANTS_MAX {
            let mut place = 0;
            self.sent.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
        self.latest += 1;
        self.sent.push_back(Sent { round: self.latest, at, asks });
        match self.unstored.back_mut() {
            Some((last, round)) if *last == ticket => *round = self.latest,
            _ => self.unstored.push_back((ticket, self.latest)),
        }
        self.latest
    }

    /// The newest round that the leader itself acknowledges: as a follower does, once everything that it had to store when
    /// the round was sent is stored. `synced` is the ticket of the last write that is.
    ///
    /// Without that a leader would count itself for ever while its disk stands still, and with as many others as the quorum
    /// still needs it would go on reading under a lease, while nothing it is asked to write can be committed.
    pub(super) fn own(&mut self, synced: u64) -> u64 {
        while let Some((_, round)) = self.unstored.front().filter(|(ticket, _)| *ticket <= synced) {
            self.own = *round;
            self.unstored.pop_front();
        }
        self.own
    }

    /// What [`Rounds::own`] would say, for whoever looks on.
    pub(super) fn own_seen(&self, synced: u64) -> u64 {
        let stored = self.unstored.iter().take_while(|(ticket, _)| *ticket <= synced);
        stored.last().map_or(self.own, |(_, round)| *round)
    }

    /// None of the rounds so far renews a lease any more.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
    }

    /// A quorum has acknowledged `round`: since when do its promises count? From its sending, or from that of the newest
    /// round before it whose instant is remembered: those who acknowledged a round have promised for longer than any
    /// round before it asks. (If the round found asked for no promise, there are none.) Forgets it and all before it.
    pub(super) fn acknowledged(&mut self, round: u64) -> Option<Sent> {
        if round > self.latest {
            return None;
        }
        let after = self.sent.partition_point(|sent| sent.round <= round);
        self.sent.drain(..after).next_back()
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
            assert_eq!(rounds.open(at(nanos), 0, true), nanos);
        }
        assert_eq!(rounds.acknowledged(3).map(|sent| sent.at), Some(at(3)));
        assert_eq!(rounds.acknowledged(2), None, "forgotten with round 3");
        assert_eq!(rounds.acknowledged(5).map(|sent| sent.at), Some(at(5)));
        assert_eq!(rounds.acknowledged(6), None, "never sent");
    }

    #[test]
    fn forgotten_rounds_are_not_mistaken_for_later_ones() {
        let mut rounds = Rounds::default();
        rounds.open(at(1), 0, true);
        rounds.open(at(2), 0, true);
        rounds.forget();
        assert_eq!(rounds.open(at(3), 0, true), 3);
        assert_eq!(rounds.acknowledged(2), None);
        assert_eq!(rounds.acknowledged(3).map(|sent| sent.at), Some(at(3)));
    }

    #[test]
    fn more_rounds_than_are_remembered_still_renew() {
        let mut rounds = Rounds::default();
        let many = 10 * INSTANTS_MAX as u64;
        for nanos in 1..=many {
            rounds.open(at(nanos), 0, true);
            assert!(rounds.sent.len() <= INSTANTS_MAX);
        }
        let mut before = 0;
        for round in [1, 2, 777, many / 2, many - 1, many] {
            let found = rounds.acknowledged(round).map_or(before, |sent| sent.at.stamp.raw().0);
            assert!(before <= found && found <= round, "round {round} counts from the sending of {found}");
            before = found;
        }
        assert_eq!(before, many, "the newest is always remembered");
    }

    #[test]
    fn a_leader_acknowledges_its_rounds_when_what_came_before_them_is_stored() {
        let mut rounds = Rounds::default();
        for (round, ticket) in [(1, 0), (2, 1), (3, 1), (4, 2)] {
            assert_eq!(rounds.open(at(round), ticket, true), round);
        }
        assert_eq!(rounds.own(0), 1);
        assert_eq!(rounds.own(1), 3);
        assert_eq!(rounds.own(1), 3);
        rounds.open(at(5), 2, true);
        assert_eq!(rounds.unstored.len(), 1, "as many as there are writes under way");
        assert_eq!(rounds.own(2), 5);
        assert_eq!(rounds.open(at(6), 2, true), 6);
        assert_eq!(rounds.own(2), 6);
    }

    #[test]
    fn a_round_that_asked_for_no_promise_carries_nothing_whatever_is_forgotten() {
        let mut rounds = Rounds::default();
        rounds.open(at(1), 0, true);
        rounds.open(at(2), 0, false);
        let second = rounds.clone().acknowledged(2).unwrap();
        assert_eq!((second.at, second.asks), (at(2), false));
        // However many come after it, of which some are forgotten: the first one's promise is never found again.
        for nanos in 3..=9_000 {
            rounds.open(at(nanos), 0, false);
        }
        for round in 2..=9_000 {
            assert!(rounds.clone().acknowledged(round).is_none_or(|found| !found.asks), "round {round}");
        }
        let asking = rounds.open(at(9_001), 0, true);
        assert!(rounds.clone().acknowledged(asking).unwrap().asks);
        assert!(!rounds.acknowledged(asking - 1).unwrap().asks);
    }
}
