//! What is noted while a run is played again: the lines of its story, and what tells why a read in it was stale.

use crate::faults;
use std::sync::Arc;

use leasehold::lease::{Ballot, LeaseForm};
use leasehold::time::Alarm;

use super::{Explanation, LeaseFacts, Moment, MomentKind, STORY_LINES_MAX};
use crate::describe;
use crate::display::{instant, reading};
use crate::guest;
use crate::hosted::Hosted;
use crate::setup::Setup;
use leasehold::raft::{LeaseEndCause, Note, StepDownCause};
use leasehold_world::{Event, Happening, Reader, Reply, Request, VirtualClock, WALL_BASE, World};

/// Whoever takes notes while the run is played again.
pub(super) struct Notes {
    setup: Arc<Setup>,
    read: u64,
    missed: u64,
    moments: Vec<Moment>,
    /// The latest renewal of each node's lease, as a line of its own.
    renewals: Vec<Option<(Moment, LeaseFacts)>>,
    pub(super) server: Option<usize>,
    pub(super) missed_server: Option<usize>,
    pub(super) lease_at_answer: Option<LeaseFacts>,
    /// Offsets of the wall clocks from true time when the candidate of the last election campaigned.
    pub(super) campaign: Option<(usize, Vec<i128>)>,
    /// How the boot clock of each node stood at its last renewal and at the answer: (true, own).
    server_clock: Option<(u64, u64)>,
    /// The node that was elected last, by term.
    newest_leader: Option<(u64, usize)>,
    /// The newest leader answered, and the missed write is not in its log.
    pub(super) lost: bool,
    /// What the missed operation asked for.
    missed_request: Option<Request>,
    /// What disks have forgotten: whose, when, in words.
    pub(super) forgotten: Vec<(usize, u64, String)>,
    /// Nothing is noted after this true time, ns.
    until: u64,
    done: bool,
}

impl Notes {
    pub(super) fn new(setup: Arc<Setup>, read: usize, missed: usize) -> Notes {
        Notes::of(setup, read as u64, missed as u64, u64::MAX)
    }

    /// Notes on a run until that true time, ns, of which no read is told.
    pub(super) fn until(setup: Arc<Setup>, until: u64) -> Notes {
        Notes::of(setup, u64::MAX, u64::MAX, until)
    }

    fn of(setup: Arc<Setup>, read: u64, missed: u64, until: u64) -> Notes {
        let nodes = setup.nodes.len();
        Notes {
            setup,
            read,
            missed,
            until,
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
            LeaseForm::Elapsed => (clock.stamp(at), clock.stamp_base()),
        }
    }

    fn moment<P: Hosted>(
        &self,
        world: &World<P>,
        (kind, node): (MomentKind, Option<usize>),
        what: String,
        weight: u8,
    ) -> Moment {
        let at = world.now();
        let shown = |node| {
            let (now, base) = self.shown(world.clock(node), at);
            reading(now, base)
        };
        let clocks = (0..self.setup.nodes.len()).map(shown).collect();
        Moment { at, clocks, what, kind, node, operation: None, weight, order: world.events() }
    }

    fn noted<P: Hosted>(&mut self, node: usize, note: Note, world: &World<P>) {
        let name = self.name(node).to_owned();
        let (what, weight) = match note {
            Note::Campaign { term, ballot } if ballot == Ballot::PreVote || self.setup.guest.is_some() => {
                let wall = |node| i128::from(world.clock(node).wall(world.now())) - i128::from(WALL_BASE);
                let offsets =
                    (0..self.setup.nodes.len()).map(|node| wall(node) - i128::from(world.now())).collect();
                self.campaign = Some((node, offsets));
                match ballot {
                    Ballot::PreVote => {
                        (format!("{name}'s promise is over: it asks for pre-votes in term {term}"), 4)
                    }
                    Ballot::Vote | Ballot::TransferVote => {
                        (format!("{name} asks for votes in term {term}"), 4)
                    }
                }
            }
            Note::Campaign { term, .. } => (format!("{name} asks for votes in term {term}"), 2),
            Note::VoteGranted { candidate, term, ballot } => {
                let (kind, weight) = match ballot {
                    Ballot::PreVote => ("pre-vote", 1),
                    Ballot::TransferVote => ("transfer vote", 3),
                    Ballot::Vote => ("vote", 3),
                };
                (format!("{name} grants {} its {kind} in term {term}", self.name(candidate.index())), weight)
            }
            Note::Elected { term } => {
                self.newest_leader = self.newest_leader.max(Some((term.0, node)));
                (format!("{name} is elected in term {term}"), 5)
            }
            Note::LeaderReady { term, .. } => {
                (format!("{name} can acknowledge writes from here on (term {term})"), 7)
            }
            Note::Follows { leader, term } => {
                (format!("{name} follows {} in term {term}", self.name(leader.index())), 1)
            }
            Note::LeaseRenewed { start, end, .. } => {
                self.renewed(node, &start, &end, world);
                return;
            }
            Note::LeaseEnded { cause: LeaseEndCause::Transfer, .. } => {
                (format!("{name} gives up its lease and tells its successor to campaign"), 6)
            }
            // The stepping down, or the agreement on other lengths, is told instead.
            Note::LeaseEnded { .. } | Note::LengthsInForce { .. } | Note::PromiseDiffers { .. } => return,
            // The start that it follows is told.
            Note::VotesWithheld { .. } => return,
            Note::MembersInForce { index, voters, learners } => {
                let learners =
                    if learners == 0 { String::new() } else { format!(" and {learners} learners") };
                (format!("{name} now goes by {voters} voters{learners} (entry {index})"), 3)
            }
            Note::SteppedDown { term, cause } => {
                let why = match cause {
                    StepDownCause::NoQuorum => "no quorum answers",
                    StepDownCause::Removed => "it was removed",
                    StepDownCause::StorageFull => "its disk is full",
                    StepDownCause::HigherTerm => "somebody has a higher term",
                };
                (format!("{name} steps down from term {term}: {why}"), 5)
            }
            Note::EntriesLost { peer, index } => {
                let peer = self.name(peer.index());
                (
                    format!(
                        "{name} sees that {peer} has lost entries that it had acknowledged (up to {index})"
                    ),
                    3,
                )
            }
            Note::StateDiffers { peer, index } => {
                (format!("{name}'s state at entry {index} is not that of {}", self.name(peer.index())), 3)
            }
            Note::SlowDisk { waited } => (format!("{name}'s vote has waited {waited} for its disk"), 2),
            Note::SnapshotInstalled { index, term } => {
                (format!("{name} takes a snapshot of entries 1 to {index} from the leader of term {term}"), 3)
            }
            Note::Misbehaviour { peer, .. } => {
                (format!("{name} got from {} what no correct node sends", self.name(peer.index())), 5)
            }
        };
        let moment = self.moment(world, (kind_of(&note), Some(node)), what, weight);
        self.moments.push(moment);
    }

    fn renewed<P: Hosted>(
        &mut self,
        node: usize,
        start: &leasehold::time::Reading,
        end: &Alarm,
        world: &World<P>,
    ) {
        let clock = world.clock(node);
        let counted_from = clock.true_time_of(start.stamp);
        let end_on_clock = match *end {
            Alarm::First { since, span } => (since.boot().plus(span).0, clock.stamp_base()),
            // A guest's lease may end by one of the two clocks.
            Alarm::Last { since, span } => (since.raw().max(since.boot()).plus(span).0, clock.stamp_base()),
            Alarm::WallLatest { deadline, .. } | Alarm::WallEarliest { deadline, .. } => {
                (deadline.0, WALL_BASE)
            }
        };
        let effective = match self.setup.guest {
            None => self.setup.nodes[node].lease.effective(),
            Some(_) => guest::lease_length(start, end),
        };
        let facts = LeaseFacts {
            start: counted_from,
            end_on_clock,
            clock_at_answer: (0, 0),
            should_end: counted_from.saturating_add(effective.as_nanos()),
        };
        let what = format!(
            "{}'s lease is renewed: counted from {}, it ends when {}'s clock shows {}",
            self.name(node),
            instant(counted_from),
            self.name(node),
            reading(end_on_clock.0, end_on_clock.1)
        );
        let moment = self.moment(world, (MomentKind::LeaseRenewed, Some(node)), what, 8);
        self.renewals[node] = Some((moment, facts));
    }

    fn answered<P: Hosted>(&mut self, node: usize, world: &World<P>) {
        self.server = Some(node);
        let leads = self.newest_leader.is_some_and(|(_, leader)| leader == node);
        self.lost = leads && self.missed_request.is_some_and(|write| !world.process(node).has_in_log(&write));
        let shown = self.shown(world.clock(node), world.now());
        self.lease_at_answer =
            self.renewals[node].as_ref().map(|(_, facts)| LeaseFacts { clock_at_answer: shown, ..*facts });
        if let Some((moment, _)) = self.renewals[node].clone() {
            self.moments.push(moment);
        }
        self.server_clock = Some(self.shown(world.clock(node), world.now()));
    }

    fn operation<P: Hosted>(
        &mut self,
        number: u64,
        world: &World<P>,
        (step, node): (usize, Option<usize>),
        what: impl FnOnce(&Notes, &str) -> String,
    ) {
        let (name, kinds) = if number == self.read {
            ("the stale read", [MomentKind::ReadAsked, MomentKind::ReadAnswered, MomentKind::ReadKnown])
        } else {
            (
                "the missed operation",
                [MomentKind::MissedAsked, MomentKind::MissedAnswered, MomentKind::MissedKnown],
            )
        };
        let moment = self.moment(world, (kinds[step], node), what(self, name), 9);
        self.moments.push(Moment { operation: Some(number), ..moment });
    }

    fn concerns(&self, operation: u64) -> bool {
        operation == self.read || operation == self.missed
    }

    /// The last lease that a node renewed, with the line about it; it joins the story.
    pub(super) fn last_lease(&mut self, node: usize) -> Option<LeaseFacts> {
        let (moment, facts) = self.renewals[node].clone()?;
        self.moments.push(moment);
        Some(facts)
    }

    /// The story of a stale read.
    pub(super) fn into_story(self, explanation: &Explanation) -> Vec<Moment> {
        let from = explanation.lease.map_or(0, |lease| lease.start.min(explanation.invoked));
        self.story(from, explanation.server, explanation.lease)
    }

    /// The story: sorted, the least important lines left out, lines from long before `from` too. `lease` is that of
    /// `server`.
    pub(super) fn story(self, from: u64, server: usize, lease: Option<LeaseFacts>) -> Vec<Moment> {
        let mut story: Vec<Moment> = self.moments;
        if let Some(lease) = lease {
            let name = describe::node(&self.setup, server);
            story.push(Moment {
                at: lease.should_end,
                clocks: Vec::new(),
                what: format!("by true time {name}'s lease should have ended here"),
                kind: MomentKind::LeaseShouldEnd,
                node: Some(server),
                operation: None,
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

/// What kind of thing a note tells.
fn kind_of(note: &Note) -> MomentKind {
    match note {
        Note::Campaign { .. } => MomentKind::Campaign,
        Note::VoteGranted { .. } => MomentKind::Vote,
        Note::Elected { .. } => MomentKind::Elected,
        Note::LeaderReady { .. } => MomentKind::Ready,
        Note::Follows { .. } => MomentKind::Follows,
        Note::LeaseRenewed { .. } => MomentKind::LeaseRenewed,
        Note::LeaseEnded { .. } => MomentKind::LeaseGivenUp,
        Note::SteppedDown { .. } => MomentKind::SteppedDown,
        Note::LengthsInForce { .. }
        | Note::MembersInForce { .. }
        | Note::PromiseDiffers { .. }
        | Note::VotesWithheld { .. }
        | Note::SlowDisk { .. }
        | Note::SnapshotInstalled { .. }
        | Note::EntriesLost { .. }
        | Note::StateDiffers { .. }
        | Note::Misbehaviour { .. } => MomentKind::Other,
    }
}

impl<P: Hosted> Reader<P> for Notes {
    fn read(&mut self, event: &Event<'_, P::Message, Note>, world: &World<P>) {
        if self.done || event.at > self.until {
            return;
        }
        match event.what {
            Happening::Noted { node, note } => self.noted(node, note, world),
            Happening::Fault { fault, undone } => {
                let what = faults::action(&self.setup, &self.setup.faults[fault].action, undone);
                let node = faults::touched(&self.setup, &self.setup.faults[fault].action).0.first().copied();
                let moment = self.moment(world, (MomentKind::Fault, node), what, 6);
                self.moments.push(moment);
            }
            Happening::DiskFull { node } => {
                let words = format!("{} has no room for what it is to write", self.name(node));
                let moment = self.moment(world, (MomentKind::Process, Some(node)), words, 5);
                self.moments.push(moment);
            }
            Happening::Ended { node, why } | Happening::Refused { node, why } => {
                let does = match event.what {
                    Happening::Ended { .. } => "ends by itself",
                    _ => "does not start",
                };
                let words = format!("{} {does}: {why}", self.name(node));
                let moment = self.moment(world, (MomentKind::Process, Some(node)), words, 6);
                self.moments.push(moment);
            }
            Happening::Forgot { node, what } => {
                self.forgotten.push((node, world.now(), what.to_owned()));
                let words = format!("{} comes back and has forgotten {what}", self.name(node));
                let moment = self.moment(world, (MomentKind::Process, Some(node)), words, 8);
                self.moments.push(moment);
            }
            Happening::Started { node, incarnation } if incarnation > 0 => {
                let what = format!("{} is up again", self.name(node));
                let moment = self.moment(world, (MomentKind::Process, Some(node)), what, 4);
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
                self.operation(operation, world, (0, None), |notes, kind| {
                    format!("{kind} is invoked: {asks} at {}", notes.name(node))
                });
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
                self.operation(operation, world, (1, Some(node)), |notes, kind| {
                    format!("{} answers {kind}: {answer}", notes.name(node))
                });
            }
            Happening::Completed { operation, .. } if self.concerns(operation) => {
                self.operation(operation, world, (2, None), |_, kind| {
                    format!("the client has the answer to {kind}")
                });
                self.done = operation == self.read;
            }
            _ => {}
        }
    }
}
