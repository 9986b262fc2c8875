//! A run as a trace for the Perfetto viewer: protobuf packets with `TrackEvent`s, times in true nanoseconds.
//!
//! A node is a process with these tracks: its role and term, its lease as its own clock has it, the same lease on a true
//! clock, its promises, its messages, the requests that it serves, and whether it runs; and two counters, the error of the
//! clock that its form of lease reads, and what is left of its lease. Each client is a process whose operations are slices,
//! on as many tracks as operations overlap. Messages, requests and answers are flows.
//!
//! Slices on one track of Perfetto must nest, so what may overlap has tracks of its own.

mod spans;
mod tracks;
mod wire;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use leasehold::lease::{Ballot, LeaseForm};
use leasehold::raft::{Note, StepDownCause};
use leasehold::time::Alarm;
use leasehold_world::{Event, Happening, LossCause, Reader, Reply, Request, WALL_BASE, World, WorldView};

use self::spans::Until;
use self::tracks::{ClientTracks, NodeTracks, Tracks};
use self::wire::{Argument, Flow};
use crate::describe;
use crate::faults;
use crate::guest;
use crate::hosted::Hosted;
use crate::setup::Setup;
use crate::watch::Traced;

/// Counters have about so many points over a run.
const POINTS_PER_RUN: u64 = 2_000;

/// Writes the trace of a run.
#[derive(Debug)]
pub struct Trace<W: Write> {
    setup: Arc<Setup>,
    tracks: Tracks<W>,
    nodes: Vec<NodeState>,
    /// Flows of messages under way: sender, receiver, number on the link.
    messages: BTreeMap<(usize, usize, u64), Flow>,
    /// Operations that wait for their answer.
    operations: BTreeMap<u64, Waiting>,
    flows: u64,
    /// True time of the next points of all counters, ns.
    sample_at: u64,
}

/// What is known of one node.
#[derive(Debug, Default)]
struct NodeState {
    role: Option<(u64, String)>,
    down_since: Option<u64>,
    /// Pauses and suspends may overlap.
    still: Vec<u64>,
    lease: Option<LeaseState>,
    promise: Option<(u64, Until)>,
    /// The track of the lease on a true clock is written up to here.
    true_lease_until: u64,
    clock_error: Option<i64>,
    lease_left: Option<i64>,
}

#[derive(Debug)]
struct LeaseState {
    term: u64,
    begun: u64,
    until: Until,
    /// On a true clock: from where it was first counted, and its end.
    true_from: u64,
    true_end: u64,
}

/// An operation under way.
#[derive(Debug)]
struct Waiting {
    client: usize,
    node: usize,
    request: Request,
    invoked: u64,
    flow: Flow,
}

impl<W: Write> Trace<W> {
    /// Writes to `to`; `title` is the name of the process that has the faults' track.
    pub fn new(setup: Arc<Setup>, title: &str, to: W) -> Trace<W> {
        let nodes: Vec<String> = setup.nodes.iter().map(|node| node.name.clone()).collect();
        let clients: Vec<String> = setup.clients.iter().map(|client| client.name.clone()).collect();
        Trace {
            tracks: Tracks::new(to, title, &nodes, &clients),
            nodes: nodes.iter().map(|_| NodeState::default()).collect(),
            messages: BTreeMap::new(),
            operations: BTreeMap::new(),
            flows: 0,
            sample_at: 0,
            setup,
        }
    }

    /// Ends the trace. The reader must have seen the end of the run.
    ///
    /// # Errors
    ///
    /// The first error of the writer, if there was one.
    pub fn finish(self) -> io::Result<()> {
        self.tracks.finish()
    }

    fn name(&self, node: usize) -> &str {
        describe::node(&self.setup, node)
    }

    fn of(&self, node: usize) -> NodeTracks {
        self.tracks.node(node)
    }

    fn next_flow(&mut self) -> Flow {
        self.flows += 1;
        Flow(self.flows)
    }

    fn role(&mut self, node: usize, at: u64, role: Option<String>) {
        let next = role.map(|role| (at, role));
        let before = std::mem::replace(&mut self.nodes[node].role, next);
        if let Some((since, role)) = before.filter(|(since, _)| *since < at) {
            self.tracks.slice(self.of(node).role, since, at, &role, &[], &[]);
        }
    }

    /// The lease of a node is over: by its own clock, or because it was given up or its node went down.
    fn end_lease(&mut self, node: usize, at: u64, given_up: bool) {
        let Some(lease) = self.nodes[node].lease.take() else { return };
        let tracks = self.of(node);
        let name = format!("lease, term {}", lease.term);
        self.tracks.slice(tracks.lease, lease.begun, at, &name, &[], &[]);
        // A lease that was given up is over on every clock.
        let end = if given_up { lease.true_end.min(at) } else { lease.true_end };
        let end = end.min(self.setup.duration.as_nanos());
        let from = lease.true_from.max(self.nodes[node].true_lease_until);
        if from < end {
            self.tracks.slice(tracks.true_lease, from, end, &name, &[], &[]);
            self.nodes[node].true_lease_until = end;
        }
        self.tracks.counter(tracks.lease_left, at, 0);
        self.nodes[node].lease_left = Some(0);
    }

    fn end_promise(&mut self, node: usize, at: u64) {
        if let Some((from, _)) = self.nodes[node].promise.take() {
            self.tracks.slice(self.of(node).promise, from, at, "promise: no vote", &[], &[]);
        }
    }

    /// Ends what is over by now, on every node's own clock.
    fn settle(&mut self, node: usize, now: u64, world: &(impl WorldView + ?Sized)) {
        let clock = world.clock(node);
        let over = self.nodes[node].lease.as_ref().and_then(|lease| lease.until.over(clock, now));
        if let Some(at) = over {
            self.end_lease(node, at, false);
        }
        let over = self.nodes[node].promise.as_ref().and_then(|(_, until)| until.over(clock, now));
        if let Some(at) = over {
            self.end_promise(node, at);
        }
    }

    fn renewed(&mut self, node: usize, note: &Note, now: u64, world: &(impl WorldView + ?Sized)) {
        let Note::LeaseRenewed { term, start, end } = note else { return };
        let clock = world.clock(node);
        let counted_from = clock.true_time_of(start.stamp);
        let length = match self.setup.guest {
            None => self.setup.nodes[node].lease.effective(),
            Some(_) => guest::lease_length(start, end),
        };
        let true_end = counted_from.saturating_add(length.as_nanos());
        if end.reached(&clock.read(now)) {
            // The acknowledgements came too late: it never served.
            return;
        }
        let until = Until::new(vec![*end], now);
        match &mut self.nodes[node].lease {
            Some(lease) if lease.term == term.0 => {
                lease.until = until;
                lease.true_end = lease.true_end.max(true_end);
            }
            _ => {
                self.end_lease(node, now, true);
                let lease = LeaseState { term: term.0, begun: now, until, true_from: counted_from, true_end };
                self.nodes[node].lease = Some(lease);
            }
        }
        let arguments =
            [Argument::Nanos("counted_from_ns", counted_from), Argument::Nanos("true_end_ns", true_end)];
        self.tracks.instant(self.of(node).events, now, "lease renewed", &arguments, &[]);
    }

    fn noted(&mut self, node: usize, note: &Note, now: u64, world: &(impl WorldView + ?Sized)) {
        let role = match note {
            Note::Campaign { term, ballot } => Some(Some(match ballot {
                Ballot::PreVote => format!("asks for pre-votes, term {}", term.0),
                Ballot::Vote | Ballot::TransferVote => format!("candidate, term {}", term.0),
            })),
            Note::Elected { term } => Some(Some(format!("leader, term {}", term.0))),
            Note::Follows { leader, term } => {
                Some(Some(format!("follows {}, term {}", self.name(leader.index()), term.0)))
            }
            Note::SteppedDown { term, cause } => Some(match cause {
                StepDownCause::Removed => None,
                StepDownCause::HigherTerm | StepDownCause::NoQuorum | StepDownCause::StorageFull => {
                    Some(format!("led term {}", term.0))
                }
            }),
            _ => None,
        };
        if let Some(role) = role {
            self.role(node, now, role);
        }
        match note {
            Note::LeaseRenewed { .. } => self.renewed(node, note, now, world),
            Note::LeaseEnded { .. } => self.end_lease(node, now, true),
            _ => {
                let sentence = note.sentence(|peer| self.name(peer.index()).to_owned());
                self.tracks.instant(self.of(node).events, now, &sentence, &[], &[]);
            }
        }
    }

    /// Points of the counters that have changed.
    fn sample(&mut self, now: u64, world: &(impl WorldView + ?Sized)) {
        for node in 0..self.nodes.len() {
            self.settle(node, now, world);
            let clock = world.clock(node);
            let (own, base) = match self.setup.lease.form {
                LeaseForm::Deadline => (clock.wall(now), WALL_BASE),
                LeaseForm::Elapsed => (clock.stamp(now), clock.stamp_base()),
            };
            let error = i128::from(own) - i128::from(base) - i128::from(now);
            let error = i64::try_from(error).unwrap_or(i64::MAX);
            if self.nodes[node].clock_error.replace(error) != Some(error) {
                self.tracks.counter(self.of(node).clock_error, now, error);
            }
            let until = self.nodes[node].lease.as_ref().and_then(|lease| lease.until.end(clock));
            let left = until.map_or(0, |end| i64::try_from(end.saturating_sub(now)).unwrap_or(i64::MAX));
            if self.nodes[node].lease_left.replace(left).unwrap_or(0) != left {
                self.tracks.counter(self.of(node).lease_left, now, left);
            }
        }
    }

    fn down(&mut self, node: usize, at: u64) {
        self.end_lease(node, at, true);
        // A promise outlives its giver's process, and the process that follows withholds votes by another.
        self.end_promise(node, at);
        self.role(node, at, None);
        self.nodes[node].down_since.get_or_insert(at);
        for since in std::mem::take(&mut self.nodes[node].still) {
            self.tracks.slice(self.of(node).state, since, at, "stands still", &[], &[]);
        }
    }

    fn operation_ends(&mut self, number: u64, at: u64, words: &str) {
        let Some(waiting) = self.operations.remove(&number) else { return };
        let name = format!("{} -> {words}", request_words(&waiting.request));
        let arguments = [
            Argument::Number("operation", number),
            Argument::Number("key", waiting.request.key()),
            Argument::Text("node", self.name(waiting.node).to_owned()),
        ];
        let flows = [(waiting.flow, false)];
        self.tracks.operation(waiting.client, waiting.invoked, at, &name, &arguments, &flows);
    }

    /// An operation without an answer: its client's track has an instant, since thousands of them may wait at once.
    fn operation_unknown(&mut self, number: u64) {
        let Some(waiting) = self.operations.remove(&number) else { return };
        let name = format!("{}: no answer in time", request_words(&waiting.request));
        let arguments = [Argument::Number("operation", number)];
        let flows = [(waiting.flow, false)];
        let ClientTracks { unanswered } = self.tracks.client(waiting.client);
        self.tracks.instant(unanswered, waiting.invoked, &name, &arguments, &flows);
    }

    fn message<M: Traced>(&mut self, event: &Event<'_, M, Note>) {
        match &event.what {
            Happening::Sent { from, to, number, message } => {
                let flow = self.next_flow();
                self.messages.insert((*from, *to, *number), flow);
                let mut arguments = Vec::new();
                message.fields(&mut |field, value| arguments.push(Argument::Number(field, value)));
                let name = format!("{} to {}", message.kind(), self.name(*to));
                self.tracks.instant(self.of(*from).messages, event.at, &name, &arguments, &[(flow, false)]);
            }
            Happening::Delivered { from, to, number, message } => {
                let flow = self.messages.remove(&(*from, *to, *number));
                let name = format!("{} from {}", message.kind(), self.name(*from));
                let flows: Vec<(Flow, bool)> = flow.map(|flow| (flow, true)).into_iter().collect();
                self.tracks.instant(self.of(*to).messages, event.at, &name, &[], &flows);
            }
            Happening::Lost { from, to, number, cause } => {
                self.messages.remove(&(*from, *to, *number));
                let why = match cause {
                    LossCause::Chance => "chance",
                    LossCause::Partition => "the link is cut",
                    LossCause::ReceiverDown => "the receiver is down",
                };
                let name = format!("lost on the way to {}: {why}", self.name(*to));
                self.tracks.instant(self.of(*from).messages, event.at, &name, &[], &[]);
            }
            _ => {}
        }
    }
}

fn request_words(request: &Request) -> String {
    match request {
        Request::Read { .. } => "read".to_owned(),
        Request::Write { value, .. } => format!("write {value}"),
        Request::Cas { to, .. } => format!("cas to {to}"),
    }
}

fn reply_words(reply: &Reply) -> String {
    match reply {
        Reply::Value { value, lease, .. } => {
            let value = value.map_or("no value".to_owned(), |value| value.to_string());
            if *lease { format!("{value} (lease)") } else { value }
        }
        Reply::Done => "done".to_owned(),
        Reply::NotSwapped => "not swapped".to_owned(),
        Reply::Refused => "refused".to_owned(),
        Reply::Unknown => "unknown".to_owned(),
    }
}

impl<W: Write, P: Hosted> Reader<P> for Trace<W> {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, world: &World<P>) {
        let at = event.at;
        if at >= self.sample_at {
            self.sample(at, world);
            self.sample_at = at + (self.setup.duration.as_nanos() / POINTS_PER_RUN).max(1);
        }
        match &event.what {
            Happening::Sent { .. } | Happening::Delivered { .. } | Happening::Lost { .. } => {
                self.message(event)
            }
            Happening::Noted { node, note } => {
                self.settle(*node, at, world);
                self.noted(*node, note, at, world);
            }
            Happening::Invoked { operation, client, node, request } => {
                let flow = self.next_flow();
                let waiting = Waiting { client: *client, node: *node, request: *request, invoked: at, flow };
                self.operations.insert(*operation, waiting);
            }
            Happening::Requested { operation, node } => {
                if let Some(waiting) = self.operations.get(operation) {
                    let (name, flow) = (request_words(&waiting.request), waiting.flow);
                    let arguments = [Argument::Number("operation", *operation)];
                    self.tracks.instant(self.of(*node).requests, at, &name, &arguments, &[(flow, false)]);
                }
            }
            Happening::Replied { operation, node, reply } => {
                let flow = self.operations.get(operation).map(|waiting| (waiting.flow, true));
                let flows: Vec<(Flow, bool)> = flow.into_iter().collect();
                let arguments = [Argument::Number("operation", *operation)];
                let name = format!("answers {}", reply_words(reply));
                self.tracks.instant(self.of(*node).requests, at, &name, &arguments, &flows);
            }
            Happening::Completed { operation, reply } => {
                self.operation_ends(*operation, at, &reply_words(reply));
            }
            Happening::TimedOut { operation } => self.operation_unknown(*operation),
            Happening::Fault { fault, undone } => {
                let what = faults::action(&self.setup, &self.setup.faults[*fault].action, *undone);
                self.tracks.instant(self.tracks.faults(), at, &what, &[], &[]);
            }
            Happening::ClockChanges { node } => {
                self.sample(at, world);
                self.settle(*node, at, world);
                let state = &mut self.nodes[*node];
                if let Some(lease) = &mut state.lease {
                    lease.until.clock_changes(at);
                }
                if let Some((_, until)) = &mut state.promise {
                    until.clock_changes(at);
                }
                // The clock is about to change: the next event has its new error.
                self.sample_at = at;
            }
            Happening::Started { node, incarnation } => {
                if let Some(since) = self.nodes[*node].down_since.take() {
                    self.tracks.slice(self.of(*node).state, since, at, "down", &[], &[]);
                }
                if *incarnation > 0 {
                    self.tracks.instant(self.of(*node).events, at, "is up again", &[], &[]);
                }
            }
            Happening::Crashed { node } => {
                self.settle(*node, at, world);
                self.down(*node, at);
            }
            Happening::Ended { node, why } => {
                self.tracks.instant(self.of(*node).events, at, &format!("ends by itself: {why}"), &[], &[]);
            }
            Happening::Refused { node, why } => {
                self.nodes[*node].down_since.get_or_insert(at);
                self.tracks.instant(self.of(*node).events, at, &format!("does not start: {why}"), &[], &[]);
            }
            Happening::Forgot { node, what } => {
                self.tracks.instant(self.of(*node).events, at, &format!("has forgotten {what}"), &[], &[]);
            }
            Happening::DiskFull { node } => {
                self.tracks.instant(self.of(*node).events, at, "no room on its disk", &[], &[]);
            }
            Happening::Corrupted { node, what } => {
                self.tracks.instant(self.of(*node).events, at, &format!("damaged file: {what}"), &[], &[]);
            }
            Happening::Stopped { node, resumed } => {
                self.settle(*node, at, world);
                match (*resumed, self.nodes[*node].still.pop()) {
                    (false, before) => {
                        let still = &mut self.nodes[*node].still;
                        still.extend(before);
                        still.push(at);
                    }
                    (true, Some(since)) => {
                        self.tracks.slice(self.of(*node).state, since, at, "stands still", &[], &[]);
                    }
                    (true, None) => {}
                }
            }
            Happening::Held { .. }
            | Happening::Woken { .. }
            | Happening::Written { .. }
            | Happening::Synced { .. } => {}
        }
    }

    fn settled(&mut self, node: usize, world: &World<P>) {
        let Some(raft) = world.process(node).node().map(leasehold::node::Node::raft) else { return };
        let now = world.now();
        let reading = world.clock(node).read(now);
        let running: Vec<Alarm> = raft.promise_ends().filter(|end| !end.reached(&reading)).collect();
        if running.is_empty() && self.nodes[node].promise.is_none() {
            return;
        }
        self.settle(node, now, world);
        let state = &mut self.nodes[node];
        match &mut state.promise {
            _ if running.is_empty() => self.end_promise(node, now),
            Some((_, until)) => *until = Until::new(running, now),
            None => state.promise = Some((now, Until::new(running, now))),
        }
    }

    fn finished(&mut self, world: &World<P>) {
        let end = world.now();
        self.sample(end, world);
        for node in 0..self.nodes.len() {
            self.end_lease(node, end, false);
            self.end_promise(node, end);
            self.role(node, end, None);
            if let Some(since) = self.nodes[node].down_since.take() {
                self.tracks.slice(self.of(node).state, since, end, "down", &[], &[]);
            }
            for since in std::mem::take(&mut self.nodes[node].still) {
                self.tracks.slice(self.of(node).state, since, end, "stands still", &[], &[]);
            }
        }
        for number in self.operations.keys().copied().collect::<Vec<_>>() {
            self.operation_unknown(number);
        }
    }
}
