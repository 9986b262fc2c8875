//! What a node has promised, by an account of its own: that the node has forgotten a promise does not end it.

use std::collections::BTreeMap;

use leasehold::lease::{LeaseRules, SoundRules};
use leasehold::raft::{Append, AppendReply, NodeId, Term};
use leasehold::time::{Alarm, Reading, Span};

/// A promise to a leader, by a round of its term.
struct Owed {
    to: NodeId,
    term: Term,
    round: u64,
    length: Span,
    end: Alarm,
    /// Its leader was told. It cannot rest a lease on what it was not told.
    told: bool,
}

/// See the [module](self).
#[derive(Default)]
pub(super) struct Promises {
    owed: Vec<Owed>,
    /// By term: the newest round accepted. One that it has overtaken asks for no more, if its leader is correct.
    newest: BTreeMap<Term, u64>,
}

impl Promises {
    /// A round was accepted that came in at `now`.
    pub(super) fn accepted(&mut self, from: NodeId, append: &Append, now: &Reading) {
        if append.promise == Span::ZERO {
            return;
        }
        if self.newest.get(&append.term).is_some_and(|newest| append.round <= *newest) {
            return;
        }
        self.newest.insert(append.term, append.round);
        // By wall clocks the newest round counts, even if its leader's clock was set back (that is skew) or failed.
        let by_clocks = |owed: &Owed| append.stamp.is_none() && matches!(owed.end, Alarm::Last { .. });
        self.owed.retain(|owed| owed.length > append.promise || by_clocks(owed));
        let end = SoundRules.promise_end(now.stamp, append.stamp, append.promise);
        let (to, term, round, length) = (from, append.term, append.round, append.promise);
        self.owed.push(Owed { to, term, round, length, end, told: false });
    }

    /// A leader is told that its round is accepted.
    pub(super) fn told(&mut self, to: NodeId, reply: &AppendReply) {
        for owed in &mut self.owed {
            owed.told |= (owed.to, owed.term, owed.round) == (to, reply.term, reply.round);
        }
    }

    /// Is any running?
    pub(super) fn running(&mut self, now: &Reading) -> bool {
        self.owed.retain(|owed| !owed.end.reached(now));
        !self.owed.is_empty()
    }

    /// The next process must keep what leaders were told. It measures on the monotonic clocks.
    pub(super) fn restart(&mut self) {
        self.owed.retain(|owed| owed.told && matches!(owed.end, Alarm::Last { .. }));
        self.newest.clear();
    }
}
