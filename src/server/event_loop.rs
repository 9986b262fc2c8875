//! The loop: wait, read, handle, write.
//!
//! The wait ends when input comes or when the node's next timer is due. It is measured by the kernel on
//! `CLOCK_MONOTONIC`, which stands still while the machine is suspended and may be slewed, so a timer may fire late. That
//! costs time and no safety: a lease and a promise are judged by fresh readings when they matter.

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use leasehold::time::Span;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::host::Host;
use super::lines::Lines;

/// Read at once at most. What a read brings is handled before the next one, so this bounds a batch as well.
const READ_BYTES_MAX: usize = 64 * 1024;

/// Runs the node on standard input and output until the input ends.
pub(super) fn run(host: &mut Host, line_bytes_max: usize) -> io::Result<()> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let mut lines = Lines::new(line_bytes_max);
    let mut chunk = vec![0; READ_BYTES_MAX];
    loop {
        if wait(&stdin, &stdout, host.sleep())? {
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
                host.settle();
                return flush(host, &stdout);
            }
        }
        host.wake_if_due();
        host.settle();
        flush(host, &stdout)?;
    }
}

/// Waits for input, for so long at most. `true`: there is some, or it has ended.
fn wait(stdin: &impl AsFd, stdout: &impl AsFd, most: Option<Span>) -> io::Result<bool> {
    let timeout = most.map(|most| Timespec {
        tv_sec: i64::try_from(most.as_nanos() / 1_000_000_000).expect("584 years at most"),
        tv_nsec: i64::try_from(most.as_nanos() % 1_000_000_000).expect("below one second"),
    });
    let mut ready = [
        PollFd::new(stdin, PollFlags::IN),
        // Asked for nothing, this one still tells when nobody reads any more.
        PollFd::new(stdout, PollFlags::empty()),
    ];
    match poll(&mut ready, timeout.as_ref()) {
        Err(Errno::INTR) => return Ok(false),
        polled => polled?,
    };
    if ready[1].revents().contains(PollFlags::ERR) {
        return Err(ErrorKind::BrokenPipe.into());
    }
    Ok(!ready[0].revents().is_empty())
}

/// Writes everything that has come up, in one go.
fn flush(host: &mut Host, stdout: &io::Stdout) -> io::Result<()> {
    let outbox = host.outbox();
    if !outbox.lines().is_empty() {
        let mut stdout = stdout.lock();
        stdout.write_all(outbox.lines())?;
        stdout.flush()?;
        outbox.clear();
    }
    Ok(())
}
