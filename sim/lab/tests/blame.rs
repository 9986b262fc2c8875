//! Who took the slack: each cause takes exactly what it is, and the parts add up.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;

use leasehold_lab::swarm::{Bound, Profile, draw};
use leasehold_run::blame::{Accountant, Blame, Part};
use leasehold_run::run::{Outcome, run_observed};
use leasehold_run::setup::{Action, Order, Setup};
use leasehold_run::watch::LeadershipChange;
use leasehold_run::{rules, scenario};

fn split(setup: Setup) -> (Outcome, Vec<Option<Blame>>) {
    let setup = Arc::new(setup);
    let mut accountant = Accountant::new(&setup);
    let outcome = run_observed(&setup, &mut accountant);
    let blames = accountant.split(&outcome.changes);
    (outcome, blames)
}

/// The rows of a scenario, by label, with the split of the smallest margin of each.
fn rows(file: &str, sets: &[&str]) -> Vec<(String, Blame)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let plan = scenario::load(file, &text, &sets, &rules::names());
    let plan = plan.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let rows = plan.rows.into_iter().filter_map(|row| {
        let setup = &row.scenario.setup;
        let lengths_change =
            setup.faults.iter().any(|fault| matches!(fault.action, Action::Order(Order::Apply { .. })))
                || (setup.changes_members() && setup.rules == rules::TOO_EARLY);
        let (outcome, blames) = split(row.scenario.setup);
        if lengths_change {
            assert!(
                blames.iter().all(Option::is_none),
                "nothing is split where lengths or wrong members change"
            );
            return None;
        }
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

/// The part of the row with that label, which must be there.
fn part(rows: &[(String, Blame)], label: &str, part: Part) -> i64 {
    let found = rows.iter().find(|(own, _)| own == label);
    found.unwrap_or_else(|| panic!("no row {label}: {rows:?}")).1.part(part)
}

#[test]
fn a_step_takes_what_it_set_and_a_leader_that_notices_loses_its_lease() {
    let rows = rows("step.toml", &[]);
    assert_eq!(part(&rows, "followers set forward by 3 s", Part::Step), -3_000 * MS);
    assert_eq!(part(&rows, "leader set back by 3 s", Part::Step), -3_000 * MS);
    assert_eq!(part(&rows, "leader set back by 2 s, followers forward by 1 s", Part::Step), -3_000 * MS);
    assert_eq!(part(&rows, "leader set back by 3 s after its last renewal", Part::EndedEarly), 2_000 * MS);
    let elapsed = rows.iter().find(|(label, _)| label.starts_with("elapsed form")).unwrap();
    only(&elapsed.1, &[], MS);
}

#[test]
fn a_suspend_takes_its_length_from_the_raw_clock_alone() {
    let rows = rows("suspend.toml", &[]);
    assert_eq!(part(&rows, "raw clock alone", Part::Suspend), -6_000 * MS);
    for label in ["two clocks", "boot clock alone"] {
        assert_eq!(part(&rows, label, Part::Suspend), 0);
        assert!(part(&rows, label, Part::EndedEarly) > 0);
    }
}

#[test]
fn a_hypervisor_pause_takes_its_length() {
    for (label, blame) in rows("hypervisor-pause.toml", &[]) {
        let length = scenario::units::Quantity::parse(&label, &scenario::units::TIME).unwrap().value;
        only(&blame, &[(Part::HypervisorPause, -i64::try_from(length).unwrap())], MS);
    }
}

#[test]
fn a_broken_rule_is_blamed_where_it_moves_a_lease_or_a_vote() {
    // These move neither: the lease is over when it should be, and reads are served without one.
    let elsewhere = [
        "serves-unapplied",
        "cached-clock",
        "guesses-time",
        "reads-unconfirmed",
        "reads-earlier-round",
        "reads-shared-round",
    ];
    // Where lengths, or wrong members, change during a run nothing is split; nor is a lease that never ends.
    let whole = ["promise-may-shrink", rules::TOO_EARLY, "never-steps-down"];
    let split = rules::BROKEN.iter().map(|named| named.name).filter(|rules| !whole.contains(rules));
    for rules in split {
        let rows = rows(&format!("rules/{rules}.toml"), &[]);
        assert_eq!(part(&rows, "sound", Part::Rule), 0, "{rows:?}");
        let taken = part(&rows, rules, Part::Rule);
        assert_eq!(taken < 0, !elsewhere.contains(&rules), "{rules}: {rows:?}");
        let margin = rows.iter().find(|(label, _)| label == rules).unwrap().1.margin();
        assert!(margin > 0 || margin - taken > 0, "without what the rule took it is safe: {rows:?}");
    }
}

#[test]
fn nothing_is_left_over_in_any_scenario() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    for folder in ["", "rules", "gallery"] {
        for entry in std::fs::read_dir(scenarios.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let file = path.strip_prefix(&scenarios).unwrap().to_str().unwrap().to_owned();
            // Looked at above, row by row.
            if ["skew.toml", "drift.toml", "hypervisor-pause.toml"].contains(&file.as_str()) {
                continue;
            }
            // Each row's parts are compared with its margin.
            let _ = rows(&file, &[]);
        }
    }
}

/// A suspend, and within it a pause of the hypervisor: the leader stands still since the first of the two.
#[test]
fn stops_that_overlap_are_counted_once() {
    let text = r#"
        duration = "9s"
        [lease]
        form = "deadline"
        duration = "379610158ns"
        election-timeout = "1s"
        max-clock-skew = "0s"
        [cluster]
        first-leader = "n1"
        [[fault]]
        when = { event = "lease-renewed", node = "n1", from = "4s" }
        for = "1861169527ns"
        suspend = { node = "n1" }
        [[fault]]
        when = { event = "lease-renewed", node = "n1", from = "4s" }
        after = "56941523ns"
        hypervisor-pause = { node = "n1" }
        [[fault]]
        when = { event = "lease-renewed", node = "n1", from = "4s" }
        for = "500ms"
        unsynchronize = { node = "n1" }
    "#;
    let plan =
        scenario::load("overlap", text, &[], &rules::names()).unwrap_or_else(|errors| panic!("{errors}"));
    let setup = &plan.rows[0].scenario.setup;
    let mut split_margins = 0;
    for seed in 0..20 {
        let (outcome, blames) = split(Setup { seed, ..setup.clone() });
        for (change, blame) in outcome.changes.iter().zip(&blames) {
            adds_up(change, blame.as_ref());
            if let Some(blame) = blame {
                assert_eq!(blame.part(Part::Rule), 0, "{blame:?}");
                split_margins += 1;
            }
        }
    }
    assert!(split_margins >= 20, "{split_margins}");
}

#[test]
fn parts_add_up_whatever_the_seed_draws() {
    let (mut split_margins, mut unexplained) = (0, Vec::new());
    let broken = rules::BROKEN.iter().map(|named| named.name).filter(|name| *name != rules::TOO_EARLY);
    for (rules, bound, seeds) in [(rules::SOUND, Bound::Within, 400), (rules::SOUND, Bound::Beyond, 200)]
        .into_iter()
        .chain(broken.map(|name| (name, Bound::Within, 25)))
    {
        for seed in 0..seeds {
            let setup = draw(seed, &Profile { rules, bound });
            if setup.faults.iter().any(|fault| matches!(fault.action, Action::Order(Order::Apply { .. }))) {
                continue;
            }
            let (outcome, blames) = split(setup);
            for (change, blame) in outcome.changes.iter().zip(&blames) {
                adds_up(change, blame.as_ref());
                let Some(blame) = blame else { continue };
                split_margins += 1;
                if rules == rules::SOUND && blame.part(Part::Rule) != 0 {
                    unexplained.push(format!("{rules} seed {seed}, {bound:?}: {change:?} {blame:?}"));
                }
            }
        }
    }
    assert!(unexplained.is_empty(), "{} of {split_margins}:\n{}", unexplained.len(), unexplained.join("\n"));
    assert!(split_margins > 500, "{split_margins}");
}
