//! What faults do, as plain data. [`super::World`] applies it.

use super::clock::ClockChange;
use super::process::Order;

/// What a fault does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<O> {
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
    /// Its disk says that it has synced, and has not. On a durable disk alone.
    DiskLie {
        /// The node.
        node: usize,
    },
    /// One bit of its file, drawn, is not what it was. On a durable disk alone.
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
    /// Monotonic clocks are set forward or back: what a correct kernel never does, and real machines have done.
    ClockJump {
        /// The node.
        node: usize,
        /// CLOCK_MONOTONIC_RAW jumps.
        raw: bool,
        /// CLOCK_BOOTTIME jumps.
        boot: bool,
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
    /// Whichever process was elected last is asked this.
    Order(O),
}

impl<O: Order> Action<O> {
    /// Its key in a scenario's `[[fault]]`.
    pub fn word(&self) -> &'static str {
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
            Action::ClockJump { .. } => "clock-jump",
            Action::Rate { .. } => "rate",
            Action::Unsynchronize { .. } => "unsynchronize",
            Action::Order(order) => order.word(),
        }
    }

    /// The groups of nodes that it names, if it names groups.
    pub fn groups(&self) -> Vec<&[usize]> {
        match self {
            Action::Partition { between } => between.iter().map(Vec::as_slice).collect(),
            Action::Cut { from, to } => vec![from, to],
            Action::Isolate { .. }
            | Action::Heal
            | Action::Hold { .. }
            | Action::Release { .. }
            | Action::Pause { .. }
            | Action::Suspend { .. }
            | Action::HypervisorPause { .. }
            | Action::Crash { .. }
            | Action::Restart { .. }
            | Action::DiskStall { .. }
            | Action::DiskError { .. }
            | Action::DiskFull { .. }
            | Action::DiskLie { .. }
            | Action::DiskCorrupt { .. }
            | Action::Step { .. }
            | Action::ClockJump { .. }
            | Action::Rate { .. }
            | Action::Unsynchronize { .. }
            | Action::Order(_) => Vec::new(),
        }
    }

    /// Whose clocks it changes, and how; `undone`: what its end does to them. `usual_ppb` tells a node's own rate.
    #[inline]
    pub fn clock_change(
        &self,
        undone: bool,
        usual_ppb: impl Fn(usize) -> i64,
    ) -> Option<(usize, ClockChange)> {
        let signed = |by: i64| if undone { by.saturating_neg() } else { by };
        match *self {
            Action::Suspend { node } => Some((node, ClockChange::Suspended(!undone))),
            Action::HypervisorPause { node } => Some((node, ClockChange::Frozen(!undone))),
            Action::Step { node, by_ns } => Some((node, ClockChange::Step(signed(by_ns)))),
            Action::ClockJump { node, raw, boot, by_ns } => {
                Some((node, ClockChange::Jump { raw, boot, by_ns: signed(by_ns) }))
            }
            Action::Rate { node, ppb } => {
                Some((node, ClockChange::Rate(if undone { usual_ppb(node) } else { ppb })))
            }
            Action::Unsynchronize { node } => Some((node, ClockChange::Synchronized(undone))),
            Action::Partition { .. }
            | Action::Cut { .. }
            | Action::Isolate { .. }
            | Action::Heal
            | Action::Hold { .. }
            | Action::Release { .. }
            | Action::Pause { .. }
            | Action::Crash { .. }
            | Action::Restart { .. }
            | Action::DiskStall { .. }
            | Action::DiskError { .. }
            | Action::DiskFull { .. }
            | Action::DiskLie { .. }
            | Action::DiskCorrupt { .. }
            | Action::Order(_) => None,
        }
    }
}
