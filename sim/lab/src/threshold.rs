//! The value of a key at which a stale read begins to exist: what arithmetic says, what the adversary finds, and what
//! plain seeds find.
//!
//! Near a threshold a stale read needs some 5 to 9 independent delays to fit the slack together: just beyond it, its
//! probability falls like `x^k / k!`. So the threshold is constructed, not sampled. Arithmetic and adversary know nothing
//! of each other, and must agree.

pub mod curve;
mod outwards;

use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Value, json};

use self::outwards::search_outwards;
use crate::adversary::{Harm, worst_of};
use leasehold_run::attack::attacks;
use leasehold_run::run::run;
use leasehold_run::scenario::{Diagnostics, Knob};
use leasehold_run::setup::Setup;
use leasehold_run::theory::bound::{Bound, bound, bounds};

/// Values between the ends at which it is looked whether there is one threshold only.
pub(crate) const SAMPLES: i128 = 8;

/// Attacks that are played on one setup. Of more, which differ in nodes that are not alike, those that theory ranks first.
pub const ATTACKS_MAX: usize = 96;

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The smallest value, in the smallest part of the key's unit.
    pub from: i128,
    /// The largest.
    pub to: i128,
    /// How close the two sides of the threshold are to be.
    pub tolerance: i128,
}

/// Which side of a threshold has stale reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From the threshold on upwards.
    Above,
    /// From the threshold on downwards.
    Below,
}

/// A boundary that was found: a stale read exists at one value and none at the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The last value with a stale read.
    pub stale: i128,
    /// The first without.
    pub clean: i128,
}

impl Edge {
    /// Which side has stale reads.
    pub fn side(self) -> Side {
        if self.stale > self.clean { Side::Above } else { Side::Below }
    }
}

/// What was looked for in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// One boundary.
    Found(Edge),
    /// Stale reads at both ends, or at neither.
    None {
        /// At both.
        stale: bool,
    },
    /// Stale and clean values alternate: this clean value lies beyond stale ones, or the other way round.
    Mixed {
        /// A value on the wrong side.
        at: i128,
    },
}

impl Search {
    pub(crate) fn to_json(self) -> Value {
        match self {
            Search::Found(edge) => {
                json!({ "stale": edge.stale.to_string(), "clean": edge.clean.to_string() })
            }
            Search::None { stale } => json!({ "everywhere": stale }),
            Search::Mixed { at } => json!({ "mixed": at.to_string() }),
        }
    }

    pub(crate) fn from_json(value: &Value) -> Option<Search> {
        let number = |key: &str| value.get(key)?.as_str()?.parse::<i128>().ok();
        let everywhere = value.get("everywhere").and_then(Value::as_bool);
        let found = number("stale").zip(number("clean")).map(|(stale, clean)| Edge { stale, clean });
        found
            .map(Search::Found)
            .or(everywhere.map(|stale| Search::None { stale }))
            .or(number("mixed").map(|at| Search::Mixed { at }))
    }
}

/// What is known about a threshold.
#[derive(Debug, Clone)]
pub struct Threshold {
    /// Where it was looked for.
    pub range: Range,
    /// What arithmetic says, to the smallest part of the unit, or why it does not.
    pub theory: Result<Search, &'static str>,
    /// The bound at the adversary's value, for its formula.
    pub bound: Option<Bound>,
    /// What the adversary finds, to the tolerance.
    pub adversary: Search,
    /// Its run at the boundary's stale value, or at the end with the smaller margin.
    pub stale: Option<Harm>,
    /// Its best run at the boundary's clean value.
    pub clean: Option<Harm>,
    /// What plain seeds find, and how many there were.
    pub seeds: Option<(u64, Search)>,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Theory and adversary agree on a threshold, or theory says nothing.
    Found,
    /// Theory and adversary disagree, or a plain seed does what the adversary says cannot be done: one of them is wrong.
    Apart,
    /// There is none in the range, or not one alone.
    NotFound,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// The scenario is wrong at some value.
    Scenario(Diagnostics),
    /// The adversary does not know how to attack it.
    NotKnown(&'static str),
    /// What seeds show at this value is not known yet: they have to be run.
    SeedsMissing(i128),
}

/// What seeds show of a key's value and its setup; `setup.seed` and those after it.
pub type Chance<'a, T> = dyn FnMut(i128, &Setup) -> Result<T, Refusal> + 'a;

/// What arithmetic says about a setup.
type Theory<'a> = &'a dyn Fn(&Setup) -> Result<Option<Bound>, &'static str>;

/// Finds the threshold of a scenario's keys. `seeds`: how many plain seeds to compare with.
///
/// # Errors
///
/// The scenario is wrong at some value, or the adversary does not know how to attack it.
pub fn threshold(knob: &Knob, range: Range, seeds: u64) -> Result<Threshold, Refusal> {
    threshold_with(knob, range, seeds, &mut |_, setup| Ok(any_stale(setup, 0..seeds)))
}

/// The same, with `chance` to say whether any of the seeds shows a stale read: they may have been run elsewhere.
///
/// # Errors
///
/// As for [`threshold`], or `chance` does not know yet: [`Refusal::SeedsMissing`] tells the value that is needed next. It is a
/// function of what `chance` has said, so that it does not depend on who ran the seeds, nor when.
pub fn threshold_with(
    knob: &Knob,
    range: Range,
    seeds: u64,
    chance: &mut Chance<'_, bool>,
) -> Result<Threshold, Refusal> {
    threshold_by(&bound, knob, range, seeds, chance)
}

fn threshold_by(
    theory: Theory<'_>,
    knob: &Knob,
    range: Range,
    seeds: u64,
    chance: &mut Chance<'_, bool>,
) -> Result<Threshold, Refusal> {
    let at = |value| knob.at(value).map_err(Refusal::Scenario);
    let harm = |value| most_harm(&at(value)?).map_err(Refusal::NotKnown);
    let adversary = search(range, SAMPLES, &mut |value| Ok(harm(value)?.is_some_and(|harm| harm.stale > 0)))?;
    let mut not_covered = None;
    let exact = Range { tolerance: 1, ..range };
    let said = search(exact, SAMPLES, &mut |value| {
        Ok(match theory(&at(value)?) {
            Ok(bound) => bound.is_some_and(|bound| bound.room_ns >= 0),
            Err(why) => {
                not_covered = Some(why);
                false
            }
        })
    })?;
    let (stale, clean) = match adversary {
        Search::Found(edge) => (edge.stale, edge.clean),
        _ => (range.to, range.from),
    };
    let compared = match (seeds, adversary) {
        (0, _) => None,
        (_, adversary) => {
            let mut any = |value| chance(value, &at(value)?);
            let range = coarse(range);
            let found = match adversary {
                Search::Found(edge) => search_outwards(range, edge, &mut any)?,
                Search::None { .. } | Search::Mixed { .. } => search(range, 0, &mut any)?,
            };
            Some((seeds, found))
        }
    };
    Ok(Threshold {
        range,
        theory: not_covered.map_or(Ok(said), Err),
        bound: theory(&at(stale)?).ok().flatten(),
        adversary,
        stale: harm(stale)?,
        clean: harm(clean)?,
        seeds: compared,
    })
}

/// The most harmful run that the adversary makes of a setup, or why it knows none. Theory only says what to play first: what a
/// run shows is the run's.
pub fn most_harm(setup: &Setup) -> Result<Option<Harm>, &'static str> {
    let mut known = attacks(setup)?;
    if known.len() > ATTACKS_MAX
        && let Ok(mut ranked) = bounds(setup)
    {
        ranked.sort_by_key(|bound| std::cmp::Reverse(bound.room_ns));
        ranked.truncate(ATTACKS_MAX);
        known = ranked.into_iter().map(|bound| bound.attack).collect();
    }
    Ok(worst_of(setup, known))
}

/// Seeds are expensive and inexact: a thousandth of the range will do.
fn coarse(range: Range) -> Range {
    Range { tolerance: range.tolerance.max((range.to - range.from) / 1_024), ..range }
}

pub(crate) fn any_stale(setup: &Setup, seeds: std::ops::Range<u64>) -> bool {
    seeds.into_par_iter().any(|seed| {
        let setup = Setup { seed: setup.seed.wrapping_add(seed), ..setup.clone() };
        !run(&Arc::new(setup)).check.stale_reads.is_empty()
    })
}

/// Halves a range until its two sides are as close as the tolerance, on a grid that begins at the range's start. Then
/// looks at `samples` parts of the range whether they are on the side where they should be.
pub(crate) fn search(
    range: Range,
    samples: i128,
    stale: &mut dyn FnMut(i128) -> Result<bool, Refusal>,
) -> Result<Search, Refusal> {
    let Range { from, to, tolerance } = range;
    let steps = (to - from + tolerance - 1) / tolerance;
    let value = |step: i128| (from + step * tolerance).min(to);
    let (first, last) = (stale(from)?, stale(to)?);
    let (mut low, mut high) = (0, steps);
    while first != last && high - low > 1 {
        let middle = low + (high - low) / 2;
        if stale(value(middle))? == first { low = middle } else { high = middle }
    }
    for sample in 1..samples {
        let step = steps * sample / samples;
        let expected = if first == last || step <= low { first } else { last };
        if stale(value(step))? != expected {
            return Ok(Search::Mixed { at: value(step) });
        }
    }
    Ok(match (first, last) {
        (false, true) => Search::Found(Edge { stale: value(high), clean: value(low) }),
        (true, false) => Search::Found(Edge { stale: value(low), clean: value(high) }),
        _ => Search::None { stale: first },
    })
}

impl Threshold {
    /// How far theory and adversary are apart, in the smallest part of the unit; `None` unless both found a value.
    pub fn apart(&self) -> Option<i128> {
        match (self.theory, self.adversary) {
            (Ok(Search::Found(theory)), Search::Found(adversary)) if theory.side() == adversary.side() => {
                Some((theory.stale - adversary.stale).abs())
            }
            _ => None,
        }
    }

    /// Did a plain seed find a stale read at a value at which the adversary finds none? Then the adversary does not do the
    /// worst, and arithmetic that agrees with it is wrong as well.
    pub fn beaten_by_seeds(&self) -> bool {
        let Some((_, Search::Found(seeds))) = self.seeds else { return false };
        match self.adversary {
            Search::Found(adversary) => match (adversary.side(), seeds.side()) {
                (Side::Above, Side::Above) => seeds.stale < adversary.stale - self.range.tolerance,
                (Side::Below, Side::Below) => seeds.stale > adversary.stale + self.range.tolerance,
                (Side::Above, Side::Below) | (Side::Below, Side::Above) => true,
            },
            Search::None { stale } => !stale,
            Search::Mixed { .. } => false,
        }
    }

    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        let agree = match (self.theory, self.apart()) {
            (Err(_), _) => true,
            (Ok(_), Some(apart)) => apart <= self.range.tolerance,
            (Ok(said), None) => said == self.adversary,
        };
        match self.adversary {
            _ if !agree || self.beaten_by_seeds() => Verdict::Apart,
            Search::Found(_) => Verdict::Found,
            _ => Verdict::NotFound,
        }
    }
}

impl Verdict {
    /// The exit code of `sim threshold`.
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Found => 0,
            Verdict::NotFound => 3,
            Verdict::Apart => 70,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKEW: &str = r#"
        duration = "16s"
        [cluster]
        first-leader = "n1"
        [lease]
        form = "deadline"
        max-clock-skew = "0s"
        [clock.followers]
        nodes = ["n2", "n3"]
        offset = "0s"
        [network]
        delay = "20us"
    "#;

    fn skew() -> Knob {
        let keys = ["clock.followers.offset".to_owned()];
        Knob::new("skew", SKEW, &[], &keys, &leasehold_run::rules::names()).unwrap()
    }

    fn range(from: i128, to: i128) -> Range {
        Range { from, to, tolerance: 1_000 }
    }

    #[test]
    fn a_seed_that_does_what_the_adversary_cannot_is_our_own_bug() {
        let edge = |stale, clean| Search::Found(Edge { stale, clean });
        let verdict = |adversary, seeds| {
            let range = Range { from: 0, to: 100, tolerance: 1 };
            let found = Threshold {
                range,
                theory: Ok(adversary),
                bound: None,
                adversary,
                stale: None,
                clean: None,
                seeds: Some((1, seeds)),
            };
            found.verdict()
        };
        assert_eq!(verdict(edge(50, 49), edge(60, 59)), Verdict::Found);
        assert_eq!(verdict(edge(50, 49), edge(49, 48)), Verdict::Found, "within the tolerance");
        assert_eq!(verdict(edge(50, 49), edge(40, 39)), Verdict::Apart);
        assert_eq!(verdict(edge(49, 50), edge(40, 41)), Verdict::Found, "stale below");
        assert_eq!(verdict(edge(49, 50), edge(60, 61)), Verdict::Apart);
        assert_eq!(verdict(edge(50, 49), edge(49, 50)), Verdict::Apart, "the other side");
        assert_eq!(verdict(Search::None { stale: false }, edge(60, 59)), Verdict::Apart);
        assert_eq!(verdict(Search::None { stale: false }, Search::None { stale: false }), Verdict::NotFound);
    }

    #[test]
    fn a_wrong_theory_is_our_own_bug() {
        let off_by = |error: i128| {
            move |setup: &Setup| {
                let right = bound(setup)?;
                Ok(right.map(|bound| Bound { room_ns: bound.room_ns + error, ..bound }))
            }
        };
        let verdict = |error| {
            let found =
                threshold_by(&off_by(error), &skew(), range(1_000_000_000, 3_000_000_000), 0, &mut |_, _| {
                    unreachable!("no seeds are asked for")
                })
                .unwrap();
            found.verdict()
        };
        assert_eq!(verdict(0), Verdict::Found);
        assert_eq!(verdict(5_000), Verdict::Apart);
        assert_eq!(verdict(-5_000), Verdict::Apart);
        assert_eq!(Verdict::Apart.exit_code(), 70);
        // A theory that finds no threshold where the adversary finds one is as wrong.
        assert_eq!(verdict(10_000_000_000), Verdict::Apart);
    }

    #[test]
    fn a_range_without_a_threshold_says_so() {
        let found = threshold(&skew(), range(0, 1_000_000_000), 0).unwrap();
        assert_eq!(found.adversary, Search::None { stale: false });
        assert_eq!(found.verdict().exit_code(), 3);
    }

    #[test]
    fn a_search_ends_at_the_tolerance_and_knows_both_sides() {
        let look = |stale: &dyn Fn(i128) -> bool| {
            search(Range { from: 0, to: 1_000, tolerance: 7 }, SAMPLES, &mut |value| Ok(stale(value)))
                .unwrap()
        };
        assert_eq!(look(&|value| value >= 500), Search::Found(Edge { stale: 504, clean: 497 }));
        assert_eq!(look(&|value| value <= 500), Search::Found(Edge { stale: 497, clean: 504 }));
        assert_eq!(look(&|value| value >= 1_000), Search::Found(Edge { stale: 1_000, clean: 994 }));
        assert_eq!(look(&|_| true), Search::None { stale: true });
        assert!(matches!(look(&|value| value >= 500 && value / 100 != 7), Search::Mixed { .. }));
    }
}
