//! One scenario in, one result out.
//!
//! ```text
//! scenario (TOML) --> setup (plain data) --> world <-- host (our node as a process) <-- rules (sound, or broken)
//!                                              |
//!                                              v  one stream of events
//!                        watch: trace hash, history, margins, invariants      trace: JSON lines
//!                                              |
//!                                              v
//!             run: what one setup showed --> check: linearizable? stale?      theory: what must be
//!                                              |
//!                                              v
//!                  study: all rows and the verdict --> explain: why --> report: for people, for machines
//! ```
//!
//! `theory::bound` is the arithmetic of [`theory`] with messages counted in; `attack` says who does what in the worst case.
//!
//! Three types to know: [`Setup`](crate::setup::Setup) is what a run is made of;
//! [`World`](leasehold_world::World) is a run in progress; [`run::Outcome`] is what it showed.
//!
//! It is not a model of Raft: it hosts the production node, or a guest ([`guest`]). It reads no file, terminal or clock.
//!
//! **Architecture Invariant:** a run is a pure function of its setup. `cargo check --target wasm32-unknown-unknown` of
//! this crate is part of CI.

pub mod attack;
pub mod blame;
pub mod describe;
pub mod display;
pub mod explain;
pub mod export;
pub mod gallery;
pub mod guest;
pub mod history;
pub mod host;
pub mod hosted;
pub mod note;
pub mod picture;
pub mod report;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod setup;
pub mod sheet;
pub mod study;
pub mod theory;
pub mod trace;
pub mod watch;

pub use scenario::faults;
