//! The protocol: Raft's elections and log, and LeaseGuard's three rules about time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use leasehold::lease::Ballot;
use leasehold::raft::{Index, LeaseEndCause, Note, StepDownCause, Term};
use leasehold::time::{Alarm, Reading, Span, Wall};
use leasehold_run::host::startup_grace;
use leasehold_run::setup::Setup;
use leasehold_world::{Effect, Jitter, Reply, Request};

/// Entries in one message.
const BATCH_MAX: usize = 64;

/// What a cluster is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long an entry is a lease.
    pub delta: Span,
    /// How long a follower waits for its leader. Not bound to `delta`: votes are free.
    pub election_timeout: Span,
    /// The time between two rounds of a leader.
    pub heartbeat: Span,
    /// What is broken.
    pub flaw: Flaw,
}

/// One broken rule. They exist to show what each rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flaw {
    /// None.
    #[default]
    Sound,
    /// A new leader commits without waiting for the old lease.
    CommitsAtOnce,
    /// A new leader reads keys of the limbo region under the old lease.
    ReadsLimbo,
    /// The ends of intervals that favour whoever asks are used: a lease is taken for younger, an old one for older.
    OptimisticBounds,
}

/// An entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its leader's term.
    pub term: u64,
    /// A key and its new value; `None` renews the lease and changes nothing.
    pub write: Option<(u64, u64)>,
    /// When its leader appended it.
    pub stamp: Wall,
}

/// What nodes send to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Asks for a vote.
    Vote {
        /// The candidate's.
        term: u64,
        /// Of its last entry.
        last_term: u64,
        /// How many entries it has.
        last_index: usize,
    },
    /// The answer.
    VoteReply {
        /// The voter's.
        term: u64,
        /// It votes for the candidate.
        granted: bool,
    },
    /// A round of the leader.
    Append {
        /// The leader's.
        term: u64,
        /// How many entries come before these.
        previous: usize,
        /// The term of the last of those.
        previous_term: u64,
        /// They follow.
        entries: Vec<Entry>,
        /// So many entries are committed.
        commit: usize,
    },
    /// The answer.
    AppendReply {
        /// The follower's.
        term: u64,
        /// The logs agree up to here.
        matched: Option<usize>,
        /// If not: try from here.
        hint: usize,
    },
}

#[derive(Debug, Clone)]
enum Role {
    Follower,
    Candidate(BTreeSet<usize>),
    Leader(Leadership),
}

#[derive(Debug, Clone)]
struct Leadership {
    matched: Vec<usize>,
    next: Vec<usize>,
    beat: Alarm,
    /// The limbo region: entries above the first and up to the second.
    limbo: (usize, usize),
    /// The old lease is surely over then; `None` without an old entry.
    waits: Option<Alarm>,
    ready: bool,
    /// Writes that are not committed yet: each one's place, and its token.
    writes: VecDeque<(usize, u64)>,
}

/// A node that follows LeaseGuard.
#[derive(Debug, Clone)]
pub struct Node {
    id: usize,
    nodes: usize,
    settings: Settings,
    jitter: Span,
    first_wait: Span,
    // On disk.
    term: u64,
    voted_for: Option<usize>,
    log: Vec<Entry>,
    // Lost in a crash.
    commit: usize,
    applied: usize,
    values: BTreeMap<u64, u64>,
    role: Role,
    election: Option<Alarm>,
    pub(crate) effects: VecDeque<Effect<Message, Note>>,
}

impl Node {
    /// The node of that place in the setup. The scenario's first leader does not wait; the others do.
    pub fn new(setup: &Setup, id: usize, settings: Settings) -> Node {
        let first_wait = match setup.cluster.first_leader {
            Some(first) if first != id => startup_grace(setup, id, 0),
            Some(_) | None => Span::ZERO,
        };
        Node {
            id,
            nodes: setup.nodes.len(),
            settings,
            jitter: setup.nodes[id].election_jitter,
            first_wait,
            term: 0,
            voted_for: None,
            log: Vec::new(),
            commit: 0,
            applied: 0,
            values: BTreeMap::new(),
            role: Role::Follower,
            election: None,
            effects: VecDeque::new(),
        }
    }

    pub(crate) fn start(&mut self, now: &Reading, jitter: &mut dyn Jitter) {
        let wait = std::mem::replace(&mut self.first_wait, Span::ZERO);
        self.await_leader(now, jitter, wait);
    }

    pub(crate) fn crash(&mut self) {
        (self.commit, self.applied) = (0, 0);
        self.values.clear();
        self.role = Role::Follower;
        self.election = None;
        self.effects.clear();
    }

    /// What it waits for.
    pub(crate) fn alarms(&self) -> impl Iterator<Item = Alarm> {
        let leads = match &self.role {
            Role::Leader(led) => [Some(led.beat), led.waits],
            Role::Follower | Role::Candidate(_) => [None, None],
        };
        self.election.into_iter().chain(leads.into_iter().flatten())
    }

    pub(crate) fn wake(&mut self, now: &Reading, jitter: &mut dyn Jitter) {
        if self.election.is_some_and(|alarm| alarm.reached(now)) {
            self.campaign(now, jitter);
        }
        if matches!(&self.role, Role::Leader(led) if led.beat.reached(now)) {
            self.renew(now);
            self.send_round(now);
        }
        self.advance_commit(now);
    }

    pub(crate) fn request(&mut self, now: &Reading, token: u64, request: Request) {
        let reply = match request {
            Request::Read { key } if self.may_read(now, key) => {
                Reply::Value { value: self.values.get(&key).copied(), lease: true, round_trips: 0 }
            }
            Request::Write { key, value } if self.append(now, Some((key, value))) => {
                if let Role::Leader(led) = &mut self.role {
                    led.writes.push_back((self.log.len(), token));
                }
                self.send_round(now);
                return;
            }
            Request::Read { .. } | Request::Write { .. } | Request::Cas { .. } => Reply::Refused,
        };
        self.effects.push_back(Effect::Reply { token, reply });
    }

    pub(crate) fn message(&mut self, now: &Reading, jitter: &mut dyn Jitter, from: usize, message: Message) {
        let (Message::Vote { term, .. }
        | Message::VoteReply { term, .. }
        | Message::Append { term, .. }
        | Message::AppendReply { term, .. }) = message;
        if term > self.term {
            self.follow(now, jitter, term);
        }
        match message {
            Message::Vote { term, last_term, last_index } => {
                let up_to_date = (last_term, last_index) >= (self.last_term(), self.log.len());
                let free = self.voted_for.is_none_or(|voted_for| voted_for == from);
                let granted = term == self.term && free && up_to_date;
                if granted {
                    self.voted_for = Some(from);
                    self.await_leader(now, jitter, Span::ZERO);
                }
                self.send(from, Message::VoteReply { term: self.term, granted });
            }
            Message::VoteReply { term, granted } => {
                if let Role::Candidate(votes) = &mut self.role
                    && granted
                    && term == self.term
                {
                    votes.insert(from);
                    self.count_votes(now);
                }
            }
            Message::Append { term, previous, previous_term, entries, commit } => {
                if term < self.term {
                    let reply = Message::AppendReply { term: self.term, matched: None, hint: 0 };
                    return self.send(from, reply);
                }
                if !matches!(self.role, Role::Follower) {
                    self.follow(now, jitter, term);
                }
                self.await_leader(now, jitter, Span::ZERO);
                let reply = self.store(previous, previous_term, &entries, commit);
                self.send(from, reply);
            }
            Message::AppendReply { term, matched, hint } => {
                if term < self.term {
                    return;
                }
                let Role::Leader(led) = &mut self.role else { return };
                match matched {
                    Some(matched) => {
                        led.matched[from] = led.matched[from].max(matched);
                        led.next[from] = led.matched[from];
                    }
                    None => led.next[from] = hint.max(led.matched[from]),
                }
                self.advance_commit(now);
            }
        }
    }

    fn send(&mut self, to: usize, message: Message) {
        self.effects.push_back(Effect::Send { to, message });
    }

    fn note(&mut self, note: Note) {
        self.effects.push_back(Effect::Note(note));
    }

    fn majority(&self) -> usize {
        self.nodes / 2 + 1
    }

    fn last_term(&self) -> u64 {
        self.log.last().map_or(0, |entry| entry.term)
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let id = self.id;
        (0..self.nodes).filter(move |node| *node != id)
    }

    fn await_leader(&mut self, now: &Reading, jitter: &mut dyn Jitter, more: Span) {
        let span = self.settings.election_timeout + more + jitter.jitter(self.jitter);
        self.election = Some(Alarm::Last { since: now.stamp, span });
    }

    fn follow(&mut self, now: &Reading, jitter: &mut dyn Jitter, term: u64) {
        if let Role::Leader(_) = self.role {
            self.note(Note::LeaseEnded { term: Term(self.term), cause: LeaseEndCause::StepDown });
            self.note(Note::SteppedDown { term: Term(self.term), cause: StepDownCause::HigherTerm });
        }
        if term > self.term {
            (self.term, self.voted_for) = (term, None);
        }
        self.role = Role::Follower;
        self.await_leader(now, jitter, Span::ZERO);
    }

    fn campaign(&mut self, now: &Reading, jitter: &mut dyn Jitter) {
        self.term += 1;
        self.voted_for = Some(self.id);
        self.role = Role::Candidate(BTreeSet::from([self.id]));
        self.note(Note::Campaign { term: Term(self.term), ballot: Ballot::Vote });
        self.await_leader(now, jitter, Span::ZERO);
        let (term, last_term, last_index) = (self.term, self.last_term(), self.log.len());
        for node in self.others() {
            self.send(node, Message::Vote { term, last_term, last_index });
        }
        self.count_votes(now);
    }

    fn count_votes(&mut self, now: &Reading) {
        let majority = self.majority();
        if !matches!(&self.role, Role::Candidate(votes) if votes.len() >= majority) {
            return;
        }
        let old = self.log.last().map(|entry| entry.stamp);
        let over = |stamp: Wall| match self.settings.flaw {
            Flaw::OptimisticBounds => stamp.earliest(),
            Flaw::Sound | Flaw::CommitsAtOnce | Flaw::ReadsLimbo => stamp.latest(),
        };
        let waits = old.map(|stamp| Alarm::WallEarliest {
            deadline: over(stamp).plus(self.settings.delta),
            since: now.stamp,
            span: Span::MAX,
        });
        self.role = Role::Leader(Leadership {
            matched: vec![0; self.nodes],
            next: vec![self.log.len(); self.nodes],
            beat: Alarm::First { since: now.stamp, span: Span::ZERO },
            limbo: (self.commit, self.log.len()),
            waits,
            ready: false,
            writes: VecDeque::new(),
        });
        self.election = None;
        self.note(Note::Elected { term: Term(self.term) });
        self.tell_lease(now);
        self.append(now, None);
        self.send_round(now);
    }

    /// Appends an entry; `false` unless this node leads and the machine vouches for its wall clock.
    fn append(&mut self, now: &Reading, write: Option<(u64, u64)>) -> bool {
        let (Role::Leader(_), Some(stamp)) = (&self.role, now.wall) else { return false };
        self.log.push(Entry { term: self.term, write, stamp });
        true
    }

    /// An entry that is half as old as a lease may be is followed by a new one.
    fn renew(&mut self, now: &Reading) {
        let half = self.settings.delta.div(2);
        let old =
            |entry: &Entry| now.wall.is_some_and(|wall| wall.latest() >= entry.stamp.earliest().plus(half));
        if self.log.last().is_none_or(old) {
            self.append(now, None);
        }
    }

    fn send_round(&mut self, now: &Reading) {
        let (term, commit) = (self.term, self.commit);
        let span = self.settings.heartbeat;
        let Role::Leader(led) = &mut self.role else { return };
        led.beat = Alarm::First { since: now.stamp, span };
        let next = led.next.clone();
        for node in self.others() {
            let previous = next[node];
            let entries: Vec<Entry> = self.log[previous..].iter().take(BATCH_MAX).copied().collect();
            let previous_term = previous.checked_sub(1).map_or(0, |last| self.log[last].term);
            self.send(node, Message::Append { term, previous, previous_term, entries, commit });
        }
    }

    fn store(&mut self, previous: usize, previous_term: u64, entries: &[Entry], commit: usize) -> Message {
        let agrees =
            previous == 0 || self.log.get(previous - 1).is_some_and(|entry| entry.term == previous_term);
        if !agrees {
            let hint = self.log.len().min(previous - 1);
            return Message::AppendReply { term: self.term, matched: None, hint };
        }
        for (place, entry) in (previous..).zip(entries) {
            if self.log.get(place).is_some_and(|there| there.term != entry.term) {
                assert!(place >= self.commit, "what is committed stays");
                self.log.truncate(place);
            }
            if place == self.log.len() {
                self.log.push(*entry);
            }
        }
        let matched = previous + entries.len();
        self.commit_up_to(self.commit.max(commit.min(matched)));
        Message::AppendReply { term: self.term, matched: Some(matched), hint: 0 }
    }

    fn commit_up_to(&mut self, commit: usize) {
        self.commit = commit;
        while self.applied < self.commit {
            self.values.extend(self.log[self.applied].write);
            self.applied += 1;
        }
    }

    /// Commits what a majority holds, of the own term, once the old lease is over.
    fn advance_commit(&mut self, now: &Reading) {
        let majority = self.majority();
        let Role::Leader(led) = &mut self.role else { return };
        // While there is no wall clock an alarm of this kind asks the monotonic clocks, and its span never ends.
        if led.waits.is_some_and(|waits| waits.reached(now)) || self.settings.flaw == Flaw::CommitsAtOnce {
            led.waits = None;
        }
        let Role::Leader(led) = &self.role else { return };
        let mut reached: Vec<usize> = self.others().map(|node| led.matched[node]).collect();
        reached.push(self.log.len());
        reached.sort_unstable_by(|a, b| b.cmp(a));
        let held = reached[majority - 1];
        if led.waits.is_some() || held <= self.commit || self.log[held - 1].term != self.term {
            return;
        }
        self.commit_up_to(held);
        let (term, mut done) = (Term(self.term), Vec::new());
        let Role::Leader(led) = &mut self.role else { return };
        while let Some((place, token)) = led.writes.front().copied().filter(|(place, _)| *place <= held) {
            debug_assert!(place > 0);
            led.writes.pop_front();
            done.push(token);
        }
        if !std::mem::replace(&mut led.ready, true) {
            self.note(Note::LeaderReady { term, commit: Index(held as u64) });
        }
        for token in done {
            self.effects.push_back(Effect::Reply { token, reply: Reply::Done });
        }
        self.tell_lease(now);
    }

    /// The end of the lease that its newest committed entry is.
    fn lease_end(&self, now: &Reading) -> Option<Alarm> {
        let stamp = self.log.get(self.commit.checked_sub(1)?)?.stamp;
        let from = match self.settings.flaw {
            Flaw::OptimisticBounds => stamp.latest(),
            Flaw::Sound | Flaw::CommitsAtOnce | Flaw::ReadsLimbo => stamp.earliest(),
        };
        let deadline = from.plus(self.settings.delta);
        Some(Alarm::WallLatest { deadline, since: now.stamp, span: Span::MAX })
    }

    fn tell_lease(&mut self, now: &Reading) {
        if let Some(end) = self.lease_end(now).filter(|end| !end.reached(now)) {
            self.note(Note::LeaseRenewed { term: Term(self.term), start: *now, end });
        }
    }

    fn may_read(&self, now: &Reading, key: u64) -> bool {
        let Role::Leader(led) = &self.role else { return false };
        let running = self.lease_end(now).is_some_and(|end| !end.reached(now));
        let (from, to) = led.limbo;
        let touched = || self.log[from..to].iter().any(|entry| entry.write.is_some_and(|(of, _)| of == key));
        running && (led.ready || self.settings.flaw == Flaw::ReadsLimbo || !touched())
    }
}
