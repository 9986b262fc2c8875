//! Where a violation may be after a setup has changed: the questions are asked anew.

use std::sync::Arc;

use leasehold::time::Span;

use super::cost::{asks_once, usual};
use super::operations::{asks_at, of_stale_read, script};
use super::search::Search;
use super::violation::Kind;
use leasehold_run::run::{Outcome, run};
use leasehold_run::setup::{ClientSpec, Delay, OperationKind, Pace, Setup, Target};
use leasehold_run::watch::{LeadershipChange, LeaseOver};

/// Questions in a run that looks for a stale read all the time.
const PROBES: u64 = 400;

/// A write as soon as a new leader can acknowledge it and a read as late as the old one can serve it, for every change of
/// leadership that leaves time for both.
pub(super) fn at_the_change(setup: &Arc<Setup>, outcome: &Outcome) -> Vec<Setup> {
    let Some((reader, writer)) = questions(setup) else { return Vec::new() };
    let (reader, writer) = (&setup.clients[reader], &setup.clients[writer]);
    let asked = windows(setup, outcome, usual(setup.network.client_delay)).into_iter();
    asked.map(|window| Setup { clients: window.questions(writer, reader), ..Setup::clone(setup) }).collect()
}

/// The same setup with two more clients, who ask where nobody had asked.
pub(super) fn provoked(setup: &Arc<Setup>, outcome: &Outcome) -> Vec<Setup> {
    let link = Some(Delay::Fixed(Span::micros(1)));
    let plain = ClientSpec { times: Some(1), link, ..ClientSpec::new("") };
    let asked = windows(setup, outcome, 1_000).into_iter().map(|window| {
        let mut questions = window.questions(&plain, &plain);
        for (client, name) in questions.iter_mut().zip(["late-writer", "late-reader"]) {
            name.clone_into(&mut client.name);
        }
        let clients = setup.clients.iter().cloned().chain(questions).collect();
        Setup { clients, ..Setup::clone(setup) }
    });
    asked.collect()
}

/// A time in which two nodes could serve.
struct Window {
    old: usize,
    new: usize,
    ready: u64,
    last: u64,
}

impl Window {
    fn questions(&self, writer: &ClientSpec, reader: &ClientSpec) -> Vec<ClientSpec> {
        vec![
            asks_at(OperationKind::Write, self.new, self.ready, 0, writer),
            asks_at(OperationKind::Read, self.old, self.last, 0, reader),
        ]
    }
}

/// Every such time of a run; a question takes `client` ns to its node.
fn windows(setup: &Setup, outcome: &Outcome, client: u64) -> Vec<Window> {
    let end = setup.duration.as_nanos().saturating_sub(2 * client);
    let window = |change: &LeadershipChange| {
        let (old, _) = change.old?;
        if change.margin()? >= 0 {
            return None;
        }
        let last = match change.lease_over? {
            LeaseOver::At(over) => over.saturating_sub(client + 1).min(end),
            LeaseOver::Never => end,
        };
        Some(Window { old, new: change.new, ready: change.ready_at, last })
    };
    outcome.changes.iter().filter_map(window).collect()
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
