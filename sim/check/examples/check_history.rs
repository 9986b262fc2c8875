//! Is a history linearizable? Without an argument: one that is not. With an argument: the history in that file, in any
//! format that docs/reference/histories.md describes.
//!
//! `cargo run --package leasehold-check --example check_history [FILE]`

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, Write};

use leasehold_check::history_file::{Options, read};
use leasehold_check::{Action, Key, Limits, Operation, Value, check};

/// One key. Times are in nanoseconds.
fn stale_history() -> Vec<Operation> {
    let operation = |client, invoked, responded, action| Operation {
        client,
        key: Key(1),
        invoked,
        responded: Some(responded),
        action,
    };
    vec![
        operation(0, 0, 10, Action::Write { value: Value(1) }),
        operation(0, 20, 30, Action::Write { value: Value(2) }),
        // The write of 2 was acknowledged at 30. A read that starts later must not return 1.
        operation(1, 75, 80, Action::Read { returned: Value(1) }),
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    let history = match std::env::args_os().nth(1) {
        Some(file) => {
            let read = read(BufReader::new(File::open(file)?), &Options::default());
            read.map_err(|error| format!("{error:?}"))?.operations
        }
        None => stale_history(),
    };
    let report = check(&history, Limits::default());
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} operations on {} keys: {:?}",
        report.counts.operations, report.counts.keys, report.outcome
    )?;
    for stale in &report.stale_reads {
        writeln!(
            out,
            "operation {} returned {:?}; operation {} proves a newer value, known for {} ns before the read",
            stale.read, stale.returned, stale.missed, stale.stale_by_ns
        )?;
    }
    Ok(())
}
