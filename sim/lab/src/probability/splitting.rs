//! One replication of adaptive multilevel splitting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::Asked;
use super::levels::{LEVELS, Score, Scorer};
use super::replication::Replication;
use leasehold_run::run::Running;
use leasehold_run::setup::Setup;
use leasehold_world::Choices;

/// One particle in so many is given up at a time, at least.
const GIVEN_UP: usize = 10;

/// A level is common, and its probability is noted, when so many of the particles have reached it.
const COMMON: f64 = 0.5;

/// Weights fall below what a number can hold before this.
const ROUNDS_MAX: usize = 6_000;

/// A run where it was better than ever before.
type State = (Running, Scorer);

/// A run to its end. Of its way only those states are kept that it may be cloned at.
struct Particle {
    best: Score,
    /// Ascending. The event itself is only known at the end, where nothing is left to be run.
    records: Vec<(Score, Option<Arc<State>>)>,
}

/// Runs one replication; `None` if it was stopped.
pub(super) fn replicate(
    setup: &Arc<Setup>,
    asked: &Asked,
    number: u32,
    stop: &AtomicBool,
) -> Option<Replication> {
    let mut replicator = Replicator {
        asked,
        number,
        random: randomness(setup.seed, number),
        stop,
        runs: 0,
        events: 0,
        particles: Vec::new(),
    };
    for _ in 0..asked.particles {
        let seed = replicator.random.next_u64();
        let mut running = Running::new(setup, Choices::seeded(seed));
        let mut scorer = Scorer::new(setup);
        running.begin_observed(&mut scorer);
        let particle = replicator.run(running, scorer)?;
        replicator.particles.push(particle);
    }
    replicator.split()
}

/// A replication's own randomness: a stream beside those of the run's decisions, which are numbered by purpose.
fn randomness(seed: u64, replication: u32) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::MAX - u64::from(replication));
    random
}

struct Replicator<'a> {
    asked: &'a Asked,
    number: u32,
    random: ChaCha8Rng,
    stop: &'a AtomicBool,
    runs: u64,
    events: u64,
    particles: Vec<Particle>,
}

impl Replicator<'_> {
    /// Runs to the end, and keeps the states at which the run became better than before.
    ///
    /// They are those *before* the step in which it did: that it would is known by then, and what the step draws, such as
    /// the delays of messages that it sends, is drawn anew by each clone. `base` follows one step behind the last of them.
    fn run(&mut self, mut running: Running, mut scorer: Scorer) -> Option<Particle> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let began = running.world().events();
        let mut base = (running.clone(), scorer.clone());
        let mut behind = 0_u64;
        let mut records = Vec::new();
        let mut best = scorer.best();
        while running.step_observed(&mut scorer) {
            behind += 1;
            if scorer.best() > best {
                best = scorer.best();
                for _ in 1..behind {
                    base.0.step_observed(&mut base.1);
                }
                behind = 1;
                records.push((best, Some(Arc::new(base.clone()))));
            }
        }
        self.runs += 1;
        self.events += running.world().events() - began;
        if self.asked.rare.happened(running) {
            best = Score::EVENT;
            records.push((best, None));
        }
        Some(Particle { best, records })
    }

    /// Gives the worst up and clones the others, until the event is common or nobody comes farther.
    #[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "probabilities")]
    fn split(mut self) -> Option<Replication> {
        let all = self.particles.len();
        let at_once = (all / GIVEN_UP).max(1);
        let mut weight = 1.0;
        let mut levels = [f64::NAN; LEVELS.len()];
        for _ in 0..ROUNDS_MAX {
            let mut scores: Vec<Score> = self.particles.iter().map(|particle| particle.best).collect();
            scores.sort_unstable();
            let worst = scores[at_once - 1];
            let survivors = self.particles.iter().filter(|particle| particle.best > worst).count();
            // Weight times share estimates every level without bias at whatever time it is taken by what is known then.
            for (level, reached) in levels.iter_mut().enumerate().filter(|(_, reached)| reached.is_nan()) {
                let share = self.share(level);
                if share >= COMMON {
                    *reached = weight * share;
                }
            }
            if worst == Score::EVENT || survivors == 0 {
                break;
            }
            weight *= survivors as f64 / all as f64;
            self.replace(worst)?;
        }
        for (level, reached) in levels.iter_mut().enumerate().filter(|(_, reached)| reached.is_nan()) {
            *reached = weight * self.share(level);
        }
        let probability = weight * self.share(Score::EVENT.level);
        Some(Replication { number: self.number, probability, levels, runs: self.runs, events: self.events })
    }

    /// The share of the particles that came as far as a level, or farther.
    #[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a share")]
    fn share(&self, level: usize) -> f64 {
        let there = self.particles.iter().filter(|particle| particle.best.level >= level);
        there.count() as f64 / self.particles.len() as f64
    }

    /// Each particle that was no better than `worst` makes room for a clone of one that was.
    fn replace(&mut self, worst: Score) -> Option<()> {
        let (given_up, survivors): (Vec<usize>, Vec<usize>) =
            (0..self.particles.len()).partition(|place| self.particles[*place].best <= worst);
        // Nobody is ever cloned at a state that is no better than what has been given up.
        for place in &survivors {
            self.particles[*place].records.retain(|(score, _)| *score > worst);
        }
        for place in given_up {
            let parent = survivors[below(&mut self.random, survivors.len())];
            let (score, state) = self.particles[parent].records[0].clone();
            let seed = self.random.next_u64();
            self.particles[place] = match state {
                None => Particle { best: score, records: vec![(score, None)] },
                Some(state) => {
                    let (mut running, scorer) = (*state).clone();
                    *running.choices_mut() = Choices::seeded(seed);
                    let clone = self.run(running, scorer)?;
                    debug_assert!(clone.records.first().is_some_and(|(first, _)| *first == score));
                    clone
                }
            };
        }
        Some(())
    }
}

/// A number below `end`, all equally likely but for less than `end / 2^64`.
fn below(random: &mut ChaCha8Rng, end: usize) -> usize {
    let product = u128::from(random.next_u64()) * end as u128;
    usize::try_from(product >> 64).expect("below a number of things in memory")
}
