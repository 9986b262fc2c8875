//! The moments that decide, with their places in the picture.

use std::sync::Arc;

use super::model::{Moment, Ns, StaleRead, narrow};
use crate::explain::{self, Explanation, LeaseFacts, MomentKind, story_of};
use crate::run::Outcome;
use crate::setup::Setup;
use crate::watch::{LeadershipChange, LeaseOver};
use leasehold_world::{Reply, Request};

/// The story of a stale read, or of a change of leadership.
pub(super) struct Story {
    pub(super) moments: Vec<Moment>,
}

impl Story {
    pub(super) fn of(
        setup: &Arc<Setup>,
        told: Option<&Explanation>,
        change: Option<&LeadershipChange>,
    ) -> Story {
        let (lease, story): (Option<LeaseFacts>, Vec<explain::Moment>) = match (told, change) {
            (Some(told), _) => (told.lease, told.story.clone()),
            (None, Some(change)) => story_of(setup, change),
            (None, None) => (None, Vec::new()),
        };
        let began = lease.map_or(0, |lease| lease.start);
        // What happens between the last renewal and the first campaign belongs to the last lease.
        let election = story
            .iter()
            .filter(|moment| moment.at >= began)
            .find(|moment| moment.kind == MomentKind::Campaign)
            .map_or(u64::MAX, |moment| moment.at);
        Story { moments: story.iter().map(|moment| as_data(moment, election)).collect() }
    }

    /// The instants around which messages and operations are drawn, sorted, ns.
    pub(super) fn anchors(&self, changes: &[LeadershipChange]) -> Vec<u64> {
        let mut anchors: Vec<u64> =
            self.moments.iter().filter_map(|moment| u64::try_from(moment.at.get()).ok()).collect();
        for change in changes {
            anchors.push(change.ready_at);
            if let Some(LeaseOver::At(over)) = change.lease_over {
                anchors.push(over);
            }
        }
        anchors.sort_unstable();
        anchors.dedup();
        anchors
    }
}

fn as_data(moment: &explain::Moment, election: u64) -> Moment {
    let phase = match moment.kind {
        MomentKind::LeaseShouldEnd => "truth",
        MomentKind::MissedAsked | MomentKind::MissedAnswered | MomentKind::MissedKnown => "write",
        MomentKind::ReadAsked | MomentKind::ReadAnswered | MomentKind::ReadKnown => "read",
        MomentKind::Campaign
        | MomentKind::Vote
        | MomentKind::Elected
        | MomentKind::Ready
        | MomentKind::Follows
        | MomentKind::SteppedDown
        | MomentKind::LeaseGivenUp
        | MomentKind::Fault
        | MomentKind::Process
        | MomentKind::Other
        | MomentKind::LeaseRenewed => match moment.at >= election {
            true => "election",
            false => "lease",
        },
    };
    Moment {
        at: Ns::of(moment.at),
        what: moment.what.clone(),
        kind: moment.kind.word().to_owned(),
        phase: phase.to_owned(),
        node: moment.node.map(narrow),
        // The client is filled in where the operations are known.
        client: None,
        operation: moment.operation.and_then(|number| u32::try_from(number).ok()),
    }
}

/// The told read as data.
pub(super) fn stale_read(told: &Explanation, outcome: &Outcome) -> StaleRead {
    let text = |value: Option<u64>| value.map(|value| value.to_string());
    let written = told.returned.and_then(|returned| {
        let wrote = outcome.history.iter().find(|operation| match operation.request {
            Request::Write { value, .. } | Request::Cas { to: value, .. } => value == returned,
            Request::Read { .. } => false,
        });
        wrote.and_then(|operation| operation.completed).filter(|(_, reply)| *reply == Reply::Done)
    });
    StaleRead {
        operation: narrow(told.read),
        missed: narrow(told.missed),
        server: narrow(told.server),
        missed_server: narrow(told.missed_server),
        returned: text(told.returned),
        missed_value: text(told.missed_value),
        written: written.map(|(at, _)| Ns::of(at)),
        known: Ns::of(told.known_at),
        asked: Ns::of(told.invoked),
        answered: Ns::of(told.answered),
        stale_by: Ns::of(told.stale_by_ns),
        lost: told.lost,
    }
}
