//! What a leader has to show for its lease and for what it commits: rounds that it sent, and what came back.

use std::collections::BTreeMap;

use leasehold::lease::{LeaseForm, LeaseRules, LeaseSettings, SoundRules};
use leasehold::node::Node;
use leasehold::raft::{
    Append, AppendOutcome, AppendReply, Configuration, Index, Lease, NodeId, Raft, Role, Term,
};
use leasehold::time::{Alarm, Reading, Span, Wall};

/// See the [module](self).
#[derive(Default)]
pub(super) struct Leading {
    /// The term of what follows.
    term: Term,
    /// Rounds that it sent, the reading at which each was, and whether it asked for promises.
    sent: BTreeMap<u64, (Reading, bool)>,
    /// The newest round that was sent to each.
    sent_to: BTreeMap<NodeId, u64>,
    /// The newest of them that each voter has acknowledged.
    acknowledged: BTreeMap<NodeId, u64>,
    /// What each says that it has stored of this leader's log.
    stored: BTreeMap<NodeId, Index>,
    /// The newest round when its members changed.
    configured_round: u64,
    /// The lease that was looked at last.
    seen_lease: Option<Lease>,
    /// TimeoutNow was sent in this term.
    transferred_in: Option<Term>,
}

impl Leading {
    pub(super) fn term(&self) -> Term {
        self.term
    }

    /// The newest round.
    pub(super) fn round(&self) -> u64 {
        self.sent.last_key_value().map_or(0, |(round, _)| *round)
    }

    pub(super) fn sends(&mut self, to: NodeId, append: &Append, now: &Reading) {
        if append.term != self.term {
            assert!(append.term > self.term, "it leads no earlier term");
            self.term = append.term;
            self.sent.clear();
            self.sent_to.clear();
            self.acknowledged.clear();
            self.stored.clear();
            self.configured_round = 0;
        }
        self.sent.entry(append.round).or_insert((*now, append.promise > Span::ZERO));
        self.sent_to.insert(to, append.round);
    }

    /// Its members have changed.
    pub(super) fn configured(&mut self) {
        self.configured_round = self.round();
    }

    pub(super) fn configured_round(&self) -> u64 {
        self.configured_round
    }

    pub(super) fn has_told(&self, term: Term) -> bool {
        self.transferred_in == Some(term)
    }

    pub(super) fn tells_to_campaign(&mut self, term: Term) {
        self.transferred_in = Some(term);
    }

    /// An answer to a round is about to be handled.
    pub(super) fn answered<R: LeaseRules>(&mut self, raft: &Raft<R>, from: NodeId, reply: &AppendReply) {
        let possible = raft.role() == Role::Leader
            && reply.term == raft.term()
            && self.term == reply.term
            && from != raft.id()
            && self.sent_to.get(&from).is_some_and(|latest| reply.round <= *latest);
        if !possible || reply.outcome == AppendOutcome::StaleTerm {
            return;
        }
        if let AppendOutcome::Accepted { matched } = reply.outcome {
            self.has_stored(raft, from, matched);
        }
        if raft.configuration().is_voter(from) {
            let round = self.acknowledged.entry(from).or_default();
            *round = reply.round.max(*round);
        }
    }

    pub(super) fn has_stored<R: LeaseRules>(&mut self, raft: &Raft<R>, node: NodeId, index: Index) {
        if raft.role() == Role::Leader && self.term == raft.term() && index <= raft.log().last_index() {
            let stored = self.stored.entry(node).or_default();
            *stored = index.max(*stored);
        }
    }

    /// The newest round that a majority has acknowledged.
    pub(super) fn confirmed(&self, own: NodeId, configuration: &Configuration) -> Option<u64> {
        let voters = self.acknowledged.iter().filter(|(node, _)| configuration.is_voter(**node));
        let mut rounds: Vec<u64> = voters.map(|(_, round)| *round).collect();
        rounds.sort_unstable_by(|a, b| b.cmp(a));
        // The leader is one of the majority itself, unless it is being removed.
        let others = configuration.majority() - usize::from(configuration.is_voter(own));
        match others {
            0 => Some(u64::MAX),
            _ => rounds.get(others - 1).copied(),
        }
    }

    /// A leader has committed up to `commit`: a majority has stored that, and it is of its own term.
    pub(super) fn check_commit<R: LeaseRules>(
        &self,
        raft: &Raft<R>,
        configuration: &Configuration,
        synced: Index,
    ) {
        let commit = raft.commit();
        assert_eq!(
            raft.log().term_at(commit),
            Some(raft.term()),
            "it counts for entries of its own term only"
        );
        let held = |node: &NodeId| match *node == raft.id() {
            true => synced,
            false => self.stored.get(node).copied().unwrap_or_default(),
        };
        let holders = configuration.voting_nodes().filter(|node| held(node) >= commit).count();
        assert!(holders >= configuration.majority(), "{holders} have stored what is committed");
    }

    /// A lease rests on a round that was sent in this term and that a majority has acknowledged since, and on no later
    /// instant than that of its sending. `in_force` were in force one after the other while the input was handled.
    pub(super) fn check_lease<R: LeaseRules>(
        &mut self,
        node: &Node<R>,
        in_force: impl Iterator<Item = LeaseSettings>,
    ) {
        let raft = node.raft();
        let before = std::mem::replace(&mut self.seen_lease, raft.lease().copied());
        let Some(lease) = raft.lease() else {
            return;
        };
        assert_eq!(raft.role(), Role::Leader);
        assert_ne!(self.transferred_in, Some(raft.term()), "no lease after a transfer");
        let settings = &raft.settings().lease;
        let (Alarm::First { span, .. } | Alarm::WallLatest { span, .. }) = lease.end else {
            panic!("a lease ends by {:?}", lease.end);
        };
        assert!(span <= settings.effective(), "no lease is longer than what is in force");
        // One that was granted under other members, or shorter lengths, stays until it runs out.
        if before == Some(*lease) {
            return;
        }
        // Its acknowledgement may be what put other lengths in force, several of them if it commits several entries.
        let ends: Vec<_> =
            in_force.filter_map(|settings| SoundRules.lease_end(&settings, &lease.start, None)).collect();
        assert!(ends.contains(&lease.end), "{lease:?} ends as it should: {ends:?}");
        // It may have been cut short.
        if raft.leads_alone() || before.is_some_and(|before| before.start == lease.start) {
            return;
        }
        assert_eq!(self.term, raft.term());
        let confirmed = self.confirmed(raft.id(), raft.configuration());
        let confirmed = confirmed.expect("a majority has acknowledged something");
        // A round that went to nobody is older than the next one that did. The leader's own disk may be behind the round.
        let (newest, _) =
            self.sent.range(confirmed..).next().expect("nobody acknowledges more than was sent");
        let wall = |reading: &Reading| reading.wall.map(Wall::earliest);
        let earlier = |sent: &Reading| {
            // What a round without a stamp asks for is measured on monotonic clocks, which the lease ends by as well.
            let by_wall = settings.form == LeaseForm::Deadline && sent.wall.is_some();
            lease.start.stamp.raw() <= sent.stamp.raw()
                && lease.start.stamp.boot() <= sent.stamp.boot()
                && (!by_wall || wall(&lease.start) <= wall(sent))
        };
        let known = self.sent.range(..=newest).any(|(_, (sent, asked))| *asked && earlier(sent));
        assert!(known, "{lease:?} is counted from no later than the sending of round {confirmed}");
    }
}
