//! How probable a stale read is, by importance splitting: where plain seeds see nothing, worlds are cloned on their way.
//!
//! Adaptive multilevel splitting. `N` runs with seeds of their own, the *particles*, are run to their ends; each is as good
//! as the best score on its way. Then, again and again, the worst of them are given up; each is replaced by a clone of
//! a surviving run, taken at the first step at which that one was better than all that were given up, and run to its end
//! with new randomness. Every time, the weight of the whole is multiplied by the share that survived. In the end
//!
//! > estimate = weight * share of particles with the event.
//!
//! Its expectation is the probability, whatever the score and however many are given up at a time (Bréhier, Gazeau,
//! Goudenège, Lelièvre, Rousset: Unbiasedness of some generalized adaptive multilevel splitting algorithms, 2016): the
//! score decides about the variance only. Replications are independent, and so their spread gives the interval.
//!
//! **Architecture Invariant:** an estimate is a pure function of the setup and of what was asked, on any number of threads.

mod levels;
mod replication;
mod splitting;
mod statistics;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::swarm::interval;
use leasehold_run::run::Running;
use leasehold_run::setup::Setup;
use leasehold_world::Choices;

pub use levels::LEVELS;
pub use replication::Replication;
pub use statistics::{Mean, mean};

/// The probability of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rare {
    /// A client reads an overwritten value.
    StaleRead,
    /// A new leader can acknowledge writes while the old lease runs.
    NegativeMargin,
}

impl Rare {
    /// Has it happened in a run that is over?
    fn happened(self, run: Running) -> bool {
        match self {
            Rare::StaleRead => !run.finish().check.stale_reads.is_empty(),
            Rare::NegativeMargin => {
                let mut margins = run.finish_changes().into_iter().filter_map(|change| change.margin());
                margins.any(|margin| margin < 0)
            }
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The probability of what.
    pub rare: Rare,
    /// Runs that a replication keeps side by side; at least 2.
    pub particles: u32,
    /// Independent replications; at least 2.
    pub replications: u32,
}

/// What splitting found.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Replications that were done.
    pub replications: usize,
    /// Those of them in which the event was seen.
    pub seen_in: usize,
    /// The probability, and its interval. With no event seen: 0, and an upper bound that rests on the particles alone.
    pub probability: Mean,
    /// How probable it is to come as far as each of [`LEVELS`], or farther.
    pub levels: Vec<f64>,
    /// Runs, clones included.
    pub runs: u64,
    /// Events in them.
    pub events: u64,
    /// It was stopped.
    pub interrupted: bool,
}

/// Estimates a probability. `progress` is told of each replication as it is done.
pub fn estimate(
    setup: &Arc<Setup>,
    asked: &Asked,
    stop: &AtomicBool,
    progress: &(dyn Fn() + Sync),
) -> Estimate {
    let done = replications(setup, asked, 0..asked.replications, stop, progress);
    conclude(asked, &done)
}

/// Runs some of the replications that are asked for, in the order of their numbers. Those that were stopped are not there.
pub fn replications(
    setup: &Arc<Setup>,
    asked: &Asked,
    numbers: Range<u32>,
    stop: &AtomicBool,
    progress: &(dyn Fn() + Sync),
) -> Vec<Replication> {
    let replicate = |number| {
        let found = splitting::replicate(setup, asked, number, stop);
        progress();
        found
    };
    numbers.into_par_iter().filter_map(replicate).collect()
}

/// What replications come to, in the order of their numbers: sums of floating-point numbers depend on it.
pub fn conclude(asked: &Asked, done: &[Replication]) -> Estimate {
    let interrupted = done.len() < asked.replications as usize;
    let estimates: Vec<f64> = done.iter().map(|one| one.probability).collect();
    let level = |level: usize| mean(&done.iter().map(|one| one.levels[level]).collect::<Vec<_>>()).value;
    let seen_in = estimates.iter().filter(|estimate| **estimate > 0.0).count();
    let mut probability = mean(&estimates);
    if seen_in == 0 {
        // Of what splitting does, only its first runs bound from above what was never seen.
        probability.high = interval(0, u64::from(asked.particles) * done.len() as u64).1;
    }
    Estimate {
        replications: done.len(),
        seen_in,
        probability,
        levels: (0..LEVELS.len()).map(level).collect(),
        runs: done.iter().map(|one| one.runs).sum(),
        events: done.iter().map(|one| one.events).sum(),
        interrupted,
    }
}

/// What plain seeds see: the setup's own and those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Plain {
    /// Seeds that were run.
    pub seeds: u64,
    /// Those with the event.
    pub seen: u64,
    /// Events in them.
    pub events: u64,
}

impl Plain {
    /// Both together.
    pub fn and(self, other: Plain) -> Plain {
        Plain {
            seeds: self.seeds + other.seeds,
            seen: self.seen + other.seen,
            events: self.events + other.events,
        }
    }
}

/// The first of these plain seeds that sees the event: the setup's own and those after it, counted from 0.
pub fn first_seen(setup: &Setup, rare: Rare, seeds: Range<u64>, stop: &AtomicBool) -> Option<u64> {
    let sees = |place: &u64| plain(setup, rare, *place..place + 1, stop).seen > 0;
    let seen = seeds.into_par_iter().find_first(sees);
    seen.map(|place| setup.seed.wrapping_add(place))
}

/// Runs plain seeds: the setup's own and those after it, counted from 0.
pub fn plain(setup: &Setup, rare: Rare, seeds: Range<u64>, stop: &AtomicBool) -> Plain {
    let setup = &Arc::new(setup.clone());
    let one = |seed| {
        if stop.load(Ordering::Relaxed) {
            return Plain::default();
        }
        let mut run = Running::new(setup, Choices::seeded(setup.seed.wrapping_add(seed)));
        run.begin();
        while run.step() {}
        let events = run.world().events();
        Plain { seeds: 1, seen: u64::from(rare.happened(run)), events }
    };
    seeds.into_par_iter().map(one).reduce(Plain::default, Plain::and)
}

#[cfg(test)]
mod tests;
