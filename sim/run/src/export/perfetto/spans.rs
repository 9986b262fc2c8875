//! How long something lasts that ends by alarms on a node's own clock, in true time.

use leasehold::time::Alarm;
use leasehold_world::VirtualClock;

/// Lasts until all of its alarms are reached.
#[derive(Debug, Clone)]
pub(super) struct Until {
    alarms: Vec<Alarm>,
    /// The clock has not changed since this true time, ns.
    since: u64,
}

impl Until {
    pub(super) fn new(alarms: Vec<Alarm>, now: u64) -> Until {
        Until { alarms, since: now }
    }

    /// The true time at which it ends, if the clock stays as it is; `None` if it never ends.
    pub(super) fn end(&self, clock: &VirtualClock) -> Option<u64> {
        self.alarms
            .iter()
            .try_fold(self.since, |end, alarm| Some(end.max(clock.first_at(alarm, self.since)?)))
    }

    /// When it was over, if it is by now.
    pub(super) fn over(&self, clock: &VirtualClock, now: u64) -> Option<u64> {
        self.end(clock).filter(|end| *end <= now)
    }

    /// The clock changes at this true time, ns.
    pub(super) fn clock_changes(&mut self, now: u64) {
        self.since = now;
    }
}
