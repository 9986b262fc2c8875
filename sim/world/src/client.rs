//! Clients: who asks what, when, and how long they wait.

use std::collections::{BTreeMap, VecDeque};

use super::choices::{Draw, Point, Purpose};
use super::engine::{Due, World, narrow};
use super::event::{Happening, Reader};
use super::process::{Process, Reply, Request};
use super::slot::Slot;
use crate::setup::{ClientSpec, Delay, EventKind, OperationKind, Pace, Target};
use leasehold::time::Span;

/// All clients and what they wait for.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    states: Vec<ClientState>,
    waiting: BTreeMap<u64, Waiting>,
    next_operation: u64,
    /// Values are unique: each is written once.
    next_value: u64,
}

#[derive(Debug, Clone, Default)]
struct ClientState {
    turns: u64,
    /// What it last saw each key hold; only kept for compare-and-set.
    seen: BTreeMap<u64, u64>,
    /// When it gives up on what, in order; operations that were answered are skipped.
    timeouts: VecDeque<(u64, u64)>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    client: usize,
    request: Request,
}

impl Clients {
    pub(super) fn new(specs: &[ClientSpec]) -> Clients {
        Clients {
            states: vec![ClientState::default(); specs.len()],
            waiting: BTreeMap::new(),
            next_operation: 0,
            next_value: 1,
        }
    }
}

impl<P: Process> World<P> {
    pub(super) fn schedule_clients(&mut self) {
        for (client, spec) in self.setup.clients.iter().enumerate() {
            self.queue.push(spec.start.as_nanos(), Due::ClientTurn { client });
        }
    }

    /// A client asks.
    pub(super) fn client_turn(&mut self, client: usize, reader: &mut impl Reader<P>) {
        let setup = self.setup.clone();
        let spec = &setup.clients[client];
        if spec.stop.is_some_and(|stop| self.now >= stop.as_nanos()) {
            return;
        }
        let turn = self.clients.states[client].turns;
        if spec.times.is_some_and(|times| turn >= times) {
            return;
        }
        self.clients.states[client].turns += 1;
        if let Pace::Every(pace) = spec.pace {
            // From when it was due: a client in real time that is late keeps its pace.
            self.schedule_turn(client, pace, turn, self.due_at);
        }

        let request = self.choose_request(client, spec, turn);
        let node = self.choose_target(client, spec.target, turn);
        self.invoke(client, node, request, reader);
    }

    /// A client asks a node, and waits. Gives the operation's number.
    pub(super) fn invoke(
        &mut self,
        client: usize,
        node: usize,
        request: Request,
        reader: &mut impl Reader<P>,
    ) -> u64 {
        let setup = self.setup.clone();
        let spec = &setup.clients[client];
        let operation = self.clients.next_operation;
        self.clients.next_operation += 1;
        self.clients.waiting.insert(operation, Waiting { client, request });
        self.tell(reader, Happening::Invoked { operation, client, node, request });

        let deadline = self.at(spec.timeout);
        let timeouts = &mut self.clients.states[client].timeouts;
        if timeouts.is_empty() {
            self.queue.push(deadline, Due::ClientTimeout { client });
        }
        timeouts.push_back((deadline, operation));

        let delay = spec.link.unwrap_or(setup.network.client_delay);
        let delay = self.choices.delay(point(Purpose::RequestDelay, client, operation), delay);
        let at = self.at(delay);
        self.queue.push(at, Due::Request { operation, node, request });
        operation
    }

    /// Does any client wait for an answer?
    pub(super) fn anybody_waits(&self) -> bool {
        !self.clients.waiting.is_empty()
    }

    /// A value that was never written.
    pub(super) fn fresh_value(&mut self) -> u64 {
        let value = self.clients.next_value;
        self.clients.next_value += 1;
        value
    }

    fn schedule_turn(&mut self, client: usize, pace: Delay, turn: u64, since: u64) {
        let pause = self.choices.delay(point(Purpose::ClientPace, client, turn), pace);
        let at = since.saturating_add(pause.as_nanos());
        self.queue.push(at, Due::ClientTurn { client });
    }

    fn choose_request(&mut self, client: usize, spec: &ClientSpec, turn: u64) -> Request {
        let kinds = &spec.operations;
        let kind = match kinds.len() {
            1 => kinds[0],
            several => kinds[self.choose_index(Purpose::ClientOperation, client, turn, several as u64)],
        };
        let key = match spec.keys {
            1 => spec.first_key,
            keys => spec.first_key + self.choose_index(Purpose::ClientKey, client, turn, keys) as u64,
        };
        if kind == OperationKind::Read {
            return Request::Read { key };
        }
        let value = self.fresh_value();
        match kind {
            OperationKind::Cas => {
                Request::Cas { key, from: self.clients.states[client].seen.get(&key).copied(), to: value }
            }
            OperationKind::Read | OperationKind::Write => Request::Write { key, value },
        }
    }

    fn choose_target(&mut self, client: usize, target: Target, turn: u64) -> usize {
        match (target, self.latest_leader()) {
            (Target::Node(node), _) => node,
            (Target::Leader, Some(leader)) => leader,
            (Target::Leader, None) | (Target::Any, _) => {
                self.choose_index(Purpose::ClientTarget, client, turn, self.slots.len() as u64)
            }
        }
    }

    fn choose_index(&mut self, purpose: Purpose, client: usize, turn: u64, count: u64) -> usize {
        let chosen =
            self.choices.choose(point(purpose, client, turn), Draw::Uniform { least: 0, most: count - 1 });
        usize::try_from(chosen).expect("below a count of things in memory")
    }

    /// A node has decided on an answer, which leaves the process a while later.
    pub(super) fn reply(&mut self, node: usize, operation: u64, reply: Reply, reader: &mut impl Reader<P>) {
        self.tell(reader, Happening::Replied { operation, node, reply });
        match reply {
            Reply::Value { lease: true, .. } => self.trigger(EventKind::Served, node),
            Reply::Done => self.trigger(EventKind::WriteAcknowledged, node),
            _ => {}
        }
        let Slot { answer_time, incarnation, .. } = self.slots[node];
        if answer_time == Span::ZERO {
            self.answer_leaves(operation, reply);
        } else {
            let at = self.at(answer_time);
            self.queue.push(at, Due::Answer { node, incarnation, operation, reply });
        }
    }

    /// An answer goes on its way to the client.
    pub(super) fn answer_leaves(&mut self, operation: u64, reply: Reply) {
        let Some(waiting) = self.clients.waiting.get(&operation) else {
            return;
        };
        let spec = &self.setup.clients[waiting.client];
        let delay = spec.link.unwrap_or(self.setup.network.client_delay);
        let delay = self.choices.delay(point(Purpose::ReplyDelay, waiting.client, operation), delay);
        let at = self.at(delay);
        self.queue.push(at, Due::Reply { operation, reply });
    }

    /// A client has its answer. One that comes too late is ignored: the client has counted it as unknown.
    pub(super) fn complete(&mut self, operation: u64, reply: Reply, reader: &mut impl Reader<P>) {
        let Some(Waiting { client, request }) = self.clients.waiting.remove(&operation) else {
            return;
        };
        self.tell(reader, Happening::Completed { operation, reply });
        let setup = self.setup.clone();
        let spec = &setup.clients[client];
        if spec.operations.contains(&OperationKind::Cas) {
            self.learn(client, request, reply);
        }
        self.think(client, spec);
    }

    /// What a client that does compare-and-set learns from an answer.
    fn learn(&mut self, client: usize, request: Request, reply: Reply) {
        let seen = &mut self.clients.states[client].seen;
        match (request, reply) {
            (Request::Read { key }, Reply::Value { value: Some(value), .. })
            | (Request::Write { key, value } | Request::Cas { key, to: value, .. }, Reply::Done) => {
                seen.insert(key, value);
            }
            _ => {}
        }
    }

    /// A client that waits for its answers goes on to its next turn.
    fn think(&mut self, client: usize, spec: &ClientSpec) {
        if let Pace::Think(pace) = spec.pace {
            let turn = self.clients.states[client].turns;
            self.schedule_turn(client, pace, turn, self.now);
        }
    }

    /// A client gives up on what it has waited for too long.
    pub(super) fn client_timeouts(&mut self, client: usize, reader: &mut impl Reader<P>) {
        let setup = self.setup.clone();
        while let Some((deadline, operation)) = self.clients.states[client].timeouts.front().copied() {
            if deadline > self.now && self.clients.waiting.contains_key(&operation) {
                self.queue.push(deadline, Due::ClientTimeout { client });
                return;
            }
            self.clients.states[client].timeouts.pop_front();
            if deadline <= self.now && self.clients.waiting.remove(&operation).is_some() {
                self.tell(reader, Happening::TimedOut { operation });
                self.think(client, &setup.clients[client]);
            }
        }
    }
}

fn point(purpose: Purpose, client: usize, index: u64) -> Point {
    Point { purpose, of: narrow(client), to: 0, index }
}
