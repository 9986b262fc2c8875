//! What "simpler" is: an order of setups in which every step of a search goes down.

use super::numbers::{self, Number, Part};
use leasehold::time::Span;
use leasehold_run::scenario::keys::{Key, Table};
use leasehold_run::setup::{
    Action, ClientSpec, ClockSpec, Delay, OperationKind, Pace, Setup, Target, Trigger,
};

/// Compared from the first field to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost {
    /// Things that are drawn.
    chance: usize,
    nodes: usize,
    faults: usize,
    /// What the clients will ask, about.
    operations: u64,
    /// What is not as it usually is.
    specials: usize,
    /// Digits of the numbers that stand in the file, part by part.
    digits: [usize; 5],
    /// All times together.
    size: u128,
}

impl Cost {
    pub(super) fn of(setup: &Setup) -> Cost {
        let (mut digits, mut size) = ([0; 5], 0);
        numbers::visit(&mut setup.clone(), &mut |number: &Number, value: &mut i128| {
            digits[number.part as usize] += number.digits(*value);
            if matches!(number.part, Part::Time | Part::Question) && number.usual != Some(*value) {
                size += value.unsigned_abs();
            }
        });
        Cost {
            chance: chance(setup),
            nodes: setup.nodes.len(),
            faults: setup.faults.len(),
            operations: setup.clients.iter().map(|client| operations(setup, client)).sum(),
            specials: specials(setup),
            digits,
            size,
        }
    }
}

/// Does a client ask exactly once?
pub(super) fn asks_once(setup: &Setup, client: &ClientSpec) -> bool {
    operations(setup, client) == 1
}

/// About how often a client asks.
fn operations(setup: &Setup, client: &ClientSpec) -> u64 {
    let end = client.stop.unwrap_or(setup.duration + Span::nanos(1)).as_nanos();
    let time = end.saturating_sub(client.start.as_nanos());
    let pace = match client.pace {
        Pace::Every(pace) => usual(pace),
        Pace::Think(pace) => usual(pace) + 2 * usual(client.link.unwrap_or(setup.network.client_delay)),
    };
    time.div_ceil(pace.max(1)).min(client.times.unwrap_or(u64::MAX))
}

/// A length that a delay may well have, ns.
pub(super) fn usual(delay: Delay) -> u64 {
    match delay {
        Delay::Fixed(span) => span.as_nanos(),
        Delay::Uniform { least, most } => least.as_nanos().midpoint(most.as_nanos()),
        Delay::LogNormal { median, .. } => median.as_nanos(),
    }
}

/// Is it drawn?
pub(super) fn drawn(delay: Delay) -> bool {
    !matches!(delay, Delay::Fixed(_))
}

fn chance(setup: &Setup) -> usize {
    let network = &setup.network;
    let links = || network.links.iter();
    let clients = || setup.clients.iter();
    let paces = clients().map(|client| match client.pace {
        Pace::Every(pace) | Pace::Think(pace) => pace,
    });
    let delays = links().filter_map(|link| link.delay).chain(clients().filter_map(|client| client.link));
    let delays = delays.chain(paces).chain([network.delay, network.client_delay]);
    let shares = links().flat_map(|link| [link.loss_ppm, link.duplicate_ppm]).flatten();
    let shares = shares.chain([network.loss_ppm, network.duplicate_ppm]);
    let jitters = setup.nodes.iter().filter(|node| node.election_jitter > node.election_jitter_least);
    let wishes = clients().map(|client| {
        usize::from(client.operations.len() > 1)
            + usize::from(client.keys > 1)
            + usize::from(client.target == Target::Any)
    });
    delays.filter(|delay| drawn(*delay)).count()
        + shares.filter(|ppm| *ppm > 0).count()
        + jitters.count()
        + wishes.sum::<usize>()
}

fn specials(setup: &Setup) -> usize {
    let mut count = setup.network.links.len() + setup.nodes.len() - setup.cluster.voters;
    let mut unless = |usual: bool| count += usize::from(!usual);
    for table in [Table::Timers, Table::Network, Table::Client] {
        let keys = (0..table.count(setup)).flat_map(|number| table.keys(number));
        keys.filter(Key::has_no_default_of_its_own).for_each(|key| unless(simple(&key, setup)));
    }
    for key in (0..setup.nodes.len()).flat_map(|node| Table::Node.keys(node)) {
        unless(key.is_usual(setup));
    }
    let clock = |node: usize| setup.nodes[node].clock;
    for node in (0..setup.nodes.len()).filter(|node| clock(*node) != ClockSpec::default()) {
        unless(false);
        if !(0..node).any(|other| clock(other) == clock(node)) {
            Table::Clock.keys(node).for_each(|key| unless(key.is_usual(setup)));
        }
    }
    for client in &setup.clients {
        unless(!client.operations.contains(&OperationKind::Cas));
    }
    for fault in &setup.faults {
        unless(fault.lasts.is_none());
        unless(fault.after == Span::ZERO);
        unless(matches!(fault.trigger, Trigger::At(_)));
    }
    count + setup.faults.iter().map(|fault| words(&fault.action)).sum::<usize>()
}

/// Does a key with no default of its own say what a simple scenario says?
fn simple(key: &Key, setup: &Setup) -> bool {
    match key.amount(setup) {
        Some(amount) => key.usual_amount(setup) == Some(amount),
        None => key.is_usual(setup),
    }
}

/// Names in an action beyond the one that most have.
fn words(action: &Action) -> usize {
    let kind = matches!(action, Action::Hold { message: Some(_), .. });
    let link = if matches!(action, Action::Hold { .. }) { 2 } else { 0 };
    action.groups().into_iter().map(<[usize]>::len).sum::<usize>() + link + usize::from(kind)
}
