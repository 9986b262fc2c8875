//! Time as a node may see it: lengths, readings of clocks that may lie, and the conditions a node waits for.
//!
//! A node never holds "the time". It holds readings, and the only questions it may ask of two readings are the two
//! that stay sound when a clock is slewed or stops in suspend:
//!
//! * [`Stamp::elapsed_max`], the longer of the two clocks' answers: a leader's lease ends by it;
//! * [`Stamp::elapsed_min`], the shorter one: a follower's promise lasts by it.
//!
//! `CLOCK_MONOTONIC_RAW` is never slewed but stops in suspend; `CLOCK_BOOTTIME` counts suspend but may be slewed (by
//! 83 333 ppm with chrony's defaults). Each clock's fault is the other's strength, so the pair has neither.
//!
//! **Architecture Invariant:** this module depends on nothing else in the crate and reads no operating-system clock but in
//! `OsClock` (feature `os-clock`), which only hosts use.

#[cfg(feature = "os-clock")]
mod os;

use std::fmt;
use std::ops::{Add, Mul};

#[cfg(feature = "os-clock")]
pub use self::os::OsClock;

/// A length of time in nanoseconds, 0 to about 584 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// The longest length there is; stands for "for ever".
    pub const MAX: Span = Span(u64::MAX);

    /// A length given in nanoseconds.
    pub const fn nanos(nanos: u64) -> Span {
        Span(nanos)
    }

    /// A length given in microseconds; saturates at [`Span::MAX`].
    pub const fn micros(micros: u64) -> Span {
        Span(micros.saturating_mul(1_000))
    }

    /// A length given in milliseconds; saturates at [`Span::MAX`].
    pub const fn millis(millis: u64) -> Span {
        Span(millis.saturating_mul(1_000_000))
    }

    /// A length given in seconds; saturates at [`Span::MAX`].
    pub const fn secs(secs: u64) -> Span {
        Span(secs.saturating_mul(1_000_000_000))
    }

    /// The length in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The length in whole milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// `self - other`, or zero where `other` is the longer.
    pub const fn saturating_sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }

    /// `self / divisor`, rounded down. Panics when `divisor` is zero.
    pub const fn div(self, divisor: u64) -> Span {
        Span(self.0 / divisor)
    }
}

impl Add for Span {
    type Output = Span;
    /// Saturates: a sum past the end of time is "for ever".
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, factor: u64) -> Span {
        Span(self.0.saturating_mul(factor))
    }
}

impl fmt::Display for Span {
    /// The shortest exact form in one unit: `3s`, `2.5s`, `250ms`, `1.5us`, `7ns`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            1_000_000_000.. => (1_000_000_000, "s"),
            1_000_000.. => (1_000_000, "ms"),
            1_000.. => (1_000, "us"),
            0 => return f.pad("0s"),
            _ => (1, "ns"),
        };
        let (whole, mut rest) = (self.0 / unit, self.0 % unit);
        if rest == 0 {
            return f.pad(&format!("{whole}{name}"));
        }
        let mut digits = match unit {
            1_000_000_000 => 9,
            1_000_000 => 6,
            _ => 3,
        };
        while rest % 10 == 0 {
            rest /= 10;
            digits -= 1;
        }
        f.pad(&format!("{whole}.{rest:0digits$}{name}"))
    }
}

/// One reading of one clock: nanoseconds since that clock's own zero.
///
/// Readings of two different clocks, or of two machines' clocks, have nothing in common but their unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The reading that is `span` later; saturates.
    #[must_use]
    pub const fn plus(self, span: Span) -> Nanos {
        Nanos(self.0.saturating_add(span.0))
    }

    /// How far `self` is past `earlier`; `None` when it is before it.
    pub fn checked_since(self, earlier: Nanos) -> Option<Span> {
        self.0.checked_sub(earlier.0).map(Span)
    }

    /// How far `self` is past `earlier`, and zero when it is before it.
    pub const fn saturating_since(self, earlier: Nanos) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

/// Two monotonic clocks of one machine, read together.
///
/// The fields are private to comparison: two stamps are compared by [`Stamp::elapsed_min`] or
/// [`Stamp::elapsed_max`] and in no other way, so that nobody can pick the unsound one by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    raw: Nanos,
    boot: Nanos,
}

impl Stamp {
    /// A stamp of `CLOCK_MONOTONIC_RAW` and `CLOCK_BOOTTIME`, read as close together as the host can.
    pub const fn new(raw: Nanos, boot: Nanos) -> Stamp {
        Stamp { raw, boot }
    }

    /// What `CLOCK_MONOTONIC_RAW` said. For hosts that compute when a wake-up is due, and for showing.
    pub const fn raw(self) -> Nanos {
        self.raw
    }

    /// What `CLOCK_BOOTTIME` said. For hosts that compute when a wake-up is due, and for showing.
    pub const fn boot(self) -> Nanos {
        self.boot
    }

    /// At most this much time has passed since `earlier`, as far as this machine can tell.
    ///
    /// A clock that went back tells nothing, and an unusable reading must never lengthen a lease
    /// (d-engine #158: `saturating_sub` made the age 0), so the answer is then [`Span::MAX`].
    pub fn elapsed_max(self, earlier: Stamp) -> Span {
        match (self.raw.checked_since(earlier.raw), self.boot.checked_since(earlier.boot)) {
            (Some(raw), Some(boot)) => raw.max(boot),
            _ => Span::MAX,
        }
    }

    /// At least this much time has passed since `earlier`, as far as this machine can tell; zero when either clock
    /// went back, because an unusable reading must never shorten a promise.
    pub fn elapsed_min(self, earlier: Stamp) -> Span {
        self.raw.saturating_since(earlier.raw).min(self.boot.saturating_since(earlier.boot))
    }
}

/// Wall-clock time with its error bound: the true time is declared to lie in `earliest..=latest` (nanoseconds since
/// the Unix epoch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wall {
    earliest: Nanos,
    latest: Nanos,
}

impl Wall {
    /// A wall-clock reading `at` whose error is declared to be at most `error` either way.
    pub fn new(at: Nanos, error: Span) -> Wall {
        Wall { earliest: Nanos(at.0.saturating_sub(error.0)), latest: at.plus(error) }
    }

    /// It is no earlier than this.
    pub const fn earliest(self) -> Nanos {
        self.earliest
    }

    /// It is no later than this.
    pub const fn latest(self) -> Nanos {
        self.latest
    }
}

/// Everything a node learns about time while it handles one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The two monotonic clocks.
    pub stamp: Stamp,
    /// The wall clock, or `None` while the machine does not vouch for it (the kernel says "unsynchronized").
    pub wall: Option<Wall>,
}

/// Where a node's time comes from. Production and simulation differ in who implements this.
pub trait Clock {
    /// Reads all clocks at once. Called exactly once for each handled input, after the input has arrived.
    fn read(&self) -> Reading;
}

/// A condition on a node's own clocks: the end of a lease, of a promise, of a wait.
///
/// Leases, promises and timers are all written as alarms, so that "is it over?" ([`Alarm::reached`]) and "when will it
/// be over?" (the host's business: it knows how its clocks run) can never disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// Reached once `elapsed_max` since the stamp is at least the span: the first of the two clocks decides.
    First {
        /// Counted from here.
        since: Stamp,
        /// For so long.
        span: Span,
    },
    /// Reached once `elapsed_min` since the stamp is at least the span: the last of the two clocks decides.
    Last {
        /// Counted from here.
        since: Stamp,
        /// For so long.
        span: Span,
    },
    /// Reached once the wall clock may have come to the deadline (its `latest` has), or is unusable, or the monotonic
    /// clocks say as in [`Alarm::First`] that it is enough: a wall clock that is set back does not put it off.
    WallLatest {
        /// Wall-clock time.
        deadline: Nanos,
        /// At the latest: counted from here ...
        since: Stamp,
        /// ... for so long.
        span: Span,
    },
    /// Reached once the wall clock has surely come to the deadline (its `earliest` has), or the monotonic clocks say as in
    /// [`Alarm::Last`] that it is enough: a wall clock that is wrong does not put it off. An unusable wall clock says nothing.
    WallEarliest {
        /// Wall-clock time.
        deadline: Nanos,
        /// At the latest: counted from here ...
        since: Stamp,
        /// ... for so long.
        span: Span,
    },
}

impl Alarm {
    /// Has it come to this?
    pub fn reached(&self, now: &Reading) -> bool {
        match *self {
            Alarm::First { since, span } => now.stamp.elapsed_max(since) >= span,
            Alarm::Last { since, span } => now.stamp.elapsed_min(since) >= span,
            Alarm::WallLatest { deadline, since, span } => {
                now.wall.is_none_or(|wall| wall.latest >= deadline) || now.stamp.elapsed_max(since) >= span
            }
            Alarm::WallEarliest { deadline, since, span } => {
                now.wall.is_some_and(|wall| wall.earliest >= deadline) || now.stamp.elapsed_min(since) >= span
            }
        }
    }

    /// How long a host may sleep before it asks again, if its clocks run true and nothing steps them; zero when
    /// reached.
    pub fn remaining(&self, now: &Reading) -> Span {
        match *self {
            Alarm::First { since, span } => span.saturating_sub(now.stamp.elapsed_max(since)),
            Alarm::Last { since, span } => span.saturating_sub(now.stamp.elapsed_min(since)),
            Alarm::WallLatest { deadline, since, span } => {
                let by_wall = now.wall.map_or(Span::ZERO, |wall| deadline.saturating_since(wall.latest));
                by_wall.min(span.saturating_sub(now.stamp.elapsed_max(since)))
            }
            Alarm::WallEarliest { deadline, since, span } => {
                let by_wall = now.wall.map_or(Span::MAX, |wall| deadline.saturating_since(wall.earliest));
                by_wall.min(span.saturating_sub(now.stamp.elapsed_min(since)))
            }
        }
    }

    /// Is this surely not reached before `other`, however the clocks run? Told from what the two were set to, so that a host
    /// need not look for the instant of an alarm that has only been put off.
    pub fn is_put_off_from(&self, other: &Alarm) -> bool {
        let later = |(since, span): (Stamp, Span), (earlier, shorter): (Stamp, Span)| {
            since.raw >= earlier.raw && since.boot >= earlier.boot && span >= shorter
        };
        match (*self, *other) {
            (Alarm::First { since, span }, Alarm::First { since: earlier, span: shorter })
            | (Alarm::Last { since, span }, Alarm::Last { since: earlier, span: shorter }) => {
                later((since, span), (earlier, shorter))
            }
            (
                Alarm::WallEarliest { deadline, since, span },
                Alarm::WallEarliest { deadline: earlier_deadline, since: earlier, span: shorter },
            )
            | (
                Alarm::WallLatest { deadline, since, span },
                Alarm::WallLatest { deadline: earlier_deadline, since: earlier, span: shorter },
            ) => deadline >= earlier_deadline && later((since, span), (earlier, shorter)),
            _ => false,
        }
    }

    /// The same condition, `more` later.
    #[must_use]
    pub fn later_by(self, more: Span) -> Alarm {
        match self {
            Alarm::First { since, span } => Alarm::First { since, span: span + more },
            Alarm::Last { since, span } => Alarm::Last { since, span: span + more },
            Alarm::WallLatest { deadline, since, span } => {
                Alarm::WallLatest { deadline: deadline.plus(more), since, span: span + more }
            }
            Alarm::WallEarliest { deadline, since, span } => {
                Alarm::WallEarliest { deadline: deadline.plus(more), since, span: span + more }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(raw: u64, boot: u64) -> Stamp {
        Stamp::new(Nanos(raw), Nanos(boot))
    }

    fn reading(raw: u64, boot: u64, wall: Option<Wall>) -> Reading {
        Reading { stamp: stamp(raw, boot), wall }
    }

    #[test]
    fn a_suspend_counts_for_the_lease_and_not_for_the_promise() {
        // raw stood still for 6 s of the 7 s that passed.
        let (before, after) = (stamp(10, 10), stamp(1_010, 7_010));
        assert_eq!(after.elapsed_max(before), Span::nanos(7_000));
        assert_eq!(after.elapsed_min(before), Span::nanos(1_000));
    }

    #[test]
    fn a_clock_that_went_back_ends_a_lease_and_keeps_a_promise() {
        for after in [stamp(9, 20), stamp(20, 9), stamp(9, 9)] {
            assert_eq!(after.elapsed_max(stamp(10, 10)), Span::MAX);
            assert_eq!(after.elapsed_min(stamp(10, 10)), Span::ZERO);
        }
    }

    #[test]
    fn an_unusable_wall_clock_ends_a_lease_and_leaves_the_promise_to_the_monotonic_clocks() {
        let lease = Alarm::WallLatest { deadline: Nanos(100), since: stamp(0, 0), span: Span::MAX };
        let promise = Alarm::WallEarliest { deadline: Nanos(100), since: stamp(0, 0), span: Span::nanos(50) };
        assert!(lease.reached(&reading(0, 0, None)));
        assert!(!promise.reached(&reading(49, 60, None)));
        assert!(promise.reached(&reading(50, 60, None)));
    }

    #[test]
    fn a_wall_clock_that_is_set_back_does_not_lengthen_a_lease() {
        let lease = Alarm::WallLatest { deadline: Nanos(100), since: stamp(0, 0), span: Span::nanos(50) };
        let at = |raw, wall| reading(raw, raw, Some(Wall::new(Nanos(wall), Span::ZERO)));
        assert!(!lease.reached(&at(49, 99)));
        assert!(lease.reached(&at(50, 20)) && lease.reached(&at(49, 100)));
    }

    #[test]
    fn a_wall_clock_that_is_set_back_does_not_lengthen_a_promise_and_one_clock_that_jumps_does_not_end_it() {
        let promise = Alarm::WallEarliest { deadline: Nanos(100), since: stamp(0, 0), span: Span::nanos(50) };
        let at = |raw, boot, wall| reading(raw, boot, Some(Wall::new(Nanos(wall), Span::ZERO)));
        assert!(!promise.reached(&at(49, 99, 20)) && !promise.reached(&at(99, 49, 99)));
        assert!(promise.reached(&at(50, 50, 20)), "the monotonic clocks have counted it all");
        assert!(promise.reached(&at(0, 0, 100)), "the wall clock is there");
    }

    #[test]
    fn error_bounds_shorten_a_lease_and_lengthen_a_promise() {
        let lease = Alarm::WallLatest { deadline: Nanos(100), since: stamp(0, 0), span: Span::MAX };
        let promise = Alarm::WallEarliest { deadline: Nanos(100), since: stamp(0, 0), span: Span::MAX };
        let at = |t| reading(0, 0, Some(Wall::new(Nanos(t), Span::nanos(5))));
        assert!(!lease.reached(&at(94)) && lease.reached(&at(95)));
        assert!(!promise.reached(&at(104)) && promise.reached(&at(105)));
    }

    #[test]
    fn nothing_remains_of_an_alarm_exactly_when_it_is_reached() {
        let since = stamp(1_000, 2_000);
        let alarms = [
            Alarm::First { since, span: Span::nanos(10) },
            Alarm::Last { since, span: Span::nanos(10) },
            Alarm::WallLatest { deadline: Nanos(5_000), since, span: Span::nanos(10) },
            Alarm::WallEarliest { deadline: Nanos(5_000), since, span: Span::nanos(10) },
        ];
        for alarm in alarms {
            for (raw, boot, wall) in
                [(0, 0, 0), (3, 12, 4_000), (10, 10, 5_000), (9, 10, 4_999), (11, 9, 5_001)]
            {
                for wall in [None, Some(Wall::new(Nanos(wall), Span::nanos(1)))] {
                    let now = reading(1_000 + raw, 2_000 + boot, wall);
                    assert_eq!(
                        alarm.remaining(&now) == Span::ZERO,
                        alarm.reached(&now),
                        "{alarm:?} at {now:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_alarm_that_is_put_off_is_never_reached_first() {
        let alarm = |raw, boot, span| Alarm::Last { since: stamp(raw, boot), span: Span::nanos(span) };
        assert!(alarm(5, 5, 10).is_put_off_from(&alarm(5, 5, 10)));
        assert!(alarm(6, 5, 10).is_put_off_from(&alarm(5, 5, 10)));
        assert!(!alarm(6, 4, 10).is_put_off_from(&alarm(5, 5, 10)), "boot is earlier");
        assert!(!alarm(9, 9, 9).is_put_off_from(&alarm(5, 5, 10)), "shorter: might be, need not be");
        let first = Alarm::First { since: stamp(9, 9), span: Span::nanos(99) };
        assert!(!first.is_put_off_from(&alarm(5, 5, 10)), "another kind");
    }

    #[test]
    fn spans_print_exactly_and_shortly() {
        let table = [
            (0, "0s"),
            (7, "7ns"),
            (1_500, "1.5us"),
            (250_000_000, "250ms"),
            (2_500_000_000, "2.5s"),
            (1_999_000_001, "1.999000001s"),
        ];
        for (nanos, text) in table {
            assert_eq!(Span::nanos(nanos).to_string(), text);
        }
    }
}
