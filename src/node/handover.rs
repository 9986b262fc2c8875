//! Leadership transfer on request. Raft moves the leadership; here is who waits to hear how that went.
//!
//! A transfer is not passed on to the leader: names of nodes mean something to their own node only, and whoever runs a
//! cluster asks the leader itself.

use super::machine::Node;
use super::{Output, RequestId};
use crate::lease::LeaseRules;
use crate::raft::{Context, NodeId, Term};
use crate::time::{Reading, Stamp};

/// A transfer that somebody waits for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handover {
    request: RequestId,
    to: NodeId,
    since: Stamp,
}

/// What became of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandoverOutcome {
    /// The successor leads, or led already.
    Done {
        /// The successor.
        leader: NodeId,
        /// Its term.
        term: Term,
    },
    /// Definite: this node does not lead.
    NotLeader {
        /// Who does, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// Definite: another transfer is under way.
    Busy,
    /// Definite: there is no voter that leadership could go to, or none that has answered.
    NoSuccessor,
    /// Definite: the named successor has not answered this leader for a few heartbeats.
    Silent {
        /// The successor.
        successor: NodeId,
    },
    /// Definite: the successor did not answer or did not catch up in time, and this node goes on leading; in the next term
    /// if the successor had been told to campaign.
    GivenUp,
    /// Definite: somebody else was elected.
    Elsewhere {
        /// Who.
        leader: NodeId,
        /// Its term.
        term: Term,
    },
    /// The successor was told to campaign and may yet do so, or nobody is known to lead.
    Unknown,
}

impl<R: LeaseRules> Node<R> {
    /// Starts to hand leadership over; `to` is the successor, or nobody in particular. Answers in time.
    pub(super) fn handle_handover(&mut self, cx: &mut Context<'_>, request: RequestId, to: Option<NodeId>) {
        let configuration = self.raft.configuration();
        let own = self.raft.id();
        let outcome = if !self.leads() {
            HandoverOutcome::NotLeader { leader: self.raft.leader() }
        } else if to == Some(own) {
            HandoverOutcome::Done { leader: own, term: self.raft.term() }
        } else if self.raft.has_transfer() {
            HandoverOutcome::Busy
        } else {
            let successor = to.or_else(|| self.raft.best_successor(&cx.now));
            match successor.filter(|to| configuration.is_voter(*to)) {
                None => HandoverOutcome::NoSuccessor,
                Some(to) if !self.raft.answers(&cx.now, to) => HandoverOutcome::Silent { successor: to },
                Some(to) => {
                    self.handover = Some(Handover { request, to, since: cx.now.stamp });
                    self.raft.transfer_leadership(cx, to);
                    return;
                }
            }
        };
        self.outputs.push_back(Output::HandoverEnded { request, outcome });
    }

    /// Answers whoever waits for a transfer once it is known what became of it.
    ///
    /// Needs no timer of its own: a leader's transfer is given up by Raft's, and a node without a leader is woken to
    /// campaign.
    pub(super) fn notice_handover(&mut self, now: &Reading) {
        let Some(handover) = self.handover else {
            return;
        };
        let Some(outcome) = self.outcome_of(&handover, now) else {
            return;
        };
        self.handover = None;
        self.outputs.push_back(Output::HandoverEnded { request: handover.request, outcome });
    }

    fn outcome_of(&self, handover: &Handover, now: &Reading) -> Option<HandoverOutcome> {
        let term = self.raft.term();
        match self.raft.leader() {
            // It leads on, or again.
            Some(leader) if leader == self.raft.id() => {
                (!self.raft.has_transfer()).then_some(HandoverOutcome::GivenUp)
            }
            Some(leader) if leader == handover.to => Some(HandoverOutcome::Done { leader, term }),
            Some(leader) => Some(HandoverOutcome::Elsewhere { leader, term }),
            None => {
                let deadline = self.raft.settings().request_deadline;
                (now.stamp.elapsed_max(handover.since) >= deadline).then_some(HandoverOutcome::Unknown)
            }
        }
    }
}
