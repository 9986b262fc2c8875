//! Faults: fired at a time, or when something happens; undone after a while.

use super::engine::{Due, World};
use super::event::{Happening, Reader};
use super::network::{Hold, separated};
use super::process::Process;
use super::slot::Arrival;
use crate::setup::{Action, EventKind, FaultSpec, Trigger};

/// Faults that wait for something to happen.
#[derive(Debug, Clone)]
pub(super) struct Triggers {
    waiting: Vec<Waiting>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    fault: usize,
    event: EventKind,
    node: Option<usize>,
    from: u64,
    /// Events still to be let pass, this one included.
    left: u32,
}

impl Triggers {
    /// Nothing is waited for any more.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn new<O>(faults: &[FaultSpec<O>]) -> Triggers {
        let waiting = faults.iter().enumerate().filter_map(|(fault, spec)| match spec.trigger {
            Trigger::When { event, node, from, nth } => {
                Some(Waiting { fault, event, node, from: from.as_nanos(), left: nth })
            }
            Trigger::At(_) | Trigger::Every { .. } => None,
        });
        Triggers { waiting: waiting.collect() }
    }

    /// The faults that this event sets off.
    fn notice(&mut self, now: u64, event: EventKind, node: usize) -> Vec<usize> {
        let mut fired = Vec::new();
        self.waiting.retain_mut(|waiting| {
            let awaited = waiting.event == event
                && waiting.node.is_none_or(|awaited| awaited == node)
                && now >= waiting.from;
            if !awaited {
                return true;
            }
            waiting.left = waiting.left.saturating_sub(1);
            if waiting.left == 0 {
                fired.push(waiting.fault);
            }
            waiting.left > 0
        });
        fired
    }
}

/// The first of `first`, `first + every`, ... that is after `now`. Counted from the first, so that a world that is late, as
/// one in real time may be, is not late for ever.
fn next_time(first: u64, every: u64, now: u64) -> u64 {
    let times = now.saturating_sub(first) / every.max(1) + 1;
    first.saturating_add(every.max(1).saturating_mul(times))
}

impl<P: Process> World<P> {
    pub(super) fn schedule_timed_faults(&mut self) {
        for (fault, spec) in self.setup.faults.iter().enumerate() {
            if let Trigger::At(at) | Trigger::Every { first: at, .. } = spec.trigger {
                self.queue.push((at + spec.after).as_nanos(), Due::Fault { fault, undo: false });
            }
        }
    }

    /// Something has happened that faults may wait for.
    pub(super) fn trigger(&mut self, event: EventKind, node: usize) {
        if self.triggers.waiting.is_empty() {
            return;
        }
        for fault in self.triggers.notice(self.now, event, node) {
            let at = self.at(self.setup.faults[fault].after);
            self.queue.push(at, Due::Fault { fault, undo: false });
        }
    }

    pub(super) fn apply_fault(&mut self, fault: usize, reader: &mut impl Reader<P>) {
        let setup = self.setup.clone();
        let spec = &setup.faults[fault];
        self.tell(reader, Happening::Fault { fault, undone: false });
        if let Some(lasts) = spec.lasts {
            let at = self.at(lasts);
            self.queue.push(at, Due::Fault { fault, undo: true });
        }
        if let Trigger::Every { first, every } = spec.trigger {
            let at = next_time((first + spec.after).as_nanos(), every.as_nanos(), self.now);
            self.queue.push(at, Due::Fault { fault, undo: false });
        }
        match &spec.action {
            Action::Partition { between } => self.links.cut(fault, separated(between)),
            Action::Cut { from, to } => {
                let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
                self.links.cut(fault, pairs.filter(|(from, to)| from != to).collect());
            }
            Action::Isolate { node } => {
                let others = (0..self.slots.len()).filter(|other| other != node).collect();
                self.links.cut(fault, separated(&[vec![*node], others]));
            }
            Action::Heal => self.links.lift(None),
            Action::Hold { from, to, message, count } => {
                self.links.link(*from, *to).hold(Some(Hold { kind: message.clone(), left: *count }));
            }
            Action::Release { from, to } => self.release(*from, *to),
            Action::Pause { node } => self.stop(*node, reader),
            Action::Suspend { node } | Action::HypervisorPause { node } => {
                self.stop(*node, reader);
                self.change_clock(&spec.action, false, reader);
            }
            Action::Crash { node } => self.crash(*node, reader),
            Action::Restart { node } => self.restart(*node, reader),
            Action::DiskStall { .. }
            | Action::DiskError { .. }
            | Action::DiskFull { .. }
            | Action::DiskLie { .. }
            | Action::DiskCorrupt { .. } => self.disk_fault(&spec.action, false, reader),
            Action::Step { .. }
            | Action::ClockJump { .. }
            | Action::Rate { .. }
            | Action::Unsynchronize { .. } => self.change_clock(&spec.action, false, reader),
            Action::Order(order) => {
                if let Some(leader) = self.latest_leader() {
                    self.arrive(leader, Arrival::Order(order.clone()), reader);
                }
            }
        }
    }

    pub(super) fn undo_fault(&mut self, fault: usize, reader: &mut impl Reader<P>) {
        let setup = self.setup.clone();
        self.tell(reader, Happening::Fault { fault, undone: true });
        match &setup.faults[fault].action {
            Action::Partition { .. } | Action::Cut { .. } | Action::Isolate { .. } => {
                self.links.lift(Some(fault));
            }
            Action::Hold { from, to, .. } => self.release(*from, *to),
            Action::Pause { node } => self.resume(*node, reader),
            action @ (Action::Suspend { node } | Action::HypervisorPause { node }) => {
                self.change_clock(action, true, reader);
                self.resume(*node, reader);
            }
            Action::Crash { node } => self.restart(*node, reader),
            action @ (Action::DiskStall { .. }
            | Action::DiskError { .. }
            | Action::DiskFull { .. }
            | Action::DiskLie { .. }
            | Action::DiskCorrupt { .. }) => self.disk_fault(action, true, reader),
            action @ (Action::Step { .. }
            | Action::ClockJump { .. }
            | Action::Rate { .. }
            | Action::Unsynchronize { .. }) => self.change_clock(action, true, reader),
            // Nothing that could be undone.
            Action::Heal | Action::Release { .. } | Action::Restart { .. } | Action::Order(_) => {}
        }
    }

    /// No fault happens from now on, and those that are given end now, as they would at the end of their time. A jump of a
    /// clock that has no end stays. For branches of a run: what would have become of it without further faults?
    pub fn end_faults(&mut self, in_force: &[usize], reader: &mut impl Reader<P>) {
        self.queue.retain(|due| !matches!(due, Due::Fault { .. }));
        self.triggers.forget();
        for fault in in_force {
            let spec = &self.setup.faults[*fault];
            let jump = matches!(spec.action, Action::Step { .. } | Action::ClockJump { .. });
            if spec.lasts.is_some() || !jump {
                self.undo_fault(*fault, reader);
            }
        }
    }

    /// Delivers what is held on a link, in the order in which it was sent, and holds nothing more.
    pub(super) fn release(&mut self, from: usize, to: usize) {
        let link = self.links.link(from, to);
        link.hold(None);
        for (number, message) in std::mem::take(&mut link.held) {
            self.queue.push(self.now, Due::Message { from, to, number, message });
        }
    }

    fn change_clock(&mut self, action: &Action<P::Order>, undone: bool, reader: &mut impl Reader<P>) {
        let usual = |node: usize| self.setup.machines[node].clock.rate_ppb;
        let Some((node, change)) = action.clock_change(undone, usual) else { return };
        self.tell(reader, Happening::ClockChanges { node });
        self.slots[node].clock.change(self.now, change);
        if self.slots[node].runs() {
            self.schedule_wakeup(node);
        }
    }

    fn stop(&mut self, node: usize, reader: &mut impl Reader<P>) {
        self.slots[node].stops += 1;
        self.tell(reader, Happening::Stopped { node, resumed: false });
    }

    /// The process goes on: first with what has arrived meanwhile, then with what is due.
    pub(super) fn resume(&mut self, node: usize, reader: &mut impl Reader<P>) {
        let slot = &mut self.slots[node];
        slot.stops = slot.stops.saturating_sub(1);
        if !slot.runs() {
            return;
        }
        let inbox = std::mem::take(&mut slot.inbox);
        self.tell(reader, Happening::Stopped { node, resumed: true });
        for arrival in inbox {
            self.arrive(node, arrival, reader);
        }
        self.schedule_wakeup(node);
        self.next_sync(node);
    }

    pub(super) fn crash(&mut self, node: usize, reader: &mut impl Reader<P>) {
        if !self.slots[node].up {
            return;
        }
        // Told while the process still has its state.
        self.tell(reader, Happening::Crashed { node });
        self.power_off(node);
        let slot = &mut self.slots[node];
        slot.up = false;
        slot.stops = 0;
        slot.wakeup_at = None;
        slot.inbox.clear();
        // What the dead process had under way at its disk is not the next one's.
        slot.incarnation += 1;
    }

    pub(super) fn restart(&mut self, node: usize, reader: &mut impl Reader<P>) {
        if !self.slots[node].up {
            self.start(node, reader);
            if self.slots[node].up {
                self.trigger(EventKind::Restarted, node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::next_time;

    #[test]
    fn a_repeated_fault_keeps_to_its_times_even_when_it_was_late() {
        for (now, next) in [(5, 15), (6, 15), (14, 15), (15, 25), (38, 45)] {
            assert_eq!(next_time(5, 10, now), next, "after {now}");
        }
    }
}
