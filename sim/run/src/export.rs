//! A run in formats that other people's tools read.
//!
//! * [`perfetto`]: a trace for the Perfetto viewer, protobuf `TrackEvent`s;
//! * [`shiviz`]: a log with vector clocks for ShiViz.
//!
//! JSON lines are in [`crate::trace`], histories for checkers in [`crate::history`].
//!
//! **Architecture Invariant:** an exporter is a reader of the event stream. It changes nothing in the run, so the trace
//! hash is the same with and without it.

pub mod perfetto;
pub mod shiviz;

use std::sync::Arc;

use crate::run::{Outcome, run};
use crate::setup::Setup;
use crate::watch::{LeadershipChange, LeaseOver};

/// The instant at which a run has shown what it is about, in true time, ns: the answer to its first stale read reaches
/// its client; without a stale read, the change of leadership with the smallest margin is over; without one, the end.
pub fn decisive(setup: &Arc<Setup>) -> u64 {
    decisive_of(setup, &run(setup))
}

fn decisive_of(setup: &Setup, outcome: &Outcome) -> u64 {
    let end = setup.duration.as_nanos();
    if let Some(stale) = outcome.check.stale_reads.first() {
        let read = &outcome.history[outcome.history_index(stale.read)];
        return read.completed.map_or(end, |(at, _)| at);
    }
    let over = |change: &LeadershipChange| match change.lease_over {
        Some(LeaseOver::At(at)) => Some(at.max(change.ready_at).min(end)),
        Some(LeaseOver::Never) => Some(end),
        None => None,
    };
    let closest = outcome.changes.iter().filter(|change| change.margin().is_some());
    closest.min_by_key(|change| change.margin()).and_then(over).unwrap_or(end)
}
