//! The loop: wait, read, handle, write.
//!
//! The wait ends when input comes or when the node's next timer is due. It is measured by the kernel on
//! `CLOCK_MONOTONIC`, which stands still while the machine is suspended and may be slewed, so a timer may fire late. That
//! costs time and no safety: a lease and a promise are judged by fresh readings when they matter.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};

use leasehold::time::Span;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tracing::debug;

use super::host::{Failure, Host};
use super::last_words::{Bug, guard};
use super::lines::Lines;
use super::stop_signal::StopSignal;

/// Read at once at most. What a read brings is handled before the next one, so this bounds a batch as well.
const READ_BYTES_MAX: usize = 64 * 1024;

/// Why the loop ended before its input did.
#[derive(Debug)]
pub(super) enum Stop {
    /// Standard input or output.
    Stream(io::Error),
    /// The data directory failed, or belongs to another node.
    Storage(Failure),
    /// A panic, whose message is in the log already, and the state that explains it.
    Bug(Bug),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Stream(error)
    }
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Stop {
        Stop::Stream(error.into())
    }
}

/// Runs the node on standard input and output until the input ends, or until it has stopped after a signal.
pub(super) fn run(host: &mut Host, line_bytes_max: usize, stop: &StopSignal) -> Result<(), Stop> {
    guard(host, &mut Lines::new(line_bytes_max), |host, lines| serve(host, lines, stop))
        .unwrap_or_else(|bug| Err(Stop::Bug(bug)))
}

fn serve(host: &mut Host, lines: &mut Lines, stop: &StopSignal) -> Result<(), Stop> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let mut chunk = vec![0; READ_BYTES_MAX];
    loop {
        let member = host.member();
        let store = member.and_then(|member| member.writer().wake_fd());
        // Once the node is stopping, the signal has been heard.
        let signal = (!host.is_stopping()).then(|| stop.wake_fd());
        let ready = wait(&stdin, &stdout, store, signal, host.sleep())?;
        if ready.store
            && let Some(member) = member
        {
            member.writer().drain_wake();
        }
        if ready.input {
            // Standard input is left in blocking mode, since that mode belongs to everybody who shares it; a read that
            // follows a poll does not block.
            let count = match rustix::io::read(&stdin, &mut chunk[..]) {
                Err(Errno::INTR | Errno::AGAIN) => continue,
                read => read?,
            };
            lines.push(&chunk[..count]);
            while let Some(line) = lines.next_line() {
                host.handle(&line);
            }
            if count == 0 {
                if let Some(line) = lines.last_line() {
                    host.handle(&line);
                }
                host.settle_durably();
                // A successor that has the whole log is told to campaign. Nothing more can be heard, so nothing is waited for.
                host.begin_stop();
                host.settle_durably();
                debug!("end of input");
                return flush(host);
            }
        }
        if stop.is_asked() {
            host.begin_stop();
        }
        host.settle();
        if host.has_stopped() {
            host.end_stop();
            return flush(host);
        }
        flush(host)?;
    }
}

/// What there is to look at.
struct Ready {
    /// There is input, or it has ended.
    input: bool,
    /// The store has something to say.
    store: bool,
}

/// Waits for input, for the store or for a signal, for so long at most.
fn wait(
    stdin: &impl AsFd,
    stdout: &impl AsFd,
    store: Option<BorrowedFd<'_>>,
    signal: Option<BorrowedFd<'_>>,
    most: Option<Span>,
) -> io::Result<Ready> {
    let timeout = most.map(|most| Timespec {
        tv_sec: i64::try_from(most.as_nanos() / 1_000_000_000).expect("584 years at most"),
        tv_nsec: i64::try_from(most.as_nanos() % 1_000_000_000).expect("below one second"),
    });
    let events = |fd: Option<_>| if fd.is_some() { PollFlags::IN } else { PollFlags::empty() };
    let mut polled = [
        PollFd::new(stdin, PollFlags::IN),
        // Asked for nothing, this one still tells when nobody reads any more.
        PollFd::new(stdout, PollFlags::empty()),
        // Nothing is asked of standard input in the place of a store or of a signal that is not listened to.
        PollFd::from_borrowed_fd(store.unwrap_or(stdin.as_fd()), events(store)),
        PollFd::from_borrowed_fd(signal.unwrap_or(stdin.as_fd()), events(signal)),
    ];
    match poll(&mut polled, timeout.as_ref()) {
        Err(Errno::INTR) => return Ok(Ready { input: false, store: false }),
        polled => polled?,
    };
    if polled[1].revents().contains(PollFlags::ERR) {
        return Err(ErrorKind::BrokenPipe.into());
    }
    Ok(Ready {
        input: !polled[0].revents().is_empty(),
        store: store.is_some() && !polled[2].revents().is_empty(),
    })
}

/// Writes everything that has come up; then stops if the store has.
fn flush(host: &mut Host) -> Result<(), Stop> {
    host.outlet.flush()?;
    host.failure.take().map_or(Ok(()), |failure| Err(Stop::Storage(failure)))
}
