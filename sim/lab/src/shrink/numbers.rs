//! Every number of a setup, each with what it usually is.

use leasehold::lease::LeaseSettings;
use leasehold::time::Span;

use leasehold_run::faults;
use leasehold_run::setup::{ClockSpec, Delay, Pace, Setup, Trigger};

/// What is known of a number beside its value. Times are in nanoseconds, rates in parts per billion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    /// Left away in a file when it has this value.
    pub(super) usual: Option<i128>,
    /// The smallest that it may be.
    pub(super) least: i128,
    /// The violation may come at another time when it changes.
    pub(super) moves: bool,
    /// What it counts.
    pub(super) unit: Unit,
    /// Where it stands.
    pub(super) part: Part,
}

/// Where a number stands; those of a later part matter less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// A setting of the cluster, a clock or the network.
    Setting,
    /// How long a fault lasts, or how much it changes.
    Fault,
    /// When a fault happens, or the run ends.
    Time,
    /// When a client asks, for what, and how long it waits.
    Question,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nanoseconds.
    Time,
    /// Parts per billion, or things.
    Other,
}

impl Number {
    /// Digits that a file needs for a value, zeros at the end not counted. What is finer than people are used to counts as
    /// one or two more.
    pub(super) fn digits(&self, value: i128) -> usize {
        if self.usual == Some(value) {
            return 0;
        }
        let fine = match value.unsigned_abs() {
            0 => 0,
            magnitude if magnitude % 1_000 != 0 => 2,
            magnitude if magnitude % 1_000_000 != 0 => 1,
            _ => 0,
        };
        let digits = value.unsigned_abs().to_string().trim_end_matches('0').len().max(1);
        digits + if self.unit == Unit::Time { fine } else { 0 }
    }
}

type See<'a> = dyn FnMut(&Number, &mut i128) + 'a;

/// Shows every number to `see`, which may change it. The order is always the same.
pub(super) fn visit(setup: &mut Setup, see: &mut See<'_>) {
    count(
        &mut setup.seed,
        &Number { usual: Some(1), least: 0, moves: false, unit: Unit::Time, part: Part::Setting },
        see,
    );
    settings(setup, see);
    nodes(setup, see);
    network(setup, see);
    for client in &mut setup.clients {
        let number = Number { usual: None, least: 0, moves: false, unit: Unit::Time, part: Part::Question };
        span(&mut client.start, &number, see);
        if let Some(stop) = &mut client.stop {
            span(stop, &number, see);
        }
        span(
            &mut client.timeout,
            &Number { usual: Some(SECOND), least: 1, moves: false, unit: Unit::Time, part: Part::Question },
            see,
        );
        if let Some(link) = &mut client.link {
            delay(link, &number, see);
        }
        if let Pace::Think(pace) | Pace::Every(pace) = &mut client.pace
            && *pace != ONCE
        {
            delay(
                pace,
                &Number { usual: None, least: 1, moves: false, unit: Unit::Time, part: Part::Question },
                see,
            );
        }
        count(
            &mut client.first_key,
            &Number { usual: Some(0), least: 0, moves: false, unit: Unit::Time, part: Part::Question },
            see,
        );
    }
    faults(setup, see);
    span(
        &mut setup.duration,
        &Number { usual: None, least: 1, moves: false, unit: Unit::Time, part: Part::Time },
        see,
    );
}

const SECOND: i128 = 1_000_000_000;

/// The pace of a client that asks once: longer than any run that is worth shrinking.
pub(super) const ONCE: Delay = Delay::Fixed(Span::secs(3_600));

const fn usually(usual: i128, least: i128) -> Number {
    Number { usual: Some(usual), least, moves: true, unit: Unit::Time, part: Part::Setting }
}

fn span(span: &mut Span, number: &Number, see: &mut See<'_>) {
    let mut value = i128::from(span.as_nanos());
    see(number, &mut value);
    *span = Span::nanos(u64::try_from(value).unwrap_or(span.as_nanos()));
}

fn count(count: &mut u64, number: &Number, see: &mut See<'_>) {
    let mut value = i128::from(*count);
    see(&Number { unit: Unit::Other, ..*number }, &mut value);
    *count = u64::try_from(value).unwrap_or(*count);
}

fn signed(signed: &mut i64, number: &Number, see: &mut See<'_>) {
    let mut value = i128::from(*signed);
    see(number, &mut value);
    *signed = i64::try_from(value).unwrap_or(*signed);
}

/// Delays that are drawn are `chance`'s.
fn delay(delay: &mut Delay, number: &Number, see: &mut See<'_>) {
    if let Delay::Fixed(fixed) = delay {
        span(fixed, number, see);
    }
}

/// What nodes and timers have in common. Whoever had the same as before goes along.
fn settings(setup: &mut Setup, see: &mut See<'_>) {
    let before = setup.lease;
    span(&mut setup.lease.duration, &usually(3 * SECOND, 0), see);
    span(&mut setup.lease.election_timeout, &usually(5 * SECOND, 1), see);
    span(&mut setup.lease.max_clock_skew, &usually(SECOND / 2, 0), see);
    let LeaseSettings { duration, election_timeout, max_clock_skew, .. } = setup.lease;
    let timers = &mut setup.timers;
    let (heartbeat, jitter) = (timers.heartbeat, timers.election_jitter);
    span(&mut timers.heartbeat, &usually(SECOND / 10, 1), see);
    if timers.startup_grace == heartbeat {
        timers.startup_grace = timers.heartbeat;
    }
    span(&mut timers.startup_grace, &usually(i128::from(timers.heartbeat.as_nanos()), 0), see);
    span(&mut timers.election_jitter, &usually(0, 0), see);
    if let Some(deadline) = &mut timers.request_deadline {
        span(
            deadline,
            &Number { usual: None, least: 1, moves: true, unit: Unit::Time, part: Part::Setting },
            see,
        );
    }
    let follow = |own: &mut Span, before: Span, now: Span| {
        if *own == before {
            *own = now;
        }
    };
    for node in &mut setup.nodes {
        follow(&mut node.lease.duration, before.duration, duration);
        follow(&mut node.lease.election_timeout, before.election_timeout, election_timeout);
        follow(&mut node.lease.max_clock_skew, before.max_clock_skew, max_clock_skew);
        follow(&mut node.election_jitter, jitter, setup.timers.election_jitter);
    }
}

fn nodes(setup: &mut Setup, see: &mut See<'_>) {
    let (lease, jitter) = (setup.lease, setup.timers.election_jitter);
    let as_all = |all: Span, least| usually(i128::from(all.as_nanos()), least);
    for node in &mut setup.nodes {
        let fixed = node.election_jitter == node.election_jitter_least;
        span(&mut node.lease.duration, &as_all(lease.duration, 0), see);
        span(&mut node.lease.election_timeout, &as_all(lease.election_timeout, 1), see);
        span(&mut node.lease.max_clock_skew, &as_all(lease.max_clock_skew, 0), see);
        span(&mut node.election_jitter, &as_all(jitter, 0), see);
        if fixed {
            node.election_jitter_least = node.election_jitter;
        } else {
            span(&mut node.election_jitter_least, &usually(0, 0), see);
        }
        span(&mut node.disk_sync, &usually(0, 0), see);
        span(&mut node.answer_time, &usually(0, 0), see);
    }
    // Clocks that are alike stay so.
    let before: Vec<ClockSpec> = setup.nodes.iter().map(|node| node.clock).collect();
    for (place, clock) in before.iter().enumerate().filter(|(place, clock)| !before[..*place].contains(clock))
    {
        let mut changed = setup.nodes[place].clock;
        let negative = Number {
            usual: Some(0),
            least: i128::from(i64::MIN),
            moves: true,
            unit: Unit::Time,
            part: Part::Setting,
        };
        signed(&mut changed.offset_ns, &negative, see);
        signed(&mut changed.rate_ppb, &Number { least: -SECOND + 1, unit: Unit::Other, ..negative }, see);
        span(&mut changed.wall_error, &usually(0, 0), see);
        let alike = setup.nodes.iter_mut().zip(&before).filter(|(_, before)| *before == clock);
        alike.for_each(|(node, _)| node.clock = changed);
    }
}

fn network(setup: &mut Setup, see: &mut See<'_>) {
    let network = &mut setup.network;
    let before = network.delay;
    delay(&mut network.delay, &usually(SECOND / 1_000, 1), see);
    if network.client_delay == before {
        network.client_delay = network.delay;
    }
    let usual = match network.delay {
        Delay::Fixed(fixed) => Some(i128::from(fixed.as_nanos())),
        _ => None,
    };
    delay(
        &mut network.client_delay,
        &Number { usual, least: 1, moves: true, unit: Unit::Time, part: Part::Setting },
        see,
    );
    for link in &mut network.links {
        if let Some(own) = &mut link.delay {
            delay(own, &Number { usual, least: 0, moves: true, unit: Unit::Time, part: Part::Setting }, see);
        }
    }
}

const fn of_fault(usual: i128, least: i128) -> Number {
    Number { part: Part::Fault, ..usually(usual, least) }
}

fn faults(setup: &mut Setup, see: &mut See<'_>) {
    let time = Number { usual: None, least: 0, moves: true, unit: Unit::Time, part: Part::Time };
    for fault in &mut setup.faults {
        match &mut fault.trigger {
            Trigger::At(at) => span(at, &time, see),
            Trigger::Every { first, every } => {
                span(first, &time, see);
                span(every, &Number { least: 1, part: Part::Fault, ..time }, see);
            }
            Trigger::When { from, nth, .. } => {
                span(from, &Number { usual: Some(0), ..time }, see);
                let mut wide = u64::from(*nth);
                count(&mut wide, &of_fault(1, 1), see);
                *nth = u32::try_from(wide).unwrap_or(*nth);
            }
        }
        span(&mut fault.after, &of_fault(0, 0), see);
        if let Some(lasts) = &mut fault.lasts {
            span(lasts, &Number { least: 1, part: Part::Fault, ..time }, see);
        }
        let any = Number {
            usual: Some(0),
            least: i128::from(i64::MIN),
            moves: true,
            unit: Unit::Time,
            part: Part::Fault,
        };
        match faults::number(&mut fault.action) {
            Some(faults::Number::Length(by_ns)) => signed(by_ns, &any, see),
            Some(faults::Number::Rate(ppb)) => {
                signed(ppb, &Number { least: -SECOND + 1, unit: Unit::Other, ..any }, see)
            }
            Some(faults::Number::Count(held)) => {
                let mut wide = u64::from(*held);
                count(&mut wide, &of_fault(1, 1), see);
                *held = u32::try_from(wide).unwrap_or(*held);
            }
            None => {}
        }
    }
}
