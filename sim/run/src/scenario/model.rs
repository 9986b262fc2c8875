//! What a scenario says beyond the run itself. The run is a [`Setup`]: every default filled in, every name resolved,
//! every check passed.

use leasehold::time::Span;

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
    /// What else is expected of each row.
    pub required: Requirements,
    /// The bug that it shows.
    pub exhibit: Option<Exhibit>,
}

/// A bug that a scenario of the gallery shows. All texts are of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exhibit {
    /// Where it was found, or what it is a pattern of.
    pub system: String,
    /// When it was reported or mended.
    pub year: u64,
    /// `reported`, `proposed` or `pattern`.
    pub evidence: &'static str,
    /// A public page about it.
    pub url: Option<String>,
    /// The bug in one line.
    pub mechanism: String,
    /// A clock must be wrong.
    pub clock_fault: bool,
    /// What was believed.
    pub believed: String,
    /// What happened, and why.
    pub happened: String,
    /// What the run does not show, or shows otherwise than the sources say.
    pub note: Option<String>,
    /// A user's question that the scenario answers.
    pub question: Option<String>,
    /// Where it was asked.
    pub question_url: Option<String>,
}

/// What is expected of every run beside the stale reads. `None`: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requirements {
    /// Theory and the run must agree that no read can be stale.
    pub safe: bool,
    /// The smallest margin of a change of leadership.
    pub margin_at_least: Option<Span>,
    /// When the old lease is over, at the smallest margin.
    pub lease_over_at: Option<Span>,
    /// When the new leader can first acknowledge a write, at the smallest margin.
    pub leader_ready_at: Option<Span>,
    /// The longest time without a leader that can serve.
    pub leader_within: Option<Span>,
    /// The least share of requests with an answer, in parts per million.
    pub answered_at_least: Option<u32>,
    /// The longest time in which reads wait and none is answered.
    pub read_gap_at_most: Option<Span>,
    /// The same of writes and compare-and-sets.
    pub write_gap_at_most: Option<Span>,
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
