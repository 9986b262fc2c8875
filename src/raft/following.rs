//! A follower's side of replication, and the promise it gives by accepting a round.

use super::state::{Context, Raft};
use super::{
    Append, AppendOutcome, AppendReply, Index, Message, Misbehaviour, NodeId, Note, Role, StepDownCause, Term,
};
use crate::lease::LeaseRules;
use crate::time::Alarm;

/// "I neither vote nor campaign until `end`", given by accepting a leader's round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promise {
    pub(super) term: Term,
    /// The newest round accepted in that term. A round that was overtaken by a newer one changes nothing: it was sent
    /// before the newer one, so the lease that rests on it is over before the newer one's promise is. (A newer round's
    /// stamp may be the earlier one, if the leader's wall clock was set back in between: that counts as skew.)
    pub(super) round: u64,
    pub(super) end: Alarm,
}

impl<R: LeaseRules> Raft<R> {
    pub(super) fn handle_append(&mut self, cx: &mut Context<'_>, leader: NodeId, append: Append) {
        if append.term < self.term() {
            let reply =
                AppendReply { term: self.term(), round: append.round, outcome: AppendOutcome::StaleTerm };
            self.send_when_durable(leader, Message::AppendReply(reply));
            return;
        }
        if append.term == self.term() && self.role == Role::Leader {
            self.note(Note::Misbehaviour { peer: leader, fact: Misbehaviour::LeadsOurTerm });
            return;
        }
        self.follow(cx, leader, append.term);
        self.promise(cx, &append);
        let Some(outcome) = self.store_entries(&append) else {
            self.note(Note::Misbehaviour { peer: leader, fact: Misbehaviour::ContradictsCommitted });
            return;
        };
        let reply = AppendReply { term: self.term(), round: append.round, outcome };
        self.send_when_durable(leader, Message::AppendReply(reply));
    }

    fn follow(&mut self, cx: &mut Context<'_>, leader: NodeId, term: Term) {
        if term == self.term() && self.leader == Some(leader) && self.role == Role::Follower {
            return;
        }
        self.step_down(cx, term, StepDownCause::HigherTerm);
        self.leader = Some(leader);
        self.note(Note::Follows { leader, term });
    }

    fn promise(&mut self, cx: &mut Context<'_>, append: &Append) {
        let newest =
            self.promise.as_ref().is_none_or(|given| given.term != append.term || given.round < append.round);
        if newest {
            let own = self.settings.lease.election_timeout;
            let length = self.rules.promise_length(append.promise, own);
            let end = self.rules.promise_end(cx.now.stamp, append.stamp, length);
            self.promise = Some(Promise { term: append.term, round: append.round, end });
            if length > self.hard_state.longest_promise {
                self.hard_state.longest_promise = length;
                self.hard_state_dirty = true;
            }
            if self.is_voter() {
                self.await_leader(end);
            }
        }
    }

    /// Brings the log in line with the leader's; `None` when that contradicts what is committed.
    fn store_entries(&mut self, append: &Append) -> Option<AppendOutcome> {
        let previous_index = append.previous_index;
        if !self.log.matches(previous_index, append.previous_term) {
            if previous_index <= self.commit {
                return None;
            }
            let hint = self.log.before_term_at(previous_index).max(self.commit);
            return Some(AppendOutcome::Rejected { previous_index, hint });
        }
        let entries = append.entries.as_deref().unwrap_or_default();
        if let Some(first) = self.log.first_new(previous_index, entries) {
            if first <= self.commit {
                return None;
            }
            self.log.store(first, &entries[usize::try_from(first.0 - previous_index.0 - 1).ok()?..]);
            self.durability.cut(first);
        }
        let matched = Index(previous_index.0 + entries.len() as u64);
        self.commit = self.commit.max(append.commit.min(matched));
        self.drop_needless_assembly();
        Some(AppendOutcome::Accepted { matched })
    }
}
