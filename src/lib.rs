//! Leasehold.
pub mod lease;
pub mod time;
