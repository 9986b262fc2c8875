//! A scenario with a guest of one's own in Rust: no process, no lines, the same faults, checks and reports.
//!
//! The guest is a primary that answers reads under a lease, and a backup that takes over when it has not heard from the
//! primary for the election timeout. From when does the lease count? The naive primary counts from the acknowledgement's
//! arrival. A pause of the primary shows why this is wrong.
//!
//! [`Stepped`] and [`Host`] are all that a guest implements. One whose messages are Rust types and should not become text
//! implements `Process` and `Hosted` instead, and runs by `leasehold_run::run::run_processes`.
//!
//! `cargo run --package leasehold-run --example own_guest`

use std::io::{self, Write};
use std::sync::Arc;

use leasehold::raft::{Index, Note, Term};
use leasehold::time::{Reading, Span};
use leasehold_run::guest::{GuestClock, Host, Input, Message, Output, Stepped};
use leasehold_run::run::run;
use leasehold_run::scenario::load;
use leasehold_run::setup::Setup;
use leasehold_world::{Reply, Request};
use serde_json::value::to_raw_value;

const SCENARIO: &str = "
duration = '6s'
seed = 1
[guest]
command = 'a primary and a backup'
[cluster]
nodes = 2
[lease]
duration = '500ms'
election-timeout = '600ms'
[timers]
heartbeat = '100ms'
[client.writer]
operations = 'write'
every = '20ms'
[client.reader]
target = 'n1'
operations = 'read'
every = '5ms'
# The acknowledgement of the beat at 2.001s arrives at 2.003s, and waits.
[[fault]]
at = '2001500us'
for = '550ms'
pause = { node = 'n1' }
[[fault]]
at = '2004ms'
isolate = { node = 'n1' }
";

/// One of the two nodes. Times are of its boot clock, ns.
struct Replica {
    naive: bool,
    lease: Span,
    patience: Span,
    beat: Span,
    /// It leads this term; 0 for a backup.
    term: u64,
    alone: bool,
    value: Option<u64>,
    lease_until: u64,
    timer: u64,
    /// Writes that wait for an acknowledgement: when they were sent, and the request.
    waiting: Vec<(u64, u64)>,
}

impl Replica {
    /// Sends what there is, and when it was sent.
    fn send_beat(&mut self, at: u64, out: &mut Output) {
        self.timer = at + self.beat.as_nanos();
        if !self.alone {
            out.sends.push((1, message("beat", self.value, at)));
        }
    }
}

fn message(kind: &str, value: Option<u64>, sent: u64) -> Message {
    let data = to_raw_value(&(value, sent)).expect("numbers can be written");
    Message { kind: kind.into(), data: data.into() }
}

impl Stepped for Replica {
    fn step(&mut self, now: &Reading, input: &Input<'_>) -> Option<Output> {
        let at = now.stamp.boot().0;
        let mut out = Output::default();
        let lead = |term: u64| {
            [Note::Elected { term: Term(term) }, Note::LeaderReady { term: Term(term), commit: Index(0) }]
        };
        match input {
            Input::Start(_) if self.term == 1 => {
                out.notes.extend(lead(1));
                self.send_beat(at, &mut out);
            }
            Input::Start(_) => self.timer = at + self.patience.as_nanos(),
            Input::Message { from, message: received } => {
                let (value, sent): (Option<u64>, u64) =
                    serde_json::from_str(received.data.get()).expect("these two wrote it");
                if &*received.kind == "beat" && self.term == 0 {
                    (self.value, self.timer) = (value, at + self.patience.as_nanos());
                    out.sends.push((*from, message("acknowledgement", None, sent)));
                } else if self.term > 0 {
                    let from = if self.naive { at } else { sent };
                    let until = from + self.lease.as_nanos();
                    if until > self.lease_until {
                        self.lease_until = until;
                        let end = GuestClock::Boot.alarm(until, now)?;
                        out.notes.push(Note::LeaseRenewed { term: Term(self.term), start: *now, end });
                    }
                    let done = self.waiting.extract_if(.., |write| write.0 <= sent);
                    out.replies.extend(done.map(|(_, id)| (id, Reply::Done)));
                }
            }
            Input::Request { id, request: Request::Write { value, .. } } if self.term > 0 => {
                self.value = Some(*value);
                if self.alone {
                    out.replies.push((*id, Reply::Done));
                } else {
                    self.waiting.push((at, *id));
                    self.send_beat(at, &mut out);
                }
            }
            Input::Request { id, request: Request::Read { .. } } if self.alone || at < self.lease_until => {
                let reply = Reply::Value { value: self.value, lease: true, round_trips: 0 };
                out.replies.push((*id, reply));
            }
            Input::Request { id, .. } => out.replies.push((*id, Reply::Refused)),
            Input::Wake if self.term > 0 => self.send_beat(at, &mut out),
            // The backup has waited long enough.
            Input::Wake => {
                (self.term, self.alone, self.timer) = (2, true, u64::MAX >> 1);
                out.notes.extend(lead(2));
            }
            // It writes nothing to a disk, and takes no orders.
            Input::Persisted { .. } | Input::StorageFull | Input::Order(_) => {}
        }
        out.wake = (self.timer > at).then(|| GuestClock::Boot.alarm(self.timer, now));
        Some(out)
    }

    fn crash(&mut self) {}
}

/// Gives each node its replica.
#[derive(Debug)]
struct Pair {
    naive: bool,
}

impl Host for Pair {
    fn guest(&self, setup: &Setup, node: usize) -> Box<dyn Stepped> {
        let spec = &setup.nodes[node];
        Box::new(Replica {
            naive: self.naive,
            lease: spec.lease.duration,
            patience: spec.lease.election_timeout,
            beat: setup.timers.heartbeat,
            term: u64::from(node == 0),
            alone: false,
            value: None,
            lease_until: 0,
            timer: 0,
            waiting: Vec::new(),
        })
    }

    fn way(&self) -> &'static str {
        "Rust"
    }

    fn failure(&self) -> Option<String> {
        None
    }
}

fn main() {
    let plan = load("own_guest", SCENARIO, &[], &["sound"])
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    for naive in [true, false] {
        let mut setup = plan.rows[0].scenario.setup.clone();
        setup.guest.iter_mut().for_each(|guest| guest.hosted_by(Arc::new(Pair { naive })));
        let outcome = run(&Arc::new(setup));
        let counts = if naive { "acknowledgement's arrival" } else { "instant of sending" };
        let (stale, reads) = (outcome.check.stale_reads.len(), outcome.reads().0);
        let margin = outcome.smallest_margin().map_or(0, |margin| margin / 1_000);
        let _ = writeln!(
            io::stdout().lock(),
            "the lease counts from the {counts}: {stale} of {reads} reads were stale, the margin is {margin} us"
        );
        assert_eq!(stale > 0, naive, "only the naive primary gives stale reads");
    }
}
