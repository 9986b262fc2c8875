//! A machine's clocks as they were, and as they would have been had they done less wrong.

use leasehold::time::{Alarm, Reading, Span};

use super::Part;
use crate::setup::{ClockSpec, FaultSpec};
use leasehold_world::{ClockChange, VirtualClock};

/// An instant on a machine: true time, and how many changes its clocks had seen. (A change may happen at the very instant of
/// an event, before or after it.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) at: u64,
    changes: usize,
}

/// How much of what clocks do wrong is counted in: so many of [`Part::CLOCKS`], from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(pub(crate) usize);

impl Level {
    /// Perfect clocks.
    pub(crate) const PERFECT: Level = Level(0);
    /// Clocks as they were.
    pub(crate) const ALL: Level = Level(Part::CLOCKS.len());

    fn has(self, part: Part) -> bool {
        Part::CLOCKS[..self.0].contains(&part)
    }
}

/// A machine's clocks with everything that happened to them.
#[derive(Debug, Clone)]
pub(crate) struct ClockLog {
    spec: ClockSpec,
    changes: Vec<(u64, ClockChange)>,
}

impl ClockLog {
    pub(crate) fn new(spec: &ClockSpec) -> ClockLog {
        ClockLog { spec: *spec, changes: Vec::new() }
    }

    /// A fault that changes clocks happens, or is undone: whose, and how.
    pub(crate) fn note(logs: &mut [ClockLog], at: u64, fault: &FaultSpec, undone: bool) {
        let usual = |node: usize| logs[node].spec.rate_ppb;
        let Some((node, change)) = fault.action.clock_change(undone, usual) else { return };
        logs[node].changes.push((at, change));
    }

    /// This instant on this machine.
    pub(crate) fn mark(&self, at: u64) -> Mark {
        Mark { at, changes: self.changes.len() }
    }

    /// The same clocks without what happened to them after true time `at`.
    pub(crate) fn until(&self, at: u64) -> ClockLog {
        let changes = self.changes.iter().copied().filter(|(when, _)| *when <= at).collect();
        ClockLog { spec: self.spec, changes }
    }

    /// The clocks at the beginning, of that level.
    fn initial(&self, level: Level) -> VirtualClock {
        let mut spec = self.spec;
        if !level.has(Part::DeclaredError) {
            spec.wall_error = Span::ZERO;
        }
        if !level.has(Part::Offset) {
            spec.offset_ns = 0;
        }
        if !level.has(Part::Drift) {
            (spec.rate_ppb, spec.slew_ppb) = (0, 0);
        }
        if !level.has(Part::Unsynchronized) {
            spec.synchronized = true;
        }
        VirtualClock::new(&spec)
    }

    fn change(clock: &mut VirtualClock, level: Level, at: u64, change: ClockChange) {
        let part = match change {
            ClockChange::Rate(_) => Part::Drift,
            ClockChange::Step(_) | ClockChange::Jump { .. } => Part::Step,
            ClockChange::Suspended(_) => Part::Suspend,
            ClockChange::Frozen(_) => Part::HypervisorPause,
            ClockChange::Synchronized(_) => Part::Unsynchronized,
        };
        if level.has(part) {
            clock.change(at, change);
        }
    }

    fn at(&self, level: Level, mark: Mark) -> VirtualClock {
        let mut clock = self.initial(level);
        for (at, change) in &self.changes[..mark.changes.min(self.changes.len())] {
            ClockLog::change(&mut clock, level, *at, *change);
        }
        clock
    }

    /// What the clocks of that level read at that instant.
    pub(crate) fn read(&self, level: Level, mark: Mark) -> Reading {
        self.at(level, mark).read(mark.at)
    }

    /// The clocks from that instant on, stretch by stretch: each with its first instant and that of the next change.
    fn stretches(&self, level: Level, from: Mark) -> impl Iterator<Item = (VirtualClock, u64, Option<u64>)> {
        let later = &self.changes[from.changes.min(self.changes.len())..];
        let mut clock = self.at(level, from);
        (0..=later.len()).map(move |place| {
            let since = match place.checked_sub(1).map(|before| later[before]) {
                Some((at, change)) => {
                    ClockLog::change(&mut clock, level, at, change);
                    at
                }
                None => from.at,
            };
            (clock, since, later.get(place).map(|(at, _)| *at))
        })
    }

    /// The first true time from that instant on at which the alarm is reached; `None` if it never is.
    pub(crate) fn first(&self, level: Level, alarm: &Alarm, from: Mark) -> Option<u64> {
        let within = |(clock, since, next): (VirtualClock, u64, Option<u64>)| {
            clock.first_at(alarm, since).filter(|at| next.is_none_or(|next| *at <= next))
        };
        self.stretches(level, from).find_map(within)
    }

    /// The true time from which on a lease with that end is over for good: a clock that is set back may bring it back to
    /// life. `None` if it never is.
    pub(crate) fn over(&self, level: Level, end: &Alarm, from: Mark) -> Option<u64> {
        let mut over: Option<u64> = None;
        for (clock, since, next) in self.stretches(level, from) {
            let reached = clock.first_at(end, since).filter(|at| next.is_none_or(|next| *at <= next));
            over = reached.map(|at| match over {
                Some(before) if at <= since => before.min(at),
                _ => at,
            });
        }
        over
    }
}
