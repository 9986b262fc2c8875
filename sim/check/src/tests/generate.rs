//! Random histories that are linearizable by construction, or were until one response was falsified.

use super::{cas, lost, op, read, upsert, write};
use crate::{Action, Operation, Value};
use proptest::prelude::*;

/// What to draw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) operations_max: usize,
    pub(super) clients: u32,
    /// Every write has a value of its own.
    pub(super) distinct: bool,
    pub(super) cas: bool,
    /// One operation in so many has no response; 0: all have.
    pub(super) unknown_one_in: u32,
}

/// One operation before it is carried out.
#[derive(Clone, Copy, Debug)]
struct Plan {
    client: u32,
    kind: u32,
    /// What a swap expects, and what is written if values may repeat; 0 deletes the key.
    values: (u64, u64),
    think: u64,
    /// From the invocation to the effect, and from there to the response.
    delays: (u64, u64),
    unknown: bool,
    happens: bool,
}

/// A history on key 1. In about half of them one response is false.
pub(super) fn history(shape: Shape) -> impl Strategy<Value = Vec<Operation>> {
    let plans = prop::collection::vec(plan(shape), 1..=shape.operations_max);
    (plans, prop::option::of((any::<prop::sample::Index>(), 0..4_u64))).prop_map(move |(plans, falsify)| {
        let mut history = carry_out(shape, &plans);
        if let Some((index, returned)) = falsify {
            let at = index.index(history.len());
            let values: Vec<Value> = history.iter().filter_map(Operation::written).collect();
            match &mut history[at].action {
                Action::Read { returned: value } => {
                    let old = usize::try_from(returned).ok().and_then(|i| values.get(i));
                    *value = old.copied().unwrap_or(Value::MISSING);
                }
                Action::Cas { swapped, .. } => *swapped = !*swapped,
                Action::Write { .. } => {}
            }
        }
        history
    })
}

/// A history on key 1 that is linearizable.
pub(super) fn linearizable(shape: Shape) -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec(plan(shape), 1..=shape.operations_max)
        .prop_map(move |plans| carry_out(shape, &plans))
}

fn plan(shape: Shape) -> impl Strategy<Value = Plan> {
    let unknown = if shape.unknown_one_in == 0 {
        Just(false).boxed()
    } else {
        (0..shape.unknown_one_in).prop_map(|n| n == 0).boxed()
    };
    let kinds = if shape.cas { 0..8_u32 } else { 0..5 };
    (0..shape.clients, kinds, (0..4_u64, 1..4_u64), 0..4_u64, (0..6_u64, 0..6_u64), unknown, any::<bool>())
        .prop_map(|(client, kind, values, think, delays, unknown, happens)| Plan {
            client,
            kind,
            values,
            think,
            delays,
            unknown,
            happens,
        })
}

/// Gives every plan its interval, its client being busy with one at a time, and lets an atomic register carry them out
/// in the order of their effects. Operations of one instant take effect in the order of the plans.
fn carry_out(shape: Shape, plans: &[Plan]) -> Vec<Operation> {
    let mut free_at = vec![0_u64; shape.clients as usize];
    let mut effects: Vec<(u64, usize, u64, u64)> = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        let free = &mut free_at[plan.client as usize];
        let invoked = *free + plan.think;
        let effect = invoked + plan.delays.0;
        // What has no response may take effect much later.
        let effect = if plan.unknown { effect + 5 * plan.delays.1 } else { effect };
        let responded = effect + plan.delays.1;
        *free = if plan.unknown { invoked } else { responded };
        effects.push((effect, number, invoked, responded));
    }
    effects.sort_unstable();

    let mut current = Value::MISSING;
    let mut history = Vec::new();
    for (_, number, invoked, responded) in effects {
        let plan = &plans[number];
        let (from, small) = plan.values;
        let to = if shape.distinct { 1 + number as u64 } else { small };
        // Expecting the current value half of the time keeps the swaps coming.
        let from = if plan.happens { current.0 } else { from };
        let asked = match plan.kind {
            0..=2 => read(current.0),
            3 | 4 => write(to),
            5 | 6 => cas(from, to, true),
            _ => upsert(from, to, true),
        };
        let effect = asked.effect(current, true);
        let action = match asked {
            Action::Cas { from, to, create_if_missing, .. } => {
                Action::Cas { from, to, create_if_missing, swapped: effect.is_some() }
            }
            other => other,
        };
        if !plan.unknown || plan.happens {
            current = effect.unwrap_or(current);
        }
        history.push(if plan.unknown {
            lost(plan.client, invoked, action)
        } else {
            op(plan.client, invoked, responded, action)
        });
    }
    history
}
