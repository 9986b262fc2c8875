//! The clients become single questions at given times: those that the violation needs.

use leasehold::time::Span;

use super::cost::asks_once;
use super::search::Search;
use super::violation::Kind;
use crate::stalled::Stalled;
use leasehold_check::{StaleRead, Verdict};
use leasehold_run::run::Outcome;
use leasehold_run::setup::{ClientSpec, OperationKind, Setup, Target};
use leasehold_run::watch::Operation;
use leasehold_world::Request;

/// More operations than this are not tried one by one.
const ONE_BY_ONE_MAX: usize = 300;

pub(super) fn pass(search: &mut Search<'_>) {
    if !search.best().clients.iter().all(|client| asks_once(search.best(), client)) {
        for chosen in choices(search) {
            let proposal = script(search.best(), search.outcome(), &chosen);
            if search.try_aimed(proposal) {
                break;
            }
        }
    }
    drop_clients(search);
    one_key(search);
    writes_for_swaps(search);
}

/// Sets of operations that may be enough, the smallest first.
fn choices(search: &Search<'_>) -> Vec<Vec<usize>> {
    let outcome = search.outcome();
    let mut sets = vec![Vec::new()];
    match search.wanted().kind {
        Kind::StaleRead => {
            sets.clear();
            let stale = &outcome.check.stale_reads;
            for stale in stale.iter().take(1).chain(stale.last()) {
                sets.extend(of_stale_read(outcome, stale));
            }
        }
        Kind::NotLinearizable => {
            for key in &outcome.check.keys {
                if let Verdict::NotLinearizable { violation } = &key.verdict {
                    let involved = violation.operations();
                    sets.push(involved.iter().map(|index| outcome.history_index(*index)).collect());
                }
            }
        }
        Kind::BrokenInvariant(_) | Kind::TwoCouldServe { .. } | Kind::Stalled(Stalled::NoLeader) => {}
        Kind::Stalled(Stalled::NoWrites) => sets.extend(unanswered(outcome)),
    }
    if outcome.history.len() <= ONE_BY_ONE_MAX {
        sets.push((0..outcome.history.len()).collect());
    }
    for set in &mut sets {
        set.sort_unstable();
        set.dedup();
    }
    sets
}

/// The first and the last write without an answer, each by itself: one that waits to the end of the run may be enough.
fn unanswered(outcome: &Outcome) -> Vec<Vec<usize>> {
    let waits = |place: &usize| {
        let operation = &outcome.history[*place];
        operation.completed.is_none() && !matches!(operation.request, Request::Read { .. })
    };
    let waiting: Vec<usize> = (0..outcome.history.len()).filter(waits).collect();
    waiting.first().into_iter().chain(waiting.last()).map(|place| vec![*place]).collect()
}

/// The read and the write that it missed; the same and the write that it returned.
pub(super) fn of_stale_read(outcome: &Outcome, stale: &StaleRead) -> [Vec<usize>; 2] {
    let (read, missed) = (outcome.history_index(stale.read), outcome.history_index(stale.missed));
    let value = |place: usize| match (outcome.history[place].request, outcome.history[place].completed) {
        (Request::Read { .. }, Some((_, leasehold_world::Reply::Value { value, .. }))) => value,
        _ => None,
    };
    let writer = |place: usize| {
        let value = value(place)?;
        outcome.history.iter().position(|operation| match operation.request {
            Request::Write { value: written, .. } | Request::Cas { to: written, .. } => written == value,
            Request::Read { .. } => false,
        })
    };
    // A value that was only ever seen was written by somebody.
    let needed: Vec<usize> = [Some(read), Some(missed), writer(missed)].into_iter().flatten().collect();
    let more = needed.iter().copied().chain(writer(read)).collect();
    [needed, more]
}

/// A setup whose clients ask these operations of a run of it, each its own, and nothing else.
pub(super) fn script(setup: &Setup, outcome: &Outcome, chosen: &[usize]) -> Setup {
    let asked = |place: &usize| {
        let operation = &outcome.history[*place];
        let client = &setup.clients[operation.client];
        once(operation, client)
    };
    let mut clients: Vec<ClientSpec> = chosen.iter().map(asked).collect();
    clients.sort_by_key(|client| client.start);
    Setup { clients, ..setup.clone() }
}

fn once(operation: &Operation, client: &ClientSpec) -> ClientSpec {
    let kind = match operation.request {
        Request::Read { .. } => OperationKind::Read,
        Request::Write { .. } => OperationKind::Write,
        Request::Cas { .. } => OperationKind::Cas,
    };
    asks_at(kind, operation.node, operation.invoked, operation.request.key(), client)
}

/// A client that asks once, and waits as long as `client` does.
pub(super) fn asks_at(
    kind: OperationKind,
    node: usize,
    at: u64,
    key: u64,
    client: &ClientSpec,
) -> ClientSpec {
    ClientSpec {
        target: Target::Node(node),
        operations: vec![kind],
        times: Some(1),
        first_key: key,
        start: Span::nanos(at),
        timeout: client.timeout,
        link: client.link,
        ..ClientSpec::new("")
    }
}

/// Faults stand in the order in which they happen, as far as that is known. Clients that ask once are called after what they
/// do, in the order in which they do it.
pub(super) fn tidy(setup: &mut Setup) {
    setup.faults.sort_by_key(|fault| fault.trigger.earliest() + fault.after);
    if !setup.clients.iter().all(|client| client.times == Some(1) && client.operations.len() == 1) {
        return;
    }
    setup.clients.sort_by_key(|client| client.start);
    for kind in [OperationKind::Read, OperationKind::Write, OperationKind::Cas] {
        let word = match kind {
            OperationKind::Read => "reader",
            OperationKind::Write => "writer",
            OperationKind::Cas => "swapper",
        };
        let mut of_kind: Vec<&mut ClientSpec> =
            setup.clients.iter_mut().filter(|client| client.operations == [kind]).collect();
        let several = of_kind.len() > 1;
        for (number, client) in (1..).zip(&mut of_kind) {
            client.name = if several { format!("{word}-{number}") } else { word.to_owned() };
        }
    }
}

/// Clients that are not needed go: by halves, by quarters, one by one.
fn drop_clients(search: &mut Search<'_>) {
    let mut length = search.best().clients.len();
    while length > 0 {
        let mut start = 0;
        while start < search.best().clients.len() {
            let mut proposal = Setup::clone(search.best());
            let end = proposal.clients.len().min(start + length);
            proposal.clients.drain(start..end);
            if !search.try_exactly(proposal) {
                start += length;
            }
        }
        length /= 2;
    }
}

fn one_key(search: &mut Search<'_>) {
    let mut proposal = Setup::clone(search.best());
    for client in &mut proposal.clients {
        (client.first_key, client.keys) = (0, 1);
    }
    search.try_exactly(proposal);
}

/// A swap that is asked alone is a write with conditions.
fn writes_for_swaps(search: &mut Search<'_>) {
    for place in 0..search.best().clients.len() {
        let mut proposal = Setup::clone(search.best());
        if proposal.clients[place].operations == [OperationKind::Cas] {
            proposal.clients[place].operations = vec![OperationKind::Write];
            search.try_exactly(proposal);
        }
    }
}
