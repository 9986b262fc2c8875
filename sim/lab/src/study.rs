//! All rows of a scenario, side by side.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use leasehold_run::scenario::Plan;
use leasehold_run::study::{RowResult, Study, run_row};

/// Runs a plan's rows on as many threads as rayon has. The study is the same for any number of threads.
///
/// `stop`: rows that have not started when it is set are left out. `progress` is called once per finished row.
pub fn study(plan: &Plan, stop: &AtomicBool, progress: &(dyn Fn() + Sync)) -> Study {
    let run = |row| {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let result = run_row(row);
        progress();
        Some(result)
    };
    let rows: Vec<Option<RowResult>> = plan.rows.par_iter().map(run).collect();
    Study::of_rows(plan, rows.into_iter().flatten().collect())
}
