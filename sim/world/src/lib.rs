//! The world: true time, one queue, and everything that happens in it.
//!
//! A [`World`] hosts [`Process`]es on [virtual clocks](VirtualClock), carries their messages over links with delays,
//! loss and partitions, lets [clients](crate::setup::ClientSpec) ask, and fires faults. Every event is told to a
//! [`Reader`]; reports, trace, trace hash, history and margins are readers.
//!
//! Order is decided by (true time, sequence number) and by nothing else. Every random decision goes through
//! [`Choices`]. A run is a pure function of the setup and the choices.
//!
//! **Architecture Invariant:** the world names no protocol. It knows processes that may lead, hold leases and answer
//! requests, through [`Process`]. Its messages, notes and orders are the process's own types.
//!
//! **Architecture Invariant:** the world knows no scenario syntax; it is built from [`crate::setup`], plain data.

mod action;
mod choices;
mod client;
mod clock;
mod disk;
mod engine;
mod event;
mod fault;
mod hosted;
mod network;
mod process;
mod queue;
pub mod setup;
mod slot;

pub use choices::{Choices, Decision, Draw, Point, Purpose, Taken};
pub use clock::{ClockChange, Line, MONOTONIC_BASE, VirtualClock, WALL_BASE};
pub use disk::FULL_RETRY;
pub use engine::World;
pub use event::{Event, Happening, LossCause, Reader, WorldView};
pub use process::{
    DiskChance, DiskFaults, Effect, Jitter, Order, Process, ProcessInput, Recovery, Reply, Request, SyncEnd,
};
