//! From the round that carries a lease to the vote that ends it, and the split along that way.

use std::collections::BTreeMap;
use std::sync::Arc;

use leasehold::lease::{Ballot, LeaseForm, LeaseRules, SoundRules};
use leasehold::node::Message;
use leasehold::raft::Message as RaftMessage;
use leasehold::time::{Nanos, Span};

use super::clocks::{ClockLog, Level, Mark};
use super::sound::{Accepted, Leadership, Sound};
use super::{Blame, Bond as Bound, Part};
use crate::host::LeaseNode;
use crate::setup::Setup;
use crate::watch::{LeadershipChange, LeaseOver};
use leasehold::raft::Note;
use leasehold_world::{Event, Happening, World};

/// A vote, not a trial.
#[derive(Debug, Clone, Copy)]
struct Vote {
    voter: usize,
    candidate: usize,
    at: u64,
}

/// All that happened on one term's way to a leader.
#[derive(Debug, Clone, Default)]
struct Election {
    votes: Vec<Vote>,
    /// The leader, and when it was elected.
    won: Option<(usize, u64)>,
    /// The old leader asked for it.
    transfer: bool,
}

/// A node's start, and the longest promise that it may have given before.
#[derive(Debug, Clone, Copy)]
struct Start {
    mark: Mark,
    longest: Span,
}

/// The causes of changes of leadership, written down as they happen.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    setup: Arc<Setup>,
    clocks: Vec<ClockLog>,
    elections: BTreeMap<u64, Election>,
    starts: Vec<Vec<Start>>,
    /// The longest promise of each node that it has told anybody of, and the longest it has given.
    promised: Vec<(Span, Span)>,
    /// When each node was last told to campaign.
    told_to_campaign: Vec<Option<u64>>,
}

impl Chain {
    pub(super) fn new(setup: &Arc<Setup>) -> Chain {
        let own = |place: usize| setup.nodes[place].lease.election_timeout;
        let nodes = 0..setup.nodes.len();
        Chain {
            clocks: setup.nodes.iter().map(|node| ClockLog::new(&node.clock)).collect(),
            elections: BTreeMap::new(),
            starts: vec![Vec::new(); setup.nodes.len()],
            promised: nodes.map(|place| (own(place), own(place))).collect(),
            told_to_campaign: vec![None; setup.nodes.len()],
            setup: setup.clone(),
        }
    }

    /// This instant on that node's machine.
    pub(super) fn mark(&self, node: usize, at: u64) -> Mark {
        self.clocks[node].mark(at)
    }

    #[inline]
    pub(super) fn observe(&mut self, event: &Event<'_, Message, Note>, _world: &World<LeaseNode>) {
        let at = event.at;
        match &event.what {
            Happening::Noted { node, note } => self.noted(*node, note, at),
            Happening::Delivered { to, message: Message::Raft(message), .. } => match message {
                RaftMessage::Append(append) => {
                    let (_, given) = &mut self.promised[*to];
                    *given = append.promise.max(*given);
                }
                RaftMessage::TimeoutNow { .. } => self.told_to_campaign[*to] = Some(at),
                _ => {}
            },
            Happening::Sent { from, message: Message::Raft(RaftMessage::AppendReply(_)), .. } => {
                let (told, given) = &mut self.promised[*from];
                *told = *given;
            }
            Happening::Crashed { node } => {
                let (told, given) = &mut self.promised[*node];
                *given = *told;
            }
            Happening::Started { node, .. } => {
                let (longest, _) = self.promised[*node];
                let mark = self.mark(*node, at);
                self.starts[*node].push(Start { mark, longest });
            }
            Happening::Fault { fault, undone } => {
                ClockLog::note(&mut self.clocks, at, &self.setup.faults[*fault], *undone);
            }
            _ => {}
        }
    }

    fn noted(&mut self, node: usize, note: &Note, at: u64) {
        // A candidate votes for itself.
        if let Note::Campaign { term, ballot: Ballot::Vote | Ballot::TransferVote } = note {
            let told = self.told_to_campaign[node] == Some(at);
            let election = self.elections.entry(term.0).or_default();
            election.transfer |= told;
            election.votes.push(Vote { voter: node, candidate: node, at });
        }
        if let Note::VoteGranted { candidate, term, ballot } = note
            && *ballot != Ballot::PreVote
        {
            let election = self.elections.entry(term.0).or_default();
            election.transfer |= *ballot == Ballot::TransferVote;
            election.votes.push(Vote { voter: node, candidate: candidate.index(), at });
        }
        if let Note::Elected { term } = note {
            self.elections.entry(term.0).or_default().won.get_or_insert((node, at));
        }
    }

    /// The first election of a later term that somebody won, who won it and when.
    fn next_election(&self, term: u64) -> Option<(&Election, usize, u64)> {
        let mut later = self.elections.range(term.saturating_add(1)..);
        later.find_map(|(_, election)| election.won.map(|(leader, at)| (election, leader, at)))
    }
}

/// What binds a voter: a round's promise, or another one after a restart.
struct Bond {
    accepted: Accepted,
    voter: usize,
    voted: u64,
    /// The end of the promise on the voter's clocks as they were.
    promised: i128,
    /// The end of what bound it when it voted.
    bound: i128,
}

/// The ends of a lease and of the promise against it, with clocks of one level.
struct Ends<'a> {
    setup: &'a Setup,
    leader: usize,
    carried: Mark,
    leader_clock: ClockLog,
    /// The leader's, without what happened after the lease.
    lease_clock: ClockLog,
}

impl Ends<'_> {
    fn lease(&self, level: Level) -> Option<i128> {
        let start = self.lease_clock.read(level, self.carried);
        let end = SoundRules.lease_end(&self.setup.nodes[self.leader].lease, &start, None)?;
        self.lease_clock.over(level, &end, self.carried).map(i128::from)
    }

    fn promise(&self, level: Level, accepted: &Accepted, clock: &ClockLog) -> Option<i128> {
        let lease = &self.setup.nodes[self.leader].lease;
        let stamp: Option<Nanos> = match lease.form {
            LeaseForm::Elapsed => None,
            LeaseForm::Deadline => {
                self.leader_clock.read(level, accepted.sent).wall.map(|wall| wall.earliest())
            }
        };
        let received = clock.read(level, accepted.received).stamp;
        let end = SoundRules.promise_end(received, stamp, lease.election_timeout);
        clock.first(level, &end, accepted.received).map(i128::from)
    }
}

/// Adds up parts.
#[derive(Default)]
struct Sheet {
    parts: BTreeMap<Part, i128>,
    bond: Option<Bound>,
}

impl Sheet {
    fn add(&mut self, part: Part, nanos: i128) {
        *self.parts.entry(part).or_insert(0) += nanos;
    }

    /// `None` unless slack and parts are the margin, to the nanosecond.
    fn close(self, slack: i128, margin: i128) -> Option<Blame> {
        if slack + self.parts.values().sum::<i128>() != margin {
            return None;
        }
        let parts = self.parts.into_iter().filter(|(_, nanos)| *nanos != 0);
        let parts = parts.map(|(part, nanos)| Some((part, i64::try_from(nanos).ok()?)));
        Some(Blame {
            slack_ns: i64::try_from(slack).ok()?,
            parts: parts.collect::<Option<_>>()?,
            bond: self.bond,
        })
    }
}

/// Splits one margin. `sound`: when the lease would have been over under the sound rules; `None` if there would have been
/// none.
pub(super) fn split(
    setup: &Setup,
    chain: &Chain,
    leases: &Sound,
    change: &LeadershipChange,
    sound: Option<LeaseOver>,
) -> Option<Blame> {
    let ((leader, term), Some(LeaseOver::At(over))) = (change.old?, change.lease_over) else { return None };
    let (ready, over) = (i128::from(change.ready_at), i128::from(over));
    let margin = ready - over;
    let lease = &setup.nodes[leader].lease;
    let timeout = i128::from(lease.election_timeout.as_nanos());
    let slack = timeout - i128::from(lease.effective().as_nanos());
    let mut sheet = Sheet::default();

    let led = leases.leadership(leader, term);
    let (Some(led), Some(LeaseOver::At(sound_over))) = (led, sound) else {
        // The sound rules would have given no lease at all.
        sheet.add(Part::Rule, margin - slack);
        return sheet.close(slack, margin);
    };
    let (Some(carried), Some((election, winner, won))) = (led.carried, chain.next_election(term)) else {
        return sheet.close(slack, margin);
    };
    sheet.add(Part::Rule, i128::from(sound_over) - over);
    let ends = Ends {
        setup,
        leader,
        carried,
        leader_clock: chain.clocks[leader].clone(),
        lease_clock: chain.clocks[leader].until(sound_over),
    };
    let sound_over = i128::from(sound_over);
    let voters = election.votes.iter().filter(|vote| vote.candidate == winner && vote.at <= won);
    let bonds = voters.clone().filter(|vote| vote.voter != leader);
    let bonds = bonds.filter_map(|vote| bond(chain, led, &ends, vote));
    // Who was bound longest; of equals the first in the list of nodes.
    let bond = bonds.min_by_key(|bond| (std::cmp::Reverse(bond.bound), bond.voter));
    let waived = |sheet: &mut Sheet, wait: i128| {
        let part = match () {
            () if wait >= 0 => Part::Messages,
            () if election.transfer => Part::HandOver,
            // A vote before the promise was over.
            () => Part::Rule,
        };
        sheet.add(part, wait);
    };
    let Some(bond) = bond else {
        // The old leader alone has carried the lease and votes: its promise is its lease.
        if let Some(vote) = voters.clone().find(|vote| vote.voter == leader) {
            let voted = i128::from(vote.at);
            let natural = ends.lease(Level::ALL)?;
            // A lease that the vote itself ended was running when it was granted.
            let bound = if voted == sound_over { natural.max(sound_over) } else { sound_over };
            sheet.add(Part::EndedEarly, bound - sound_over);
            waived(&mut sheet, voted - bound);
            sheet.add(Part::Messages, ready - voted);
            return sheet.close(0, margin);
        }
        return sheet.close(slack, margin);
    };
    let lease_over = clock_parts(chain, &ends, &bond, &mut sheet)?;
    sheet.bond = u64::try_from(bond.bound).ok().map(|promise_over| Bound {
        voter: bond.voter,
        sent: bond.accepted.sent.at,
        received: bond.accepted.received.at,
        promise_over,
        voted: bond.voted,
    });
    sheet.add(Part::Messages, -timeout);
    let early = lease_over - sound_over;
    // Over before it began, a lease is counted as over when its acknowledgements came.
    let early_part = match () {
        () if led.stillborn => Part::Messages,
        // It ran longer than its holder's clocks say.
        () if early < 0 => Part::Rule,
        () if led.handed_over => Part::HandOver,
        () => Part::EndedEarly,
    };
    sheet.add(early_part, early);
    sheet.add(Part::Restart, bond.bound - bond.promised);
    let voted = i128::from(bond.voted);
    waived(&mut sheet, voted - bond.bound);
    sheet.add(Part::Messages, ready - voted);
    sheet.close(slack, margin)
}

/// What clocks did to the promise and to the lease, and how long after the lease's round a perfect promise would have ended.
/// Gives the end of the sound lease on its holder's clocks as they were.
fn clock_parts(chain: &Chain, ends: &Ends<'_>, bond: &Bond, sheet: &mut Sheet) -> Option<i128> {
    let clock = chain.clocks[bond.voter].until(bond.voted);
    let at = |level: Level| Some((ends.promise(level, &bond.accepted, &clock)?, ends.lease(level)?));
    let mut before = at(Level::PERFECT)?;
    sheet.add(Part::Messages, before.0 - i128::from(ends.carried.at));
    for (place, part) in Part::CLOCKS.into_iter().enumerate() {
        let now = at(Level(place + 1))?;
        sheet.add(part, (now.0 - before.0) - (now.1 - before.1));
        before = now;
    }
    Some(before.1)
}

/// What bound this voter, if it has accepted a round that carries the lease.
fn bond(chain: &Chain, led: &Leadership, ends: &Ends<'_>, vote: &Vote) -> Option<Bond> {
    let accepted = *led.newest_accepted(vote.voter, vote.at)?;
    let clock = chain.clocks[vote.voter].until(vote.at);
    let promised = ends.promise(Level::ALL, &accepted, &clock)?;
    let start = chain.starts[vote.voter].iter().rev().find(|start| start.mark.at <= vote.at)?;
    let started = clock.read(Level::ALL, start.mark).stamp;
    let restart = SoundRules
        .promise_after_restart(started, start.longest)
        .and_then(|end| clock.first(Level::ALL, &end, start.mark))
        .map(i128::from)?;
    let forgot = start.mark.at > accepted.received.at;
    let bound = if forgot { restart } else { promised.max(restart) };
    Some(Bond { accepted, voter: vote.voter, voted: vote.at, promised, bound })
}
