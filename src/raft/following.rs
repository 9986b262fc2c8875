//! A follower's side of replication, and the promise it gives by accepting a round.

use super::state::{Context, Raft};
use super::{
    Append, AppendOutcome, AppendReply, Index, Message, Misbehaviour, NodeId, Note, Role, StepDownCause, Term,
};
use crate::lease::LeaseRules;
use crate::time::{Alarm, Reading, Span};

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

/// Longer promises that are kept beside the newest: as many as there were changes to shorter ones within the longest.
const LONGER_PROMISES_MAX: usize = 8;

impl<R: LeaseRules> Raft<R> {
    pub(super) fn handle_append(&mut self, cx: &mut Context<'_>, leader: NodeId, append: Append) {
        if append.term < self.term() {
            return self.refuse_stale(leader, append.round);
        }
        // Also when it has stepped down since: a term has one leader.
        if self.leadership.term == Some(append.term) {
            self.misbehaves(leader, Misbehaviour::LeadsOurTerm);
            return;
        }
        self.follow(cx, leader, append.term);
        self.promise(cx, &append);
        let Some(outcome) = self.store_entries(&cx.now, &append) else {
            let fact = if self.can_name_all(append.entries.as_deref().unwrap_or_default()) {
                Misbehaviour::ContradictsCommitted
            } else {
                Misbehaviour::TooManyNames
            };
            self.misbehaves(leader, fact);
            return;
        };
        let reply = AppendReply { term: self.term(), round: append.round, outcome };
        self.send_when_durable(leader, Message::AppendReply(reply));
    }

    #[cold]
    fn refuse_stale(&mut self, leader: NodeId, round: u64) {
        let reply = AppendReply { term: self.term(), round, outcome: AppendOutcome::StaleTerm };
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
            let length = self.keep_longer(&cx.now, self.rules.promise_length(append.promise, own));
            let end = self.rules.promise_end(cx.now.stamp, append.stamp, length);
            self.promise = Some(Promise { term: append.term, round: append.round, length, end });
            self.compare_lengths(append.promise);
            if length > self.hard_state.longest_promise {
                self.hard_state.longest_promise = length;
                self.hard_state_dirty = true;
            }
            if self.is_voter() {
                self.await_leader(end);
            }
        }
    }

    /// A promise of `length` is about to take the newest one's place. If that one is longer it is kept as well until it is
    /// over, since a lease may rest on it; which of the two ends later cannot always be told, as they may be measured
    /// on different clocks. Gives the length to promise: longer than asked for when no more can be kept.
    fn keep_longer(&mut self, now: &Reading, length: Span) -> Span {
        if self.rules.promise_may_shrink() {
            return length;
        }
        // One that is no longer than a later one is over before that is.
        self.longer_promises.retain(|kept| kept.length > length && !kept.end.reached(now));
        let Some(newest) = self.promise.filter(|newest| newest.length > length && !newest.end.reached(now))
        else {
            return length;
        };
        match self.longer_promises.first() {
            Some(longest) if self.longer_promises.len() == LONGER_PROMISES_MAX => longest.length,
            _ => {
                self.longer_promises.push(newest);
                length
            }
        }
    }

    /// Takes note of a leader whose rounds ask for a length that is not this node's own. Not at once: when lengths are
    /// changed, the first round with the new ones is what tells a follower that they are in force.
    fn compare_lengths(&mut self, asked: Span) {
        let own = self.settings.lease.election_timeout;
        let Some(leader) = self.leader.filter(|_| asked != own) else {
            self.asked_for = None;
            return;
        };
        let told = match self.asked_for {
            Some((before, length, told)) if (before, length) == (leader, asked) => {
                if !told {
                    self.note(Note::PromiseDiffers { leader, asked, own });
                }
                true
            }
            _ => false,
        };
        self.asked_for = Some((leader, asked, told));
    }

    /// Brings the log in line with the leader's; `None` when that contradicts what is committed.
    fn store_entries(&mut self, now: &Reading, append: &Append) -> Option<AppendOutcome> {
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
            if first <= self.commit || !self.can_name_all(entries) {
                return None;
            }
            self.log.store(first, &entries[usize::try_from(first.0 - previous_index.0 - 1).ok()?..]);
            self.durability.cut(first);
            self.configurations_from(now, first);
        }
        let matched = Index(previous_index.0 + entries.len() as u64);
        self.commit = self.commit.max(append.commit.min(matched));
        self.drop_needless_assembly();
        Some(AppendOutcome::Accepted { matched })
    }
}
