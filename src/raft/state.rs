//! The state of a Raft node and what all its inputs have in common.

use std::collections::VecDeque;

use super::cluster::{Cluster, ClusterOrigin};
use super::configuration::Configuration;
use super::durability::Durability;
use super::election::{Elections, Rumour, Votes};
use super::installing::Snapshots;
use super::leading::Leadership;
use super::membership::Membership;
use super::promises::Promises;
use super::{
    HardState, Index, Lease, Log, LogBounds, Message, Misbehaviour, Names, NodeId, Note, Recovered,
    StateMachine, StepDownCause, Term, Timer, TimerTable, Write,
};
use crate::lease::{LeaseRules, LeaseSettings};
use crate::time::{Alarm, Reading, Span, Stamp};

/// Where a node's random waits come from: seeded in production, chosen by the simulator there.
pub trait Jitter {
    /// A wait between zero and `most`.
    fn jitter(&mut self, most: Span) -> Span;
}

/// What a node is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The lease's lengths.
    pub lease: LeaseSettings,
    /// A leader sends a round at least this often.
    pub heartbeat: Span,
    /// Up to so much is added to an election timeout, at random, so that candidates do not collide.
    pub election_jitter: Span,
    /// After a restart a node withholds votes for its longest promise, and waits so much longer before it campaigns for the
    /// first time, so that a leader there may be can be heard.
    pub startup_grace: Span,
    /// A node without a past has promised nothing. It campaigns so long after its first start; jitter is added, but no more
    /// than this again.
    pub first_start: Span,
    /// A request that finds no leader, or whose answer does not come, is answered with an error after this.
    pub request_deadline: Span,
    /// How long the log may become.
    pub log: LogBounds,
}

impl Default for Settings {
    /// The default lease, heartbeats every 500 ms, jitter and deadline to match.
    fn default() -> Settings {
        Settings::for_lease(LeaseSettings::default())
    }
}

impl Settings {
    /// The settings that go with a lease: a heartbeat every tenth of the election timeout, a jitter of a fifth of it, a
    /// deadline of two election timeouts, which is longer than an ordinary election takes: a first start waits as long as a restart,
    /// and both for up to 1.3 election timeouts.
    pub fn for_lease(lease: LeaseSettings) -> Settings {
        let timeout = lease.election_timeout;
        Settings {
            lease,
            heartbeat: timeout.div(10),
            election_jitter: timeout.div(5),
            startup_grace: timeout.div(10),
            first_start: timeout + timeout.div(10),
            request_deadline: timeout * 2,
            log: LogBounds::default(),
        }
    }
}

/// What a Raft node is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks whether it would be elected.
    PreCandidate,
    /// Asks for votes.
    Candidate,
    /// Leads.
    Leader,
}

/// What a Raft node gives its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RaftOutput {
    /// Send a message.
    Send(NodeId, Message),
    /// Write durably, sync, and confirm.
    Persist(Write),
    /// Something worth telling.
    Note(Note),
}

/// What holds while one input is handled.
pub(crate) struct Context<'a> {
    /// The one reading of the clocks.
    pub(crate) now: Reading,
    pub(crate) jitter: &'a mut dyn Jitter,
}

/// The state machine, as far as everything committed has been applied to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppliedState<'a> {
    pub(crate) index: Index,
    pub(crate) state: &'a StateMachine,
}

/// A Raft node.
#[derive(Debug, Clone)]
pub struct Raft<R> {
    pub(super) id: NodeId,
    /// In force: the newest of the log.
    pub(super) configuration: Configuration,
    pub(super) membership: Membership,
    /// In force.
    pub(super) settings: Settings,
    /// As it was started.
    pub(super) configured: Settings,
    /// The lengths in force are agreed on, whether or not they differ from those it was started with.
    pub(super) lengths_agreed: bool,
    pub(super) rules: R,

    pub(super) hard_state: HardState,
    pub(super) hard_state_dirty: bool,
    pub(super) log: Log,
    pub(super) durability: Durability,
    pub(super) snapshots: Snapshots,
    pub(super) cluster: Cluster,
    /// Members that have lost what they had acknowledged.
    pub(super) lost: Vec<NodeId>,
    /// Nothing more can be stored for now: it neither leads nor campaigns.
    pub(super) storage_full: bool,

    pub(super) role: Role,
    pub(super) leader: Option<NodeId>,
    pub(super) commit: Index,
    /// The commit index that the last write has.
    pub(super) stored_commit: Index,
    pub(super) promises: Promises,
    pub(super) votes: Votes,
    pub(super) elections: Elections,
    /// When a round of the leader that it follows came last.
    pub(super) leader_heard: Option<Stamp>,
    pub(super) rumour: Option<Rumour>,
    /// Meaningful while leading, but for the lease, which the rules may let outlive the leadership.
    pub(super) leadership: Leadership,
    /// The random part of the next election timeout; redrawn when it has served.
    pub(super) election_jitter: Span,
    pub(super) timers: TimerTable,
    pub(super) outputs: VecDeque<RaftOutput>,
}

impl<R: LeaseRules> Raft<R> {
    /// A node that has just started, with what its storage held.
    pub(crate) fn start(
        cx: &mut Context<'_>,
        id: NodeId,
        (names, founding, cluster): (Names, Configuration, ClusterOrigin),
        settings: Settings,
        rules: R,
        recovered: Recovered,
    ) -> Raft<R> {
        assert!(names.contains(id), "a node has a name");
        let has_past = recovered.has_past();
        let Recovered { mut hard_state, state, log, commit: recovered_commit } = recovered;
        assert!(
            recovered_commit <= log.last_index(),
            "storage has what it had when it stored the commit index"
        );
        if hard_state.voted_for.is_some_and(|candidate| !names.contains(candidate)) {
            // Numbers that were given while it ran may be others' now. It has voted, for nobody who could be named.
            hard_state.voted_for = Some(NodeId::NOBODY);
        }
        let membership = Membership::recovered(names, founding, state.configured.as_deref(), &log);
        let configured = settings;
        let settings = state.agreed.map_or(configured, |lengths| configured.agreed(lengths));
        let longest = hard_state.longest_promise.max(configured.lease.election_timeout);
        let longest = longest.max(settings.lease.election_timeout);
        let restart_promise = match has_past {
            true => rules.promise_after_restart(cx.now.stamp, longest),
            false => None,
        };
        let mut raft = Raft {
            id,
            configuration: membership.in_force().clone(),
            membership,
            settings,
            configured,
            lengths_agreed: state.agreed.is_some(),
            rules,
            hard_state,
            hard_state_dirty: false,
            durability: Durability::recovered(log.last_index()),
            snapshots: Snapshots::default(),
            storage_full: false,
            lost: Vec::new(),
            cluster: Cluster::recovered(cluster, state.cluster.as_ref(), &log),
            commit: log.base().index.max(recovered_commit),
            stored_commit: recovered_commit,
            log,
            role: Role::Follower,
            leader: None,
            promises: Promises::after_restart(restart_promise, cx.now.stamp),
            votes: Votes::default(),
            elections: Elections::default(),
            leader_heard: None,
            rumour: None,
            leadership: Leadership::default(),
            election_jitter: Span::ZERO,
            timers: TimerTable::default(),
            outputs: VecDeque::new(),
        };
        if let Some(end) = restart_promise {
            raft.note(Note::VotesWithheld { span: end.remaining(&cx.now) });
        }
        if let Some(lengths) = state.agreed.filter(|_| settings != configured) {
            raft.note(Note::LengthsInForce { lengths });
        }
        let (wait, jitter) = match has_past {
            true => (longest + settings.startup_grace, settings.election_jitter),
            false => (settings.first_start, settings.election_jitter.min(settings.first_start)),
        };
        raft.election_jitter = cx.jitter.jitter(jitter);
        if raft.may_campaign() {
            raft.await_leader(Alarm::Last { since: cx.now.stamp, span: wait });
            let promised = raft.hard_state.longest_promise > Span::ZERO;
            if raft.configuration.voters() == 1 && raft.has_founding_members() && !promised {
                // Nobody else was promised anything, or can be elected. (Where there were other voters before, one of them
                // may lead still, under a promise of this node's.)
                raft.campaign(cx, crate::lease::Ballot::Vote);
            }
        }
        raft
    }

    /// This node.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The members in force.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Its settings, as they are in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The latest term it has seen.
    pub fn term(&self) -> Term {
        self.hard_state.term
    }

    /// The leader it follows (itself while it leads), if it knows one.
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Entries up to here are committed.
    pub fn commit(&self) -> Index {
        self.commit
    }

    /// The ends of its promises to withhold votes: those given to leaders, one made at the start. All must be over.
    pub fn promise_ends(&self) -> impl Iterator<Item = Alarm> {
        self.promises.ends()
    }

    /// The end of a promise that is running, if there is one.
    pub(super) fn running_promise(&self, now: &Reading) -> Option<Alarm> {
        self.promise_ends().find(|end| !end.reached(now))
    }

    /// The lease it holds, which may have run out.
    pub fn lease(&self) -> Option<&Lease> {
        self.leadership.lease.as_ref()
    }

    /// The newest of its rounds that it acknowledges itself, as a leader, once writes up to `ticket` are synced.
    pub fn own_round(&self, ticket: u64) -> u64 {
        self.leadership.rounds.own_seen(self.durability.synced().max(ticket))
    }

    /// What it waits for.
    pub fn timers(&self) -> &TimerTable {
        &self.timers
    }

    pub(crate) fn timers_mut(&mut self) -> &mut TimerTable {
        &mut self.timers
    }

    pub(crate) fn rules(&self) -> &R {
        &self.rules
    }

    pub(super) fn is_voter(&self) -> bool {
        self.configuration.is_voter(self.id)
    }

    pub(super) fn note(&mut self, note: Note) {
        self.outputs.push_back(RaftOutput::Note(note));
    }

    /// A peer sent what no correct one sends.
    #[cold]
    pub(super) fn misbehaves(&mut self, peer: NodeId, fact: Misbehaviour) {
        self.note(Note::Misbehaviour { peer, fact });
    }

    /// Sends at once. For what depends on no durable write that may still be under way.
    pub(super) fn send(&mut self, to: NodeId, message: Message) {
        self.outputs.push_back(RaftOutput::Send(to, message));
    }

    /// Sends once everything that has changed so far is on stable storage.
    pub(super) fn send_when_durable(&mut self, to: NodeId, message: Message) {
        let ticket = self.current_ticket();
        if self.durability.is_synced(ticket) {
            self.send(to, message);
        } else {
            self.durability.hold(ticket, to, message);
        }
    }

    /// The ticket of the write that covers everything changed so far.
    pub(super) fn current_ticket(&self) -> u64 {
        self.durability.ticket_for(self.has_unwritten())
    }

    /// Compaction alone asks for no write: it goes with the next one.
    fn has_unwritten(&self) -> bool {
        self.hard_state_dirty || self.log.has_unwritten() || !self.snapshots.writes.is_empty()
    }

    /// Handles a message of another node. It need be no member: this node's log may not say yet that it is.
    pub(crate) fn handle(&mut self, cx: &mut Context<'_>, from: NodeId, message: Message) {
        if !self.names().contains(from) || from == self.id || !self.is_plausible(from, &message) {
            return;
        }
        match message {
            Message::Append(append) => self.handle_append(cx, from, append),
            Message::AppendReply(reply) => self.handle_append_reply(cx, from, reply),
            // These are `#[cold]`: their code stays out of the cache lines that rounds go through.
            Message::Vote(request) => self.handle_vote(cx, from, request),
            Message::VoteReply(reply) => self.handle_vote_reply(cx, from, reply),
            Message::Snapshot(chunk) => self.handle_snapshot(&cx.now, from, *chunk),
            Message::SnapshotReply(reply) => self.handle_snapshot_reply(cx, from, reply),
            Message::TimeoutNow { term } => self.handle_timeout_now(cx, from, term),
        }
        self.retire_if_removed(cx);
    }

    /// Lets what is due happen. Does nothing when called early.
    pub(crate) fn handle_wakeup(&mut self, cx: &mut Context<'_>) {
        if self.timers.take_due(Timer::QuorumCheck, &cx.now) {
            if self.leads_alone() {
                // It has slept, and is still a quorum.
                self.acknowledge_own_round(&cx.now);
            } else {
                self.step_down(cx, self.term(), StepDownCause::NoQuorum);
            }
        }
        if self.timers.take_due(Timer::TransferAbort, &cx.now) {
            self.transfer_is_overdue(cx);
        }
        if self.timers.take_due(Timer::Election, &cx.now) {
            self.election_is_due(cx);
        }
        if self.timers.take_due(Timer::Heartbeat, &cx.now) {
            self.leadership.broadcast = true;
        }
        self.retire_if_removed(cx);
    }

    /// The host has synced all writes up to `ticket`.
    pub(crate) fn handle_persisted(&mut self, cx: &mut Context<'_>, ticket: u64) {
        self.durability.confirm(ticket);
        self.storage_full = false;
        self.notice_stored_vote(cx);
        while let Some((to, message)) = self.durability.release() {
            self.send(to, message);
        }
        match self.role {
            Role::Candidate => self.count_own_vote(cx),
            Role::Leader => {
                self.renew_lease(&cx.now);
                self.advance_commit(&cx.now);
            }
            Role::Follower | Role::PreCandidate => {}
        }
        self.retire_if_removed(cx);
    }

    /// The host has no room for the writes under way: somebody else had better lead.
    pub(crate) fn handle_storage_full(&mut self, cx: &mut Context<'_>) {
        self.storage_full = true;
        if self.role != Role::Follower {
            self.step_down(cx, self.term(), StepDownCause::StorageFull);
        }
    }

    /// The next output. What could be batched has been: call this when no more input is at hand. `now` is the reading of
    /// the last input handled.
    pub(crate) fn poll_output(&mut self, now: &Reading, applied: AppliedState<'_>) -> Option<RaftOutput> {
        if self.outputs.is_empty() {
            self.send_rounds(now);
            self.send_snapshots(now, applied);
            self.issue_write(now);
        }
        self.outputs.pop_front()
    }

    /// One write for everything that has changed since the last one.
    fn issue_write(&mut self, now: &Reading) {
        if self.has_unwritten() && self.durability.has_room() {
            self.write_all(now.stamp);
        }
    }

    #[inline(never)]
    fn write_all(&mut self, now: Stamp) {
        let ticket = self.durability.issue(self.log.last_index(), now);
        let hard_state = std::mem::take(&mut self.hard_state_dirty).then_some(self.hard_state);
        let snapshot = std::mem::take(&mut self.snapshots.writes);
        let entries = self.log.take_unwritten();
        let compacted = self.snapshots.compacted.take();
        let commit = (self.commit > self.stored_commit).then_some(self.commit);
        self.stored_commit = self.commit;
        let write = Write { ticket, hard_state, snapshot, entries, compacted, commit };
        self.outputs.push_back(RaftOutput::Persist(write));
    }

    /// Moves to a later term, in which this node has not voted.
    #[cold]
    pub(super) fn enter_term(&mut self, term: Term) {
        assert!(term > self.hard_state.term, "terms only grow");
        self.hard_state = HardState { term, voted_for: None, ..self.hard_state };
        self.hard_state_dirty = true;
        self.leader = None;
        // Its leader's term is over, so nothing more of it comes.
        self.snapshots.assembly = None;
    }

    /// Entries up to `index` are committed. That is never taken back, and only what is in the log can be.
    pub(super) fn commit_up_to(&mut self, index: Index) {
        assert!(index >= self.commit, "commit only grows");
        assert!(index <= self.log.last_index(), "what is committed is in the log");
        self.commit = index;
    }

    /// A message shows a later term: whatever this node was, it is a follower there.
    pub(super) fn see_term(&mut self, cx: &mut Context<'_>, term: Term) {
        if term > self.hard_state.term {
            self.step_down(cx, term, StepDownCause::HigherTerm);
        }
    }

    /// Becomes a follower, in `term`, of nobody yet.
    #[cold]
    pub(super) fn step_down(&mut self, cx: &mut Context<'_>, term: Term, cause: StepDownCause) {
        let led = self.role == Role::Leader;
        if led {
            self.give_up_leadership(cause);
        }
        if term > self.hard_state.term {
            self.enter_term(term);
        }
        self.leader = None;
        self.role = Role::Follower;
        if led && self.may_campaign() {
            self.redraw_jitter(cx);
            self.await_leader(Alarm::Last {
                since: cx.now.stamp,
                span: self.settings.lease.election_timeout,
            });
        }
    }

    /// Campaigns when `alarm` goes off, plus the jitter, unless a leader is heard before.
    pub(super) fn await_leader(&mut self, alarm: Alarm) {
        self.timers.set(Timer::Election, alarm.later_by(self.election_jitter));
    }

    pub(super) fn redraw_jitter(&mut self, cx: &mut Context<'_>) {
        self.election_jitter = cx.jitter.jitter(self.settings.election_jitter);
    }
}
