//! Compare-and-swap on values that are each written once: a polynomial way.
//!
//! The value's cluster stands together in every order (`zones`), and a swap stands between the cluster of the value that
//! it replaces and that of the value that it writes. So swaps tie clusters into chains, and a chain stands together too.
//! A key is linearizable iff
//!
//! 1. no value is replaced by two swaps,
//! 2. within each chain, no operation responded before one was invoked that the chain puts earlier, and
//! 3. no two chains exclude each other, with f and s taken over the whole chain.
//!
//! The proof of `zones` holds for any blocks that stand together: it uses f and s only. Within a chain the order is that
//! of the swaps; reads of one value are in the order of their invocations.
//!
//! An operation of unknown outcome happened if its value was seen, by a read or by a swap that happened. Any other one is
//! left out: an order that has it explains the same without it.
//!
//! A swap that did not happen only needs an instant at which the value is another one. One order is made, with the
//! earliest instants that the rules allow, and each such swap is placed in it. If some swap has no place, another order
//! may have one, and the search decides. A swap that creates a missing key may have replaced either of two values; such
//! keys are left to the search as well.

use std::collections::BTreeMap;

use super::history::{Action, Moment, Operation, Value};
use super::report::Violation;
use super::zones::{Zone, exclusion};

/// What the chains of one key prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chains {
    /// There is an order.
    Linearizable,
    /// There is none.
    Violated(Violation),
    /// They prove nothing.
    Unknown,
}

/// Examines the operations of one key, given by their indices in `history`. No two of them write the same value, none
/// writes MISSING, and every value that was seen was written.
pub(super) fn examine(history: &[Operation], members: &[usize]) -> Chains {
    let may_create = |&index: &usize| match history[index].action {
        Action::Cas { create_if_missing, swapped, .. } => {
            create_if_missing && (swapped || history[index].responded.is_none())
        }
        Action::Read { .. } | Action::Write { .. } => false,
    };
    if members.iter().any(may_create) {
        return Chains::Unknown;
    }
    let happened = happened(history, members);
    let mut clusters: BTreeMap<Value, Cluster> = BTreeMap::from([(Value::MISSING, Cluster::default())]);
    for &index in &happened {
        let operation = &history[index];
        match operation.action {
            Action::Read { returned } => clusters.entry(returned).or_default().reads.push(index),
            Action::Write { value } => clusters.entry(value).or_default().writer = Some((index, None)),
            Action::Cas { from, to, .. } => {
                clusters.entry(to).or_default().writer = Some((index, Some(from)));
                let replaced = &mut clusters.entry(from).or_default().swap;
                if let Some((first, _)) = replaced.replace((index, to)) {
                    return Chains::Violated(Violation::SwappedTwice { first, second: index });
                }
            }
        }
    }

    let mut chains = Vec::new();
    let mut chained = 0;
    for (&value, cluster) in &clusters {
        // A swap of unknown outcome whose value was seen has seen a value itself.
        if value != Value::MISSING
            && cluster.writer.is_none()
            && let Some((observer, _)) = cluster.swap
        {
            return Chains::Violated(Violation::NeverWritten { observer });
        }
        if matches!(cluster.writer, Some((_, Some(_)))) {
            continue;
        }
        let chain = Chain::of(history, &clusters, value);
        chained += chain.values.len();
        if let Some(violation) = chain.disorder(history) {
            return Chains::Violated(violation);
        }
        chains.push(chain);
    }
    if chained < clusters.len() {
        // Swaps that need each other in a circle.
        return Chains::Unknown;
    }
    let zones = chains.iter().filter_map(|chain| Some(chain.zone.as_ref()?.clone())).collect();
    if let Some(violation) = exclusion(zones) {
        return Chains::Violated(violation);
    }
    if Timeline::of(history, &chains).has_place_for_all(history, members) {
        return Chains::Linearizable;
    }
    Chains::Unknown
}

/// The operations that took effect, without the swaps that found another value.
fn happened(history: &[Operation], members: &[usize]) -> Vec<usize> {
    let mut unknown: BTreeMap<Value, usize> = BTreeMap::new();
    let mut happened = Vec::with_capacity(members.len());
    for &index in members {
        let operation = &history[index];
        match (operation.responded, operation.action) {
            (None, _) => unknown.extend(operation.written().map(|value| (value, index))),
            (Some(_), Action::Cas { swapped: false, .. }) => {}
            (Some(_), _) => happened.push(index),
        }
    }
    let mut next = 0;
    while let Some(&index) = happened.get(next) {
        next += 1;
        let needed = match history[index].action {
            Action::Read { returned } => Some(returned),
            Action::Cas { from, .. } => Some(from),
            Action::Write { .. } => None,
        };
        happened.extend(needed.and_then(|value| unknown.remove(&value)));
    }
    happened
}

/// The operations of one value.
#[derive(Debug, Default)]
struct Cluster {
    /// Who wrote it, and if that was a swap, what it replaced.
    writer: Option<(usize, Option<Value>)>,
    reads: Vec<usize>,
    /// The swap that replaced it, and by what.
    swap: Option<(usize, Value)>,
}

/// Values that follow each other by swaps.
#[derive(Debug)]
struct Chain {
    values: Vec<Value>,
    /// The operations in their order, each with its rank: those of equal rank are reads of one value.
    operations: Vec<(usize, usize)>,
    /// `None` if nothing happened on it.
    zone: Option<Zone>,
}

impl Chain {
    /// The chain that begins with a value.
    fn of(history: &[Operation], clusters: &BTreeMap<Value, Cluster>, first: Value) -> Chain {
        let mut chain = Chain { values: Vec::new(), operations: Vec::new(), zone: None };
        chain.operations.extend(clusters[&first].writer.map(|(index, _)| (0, index)));
        let mut next = Some(first);
        while let Some(value) = next {
            let cluster = &clusters[&value];
            let rank = 2 * chain.values.len() + 1;
            chain.values.push(value);
            let mut reads = cluster.reads.clone();
            reads.sort_unstable_by_key(|&index| (history[index].invoked, index));
            chain.operations.extend(reads.into_iter().map(|index| (rank, index)));
            chain.operations.extend(cluster.swap.map(|(index, _)| (rank + 1, index)));
            next = cluster.swap.map(|(_, value)| value);
        }
        chain.zone =
            Zone::over(history, chain.operations.iter().map(|&(_, index)| index), first == Value::MISSING);
        chain
    }

    /// An operation that responded before one was invoked that has a lower rank.
    fn disorder(&self, history: &[Operation]) -> Option<Violation> {
        let mut first_response: Option<(Moment, usize)> = None;
        for ranked in self.operations.rchunk_by_rank() {
            for &(_, index) in ranked {
                let late = first_response.filter(|(at, _)| *at < Moment::at(history[index].invoked));
                if let Some((_, later)) = late {
                    let swaps = self.swaps_between(history, index, later);
                    return Some(Violation::SwapOrder { earlier: index, later, swaps });
                }
            }
            let responses = ranked.iter().map(|&(_, index)| (Moment::response(&history[index]), index));
            first_response = responses.chain(first_response).min();
        }
        None
    }

    /// The swaps that put one operation before another, themselves among them if they are.
    fn swaps_between(&self, history: &[Operation], earlier: usize, later: usize) -> Vec<usize> {
        let place = |index: usize| self.operations.iter().position(|&(_, other)| other == index);
        let (Some(from), Some(to)) = (place(earlier), place(later)) else { return Vec::new() };
        let is_swap = |index: &usize| matches!(history[*index].action, Action::Cas { .. });
        self.operations[from..=to].iter().map(|&(_, index)| index).filter(is_swap).collect()
    }
}

/// From the back, the operations of each rank.
trait ByRank {
    fn rchunk_by_rank(&self) -> impl Iterator<Item = &[(usize, usize)]>;
}

impl ByRank for Vec<(usize, usize)> {
    fn rchunk_by_rank(&self) -> impl Iterator<Item = &[(usize, usize)]> {
        self.chunk_by(|a, b| a.0 == b.0).collect::<Vec<_>>().into_iter().rev()
    }
}

/// One order, as the values of the register and the moments at which they change.
#[derive(Debug)]
struct Timeline {
    /// From when on the register has which value, ascending; the first is from the start.
    values: Vec<(Moment, Value)>,
}

impl Timeline {
    /// Chains that do not exclude each other. Every operation takes effect as early as the others before it in its chain
    /// and the beginning of the chain allow. A forward chain begins with its first response; a backward one takes effect
    /// in one moment between its last invocation and its first response, outside of all forward ones.
    fn of(history: &[Operation], chains: &[Chain]) -> Timeline {
        let mut forward: Vec<(Moment, Moment)> = chains
            .iter()
            .filter_map(|chain| chain.zone.as_ref())
            .filter(|zone| zone.is_forward())
            .map(|zone| (zone.first_response, zone.last_invocation))
            .collect();
        forward.sort_unstable();
        let begin = |zone: &Zone| {
            if zone.is_forward() {
                return zone.first_response;
            }
            // Within a forward zone, wait for its end, which is no later than this one's.
            let at = zone.last_invocation;
            let around = forward.partition_point(|&(first, _)| first < at).checked_sub(1);
            around.map(|place| forward[place].1).filter(|&end| at < end).unwrap_or(at)
        };
        // Of chains that touch, one that ends where another one begins goes first; a moment goes between them.
        let mut order: Vec<(Moment, Moment, &Chain)> = chains
            .iter()
            .filter_map(|chain| {
                let zone = chain.zone.as_ref()?;
                let first = begin(zone);
                Some((first, first.max(zone.last_invocation), chain))
            })
            .collect();
        order.sort_by_key(|&(first, last, _)| (first, last));

        let mut values = vec![(Moment::START, Value::MISSING)];
        for (first, _, chain) in order {
            let mut at = first;
            let mut next = chain.values.iter();
            if chain.values.first() == Some(&Value::MISSING) {
                next.next();
            }
            for &(_, index) in &chain.operations {
                let operation = &history[index];
                at = at.max(Moment::at(operation.invoked));
                if !matches!(operation.action, Action::Read { .. }) {
                    values.extend(next.next().map(|&value| (at, value)));
                }
            }
        }
        Timeline { values }
    }

    /// Whether every swap that did not happen can have found another value than it expected.
    fn has_place_for_all(&self, history: &[Operation], members: &[usize]) -> bool {
        members.iter().map(|&index| &history[index]).all(|operation| match operation.action {
            Action::Cas { from, create_if_missing, swapped: false, .. } if operation.responded.is_some() => {
                let (invoked, responded) = (Moment::at(operation.invoked), Moment::response(operation));
                let first = self.values.partition_point(|&(at, _)| at < invoked).saturating_sub(1);
                let mut found = self.values[first..].iter().take_while(|&&(at, _)| at <= responded);
                found.any(|&(_, value)| value != from && !(create_if_missing && value == Value::MISSING))
            }
            _ => true,
        })
    }
}
