//! The texts behind the numbers: processes, keys and values as the file writes them.

use super::intern::Interner;
use crate::{Key, Value};

/// The texts behind the numbers.
#[derive(Debug, Default)]
pub(super) struct Names {
    processes: Interner,
    keys: Interner,
    /// 0 is what every key has at the beginning.
    values: Interner,
}

impl Names {
    pub(super) fn new(initial: &str) -> Names {
        let mut names = Names::default();
        let first = names.values.intern(initial);
        assert_eq!(Value(first as u64), Value::MISSING, "the first number is 0");
        names
    }

    /// # Panics
    ///
    /// If there are 2^32 processes.
    pub(super) fn intern_process(&mut self, text: &str) -> u32 {
        u32::try_from(self.processes.intern(text)).expect("a process takes more than a byte of memory")
    }

    pub(super) fn intern_key(&mut self, text: &str) -> Key {
        Key(self.keys.intern(text) as u64 + 1)
    }

    pub(super) fn intern_value(&mut self, text: &str) -> Value {
        Value(self.values.intern(text) as u64)
    }

    pub(super) fn process(&self, process: u32) -> &str {
        self.processes.text(usize::try_from(process).expect("a number of something in memory"))
    }

    pub(super) fn key(&self, key: Key) -> Option<&str> {
        let number = key.0.checked_sub(1)?;
        Some(self.keys.text(usize::try_from(number).expect("a number of something in memory")))
    }

    pub(super) fn value(&self, value: Value) -> &str {
        self.values.text(usize::try_from(value.0).expect("a number of something in memory"))
    }
}
