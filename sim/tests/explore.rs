//! Exploring: what is drawn stays within its bound, and the results depend on the seeds alone.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::convert::Infallible;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use leasehold_lab::swarm::{
    Bound, End, Limits, Profile, Row, Summary, draw, explore, run_seed, slack, within_bound,
};
use leasehold_run::rules;
use leasehold_run::scenario;
use leasehold_run::setup::{Action, FaultSpec, Order};
use proptest::prelude::*;

const SOUND: Profile = Profile { rules: rules::SOUND, bound: Bound::Within };

fn rows_of(profile: &Profile, seeds: Range<u64>, limits: Limits) -> (Vec<Row>, End) {
    let mut found = Vec::new();
    let end = explore(&(*profile).into(), seeds, limits, &AtomicBool::new(false), &|_| (), &mut |rows| {
        found.extend_from_slice(rows);
        Ok::<(), Infallible>(())
    });
    (found, end.unwrap())
}

fn rows(profile: &Profile, seeds: Range<u64>) -> Vec<Row> {
    rows_of(profile, seeds, Limits::default()).0
}

fn reads_back(seed: u64, bound: Bound) {
    let setup = draw(seed, &Profile { bound, ..SOUND });
    let story = ["a story".to_owned()];
    let text = scenario::Written { title: "a title", story: &story, expect: "any", setup: &setup }.to_toml();
    let plan = scenario::load("drawn.toml", &text, &[], &rules::names());
    let plan = plan.unwrap_or_else(|problems| panic!("seed {seed}: {}", problems.render(false)));
    assert_eq!(plan.rows[0].scenario.setup, setup, "seed {seed}");
}

#[test]
fn a_cut_of_nobody_is_not_drawn() {
    reads_back(8_737_819_675_192_045_242, Bound::Beyond);
}

#[test]
fn no_leadership_is_handed_to_a_voter_that_became_a_learner() {
    reads_back(17_542_158_430_160_222_848, Bound::Within);
}

proptest! {
    #[test]
    fn clocks_are_drawn_within_the_bound(seed: u64) {
        let within = draw(seed, &SOUND);
        prop_assert_eq!(&within, &draw(seed, &SOUND));
        // Theory has no say about lengths that change. It has about each of them.
        let applied = |fault: &FaultSpec| match fault.action {
            Action::Order(Order::Apply { lengths }) => Some(lengths),
            _ => None,
        };
        let mut usual = within.clone();
        usual.faults.retain(|fault| applied(fault).is_none());
        prop_assert!(within_bound(&usual), "seed {seed}: {:?}", slack(&usual));
        for lengths in within.faults.iter().filter_map(applied) {
            let mut changed = usual.clone();
            for node in &mut changed.nodes {
                node.lease.duration = lengths.duration;
                node.lease.election_timeout = lengths.election_timeout;
            }
            prop_assert!(within_bound(&changed), "seed {seed}, {lengths:?}: {:?}", slack(&changed));
        }
    }

    #[test]
    fn the_rules_change_nothing_but_the_rules(seed: u64, place in 0..rules::BROKEN.len()) {
        let mut broken = draw(seed, &Profile { rules: rules::BROKEN[place].name, ..SOUND });
        broken.rules = rules::SOUND.to_owned();
        prop_assert_eq!(broken, draw(seed, &SOUND));
    }

    #[test]
    fn a_drawn_setup_written_as_a_scenario_is_read_back_as_it_was(seed: u64, beyond: bool) {
        reads_back(seed, if beyond { Bound::Beyond } else { Bound::Within });
    }
}

#[test]
fn beyond_the_bound_is_where_theory_says_it_is() {
    let beyond = Profile { bound: Bound::Beyond, ..SOUND };
    let unsafe_clocks = (0..200).filter(|seed| !within_bound(&draw(*seed, &beyond))).count();
    assert!(unsafe_clocks > 120, "{unsafe_clocks} of 200");
}

#[test]
fn five_hundred_seeds_within_the_bound_are_clean_and_worth_running() {
    let mut summary = Summary::default();
    for row in rows(&SOUND, 0..500) {
        assert!(
            row.found.is_empty(),
            "cargo sim explore --show {}: {:?} {:?}",
            row.seed,
            row.found,
            row.detail
        );
        assert!(row.margin_ns.is_none_or(|margin| margin > 0));
        summary.add(&row);
    }
    assert!(summary.with_takeover > 250, "leaders followed each other in {} of 500", summary.with_takeover);
    assert!(summary.with_lease_reads > 450, "{} of 500 had a lease read", summary.with_lease_reads);
}

#[test]
fn rules_that_withhold_nothing_are_caught() {
    // It takes a handful; a hundred leaves room for a new version of the draw.
    for rules in ["nothing-withheld", "pre-vote-withheld-only"] {
        let limits = Limits { failures_max: Some(1) };
        let (rows, end) = rows_of(&Profile { rules, ..SOUND }, 0..100, limits);
        assert_eq!(end, End::FailuresMax, "{rules}: nothing in {} seeds", rows.len());
        assert!(rows.last().is_some_and(|row| !row.found.is_empty()));
    }
}

#[test]
fn a_row_says_the_same_after_a_trip_through_json() {
    for rules in [rules::SOUND, "nothing-withheld", "half-quorum"] {
        for row in rows(&Profile { rules, ..SOUND }, 0..100) {
            assert_eq!(Row::from_json(&row.to_json()), Some(row));
        }
    }
}

#[test]
fn rows_are_the_same_with_one_thread_and_with_three() {
    let profile = Profile { rules: "half-quorum", bound: Bound::Within };
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let limits = Limits { failures_max: Some(2) };
        pool.install(|| (rows(&profile, 0..150), rows_of(&profile, 0..600, limits)))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_seed_alone_gives_the_row_it_gives_among_others() {
    let all = rows(&SOUND, 0..50);
    assert_eq!(run_seed(17, &SOUND.into()), all[17]);
    let outcome = leasehold_run::run::run(&Arc::new(draw(17, &SOUND)));
    assert_eq!(outcome.trace_hash, all[17].trace);
}

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn sim(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.current_dir(folder).args(arguments.split(' ')).output().unwrap()
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn a_run_that_was_cut_off_goes_on_where_it_was() {
    let at = folder("explore-resume");
    assert!(sim(&at, "explore -q --seeds 5..165 --rules half-quorum --out whole").status.success());
    assert!(sim(&at, "explore -q --seeds 5..165 --rules half-quorum --out cut").status.success());
    // As if the machine had stopped in the middle of a line.
    let rows = read(&at, "whole/rows.jsonl");
    fs::write(at.join("cut/rows.jsonl.part"), &rows[..rows.len() / 2]).unwrap();
    fs::remove_file(at.join("cut/rows.jsonl")).unwrap();
    let manifest = read(&at, "cut/manifest.json").replace("\"complete\": true", "\"complete\": false");
    fs::write(at.join("cut/manifest.json"), manifest).unwrap();
    assert!(sim(&at, "explore -q --resume cut").status.success());
    assert_eq!(read(&at, "cut/rows.jsonl"), rows);
    assert_eq!(read(&at, "cut/summary.json"), read(&at, "whole/summary.json"));
}

#[test]
fn a_resumed_run_notices_that_its_seeds_mean_something_else_now() {
    let at = folder("explore-diverged");
    assert!(sim(&at, "explore -q --seeds 0..20 --out run").status.success());
    let rows = read(&at, "run/rows.jsonl");
    let last = rows.rfind("\"trace\":\"").unwrap() + "\"trace\":\"".len();
    let changed = format!("{}{:016x}{}", &rows[..last], 0, &rows[last + 16..]);
    fs::write(at.join("run/rows.jsonl"), changed).unwrap();
    assert_eq!(sim(&at, "explore -q --resume run").status.code(), Some(5));
}

#[test]
fn a_folder_that_holds_something_is_refused() {
    let at = folder("explore-full");
    assert!(sim(&at, "explore -q --seeds 0..20 --out whole").status.success());
    let refused = sim(&at, "explore --seeds 0..20 --out whole");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is not empty"));
}

/// A sweep's row under many seeds: what it expects is what is expected of every seed, and it goes on where it was.
#[test]
fn a_scenario_is_run_under_many_seeds() {
    let skew = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/skew.toml");
    let skew = skew.to_str().unwrap();
    let parent = folder("scenario");
    fs::create_dir_all(&parent).unwrap();
    let stale = sim(&parent, &format!("explore {skew} --row 4s --seeds 0..6 --out stale --max-failures 3"));
    assert_eq!(stale.status.code(), Some(0), "{stale:?}");
    let text = String::from_utf8(stale.stdout).unwrap();
    assert!(text.contains("stale-read") && text.contains("--row 4s --seed 1"), "{text}");
    assert_eq!(read(&parent, "stale/rows.jsonl.part").lines().count(), 3);

    let resumed = sim(&parent, "explore --resume stale");
    assert_eq!(resumed.status.code(), Some(0), "{resumed:?}");
    let whole = sim(&parent, &format!("explore {skew} --row 4s --seeds 0..6 --out whole --jobs 1"));
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    assert_eq!(read(&parent, "stale/rows.jsonl"), read(&parent, "whole/rows.jsonl"));

    let clean = sim(&parent, &format!("explore {skew} --set clock.followers.offset=1.9s --seeds 0..2"));
    assert_eq!(clean.status.code(), Some(0), "{clean:?}");
    let expects = format!("explore {skew} --row 4s --seeds 0..2 --expect none");
    assert_eq!(sim(&parent, &expects).status.code(), Some(1));
    let which = sim(&parent, &format!("explore {skew} --seeds 0..2"));
    assert_eq!(which.status.code(), Some(2));
    assert!(String::from_utf8(which.stderr).unwrap().contains("has 19 rows; which one?"));
}
