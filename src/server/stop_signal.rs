//! SIGTERM and SIGINT. The first one asks the node to stop, the second one ends the process at once.
//!
//! The second one needs no help of ours: the handler of the first one arms the signals' default effect. So it works while
//! the loop is blocked, too. A thread of its own ends the process if the loop has not done so in time.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use leasehold::time::{Clock, OsClock, Span};
use rustix::event::{EventfdFlags, eventfd};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_default};
use signal_hook::iterator::Signals;
use tracing::{error, info};

use super::logging;

/// The loop has this long beyond the grace to write, sync and end.
const OVERTIME: Span = Span::millis(500);

/// The loop's view of the signals.
#[derive(Debug)]
pub(super) struct StopSignal {
    asked: Arc<AtomicBool>,
    wake: Arc<OwnedFd>,
}

impl StopSignal {
    /// Listens from now on. If the process is still there `grace` and half a second after the first signal, it ends with
    /// `late_exit`. Fails when the system has no room for handlers, a thread or a file descriptor.
    pub(super) fn listen(grace: Span, late_exit: u8) -> io::Result<StopSignal> {
        let asked = Arc::new(AtomicBool::new(false));
        let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let signals = heeded(&[SIGTERM, SIGINT]);
        for &signal in &signals {
            // In this order. The first signal finds `asked` unset and sets it; the second one finds it set.
            register_conditional_default(signal, Arc::clone(&asked))?;
            register(signal, Arc::clone(&asked))?;
        }
        let mut signals = Signals::new(&signals)?;
        let bell = Arc::clone(&wake);
        let listen = move || {
            let Some(signal) = signals.forever().next() else {
                return;
            };
            info!("stops: {}", if signal == SIGTERM { "SIGTERM" } else { "SIGINT" });
            let _ = rustix::io::write(&*bell, &1u64.to_ne_bytes());
            let clock = OsClock::monotonic();
            let (since, most) = (clock.read().stamp, grace + OVERTIME);
            loop {
                let passed = clock.read().stamp.elapsed_max(since);
                if passed >= most {
                    break;
                }
                thread::park_timeout(Duration::from_nanos(most.saturating_sub(passed).as_nanos()));
            }
            error!("ends unfinished: its standard output is not read, or its disk does not answer");
            logging::flush();
            std::process::exit(i32::from(late_exit));
        };
        thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
        Ok(StopSignal { asked, wake })
    }

    /// True after the first signal.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Readable after the first signal.
    pub(super) fn wake_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// Those of the signals that the process was not started to ignore. A shell starts a job in the background of a script so,
/// and means that Ctrl-C does not concern it.
fn heeded(signals: &[i32]) -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask =
        status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let ignored = |signal: i32| mask.unwrap_or(0) >> (signal - 1) & 1 == 1;
    signals.iter().copied().filter(|signal| !ignored(*signal)).collect()
}
