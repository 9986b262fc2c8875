//! Elections: pre-vote, vote, and when both are withheld (Raft paper, section 5.2; dissertation, sections 4.2.3, 9.6).

use super::state::{Context, Raft};
use super::{Message, Name, NodeId, Note, Role, Term, VoteReply, VoteRequest};
use crate::lease::{Ballot, LeaseRules};
use crate::time::{Alarm, Reading, Span, Stamp};

/// A wait for a winner doubles with each election that nobody won, up to 2 to the power of this.
const DOUBLINGS_MAX: u32 = 4;

/// A leader that was heard no longer ago than so many heartbeats is believed to be there.
const HEARD_HEARTBEATS_MAX: u64 = 3;

/// The votes a candidate has got.
#[derive(Debug, Clone, Default)]
pub(super) struct Votes {
    ballot: Option<Ballot>,
    granted: Vec<NodeId>,
    /// The own vote counts once it is on stable storage.
    own_vote_ticket: u64,
}

impl Votes {
    fn asked(ballot: Ballot, own_vote_ticket: u64) -> Votes {
        Votes { ballot: Some(ballot), granted: Vec::new(), own_vote_ticket }
    }

    fn grant(&mut self, voter: NodeId) {
        if !self.granted.contains(&voter) {
            self.granted.push(voter);
        }
    }
}

/// Elections that this node has voted in, for itself or for another one, and that nobody has won as far as it knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Elections {
    /// How many since it knew a leader.
    lost: u32,
    /// Its vote, until that is on stable storage.
    unstored: Option<UnstoredVote>,
}

/// A vote that is not on stable storage yet: nobody can know of it.
#[derive(Debug, Clone, Copy)]
struct UnstoredVote {
    ticket: u64,
    since: Stamp,
    /// For how long the winner is waited for once it is stored, jitter not included.
    patience: Span,
    /// The slow disk has been told of.
    told: bool,
}

/// A leader that this node does not hear, as somebody else has told.
#[derive(Debug, Clone)]
pub(super) struct Rumour {
    leader: Name,
    by: NodeId,
    told: Stamp,
}

impl Elections {
    /// Somebody leads.
    pub(super) fn won(&mut self) {
        self.lost = 0;
    }
}

impl<R: LeaseRules> Raft<R> {
    /// No leader has been heard for long enough.
    #[cold]
    pub(super) fn election_is_due(&mut self, cx: &mut Context<'_>) {
        if self.role == Role::Leader || !self.may_campaign() {
            return;
        }
        if self.storage_full {
            // It could not store its own vote.
            let span = self.settings.lease.election_timeout;
            return self.await_leader(Alarm::Last { since: cx.now.stamp, span });
        }
        if let Some(vote) = &mut self.elections.unstored {
            // Another campaign would wait for the same disk, and make this vote void.
            let (span, told) = (vote.patience, std::mem::replace(&mut vote.told, true));
            let waited = cx.now.stamp.elapsed_max(vote.since);
            if !told {
                self.note(Note::SlowDisk { waited });
            }
            return self.await_leader(Alarm::Last { since: cx.now.stamp, span });
        }
        match self.running_promise(&cx.now) {
            // A promise given meanwhile (to a leader that handed over since) binds the candidate as well.
            Some(end) => self.await_leader(end),
            None => self.campaign(cx, Ballot::PreVote),
        }
    }

    /// Asks everybody for `ballot`. A campaign that fails is tried again: for pre-votes a heartbeat, plus jitter, later; for
    /// votes, which begin anew with every term, not before a quarter of the election timeout after the own one is stored. A
    /// little later still on nodes further down the list, so that two candidates part even without jitter.
    pub(super) fn campaign(&mut self, cx: &mut Context<'_>, ballot: Ballot) {
        let term = self.term().next();
        let mut own_vote_ticket = 0;
        self.leader = None;
        if ballot == Ballot::PreVote {
            self.role = Role::PreCandidate;
        } else {
            self.enter_term(term);
            self.hard_state.voted_for = Some(self.id);
            self.role = Role::Candidate;
            own_vote_ticket = self.current_ticket();
        }
        self.votes = Votes::asked(ballot, own_vote_ticket);
        // The id of an uncommitted entry: those who vote may know it already.
        self.cluster.look_into(&self.log);
        self.note(Note::Campaign { term, ballot });
        self.redraw_jitter(cx);
        let heartbeat = self.settings.heartbeat;
        let stagger = heartbeat.div(self.configuration.len() as u64) * u64::from(self.id.0);
        match ballot {
            Ballot::PreVote => {
                self.await_leader(Alarm::Last { since: cx.now.stamp, span: heartbeat + stagger });
            }
            Ballot::Vote | Ballot::TransferVote => {
                let patience = heartbeat.max(self.settings.lease.election_timeout.div(4));
                self.await_winner(cx, patience + stagger);
            }
        }

        let request =
            VoteRequest { ballot, term, last_index: self.log.last_index(), last_term: self.log.last_term() };
        let configuration = self.configuration.clone();
        for voter in configuration.voting_nodes() {
            if voter != self.id {
                self.send_when_durable(voter, Message::Vote(request));
            }
        }
        if ballot == Ballot::PreVote {
            self.grant_itself(cx);
        } else {
            self.count_own_vote(cx);
        }
    }

    /// This node has voted. Whoever it voted for has `patience` from when the vote is stored, and twice as much after each
    /// election in a row that nobody won: disks or links may be slower than the wait.
    fn await_winner(&mut self, cx: &Context<'_>, patience: Span) {
        // The jitter grows with it: candidates part only if they are further apart than a message takes.
        let grown = (patience + self.election_jitter) * (1 << self.elections.lost.min(DOUBLINGS_MAX));
        let patience = grown.saturating_sub(self.election_jitter);
        self.elections.lost += 1;
        let (ticket, since) = (self.current_ticket(), cx.now.stamp);
        self.elections.unstored = Some(UnstoredVote { ticket, since, patience, told: false });
        self.await_leader(Alarm::Last { since, span: patience });
    }

    /// Writes have been synced: if the newest vote is among them, its winner is waited for from now on.
    pub(super) fn notice_stored_vote(&mut self, cx: &Context<'_>) {
        let Some(vote) = self.elections.unstored.filter(|vote| self.durability.is_synced(vote.ticket)) else {
            return;
        };
        self.elections.unstored = None;
        let waited = cx.now.stamp.elapsed_max(vote.since);
        if waited >= self.settings.heartbeat {
            self.note(Note::SlowDisk { waited });
        }
        if self.leader.is_none() && self.may_campaign() {
            self.await_leader(Alarm::Last { since: cx.now.stamp, span: vote.patience });
        }
    }

    /// The own vote, once it is durable.
    pub(super) fn count_own_vote(&mut self, cx: &mut Context<'_>) {
        if self.durability.is_synced(self.votes.own_vote_ticket) {
            self.grant_itself(cx);
        }
    }

    /// A candidate that has been removed by its own log does not count itself.
    fn grant_itself(&mut self, cx: &mut Context<'_>) {
        if self.is_voter() {
            self.votes.grant(self.id);
            self.count_votes(cx);
        }
    }

    fn count_votes(&mut self, cx: &mut Context<'_>) {
        if self.votes.granted.len() < self.configuration.majority() {
            return;
        }
        match self.role {
            Role::PreCandidate => self.campaign(cx, Ballot::Vote),
            Role::Candidate => self.become_leader(cx),
            Role::Follower | Role::Leader => {}
        }
    }

    #[cold]
    pub(super) fn handle_vote(&mut self, cx: &mut Context<'_>, candidate: NodeId, request: VoteRequest) {
        self.remind_of_removal(candidate);
        let granted = self.grants(cx, candidate, &request);
        if granted {
            let (term, ballot) = (request.term, request.ballot);
            self.note(Note::VoteGranted { candidate, term, ballot });
            if ballot != Ballot::PreVote {
                self.hard_state.voted_for = Some(candidate);
                self.hard_state_dirty = true;
                // Leave the winner time to be heard.
                self.await_winner(cx, self.settings.heartbeat * 2);
            }
        }
        let term = if granted { request.term } else { self.term() };
        let leader = if granted || request.ballot != Ballot::PreVote { None } else { self.heard_leader(cx) };
        let reply = VoteReply { ballot: request.ballot, term, granted, leader };
        self.send_when_durable(candidate, Message::VoteReply(reply));
    }

    /// The leader that this node follows, if it has heard it within the last heartbeats: a leader that has just died is
    /// followed for longer.
    fn heard_leader(&self, cx: &Context<'_>) -> Option<Name> {
        let patience = self.settings.heartbeat * HEARD_HEARTBEATS_MAX;
        let lately = self.leader_heard.is_some_and(|heard| cx.now.stamp.elapsed_max(heard) < patience);
        let leader = self.leader.filter(|leader| lately || *leader == self.id)?;
        Some(self.names().name(leader).clone())
    }

    /// A leader that somebody else has heard within an election timeout, and this node has not: the leader's name, and whose
    /// word that is. `None` while this node leads or follows somebody itself.
    pub(crate) fn unreachable_leader(&self, now: &Reading) -> Option<(Name, Name)> {
        let Rumour { leader, by, told } = self.rumour.as_ref().filter(|_| self.leader.is_none())?;
        let fresh = now.stamp.elapsed_max(*told) < self.settings.lease.election_timeout;
        fresh.then(|| (leader.clone(), self.names().name(*by).clone()))
    }

    fn grants(&mut self, cx: &mut Context<'_>, candidate: NodeId, request: &VoteRequest) -> bool {
        let pre_vote = request.ballot == Ballot::PreVote;
        if request.term < self.term() || (pre_vote && request.term == self.term()) {
            return false;
        }
        if self.configuration.is_empty() {
            // It waits to be told of a cluster. Any other's own log may be too old to say who votes.
            return false;
        }
        let promised = self.running_promise(&cx.now).is_some();
        if !self.rules.may_grant(request.ballot, promised, self.lease_running(&cx.now)) {
            // Refused without moving to the candidate's term: that would depose the leader we have promised to follow.
            return false;
        }
        if !pre_vote {
            self.see_term(cx, request.term);
        }
        let free = pre_vote || self.hard_state.voted_for.is_none_or(|voted_for| voted_for == candidate);
        let up_to_date =
            (request.last_term, request.last_index) >= (self.log.last_term(), self.log.last_index());
        free && up_to_date
    }

    #[cold]
    pub(super) fn handle_vote_reply(&mut self, cx: &mut Context<'_>, voter: NodeId, reply: VoteReply) {
        if !reply.granted {
            self.see_term(cx, reply.term);
            if let Some(leader) = reply.leader.filter(|_| self.role == Role::PreCandidate) {
                self.rumour = Some(Rumour { leader, by: voter, told: cx.now.stamp });
            }
            return;
        }
        let expected: Option<Term> = match self.role {
            Role::PreCandidate => Some(self.term().next()),
            Role::Candidate => Some(self.term()),
            Role::Follower | Role::Leader => None,
        };
        let asked_for = self.votes.ballot == Some(reply.ballot) && expected == Some(reply.term);
        if asked_for && self.configuration.is_voter(voter) {
            self.votes.grant(voter);
            self.count_votes(cx);
        }
    }
}
