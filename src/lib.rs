//! Leasehold.
pub mod kv;
pub mod lease;
pub mod maelstrom;
pub mod node;
pub mod raft;
pub mod storage;
pub mod time;
