//! Who is in the cluster changes while it runs: one node at a time, through the log (Raft dissertation, sections 4.1 to
//! 4.3; the bug of 2015 that its errata describe is closed by the check of the own term).
//!
//! An entry [`Payload::Configuration`] names all members, voters and learners, since a log travels and a [`NodeId`] does
//! not: [`Names`] numbers them on each node. A node goes by the newest such entry in its log from the moment it is
//! appended, committed or not; when the entry is cut off again, by the one before. Three things may be asked of a leader
//! ([`MembershipChange`]): add a learner, make a learner that has caught up a voter, remove a member.
//!
//! ```text
//! Node::execute -> Raft::plan_change    is it possible, and may it be now (LeaseRules::may_reconfigure)?
//!               -> Raft::propose        the entry, in force at once
//! log.push, log.store -> Raft::configurations_from    what the log says from that index on is in force
//! commit of the own removal -> Raft::retire_if_removed    hands over to the best voter, steps down, campaigns no more
//! ```
//!
//! Two majorities of configurations that differ by one voter have a member in common, and that one has promised (or is the
//! leader, which votes for nobody while its lease runs). So a lease that was granted under one configuration holds under
//! the next. It need not hold under the one after that. Hence the wait: the next change is taken when a quorum of the
//! present configuration has acknowledged a round that was sent under it, so that no lease rests on an earlier one.
//!
//! Who may vote is not asked of the voter's own configuration, which may be behind: a candidate counts those who vote in
//! its own. A node that no configuration has ever named (it was started to join) votes for nobody.

use super::names::Names;
use super::state::{Context, Raft};
use super::{Configuration, Entry, Index, Log, Name, NodeId, Note, Payload, Role, StepDownCause, Timer};
use crate::lease::{ConfigurationStanding, LeaseRules};
use crate::time::{Alarm, Reading};

/// A learner that lacks more of the leader's log than that is not caught up: what one message can hold.
const PROMOTION_LAG_MAX: u64 = 256;
/// The longest configuration, in bytes of a message. A snapshot's chunk has it beside its pairs.
pub(crate) const MEMBERS_BYTES_MAX: usize = 64 * 1_024;

/// Who is in the cluster, by name. No name is in it twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Members {
    /// Those who vote, at least one, in the order in which they came to.
    pub voters: Vec<Name>,
    /// Those who do not.
    pub learners: Vec<Name>,
}

/// Members, and the entry that made them so: what a snapshot knows of configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// The entry; never 0.
    pub index: Index,
    /// The members.
    pub members: Members,
}

impl Members {
    /// The bytes it takes in a message, or more: a character takes six at most when it is escaped.
    pub(crate) fn weight(&self) -> usize {
        self.voters.iter().chain(&self.learners).map(|name| 6 * name.len() + 3).sum()
    }
}

/// What may be asked of a cluster's members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberAction {
    /// A node that is no member becomes a learner.
    Add,
    /// A learner becomes a voter.
    Promote,
    /// A member is one no more.
    Remove,
}

/// A change of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipChange {
    /// What.
    pub action: MemberAction,
    /// Whom.
    pub node: Name,
}

/// Why the members do not change as was asked. Definite: nothing is in any log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembershipFault {
    /// The last change is not settled yet, or the leader has just been elected. A later try may succeed.
    UnderWay,
    /// The learner has not caught up. A later try may succeed.
    Behind {
        /// So many entries of the leader's log it is not known to hold.
        lag: u64,
    },
    /// Of the voters that there would be, no majority has answered lately. A later try may succeed.
    NoQuorum,
    /// It is a learner already.
    IsLearner,
    /// It votes already.
    IsVoter,
    /// It is no member.
    NotMember,
    /// Nobody would be left to vote.
    LastVoter,
    /// There are too many members, or their names are too long to travel.
    TooMany,
}

/// The configurations of the log. Those that may still be cut off are in it, and the newest before.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    names: Names,
    /// In the order of the entries. The first, at index 0, is what the node was started with.
    history: Vec<(Index, Configuration)>,
}

impl Membership {
    /// What a node goes by that was started with `founding`, and has this log and knew that at the log's base.
    pub(super) fn recovered(
        names: Names,
        founding: Configuration,
        at_base: Option<&Configured>,
        log: &Log,
    ) -> Membership {
        let mut membership = Membership { names, history: vec![(Index::ZERO, founding)] };
        membership.restart_from(at_base, log);
        membership
    }

    /// A snapshot with that configuration, if any, has taken the place of everything before the log.
    fn restart_from(&mut self, at_base: Option<&Configured>, log: &Log) {
        self.history.truncate(1);
        if let Some(Configured { index, members }) = at_base {
            // Who was removed before is not known, and was told or never will be.
            self.history[0] = (*index, self.numbered(members));
        }
        self.replace_from(log.base().index.next(), log);
    }

    pub(super) fn in_force(&self) -> &Configuration {
        &self.newest().1
    }

    fn newest(&self) -> &(Index, Configuration) {
        self.history.last().expect("the first is never cut off")
    }

    /// Notes the configurations of the log from `first` on, in the place of those that were there.
    fn replace_from(&mut self, first: Index, log: &Log) {
        while self.history.len() > 1 && self.newest().0 >= first {
            self.history.pop();
        }
        let mut index = first.max(log.base().index.next());
        while let Some(entry) = log.entry(index) {
            if let Payload::Configuration(members) = &entry.payload {
                let configuration = self.numbered(members);
                self.history.push((index, configuration));
            }
            index = index.next();
        }
    }

    fn numbered(&mut self, members: &Members) -> Configuration {
        let mut numbers = |names: &[Name]| {
            let ids: Vec<NodeId> = names.iter().filter_map(|name| self.names.add(name)).collect();
            ids.into_iter()
        };
        let (voters, learners) = (numbers(&members.voters), numbers(&members.learners));
        Configuration::of(voters, learners)
    }

    /// Does `node` vote in the newest configuration that is committed, or in one after that?
    fn votes_since(&self, commit: Index, node: NodeId) -> bool {
        let settled = self.history.iter().rposition(|(index, _)| *index <= commit).unwrap_or(0);
        self.history[settled..].iter().any(|(_, configuration)| configuration.is_voter(node))
    }

    /// The member that the newest change has removed, if it has removed one.
    fn removed(&self) -> Option<NodeId> {
        let [.., (_, before), (_, newest)] = &self.history[..] else {
            return None;
        };
        before.nodes().find(|node| !newest.contains(*node))
    }
}

impl<R: LeaseRules> Raft<R> {
    /// What the nodes are called.
    pub fn names(&self) -> &Names {
        &self.membership.names
    }

    /// The number of a node that has sent something, given now if need be: a leader or a candidate may have become one by
    /// entries that have not come here yet. `None` when too many names are known.
    pub(crate) fn introduce(&mut self, name: &str) -> Option<NodeId> {
        // Names of the log find room even if strangers have sent more than there may be members.
        let room = self.membership.names.len() < 4 * usize::from(Configuration::NODES_MAX);
        if room { self.membership.names.add(name) } else { self.membership.names.id(name) }
    }

    /// A snapshot has taken the place of log and state.
    pub(super) fn configurations_installed(&mut self, now: &Reading, at_base: Option<&Configured>) {
        self.membership.restart_from(at_base, &self.log);
        self.go_by_newest(now);
    }

    /// Are there numbers for all members that these entries name? There are, unless somebody does not mean well.
    pub(super) fn can_name_all(&self, entries: &[Entry]) -> bool {
        let configurations = entries.iter().filter_map(|entry| match &entry.payload {
            Payload::Configuration(members) => Some(members),
            Payload::Noop | Payload::Command(_) | Payload::Lease(_) | Payload::Cluster(_) => None,
        });
        self.can_name(configurations.map(|members| &**members))
    }

    /// The same for members themselves.
    pub(super) fn can_name<'a>(&self, members: impl Iterator<Item = &'a Members>) -> bool {
        let named = members.flat_map(|members| members.voters.iter().chain(&members.learners));
        let unknown = named.filter(|name| self.names().id(name).is_none()).count();
        self.names().len() + unknown <= Names::COUNT_MAX
    }

    /// The members, by name.
    pub fn members(&self) -> Members {
        let named = |id| self.membership.names.name(id).clone();
        Members {
            voters: self.configuration.voting_nodes().map(named).collect(),
            learners: self.configuration.learning_nodes().map(named).collect(),
        }
    }

    /// The entry of the configuration in force; 0 when it is the one that the node was started with.
    pub fn configuration_index(&self) -> Index {
        self.membership.newest().0
    }

    /// The entry of the newest configuration that is committed. Every later leader's state at a later index has that one, or
    /// one that came after what is committed here.
    pub(super) fn committed_configuration_index(&self) -> Index {
        let mut newest_first = self.membership.history.iter().rev().map(|(index, _)| *index);
        newest_first.find(|index| *index <= self.commit).unwrap_or_default()
    }

    /// Has this node never heard of other members than those it was started with?
    pub(super) fn has_founding_members(&self) -> bool {
        self.configuration_index() == Index::ZERO
    }

    /// May this node lead, for all it knows? A voter may. So may a node whose removal is in its own log and is not known to
    /// be committed: the others may lack that entry, and then they can elect nobody whose log is shorter. It does not count
    /// itself (Raft dissertation, section 4.2.2).
    pub(super) fn may_campaign(&self) -> bool {
        self.is_voter() || self.membership.votes_since(self.commit, self.id)
    }

    /// The log has changed from `first` on: goes by the newest configuration that it holds now.
    pub(super) fn configurations_from(&mut self, now: &Reading, first: Index) {
        let newest = self.membership.newest().0;
        self.membership.replace_from(first, &self.log);
        if self.membership.newest().0 != newest || newest >= first {
            self.go_by_newest(now);
        }
    }

    fn go_by_newest(&mut self, now: &Reading) {
        let (index, configuration) = self.membership.newest();
        if *configuration == self.configuration {
            return;
        }
        let voted = self.is_voter();
        let before = std::mem::replace(&mut self.configuration, configuration.clone());
        let index = *index;
        self.forgive_removed();
        let (voters, learners) =
            (self.configuration.voters(), self.configuration.len() - self.configuration.voters());
        self.note(Note::MembersInForce { index, voters, learners });
        match (self.role, voted, self.may_campaign()) {
            (Role::Leader, ..) => self.lead_configuration(now, &before),
            (_, false, true) => {
                let span = self.settings.lease.election_timeout;
                let end = self
                    .promises
                    .newest
                    .map_or(Alarm::Last { since: now.stamp, span }, |promise| promise.end);
                self.await_leader(end);
            }
            (_, true, false) => self.timers.clear(Timer::Election),
            (..) => {}
        }
    }
}

impl<R: LeaseRules> Raft<R> {
    /// The entry that would make this change; or why it cannot be, or not now. For a leader to ask.
    pub(crate) fn plan_change(
        &self,
        now: &Reading,
        change: &MembershipChange,
    ) -> Result<Payload, MembershipFault> {
        let id = self.names().id(&change.node);
        let (votes, learns) = match id {
            Some(id) => (self.configuration.is_voter(id), self.configuration.contains(id)),
            None => (false, false),
        };
        let learns = learns && !votes;
        let mut members = self.members();
        match change.action {
            MemberAction::Add if votes => return Err(MembershipFault::IsVoter),
            MemberAction::Add if learns => return Err(MembershipFault::IsLearner),
            MemberAction::Promote if votes => return Err(MembershipFault::IsVoter),
            MemberAction::Promote | MemberAction::Remove if !votes && !learns => {
                return Err(MembershipFault::NotMember);
            }
            MemberAction::Remove if votes && members.voters.len() == 1 => {
                return Err(MembershipFault::LastVoter);
            }
            MemberAction::Add => members.learners.push(change.node.clone()),
            MemberAction::Promote | MemberAction::Remove => {
                members.voters.retain(|name| *name != change.node);
                members.learners.retain(|name| *name != change.node);
            }
        }
        if change.action == MemberAction::Promote {
            members.voters.push(change.node.clone());
        }
        let count = members.voters.len() + members.learners.len();
        let nameable = id.is_some() || self.names().len() < Names::COUNT_MAX;
        if count > usize::from(Configuration::NODES_MAX) || members.weight() > MEMBERS_BYTES_MAX || !nameable
        {
            return Err(MembershipFault::TooMany);
        }
        if !self.rules.may_reconfigure(self.configuration_standing()) {
            return Err(MembershipFault::UnderWay);
        }
        if let Some(learner) = id.filter(|_| change.action == MemberAction::Promote) {
            self.has_caught_up(now, learner)?;
        }
        let voters = || members.voters.iter().filter_map(|name| self.names().id(name));
        let answers = |voter: &NodeId| self.has_answered(now, *voter) && !self.has_lost_entries(*voter);
        let answering = voters().filter(|voter| *voter == self.id || answers(voter)).count();
        if voters().count() != self.configuration.voters() && answering < members.voters.len() / 2 + 1 {
            return Err(MembershipFault::NoQuorum);
        }
        Ok(Payload::Configuration(Box::new(members)))
    }

    fn configuration_standing(&self) -> ConfigurationStanding {
        ConfigurationStanding {
            committed: self.commit >= self.configuration_index(),
            own_term_committed: self.leadership.own_term_is_committed(self.commit),
            acknowledged: self.leadership.has_confirmed_configuration(),
        }
    }

    /// Has that node acknowledged a round within an election timeout?
    fn has_answered(&self, now: &Reading, node: NodeId) -> bool {
        let (_, heard) = self.leadership.standing(node);
        heard.is_some_and(|heard| now.stamp.elapsed_max(heard) < self.settings.lease.election_timeout)
    }

    /// A learner has caught up when it has answered lately, lacks little, and holds the entry that made it a learner: it
    /// votes by what its log says, even after a restart.
    fn has_caught_up(&self, now: &Reading, learner: NodeId) -> Result<(), MembershipFault> {
        let (matched, _) = self.leadership.standing(learner);
        let lag = self.log.last_index().0.saturating_sub(matched.0);
        let near = lag <= PROMOTION_LAG_MAX
            && matched >= self.configuration_index()
            && !self.has_lost_entries(learner);
        if near && self.has_answered(now, learner) { Ok(()) } else { Err(MembershipFault::Behind { lag }) }
    }

    /// A member that was removed is sent what it lacks until it knows, once that is settled: it would campaign for ever.
    pub(super) fn member_to_dismiss(&self) -> Option<NodeId> {
        let (index, _) = self.membership.newest();
        let removed = self.membership.removed().filter(|removed| *removed != self.id)?;
        (self.commit >= *index && self.leadership.standing(removed).0 < *index).then_some(removed)
    }

    /// A candidate that was removed does not know that: what is committed is not stored, and it has restarted. It is told
    /// again, as [`Raft::member_to_dismiss`] does.
    pub(super) fn remind_of_removal(&mut self, candidate: NodeId) {
        let (index, _) = self.membership.newest();
        let removed = self.role == Role::Leader && self.membership.removed() == Some(candidate);
        if removed && self.commit >= *index && self.leadership.matched(candidate) >= *index {
            self.leadership.forget_progress(candidate, self.log.last_index());
        }
    }

    /// A leader that has been removed leads until that is committed. Then it hands over to the voter that is best prepared,
    /// and steps down as soon as that one is told (its lease is over by then), or cannot be. Others campaign no more.
    #[inline]
    pub(super) fn retire_if_removed(&mut self, cx: &mut Context<'_>) {
        if !self.is_voter() && self.commit >= self.configuration_index() {
            match self.role {
                Role::Leader => self.retire(cx),
                Role::Follower | Role::PreCandidate | Role::Candidate => self.timers.clear(Timer::Election),
            }
        }
    }

    #[cold]
    fn retire(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.leadership.retiring, true)
            && let Some(successor) = self.best_successor(&cx.now)
        {
            self.transfer_leadership(cx, successor);
        }
        if !self.awaits_successor() {
            self.step_down(cx, self.term(), StepDownCause::Removed);
        }
    }
}
