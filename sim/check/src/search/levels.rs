//! What the search has reached: of every level, the configurations that explain the responses so far.
//!
//! Level `n` waits for the response after the first `n`. A configuration is *open* while some of what follows from it has
//! not been looked at. All that is open is registered by its cost, the number of unknown operations that it spends, so
//! that the search can go back to it.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashTable;

use super::pending::{Configuration, Pending, Step};
use super::spent::Spending;

/// One configuration that was reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached<const W: usize> {
    pub(super) configuration: Configuration<W>,
    /// How it was reached; nothing leads to the first one.
    pub(super) origin: Option<Origin>,
    /// Another one can do all that it can.
    pub(super) superfluous: bool,
}

/// How a configuration was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From the one at this place on the level before, when the response between the two was explained.
    Level(u32),
    /// From the one at this place on the same level, by a step.
    Step(u32, Step),
}

/// A configuration that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) place: u32,
    /// How many unknown operations what follows has spent.
    pub(super) cost: u32,
    /// Whether what follows without spending was looked at.
    pub(super) followed: bool,
}

#[derive(Debug)]
struct Level<const W: usize> {
    reached: Vec<Reached<W>>,
    open: Vec<Open>,
    /// The places by hash, once there are many.
    table: HashTable<u32>,
}

impl<const W: usize> Level<W> {
    const EMPTY: Level<W> = Level { reached: Vec::new(), open: Vec::new(), table: HashTable::new() };
}

/// All levels.
#[derive(Debug)]
pub(super) struct Levels<const W: usize> {
    levels: Vec<Level<W>>,
    /// Levels below this one are forgotten.
    kept_from: usize,
    /// By cost: the levels on which something of this cost is open, or was.
    by_cost: BTreeMap<u32, BTreeSet<u32>>,
    bytes: usize,
}

/// How many configurations of a level a new one is compared with, so that this stays linear in their number.
const RIVALS_MAX: usize = 256;

impl<const W: usize> Levels<W> {
    pub(super) fn new() -> Levels<W> {
        Levels { levels: Vec::new(), kept_from: 0, by_cost: BTreeMap::new(), bytes: 0 }
    }

    /// Notes that a configuration was reached, and says at which place. `None` if another one can do all that it can.
    /// `pending`: what is pending before the response that the level waits for.
    pub(super) fn reach(
        &mut self,
        level: usize,
        configuration: Configuration<W>,
        origin: Option<Origin>,
        pending: &Pending<'_, W>,
        spending: &Spending,
    ) -> Option<u32> {
        while self.levels.len() <= level {
            self.levels.push(Level::EMPTY);
        }
        let Level { reached, table, .. } = &mut self.levels[level];
        let same_value = |rival: &&mut Reached<W>| rival.configuration.value == configuration.value;
        for rival in reached.iter_mut().take(RIVALS_MAX).filter(same_value) {
            if pending.dominates(&rival.configuration, &configuration, spending) {
                return None;
            }
            rival.superfluous =
                rival.superfluous || pending.dominates(&configuration, &rival.configuration, spending);
        }
        let place = u32::try_from(reached.len()).expect("memory holds fewer than 2^32");
        if reached.len() >= RIVALS_MAX {
            let hash_at = |place: &u32| reached[*place as usize].configuration.hash();
            if table.is_empty() {
                (0..place).for_each(|place| drop(table.insert_unique(hash_at(&place), place, hash_at)));
            }
            let hash = configuration.hash();
            if table.find(hash, |&place| reached[place as usize].configuration == configuration).is_some() {
                return None;
            }
            table.insert_unique(hash, place, |other| if *other == place { hash } else { hash_at(other) });
        }
        reached.push(Reached { configuration, origin, superfluous: false });
        self.bytes += size_of::<Reached<W>>();
        Some(place)
    }

    pub(super) fn at(&self, level: usize, place: u32) -> &Reached<W> {
        &self.levels[level].reached[place as usize]
    }

    /// The configurations of a level that no other one makes superfluous.
    pub(super) fn configurations(&self, level: usize) -> impl Iterator<Item = &Configuration<W>> {
        let reached = self.levels[level].reached.iter();
        reached.filter(|reached| !reached.superfluous).map(|reached| &reached.configuration)
    }

    /// Opens a configuration.
    pub(super) fn open(&mut self, level: usize, open: Open) {
        self.bytes += size_of::<Open>();
        let number = u32::try_from(level).expect("a key has fewer than 2^32 responses");
        self.by_cost.entry(open.cost).or_default().insert(number);
        self.levels[level].open.push(open);
    }

    /// Takes what is open on a level at a cost, at most so many.
    pub(super) fn take(&mut self, level: usize, cost: u32, count_max: usize, taken: &mut Vec<Open>) {
        let Level { reached, open, .. } = &mut self.levels[level];
        let before = open.len();
        let mut others = false;
        open.retain(|it| {
            if reached[it.place as usize].superfluous {
                return false;
            }
            let take = it.cost == cost && taken.len() < count_max;
            others |= it.cost == cost && !take;
            if take {
                taken.push(*it);
            }
            !take
        });
        self.bytes -= (before - open.len()) * size_of::<Open>();
        if !others && let Some(levels) = self.by_cost.get_mut(&cost) {
            levels.remove(&u32::try_from(level).expect("a key has fewer than 2^32 responses"));
            if levels.is_empty() {
                self.by_cost.remove(&cost);
            }
        }
    }

    /// For every cost, the last level on which something of that cost is open.
    pub(super) fn last_open(&self) -> impl Iterator<Item = (u32, u32)> {
        self.by_cost.iter().filter_map(|(&cost, levels)| Some((cost, *levels.last()?)))
    }

    /// Forgets the levels before one, if nothing is open anywhere.
    pub(super) fn forget_before(&mut self, level: usize) {
        if !self.by_cost.is_empty() || level <= self.kept_from {
            return;
        }
        for forgotten in &mut self.levels[self.kept_from..level] {
            self.bytes -= forgotten.reached.len() * size_of::<Reached<W>>();
            self.bytes -= forgotten.open.len() * size_of::<Open>();
            *forgotten = Level::EMPTY;
        }
        self.kept_from = level;
    }

    /// About how much memory all of it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.levels.len() * size_of::<Level<W>>()
    }
}
