//! Leases and promises: when a leader may answer reads by itself, and what everybody else has promised for that.
//!
//! Notation: `D` lease duration, `T` election timeout (the length of the promise), `s` the declared `max_clock_skew`.
//! A leader serves local reads for `D - s` (the *effective lease*), counted on its clock from the moment it **sent** the
//! round that a quorum acknowledged. A follower that accepted that round neither votes nor campaigns until `T` has
//! passed on its clock. Whoever is elected needs a vote out of that quorum, so a new leader cannot exist before `T` has
//! passed on some voter's clock; the old lease must have ended by then on the leader's clock:
//!
//! * elapsed form, clock rates within `1 +- rho`: `D - s <= T (1 - rho) / (1 + rho)`;
//! * deadline form, follower's wall clock ahead of the leader's by `skew`: `skew <= T - (D - s)`.
//!
//! Everything a lease rests on is a method of [`LeaseRules`], whose defaults are the sound rules. [`SoundRules`] is the
//! only implementation that production uses; the simulator overrides one method at a time to show what breaks.
//!
//! **Architecture Invariant:** this module decides and acts on nothing: no messages, no state of a node. It depends on
//! [`crate::time`] alone.

mod rules;
mod settings;

pub use rules::{Acknowledgement, Ballot, ConfigurationStanding, LeaseRules, QuorumContact, SoundRules};
pub use settings::{Judgement, LeaseForm, LeaseLengths, LeaseSettings};
