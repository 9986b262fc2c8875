//! Leadership transfer (Raft dissertation, section 3.10): the leader brings the successor's log up to date and tells it
//! to campaign at once. Its own lease ends first, for the rest of the term, whatever becomes of the message.
//!
//! Nothing is proposed in the last part of it, so a successor that is gone must not hold that up. It is given up after a few
//! heartbeats. Until it was told, nothing has happened. Afterwards the leader campaigns itself, in the next term: in that
//! term the message is void, and there is a lease again.

use super::state::{Context, Raft};
use super::{Message, NodeId, Role, StepDownCause, Term, Timer};
use crate::lease::{Ballot, LeaseRules};
use crate::time::{Alarm, Reading, Span, Stamp};

/// A successor that has not answered a round for so many heartbeats is gone; so is one that was told to campaign and has
/// not been heard of.
const SILENT_HEARTBEATS_MAX: u64 = 3;
/// A successor that lacks more entries is caught up first while proposals go on: what one message can hold.
const LAG_MAX: u64 = 256;

/// A transfer under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transfer {
    to: NodeId,
    since: Stamp,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The successor lacks entries. Proposals go on until it has answered and lacks few.
    CatchingUp,
    /// It lacks few, and no more are proposed.
    Draining,
    /// It was told to campaign.
    Told,
}

impl<R: LeaseRules> Raft<R> {
    /// Starts to hand leadership to `to`. Ignored unless this node leads, `to` is another voter that
    /// [answers](Raft::answers), and no transfer is under way.
    pub(crate) fn transfer_leadership(&mut self, cx: &mut Context<'_>, to: NodeId) {
        let eligible = to != self.id && self.configuration.is_voter(to);
        let leads = self.role == Role::Leader;
        if !leads || !eligible || self.has_transfer() || !self.answers(&cx.now, to) {
            return;
        }
        let since = cx.now.stamp;
        if self.leadership.matched(to) >= self.log.last_index() {
            return self.tell_successor(&cx.now, to, since);
        }
        self.leadership.transfer = Some(Transfer { to, since, stage: Stage::CatchingUp });
        self.timers.set(Timer::TransferAbort, Alarm::First { since, span: self.silence_max() });
    }

    fn silence_max(&self) -> Span {
        self.settings.heartbeat * SILENT_HEARTBEATS_MAX
    }

    /// Has that node answered a round within a few heartbeats? For a leader to ask.
    pub(crate) fn answers(&self, now: &Reading, node: NodeId) -> bool {
        let (_, heard) = self.leadership.standing(node);
        heard.is_some_and(|heard| now.stamp.elapsed_max(heard) < self.silence_max())
    }

    /// Is a transfer under way?
    pub fn has_transfer(&self) -> bool {
        self.role == Role::Leader && self.leadership.transfer.is_some()
    }

    /// In the last part of a transfer nothing is proposed: the successor could not catch up.
    pub fn is_transferring(&self) -> bool {
        let stops = |transfer: Transfer| transfer.stage != Stage::CatchingUp;
        self.role == Role::Leader && self.leadership.transfer.is_some_and(stops)
    }

    /// Is a transfer under way whose successor has not been told yet?
    pub(super) fn awaits_successor(&self) -> bool {
        self.leadership.transfer.is_some_and(|transfer| transfer.stage != Stage::Told)
    }

    /// A member has got on with the log. Tells the successor once it has all of it.
    pub(super) fn continue_transfer(&mut self, now: &Reading) {
        let Some(transfer) = self.leadership.transfer.filter(|transfer| transfer.stage != Stage::Told) else {
            return;
        };
        let Transfer { to, since, .. } = transfer;
        if !self.configuration.is_voter(to) {
            // It was removed meanwhile.
            return self.forget_transfer();
        }
        let lag = self.log.last_index().0.saturating_sub(self.leadership.matched(to).0);
        if lag == 0 {
            self.tell_successor(now, to, since);
        } else if lag <= LAG_MAX {
            self.leadership.transfer = Some(Transfer { stage: Stage::Draining, ..transfer });
        }
    }

    fn tell_successor(&mut self, now: &Reading, to: NodeId, since: Stamp) {
        self.leadership.transfer = Some(Transfer { to, since, stage: Stage::Told });
        self.timers.set(Timer::TransferAbort, Alarm::First { since: now.stamp, span: self.silence_max() });
        self.bar_lease();
        self.send(to, Message::TimeoutNow { term: self.term() });
    }

    fn forget_transfer(&mut self) {
        self.leadership.transfer = None;
        self.timers.clear(Timer::TransferAbort);
    }

    /// The transfer has taken a few heartbeats, or a few more.
    #[cold]
    pub(super) fn transfer_is_overdue(&mut self, cx: &mut Context<'_>) {
        let Some(transfer) = self.leadership.transfer else {
            return;
        };
        if transfer.stage == Stage::Told && self.rules.resumes_after_transfer() {
            self.leadership.lease_barred = false;
            return self.forget_transfer();
        }
        if transfer.stage == Stage::Told {
            // The message may come to its receiver at any time. In the next term it is void, and every vote for this node
            // may pass the promises: they were given to it, and its lease is over.
            self.step_down(cx, self.term(), StepDownCause::HigherTerm);
            return self.campaign(cx, Ballot::TransferVote);
        }
        let late = cx.now.stamp.elapsed_max(transfer.since) >= self.settings.lease.election_timeout;
        if late || !self.answers(&cx.now, transfer.to) {
            return self.forget_transfer();
        }
        let again = Alarm::First { since: cx.now.stamp, span: self.settings.heartbeat };
        self.timers.set(Timer::TransferAbort, again);
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
