//! Logs: on standard error, for people or for programs. Standard output belongs to the protocol.

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;

use super::options::LogFormat;

/// As global as the logging that it belongs to.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// How logs are written.
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
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let logs = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(stderr().is_terminal() && !plain)
        .with_target(false)
        .with_writer(stderr)
        // Whoever closes our standard error wants no logs, and least of all a panic about them.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => {
            logs.json().flatten_event(true).with_current_span(false).with_span_list(false).init()
        }
    }
}
