//! A process of one's own in the world: a primary with a lease, and a backup that takes over.
//!
//! The primary sends a beat every 100 ms, and the backup acknowledges it. An acknowledgement gives the primary a lease of
//! 500 ms, under which it answers reads alone. The backup takes over when it has heard no beat for 510 ms.
//!
//! From when does the lease count? The naive primary counts from the acknowledgement's arrival. A pause of the primary
//! shows why this is wrong: the acknowledgement waits through the pause and then renews a lease that is long over. The
//! careful primary counts from the instant at which it sent the beat.
//!
//! `cargo run --package leasehold-world --example own_process`

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use leasehold::time::{Alarm, Nanos, Reading, Span, Stamp};
use leasehold_world::setup::{
    Action, ClientSpec, ClockSpec, Delay, FaultSpec, Machine, Network, OperationKind, Pace, Setup, Target,
    Trigger,
};
use leasehold_world::{
    Choices, DiskChance, Effect, Event, Happening, Jitter, Order, Process, ProcessInput, Reader, Reply,
    Request, World,
};

const PRIMARY: usize = 0;
const BACKUP: usize = 1;
const BEAT: Span = Span::millis(100);
const LEASE: Span = Span::millis(500);
/// Longer than the lease, because the clocks run at different rates.
const TAKE_OVER: Span = Span::millis(510);

#[derive(Debug, Clone)]
enum Message {
    /// The primary's value, and when the primary sent it by its own clock.
    Beat { value: Option<u64>, sent: Stamp },
    /// The backup has the value of the beat that was sent then.
    Ack { sent: Stamp },
}

#[derive(Debug, Clone)]
enum Role {
    /// `waiting`: writes that no acknowledgement covers yet, by the time of their beat, with the client's token.
    Primary {
        naive: bool,
        sent: Stamp,
        lease_from: Option<Stamp>,
        waiting: Vec<(Stamp, u64)>,
    },
    Backup {
        heard: Stamp,
    },
    /// The backup after it took over.
    Alone,
}

#[derive(Debug, Clone)]
struct Replica {
    role: Role,
    value: Option<u64>,
    effects: Vec<Effect<Message, Note>>,
}

/// What a process tells: it leads from now on.
#[derive(Debug, Clone, Copy)]
struct Note {
    term: u64,
}

/// What a fault may ask of the leader: nothing here.
#[derive(Debug, Clone, PartialEq)]
enum NoOrder {}

impl Order for NoOrder {
    fn word(&self) -> &'static str {
        match *self {}
    }
}

impl Replica {
    fn new(role: Role) -> Replica {
        Replica { role, value: None, effects: Vec::new() }
    }

    fn request(&mut self, now: &Reading, token: u64, request: Request) {
        let reply = match (&mut self.role, request) {
            (Role::Primary { sent, waiting, .. }, Request::Write { value, .. }) => {
                self.value = Some(value);
                *sent = now.stamp;
                waiting.push((*sent, token));
                let message = Message::Beat { value: self.value, sent: *sent };
                return self.effects.push(Effect::Send { to: BACKUP, message });
            }
            (Role::Primary { lease_from: Some(since), .. }, Request::Read { .. })
                if !(Alarm::First { since: *since, span: LEASE }).reached(now) =>
            {
                Reply::Value { value: self.value, lease: true, round_trips: 0 }
            }
            (Role::Alone, Request::Write { value, .. }) => {
                self.value = Some(value);
                Reply::Done
            }
            (Role::Alone, Request::Read { .. }) => {
                Reply::Value { value: self.value, lease: false, round_trips: 0 }
            }
            _ => Reply::Refused,
        };
        self.effects.push(Effect::Reply { token, reply });
    }

    fn message(&mut self, now: &Reading, message: Message) {
        match (&mut self.role, message) {
            (Role::Backup { heard }, Message::Beat { value, sent }) => {
                *heard = now.stamp;
                self.value = value;
                self.effects.push(Effect::Send { to: PRIMARY, message: Message::Ack { sent } });
            }
            (Role::Primary { naive, lease_from, waiting, .. }, Message::Ack { sent }) => {
                *lease_from = Some(if *naive { now.stamp } else { sent });
                let (done, still) = waiting.drain(..).partition(|write| write.0 == sent);
                *waiting = still;
                let reply = |(_, token)| Effect::Reply { token, reply: Reply::Done };
                self.effects.extend(Vec::into_iter(done).map(reply));
            }
            // The backup that took over acknowledges nothing.
            _ => {}
        }
    }

    /// The first beat, the next beat, or the end of the backup's patience.
    fn wake(&mut self, now: &Reading) {
        match &mut self.role {
            Role::Primary { sent, .. } => {
                *sent = now.stamp;
                let message = Message::Beat { value: self.value, sent: *sent };
                self.effects.push(Effect::Send { to: BACKUP, message });
            }
            Role::Backup { heard } if Alarm::Last { since: *heard, span: TAKE_OVER }.reached(now) => {
                self.role = Role::Alone;
                self.effects.push(Effect::Note(Note { term: 2 }));
            }
            Role::Backup { .. } | Role::Alone => {}
        }
    }
}

impl Process for Replica {
    type Message = Message;
    type Note = Note;
    type Order = NoOrder;

    fn message_kind(message: &Message) -> &'static str {
        match message {
            Message::Beat { .. } => "beat",
            Message::Ack { .. } => "ack",
        }
    }

    fn note_word(_note: &Note) -> Option<&'static str> {
        Some("leads")
    }

    fn elected_in(note: &Note) -> Option<u64> {
        Some(note.term)
    }

    fn start(&mut self, now: Reading, _jitter: &mut dyn Jitter) {
        match &mut self.role {
            Role::Primary { .. } => {
                self.effects.push(Effect::Note(Note { term: 1 }));
                self.wake(&now);
            }
            Role::Backup { heard } => *heard = now.stamp,
            Role::Alone => {}
        }
    }

    fn handle(&mut self, now: Reading, _jitter: &mut dyn Jitter, input: ProcessInput<Message, NoOrder>) {
        match input {
            ProcessInput::Message { message, .. } => self.message(&now, message),
            ProcessInput::Request { token, request } => self.request(&now, token, request),
            ProcessInput::Wakeup => self.wake(&now),
            // This process writes nothing to a disk.
            ProcessInput::Synced { .. } | ProcessInput::StorageFull => {}
            ProcessInput::Order(order) => match order {},
        }
    }

    fn poll_effect(&mut self) -> Option<Effect<Message, Note>> {
        (!self.effects.is_empty()).then(|| self.effects.remove(0))
    }

    fn alarms(&self, mut each: impl FnMut(Alarm)) {
        match self.role {
            Role::Primary { sent, .. } => each(Alarm::First { since: sent, span: BEAT }),
            Role::Backup { heard } => each(Alarm::Last { since: heard, span: TAKE_OVER }),
            Role::Alone => {}
        }
    }

    /// "It may be so" is always a correct answer: the world then looks at the alarms again.
    fn take_hastened(&mut self) -> bool {
        true
    }

    fn crash(&mut self, _chance: &mut dyn DiskChance) {}
}

/// Prints what happens. One client writes growing values, so a read is stale if it returns less than was acknowledged
/// before it was invoked.
#[derive(Debug, Default)]
struct Printer {
    /// The highest value that was acknowledged so far.
    acknowledged: u64,
    /// What was asked, and `acknowledged` at that time, by operation.
    asked: BTreeMap<u64, (Request, u64)>,
    reads: u64,
    stale: u64,
}

impl Reader<Replica> for Printer {
    fn read(&mut self, event: &Event<'_, Message, Note>, _world: &World<Replica>) {
        let line = match event.what {
            Happening::Noted { node, note } => format!("n{node} leads in term {}", note.term),
            Happening::Fault { undone: false, .. } => format!("n{PRIMARY} is paused"),
            Happening::Fault { undone: true, .. } => format!("n{PRIMARY} runs again"),
            Happening::Invoked { operation, request, .. } => {
                self.asked.insert(operation, (request, self.acknowledged));
                return;
            }
            Happening::Completed { operation, reply } => match (self.asked.remove(&operation), reply) {
                (Some((Request::Write { value, .. }, _)), Reply::Done) => {
                    self.acknowledged = self.acknowledged.max(value);
                    return;
                }
                (Some((Request::Read { .. }, known)), Reply::Value { value, .. }) => {
                    self.reads += 1;
                    let value = value.unwrap_or(0);
                    if value >= known {
                        return;
                    }
                    self.stale += 1;
                    format!("a read returns {value}, and {known} was acknowledged before it was asked: STALE")
                }
                _ => return,
            },
            _ => return,
        };
        let _ = writeln!(io::stdout().lock(), "  {:>5} ms  {line}", event.at / 1_000_000);
    }
}

/// A clock that is ahead by `offset_ns` and too fast by `rate_ppb` parts in 10^9.
fn machine(offset_ns: i64, rate_ppb: i64) -> Machine {
    Machine {
        clock: ClockSpec { offset_ns, rate_ppb, ..ClockSpec::default() },
        disk_sync: Span::ZERO,
        answer_time: Span::ZERO,
        jitter_least: Span::ZERO,
    }
}

fn client(name: &str, target: Target, operation: OperationKind, every: Span) -> ClientSpec {
    ClientSpec {
        target,
        operations: vec![operation],
        pace: Pace::Every(Delay::Fixed(every)),
        start: Span::millis(50),
        timeout: Span::millis(300),
        ..ClientSpec::new(name)
    }
}

fn setup() -> Setup<NoOrder> {
    Setup {
        duration: Span::secs(4),
        // The primary's clocks are 1000 ppm slow and the backup's 1000 ppm fast.
        machines: vec![machine(0, -1_000_000), machine(3_000_000, 1_000_000)],
        network: Network {
            delay: Delay::Uniform { least: Span::millis(8), most: Span::millis(12) },
            client_delay: Delay::Fixed(Span::millis(1)),
            loss_ppm: 0,
            duplicate_ppm: 0,
            links: Vec::new(),
        },
        clients: vec![
            client("writer", Target::Leader, OperationKind::Write, Span::millis(150)),
            client("reader", Target::Node(PRIMARY), OperationKind::Read, Span::millis(100)),
        ],
        faults: vec![FaultSpec {
            // The write at 951 ms sent a beat. The pause catches its acknowledgement under way.
            trigger: Trigger::At(Span::millis(965)),
            after: Span::ZERO,
            lasts: Some(Span::secs(1)),
            action: Action::Pause { node: PRIMARY },
        }],
    }
}

fn main() {
    for naive in [true, false] {
        let counts = if naive { "acknowledgement's arrival" } else { "instant of sending" };
        let _ = writeln!(io::stdout().lock(), "the lease counts from the {counts}:");
        let unset = Stamp::new(Nanos(0), Nanos(0));
        let primary = Role::Primary { naive, sent: unset, lease_from: None, waiting: Vec::new() };
        let processes = vec![Replica::new(primary), Replica::new(Role::Backup { heard: unset })];
        let mut world = World::new(Arc::new(setup()), Choices::seeded(1), processes);
        let mut printer = Printer::default();
        world.begin(&mut printer);
        while world.step(&mut printer) {}
        let Printer { reads, stale, .. } = printer;
        let _ = writeln!(io::stdout().lock(), "  {stale} of {reads} reads were stale\n");
    }
}
