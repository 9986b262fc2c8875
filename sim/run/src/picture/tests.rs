//! The bars of a picture are what the margins say.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::inevitable::point_of_no_return;
use super::model::{self, Ns};
use super::{Bounds, Picture, draw};
use crate::setup::Setup;
use crate::{rules, scenario};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn setup(file: &str, label: &str) -> Arc<Setup> {
    let text = std::fs::read_to_string(root().join("scenarios").join(file)).unwrap();
    let plan = scenario::load(file, &text, &[], &rules::names()).unwrap();
    let row = plan.rows.iter().find(|row| row.label == label);
    let row = row.unwrap_or_else(|| {
        panic!("{file} has rows {:?}", plan.rows.iter().map(|row| &row.label).collect::<Vec<_>>())
    });
    Arc::new(row.scenario.setup.clone())
}

fn picture(file: &str, label: &str) -> Picture {
    draw(&setup(file, label), Bounds::default())
}

/// Every old lease of every change ends where its margin says, and the told margin is the distance of the two bars.
fn bars_agree(picture: &Picture, what: &str) {
    let mut compared = 0;
    for change in &picture.changes {
        let (Some(old), false) = (change.old, change.over.is_none()) else { continue };
        let bar =
            picture.leases.iter().rev().find(|lease| (lease.node, lease.term) == (old, change.old_term));
        let bar = bar.unwrap_or_else(|| panic!("{what}: a change without its lease: {change:?}"));
        assert_eq!(bar.over, change.over, "{what}: {bar:?} {change:?}");
        assert_eq!(change.margin.unwrap().get(), change.ready.get() - change.over.unwrap().get(), "{what}");
        compared += 1;
    }
    assert!(compared > 0, "{what}: no change of leadership has an old lease");
}

#[test]
fn lease_bars_end_where_the_margins_say() {
    for (file, label) in [
        ("skew.toml", "2.001s"),
        ("skew.toml", "1.999s"),
        ("drift.toml", "5.27%"),
        ("suspend.toml", "raw clock alone"),
        ("suspend.toml", "two clocks"),
    ] {
        bars_agree(&picture(file, label), &format!("{file} {label}"));
    }
}

#[test]
fn every_scenario_of_the_gallery_and_of_the_rules_has_bars_that_agree() {
    let mut stale = 0;
    for folder in ["gallery", "rules"] {
        let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("scenarios").join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let name = file.display().to_string();
            let plan = scenario::load(&name, &text, &[], &rules::names()).unwrap();
            let picture = draw(&Arc::new(plan.rows[0].scenario.setup.clone()), Bounds { marks_max: 50 });
            stale += usize::from(picture.stale.is_some());
            if picture.changes.iter().any(|change| change.old.is_some() && change.over.is_some()) {
                bars_agree(&picture, &name);
            }
            assert!(picture.messages.len() + picture.operations.len() <= 52, "{name}: the bound holds");
        }
    }
    assert!(stale > 20, "the first rows show stale reads: {stale}");
}

#[test]
fn the_picture_of_a_skew_shows_why() {
    let picture = picture("skew.toml", "2.001s");
    let change = &picture.changes[picture.told.unwrap() as usize];
    let stale = picture.stale.as_ref().unwrap();
    // The window: the read lies in it, and so does the missed write's acknowledgement.
    let over = change.over.unwrap();
    assert!(change.ready < stale.known && stale.known < stale.asked && stale.answered < over);
    // The lease is true; the promise is dropped by as much as the clocks are apart.
    let lease = picture.leases.iter().find(|lease| lease.over == Some(over)).unwrap();
    assert!((lease.true_end.get() - over.get()).abs() < 1_000, "{lease:?}");
    let voter = change.voter.unwrap();
    let promise =
        picture.promises.iter().find(|promise| promise.node == voter && promise.to == change.old).unwrap();
    let early = promise.true_end.get() - promise.over.unwrap().get();
    assert!((early - 2_001_000_000).abs() < 1_000_000, "{early}");
    assert_eq!(picture.setting.clock, "wall");
    let ahead = |node: usize| picture.nodes[node].clocks[2].segments[0].local.get();
    assert_eq!((ahead(0), ahead(1)), (0, 2_001_000_000));
    assert_eq!(picture.verdict.cards[2].answer, "2 s of skew");
    assert!(picture.verdict.sentence.starts_with("n1 returned "), "{}", picture.verdict.sentence);
    let budget = picture.verdict.budget.as_ref().unwrap();
    let sum = budget.parts.iter().map(|part| part.by.get()).sum::<i64>() + budget.slack.get();
    assert_eq!((sum, Some(budget.margin)), (change.margin.unwrap().get(), change.margin));
}

#[test]
fn a_suspended_clock_stands_still_and_its_lease_is_only_believed() {
    let picture = picture("suspend.toml", "raw clock alone");
    let raw = &picture.nodes[0].clocks[0];
    let still = raw.segments.iter().position(|segment| segment.rate.get() == -1_000_000_000).unwrap();
    assert_eq!(raw.segments[still + 1].at.get() - raw.segments[still].at.get(), 6_000_000_000);
    assert_eq!(raw.segments[still + 1].local, raw.segments[still].local);
    let lease = picture.leases.iter().find(|lease| lease.node == 0).unwrap();
    assert_eq!(lease.over.unwrap().get() - lease.true_end.get(), 6_000_000_000);
    assert!(
        picture.stops.iter().any(|stop| stop.node == 0 && stop.to.get() - stop.from.get() == 6_000_000_000)
    );
}

#[test]
fn a_restart_cuts_a_promise() {
    let text = std::fs::read_to_string(root().join("scenarios/restart.toml")).unwrap();
    let plan = scenario::load("restart.toml", &text, &[], &rules::names()).unwrap();
    let picture = draw(&Arc::new(plan.rows[0].scenario.setup.clone()), Bounds::default());
    assert!(picture.promises.iter().any(|promise| promise.ended == "crash"));
    assert!(
        picture.promises.iter().any(|promise| promise.to.is_none()),
        "a node withholds votes after its restart"
    );
    assert!(
        picture.stops.iter().any(|stop| stop.kind == "down")
            && picture.roles.iter().any(|role| role.role == "down")
    );
}

#[test]
fn a_picture_is_bounded_and_the_same_twice() {
    let setup = setup("skew.toml", "2.001s");
    let texts = [500, 3_000].map(|marks_max| {
        let picture = draw(&setup, Bounds { marks_max });
        let marks = picture.messages.len() + picture.operations.len();
        assert!(marks <= marks_max + 2 && marks > marks_max / 8, "{marks} of {marks_max}");
        let stale = picture.stale.as_ref().unwrap();
        for wanted in [stale.operation, stale.missed] {
            assert!(picture.operations.iter().any(|operation| operation.number == wanted));
        }
        let counted: u32 = picture.counted.operations.iter().sum();
        assert_eq!(counted, picture.counted.operations_total);
        let text = serde_json::to_string(&picture).unwrap();
        assert_eq!(text, serde_json::to_string(&draw(&setup, Bounds { marks_max })).unwrap());
        text.len()
    });
    assert!(texts[0] < texts[1] && texts[1] < 500_000, "{texts:?}");
}

#[test]
fn the_end_of_the_faults_helps_until_the_vote_and_not_after_it() {
    let setup = setup("skew.toml", "2.001s");
    let picture = draw(&setup, Bounds::default());
    let found = point_of_no_return(&setup, &picture).unwrap();
    let (good, bad) = (found.avoidable_at.unwrap(), found.too_late_at.unwrap());
    assert!(good < bad && bad.get() - good.get() <= 1_000, "{found:?}");
    let change = &picture.changes[picture.told.unwrap() as usize];
    assert!(bad <= change.ready, "when both can answer it is too late: {found:?}");
    let cut = picture.faults[0].at;
    assert!(good > cut, "the cut can still be healed after it has happened: {found:?}");
    assert!(found.samples.iter().any(|sample| sample.at == cut && !sample.too_late));
    // Without a stale window there is nothing to avoid.
    let clean = self::setup("skew.toml", "1.999s");
    assert_eq!(point_of_no_return(&clean, &draw(&clean, Bounds::default())), None);
}

#[test]
fn numbers_stay_exact_in_javascript() {
    assert_eq!(Ns::of(u64::MAX).get(), (1 << 53) - 1);
    assert_eq!(Ns::signed(i128::MIN).get(), -((1 << 53) - 1));
}

/// `LEASEHOLD_WRITE=1 cargo test -p leasehold-run typescript` writes the file.
#[test]
fn the_typescript_is_that_of_the_data() {
    let config = ts_rs::Config::default();
    let mut text = String::from(
        "// Written by a test of leasehold-run from sim/run/src/picture/model.rs. Do not edit.\n\n",
    );
    text.push_str(&format!("export {}\n\n", <Ns as ts_rs::TS>::decl(&config)));
    for declaration in model::declarations(&config) {
        text.push_str(&format!("export {declaration}\n\n"));
    }
    let path = root().join("sim/page/src/picture.ts");
    if std::env::var_os("LEASEHOLD_WRITE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{} is stale: LEASEHOLD_WRITE=1 cargo test -p leasehold-run typescript",
        path.display()
    );
}
