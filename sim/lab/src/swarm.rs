//! Swarm testing: every seed draws a setup of its own, runs it, and says in one row what it found.
//!
//! * [`draw`]: one seed into one [`Setup`], within the clock assumption or beyond it ([`Bound`]);
//! * [`Subject`]: such setups, or one scenario that every seed runs;
//! * [`run_seed`]: a seed's setup run and judged, as a [`Row`];
//! * [`explore`]: a range of seeds, on all cores, in the order of the seeds;
//! * [`Summary`]: what many rows come to, with findings grouped by cause;
//!
//! Within the bound and under the sound rules no seed may find anything. A seed that does has found the worst bug there
//! is: in the node, in the simulator, or in the proof of docs/clock-assumption.md.
//!
//! **Architecture Invariant:** a row is a pure function of (seed, subject). No time of day, no thread count, no other
//! seed has a part in it. Files and terminals are the command line's business.

mod bound;
mod comeback;
mod dice;
mod disks;
mod draw;
mod explore;
mod faults;
mod figures;
mod margins;
mod members;
mod row;
mod sheet;
mod subject;
mod summary;
mod text;
mod together;
mod workload;

pub use bound::{slack, within_bound};
pub use draw::draw;
pub use explore::{End, Limits, explore, run_seed, running};
pub use figures::{interval, rate_of};
pub use row::{Kind, Row};
pub use sheet::summary_sheet;
pub use subject::{Given, Subject, expect_word};
pub use summary::{Cause, Group, Summary};
pub use text::{Heading, summary_json, summary_text};

use leasehold_run::rules;
#[cfg(doc)]
use leasehold_run::setup::Setup;

/// What [`draw`] makes of a seed. A seed means the same for ever as long as this number stays.
pub const DRAW_VERSION: u32 = 6;

/// What setups are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// The lease rules, by name.
    pub rules: &'static str,
    /// Which clocks.
    pub bound: Bound,
}

/// Which clocks are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Those for which docs/clock-assumption.md proves that no lease read is stale.
    Within,
    /// Those for which it says that a lease may outlive its promises.
    Beyond,
}

impl Bound {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Bound::Within => "within",
            Bound::Beyond => "beyond",
        }
    }
}

impl Profile {
    /// Where the scenario of a seed is written when it is shown.
    pub fn seed_file(&self, seed: u64) -> String {
        format!("store/explore/seeds/{}-{}-{seed}.toml", self.rules, self.bound.word())
    }

    /// Must there be no finding at all?
    pub fn must_be_clean(&self) -> bool {
        self.rules == rules::SOUND && self.bound == Bound::Within
    }
}
