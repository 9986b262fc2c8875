//! Why there is no order: the longest one there is, and how far each way to go on from it has come.

use super::course::{Course, Event, Role};
use super::levels::Origin;
use super::pending::Step;
use super::{Budget, Configuration, Search, Violation};
use crate::report::Attempt;

/// How many configurations of the furthest level are told.
const ATTEMPTS_MAX: usize = 16;

impl<const W: usize> Search<'_, W> {
    /// The violation of a search that came to its end.
    pub(super) fn no_order(&mut self, stop: &mut dyn FnMut() -> bool) -> Violation {
        let level = self.furthest;
        let position = self.course.responses[level];
        let Event::Response(blocked) = self.course.events[position as usize] else {
            unreachable!("a level ends with a response")
        };
        self.pending.go_to(position);
        let index = |member: u32| self.course.members[member as usize].index;
        let pending = self.pending.members().into_iter().filter(|&member| member != blocked);
        let attempts = self.levels.configurations(level).take(ATTEMPTS_MAX);
        Violation::NoOrder {
            blocked: index(blocked),
            pending: pending.map(index).collect(),
            possible: self.possible.iter().map(|&value| self.course.values[value as usize]).collect(),
            attempts: attempts.map(|configuration| self.attempt(configuration)).collect(),
            order: self.longest_order(stop),
        }
    }

    fn attempt(&self, configuration: &Configuration<W>) -> Attempt {
        let member_of = |slot: usize| self.course.members[self.pending.occupant(slot) as usize].index;
        Attempt {
            value: self.course.values[configuration.value as usize],
            linearized: configuration.done.iter().map(member_of).collect(),
            spent: self
                .spending
                .kinds(configuration.spent)
                .iter()
                .flat_map(|&(kind, count)| {
                    self.course.kinds[kind as usize].members.iter().take(count as usize)
                })
                .map(|&member| self.course.members[member as usize].index)
                .collect(),
        }
    }

    /// An order of all operations that responded before the blocked one, and of those that it needs. Searches once more,
    /// keeping the steps; empty if that takes more memory than allowed.
    fn longest_order(&self, stop: &mut dyn FnMut() -> bool) -> Vec<usize> {
        let budget = Budget { states: usize::MAX, ..self.budget };
        let mut again = Search::<W>::new(self.course, budget, self.width);
        again.keeps = true;
        match again.run(self.furthest, stop) {
            Ok(true) => again.order_to(self.furthest),
            Ok(false) | Err(_) => Vec::new(),
        }
    }

    /// The order that leads to the first configuration of a level.
    fn order_to(&self, goal: usize) -> Vec<usize> {
        let mut trail = Vec::new();
        let (mut level, mut place) = (goal, 0);
        while let Some(origin) = self.levels.at(level, place).origin {
            trail.push((level, origin));
            match origin {
                Origin::Level(from) => {
                    level -= 1;
                    place = from;
                }
                Origin::Step(from, _) => place = from,
            }
        }
        let mut order = Order::of(self.course);
        for (level, origin) in trail.into_iter().rev() {
            match origin {
                Origin::Level(_) => order.respond(self.course.responses[level - 1]),
                Origin::Step(_, step) => {
                    order.invoke_until(self.course.responses[level]);
                    order.take(step);
                }
            }
        }
        order.finish().into_iter().map(|member| self.course.members[member as usize].index).collect()
    }
}

/// An order that grows step by step, as the search went.
struct Order<'a> {
    course: &'a Course,
    /// The numbers of the operations, without the hidden writes.
    taken: Vec<u32>,
    /// The hidden writes, each before the operation at a place in `taken`.
    hidden: Vec<(usize, u32)>,
    /// The event that is next.
    next: usize,
    /// The pending operations that respond and are not taken.
    open: Vec<u32>,
    value: u32,
    /// Where the last plain write is in `taken`.
    last_write: usize,
    /// How many of each kind are taken.
    spent: Vec<usize>,
}

impl<'a> Order<'a> {
    fn of(course: &'a Course) -> Order<'a> {
        let (taken, hidden, open) = (Vec::new(), Vec::new(), Vec::new());
        let spent = vec![0; course.kinds.len()];
        Order { course, taken, hidden, next: 0, open, value: 0, last_write: 0, spent }
    }

    fn role(&self, member: u32) -> Role {
        self.course.members[member as usize].role
    }

    fn invoke_until(&mut self, position: u32) {
        if position as usize <= self.next {
            return;
        }
        for event in &self.course.events[self.next..position as usize] {
            let &Event::Invocation(member) = event else { unreachable!("no response is between two levels") };
            if !matches!(self.role(member), Role::Unknown { .. } | Role::Superfluous) {
                self.open.push(member);
            }
        }
        self.next = position as usize;
        self.settle();
    }

    /// Takes every operation that leaves the value as it is and fits it.
    fn settle(&mut self) {
        let value = self.value;
        let fits = |role: Role| match role {
            Role::Read { value: returned } => returned == value,
            Role::Refused { from, creates } => !super::course::fitting(from, creates).any(|it| it == value),
            Role::Write { .. } | Role::Swap { .. } | Role::Unknown { .. } | Role::Superfluous => false,
        };
        let settled: Vec<u32> = self.open.iter().copied().filter(|&member| fits(self.role(member))).collect();
        self.open.retain(|member| !settled.contains(member));
        self.taken.extend(settled);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Member(member) => {
                self.open.retain(|&other| other != member);
                match self.role(member) {
                    Role::Write { value } => {
                        self.last_write = self.taken.len();
                        self.value = value;
                    }
                    Role::Swap { to, .. } => self.value = to,
                    _ => unreachable!("no other role is a step"),
                }
                self.taken.push(member);
            }
            Step::Kind(kind) => {
                let it = &self.course.kinds[kind as usize];
                if it.from.is_none() {
                    self.last_write = self.taken.len();
                }
                self.value = it.to;
                self.taken.push(it.members[self.spent[kind as usize]]);
                self.spent[kind as usize] += 1;
            }
        }
        self.settle();
    }

    /// The operation of the event has responded. If it is not taken it is a write that is hidden behind the last one.
    fn respond(&mut self, position: u32) {
        self.invoke_until(position);
        self.next = position as usize + 1;
        let Event::Response(member) = self.course.events[position as usize] else {
            unreachable!("a level ends with a response")
        };
        if let Some(place) = self.open.iter().position(|&other| other == member) {
            self.open.remove(place);
            self.hidden.push((self.last_write, member));
        }
    }

    fn finish(mut self) -> Vec<u32> {
        self.hidden.sort_by_key(|&(place, _)| place);
        let mut hidden = self.hidden.into_iter().peekable();
        let mut order = Vec::with_capacity(self.taken.len() + hidden.len());
        for (place, member) in self.taken.into_iter().enumerate() {
            while let Some((_, member)) = hidden.next_if(|&(before, _)| before == place) {
                order.push(member);
            }
            order.push(member);
        }
        order
    }
}
