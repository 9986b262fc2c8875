//! Logs: for people, on standard error. Standard output belongs to the protocol.

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;

/// Starts logging. `verbosity` is 0 by default, one more for each `-v`, one less for each `-q`.
pub(super) fn start(verbosity: i32) {
    let level = match verbosity {
        ..=-3 => LevelFilter::OFF,
        -2 => LevelFilter::ERROR,
        -1 => LevelFilter::WARN,
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        2.. => LevelFilter::TRACE,
    };
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(stderr().is_terminal() && !plain)
        .with_target(false)
        .with_writer(stderr)
        // Whoever closes our standard error wants no logs, and least of all a panic about them.
        .log_internal_errors(false)
        .init();
}
