//! The one place where chance enters.
//!
//! A decision is named by a [`Point`] (the delay of message 17 on the link from n1 to n2) and the values it may take by
//! a [`Draw`]. A seed makes a draw a pure function of (seed, point): taking one decision away moves no other. A search
//! enumerates decisions instead, or records them.
//!
//! [`Choices`] is one type and no trait, so that the world's loop is compiled once for every search.

mod schedule;
mod seeded;

use leasehold::time::Span;

use crate::setup::Delay;

use schedule::Schedule;
pub use schedule::Taken;
use seeded::Seeded;

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
    /// What a process draws by itself after a start.
    ProcessSeed,
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

/// A decision that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Which one.
    pub point: Point,
    /// What was possible.
    pub draw: Draw,
    /// What was chosen.
    pub value: u64,
}

/// Who decides: a seed. From [`Choices::enumerate`] on, one schedule out of all decides what becomes of messages and
/// elections.
///
/// Enumerated are the fates of messages (lost; least, middle or most delay; duplicated, where the setup duplicates) and the
/// jitter of elections (least, middle, most). A message and a jitter each count as one decision. Those beyond the limit are
/// kind: the least delay, the least jitter, nothing lost, nothing duplicated. What clients do still follows from the seed.
#[derive(Debug, Clone)]
pub struct Choices {
    seeded: Seeded,
    schedule: Option<Box<Schedule>>,
    record: Option<Vec<Decision>>,
}

impl Choices {
    /// Decisions that follow from `seed`.
    pub fn seeded(seed: u64) -> Choices {
        Choices { seeded: Seeded::new(seed), schedule: None, record: None }
    }

    /// The same, taken down: see [`Choices::decisions`].
    pub fn recorded(self) -> Choices {
        Choices { record: Some(Vec::new()), ..self }
    }

    /// What was decided so far, in the order in which it was asked; nothing if it is not taken down. A run that leaves
    /// nothing here has left nothing to chance.
    pub fn decisions(&self) -> &[Decision] {
        self.record.as_deref().unwrap_or(&[])
    }

    /// From now on the first `limit` decisions are enumerated. With `lossy` any message may be lost, else only those that
    /// the setup may lose by chance.
    pub fn enumerate(&mut self, limit: usize, lossy: bool) {
        self.schedule = Some(Box::new(Schedule::new(limit, lossy)));
    }

    /// Sets the answers to the first questions. Those that were already given must be among them.
    ///
    /// # Panics
    ///
    /// If nothing is enumerated.
    pub fn set_script(&mut self, script: &[u8]) {
        self.schedule.as_mut().expect("only an enumeration has a script").set_script(script);
    }

    /// The questions that were answered so far, in order.
    pub fn taken(&self) -> &[Taken] {
        self.schedule.as_ref().map_or(&[], |schedule| schedule.taken())
    }

    /// Has every answer of the script been given, to a question that had it?
    pub fn fits(&self) -> bool {
        self.schedule.as_ref().is_none_or(|schedule| schedule.fits())
    }

    /// One of the values that `draw` allows.
    #[inline]
    pub fn choose(&mut self, point: Point, draw: Draw) -> u64 {
        let value = match &mut self.schedule {
            Some(schedule) if Schedule::decides(point.purpose) => schedule.choose(point, draw),
            _ => self.seeded.choose(point, draw),
        };
        if let Some(record) = &mut self.record {
            record.push(Decision { point, draw, value });
        }
        value
    }

    /// A length of time. A fixed one is no decision.
    pub fn delay(&mut self, point: Point, delay: Delay) -> Span {
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

    /// Does something happen that happens `ppm` times in a million? Never and always are no decisions, unless a schedule
    /// tries both.
    pub fn happens(&mut self, point: Point, ppm: u32) -> bool {
        match &self.schedule {
            Some(schedule) if Schedule::decides(point.purpose) => {
                (ppm > 0 || schedule.may_lose(point.purpose)) && self.choose(point, Draw::Chance { ppm }) == 1
            }
            _ => ppm >= 1_000_000 || ppm > 0 && self.choose(point, Draw::Chance { ppm }) == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use leasehold::time::Span;

    use super::*;
    use crate::setup::Delay;

    #[test]
    fn what_can_only_come_out_one_way_is_no_decision() {
        let mut choices = Choices::seeded(1).recorded();
        let point = Point { purpose: Purpose::Delay, of: 0, to: 1, index: 0 };
        let one = Span::millis(1);
        assert_eq!(choices.delay(point, Delay::Fixed(one)), one);
        assert_eq!(choices.delay(point, Delay::Uniform { least: one, most: one }), one);
        assert!(!choices.happens(point, 0));
        assert!(choices.happens(point, 1_000_000));
        assert_eq!(choices.decisions(), []);
        let drawn = choices.delay(point, Delay::Uniform { least: Span::ZERO, most: one });
        assert_eq!(choices.decisions().len(), 1);
        assert_eq!(choices.decisions()[0].value, drawn.as_nanos());
    }
}
