//! What a scenario says beyond the run itself. The run is a [`Setup`]: every default filled in, every name resolved,
//! every check passed.

use crate::setup::Setup;
pub(super) use crate::setup::{
    Action, ClientSpec, Cluster, Delay, DiskKind, FaultSpec, LinkSpec, Network, NodeSpec, OperationKind,
    Pace, StampSource, Target, Timers, Trigger, Unsynced,
};

/// One run and what it should show.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// One line.
    pub title: String,
    /// The comment that the file begins with, without its `#`.
    pub story: String,
    /// What to run.
    pub setup: Setup,
    /// What the scenario should show. Of a sweep: all its rows together.
    pub expect: Expectation,
}

/// What a scenario should show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// No stale read.
    None,
    /// At least one stale read.
    Some,
    /// Either will do.
    Any,
    /// In a sweep: rows with a value at or below this are clean, rows above it are stale.
    BeginAbove {
        /// As it is written in the file.
        value_text: String,
        /// In the unit of the sweep (nanoseconds, parts per billion, or a plain number).
        value: i128,
    },
}
