//! Who took the slack: the margin of a change of leadership, split into exact parts that add up to the nanosecond.
//!
//! The *slack* of a change is `T - (D - s)`, what the settings promise with perfect clocks and messages that take no time.
//! `margin = slack + parts`. The parts follow the causes in order: the round that the last sound lease rests on, sent at
//! `S`; the *voter*, who accepted it and voted for the next leader; the end `L` of that lease; the end `P` of the voter's
//! promise; the vote at `V`.
//!
//! * Clocks: `P - L`, computed by the virtual clocks' own arithmetic, first for perfect clocks and then with one kind of
//!   fault after another put back, in the order of [`Part::CLOCKS`]. What each changes is its part.
//! * Messages and waits: from `S + T` to the end of the promise under perfect clocks, from `P` to `V`, from `V` to the first
//!   instant at which the new leader can acknowledge a write. They usually give.
//! * A promise that a restart replaced, one that a hand-over waived, a lease that was not used to its end.
//! * Rules: what the rules in force gave beyond the sound ones: a lease that ran longer than the sound one on the same
//!   messages, a vote before the sound promise was over.
//!
//! `docs/guide/reports.md` defines each. **Architecture Invariant:** a watcher; it changes no run and no trace hash.

mod chain;
pub(crate) mod clocks;
mod sound;

use leasehold::raft::Note;
use std::sync::Arc;

use leasehold::node::Message;

use crate::host::LeaseNode;
use crate::rules;
use crate::setup::{Action, Order, Setup};
use crate::watch::{LeadershipChange, Margins};
use chain::Chain;
use leasehold_world::{Event, Reader, World};
use sound::Sound;

/// What may take from the slack of a change of leadership, or add to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The error that machines declare for their wall clocks (deadline form).
    DeclaredError,
    /// Clocks that were set wrong at the start (deadline form).
    Offset,
    /// Rates that are not 1, at the start or by a fault.
    Drift,
    /// A wall clock that was set while the cluster ran (deadline form).
    Step,
    /// A machine that did not vouch for its wall clock (deadline form).
    Unsynchronized,
    /// A suspend that a clock did not count.
    Suspend,
    /// A hypervisor pause, which no clock of the machine counts.
    HypervisorPause,
    /// The lease was not used to its end: its holder gave it up, crashed or stood still.
    EndedEarly,
    /// The leader handed over: it gave its lease up and waived the promises.
    HandOver,
    /// The voter restarted, and another promise than the one it had given bound it.
    Restart,
    /// Messages under way, disks, jitter, and waiting.
    Messages,
    /// The rules in force gave more than the sound ones.
    Rule,
}

impl Part {
    /// All of them, in the order of reports.
    pub const ALL: [Part; 12] = [
        Part::DeclaredError,
        Part::Offset,
        Part::Drift,
        Part::Step,
        Part::Unsynchronized,
        Part::Suspend,
        Part::HypervisorPause,
        Part::EndedEarly,
        Part::HandOver,
        Part::Restart,
        Part::Messages,
        Part::Rule,
    ];

    /// What clocks do wrong, in the order in which it is put back.
    pub const CLOCKS: [Part; 7] = [
        Part::DeclaredError,
        Part::Offset,
        Part::Drift,
        Part::Step,
        Part::Unsynchronized,
        Part::Suspend,
        Part::HypervisorPause,
    ];

    /// The word for it in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Part::DeclaredError => "declared error",
            Part::Offset => "offset",
            Part::Drift => "drift",
            Part::Step => "step",
            Part::Unsynchronized => "unsynchronized",
            Part::Suspend => "suspend",
            Part::HypervisorPause => "hypervisor pause",
            Part::EndedEarly => "lease ended early",
            Part::HandOver => "hand-over",
            Part::Restart => "restart",
            Part::Messages => "messages and waits",
            Part::Rule => "rule",
        }
    }

    /// The key for it in machines' reports.
    pub fn key(self) -> String {
        format!("{}_ns", self.word().replace([' ', '-'], "_"))
    }
}

/// A margin, split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blame {
    /// What there was to begin with, ns; negative where a lease is set longer than a promise.
    pub slack_ns: i64,
    /// What each added to it (positive) or took from it (negative), ns; those that are not zero, in the order of
    /// [`Part::ALL`]. Together with the slack they are the margin.
    pub parts: Vec<(Part, i64)>,
    /// The voter whose promise the new leader had to wait for; `None` where no voter was bound by the last lease.
    pub bond: Option<Bond>,
}

/// Who bound the new leader, and how long. True times, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bond {
    /// The voter, by its place.
    pub voter: usize,
    /// The round was sent that carries the old leader's last sound lease, or a newer one that the voter accepted.
    pub sent: u64,
    /// The voter accepted that round.
    pub received: u64,
    /// The voter's promise was over by its own clocks. Below zero is not possible: the run begins at 0.
    pub promise_over: u64,
    /// It voted for the new leader.
    pub voted: u64,
}

impl Blame {
    /// What one part added (positive) or took (negative), ns.
    pub fn part(&self, part: Part) -> i64 {
        self.parts.iter().find(|(own, _)| *own == part).map_or(0, |(_, nanos)| *nanos)
    }

    /// Slack and parts together: the margin, ns.
    pub fn margin(&self) -> i64 {
        self.parts.iter().fold(self.slack_ns, |sum, (_, nanos)| sum.saturating_add(*nanos))
    }
}

/// Watches a run and splits its margins afterwards.
#[derive(Debug)]
pub struct Accountant {
    setup: Arc<Setup>,
    chain: Chain,
    /// What the leases would have been under the sound rules, on the same messages ...
    sound: Sound,
    /// ... and when they were over.
    margins: Option<Margins>,
    sound_changes: Vec<LeadershipChange>,
}

impl Accountant {
    /// For a run of this setup that is about to begin.
    pub fn new(setup: &Arc<Setup>) -> Accountant {
        Accountant {
            setup: setup.clone(),
            chain: Chain::new(setup),
            sound: Sound::new(setup),
            margins: Some(Margins::new(setup.nodes.len())),
            sound_changes: Vec::new(),
        }
    }

    /// The split of each change's margin, in the order of the changes; `None` where there is no margin, or no end to it, where
    /// the way from lease to vote is not known, or where the cluster changes its lengths during the run: there is no one
    /// slack to take from then. The parts explain all of a margin.
    pub fn split(&self, changes: &[LeadershipChange]) -> Vec<Option<Blame>> {
        // Nor where the wrong members are in force: which ones the sound rules would have had is another run.
        let other_members = self.setup.changes_members() && self.setup.rules == rules::TOO_EARLY;
        if other_members
            || self
                .setup
                .faults
                .iter()
                .any(|fault| matches!(fault.action, Action::Order(Order::Apply { .. })))
        {
            return vec![None; changes.len()];
        }
        let split = |change: &LeadershipChange| {
            let same = |sound: &&LeadershipChange| {
                (sound.old, sound.new, sound.new_term) == (change.old, change.new, change.new_term)
            };
            let sound = self.sound_changes.iter().find(same).and_then(|sound| sound.lease_over);
            chain::split(&self.setup, &self.chain, &self.sound, change, sound)
        };
        changes.iter().map(split).collect()
    }
}

impl Reader<LeaseNode> for Accountant {
    #[inline]
    fn read(&mut self, event: &Event<'_, Message, Note>, world: &World<LeaseNode>) {
        self.chain.observe(event, world);
        if let Some(margins) = &mut self.margins {
            self.sound.observe(event, world, &self.chain, margins);
        }
    }

    fn finished(&mut self, world: &World<LeaseNode>) {
        if let Some(margins) = self.margins.take() {
            self.sound_changes = margins.finish(world);
        }
    }
}
