//! What a run asks of the processes in it, beside what the world asks.
//!
//! Two kinds of processes run here: [`LeaseNode`], our node, and [`GuestNode`], somebody else's program. A third one, in
//! Rust, implements [`Process`] and [`Hosted`] and runs by [`crate::run::run_processes`].

use std::fmt::Debug;

use leasehold::node::Node;
use leasehold::raft::{self, Note};
use leasehold_world::{Process, Reader, Request};

use crate::guest::GuestNode;
use crate::host::LeaseNode;
use crate::rules::Rules;
use crate::setup::Order;
use crate::watch::Traced;

/// A process that a scenario can run in. The defaults are those of a process that is not our node: its log is not looked
/// into.
pub trait Hosted: Process<Message: Traced + Debug, Note = Note, Order = Order> + Debug {
    /// Our node, while it is up. The invariants of logs and promises are checked on it.
    fn node(&self) -> Option<&Node<Rules>> {
        None
    }

    /// Is what this request writes in the process's log? `true` for a read, which writes nothing, and where that cannot be
    /// said.
    fn has_in_log(&self, _request: &Request) -> bool {
        true
    }

    /// The message as our node's Raft would take it.
    fn as_raft(_message: &Self::Message) -> Option<&raft::Message> {
        None
    }
}

/// A reader that can watch a run of our node and a run of guests.
pub trait Observer: Reader<LeaseNode> + Reader<GuestNode> {}

impl<T: Reader<LeaseNode> + Reader<GuestNode>> Observer for T {}
