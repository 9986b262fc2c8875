//! Why a read was stale: what it missed, what its server's clocks and lease said, when in true time its lease should have
//! ended and the new leader could first commit; and the story of how it came to that, line by line.
//!
//! The run is played again, as it was, with somebody who takes notes: a run is a pure function of its setup.

mod causes;
mod notes;

use std::sync::Arc;

use self::notes::Notes;
use crate::run::{Outcome, run_watched};
use crate::setup::Setup;
use crate::watch::{LeadershipChange, LeaseOver};
use leasehold_check::{Evidence, StaleRead};
use leasehold_world::{Reply, Request};

/// Everything there is to say about one stale read.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The operation's number.
    pub read: usize,
    /// The key.
    pub key: u64,
    /// Who answered.
    pub server: usize,
    /// What it answered.
    pub returned: Option<u64>,
    /// The operation that it missed, by number.
    pub missed: usize,
    /// The value that was missed.
    pub missed_value: Option<u64>,
    /// Who had answered that operation.
    pub missed_server: usize,
    /// How it is known that the missed value was there.
    pub evidence: Evidence,
    /// True times, ns: when the missed value was known to somebody, when the read was invoked, when it was answered.
    pub known_at: u64,
    /// See `known_at`.
    pub invoked: u64,
    /// See `known_at`.
    pub answered: u64,
    /// How long the value had been overwritten when the read was invoked, ns.
    pub stale_by_ns: u64,
    /// The newest leader of all answered, and its log had not got the missed write: it was acknowledged, and is lost.
    pub lost: bool,
    /// What the server believed when it answered.
    pub lease: Option<LeaseFacts>,
    /// The change of leadership that the read fell into.
    pub change: Option<LeadershipChange>,
    /// What is to blame, in sentences.
    pub why: Vec<String>,
    /// The same, without the figures: one a sentence.
    pub causes: Vec<Cause>,
    /// How it came to that.
    pub story: Vec<Moment>,
}

/// What may be to blame, most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The nodes follow broken rules.
    BrokenRules,
    /// A disk had reported as safe what it lost.
    LyingDisk,
    /// The new leader's wall clock was further ahead than the lease bears.
    Skew,
    /// The new leader's clock runs fast.
    FastClock,
    /// The settings are not safe.
    UnsafeSettings,
    /// The old leader's clock has counted less than had passed.
    LostTime,
    /// Two nodes could serve at once.
    TwoLeaders,
}

/// A lease as its holder and as true time saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseFacts {
    /// True time from which it was counted, ns.
    pub start: u64,
    /// The end on the holder's clock, ns since that clock's base.
    pub end_on_clock: (u64, u64),
    /// What the holder's clock said when it answered.
    pub clock_at_answer: (u64, u64),
    /// True time at which it should have ended: the effective lease after its start, on a true clock, ns.
    pub should_end: u64,
}

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// True time, ns.
    pub at: u64,
    /// What each node's clock showed then.
    pub clocks: Vec<String>,
    /// What happened.
    pub what: String,
    /// What kind of thing that was.
    pub kind: MomentKind,
    /// The node that it happened to; `None` for what happened to a client, or to several nodes.
    pub node: Option<usize>,
    /// The operation, by number, where it happened to one.
    pub operation: Option<u64>,
    /// Lines of less weight go first when there are too many.
    pub(crate) weight: u8,
    /// Orders what happened at the same instant.
    order: u64,
}

/// What kind of thing a moment of a story is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MomentKind {
    /// The lease is renewed that the story is about.
    LeaseRenewed,
    /// By true time that lease should have ended.
    LeaseShouldEnd,
    /// A lease is given up.
    LeaseGivenUp,
    /// A fault happens, or is undone.
    Fault,
    /// A node asks for votes or pre-votes.
    Campaign,
    /// A node votes.
    Vote,
    /// A node is elected.
    Elected,
    /// A new leader can acknowledge writes.
    Ready,
    /// A node follows a leader.
    Follows,
    /// A leader steps down.
    SteppedDown,
    /// A process ends, starts, or its disk does something.
    Process,
    /// Something else that a node tells.
    Other,
    /// The missed operation is asked.
    MissedAsked,
    /// A node answers it.
    MissedAnswered,
    /// Its client has the answer.
    MissedKnown,
    /// The stale read is asked.
    ReadAsked,
    /// A node answers it.
    ReadAnswered,
    /// Its client has the answer.
    ReadKnown,
}

impl MomentKind {
    /// The word for it in reports for machines.
    pub const fn word(self) -> &'static str {
        match self {
            MomentKind::LeaseRenewed => "lease-renewed",
            MomentKind::LeaseShouldEnd => "lease-should-end",
            MomentKind::LeaseGivenUp => "lease-given-up",
            MomentKind::Fault => "fault",
            MomentKind::Campaign => "campaign",
            MomentKind::Vote => "vote",
            MomentKind::Elected => "elected",
            MomentKind::Ready => "ready",
            MomentKind::Follows => "follows",
            MomentKind::SteppedDown => "stepped-down",
            MomentKind::Process => "process",
            MomentKind::Other => "other",
            MomentKind::MissedAsked => "missed-asked",
            MomentKind::MissedAnswered => "missed-answered",
            MomentKind::MissedKnown => "missed-known",
            MomentKind::ReadAsked => "read-asked",
            MomentKind::ReadAnswered => "read-answered",
            MomentKind::ReadKnown => "read-known",
        }
    }
}

/// The most lines a story has.
pub const STORY_LINES_MAX: usize = 25;

/// How a change of leadership came about in which no read was stale: the old leader's last lease, and the story.
pub fn story_of(setup: &Arc<Setup>, change: &LeadershipChange) -> (Option<LeaseFacts>, Vec<Moment>) {
    let over = match change.lease_over {
        Some(LeaseOver::At(over)) => over,
        Some(LeaseOver::Never) | None => change.ready_at,
    };
    let mut notes = Notes::until(setup.clone(), change.ready_at.max(over));
    let _ = run_watched(setup, &mut notes);
    let (server, lease) = match change.old {
        Some((old, _)) => (old, notes.last_lease(old)),
        None => (change.new, None),
    };
    let from = lease.map_or(0, |lease| lease.start);
    (lease, notes.story(from, server, lease))
}

/// Explains a stale read of a run.
pub fn explain(setup: &Arc<Setup>, outcome: &Outcome, stale: &StaleRead) -> Explanation {
    let read = outcome.history_index(stale.read);
    let missed = outcome.history_index(stale.missed);
    let mut notes = Notes::new(setup.clone(), read, missed);
    let _ = run_watched(setup, &mut notes);

    let operation = &outcome.history[read];
    let missed_operation = &outcome.history[missed];
    let server = notes.server.unwrap_or(operation.node);
    let change = outcome
        .changes
        .iter()
        .filter(|change| {
            change.old.is_some_and(|(old, _)| old == server) && change.ready_at <= operation.invoked
        })
        .max_by_key(|change| change.ready_at)
        .copied();
    let mut explanation = Explanation {
        read,
        key: operation.request.key(),
        server,
        returned: match operation.completed {
            Some((_, Reply::Value { value, .. })) => value,
            _ => None,
        },
        missed,
        missed_value: match (missed_operation.request, missed_operation.completed) {
            (Request::Write { value, .. } | Request::Cas { to: value, .. }, _) => Some(value),
            (Request::Read { .. }, Some((_, Reply::Value { value, .. }))) => value,
            (Request::Read { .. }, _) => None,
        },
        missed_server: notes.missed_server.unwrap_or(missed_operation.node),
        evidence: stale.evidence,
        known_at: stale.known_at,
        invoked: operation.invoked,
        answered: operation.answered.unwrap_or(operation.invoked),
        stale_by_ns: stale.stale_by_ns,
        lost: stale.evidence == Evidence::Acknowledged && notes.lost,
        lease: notes.lease_at_answer,
        change,
        why: Vec::new(),
        causes: Vec::new(),
        story: Vec::new(),
    };
    (explanation.causes, explanation.why) = causes::find(setup, &notes, &explanation).into_iter().unzip();
    explanation.story = notes.into_story(&explanation);
    explanation
}
