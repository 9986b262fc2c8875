//! One key's history, prepared for the search: events in their order, values and slots as small numbers, and the
//! operations of unknown outcome grouped into kinds.
//!
//! Operations of unknown outcome that ask the same are of one kind. Nothing tells them apart but their invocations, so
//! the search counts how many of a kind were invoked and how many an order has spent.
//!
//! An operation of unknown outcome need not have happened. An order that contains one whose value no other operation
//! depends on explains the same responses without it. So a kind expires with the last response that may depend on it.

use std::collections::{BTreeMap, BinaryHeap};

use crate::history::{Action, Operation, Value};

/// A value of the key as a small number; 0 is MISSING.
pub(super) type ValueId = u32;
/// A place in the sequence of events.
pub(super) type Position = u32;

/// What an operation is to the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It responded, and leaves the value as it is.
    Read { value: ValueId },
    /// A compare-and-swap that responded and did not swap.
    Refused { from: ValueId, creates: bool },
    /// A write that responded.
    Write { value: ValueId },
    /// A compare-and-swap that responded and swapped.
    Swap { from: ValueId, to: ValueId, creates: bool },
    /// Of unknown outcome, of this kind.
    Unknown { kind: u32 },
    /// Of unknown outcome, and nothing can depend on it.
    Superfluous,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    /// Its index in the history.
    pub(super) index: usize,
    pub(super) role: Role,
    /// Where its response is in the sequence of events. The last position there can be if it has none.
    pub(super) response: Position,
    /// The slot that it has while it is pending, if it responds.
    pub(super) slot: u32,
}

/// Something that happens to the operation of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Invocation(u32),
    Response(u32),
}

/// Operations of unknown outcome that ask the same.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    /// What a compare-and-swap expects; `None` is a plain write.
    pub(super) from: Option<ValueId>,
    pub(super) to: ValueId,
    /// Whether the compare-and-swap creates a missing key.
    pub(super) creates: bool,
    /// After this event nothing can depend on it.
    pub(super) expires: Position,
    /// After this event no response can tell its value from another one that nothing needs.
    pub(super) plain_after: Option<Position>,
    /// The numbers of its operations, in the order of their invocations.
    pub(super) members: Vec<u32>,
}

/// One key's history.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) members: Vec<Member>,
    pub(super) events: Vec<Event>,
    /// Where the responses are among the events.
    pub(super) responses: Vec<Position>,
    /// Ascending, so that the first one is MISSING.
    pub(super) values: Vec<Value>,
    pub(super) kinds: Vec<Kind>,
    /// When kinds expire, ascending.
    pub(super) expiries: Vec<(Position, u32)>,
    /// How many operations that respond are pending at one time at most.
    pub(super) slots: usize,
}

impl Course {
    /// Prepares the operations of one key, given by their indices in `history`.
    ///
    /// # Panics
    ///
    /// If the key has 2^31 operations.
    pub(super) fn of(history: &[Operation], indices: &[usize]) -> Course {
        assert!(indices.len() < 1 << 31, "a key has fewer than 2^31 operations");
        let values = values(history, indices);
        let id = |value: Value| number(values.binary_search(&value).expect("every value is there"));
        let events = events(history, indices);

        let mut members: Vec<Member> = indices
            .iter()
            .map(|&index| {
                let role = role(&history[index], &id);
                Member { index, role, response: Position::MAX, slot: u32::MAX }
            })
            .collect();
        let mut responses = Vec::with_capacity(members.len());
        for (position, event) in events.iter().enumerate() {
            if let Event::Response(member) = *event {
                members[member as usize].response = number(position);
                responses.push(number(position));
            }
        }
        let slots = assign_slots(&mut members, &events);
        let uses = Uses::of(history, indices, &members, values.len(), &id);
        let kinds = kinds(history, indices, &mut members, &events, &uses, &id);
        let mut expiries: Vec<(Position, u32)> =
            kinds.iter().enumerate().map(|(kind, it)| (it.expires, number(kind))).collect();
        expiries.sort_unstable();
        Course { members, events, responses, values, kinds, expiries, slots }
    }

    /// The kinds that expire with the event at a position.
    pub(super) fn expiring(&self, position: Position) -> impl Iterator<Item = u32> {
        let first = self.expiries.partition_point(|&(at, _)| at < position);
        self.expiries[first..].iter().take_while(move |&&(at, _)| at == position).map(|&(_, kind)| kind)
    }
}

/// # Panics
///
/// If it does not fit; there are fewer than 2^32 events, operations and values of a key.
fn number(place: usize) -> u32 {
    u32::try_from(place).expect("a key has fewer than 2^32 events")
}

fn values(history: &[Operation], indices: &[usize]) -> Vec<Value> {
    let mut values = vec![Value::MISSING];
    for &index in indices {
        match history[index].action {
            Action::Read { returned } => {
                values.extend(history[index].responded.map(|_| returned));
            }
            Action::Write { value } => values.push(value),
            Action::Cas { from, to, .. } => values.extend([from, to]),
        }
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// Invocations come before responses at equal instants: operations that touch are concurrent.
fn events(history: &[Operation], indices: &[usize]) -> Vec<Event> {
    let mut events = Vec::with_capacity(2 * indices.len());
    for (member, &index) in indices.iter().enumerate() {
        let operation = &history[index];
        events.push((operation.invoked, false, number(member)));
        events.extend(operation.responded.map(|at| (at, true, number(member))));
    }
    events.sort_unstable();
    let event = |(_, responds, member)| match responds {
        true => Event::Response(member),
        false => Event::Invocation(member),
    };
    events.into_iter().map(event).collect()
}

fn role(operation: &Operation, id: impl Fn(Value) -> ValueId) -> Role {
    if operation.responded.is_none() {
        return Role::Superfluous;
    }
    match operation.action {
        Action::Read { returned } => Role::Read { value: id(returned) },
        Action::Write { value } => Role::Write { value: id(value) },
        Action::Cas { from, to, create_if_missing: creates, swapped: true } => {
            Role::Swap { from: id(from), to: id(to), creates }
        }
        Action::Cas { from, create_if_missing: creates, .. } => Role::Refused { from: id(from), creates },
    }
}

/// Gives every operation that responds the lowest slot that is free at its invocation. Returns how many there are.
fn assign_slots(members: &mut [Member], events: &[Event]) -> usize {
    let mut free = BinaryHeap::new();
    let mut slots = 0;
    for event in events {
        match *event {
            Event::Invocation(member) if members[member as usize].role != Role::Superfluous => {
                let std::cmp::Reverse(slot) = free.pop().unwrap_or_else(|| {
                    slots += 1;
                    std::cmp::Reverse(slots - 1)
                });
                members[member as usize].slot = slot;
            }
            Event::Invocation(_) => {}
            Event::Response(member) => free.push(std::cmp::Reverse(members[member as usize].slot)),
        }
    }
    slots as usize
}

/// The last responses that depend on values.
#[derive(Debug)]
struct Uses {
    /// Of each value: the last response that needs it to have been written.
    needed: Vec<Option<Position>>,
    /// Of each value: the last response that needs another one.
    avoided: Vec<Option<Position>>,
    /// The last response that needs any value but one.
    any: Option<Position>,
}

impl Uses {
    fn of(
        history: &[Operation],
        indices: &[usize],
        members: &[Member],
        values: usize,
        id: &impl Fn(Value) -> ValueId,
    ) -> Uses {
        let mut uses = Uses { needed: vec![None; values], avoided: vec![None; values], any: None };
        let note = |last: &mut Option<Position>, at| *last = (*last).max(Some(at));
        // Of the compare-and-swaps of unknown outcome: what they need, by what they write.
        let mut unknown_needs: BTreeMap<ValueId, Vec<ValueId>> = BTreeMap::new();
        for (member, &index) in members.iter().zip(indices) {
            let at = member.response;
            match member.role {
                Role::Read { value } => note(&mut uses.needed[value as usize], at),
                Role::Swap { from, creates, .. } => {
                    fitting(from, creates).for_each(|value| note(&mut uses.needed[value as usize], at));
                }
                Role::Refused { from, creates } => {
                    fitting(from, creates).for_each(|value| note(&mut uses.avoided[value as usize], at));
                    note(&mut uses.any, at);
                }
                Role::Write { .. } | Role::Unknown { .. } => {}
                Role::Superfluous => {
                    if let Action::Cas { from, to, create_if_missing, .. } = history[index].action {
                        let needs = fitting(id(from), create_if_missing);
                        unknown_needs.entry(id(to)).or_default().extend(needs);
                    }
                }
            }
        }
        uses.follow(&unknown_needs);
        uses
    }

    /// An unknown swap matters as long as what it writes does, and so does what it needs. Latest uses first, so that each
    /// value is final when it is taken.
    fn follow(&mut self, unknown_needs: &BTreeMap<ValueId, Vec<ValueId>>) {
        if unknown_needs.is_empty() {
            return;
        }
        let mut open: BinaryHeap<(Position, ValueId)> = BinaryHeap::new();
        open.extend(self.needed.iter().enumerate().filter_map(|(value, at)| Some(((*at)?, number(value)))));
        while let Some((at, value)) = open.pop() {
            if self.needed[value as usize] > Some(at) {
                continue;
            }
            for &needed in unknown_needs.get(&value).into_iter().flatten() {
                if self.needed[needed as usize] < Some(at) {
                    self.needed[needed as usize] = Some(at);
                    open.push((at, needed));
                }
            }
        }
    }
}

/// The values at which a compare-and-swap swaps.
pub(super) fn fitting(from: ValueId, creates: bool) -> impl Iterator<Item = ValueId> {
    std::iter::once(from).chain((creates && from != 0).then_some(0))
}

/// Groups the operations of unknown outcome that something can depend on.
fn kinds(
    history: &[Operation],
    indices: &[usize],
    members: &mut [Member],
    events: &[Event],
    uses: &Uses,
    id: &impl Fn(Value) -> ValueId,
) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut numbers: BTreeMap<(Option<ValueId>, ValueId, bool), u32> = BTreeMap::new();
    for (position, event) in events.iter().enumerate() {
        let Event::Invocation(member) = *event else { continue };
        let operation = &history[indices[member as usize]];
        if operation.responded.is_some() {
            continue;
        }
        let (from, to, creates) = match operation.action {
            Action::Read { .. } => continue,
            Action::Write { value } => (None, id(value), false),
            Action::Cas { from, to, create_if_missing, .. } => (Some(id(from)), id(to), create_if_missing),
        };
        let needed = uses.needed[to as usize];
        let Some(expires) = needed.max(uses.any).filter(|&last| last > number(position)) else {
            continue;
        };
        let kind = *numbers.entry((from, to, creates)).or_insert_with(|| {
            let plain_after = needed.max(uses.avoided[to as usize]);
            kinds.push(Kind { from, to, creates, expires, plain_after, members: Vec::new() });
            number(kinds.len() - 1)
        });
        kinds[kind as usize].members.push(member);
        members[member as usize].role = Role::Unknown { kind };
    }
    kinds
}
