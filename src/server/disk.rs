//! The writer: a thread that makes writes durable while the loop goes on.
//!
//! A sync takes as long as the disk likes. On the loop's thread it would hold up heartbeats, lease reads and votes, which
//! need no disk; here it holds up what needs it and nothing else. Writes that come in during a sync are committed together
//! by the next one. Safety does not depend on this thread's speed: the node holds every message that a write must precede
//! until it is told that the write is synced.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use leasehold::lease::LeaseForm;
use leasehold::raft::Write;
use leasehold::storage::Storage;
use leasehold::storage::durable::StorageFault;
use leasehold::time::{Clock, Span};
use rustix::event::{EventfdFlags, eventfd};

use super::clock::clock_for;

/// How long to wait for room on a full disk before the next attempt.
const FULL_RETRY: Duration = Duration::from_secs(1);

/// What the writer tells.
#[derive(Debug)]
pub(super) enum Report {
    /// All writes up to this ticket are synced, and how long the sync took.
    Synced { ticket: u64, took: Span },
    /// There is no room; the writer goes on trying.
    Full,
    /// The writer has stopped.
    Failed(StorageFault),
}

/// The loop's end of the writer.
#[derive(Debug)]
pub(super) struct Disk {
    /// `None`: no more writes come.
    writes: Option<Sender<Write>>,
    reports: Receiver<Report>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
    issued: u64,
    synced: u64,
    full: bool,
}

impl Disk {
    /// Starts the writer. `storage` is dropped by it in the end.
    pub(super) fn start<S>(storage: S) -> io::Result<Disk>
    where
        S: Storage<Error = StorageFault> + Send + 'static,
    {
        let (writes, orders) = channel();
        let (sender, reports) = channel();
        let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let bell = Arc::clone(&wake);
        let tell = move |report| {
            // Whoever is gone needs no report. The bell is full after 2^64 - 2 rings that nobody heard.
            let _ = sender.send(report);
            let _ = rustix::io::write(&*bell, &1u64.to_ne_bytes());
        };
        let thread =
            thread::Builder::new().name("disk".to_owned()).spawn(move || serve(storage, &orders, tell))?;
        Ok(Disk {
            writes: Some(writes),
            reports,
            wake,
            thread: Some(thread),
            issued: 0,
            synced: 0,
            full: false,
        })
    }

    /// Hands a write over.
    pub(super) fn write(&mut self, write: Write) {
        self.issued = write.ticket;
        let writes = self.writes.as_ref().expect("no write comes after the end");
        // A writer that has stopped has said so.
        let _ = writes.send(write);
    }

    /// Readable when there are reports, until it is [hushed](Disk::hush).
    pub(super) fn wake(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// To be called before reports are taken: what comes in between rings again.
    pub(super) fn hush(&self) {
        let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
    }

    /// The next report, if there is one.
    pub(super) fn try_report(&mut self) -> Option<Report> {
        let report = self.reports.try_recv().ok()?;
        Some(self.note(report))
    }

    /// The next report about a write under way, however long it takes; `None` when nothing is under way or the disk is full.
    pub(super) fn wait_report(&mut self) -> Option<Report> {
        if self.issued == self.synced || self.full {
            return None;
        }
        let report = self.reports.recv().ok()?;
        Some(self.note(report))
    }

    /// Are all writes durable?
    pub(super) fn is_idle(&self) -> bool {
        self.issued == self.synced
    }

    /// Waits until the writer has ended.
    pub(super) fn close(&mut self) {
        self.writes = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been reported on standard error by then.
            let _ = thread.join();
        }
    }

    fn note(&mut self, report: Report) -> Report {
        self.full = matches!(report, Report::Full);
        if let Report::Synced { ticket, .. } = report {
            self.synced = ticket;
        }
        report
    }
}

/// The thread: everything that is at hand, then one sync.
fn serve<S>(mut storage: S, writes: &Receiver<Write>, tell: impl Fn(Report))
where
    S: Storage<Error = StorageFault>,
{
    let clock = clock_for(LeaseForm::Elapsed);
    while let Ok(write) = writes.recv() {
        storage.write(write);
        let mut full = false;
        loop {
            while let Ok(write) = writes.try_recv() {
                storage.write(write);
            }
            let began = clock.read().stamp;
            match storage.sync() {
                Ok(ticket) => {
                    tell(Report::Synced { ticket, took: clock.read().stamp.elapsed_max(began) });
                    break;
                }
                Err(StorageFault::Full) => {
                    if !full {
                        full = true;
                        tell(Report::Full);
                    }
                    match writes.recv_timeout(FULL_RETRY) {
                        Ok(write) => storage.write(write),
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
                Err(fault) => {
                    tell(Report::Failed(fault));
                    return;
                }
            }
        }
    }
}
