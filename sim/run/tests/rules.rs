//! Every broken rule has a scenario that catches it and that leaves the sound rules clean: a safety test must be able to
//! fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_check as check;
use leasehold_run::explain::explain;
use leasehold_run::rules;
use leasehold_run::run::{Outcome, run};
use leasehold_run::scenario::{Plan, Row, load};
use leasehold_run::setup::Setup;
use leasehold_run::study::{Study, Verdict, run_row};
use leasehold_run::watch::Invariant;
use rayon::prelude::*;

/// A file in `scenarios/rules`: one broken rule's.
struct Exhibit {
    /// The rule's name, which is the file's.
    rule: String,
    plan: Plan,
}

impl Exhibit {
    /// What to type to see it.
    fn replay(&self) -> String {
        format!("cargo sim run scenarios/rules/{}.toml", self.rule)
    }

    /// Runs the variant of that name, which must follow the rules of that name.
    fn run(&self, variant: &str) -> (Arc<Setup>, Outcome) {
        let row = self.plan.rows.iter().find(|row| row.label == variant);
        let row: &Row = row.unwrap_or_else(|| panic!("{}: no variant named {variant}", self.replay()));
        let setup = Arc::new(row.scenario.setup.clone());
        assert_eq!(setup.rules, variant, "{}: the variant of that name follows other rules", self.replay());
        let outcome = run(&setup);
        (setup, outcome)
    }
}

/// What shows that a rule is broken.
enum Evidence {
    /// Stale reads, while two nodes could serve: the margin is negative.
    StaleReadsInANegativeMargin,
    /// Stale reads although the margin is positive. It measures leases by the alarm that ends them, and here that is not
    /// what decides.
    StaleReads,
    /// No stale read, because another rule covers for this one.
    Broken(Invariant),
}

fn evidence(rule: &str) -> Evidence {
    match rule {
        // To vote it moves to a later term, and so steps down, which ends its lease.
        "leader-votes" => Evidence::Broken(Invariant::LeaderPromiseKept),
        // It is the new leader that is stale.
        "serves-unapplied" => Evidence::StaleReads,
        // The lease is over; its holder does not look, or does not care.
        "cached-clock" | "guesses-time" => Evidence::StaleReads,
        // No lease is used: a quorum was not asked, or asked too early.
        "reads-unconfirmed" | "reads-earlier-round" | "reads-shared-round" => Evidence::StaleReads,
        _ => Evidence::StaleReadsInANegativeMargin,
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/rules")
}

/// All of them, by name.
fn exhibits() -> Vec<Exhibit> {
    let files = fs::read_dir(folder()).expect("the folder is part of the repository");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a readable folder").path()).collect();
    files.sort();
    files.iter().map(|file| exhibit(file)).collect()
}

fn exhibit(file: &Path) -> Exhibit {
    let rule = file.file_stem().expect("a file's name").to_string_lossy().into_owned();
    let text = fs::read_to_string(file).expect("a readable file");
    let name = format!("scenarios/rules/{rule}.toml");
    let plan = match load(&name, &text, &[], &rules::names()) {
        Ok(plan) => plan,
        Err(mistakes) => panic!("{}", mistakes.render(false)),
    };
    Exhibit { rule, plan }
}

#[test]
fn every_broken_rule_has_a_scenario() {
    let broken: BTreeSet<String> = rules::BROKEN.iter().map(|named| named.name.to_owned()).collect();
    let found: BTreeSet<String> = exhibits().into_iter().map(|exhibit| exhibit.rule).collect();
    assert_eq!(broken, found, "left: the broken rules; right: the files in scenarios/rules");
}

#[test]
fn the_scenarios_show_what_they_say() {
    for exhibit in exhibits() {
        let rows = exhibit.plan.rows.par_iter().map(run_row).collect();
        let study = Study::of_rows(&exhibit.plan, rows);
        assert_eq!(study.verdict, Verdict::AsExpected, "{}", exhibit.replay());
        assert!(exhibit.plan.warnings.is_empty(), "{}", exhibit.replay());
    }
}

#[test]
fn the_sound_rules_are_clean_for_the_right_reason() {
    for exhibit in exhibits() {
        let replay = exhibit.replay();
        let (_, outcome) = exhibit.run(rules::SOUND);
        assert_eq!(outcome.check.outcome, check::Outcome::Linearizable, "{replay}");
        assert_eq!(outcome.broken, [], "{replay}");
        assert_eq!(outcome.overlap, None, "{replay}: two leases at once");
        assert!(outcome.reads().1 > 0, "{replay}: no read was served under a lease");
        let margin = outcome.smallest_margin().unwrap_or_else(|| panic!("{replay}: nobody took over"));
        assert!(margin >= 0, "{replay}: the margin is {margin} ns");
    }
}

#[test]
fn the_broken_rules_are_caught() {
    for exhibit in exhibits() {
        let replay = exhibit.replay();
        let (_, outcome) = exhibit.run(&exhibit.rule);
        let stale = outcome.check.stale_reads.len();
        let margin = outcome.smallest_margin().unwrap_or_else(|| panic!("{replay}: nobody took over"));
        match evidence(&exhibit.rule) {
            Evidence::StaleReadsInANegativeMargin => {
                assert!(stale > 0, "{replay}: no stale read");
                assert!(margin < 0, "{replay}: the margin is {margin} ns");
            }
            Evidence::StaleReads => {
                assert!(stale > 0, "{replay}: no stale read");
                assert!(margin >= 0, "{replay}: the margin is {margin} ns; demand that of it from now on");
            }
            Evidence::Broken(invariant) => {
                assert_eq!(stale, 0, "{replay}: stale reads; demand them of it from now on");
                let reported = outcome.broken.iter().any(|broken| broken.invariant == invariant);
                assert!(reported, "{replay}: not reported: {invariant}");
            }
        }
    }
}

#[test]
fn the_explanation_of_a_stale_read_blames_the_broken_rule() {
    for exhibit in exhibits() {
        let (setup, outcome) = exhibit.run(&exhibit.rule);
        let Some(first) = outcome.check.stale_reads.first() else { continue };
        let why = explain(&setup, &outcome, first).why;
        let named = why.iter().any(|sentence| sentence.contains(&exhibit.rule));
        assert!(named, "{}: {why:?}", exhibit.replay());
    }
}
