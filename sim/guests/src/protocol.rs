//! The lines of the protocol: what a guest is told, and what it answers. `docs/reference/guest-protocol.md` in types.

use std::collections::{BTreeMap, BTreeSet};

use leasehold::lease::{Ballot, LeaseForm};
use leasehold::raft::{Index, LeaseEndCause, MemberAction, NodeId, Note, StepDownCause, Term};
use leasehold::time::{Nanos, Reading, Span, Stamp, Wall};
use leasehold_run::guest::{GuestClock, Input, Message, Output};
use leasehold_run::setup::{Order, Setup};
use leasehold_world::{Reply, Request};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// One line for a guest. Exactly one field beside `now` is there.
#[derive(Debug, Default, Serialize)]
struct Line<'a> {
    now: Now,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Start<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Received<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Asked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wake: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    persisted: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_full: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<Asks<'a>>,
}

/// What the machine's clocks show, nanoseconds.
#[derive(Debug, Default, Serialize)]
struct Now {
    raw: u64,
    boot: u64,
    wall: Option<u64>,
    error: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Start<'a> {
    node: &'a str,
    nodes: Vec<&'a str>,
    voters: Vec<&'a str>,
    learners: Vec<&'a str>,
    starts: u64,
    seed: u64,
    lease_form: &'static str,
    lease_ns: u64,
    election_timeout_ns: u64,
    max_clock_skew_ns: u64,
    heartbeat_ns: u64,
    election_jitter_ns: u64,
    startup_grace_ns: u64,
    stored: &'a BTreeMap<String, Value>,
}

#[derive(Debug, Serialize)]
struct Received<'a> {
    from: &'a str,
    kind: &'a str,
    data: &'a RawValue,
}

#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Asked {
    Read { id: u64, key: u64 },
    Write { id: u64, key: u64, value: u64 },
    Cas { id: u64, key: u64, from: Option<u64>, to: u64 },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Asks<'a> {
    Transfer(&'a str),
    Add(&'a str),
    Promote(&'a str),
    Remove(&'a str),
    Apply { lease_ns: u64, election_timeout_ns: u64, max_clock_skew_ns: u64 },
}

/// What a guest answers.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Answer {
    events: Vec<Event>,
    write: Option<BTreeMap<String, Value>>,
    send: Vec<Send>,
    reply: Vec<Replied>,
    #[serde(deserialize_with = "given")]
    wake_at: Option<Option<At>>,
}

/// An instant on one of the guest's clocks, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum At {
    Raw(u64),
    Boot(u64),
    Wall(u64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    to: String,
    #[serde(default = "message")]
    kind: String,
    data: Box<RawValue>,
}

fn message() -> String {
    "message".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replied {
    id: u64,
    result: Result,
    #[serde(default, deserialize_with = "given")]
    value: Option<Option<u64>>,
    #[serde(default)]
    lease: bool,
    #[serde(default)]
    round_trips: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Result {
    Read,
    Done,
    NotSwapped,
    Refused,
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
enum Event {
    Campaign {
        term: u64,
        #[serde(default)]
        pre_vote: bool,
    },
    VoteGranted {
        term: u64,
        to: String,
        #[serde(default)]
        pre_vote: bool,
    },
    Elected {
        term: u64,
    },
    LeaderReady {
        term: u64,
    },
    LeaseRenewed {
        term: u64,
        from: Option<At>,
        until: At,
    },
    LeaseEnded {
        term: u64,
    },
    SteppedDown {
        term: u64,
    },
}

/// A field that may be null, told from one that is missing.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Writes what a guest on `node` is told as one line, without its end.
pub(crate) fn line(setup: &Setup, node: usize, now: &Reading, input: &Input<'_>) -> String {
    let name = |node: usize| setup.nodes[node].name.as_str();
    let names =
        |from: usize, to: usize| setup.nodes[from..to].iter().map(|node| node.name.as_str()).collect();
    let mut line = Line { now: clocks(now), ..Line::default() };
    match *input {
        Input::Start(start) => {
            let spec = &setup.nodes[node];
            let voters = setup.cluster.voters;
            line.start = Some(Start {
                node: name(node),
                nodes: names(0, setup.nodes.len()),
                voters: names(0, voters),
                learners: names(voters, voters + setup.learners()),
                starts: start.starts,
                seed: start.seed,
                lease_form: match spec.lease.form {
                    LeaseForm::Elapsed => "elapsed",
                    LeaseForm::Deadline => "deadline",
                },
                lease_ns: spec.lease.duration.as_nanos(),
                election_timeout_ns: spec.lease.election_timeout.as_nanos(),
                max_clock_skew_ns: spec.lease.max_clock_skew.as_nanos(),
                heartbeat_ns: setup.timers.heartbeat.as_nanos(),
                election_jitter_ns: spec.election_jitter.as_nanos(),
                startup_grace_ns: start.startup_grace.as_nanos(),
                stored: start.stored,
            });
        }
        Input::Message { from, message } => {
            line.message = Some(Received { from: name(from), kind: &message.kind, data: &message.data });
        }
        Input::Request { id, request } => {
            line.request = Some(match request {
                Request::Read { key } => Asked::Read { id, key },
                Request::Write { key, value } => Asked::Write { id, key, value },
                Request::Cas { key, from, to } => Asked::Cas { id, key, from, to },
            });
        }
        Input::Wake => line.wake = Some(true),
        Input::Persisted { writes } => line.persisted = Some(writes),
        Input::StorageFull => line.storage_full = Some(true),
        Input::Order(order) => {
            line.order = Some(match order {
                Order::Transfer { to } => Asks::Transfer(name(to)),
                Order::Member { change: MemberAction::Add, node } => Asks::Add(name(node)),
                Order::Member { change: MemberAction::Promote, node } => Asks::Promote(name(node)),
                Order::Member { change: MemberAction::Remove, node } => Asks::Remove(name(node)),
                Order::Apply { lengths } => Asks::Apply {
                    lease_ns: lengths.duration.as_nanos(),
                    election_timeout_ns: lengths.election_timeout.as_nanos(),
                    max_clock_skew_ns: lengths.max_clock_skew.as_nanos(),
                },
            });
        }
    }
    serde_json::to_string(&line).expect("names, numbers and JSON values can be written")
}

fn clocks(now: &Reading) -> Now {
    Now {
        raw: now.stamp.raw().0,
        boot: now.stamp.boot().0,
        wall: GuestClock::Wall.shows(now),
        error: now.wall.map(|wall| wall.latest().saturating_since(wall.earliest()).as_nanos() / 2),
    }
}

/// What a guest has been asked and asks for, from one line to the next.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// Requests that have no answer yet.
    requests: BTreeSet<u64>,
    /// When it wants to be woken, and has not been yet.
    wake: Option<At>,
}

impl Open {
    /// The guest is about to be told this.
    pub(crate) fn told(&mut self, input: &Input<'_>) {
        match input {
            Input::Start(_) => *self = Open::default(),
            Input::Request { id, .. } => {
                self.requests.insert(*id);
            }
            Input::Wake => self.wake = None,
            Input::Message { .. } | Input::Persisted { .. } | Input::StorageFull | Input::Order(_) => {}
        }
    }
}

/// Reads a guest's answer.
///
/// # Errors
///
/// What is wrong with it, and what would be right.
pub(crate) fn answer(
    setup: &Setup,
    node: usize,
    now: &Reading,
    line: &str,
    open: &mut Open,
) -> std::result::Result<Output, String> {
    if !line.trim_start().starts_with('{') {
        return Err("that is no JSON object".to_owned());
    }
    let found: Answer = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let place = |name: &str| {
        let place = setup.nodes.iter().position(|spec| spec.name == *name);
        place.ok_or_else(|| format!("there is no node {name:?}; `start` lists the nodes"))
    };
    let mut notes = Vec::new();
    for event in found.events {
        notes.push(note(event, now, &place)?);
    }
    let mut sends = Vec::new();
    for Send { to, kind, data } in found.send {
        let to = place(&to)?;
        if to == node {
            return Err("it sends a message to itself; a guest delivers those in its own memory".to_owned());
        }
        sends.push((to, Message { kind: kind.into(), data: data.into() }));
    }
    let mut replies = Vec::new();
    for replied in found.reply {
        let id = replied.id;
        if !open.requests.remove(&id) {
            return Err(format!("it answers request {id}, which was not asked on this node or is answered"));
        }
        replies.push((id, reply(replied)?));
    }
    let wake = match found.wake_at {
        // What is asked for once more may be overdue, after a pause: the wake-up is on its way.
        None => None,
        again if again == Some(open.wake) => None,
        Some(None) => Some(None),
        Some(Some(at)) => {
            let (clock, at) = instant(at);
            let shows = clock.shows(now).ok_or_else(|| no_wall("wake_at"))?;
            if at <= shows {
                return Err(format!(
                    "wake_at is {at}, and that clock shows {shows} already; ask for a later instant, or act at once"
                ));
            }
            Some(clock.alarm(at, now))
        }
    };
    open.wake = found.wake_at.unwrap_or(open.wake);
    Ok(Output { notes, write: found.write, sends, replies, wake })
}

fn no_wall(field: &str) -> String {
    format!("{field} is an instant on the wall clock, and `now.wall` is null; use `raw` or `boot`")
}

fn instant(at: At) -> (GuestClock, u64) {
    match at {
        At::Raw(at) => (GuestClock::Raw, at),
        At::Boot(at) => (GuestClock::Boot, at),
        At::Wall(at) => (GuestClock::Wall, at),
    }
}

fn reply(replied: Replied) -> std::result::Result<Reply, String> {
    let Replied { id, result, value, lease, round_trips } = replied;
    if let (true, None) = (result == Result::Read, value) {
        return Err(format!("the answer to request {id} is a read without `value`; null means no value"));
    }
    if result != Result::Read && (value.is_some() || lease || round_trips > 0) {
        return Err(format!(
            "the answer to request {id} has `value`, `lease` or `round_trips`, which belong to the result \"read\""
        ));
    }
    Ok(match result {
        Result::Read => Reply::Value { value: value.flatten(), lease, round_trips },
        Result::Done => Reply::Done,
        Result::NotSwapped => Reply::NotSwapped,
        Result::Refused => Reply::Refused,
        Result::Unknown => Reply::Unknown,
    })
}

fn note(
    event: Event,
    now: &Reading,
    place: &dyn Fn(&str) -> std::result::Result<usize, String>,
) -> std::result::Result<Note, String> {
    let ballot = |pre_vote: bool| if pre_vote { Ballot::PreVote } else { Ballot::Vote };
    Ok(match event {
        Event::Campaign { term, pre_vote } => Note::Campaign { term: Term(term), ballot: ballot(pre_vote) },
        Event::VoteGranted { term, to, pre_vote } => {
            let to = u16::try_from(place(&to)?).expect("a setup has at most a thousand nodes");
            Note::VoteGranted { candidate: NodeId(to), term: Term(term), ballot: ballot(pre_vote) }
        }
        Event::Elected { term } => Note::Elected { term: Term(term) },
        Event::LeaderReady { term } => Note::LeaderReady { term: Term(term), commit: Index(0) },
        Event::LeaseRenewed { term, from, until } => {
            let (clock, until) = instant(until);
            let shows = clock.shows(now).ok_or_else(|| no_wall("until"))?;
            let back = match from.map(instant) {
                None => 0,
                Some((other, from)) if other == clock && from <= shows => shows - from,
                Some(_) => {
                    return Err("`from` is not after now, and on the same clock as `until`".to_owned());
                }
            };
            let end = clock.alarm(until, now).ok_or_else(|| no_wall("until"))?;
            Note::LeaseRenewed { term: Term(term), start: earlier(now, back), end }
        }
        Event::LeaseEnded { term } => Note::LeaseEnded { term: Term(term), cause: LeaseEndCause::StepDown },
        Event::SteppedDown { term } => {
            Note::SteppedDown { term: Term(term), cause: StepDownCause::HigherTerm }
        }
    })
}

/// What the clocks would have shown so many nanoseconds ago, had they run alike.
fn earlier(now: &Reading, by: u64) -> Reading {
    let back = |at: Nanos| Nanos(at.0.saturating_sub(by));
    let stamp = Stamp::new(back(now.stamp.raw()), back(now.stamp.boot()));
    let wall = now.wall.map(|wall| {
        let error = wall.latest().saturating_since(wall.earliest()).as_nanos() / 2;
        Wall::new(back(Nanos(wall.earliest().0.midpoint(wall.latest().0))), Span::nanos(error))
    });
    Reading { stamp, wall }
}
