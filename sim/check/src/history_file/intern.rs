//! Numbers for texts: equal texts have equal numbers, counted from 0 in the order of their first appearance.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// Every text once, one after the other, and a table of their numbers. The hash has no seed: it decides no result.
#[derive(Debug, Default)]
pub(super) struct Interner {
    texts: String,
    /// Where each text ends; it begins where the one before ends.
    ends: Vec<usize>,
    table: HashTable<usize>,
}

impl Interner {
    /// The number of a text.
    pub(super) fn intern(&mut self, text: &str) -> usize {
        let hash = xxh3_64(text.as_bytes());
        let (texts, ends) = (&self.texts, &self.ends);
        if let Some(&number) = self.table.find(hash, |&number| slice(texts, ends, number) == text) {
            return number;
        }
        let number = self.ends.len();
        self.texts.push_str(text);
        self.ends.push(self.texts.len());
        let (texts, ends) = (&self.texts, &self.ends);
        let again = |&number: &usize| xxh3_64(slice(texts, ends, number).as_bytes());
        self.table.insert_unique(hash, number, again);
        number
    }

    /// The text of a number that `intern` gave.
    pub(super) fn text(&self, number: usize) -> &str {
        slice(&self.texts, &self.ends, number)
    }
}

fn slice<'a>(texts: &'a str, ends: &[usize], number: usize) -> &'a str {
    let start = if number == 0 { 0 } else { ends[number - 1] };
    &texts[start..ends[number]]
}

#[cfg(test)]
mod tests {
    use super::Interner;

    #[test]
    fn equal_texts_have_equal_numbers() {
        let mut interner = Interner::default();
        let texts: Vec<String> = (0..1000).map(|number| format!("text {}", number % 500)).collect();
        for (place, text) in texts.iter().enumerate() {
            assert_eq!(interner.intern(text), place % 500);
            assert_eq!(interner.text(place % 500), text);
        }
        assert_eq!(interner.intern(""), 500);
        assert_eq!(interner.text(500), "");
    }
}
