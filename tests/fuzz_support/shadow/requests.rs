//! What clients and fellow nodes asked for, and whether what they are answered is true.

use std::collections::{BTreeMap, BTreeSet};

use leasehold::lease::LeaseRules;
use leasehold::node::{Answer, Forward, Node, Operation, Refusal, RequestId};
use leasehold::raft::{Configuration, Entry, Index, NodeId, Payload, Role, Term};
use leasehold::time::Reading;

use super::leading::Leading;
use super::reached::Reached;

/// A request that was not answered yet.
struct Waiting {
    operation: Operation,
    /// What was committed when it came.
    commit: Index,
    /// The newest round of the term that was led last.
    round: (Term, u64),
}

/// A request that a fellow node has passed on: whose, in which incarnation, its number, for which term.
type Passed = (NodeId, u64, u64, Term);

/// See the [module](self).
#[derive(Default)]
pub(super) struct Requests {
    waiting: BTreeMap<RequestId, Waiting>,
    handovers: BTreeSet<RequestId>,
    /// Entries that this process has committed, and whether somebody was told so.
    done: BTreeMap<Index, (Entry, bool)>,
    /// The entry that each change which was passed on became.
    executed: BTreeMap<Passed, Index>,
}

/// What an answer is judged by.
pub(super) struct Judged<'a, R> {
    pub(super) node: &'a Node<R>,
    pub(super) now: &'a Reading,
    /// The members before the input.
    pub(super) configuration: &'a Configuration,
    pub(super) leading: &'a Leading,
}

impl Requests {
    pub(super) fn asked(
        &mut self,
        request: RequestId,
        operation: &Operation,
        commit: Index,
        leading: &Leading,
    ) {
        let (operation, round) = (operation.clone(), (leading.term(), leading.round()));
        self.waiting.insert(request, Waiting { operation, commit, round });
    }

    pub(super) fn handover_asked(&mut self, request: RequestId) {
        self.handovers.insert(request);
    }

    pub(super) fn handover_ended(&mut self, request: RequestId) {
        assert!(self.handovers.remove(&request), "each handover ends once");
    }

    pub(super) fn committed(&mut self, index: Index, entry: Entry) {
        self.done.insert(index, (entry, false));
    }

    /// A change that was passed on has become an entry.
    pub(super) fn executed(&mut self, from: NodeId, forward: &Forward, index: Index) {
        let key = (from, forward.incarnation, forward.sequence, forward.term);
        assert!(self.executed.insert(key, index).is_none(), "what is passed on is done once");
    }

    pub(super) fn restart(&mut self) {
        self.waiting.clear();
        self.handovers.clear();
        self.done.clear();
        // Terms that were led before are not led again: `executed` stays.
    }

    /// A client of this node is answered; `passed_on` if a fellow node says so.
    pub(super) fn answered<R: LeaseRules>(
        &mut self,
        request: RequestId,
        answer: &Answer,
        judged: &Judged<'_, R>,
        passed_on: bool,
        reached: &mut BTreeSet<Reached>,
    ) {
        let waiting = self.waiting.remove(&request).expect("each request is answered once");
        if passed_on {
            reached.insert(Reached::AnsweredByPeer);
            return;
        }
        match (answer, &waiting.operation) {
            (Answer::Value { value, lease_valid, .. }, Operation::Read { key }) => {
                check_read(judged, *lease_valid);
                assert_eq!(judged.node.state().read(key), value.as_ref(), "what is read is what is stored");
                if *lease_valid {
                    reached.insert(Reached::LeaseRead);
                } else {
                    self.check_confirmed(&waiting, judged);
                    reached.insert(Reached::QuorumRead);
                }
            }
            (Answer::Refused(refusal), operation) => self.check_refusal(refusal, operation, &waiting),
            (Answer::Done | Answer::Configured { .. }, operation) => self.take(operation, waiting.commit),
            (Answer::Value { .. }, _) => panic!("a value answers a read alone"),
        }
    }

    /// A read that no lease covers: a majority has confirmed a round that was sent after the read came.
    fn check_confirmed<R: LeaseRules>(&self, waiting: &Waiting, judged: &Judged<'_, R>) {
        let raft = judged.node.raft();
        if raft.leads_alone() {
            return;
        }
        let confirmed = [judged.configuration, raft.configuration()];
        let confirmed =
            confirmed.into_iter().filter_map(|members| judged.leading.confirmed(raft.id(), members));
        let confirmed = confirmed.max().expect("a majority has acknowledged a round");
        let (term, round) = waiting.round;
        assert!(term < raft.term() || confirmed > round, "round {confirmed} was sent after round {round}");
    }

    /// A condition that failed did so by an entry.
    fn check_refusal(&mut self, refusal: &Refusal, operation: &Operation, waiting: &Waiting) {
        if matches!(refusal, Refusal::KeyMissing | Refusal::PreconditionFailed { .. }) {
            self.take(operation, waiting.commit);
        }
    }

    /// There is an entry for that, committed since and nobody else's.
    fn take(&mut self, operation: &Operation, since: Index) {
        let is_it = |entry: &Entry| match (operation, &entry.payload) {
            (Operation::Update(command), Payload::Command(done)) => command == done,
            (Operation::Agree(lengths), Payload::Lease(done)) => lengths == done,
            (Operation::Change(change), Payload::Configuration(members)) => {
                let named = members.voters.iter().chain(&members.learners).any(|name| *name == change.node);
                named != matches!(change.action, leasehold::raft::MemberAction::Remove)
            }
            _ => false,
        };
        let entry = self.done.range_mut(since.next()..).find(|(_, (entry, told))| !told && is_it(entry));
        let (_, (_, told)) = entry.expect("what is acknowledged is committed");
        *told = true;
    }

    /// A fellow node is answered.
    pub(super) fn peer_answered<R: LeaseRules>(
        &self,
        to: NodeId,
        (incarnation, sequence): (u64, u64),
        answer: &Answer,
        judged: &Judged<'_, R>,
    ) {
        match answer {
            Answer::Value { lease_valid, .. } => check_read(judged, *lease_valid),
            Answer::Done
            | Answer::Configured { .. }
            | Answer::Refused(Refusal::KeyMissing | Refusal::PreconditionFailed { .. }) => {
                let commit = judged.node.raft().commit();
                let mut executed = self.executed.iter().filter(|((node, known, number, _), _)| {
                    (*node, *known, *number) == (to, incarnation, sequence)
                });
                assert!(executed.any(|(_, index)| *index <= commit), "what is acknowledged is committed");
            }
            Answer::Refused(_) => {}
        }
    }
}

/// Who answers a read leads, has applied an entry of its own term, and has a lease if it says so.
fn check_read<R: LeaseRules>(judged: &Judged<'_, R>, lease_valid: bool) {
    let (node, raft) = (judged.node, judged.node.raft());
    assert_eq!(raft.role(), Role::Leader);
    assert_eq!(
        raft.log().term_at(node.applied()),
        Some(raft.term()),
        "it has applied an entry of its own term"
    );
    if lease_valid {
        let lease = raft.lease().expect("a lease read has a lease");
        assert!(!lease.end.reached(judged.now), "and it is running");
    }
}
