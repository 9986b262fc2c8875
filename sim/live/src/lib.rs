//! Real processes in real time: the scenario's cluster as `leasehold` processes over pipes, with the scenario's own network,
//! faults, clients and checker.
//!
//! ```text
//! setup --> possible? --> hub: one thread, one poll --> children: processes, pipes, signals
//!                          |   ^                          |  messages, answers, orders (wire), notes (log)
//!                          v   |                          v
//!                         world::hosted, with mailboxes for processes: links, clients, faults, triggers
//!                          |
//!                          v
//!            history, timeline --> margins (the same reader as in the simulator) --> run::Outcome
//! ```
//!
//! True time is the machine's CLOCK_BOOTTIME, in nanoseconds since the cluster was up; all processes read the same clocks, so
//! what they note can be compared to the nanosecond. What a client is told is stamped after it was read from the pipe, and
//! what it asks before it is written: intervals are never too short, and a history that is not linearizable is a fact.
//!
//! **Architecture Invariant:** everything about a scenario is decided by the world that the simulator uses as well. Here is
//! only what carries it out.

#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nothing carries out what is decided"))]

mod latency;
mod mailbox;
mod margins;
mod notes;
mod orders;
mod phases;
mod possible;
pub mod report;
mod sheet;
mod watch;
mod wire;

#[cfg(target_os = "linux")]
mod children;
#[cfg(target_os = "linux")]
mod hub;
#[cfg(target_os = "linux")]
mod pipe;

use std::fmt;
use std::io;
use std::path::PathBuf;

use leasehold_run::run::Outcome;

pub use latency::{Kind, Latency, latencies};
pub use orders::{Members, Requests};
pub use phases::{Phase, Was};
pub use possible::impossible;
pub use sheet::live_sheet;

#[cfg(target_os = "linux")]
pub use hub::run;

/// Live runs need Linux: its clocks, signals and process groups.
///
/// # Errors
///
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn run(
    _setup: &leasehold_run::setup::Setup,
    _options: &Options,
    _stop: &std::sync::atomic::AtomicBool,
    _progress: &mut dyn FnMut(Progress),
) -> Result<(std::sync::Arc<leasehold_run::setup::Setup>, Found), Problem> {
    Err(Problem::io("live runs need Linux", io::Error::from(io::ErrorKind::Unsupported)))
}

/// What a live run needs beside its setup.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `leasehold` binary.
    pub node: PathBuf,
    /// Each node keeps its state in a folder of its own below this one.
    pub directory: PathBuf,
}

/// What happens while a live run goes on, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// True time, ns.
    pub at: u64,
    /// Operations that were invoked.
    pub operations: u64,
    /// Faults that have happened.
    pub faults: u64,
    /// The node that was elected last, and its term.
    pub leader: Option<(usize, u64)>,
}

/// What a live run found.
#[derive(Debug, Clone)]
pub struct Found {
    /// As of any run.
    pub outcome: Outcome,
    /// Faults that happened, by the word for what they do.
    pub faults: Vec<(&'static str, u64)>,
    /// What became of the requests that faults made of leaders.
    pub requests: Vec<Requests>,
    /// The members that the last change of them says.
    pub members: Option<Members>,
    /// Who led, had a lease, was down or stood still, and when.
    pub phases: Vec<Phase>,
    /// How often a node had fallen behind the log and took a snapshot.
    pub snapshots: u64,
    /// What the reads at the end say.
    pub last_reads: LastReads,
    /// It was stopped before its time.
    pub interrupted: bool,
}

/// The reads at the end: after all faults are over and a majority has acknowledged one more write, every key is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastReads {
    /// Keys that were written or read during the run.
    pub keys: usize,
    /// Those whose last read was answered.
    pub answered: usize,
    /// Those whose last read misses an acknowledged write.
    pub lost: usize,
}

/// Why a live run could not go on.
#[derive(Debug)]
pub enum Problem {
    /// A process could not be started, or told, or listened to.
    Io {
        /// What was tried.
        what: String,
        /// What came of it.
        error: io::Error,
    },
    /// A node ended though nobody had killed it.
    Ended {
        /// Its name.
        node: String,
        /// How it ended.
        status: String,
        /// It had never answered an `init`: maybe it is no node, or another version's.
        began: bool,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// A node wrote what it must not.
    Nonsense {
        /// Its name.
        node: String,
        /// The line, and what is wrong with it.
        what: String,
    },
    /// A node did not answer its `init`.
    Silent {
        /// Its name.
        node: String,
    },
}

/// What to look at when a process does not even begin.
const IS_IT: &str = "is the node's binary the `leasehold` of this version? `cargo build --release` builds it, and --node names it";

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Io { what, error } => write!(f, "{what}: {error}"),
            Problem::Ended { node, status, began, log } => {
                write!(f, "{node} ended by itself: {status}")?;
                if !began {
                    write!(f, "; it had not answered its init yet: {IS_IT}")?;
                }
                if !log.is_empty() {
                    write!(f, "\n  the end of its log:\n    {}", log.join("\n    "))?;
                }
                Ok(())
            }
            Problem::Nonsense { node, what } => write!(f, "{node} wrote what it must not: {what}"),
            Problem::Silent { node } => write!(f, "{node} has not answered its init within 10 s: {IS_IT}"),
        }
    }
}

impl std::error::Error for Problem {}

impl Problem {
    fn io(what: impl Into<String>, error: impl Into<io::Error>) -> Problem {
        Problem::Io { what: what.into(), error: error.into() }
    }
}
