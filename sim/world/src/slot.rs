//! A hosted process with its machine: clocks, running or not, what waits for it.

use super::clock::VirtualClock;
use super::disk::Disk;
use super::process::{Process, ProcessInput, Reply, Request};
use leasehold::time::Span;

/// One machine and the process on it.
#[derive(Debug, Clone)]
pub(super) struct Slot<P: Process> {
    pub(super) process: P,
    pub(super) clock: VirtualClock,
    /// It runs, or at least it is there.
    pub(super) up: bool,
    /// How many faults make it stand still.
    pub(super) stops: u32,
    /// What came while it stood still, in order of arrival.
    pub(super) inbox: Vec<Arrival<P::Message, P::Order>>,
    /// How often it has been started.
    pub(super) incarnation: u64,
    /// The true time of the wake-up that counts; others in the queue are void.
    pub(super) wakeup_at: Option<u64>,
    pub(super) disk_sync: Span,
    pub(super) disk: Disk,
    pub(super) answer_time: Span,
    pub(super) jitters: u64,
    pub(super) jitter_least: Span,
}

/// Something that has arrived at a machine.
#[derive(Debug, Clone)]
pub(super) enum Arrival<M, O> {
    Message {
        from: usize,
        number: u64,
        message: M,
    },
    Request {
        operation: u64,
        request: Request,
    },
    Synced {
        ticket: u64,
    },
    StorageFull,
    Order(O),
    /// An answer that was decided a while ago is ready to leave.
    Answer {
        operation: u64,
        reply: Reply,
    },
}

impl<P: Process> Slot<P> {
    pub(super) fn runs(&self) -> bool {
        self.up && self.stops == 0
    }

    /// Is one of the process's alarms reached? Then [`Slot::next_wakeup`] is `now`, which takes longer to find.
    pub(super) fn is_due(&self, now: u64) -> bool {
        let reading = self.clock.read(now);
        let mut due = false;
        self.process.alarms(|alarm| due |= alarm.reached(&reading));
        due
    }

    /// The first true time, not before `now`, at which one of the process's alarms is reached.
    pub(super) fn next_wakeup(&self, now: u64) -> Option<u64> {
        let mut first: Option<u64> = None;
        self.process.alarms(|alarm| {
            if let Some(at) = self.clock.first_at(&alarm, now) {
                first = Some(first.map_or(at, |first| first.min(at)));
            }
        });
        first
    }
}

impl<M, O> Arrival<M, O> {
    /// What the process is to handle; `None` for what is none of its business.
    pub(super) fn input(self) -> Option<ProcessInput<M, O>> {
        Some(match self {
            Arrival::Message { from, message, .. } => ProcessInput::Message { from, message },
            Arrival::Request { operation, request } => ProcessInput::Request { token: operation, request },
            Arrival::Synced { ticket } => ProcessInput::Synced { ticket },
            Arrival::StorageFull => ProcessInput::StorageFull,
            Arrival::Order(order) => ProcessInput::Order(order),
            Arrival::Answer { .. } => return None,
        })
    }
}
