//! What may be seen of a node from outside, whatever its rules.

use leasehold::lease::LeaseRules;
use leasehold::raft::{Configuration, Raft, Role, Term, Timer};
use leasehold::time::Alarm;

/// A node's Raft, to be looked at. Each method is that of [`Raft`] with the same name.
pub trait RaftView {
    /// Its role.
    fn role(&self) -> Role;

    /// The latest term it has seen.
    fn term(&self) -> Term;

    /// The members in force.
    fn configuration(&self) -> &Configuration;

    /// The newest of its rounds that it acknowledges itself, once writes up to `ticket` are synced.
    fn own_round(&self, ticket: u64) -> u64;

    /// The ends of its promises to withhold votes.
    fn promise_ends(&self) -> Vec<Alarm>;

    /// The end of the lease that it has as a leader; `None` without one.
    fn lease_end(&self) -> Option<Alarm>;

    /// When one of its timers goes off, if it is set.
    fn timer(&self, timer: Timer) -> Option<Alarm>;
}

impl<R: LeaseRules> RaftView for Raft<R> {
    fn role(&self) -> Role {
        Raft::role(self)
    }

    fn term(&self) -> Term {
        Raft::term(self)
    }

    fn configuration(&self) -> &Configuration {
        Raft::configuration(self)
    }

    fn own_round(&self, ticket: u64) -> u64 {
        Raft::own_round(self, ticket)
    }

    fn lease_end(&self) -> Option<Alarm> {
        Raft::lease(self).map(|lease| lease.end)
    }

    fn timer(&self, timer: Timer) -> Option<Alarm> {
        self.timers().alarm(timer)
    }

    fn promise_ends(&self) -> Vec<Alarm> {
        Raft::promise_ends(self).collect()
    }
}
