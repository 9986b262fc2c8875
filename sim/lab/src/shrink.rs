//! Shrinking: a run that shows a violation becomes the smallest scenario that shows the same one and leaves nothing to
//! chance.
//!
//! Everything happens on the [`Setup`], plain data. A *pass* proposes setups that are simpler in one respect; a proposal
//! that still shows the violation becomes the best one, until a whole round of passes finds nothing more:
//!
//! * `operations`: the clients become single questions at given times, those that the violation needs;
//! * `chance`: every delay, loss and jitter that is drawn becomes one that is given;
//! * `parts`: faults, nodes, links and settings that are not needed go, and what is left is renumbered;
//! * `rounding`: every number becomes its default, or as round as the violation bears.
//!
//! When a proposal moves the instant at which the violation is possible, the questions are *aimed* anew (`aim`): a write
//! as soon as the new leader can acknowledge it, a read as late as the old leader can serve it.
//!
//! `violation` says what "the same" is, `cost` what "simpler" is, `search` keeps the best and counts, `text` writes it down.
//!
//! **Architecture Invariant:** a proposal is taken only if its cost is lower, so that the search ends; and a setup that no
//! pass can improve stays as it is, so that shrinking twice is shrinking once.

mod aim;
mod chance;
mod cost;
mod numbers;
mod operations;
mod parts;
mod rounding;
mod search;
mod select;
mod sheet;
mod text;
mod violation;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use leasehold_run::run::{Outcome, decisions, run};
use leasehold_run::setup::Setup;

use search::Search;
pub use sheet::{ShrinkSubject, shrink_sheet};
pub use text::{Shrunk, text};
pub use violation::{Kind, Violation};

/// How large a setup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Nodes.
    pub nodes: usize,
    /// Faults.
    pub faults: usize,
    /// What all clients together asked.
    pub operations: usize,
    /// Decisions left to chance.
    pub draws: usize,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where it began.
    pub from: Size,
    /// What it has got to; the draws are those of the beginning.
    pub now: Size,
    /// Runs that were tried.
    pub runs: u64,
}

/// What a search has come to.
#[derive(Debug, Clone)]
pub struct Smallest {
    /// The smallest setup that was found.
    pub setup: Arc<Setup>,
    /// What it shows.
    pub violation: Violation,
    /// How large it was, and is.
    pub progress: Progress,
    /// Nothing smaller was found by any pass. Otherwise it was interrupted.
    pub complete: bool,
    /// The run itself shows nothing, as nobody asked while two nodes could serve: somebody was made to.
    pub provoked: bool,
}

/// Shrinks a setup as long as nobody sets `stop`; `progress` is told of every step forward. `None` if its run shows no
/// violation.
pub fn shrink(setup: &Setup, stop: &AtomicBool, progress: &mut dyn FnMut(&Progress)) -> Option<Smallest> {
    let original = Arc::new(setup.clone());
    let shown = run(&original);
    let from = size(&original, &shown);
    let (setup, outcome, violation) = violating(&original, shown)?;
    let provoked = setup != original;
    let mut search = Search::new(setup, outcome, violation, from, stop, progress);
    loop {
        let before = search.steps();
        operations::pass(&mut search);
        chance::pass(&mut search);
        parts::pass(&mut search);
        rounding::pass(&mut search);
        if search.steps() == before || search.stopped() {
            break;
        }
    }
    let complete = !search.stopped();
    let (setup, runs) = search.finish();
    let outcome = run(&setup);
    let violation = Violation::of(&setup, &outcome).expect("the search keeps only what shows the violation");
    let progress = Progress { from, now: size(&setup, &outcome), runs };
    Some(Smallest { setup, violation, progress, complete, provoked })
}

/// The setup with what it shows. If two nodes could serve at once and nobody asked, two clients are added who ask. What
/// stays without a stale read then is shrunk as it is.
fn violating(setup: &Arc<Setup>, outcome: Outcome) -> Option<(Arc<Setup>, Outcome, Violation)> {
    let violation = Violation::of(setup, &outcome)?;
    if !matches!(violation.kind, Kind::TwoCouldServe { .. }) {
        return Some((setup.clone(), outcome, violation));
    }
    let worse = aim::provoked(setup, &outcome).into_iter().find_map(|provoked| {
        let provoked = Arc::new(provoked);
        let outcome = run(&provoked);
        let violation = Violation::of(&provoked, &outcome)?;
        (!matches!(violation.kind, Kind::TwoCouldServe { .. } | Kind::Stalled(_)))
            .then_some((provoked, outcome, violation))
    });
    Some(worse.unwrap_or_else(|| (setup.clone(), outcome, violation)))
}

fn size(setup: &Arc<Setup>, outcome: &Outcome) -> Size {
    Size {
        nodes: setup.nodes.len(),
        faults: setup.faults.len(),
        operations: outcome.history.len(),
        draws: draws(setup),
    }
}

/// How many decisions of a run are left to chance.
pub fn draws(setup: &Arc<Setup>) -> usize {
    decisions(setup).len()
}
