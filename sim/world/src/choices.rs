//! The one place where chance enters.
//!
//! A decision is named by a [`Point`] (the delay of message 17 on the link from n1 to n2) and the values it may take by
//! a [`Draw`]. The seeded implementation makes a draw a pure function of (seed, point): taking one decision away moves no
//! other. Searches replay, enumerate or choose decisions through the same trait.

mod enumerated;
mod recorded;
mod seeded;

use leasehold::time::Span;

use crate::setup::Delay;

pub use enumerated::{Enumerated, Taken};
pub use recorded::{Decision, Recorded};
pub use seeded::Seeded;

/// Which decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// What is decided.
    pub purpose: Purpose,
    /// About whom: a node, a client, or the sender of a link.
    pub of: u16,
    /// The receiver of a link, else 0.
    pub to: u16,
    /// The how-many-eth decision of this kind there, from 0.
    pub index: u64,
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Purpose {
    /// How long a message takes.
    Delay,
    /// Whether a message is lost.
    Loss,
    /// Whether a message is duplicated.
    Duplicate,
    /// How long the duplicate takes.
    DuplicateDelay,
    /// The random part of an election timeout.
    Jitter,
    /// When a client asks next.
    ClientPace,
    /// What a client asks.
    ClientOperation,
    /// For which key.
    ClientKey,
    /// Whom a client asks.
    ClientTarget,
    /// How long a request takes to its node.
    RequestDelay,
    /// How long a reply takes to its client.
    ReplyDelay,
    /// What a crash leaves of what was not synced, and which bit of a file changes.
    Disk,
}

/// The values that a decision may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// A whole number from `least` to `most`, all equally likely.
    Uniform {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// 1 with this many chances in a million, else 0.
    Chance {
        /// Parts per million.
        ppm: u32,
    },
    /// Nanoseconds whose logarithm is normally distributed.
    LogNormal {
        /// Half are below.
        median: u64,
        /// Standard deviation of the logarithm, in millionths.
        sigma_ppm: u64,
        /// The largest.
        most: u64,
    },
}

/// Who decides.
pub trait Choices: Clone {
    /// One of the values that `draw` allows.
    fn choose(&mut self, point: Point, draw: Draw) -> u64;

    /// A length of time. A fixed one is no decision.
    fn delay(&mut self, point: Point, delay: Delay) -> Span {
        match delay {
            Delay::Fixed(span) => span,
            Delay::Uniform { least, most } if least >= most => least,
            Delay::Uniform { least, most } => Span::nanos(
                self.choose(point, Draw::Uniform { least: least.as_nanos(), most: most.as_nanos() }),
            ),
            Delay::LogNormal { median, sigma_ppm, most } => {
                let (median, most) = (median.as_nanos(), most.as_nanos());
                Span::nanos(self.choose(point, Draw::LogNormal { median, sigma_ppm, most }))
            }
        }
    }

    /// Does something happen that happens `ppm` times in a million? Never and always are no decisions.
    fn happens(&mut self, point: Point, ppm: u32) -> bool {
        ppm >= 1_000_000 || ppm > 0 && self.choose(point, Draw::Chance { ppm }) == 1
    }
}
