//! Theory and runs that could contradict it: what is stale is never called safe.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use leasehold_run::attack::attacks;
use leasehold_run::run::run;
use leasehold_run::setup::{Action, Setup, Trigger};
use leasehold_run::theory::bound::bound;
use leasehold_run::theory::{Prediction, predict};
use leasehold_run::{rules, scenario};

/// The file of that name in `tests/theory`.
fn setup(name: &str) -> Setup {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/theory").join(name).with_extension("toml");
    let text = fs::read_to_string(&path).unwrap();
    let plan = scenario::load(name, &text, &[], &rules::names()).unwrap_or_else(|errors| panic!("{errors}"));
    plan.rows[0].scenario.setup.clone()
}

fn stale(setup: &Setup) -> bool {
    !run(&Arc::new(setup.clone())).check.stale_reads.is_empty()
}

#[test]
fn faults_that_happen_again_count_each_time() {
    for name in ["repeated-pause-deadline", "repeated-pause-elapsed", "repeated-step"] {
        let again = setup(name);
        let Prediction::StalePossible { slack_ns } = predict(&again) else {
            panic!("{name}: {:?}", predict(&again))
        };
        assert!(stale(&again), "{name} shows it");
        assert!(attacks(&again).is_err(), "{name}: the adversary does not count them");
        let mut once = again;
        for fault in &mut once.faults {
            if let Trigger::Every { first, .. } = fault.trigger {
                fault.trigger = Trigger::At(first);
            }
        }
        let Prediction::Safe { slack_ns: once_ns } = predict(&once) else {
            panic!("{name}: {:?}", predict(&once))
        };
        assert!(slack_ns < once_ns);
        assert!(!stale(&once), "{name}, once alone");
    }
}

#[test]
fn clocks_that_break_together_count_together() {
    for name in ["clocks-break-together", "set-back-within-the-lease"] {
        let together = setup(name);
        assert!(
            matches!(predict(&together), Prediction::StalePossible { .. }),
            "{name}: {:?}",
            predict(&together)
        );
        assert!(stale(&together), "{name} shows it");
        assert!(bound(&together).unwrap().unwrap().room_ns >= 0, "{name}: with messages counted in");
        // Without the step nothing happens.
        let mut alone = together;
        alone.faults.retain(|fault| !matches!(fault.action, Action::Step { .. }));
        assert!(!stale(&alone), "{name} without the step");
    }
}
