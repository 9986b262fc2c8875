//! What arithmetic says about a setup, before anything is run. Nothing in this wing runs anything.
//!
//! * [`slack`](predict): the promise's length less the lease's, without messages. `sim run` prints it.
//! * [`bound`]: the same with messages counted in, under one [`Attack`](crate::attack::Attack). `sim threshold` prints it.
//! * [`patience`]: how long a cluster may be without service once the last fault is over. `sim explore` asks it.
//!
//! **Architecture Invariant:** this wing and the adversary of leasehold-lab share the attack and nothing else.

pub mod bound;
mod patience;
mod slack;
mod time;

pub use patience::{Patience, patience};
pub use slack::{Prediction, crossing, inequality, predict};

/// Why theory is silent about a guest.
pub const GUEST_NOT_COVERED: &str = "a guest follows rules of its own, so every value here is measured";
