//! A process as the world sees it, when it runs elsewhere: what the world tells it waits here to be carried out.

use leasehold::time::{Alarm, Reading};

use super::orders::Order;
use super::wire::{self, Line};
use leasehold::raft::Note;
use leasehold_run::note;
use leasehold_run::setup;
use leasehold_world::{DiskChance, Effect, Jitter, Process, ProcessInput};

/// What is to be done with a real process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// Start it, for the first time or on what its directory holds.
    Start,
    /// Kill it, without a warning.
    Kill,
    /// Write this line to its standard input.
    Give(Vec<u8>),
    /// Ask this of it, as an administrator.
    Ask(Order),
}

/// A process that runs elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Mailbox {
    name: String,
    commands: Vec<Command>,
}

impl Mailbox {
    pub(super) fn new(name: &str) -> Mailbox {
        Mailbox { name: name.to_owned(), commands: Vec::new() }
    }

    /// What is to be done, in this order.
    pub(super) fn take(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }
}

impl Process for Mailbox {
    type Message = Line;
    type Note = Note;
    type Order = setup::Order;

    fn message_kind(line: &Line) -> &'static str {
        line.kind()
    }

    fn note_word(note: &Note) -> Option<&'static str> {
        note::awaited_as(note)
    }

    fn elected_in(note: &Note) -> Option<u64> {
        note::elected_in(note)
    }

    fn start(&mut self, _now: Reading, _jitter: &mut dyn Jitter) {
        self.commands.push(Command::Start);
    }

    fn crash(&mut self, _chance: &mut dyn DiskChance) {
        self.commands.push(Command::Kill);
    }

    fn handle(&mut self, _now: Reading, _jitter: &mut dyn Jitter, input: ProcessInput<Line, setup::Order>) {
        self.commands.push(match input {
            ProcessInput::Message { message, .. } => Command::Give(message.bytes().to_vec()),
            ProcessInput::Request { token, request } => {
                Command::Give(wire::request(&self.name, token, request))
            }
            ProcessInput::Order(asked) => Command::Ask(Order::Asked(asked)),
            // It looks after its own timers and its own disk.
            ProcessInput::Wakeup | ProcessInput::Synced { .. } | ProcessInput::StorageFull => return,
        });
    }

    /// What it does comes in from outside.
    fn poll_effect(&mut self) -> Option<Effect<Line, Note>> {
        None
    }

    fn alarms(&self, _each: impl FnMut(Alarm)) {}

    fn take_hastened(&mut self) -> bool {
        false
    }
}
