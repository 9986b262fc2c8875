//! Exact linearizability checking of register histories, one key at a time, and explanations of stale reads.
//!
//! A history is a slice of [`Operation`]s with their invocation and response in true time. [`check`] answers, for every
//! key, whether some order of its operations explains what the clients saw, and names the operations that contradict
//! each other where none does. For every read that provably returned an old value it says which newer value the read
//! missed, how that value was known, and for how long.
//!
//! Linearizability is local (Herlihy and Wing 1990, theorem 1), so each key is judged alone:
//!
//! * `zones` takes keys that have reads and writes only, each value written once: O(n log n).
//! * `chains` takes keys that have compare-and-swap too, each value written once: O(n log n), but for some histories with
//!   swaps that did not happen.
//! * `search` takes the rest (repeated values). It may take exponential time and is therefore bounded;
//!   past the bound the answer is [`Verdict::Undecided`], never a guess.
//!
//! **Architecture Invariant:** the checker knows operations and nothing of the node, the network or the clocks that
//! produced them. It draws no random numbers and hashes nothing: the report is a function of the history and the limits.

mod chains;
mod checker;
mod history;
pub mod history_file;
mod report;
mod search;
mod stale;
mod suffix;
#[cfg(test)]
mod tests;
mod zones;

pub use checker::{check, check_until};
pub use history::{Action, Key, Operation, Value};
pub use report::{
    Attempt, Bound, Counts, KeyReport, Limits, Outcome, Precedence, Report, Verdict, Violation,
};
pub use stale::{Evidence, StaleRead};
