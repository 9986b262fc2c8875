//! Raft, as far as a lease needs it: elections with pre-vote, replication, commit, rounds, transfer, changes of members.
//!
//! [`Raft`] takes messages and the passing of time, and gives messages, durable writes and notes. It applies nothing:
//! the [node](crate::node) reads `commit` and owns the state machine. Where the lease is concerned it asks
//! [`LeaseRules`](crate::lease::LeaseRules) and decides nothing by itself.
//!
//! A walk through the files: `state` is the struct, its roles and what every input has in common; `election`,
//! `following` (a follower's side of replication), `leading` (a leader's side), `rounds` (which round a quorum has
//! acknowledged), `lease` (the lease that follows from it), `sending` and `installing` (the two sides of a snapshot's way), `transfer` and
//! `membership` are its methods by subject; `log`, `snapshot`, `progress`, `promises`, `configuration`, `names`, `durability` and
//! `timers` are plain data.
//!
//! **Architecture Invariant:** knows neither client requests nor keys and values (a [`Payload`] is opaque here, and a
//! snapshot is something that can be cut into pieces and put together again), neither
//! the wire format nor the simulator.
//!
//! **Architecture Invariant:** nothing that depends on a durable write leaves before the host has confirmed its sync.

mod cluster;
mod configuration;
mod durability;
mod election;
mod following;
mod ids;
mod installing;
mod leading;
mod lease;
mod live_settings;
mod log;
mod losses;
mod membership;
mod message;
mod names;
mod note;
mod plausible;
mod progress;
mod promises;
mod rounds;
mod sending;
mod snapshot;
mod state;
mod timers;
mod transfer;
mod view;

pub use cluster::ClusterOrigin;
pub use configuration::Configuration;
pub use durability::{HardState, Write};
pub use ids::{Index, NodeId, Term};
pub(crate) use leading::{BATCH_BYTES_MAX, ReadIndex};
pub use lease::Lease;
pub use log::{Entry, Log, Payload};
pub(crate) use membership::MEMBERS_BYTES_MAX;
pub use membership::{Configured, MemberAction, Members, MembershipChange, MembershipFault};
pub use message::{Append, AppendOutcome, AppendReply, Message, VoteReply, VoteRequest};
pub use names::{Name, Names};
pub use note::{LeaseEndCause, Misbehaviour, Note, StepDownCause, Value as NoteValue, Weight};
pub use snapshot::{
    LogBounds, Position, Received, Recovered, SnapshotChunk, SnapshotReply, SnapshotWrite, StateDigest,
    StateMachine,
};
pub(crate) use state::{AppliedState, Context};
pub use state::{Jitter, Raft, RaftOutput, Role, Settings};
pub use timers::{Timer, TimerTable};
pub use view::{PeerView, PromiseView};
