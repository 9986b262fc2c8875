//! What one replication found.

use serde_json::{Value, json};

use super::levels::LEVELS;

/// What one replication found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Replication {
    /// Which one, counted from 0.
    pub number: u32,
    /// Its estimate.
    pub probability: f64,
    /// How probable it is to come as far as each of [`LEVELS`], or farther.
    pub levels: [f64; LEVELS.len()],
    /// Runs, clones included.
    pub runs: u64,
    /// Events in them.
    pub events: u64,
}

impl Replication {
    /// One JSON object. `bits` holds the numbers as they are: a decimal number may lose the last bit on its way.
    pub fn to_json(&self) -> Value {
        let numbers = std::iter::once(&self.probability).chain(&self.levels);
        let bits: Vec<String> = numbers.map(|number| format!("{:016x}", number.to_bits())).collect();
        json!({
            "replication": self.number,
            "probability": self.probability,
            "bits": bits,
            "runs": self.runs,
            "events": self.events,
        })
    }

    /// The inverse of [`Replication::to_json`]; `None` for anything else.
    pub fn from_json(value: &Value) -> Option<Replication> {
        let bits = |text: &Value| Some(f64::from_bits(u64::from_str_radix(text.as_str()?, 16).ok()?));
        let numbers: Vec<f64> =
            value.get("bits")?.as_array()?.iter().map(bits).collect::<Option<Vec<f64>>>()?;
        let (probability, levels) = numbers.split_first()?;
        Some(Replication {
            number: u32::try_from(value.get("replication")?.as_u64()?).ok()?,
            probability: *probability,
            levels: levels.try_into().ok()?,
            runs: value.get("runs")?.as_u64()?,
            events: value.get("events")?.as_u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_replication_keeps_every_bit_on_its_way_through_json(
            number: u32, probability in 0.0..1.0f64, level in 0.0..1e-300f64, runs: u64, events: u64,
        ) {
            let found = Replication { number, probability, levels: [level; LEVELS.len()], runs, events };
            let text = found.to_json().to_string();
            prop_assert_eq!(Replication::from_json(&serde_json::from_str(&text).unwrap()), Some(found));
        }
    }
}
