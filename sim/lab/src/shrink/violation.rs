//! What a run shows, so that two runs can be said to show the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::stalled::{Stalled, stalled};
use leasehold_check as check;
use leasehold_run::explain::{Cause, explain};
use leasehold_run::rules;
use leasehold_run::run::{Outcome, run};
use leasehold_run::setup::Setup;
use leasehold_run::theory::{self, Prediction};
use leasehold_run::watch::{Invariant, LeadershipChange, LeaseOver};
use leasehold_world::Reply;

/// What is wrong with a run; the worst for a user first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A read returned a value that had been overwritten.
    StaleRead,
    /// No order of the operations explains the history, in another way.
    NotLinearizable,
    /// This invariant did not hold.
    BrokenInvariant(Invariant),
    /// A new leader could acknowledge writes while the old one's lease ran, or two leases ran at once. No read was stale.
    TwoCouldServe {
        /// The old lease never ends. Another matter than one that ends too late.
        endless: bool,
    },
    /// The last fault was over, and the cluster did not come back.
    Stalled(Stalled),
}

/// What is wrong with a run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What.
    pub kind: Kind,
    /// Of a stale read: what is to blame.
    pub causes: BTreeSet<Cause>,
    /// Of a stale read: it was answered under a lease.
    pub under_lease: bool,
    /// The same setup shows nothing under the sound rules.
    pub rules_to_blame: bool,
    /// Theory says that it cannot be: a bug of ours, which must not come in and must not get lost.
    impossible: bool,
    /// Invariants that did not hold.
    invariants: Vec<Invariant>,
}

impl Violation {
    /// The worst that a run shows; `None` if it shows nothing.
    pub fn of(setup: &Arc<Setup>, outcome: &Outcome) -> Option<Violation> {
        let mut seen = Violation::seen(setup, outcome)?;
        seen.rules_to_blame = clean_under_sound_rules(setup);
        Some(seen)
    }

    fn seen(setup: &Arc<Setup>, outcome: &Outcome) -> Option<Violation> {
        let (mut causes, mut under_lease) = (BTreeSet::new(), false);
        let kind = if let Some(stale) = outcome.check.stale_reads.first() {
            let explanation = explain(setup, outcome, stale);
            under_lease = matches!(
                outcome.history[explanation.read].completed,
                Some((_, Reply::Value { lease: true, .. }))
            );
            causes = explanation.causes.into_iter().collect();
            Kind::StaleRead
        } else if outcome.check.outcome == check::Outcome::NotLinearizable {
            Kind::NotLinearizable
        } else if let Some(broken) = outcome.broken.first() {
            Kind::BrokenInvariant(broken.invariant)
        } else if two_could_serve(outcome).is_some() {
            Kind::TwoCouldServe { endless: outcome.smallest_margin() == Some(i64::MIN) }
        } else {
            Kind::Stalled(stalled(setup, outcome)?.kind)
        };
        let invariants = outcome.broken.iter().map(|broken| broken.invariant).collect();
        let impossible = matches!(theory::predict(setup), Prediction::Safe { .. });
        Some(Violation { kind, causes, under_lease, rules_to_blame: false, impossible, invariants })
    }

    /// Does a run show the same: the same kind, for no other cause?
    ///
    /// A cause may go, as long as one is left that tells more than that two nodes could serve at once.
    pub(super) fn is_shown_by(&self, setup: &Arc<Setup>, outcome: &Outcome) -> bool {
        let Some(seen) = Violation::seen(setup, outcome) else { return false };
        let telling = |causes: &BTreeSet<Cause>| causes.iter().any(|cause| *cause != Cause::TwoLeaders);
        seen.kind == self.kind
            && seen.under_lease == self.under_lease
            && seen.impossible == self.impossible
            && seen.causes.is_subset(&self.causes)
            && telling(&seen.causes) == telling(&self.causes)
            && seen.invariants.iter().all(|broken| self.invariants.contains(broken))
            && (!self.rules_to_blame || clean_under_sound_rules(setup))
    }
}

/// The first instant by which it is known that two nodes could serve at once, ns.
pub(super) fn two_could_serve(outcome: &Outcome) -> Option<u64> {
    let over = |change: &LeadershipChange| match (change.margin()? < 0, change.lease_over?) {
        (true, LeaseOver::At(over)) => Some(over.max(change.ready_at)),
        (true, LeaseOver::Never) => Some(u64::MAX),
        (false, _) => None,
    };
    let margin = outcome.changes.iter().filter_map(over).min();
    margin.into_iter().chain(outcome.overlap.map(|(at, _, _)| at)).min()
}

/// Are these rules broken, and is all well with the same setup under the sound ones?
fn clean_under_sound_rules(setup: &Arc<Setup>) -> bool {
    if setup.rules == rules::SOUND {
        return false;
    }
    let sound = Arc::new(Setup { rules: rules::SOUND.to_owned(), ..Setup::clone(setup) });
    Violation::seen(&sound, &run(&sound)).is_none()
}
