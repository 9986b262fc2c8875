//! Searches over runs.
//!
//! `threshold` asks where stale reads begin, `frontier` the same over two keys; `adversary` makes the most harmful run of
//! a setup, and `measured` asks seeds alone, for guests. `exhaust` runs every schedule of a small case, `probability` estimates how rare a stale read is. `swarm` draws
//! a cluster for every seed. `shrink` makes a run that shows a violation as small as it can be, and writes it as a
//! scenario. `stalled` says whether a cluster comes back after the last fault. `study` runs all rows of a scenario on several threads. `contradiction` says which findings are bugs of ours.
//!
//! It judges no run itself: [`leasehold_run`] does.

pub mod adversary;
pub mod advise;
pub mod contradiction;
pub mod exhaust;
pub mod frontier;
pub mod measured;
pub mod probability;
pub mod report;
pub mod shrink;
pub mod stalled;
pub mod study;
pub mod swarm;
pub mod threshold;
