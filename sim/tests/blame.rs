//! Who took the slack: each cause takes exactly what it is, and the parts add up.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;

use leasehold_sim::blame::{Accountant, Blame, Part};
use leasehold_sim::run::{Outcome, run_observed};
use leasehold_sim::setup::Setup;
use leasehold_sim::swarm::{Bound, Profile, draw};
use leasehold_sim::watch::LeadershipChange;
use leasehold_sim::{rules, scenario};

fn split(setup: Setup) -> (Outcome, Vec<Option<Blame>>) {
    let setup = Arc::new(setup);
    let mut accountant = Accountant::new(&setup);
    let outcome = run_observed(&setup, &mut accountant);
    let blames = accountant.split(&outcome.changes);
    (outcome, blames)
}

/// The rows of a scenario, by label, with the split of the smallest margin of each.
fn rows(file: &str, sets: &[&str]) -> Vec<(String, Blame)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let plan = scenario::load(file, &text, &sets, &rules::names());
    let plan = plan.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let rows = plan.rows.into_iter().filter_map(|row| {
        let (outcome, blames) = split(row.scenario.setup);
        for (change, blame) in outcome.changes.iter().zip(&blames) {
            adds_up(change, blame.as_ref());
        }
        let changes = outcome.changes.iter().zip(blames);
        let margins = changes.filter_map(|(change, blame)| Some((change.margin()?, blame)));
        let smallest = margins.min_by_key(|(margin, _)| *margin)?.1?;
        Some((row.label, smallest))
    });
    rows.collect()
}

fn adds_up(change: &LeadershipChange, blame: Option<&Blame>) {
    match (change.margin(), blame) {
        (Some(margin), Some(blame)) => assert_eq!(blame.margin(), margin, "{change:?}: {blame:?}"),
        (margin, None) => assert!(margin.is_none_or(|margin| margin == i64::MIN), "{change:?}"),
        (None, Some(_)) => panic!("no margin to split: {change:?}"),
    }
}

/// Only these parts, but for messages and waits, which are between 0 and `messages_ns_max`.
fn only(blame: &Blame, wanted: &[(Part, i64)], messages_ns_max: i64) {
    let found: Vec<(Part, i64)> =
        blame.parts.iter().copied().filter(|(part, _)| *part != Part::Messages).collect();
    assert_eq!(found, wanted, "{blame:?}");
    let messages = blame.part(Part::Messages);
    assert!((0..=messages_ns_max).contains(&messages), "{blame:?}");
}

const MS: i64 = 1_000_000;

#[test]
fn skew_takes_exactly_the_offset() {
    let rows = rows("skew.toml", &[]);
    assert_eq!(rows.len(), 19);
    for (label, blame) in rows {
        assert_eq!(blame.slack_ns, 2_000 * MS);
        let offset = scenario::units::Quantity::parse(&label, &scenario::units::TIME).unwrap().value;
        let offset = i64::try_from(offset).unwrap();
        let wanted = if offset == 0 { Vec::new() } else { vec![(Part::Offset, -offset)] };
        only(&blame, &wanted, MS);
    }
}

#[test]
fn drift_takes_what_both_clocks_gain_and_lose() {
    for (label, blame) in rows("drift.toml", &[]) {
        let rate = scenario::units::Quantity::parse(&label, &scenario::units::PARTS).unwrap().value;
        let in_true_time =
            |length: i128, ppb: i128| (length * 1_000_000_000 + 999_999_999 + ppb) / (1_000_000_000 + ppb);
        let promise = in_true_time(5_000_000_000, rate) - 5_000_000_000;
        let lease = in_true_time(4_500_000_000, -rate) - 4_500_000_000;
        let wanted = i64::try_from(promise - lease).unwrap();
        assert_eq!(blame.slack_ns, 500 * MS);
        // Readings are whole nanoseconds.
        assert!((blame.part(Part::Drift) - wanted).abs() <= 2, "{label}: {blame:?}, {wanted}");
        let drift = blame.parts.iter().copied().filter(|(part, _)| *part == Part::Drift);
        only(&blame, &drift.collect::<Vec<_>>(), MS);
    }
}

#[test]
fn every_cause_is_found_in_the_scenario_that_shows_it() {
    for (file, sets, label, part, least, most) in [
        ("step.toml", &[][..], "", Part::Step, -3_000 * MS, -1_000 * MS),
        ("suspend.toml", &["clock.n1.stamp=raw"][..], "", Part::Suspend, -10_000 * MS, -MS),
        ("hypervisor-pause.toml", &[], "", Part::HypervisorPause, -10_000 * MS, -MS),
    ] {
        let rows = rows(file, sets);
        eprintln!("{file}: {rows:?}");
        let found = rows.iter().filter(|(own, _)| own.contains(label));
        let found: Vec<i64> = found.map(|(_, blame)| blame.part(part)).collect();
        assert!(found.iter().any(|nanos| (least..=most).contains(nanos)), "{file}: {found:?}");
    }
}

#[test]
fn nothing_is_left_over_in_any_scenario() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    for folder in ["", "rules"] {
        for entry in std::fs::read_dir(scenarios.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let file = path.strip_prefix(&scenarios).unwrap().to_str().unwrap().to_owned();
            for (label, blame) in rows(&file, &[]) {
                eprintln!("{file} {label}: {blame:?}");
                assert_eq!(blame.part(Part::Other), 0, "{file} {label}: {blame:?}");
            }
        }
    }
}

#[test]
fn parts_add_up_whatever_the_seed_draws() {
    let (mut split_margins, mut unexplained) = (0, Vec::new());
    let broken = rules::BROKEN.iter().map(|named| named.name);
    for (rules, bound, seeds) in [(rules::SOUND, Bound::Within, 400), (rules::SOUND, Bound::Beyond, 200)]
        .into_iter()
        .chain(broken.map(|name| (name, Bound::Within, 25)))
    {
        for seed in 0..seeds {
            let (outcome, blames) = split(draw(seed, &Profile { rules, bound }));
            for (change, blame) in outcome.changes.iter().zip(&blames) {
                adds_up(change, blame.as_ref());
                let Some(blame) = blame else { continue };
                split_margins += 1;
                let wrong =
                    blame.part(Part::Other) != 0 || (rules == rules::SOUND && blame.part(Part::Rule) != 0);
                if wrong {
                    unexplained.push(format!("{rules} seed {seed}, {bound:?}: {change:?} {blame:?}"));
                }
            }
        }
    }
    assert!(unexplained.is_empty(), "{} of {split_margins}:\n{}", unexplained.len(), unexplained.join("\n"));
    assert!(split_margins > 500, "{split_margins}");
}
