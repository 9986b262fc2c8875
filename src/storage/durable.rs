//! Storage that survives the process: one [redb](https://docs.rs/redb) database on checksummed sectors.
//!
//! ```text
//! DurableStorage    term, vote, longest promise, keys and values up to the log's base, log, whose directory it is; one
//!                   commit a batch of writes
//! redb              transactions, one sync each
//! Sectors           512 bytes at a time, each with a checksum and its place; the head of the file
//! StorageBackend    a DataDir, or what a test or the simulator puts there
//! ```
//!
//! What it promises: a [`sync`](super::Storage::sync) that returned is found again by [`DurableStorage::open`], or `open`
//! says why not. It never gives less. Two kinds of damage have to be told apart for that. A machine that stops in the middle
//! of a commit leaves some sectors old and some new, each of them whole: redb then goes back to the commit before, which is
//! right, since nobody was told of the other. A sector whose checksum does not fit was damaged later: going back would
//! lose what was acknowledged, so the database is not even shown to redb. And after every commit the number of commits is
//! put down in the head of the file, so that a database that has gone back for any other reason is found out as well.
//!
//! The one thing assumed of a disk is that 512 bytes aligned to 512 are written whole or not at all. See docs/reference/storage.md.
//!
//! **Architecture Invariant:** nothing is repaired but what a stop in the middle of a commit leaves behind.

#[cfg(unix)]
mod data_dir;
mod database;
mod fault;
mod records;
mod sector;
mod sectors;
mod stored_state;
#[cfg(test)]
mod test_disk;

#[cfg(unix)]
pub use data_dir::{DataDir, DataDirError};
pub use database::{DurableStorage, Membership};
pub use fault::{JoinError, OpenError, StorageFault};
/// What lies below: a file, memory, a simulated disk.
pub use redb::StorageBackend;
pub use redb::backends::InMemoryBackend;
