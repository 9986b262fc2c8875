//! What must hold after every event, whatever the clocks do: Raft's own properties, and every promise kept on the clock of
//! the node that gave it.
//!
//! With the sound rules a broken invariant is a bug of ours. With broken rules it is a finding.

use std::collections::BTreeMap;
use std::fmt;

use leasehold::lease::Ballot;
use leasehold::node::Node;
use leasehold::raft::{self, Index, Note, Raft};
use leasehold::time::Alarm;

use super::hash::short_hash;
use crate::host::entry_words;
use crate::hosted::Hosted;
use crate::rules::Rules;
use leasehold_world::{Event, Happening, Reader, World};

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invariant {
    /// At most one leader a term (Raft paper, figure 3, Election Safety).
    ElectionSafety,
    /// Entries with the same index and term are the same, and so is everything before them (Log Matching).
    LogMatching,
    /// A leader's log holds every entry that was committed in an earlier term (Leader Completeness).
    LeaderCompleteness,
    /// No two nodes commit different entries at the same index (State Machine Safety).
    StateMachineSafety,
    /// A node's term never decreases while it is up, and a restart never falls behind a term that it has told anybody. (A
    /// term that was not yet on its disk, and in no message, may be lost.)
    TermMonotonic,
    /// A node's commit index never decreases while it is up.
    CommitMonotonic,
    /// Nothing is applied before it is committed, nothing committed that is not in the log.
    AppliedWithinCommit,
    /// A node that has promised neither votes nor campaigns until the promise is over on its own clock, restarts or not.
    PromiseKept,
    /// A leader whose lease runs votes for nobody.
    LeaderPromiseKept,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Invariant::ElectionSafety => "election safety: at most one leader a term",
            Invariant::LogMatching => "log matching",
            Invariant::LeaderCompleteness => "leader completeness",
            Invariant::StateMachineSafety => "state machine safety",
            Invariant::TermMonotonic => "terms never decrease",
            Invariant::CommitMonotonic => "commit index never decreases",
            Invariant::AppliedWithinCommit => "applied <= committed <= last entry",
            Invariant::PromiseKept => "promise kept: no vote while a promise runs on the voter's clock",
            Invariant::LeaderPromiseKept => "promise kept: a leader votes for nobody while its lease runs",
        })
    }
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// True time, ns.
    pub at: u64,
    /// Where.
    pub node: usize,
    /// Which.
    pub invariant: Invariant,
    /// What was found.
    pub detail: String,
}

/// An entry: its term and the hash of its content.
type Print = (u64, u64);

/// What is remembered of a node from one event to the next.
#[derive(Debug, Clone, Default)]
struct Seen {
    term: u64,
    /// The highest term of its own that it has sent to anybody.
    term_told: u64,
    commit: u64,
    /// Terms of its log's entries.
    log: Vec<u64>,
    /// Where its log began.
    base: u64,
    last: Print,
    /// The promises that a leader may know of: those the node had when it last sent an acknowledgement ...
    promises_told: Vec<Alarm>,
    /// ... and those that were known of when it crashed.
    promises_before_crash: Vec<Alarm>,
    lease: Option<Alarm>,
}

/// Checks all invariants, at the node that has just acted.
#[derive(Debug, Clone)]
pub struct Invariants {
    nodes: Vec<Seen>,
    leaders: BTreeMap<u64, usize>,
    /// What was committed at each index, and in which term that came to be so.
    committed: Vec<(Print, u64)>,
    /// For each index, every entry ever seen there, with the term of the entry before it.
    entries: Vec<Vec<(Print, u64)>>,
    broken: Vec<Broken>,
}

/// Reports of broken invariants that are kept.
const BROKEN_MAX: usize = 100;

impl Invariants {
    /// For a cluster of so many nodes.
    pub fn new(nodes: usize) -> Invariants {
        Invariants {
            nodes: vec![Seen::default(); nodes],
            leaders: BTreeMap::new(),
            committed: Vec::new(),
            entries: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// The invariants that did not hold, in order; the first hundred.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    fn report(&mut self, at: u64, node: usize, invariant: Invariant, detail: String) {
        if self.broken.len() < BROKEN_MAX {
            self.broken.push(Broken { at, node, invariant, detail });
        }
    }

    /// Asked after every input, which changes nothing here most of the time.
    #[inline]
    fn check_node(&mut self, at: u64, node: usize, raft: &Raft<Rules>, applied: u64) {
        let seen = &self.nodes[node];
        let (term, commit, last) = (raft.term().0, raft.commit().0, raft.log().last_index().0);
        let same = (term, commit) == (seen.term, seen.commit)
            && (last, raft.log().last_term().0) == seen.last
            && applied <= commit
            && commit <= last;
        if !same {
            self.check_changed(at, node, raft, applied);
        }
    }

    #[cold]
    #[inline(never)]
    fn check_changed(&mut self, at: u64, node: usize, raft: &Raft<Rules>, applied: u64) {
        let seen = &mut self.nodes[node];
        let (term, commit, last) = (raft.term().0, raft.commit().0, raft.log().last_index().0);
        seen.last = (last, raft.log().last_term().0);
        let (earlier_term, earlier_commit) = (seen.term, seen.commit);
        seen.term = term;
        seen.commit = commit;
        if term < earlier_term {
            self.report(at, node, Invariant::TermMonotonic, format!("from {earlier_term} to {term}"));
        }
        if commit < earlier_commit {
            self.report(at, node, Invariant::CommitMonotonic, format!("from {earlier_commit} to {commit}"));
        }
        if applied > commit || commit > last {
            let detail = format!("applied {applied}, committed {commit}, last entry {last}");
            self.report(at, node, Invariant::AppliedWithinCommit, detail);
        }
        let base = raft.log().base().index.0;
        self.check_base(at, node, raft, earlier_commit);
        self.check_log(at, node, raft);
        for index in earlier_commit.max(base) + 1..=commit.min(last) {
            self.check_committed(at, node, raft, index);
        }
    }

    /// What is dropped from a log, or replaced by a snapshot, must be what was committed there.
    fn check_base(&mut self, at: u64, node: usize, raft: &Raft<Rules>, earlier_commit: u64) {
        let base = raft.log().base();
        let (begins, begun) = (place(base.index.0), place(self.nodes[node].base));
        self.nodes[node].base = base.index.0;
        if begins == begun {
            return;
        }
        // A leader may commit and drop an entry at once. It was seen in its log before.
        for index in self.committed.len().max(place(earlier_commit))..begins {
            let term = self.nodes[node].log.get(index).copied();
            let seen = self.entries.get(index).into_iter().flatten();
            let Some((found, _)) = seen.into_iter().find(|((of, _), _)| Some(*of) == term) else {
                let detail = format!("entry {} was dropped before anybody saw it", index + 1);
                self.report(at, node, Invariant::AppliedWithinCommit, detail);
                return;
            };
            self.committed.push((*found, raft.term().0));
        }
        let committed: Vec<u64> = self.committed[..begins].iter().map(|((term, _), _)| *term).collect();
        if let Some(of) = committed.last().filter(|term| **term != base.term.0) {
            let detail =
                format!("entry {begins} of term {of} was committed, and of term {} dropped", base.term.0);
            self.report(at, node, Invariant::StateMachineSafety, detail);
        }
        let log = &mut self.nodes[node].log;
        let behind = log.split_off(begins.min(log.len()));
        log.truncate(begun.min(begins));
        log.extend(&committed[log.len()..]);
        log.extend(behind);
    }

    /// Looks at the entries that are new in this log.
    fn check_log(&mut self, at: u64, node: usize, raft: &Raft<Rules>) {
        let log = raft.log();
        let last = log.last_index().0;
        let term_at = |index: u64| log.term_at(Index(index)).map_or(0, |term| term.0);
        let known = &mut self.nodes[node].log;
        known.truncate(place(last));
        // Everything behind an entry of unchanged term is unchanged, as log matching has it; so look from the end.
        let unchanged = |known: &Vec<u64>, index: u64| known.get(place(index) - 1) == Some(&term_at(index));
        let base = log.base().index.0;
        let mut first_new = last + 1;
        while first_new > base + 1 && !unchanged(known, first_new - 1) {
            first_new -= 1;
        }
        known.truncate(place(first_new) - 1);
        for index in first_new..=last {
            self.nodes[node].log.push(term_at(index));
            let found = (print(raft, index), term_at(index - 1));
            if self.entries.len() < place(index) {
                self.entries.resize(place(index), Vec::new());
            }
            let others = &mut self.entries[place(index) - 1];
            match others.iter().find(|((term, _), _)| *term == found.0.0) {
                Some(other) if *other != found => {
                    let detail = format!("two entries {index} of term {}", found.0.0);
                    self.report(at, node, Invariant::LogMatching, detail);
                }
                Some(_) => {}
                None => others.push(found),
            }
        }
    }

    fn check_committed(&mut self, at: u64, node: usize, raft: &Raft<Rules>, index: u64) {
        let found = print(raft, index);
        match self.committed.get(place(index) - 1) {
            Some((committed, _)) if *committed != found => {
                let detail =
                    format!("entry {index} of term {} was committed, now of term {}", committed.0, found.0);
                self.report(at, node, Invariant::StateMachineSafety, detail);
            }
            Some(_) => {}
            None => self.committed.push((found, raft.term().0)),
        }
    }

    fn check_elected(&mut self, at: u64, node: usize, term: u64, raft: Option<&Raft<Rules>>) {
        if let Some(other) = self.leaders.insert(term, node).filter(|other| *other != node) {
            let detail = format!("term {term} has leaders {other} and {node}");
            self.report(at, node, Invariant::ElectionSafety, detail);
        }
        let Some(raft) = raft else { return };
        // One that is elected late, when a leader of a later term has committed already, need not have that.
        let missing = (1..).zip(&self.committed).find(|(index, (committed, committed_in))| {
            // What is before the base was compared when it was dropped.
            let holds = |index| raft.log().term_at(index).is_some_and(|term| term.0 == committed.0);
            *committed_in < term && *index >= raft.log().base().index.0 && !holds(Index(*index))
        });
        if let Some((index, ((of, _), _))) = missing {
            let detail = format!("the leader of term {term} lacks committed entry {index} of term {of}");
            self.report(at, node, Invariant::LeaderCompleteness, detail);
        }
    }
}

fn place(index: u64) -> usize {
    usize::try_from(index).expect("an index of something in memory")
}

fn print(raft: &Raft<Rules>, index: u64) -> Print {
    let entry = raft.log().entry(Index(index)).expect("the caller has bounded the index");
    (entry.term.0, short_hash(|word| entry_words(entry, &mut |each| word(each))))
}

/// The term that the sender of this message is in; 0 where the message does not tell.
fn own_term(message: &raft::Message) -> u64 {
    match message {
        raft::Message::Vote(request) if request.ballot != Ballot::PreVote => request.term.0,
        raft::Message::VoteReply(reply) if reply.ballot != Ballot::PreVote => reply.term.0,
        raft::Message::Append(append) => append.term.0,
        raft::Message::AppendReply(reply) => reply.term.0,
        raft::Message::Snapshot(chunk) => chunk.term.0,
        raft::Message::SnapshotReply(reply) => reply.term.0,
        raft::Message::TimeoutNow { term } => term.0,
        raft::Message::Vote(_) | raft::Message::VoteReply(_) => 0,
    }
}

impl<P: Hosted> Reader<P> for Invariants {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, Note>, world: &World<P>) {
        match event.what {
            Happening::Noted { node, note } => {
                if let Note::Elected { term } = note {
                    let raft = world.process(node).node().map(Node::raft);
                    self.check_elected(event.at, node, term.0, raft);
                }
                if let Note::VoteGranted { candidate, term, ballot: Ballot::PreVote | Ballot::Vote } = note {
                    let now = world.clock(node).read(event.at);
                    let runs = |alarm: &Alarm| !alarm.reached(&now);
                    let seen = &self.nodes[node];
                    // Granting a vote changes no promise, so those the node has now it had before.
                    let given = world.process(node).node().map(|running| running.raft().promise_ends());
                    let given: Vec<Alarm> = given.into_iter().flatten().collect();
                    let promised = given.iter().chain(&seen.promises_before_crash).any(runs);
                    let leads = seen.lease.iter().any(runs);
                    let detail = format!("a vote for node {} in term {term}", candidate.index());
                    if promised {
                        self.report(event.at, node, Invariant::PromiseKept, detail.clone());
                    }
                    if leads {
                        self.report(event.at, node, Invariant::LeaderPromiseKept, detail);
                    }
                }
                if let Note::LeaseRenewed { end, .. } = note {
                    self.nodes[node].lease = Some(end);
                }
                if let Note::LeaseEnded { .. } | Note::SteppedDown { .. } = note {
                    self.nodes[node].lease = None;
                }
            }
            Happening::Sent { from, message, .. } => {
                let Some(message) = P::as_raft(message) else { return };
                let seen = &mut self.nodes[from];
                seen.term_told = seen.term_told.max(own_term(message));
                if let (raft::Message::AppendReply(_), Some(running)) = (message, world.process(from).node())
                {
                    seen.promises_told.clear();
                    // From inside the chain of iterators, not step by step: every acknowledgement comes here.
                    running.raft().promise_ends().for_each(|end| seen.promises_told.push(end));
                }
            }
            // By the time it has settled it may have committed this and dropped it: where it is the only voter.
            Happening::Written { node, .. } => Reader::<P>::settled(self, node, world),
            Happening::Crashed { node } => {
                let now = world.clock(node).read(event.at);
                let seen = &mut self.nodes[node];
                seen.commit = 0;
                seen.base = 0;
                seen.last = Print::default();
                seen.term = seen.term_told;
                seen.lease = None;
                seen.promises_before_crash.append(&mut seen.promises_told);
                seen.promises_before_crash.retain(|alarm| !alarm.reached(&now));
            }
            _ => {}
        }
    }

    #[inline]
    fn settled(&mut self, node: usize, world: &World<P>) {
        if let Some(running) = world.process(node).node() {
            self.check_node(world.now(), node, running.raft(), running.applied().0);
        }
    }
}
