//! What the checker answers. Operations are named by their index in the history that was checked.

use super::history::{Key, Value};
use super::stale::StaleRead;

/// Bounds on the work of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many states the search may explore for one key before it answers [`Verdict::Undecided`]. `None`: a million, and
    /// 250 more for each operation of the key.
    pub states_max: Option<usize>,
    /// How much memory the search may take for what it remembers of one key, in bytes.
    pub bytes_max: usize,
}

impl Default for Limits {
    /// A million states, 250 more for each operation, and a gibibyte of memory.
    fn default() -> Self {
        Limits { states_max: None, bytes_max: 1 << 30 }
    }
}

impl Limits {
    /// How many states the search of a key with so many operations may explore.
    pub fn states_for(&self, operations: usize) -> usize {
        self.states_max.unwrap_or_else(|| operations.saturating_mul(250).saturating_add(1_000_000))
    }
}

/// A bound that a search reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// [`Limits::states_max`].
    States,
    /// [`Limits::bytes_max`].
    Bytes,
    /// The caller asked to stop.
    Time,
    /// More than 1024 operations that responded were under way at one time.
    Pending,
}

/// The answer for a whole history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The worst of the keys' verdicts.
    pub outcome: Outcome,
    /// One entry a key, in the order of the keys.
    pub keys: Vec<KeyReport>,
    /// Every read that provably returned an old value, by invocation time. Only keys whose values were all written once
    /// are examined: where a value was written twice, an old value cannot be told from a new one that equals it.
    pub stale_reads: Vec<StaleRead>,
    /// How much was checked.
    pub counts: Counts,
}

/// The worst verdict of all keys: a violation outranks an open question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every key is linearizable.
    Linearizable,
    /// No violation was found, and some key could not be decided within the limits.
    Undecided,
    /// Some key is not linearizable.
    NotLinearizable,
}

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operations in the history.
    pub operations: usize,
    /// Different keys among them.
    pub keys: usize,
    /// Operations without a response.
    pub unknown_outcomes: usize,
}

/// The answer for one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// The key.
    pub key: Key,
    /// Operations on it.
    pub operations: usize,
    /// Those without a response.
    pub unknown_outcomes: usize,
    /// Whether they can be ordered.
    pub verdict: Verdict,
}

/// Whether one key's operations can be ordered so that every response is the one a single register would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They can.
    Linearizable,
    /// They cannot.
    NotLinearizable {
        /// Operations that contradict each other.
        violation: Violation,
    },
    /// The search reached a bound: nothing is known.
    Undecided {
        /// States that were explored.
        states: usize,
        /// The bound.
        bound: Bound,
    },
}

/// Why a key is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A value was seen that no operation wrote.
    NeverWritten {
        /// Who saw it.
        observer: usize,
    },
    /// A value was seen by an operation that responded before the value's first writer was invoked.
    SeenBeforeWritten {
        /// Who saw it.
        observer: usize,
        /// The writer invoked first.
        writer: usize,
    },
    /// Each of two values had to be there before the other one. `forth.before` and `back.after` carried the one value,
    /// `back.before` and `forth.after` the other. Or they carried values that swaps tie to these.
    OrderCycle {
        /// Why the first value is older.
        forth: Precedence,
        /// Why the second value is older.
        back: Precedence,
    },
    /// Two swaps happened that both replaced a value which was written once.
    SwappedTwice {
        /// The one of them.
        first: usize,
        /// The other one.
        second: usize,
    },
    /// Swaps lead from the value of one operation to that of another, so that the one must come first. The other one
    /// responded before it was invoked.
    SwapOrder {
        /// The operation that must come first.
        earlier: usize,
        /// The one that responded before that.
        later: usize,
        /// The swaps between them, in their order.
        swaps: Vec<usize>,
    },
    /// No order of the operations that were invoked before `blocked` responded agrees with its response. The operations
    /// that responded earlier can be ordered without it.
    NoOrder {
        /// The first operation whose response nothing explains.
        blocked: usize,
        /// The operations that it was concurrent with when it responded, those of unknown outcome included.
        pending: Vec<usize>,
        /// The values that the register could have had at that time, in ascending order.
        possible: Vec<Value>,
        /// The longest order that works: all operations that responded before `blocked` did, and those pending ones that
        /// it needs. Empty if finding it would have taken more memory than allowed.
        order: Vec<usize>,
        /// How the orders end that explain all responses before that of `blocked`: the first 16 that differ. None of them
        /// can be continued.
        attempts: Vec<Attempt>,
    },
}

/// Where one order stands before a response that it does not explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The register's value.
    pub value: Value,
    /// The pending operations that took effect already.
    pub linearized: Vec<usize>,
    /// The operations of unknown outcome that were used, of those that later responses could need.
    pub spent: Vec<usize>,
}

/// One operation responded before another was invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precedence {
    /// The operation that responded; `None` is the beginning, when every key was missing.
    pub before: Option<usize>,
    /// The operation that was invoked later.
    pub after: usize,
}

impl Violation {
    /// The operations involved, each once, in the order of their indices.
    pub fn operations(&self) -> Vec<usize> {
        let mut operations = match self {
            Violation::NeverWritten { observer } => vec![*observer],
            Violation::SeenBeforeWritten { observer, writer } => vec![*observer, *writer],
            Violation::OrderCycle { forth, back } => [forth, back]
                .into_iter()
                .flat_map(|precedence| precedence.before.into_iter().chain([precedence.after]))
                .collect(),
            Violation::SwappedTwice { first, second } => vec![*first, *second],
            Violation::SwapOrder { earlier, later, swaps } => {
                swaps.iter().copied().chain([*earlier, *later]).collect()
            }
            Violation::NoOrder { blocked, pending, .. } => {
                pending.iter().copied().chain([*blocked]).collect()
            }
        };
        operations.sort_unstable();
        operations.dedup();
        operations
    }
}
