//! Scenarios: a story about clocks and faults, written in TOML, read into plain data.
//!
//! A scenario file, `--set path=value` overrides and one row of a sweep go in; a validated [`Scenario`] for each row
//! comes out, or [`Diagnostics`] that point at every mistake at once. The steps, one file each:
//!
//! 1. `tree`: TOML text into a tree in which every key and value knows its place;
//! 2. `path`: overrides, each of which replaces a value of that tree;
//! 3. `walk` and `read`: the tree against the table of keys in `schema`, into typed values;
//! 4. `build`: typed values into the [`Scenario`], with the checks that need more than one value;
//! 5. `rows`: the sweep and the variants, each row through 2 to 4 again.
//!
//! The table of keys is the only list of keys there is: the reader, "did you mean", [`known_keys`], [`explain()`] and
//! the test of `docs/reference/scenarios.md` all use it.
//!
//! **Architecture Invariant:** nothing here runs anything, reads a file or knows the simulator's world. The two meet in
//! [`leasehold_world::setup`], which knows neither.

mod brief;
mod build;
mod explain;
pub mod faults;
mod held;
pub mod keys;
mod model;
mod path;
mod read;
mod report;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod tree;
pub mod units;
mod walk;
mod write;

pub use brief::Written;
pub use explain::{Origin, Resolved, explain};
pub use model::{Exhibit, Expectation, Requirements, Scenario};
pub use report::{Diagnostics, Finding, Severity};
pub use rows::{Knob, Plan, ROWS_MAX, Row, RowExpectation, SweepInfo, UnitKind, load};
pub use schema::{KnownKey, json_schema, known_keys};
