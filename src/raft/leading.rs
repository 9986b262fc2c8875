//! A leader's side: rounds go out, acknowledgements come in, entries commit, the lease is renewed.

use std::sync::Arc;

use super::configuration::quorum_value;
use super::progress::{Progress, Sending};
use super::rounds::Rounds;
use super::state::{Context, Raft};
use super::transfer::Transfer;
use super::{
    Append, AppendOutcome, AppendReply, Configuration, Entry, Index, Lease, LeaseEndCause, Message,
    Misbehaviour, NodeId, Note, Payload, Role, StepDownCause, Term, Timer,
};
use crate::lease::{Acknowledgement, LeaseForm, LeaseRules, QuorumContact};
use crate::time::{Alarm, Nanos, Reading, Span, Stamp};

/// Entries in one message ...
const BATCH_ENTRIES_MAX: usize = 256;
/// ... and their size; a single entry may be larger.
pub(crate) const BATCH_BYTES_MAX: usize = 256 * 1_024;

/// A probe that is not answered is repeated with every heartbeat: without its entries if they are larger than this.
const PROBED_AGAIN_BYTES_MAX: usize = 4 * 1_024;

/// Heartbeats without a quorum's answer that are no sign of silence yet.
const SILENT_HEARTBEATS_MAX: u64 = 3;

/// What a leader knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Leadership {
    /// The term that it leads, or led last.
    pub(super) term: Option<Term>,
    /// One a node that was known when the configuration in force came to be, member or not; the leader's own is not used.
    pub(super) progress: Vec<Progress>,
    pub(super) rounds: Rounds,
    /// When it was elected.
    elected: Option<Stamp>,
    /// The newest round that a quorum has acknowledged ...
    pub(super) quorum_round: u64,
    /// ... and when that was found out; at the latest when the leadership began.
    pub(super) quorum_heard: Option<Stamp>,
    /// The newest round when the configuration in force came to be, if that was in this term.
    configured_round: u64,
    pub(super) lease: Option<Lease>,
    /// TimeoutNow was sent in this term: no lease any more.
    pub(super) lease_barred: bool,
    /// The newest wall-clock stamp of this term.
    last_stamp: Option<Nanos>,
    /// The first entry of this leader's own term.
    pub(super) own_term_start: Index,
    /// Everything up to here has been sent once.
    pub(super) flushed: Index,
    /// Everybody gets a message at the next opportunity.
    pub(super) broadcast: bool,
    pub(super) transfer: Option<Transfer>,
    /// False only while nobody wants a snapshot or gets one. Spares a look at everybody after every input.
    pub(super) may_owe_snapshots: bool,
    /// It was removed, that is committed, and it hands over if it can.
    pub(super) retiring: bool,
}

impl Leadership {
    pub(super) fn matched(&self, node: NodeId) -> Index {
        self.progress[node.index()].matched
    }

    /// Nothing is known any more of what `node` holds. Which rounds were sent to it still is. The log ends at `last`.
    pub(super) fn forget_progress(&mut self, node: NodeId, last: Index) {
        let progress = &mut self.progress[node.index()];
        let round_sent = progress.round_sent;
        *progress = Progress::unknown(last.next());
        progress.round_sent = round_sent;
    }

    /// The next answer of `node` is one to a probe behind `index`.
    pub(super) fn expect_probe_at(&mut self, node: NodeId, index: Index) {
        self.progress[node.index()].next = index.next();
    }

    /// The newest round that it has acknowledged.
    pub(super) fn round(&self, node: NodeId) -> u64 {
        self.progress[node.index()].round
    }

    /// Is an entry of its own term committed?
    pub(super) fn own_term_is_committed(&self, commit: Index) -> bool {
        commit >= self.own_term_start
    }

    /// Has a quorum acknowledged a round that was sent since the configuration in force came to be?
    pub(super) fn has_confirmed_configuration(&self) -> bool {
        self.quorum_round > self.configured_round
    }

    /// How far its log is known to be ours, and when it acknowledged a round last.
    pub(super) fn standing(&self, node: NodeId) -> (Index, Option<Stamp>) {
        let progress = &self.progress[node.index()];
        (progress.matched, progress.heard)
    }
}

impl<R: LeaseRules> Raft<R> {
    pub(super) fn become_leader(&mut self, cx: &mut Context<'_>) {
        let term = self.term();
        let last = self.log.last_index();
        self.role = Role::Leader;
        self.leader = Some(self.id);
        self.leadership = Leadership {
            term: Some(term),
            progress: vec![Progress::unknown(last.next()); self.names().len()],
            own_term_start: last.next(),
            flushed: last,
            broadcast: true,
            elected: Some(cx.now.stamp),
            quorum_heard: Some(cx.now.stamp),
            ..Leadership::default()
        };
        self.timers.clear(Timer::Election);
        self.await_quorum(&cx.now, &cx.now);
        self.note(Note::Elected { term });
        let payload = self.cluster.first_entry(&self.log);
        self.log.push(Entry { term, payload });
    }

    pub(super) fn give_up_leadership(&mut self, cause: StepDownCause) {
        let term = self.term();
        for timer in [Timer::Heartbeat, Timer::QuorumCheck, Timer::TransferAbort] {
            self.timers.clear(timer);
        }
        self.leadership.transfer = None;
        self.leadership.broadcast = false;
        if self.rules.step_down_ends_lease() && self.leadership.lease.take().is_some() {
            self.note(Note::LeaseEnded { term, cause: LeaseEndCause::StepDown });
        }
        self.note(Note::SteppedDown { term, cause });
    }

    /// Appends a command; `None` unless this node leads and is not handing over.
    pub(crate) fn propose(&mut self, now: &Reading, payload: Payload) -> Option<Index> {
        if self.role != Role::Leader || self.is_transferring() {
            return None;
        }
        let configures = matches!(payload, Payload::Configuration(_));
        let index = self.log.push(Entry { term: self.hard_state.term, payload });
        if configures {
            self.configurations_from(now, index);
        }
        Some(index)
    }

    /// Another configuration than `before` is in force on this leader.
    pub(super) fn lead_configuration(&mut self, now: &Reading, before: &Configuration) {
        let last = self.log.last_index();
        let nodes = self.names().len();
        self.leadership.progress.resize(nodes, Progress::unknown(last.next()));
        for added in self.configuration.nodes().filter(|node| !before.contains(*node)) {
            // What a node of that name held when it was a member before is no sign of what it holds now.
            self.leadership.forget_progress(added, last);
        }
        for removed in before.nodes().filter(|node| !self.configuration.contains(*node)) {
            // The log need not wait for it.
            self.leadership.progress[removed.index()].sending = Sending::Nothing;
        }
        self.leadership.configured_round = self.leadership.rounds.latest();
        self.leadership.broadcast = true;
        // More may have to answer from now on than did before.
        self.await_quorum(now, now);
    }

    /// Begins a ReadIndex (Raft dissertation, section 6.4): the read may be answered once `round` is
    /// [confirmed](Raft::is_confirmed) and everything up to `index` is applied. The round is one that is yet to be
    /// sent, so it proves leadership at an instant after the read arrived. `waiting`: what the newest read needs that waits
    /// already.
    pub(crate) fn begin_read_index(&mut self, waiting: Option<ReadIndex>) -> ReadIndex {
        debug_assert!(self.role == Role::Leader);
        self.leadership.broadcast = true;
        let index = self.commit.max(self.leadership.own_term_start);
        let round = self.rules.read_round(self.leadership.rounds.latest(), waiting.map(|read| read.round));
        ReadIndex { round, index }
    }

    /// Has a quorum confirmed what this read, which came in this term, waits for?
    pub(crate) fn is_confirmed(&self, read: ReadIndex) -> bool {
        self.rules.read_is_confirmed(read.round, self.leadership.quorum_round)
    }

    /// Is this node the whole electorate? Then it is a quorum, and each of its rounds is acknowledged when it is sent.
    pub fn leads_alone(&self) -> bool {
        self.role == Role::Leader && self.configuration.voters() == 1 && self.is_voter()
    }

    pub(super) fn acknowledge_own_round(&mut self, now: &Reading) {
        let ticket = self.current_ticket();
        self.leadership.rounds.open(*now, ticket, true);
        self.renew_lease(now);
    }

    /// Sends what is due: a round to everybody, or new entries to those who can take them.
    pub(super) fn send_rounds(&mut self, now: &Reading) {
        if self.role != Role::Leader {
            return;
        }
        let broadcast = std::mem::take(&mut self.leadership.broadcast);
        let last = self.log.last_index();
        if !broadcast && last == self.leadership.flushed {
            return;
        }
        self.leadership.flushed = last;
        let ticket = self.current_ticket();
        let asks = self.asks_for_promises(now);
        let promise = if asks { self.settings.lease.election_timeout } else { Span::ZERO };
        let round = Round {
            stamp: self.stamp(now),
            number: self.leadership.rounds.open(*now, ticket, asks),
            promise,
        };
        if broadcast {
            self.timers
                .set(Timer::Heartbeat, Alarm::First { since: now.stamp, span: self.settings.heartbeat });
        }
        let mut batch = Batch::default();
        let configuration = self.configuration.clone();
        for peer in configuration.nodes().chain(self.member_to_dismiss()) {
            if peer != self.id {
                self.send_append(peer, round, broadcast, &mut batch);
            }
        }
        if self.leads_alone() {
            self.renew_lease(now);
        }
    }

    /// Does a round that is sent now ask for promises? A leader that no quorum has answered for an effective lease does not:
    /// no lease can rest on the answers that do not come, and the promises would only keep others from taking over. It asks
    /// again with the first round after a quorum's answer. (A quorum's answers take a heartbeat or so. A lease may be
    /// shorter than that, which is no sign of silence.)
    pub(super) fn asks_for_promises(&self, now: &Reading) -> bool {
        let patience = self.settings.lease.effective().max(self.settings.heartbeat * SILENT_HEARTBEATS_MAX);
        let heard = |since: Stamp| now.stamp.elapsed_max(since) < patience;
        self.leads_alone() || self.leadership.quorum_heard.is_some_and(heard) || self.lease_running(now)
    }

    /// The wall-clock stamp of a round that is about to be sent; none in the elapsed form.
    ///
    /// A stamp that is earlier than the last one asks for promises that end earlier than those already given, and
    /// followers keep the newest. So the lease that rests on the earlier rounds is given up first, and they renew it no
    /// more: the leader's clock was set back.
    fn stamp(&mut self, now: &Reading) -> Option<Nanos> {
        if self.settings.lease.form == LeaseForm::Elapsed {
            return None;
        }
        let stamp = now.wall.map(|wall| wall.earliest());
        if stamp.zip(self.leadership.last_stamp).is_some_and(|(stamp, last)| stamp < last) {
            self.leadership.rounds.forget();
            if self.leadership.lease.take().is_some() {
                self.note(Note::LeaseEnded { term: self.term(), cause: LeaseEndCause::ClockSetBack });
            }
        }
        self.leadership.last_stamp = stamp.or(self.leadership.last_stamp);
        stamp
    }

    /// Sends to one member what it can take, or an empty message if `always`.
    fn send_append(&mut self, peer: NodeId, round: Round, always: bool, batch: &mut Batch) {
        let progress = &mut self.leadership.progress[peer.index()];
        let last = self.log.last_index();
        let base = self.log.base().index;
        if progress.next <= base {
            // What it should get next is dropped here. Does it have that?
            progress.next = base.next();
            progress.probe();
            if !progress.sending.is_snapshot() {
                progress.sending = Sending::Nothing;
            }
        }
        let able = if progress.sending.is_snapshot() {
            false
        } else if progress.probing {
            always || !progress.probe_sent
        } else {
            progress.has_room()
        };
        let entries = if able { batch.entries(&self.log, progress.next) } else { None };
        // Nothing is known of who does not answer, not even that it is there.
        let again = progress.probing && progress.probe_sent;
        let entries = entries.filter(|_| !again || batch.bytes <= PROBED_AGAIN_BYTES_MAX);
        if entries.is_none() && !always {
            return;
        }
        progress.round_sent = round.number;
        let previous_index = progress.next.previous();
        if progress.probing {
            progress.probe_sent = true;
        } else if let Some(entries) = &entries {
            progress.next = Index(progress.next.0 + entries.len() as u64);
            progress.sent(progress.next.previous(), batch.bytes);
            if progress.next <= last {
                // More than one message can hold: the rest goes at the next opportunity.
                self.leadership.flushed = self.leadership.flushed.min(progress.next.previous());
            }
        }
        let append = Append {
            term: self.hard_state.term,
            round: round.number,
            promise: round.promise,
            stamp: round.stamp,
            previous_index,
            previous_term: self
                .log
                .term_at(previous_index)
                .expect("a follower's next entry is behind our base and at most our last + 1"),
            commit: self.commit,
            entries,
        };
        self.send(peer, Message::Append(append));
    }

    pub(super) fn handle_append_reply(&mut self, cx: &mut Context<'_>, from: NodeId, reply: AppendReply) {
        self.see_term(cx, reply.term);
        // A refusal promises nothing. It is about a round of an older term and may carry our own term, whose rounds are
        // numbered from 1 again.
        if self.role != Role::Leader || reply.outcome == AppendOutcome::StaleTerm {
            return;
        }
        let Some(round_sent) = self.leadership.progress.get(from.index()).map(|peer| peer.round_sent) else {
            return;
        };
        let current_term = reply.term == self.term();
        let from_voter = self.configuration.is_voter(from);
        if current_term && reply.round > round_sent {
            self.misbehaves(from, Misbehaviour::AcknowledgesUnsent);
            return;
        }
        let progress = &mut self.leadership.progress[from.index()];
        if current_term && reply.round > progress.heard_round {
            progress.heard_round = reply.round;
            progress.heard = Some(cx.now.stamp);
        }
        if reply.round <= self.leadership.rounds.latest()
            && self.rules.counts(Acknowledgement { current_term, from_voter })
        {
            let progress = &mut self.leadership.progress[from.index()];
            if reply.round > progress.round {
                progress.round = reply.round;
                self.renew_lease(&cx.now);
            }
        }
        if current_term {
            self.note_progress(&cx.now, from, &reply);
        }
    }

    /// Uses what an acknowledgement says about the follower's log.
    fn note_progress(&mut self, now: &Reading, from: NodeId, reply: &AppendReply) {
        let last = self.log.last_index();
        let latest = self.leadership.rounds.latest();
        let progress = &mut self.leadership.progress[from.index()];
        match reply.outcome {
            AppendOutcome::Accepted { matched } if matched > last => {
                self.misbehaves(from, Misbehaviour::AcknowledgesUnsent);
            }
            AppendOutcome::Accepted { matched } => {
                if progress.sending.is_snapshot() {
                    if matched < self.log.base().index {
                        // An older round's. It still lacks what is dropped here.
                        return;
                    }
                    progress.sending = Sending::Nothing;
                }
                progress.probing = false;
                progress.probe_sent = false;
                progress.next = progress.next.max(matched.next());
                progress.arrived(matched);
                if progress.next <= last {
                    self.leadership.flushed = self.leadership.flushed.min(progress.next.previous());
                }
                if matched > progress.matched {
                    progress.match_up_to(matched, last, latest);
                    progress.end_tail();
                    self.advance_commit(now);
                    self.continue_transfer(now);
                }
            }
            AppendOutcome::Rejected { previous_index, hint } => {
                if progress.has_lost(previous_index, reply.round) {
                    self.loses_entries(from);
                }
                let progress = &mut self.leadership.progress[from.index()];
                let stale = previous_index <= progress.matched
                    || (progress.probing && previous_index != progress.next.previous());
                if stale || progress.sending.is_snapshot() {
                    return;
                }
                let base = self.log.base().index;
                if previous_index <= base && base > Index::ZERO {
                    // Where our log begins, it has something else or nothing.
                    progress.sending = Sending::Wanted;
                    progress.probe();
                    self.leadership.may_owe_snapshots = true;
                    return;
                }
                // Its hint skips a whole term. Before the base there is nothing to send, so the base is tried first.
                progress.next = hint.min(last).max(progress.matched).max(base).next();
                progress.probe();
                self.leadership.flushed = self.leadership.flushed.min(progress.next.previous());
            }
            AppendOutcome::StaleTerm => unreachable!("refusals are not looked at"),
        }
    }

    /// Commits what a majority of the voters holds, if it is of the own term (Raft paper, section 5.4.2).
    pub(super) fn advance_commit(&mut self, now: &Reading) {
        let own = self.durability.synced_index();
        let matched = |node| self.leadership.matched(node).0;
        let voters = self.configuration.voting_nodes();
        let counted = |node| if self.has_lost_entries(node) { 0 } else { matched(node) };
        let reached = voters.map(|node| if node == self.id { own.0 } else { counted(node) });
        let Some(held) = quorum_value(reached, self.configuration.majority(), self.commit.0) else {
            return;
        };
        let held = Index(held);
        if self.log.term_at(held) != Some(self.term()) || !self.rules.may_commit(now) {
            return;
        }
        let first_of_term = self.commit < self.leadership.own_term_start;
        self.commit_up_to(held);
        if first_of_term {
            self.elections.won();
            self.note(Note::LeaderReady { term: self.term(), commit: held });
        }
    }

    /// A quorum has acknowledged the round that was sent at `sent`. Gives the instant at which the leader steps down unless
    /// a quorum acknowledges another one.
    pub(super) fn await_quorum(&mut self, sent: &Reading, acknowledged: &Reading) -> Option<Alarm> {
        let elected = self.leadership.elected.unwrap_or(sent.stamp);
        let contact = QuorumContact { elected, sent: *sent, acknowledged: *acknowledged };
        let until = self.rules.leads_until(self.settings.lease.election_timeout, &contact);
        match until {
            Some(alarm) => self.timers.set(Timer::QuorumCheck, alarm),
            None => self.timers.clear(Timer::QuorumCheck),
        }
        until
    }
}

/// A round that is being sent.
#[derive(Debug, Clone, Copy)]
struct Round {
    number: u64,
    stamp: Option<Nanos>,
    promise: Span,
}

/// A read that waits for a quorum's confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadIndex {
    /// The round that must be confirmed.
    pub(crate) round: u64,
    /// What must be applied.
    pub(crate) index: Index,
}

/// The entries last cut out of the log: followers that are at the same place share them.
#[derive(Default)]
struct Batch {
    first: Index,
    entries: Option<Arc<[Entry]>>,
    bytes: usize,
}

impl Batch {
    fn entries(&mut self, log: &super::Log, first: Index) -> Option<Arc<[Entry]>> {
        if first != self.first {
            let entries = log.batch(first, BATCH_ENTRIES_MAX, BATCH_BYTES_MAX);
            let bytes = entries.iter().flat_map(|entries| entries.iter()).map(Entry::weight).sum();
            *self = Batch { first, entries, bytes };
        }
        self.entries.clone()
    }
}
