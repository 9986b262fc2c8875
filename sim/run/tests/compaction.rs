//! Logs that are shorter than what comes in at once.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use leasehold_run::rules;
use leasehold_run::run::run;
use leasehold_run::scenario::load;

/// What waited for a leader is appended, synced, committed and dropped in one go by a node that decides alone.
#[test]
fn entries_that_are_dropped_as_soon_as_they_are_written_were_looked_at() {
    // Its members have changed, so that it waits after its restart although nobody else votes.
    let text = r#"
        duration = "20s"
        [cluster]
        nodes = 2
        first-leader = "n1"
        [log]
        entries-max = 1
        [client.a]
        target = "n1"
        operations = "write"
        every = "100ms"
        [[fault]]
        at = "7s"
        remove = { node = "n2" }
        [[fault]]
        at = "8s"
        for = "100ms"
        crash = { node = "n1" }
    "#;
    let plan = load("short", text, &[], &rules::names()).unwrap_or_else(|problems| {
        panic!("{}", problems.render(false));
    });
    let outcome = run(&Arc::new(plan.rows[0].scenario.setup.clone()));
    assert!(outcome.broken.is_empty(), "{:?}", outcome.broken);
    assert!(outcome.history.iter().filter(|operation| operation.completed.is_some()).count() > 50);
}
