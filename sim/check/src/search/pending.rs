//! The operations that are pending at one instant of the search, and the steps that a configuration can take with them.

use super::course::{Course, Event, Position, Role, ValueId, fitting};
use super::mask::Mask;
use super::spent::{NOTHING, Spending, mix};

/// How far one order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Configuration<const W: usize> {
    /// The register's value.
    pub(super) value: ValueId,
    /// The unknown operations that were used, and are not expired.
    pub(super) spent: u32,
    /// The pending operations that are linearized.
    pub(super) done: Mask<W>,
    /// The pending plain writes that are not linearized and that a later plain write can hide.
    pub(super) hidden: Mask<W>,
}

impl<const W: usize> Configuration<W> {
    /// Nothing is linearized and the key is missing.
    pub(super) const START: Configuration<W> =
        Configuration { value: 0, spent: NOTHING, done: Mask::EMPTY, hidden: Mask::EMPTY };

    pub(super) fn hash(&self) -> u64 {
        let words = self.done.words().iter().chain(self.hidden.words());
        words.fold(mix(u64::from(self.value), u64::from(self.spent)), |hash, &word| mix(hash, word))
    }
}

/// One operation that an order takes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The operation of this number.
    Member(u32),
    /// One of this kind of unknown operations.
    Kind(u32),
}

/// The pending operations before the event at `position`.
#[derive(Debug)]
pub(super) struct Pending<'a, const W: usize> {
    course: &'a Course,
    position: Position,
    /// The number of the operation in each slot; without a meaning where the slot is free.
    occupants: Vec<u32>,
    /// By value: the reads that returned it.
    reads_of: Vec<Mask<W>>,
    /// The swaps that did not happen.
    refused: Mask<W>,
    /// By value: those of them that would have happened at it.
    refused_at: Vec<Mask<W>>,
    /// The writes with a response, and by value.
    writes: Mask<W>,
    writes_of: Vec<Mask<W>>,
    /// The swaps with a response that happened, and by the value at which they do.
    swaps: Mask<W>,
    swaps_at: Vec<Mask<W>>,
    /// By kind: how many unknown operations were invoked.
    available: Vec<u32>,
    /// The kinds of which some were invoked and that are not expired, ascending.
    live: Vec<u32>,
    /// Those of them that are writes.
    live_writes: Vec<u32>,
    /// By value: the kinds of swaps that happen at it, live or not.
    swap_kinds_at: Vec<Vec<u32>>,
}

impl<'a, const W: usize> Pending<'a, W> {
    /// Before the first event.
    pub(super) fn new(course: &'a Course) -> Pending<'a, W> {
        let none = || vec![Mask::EMPTY; course.values.len()];
        let mut swap_kinds_at = vec![Vec::new(); course.values.len()];
        for (number, kind) in (0..).zip(&course.kinds) {
            for value in kind.from.into_iter().flat_map(|from| fitting(from, kind.creates)) {
                swap_kinds_at[value as usize].push(number);
            }
        }
        Pending {
            course,
            position: 0,
            occupants: vec![0; 64 * W],
            reads_of: none(),
            refused: Mask::EMPTY,
            refused_at: none(),
            writes: Mask::EMPTY,
            writes_of: none(),
            swaps: Mask::EMPTY,
            swaps_at: none(),
            available: vec![0; course.kinds.len()],
            live: Vec::new(),
            live_writes: Vec::new(),
            swap_kinds_at,
        }
    }

    /// Goes forward or back until the event at `position` is the next one. Takes time in the distance.
    pub(super) fn go_to(&mut self, position: Position) {
        while self.position < position {
            match self.course.events[self.position as usize] {
                Event::Invocation(member) => self.admit(member),
                Event::Response(member) => self.release(member),
            }
            for kind in self.course.expiring(self.position) {
                self.set_live(kind, false);
            }
            self.position += 1;
        }
        while self.position > position {
            self.position -= 1;
            for kind in self.course.expiring(self.position) {
                if self.available[kind as usize] > 0 {
                    self.set_live(kind, true);
                }
            }
            match self.course.events[self.position as usize] {
                Event::Invocation(member) => self.release(member),
                Event::Response(member) => self.admit(member),
            }
        }
    }

    fn admit(&mut self, member: u32) {
        if let Role::Unknown { kind } = self.course.members[member as usize].role {
            self.available[kind as usize] += 1;
            self.set_live(kind, true);
        }
        self.change(member, |mask, slot| mask.insert(slot));
    }

    fn release(&mut self, member: u32) {
        if let Role::Unknown { kind } = self.course.members[member as usize].role {
            self.available[kind as usize] -= 1;
            if self.available[kind as usize] == 0 {
                self.set_live(kind, false);
            }
        }
        self.change(member, |mask, slot| mask.remove(slot));
    }

    fn set_live(&mut self, kind: u32, is_live: bool) {
        set(&mut self.live, kind, is_live);
        if self.course.kinds[kind as usize].from.is_none() {
            set(&mut self.live_writes, kind, is_live);
        }
    }

    fn change(&mut self, member: u32, change: impl Fn(&mut Mask<W>, usize)) {
        let it = &self.course.members[member as usize];
        let slot = it.slot as usize;
        match it.role {
            Role::Unknown { .. } | Role::Superfluous => return,
            Role::Read { value } => change(&mut self.reads_of[value as usize], slot),
            Role::Refused { from, creates } => {
                change(&mut self.refused, slot);
                fitting(from, creates).for_each(|value| change(&mut self.refused_at[value as usize], slot));
            }
            Role::Write { value } => {
                change(&mut self.writes, slot);
                change(&mut self.writes_of[value as usize], slot);
            }
            Role::Swap { from, creates, .. } => {
                change(&mut self.swaps, slot);
                fitting(from, creates).for_each(|value| change(&mut self.swaps_at[value as usize], slot));
            }
        }
        self.occupants[slot] = member;
    }

    /// The number of the operation in an occupied slot.
    pub(super) fn occupant(&self, slot: usize) -> u32 {
        self.occupants[slot]
    }

    /// The numbers of the pending operations that respond, and of the unknown ones that can still be spent.
    pub(super) fn members(&self) -> Vec<u32> {
        let events = self.course.events[..self.position as usize].iter();
        let invoked = events.filter_map(|event| match *event {
            Event::Invocation(member) => Some(member),
            Event::Response(_) => None,
        });
        let is_pending = |&member: &u32| {
            let it = &self.course.members[member as usize];
            match it.role {
                Role::Superfluous => false,
                Role::Unknown { kind } => self.live.binary_search(&kind).is_ok(),
                _ => it.response >= self.position,
            }
        };
        invoked.filter(is_pending).collect()
    }

    /// Linearizes every operation that leaves the value as it is and fits it.
    pub(super) fn settle(&self, mut configuration: Configuration<W>) -> Configuration<W> {
        let value = configuration.value as usize;
        let fit = self.reads_of[value].or(self.refused.minus(self.refused_at[value]));
        configuration.done = configuration.done.or(fit);
        configuration
    }

    /// What one more operation leads to, on the way to linearizing `target`, from a settled configuration, without
    /// spending an unknown operation. Returns whether [`Pending::spend`] has something to add.
    pub(super) fn follow(
        &self,
        configuration: &Configuration<W>,
        target: usize,
        spending: &Spending,
        successors: &mut Vec<(Configuration<W>, Step)>,
    ) -> bool {
        let done = configuration.done;
        for slot in self.swaps_at[configuration.value as usize].minus(done).iter() {
            let Role::Swap { to, .. } = self.role(slot) else { unreachable!("it is among the swaps") };
            if self.has_earlier_twin(slot, self.swaps.minus(done)) {
                continue;
            }
            let mut after = Configuration { value: to, ..*configuration };
            after.done.insert(slot);
            successors.push((self.settle(after), Step::Member(self.occupants[slot])));
        }
        let mut could_spend = false;
        self.each_write(configuration, |slot, after, is_of_use| {
            if slot == target || is_of_use {
                successors.push((after, Step::Member(self.occupants[slot])));
            } else {
                could_spend = could_spend || self.unknown_swap_fits(&after, spending);
            }
        });
        could_spend || self.each_unknown(configuration, spending, |_, _| true)
    }

    /// What one more unknown operation leads to, and every write that only an unknown operation depends on.
    pub(super) fn spend(
        &self,
        configuration: &Configuration<W>,
        target: usize,
        spending: &mut Spending,
        successors: &mut Vec<(Configuration<W>, Step)>,
    ) {
        self.each_write(configuration, |slot, after, is_of_use| {
            if slot != target && !is_of_use && self.unknown_swap_fits(&after, spending) {
                successors.push((after, Step::Member(self.occupants[slot])));
            }
        });
        let first = successors.len();
        self.each_unknown(configuration, spending, |kind, after| {
            successors.push((after, Step::Kind(kind)));
            false
        });
        for (after, step) in &mut successors[first..] {
            let Step::Kind(kind) = *step else { unreachable!("they are unknown operations") };
            after.spent = spending.with(after.spent, kind);
        }
    }

    /// Every pending write that could be next: its slot, what it leads to, and whether that is of use.
    fn each_write(
        &self,
        configuration: &Configuration<W>,
        mut each: impl FnMut(usize, Configuration<W>, bool),
    ) {
        for slot in self.writes.minus(configuration.done).iter() {
            let Role::Write { value } = self.role(slot) else { unreachable!("it is among the writes") };
            if self.has_earlier_twin(slot, self.writes_of[value as usize].minus(configuration.done)) {
                continue;
            }
            let mut after = Configuration { value, ..*configuration };
            after.done.insert(slot);
            after.hidden = configuration.hidden.or(self.writes).minus(after.done);
            let done = after.done;
            after = self.settle(after);
            each(slot, after, self.is_of_use(&after, done));
        }
    }

    /// Every kind of unknown operations of which one could be next and be of use, and what it leads to, not counting it
    /// as spent. Stops when `each` says so, and returns whether it did.
    fn each_unknown(
        &self,
        configuration: &Configuration<W>,
        spending: &Spending,
        mut each: impl FnMut(u32, Configuration<W>) -> bool,
    ) -> bool {
        let mut plain_seen = false;
        let swaps = &self.swap_kinds_at[configuration.value as usize];
        for &kind in self.live_writes.iter().chain(swaps) {
            if !self.has_unspent(kind, configuration, spending) {
                continue;
            }
            let it = &self.course.kinds[kind as usize];
            let mut after = Configuration { value: it.to, ..*configuration };
            if it.from.is_none() {
                // Of the writes of values that no response tells apart, one is as good as another.
                let plain = it.plain_after < Some(self.position);
                if plain && plain_seen {
                    continue;
                }
                plain_seen |= plain;
                after.hidden = configuration.hidden.or(self.writes).minus(after.done);
            }
            if after == *configuration {
                continue;
            }
            after = self.settle(after);
            let is_of_use =
                self.is_of_use(&after, configuration.done) || self.unknown_swap_fits(&after, spending);
            if is_of_use && each(kind, after) {
                return true;
            }
        }
        false
    }

    /// Whether a step led to something: another operation was settled by it, or a swap can follow at once.
    fn is_of_use(&self, after: &Configuration<W>, done: Mask<W>) -> bool {
        after.done != done || !self.swaps_at[after.value as usize].minus(after.done).is_empty()
    }

    fn unknown_swap_fits(&self, after: &Configuration<W>, spending: &Spending) -> bool {
        self.swap_kinds_at[after.value as usize].iter().any(|&kind| {
            self.course.kinds[kind as usize].to != after.value && self.has_unspent(kind, after, spending)
        })
    }

    /// Whether an unknown operation of a kind was invoked, is not expired and is not spent.
    fn has_unspent(&self, kind: u32, configuration: &Configuration<W>, spending: &Spending) -> bool {
        let available = self.available[kind as usize];
        available > 0
            && self.course.kinds[kind as usize].expires >= self.position
            && (configuration.spent == NOTHING || spending.count(configuration.spent, kind) < available)
    }

    /// Whether one of `others` does the same and responds earlier. Then that one goes first: an order that takes them the
    /// other way round may exchange them.
    fn has_earlier_twin(&self, slot: usize, others: Mask<W>) -> bool {
        let it = &self.course.members[self.occupants[slot] as usize];
        others.iter().any(|other| {
            let other = &self.course.members[self.occupants[other] as usize];
            other.role == it.role && other.response < it.response
        })
    }

    /// Whether `a`, which has the same value, can do all that `b` can: it has spent no unknown operation that `b` still
    /// has, owes no observer that `b` does not owe, has linearized the same swaps, and every write is as good in it. A
    /// write that can be hidden is best, for it may still be seen and need not be.
    pub(super) fn dominates(&self, a: &Configuration<W>, b: &Configuration<W>, spending: &Spending) -> bool {
        let (done_in_both, done_in_one) = (a.done.and(b.done), a.done.or(b.done));
        let as_good = a.hidden.or(done_in_both).or(self.writes.minus(done_in_one).minus(b.hidden));
        let differing = done_in_one.minus(done_in_both);
        self.writes.is_subset(as_good)
            && differing.and(self.swaps).is_empty()
            && b.done.minus(self.writes).is_subset(a.done)
            && spending.is_within(a.spent, b.spent)
    }

    fn role(&self, slot: usize) -> Role {
        self.course.members[self.occupants[slot] as usize].role
    }
}

/// Puts a kind into an ascending list, or takes it out.
fn set(kinds: &mut Vec<u32>, kind: u32, is_in: bool) {
    match (kinds.binary_search(&kind), is_in) {
        (Err(place), true) => kinds.insert(place, kind),
        (Ok(place), false) => drop(kinds.remove(place)),
        (Ok(_), true) | (Err(_), false) => {}
    }
}
