//! The simulator.
pub mod host;
pub mod rules;
pub mod setup;
pub mod watch;
pub mod world;
