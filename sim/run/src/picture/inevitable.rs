//! From which moment on a stale read could no longer be avoided: cause and effect told apart.
//!
//! The run is branched at a moment, and in the branch all faults end there. If two leaders can serve at once all the same,
//! before the told stale window ends in the run as it was, the moment was too late. (A branch in which that happens later has
//! another stale read, which is another story.) What `[clock]` sets is no fault: it stays.
//!
//! The moments of the story are tried, and then the gap between the last that still helped and the first that did not is
//! halved until it is shorter than `GAP_NS`, or no event lies in it.

use std::sync::Arc;

use super::model::{Inevitable, Ns, Picture, Sample};
use super::words::length;
use crate::display::instant;
use crate::host::LeaseNode;
use crate::hosted::Hosted;
use crate::setup::Setup;
use crate::watch::Margins;
use leasehold::raft::Note;
use leasehold_world::{Choices, Event, Happening, Reader, World};

/// The gap is halved until it is shorter than this.
const GAP_NS: u64 = 1_000;

/// The most moments of the story that are tried.
const MOMENTS_MAX: usize = 16;

/// Tries when the end of all faults would still have helped. `None` where the picture tells of no stale window, where no
/// fault happens before it, or where guests run, whose processes cannot be branched.
pub fn point_of_no_return(setup: &Arc<Setup>, picture: &Picture) -> Option<Inevitable> {
    let change = &picture.changes[usize::try_from(picture.told?).ok()?];
    let (ready, over) = (change.ready.get(), change.over.map(Ns::get).unwrap_or(picture.end.get()));
    let until = u64::try_from(ready.max(over)).ok()?.min(u64::try_from(picture.end.get()).ok()?);
    let first = picture.faults.iter().map(|fault| fault.at.get()).filter(|at| *at < ready).min()?;
    let negative = change.never || change.margin.is_some_and(|margin| margin.get() < 0);
    if !negative || setup.guest.is_some() {
        return None;
    }
    let mut times: Vec<u64> = picture
        .moments
        .iter()
        .map(|moment| moment.at.get())
        .filter(|at| *at >= first && u64::try_from(*at).is_ok_and(|at| at < until))
        .filter_map(|at| u64::try_from(at).ok())
        .collect();
    times.extend(u64::try_from(first));
    times.sort_unstable();
    times.dedup();
    times.truncate(MOMENTS_MAX);

    let mut main = Branch::new(setup, LeaseNode::cluster(setup));
    let mut samples: Vec<Sample> = Vec::new();
    let mut last_good: Option<(u64, Branch<LeaseNode>)> = None;
    let mut first_bad: Option<u64> = None;
    for at in times {
        main.to(at);
        let too_late = main.clone().without_faults(until);
        samples.push(Sample { at: Ns::of(at), too_late });
        match too_late {
            false => (last_good, first_bad) = (Some((at, main.clone())), None),
            true => _ = first_bad.get_or_insert(at),
        }
    }
    if let (Some((mut good, mut base)), Some(mut bad)) = (last_good, first_bad) {
        while bad - good > GAP_NS {
            let middle = good + (bad - good) / 2;
            let mut branch = base.clone();
            branch.to(middle);
            let too_late = branch.clone().without_faults(until);
            samples.push(Sample { at: Ns::of(middle), too_late });
            match too_late {
                true => bad = middle,
                false => (good, base) = (middle, branch),
            }
        }
    }
    samples.sort_by_key(|sample| sample.at);
    let avoidable_at = samples.iter().rev().find(|sample| !sample.too_late).map(|sample| sample.at);
    let too_late_at = samples
        .iter()
        .find(|sample| sample.too_late && avoidable_at.is_none_or(|good| sample.at > good))
        .map(|sample| sample.at);
    let at = |ns: Ns| instant(u64::try_from(ns.get()).unwrap_or(0)).replace('s', " s");
    let sentence = match (avoidable_at, too_late_at) {
        (Some(good), Some(bad)) => format!(
            "If all faults had ended by {}, no two leaders could have served at once. {} later it was too late.",
            at(good),
            length(i128::from(bad.get()) - i128::from(good.get()))
        ),
        (None, Some(bad)) => {
            format!(
                "It was too late when the first fault happened, at {}: ending the faults would not have helped.",
                at(bad)
            )
        }
        (_, None) => "At every moment that was tried, ending all faults would still have helped.".to_owned(),
    };
    Some(Inevitable { samples, avoidable_at, too_late_at, sentence })
}

/// A run that only the margins watch.
#[derive(Clone)]
struct Branch<P: Hosted> {
    world: World<P>,
    watch: Watch,
}

#[derive(Clone)]
struct Watch {
    margins: Margins,
    in_force: Vec<usize>,
}

impl<P: Hosted> Reader<P> for Watch {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, world: &World<P>) {
        if let Happening::Fault { fault, undone } = event.what {
            match undone {
                false => self.in_force.push(fault),
                true => {
                    if let Some(place) = self.in_force.iter().position(|of| *of == fault) {
                        self.in_force.remove(place);
                    }
                }
            }
        }
        self.margins.read(event, world);
    }
}

impl<P: Hosted> Branch<P> {
    fn new(setup: &Arc<Setup>, processes: Vec<P>) -> Branch<P> {
        let margins = Margins::new(setup.nodes.len());
        let world = World::new(Arc::new(setup.world()), Choices::seeded(setup.seed), processes);
        let mut branch = Branch { world, watch: Watch { margins, in_force: Vec::new() } };
        branch.world.begin(&mut branch.watch);
        branch
    }

    /// Everything that happens up to that true time, ns, that instant included.
    fn to(&mut self, at: u64) {
        while self.world.next_at().is_some_and(|next| next <= at) && self.world.step(&mut self.watch) {}
    }

    /// All faults end now. Can two leaders serve at once by `until`, true ns?
    fn without_faults(mut self, until: u64) -> bool {
        let in_force = std::mem::take(&mut self.watch.in_force);
        self.world.end_faults(&in_force, &mut self.watch);
        self.to(until);
        let overlap = self.watch.margins.overlap().is_some();
        let changes = self.watch.margins.finish(&self.world);
        overlap
            || changes
                .iter()
                .any(|change| change.ready_at <= until && change.margin().is_some_and(|margin| margin < 0))
    }
}
