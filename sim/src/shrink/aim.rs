//! Where a violation may be after a setup has changed: the questions are asked anew.

use std::sync::Arc;

use leasehold::time::Span;

use super::cost::{asks_once, usual};
use super::operations::{asks_at, of_stale_read, script};
use super::search::Search;
use super::violation::Kind;
use crate::run::{Outcome, run};
use crate::setup::{ClientSpec, Delay, OperationKind, Pace, Setup, Target};
use crate::watch::LeaseOver;

/// Questions in a run that looks for a stale read all the time.
const PROBES: u64 = 400;

/// A write as soon as a new leader can acknowledge it and a read as late as the old one can serve it, for every change of
/// leadership that leaves time for both.
pub(super) fn at_the_change(setup: &Arc<Setup>, outcome: &Outcome) -> Vec<Setup> {
    let Some((reader, writer)) = questions(setup) else { return Vec::new() };
    let client = usual(setup.network.client_delay);
    let end = setup.duration.as_nanos();
    let mut aimed = Vec::new();
    for change in &outcome.changes {
        let (Some((old, _)), Some(true)) = (change.old, change.margin().map(|margin| margin < 0)) else {
            continue;
        };
        let last = match change.lease_over {
            Some(LeaseOver::At(over)) => over.saturating_sub(client + 1).min(end.saturating_sub(2 * client)),
            _ => end.saturating_sub(2 * client),
        };
        let write = asks_at(OperationKind::Write, change.new, change.ready_at, 0, &setup.clients[writer]);
        let read = asks_at(OperationKind::Read, old, last, 0, &setup.clients[reader]);
        aimed.push(Setup { clients: vec![write, read], ..Setup::clone(setup) });
    }
    aimed
}

/// Finds a stale read of the same kind by asking all the time, and asks only that.
pub(super) fn all_the_time(search: &mut Search<'_>, setup: &Arc<Setup>) -> Vec<Setup> {
    let Some((reader, writer)) = questions(setup) else { return Vec::new() };
    if search.wanted().kind != Kind::StaleRead {
        return Vec::new();
    }
    let pause = Span::nanos((setup.duration.as_nanos() / PROBES).max(1));
    let again = |client: &ClientSpec, name: &str| ClientSpec {
        name: name.to_owned(),
        pace: Pace::Every(Delay::Fixed(pause)),
        start: Span::ZERO,
        ..client.clone()
    };
    let clients = vec![again(&setup.clients[writer], "writer"), again(&setup.clients[reader], "reader")];
    let probing = Arc::new(Setup { clients, ..Setup::clone(setup) });
    search.count_run();
    let outcome = run(&probing);
    let stale = &outcome.check.stale_reads;
    let found = stale.iter().take(1).chain(stale.last());
    found.map(|stale| script(&probing, &outcome, &of_stale_read(&outcome, stale)[0])).collect()
}

/// The last read and the last write of a setup whose clients ask once each.
fn questions(setup: &Setup) -> Option<(usize, usize)> {
    if !setup
        .clients
        .iter()
        .all(|client| asks_once(setup, client) && matches!(client.target, Target::Node(_)))
    {
        return None;
    }
    let last = |kind| setup.clients.iter().rposition(|client| client.operations == [kind]);
    Some((last(OperationKind::Read)?, last(OperationKind::Write)?))
}
