//! The node: Raft, a state machine and the requests of clients, with one way in and one way out.
//!
//! ```text
//! node.handle(&clock, &mut jitter, input)   a message, a request, a wake-up, a confirmed write
//! node.poll_output()                        a message, a reply, a durable write, a note; until there is none
//! node.timers()                             what it waits for, on its own clocks
//! ```
//!
//! The node does no I/O, reads no operating-system clock, owns no thread and no random source.
//!
//! # The contract of the loop
//!
//! * **Inputs.** [`Node::handle`] reads the clock exactly once, after the input has arrived. Do not hand it a clock that
//!   caches a reading across inputs: a read that arrived after the lease had ended would then be served.
//! * **Outputs.** Handle as many inputs as are at hand, then call [`Node::poll_output`] until it returns `None`, and carry
//!   the outputs out in order. Inputs that are handled together share messages and writes.
//! * **Writes before messages.** [`Output::Persist`] asks for a write and its sync. The node holds every message and answer
//!   that depends on a write until the host confirms it. So a host may send each [`Output::Send`] at once, also while a
//!   write is under way, and heartbeats and lease reads need not wait for the disk.
//! * **Confirmation.** Store writes in the order of their tickets. [`Input::Persisted`] with ticket *k* says that every
//!   write up to *k* is on stable storage. One sync may cover many writes, and one confirmation may stand for all of them.
//!   Never confirm a write before its sync has returned: that would break elections and lose acknowledged entries.
//! * **A sync that fails.** If there was no room, give [`Input::StorageFull`] and try the same writes again; the node gives up
//!   leadership until the next [`Input::Persisted`]. After any other failure stop the process. Do not sync again and
//!   confirm: an operating system may have dropped the pages that it could not write. The node starts again from
//!   what its storage [recovers](crate::storage::Storage::recover).
//! * **Wake-ups.** Give [`Input::Wakeup`] when the next of [`Node::timers`] is due; one that comes early does nothing, one
//!   that comes late costs time and no safety. Compute the next wake-up anew after each input and after the outputs are
//!   polled, which may set timers too. A host that keeps a wake-up arranged must do so when
//!   [`Node::take_hastened`] says that an alarm was moved forward.
//! * **A restart.** [`Identity::incarnation`] must differ from start to start, and the storage must hold everything that was
//!   confirmed. A node whose storage is lost must not come back under its old name.
//!
//! `examples/three_nodes.rs` is such a loop for three nodes in one process.
//!
//! **Architecture Invariant:** knows neither the wire format nor the simulator. What it is made of depends on it in no
//! way: time <- lease <- raft <- node.

mod forwarding;
mod handover;
mod interface;
mod load;
mod machine;
mod replicas;
mod requests;
mod status;
mod waiting;

pub use handover::HandoverOutcome;
pub use interface::{
    Answer, Forward, ForwardAnswer, Identity, Input, Message, Operation, Output, Refusal, RequestId,
};
pub use machine::Node;
pub use replicas::Comparison;
pub use status::Status;
