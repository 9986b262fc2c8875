//! Why a read was stale: what it missed, what its server's clocks and lease said, when in true time its lease should have
//! ended and the new leader could first commit; and the story of how it came to that, line by line.
//!
//! The run is played again, as it was, with somebody who takes notes: a run is a pure function of its setup.

use std::sync::Arc;

use leasehold::lease::LeaseForm;
use leasehold::node::Message;
use leasehold::time::Alarm;

use crate::check::{Evidence, StaleRead};
use crate::describe;
use crate::display::{instant, length, rate, reading};
use crate::rules;
use crate::run::{ClusterView, Observer, Outcome, run_observed};
use crate::setup::{Setup, StampSource};
use crate::watch::{LeadershipChange, LeaseOver};
use crate::world::{Event, Happening, MONOTONIC_BASE, Milestone, Reply, Request, VirtualClock, WALL_BASE};

/// Everything there is to say about one stale read.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The operation's number.
    pub read: usize,
    /// The key.
    pub key: u64,
    /// Who answered.
    pub server: usize,
    /// What it answered.
    pub returned: Option<u64>,
    /// The operation that it missed, by number.
    pub missed: usize,
    /// The value that was missed.
    pub missed_value: Option<u64>,
    /// Who had answered that operation.
    pub missed_server: usize,
    /// How it is known that the missed value was there.
    pub evidence: Evidence,
    /// True times, ns: when the missed value was known to somebody, when the read was invoked, when it was answered.
    pub known_at: u64,
    /// See `known_at`.
    pub invoked: u64,
    /// See `known_at`.
    pub answered: u64,
    /// How long the value had been overwritten when the read was invoked, ns.
    pub stale_by_ns: u64,
    /// The newest leader of all answered, and its log had not got the missed write: it was acknowledged, and is lost.
    pub lost: bool,
    /// What the server believed when it answered.
    pub lease: Option<LeaseFacts>,
    /// The change of leadership that the read fell into.
    pub change: Option<LeadershipChange>,
    /// What is to blame, in sentences.
    pub why: Vec<String>,
    /// The same, without the figures: one a sentence.
    pub causes: Vec<Cause>,
    /// How it came to that.
    pub story: Vec<Moment>,
}

/// What may be to blame, most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The nodes follow broken rules.
    BrokenRules,
    /// A disk had reported as safe what it lost.
    LyingDisk,
    /// The new leader's wall clock was further ahead than the lease bears.
    Skew,
    /// The new leader's clock runs fast.
    FastClock,
    /// The settings are not safe.
    UnsafeSettings,
    /// The old leader's clock has counted less than had passed.
    LostTime,
    /// Two nodes could serve at once.
    TwoLeaders,
}

/// A lease as its holder and as true time saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseFacts {
    /// True time from which it was counted, ns.
    pub start: u64,
    /// The end on the holder's clock, ns since that clock's base.
    pub end_on_clock: (u64, u64),
    /// What the holder's clock said when it answered.
    pub clock_at_answer: (u64, u64),
    /// True time at which it should have ended: the effective lease after its start, on a true clock, ns.
    pub should_end: u64,
}

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// True time, ns.
    pub at: u64,
    /// What each node's clock showed then.
    pub clocks: Vec<String>,
    /// What happened.
    pub what: String,
    /// Lines of less weight go first when there are too many.
    weight: u8,
    /// Orders what happened at the same instant.
    order: u64,
}

/// The most lines a story has.
pub const STORY_LINES_MAX: usize = 25;

/// Explains a stale read of a run.
pub fn explain(setup: &Arc<Setup>, outcome: &Outcome, stale: &StaleRead) -> Explanation {
    let read = outcome.history_index(stale.read);
    let missed = outcome.history_index(stale.missed);
    let mut notes = Notes::new(setup.clone(), read, missed);
    let _ = run_observed(setup, &mut notes);

    let operation = &outcome.history[read];
    let missed_operation = &outcome.history[missed];
    let server = notes.server.unwrap_or(operation.node);
    let change = outcome
        .changes
        .iter()
        .filter(|change| {
            change.old.is_some_and(|(old, _)| old == server) && change.ready_at <= operation.invoked
        })
        .max_by_key(|change| change.ready_at)
        .copied();
    let mut explanation = Explanation {
        read,
        key: operation.request.key(),
        server,
        returned: match operation.completed {
            Some((_, Reply::Value { value, .. })) => value,
            _ => None,
        },
        missed,
        missed_value: match (missed_operation.request, missed_operation.completed) {
            (Request::Write { value, .. } | Request::Cas { to: value, .. }, _) => Some(value),
            (Request::Read { .. }, Some((_, Reply::Value { value, .. }))) => value,
            (Request::Read { .. }, _) => None,
        },
        missed_server: notes.missed_server.unwrap_or(missed_operation.node),
        evidence: stale.evidence,
        known_at: stale.known_at,
        invoked: operation.invoked,
        answered: operation.answered.unwrap_or(operation.invoked),
        stale_by_ns: stale.stale_by_ns,
        lost: stale.evidence == Evidence::Acknowledged && notes.lost,
        lease: notes.lease_at_answer,
        change,
        why: Vec::new(),
        causes: Vec::new(),
        story: Vec::new(),
    };
    (explanation.causes, explanation.why) = blame(setup, &notes, &explanation).into_iter().unzip();
    explanation.story = notes.into_story(&explanation);
    explanation
}

/// Whoever takes notes while the run is played again.
struct Notes {
    setup: Arc<Setup>,
    read: u64,
    missed: u64,
    moments: Vec<Moment>,
    /// The latest renewal of each node's lease, as a line of its own.
    renewals: Vec<Option<(Moment, LeaseFacts)>>,
    server: Option<usize>,
    missed_server: Option<usize>,
    lease_at_answer: Option<LeaseFacts>,
    /// Offsets of the wall clocks from true time when the candidate of the last election campaigned.
    campaign: Option<(usize, Vec<i128>)>,
    /// How the boot clock of each node stood at its last renewal and at the answer: (true, own).
    server_clock: Option<(u64, u64)>,
    /// The node that was elected last, by term.
    newest_leader: Option<(u64, usize)>,
    /// The newest leader answered, and the missed write is not in its log.
    lost: bool,
    /// What the missed operation asked for.
    missed_request: Option<Request>,
    /// What disks have forgotten: whose, when, in words.
    forgotten: Vec<(usize, u64, String)>,
    /// Whose disk is full.
    full: Vec<bool>,
    done: bool,
}

impl Notes {
    fn new(setup: Arc<Setup>, read: usize, missed: usize) -> Notes {
        let nodes = setup.nodes.len();
        Notes {
            setup,
            read: read as u64,
            missed: missed as u64,
            moments: Vec::new(),
            renewals: vec![None; nodes],
            server: None,
            missed_server: None,
            lease_at_answer: None,
            campaign: None,
            server_clock: None,
            newest_leader: None,
            lost: false,
            missed_request: None,
            forgotten: Vec::new(),
            full: vec![false; nodes],
            done: false,
        }
    }

    fn name(&self, node: usize) -> &str {
        describe::node(&self.setup, node)
    }

    /// What the clock that matters to this form of lease shows, and its base.
    fn shown(&self, clock: &VirtualClock, at: u64) -> (u64, u64) {
        match self.setup.lease.form {
            LeaseForm::Deadline => (clock.wall(at), WALL_BASE),
            LeaseForm::Elapsed => (clock.stamp(at), MONOTONIC_BASE),
        }
    }

    fn moment(&self, world: &dyn ClusterView, what: String, weight: u8) -> Moment {
        let at = world.now();
        let shown = |node| {
            let (now, base) = self.shown(world.clock(node), at);
            reading(now, base)
        };
        let clocks = (0..self.setup.nodes.len()).map(shown).collect();
        Moment { at, clocks, what, weight, order: world.events() }
    }

    fn milestone(&mut self, node: usize, milestone: Milestone, world: &dyn ClusterView) {
        let name = self.name(node).to_owned();
        let (what, weight) = match milestone {
            Milestone::Campaign { term, trial: true } => {
                let wall = |node| i128::from(world.clock(node).wall(world.now())) - i128::from(WALL_BASE);
                let offsets =
                    (0..self.setup.nodes.len()).map(|node| wall(node) - i128::from(world.now())).collect();
                self.campaign = Some((node, offsets));
                (format!("{name}'s promise is over: it asks for pre-votes in term {term}"), 4)
            }
            Milestone::Campaign { term, trial: false } => {
                (format!("{name} asks for votes in term {term}"), 2)
            }
            Milestone::VoteGranted { to, term, trial, transfer } => {
                let kind = match (trial, transfer) {
                    (true, _) => "pre-vote",
                    (false, true) => "transfer vote",
                    (false, false) => "vote",
                };
                (
                    format!("{name} grants {} its {kind} in term {term}", self.name(to)),
                    if trial { 1 } else { 3 },
                )
            }
            Milestone::Elected { term } => {
                self.newest_leader = self.newest_leader.max(Some((term, node)));
                (format!("{name} is elected in term {term}"), 5)
            }
            Milestone::LeaderReady { term } => {
                (format!("{name} can acknowledge writes from here on (term {term})"), 7)
            }
            Milestone::Follows { leader, term } => {
                (format!("{name} follows {} in term {term}", self.name(leader)), 1)
            }
            Milestone::LeaseRenewed { start, end, .. } => {
                self.renewed(node, &start, &end, world);
                return;
            }
            Milestone::LeaseEnded { transfer: true, .. } => {
                (format!("{name} gives up its lease and tells its successor to campaign"), 6)
            }
            Milestone::LeaseEnded { transfer: false, .. } => return,
            Milestone::MembersInForce { index, voters, learners } => {
                let learners =
                    if learners == 0 { String::new() } else { format!(" and {learners} learners") };
                (format!("{name} now goes by {voters} voters{learners} (entry {index})"), 3)
            }
            Milestone::SteppedDown { term, no_quorum, removed } => {
                let why = match (no_quorum, removed) {
                    (true, _) => "no quorum answers",
                    (false, true) => "it was removed",
                    (false, false) if self.full[node] => "its disk is full",
                    (false, false) => "somebody has a higher term",
                };
                (format!("{name} steps down from term {term}: {why}"), 5)
            }
            Milestone::SnapshotInstalled { index, term } => {
                (format!("{name} takes a snapshot of entries 1 to {index} from the leader of term {term}"), 3)
            }
            Milestone::Misbehaviour { peer } => {
                (format!("{name} got from {} what no correct node sends", self.name(peer)), 5)
            }
        };
        let moment = self.moment(world, what, weight);
        self.moments.push(moment);
    }

    fn renewed(
        &mut self,
        node: usize,
        start: &leasehold::time::Reading,
        end: &Alarm,
        world: &dyn ClusterView,
    ) {
        let clock = world.clock(node);
        let counted_from = clock.true_time_of(start.stamp);
        let end_on_clock = match *end {
            Alarm::First { since, span } | Alarm::Last { since, span } => {
                (since.boot().plus(span).0, MONOTONIC_BASE)
            }
            Alarm::WallLatest { deadline, .. } | Alarm::WallEarliest { deadline, .. } => {
                (deadline.0, WALL_BASE)
            }
        };
        let effective = self.setup.nodes[node].lease.effective().as_nanos();
        let facts = LeaseFacts {
            start: counted_from,
            end_on_clock,
            clock_at_answer: (0, 0),
            should_end: counted_from + effective,
        };
        let what = format!(
            "{}'s lease is renewed: counted from {}, it ends when {}'s clock shows {}",
            self.name(node),
            instant(counted_from),
            self.name(node),
            reading(end_on_clock.0, end_on_clock.1)
        );
        let moment = self.moment(world, what, 8);
        self.renewals[node] = Some((moment, facts));
    }

    fn answered(&mut self, node: usize, world: &dyn ClusterView) {
        self.server = Some(node);
        let leads = self.newest_leader.is_some_and(|(_, leader)| leader == node);
        self.lost = leads && self.missed_request.is_some_and(|write| !world.has_in_log(node, &write));
        let shown = self.shown(world.clock(node), world.now());
        self.lease_at_answer =
            self.renewals[node].as_ref().map(|(_, facts)| LeaseFacts { clock_at_answer: shown, ..*facts });
        if let Some((moment, _)) = self.renewals[node].clone() {
            self.moments.push(moment);
        }
        self.server_clock = Some(self.shown(world.clock(node), world.now()));
    }

    fn operation(
        &mut self,
        number: u64,
        world: &dyn ClusterView,
        what: impl FnOnce(&Notes, &str) -> String,
        weight: u8,
    ) {
        let kind = if number == self.read { "the stale read" } else { "the missed operation" };
        let moment = self.moment(world, what(self, kind), weight);
        self.moments.push(moment);
    }

    fn concerns(&self, operation: u64) -> bool {
        operation == self.read || operation == self.missed
    }

    /// The story: sorted, the least important lines left out, lines from long before the last renewal too.
    fn into_story(self, explanation: &Explanation) -> Vec<Moment> {
        let from = explanation.lease.map_or(0, |lease| lease.start.min(explanation.invoked));
        let mut story: Vec<Moment> = self.moments;
        if let Some(lease) = explanation.lease {
            let name = describe::node(&self.setup, explanation.server);
            story.push(Moment {
                at: lease.should_end,
                clocks: Vec::new(),
                what: format!("by true time {name}'s lease should have ended here"),
                weight: 8,
                order: 0,
            });
        }
        story.retain(|moment| moment.at >= from || moment.weight >= 6);
        story.sort_by_key(|moment| (moment.at, moment.order));
        while story.len() > STORY_LINES_MAX {
            let least = story.iter().map(|moment| moment.weight).min().unwrap_or(0);
            let last = story.iter().rposition(|moment| moment.weight == least).unwrap_or(0);
            story.remove(last);
        }
        story
    }
}

impl Observer for Notes {
    fn observe(&mut self, event: &Event<'_, Message>, world: &dyn ClusterView) {
        if self.done {
            return;
        }
        match event.what {
            Happening::Milestone { node, milestone } => self.milestone(node, milestone, world),
            Happening::Fault { fault, undone } => {
                let what = describe::action(&self.setup, &self.setup.faults[fault].action, undone);
                let moment = self.moment(world, what, 6);
                self.moments.push(moment);
            }
            Happening::DiskFull { node } => {
                self.full[node] = true;
                let moment =
                    self.moment(world, format!("{} has no room for what it is to write", self.name(node)), 5);
                self.moments.push(moment);
            }
            Happening::Synced { node, .. } => self.full[node] = false,
            Happening::Ended { node, why } | Happening::Refused { node, why } => {
                let does = match event.what {
                    Happening::Ended { .. } => "ends by itself",
                    _ => "does not start",
                };
                let moment = self.moment(world, format!("{} {does}: {why}", self.name(node)), 6);
                self.moments.push(moment);
            }
            Happening::Forgot { node, what } => {
                self.forgotten.push((node, world.now(), what.to_owned()));
                let words = format!("{} comes back and has forgotten {what}", self.name(node));
                let moment = self.moment(world, words, 8);
                self.moments.push(moment);
            }
            Happening::Started { node, incarnation } if incarnation > 0 => {
                let what = format!("{} is up again", self.name(node));
                let moment = self.moment(world, what, 4);
                self.moments.push(moment);
            }
            Happening::Invoked { operation, node, request, .. } if self.concerns(operation) => {
                if operation == self.missed {
                    self.missed_request = Some(request);
                }
                let asks = match request {
                    Request::Read { key } => format!("read of key {key}"),
                    Request::Write { key, value } => format!("write of {value} to key {key}"),
                    Request::Cas { key, to, .. } => format!("compare-and-set of key {key} to {to}"),
                };
                self.operation(
                    operation,
                    world,
                    |notes, kind| format!("{kind} is invoked: {asks} at {}", notes.name(node)),
                    9,
                );
            }
            Happening::Replied { operation, node, reply } if self.concerns(operation) => {
                if operation == self.read {
                    self.answered(node, world);
                } else {
                    self.missed_server = Some(node);
                }
                let answer = match reply {
                    Reply::Value { value: Some(value), lease: true, .. } => {
                        format!("{value}, under its lease")
                    }
                    Reply::Value { value: Some(value), .. } => format!("{value}"),
                    Reply::Value { value: None, .. } => "that there is no such key".to_owned(),
                    Reply::Done => "that it is done".to_owned(),
                    Reply::NotSwapped => "that it found another value".to_owned(),
                    Reply::Refused | Reply::Unknown => "with an error".to_owned(),
                };
                self.operation(
                    operation,
                    world,
                    |notes, kind| format!("{} answers {kind}: {answer}", notes.name(node)),
                    9,
                );
            }
            Happening::Completed { operation, .. } if self.concerns(operation) => {
                self.operation(operation, world, |_, kind| format!("the client has the answer to {kind}"), 9);
                self.done = operation == self.read;
            }
            _ => {}
        }
    }
}

/// What is to blame, most telling first.
fn blame(setup: &Setup, notes: &Notes, explanation: &Explanation) -> Vec<(Cause, String)> {
    let name = |node| describe::node(setup, node);
    let server = explanation.server;
    let mut why = Vec::new();
    if let Some(broken) = rules::BROKEN.iter().find(|named| named.name == setup.rules) {
        why.push((
            Cause::BrokenRules,
            format!("the nodes follow broken rules ({}): {}", broken.name, broken.what),
        ));
    }
    for (node, at, what) in &notes.forgotten {
        why.push((
            Cause::LyingDisk,
            format!(
                "{}'s disk lied: it had reported as synced what was not there after the crash before {}: {what}",
                name(*node),
                instant(*at)
            ),
        ));
    }
    let lease = &setup.nodes[server].lease;
    let bound = i128::from(lease.election_timeout.as_nanos()) - i128::from(lease.effective().as_nanos());
    match (lease.form, &notes.campaign) {
        (LeaseForm::Deadline, Some((candidate, offsets))) if *candidate != server => {
            let skew = offsets[*candidate] - offsets[server];
            if skew > bound {
                why.push((
                    Cause::Skew,
                    format!(
                        "{}'s clock was {} ahead of {}'s, more than T - (D - s) = {}",
                        name(*candidate),
                        length(skew),
                        name(server),
                        length(bound)
                    ),
                ));
            }
        }
        _ => {}
    }
    if let (LeaseForm::Elapsed, Some((candidate, _))) = (lease.form, &notes.campaign) {
        let fast = setup.nodes[*candidate].clock.rate_ppb;
        if *candidate != server && fast > 0 {
            why.push((
                Cause::FastClock,
                format!("{}'s clock runs at {}: its promise was over early", name(*candidate), rate(fast)),
            ));
        }
    }
    let judged = setup.lease.judge();
    if !judged.safe {
        why.push((Cause::UnsafeSettings, format!("these settings are not safe: {}", judged.reason)));
    }
    if let Some(facts) = explanation.lease {
        let passed = i128::from(explanation.answered) - i128::from(facts.start);
        let effective = i128::from(lease.effective().as_nanos());
        if passed > effective && lease.form == LeaseForm::Elapsed {
            let spec = &setup.nodes[server].clock;
            let clock = match spec.stamp {
                _ if spec.rate_ppb != 0 => format!(" (it runs at {})", rate(spec.rate_ppb)),
                StampSource::Raw => " (the raw clock alone, which stops in suspend)".to_owned(),
                StampSource::Boot => " (the boot clock alone)".to_owned(),
                StampSource::Both => String::new(),
            };
            why.push((Cause::LostTime, format!(
                "{} had passed since {}'s lease began, more than the {} it may last; its clock{clock} had counted less",
                length(passed),
                name(server),
                lease.effective()
            )));
        }
    }
    if let Some(LeadershipChange { new, ready_at, lease_over: Some(over), .. }) = explanation.change {
        let over = match over {
            LeaseOver::At(over) => format!("until {}", instant(over)),
            LeaseOver::Never => "for ever".to_owned(),
        };
        let (new, old) = (name(new), name(server));
        why.push((
            Cause::TwoLeaders,
            format!(
                "{new} could acknowledge writes from {} on, {old} served under its lease {over}",
                instant(ready_at)
            ),
        ));
    }
    why
}
