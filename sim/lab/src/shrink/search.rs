//! The best setup so far, and what became of everything that was tried.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::cost::Cost;
use super::operations::tidy;
use super::violation::Violation;
use super::{Progress, Size, aim};
use leasehold_run::rules;
use leasehold_run::run::{Outcome, run};
use leasehold_run::scenario::{Written, load};
use leasehold_run::setup::Setup;

/// A search in progress.
pub(super) struct Search<'a> {
    best: Arc<Setup>,
    outcome: Outcome,
    cost: Cost,
    wanted: Violation,
    /// Hashes of what was tried in vain, and whether the questions were aimed.
    refused: BTreeSet<(u64, bool)>,
    from: Size,
    runs: u64,
    steps: u64,
    stop: &'a AtomicBool,
    progress: &'a mut dyn FnMut(&Progress),
}

impl<'a> Search<'a> {
    pub(super) fn new(
        setup: Arc<Setup>,
        outcome: Outcome,
        wanted: Violation,
        from: Size,
        stop: &'a AtomicBool,
        progress: &'a mut dyn FnMut(&Progress),
    ) -> Search<'a> {
        let cost = Cost::of(&setup);
        let refused = BTreeSet::new();
        Search { best: setup, outcome, cost, wanted, refused, from, runs: 1, steps: 0, stop, progress }
    }

    /// The best so far.
    pub(super) fn best(&self) -> &Arc<Setup> {
        &self.best
    }

    /// What the best so far shows.
    pub(super) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    pub(super) fn wanted(&self) -> &Violation {
        &self.wanted
    }

    /// Proposals that were taken.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn finish(self) -> (Arc<Setup>, u64) {
        (self.best, self.runs)
    }

    /// Takes a proposal if it is simpler and shows the violation.
    pub(super) fn try_exactly(&mut self, proposal: Setup) -> bool {
        self.try_simpler(proposal, false)
    }

    /// The same; and if the violation is gone, looks whether it is there at another time, or for another client.
    pub(super) fn try_aimed(&mut self, proposal: Setup) -> bool {
        self.try_simpler(proposal, true)
    }

    /// Takes a proposal that costs no more and shows the violation if its run is `better` too. Whoever proposes it sees to
    /// it that no other one leads back.
    pub(super) fn try_renumbered(&mut self, proposal: Setup, better: fn(&Outcome) -> bool) -> bool {
        if self.stopped() || Cost::of(&proposal) > self.cost {
            return false;
        }
        let proposal = Arc::new(proposal);
        self.count_run();
        better(&run(&proposal)) && self.try_run(Setup::clone(&proposal)).is_ok()
    }

    fn try_simpler(&mut self, mut proposal: Setup, aimed: bool) -> bool {
        if self.stopped() || Cost::of(&proposal) >= self.cost {
            return false;
        }
        tidy(&mut proposal);
        let hash = xxhash_rust::xxh3::xxh3_64(format!("{proposal:?}").as_bytes());
        if self.refused.contains(&(hash, aimed)) {
            return false;
        }
        let taken = match self.try_run(proposal) {
            Ok(()) => true,
            Err(shown) => aimed && self.aim(&shown.0, &shown.1),
        };
        if !taken {
            self.refused.insert((hash, aimed));
        }
        taken
    }

    /// Asks anew where the violation may be now.
    fn aim(&mut self, proposal: &Arc<Setup>, outcome: &Outcome) -> bool {
        let at_the_change = aim::at_the_change(proposal, outcome);
        let all_the_time = aim::all_the_time(self, proposal);
        at_the_change.into_iter().chain(all_the_time).any(|mut aimed| {
            tidy(&mut aimed);
            Cost::of(&aimed) < self.cost && self.try_run(aimed).is_ok()
        })
    }

    pub(super) fn count_run(&mut self) {
        self.runs += 1;
    }

    fn try_run(&mut self, mut proposal: Setup) -> Result<(), Box<(Arc<Setup>, Outcome)>> {
        tidy(&mut proposal);
        let proposal = Arc::new(proposal);
        self.runs += 1;
        let outcome = run(&proposal);
        if !(self.wanted.is_shown_by(&proposal, &outcome) && can_be_written(&proposal)) {
            return Err(Box::new((proposal, outcome)));
        }
        self.cost = Cost::of(&proposal);
        self.best = proposal;
        self.outcome = outcome;
        self.steps += 1;
        let now = Size {
            nodes: self.best.nodes.len(),
            faults: self.best.faults.len(),
            operations: self.outcome.history.len(),
            draws: self.from.draws,
        };
        (self.progress)(&Progress { from: self.from, now, runs: self.runs });
        Ok(())
    }
}

/// Is a setup one that a scenario file can hold?
fn can_be_written(setup: &Setup) -> bool {
    let text = Written { title: "", story: &[], expect: "any", setup }.to_toml();
    let plan = load("", &text, &[], &rules::names());
    plan.is_ok_and(|plan| plan.rows.len() == 1 && plan.rows[0].scenario.setup == *setup)
}
