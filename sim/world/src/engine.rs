//! The world's struct and its loop: take the earliest event, let it happen, tell everybody.

use std::sync::Arc;

use leasehold::time::{Reading, Span};

use super::choices::{Choices, Draw, Point, Purpose};
use super::client::Clients;
use super::clock::VirtualClock;
use super::disk::Disk;
use super::event::{Event, Happening, LossCause, Reader};
use super::fault::Triggers;
use super::network::Links;
use super::process::{Effect, Jitter, Process, ProcessInput, Reply, Request};
use super::queue::Queue;
use super::slot::{Arrival, Slot};
use crate::setup::{Delay, EventKind, Setup};

/// A world in the middle of a run. Cloning it clones the run.
///
/// [`World::begin`] starts the processes; [`World::step`] lets one event happen and returns `false` at the end of the run.
///
/// ```
/// use std::sync::Arc;
///
/// use leasehold::time::{Alarm, Reading, Span, Stamp};
/// use leasehold_world::setup::{ClockSpec, Delay, Machine, Network, Setup};
/// use leasehold_world::{Choices, DiskChance, Effect, Jitter, Order, Process, ProcessInput, World};
///
/// /// Greets the other process each time its own clocks have counted one second.
/// #[derive(Clone)]
/// struct Greeter {
///     other: usize,
///     last: Option<Stamp>,
///     heard: u32,
///     greets: bool,
/// }
///
/// #[derive(Debug, Clone, PartialEq)]
/// enum NoOrder {}
///
/// impl Order for NoOrder {
///     fn word(&self) -> &'static str {
///         match *self {}
///     }
/// }
///
/// impl Process for Greeter {
///     type Message = &'static str;
///     type Note = ();
///     type Order = NoOrder;
///
///     fn message_kind(_: &&'static str) -> &'static str {
///         "greeting"
///     }
///     fn note_word(_: &()) -> Option<&'static str> {
///         None
///     }
///     fn elected_in(_: &()) -> Option<u64> {
///         None
///     }
///     fn start(&mut self, now: Reading, _: &mut dyn Jitter) {
///         self.last = Some(now.stamp);
///     }
///     fn handle(&mut self, now: Reading, _: &mut dyn Jitter, input: ProcessInput<&'static str, NoOrder>) {
///         match input {
///             ProcessInput::Message { .. } => self.heard += 1,
///             ProcessInput::Wakeup => (self.last, self.greets) = (Some(now.stamp), true),
///             _ => {}
///         }
///     }
///     fn poll_effect(&mut self) -> Option<Effect<&'static str, ()>> {
///         std::mem::take(&mut self.greets).then(|| Effect::Send { to: self.other, message: "hello" })
///     }
///     fn alarms(&self, mut each: impl FnMut(Alarm)) {
///         if let Some(since) = self.last {
///             each(Alarm::First { since, span: Span::secs(1) });
///         }
///     }
///     fn take_hastened(&mut self) -> bool {
///         true
///     }
///     fn crash(&mut self, _: &mut dyn DiskChance) {}
/// }
///
/// let machine = |rate_ppb| Machine {
///     clock: ClockSpec { rate_ppb, ..ClockSpec::default() },
///     disk_sync: Span::ZERO,
///     answer_time: Span::ZERO,
///     jitter_least: Span::ZERO,
/// };
/// let setup = Setup {
///     duration: Span::millis(10_500),
///     // The second machine's clocks run 20 % fast.
///     machines: vec![machine(0), machine(200_000_000)],
///     network: Network {
///         delay: Delay::Fixed(Span::millis(5)),
///         client_delay: Delay::Fixed(Span::millis(1)),
///         loss_ppm: 0,
///         duplicate_ppm: 0,
///         links: Vec::new(),
///     },
///     clients: Vec::new(),
///     faults: Vec::new(),
/// };
/// let greeter = |other| Greeter { other, last: None, heard: 0, greets: false };
/// let mut world = World::new(Arc::new(setup), Choices::seeded(1), vec![greeter(1), greeter(0)]);
/// world.begin(&mut ());
/// while world.step(&mut ()) {}
/// assert_eq!(world.process(0).heard, 12);
/// assert_eq!(world.process(1).heard, 10);
/// ```
#[derive(Debug, Clone)]
pub struct World<P: Process> {
    pub(super) setup: Arc<Setup<P::Order>>,
    pub(super) choices: Choices,
    pub(super) now: u64,
    /// When what happens now was due: `now`, but in a world that runs in real time and may be late.
    pub(super) due_at: u64,
    pub(super) queue: Queue<Due<P::Message>>,
    pub(super) slots: Vec<Slot<P>>,
    pub(super) links: Links<P::Message>,
    pub(super) clients: Clients,
    pub(super) triggers: Triggers,
    /// The highest term in which somebody was elected, and who.
    leader: Option<(u64, usize)>,
    delivered: u64,
    happened: u64,
}

/// What is to happen.
#[derive(Debug, Clone)]
pub(super) enum Due<M> {
    Message { from: usize, to: usize, number: u64, message: M },
    Wakeup { node: usize },
    Synced { node: usize, incarnation: u64, ticket: u64 },
    Request { operation: u64, node: usize, request: Request },
    Answer { node: usize, incarnation: u64, operation: u64, reply: Reply },
    Reply { operation: u64, reply: Reply },
    ClientTurn { client: usize },
    ClientTimeout { client: usize },
    Fault { fault: usize, undo: bool },
}

impl<P: Process> World<P> {
    /// A world at true time 0, with one process for each machine of the setup. [`World::begin`] starts them.
    pub fn new(setup: Arc<Setup<P::Order>>, choices: Choices, processes: Vec<P>) -> World<P> {
        assert_eq!(processes.len(), setup.machines.len(), "one process a machine");
        let slots = processes.into_iter().zip(&setup.machines).map(|(process, spec)| Slot {
            process,
            clock: VirtualClock::new(&spec.clock),
            up: false,
            stops: 0,
            inbox: Vec::new(),
            incarnation: 0,
            wakeup_at: None,
            disk_sync: spec.disk_sync,
            disk: Disk::default(),
            answer_time: spec.answer_time,
            jitters: 0,
            jitter_least: spec.jitter_least,
        });
        let mut slots: Vec<Slot<P>> = slots.collect();
        slots.iter_mut().for_each(|slot| slot.disk = Disk::new(slot.process.has_disk()));
        World {
            slots,
            links: Links::new(setup.machines.len(), &setup.network),
            queue: Queue::new(setup.network.delay),
            clients: Clients::new(&setup.clients),
            triggers: Triggers::new(&setup.faults),
            setup,
            choices,
            now: 0,
            due_at: 0,
            leader: None,
            delivered: 0,
            happened: 0,
        }
    }

    /// Starts all processes and clients, and schedules the faults that have a time.
    pub fn begin(&mut self, reader: &mut impl Reader<P>) {
        for node in 0..self.slots.len() {
            self.start(node, reader);
        }
        self.schedule_clients();
        self.schedule_timed_faults();
    }

    /// Lets the next event happen. `false` at the end of the run.
    pub fn step(&mut self, reader: &mut impl Reader<P>) -> bool {
        let end = self.setup.duration.as_nanos();
        if self.queue.next_at().is_none_or(|at| at > end) {
            self.now = end;
            reader.finished(self);
            return false;
        }
        let (at, due) = self.queue.pop().expect("looked at above");
        debug_assert!(at >= self.now, "time goes forward");
        self.now = at;
        self.due_at = at;
        self.happen(due, reader);
        true
    }

    /// Lets something happen that is due.
    #[inline(always)]
    pub(super) fn happen(&mut self, due: Due<P::Message>, reader: &mut impl Reader<P>) {
        match due {
            Due::Message { from, to, number, message } => self.deliver(from, to, number, message, reader),
            Due::Wakeup { node } => self.wake(node, reader),
            Due::Synced { node, incarnation, ticket } => {
                if self.slots[node].incarnation == incarnation {
                    self.sync_ends(node, ticket, reader);
                }
            }
            Due::Request { operation, node, request } => {
                self.arrive(node, Arrival::Request { operation, request }, reader);
            }
            Due::Answer { node, incarnation, operation, reply } => {
                if self.slots[node].incarnation == incarnation {
                    self.arrive(node, Arrival::Answer { operation, reply }, reader);
                }
            }
            Due::Reply { operation, reply } => self.complete(operation, reply, reader),
            Due::ClientTurn { client } => self.client_turn(client, reader),
            Due::ClientTimeout { client } => self.client_timeouts(client, reader),
            Due::Fault { fault, undo: false } => self.apply_fault(fault, reader),
            Due::Fault { fault, undo: true } => self.undo_fault(fault, reader),
        }
    }

    /// True time, in nanoseconds since the start of the run.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// When the next event is due, true nanoseconds; `None` when nothing more can happen.
    pub fn next_at(&self) -> Option<u64> {
        self.queue.next_at()
    }

    /// Who decides from now on. What has been decided stays: messages under way keep their delays.
    pub fn choices_mut(&mut self) -> &mut Choices {
        &mut self.choices
    }

    /// Who decides.
    pub fn choices(&self) -> &Choices {
        &self.choices
    }

    /// What this world was built from.
    pub fn setup(&self) -> &Setup<P::Order> {
        &self.setup
    }

    /// A hosted process.
    pub fn process(&self, node: usize) -> &P {
        &self.slots[node].process
    }

    /// A machine's clocks.
    pub fn clock(&self, node: usize) -> &VirtualClock {
        &self.slots[node].clock
    }

    /// Is the process up, and not standing still?
    pub fn runs(&self, node: usize) -> bool {
        self.slots[node].runs()
    }

    /// Messages delivered so far.
    pub fn messages_delivered(&self) -> u64 {
        self.delivered
    }

    /// Events that have happened so far.
    pub fn events(&self) -> u64 {
        self.happened
    }

    /// The node that was elected last, by term.
    pub(super) fn latest_leader(&self) -> Option<usize> {
        self.leader.map(|(_, node)| node)
    }

    #[inline(always)]
    pub(super) fn tell(&mut self, reader: &mut impl Reader<P>, what: Happening<'_, P::Message, P::Note>) {
        self.happened += 1;
        reader.read(&Event { at: self.now, what }, self);
    }

    pub(super) fn at(&self, after: Span) -> u64 {
        self.now.saturating_add(after.as_nanos())
    }

    #[inline]
    fn deliver(
        &mut self,
        from: usize,
        to: usize,
        number: u64,
        message: P::Message,
        reader: &mut impl Reader<P>,
    ) {
        if self.links.is_cut(from, to) {
            self.lose(from, to, number, LossCause::Partition, reader);
        } else if self.slots[to].runs() {
            self.receive(from, to, number, message, reader);
        } else if self.slots[to].up {
            self.slots[to].inbox.push(Arrival::Message { from, number, message });
        } else {
            self.lose(from, to, number, LossCause::ReceiverDown, reader);
        }
    }

    /// Something reaches a machine: its process handles it, or it waits while the process stands still.
    pub(super) fn arrive(
        &mut self,
        node: usize,
        arrival: Arrival<P::Message, P::Order>,
        reader: &mut impl Reader<P>,
    ) {
        let slot = &mut self.slots[node];
        if !slot.up {
            return;
        }
        if slot.stops > 0 {
            slot.inbox.push(arrival);
            return;
        }
        match &arrival {
            Arrival::Request { operation, .. } => {
                let operation = *operation;
                self.tell(reader, Happening::Requested { operation, node });
            }
            Arrival::Synced { ticket } => {
                let ticket = *ticket;
                self.tell(reader, Happening::Synced { node, ticket });
            }
            Arrival::Answer { operation, reply } => self.answer_leaves(*operation, *reply),
            Arrival::StorageFull => self.tell(reader, Happening::DiskFull { node }),
            Arrival::Message { .. } | Arrival::Order(_) => {}
        }
        match arrival {
            Arrival::Message { from, number, message } => self.receive(from, node, number, message, reader),
            other => {
                if let Some(input) = other.input() {
                    self.handle(node, input, reader);
                }
            }
        }
    }

    /// A process that runs is given a message.
    #[inline]
    fn receive(
        &mut self,
        from: usize,
        to: usize,
        number: u64,
        message: P::Message,
        reader: &mut impl Reader<P>,
    ) {
        self.delivered += 1;
        self.tell(reader, Happening::Delivered { from, to, number, message: &message });
        self.handle(to, ProcessInput::Message { from, message }, reader);
    }

    /// Wakes a process if one of its alarms is reached.
    fn wake(&mut self, node: usize, reader: &mut impl Reader<P>) {
        if self.slots[node].wakeup_at != Some(self.now) {
            return;
        }
        self.slots[node].wakeup_at = None;
        if !self.slots[node].runs() {
            return;
        }
        if self.slots[node].is_due(self.now) {
            self.tell(reader, Happening::Woken { node });
            self.handle(node, ProcessInput::Wakeup, reader);
            assert_ne!(
                self.slots[node].wakeup_at,
                Some(self.now),
                "node {node} was woken at {} and still waits for the same alarm",
                self.now
            );
        } else {
            self.schedule_wakeup(node);
        }
    }

    /// Makes sure that a wake-up is queued for the process's first alarm. One that is queued too early is let stand: it
    /// looks again when it comes.
    pub(super) fn schedule_wakeup(&mut self, node: usize) {
        let slot = &mut self.slots[node];
        if let Some(at) = slot.next_wakeup(self.now)
            && slot.wakeup_at.is_none_or(|queued| at < queued)
        {
            slot.wakeup_at = Some(at);
            self.queue.push(at, Due::Wakeup { node });
        }
    }

    pub(super) fn start(&mut self, node: usize, reader: &mut impl Reader<P>) {
        if !self.recovers(node, reader) {
            return;
        }
        let incarnation = self.slots[node].incarnation;
        self.slots[node].up = true;
        self.tell(reader, Happening::Started { node, incarnation });
        self.with_process(node, reader, |process, now, jitter| process.start(now, jitter));
    }

    pub(super) fn handle(
        &mut self,
        node: usize,
        input: ProcessInput<P::Message, P::Order>,
        reader: &mut impl Reader<P>,
    ) {
        self.with_process(node, reader, |process, now, jitter| process.handle(now, jitter, input));
    }

    /// Lets the process act and carries out what it asks for. A write on a disk that takes no time is synced at once.
    #[inline]
    fn with_process<R: Reader<P>>(
        &mut self,
        node: usize,
        reader: &mut R,
        act: impl FnOnce(&mut P, Reading, &mut dyn Jitter),
    ) {
        let slot = &mut self.slots[node];
        let now = slot.clock.read(self.now);
        let choices = &mut self.choices;
        let least = slot.jitter_least;
        let incarnation = slot.incarnation;
        let mut jitter = NodeJitter { choices, node, least, count: &mut slot.jitters, incarnation };
        act(&mut slot.process, now, &mut jitter);
        while let Some(ticket) = self.carry_out(node, reader) {
            self.tell(reader, Happening::Synced { node, ticket });
            let slot = &mut self.slots[node];
            let choices = &mut self.choices;
            let mut jitter = NodeJitter { choices, node, least, count: &mut slot.jitters, incarnation };
            slot.process.handle(now, &mut jitter, ProcessInput::Synced { ticket });
        }
        let slot = &mut self.slots[node];
        if slot.process.take_hastened() || slot.wakeup_at.is_none() {
            self.schedule_wakeup(node);
        }
        reader.settled(node, self);
    }

    /// Carries out what a process asks for; tells the last write that is already safe.
    fn carry_out<R: Reader<P>>(&mut self, node: usize, reader: &mut R) -> Option<u64> {
        let mut synced = None;
        while let Some(effect) = self.slots[node].process.poll_effect() {
            synced = self.carry_out_one(node, effect, reader).or(synced);
        }
        synced
    }

    /// Carries out one thing that a process asks for; tells it if it is a write that is already safe.
    #[inline]
    pub(super) fn carry_out_one<R: Reader<P>>(
        &mut self,
        node: usize,
        effect: Effect<P::Message, P::Note>,
        reader: &mut R,
    ) -> Option<u64> {
        match effect {
            Effect::Send { to, message } => self.send(node, to, message, reader),
            Effect::Reply { token, reply } => self.reply(node, token, reply, reader),
            Effect::Write { ticket } => {
                self.tell(reader, Happening::Written { node, ticket });
                return self.sync_begins(node, ticket);
            }
            Effect::Note(note) => self.note(node, note, reader),
        }
        None
    }

    fn send(&mut self, from: usize, to: usize, message: P::Message, reader: &mut impl Reader<P>) {
        let link = self.links.link(from, to);
        let number = link.sent;
        link.sent += 1;
        let (delay, loss_ppm, duplicate_ppm) = (link.delay, link.loss_ppm, link.duplicate_ppm);
        let held = link.holds(|| P::message_kind(&message));
        let cut = link.is_cut();
        self.tell(reader, Happening::Sent { from, to, number, message: &message });
        if cut {
            return self.lose(from, to, number, LossCause::Partition, reader);
        }
        if held {
            self.tell(reader, Happening::Held { from, to, number });
            self.links.link(from, to).held.push((number, message));
            return;
        }
        let point = |purpose| Point { purpose, of: narrow(from), to: narrow(to), index: number };
        if self.choices.happens(point(Purpose::Loss), loss_ppm) {
            return self.lose(from, to, number, LossCause::Chance, reader);
        }
        if self.choices.happens(point(Purpose::Duplicate), duplicate_ppm) {
            let at = self.now + self.choices.delay(point(Purpose::DuplicateDelay), delay).as_nanos();
            self.queue.push(at, Due::Message { from, to, number, message: message.clone() });
        }
        let at = self.now + self.choices.delay(point(Purpose::Delay), delay).as_nanos();
        self.queue.push(at, Due::Message { from, to, number, message });
    }

    #[cold]
    fn lose(&mut self, from: usize, to: usize, number: u64, cause: LossCause, reader: &mut impl Reader<P>) {
        self.tell(reader, Happening::Lost { from, to, number, cause });
    }

    fn note(&mut self, node: usize, note: P::Note, reader: &mut impl Reader<P>) {
        if let Some(term) = P::elected_in(&note)
            && self.leader.is_none_or(|(latest, _)| term > latest)
        {
            self.leader = Some((term, node));
        }
        self.tell(reader, Happening::Noted { node, note });
        if let Some(word) = P::note_word(&note) {
            self.trigger(EventKind::Note(word), node);
        }
    }
}

/// The random part of one process's waits, as the world's choices have it.
struct NodeJitter<'a> {
    choices: &'a mut Choices,
    node: usize,
    least: Span,
    count: &'a mut u64,
    incarnation: u64,
}

impl Jitter for NodeJitter<'_> {
    fn jitter(&mut self, most: Span) -> Span {
        let point = Point { purpose: Purpose::Jitter, of: narrow(self.node), to: 0, index: *self.count };
        *self.count += 1;
        let least = self.least.min(most);
        self.choices.delay(point, Delay::Uniform { least, most })
    }

    fn seed(&mut self) -> u64 {
        let (of, index) = (narrow(self.node), self.incarnation);
        let point = Point { purpose: Purpose::ProcessSeed, of, to: 0, index };
        self.choices.choose(point, Draw::Uniform { least: 0, most: u64::MAX })
    }
}

/// A node's or client's number as a stream's part.
pub(super) fn narrow(number: usize) -> u16 {
    u16::try_from(number).expect("setups have at most a thousand nodes and clients")
}
