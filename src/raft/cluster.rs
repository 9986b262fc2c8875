//! The cluster's id: by it a node knows a line that was meant for another cluster whose nodes have the same names.
//!
//! It is given to all nodes when they are started, or the first leader draws it. A drawn id is the first entry of that
//! leader, so a cluster has one id although several leaders may have drawn one: the first that is committed counts. Until
//! then an id is a guess, by which a node may label what it sends and must not judge what it hears.

use super::state::Raft;
use super::{Log, Name, Payload};
use crate::lease::LeaseRules;

/// Where a node has the cluster's id from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ClusterOrigin {
    /// It needs none: nothing that it hears can have been meant for another cluster.
    #[default]
    Nowhere,
    /// The operator gives it, to all nodes.
    Given(Name),
    /// The log has it. If the log has none, the first leader writes this one.
    Drawn(Name),
}

/// What a node knows of it.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    /// Committed or given.
    settled: Option<Name>,
    /// In the log.
    proposed: Option<Name>,
    /// What this node writes if it is the first to lead.
    drawn: Option<Name>,
}

impl Cluster {
    /// That of a node that has just started: `stored` is in its state, the rest is in its log.
    pub(super) fn recovered(origin: ClusterOrigin, stored: Option<&Name>, log: &Log) -> Cluster {
        let (settled, drawn) = match origin {
            ClusterOrigin::Nowhere => (None, None),
            ClusterOrigin::Given(id) => (Some(id), None),
            ClusterOrigin::Drawn(id) => (None, Some(id)),
        };
        let mut cluster = Cluster { settled: settled.or(stored.cloned()), proposed: None, drawn };
        cluster.look_into(log);
        cluster
    }

    /// Looks for an id in the log. It stands near the beginning of a cluster's log, so this is quick where there is one.
    pub(super) fn look_into(&mut self, log: &Log) {
        if self.settled.is_some() || self.drawn.is_none() {
            return;
        }
        let mut index = log.base().index.next();
        self.proposed = None;
        while let Some(entry) = log.entry(index) {
            if let Payload::Cluster(id) = &entry.payload {
                self.proposed = Some(id.clone());
                return;
            }
            index = index.next();
        }
    }

    /// The first entry of a leader whose log this is.
    pub(super) fn first_entry(&mut self, log: &Log) -> Payload {
        self.look_into(log);
        let known = self.settled.is_some() || self.proposed.is_some();
        match self.drawn.clone().filter(|_| !known) {
            Some(id) => {
                self.proposed = Some(id.clone());
                Payload::Cluster(id)
            }
            None => Payload::Noop,
        }
    }
}

impl<R: LeaseRules> Raft<R> {
    /// The state that is applied has this id.
    pub(crate) fn settle_cluster(&mut self, applied: Option<&Name>) {
        if self.cluster.settled.is_none() {
            self.cluster.settled = applied.cloned();
        }
    }

    pub(crate) fn cluster(&self) -> Option<&Name> {
        self.cluster.settled.as_ref().or(self.cluster.proposed.as_ref())
    }

    pub(crate) fn cluster_is_settled(&self) -> bool {
        self.cluster.settled.is_some()
    }
}
