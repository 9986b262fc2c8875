//! What a world is made of, as plain data: machines with their clocks, a network, clients, faults.

use leasehold::time::Span;

pub use super::action::Action;

/// A world, but for its processes and its chance. `O` is what faults may ask of a leader.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup<O> {
    /// The run ends at this true time.
    pub duration: Span,
    /// One a process.
    pub machines: Vec<Machine>,
    /// Links and their delays.
    pub network: Network,
    /// Who asks.
    pub clients: Vec<ClientSpec>,
    /// What goes wrong.
    pub faults: Vec<FaultSpec<O>>,
}

/// A machine, as far as its process cannot choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Its clocks.
    pub clock: ClockSpec,
    /// How long a write takes to be safe on its disk.
    pub disk_sync: Span,
    /// How long an answer to a client stays in the process after it has been decided.
    pub answer_time: Span,
    /// The least that is drawn where the process asks for [jitter](super::Jitter).
    pub jitter_least: Span,
}

/// A machine's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSpec {
    /// How far all of them are ahead of true time at the start, in nanoseconds.
    pub offset_ns: i64,
    /// How much faster than true time they run, in parts per billion.
    pub rate_ppb: i64,
    /// How much faster CLOCK_BOOTTIME and the wall clock run than CLOCK_MONOTONIC_RAW, in parts per billion: a time daemon
    /// slews them. chronyd does so by up to 100 000 000, ntpd by 500 000.
    pub slew_ppb: i64,
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
            slew_ppb: 0,
            wall_error: Span::ZERO,
            synchronized: true,
            stamp: StampSource::Both,
        }
    }
}

impl ClockSpec {
    /// What CLOCK_BOOTTIME and the wall clock gain on true time where CLOCK_MONOTONIC_RAW gains `raw_ppb`, in parts per
    /// billion. No clock stands still or runs backwards.
    pub fn slewed(&self, raw_ppb: i64) -> i64 {
        raw_ppb.saturating_add(self.slew_ppb).max(-999_999_999)
    }

    /// The rate of the quicker of the clocks that a stamp is taken from, in parts per billion: leases end by it.
    pub fn fastest_ppb(&self) -> i64 {
        match self.stamp {
            StampSource::Both => self.rate_ppb.max(self.slewed(self.rate_ppb)),
            StampSource::Raw => self.rate_ppb,
            StampSource::Boot | StampSource::Wall => self.slewed(self.rate_ppb),
        }
    }

    /// The rate of the slower of them: promises end by it.
    pub fn slowest_ppb(&self) -> i64 {
        match self.stamp {
            StampSource::Both => self.rate_ppb.min(self.slewed(self.rate_ppb)),
            StampSource::Raw | StampSource::Boot | StampSource::Wall => self.fastest_ppb(),
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
    /// The wall clock, which may be slewed and set.
    Wall,
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

impl Default for Network {
    /// Messages arrive at once, each of them once.
    fn default() -> Network {
        let delay = Delay::Fixed(Span::ZERO);
        Network { delay, client_delay: delay, loss_ppm: 0, duplicate_ppm: 0, links: Vec::new() }
    }
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

impl LinkSpec {
    /// A link that does not differ yet.
    pub fn new(from: usize, to: usize) -> LinkSpec {
        LinkSpec { from, to, delay: None, loss_ppm: None, duplicate_ppm: None }
    }
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
    /// It asks so many times and then no more; without an end if not set.
    pub times: Option<u64>,
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

impl ClientSpec {
    /// Reads key 0 from the leader, an answer after the other, from the start to the end; waits a second for each.
    pub fn new(name: impl Into<String>) -> ClientSpec {
        ClientSpec {
            name: name.into(),
            target: Target::Leader,
            operations: vec![OperationKind::Read],
            pace: Pace::Think(Delay::Fixed(Span::ZERO)),
            times: None,
            first_key: 0,
            keys: 1,
            start: Span::ZERO,
            stop: None,
            timeout: Span::secs(1),
            link: None,
        }
    }
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
pub struct FaultSpec<O> {
    /// What sets it off.
    pub trigger: Trigger,
    /// It happens so long after that.
    pub after: Span,
    /// It is undone so long after that.
    pub lasts: Option<Span>,
    /// What happens.
    pub action: Action<O>,
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
        /// The number of the event among those that match, counted from 1.
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
    /// A process noted something that goes by this [word](super::Process::note_word).
    Note(&'static str),
    /// A read was answered under a lease.
    Served,
    /// A write was acknowledged.
    WriteAcknowledged,
    /// A node is up again.
    Restarted,
}

impl EventKind {
    /// The word for it in a scenario file.
    pub const fn word(self) -> &'static str {
        match self {
            EventKind::Note(word) => word,
            EventKind::Served => "served",
            EventKind::WriteAcknowledged => "write-acknowledged",
            EventKind::Restarted => "restarted",
        }
    }
}
