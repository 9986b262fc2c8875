//! What makes the node's writes safe: at once in memory, or on a thread of its own in a data directory.
//!
//! A sync takes as long as the disk likes. On the loop's thread it would hold up heartbeats, lease reads and votes, which
//! need no disk. On a second thread it holds up only what needs it. Writes that arrive during a sync are committed together
//! by the next one. Safety does not depend on this thread's speed: the node holds back every message that a write must
//! precede until it is told that the write is synced.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use leasehold::raft::Write;
use leasehold::storage::durable::StorageFault;
use leasehold::storage::{MemoryStorage, Storage};
use leasehold::time::{Clock, OsClock, Span};
use rustix::event::{EventfdFlags, eventfd};

/// How long to wait for room on a full disk before the next attempt.
const FULL_RETRY: Duration = Duration::from_secs(1);

/// What has become of writes.
#[derive(Debug)]
pub(super) enum Report {
    /// All writes up to this ticket are safe. `took` is the length of the sync; memory needs none.
    Synced { ticket: u64, took: Option<Span> },
    /// There is no room. The writer tries again once a second.
    Full,
    /// The writer has stopped for good.
    Failed(StorageFault),
}

/// The loop's end of the storage. Writes are safe in the order in which they were handed over.
#[derive(Debug)]
pub(super) struct Writer {
    seat: Seat,
    /// The last ticket handed over.
    issued: u64,
    /// The last ticket reported safe.
    synced: u64,
    /// The last report was [`Report::Full`].
    full: bool,
}

#[derive(Debug)]
enum Seat {
    /// Here: nothing survives the process.
    Memory(MemoryStorage),
    /// On a thread, which owns the storage.
    Thread {
        /// `None` after the end.
        writes: Option<Sender<Write>>,
        reports: Receiver<Report>,
        wake: Arc<OwnedFd>,
        thread: Option<JoinHandle<()>>,
    },
}

impl Writer {
    /// Keeps writes in memory.
    pub(super) fn in_memory(storage: MemoryStorage) -> Writer {
        Writer { seat: Seat::Memory(storage), issued: 0, synced: 0, full: false }
    }

    /// Starts the thread, which drops `storage` when it ends. Fails when the system has no room for a thread or a file
    /// descriptor.
    pub(super) fn start<S>(storage: S) -> io::Result<Writer>
    where
        S: Storage<Error = StorageFault> + Send + 'static,
    {
        let (writes, orders) = channel();
        let (sender, reports) = channel();
        let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let bell = Arc::clone(&wake);
        let tell = move |report| {
            // A loop that has ended needs no report. The bell is full after 2^64 - 2 rings that the loop did not hear.
            let _ = sender.send(report);
            let _ = rustix::io::write(&*bell, &1u64.to_ne_bytes());
        };
        let thread =
            thread::Builder::new().name("disk".to_owned()).spawn(move || serve(storage, &orders, tell))?;
        let seat = Seat::Thread { writes: Some(writes), reports, wake, thread: Some(thread) };
        Ok(Writer { seat, issued: 0, synced: 0, full: false })
    }

    /// Hands a write over.
    pub(super) fn write(&mut self, write: Write) {
        self.issued = write.ticket;
        match &mut self.seat {
            Seat::Memory(storage) => storage.write(write),
            Seat::Thread { writes, .. } => {
                // A thread that has stopped has said so.
                let _ = writes.as_ref().expect("no write comes after the end").send(write);
            }
        }
    }

    /// The next report, if there is one now.
    pub(super) fn report(&mut self) -> Option<Report> {
        let report = match &mut self.seat {
            Seat::Memory(_) if self.issued == self.synced => return None,
            Seat::Memory(storage) => {
                let Ok(ticket) = storage.sync();
                Report::Synced { ticket, took: None }
            }
            Seat::Thread { reports, .. } => reports.try_recv().ok()?,
        };
        Some(self.note(report))
    }

    /// The next report about a write under way, however long it takes. `None` when no write is under way, when the disk is
    /// full, or when the thread has ended.
    pub(super) fn wait_report(&mut self) -> Option<Report> {
        if self.is_idle() || self.full {
            return None;
        }
        match &mut self.seat {
            Seat::Memory(_) => self.report(),
            Seat::Thread { reports, .. } => {
                let report = reports.recv().ok()?;
                Some(self.note(report))
            }
        }
    }

    /// True if every write is safe.
    pub(super) fn is_idle(&self) -> bool {
        self.issued == self.synced
    }

    /// Readable when there are reports, until [`Writer::drain_wake`]. `None` in memory, where [`Writer::report`] never has
    /// to be waited for.
    pub(super) fn wake_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.seat {
            Seat::Memory(_) => None,
            Seat::Thread { wake, .. } => Some(wake.as_fd()),
        }
    }

    /// To be called before reports are taken: a report that arrives in between rings again.
    pub(super) fn drain_wake(&self) {
        if let Seat::Thread { wake, .. } = &self.seat {
            let _ = rustix::io::read(&**wake, &mut [0; 8]);
        }
    }

    /// Waits until the thread has finished its work and dropped the storage.
    pub(super) fn close(&mut self) {
        if let Seat::Thread { writes, thread, .. } = &mut self.seat {
            *writes = None;
            if let Some(thread) = thread.take() {
                // A panic has been reported on standard error by then.
                let _ = thread.join();
            }
        }
    }

    fn note(&mut self, report: Report) -> Report {
        self.full = matches!(report, Report::Full);
        if let Report::Synced { ticket, .. } = report {
            assert!(
                (self.synced..=self.issued).contains(&ticket),
                "only what was handed over is reported, in order"
            );
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
    let clock = OsClock::monotonic();
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
                    let took = clock.read().stamp.elapsed_max(began);
                    tell(Report::Synced { ticket, took: Some(took) });
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
