//! A run as a log for ShiViz: who did what, with a vector clock for each event.
//!
//! The first line is the regular expression by which ShiViz reads the log; the second is empty, because there is one
//! execution. Each event then takes two lines: the host with its vector clock, and the true time with a sentence.
//!
//! Hosts are the nodes, the clients, and `faults`. Messages, requests and answers carry the clock. ShiViz draws a few
//! thousand events and no more, so the log is a window: the last [`EVENTS_MAX`] events up to an instant. A window is
//! contiguous in time, so a causal chain between two of its events never leaves it. Clocks count the events in the log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write};
use std::sync::Arc;

use leasehold::raft::Note;
use leasehold_world::{Event, Happening, LossCause, Reader, Reply, Request, World};

use crate::describe;
use crate::display::instant;
use crate::faults;
use crate::hosted::Hosted;
use crate::setup::Setup;
use crate::watch::Traced;

/// The most events in a log: ShiViz draws one SVG element for each.
pub const EVENTS_MAX: usize = 2_000;

/// How ShiViz reads the log.
pub const EXPRESSION: &str = r"(?<host>\S*) (?<clock>{.*})\n(?<at>\S*) (?<event>.*)";

/// What carries a clock from one host to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Carrier {
    /// Sender, receiver, number on the link.
    Message(usize, usize, u64),
    /// An operation, from its client to its node.
    Request(u64),
    /// Its answer, back to the client.
    Answer(u64),
}

/// One event of the log.
#[derive(Debug)]
struct Entry {
    at: u64,
    /// Place in `hosts`.
    host: usize,
    sends: Option<Carrier>,
    receives: Option<Carrier>,
    what: String,
}

/// Collects the last events of a run up to an instant. [`Log::write`] writes them.
#[derive(Debug)]
pub struct Log {
    setup: Arc<Setup>,
    hosts: Vec<String>,
    until: u64,
    entries: VecDeque<Entry>,
    /// The host of each operation that waits for its answer.
    waiting: BTreeMap<u64, usize>,
    /// How many entries were dropped from the front.
    dropped: u64,
}

impl Log {
    /// For the events up to true time `until`, ns.
    pub fn new(setup: Arc<Setup>, until: u64) -> Log {
        let names = setup.nodes.iter().map(|node| node.name.as_str());
        let names = names.chain(setup.clients.iter().map(|client| client.name.as_str())).chain(["faults"]);
        let hosts = host_names(names);
        Log { setup, hosts, until, entries: VecDeque::new(), waiting: BTreeMap::new(), dropped: 0 }
    }

    /// How many events the log leaves out before its first one.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many events the log has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Has nothing happened?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes the log.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        writeln!(to, "{EXPRESSION}\n")?;
        let mut clocks = vec![vec![0u64; self.hosts.len()]; self.hosts.len()];
        let mut carried: BTreeMap<Carrier, Vec<u64>> = BTreeMap::new();
        for entry in &self.entries {
            let received = entry.receives.and_then(|carrier| carried.get(&carrier).cloned());
            let clock = &mut clocks[entry.host];
            for (own, other) in clock.iter_mut().zip(received.unwrap_or_default()) {
                *own = (*own).max(other);
            }
            clock[entry.host] += 1;
            if let Some(carrier) = entry.sends {
                carried.insert(carrier, clock.clone());
            }
            let shown: serde_json::Map<String, serde_json::Value> = self
                .hosts
                .iter()
                .zip(&*clock)
                .filter(|(_, count)| **count > 0)
                .map(|(host, count)| (host.clone(), (*count).into()))
                .collect();
            let clock = serde_json::Value::Object(shown);
            writeln!(to, "{} {clock}\n{} {}", self.hosts[entry.host], instant(entry.at), entry.what)?;
        }
        to.flush()
    }

    fn client(&self, client: usize) -> usize {
        self.setup.nodes.len() + client
    }

    fn name(&self, node: usize) -> &str {
        describe::node(&self.setup, node)
    }

    fn add(&mut self, at: u64, host: usize, what: String) -> &mut Entry {
        if self.entries.len() == EVENTS_MAX {
            self.entries.pop_front();
            self.dropped += 1;
        }
        // A sentence of a guest may have several lines, and a log has one for it.
        let what = what.replace(['\n', '\r'], " ");
        self.entries.push_back(Entry { at, host, sends: None, receives: None, what });
        self.entries.back_mut().expect("it was just added")
    }

    /// The sender does not know that its message is lost; whoever looks at the log wants to.
    fn lost(&mut self, carrier: Carrier, cause: LossCause) {
        let why = match cause {
            LossCause::Chance => "lost by chance",
            LossCause::Partition => "lost: the link is cut",
            LossCause::ReceiverDown => "lost: the receiver is down",
        };
        let sent = self.entries.iter_mut().rev().find(|entry| entry.sends == Some(carrier));
        if let Some(entry) = sent {
            entry.sends = None;
            entry.what.push_str(&format!(" ({why})"));
        }
    }
}

/// Names that have no blanks and differ.
fn host_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let unique = |name: &str| {
        let mut name: String = name.chars().map(|c| if c.is_whitespace() { '_' } else { c }).collect();
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        name
    };
    names.map(unique).collect()
}

fn request_words(request: &Request) -> String {
    match request {
        Request::Read { key } => format!("read of key {key}"),
        Request::Write { key, value } => format!("write of {value} to key {key}"),
        Request::Cas { key, to, .. } => format!("compare-and-set of key {key} to {to}"),
    }
}

fn reply_words(reply: &Reply) -> String {
    match reply {
        Reply::Value { value, lease, .. } => {
            let value = value.map_or("no value".to_owned(), |value| value.to_string());
            if *lease { format!("{value}, under the lease") } else { value }
        }
        Reply::Done => "done".to_owned(),
        Reply::NotSwapped => "not swapped: another value".to_owned(),
        Reply::Refused => "refused".to_owned(),
        Reply::Unknown => "outcome unknown".to_owned(),
    }
}

impl<P: Hosted> Reader<P> for Log {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, _world: &World<P>) {
        let at = event.at;
        if at > self.until {
            return;
        }
        match &event.what {
            Happening::Sent { from, to, number, message } => {
                let mut fields = Vec::new();
                message.fields(&mut |field, value| fields.push(format!("{field} {value}")));
                let what = format!("{} to {}: {}", message.kind(), self.name(*to), fields.join(", "));
                self.add(at, *from, what).sends = Some(Carrier::Message(*from, *to, *number));
            }
            Happening::Delivered { from, to, number, message } => {
                let what = format!("{} from {} arrives", message.kind(), self.name(*from));
                self.add(at, *to, what).receives = Some(Carrier::Message(*from, *to, *number));
            }
            Happening::Lost { from, to, number, cause } => {
                self.lost(Carrier::Message(*from, *to, *number), *cause);
            }
            Happening::Noted { node, note } => {
                let what = note.sentence(|peer| self.name(peer.index()).to_owned());
                self.add(at, *node, what);
            }
            Happening::Invoked { operation, client, node, request } => {
                let what = format!("asks {}: {}", self.name(*node), request_words(request));
                let host = self.client(*client);
                self.waiting.insert(*operation, host);
                self.add(at, host, what).sends = Some(Carrier::Request(*operation));
            }
            Happening::Requested { operation, node } => {
                let what = format!("operation {operation} arrives");
                self.add(at, *node, what).receives = Some(Carrier::Request(*operation));
            }
            Happening::Replied { operation, node, reply } => {
                let what = format!("answers operation {operation}: {}", reply_words(reply));
                self.add(at, *node, what).sends = Some(Carrier::Answer(*operation));
            }
            Happening::Completed { operation, reply } => {
                if let Some(host) = self.waiting.remove(operation) {
                    let what = format!("has the answer to operation {operation}: {}", reply_words(reply));
                    self.add(at, host, what).receives = Some(Carrier::Answer(*operation));
                }
            }
            Happening::TimedOut { operation } => {
                if let Some(host) = self.waiting.remove(operation) {
                    self.add(at, host, format!("waits no longer for operation {operation}"));
                }
            }
            Happening::Fault { fault, undone } => {
                let what = faults::action(&self.setup, &self.setup.faults[*fault].action, *undone);
                let host = self.hosts.len() - 1;
                self.add(at, host, what);
            }
            Happening::Started { node, incarnation } => {
                let what = if *incarnation == 0 { "starts" } else { "is up again" };
                self.add(at, *node, what.to_owned());
            }
            Happening::Crashed { node } => {
                self.add(at, *node, "goes down".to_owned());
            }
            Happening::Ended { node, why } => {
                self.add(at, *node, format!("ends by itself: {why}"));
            }
            Happening::Refused { node, why } => {
                self.add(at, *node, format!("does not start: {why}"));
            }
            Happening::Forgot { node, what } => {
                self.add(at, *node, format!("has forgotten {what}"));
            }
            Happening::DiskFull { node } => {
                self.add(at, *node, "has no room on its disk".to_owned());
            }
            Happening::Corrupted { node, what } => {
                self.add(at, *node, format!("has a damaged file: {what}"));
            }
            Happening::Stopped { node, resumed } => {
                let what = if *resumed { "runs again" } else { "stands still" };
                self.add(at, *node, what.to_owned());
            }
            // Steps of one host that carry nothing to another.
            Happening::Held { .. }
            | Happening::Woken { .. }
            | Happening::Written { .. }
            | Happening::Synced { .. }
            | Happening::ClockChanges { .. } => {}
        }
    }
}
