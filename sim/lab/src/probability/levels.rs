//! How far a run has come on its way to a stale read.

use leasehold::lease::Ballot;
use leasehold::node::Message;
use leasehold::raft;
use leasehold::time::Alarm;

use leasehold::raft::Note;
use leasehold_run::host::LeaseNode;
use leasehold_run::setup::Setup;
use leasehold_world::{Event, Happening, LossCause, Reader, Reply, World};

/// What has to happen, in this order, while the old leader's lease runs. Between "the challenger's timer fires" and "the
/// challenger may acknowledge writes" there is one message each.
pub const LEVELS: [&str; 12] = [
    "any run",
    "the old leader is cut off",
    "the challenger's timer fires",
    "a pre-vote is granted",
    "votes are asked for",
    "a vote is granted",
    "the challenger is elected",
    "a follower has its first append",
    "the challenger may acknowledge writes",
    "it acknowledges one",
    "the old leader answers a read after that",
    "the event itself",
];

/// How far a run has come. Greater is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Score {
    /// A place in [`LEVELS`].
    pub(super) level: usize,
    /// What was left of the old lease when it came there, ns: the greater it is, the more lucky delays are not needed.
    left: u64,
}

impl Score {
    /// The event has happened.
    pub(super) const EVENT: Score = Score { level: LEVELS.len() - 1, left: 0 };
}

/// Follows a run and scores it.
#[derive(Debug, Clone)]
pub(super) struct Scorer {
    voters: usize,
    leases: Vec<Option<(u64, Alarm)>>,
    /// The term in which each node may acknowledge writes.
    ready: Vec<Option<u64>>,
    /// Somebody has acknowledged a write while an older lease ran.
    acknowledged: bool,
    best: Score,
}

impl Scorer {
    pub(super) fn new(setup: &Setup) -> Scorer {
        let nodes = setup.nodes.len();
        Scorer {
            voters: setup.cluster.voters,
            leases: vec![None; nodes],
            ready: vec![None; nodes],
            acknowledged: false,
            best: Score::default(),
        }
    }

    /// The best so far.
    pub(super) fn best(&self) -> Score {
        self.best
    }

    /// What is left of the longest lease of an earlier term than `term` that another node holds, once enough others may
    /// vote for `node`, ns.
    fn left(&self, node: usize, term: u64, world: &World<LeaseNode>) -> Option<u64> {
        let others = (0..self.leases.len()).filter(|other| *other != node);
        let left = others.filter_map(|other| {
            let (_, end) = self.leases[other].filter(|(of, _)| *of < term)?;
            let over = world.clock(other).first_at(&end, world.now()).unwrap_or(u64::MAX);
            let from = self.votes_from(node, other, world);
            (over > world.now()).then(|| over.saturating_sub(from))
        });
        left.max()
    }

    /// From when on enough others may vote for `challenger`, `holder` left out: now, or when the promises of so many are over.
    /// A question that comes before is asked in vain.
    fn votes_from(&self, challenger: usize, holder: usize, world: &World<LeaseNode>) -> u64 {
        let now = world.now();
        let others = (0..self.voters).filter(|voter| ![challenger, holder].contains(voter));
        let free = others.map(|voter| {
            let Some(node) = world.process(voter).raft() else { return u64::MAX };
            let ends = node.promise_ends();
            ends.into_iter()
                .map(|end| world.clock(voter).first_at(&end, now).unwrap_or(u64::MAX))
                .fold(now, u64::max)
        });
        let mut free: Vec<u64> = free.collect();
        free.sort_unstable();
        // A majority, and the challenger votes for itself.
        (self.voters / 2).checked_sub(1).map_or(now, |last| free.get(last).copied().unwrap_or(u64::MAX))
    }

    fn reach(&mut self, level: usize, left: Option<u64>) {
        if let Some(left) = left {
            self.best = self.best.max(Score { level, left });
        }
    }

    fn noted(&mut self, node: usize, note: Note, world: &World<LeaseNode>) {
        if let Note::LeaseRenewed { term, end, .. } = note {
            self.leases[node] = Some((term.0, end));
        }
        if let Note::LeaseEnded { .. } = note {
            self.leases[node] = None;
        }
        if let Note::Campaign { term, ballot } = note {
            let level = if ballot == Ballot::PreVote { 2 } else { 4 };
            self.reach(level, self.left(node, term.0, world));
        }
        if let Note::VoteGranted { candidate, term, ballot } = note
            && candidate.index() != node
        {
            let level = if ballot == Ballot::PreVote { 3 } else { 5 };
            self.reach(level, self.left(candidate.index(), term.0, world));
        }
        if let Note::Elected { term } = note {
            self.reach(6, self.left(node, term.0, world));
        }
        if let Note::LeaderReady { term, .. } = note {
            self.ready[node] = Some(term.0);
            self.reach(8, self.left(node, term.0, world));
        }
        if let Note::SteppedDown { .. } = note {
            self.ready[node] = None;
        }
    }
}

impl Reader<LeaseNode> for Scorer {
    fn read(&mut self, event: &Event<'_, Message, Note>, world: &World<LeaseNode>) {
        match event.what {
            Happening::Noted { node, note } => self.noted(node, note, world),
            Happening::Lost { from, cause: LossCause::Partition, .. }
                if self.best.level == 0 && self.leases[from].is_some() =>
            {
                self.reach(1, Some(0));
            }
            Happening::Delivered { from, message: Message::Raft(raft::Message::Append(append)), .. }
                if self.best.level == 6 =>
            {
                self.reach(7, self.left(from, append.term.0, world));
            }
            Happening::Crashed { node } => {
                self.leases[node] = None;
                self.ready[node] = None;
            }
            Happening::Replied { node, reply: Reply::Done, .. } if self.best.level >= 8 => {
                if let Some(left) = self.ready[node].and_then(|term| self.left(node, term, world)) {
                    self.acknowledged = true;
                    self.reach(9, Some(left));
                }
            }
            Happening::Replied { node, reply: Reply::Value { lease: true, .. }, .. }
                if self.acknowledged && self.best.level < 10 && self.leases[node].is_some() =>
            {
                self.reach(10, Some(0));
            }
            _ => {}
        }
    }
}
