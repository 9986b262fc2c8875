//! Every number of a setup, each with what it usually is.

use leasehold::time::Span;

use leasehold_run::faults;
use leasehold_run::scenario::keys::Table;
use leasehold_run::setup::{Delay, Pace, Setup, Trigger};

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
    /// A length of the lease: D, T or s. It says which threshold the scenario teaches.
    Length,
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
    keys(setup, see);
    for client in &mut setup.clients {
        if let Pace::Think(pace) | Pace::Every(pace) = &mut client.pace
            && client.times != Some(1)
            && let Delay::Fixed(fixed) = pace
        {
            span(fixed, &question(None, 1), see);
        }
    }
    faults(setup, see);
    span(
        &mut setup.duration,
        &Number { usual: None, least: 1, moves: false, unit: Unit::Time, part: Part::Time },
        see,
    );
}

const SECOND: i128 = 1_000_000_000;

const fn usually(usual: i128, least: i128) -> Number {
    Number { usual: Some(usual), least, moves: true, unit: Unit::Time, part: Part::Setting }
}

/// A number of a client.
const fn question(usual: Option<i128>, least: i128) -> Number {
    Number { usual, least, moves: false, unit: Unit::Time, part: Part::Question }
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

/// Tables of keys, each before those that follow it.
const TABLES: [Table; 8] = [
    Table::Lease,
    Table::Timers,
    Table::Log,
    Table::Node,
    Table::Clock,
    Table::Network,
    Table::Link,
    Table::Client,
];

/// A node's own lengths of the lease.
const LENGTHS: [&str; 3] = ["lease-duration", "election-timeout", "max-clock-skew"];

/// Every key that is a number. One that had the value of the key that it follows goes along with it, clocks that are alike
/// stay so, and a jitter that is always the same stays that.
fn keys(setup: &mut Setup, see: &mut See<'_>) {
    let before = setup.clone();
    for table in TABLES {
        for number in 0..table.count(setup) {
            let clock = |node: usize| before.nodes[node].clock;
            if table == Table::Clock
                && let Some(alike) = (0..number).find(|other| clock(*other) == clock(number))
            {
                setup.nodes[number].clock = setup.nodes[alike].clock;
                continue;
            }
            for key in table.keys(number) {
                if key.amount(&before).is_some()
                    && key.amount(&before) == key.followed(&before)
                    && let Some(now) = key.followed(setup)
                {
                    key.set_amount(setup, now);
                }
                if key.name() == "election-jitter-least"
                    && before.nodes[number].election_jitter == before.nodes[number].election_jitter_least
                {
                    setup.nodes[number].election_jitter_least = setup.nodes[number].election_jitter;
                    continue;
                }
                let Some(mut value) = key.amount(setup) else { continue };
                let shape = Number {
                    usual: key.usual_amount(setup),
                    least: key.least_amount(),
                    moves: table != Table::Client,
                    unit: if key.is_time() { Unit::Time } else { Unit::Other },
                    part: match table {
                        Table::Client => Part::Question,
                        Table::Lease => Part::Length,
                        Table::Node if LENGTHS.contains(&key.name()) => Part::Length,
                        Table::Timers
                        | Table::Log
                        | Table::Node
                        | Table::Clock
                        | Table::Network
                        | Table::Link
                        | Table::Guest => Part::Setting,
                    },
                };
                see(&shape, &mut value);
                key.set_amount(setup, value);
            }
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
