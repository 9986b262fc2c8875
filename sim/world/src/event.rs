//! What happens, as one typed stream. Reports, the trace, its hash, the history and the margins all read it.

use super::World;
use super::clock::VirtualClock;
use super::process::{Process, Reply, Request};

/// Something that happened at an instant of true time.
#[derive(Debug)]
pub struct Event<'a, M, N> {
    /// True time in nanoseconds since the start of the run.
    pub at: u64,
    /// What.
    pub what: Happening<'a, M, N>,
}

/// What happened. Nodes, links and clients are named by their places in the setup.
#[derive(Debug)]
pub enum Happening<'a, M, N> {
    /// A message was sent.
    Sent {
        /// Sender.
        from: usize,
        /// Receiver.
        to: usize,
        /// Its number on this link, counted from 0.
        number: u64,
        /// The message.
        message: &'a M,
    },
    /// A message was handed to its receiver.
    Delivered {
        /// Sender.
        from: usize,
        /// Receiver.
        to: usize,
        /// Its number on this link.
        number: u64,
        /// The message.
        message: &'a M,
    },
    /// A message was lost.
    Lost {
        /// Sender.
        from: usize,
        /// Receiver.
        to: usize,
        /// Its number on this link.
        number: u64,
        /// Why.
        cause: LossCause,
    },
    /// A message is kept back.
    Held {
        /// Sender.
        from: usize,
        /// Receiver.
        to: usize,
        /// Its number on this link.
        number: u64,
    },
    /// A process was woken by one of its alarms.
    Woken {
        /// The process.
        node: usize,
    },
    /// A process wrote something durably.
    Written {
        /// The process.
        node: usize,
        /// The write.
        ticket: u64,
    },
    /// Writes are safe.
    Synced {
        /// The process.
        node: usize,
        /// Up to this one.
        ticket: u64,
    },
    /// Something happened in a process.
    Noted {
        /// The process.
        node: usize,
        /// What, in its own terms.
        note: N,
    },
    /// A client asks.
    Invoked {
        /// The operation's number, from 0.
        operation: u64,
        /// Which client.
        client: usize,
        /// Which node it asks.
        node: usize,
        /// What.
        request: Request,
    },
    /// A request was handed to its node.
    Requested {
        /// The operation.
        operation: u64,
        /// The node.
        node: usize,
    },
    /// A node answers.
    Replied {
        /// The operation.
        operation: u64,
        /// The node.
        node: usize,
        /// The answer.
        reply: Reply,
    },
    /// A client has its answer.
    Completed {
        /// The operation.
        operation: u64,
        /// The answer.
        reply: Reply,
    },
    /// A client waits no longer: the outcome is unknown.
    TimedOut {
        /// The operation.
        operation: u64,
    },
    /// A fault happens, or is undone.
    Fault {
        /// Its place in the setup.
        fault: usize,
        /// It is undone.
        undone: bool,
    },
    /// A node's clocks are about to change. Whoever computes with them settles accounts now.
    ClockChanges {
        /// The node.
        node: usize,
    },
    /// A process starts.
    Started {
        /// The node.
        node: usize,
        /// 0 for the first time.
        incarnation: u64,
    },
    /// A process is about to die. It still has its state.
    Crashed {
        /// The node.
        node: usize,
    },
    /// A process ends by itself; [`Happening::Crashed`] follows.
    Ended {
        /// The node.
        node: usize,
        /// In its own words.
        why: &'a str,
    },
    /// A process does not start.
    Refused {
        /// The node.
        node: usize,
        /// In its own words.
        why: &'a str,
    },
    /// What was reported as safe on a node's disk is not there after a crash.
    Forgot {
        /// The node.
        node: usize,
        /// In words.
        what: &'a str,
    },
    /// A node has no room for what it is to write.
    DiskFull {
        /// The node.
        node: usize,
    },
    /// One bit of a node's file has changed.
    Corrupted {
        /// The node.
        node: usize,
        /// Which, in words.
        what: &'a str,
    },
    /// A process stands still (its inputs wait), or goes on.
    Stopped {
        /// The node.
        node: usize,
        /// It goes on.
        resumed: bool,
    },
}

/// Why a message was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossCause {
    /// By chance.
    Chance,
    /// The link is cut.
    Partition,
    /// The receiver is not running.
    ReceiverDown,
}

/// Read-only view of a world, independent of its process and choice types.
pub trait WorldView {
    /// True time, in nanoseconds since the start of the run.
    fn now(&self) -> u64;

    /// Events that have happened so far.
    fn events(&self) -> u64;

    /// A machine's clocks.
    fn clock(&self, node: usize) -> &VirtualClock;
}

impl<P: Process> WorldView for World<P> {
    #[inline]
    fn now(&self) -> u64 {
        World::now(self)
    }

    fn events(&self) -> u64 {
        World::events(self)
    }

    #[inline]
    fn clock(&self, node: usize) -> &VirtualClock {
        World::clock(self, node)
    }
}

/// Somebody who is told everything, in order.
///
/// Which kind of event it is, is known where it happens: a reader that is inlined there (`inline(always)`, as all of a run's
/// are) costs nothing for the events that it does not care about.
pub trait Reader<P: Process> {
    /// Something has happened. `world` is as it was left by it.
    fn read(&mut self, event: &Event<'_, P::Message, P::Note>, world: &World<P>);

    /// A process has handled an input, and everything it asked for is carried out.
    fn settled(&mut self, _node: usize, _world: &World<P>) {}

    /// The run is over.
    fn finished(&mut self, _world: &World<P>) {}
}

impl<P: Process> Reader<P> for () {
    fn read(&mut self, _event: &Event<'_, P::Message, P::Note>, _world: &World<P>) {}
}

impl<P: Process, A: Reader<P>, B: Reader<P>> Reader<P> for (A, B) {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, P::Note>, world: &World<P>) {
        self.0.read(event, world);
        self.1.read(event, world);
    }
    #[inline(always)]
    fn settled(&mut self, node: usize, world: &World<P>) {
        self.0.settled(node, world);
        self.1.settled(node, world);
    }
    fn finished(&mut self, world: &World<P>) {
        self.0.finished(world);
        self.1.finished(world);
    }
}

impl<P: Process, A: Reader<P>> Reader<P> for Option<A> {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, P::Note>, world: &World<P>) {
        if let Some(reader) = self {
            reader.read(event, world);
        }
    }
    #[inline(always)]
    fn settled(&mut self, node: usize, world: &World<P>) {
        if let Some(reader) = self {
            reader.settled(node, world);
        }
    }
    fn finished(&mut self, world: &World<P>) {
        if let Some(reader) = self {
            reader.finished(world);
        }
    }
}

impl<P: Process, A: Reader<P> + ?Sized> Reader<P> for &mut A {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, P::Note>, world: &World<P>) {
        (**self).read(event, world);
    }
    #[inline(always)]
    fn settled(&mut self, node: usize, world: &World<P>) {
        (**self).settled(node, world);
    }
    fn finished(&mut self, world: &World<P>) {
        (**self).finished(world);
    }
}

impl<M, N> Happening<'_, M, N> {
    /// One word for it, as the trace writes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Happening::Sent { .. } => "sent",
            Happening::Delivered { .. } => "delivered",
            Happening::Lost { .. } => "lost",
            Happening::Held { .. } => "held",
            Happening::Woken { .. } => "woken",
            Happening::Written { .. } => "written",
            Happening::Synced { .. } => "synced",
            Happening::Noted { .. } => "milestone",
            Happening::Invoked { .. } => "invoked",
            Happening::Requested { .. } => "requested",
            Happening::Replied { .. } => "replied",
            Happening::Completed { .. } => "completed",
            Happening::TimedOut { .. } => "timed-out",
            Happening::Fault { .. } => "fault",
            Happening::ClockChanges { .. } => "clock-changes",
            Happening::Started { .. } => "started",
            Happening::Crashed { .. } => "crashed",
            Happening::Ended { .. } => "ended",
            Happening::Refused { .. } => "refused",
            Happening::Forgot { .. } => "forgot",
            Happening::DiskFull { .. } => "disk-full",
            Happening::Corrupted { .. } => "corrupted",
            Happening::Stopped { .. } => "stopped",
        }
    }
}
