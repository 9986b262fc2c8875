//! From what a clock measures to true time.

use leasehold::time::Span;

/// Parts of a whole in which rates are given.
pub(super) const BILLION: i128 = 1_000_000_000;

/// Which whole nanosecond is meant where the exact one lies between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    /// The last one at which the clock has not measured more. The slack leaves a clock's ticks out, and is then exact to
    /// a nanosecond.
    Down,
    /// The first one at which the clock has measured it all: what the virtual clock does with a timer.
    Up,
}

/// How much true time, in ns, passes while a clock of that rate (in ppb above true time, greater than -1e9) measures
/// `length` ns.
pub(super) fn true_time(length: i128, rate_ppb: i64, rounding: Rounding) -> i128 {
    let rate = BILLION + i128::from(rate_ppb);
    let more = match rounding {
        Rounding::Down => 0,
        Rounding::Up => rate - 1,
    };
    (length * BILLION + more).div_euclid(rate)
}

/// A length in ns, as numbers that may become negative.
pub(super) fn nanos(span: Span) -> i128 {
    i128::from(span.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold::time::Alarm;
    use leasehold_world::VirtualClock;
    use leasehold_world::setup::ClockSpec;

    #[test]
    fn rounded_up_it_is_the_instant_at_which_a_virtual_clock_rings() {
        for rate_ppb in [-900_000_000, -333_333_333, -1, 0, 1, 83_333_000, 2_000_000_000] {
            let clock = VirtualClock::new(&ClockSpec { rate_ppb, ..ClockSpec::default() });
            let since = clock.read(0).stamp;
            for length in [0, 1, 2, 999, 1_000_000_007, 5_000_000_000] {
                let rings = clock.first_at(&Alarm::First { since, span: Span::nanos(length) }, 0);
                let exact = |rounding| true_time(length.into(), rate_ppb, rounding);
                assert_eq!(rings.map(i128::from), Some(exact(Rounding::Up)), "{length} at {rate_ppb}");
                let apart = exact(Rounding::Up) - exact(Rounding::Down);
                assert!((0..=1).contains(&apart), "{length} at {rate_ppb}");
            }
        }
    }
}
