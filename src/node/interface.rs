//! What goes into a node and what comes out.

use super::HandoverOutcome;
use crate::kv::{Command, Scalar};
use crate::lease::LeaseLengths;
use crate::raft::{
    self, ClusterOrigin, Configuration, Index, Members, MembershipChange, MembershipFault, Name, Names,
    NodeId, Note, Term, Write,
};

/// A client's request, as its host numbers it: unique and increasing for the life of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A key's value: under the lease, or else after a quorum has confirmed the leader.
    Read {
        /// The key.
        key: Scalar,
    },
    /// A change, through the log.
    Update(Command),
    /// Other lengths of leases and promises for the whole cluster, through the log.
    Agree(LeaseLengths),
    /// Another member, or one less, through the log.
    Change(MembershipChange),
}

impl Operation {
    /// About how many bytes it takes in a message.
    pub(super) fn weight(&self) -> usize {
        match self {
            Operation::Read { key } => key.weight(),
            Operation::Update(command) => command.weight(),
            // Three numbers and their names.
            Operation::Agree(_) => 128,
            Operation::Change(change) => 128 + 6 * change.node.len(),
        }
    }
}

/// A node's answer to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a read.
    Value {
        /// The key's value, if it has one.
        value: Option<Scalar>,
        /// The leader answered by itself, under its lease.
        lease_valid: bool,
        /// Round trips over the network that this read had to wait for: 0 under the lease; 1 when the leader had to
        /// confirm itself with a quorum; one more for each time the request was forwarded.
        network_round_trips: u32,
    },
    /// To a write, a compare-and-set or a change of lengths that took effect.
    Done,
    /// To a change of members that is committed.
    Configured {
        /// Its entry.
        index: Index,
        /// The members from there on.
        members: Box<Members>,
    },
    /// Why not.
    Refused(Refusal),
}

/// Why a request was not done. All but [`Refusal::TimedOut`] are definite: it was not done and never will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Compare and set: there is no such key.
    KeyMissing,
    /// Compare and set: the key holds another value.
    PreconditionFailed {
        /// The value it holds.
        found: Scalar,
    },
    /// No leader was found in time. The request is in no log.
    NoLeader,
    /// A leader is there, and this node does not hear it: another node does. The request is in no log.
    Unreachable {
        /// The leader.
        leader: Name,
        /// Who follows it, and has said so.
        by: Name,
    },
    /// Too many requests are waiting. The request is in no log.
    Overloaded,
    /// The lengths are unsafe. They are in no log.
    UnsafeLease,
    /// The members are not changed so, or not now. The change is in no log.
    Membership(MembershipFault),
    /// The entry was replaced by another leader's.
    Superseded,
    /// No answer in time. An update may still take effect, now or later.
    TimedOut,
}

/// A message between nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Raft's own.
    Raft(raft::Message),
    /// A client's request, passed on to the leader. Boxed, as it is larger than what there is most of.
    Forward(Box<Forward>),
    /// The leader's answer to a [`Forward`].
    Answer(ForwardAnswer),
}

/// A client's request, passed on to the leader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The sender's incarnation: its numbers begin anew after a restart.
    pub incarnation: u64,
    /// The sender's number for this request.
    pub sequence: u64,
    /// The sender waits for nothing below this number any more.
    pub floor: u64,
    /// The term in which the sender believes the receiver to lead. It is executed in that term or never, so that a
    /// duplicate cannot execute it again.
    pub term: Term,
    /// The request.
    pub operation: Operation,
}

/// The leader's answer to a [`Forward`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardAnswer {
    /// As in the [`Forward`].
    pub incarnation: u64,
    /// As in the [`Forward`].
    pub sequence: u64,
    /// The answer.
    pub answer: Answer,
}

/// Who a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub id: NodeId,
    /// The nodes that it is told of, the same at each start and in the same order.
    pub names: Names,
    /// The members with which the cluster began; [nobody](Configuration::nobody) for a node that joins it later. What the
    /// log says goes before it.
    pub configuration: Configuration,
    /// Where the cluster's id comes from.
    pub cluster: ClusterOrigin,
    /// Differs from start to start of the same node.
    pub incarnation: u64,
}

impl Identity {
    /// A founding member of a cluster whose nodes are called `n1`, `n2` and so on.
    pub fn numbered(id: NodeId, configuration: Configuration, incarnation: u64) -> Identity {
        let count = u16::try_from(configuration.len()).expect("a configuration is bounded");
        let (names, cluster) = (Names::numbered(count), ClusterOrigin::Nowhere);
        Identity { id, names, configuration, cluster, incarnation }
    }
}

/// What a host tells a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A message from another node.
    Message {
        /// The sender.
        from: NodeId,
        /// The message.
        message: Message,
    },
    /// A client's request.
    Request {
        /// Comes back in the reply.
        request: RequestId,
        /// What is asked for.
        operation: Operation,
    },
    /// A timer may be due.
    Wakeup,
    /// All writes up to this ticket are on stable storage.
    Persisted {
        /// The last synced [`Write::ticket`].
        ticket: u64,
    },
    /// There is no room for the writes under way. The host goes on trying; the next [`Input::Persisted`] says that there is
    /// room again.
    StorageFull,
    /// Somebody asks that leadership be handed over, and is told how that went.
    Handover {
        /// Comes back with the outcome.
        request: RequestId,
        /// The successor, or nobody in particular.
        to: Option<NodeId>,
    },
    /// Propose this change of the members, if this node leads and it is possible now.
    ProposeChange(MembershipChange),
    /// Propose other lengths, if this node leads and they are safe.
    ProposeLengths(LeaseLengths),
    /// Hand leadership over, if this node leads.
    TransferLeadership {
        /// The successor.
        to: NodeId,
    },
}

/// What a node asks of its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a message to another node.
    Send {
        /// The receiver.
        to: NodeId,
        /// The message.
        message: Message,
    },
    /// Answer a client.
    Reply {
        /// The request's number.
        request: RequestId,
        /// The answer.
        answer: Answer,
    },
    /// A [handover](Input::Handover) has ended.
    HandoverEnded {
        /// The request's number.
        request: RequestId,
        /// What became of it.
        outcome: HandoverOutcome,
    },
    /// Write, sync, and confirm with [`Input::Persisted`].
    Persist(Write),
    /// Something worth telling.
    Note(Note),
}
