//! Members change while the cluster runs: the node over its real contract, a clock that the test moves, a network that the
//! test cuts, and processes that crash.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "membership/changes.rs"]
mod changes;
#[path = "membership/cluster.rs"]
mod cluster;
#[path = "membership/recovery.rs"]
mod recovery;
#[path = "membership/removal.rs"]
mod removal;
#[path = "membership/strangers.rs"]
mod strangers;

#[path = "node_support/time.rs"]
#[allow(dead_code, unreachable_pub, reason = "each uses what it needs of it")]
mod time;
