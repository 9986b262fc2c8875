//! What a run is made of, as plain data: the cluster with its lease, and the world around it.
//!
//! Read from a scenario file by [`crate::scenario`], consumed by [`crate::run`]; neither knows the other.

use crate::guest::Guest;
use leasehold::lease::{LeaseLengths, LeaseSettings};
use leasehold::raft::{LogBounds, MemberAction};
use leasehold::time::Span;
pub use leasehold_world::setup::{
    ClientSpec, ClockSpec, Delay, EventKind, LinkSpec, Machine, Network, OperationKind, Pace, StampSource,
    Target, Trigger,
};

/// A fault that may ask an [`Order`] of the leader.
pub type FaultSpec = leasehold_world::setup::FaultSpec<Order>;

/// What a fault does.
pub type Action = leasehold_world::setup::Action<Order>;

/// One run, but for its seed's draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// All decisions that the scenario leaves open follow from it.
    pub seed: u64,
    /// The run ends at this true time.
    pub duration: Span,
    /// Who votes, who starts.
    pub cluster: Cluster,
    /// The lease of nodes that do not override it.
    pub lease: LeaseSettings,
    /// Waits that are not the lease's.
    pub timers: Timers,
    /// How long the nodes' logs may become.
    pub log: LogBounds,
    /// The lease rules that the nodes follow, by name.
    pub rules: String,
    /// Who runs on the nodes; `None` for our own node.
    pub guest: Option<Guest>,
    /// One a node, voters first.
    pub nodes: Vec<NodeSpec>,
    /// Links and their delays.
    pub network: Network,
    /// Who asks.
    pub clients: Vec<ClientSpec>,
    /// What goes wrong.
    pub faults: Vec<FaultSpec>,
}

/// Who votes, who starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The first so many nodes vote when the run begins; the next are learners.
    pub voters: usize,
    /// The last so many nodes belong to nobody until a fault adds them.
    pub spares: usize,
    /// The node that becomes the first leader: the others give it time.
    pub first_leader: Option<usize>,
}

impl Setup {
    /// What the world has to know of it.
    pub fn world(&self) -> leasehold_world::setup::Setup<Order> {
        let machines = self.nodes.iter().map(|node| Machine {
            clock: node.clock,
            disk_sync: node.disk_sync,
            answer_time: node.answer_time,
            jitter_least: node.election_jitter_least,
        });
        leasehold_world::setup::Setup {
            duration: self.duration,
            machines: machines.collect(),
            network: self.network.clone(),
            clients: self.clients.clone(),
            faults: self.faults.clone(),
        }
    }

    /// How many nodes are learners when the run begins.
    pub fn learners(&self) -> usize {
        self.nodes.len() - self.cluster.voters - self.cluster.spares
    }

    /// The nodes that vote at some time, unless the faults that make them voters come to nothing.
    pub fn electorate(&self) -> Vec<usize> {
        let promoted = |node: usize| {
            self.faults.iter().any(|fault| {
                matches!(fault.action, Action::Order(Order::Member { change: MemberAction::Promote, node: n }) if n == node)
            })
        };
        (0..self.nodes.len()).filter(|node| *node < self.cluster.voters || promoted(*node)).collect()
    }

    /// Does a fault change who is in the cluster?
    pub fn changes_members(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault.action, Action::Order(Order::Member { .. })))
    }
}

/// Waits that are not the lease's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timers {
    /// A leader sends a round at least this often.
    pub heartbeat: Span,
    /// The most that is added to an election timeout at random.
    pub election_jitter: Span,
    /// After its start a node waits so much longer before it campaigns.
    pub startup_grace: Span,
    /// A request that cannot be answered gives up after this.
    pub request_deadline: Span,
}

/// One node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSpec {
    /// Its name in reports.
    pub name: String,
    /// Its clocks.
    pub clock: ClockSpec,
    /// Its lease, after its own overrides.
    pub lease: LeaseSettings,
    /// The most that is added to its election timeout at random.
    pub election_jitter: Span,
    /// The least that is added. Where it is the most, nothing is drawn.
    pub election_jitter_least: Span,
    /// How long a write takes to be safe on its disk.
    pub disk_sync: Span,
    /// What it keeps its state on.
    pub disk: DiskSpec,
    /// How long an answer to a client stays in the process after it has been decided.
    pub answer_time: Span,
}

impl NodeSpec {
    /// A node with perfect clocks, default lease settings, and neither jitter nor delays of its own.
    pub fn new(name: impl Into<String>) -> NodeSpec {
        NodeSpec {
            name: name.into(),
            clock: ClockSpec::default(),
            lease: LeaseSettings::default(),
            election_jitter: Span::ZERO,
            election_jitter_least: Span::ZERO,
            disk_sync: Span::ZERO,
            disk: DiskSpec::default(),
            answer_time: Span::ZERO,
        }
    }
}

/// What a node keeps its state on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskSpec {
    /// What there is.
    pub kind: DiskKind,
    /// What a crash does to sectors that were written and not synced; on a [durable](DiskKind::Durable) one alone.
    pub unsynced: Unsynced,
}

/// What there is below a node's storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiskKind {
    /// A model: what was synced is there after a crash, what was not is lost. Costs nothing.
    #[default]
    Memory,
    /// The database that production runs, on a simulated disk.
    Durable,
}

/// What a crash does to sectors that were written and not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unsynced {
    /// Each is kept or lost, as is drawn; and how far a commit had come.
    #[default]
    Torn,
    /// All are lost.
    Lost,
    /// All are kept.
    Kept,
}

/// What a fault may ask of the leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Hand over.
    Transfer {
        /// The successor.
        to: usize,
    },
    /// Change who is in the cluster.
    Member {
        /// What becomes of the node.
        change: MemberAction,
        /// The node.
        node: usize,
    },
    /// Propose other lengths of leases and promises for the whole cluster.
    Apply {
        /// The lengths.
        lengths: LeaseLengths,
    },
}

impl leasehold_world::Order for Order {
    fn word(&self) -> &'static str {
        match self {
            Order::Transfer { .. } => "transfer",
            Order::Member { change: MemberAction::Add, .. } => "add",
            Order::Member { change: MemberAction::Promote, .. } => "promote",
            Order::Member { change: MemberAction::Remove, .. } => "remove",
            Order::Apply { .. } => "apply",
        }
    }
}
