//! `sim shrink`: what comes out shows the same, leaves nothing to chance, is no larger, and stays as it is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use leasehold_lab::shrink::{Kind, Smallest, Violation, draws, shrink, text};
use leasehold_lab::study::study;
use leasehold_lab::swarm::{Bound, Profile, draw};
use leasehold_run::rules;
use leasehold_run::run::run;
use leasehold_run::scenario::{Row, load};
use leasehold_run::setup::Setup;
use leasehold_run::study::Verdict;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of a scenario below `scenarios`.
fn rows(file: &str) -> Vec<Row> {
    let text = fs::read_to_string(root().join("scenarios").join(file)).unwrap();
    load(file, &text, &[], &rules::names()).unwrap_or_else(|wrong| panic!("{}", wrong.render(false))).rows
}

/// The row of that label.
fn row(file: &str, label: &str) -> Row {
    rows(file).into_iter().find(|row| row.label == label).unwrap_or_else(|| panic!("{file}: no row {label}"))
}

fn smallest(setup: &Setup) -> Option<Smallest> {
    shrink(setup, &AtomicBool::new(false), &mut |_| ())
}

/// Shrinks it, checks everything that is claimed of what comes out, and gives the file.
fn check(name: &str, setup: &Setup) -> String {
    let before = Arc::new(setup.clone());
    let found = smallest(setup).unwrap_or_else(|| panic!("{name} shows nothing"));
    assert!(found.complete, "{name}");
    let shrunk = text(&found, name, "");
    let file = shrunk.text;
    assert_eq!(shrunk.draws, 0, "{name} depends on its seed\n{file}");

    // The file is the setup, and shows what it expects.
    let plan = load("minimal", &file, &[], &rules::names());
    let plan = plan.unwrap_or_else(|wrong| panic!("{}\n{file}", wrong.render(false)));
    let read = &plan.rows[0].scenario;
    assert_eq!(read.setup, *found.setup, "{name}\n{file}");
    assert_eq!(draws(&Arc::new(read.setup.clone())), 0, "{name}\n{file}");
    let verdict = study(&plan, &AtomicBool::new(false), &|| ()).verdict;
    assert_eq!(verdict, Verdict::AsExpected, "{name}\n{file}");

    // The seed has no say in it.
    let other = Arc::new(Setup { seed: 4_711, ..read.setup.clone() });
    assert_eq!(run(&other).trace_hash, run(&found.setup).trace_hash, "{name}\n{file}");

    // It is the same violation, and no larger.
    if let (false, Some(original)) = (found.provoked, Violation::of(&before, &run(&before))) {
        assert_eq!(found.violation.kind, original.kind, "{name}\n{file}");
        assert!(found.violation.causes.is_subset(&original.causes), "{name}\n{file}");
        assert_eq!(found.violation.causes.is_empty(), original.causes.is_empty(), "{name}\n{file}");
        assert_eq!(found.violation.under_lease, original.under_lease, "{name}\n{file}");
        assert!(found.violation.rules_to_blame || !original.rules_to_blame, "{name}\n{file}");
    }
    let (from, now) = (found.progress.from, found.progress.now);
    assert!(now.nodes <= from.nodes && now.faults <= from.faults, "{name}: {from:?} {now:?}\n{file}");
    assert!(now.operations <= from.operations.max(2), "{name}: {from:?} {now:?}\n{file}");

    // Shrinking again changes no byte, wherever it is said to come from.
    let again = smallest(&read.setup).unwrap();
    assert_eq!(text(&again, "elsewhere", &read.story).text, file, "{name}");
    file
}

#[test]
fn every_broken_rule_s_scenario_becomes_small() {
    for rule in rules::BROKEN {
        let setup = row(&format!("rules/{}.toml", rule.name), rule.name).scenario.setup;
        let file = check(rule.name, &setup);
        assert!(file.contains(&format!("rules = {:?}", rule.name)), "{file}");
        assert!(file.lines().filter(|line| line.starts_with("[client.")).count() <= 2, "{file}");
    }
}

#[test]
fn stale_reads_under_the_sound_rules_become_small() {
    for (file, label, cause) in [
        ("skew.toml", "2.001s", "clock is too far ahead"),
        ("drift.toml", "5.27%", "clock is too fast"),
        ("suspend.toml", "raw clock alone", "clock has lost time"),
        ("hypervisor-pause.toml", "2.501s", "clock has lost time"),
        ("hypervisor-pause-restart.toml", "voters restart", "stale read"),
        ("step.toml", "followers set forward by 3 s", "clock is too far ahead"),
        ("formula-gap.toml", "301ms", "clock is too far ahead"),
    ] {
        let written = check(&format!("{file} {label}"), &row(file, label).scenario.setup);
        assert!(written.contains(cause), "{written}");
        assert!(written.contains("[client.reader]") && written.contains("[client.writer]"), "{written}");
    }
}

#[test]
fn drawn_seeds_become_small() {
    let seeds = [
        ("half-quorum", Bound::Within, 124),
        ("half-quorum", Bound::Within, 173),
        ("restart-forgets", Bound::Within, 276),
        ("nothing-withheld", Bound::Within, 17),
        ("guesses-time", Bound::Within, 246),
        (rules::SOUND, Bound::Beyond, 848),
        (rules::SOUND, Bound::Beyond, 946),
    ];
    for (rules, bound, seed) in seeds {
        let setup = draw(seed, &Profile { rules, bound });
        check(&format!("seed {seed}, {rules} rules"), &setup);
    }
}

/// Two could serve, and nobody asked: then somebody does.
#[test]
fn a_negative_margin_becomes_a_stale_read() {
    let mut setup = row("skew.toml", "3s").scenario.setup;
    setup.clients.clear();
    let silent = Arc::new(setup.clone());
    let violation = Violation::of(&silent, &run(&silent)).unwrap();
    assert_eq!(violation.kind, Kind::TwoCouldServe { endless: false });
    let found = smallest(&setup).unwrap();
    assert!(found.provoked);
    assert_eq!(found.violation.kind, Kind::StaleRead);
    check("nobody asks", &setup);
}

/// A leader that wakes up hears of the next term before any client asks it: no question makes a stale read of it.
#[test]
fn a_negative_margin_that_no_read_can_use_is_shrunk_as_it_is() {
    let text = "duration = \"20s\"\nseed = 1\n[cluster]\nfirst-leader = \"n1\"\n[lease]\nduration = \"900ms\"\n\
                election-timeout = \"1s\"\nmax-clock-skew = \"0s\"\n[[fault]]\nat = \"10s\"\nfor = \"2s\"\n\
                hypervisor-pause = { node = \"n1\" }\n[[fault]]\nat = \"5s\"\nfor = \"500ms\"\npause = { node = \"n2\" }\n";
    let plan = load("pause", text, &[], &rules::names()).unwrap_or_else(|errors| panic!("{errors}"));
    let setup = &plan.rows[0].scenario.setup;
    let found = smallest(setup).unwrap();
    assert!(!found.provoked);
    assert_eq!(found.violation.kind, Kind::TwoCouldServe { endless: false });
    assert_eq!(found.setup.faults.len(), 1, "the pause of n2 is not needed");
    assert_eq!(found.setup.lease, setup.lease, "the lengths stay");
    let margin = run(&found.setup).smallest_margin().unwrap();
    assert!(margin < 0 && margin > i64::MIN, "{margin}");
    let written = check("a hypervisor's pause", setup);
    assert!(written.contains("the margin is -"), "{written}");
}

#[test]
fn a_clean_run_has_nothing_to_shrink() {
    assert!(smallest(&row("skew.toml", "2s").scenario.setup).is_none());
}

#[test]
fn an_interrupted_search_keeps_what_it_has() {
    let setup = row("rules/half-quorum.toml", "half-quorum").scenario.setup;
    let stop = AtomicBool::new(false);
    let found = shrink(&setup, &stop, &mut |_| stop.store(true, std::sync::atomic::Ordering::Relaxed));
    let found = found.unwrap();
    assert!(!found.complete);
    assert_ne!(*found.setup, setup, "one step was taken");
    assert_eq!(found.violation.kind, Kind::StaleRead);
    let whole = smallest(&setup).unwrap();
    assert!(whole.progress.runs > found.progress.runs);
}

#[test]
fn the_least_jitter_is_not_above_the_most() {
    let text = "duration = \"1s\"\n[node.n3]\nelection-jitter = \"1ms\"\nelection-jitter-least = \"2ms\"\n";
    let wrong = load("jitter.toml", text, &[], &rules::names()).unwrap_err().render(false);
    assert!(wrong.contains("the least jitter of `n3` is above its most, 1ms"), "{wrong}");
    assert!(wrong.contains("jitter.toml:4:"), "{wrong}");
}

#[test]
fn the_files_are_what_a_person_would_have_written() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        let skew = check("scenarios/skew.toml, seed 42", &row("skew.toml", "2.001s").scenario.setup);
        insta::assert_snapshot!("shrink__skew", skew);
        let setup = draw(124, &Profile { rules: "half-quorum", bound: Bound::Within });
        let drawn = check("store/explore/seeds/half-quorum-within-124.toml, seed 124", &setup);
        insta::assert_snapshot!("shrink__half-quorum-124", drawn);
    });
}
