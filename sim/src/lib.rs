//! The simulator.
pub mod check;
pub mod host;
pub mod rules;
pub mod run;
pub mod setup;
pub mod watch;
pub mod world;
