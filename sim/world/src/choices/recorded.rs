//! Decisions taken down as somebody else takes them.

use super::{Choices, Draw, Point};

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

/// Lets somebody else decide and takes it down. A run that leaves nothing here has left nothing to chance.
#[derive(Debug, Clone)]
pub struct Recorded<C> {
    from: C,
    decisions: Vec<Decision>,
}

impl<C: Choices> Recorded<C> {
    /// Nothing decided yet; `from` will.
    pub fn new(from: C) -> Recorded<C> {
        Recorded { from, decisions: Vec::new() }
    }

    /// What was decided so far, in the order in which it was asked.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }
}

impl<C: Choices> Choices for Recorded<C> {
    fn choose(&mut self, point: Point, draw: Draw) -> u64 {
        let value = self.from.choose(point, draw);
        self.decisions.push(Decision { point, draw, value });
        value
    }
}

#[cfg(test)]
mod tests {
    use leasehold::time::Span;

    use super::*;
    use crate::setup::Delay;
    use crate::{Purpose, Seeded};

    #[test]
    fn what_can_only_come_out_one_way_is_no_decision() {
        let mut choices = Recorded::new(Seeded::new(1));
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
