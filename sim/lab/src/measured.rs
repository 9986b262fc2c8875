//! The threshold of a guest, by seeds alone: neither arithmetic nor the adversary knows the rules that a guest follows.
//!
//! Two things are looked for. A stale read needs a client that asks at the right instant, so chance finds it late. A
//! negative margin needs a guest that tells of its leases and elections; it says that a stale read was possible, and with
//! constant delays it is exact.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Value, json};

use crate::threshold::{Chance, Edge, Range, Refusal, SAMPLES, Search, search};
use leasehold_run::run::run;
use leasehold_run::scenario::Knob;
use leasehold_run::setup::Setup;

/// What seeds show of a setup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// How many seeds have a stale read.
    pub stale_seeds: u64,
    /// The first seed with a stale read.
    pub stale: Option<u64>,
    /// The smallest margin of all seeds, ns, and the first seed that has it; `None` where no seed has a margin.
    pub margin: Option<(i64, u64)>,
}

/// A threshold that was measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Where it was looked for.
    pub range: Range,
    /// How many seeds were run at each value.
    pub seeds: u64,
    /// Where stale reads begin.
    pub stale: Search,
    /// Where margins become negative; `None` where some value gave no margin at all.
    pub possible: Option<Search>,
    /// What was shown at each value that was looked at.
    pub shown: BTreeMap<i128, Shown>,
}

/// Measures where a guest's reads begin to be stale, with `seeds` seeds (1 or more) at each value.
///
/// # Errors
///
/// The scenario is wrong at some value.
pub fn measured(knob: &Knob, range: Range, seeds: u64) -> Result<Measured, Refusal> {
    measured_with(knob, range, seeds, &mut |_, setup| Ok(look(setup, 0..seeds)))
}

/// The same, with `chance` to say what the seeds show: they may have been run elsewhere.
///
/// # Errors
///
/// As for [`measured`], or `chance` does not know yet.
pub fn measured_with(
    knob: &Knob,
    range: Range,
    seeds: u64,
    chance: &mut Chance<'_, Shown>,
) -> Result<Measured, Refusal> {
    let mut shown = BTreeMap::new();
    let mut at = |value: i128| -> Result<Shown, Refusal> {
        if let Some(known) = shown.get(&value) {
            return Ok(*known);
        }
        let found = chance(value, &knob.at(value).map_err(Refusal::Scenario)?)?;
        shown.insert(value, found);
        Ok(found)
    };
    let stale = search(range, SAMPLES, &mut |value| Ok(at(value)?.stale.is_some()))?;
    let mut everywhere = true;
    let possible = search(range, SAMPLES, &mut |value| {
        let found = at(value)?;
        everywhere &= found.margin.is_some();
        Ok(found.stale.is_some() || found.margin.is_some_and(|(margin, _)| margin < 0))
    })?;
    Ok(Measured { range, seeds, stale, possible: everywhere.then_some(possible), shown })
}

/// What some seeds show, counted from the setup's own.
pub fn look(setup: &Setup, seeds: std::ops::Range<u64>) -> Shown {
    let one = |place: u64| {
        let setup = Setup { seed: setup.seed.wrapping_add(place), ..setup.clone() };
        let seed = setup.seed;
        let outcome = run(&Arc::new(setup));
        let stale = !outcome.check.stale_reads.is_empty();
        Shown {
            stale_seeds: u64::from(stale),
            stale: stale.then_some(seed),
            margin: outcome.smallest_margin().map(|margin| (margin, seed)),
        }
    };
    // In the order of the seeds.
    let all: Vec<Shown> = seeds.into_par_iter().map(one).collect();
    all.into_iter().fold(Shown::default(), Shown::and)
}

impl Shown {
    /// What these seeds show and those after them.
    pub fn and(self, later: Shown) -> Shown {
        Shown {
            stale_seeds: self.stale_seeds + later.stale_seeds,
            stale: self.stale.or(later.stale),
            // Of equals the first.
            margin: self.margin.into_iter().chain(later.margin).min_by_key(|(margin, _)| *margin),
        }
    }

    /// One JSON object.
    pub fn to_json(&self) -> Value {
        json!({ "stale_seeds": self.stale_seeds, "first_stale_seed": self.stale, "margin": self.margin })
    }

    /// The inverse of [`Shown::to_json`]; `None` for anything else.
    pub fn from_json(value: &Value) -> Option<Shown> {
        Some(Shown {
            stale_seeds: value.get("stale_seeds")?.as_u64()?,
            stale: value.get("first_stale_seed")?.as_u64(),
            margin: match value.get("margin")? {
                Value::Null => None,
                pair => Some((pair.get(0)?.as_i64()?, pair.get(1)?.as_u64()?)),
            },
        })
    }
}

impl Measured {
    /// The exit code of `sim threshold`: 0 when a boundary was found, else 3.
    pub fn exit_code(&self) -> u8 {
        let found = |search: &Search| matches!(search, Search::Found(_));
        if found(&self.stale) || self.possible.as_ref().is_some_and(found) { 0 } else { 3 }
    }

    /// What was shown at both sides of a boundary: at the stale one, at the clean one.
    pub fn sides(&self, edge: Edge) -> (Shown, Shown) {
        let at = |value: i128| self.shown.get(&value).copied().unwrap_or_default();
        (at(edge.stale), at(edge.clean))
    }
}
