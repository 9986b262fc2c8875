//! A study is a function of its plan: threads change no byte, and an interrupted study says so.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use leasehold_lab::study::study;
use leasehold_run::report::{Style, Subject, text_report};
use leasehold_run::rules;
use leasehold_run::scenario::{Plan, load};
use leasehold_run::study::Study;

const FILE: &str = "scenarios/step.toml";

fn plan() -> Plan {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(FILE)).unwrap();
    load(FILE, &text, &[], &rules::names()).unwrap_or_else(|wrong| panic!("{}", wrong.render(false)))
}

fn report(plan: &Plan, study: &Study) -> String {
    let subject = Subject { file: FILE, arguments: "", plan, study, explanation: None };
    text_report(&subject, Style { all_rows: true, ..Style::PLAIN })
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let plan = plan();
    let study_on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| study(&plan, &AtomicBool::new(false), &|| ()))
    };
    let (one, three) = (study_on(1), study_on(3));
    assert!(one.rows.len() > 2, "several rows for several threads");
    assert_eq!(one.trace_hash(), three.trace_hash());
    assert_eq!(report(&plan, &one), report(&plan, &three));
}

#[test]
fn rows_that_have_not_started_are_left_out() {
    let plan = plan();
    let (stop, finished) = (AtomicBool::new(false), AtomicUsize::new(0));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let study = pool.install(|| {
        study(&plan, &stop, &|| {
            finished.fetch_add(1, Ordering::Relaxed);
            stop.store(true, Ordering::Relaxed);
        })
    });
    assert_eq!(finished.into_inner(), 1);
    assert_eq!((study.rows.len(), study.planned), (1, plan.rows.len()));
    assert!(study.interrupted);
    assert_eq!(study.exit_code(), 130);
}
