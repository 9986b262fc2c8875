//! Leadership transfer (Raft dissertation, section 3.10): the leader brings the successor's log up to date and tells it
//! to campaign at once. Its own lease ends first, for the rest of the term, whatever becomes of the message.

use super::state::{Context, Raft};
use super::{Message, NodeId, Role, Term, Timer};
use crate::lease::{Ballot, LeaseRules};
use crate::time::Alarm;

/// A transfer under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transfer {
    to: NodeId,
    told: bool,
}

impl<R: LeaseRules> Raft<R> {
    /// Starts to hand leadership to `to`. Ignored unless this node leads, `to` is another voter and no transfer is under
    /// way. Given up after an election timeout.
    pub(crate) fn transfer_leadership(&mut self, cx: &mut Context<'_>, to: NodeId) {
        let eligible = to != self.id && self.configuration.is_voter(to);
        if self.role != Role::Leader || !eligible || self.leadership.transfer.is_some() {
            return;
        }
        self.leadership.transfer = Some(Transfer { to, told: false });
        let span = self.settings.lease.election_timeout;
        self.timers.set(Timer::TransferAbort, Alarm::First { since: cx.now.stamp, span });
        self.continue_transfer();
    }

    /// While a transfer is under way nothing is proposed: the successor could not catch up.
    pub fn is_transferring(&self) -> bool {
        self.role == Role::Leader && self.leadership.transfer.is_some()
    }

    /// Is a transfer under way whose successor has not been told yet?
    pub(super) fn awaits_successor(&self) -> bool {
        self.leadership.transfer.is_some_and(|transfer| !transfer.told)
    }

    /// Tells the successor once it has the whole log.
    pub(super) fn continue_transfer(&mut self) {
        let Some(transfer) = self.leadership.transfer else {
            return;
        };
        if transfer.told || self.leadership.matched(transfer.to) < self.log.last_index() {
            return;
        }
        self.leadership.transfer = Some(Transfer { told: true, ..transfer });
        self.bar_lease();
        self.send(transfer.to, Message::TimeoutNow { term: self.term() });
    }

    #[cold]
    pub(super) fn handle_timeout_now(&mut self, cx: &mut Context<'_>, from: NodeId, term: Term) {
        // Only the leader this node follows may ask for it, and only in its own term: an older message's sender has
        // ended its own lease, and nobody else's.
        let asked = term == self.term() && self.leader == Some(from) && self.role == Role::Follower;
        if asked && self.is_voter() && !self.storage_full {
            self.campaign(cx, Ballot::TransferVote);
        }
    }
}
