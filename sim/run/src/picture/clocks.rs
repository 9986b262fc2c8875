//! What each clock of each node showed, as straight lines.

use super::model::{Clock, Ns, Segment};
use crate::setup::{FaultSpec, Setup, StampSource};
use leasehold::lease::LeaseForm;
use leasehold_world::VirtualClock;

/// In the order of [`VirtualClock::lines`].
const NAMES: [&str; 3] = ["raw", "boot", "wall"];

/// A rate that stands for "stands still".
const STILL_PPB: i64 = -1_000_000_000;

/// The clock that tells of this setup's leases: the wall clock in the deadline form, else the one that stamps are taken
/// from. Of two clocks the boot clock is shown, which counts suspends.
pub(super) fn shown(setup: &Setup) -> &'static str {
    let stamps = setup.nodes.iter().map(|node| node.clock.stamp);
    match setup.lease.form {
        LeaseForm::Deadline => "wall",
        LeaseForm::Elapsed if stamps.clone().any(|stamp| stamp == StampSource::Wall) => "wall",
        LeaseForm::Elapsed if stamps.clone().any(|stamp| stamp == StampSource::Raw) => "raw",
        LeaseForm::Elapsed => "boot",
    }
}

/// All clocks, followed.
#[derive(Debug)]
pub(super) struct Clocks {
    usual_ppb: Vec<i64>,
    now: Vec<VirtualClock>,
    segments: Vec<[Vec<Segment>; 3]>,
}

impl Clocks {
    pub(super) fn new(setup: &Setup) -> Clocks {
        let mut clocks = Clocks {
            usual_ppb: setup.nodes.iter().map(|node| node.clock.rate_ppb).collect(),
            now: setup.nodes.iter().map(|node| VirtualClock::new(&node.clock)).collect(),
            segments: setup.nodes.iter().map(|_| Default::default()).collect(),
        };
        (0..setup.nodes.len()).for_each(|node| clocks.note(node, 0, "start"));
        clocks
    }

    /// A fault happens, or is undone.
    pub(super) fn fault(&mut self, at: u64, fault: &FaultSpec, undone: bool) {
        let Some((node, change)) = fault.action.clock_change(undone, |node| self.usual_ppb[node]) else {
            return;
        };
        self.now[node].change(at, change);
        self.note(node, at, fault.action.word());
    }

    /// Begins a segment of each clock of which it changes anything.
    fn note(&mut self, node: usize, at: u64, cause: &str) {
        for (place, (line, base)) in self.now[node].lines().into_iter().enumerate() {
            let segment = Segment {
                at: Ns::of(at),
                local: Ns::signed(i128::from(line.at(at)) - i128::from(base)),
                rate: Ns::signed(line.rate_ppb().unwrap_or(STILL_PPB).into()),
                cause: cause.to_owned(),
            };
            let segments = &mut self.segments[node][place];
            let same = segments.last().is_some_and(|last| goes_on(last, &segment));
            if !same {
                segments.push(segment);
            }
        }
    }

    pub(super) fn of(&self, node: usize) -> Vec<Clock> {
        let named = NAMES.iter().zip(&self.segments[node]);
        named.map(|(name, segments)| Clock { name: (*name).to_owned(), segments: segments.clone() }).collect()
    }
}

/// Would the first segment give what the second begins with? Readings are rounded down, so that a nanosecond may be lost.
fn goes_on(first: &Segment, second: &Segment) -> bool {
    let passed = i128::from(second.at.get() - first.at.get());
    let reading =
        i128::from(first.local.get()) + passed + passed * i128::from(first.rate.get()) / 1_000_000_000;
    first.rate == second.rate && (reading - i128::from(second.local.get())).abs() <= 1
}
