//! raft-rs as a guest of Leasehold's simulator: the core that TiKV runs, as it is published, with three leases.
//!
//! * `--lease shipped`: raft-rs's own `ReadOnlyOption::LeaseBased`. It has no length: a leader serves reads while it leads,
//!   and looks once in an election timeout whether a quorum was active.
//! * `--lease send`: a lease outside of the core. It lasts `lease_ns` from the *send* of a round that a quorum confirmed.
//! * `--lease voided`: the same, and none for the rest of the term once a transfer of leadership was asked for.
//!
//! The core counts ticks. One tick is the scenario's heartbeat, by the raw clock.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Write};

use protobuf::Message as _;
use raft::eraftpb::{Entry, EntryType, HardState, Message};
use raft::storage::MemStorage;
use raft::{Config, RawNode, ReadOnlyOption, Ready, StateRole};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Told {
    now: Now,
    start: Option<Start>,
    message: Option<Received>,
    request: Option<Request>,
    #[serde(default)]
    wake: bool,
    persisted: Option<u64>,
    order: Option<Order>,
}

#[derive(Deserialize)]
struct Now {
    raw: u64,
}

#[derive(Deserialize, Default)]
struct Start {
    node: String,
    nodes: Vec<String>,
    voters: Vec<String>,
    seed: u64,
    lease_ns: u64,
    election_timeout_ns: u64,
    heartbeat_ns: u64,
    election_jitter_ns: u64,
    startup_grace_ns: u64,
    stored: Map<String, Value>,
}

#[derive(Deserialize)]
struct Received {
    data: String,
}

#[derive(Deserialize)]
struct Request {
    id: u64,
    op: String,
    key: u64,
    value: Option<u64>,
}

#[derive(Deserialize)]
struct Order {
    transfer: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Lease {
    Shipped,
    Send,
    Voided,
}

#[derive(Default)]
struct Answer {
    events: Vec<Value>,
    write: Map<String, Value>,
    send: Vec<Value>,
    reply: Vec<Value>,
}

struct Guest {
    start: Start,
    lease: Lease,
    node: RawNode<MemStorage>,
    next_tick: u64,
    /// Until then, or until the first message, it does not tick: another node is to lead first.
    grace_until: u64,
    writes: u64,
    /// It waits until its write is safe.
    held: Option<Ready>,
    values: BTreeMap<u64, u64>,
    /// Writes of this process that wait for their entry.
    asked: BTreeSet<u64>,
    /// Reads that wait for the core, with their keys.
    reads: BTreeMap<u64, u64>,
    /// When each round of this term was sent.
    rounds: BTreeMap<u64, u64>,
    lease_until: u64,
    /// A transfer was asked for in this term.
    handed_over: u64,
    leads: Option<u64>,
    ready: bool,
    out: Answer,
}

/// Contexts of rounds; those of reads are the requests' ids.
const ROUND: u8 = b'r';

impl Guest {
    fn new(start: Start, lease: Lease, now: u64) -> Guest {
        let number = |name: &String| start.nodes.iter().position(|node| node == name).expect("a known node") as u64 + 1;
        let voters: Vec<u64> = start.voters.iter().map(number).collect();
        let storage = MemStorage::new_with_conf_state((voters, vec![]));
        let mut entries: Vec<Entry> = Vec::new();
        for (name, value) in &start.stored {
            let bytes = from_hex(value.as_str().expect("this guest writes text"));
            match name.as_str() {
                "state" => storage.wl().set_hardstate(HardState::parse_from_bytes(&bytes).expect("a state")),
                _ => entries.push(Entry::parse_from_bytes(&bytes).expect("an entry")),
            }
        }
        storage.wl().append(&entries).expect("the entries are in order: their names are");
        let ticks = |nanos: u64| (nanos / start.heartbeat_ns) as usize;
        let election_tick = ticks(start.election_timeout_ns);
        // The core draws from a generator that has no seed. Here the seed draws, and the core has no choice.
        let drawn = election_tick + (start.seed % (ticks(start.election_jitter_ns) as u64 + 1)) as usize;
        let config = Config {
            id: number(&start.node),
            election_tick,
            heartbeat_tick: 1,
            min_election_tick: drawn,
            max_election_tick: drawn + 1,
            check_quorum: true,
            pre_vote: true,
            read_only_option: match lease {
                Lease::Shipped => ReadOnlyOption::LeaseBased,
                Lease::Send | Lease::Voided => ReadOnlyOption::Safe,
            },
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let node = RawNode::new(&config, storage, &logger).expect("the configuration is sound");
        Guest {
            next_tick: now + start.heartbeat_ns,
            grace_until: now + start.startup_grace_ns,
            start,
            lease,
            node,
            writes: 0,
            held: None,
            values: BTreeMap::new(),
            asked: BTreeSet::new(),
            reads: BTreeMap::new(),
            rounds: BTreeMap::new(),
            lease_until: 0,
            handed_over: 0,
            leads: None,
            ready: false,
            out: Answer::default(),
        }
    }

    fn step(&mut self, told: Told) -> Value {
        let now = told.now.raw;
        if let Some(received) = told.message {
            self.grace_until = 0;
            let message = Message::parse_from_bytes(&from_hex(&received.data)).expect("a message of this core");
            let _ = self.node.step(message);
        }
        if let Some(request) = told.request {
            self.request(request, now);
        }
        if told.wake {
            // A timer that nobody could serve has not ticked meanwhile.
            if now >= self.grace_until {
                self.node.tick();
            }
            let late = now.saturating_sub(self.next_tick) / self.start.heartbeat_ns;
            self.next_tick += (late + 1) * self.start.heartbeat_ns;
            if self.lease != Lease::Shipped && self.leads.is_some() {
                self.round(now);
            }
        }
        if told.persisted.is_some_and(|writes| writes >= self.writes)
            && let Some(ready) = self.held.take()
        {
            self.carry_out(ready, now);
        }
        if let Some(to) = told.order.and_then(|order| order.transfer)
            && let Some(place) = self.start.nodes.iter().position(|node| *node == to)
        {
            self.handed_over = self.node.raft.term;
            if self.lease == Lease::Voided && self.lease_until > now {
                self.lease_until = 0;
                self.event("lease-ended", json!({}));
            }
            self.node.transfer_leader(place as u64 + 1);
        }
        self.progress(now);
        let Answer { events, write, send, reply } = std::mem::take(&mut self.out);
        let mut answer = json!({ "events": events, "send": send, "reply": reply, "wake_at": { "raw": self.next_tick } });
        if !write.is_empty() {
            answer["write"] = Value::Object(write);
        }
        answer
    }

    /// Asks a quorum whether this node leads. The lease counts from here.
    fn round(&mut self, now: u64) {
        let number = self.rounds.last_key_value().map_or(0, |(number, _)| number + 1);
        self.rounds.insert(number, now);
        let mut context = vec![ROUND];
        context.extend(number.to_le_bytes());
        self.node.read_index(context);
    }

    fn request(&mut self, request: Request, now: u64) {
        let Request { id, op, key, value } = request;
        let leads = self.node.raft.state == StateRole::Leader;
        if let ("write", true, Some(value)) = (op.as_str(), leads, value) {
            let data = format!("{id} {key} {value}");
            if self.node.propose(vec![], data.into_bytes()).is_ok() {
                self.asked.insert(id);
                return;
            }
        } else if op == "read" && leads && self.ready {
            match self.lease {
                Lease::Shipped => {
                    self.reads.insert(id, key);
                    return self.node.read_index(id.to_string().into_bytes());
                }
                Lease::Send | Lease::Voided if now < self.lease_until => return self.read(id, key),
                Lease::Send | Lease::Voided => {}
            }
        }
        self.out.reply.push(json!({ "id": id, "result": "refused" }));
    }

    fn read(&mut self, id: u64, key: u64) {
        let value = self.values.get(&key);
        self.out.reply.push(json!({ "id": id, "result": "read", "value": value, "lease": true }));
    }

    /// Takes what the core wants, until it wants nothing more or waits for the disk.
    fn progress(&mut self, now: u64) {
        while self.held.is_none() && self.node.has_ready() {
            let ready = self.node.ready();
            if let Some(state) = ready.hs() {
                self.node.mut_store().wl().set_hardstate(state.clone());
                self.put("state".to_owned(), &state.write_to_bytes().expect("a state"));
            }
            if let Some(last) = ready.entries().last() {
                let before = raft::Storage::last_index(self.node.store()).expect("a log in memory");
                self.node.mut_store().wl().append(ready.entries()).expect("the core appends in order");
                for entry in ready.entries() {
                    self.put(format!("{:020}", entry.index), &entry.write_to_bytes().expect("an entry"));
                }
                // What new entries have replaced is kept no longer.
                for index in last.index + 1..=before {
                    self.out.write.insert(format!("{index:020}"), Value::Null);
                }
            }
            if self.out.write.is_empty() {
                self.carry_out(ready, now);
            } else {
                self.writes += 1;
                self.held = Some(ready);
            }
        }
        let (term, leads) = (self.node.raft.term, self.node.raft.state == StateRole::Leader);
        let leads = leads.then_some(term);
        if self.leads != leads {
            if let Some(term) = self.leads {
                self.out.events.push(json!({ "event": "stepped-down", "term": term }));
            }
            (self.leads, self.ready, self.lease_until) = (leads, false, 0);
            self.rounds.clear();
            if leads.is_some() {
                self.event("elected", json!({}));
            }
        }
    }

    fn put(&mut self, name: String, bytes: &[u8]) {
        self.out.write.insert(name, to_hex(bytes).into());
    }

    fn event(&mut self, name: &str, mut fields: Value) {
        (fields["event"], fields["term"]) = (name.into(), self.node.raft.term.into());
        self.out.events.push(fields);
    }

    /// What was written is safe: sends, applies and answers.
    fn carry_out(&mut self, mut ready: Ready, now: u64) {
        let states = ready.take_read_states();
        let mut messages = ready.take_messages();
        messages.extend(ready.take_persisted_messages());
        let mut entries = ready.take_committed_entries();
        let mut light = self.node.advance(ready);
        messages.extend(light.take_messages());
        entries.extend(light.take_committed_entries());
        for message in messages {
            let to = &self.start.nodes[message.to as usize - 1];
            let kind = format!("{:?}", message.get_msg_type());
            let data = to_hex(&message.write_to_bytes().expect("a message"));
            self.out.send.push(json!({ "to": to, "kind": kind, "data": data }));
        }
        for entry in entries {
            self.apply(&entry);
        }
        self.node.advance_apply();
        for state in states {
            self.confirmed(&state.request_ctx, now);
        }
    }

    fn apply(&mut self, entry: &Entry) {
        if self.node.raft.state == StateRole::Leader && entry.term == self.node.raft.term && !self.ready {
            self.ready = true;
            self.event("leader-ready", json!({}));
        }
        let text = String::from_utf8_lossy(&entry.data);
        let words: Vec<u64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
        if let (EntryType::EntryNormal, [id, key, value]) = (entry.get_entry_type(), &words[..]) {
            self.values.insert(*key, *value);
            if self.asked.remove(id) {
                self.out.reply.push(json!({ "id": id, "result": "done" }));
            }
        }
    }

    /// The core has confirmed a read, or a round.
    fn confirmed(&mut self, context: &[u8], now: u64) {
        if let [ROUND, number @ ..] = context {
            let number = number.try_into().map(u64::from_le_bytes).expect("this guest made it");
            let Some(sent) = self.rounds.get(&number).copied() else { return };
            self.rounds = self.rounds.split_off(&number);
            let until = sent + self.start.lease_ns;
            let voided = self.lease == Lease::Voided && self.handed_over == self.node.raft.term;
            if self.ready && until > self.lease_until && until > now && !voided {
                self.lease_until = until;
                self.event("lease-renewed", json!({ "from": { "raw": sent }, "until": { "raw": until } }));
            }
            return;
        }
        let id = String::from_utf8_lossy(context).parse().expect("this guest made it");
        if let Some(key) = self.reads.remove(&id) {
            self.read(id, key);
        }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("this guest writes hexadecimal digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let lease = match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["--lease", "shipped"] => Lease::Shipped,
        ["--lease", "send"] => Lease::Send,
        ["--lease", "voided"] => Lease::Voided,
        _ => panic!("say --lease shipped, --lease send or --lease voided"),
    };
    let mut guest: Option<Guest> = None;
    for line in std::io::stdin().lock().lines() {
        let mut told: Told = serde_json::from_str(&line.expect("lines of UTF-8")).expect("a line of the protocol");
        if let Some(start) = told.start.take() {
            guest = Some(Guest::new(start, lease, told.now.raw));
        }
        let answer = guest.as_mut().expect("the first line is a start").step(told);
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}").and_then(|()| out.flush()).expect("somebody reads the answer");
    }
}
