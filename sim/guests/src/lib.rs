//! Guests: other people's Raft on this world's clocks.
//!
//! A guest is a program that reads one JSON line and writes one JSON line, and never looks at a clock. The line says what
//! the clocks show and what has happened; the answer says what to send, to write and to reply, and when to wake the guest.
//! `docs/reference/guest-protocol.md` is the reference, `docs/host-your-own.md` the way in.
//!
//! ```text
//! leasehold-run: GuestNode --> guest (one on a node) --> protocol (lines) --> process, a child of ours
//!                                                                       --> wasi, a module in an interpreter
//! ```
//!
//! [`Guests`] is the host that a setup needs before it runs: [`leasehold_run::guest::Guest::hosted_by`].
//!
//! **Architecture Invariant:** nothing here knows a scenario, an observer or a verdict. What goes wrong with a guest is said
//! once, by [`Guests`], and the run that it happened in shows nothing.

mod guest;
mod host;
mod process;
mod protocol;
#[cfg(feature = "wasi")]
mod wasi;

pub use host::Guests;
