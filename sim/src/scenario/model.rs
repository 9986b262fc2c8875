//! What a scenario says, as plain data: every default filled in, every name resolved, every check passed.
//!
//! Nodes are named by their index in [`Scenario::nodes`]. Times are true time since the start of the run. Rates are
//! in parts per billion, shares in parts per million.

use leasehold::lease::LeaseSettings;
use leasehold::time::Span;

/// One run, but for its seed's randomness: what is hosted, on which clocks, and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// One line.
    pub title: String,
    /// The comment that the file begins with, without its `#`.
    pub story: String,
    /// Where all of the run's randomness comes from.
    pub seed: u64,
    /// The run ends at this time.
    pub duration: Span,
    /// How many nodes there are.
    pub cluster: Cluster,
    /// The cluster's lease settings; a node's own are in [`NodeSpec::lease`].
    pub lease: LeaseSettings,
    /// The other waits.
    pub timers: Timers,
    /// The name of the lease rules, one of those that the caller of `load` knows.
    pub rules: String,
    /// Voters first, then learners.
    pub nodes: Vec<NodeSpec>,
    /// How messages travel.
    pub network: Network,
    /// Who asks.
    pub clients: Vec<ClientSpec>,
    /// What goes wrong.
    pub faults: Vec<FaultSpec>,
    /// What the run should show.
    pub expect: Expectation,
}

/// The cluster's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The first so many nodes vote; those beyond are learners.
    pub voters: usize,
    /// This node campaigns first.
    pub first_leader: Option<usize>,
}

/// Waits that are no part of the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timers {
    /// Between two rounds of a leader.
    pub heartbeat: Span,
    /// The most that is added at random to an election timeout.
    pub election_jitter: Span,
    /// How long after the start nodes send nothing.
    pub startup_grace: Span,
    /// How long a node keeps a request that it cannot answer; the node's own default when `None`.
    pub request_deadline: Option<Span>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// `n1`, `n2` and so on.
    pub name: String,
    /// The clocks that it reads.
    pub clock: ClockSpec,
    /// Its own lease settings, after overrides.
    pub lease: LeaseSettings,
    /// Its own election jitter, after overrides.
    pub election_jitter: Span,
    /// How long its disk takes to sync.
    pub disk_sync: Span,
}

/// One machine's clocks, at the start of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockSpec {
    /// The wall clock is ahead of true time by so many nanoseconds.
    pub offset_ns: i64,
    /// All clocks gain so many parts per billion; above -1 000 000 000.
    pub rate_ppb: i64,
    /// The error that the wall clock declares; it may be a lie.
    pub wall_error: Span,
    /// Whether the machine vouches for its wall clock.
    pub synchronized: bool,
    /// Which of the two monotonic clocks the node reads.
    pub stamp: StampSource,
}

/// Where a node's stamps come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampSource {
    /// Both clocks, as a sound host does.
    Both,
    /// `CLOCK_MONOTONIC_RAW` for both halves of the stamp.
    Raw,
    /// `CLOCK_BOOTTIME` for both halves of the stamp.
    Boot,
}

/// How messages travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// One way, between nodes.
    pub delay: Delay,
    /// One way, between a client and a node.
    pub client_delay: Delay,
    /// This share of the messages between nodes is lost.
    pub loss_ppm: u32,
    /// This share of the messages between nodes arrives twice.
    pub duplicate_ppm: u32,
    /// What is different on single links; each pair occurs once.
    pub links: Vec<LinkSpec>,
}

/// One direction between two nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSpec {
    /// The sender.
    pub from: usize,
    /// The receiver.
    pub to: usize,
    /// Instead of [`Network::delay`].
    pub delay: Option<Delay>,
    /// Instead of [`Network::loss_ppm`].
    pub loss_ppm: Option<u32>,
    /// Instead of [`Network::duplicate_ppm`].
    pub duplicate_ppm: Option<u32>,
}

/// A length of time that may be drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// Always the same.
    Fixed(Span),
    /// Each length from `least` to `most` is as likely as any other.
    Uniform {
        /// At least this; never above `most`.
        least: Span,
        /// At most this.
        most: Span,
    },
    /// Long-tailed: `median * exp(sigma * z)` with `z` normal, cut at `most`.
    LogNormal {
        /// Half of them are shorter; never zero, never above `most`.
        median: Span,
        /// Sigma times 1 000 000.
        sigma_ppm: u64,
        /// At most this.
        most: Span,
    },
}

/// One client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSpec {
    /// The word behind `client.` in the file.
    pub name: String,
    /// Whom it asks.
    pub target: Target,
    /// One of these is picked each time; never empty. A word given twice is picked twice as often.
    pub operations: Vec<OperationKind>,
    /// When it asks.
    pub pace: Pace,
    /// It picks one of so many keys.
    pub keys: u64,
    /// It asks nothing before this time.
    pub start: Span,
    /// It asks nothing from this time on.
    pub stop: Option<Span>,
    /// It stops waiting for an answer after this long.
    pub timeout: Span,
    /// Instead of [`Network::client_delay`].
    pub link: Option<Delay>,
}

/// Whom a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This node.
    Node(usize),
    /// Whoever is the newest leader.
    Leader,
    /// A node picked at random each time.
    Any,
}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// A lease read.
    Read,
    /// A write of a value that was never written before.
    Write,
    /// A compare-and-set.
    Cas,
}

/// When a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Open loop: this long after the last question, whether or not it was answered. Never always zero.
    Every(Delay),
    /// Closed loop: this long after the last answer.
    Think(Delay),
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultSpec {
    /// What sets it off.
    pub trigger: Trigger,
    /// It happens so long after the trigger.
    pub after: Span,
    /// It heals itself after this long; for a crash, the time until the restart.
    pub lasts: Option<Span>,
    /// What happens.
    pub action: Action,
}

/// What sets a fault off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A time.
    At(Span),
    /// Something that a node does.
    When {
        /// What.
        event: EventKind,
        /// Which node; any when `None`.
        node: Option<usize>,
        /// Events before this time do not count.
        from: Span,
        /// 1 is the first such event at or after `from`.
        nth: u32,
    },
}

/// Something that a node does and a fault may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// A leader's lease now lasts longer.
    LeaseRenewed,
    /// A leader's lease is over.
    LeaseEnded,
    /// A node asks for votes.
    Campaign,
    /// A node has the votes.
    Elected,
    /// A leader has committed an entry of its own term.
    LeaderReady,
    /// A leader is none any more.
    SteppedDown,
    /// A read was answered under the lease.
    Served,
    /// A write was acknowledged to its client.
    WriteAcknowledged,
    /// A node has started again after a crash.
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

/// What goes wrong, or is put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nodes of different groups hear nothing of each other. A node in no group talks to everybody.
    Partition {
        /// At least two groups, none empty, no node in two.
        between: Vec<Vec<usize>>,
    },
    /// One way: what these send to those is lost.
    Cut {
        /// The senders.
        from: Vec<usize>,
        /// The receivers.
        to: Vec<usize>,
    },
    /// One node and all others hear nothing of each other.
    Isolate {
        /// That one.
        node: usize,
    },
    /// All partitions, cuts and isolations end.
    Heal,
    /// Messages on one link are kept, not lost, until they are released.
    Hold {
        /// The sender.
        from: usize,
        /// The receiver.
        to: usize,
        /// Only messages of this type; all when `None`. The type is not checked here.
        message: Option<String>,
        /// The first so many; at least 1.
        count: u32,
    },
    /// What is held on this link arrives now.
    Release {
        /// The sender.
        from: usize,
        /// The receiver.
        to: usize,
    },
    /// The process stands still; its clocks go on.
    Pause {
        /// Whose.
        node: usize,
    },
    /// The machine sleeps: the process and the raw clock stand still, the boot clock goes on.
    Suspend {
        /// Whose.
        node: usize,
    },
    /// The hypervisor stops the machine: the process and every clock stand still.
    HypervisorPause {
        /// Whose.
        node: usize,
    },
    /// The process ends; what was not synced is lost.
    Crash {
        /// Whose.
        node: usize,
    },
    /// A crashed process starts again.
    Restart {
        /// Whose.
        node: usize,
    },
    /// The wall clock jumps.
    Step {
        /// Whose.
        node: usize,
        /// Forward; back when negative.
        by_ns: i64,
    },
    /// The clocks run at another rate from now on.
    Rate {
        /// Whose.
        node: usize,
        /// They gain so many parts per billion; above -1 000 000 000.
        ppb: i64,
    },
    /// The machine does not vouch for its wall clock any more.
    Unsynchronize {
        /// Whose.
        node: usize,
    },
    /// The leader of the moment hands its leadership over.
    Transfer {
        /// To this one.
        to: usize,
    },
}

/// What a scenario should show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// No stale read.
    None,
    /// At least one stale read.
    Some,
    /// Either will do.
    Any,
    /// In a sweep: rows with a value at or below this are clean, rows above it are stale.
    BeginAbove {
        /// As it is written in the file.
        value_text: String,
        /// In the unit of the sweep (nanoseconds, parts per billion, or a plain number).
        value: i128,
    },
}
