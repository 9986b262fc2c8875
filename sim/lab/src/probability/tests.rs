#![allow(clippy::float_arithmetic, reason = "probabilities")]

use super::*;
use leasehold_run::rules;
use leasehold_run::scenario;

fn setup(sets: &[&str]) -> Arc<Setup> {
    let text = include_str!("../../../../scenarios/chance.toml");
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let plan = scenario::load("chance", text, &sets, &rules::names()).unwrap();
    Arc::new(plan.rows[0].scenario.setup.clone())
}

fn split(setup: &Arc<Setup>, rare: Rare, particles: u32, replications: u32) -> Estimate {
    let asked = Asked { rare, particles, replications };
    estimate(setup, &asked, &AtomicBool::new(false), &|| ())
}

/// Splitting must be right where plain seeds can still see. All seeds are fixed.
fn agrees(sets: &[&str], rare: Rare, seeds: u64) {
    let setup = setup(sets);
    let found = split(&setup, rare, 100, 40).probability;
    let plain = plain(&setup, rare, 0..seeds, &AtomicBool::new(false));
    let (low, high) = interval(plain.seen, plain.seeds);
    assert!(plain.seen >= 50, "{plain:?} is too few to compare with");
    assert!(found.relative_error < 0.1, "{found:?}");
    assert!(found.low <= high && low <= found.high, "splitting {found:?}, plain {low} to {high}");
}

#[test]
fn splitting_finds_the_negative_margins_that_plain_seeds_find() {
    agrees(&["clock.followers.offset=41.5ms"], Rare::NegativeMargin, 12_000);
}

#[test]
fn splitting_finds_the_stale_reads_that_plain_seeds_find() {
    agrees(&["clock.followers.offset=43.5ms"], Rare::StaleRead, 3_000);
}

/// Rules that break without any of the levels: stale reads come from below, and are found nevertheless.
#[test]
fn an_event_that_jumps_over_levels_is_not_missed() {
    let sets = ["clock.followers.offset=0s", "lease.rules=nothing-withheld", "timers.election-jitter=60ms"];
    let setup = setup(&sets);
    let found = split(&setup, Rare::NegativeMargin, 50, 8).probability;
    let plain = plain(&setup, Rare::NegativeMargin, 0..400, &AtomicBool::new(false));
    let (low, high) = interval(plain.seen, plain.seeds);
    assert!(found.low <= high && low <= found.high, "splitting {found:?}, plain {plain:?}");
}

#[test]
fn an_estimate_does_not_depend_on_the_threads() {
    let setup = setup(&["clock.followers.offset=41ms"]);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| split(&setup, Rare::NegativeMargin, 30, 6))
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn what_was_not_seen_has_an_upper_bound_and_no_zero() {
    let setup = setup(&["clock.followers.offset=0s"]);
    let found = split(&setup, Rare::StaleRead, 20, 5);
    assert_eq!((found.seen_in, found.probability.value), (0, 0.0));
    let high = found.probability.high;
    assert_eq!(high, interval(0, 100).1, "what a hundred plain seeds would say");
    assert!(high > 0.0 && high < 0.05);
}

#[test]
fn levels_become_rarer() {
    let setup = setup(&["clock.followers.offset=41ms"]);
    let found = split(&setup, Rare::NegativeMargin, 100, 8);
    assert_eq!(found.levels[0], 1.0);
    assert!(found.levels[..9].is_sorted_by(|before, after| before >= after), "{:?}", found.levels);
    assert!(found.levels[8] > 0.0 && found.levels[8] < 0.01, "{:?}", found.levels);
}
