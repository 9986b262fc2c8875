//! The node as a process of the world.

use leasehold::raft::Note;
use leasehold::time::{Alarm, Reading};
use leasehold_run::note;
use leasehold_run::setup::Order;
use leasehold_world::{DiskChance, Effect, Jitter, Process, ProcessInput};

use crate::node::{Message, Node};

impl Process for Node {
    type Message = Message;
    type Note = Note;
    type Order = Order;

    fn message_kind(message: &Message) -> &'static str {
        match message {
            Message::Vote { .. } => "vote",
            Message::VoteReply { .. } => "vote-reply",
            Message::Append { .. } => "append",
            Message::AppendReply { .. } => "append-reply",
        }
    }

    fn note_word(note: &Note) -> Option<&'static str> {
        note::awaited_as(note)
    }

    fn elected_in(note: &Note) -> Option<u64> {
        note::elected_in(note)
    }

    fn start(&mut self, now: Reading, jitter: &mut dyn Jitter) {
        Node::start(self, &now, jitter);
    }

    fn crash(&mut self, _chance: &mut dyn DiskChance) {
        Node::crash(self);
    }

    fn handle(&mut self, now: Reading, jitter: &mut dyn Jitter, input: ProcessInput<Message, Order>) {
        match input {
            ProcessInput::Message { from, message } => self.message(&now, jitter, from, message),
            ProcessInput::Request { token, request } => self.request(&now, token, request),
            ProcessInput::Wakeup => self.wake(&now, jitter),
            // It writes nothing that is synced later. Transfers, members and lengths are our node's.
            ProcessInput::Synced { .. } | ProcessInput::StorageFull | ProcessInput::Order(_) => {}
        }
    }

    fn poll_effect(&mut self) -> Option<Effect<Message, Note>> {
        self.effects.pop_front()
    }

    fn alarms(&self, each: impl FnMut(Alarm)) {
        Node::alarms(self).for_each(each);
    }

    /// "It may be so" is always right.
    fn take_hastened(&mut self) -> bool {
        true
    }
}
