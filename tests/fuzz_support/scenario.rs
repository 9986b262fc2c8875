//! What must hold of the reader of scenarios: any text becomes a plan or diagnostics that say something, in bounded time.

use std::time::{Duration, Instant};

use leasehold_run::scenario::{ROWS_MAX, load};

/// An input is a few kilobytes; even the most rows there can be are read in less than this, without optimisation, on a
/// busy machine.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Checks one text.
pub(crate) fn check(bytes: &[u8]) {
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
