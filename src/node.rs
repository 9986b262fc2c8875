//! The node: Raft, a state machine and the requests of clients, with one way in and one way out.
//!
//! ```text
//! node.handle(&clock, &mut jitter, input)   a message, a request, a wake-up, a confirmed write
//! node.poll_output()                        a message, a reply, a durable write, a note; until there is none
//! node.timers()                             what it waits for, on its own clocks
//! ```
//!
//! The node does no I/O, reads no operating-system clock, owns no thread and no random source. Handle as many inputs as
//! are at hand, then poll: what came in together goes out together.
//!
//! **Architecture Invariant:** knows neither the wire format nor the simulator. What it is made of depends on it in no
//! way: time <- lease <- raft <- node.

mod forwarding;
mod handover;
mod interface;
mod load;
mod machine;
mod requests;
mod status;
mod waiting;

pub use handover::HandoverOutcome;
pub use interface::{
    Answer, Forward, ForwardAnswer, Identity, Input, Message, Operation, Output, Refusal, RequestId,
};
pub use machine::Node;
pub use status::Status;
