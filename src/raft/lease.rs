//! A leader's lease: when it is renewed, when it ends, and whether a read may rest on it.
//!
//! What is sound is decided by [`LeaseRules`]; this file asks them and keeps the answer.

use super::configuration::quorum_value;
use super::state::Raft;
use super::{Index, LeaseEndCause, Note, Role, Timer};
use crate::lease::LeaseRules;
use crate::time::{Alarm, Reading};

/// A leader's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// It is counted from here.
    pub start: Reading,
    /// It runs until then.
    pub end: Alarm,
}

impl<R: LeaseRules> Raft<R> {
    /// May a read be answered at once, from state applied up to `applied`?
    pub(crate) fn may_read_locally(&mut self, now: &Reading, applied: Index) -> bool {
        // A whole electorate can renew its lease by itself, and need not do so at every read.
        if self.leads_alone() && !self.lease_running(now) {
            self.acknowledge_own_round(now);
        }
        let own_term_applied =
            self.leadership.own_term_start > Index::ZERO && applied >= self.leadership.own_term_start;
        self.lease_running(now) && self.rules.may_serve(own_term_applied)
    }

    /// Is this node's own lease running?
    pub(super) fn lease_running(&self, now: &Reading) -> bool {
        self.leadership.lease.is_some_and(|lease| {
            let kept = !self.rules.step_down_ends_lease();
            assert!(kept || self.role == Role::Leader, "a lease only while leading (rule 7)");
            self.rules.lease_running(&lease.end, now)
        })
    }

    /// Renews the lease if a quorum has acknowledged a newer round. Who counts was decided when the acknowledgement
    /// came, so all members are looked at here. The leader counts itself as it counts the others, whose acknowledgements
    /// wait for their disks: a lease rests on a quorum that stores.
    pub(super) fn renew_lease(&mut self, now: &Reading) {
        let own = self.leadership.rounds.own(self.durability.synced());
        let quorum = self.rules.lease_quorum(self.configuration.voters());
        let acknowledged = |node| if self.has_lost_entries(node) { 0 } else { self.leadership.round(node) };
        let members = self.configuration.nodes();
        let reached = members.map(|node| if node == self.id { own } else { acknowledged(node) });
        let Some(round) = quorum_value(reached, quorum, self.leadership.quorum_round) else {
            return;
        };
        self.leadership.quorum_round = round;
        let silent = !self.asks_for_promises(now);
        self.leadership.quorum_heard = Some(now.stamp);
        // A quorum is back: it is asked for promises again.
        self.leadership.broadcast |= silent;
        let Some(sent) = self.leadership.rounds.acknowledged(round) else {
            return;
        };
        let leads_until = self.await_quorum(&sent.at, now);
        if self.leadership.lease_barred || !sent.asks {
            return;
        }
        let start = self.rules.lease_start(sent.at, *now);
        if let Some(end) = self.rules.lease_end(&self.settings.lease, &start, leads_until) {
            self.leadership.lease = Some(Lease { start, end });
            self.note(Note::LeaseRenewed { term: self.term(), start, end });
        }
    }

    /// TimeoutNow was sent in this term: there is no lease any more until the next.
    pub fn lease_is_barred(&self) -> bool {
        self.leadership.lease_barred
    }

    /// Somebody is about to be told to campaign: no lease any more in this term.
    pub(super) fn bar_lease(&mut self) {
        if !self.rules.transfer_bars_lease() {
            return;
        }
        self.leadership.lease_barred = true;
        if self.leadership.lease.take().is_some() {
            self.note(Note::LeaseEnded { term: self.term(), cause: LeaseEndCause::Transfer });
        }
    }

    /// The lease that is running ends when one of the new length would. The promises it rests on would carry it to its
    /// end; but whoever shortens leases, or declares a larger skew, may have a reason to want that now.
    ///
    /// Lengths may change twice before a round carries them. The lease's own length is then neither of the two, and may
    /// be shorter than the new one. Such a lease stays as it is: its promises are as short as it is.
    pub(super) fn cut_lease_short(&mut self) {
        let Some(lease) = &mut self.leadership.lease else {
            return;
        };
        let term = self.hard_state.term;
        let leads_until = self.timers.alarm(Timer::QuorumCheck);
        let note = match self.rules.lease_end(&self.settings.lease, &lease.start, leads_until) {
            Some(end) if !lease.end.is_put_off_from(&end) => return,
            Some(end) => {
                lease.end = end;
                Note::LeaseRenewed { term, start: lease.start, end }
            }
            None => {
                self.leadership.lease = None;
                Note::LeaseEnded { term, cause: LeaseEndCause::Settings }
            }
        };
        self.note(note);
    }
}
