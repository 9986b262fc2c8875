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
//! commit of the own removal -> Raft::retire_if_removed    lease given up, best voter told to campaign, stepped down
//! ```
//!
//! Two majorities of configurations that differ by one voter have a member in common, and that one has promised (or is the
//! leader, which votes for nobody while its lease runs). So a lease that was granted under one configuration holds under
//! the next. It need not hold under the one after that. Hence the wait: the next change is taken when a quorum of the
//! present configuration has acknowledged a round that was sent under it, so that no lease rests on an earlier one.
//!
//! Who may vote is not asked of the voter's own configuration, which may be behind: a candidate counts those who vote in
//! its own. A node that no configuration has ever named (it was started to join) votes for nobody.
