//! The shell around the node: flags, the operating system's clocks, standard input and output.
//!
//! One loop ([`event_loop`]): wait for input or the next timer, read what is at hand, hand every complete line to the
//! [`host`](self::host), write everything that came of it in one go. No lock, and under load far less than one system call
//! a request. With `--data-dir` a second thread makes writes durable ([`writer`]), so that heartbeats and lease reads go on
//! during a sync.
//!
//! A loop that blocks (a full standard output, a stopped process, a suspended machine) delays timers and answers and
//! nothing else: whether a lease still runs is judged by a reading of the clocks taken when the request is handled, never
//! by a timer that was to fire.
//!
//! **Architecture Invariant:** decides nothing about Raft, leases or the wire's format.

mod assumption;
mod check;
mod clock;
mod complaints;
mod event_loop;
mod host;
mod jitter;
mod last_words;
mod lines;
mod log_queue;
mod logging;
mod member;
mod metrics;
mod notes;
mod options;
mod outlet;
mod prometheus;
mod recover;
mod source;
mod stop_signal;
mod watch;
mod writer;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use leasehold::lease::LeaseForm;
use leasehold::maelstrom::peer_line_bytes_max;
use tracing::{debug, error, info, warn};

use self::clock::clock_for;
use self::event_loop::Stop;
use self::host::Host;
pub(crate) use self::options::Options;
use self::outlet::Outlet;
use self::source::Source;
use self::stop_signal::StopSignal;

/// `EX_IOERR` of sysexits.h.
const EXIT_IO: u8 = 74;
/// `EX_SOFTWARE` of sysexits.h: a bug of ours.
const EXIT_BUG: u8 = 70;

/// Runs the node until its input ends or a signal asks it to stop.
pub(crate) fn run(options: &Options) -> ExitCode {
    let code = run_logged(options);
    logging::flush();
    code
}

fn run_logged(options: &Options) -> ExitCode {
    if let Some(document) = options.document() {
        return written(&document);
    }
    logging::start(options.verbosity(), options.log_format());
    last_words::log_panics();
    let setup = options.setup().unwrap_or_else(|error| options::refuse(&error.to_string()));
    if options.is_check() {
        return written(check::report(&setup, options.data_dir()).as_bytes());
    }
    let lease = setup.settings.lease;
    if let Some((from, to)) = options.recovers() {
        return match recover::recover(from, to, lease) {
            Ok(told) => written(told.as_bytes()),
            Err(error) if error.is_usage() => options::refuse(&error.to_string()),
            Err(error) => {
                error!("{error}");
                ExitCode::from(EXIT_IO)
            }
        };
    }
    let clock = clock_for(lease.form, options.assumed_wall_error());
    if !lease.judge().safe {
        warn!("UNSAFE LEASE, allowed by --allow-unsafe-lease: {}", lease.judge().reason);
    }
    info!("{}", assumption::sentence(&lease));
    if let Some(error) = options.assumed_wall_error().filter(|_| lease.form == LeaseForm::Deadline) {
        warn!(
            "--assume-wall-error {error}: this wall clock is believed while the kernel calls it unsynchronized; if it is \
             further off, reads are stale; for tests only"
        );
    }
    if let Some(text) = assumption::wall_clock_warning(lease.form, &clock) {
        warn!("{text}");
    }
    if io::stdin().is_terminal() {
        info!("waits for init: a program is to write lines of JSON here, and this is a terminal");
        info!("`leasehold --help` has an example; `leasehold --check` says what the flags mean");
    }
    let storage = match Source::from(options.data_dir(), options.in_memory()) {
        Ok(storage) => storage,
        Err(error) => {
            error!("{error}");
            return ExitCode::from(EXIT_IO);
        }
    };
    let stop = match StopSignal::listen(setup.stop_grace, EXIT_IO) {
        Ok(stop) => stop,
        Err(error) => {
            error!("cannot listen to signals: {error}");
            return ExitCode::from(EXIT_IO);
        }
    };
    let line_bytes_max = peer_line_bytes_max(setup.line_bytes_max);
    let mut host = Host::new(setup, clock, storage, Outlet::to(io::stdout()));
    match event_loop::run(&mut host, line_bytes_max, &stop) {
        Ok(()) => {
            host.close();
            ExitCode::SUCCESS
        }
        Err(Stop::Storage(failure)) => {
            error!("{failure}");
            ExitCode::from(EXIT_IO)
        }
        Err(Stop::Bug(bug)) => {
            error!("{bug}");
            ExitCode::from(EXIT_BUG)
        }
        Err(Stop::Stream(error)) if error.kind() == ErrorKind::BrokenPipe => {
            debug!("nobody reads standard output any more");
            ExitCode::from(EXIT_IO)
        }
        Err(Stop::Stream(error)) => {
            error!("standard input or output failed: {error}");
            ExitCode::from(EXIT_IO)
        }
    }
}

/// Writes all that the process has to say to standard output.
fn written(text: &[u8]) -> ExitCode {
    match io::stdout().write_all(text).and_then(|()| io::stdout().flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(EXIT_IO),
    }
}
