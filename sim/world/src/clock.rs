//! Virtual clocks: what a node's clocks say at an instant of true time, and when they will say a given thing.
//!
//! All of it is exact integer arithmetic. Between two changes a clock is a straight line,
//! `local(t) = floor((anchor + (t - t0) * (10^9 + ppb)) / 10^9)`, the anchor kept in billionths of a nanosecond, so that
//! changes lose nothing. The inverse is the ceiling: a timer fires at the first true nanosecond at which the clock has
//! come to it.

use leasehold::time::{Alarm, Nanos, Reading, Span, Stamp, Wall};

use crate::setup::{ClockSpec, StampSource};

/// What the monotonic clocks say at true time 0, before any offset.
pub const MONOTONIC_BASE: u64 = 1_000_000_000_000_000_000;
/// What the wall clocks say at true time 0, before any offset: 2026-01-01T00:00:00Z.
pub const WALL_BASE: u64 = 1_767_225_600_000_000_000;

const BILLION: i64 = 1_000_000_000;

/// One clock: a straight line since its last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// True time of the last change.
    since: u64,
    /// The reading then, in whole nanoseconds ...
    whole: u64,
    /// ... and in billionths of one, 0 to 10^9 - 1.
    fraction: i64,
    /// How much faster than true time it runs, in parts per billion; more than -10^9.
    ppb: i64,
    stopped: bool,
}

impl Line {
    /// A clock that reads `whole` at true time 0 and runs at `1 + ppb / 10^9`.
    pub fn new(whole: u64, ppb: i64) -> Line {
        assert!(ppb > -BILLION, "a clock that stands still or runs backwards has no rate");
        Line { since: 0, whole, fraction: 0, ppb, stopped: false }
    }

    /// What it reads at true time `at`, which is not before its last change.
    #[inline]
    pub fn at(&self, at: u64) -> u64 {
        // Most clocks run true, and are read at every event.
        match at.checked_sub(self.since) {
            Some(passed) if self.ppb == 0 && !self.stopped => self.whole + passed,
            _ => self.exactly_at(at).0,
        }
    }

    #[inline(never)]
    fn exactly_at(&self, at: u64) -> (u64, i64) {
        let passed = at.checked_sub(self.since).expect("a clock is not read before its last change");
        if self.stopped {
            return (self.whole, self.fraction);
        }
        if self.ppb == 0 {
            return (self.whole + passed, self.fraction);
        }
        // The i64 path covers 92 s at 10 %; the result is the same.
        let gained = i64::try_from(passed).ok().and_then(|passed| passed.checked_mul(self.ppb));
        let (gained, fraction) = match gained.and_then(|gained| gained.checked_add(self.fraction)) {
            Some(gained) => (gained.div_euclid(BILLION), gained.rem_euclid(BILLION)),
            None => {
                let gained = i128::from(passed) * i128::from(self.ppb) + i128::from(self.fraction);
                let billion = i128::from(BILLION);
                let whole =
                    i64::try_from(gained.div_euclid(billion)).expect("a run is shorter than 292 years");
                let rest = i64::try_from(gained.rem_euclid(billion)).expect("less than a billion");
                (whole, rest)
            }
        };
        let whole = self.whole.checked_add_signed(i64::try_from(passed).expect("shorter than 292 years"));
        (
            whole.and_then(|whole| whole.checked_add_signed(gained)).expect("a reading fits 584 years"),
            fraction,
        )
    }

    /// How much faster than true time it runs, in parts per billion; `None` while it stands still.
    pub fn rate_ppb(&self) -> Option<i64> {
        (!self.stopped).then_some(self.ppb)
    }

    /// The first true time, not before `from`, at which it reads `target` or more; `None` if it never will without a
    /// change.
    pub fn first_at(&self, target: u64, from: u64) -> Option<u64> {
        let Some(missing) = target.checked_sub(self.whole).filter(|missing| *missing > 0) else {
            return Some(from);
        };
        if self.stopped {
            return None;
        }
        let passed = if self.ppb == 0 {
            missing
        } else {
            let billion = i128::from(BILLION);
            let needed = i128::from(missing) * billion - i128::from(self.fraction);
            let rate = billion + i128::from(self.ppb);
            u64::try_from((needed + rate - 1).div_euclid(rate)).ok()?
        };
        Some(self.since.checked_add(passed)?.max(from))
    }

    fn change(&mut self, at: u64) {
        (self.whole, self.fraction) = self.exactly_at(at);
        self.since = at;
    }

    /// From true time `at` on it runs at `1 + ppb / 10^9`.
    pub fn set_rate(&mut self, at: u64, ppb: i64) {
        assert!(ppb > -BILLION, "a clock that stands still or runs backwards has no rate");
        self.change(at);
        self.ppb = ppb;
    }

    /// It stands still from true time `at` on, or runs again.
    pub fn set_stopped(&mut self, at: u64, stopped: bool) {
        self.change(at);
        self.stopped = stopped;
    }

    /// It is set forward or back at true time `at`. Stops at zero.
    pub fn step(&mut self, at: u64, by: i64) {
        self.change(at);
        self.whole = self.whole.saturating_add_signed(by);
    }
}

/// What may happen to a machine's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// All clocks run at `1 + ppb / 10^9` from now on.
    Rate(i64),
    /// The wall clock is set forward or back by so many nanoseconds.
    Step(i64),
    /// Monotonic clocks are set forward or back.
    Jump {
        /// CLOCK_MONOTONIC_RAW is.
        raw: bool,
        /// CLOCK_BOOTTIME is.
        boot: bool,
        /// By so many nanoseconds.
        by_ns: i64,
    },
    /// The machine is suspended, or wakes.
    Suspended(bool),
    /// The hypervisor stops the machine, or lets it run.
    Frozen(bool),
    /// The machine vouches for its wall clock, or no longer does.
    Synchronized(bool),
}

/// All clocks of one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VirtualClock {
    raw: Line,
    boot: Line,
    wall: Line,
    /// How much faster the last two are set to run than the first, in parts per billion.
    slew: i64,
    wall_error: Span,
    synchronized: bool,
    stamp: StampSource,
    /// The two clocks of a stamp show the same and always will until one of them changes.
    one_stamp: bool,
}

impl VirtualClock {
    /// Clocks as a scenario sets them up. The offset applies to all of them.
    pub fn new(spec: &ClockSpec) -> VirtualClock {
        let line = |base: u64, ppb: i64| Line::new(base.saturating_add_signed(spec.offset_ns), ppb);
        let slewed = spec.slewed(spec.rate_ppb);
        VirtualClock {
            raw: line(MONOTONIC_BASE, spec.rate_ppb),
            boot: line(MONOTONIC_BASE, slewed),
            wall: line(WALL_BASE, slewed),
            slew: spec.slew_ppb,
            wall_error: spec.wall_error,
            synchronized: spec.synchronized,
            stamp: spec.stamp,
            one_stamp: slewed == spec.rate_ppb || spec.stamp != StampSource::Both,
        }
    }

    /// The clocks that a node on this machine takes for `CLOCK_MONOTONIC_RAW` and `CLOCK_BOOTTIME`.
    fn stamp_lines(&self) -> (&Line, &Line) {
        match self.stamp {
            StampSource::Both => (&self.raw, &self.boot),
            StampSource::Raw => (&self.raw, &self.raw),
            StampSource::Boot => (&self.boot, &self.boot),
            StampSource::Wall => (&self.wall, &self.wall),
        }
    }

    /// Each clock, and what it showed at true time 0 before any offset: raw, boot and wall clock.
    pub fn lines(&self) -> [(&Line, u64); 3] {
        [(&self.raw, MONOTONIC_BASE), (&self.boot, MONOTONIC_BASE), (&self.wall, WALL_BASE)]
    }

    /// What a node on this machine reads at true time `at`.
    #[inline]
    pub fn read(&self, at: u64) -> Reading {
        let (raw, boot) = self.stamp_lines();
        let raw_reading = raw.at(at);
        let boot_reading = if self.one_stamp { raw_reading } else { boot.at(at) };
        Reading {
            stamp: Stamp::new(Nanos(raw_reading), Nanos(boot_reading)),
            wall: self.synchronized.then(|| Wall::new(Nanos(self.wall.at(at)), self.wall_error)),
        }
    }

    /// What the wall clock shows, whether or not the machine vouches for it.
    pub fn wall(&self, at: u64) -> u64 {
        self.wall.at(at)
    }

    /// What the monotonic clock shows that a node on this machine takes for `CLOCK_BOOTTIME`.
    pub fn stamp(&self, at: u64) -> u64 {
        self.stamp_lines().1.at(at)
    }

    /// What that clock showed at true time 0, before any offset.
    pub fn stamp_base(&self) -> u64 {
        match self.stamp {
            StampSource::Both | StampSource::Raw | StampSource::Boot => MONOTONIC_BASE,
            StampSource::Wall => WALL_BASE,
        }
    }

    /// The true time at which a node on this machine first could read that stamp, if its clocks have not changed since;
    /// else the time of that change.
    pub fn true_time_of(&self, stamp: Stamp) -> u64 {
        let line = self.stamp_lines().1;
        line.first_at(stamp.boot().0, line.since).unwrap_or(line.since)
    }

    /// The first true time, not before `from`, at which the alarm is reached; `None` if it never will be without a
    /// change to these clocks. `from` is not before the last change.
    pub fn first_at(&self, alarm: &Alarm, from: u64) -> Option<u64> {
        let (raw, boot) = self.stamp_lines();
        let both = |since: Stamp, span: Span| {
            let raw_at = raw.first_at(since.raw().plus(span).0, from);
            let same = self.one_stamp && since.raw() == since.boot();
            (raw_at, if same { raw_at } else { boot.first_at(since.boot().plus(span).0, from) })
        };
        let last = |since, span| {
            let (raw_at, boot_at) = both(since, span);
            Some(raw_at?.max(boot_at?))
        };
        let earlier = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let first = |since: Stamp, span| {
            // `elapsed_max` of a clock that is behind the start is the longest there is.
            if self.stamp == StampSource::Wall && boot.at(from) < since.boot().0 {
                return Some(from);
            }
            let (raw_at, boot_at) = both(since, span);
            earlier(raw_at, boot_at)
        };
        match *alarm {
            Alarm::First { since, span } => first(since, span),
            Alarm::Last { since, span } => last(since, span),
            Alarm::WallLatest { deadline, since, span } if self.synchronized => {
                let by_wall = self.wall.first_at(deadline.0.saturating_sub(self.wall_error.as_nanos()), from);
                earlier(by_wall, first(since, span))
            }
            Alarm::WallLatest { .. } => Some(from),
            Alarm::WallEarliest { deadline, since, span } if self.synchronized => {
                earlier(self.wall.first_at(deadline.plus(self.wall_error).0, from), last(since, span))
            }
            Alarm::WallEarliest { since, span, .. } => last(since, span),
        }
    }

    /// Something happens to the clocks at true time `at`.
    pub fn change(&mut self, at: u64, change: ClockChange) {
        match change {
            ClockChange::Rate(ppb) => self.set_rate(at, ppb),
            ClockChange::Step(by) => self.step(at, by),
            ClockChange::Jump { raw, boot, by_ns } => self.jump(at, raw, boot, by_ns),
            ClockChange::Suspended(suspended) => self.set_suspended(at, suspended),
            ClockChange::Frozen(frozen) => self.set_frozen(at, frozen),
            ClockChange::Synchronized(synchronized) => self.set_synchronized(synchronized),
        }
    }

    /// The oscillator changes: all clocks run at `1 + ppb / 10^9`, but for what is slewed.
    pub fn set_rate(&mut self, at: u64, ppb: i64) {
        let slewed = ClockSpec { slew_ppb: self.slew, ..ClockSpec::default() }.slewed(ppb);
        self.raw.set_rate(at, ppb);
        self.boot.set_rate(at, slewed);
        self.wall.set_rate(at, slewed);
        self.find_one_stamp();
    }

    /// The wall clock is set forward or back.
    pub fn step(&mut self, at: u64, by: i64) {
        self.wall.step(at, by);
    }

    /// Monotonic clocks are set forward or back.
    pub fn jump(&mut self, at: u64, raw: bool, boot: bool, by: i64) {
        if raw {
            self.raw.step(at, by);
        }
        if boot {
            self.boot.step(at, by);
        }
        self.find_one_stamp();
    }

    /// The machine is suspended, or wakes: the raw clock stands still meanwhile, the boot clock goes on, and so does
    /// the wall clock (the kernel corrects it from the hardware clock at wake-up, before any process runs).
    pub fn set_suspended(&mut self, at: u64, suspended: bool) {
        self.raw.set_stopped(at, suspended);
        self.find_one_stamp();
    }

    fn find_one_stamp(&mut self) {
        let (raw, boot) = self.stamp_lines();
        self.one_stamp = raw == boot;
    }

    /// The hypervisor stops the machine, or lets it run: nothing in it can tell.
    pub fn set_frozen(&mut self, at: u64, frozen: bool) {
        for line in [&mut self.raw, &mut self.boot, &mut self.wall] {
            line.set_stopped(at, frozen);
        }
    }

    /// The kernel vouches for the wall clock, or no longer does.
    pub fn set_synchronized(&mut self, synchronized: bool) {
        self.synchronized = synchronized;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Change {
        Rate(i64),
        Step(i64),
        Stop(bool),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (-999_999_999i64..2_000_000_000).prop_map(Change::Rate),
            (-1_000_000i64..1_000_000).prop_map(Change::Step),
            any::<bool>().prop_map(Change::Stop),
        ]
    }

    #[derive(Debug, Clone)]
    enum MachineChange {
        Rate(i64),
        Step(i64),
        Suspended(bool),
        Frozen(bool),
        Synchronized(bool),
    }

    impl MachineChange {
        fn happen(&self, clock: &mut VirtualClock, at: u64) {
            match *self {
                MachineChange::Rate(ppb) => clock.set_rate(at, ppb),
                MachineChange::Step(by) => clock.step(at, by),
                MachineChange::Suspended(suspended) => clock.set_suspended(at, suspended),
                MachineChange::Frozen(frozen) => clock.set_frozen(at, frozen),
                MachineChange::Synchronized(synchronized) => clock.set_synchronized(synchronized),
            }
        }
    }

    fn machine_change() -> impl Strategy<Value = MachineChange> {
        prop_oneof![
            (-999_999_999i64..2_000_000_000).prop_map(MachineChange::Rate),
            (-3_000_000_000i64..3_000_000_000).prop_map(MachineChange::Step),
            any::<bool>().prop_map(MachineChange::Suspended),
            any::<bool>().prop_map(MachineChange::Frozen),
            any::<bool>().prop_map(MachineChange::Synchronized),
        ]
    }

    fn clock_spec() -> impl Strategy<Value = ClockSpec> {
        let slew = prop_oneof![Just(0), -100_000_000i64..100_000_000];
        let rates = (-500_000_000i64..1_000_000_000, slew);
        let numbers = (-2_000_000_000i64..2_000_000_000, rates, 0u64..1_000_000_000);
        (numbers, any::<bool>()).prop_map(|((offset_ns, (rate_ppb, slew_ppb), error), synchronized)| {
            ClockSpec {
                offset_ns,
                rate_ppb,
                slew_ppb,
                wall_error: Span::nanos(error),
                synchronized,
                ..ClockSpec::default()
            }
        })
    }

    /// A clock with some past, and the true time of its last change.
    fn line() -> impl Strategy<Value = (Line, u64)> {
        let changes = proptest::collection::vec((0u64..10_000_000_000, change()), 0..6);
        (-999_999_999i64..2_000_000_000, changes).prop_map(|(ppb, changes)| {
            let mut line = Line::new(MONOTONIC_BASE, ppb);
            let mut now = 0;
            for (later, change) in changes {
                now += later;
                match change {
                    Change::Rate(ppb) => line.set_rate(now, ppb),
                    Change::Step(by) => line.step(now, by),
                    Change::Stop(stopped) => line.set_stopped(now, stopped),
                }
            }
            (line, now)
        })
    }

    proptest! {
        #[test]
        fn a_timer_fires_at_the_first_true_nanosecond((line, now) in line(), ahead in 0u64..10_000_000_000_000) {
            let target = line.at(now) + ahead;
            match line.first_at(target, now) {
                Some(at) => {
                    prop_assert!(line.at(at) >= target);
                    prop_assert!(at == now || line.at(at - 1) < target);
                }
                None => prop_assert!(line.stopped && ahead > 0),
            }
        }

        #[test]
        fn a_change_of_nothing_changes_nothing((line, now) in line(), later in 0u64..1_000_000_000, more in 0u64..1_000_000_000_000) {
            let mut changed = line;
            changed.set_rate(now + later, line.ppb);
            prop_assert_eq!(changed.at(now + later + more), line.at(now + later + more));
        }

        /// On one machine, whatever has happened to its clocks.
        #[test]
        fn an_alarm_that_is_reached_is_due_now(
            (spec, source) in (clock_spec(), 0usize..4),
            changes in proptest::collection::vec((0u64..3_000_000_000, machine_change()), 0..8),
            (set, span, kind) in (0usize..8, 0u64..6_000_000_000, 0usize..4),
        ) {
            let stamp = [StampSource::Both, StampSource::Raw, StampSource::Boot, StampSource::Wall][source];
            let mut clock = VirtualClock::new(&ClockSpec { stamp, ..spec });
            let (mut now, mut alarm) = (0, None);
            for (place, (later, change)) in changes.into_iter().enumerate() {
                now += later;
                change.happen(&mut clock, now);
                if place == set || alarm.is_none() {
                    let Reading { stamp: since, wall } = clock.read(now);
                    let (span, wall) = (Span::nanos(span), wall.map_or(Nanos(WALL_BASE), |wall| wall.earliest()));
                    let deadline = wall.plus(span);
                    alarm = Some([
                        Alarm::First { since, span },
                        Alarm::Last { since, span },
                        Alarm::WallLatest { deadline, since, span },
                        Alarm::WallEarliest { deadline, since, span },
                    ][kind]);
                }
                if let Some(alarm) = &alarm {
                    let due = clock.first_at(alarm, now);
                    prop_assert_eq!(alarm.reached(&clock.read(now)), due == Some(now), "{:?}", alarm);
                }
            }
        }

        #[test]
        fn a_clock_never_goes_back_by_itself((line, now) in line(), a in 0u64..1_000_000_000_000, b in 0u64..1_000_000) {
            prop_assert!(line.at(now + a) <= line.at(now + a + b));
        }
    }

    #[test]
    fn long_runs_take_the_wide_path_to_the_same_result() {
        let line = Line::new(0, 100_000_000);
        let hour = 3_600 * 1_000_000_000;
        assert_eq!(line.at(hour), hour / 10 * 11);
        assert_eq!(line.first_at(hour / 10 * 11, 0), Some(hour));
    }

    #[test]
    fn an_alarm_on_a_wall_clock_that_is_set_back_past_its_start_is_due() {
        let mut clock = VirtualClock::new(&ClockSpec { stamp: StampSource::Wall, ..ClockSpec::default() });
        let alarm = Alarm::First { since: clock.read(5).stamp, span: Span::secs(1) };
        clock.step(7, -3);
        assert!(alarm.reached(&clock.read(7)));
        assert_eq!(clock.first_at(&alarm, 7), Some(7));
    }

    #[test]
    fn suspend_stops_the_raw_clock_and_a_hypervisor_stops_all() {
        let spec = ClockSpec::default();
        let (mut suspended, mut frozen) = (VirtualClock::new(&spec), VirtualClock::new(&spec));
        suspended.set_suspended(1_000, true);
        suspended.set_suspended(6_000, false);
        frozen.set_frozen(1_000, true);
        frozen.set_frozen(6_000, false);
        let before = VirtualClock::new(&spec).read(0);
        assert_eq!(suspended.read(7_000).stamp.elapsed_max(before.stamp), Span::nanos(7_000));
        assert_eq!(suspended.read(7_000).stamp.elapsed_min(before.stamp), Span::nanos(2_000));
        assert_eq!(frozen.read(7_000).stamp.elapsed_max(before.stamp), Span::nanos(2_000));
    }
}
