//! Histories to measure with.

use leasehold_check::{Action, Key, Operation, Value};

pub(crate) struct Mix {
    /// How many operations.
    pub(crate) operations: u64,
    /// On how many keys.
    pub(crate) keys: u64,
    /// How many different values are written; more than there are operations: each once.
    pub(crate) values: u64,
    /// Whether there are compare-and-swaps.
    pub(crate) swaps: bool,
    /// Whether every thousandth read is stale.
    pub(crate) stale: bool,
    /// How many clients there are.
    pub(crate) clients: usize,
    /// One operation in so many has no response; half of those have no effect either.
    pub(crate) unknown_one_in: u64,
}

impl Mix {
    /// Five clients; one operation in a hundred has no response.
    pub(crate) const USUAL: Mix = Mix {
        operations: 1_000_000,
        keys: 1,
        values: u64::MAX,
        swaps: false,
        stale: false,
        clients: 5,
        unknown_one_in: 100,
    };
}

/// What busy clients of an atomic register see.
pub(crate) fn history(mix: Mix) -> Vec<Operation> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut free_at = vec![0_u64; mix.clients];
    let mut planned: Vec<(u64, u64, u64, u64, u32)> = (0..mix.operations)
        .map(|number| {
            let client = (0..mix.clients).min_by_key(|&client| free_at[client]).expect("there are clients");
            let invoked = free_at[client] + random.below(1_000);
            let effect = invoked + random.below(1_000_000);
            let responded = effect + random.below(1_000_000);
            free_at[client] = responded + 1;
            (effect, number, invoked, responded, u32::try_from(client).expect("few clients"))
        })
        .collect();
    planned.sort_unstable();

    let mut current = std::collections::BTreeMap::<Key, (Value, Value)>::new();
    let mut operations = Vec::new();
    for (_, number, invoked, responded, client) in planned {
        let key = Key(random.below(mix.keys));
        let (now, old) = *current.entry(key).or_insert((Value::MISSING, Value::MISSING));
        let to = Value(1 + number % mix.values);
        let stale = mix.stale && random.below(1_000) == 0;
        let (action, next) = match random.below(if mix.swaps { 8 } else { 6 }) {
            0..4 => (Action::Read { returned: if stale { old } else { now } }, now),
            4 | 5 => (Action::Write { value: to }, to),
            _ => {
                let swapped = random.below(3) > 0;
                let from = if swapped { now } else { Value(u64::MAX) };
                let next = if swapped { to } else { now };
                (Action::Cas { from, to, create_if_missing: false, swapped }, next)
            }
        };
        let known = random.below(mix.unknown_one_in) > 0;
        if next != now && (known || random.below(2) == 0) {
            current.insert(key, (next, now));
        }
        operations.push(Operation { client, key, invoked, responded: known.then_some(responded), action });
    }
    operations
}

/// Xorshift: the same history on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
