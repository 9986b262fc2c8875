//! What the world hosts: anything that takes messages, requests and wake-ups and gives messages, replies, durable writes
//! and wake-ups. leasehold-run hosts our node as one; `examples/own_process.rs` shows another.

use std::fmt::Debug;

use leasehold::time::{Alarm, Reading, Span};

/// A process with its storage. Cloning it clones its whole state.
pub trait Process: Clone {
    /// What processes send to each other.
    type Message: Clone;

    /// What the process tells of itself as it happens: elections, leases, whatever it has. The world passes it on.
    type Note: Copy + Debug;

    /// What a fault may ask of the leader: a transfer, a change of members, whatever it can do.
    type Order: Order;

    /// One word for a message's kind, as in "append". Faults that hold messages back pick them by it.
    fn message_kind(message: &Self::Message) -> &str;

    /// The word by which a fault may wait for this note (`when = { event = "..." }`); `None` where none can.
    fn note_word(note: &Self::Note) -> Option<&'static str>;

    /// The term in which this note says that the process was elected. Orders and clients of "the leader" go to the
    /// process with the highest one.
    fn elected_in(note: &Self::Note) -> Option<u64>;

    /// The machine has come up, for the first time or after a crash: looks at what the storage holds. If all is well the
    /// process is [started](Process::start) next.
    ///
    /// # Errors
    ///
    /// Why it does not start, in the process's own words.
    fn recover(&mut self, _faults: DiskFaults) -> Result<Recovery, String> {
        Ok(Recovery::default())
    }

    /// Starts the process on what its storage holds.
    fn start(&mut self, now: Reading, jitter: &mut dyn Jitter);

    /// The process dies, and its machine with it. What its storage has not synced is lost, or as much of it as is drawn.
    fn crash(&mut self, chance: &mut dyn DiskChance);

    /// Does its storage look after its own syncs? Then the world asks for one after the other; else every
    /// [write](Effect::Write) is a sync of its own.
    fn has_disk(&self) -> bool {
        false
    }

    /// A sync begins, of everything written so far and not synced; `false` when there is no such thing.
    fn begin_sync(&mut self) -> bool {
        false
    }

    /// The sync that was begun last ends now.
    fn end_sync(&mut self, _faults: DiskFaults) -> SyncEnd {
        SyncEnd::Failed("there is no disk".to_owned())
    }

    /// One bit of its file changes. Tells which, in words.
    fn corrupt(&mut self, _chance: &mut dyn DiskChance) -> Option<String> {
        None
    }

    /// Handles one input. `now` is what the machine's clocks say.
    fn handle(
        &mut self,
        now: Reading,
        jitter: &mut dyn Jitter,
        input: ProcessInput<Self::Message, Self::Order>,
    );

    /// What the process asks for next; `None` when that was all. Asked after each start and each input.
    fn poll_effect(&mut self) -> Option<Effect<Self::Message, Self::Note>>;

    /// The conditions on its clocks at which the process wants to be woken.
    fn alarms(&self, each: impl FnMut(Alarm));

    /// May an alarm that was set since this was last asked go off before those that were there?
    fn take_hastened(&mut self) -> bool;
}

/// Something that a fault asks of the leader.
pub trait Order: Clone + Debug + PartialEq {
    /// Its key in a scenario's `[[fault]]`.
    fn word(&self) -> &'static str;
}

/// Where the random part of a process's waits comes from.
pub trait Jitter {
    /// A wait between the least that its machine allows and `most`.
    fn jitter(&mut self, most: Span) -> Span;

    /// Random bits from which the process may draw everything else, now that it starts.
    fn seed(&mut self) -> u64;
}

/// What is wrong with a disk at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskFaults {
    /// Syncs fail.
    pub error: bool,
    /// There is no room.
    pub full: bool,
    /// Syncs are reported and not done.
    pub lie: bool,
}

/// What has become of a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncEnd {
    /// Everything up to this ticket is safe, as far as the disk says.
    Synced {
        /// As in [`Effect::Write`].
        ticket: u64,
    },
    /// There is no room. What was to be written is kept, and a later sync may end well.
    Full,
    /// It failed: why, in the process's own words. The process ends.
    Failed(String),
}

/// What a restart has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// What was reported as safe and is not there, in words. An honest disk forgets nothing.
    pub forgotten: Option<String>,
}

/// What a disk leaves to chance.
pub trait DiskChance {
    /// A number below `count`, which is above 0; each as likely as any other.
    fn below(&mut self, count: u64) -> u64;
}

/// What goes into a process.
#[derive(Debug, Clone)]
pub enum ProcessInput<M, O> {
    /// A message from another process.
    Message {
        /// The sender.
        from: usize,
        /// The message.
        message: M,
    },
    /// A client's request.
    Request {
        /// Comes back in the reply. Unique; requests may overtake each other on their way.
        token: u64,
        /// What is asked.
        request: Request,
    },
    /// An alarm may have been reached.
    Wakeup,
    /// Writes up to this ticket are safe.
    Synced {
        /// As in [`Effect::Write`].
        ticket: u64,
    },
    /// There is no room for the writes under way. [`ProcessInput::Synced`] comes when there is.
    StorageFull,
    /// A fault asks this of it, since it was elected last.
    Order(O),
}

/// What comes out of a process.
#[derive(Debug, Clone)]
pub enum Effect<M, N> {
    /// A message to another process.
    Send {
        /// The receiver.
        to: usize,
        /// The message.
        message: M,
    },
    /// An answer to a client.
    Reply {
        /// As in the request.
        token: u64,
        /// The answer.
        reply: Reply,
    },
    /// Something was written and is to be synced.
    Write {
        /// Counts up within the life of a process.
        ticket: u64,
    },
    /// Something happened in the process.
    Note(N),
}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// The key's value.
    Read {
        /// The key.
        key: u64,
    },
    /// Set the key.
    Write {
        /// The key.
        key: u64,
        /// Its new value.
        value: u64,
    },
    /// Set the key if it holds what is expected, or is missing.
    Cas {
        /// The key.
        key: u64,
        /// Expected; `None` expects the key to be missing.
        from: Option<u64>,
        /// Its new value.
        to: u64,
    },
}

impl Request {
    /// The key it is about.
    pub fn key(&self) -> u64 {
        match *self {
            Request::Read { key } | Request::Write { key, .. } | Request::Cas { key, .. } => key,
        }
    }
}

/// An answer to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// To a read.
    Value {
        /// The key's value, if it has one.
        value: Option<u64>,
        /// Answered under a lease, without asking anybody.
        lease: bool,
        /// Round trips that it had to wait for.
        round_trips: u32,
    },
    /// A write, or a compare-and-set that took effect.
    Done,
    /// A compare-and-set found another value, or none.
    NotSwapped,
    /// It was not done and never will be.
    Refused,
    /// It may have been done, or may be done later.
    Unknown,
}
