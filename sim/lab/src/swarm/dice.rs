//! Random numbers for drawing setups: ChaCha8, one stream an aspect, none of them a stream of the run itself.
//!
//! One more draw for the network moves nothing in the workload, and nothing in the run.

use leasehold::time::Span;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What is being drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Aspect {
    /// Cluster, lease, timers and nodes.
    Cluster,
    /// Clocks, and how near to the bound they come.
    Clocks,
    /// Delays and losses.
    Network,
    /// Clients.
    Workload,
    /// Faults.
    Faults,
    /// What kind of disks, and what goes wrong with them.
    Disks,
    /// How long logs may become.
    Log,
    /// Whether members change.
    Members,
    /// How.
    MemberChanges,
    /// What no motif makes.
    Together,
    /// Whether every fault ends, and what else is asked of a cluster that must come back.
    Comeback,
}

/// The dice of one aspect of one seed.
#[derive(Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// The streams of a run are numbered from 0 up ([`leasehold_world::Choices`]), these from the top down.
    pub(super) fn new(seed: u64, aspect: Aspect) -> Dice {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(u64::MAX - aspect as u64);
        Dice(random)
    }

    /// A whole number from `least` to `most`, all equally likely (up to a bias below `most / 2^64`).
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        assert!(least <= most, "nothing lies between {least} and {most}");
        let product = u128::from(self.0.next_u64()) * (u128::from(most - least) + 1);
        least + u64::try_from(product >> 64).expect("the high half of 128 bits")
    }

    /// From `-most` to `most`.
    pub(super) fn signed(&mut self, most: u64) -> i64 {
        let magnitude = i64::try_from(self.between(0, most)).expect("bounds are below 292 years");
        if self.chance(50) { magnitude } else { -magnitude }
    }

    /// `true` in so many cases of a hundred.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.between(0, 99) < percent
    }

    /// A place in a list of so many.
    pub(super) fn place(&mut self, count: usize) -> usize {
        usize::try_from(self.between(0, count as u64 - 1)).expect("below a count of things in memory")
    }

    /// One of these.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.place(from.len())]
    }

    /// One of these, each as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, from: &[(u64, T)]) -> T {
        let all = from.iter().map(|(weight, _)| weight).sum::<u64>();
        let mut left = self.between(0, all - 1);
        for (weight, value) in from {
            if left < *weight {
                return *value;
            }
            left -= weight;
        }
        unreachable!("the numbers drawn are below the sum of the weights")
    }

    /// A length of time between two.
    pub(super) fn span(&mut self, least: Span, most: Span) -> Span {
        Span::nanos(self.between(least.as_nanos(), most.as_nanos().max(least.as_nanos())))
    }

    /// Between `least` and `most` thousandths of a length of time.
    pub(super) fn share(&mut self, of: Span, least: u64, most: u64) -> Span {
        let part = |permille: u64| Span::nanos(of.div(1_000).as_nanos().saturating_mul(permille));
        self.span(part(least), part(most))
    }
}
