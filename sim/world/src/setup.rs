//! What a run is made of, as plain data: the cluster, its clocks, its network, its clients, its faults.
//!
//! Read from a scenario file by [`leasehold_run::scenario`], consumed by [`crate`]; neither knows the other.

use leasehold::lease::{LeaseLengths, LeaseSettings};
use leasehold::raft::{LogBounds, MemberAction};
use leasehold::time::Span;

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
    /// How many nodes are learners when the run begins.
    pub fn learners(&self) -> usize {
        self.nodes.len() - self.cluster.voters - self.cluster.spares
    }

    /// The nodes that vote at some time, unless the faults that make them voters come to nothing.
    pub fn electorate(&self) -> Vec<usize> {
        let promoted = |node: usize| {
            self.faults.iter().any(|fault| {
                matches!(fault.action, Action::Member { change: MemberAction::Promote, node: n } if n == node)
            })
        };
        (0..self.nodes.len()).filter(|node| *node < self.cluster.voters || promoted(*node)).collect()
    }

    /// Does a fault change who is in the cluster?
    pub fn changes_members(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault.action, Action::Member { .. }))
    }
}

/// Waits that are not the lease's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timers {
    /// A leader sends a round at least this often.
    pub heartbeat: Span,
    /// The most that is added to an election timeout at random.
    pub election_jitter: Span,
    /// After its start a node waits so much longer before it campaigns.
    pub startup_grace: Span,
    /// A request that finds no leader gives up after this; the election timeout plus the jitter where not set.
    pub request_deadline: Option<Span>,
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

/// A machine's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSpec {
    /// How far all of them are ahead of true time at the start, in nanoseconds.
    pub offset_ns: i64,
    /// How much faster than true time they run, in parts per billion.
    pub rate_ppb: i64,
    /// The error that the machine declares for its wall clock.
    pub wall_error: Span,
    /// The machine vouches for its wall clock.
    pub synchronized: bool,
    /// Which clocks a node takes its stamps from.
    pub stamp: StampSource,
}

impl Default for ClockSpec {
    /// Perfect clocks.
    fn default() -> ClockSpec {
        ClockSpec {
            offset_ns: 0,
            rate_ppb: 0,
            wall_error: Span::ZERO,
            synchronized: true,
            stamp: StampSource::Both,
        }
    }
}

/// Which clocks a node takes its stamps from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StampSource {
    /// CLOCK_MONOTONIC_RAW and CLOCK_BOOTTIME, as production does.
    #[default]
    Both,
    /// The raw clock alone, which stops in suspend.
    Raw,
    /// The boot clock alone, which may be slewed.
    Boot,
}

/// Links and their delays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// One way, between nodes.
    pub delay: Delay,
    /// One way, between a client and a node.
    pub client_delay: Delay,
    /// Lost messages, per million.
    pub loss_ppm: u32,
    /// Duplicated messages, per million.
    pub duplicate_ppm: u32,
    /// Links that differ.
    pub links: Vec<LinkSpec>,
}

/// A link that differs from the others, one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSpec {
    /// The sender.
    pub from: usize,
    /// The receiver.
    pub to: usize,
    /// Its delay, if it differs.
    pub delay: Option<Delay>,
    /// Its loss, if it differs.
    pub loss_ppm: Option<u32>,
    /// Its duplication, if it differs.
    pub duplicate_ppm: Option<u32>,
}

/// A length of time, drawn anew each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// Always the same.
    Fixed(Span),
    /// Any length from `least` to `most`, all equally likely.
    Uniform {
        /// The shortest.
        least: Span,
        /// The longest.
        most: Span,
    },
    /// The logarithm is normally distributed.
    LogNormal {
        /// Half are shorter than this.
        median: Span,
        /// Standard deviation of the logarithm, in millionths.
        sigma_ppm: u64,
        /// Longer ones are cut to this.
        most: Span,
    },
}

/// A client, or a crowd of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSpec {
    /// Its name in reports.
    pub name: String,
    /// Whom it asks.
    pub target: Target,
    /// What it asks: one of these each time.
    pub operations: Vec<OperationKind>,
    /// How often.
    pub pace: Pace,
    /// It asks for keys from this one on ...
    pub first_key: u64,
    /// ... so many of them, each as likely as any other.
    pub keys: u64,
    /// From this true time on ...
    pub start: Span,
    /// ... to this one, or the end.
    pub stop: Option<Span>,
    /// It waits so long for an answer.
    pub timeout: Span,
    /// Its own delay to the nodes, if it differs.
    pub link: Option<Delay>,
}

/// Whom a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A named node.
    Node(usize),
    /// The node that was elected last.
    Leader,
    /// Any node, drawn each time.
    Any,
}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// A read.
    Read,
    /// A write of a value that was never written before.
    Write,
    /// A compare-and-set from the value the client saw last to one never written before.
    Cas,
}

/// How often a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A request each time this has passed, whether or not the last one was answered (open loop).
    Every(Delay),
    /// A request when this has passed since the last answer (closed loop).
    Think(Delay),
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSpec {
    /// What sets it off.
    pub trigger: Trigger,
    /// It happens so long after that.
    pub after: Span,
    /// It is undone so long after that.
    pub lasts: Option<Span>,
    /// What happens.
    pub action: Action,
}

/// What sets a fault off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// True time.
    At(Span),
    /// Again and again, until the run ends.
    Every {
        /// True time of the first time.
        first: Span,
        /// From one time to the next; above zero.
        every: Span,
    },
    /// Something that happens.
    When {
        /// What.
        event: EventKind,
        /// Where; anywhere if not set.
        node: Option<usize>,
        /// Not before this true time.
        from: Span,
        /// The how-many-eth such event, from 1.
        nth: u32,
    },
}

impl Trigger {
    /// The fault happens at this true time at the earliest.
    pub fn earliest(&self) -> Span {
        match *self {
            Trigger::At(at) => at,
            Trigger::Every { first, .. } => first,
            Trigger::When { from, .. } => from,
        }
    }
}

/// What a fault may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A quorum acknowledged a newer round.
    LeaseRenewed,
    /// A lease was given up.
    LeaseEnded,
    /// A node asks for votes or pre-votes.
    Campaign,
    /// A node was elected.
    Elected,
    /// A leader may acknowledge writes.
    LeaderReady,
    /// A leader stepped down.
    SteppedDown,
    /// A read was answered under a lease.
    Served,
    /// A write was acknowledged.
    WriteAcknowledged,
    /// A node is up again.
    Restarted,
}

impl EventKind {
    /// Every event, in the order of the documentation.
    pub const ALL: [EventKind; 9] = [
        EventKind::LeaseRenewed,
        EventKind::LeaseEnded,
        EventKind::Campaign,
        EventKind::Elected,
        EventKind::LeaderReady,
        EventKind::SteppedDown,
        EventKind::Served,
        EventKind::WriteAcknowledged,
        EventKind::Restarted,
    ];

    /// The word for it in a scenario file.
    pub const fn word(self) -> &'static str {
        match self {
            EventKind::LeaseRenewed => "lease-renewed",
            EventKind::LeaseEnded => "lease-ended",
            EventKind::Campaign => "campaign",
            EventKind::Elected => "elected",
            EventKind::LeaderReady => "leader-ready",
            EventKind::SteppedDown => "stepped-down",
            EventKind::Served => "served",
            EventKind::WriteAcknowledged => "write-acknowledged",
            EventKind::Restarted => "restarted",
        }
    }
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// These groups cannot talk to each other.
    Partition {
        /// Nodes in no group talk to all.
        between: Vec<Vec<usize>>,
    },
    /// Messages one way are lost.
    Cut {
        /// Senders.
        from: Vec<usize>,
        /// Receivers.
        to: Vec<usize>,
    },
    /// Nobody talks to this node, nor it to anybody (clients still do).
    Isolate {
        /// The node.
        node: usize,
    },
    /// All partitions, cuts and isolations end.
    Heal,
    /// Messages one way are kept until they are released.
    Hold {
        /// The sender.
        from: usize,
        /// The receiver.
        to: usize,
        /// Only messages of this kind.
        message: Option<String>,
        /// This many, the first.
        count: u32,
    },
    /// Messages that were held on this link are delivered now.
    Release {
        /// The sender.
        from: usize,
        /// The receiver.
        to: usize,
    },
    /// The process stops; its clocks go on.
    Pause {
        /// The node.
        node: usize,
    },
    /// The machine is suspended.
    Suspend {
        /// The node.
        node: usize,
    },
    /// The hypervisor stops the machine, all clocks included.
    HypervisorPause {
        /// The node.
        node: usize,
    },
    /// The process dies and loses what was not synced.
    Crash {
        /// The node.
        node: usize,
    },
    /// A crashed process starts again.
    Restart {
        /// The node.
        node: usize,
    },
    /// Syncs of its disk do not end.
    DiskStall {
        /// The node.
        node: usize,
    },
    /// Syncs of its disk fail, which ends the process.
    DiskError {
        /// The node.
        node: usize,
    },
    /// Its disk takes nothing more.
    DiskFull {
        /// The node.
        node: usize,
    },
    /// Its disk says that it has synced, and has not. On a [durable](DiskKind::Durable) disk alone.
    DiskLie {
        /// The node.
        node: usize,
    },
    /// One bit of its file, drawn, is not what it was. On a [durable](DiskKind::Durable) disk alone.
    DiskCorrupt {
        /// The node.
        node: usize,
    },
    /// The wall clock is set forward or back.
    Step {
        /// The node.
        node: usize,
        /// By so many nanoseconds.
        by_ns: i64,
    },
    /// All clocks run at another rate.
    Rate {
        /// The node.
        node: usize,
        /// Parts per billion faster than true time.
        ppb: i64,
    },
    /// The machine no longer vouches for its wall clock.
    Unsynchronize {
        /// The node.
        node: usize,
    },
    /// The leader is told to hand over.
    Transfer {
        /// The successor.
        to: usize,
    },
    /// The leader is asked to change who is in the cluster.
    Member {
        /// What becomes of it.
        change: MemberAction,
        /// The node.
        node: usize,
    },
    /// The leader proposes other lengths for the whole cluster.
    Apply {
        /// The lengths.
        lengths: LeaseLengths,
    },
}

impl Action {
    /// Its key in a scenario's `[[fault]]`.
    pub const fn word(&self) -> &'static str {
        match self {
            Action::Partition { .. } => "partition",
            Action::Cut { .. } => "cut",
            Action::Isolate { .. } => "isolate",
            Action::Heal => "heal",
            Action::Hold { .. } => "hold",
            Action::Release { .. } => "release",
            Action::Pause { .. } => "pause",
            Action::Suspend { .. } => "suspend",
            Action::HypervisorPause { .. } => "hypervisor-pause",
            Action::Crash { .. } => "crash",
            Action::Restart { .. } => "restart",
            Action::DiskStall { .. } => "disk-stall",
            Action::DiskError { .. } => "disk-error",
            Action::DiskFull { .. } => "disk-full",
            Action::DiskLie { .. } => "disk-lie",
            Action::DiskCorrupt { .. } => "disk-corrupt",
            Action::Step { .. } => "step",
            Action::Rate { .. } => "rate",
            Action::Unsynchronize { .. } => "unsynchronize",
            Action::Transfer { .. } => "transfer",
            Action::Member { change: MemberAction::Add, .. } => "add",
            Action::Member { change: MemberAction::Promote, .. } => "promote",
            Action::Member { change: MemberAction::Remove, .. } => "remove",
            Action::Apply { .. } => "apply",
        }
    }
}
