//! What a node has promised: "I neither vote nor campaign until then".

use super::{NodeId, Term};
use crate::time::{Alarm, Reading, Span, Stamp};

/// Longer promises that are kept beside the newest: as many as there were changes to shorter ones within the longest.
const LONGER_PROMISES_MAX: usize = 8;

/// "I neither vote nor campaign until `end`", given by accepting a leader's round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promise {
    pub(super) term: Term,
    /// The newest round accepted in that term. A round that was overtaken by a newer one changes nothing: it was sent
    /// before the newer one, so the lease that rests on it is over before the newer one's promise is. (A newer round's
    /// stamp may be the earlier one, if the leader's wall clock was set back in between: that counts as skew.)
    pub(super) round: u64,
    /// What the round asked for.
    pub(super) length: Span,
    pub(super) end: Alarm,
}

/// All promises of a node. Votes are withheld until each of them is over.
#[derive(Debug, Clone, Default)]
pub(super) struct Promises {
    /// Given to the leader it follows or followed last.
    pub(super) newest: Option<Promise>,
    /// Earlier ones that were longer, oldest and longest first: they are kept as well.
    longer: Vec<Promise>,
    /// The length that rounds of this leader ask for, when it is not this node's own; and whether that has been told.
    pub(super) asked_for: Option<(NodeId, Span, bool)>,
    /// Until then this node may have promised before it was started. No leader's round takes its place: a round that was
    /// sent before the restart and comes after it may carry a promise that ends earlier (deadline form).
    after_restart: Option<Alarm>,
    /// When a promise of the longest length that is stored was given for the last time; a node that has restarted may have
    /// given one just before.
    longest_given: Option<Stamp>,
}

impl Promises {
    /// Those of a node that has just started, at `now`.
    pub(super) fn after_restart(after_restart: Option<Alarm>, now: Stamp) -> Promises {
        Promises { after_restart, longest_given: Some(now), ..Promises::default() }
    }

    /// A promise of `length` is given, and a restart would wait for `stored`. What is to be stored from now on: more if this
    /// is longer; less if all that were that long are over by the monotonic clocks, as they would be after a restart.
    pub(super) fn longest(&mut self, now: &Reading, length: Span, stored: Span) -> Span {
        if length >= stored {
            self.longest_given = Some(now.stamp);
            return length;
        }
        if self.longest_given.is_none_or(|given| now.stamp.elapsed_min(given) < stored) {
            return stored;
        }
        let running = self.longer.iter().filter(|kept| !kept.end.reached(now)).map(|kept| kept.length);
        self.longest_given = Some(now.stamp);
        running.fold(length, Span::max)
    }

    /// A newer round was accepted. A round that has been promised for is never promised for again, so that its promise
    /// ends when it was said to.
    pub(super) fn renew(&mut self, promise: Promise) {
        let newer = |given: Promise| (given.term, given.round) < (promise.term, promise.round);
        assert!(self.newest.is_none_or(newer), "each round is promised for once, in order");
        self.newest = Some(promise);
    }

    /// Those that are running, and how long each was to last; `None` for the one that was made at the start.
    pub(super) fn running(&self, now: &Reading) -> impl Iterator<Item = (Option<Span>, Alarm)> {
        let given = self.newest.iter().chain(&self.longer).map(|promise| (Some(promise.length), promise.end));
        let all = given.chain(self.after_restart.map(|end| (None, end)));
        all.filter(|(_, end)| !end.reached(now))
    }

    /// Their ends.
    pub(super) fn ends(&self) -> impl Iterator<Item = Alarm> {
        let given = self.newest.iter().chain(&self.longer);
        given.map(|promise| promise.end).chain(self.after_restart)
    }

    /// A promise of `length` is about to take the newest one's place. If that one is longer it is kept as well until it is
    /// over, since a lease may rest on it; which of the two ends later cannot always be told, as they may be measured
    /// on different clocks. Gives the length to promise: longer than asked for when no more can be kept.
    pub(super) fn keep_longer(&mut self, now: &Reading, length: Span) -> Span {
        // One that is no longer than a later one is over before that is.
        self.longer.retain(|kept| kept.length > length && !kept.end.reached(now));
        let Some(newest) = self.newest.filter(|newest| newest.length > length && !newest.end.reached(now))
        else {
            return length;
        };
        match self.longer.first() {
            Some(longest) if self.longer.len() == LONGER_PROMISES_MAX => longest.length,
            _ => {
                self.longer.push(newest);
                length
            }
        }
    }
}
