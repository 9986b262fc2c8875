//! A digest of many rows that does not depend on their order.

use xxhash_rust::xxh3::xxh3_128;

/// The sum of the rows' hashes, modulo 2^128. Equal rows in any order give equal digests. A row that is there twice counts
/// twice: that is why this is a sum and not an exclusive or.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest(u128);

impl Digest {
    /// Adds one row, as its line of JSON without the line's end.
    pub fn add(&mut self, row: &str) {
        self.0 = self.0.wrapping_add(xxh3_128(row.as_bytes()));
    }

    /// Adds all rows of another digest.
    pub fn join(&mut self, other: Digest) {
        self.0 = self.0.wrapping_add(other.0);
    }

    /// The inverse of its display: 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Digest> {
        (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok().map(Digest))?
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str]) -> Digest {
        let mut digest = Digest::default();
        rows.iter().for_each(|row| digest.add(row));
        digest
    }

    #[test]
    fn order_and_grouping_do_not_matter_and_a_row_twice_does() {
        assert_eq!(of(&["a", "b", "c"]), of(&["c", "a", "b"]));
        let mut joined = of(&["b"]);
        joined.join(of(&["c", "a"]));
        assert_eq!(joined, of(&["a", "b", "c"]));
        assert_ne!(of(&["a", "a", "b"]), of(&["b"]));
        assert_ne!(of(&["a", "b"]), of(&["ab"]));
        assert_eq!(Digest::parse(&joined.to_string()), Some(joined));
    }
}
