//! The trace: one JSON object a line for every event, and the comparison of two runs of the same setup.

use crate::faults;
use std::io::{self, Write};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::describe;
use crate::hosted::Hosted;
use crate::run::run_watched;
use crate::setup::Setup;
use crate::watch::{Traced, event_words, short_hash};
use leasehold::lease::Ballot;
use leasehold::raft::{LeaseEndCause, Note, NoteValue, StepDownCause};
use leasehold::time::Alarm;
use leasehold_world::{Event, Happening, LossCause, Reader, Reply, Request, World};

/// An event as a line of the trace. Times are true nanoseconds.
pub fn line<M: Traced>(setup: &Setup, event: &Event<'_, M, Note>) -> Value {
    let name = |node: usize| Value::from(describe::node(setup, node));
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| {
        fields.insert(key.to_owned(), value);
    };
    put("at_ns", event.at.into());
    put("event", event.what.kind().into());
    match &event.what {
        Happening::Sent { from, to, number, message }
        | Happening::Delivered { from, to, number, message } => {
            put("from", name(*from));
            put("to", name(*to));
            put("number", (*number).into());
            put("message", message.kind().into());
            if matches!(event.what, Happening::Sent { .. }) {
                message.fields(&mut |field, value| put(field, value.into()));
            }
        }
        Happening::Lost { from, to, number, cause } => {
            put("from", name(*from));
            put("to", name(*to));
            put("number", (*number).into());
            let cause = match cause {
                LossCause::Chance => "chance",
                LossCause::Partition => "partition",
                LossCause::ReceiverDown => "receiver-down",
            };
            put("cause", cause.into());
        }
        Happening::Held { from, to, number } => {
            put("from", name(*from));
            put("to", name(*to));
            put("number", (*number).into());
        }
        Happening::Woken { node } | Happening::ClockChanges { node } | Happening::Crashed { node } => {
            put("node", name(*node));
        }
        Happening::Written { node, ticket } | Happening::Synced { node, ticket } => {
            put("node", name(*node));
            put("ticket", (*ticket).into());
        }
        Happening::Noted { node, note } => {
            put("node", name(*node));
            note_fields(setup, note, &mut put);
        }
        Happening::Invoked { operation, client, node, request } => {
            put("operation", (*operation).into());
            put("client", setup.clients[*client].name.as_str().into());
            put("node", name(*node));
            request_fields(request, &mut put);
        }
        Happening::Requested { operation, node } => {
            put("operation", (*operation).into());
            put("node", name(*node));
        }
        Happening::Replied { operation, node, reply } => {
            put("operation", (*operation).into());
            put("node", name(*node));
            reply_fields(reply, &mut put);
        }
        Happening::Completed { operation, reply } => {
            put("operation", (*operation).into());
            reply_fields(reply, &mut put);
        }
        Happening::TimedOut { operation } => put("operation", (*operation).into()),
        Happening::Fault { fault, undone } => {
            put("what", faults::action(setup, &setup.faults[*fault].action, *undone).into());
        }
        Happening::Started { node, incarnation } => {
            put("node", name(*node));
            put("incarnation", (*incarnation).into());
        }
        Happening::Ended { node, why } | Happening::Refused { node, why } => {
            put("node", name(*node));
            put("why", (*why).into());
        }
        Happening::Forgot { node, what } | Happening::Corrupted { node, what } => {
            put("node", name(*node));
            put("what", (*what).into());
        }
        Happening::DiskFull { node } => put("node", name(*node)),
        Happening::Stopped { node, resumed } => {
            put("node", name(*node));
            put("resumed", (*resumed).into());
        }
    }
    Value::Object(fields)
}

fn note_fields(setup: &Setup, note: &Note, put: &mut impl FnMut(&str, Value)) {
    put("milestone", note.word().into());
    note.fields(&mut |name, value| {
        let value = match value {
            NoteValue::Number(number) => number.into(),
            NoteValue::Word(word) => word.into(),
            NoteValue::Node(node) => Value::from(describe::node(setup, node.index())),
        };
        put(name, value);
    });
    older_fields(setup, note, put);
}

/// Some fields once more, under the names by which programs that read traces have always had them.
fn older_fields(setup: &Setup, note: &Note, put: &mut impl FnMut(&str, Value)) {
    if let Note::Campaign { ballot, .. } | Note::VoteGranted { ballot, .. } = note {
        put("trial", (*ballot == Ballot::PreVote).into());
    }
    if let Note::VoteGranted { candidate, ballot, .. } = note {
        put("candidate", describe::node(setup, candidate.index()).into());
        put("transfer", (*ballot == Ballot::TransferVote).into());
    }
    if let Note::LeaseRenewed { end, .. } = note {
        let (span, deadline) = match *end {
            Alarm::First { span, .. } | Alarm::Last { span, .. } => (span, None),
            Alarm::WallLatest { deadline, span, .. } | Alarm::WallEarliest { deadline, span, .. } => {
                (span, Some(deadline.0))
            }
        };
        put("length_ns", span.as_nanos().into());
        put("deadline_ns", json!(deadline));
    }
    if let Note::LeaseEnded { cause, .. } = note {
        put("transfer", (*cause == LeaseEndCause::Transfer).into());
    }
    if let Note::SteppedDown { cause, .. } = note {
        put("no_quorum", (*cause == StepDownCause::NoQuorum).into());
        if *cause == StepDownCause::Removed {
            put("removed", true.into());
        }
    }
}

fn request_fields(request: &Request, put: &mut impl FnMut(&str, Value)) {
    put("key", request.key().into());
    match *request {
        Request::Read { .. } => put("request", "read".into()),
        Request::Write { value, .. } => {
            put("request", "write".into());
            put("value", value.into());
        }
        Request::Cas { from, to, .. } => {
            put("request", "cas".into());
            put("from_value", json!(from));
            put("to_value", to.into());
        }
    }
}

fn reply_fields(reply: &Reply, put: &mut impl FnMut(&str, Value)) {
    match *reply {
        Reply::Value { value, lease, round_trips } => {
            put("reply", "value".into());
            put("value", json!(value));
            put("lease_valid", lease.into());
            put("network_round_trips", round_trips.into());
        }
        Reply::Done => put("reply", "done".into()),
        Reply::NotSwapped => put("reply", "not-swapped".into()),
        Reply::Refused => put("reply", "refused".into()),
        Reply::Unknown => put("reply", "unknown".into()),
    }
}

/// Writes the trace of a run.
#[derive(Debug)]
pub struct TraceWriter<W: Write> {
    setup: Arc<Setup>,
    row: String,
    to: W,
    failed: Option<io::Error>,
}

impl<W: Write> TraceWriter<W> {
    /// Writes to `to`. `row` stands in every line if it is not empty.
    pub fn new(setup: Arc<Setup>, row: &str, to: W) -> TraceWriter<W> {
        TraceWriter { setup, row: row.to_owned(), to, failed: None }
    }

    /// The first error, if there was one.
    pub fn finish(mut self) -> io::Result<()> {
        match self.failed {
            Some(error) => Err(error),
            None => self.to.flush(),
        }
    }
}

impl<W: Write, P: Hosted> Reader<P> for TraceWriter<W> {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, _world: &World<P>) {
        if self.failed.is_some() {
            return;
        }
        let mut line = line(&self.setup, event);
        if !self.row.is_empty() {
            line["row"] = self.row.as_str().into();
        }
        self.failed = writeln!(self.to, "{line}").err();
    }
}

/// Where two runs of the same setup part: the event's number, and what it was in each. `None` where one run had ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// From 0.
    pub event: usize,
    /// As a line of the first run's trace.
    pub first: Option<Value>,
    /// As a line of the second run's trace.
    pub second: Option<Value>,
}

/// Runs a setup twice and compares event by event.
pub fn divergence(setup: &Arc<Setup>) -> Option<Divergence> {
    let mut first = Prints::new(setup, None);
    let _ = run_watched(setup, &mut first);
    let mut second = Prints::new(setup, None);
    let _ = run_watched(setup, &mut second);
    let event = (0..first.prints.len().max(second.prints.len()))
        .find(|event| first.prints.get(*event) != second.prints.get(*event))?;
    let shown = |_: ()| {
        let mut prints = Prints::new(setup, Some(event));
        let _ = run_watched(setup, &mut prints);
        prints.line
    };
    Some(Divergence { event, first: shown(()), second: shown(()) })
}

/// One hash an event, and one event as a line.
struct Prints {
    setup: Arc<Setup>,
    prints: Vec<u64>,
    wanted: Option<usize>,
    line: Option<Value>,
}

impl Prints {
    fn new(setup: &Arc<Setup>, wanted: Option<usize>) -> Prints {
        Prints { setup: setup.clone(), prints: Vec::new(), wanted, line: None }
    }
}

impl<P: Hosted> Reader<P> for Prints {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, _world: &World<P>) {
        if self.wanted == Some(self.prints.len()) {
            self.line = Some(line(&self.setup, event));
        }
        self.prints.push(short_hash(|word| event_words(event, &mut |each| word(each))));
    }
}
