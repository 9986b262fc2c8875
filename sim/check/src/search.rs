//! The general path: a search over all orders that could matter, for keys with compare-and-swap or repeated values.
//!
//! Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) try every order; Lowe ("Testing for Linearizability",
//! 2017) remembers the configurations already seen, a configuration being the set of linearized operations together with
//! the register's value, and linearizes just in time: only when an operation's response requires it. Here a
//! configuration stands after a number of responses, its *level*. All configurations of a level agree on the operations
//! that have responded, so each need only tell which of the pending ones are linearized, and which unknown ones are
//! spent. One that reaches the last level is an order of the whole history. If all that follows from every
//! configuration was looked at and none did, the first response that none reaches is the one that nothing explains.
//!
//! Five rules keep the levels small. Each leaves out only orders for which another one does as well:
//!
//! 1. An operation that leaves the value as it is (a read, a swap that did not happen) is linearized as soon as the value
//!    fits.
//! 2. A plain write that another plain write follows at once is invisible. It is not linearized there; it is marked as
//!    hidden behind the other, and at its response a mark is as good as a place. Hence before its response a write is
//!    linearized only if a pending operation depends on it.
//! 3. An operation of unknown outcome is linearized only if it changes something and a pending operation depends on the
//!    value; it is forgotten after its value's last use (`course`). Those that ask the same are counted, not told apart.
//!    (To write the value that is already there does change something if it hides another write.)
//! 4. A configuration that can do all that another one can makes the other one superfluous (`Pending::dominates`).
//! 5. Of two pending operations that do the same, the one that responds first goes first.
//!
//! An unknown operation on a repeated value can be spent or saved at every turn, and the levels still explode if all turns
//! are tried. So a configuration is first followed without spending anything, and it stays open: what it could spend is
//! looked at only if the search comes to its end. Then the search goes back: a little way rather than far, and to what
//! spends few rather than many (`Search::back`). It goes on from there, and never starts again. In a history that a
//! register explains, what was decided wrongly shows within the time of a few operations, so going back is local and the
//! whole takes time linear in the history. docs/ideas/checking.md has the proof and the measurements.

mod course;
mod levels;
mod mask;
mod pending;
mod spent;
mod witness;

use std::collections::BTreeSet;

use super::history::Operation;
use super::report::{Bound, Limits, Verdict, Violation};
use course::{Course, ValueId};
use levels::{Levels, Open, Origin, Reached};
use pending::{Configuration, Pending, Step};
use spent::Spending;

/// How many configurations of a level are followed at once. The others stay open.
const WIDTH: usize = 8;

/// Decides whether the operations of one key, given by their indices in `history`, can be ordered. `stop` is asked now
/// and then whether to give up.
pub(super) fn search(
    history: &[Operation],
    members: &[usize],
    limits: &Limits,
    stop: &mut dyn FnMut() -> bool,
) -> Verdict {
    search_wide(history, members, limits, stop, WIDTH)
}

/// The same, following `width` configurations at once.
pub(super) fn search_wide(
    history: &[Operation],
    members: &[usize],
    limits: &Limits,
    stop: &mut dyn FnMut() -> bool,
    width: usize,
) -> Verdict {
    let course = Course::of(history, members);
    match course.slots {
        0..=64 => decide::<1>(&course, limits, stop, width),
        65..=128 => decide::<2>(&course, limits, stop, width),
        129..=256 => decide::<4>(&course, limits, stop, width),
        257..=PENDING_MAX => decide::<16>(&course, limits, stop, width),
        _ => Verdict::Undecided { states: 0, bound: Bound::Pending },
    }
}

/// How many operations that respond may be pending at once.
const PENDING_MAX: usize = 1024;

fn decide<const W: usize>(
    course: &Course,
    limits: &Limits,
    stop: &mut dyn FnMut() -> bool,
    width: usize,
) -> Verdict {
    let budget = Budget { states: limits.states_for(course.members.len()), bytes: limits.bytes_max };
    let mut search = Search::<W>::new(course, budget, width);
    match search.run(course.responses.len(), stop) {
        Ok(true) => Verdict::Linearizable,
        Ok(false) => Verdict::NotLinearizable { violation: search.no_order(stop) },
        Err(bound) => Verdict::Undecided { states: search.states, bound },
    }
}

/// How much a search may take.
#[derive(Clone, Copy, Debug)]
struct Budget {
    states: usize,
    bytes: usize,
}

/// The search for one order.
#[derive(Debug)]
struct Search<'a, const W: usize> {
    course: &'a Course,
    budget: Budget,
    width: usize,
    pending: Pending<'a, W>,
    levels: Levels<W>,
    spending: Spending,
    states: usize,
    /// The last level that was reached.
    furthest: usize,
    /// How many unknown operations the first to reach it had spent.
    furthest_cost: u32,
    /// The values that the register could have on the way from the furthest level.
    possible: BTreeSet<ValueId>,
    /// Whether every level is kept, to tell how a configuration was reached.
    keeps: bool,
    successors: Vec<(Configuration<W>, Step)>,
}

/// Configurations that explained a response, each with the place of the one before the response.
type Explained<const W: usize> = Vec<(Configuration<W>, u32)>;

impl<'a, const W: usize> Search<'a, W> {
    fn new(course: &'a Course, budget: Budget, width: usize) -> Search<'a, W> {
        Search {
            course,
            budget,
            width,
            pending: Pending::new(course),
            levels: Levels::new(),
            spending: Spending::new(),
            states: 0,
            furthest: 0,
            furthest_cost: 0,
            possible: BTreeSet::new(),
            keeps: false,
            successors: Vec::new(),
        }
    }

    /// Searches until some configuration explains the first `goal` responses. False if none can.
    fn run(&mut self, goal: usize, stop: &mut dyn FnMut() -> bool) -> Result<bool, Bound> {
        let mut level = 0;
        let mut explained: Explained<W> = vec![(Configuration::START, 0)];
        let mut queue: Vec<Open> = Vec::new();
        let mut asked = 0;
        loop {
            if self.states >= asked {
                asked = self.states + STATES_BETWEEN_QUESTIONS;
                if stop() {
                    return Err(Bound::Time);
                }
            }
            if level == self.course.responses.len() {
                return Ok(true);
            }
            self.pending.go_to(self.course.responses[level]);
            if level > self.furthest {
                self.furthest = level;
                let costs =
                    explained.iter().map(|(configuration, _)| self.spending.total(configuration.spent));
                self.furthest_cost = costs.min().unwrap_or(0);
                self.possible.clear();
            }
            for (configuration, from) in explained.drain(..) {
                let origin = (level > 0).then_some(Origin::Level(from));
                self.enter(level, self.pending.settle(configuration), origin, &mut queue);
            }
            if level == goal {
                return Ok(true);
            }
            queue.sort_by_key(|open| open.cost);
            self.visit(level, &mut queue, &mut explained)?;
            if explained.is_empty() {
                let Some((cost, back)) = self.back() else { return Ok(false) };
                level = back;
                self.levels.take(level, cost, self.width, &mut queue);
            } else {
                level += 1;
                if !self.keeps {
                    self.levels.forget_before(level.min(self.furthest));
                }
            }
        }
    }

    /// The cost and the level to go on with: an unknown operation more weighs as much as going back four times as far.
    fn back(&self) -> Option<(u32, usize)> {
        let weight = |&(cost, level): &(u32, u32)| {
            let distance = (self.furthest - level as usize) / NEAR_LEVELS;
            2 * (i64::from(cost) - i64::from(self.furthest_cost)) + i64::from((1 + distance).ilog2())
        };
        self.levels.last_open().min_by_key(weight).map(|(cost, level)| (cost, level as usize))
    }

    /// Adds a configuration to a level and to the queue, unless another one can do all that it can.
    fn enter(
        &mut self,
        level: usize,
        configuration: Configuration<W>,
        origin: Option<Origin>,
        queue: &mut Vec<Open>,
    ) {
        if let Some(place) = self.levels.reach(level, configuration, origin, &self.pending, &self.spending) {
            let cost = self.spending.total(configuration.spent);
            queue.push(Open { place, cost, followed: false });
        }
    }

    /// Looks at what follows from the configurations in the queue, as many as the search is wide; the others are left
    /// open. Those that explain the level's response go to `explained`.
    fn visit(
        &mut self,
        level: usize,
        queue: &mut Vec<Open>,
        explained: &mut Explained<W>,
    ) -> Result<(), Bound> {
        let position = self.course.responses[level];
        let course::Event::Response(member) = self.course.events[position as usize] else {
            unreachable!("a level ends with a response")
        };
        let target = self.course.members[member as usize].slot as usize;
        let mut next = 0;
        while next < queue.len().min(self.width) {
            let open = queue[next];
            next += 1;
            let &Reached { configuration, superfluous, .. } = self.levels.at(level, open.place);
            if superfluous {
                continue;
            }
            if self.states == self.budget.states {
                return Err(Bound::States);
            }
            self.states += 1;
            let mut successors = std::mem::take(&mut self.successors);
            if open.followed {
                self.pending.spend(&configuration, target, &mut self.spending, &mut successors);
            } else {
                if level == self.furthest {
                    self.possible.insert(configuration.value);
                }
                let is_done = configuration.done.contains(target);
                if is_done || configuration.hidden.contains(target) {
                    explained.push((self.respond(position, target, configuration), open.place));
                }
                if !is_done && self.pending.follow(&configuration, target, &self.spending, &mut successors) {
                    self.levels.open(level, Open { cost: open.cost + 1, followed: true, ..open });
                }
            }
            for (configuration, step) in successors.drain(..) {
                self.enter(level, configuration, Some(Origin::Step(open.place, step)), queue);
            }
            self.successors = successors;
        }
        queue.drain(..).skip(next).for_each(|open| self.levels.open(level, open));
        match self.levels.bytes() + self.spending.bytes() > self.budget.bytes {
            true => Err(Bound::Bytes),
            false => Ok(()),
        }
    }

    /// A configuration after the target has responded; what expires then is forgotten.
    fn respond(
        &mut self,
        position: course::Position,
        target: usize,
        mut configuration: Configuration<W>,
    ) -> Configuration<W> {
        configuration.done.remove(target);
        configuration.hidden.remove(target);
        if configuration.spent != spent::NOTHING {
            for kind in self.course.expiring(position) {
                configuration.spent = self.spending.without(configuration.spent, kind);
            }
        }
        configuration
    }
}

/// Levels closer than this to the furthest one are all near.
const NEAR_LEVELS: usize = 16;
/// How many states are explored before `stop` is asked again.
const STATES_BETWEEN_QUESTIONS: usize = 1 << 14;
