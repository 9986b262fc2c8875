//! A result as plain data that a page can be drawn from: parts, and in each part blocks of a few kinds.
//!
//! A command says what its page holds, and no more: `sim/page/src/sheet.ts` draws every kind of block, with a table beside
//! each picture. A new command needs no new viewer.
//!
//! ```text
//! result --> Sheet (model.rs) --> JSON in the page --> sheet.ts --> blocks: curve, map, bars, timeline, runs, ...
//! ```
//!
//! **Architecture Invariant:** a sheet is a function of the result. It names no file that a page would load.

mod build;
mod model;
#[cfg(test)]
mod tests;

pub use build::{Album, PICTURES_BYTES_MAX};
pub use model::*;
