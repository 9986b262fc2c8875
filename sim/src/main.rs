//! The command `sim`. Everything it knows it asks the library.

mod cli;
mod report;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
