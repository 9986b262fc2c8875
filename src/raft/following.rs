//! A follower's side of replication, and the promise it gives by accepting a round.

use super::promises::Promise;
use super::state::{Context, Raft};
use super::{
    Append, AppendOutcome, AppendReply, Entry, Index, Message, Misbehaviour, NodeId, Note, Payload, Role,
    StepDownCause, Term,
};
use crate::lease::LeaseRules;
use crate::time::{Reading, Span};

/// Before the cluster has agreed on lengths, a leader may ask for promises so many times as long as a follower's own
/// election timeout: settings may differ by mistake, and then reads stay safe.
const PROMISE_FACTOR_MAX: u64 = 10;

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
        self.leader_heard = Some(cx.now.stamp);
        self.rumour = None;
        let promises = self.may_promise(&append);
        if promises {
            self.promise(cx, &append);
        } else {
            self.misbehaves(leader, Misbehaviour::AsksTooLong);
        }
        let Some(outcome) = self.store_entries(&cx.now, &append) else {
            let fact = if self.can_name_all(append.entries.as_deref().unwrap_or_default()) {
                Misbehaviour::ContradictsCommitted
            } else {
                Misbehaviour::TooManyNames
            };
            self.misbehaves(leader, fact);
            return;
        };
        // What is stored is acknowledged in any case. A round that was not promised for is not: no leader counts from 0.
        let round = if promises { append.round } else { 0 };
        let reply = AppendReply { term: self.term(), round, outcome, state: None };
        self.send_when_durable(leader, Message::AppendReply(reply));
    }

    #[cold]
    fn refuse_stale(&mut self, leader: NodeId, round: u64) {
        let reply = AppendReply { term: self.term(), round, outcome: AppendOutcome::StaleTerm, state: None };
        self.send_when_durable(leader, Message::AppendReply(reply));
    }

    fn follow(&mut self, cx: &mut Context<'_>, leader: NodeId, term: Term) {
        if term == self.term() && self.leader == Some(leader) && self.role == Role::Follower {
            return;
        }
        self.step_down(cx, term, StepDownCause::HigherTerm);
        self.leader = Some(leader);
        self.elections.won();
        self.note(Note::Follows { leader, term });
    }

    /// Is the promise that a round asks for no longer than the cluster's own? A promise keeps this node from voting, also
    /// after restarts, so a faulty leader must not get a long one. The longest election timeout is that of the lengths in
    /// force, of the node's own settings, or of an entry in its log that may be in force already. While the cluster has agreed
    /// on none, other nodes may have other settings: then ten times as much is believed.
    fn may_promise(&self, append: &Append) -> bool {
        let own = self.settings.lease.election_timeout.max(self.configured.lease.election_timeout);
        append.promise <= own || self.has_agreed_on(append)
    }

    #[cold]
    fn has_agreed_on(&self, append: &Append) -> bool {
        let own = self.configured.lease.election_timeout;
        if !self.lengths_agreed && append.promise <= own * PROMISE_FACTOR_MAX {
            return true;
        }
        let agrees = |entry: &Entry| matches!(&entry.payload, Payload::Lease(lengths) if lengths.election_timeout >= append.promise);
        let sent = append.entries.as_deref().unwrap_or_default();
        sent.iter().chain(self.log.iter()).any(agrees)
    }

    fn promise(&mut self, cx: &mut Context<'_>, append: &Append) {
        if append.promise == Span::ZERO {
            // Its leader hears no quorum. Earlier promises last as long as they were to, and what comes after them is as
            // if this round had not come.
            return;
        }
        let newest =
            self.promises.newest.is_none_or(|given| given.term != append.term || given.round < append.round);
        if newest {
            let own = self.settings.lease.election_timeout;
            let mut length = self.rules.promise_length(append.promise, own);
            if !self.rules.promise_may_shrink() {
                length = self.promises.keep_longer(&cx.now, length);
            }
            let end = self.rules.promise_end(cx.now.stamp, append.stamp, length);
            self.promises.renew(Promise { term: append.term, round: append.round, length, end });
            self.compare_lengths(append.promise);
            let longest = self.promises.longest(&cx.now, length, self.hard_state.longest_promise);
            if longest != self.hard_state.longest_promise {
                self.hard_state.longest_promise = longest;
                self.hard_state_dirty = true;
            }
            if self.may_campaign() {
                self.await_leader(end);
            }
        }
    }

    /// Takes note of a leader whose rounds ask for a length that is not this node's own. Not at once: when lengths are
    /// changed, the first round with the new ones is what tells a follower that they are in force.
    fn compare_lengths(&mut self, asked: Span) {
        let own = self.settings.lease.election_timeout;
        let Some(leader) = self.leader.filter(|_| asked != own) else {
            self.promises.asked_for = None;
            return;
        };
        let told = match self.promises.asked_for {
            Some((before, length, told)) if (before, length) == (leader, asked) => {
                if !told {
                    self.note(Note::PromiseDiffers { leader, asked, own });
                }
                true
            }
            _ => false,
        };
        self.promises.asked_for = Some((leader, asked, told));
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
        self.commit_up_to(self.commit.max(append.commit.min(matched)));
        self.drop_needless_assembly();
        Some(AppendOutcome::Accepted { matched })
    }
}
