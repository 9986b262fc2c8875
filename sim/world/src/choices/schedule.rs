//! Decisions of which every one is tried in turn.

use super::{Draw, Point, Purpose};

/// One schedule out of all.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    /// How many decisions are enumerated.
    limit: usize,
    /// May any message be lost, whatever the setup says?
    lossy: bool,
    /// What to answer to the first questions; to later ones the first option.
    script: Vec<u8>,
    taken: Vec<Taken>,
    begun: usize,
    subject: Option<Subject>,
    /// The script wanted an option that a question does not have.
    misfit: bool,
}

/// What a decision is about: a message by sender, receiver and number, or a jitter by node and number.
type Subject = (bool, u16, u16, u64);

/// A question that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Which.
    pub point: Point,
    /// The option that was taken, from 0 ...
    pub option: u8,
    /// ... of so many, at least 2.
    pub of: u8,
    /// What it stands for: nanoseconds, or 1 for yes.
    pub value: u64,
}

/// The value of each option, the kindest first.
struct Options {
    values: [u64; 3],
    count: u8,
}

impl Schedule {
    /// Enumerates the first `limit` decisions from now on.
    pub(super) fn new(limit: usize, lossy: bool) -> Schedule {
        let (script, taken) = (Vec::new(), Vec::new());
        Schedule { limit, lossy, script, taken, begun: 0, subject: None, misfit: false }
    }

    /// Are decisions for this purpose a schedule's?
    #[inline]
    pub(super) fn decides(purpose: Purpose) -> bool {
        matches!(
            purpose,
            Purpose::Delay | Purpose::Loss | Purpose::Duplicate | Purpose::DuplicateDelay | Purpose::Jitter
        )
    }

    /// May what this purpose decides be lost although it never is by chance?
    pub(super) fn may_lose(&self, purpose: Purpose) -> bool {
        self.lossy && purpose == Purpose::Loss
    }

    pub(super) fn set_script(&mut self, script: &[u8]) {
        debug_assert!(self.taken.iter().zip(script).all(|(taken, option)| taken.option == *option));
        script.clone_into(&mut self.script);
    }

    pub(super) fn taken(&self) -> &[Taken] {
        &self.taken
    }

    pub(super) fn fits(&self) -> bool {
        !self.misfit && self.taken.len() >= self.script.len()
    }

    pub(super) fn choose(&mut self, point: Point, draw: Draw) -> u64 {
        self.answer(point, &Options::of(draw))
    }

    /// Is this question one of those that are enumerated? A message's first question is about its loss.
    fn enumerates(&mut self, point: Point) -> bool {
        let subject = (point.purpose == Purpose::Jitter, point.of, point.to, point.index);
        if self.subject != Some(subject) {
            self.subject = Some(subject);
            self.begun += 1;
        }
        self.begun <= self.limit
    }

    fn answer(&mut self, point: Point, options: &Options) -> u64 {
        if options.count < 2 || !self.enumerates(point) {
            return options.values[0];
        }
        let mut option = self.script.get(self.taken.len()).copied().unwrap_or(0);
        if option >= options.count {
            self.misfit = true;
            option = 0;
        }
        let value = options.values[usize::from(option)];
        self.taken.push(Taken { point, option, of: options.count, value });
        value
    }
}

impl Options {
    fn of(draw: Draw) -> Options {
        match draw {
            Draw::Chance { .. } => Options { values: [0, 1, 0], count: 2 },
            Draw::LogNormal { median, most, .. } => Options::lengths(0, median.min(most), most),
            Draw::Uniform { least, most } => {
                let most = most.max(least);
                Options::lengths(least, least + (most - least) / 2, most)
            }
        }
    }

    fn lengths(least: u64, middle: u64, most: u64) -> Options {
        match (least < middle, middle < most) {
            (true, true) => Options { values: [least, middle, most], count: 3 },
            (false, false) => Options { values: [least; 3], count: 1 },
            _ => Options { values: [least, most, most], count: 2 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Choices;
    use crate::setup::Delay;
    use leasehold::time::Span;

    const DELAY: Delay = Delay::Uniform { least: Span::nanos(10), most: Span::nanos(30) };

    fn point(purpose: Purpose, index: u64) -> Point {
        Point { purpose, of: 0, to: 1, index }
    }

    /// As the world sends a message: `None` if it is lost.
    fn send(choices: &mut Choices, index: u64, loss_ppm: u32) -> Option<u64> {
        let lost = choices.happens(point(Purpose::Loss, index), loss_ppm);
        (!lost).then(|| choices.delay(point(Purpose::Delay, index), DELAY).as_nanos())
    }

    #[test]
    fn a_message_is_one_decision_and_what_follows_is_kind() {
        let mut choices = Choices::seeded(1);
        choices.enumerate(2, true);
        choices.set_script(&[0, 2, 1]);
        assert_eq!(send(&mut choices, 0, 0), Some(30));
        assert_eq!(send(&mut choices, 1, 0), None);
        assert_eq!(send(&mut choices, 2, 0), Some(10), "beyond the limit");
        let taken: Vec<(u8, u8, u64)> =
            choices.taken().iter().map(|taken| (taken.option, taken.of, taken.value)).collect();
        assert_eq!(taken, [(0, 2, 0), (2, 3, 30), (1, 2, 1)]);
    }

    #[test]
    fn nothing_is_lost_that_cannot_be_unless_asked_for() {
        for (loss_ppm, questions) in [(0, 1), (1, 2)] {
            let mut choices = Choices::seeded(1);
            choices.enumerate(1, false);
            assert_eq!(send(&mut choices, 0, loss_ppm), Some(10));
            assert_eq!(choices.taken().len(), questions, "at {loss_ppm} ppm");
        }
    }

    #[test]
    fn before_it_and_for_clients_the_seed_decides() {
        let (mut choices, mut seeded) = (Choices::seeded(7), Choices::seeded(7));
        let draw = Draw::Uniform { least: 0, most: u64::MAX };
        assert_eq!(
            choices.choose(point(Purpose::Delay, 3), draw),
            seeded.choose(point(Purpose::Delay, 3), draw)
        );
        choices.enumerate(5, true);
        let pace = point(Purpose::ClientPace, 9);
        assert_eq!(choices.choose(pace, draw), seeded.choose(pace, draw));
        assert!(choices.taken().is_empty());
    }

    #[test]
    fn options_that_are_the_same_are_one() {
        let count = |least, most| Options::of(Draw::Uniform { least, most }).count;
        assert_eq!((count(5, 5), count(5, 6), count(5, 7)), (1, 2, 3));
    }
}
