//! The node over its real contract: three of them, a clock that the test moves, and a network that delivers in order.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "node/answers.rs"]
mod answers;
#[path = "node/bad_peers.rs"]
mod bad_peers;
#[path = "node/cluster.rs"]
mod cluster;
#[path = "node/cluster_id.rs"]
mod cluster_id;
#[path = "node/compaction.rs"]
mod compaction;
#[path = "node/deaf_leader.rs"]
mod deaf_leader;
#[path = "node/disk_trouble.rs"]
mod disk_trouble;
#[path = "node/first_start.rs"]
mod first_start;
#[path = "node/forwarding.rs"]
mod forwarding;
#[path = "node/handover.rs"]
mod handover;
#[path = "node/length_changes.rs"]
mod length_changes;
#[path = "node/limits.rs"]
mod limits;
#[path = "node/losses.rs"]
mod losses;
#[path = "node/replicas.rs"]
mod replicas;
#[path = "node/status.rs"]
mod status;

#[path = "node_support/time.rs"]
#[allow(dead_code, unreachable_pub, reason = "each uses what it needs of it")]
mod time;
