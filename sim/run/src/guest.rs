//! Guests: somebody else's program in the place of our node.
//!
//! A [`Guest`] of a setup names the program. A [`Host`] speaks to it; the host comes from outside, because this crate starts
//! no process. The world sees a [`GuestNode`], one process like any other: its messages are opaque, its disk is a map of
//! what it has written.
//!
//! leasehold-guests has the hosts. `docs/reference/guest-protocol.md` says what a guest is told and answers.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use leasehold::raft::Note;
use leasehold::time::{Alarm, Nanos, Reading, Span, Stamp};
use leasehold_world::{DiskChance, Effect, Jitter, Process, ProcessInput, Reply, Request};
use serde_json::Value;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use crate::host::startup_grace;
use crate::hosted::Hosted;
use crate::note;
use crate::setup::{Order, Setup};
use crate::watch::Traced;

/// Who runs in the place of our node. Two guests are equal if their commands are.
#[derive(Clone)]
pub struct Guest {
    command: String,
    host: Option<Arc<dyn Host>>,
}

/// Starts guests and speaks to them.
pub trait Host: Send + Sync + fmt::Debug {
    /// The guest on one node, before its first start.
    fn guest(&self, setup: &Setup, node: usize) -> Box<dyn Stepped>;

    /// How guests run, as in "a process".
    fn way(&self) -> &'static str;

    /// What went wrong first, with its place; `None` while all is well. A run in which something went wrong shows nothing.
    fn failure(&self) -> Option<String>;
}

/// One guest on one node.
pub trait Stepped: Send {
    /// Hands the guest one input and waits for what it wants. `None`: it has failed, and its [`Host`] knows why.
    fn step(&mut self, now: &Reading, input: &Input<'_>) -> Option<Output>;

    /// Its machine has crashed: the program is gone. The next input is a start.
    fn crash(&mut self);
}

/// What a guest is told.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// Its machine has come up, for the first time or after a crash.
    Start(Start<'a>),
    /// A message from another node.
    Message {
        /// The sender.
        from: usize,
        /// The message.
        message: &'a Message,
    },
    /// A client's request.
    Request {
        /// Comes back in the reply; unique in a run.
        id: u64,
        /// What is asked.
        request: Request,
    },
    /// The clock has come to what the guest asked for.
    Wake,
    /// So many of its writes are safe, counted from its last start.
    Persisted {
        /// From 1.
        writes: u64,
    },
    /// There is no room for its writes. [`Input::Persisted`] comes when there is.
    StorageFull,
    /// A fault asks this of it, because it was elected last.
    Order(Order),
}

/// How a guest is started.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// 0 for the first time.
    pub starts: u64,
    /// Random bits that are the guest's own. Another start has others.
    pub seed: u64,
    /// How much longer than an election timeout it should wait before it campaigns.
    pub startup_grace: Span,
    /// What it has written and was safe before the crash, by name.
    pub stored: &'a BTreeMap<String, Value>,
}

/// What a guest wants, carried out in this order.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// What it tells of itself.
    pub notes: Vec<Note>,
    /// Values to keep, by name; null removes one. `None`: nothing is written.
    pub write: Option<BTreeMap<String, Value>>,
    /// Messages and their receivers.
    pub sends: Vec<(usize, Message)>,
    /// Answers to requests, by their ids.
    pub replies: Vec<(u64, Reply)>,
    /// When to wake it. `None`: as it asked before; `Some(None)`: not at all.
    pub wake: Option<Option<Alarm>>,
}

/// A message of a guest. Nothing here reads its content.
#[derive(Debug, Clone)]
pub struct Message {
    /// One word, as in "append".
    pub kind: Arc<str>,
    /// The content: any JSON value, as the guest wrote it.
    pub data: Arc<RawValue>,
}

impl Guest {
    /// The guest that this command starts. It runs once it has a [host](Guest::hosted_by).
    pub fn new(command: impl Into<String>) -> Guest {
        Guest { command: command.into(), host: None }
    }

    /// The command that starts it.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Says who speaks to it.
    pub fn hosted_by(&mut self, host: Arc<dyn Host>) {
        self.host = Some(host);
    }

    /// Who speaks to it.
    ///
    /// # Panics
    ///
    /// If nobody does: who loads a scenario with a guest says who hosts it before the scenario runs.
    pub fn host(&self) -> &Arc<dyn Host> {
        self.host.as_ref().expect("a guest has a host before it runs: Guest::hosted_by")
    }
}

impl PartialEq for Guest {
    fn eq(&self, other: &Guest) -> bool {
        self.command == other.command
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guest").field(&self.command).finish()
    }
}

/// A clock that a guest names an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestClock {
    /// `CLOCK_MONOTONIC_RAW`.
    Raw,
    /// `CLOCK_BOOTTIME`.
    Boot,
    /// The wall clock.
    Wall,
}

impl GuestClock {
    /// What this clock shows; `None` for a wall clock that the machine does not vouch for.
    pub fn shows(self, now: &Reading) -> Option<u64> {
        match self {
            GuestClock::Raw => Some(now.stamp.raw().0),
            GuestClock::Boot => Some(now.stamp.boot().0),
            GuestClock::Wall => now.wall.map(|wall| wall.earliest().0.midpoint(wall.latest().0)),
        }
    }

    /// Reached when this clock shows `at`, which is after what it shows now. `None` for a wall clock that the machine does
    /// not vouch for. Where it stops to vouch later, the slower of the monotonic clocks counts the rest.
    pub fn alarm(self, at: u64, now: &Reading) -> Option<Alarm> {
        let one = Span::nanos(1);
        // The other clock has counted a nanosecond since 0, so this one alone decides.
        let since = |raw, boot| Alarm::Last { since: Stamp::new(Nanos(raw), Nanos(boot)), span: one };
        match self {
            GuestClock::Raw => Some(since(at.saturating_sub(1), 0)),
            GuestClock::Boot => Some(since(0, at.saturating_sub(1))),
            GuestClock::Wall => {
                let (wall, shows) = (now.wall?, self.shows(now)?);
                let deadline = Nanos(at.saturating_sub(shows - wall.earliest().0));
                let span = Span::nanos(at.saturating_sub(shows));
                Some(Alarm::WallEarliest { deadline, since: now.stamp, span })
            }
        }
    }
}

/// How long a guest's lease lasts by the clock that it ends by.
pub(crate) fn lease_length(start: &Reading, end: &Alarm) -> Span {
    match *end {
        Alarm::First { since, span } | Alarm::Last { since, span } => {
            let ends = since.raw().max(since.boot()).plus(span);
            let by_raw = since.raw() > since.boot();
            ends.saturating_since(if by_raw { start.stamp.raw() } else { start.stamp.boot() })
        }
        Alarm::WallEarliest { deadline, span, .. } | Alarm::WallLatest { deadline, span, .. } => {
            start.wall.map_or(span, |wall| deadline.saturating_since(wall.earliest()))
        }
    }
}

/// A guest as a process of the world, with its disk.
///
/// A clone speaks to the same program. Searches that fork a run do not take guests.
#[derive(Clone)]
pub struct GuestNode {
    stepped: Arc<Mutex<Box<dyn Stepped>>>,
    /// The grace of the first start and of later ones.
    grace: (Span, Span),
    starts: u64,
    stored: BTreeMap<String, Value>,
    /// Written in this life, and not safe yet.
    unsynced: VecDeque<(u64, BTreeMap<String, Value>)>,
    writes: u64,
    wake: Option<Alarm>,
    hastened: bool,
    effects: VecDeque<Effect<Message, Note>>,
}

impl GuestNode {
    /// The processes of a setup that has a guest.
    pub fn cluster(setup: &Setup, guest: &Guest) -> Vec<GuestNode> {
        let process = |node| GuestNode {
            stepped: Arc::new(Mutex::new(guest.host().guest(setup, node))),
            grace: (startup_grace(setup, node, 0), startup_grace(setup, node, 1)),
            starts: 0,
            stored: BTreeMap::new(),
            unsynced: VecDeque::new(),
            writes: 0,
            wake: None,
            hastened: false,
            effects: VecDeque::new(),
        };
        (0..setup.nodes.len()).map(process).collect()
    }

    fn stepped(&self) -> MutexGuard<'_, Box<dyn Stepped>> {
        self.stepped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&mut self, output: Option<Output>) {
        // Of a guest that has failed nothing more comes.
        let Output { notes, write, sends, replies, wake } =
            output.unwrap_or(Output { wake: Some(None), ..Output::default() });
        self.effects.extend(notes.into_iter().map(Effect::Note));
        if let Some(values) = write {
            self.writes += 1;
            self.unsynced.push_back((self.writes, values));
            self.effects.push_back(Effect::Write { ticket: self.writes });
        }
        self.effects.extend(sends.into_iter().map(|(to, message)| Effect::Send { to, message }));
        self.effects.extend(replies.into_iter().map(|(token, reply)| Effect::Reply { token, reply }));
        if let Some(wake) = wake {
            self.wake = wake;
            self.hastened = true;
        }
    }
}

impl fmt::Debug for GuestNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestNode")
            .field("starts", &self.starts)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}

impl Process for GuestNode {
    type Message = Message;
    type Note = Note;
    type Order = Order;

    fn message_kind(message: &Message) -> &str {
        &message.kind
    }

    fn note_word(note: &Note) -> Option<&'static str> {
        note::awaited_as(note)
    }

    fn elected_in(note: &Note) -> Option<u64> {
        note::elected_in(note)
    }

    fn start(&mut self, now: Reading, jitter: &mut dyn Jitter) {
        let start = Start {
            starts: self.starts,
            // What every language holds exactly, also as a floating-point number.
            seed: jitter.seed() >> 11,
            startup_grace: if self.starts == 0 { self.grace.0 } else { self.grace.1 },
            stored: &self.stored,
        };
        let output = self.stepped().step(&now, &Input::Start(start));
        self.take(output);
    }

    fn crash(&mut self, _chance: &mut dyn DiskChance) {
        self.stepped().crash();
        self.unsynced.clear();
        self.writes = 0;
        self.wake = None;
        self.effects.clear();
        self.starts += 1;
    }

    fn handle(&mut self, now: Reading, _jitter: &mut dyn Jitter, input: ProcessInput<Message, Order>) {
        let message;
        let input = match input {
            ProcessInput::Message { from, message: sent } => {
                message = sent;
                Input::Message { from, message: &message }
            }
            ProcessInput::Request { token, request } => Input::Request { id: token, request },
            ProcessInput::Wakeup => {
                self.wake = None;
                Input::Wake
            }
            ProcessInput::Synced { ticket } => {
                while self.unsynced.front().is_some_and(|(written, _)| *written <= ticket)
                    && let Some((_, values)) = self.unsynced.pop_front()
                {
                    for (name, value) in values {
                        match value {
                            Value::Null => self.stored.remove(&name),
                            kept => self.stored.insert(name, kept),
                        };
                    }
                }
                Input::Persisted { writes: ticket }
            }
            ProcessInput::StorageFull => Input::StorageFull,
            ProcessInput::Order(order) => Input::Order(order),
        };
        let output = self.stepped().step(&now, &input);
        self.take(output);
    }

    fn poll_effect(&mut self) -> Option<Effect<Message, Note>> {
        self.effects.pop_front()
    }

    fn alarms(&self, mut each: impl FnMut(Alarm)) {
        if let Some(alarm) = self.wake {
            each(alarm);
        }
    }

    fn take_hastened(&mut self) -> bool {
        std::mem::take(&mut self.hastened)
    }
}

impl Hosted for GuestNode {}

impl Traced for Message {
    fn kind(&self) -> &str {
        &self.kind
    }

    fn words(&self, word: &mut impl FnMut(u64)) {
        word(xxh3_64(self.kind.as_bytes()));
        word(xxh3_64(self.data.get().as_bytes()));
    }

    fn fields(&self, field: &mut dyn FnMut(&'static str, u64)) {
        field("length", self.data.get().len() as u64);
        field("content", xxh3_64(self.data.get().as_bytes()));
    }
}
