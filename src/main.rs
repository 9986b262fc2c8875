//! The stdio node: the library's node on the operating system's clocks, speaking Maelstrom's JSON lines on standard
//! input and output. Logs go to standard error.
//!
//! Exit codes: 0 at the end of input or after SIGTERM or SIGINT; 2 when the command line is wrong or asks for an unsafe lease; 74 when standard
//! input or output or the data directory fails; 70 for a bug of ours.

mod server;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    server::run(&server::Options::parse())
}
