//! The state machine: keys and values that are JSON scalars, kept as they came.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use smol_str::SmolStr;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A JSON scalar. Numbers are compared as they are written: `1`, `1.0` and `1e0` are three different values, and each
/// comes back as it went in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number written as a plain integer that fits.
    Integer(i64),
    /// Any other number, as it was written.
    Number(SmolStr),
    /// A string (its content, not its spelling).
    Text(SmolStr),
}

impl fmt::Display for Scalar {
    /// As in JSON, but for a string's escapes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Null => f.write_str("null"),
            Scalar::Bool(value) => value.fmt(f),
            Scalar::Integer(value) => value.fmt(f),
            Scalar::Number(text) => f.write_str(text),
            Scalar::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl Scalar {
    /// XXH3 of its content. Scalars of different kinds have different hashes, and so has each under another seed.
    fn hash(&self, seed: u64) -> u64 {
        let of = |kind: u64, bytes: &[u8]| xxh3_64_with_seed(bytes, seed.rotate_left(8) ^ kind);
        match self {
            Scalar::Null => of(1, &[]),
            Scalar::Bool(value) => of(2, &[u8::from(*value)]),
            Scalar::Integer(value) => of(3, &value.to_le_bytes()),
            Scalar::Number(text) => of(4, text.as_bytes()),
            Scalar::Text(text) => of(5, text.as_bytes()),
        }
    }

    /// The bytes it takes in a message, or a few more.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Scalar::Null | Scalar::Bool(_) => 8,
            Scalar::Integer(_) => 24,
            Scalar::Number(text) => 8 + text.len(),
            Scalar::Text(text) => {
                // When it is escaped a control character takes six bytes, a quote and a backslash two.
                let escapes = text.bytes().map(|byte| match byte {
                    b'"' | b'\\' => 1,
                    byte if byte.is_ascii_control() => 5,
                    _ => 0,
                });
                8 + text.len() + escapes.sum::<usize>()
            }
        }
    }
}

/// A command that changes the state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Sets a key.
    Write {
        /// The key.
        key: Scalar,
        /// Its new value.
        value: Scalar,
    },
    /// Sets a key if it holds what is expected. Boxed: writes are what there is most of.
    Cas(Box<Cas>),
}

impl Command {
    /// The bytes it takes in a message, or a few more.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Command::Write { key, value } => key.weight() + value.weight(),
            Command::Cas(cas) => cas.key.weight() + cas.from.weight() + cas.to.weight(),
        }
    }
}

/// Compare and set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cas {
    /// The key.
    pub key: Scalar,
    /// The value it must hold.
    pub from: Scalar,
    /// The value it then gets.
    pub to: Scalar,
    /// A missing key is created with `to` instead of refused.
    pub create_if_not_exists: bool,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect.
    Done,
    /// Compare and set: there is no such key.
    KeyMissing,
    /// Compare and set: the key holds another value.
    PreconditionFailed {
        /// The value it holds.
        found: Scalar,
    },
}

/// Keys with their values, in the keys' order.
pub type Pairs = Arc<[(Scalar, Scalar)]>;

/// The keys and their values. A clone shares with the original all that neither has changed since, and costs nothing: it
/// is a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyValues {
    values: RedBlackTreeMapSync<Scalar, Scalar>,
    /// The sum of a hash of each pair: a change takes the old pair's off and adds the new one's.
    hash: u64,
}

impl KeyValues {
    /// The key's value.
    pub fn read(&self, key: &Scalar) -> Option<&Scalar> {
        self.values.get(key)
    }

    /// Applies a command.
    pub fn apply(&mut self, command: &Command) -> Outcome {
        match command {
            Command::Write { key, value } => {
                self.set(key, value);
                Outcome::Done
            }
            Command::Cas(cas) => match self.values.get(&cas.key) {
                None if !cas.create_if_not_exists => Outcome::KeyMissing,
                Some(found) if *found != cas.from => Outcome::PreconditionFailed { found: found.clone() },
                _ => {
                    self.set(&cas.key, &cas.to);
                    Outcome::Done
                }
            },
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> u64 {
        self.values.size() as u64
    }

    /// Is there no key?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All pairs in the keys' order.
    pub fn iter(&self) -> impl Iterator<Item = (&Scalar, &Scalar)> {
        self.values.iter()
    }

    /// Sets a key.
    pub fn set(&mut self, key: &Scalar, value: &Scalar) {
        let key_hash = key.hash(0);
        let old = self.values.get(key).map_or(0, |old| old.hash(key_hash));
        self.hash = self.hash.wrapping_sub(old).wrapping_add(value.hash(key_hash));
        self.values.insert_mut(key.clone(), value.clone());
    }

    /// A hash of all pairs, in whatever order they came to be: for replicas to compare. Not for what somebody chooses who
    /// wants two states to have the same hash.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The pairs behind `after` (from the first on if that is `None`), of at most so many bytes together unless the first is
    /// larger; and whether they are the last.
    pub(crate) fn chunk(&self, after: Option<&Scalar>, bytes_max: usize) -> (Pairs, bool) {
        let mut behind =
            self.values.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
        let (mut pairs, mut bytes) = (Vec::new(), 0usize);
        for (key, value) in &mut behind {
            bytes = bytes.saturating_add(key.weight() + value.weight());
            if bytes > bytes_max && !pairs.is_empty() {
                return (pairs.into(), false);
            }
            pairs.push((key.clone(), value.clone()));
        }
        (pairs.into(), true)
    }

    /// Takes pairs whose keys are in order and behind all that are there; or tells that they are not, and takes none.
    pub(crate) fn append(&mut self, pairs: &[(Scalar, Scalar)]) -> bool {
        let last = self.values.last().map(|(key, _)| key);
        let first = pairs.first().map(|(key, _)| key);
        let behind = last.is_none() || first.is_none() || last < first;
        if !behind || !pairs.is_sorted_by(|(a, _), (b, _)| a < b) {
            return false;
        }
        for (key, value) in pairs {
            self.set(key, value);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cas(from: i64, to: i64, create_if_not_exists: bool) -> Command {
        let (from, to) = (Scalar::Integer(from), Scalar::Integer(to));
        Command::Cas(Box::new(Cas { key: Scalar::Null, from, to, create_if_not_exists }))
    }

    #[test]
    fn cas_creates_swaps_and_refuses() {
        let mut state = KeyValues::default();
        assert_eq!(state.apply(&cas(0, 1, false)), Outcome::KeyMissing);
        assert_eq!(state.apply(&cas(0, 1, true)), Outcome::Done);
        assert_eq!(state.apply(&cas(0, 2, true)), Outcome::PreconditionFailed { found: Scalar::Integer(1) });
        assert_eq!(state.apply(&cas(1, 2, false)), Outcome::Done);
        assert_eq!(state.read(&Scalar::Null), Some(&Scalar::Integer(2)));
    }

    #[test]
    fn chunks_make_the_whole_and_nothing_else_is_taken() {
        let mut state = KeyValues::default();
        for key in 0..100 {
            state.set(&Scalar::Integer(key), &Scalar::Text("x".repeat(20).into()));
        }
        let snapshot = state.clone();
        state.set(&Scalar::Integer(7), &Scalar::Null);
        let (mut copy, mut after, mut chunks) = (KeyValues::default(), None, 0);
        loop {
            let (pairs, last) = snapshot.chunk(after.as_ref(), 500);
            assert!(copy.append(&pairs));
            assert!(!copy.append(&pairs), "twice");
            after = pairs.last().map(|(key, _)| key.clone());
            chunks += 1;
            if last {
                break;
            }
        }
        assert_eq!((copy.len(), chunks), (100, 12));
        assert!(copy == snapshot && copy != state);
        let disorder = [(Scalar::Integer(300), Scalar::Null), (Scalar::Integer(200), Scalar::Null)];
        assert!(!copy.append(&disorder) && copy == snapshot);
        assert_eq!(KeyValues::default().chunk(None, 1), (Pairs::from([]), true));
    }

    #[test]
    fn scalars_of_different_kinds_are_different_keys() {
        let mut state = KeyValues::default();
        let keys = [
            Scalar::Null,
            Scalar::Bool(false),
            Scalar::Integer(0),
            Scalar::Number("0.0".into()),
            Scalar::Text("0".into()),
        ];
        for (value, key) in (0..).zip(&keys) {
            state.apply(&Command::Write { key: key.clone(), value: Scalar::Integer(value) });
        }
        for (value, key) in (0..).zip(&keys) {
            assert_eq!(state.read(key), Some(&Scalar::Integer(value)));
        }
    }

    /// The hash of some pairs, set in that order, with other values of the same keys before.
    fn hash_after(pairs: &[(Scalar, Scalar)], before: &[(Scalar, Scalar)]) -> u64 {
        let mut values = KeyValues::default();
        for (key, value) in before.iter().chain(pairs) {
            values.set(key, value);
        }
        values.hash()
    }

    #[test]
    fn the_hash_is_that_of_the_pairs_however_they_came_to_be() {
        let texts = ["", "x", "1", "null"].map(|text| Scalar::Text(text.into()));
        let others = [Scalar::Null, Scalar::Bool(true), Scalar::Integer(1), Scalar::Number("1.0".into())];
        let scalars: Vec<Scalar> = texts.into_iter().chain(others).collect();
        let pairs: Vec<_> = scalars.iter().cloned().zip(scalars.iter().rev().cloned()).collect();
        let reversed: Vec<_> = pairs.iter().rev().cloned().collect();
        let swapped: Vec<_> = scalars.iter().cloned().zip(scalars.iter().cloned()).collect();
        let hash = hash_after(&pairs, &[]);
        assert_eq!(hash_after(&reversed, &[]), hash);
        assert_eq!(hash_after(&pairs, &swapped), hash, "what was there before leaves no trace");
        assert_ne!(hash_after(&swapped, &[]), hash, "the same keys and the same values, otherwise paired");
        // One pair alone: every key and every value has a hash of its own.
        let single = |key: &Scalar, value: &Scalar| hash_after(&[(key.clone(), value.clone())], &[]);
        let all: std::collections::BTreeSet<u64> =
            scalars.iter().flat_map(|key| scalars.iter().map(move |value| single(key, value))).collect();
        assert_eq!(all.len(), scalars.len() * scalars.len());
        assert!(!all.contains(&0), "an empty state has another hash than any pair");
    }
}
