//! Those who watch a run: each is a reader of its event stream.

mod disk;
mod hash;
mod history;
mod invariants;
mod margin;
mod service;

pub use disk::{DiskEvent, DiskNews, Disks};
pub use hash::{TraceHash, Traced, event_words, short_hash};
pub use history::{History, Operation};
pub use invariants::{Broken, Invariant, Invariants};
pub use margin::{LeadershipChange, LeaseOver, Margins};
pub use service::{AfterFaults, Elections, Leaders, Served, Service, Stretch};
