//! The lease's lengths change while the cluster runs: they become an entry of the log, and a node uses them once it has
//! applied it (docs/ideas/proof.md has the argument).
//!
//! A lease is judged by the lengths that its own round carried. So a leader that changes its lengths forgets the rounds
//! that it sent before: they renew nothing any more, and it keeps at most the lease that it has.

use super::state::{Raft, Settings};
use super::{Note, Role};
use crate::lease::{LeaseLengths, LeaseRules, LeaseSettings};
use crate::time::{Reading, Span};

impl Settings {
    /// These settings with other lengths. What must be shorter than the election timeout becomes shorter with it, in
    /// proportion, and never longer than it was set to.
    fn with_lease(self, lease: LeaseSettings) -> Settings {
        let (before, after) = (self.lease.election_timeout, lease.election_timeout);
        let scaled = |span: Span| {
            let product = u128::from(span.as_nanos()) * u128::from(after.as_nanos());
            let scaled = product / u128::from(before.as_nanos().max(1));
            u64::try_from(scaled).map_or(span, |scaled| span.min(Span::nanos(scaled)))
        };
        Settings {
            lease,
            heartbeat: scaled(self.heartbeat).max(Span::nanos(1)),
            election_jitter: scaled(self.election_jitter),
            ..self
        }
    }

    /// These settings once the cluster has agreed on other lengths.
    pub(super) fn agreed(self, lengths: LeaseLengths) -> Settings {
        if lengths.may_be_agreed() { self.with_lease(self.lease.with(lengths)) } else { self }
    }
}

impl<R: LeaseRules> Raft<R> {
    /// The cluster has agreed on these lengths. Unsafe ones are ignored, whoever proposed them: every node ignores the
    /// same ones, whatever its form of lease.
    pub(crate) fn use_lengths(&mut self, now: &Reading, lengths: LeaseLengths) {
        let before = self.settings.lease;
        let lease = before.with(lengths);
        self.lengths_agreed |= lengths.may_be_agreed();
        if !lengths.may_be_agreed() || lease == before {
            return;
        }
        self.settings = self.configured.agreed(lengths);
        self.note(Note::LengthsInForce { lengths });
        if self.role != Role::Leader {
            return;
        }
        self.leadership.rounds.forget();
        if lease.effective() < before.effective() && self.rules.change_cuts_lease_short() {
            self.cut_lease_short();
        }
        // What was committed was acknowledged by a quorum a moment ago.
        self.await_quorum(now, now);
        self.leadership.broadcast = true;
    }
}
