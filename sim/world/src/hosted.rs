//! A world whose processes run elsewhere, in real time: somebody else's clock says what time it is, and what the processes do
//! comes in from outside. Links, clients, faults and triggers are those of every other world.

use super::engine::{Due, World};
use super::event::{Event, Happening, Reader};
use super::process::{Effect, Process, Request};

impl<P: Process> World<P> {
    /// Lets the next thing that was due by `now` happen, at `now`. `false`: nothing is due.
    pub fn step_at(&mut self, now: u64, reader: &mut impl Reader<P>) -> bool {
        self.come_to(now);
        if self.queue.next_at().is_none_or(|at| at > now) {
            return false;
        }
        let (at, due) = self.queue.pop().expect("looked at above");
        self.due_at = at;
        self.happen(due, reader);
        true
    }

    /// A process has done this, and it is known from `now` on.
    pub fn inject(
        &mut self,
        now: u64,
        node: usize,
        effect: Effect<P::Message, P::Note>,
        reader: &mut impl Reader<P>,
    ) {
        self.come_to(now);
        let synced = self.carry_out_one(node, effect, reader);
        debug_assert_eq!(synced, None, "a process elsewhere has a disk of its own");
    }

    /// A client asks a node outside its turn. Gives the operation's number.
    pub fn ask(
        &mut self,
        now: u64,
        client: usize,
        node: usize,
        request: Request,
        reader: &mut impl Reader<P>,
    ) -> u64 {
        self.come_to(now);
        self.invoke(client, node, request, reader)
    }

    /// A value that no client has written.
    pub fn unwritten_value(&mut self) -> u64 {
        self.fresh_value()
    }

    /// Does any client wait for an answer?
    pub fn clients_wait(&self) -> bool {
        self.anybody_waits()
    }

    /// Ends all faults, those in force and those to come, and the clients' turns: everything is up, runs and can talk.
    pub fn recover(&mut self, now: u64, reader: &mut impl Reader<P>) {
        self.come_to(now);
        self.queue.retain(|due| !matches!(due, Due::Fault { .. } | Due::ClientTurn { .. }));
        self.triggers.forget();
        self.links.lift(None);
        for from in 0..self.slots.len() {
            for to in 0..self.slots.len() {
                self.release(from, to);
            }
        }
        for node in 0..self.slots.len() {
            while self.slots[node].up && self.slots[node].stops > 0 {
                self.resume(node, reader);
            }
            self.restart(node, reader);
        }
    }

    /// Tells a reader of something that happened at `at`, and changes nothing else.
    pub fn recount(
        &mut self,
        at: u64,
        what: Happening<'_, P::Message, P::Note>,
        reader: &mut impl Reader<P>,
    ) {
        self.come_to(at);
        reader.read(&Event { at, what }, self);
    }

    /// A hosted process.
    pub fn process_mut(&mut self, node: usize) -> &mut P {
        &mut self.slots[node].process
    }

    fn come_to(&mut self, now: u64) {
        assert!(now >= self.now, "true time goes forward");
        self.now = now;
    }
}
