//! Logs: on standard error, for people or for programs. Standard output belongs to the protocol.

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, warn};
use tracing_subscriber::fmt::MakeWriter;

use super::log_queue::LogQueue;
use super::options::LogFormat;

/// As global as the logging that they belong to.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();
static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// A process that ends waits at most this long for its last lines to be written.
const LAST_LINES_WAIT: Duration = Duration::from_millis(500);

/// The format in use; text before the start.
pub(super) fn format() -> LogFormat {
    FORMAT.get().copied().unwrap_or(LogFormat::Text)
}

/// Starts logging. `verbosity` is 0 by default, one more for each `-v`, one less for each `-q`.
pub(super) fn start(verbosity: i32, format: LogFormat) {
    let level = match verbosity {
        ..=-3 => LevelFilter::OFF,
        -2 => LevelFilter::ERROR,
        -1 => LevelFilter::WARN,
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        2.. => LevelFilter::TRACE,
    };
    let _ = FORMAT.set(format);
    let queue = QUEUE.get_or_init(LogQueue::default);
    // The thread of the queue may wait for standard error, so it writes there itself.
    let direct = subscriber(level, format, stderr);
    let tell_gap = move |lines| {
        tracing::dispatcher::with_default(&direct, || {
            warn!("dropped {lines} log lines: standard error was not read");
        });
    };
    let logs = match queue.start(stderr(), tell_gap) {
        Ok(()) => subscriber(level, format, queue.clone()),
        // Without a thread, lines are written by those who log them.
        Err(_) => subscriber(level, format, stderr),
    };
    // Fails only if logging was started before.
    let _ = tracing::dispatcher::set_global_default(logs);
}

fn subscriber<W>(level: LevelFilter, format: LogFormat, writer: W) -> tracing::Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let logs = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(stderr().is_terminal() && !plain)
        .with_target(false)
        .with_writer(writer)
        // Whoever closes our standard error wants no logs, and least of all a panic about them.
        .log_internal_errors(false);
    fn dispatch(logs: impl Subscriber + Send + Sync + 'static) -> tracing::Dispatch {
        tracing::Dispatch::new(logs)
    }
    match format {
        LogFormat::Text => dispatch(logs.finish()),
        LogFormat::Json => {
            let logs = logs.json().flatten_event(true).with_current_span(false).with_span_list(false);
            dispatch(logs.finish())
        }
    }
}

/// Waits until the lines so far are written, for half a second at most. To be called before the process ends.
pub(super) fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(LAST_LINES_WAIT);
    }
}

/// The number of lines that were dropped because standard error was not read.
pub(super) fn dropped() -> u64 {
    QUEUE.get().map_or(0, LogQueue::dropped)
}
