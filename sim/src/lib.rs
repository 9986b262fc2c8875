//! The simulator: hosts Leasehold's nodes on virtual clocks and tells when a lease read turns stale, by how much, and
//! why.
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
//! `threshold` asks where stale reads begin: `bound` is the arithmetic with messages counted in, `adversary` the most harmful
//! run, `attack` who does what in it.
//!
//! `shrink` makes a run that shows a violation as small as it can be, and writes it as a scenario.
//! `exhaust` runs every schedule of a small case, `probability` estimates how rare one is.
//!
//! Three types to know: [`setup::Setup`] is what a run is made of; [`world::World`] is a run in progress;
//! [`run::Outcome`] is what it showed.
//!
//! `live` runs a scenario on real processes in real time: the world decides as ever, a hub carries out.
//!
//! It is not a model of Raft: it hosts the production node. It is not a load generator: time is virtual.
//!
//! **Architecture Invariant:** a run is a pure function of its setup. Nothing here reads the machine's clock, its random
//! numbers or its hash seeds, but for `sim`'s own progress display, and `live`, whose time is the machine's.
//!
//! **Architecture Invariant:** the world names no protocol and no scenario syntax; reports know no event loop; a reader of
//! the event stream cannot change the run.

pub mod adversary;
pub mod attack;
pub mod blame;
pub mod bound;
pub mod check;
pub mod describe;
pub mod display;
pub mod exhaust;
pub mod explain;
pub mod frontier;
pub mod history_file;
pub mod host;
pub mod live;
pub mod probability;
pub mod report;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod setup;
pub mod shrink;
pub mod study;
pub mod swarm;
pub mod theory;
pub mod threshold;
pub mod trace;
pub mod watch;
pub mod world;
