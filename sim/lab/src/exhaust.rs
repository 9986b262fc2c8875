//! Bounded exhaustive search: every fate of the first decisions after the old leader is cut off.
//!
//! The adversary of [`crate::adversary`] plays one schedule, built by hand. Here all schedules of a small case are played:
//! each of the first decisions from the *cut* on takes every option that [`Choices::enumerate`] knows. If one of them does more
//! harm than the adversary's, the adversary is too dumb, and that is a bug of ours.
//!
//! The search is depth-first: a run in progress is cloned where its next decision is taken, once for each option. It
//! merges nothing and prunes nothing.
//!
//! **Architecture Invariant:** what is found does not depend on the number of threads.

mod cut;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::contradiction::forbidden;
use crate::threshold::most_harm;
use leasehold_check as check;
use leasehold_run::attack::{Attack, least, most};
use leasehold_run::rules;
use leasehold_run::run::{Outcome, Running};
use leasehold_run::setup::{Delay, Setup};
use leasehold_run::watch::LeadershipChange;
use leasehold_world::Choices;

pub use cut::{Cut, find_cut};
pub use words::{Told, tell};

/// The most schedules that are searched.
pub const SCHEDULES_MAX: u128 = 1_000_000_000;

/// Branches of the first so many questions are searched side by side. A constant: it decides nothing but speed.
const SIDE_BY_SIDE: usize = 5;

/// What is to be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// Decisions from this true time on are enumerated, ns.
    pub from: u64,
    /// So many of them.
    pub choices: usize,
    /// May any message be lost, or only those that the setup may lose by chance?
    pub lossy: bool,
}

/// A schedule and what it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The option taken at each question.
    pub options: Vec<u8>,
    /// The smallest margin of the leadership changes after the cut, ns; `None` without one.
    pub margin: Option<i64>,
    /// Stale reads.
    pub stale: usize,
}

/// What all schedules showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Schedules that were run.
    pub schedules: u64,
    /// Those with a stale read.
    pub stale: u64,
    /// Those with a negative margin.
    pub negative: u64,
    /// Those in which nobody took over from a leader with a lease.
    pub without_change: u64,
    /// Those on which the checker gave up.
    pub undecided: u64,
    /// Those in which an invariant did not hold.
    pub broken: u64,
    /// The one with the smallest margin; of several the first.
    pub worst: Option<Found>,
    /// The first one with a stale read.
    pub first_stale: Option<Found>,
    /// The search was stopped.
    pub interrupted: bool,
}

/// What the adversary makes of the same setup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adversary {
    /// Its best run.
    Plays {
        /// The margin, ns.
        margin: i64,
        /// Stale reads.
        stale: usize,
    },
    /// It gets nobody elected inside a lease.
    Fails,
    /// It does not know how to attack the setup.
    NotKnown(&'static str),
}

/// What the adversary makes of a setup.
pub fn adversary(setup: &Setup) -> Adversary {
    if !Attack::rules_covered(setup) {
        return Adversary::NotKnown("it was not made for these rules");
    }
    match most_harm(setup) {
        Ok(Some(harm)) => Adversary::Plays { margin: harm.margin, stale: harm.stale },
        Ok(None) => Adversary::Fails,
        Err(why) => Adversary::NotKnown(why),
    }
}

impl Summary {
    /// Has some schedule done more harm than the adversary's?
    pub fn beats(&self, adversary: &Adversary) -> bool {
        let margin = self.worst.as_ref().and_then(|worst| worst.margin);
        match *adversary {
            Adversary::NotKnown(_) => false,
            Adversary::Fails => self.stale > 0 || margin.is_some_and(|margin| margin < 0),
            Adversary::Plays { margin: played, stale } => {
                margin.is_some_and(|margin| margin < played) || (self.stale > 0 && stale == 0)
            }
        }
    }

    /// Has some schedule a stale read that theory says cannot be? Why theory says so.
    pub fn beats_theory(&self, setup: &Setup) -> Option<&'static str> {
        if self.stale > 0 { forbidden(setup) } else { None }
    }

    fn of(options: Vec<u8>, outcome: &Outcome, from: u64) -> Summary {
        let found = Found { options, margin: margin(outcome, from), stale: outcome.check.stale_reads.len() };
        Summary {
            schedules: 1,
            stale: u64::from(found.stale > 0),
            negative: u64::from(found.margin.is_some_and(|margin| margin < 0)),
            without_change: u64::from(found.margin.is_none()),
            undecided: u64::from(matches!(outcome.check.outcome, check::Outcome::Undecided)),
            broken: u64::from(!outcome.broken.is_empty()),
            first_stale: (found.stale > 0).then(|| found.clone()),
            worst: found.margin.is_some().then_some(found),
            interrupted: false,
        }
    }

    /// Adds what later schedules showed.
    fn then(mut self, later: Summary) -> Summary {
        self.schedules += later.schedules;
        self.stale += later.stale;
        self.negative += later.negative;
        self.without_change += later.without_change;
        self.undecided += later.undecided;
        self.broken += later.broken;
        self.interrupted |= later.interrupted;
        self.first_stale = self.first_stale.or(later.first_stale);
        let margin = |found: &Found| found.margin;
        self.worst = match (self.worst, later.worst) {
            (Some(first), Some(second)) if margin(&second) < margin(&first) => Some(second),
            (first, second) => first.or(second),
        };
        self
    }
}

/// The smallest margin of the leadership changes from `from` on.
fn margin(outcome: &Outcome, from: u64) -> Option<i64> {
    let changes = outcome.changes.iter().filter(|change| change.ready_at >= from);
    changes.filter_map(LeadershipChange::margin).min()
}

/// The most schedules that a search can have; what one message or jitter can become, to the power of their number.
pub fn schedules_at_most(setup: &Setup, search: &Search) -> u128 {
    let network = &setup.network;
    let links = network.links.iter().map(|link| {
        let delay = link.delay.unwrap_or(network.delay);
        (
            delay,
            link.loss_ppm.unwrap_or(network.loss_ppm),
            link.duplicate_ppm.unwrap_or(network.duplicate_ppm),
        )
    });
    let usual = (network.delay, network.loss_ppm, network.duplicate_ppm);
    let fates = links.chain([usual]).map(|(delay, loss, duplicate)| {
        let delays = lengths(delay);
        let copies = if duplicate > 0 { delays * (1 + delays) } else { delays };
        copies + u128::from(search.lossy || loss > 0)
    });
    let jitters = setup.nodes.iter().map(|node| {
        lengths(Delay::Uniform { least: leasehold::time::Span::ZERO, most: node.election_jitter })
    });
    let most = fates.chain(jitters).max().unwrap_or(1);
    most.saturating_pow(u32::try_from(search.choices).unwrap_or(u32::MAX))
}

/// How many options a length has.
fn lengths(delay: Delay) -> u128 {
    u128::from((most(delay) - least(delay)).min(2)) + 1
}

/// Runs all schedules. `progress` is told of each as it is done, in any order: of which part of the search it is, in
/// parts of [`WHOLE`], rounded down.
pub fn exhaust(
    setup: &Arc<Setup>,
    search: &Search,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Summary {
    Hunt { search: *search, stop, progress }.branch(&start(setup, search), &[], WHOLE)
}

/// All of a search, for its progress.
pub const WHOLE: u64 = 1 << 40;

/// A run that stands before the first event at or after the cut.
fn start(setup: &Arc<Setup>, search: &Search) -> Running {
    let mut running = Running::new(setup, Choices::seeded(setup.seed));
    running.begin();
    while running.world().next_at().is_some_and(|at| at < search.from) && running.step() {}
    running.choices_mut().enumerate(search.choices, search.lossy);
    running
}

/// A search under way.
struct Hunt<'a> {
    search: Search,
    stop: &'a AtomicBool,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Hunt<'_> {
    /// All schedules that begin with `script`, of which `base` may have answered a part.
    fn branch(&self, base: &Running, script: &[u8], part: u64) -> Summary {
        if self.stop.load(Ordering::Relaxed) {
            return Summary { interrupted: true, ..Summary::default() };
        }
        let mut run = base.clone();
        run.choices_mut().set_script(script);
        let mut steps = 0_u64;
        let next = loop {
            if let Some(next) = run.world().choices().taken().get(script.len()) {
                break next.of;
            }
            if !run.step() {
                let options = script.to_vec();
                let summary = Summary::of(options, &run.finish(), self.search.from);
                (self.progress)(part);
                return summary;
            }
            steps += 1;
        };
        // Before the step in which the next question was asked, for all its answers.
        let mut base = base.clone();
        base.choices_mut().set_script(script);
        for _ in 1..steps {
            base.step();
        }
        let part = part / u64::from(next);
        let answer = |option: u8| self.branch(&base, &[script, &[option]].concat(), part);
        let answers: Vec<Summary> = match script.len() < SIDE_BY_SIDE {
            true => (0..next).into_par_iter().map(answer).collect(),
            false => (0..next).map(answer).collect(),
        };
        answers.into_iter().fold(Summary::default(), Summary::then)
    }
}

/// Is this a setup in which an invariant that does not hold is a bug of ours?
pub fn invariants_must_hold(setup: &Setup) -> bool {
    setup.rules == rules::SOUND
}

#[cfg(test)]
mod tests;
