//! A machine's disk: when a sync ends and what has become of it; stalls, errors, a full disk, lies, a power loss.
//!
//! What is on a disk is the process's business. Here is only when things happen.

use leasehold::time::Span;

use super::choices::{Choices, Draw, Point, Purpose};
use super::engine::{Due, World, narrow};
use super::event::{Happening, Reader};
use super::process::{DiskChance, DiskFaults, Process, SyncEnd};
use super::slot::Arrival;
use crate::setup::Action;

/// How long a process waits for room on a full disk before it tries again, as production does.
pub const FULL_RETRY: Span = Span::secs(1);

/// What is wrong with a disk, and what it is doing.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    /// The process syncs one batch after the other.
    batches: bool,
    /// How many faults of each kind are in force.
    stalls: u32,
    errors: u32,
    fulls: u32,
    lies: u32,
    /// A batch is being synced, or waits for room.
    syncing: bool,
    /// The process has been told that there is no room, and not yet that there is.
    told_full: bool,
    /// Syncs that would have ended but for a stall.
    stalled: Vec<u64>,
    /// Decisions of this disk so far.
    decisions: u64,
}

impl Disk {
    pub(super) fn new(batches: bool) -> Disk {
        Disk { batches, ..Disk::default() }
    }

    /// Nothing is wrong with it, and nothing is known but how long a sync takes.
    fn is_plain(&self) -> bool {
        !self.batches && self.stalls + self.errors + self.fulls == 0
    }

    fn faults(&self) -> DiskFaults {
        DiskFaults { error: self.errors > 0, full: self.fulls > 0, lie: self.lies > 0 }
    }
}

/// What one node's disk leaves to chance, as the world's choices have it.
struct NodeDisk<'a> {
    choices: &'a mut Choices,
    node: usize,
    decisions: &'a mut u64,
}

impl DiskChance for NodeDisk<'_> {
    fn below(&mut self, count: u64) -> u64 {
        let point = Point { purpose: Purpose::Disk, of: narrow(self.node), to: 0, index: *self.decisions };
        *self.decisions += 1;
        self.choices.choose(point, Draw::Uniform { least: 0, most: count.saturating_sub(1) })
    }
}

impl<P: Process> World<P> {
    /// A process has written something. Tells the ticket of what is safe at once.
    pub(super) fn sync_begins(&mut self, node: usize, ticket: u64) -> Option<u64> {
        let slot = &self.slots[node];
        if slot.disk.batches {
            self.next_sync(node);
            return None;
        }
        if slot.disk.is_plain() && slot.disk_sync == Span::ZERO {
            return Some(ticket);
        }
        self.sync_will_end(node, slot.disk_sync, ticket);
        None
    }

    /// A process that syncs batch by batch begins with the next one, if there is one and none is under way.
    pub(super) fn next_sync(&mut self, node: usize) {
        let slot = &mut self.slots[node];
        if slot.disk.batches && !slot.disk.syncing && slot.process.begin_sync() {
            slot.disk.syncing = true;
            let takes = slot.disk_sync;
            self.sync_will_end(node, takes, 0);
        }
    }

    fn sync_will_end(&mut self, node: usize, after: Span, ticket: u64) {
        let (at, incarnation) = (self.at(after), self.slots[node].incarnation);
        self.queue.push(at, Due::Synced { node, incarnation, ticket });
    }

    /// A sync would end now, if nothing is wrong with the disk. `ticket` is that of the write, on a disk that does not sync
    /// batch by batch.
    pub(super) fn sync_ends(&mut self, node: usize, ticket: u64, reader: &mut impl Reader<P>) {
        let slot = &mut self.slots[node];
        if slot.disk.stalls > 0 {
            slot.disk.stalled.push(ticket);
            return;
        }
        let faults = slot.disk.faults();
        let end = match faults {
            _ if slot.disk.batches => slot.process.end_sync(faults),
            DiskFaults { error: true, .. } => {
                SyncEnd::Failed("failed while syncing: the disk is gone; check the disk".to_owned())
            }
            DiskFaults { full: true, .. } => SyncEnd::Full,
            _ => SyncEnd::Synced { ticket },
        };
        match end {
            SyncEnd::Synced { ticket } => {
                slot.disk.syncing = false;
                slot.disk.told_full = false;
                self.arrive(node, Arrival::Synced { ticket }, reader);
                // One that stands still goes on with the next batch when it goes on.
                if self.slots[node].runs() {
                    self.next_sync(node);
                }
            }
            SyncEnd::Full => {
                self.sync_will_end(node, FULL_RETRY, ticket);
                if !std::mem::replace(&mut self.slots[node].disk.told_full, true) {
                    self.arrive(node, Arrival::StorageFull, reader);
                }
            }
            SyncEnd::Failed(why) => {
                self.tell(reader, Happening::Ended { node, why: &why });
                self.crash(node, reader);
            }
        }
    }

    /// The machine stops: what its disk was doing comes to nothing, or to as much as is drawn.
    pub(super) fn power_off(&mut self, node: usize) {
        let slot = &mut self.slots[node];
        slot.disk.syncing = false;
        slot.disk.told_full = false;
        slot.disk.stalled.clear();
        let (choices, decisions) = (&mut self.choices, &mut slot.disk.decisions);
        slot.process.crash(&mut NodeDisk { choices, node, decisions });
    }

    /// Looks at what a node's disk holds. `false`: the process does not start.
    pub(super) fn recovers(&mut self, node: usize, reader: &mut impl Reader<P>) -> bool {
        let slot = &mut self.slots[node];
        let faults = slot.disk.faults();
        match slot.process.recover(faults) {
            Ok(recovery) => {
                if let Some(what) = recovery.forgotten {
                    self.tell(reader, Happening::Forgot { node, what: &what });
                }
                true
            }
            Err(why) => {
                self.tell(reader, Happening::Refused { node, why: &why });
                false
            }
        }
    }

    pub(super) fn disk_fault(
        &mut self,
        action: &Action<P::Order>,
        undone: bool,
        reader: &mut impl Reader<P>,
    ) {
        let change = |count: &mut u32| {
            *count = if undone { count.saturating_sub(1) } else { *count + 1 };
        };
        match *action {
            Action::DiskStall { node } => {
                let disk = &mut self.slots[node].disk;
                change(&mut disk.stalls);
                if disk.stalls == 0 {
                    for ticket in std::mem::take(&mut disk.stalled) {
                        self.sync_will_end(node, Span::ZERO, ticket);
                    }
                }
            }
            Action::DiskError { node } => change(&mut self.slots[node].disk.errors),
            Action::DiskFull { node } => change(&mut self.slots[node].disk.fulls),
            Action::DiskLie { node } => change(&mut self.slots[node].disk.lies),
            Action::DiskCorrupt { node } if !undone => {
                let slot = &mut self.slots[node];
                let (choices, decisions) = (&mut self.choices, &mut slot.disk.decisions);
                let what = slot.process.corrupt(&mut NodeDisk { choices, node, decisions });
                if let Some(what) = what {
                    self.tell(reader, Happening::Corrupted { node, what: &what });
                }
            }
            _ => {}
        }
    }
}
