//! The simulator for a browser: one JSON request in, one JSON answer out.
//!
//! [`answer`] is the whole program. `abi` hands its bytes to JavaScript and back. The program is
//! [`leasehold_run`], as `sim run` has it: the same scenario and seed give the same trace hash.
//!
//! It has no files, threads, sockets or clock, and keeps nothing between two requests.

mod abi;
mod request;

pub use request::{Request, Want, answer};
