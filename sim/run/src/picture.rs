//! One run as plain data that a picture can be drawn from: what each node's clocks showed, who led, which leases and promises
//! ran, what was sent and asked, and the moments that decide.
//!
//! [`draw`] plays a setup and gives a [`Picture`]. Pages, the playground and the terminal draw it; none of them computes
//! anything about leases. [`inevitable::point_of_no_return`] adds from which moment on the faults' end came too late.
//!
//! ```text
//! setup --> run, watched by Sketch (bars.rs, clocks.rs, traffic.rs) --> explain --> words.rs --> Picture (model.rs)
//! ```
//!
//! All times are integer nanoseconds of true time since the start of the run, and all clock readings are nanoseconds since
//! the clock's base: JavaScript reads them exactly (below 2^53, 104 days).
//!
//! The size is bounded ([`Bounds`]): every band, bar, fault and moment is there. Of messages and operations those nearest to
//! the story's moments are there, and the others are counted ([`Counted`]).
//!
//! **Architecture Invariant:** a picture is a function of the setup and the bounds. It names no file, command or colour.

mod bars;
mod clocks;
mod faults;
pub mod inevitable;
mod model;
mod sketch;
mod story;
#[cfg(test)]
mod tests;
mod traffic;
mod words;

use std::sync::Arc;

use crate::blame::{Accountant, Blame};
use crate::explain::explain;
use crate::run::{Outcome, run_observed, run_watched};
use crate::setup::Setup;
use crate::theory;
use leasehold_check as check;

pub use model::*;
use sketch::Sketch;

/// How much a picture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The most messages and operations together. The others are counted. 0 draws none but those of the story.
    pub marks_max: usize,
}

impl Default for Bounds {
    /// What fits a page of a few hundred kilobytes.
    fn default() -> Bounds {
        Bounds { marks_max: 3_000 }
    }
}

/// Plays a setup and draws it. Without [`Picture::inevitable`], which takes more runs.
pub fn draw(setup: &Arc<Setup>, bounds: Bounds) -> Picture {
    let mut sketch = Sketch::new(setup);
    let (outcome, blames) = watch(setup, &mut sketch);
    let told = outcome.check.stale_reads.first().map(|stale| explain(setup, &outcome, stale));
    let change = told_change(&outcome, told.as_ref().and_then(|told| told.change));
    let story = story::Story::of(setup, told.as_ref(), change.map(|place| &outcome.changes[place]));

    let ends = sketch.end();
    let traffic = traffic::select(&sketch, &outcome, told.as_ref(), &story.anchors(&outcome.changes), bounds);
    let changes: Vec<Change> = outcome
        .changes
        .iter()
        .zip(&blames)
        .map(|(change, blame)| model::change(change, blame.as_ref()))
        .collect();
    let mut picture = Picture {
        setting: words::setting(setup),
        verdict: Verdict::default(),
        end: Ns::of(ends),
        nodes: sketch.nodes(),
        clients: setup.clients.iter().map(|client| Client { name: client.name.clone() }).collect(),
        roles: sketch.bars.roles(ends),
        leases: sketch.bars.leases(&sketch.logs, ends),
        promises: sketch.bars.promises(&sketch.logs, ends),
        stops: sketch.bars.stops(ends),
        faults: sketch.faults.bars(),
        told: change.map(model::narrow),
        stale: told.as_ref().map(|told| story::stale_read(told, &outcome)),
        moments: story.moments,
        messages: traffic.messages,
        operations: traffic.operations,
        counted: traffic.counted,
        gaps: words::gaps(&outcome.service),
        inevitable: None,
        trace: format!("{:016x}", outcome.trace_hash),
        events: outcome.events.to_string(),
        changes,
    };
    let told_blame = change.and_then(|place| blames[place].as_ref());
    let context = words::Context { setup, outcome: &outcome, told: told.as_ref(), blame: told_blame };
    picture.verdict = words::verdict(&context, &picture);
    picture
}

fn watch(setup: &Arc<Setup>, sketch: &mut Sketch) -> (Outcome, Vec<Option<Blame>>) {
    if setup.guest.is_some() {
        // The parts of a margin are those of our own rules.
        let outcome = run_watched(setup, sketch);
        let none = vec![None; outcome.changes.len()];
        return (outcome, none);
    }
    let mut readers = (Accountant::new(setup), sketch);
    let outcome = run_observed(setup, &mut readers);
    let blames = readers.0.split(&outcome.changes);
    (outcome, blames)
}

/// The place of the change of leadership that the picture is about: that of the stale read, or the one with the smallest
/// margin, or the last.
fn told_change(outcome: &Outcome, stale: Option<crate::watch::LeadershipChange>) -> Option<usize> {
    if let Some(stale) = stale {
        return outcome.changes.iter().position(|change| *change == stale);
    }
    let with_margin =
        outcome.changes.iter().enumerate().filter_map(|(place, change)| Some((change.margin()?, place)));
    with_margin.min().map(|(_, place)| place).or_else(|| outcome.changes.len().checked_sub(1))
}

/// Can a read be stale in this run?
fn safety(setup: &Setup, outcome: &Outcome) -> crate::study::Safety {
    use crate::study::Safety;
    let prediction = theory::predict(setup);
    let possible = outcome.smallest_margin().is_some_and(|margin| margin < 0)
        || outcome.overlap.is_some()
        || matches!(prediction, theory::Prediction::StalePossible { .. });
    match (outcome.check.outcome, prediction) {
        (check::Outcome::NotLinearizable, _) => Safety::Stale,
        _ if possible => Safety::NotSafe,
        (check::Outcome::Linearizable, theory::Prediction::Safe { .. }) => Safety::Safe,
        (check::Outcome::Linearizable | check::Outcome::Undecided, _) => Safety::NotKnown,
    }
}
