//! The shell around the node: flags, the operating system's clocks, standard input and output.
//!
//! One thread, one loop ([`event_loop`]): wait for input or the next timer, read what is at hand, hand every complete
//! line to the [`host`](self::host), write everything that came of it in one go. No lock, no queue between threads, and
//! under load far less than one system call a request.
//!
//! A thread that blocks (a full standard output, a stopped process, a suspended machine) delays timers and answers and
//! nothing else: whether a lease still runs is judged by a reading of the clocks taken when the request is handled, never
//! by a timer that was to fire.
//!
//! **Architecture Invariant:** decides nothing about Raft, leases or the wire's format.

mod assumption;
mod clock;
mod event_loop;
mod host;
mod jitter;
mod lines;
mod logging;
mod member;
mod notes;
mod options;

use std::io::ErrorKind;
use std::process::ExitCode;

use tracing::{debug, error, info, warn};

use self::clock::OsClock;
use self::host::Host;
pub(crate) use self::options::Options;

/// `EX_IOERR` of sysexits.h.
const EXIT_IO: u8 = 74;

/// Runs the node until its input ends.
pub(crate) fn run(options: &Options) -> ExitCode {
    logging::start(options.verbosity());
    let setup = options.setup().unwrap_or_else(|text| options::refuse(&text));
    let lease = setup.settings.lease;
    let clock = OsClock::for_form(lease.form);
    if !lease.judge().safe {
        warn!("UNSAFE LEASE, allowed by --allow-unsafe-lease: {}", lease.judge().reason);
    }
    info!("{}", assumption::sentence(&lease));
    if let Some(text) = assumption::wall_clock_warning(lease.form, &clock) {
        warn!("{text}");
    }
    match event_loop::run(&mut Host::new(setup, clock), options.line_bytes_max()) {
        Ok(()) => {
            debug!("end of input");
            ExitCode::SUCCESS
        }
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            debug!("nobody reads standard output any more");
            ExitCode::from(EXIT_IO)
        }
        Err(error) => {
            error!("standard input or output failed: {error}");
            ExitCode::from(EXIT_IO)
        }
    }
}
