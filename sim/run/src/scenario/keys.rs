//! The keys that hold one value each, and where in a setup the value stands.
//!
//! The builder fills a setup through them, the writer says what is not usual, and a search for a simpler scenario changes
//! their numbers. So a new key of this kind is one entry of the table, its field in the setup, and whoever uses it.

use super::held::Slot;
use super::schema::{
    CLIENT, CLOCK, Default, Field, GUEST, Kind, LEASE, LINK, LOG, NETWORK, NODE, ROOT, TIMERS, find,
};
use super::walk::{Found, default, hundredths_of};
use crate::setup::Setup;
use leasehold::time::Span;

/// A table of a scenario file whose keys hold one value each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// `[lease]`.
    Lease,
    /// `[timers]`.
    Timers,
    /// `[log]`.
    Log,
    /// `[guest]`.
    Guest,
    /// `[node.NAME]`, one a node.
    Node,
    /// `[clock.NAME]`, one a node.
    Clock,
    /// `[network]`.
    Network,
    /// `[[network.link]]`.
    Link,
    /// `[client.NAME]`.
    Client,
}

impl Table {
    pub(super) const fn fields(self) -> &'static [Field] {
        match self {
            Table::Lease => LEASE,
            Table::Timers => TIMERS,
            Table::Log => LOG,
            Table::Guest => GUEST,
            Table::Node => NODE,
            Table::Clock => CLOCK,
            Table::Network => NETWORK,
            Table::Link => LINK,
            Table::Client => CLIENT,
        }
    }

    /// How many tables of this kind describe the setup.
    pub fn count(self, setup: &Setup) -> usize {
        match self {
            Table::Lease | Table::Timers | Table::Log | Table::Guest | Table::Network => 1,
            Table::Node | Table::Clock => setup.nodes.len(),
            Table::Link => setup.network.links.len(),
            Table::Client => setup.clients.len(),
        }
    }

    /// The keys of the table with this number, counted from 0.
    pub fn keys(self, number: usize) -> impl Iterator<Item = Key> {
        self.fields().iter().filter_map(move |field| Some(Key { field, slot: field.slot.as_ref()?, number }))
    }
}

/// One key of one table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    field: &'static Field,
    slot: &'static Slot,
    number: usize,
}

/// What a key of another table says, for a key that takes it when it is not given: `lease.duration`.
fn at(path: &str) -> Option<&'static Field> {
    let (table, name) = path.split_once('.')?;
    find(find(ROOT, table)?.kind.fields()?, name)
}

impl Key {
    /// As it stands in a file.
    pub fn name(&self) -> &'static str {
        self.field.name
    }

    /// What a key that is not given takes from another key, as a number. `None` where it has a default of its own.
    pub fn followed(&self, setup: &Setup) -> Option<i128> {
        match self.field.default {
            Default::Same(path) => Key::at(path)?.amount(setup),
            Default::Share(path, hundredths) => {
                let whole = Span::nanos(u64::try_from(Key::at(path)?.amount(setup)?).ok()?);
                Some(i128::from(hundredths_of(whole, hundredths).as_nanos()).max(self.least_amount()))
            }
            Default::Needed | Default::Unset(_) | Default::Is(_) => None,
        }
    }

    fn at(path: &str) -> Option<Key> {
        let field = at(path)?;
        Some(Key { field, slot: field.slot.as_ref()?, number: 0 })
    }

    /// Its default is the value of another key, a share of it, or no value.
    pub fn has_no_default_of_its_own(&self) -> bool {
        self.field.simplest.is_some()
            || matches!(self.field.default, Default::Same(_) | Default::Share(..) | Default::Unset(_))
    }

    /// The value as a number: nanoseconds, parts per billion, or things. `None` for a value that is none, is drawn, or is
    /// not set.
    pub fn amount(&self, setup: &Setup) -> Option<i128> {
        (self.slot.get)(setup, self.number).amount()
    }

    /// Changes the number. One that the setup cannot hold changes nothing.
    pub fn set_amount(&self, setup: &mut Setup, amount: i128) {
        (self.slot.get_mut)(setup, self.number).set_amount(amount);
    }

    /// The number that needs no words in a simple scenario.
    pub fn usual_amount(&self, setup: &Setup) -> Option<i128> {
        let held = (self.slot.get)(setup, self.number);
        match (self.field.simplest, self.field.default) {
            (Some(text), _) => held.amount_of(&default(self.field, text)?),
            (None, Default::Same(_) | Default::Share(..)) => self.followed(setup),
            (None, _) => held.amount_of(&self.default()?),
        }
    }

    /// The least that a search should try.
    pub fn least_amount(&self) -> i128 {
        match self.field.kind {
            Kind::Positive | Kind::Delay => 1,
            Kind::Count { least, .. } => i128::from(least),
            Kind::Offset => i128::from(i64::MIN),
            Kind::Rate => 1 - 1_000_000_000,
            _ => 0,
        }
    }

    /// The number counts nanoseconds.
    pub fn is_time(&self) -> bool {
        matches!(self.field.kind, Kind::Span | Kind::Positive | Kind::Offset | Kind::Delay)
    }

    /// The value is the default, so a file may leave the key away.
    pub fn is_usual(&self, setup: &Setup) -> bool {
        let held = (self.slot.get)(setup, self.number);
        match self.field.default {
            _ if held.is_unset() => true,
            // Compared as text: a delay that is drawn is no number.
            Default::Same(path) if Key::at(path).is_some() => {
                self.written(setup) == Key::at(path).and_then(|source| source.written(setup))
            }
            Default::Share(..) => held.amount() == self.followed(setup),
            _ => self.default().is_some_and(|default| held.is(&default)),
        }
    }

    /// What stands behind `name = ` in a file.
    pub(super) fn written(&self, setup: &Setup) -> Option<String> {
        (self.slot.get)(setup, self.number).written(setup, &self.field.kind)
    }

    fn default(&self) -> Option<Found> {
        match self.field.default {
            Default::Is(text) => default(self.field, text),
            // The other key stands in no setup; what it takes when it is not given does.
            Default::Same(path) => match at(path)?.default {
                Default::Is(text) => default(self.field, text),
                _ => None,
            },
            Default::Share(..) | Default::Unset(_) | Default::Needed => None,
        }
    }
}

/// Gives every key of a table what `found` says of it.
pub(super) fn fill<'a>(
    setup: &mut Setup,
    table: Table,
    number: usize,
    found: impl Fn(&Field) -> Option<&'a Found>,
) {
    for key in table.keys(number) {
        let held = (key.slot.get_mut)(setup, number);
        let given = |found: &&Found| found.place.is_some() || !held.may_be_unset();
        if let Some(found) = found(key.field).filter(given) {
            held.take(found);
        }
    }
}
