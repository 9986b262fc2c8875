//! Fuzz target: the reader of scenarios. Any text becomes a plan or diagnostics that say something, in bounded time.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[path = "../../tests/fuzz_support/drive.rs"]
mod drive;

use std::path::Path;
use std::time::{Duration, Instant};

use leasehold_sim::scenario::{ROWS_MAX, load};

/// An input is a few kilobytes; even the most rows there can be are read in less than this, without optimisation, on a
/// busy machine.
const TIME_MAX: Duration = Duration::from_secs(60);

fn target(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    #[allow(clippy::disallowed_methods, reason = "only whether it takes too long is looked at")]
    let start = Instant::now();
    match load("fuzz.toml", &text, &[], &["sound", "restart-forgets"]) {
        Ok(plan) => {
            assert!((1..=ROWS_MAX).contains(&plan.rows.len()));
            let again = load("fuzz.toml", &text, &[], &["sound", "restart-forgets"]).unwrap();
            assert_eq!(plan, again, "the same text, the same plan");
        }
        Err(diagnostics) => {
            let shown = diagnostics.render(false);
            assert!(!shown.trim().is_empty(), "a refusal says why");
        }
    }
    assert!(start.elapsed() < TIME_MAX, "{:?} for {} bytes", start.elapsed(), bytes.len());
}

#[test]
fn no_text_breaks_the_reader() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut corpus = drive::corpus(&root.join("scenarios"));
    corpus.extend(drive::corpus(&root.join("tests/fuzz_corpus/scenario")));
    drive::drive("scenario", &corpus, 2_000, 400, target);
}
