//! Many margins in bounded memory.

use std::collections::BTreeMap;

/// So many values are kept as they are.
const EXACT_MAX: u64 = 1 << 20;

/// Beyond that, values that agree in so many leading bits are one: rounded by less than 2^-11, 0.05 %.
const BITS: u32 = 11;

/// A multiset of margins, ns: exact up to a million, rounded beyond. Which of the two depends on their number alone, so
/// that the order in which they were added does not show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Margins {
    counts: BTreeMap<i64, u64>,
    all: u64,
    /// The least and the greatest, exact.
    ends: Option<(i64, i64)>,
}

impl Margins {
    /// Adds a value so many times.
    pub(super) fn add(&mut self, value: i64, times: u64) {
        let (least, most) = self.ends.unwrap_or((value, value));
        self.ends = Some((least.min(value), most.max(value)));
        let exact = self.exact();
        self.all += times;
        if exact && !self.exact() {
            self.round();
        }
        let value = if self.exact() { value } else { rounded(value) };
        *self.counts.entry(value).or_insert(0) += times;
    }

    pub(super) fn join(&mut self, other: Margins) {
        let ends = self.ends.into_iter().chain(other.ends);
        let ends = ends.reduce(|(least, most), (low, high)| (least.min(low), most.max(high)));
        for (value, times) in other.counts {
            self.add(value, times);
        }
        // What was rounded on the other side has lost its ends.
        self.ends = ends;
    }

    fn exact(&self) -> bool {
        self.all <= EXACT_MAX
    }

    fn round(&mut self) {
        for (value, times) in std::mem::take(&mut self.counts) {
            *self.counts.entry(rounded(value)).or_insert(0) += times;
        }
    }

    /// The values at these ascending thousandths.
    pub(super) fn at(&self, permille: &[u64]) -> Option<Vec<i64>> {
        let (least, most) = self.ends?;
        let last = self.all - 1;
        let value = |part: u64| {
            let place = u128::from(last) * u128::from(part) / 1_000;
            let place = u64::try_from(place).expect("a part of something that fits");
            match place {
                0 => least,
                _ if place == last => most,
                _ => self.nth(place).clamp(least, most),
            }
        };
        Some(permille.iter().map(|part| value(*part)).collect())
    }

    /// The value at this place of the sorted values, counted from 0.
    fn nth(&self, place: u64) -> i64 {
        let mut before = 0;
        let found = self.counts.iter().find(|(_, times)| {
            before += **times;
            before > place
        });
        *found.expect("the place is below the number of values").0
    }
}

/// Towards zero, to a number with few leading bits; of numbers that round to one, the sign is one.
fn rounded(value: i64) -> i64 {
    let size = value.unsigned_abs();
    let low = (u64::BITS - size.leading_zeros()).saturating_sub(BITS);
    let size = size >> low << low;
    // The absolute value of `i64::MIN` has one bit: it stays as it is.
    if value < 0 { 0_i64.wrapping_sub_unsigned(size) } else { size.cast_signed() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACES: [u64; 5] = [0, 10, 100, 500, 1_000];

    proptest! {
        #[test]
        fn rounding_keeps_order_and_sign_and_a_thousandth(a: i64, b: i64) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(rounded(low) <= rounded(high));
            prop_assert_eq!(rounded(a).signum(), a.signum());
            prop_assert!(rounded(a).abs_diff(a) <= a.unsigned_abs() / 1_024);
            prop_assert_eq!(rounded(rounded(a)), rounded(a));
        }

        #[test]
        fn values_in_any_order_and_grouping_are_the_same(
            values in proptest::collection::vec((any::<i64>(), 1u64..600_000), 1..20),
            cut in 0usize..20,
        ) {
            let of = |values: &mut dyn Iterator<Item = &(i64, u64)>| {
                let mut margins = Margins::default();
                values.for_each(|(value, times)| margins.add(*value, *times));
                margins
            };
            let whole = of(&mut values.iter());
            prop_assert_eq!(&whole, &of(&mut values.iter().rev()));
            let (first, second) = values.split_at(cut.min(values.len()));
            let mut joined = of(&mut second.iter());
            joined.join(of(&mut first.iter()));
            prop_assert_eq!(joined, whole);
        }
    }

    #[test]
    fn few_values_are_exact_and_many_are_near_in_bounded_memory() {
        let mut margins = Margins::default();
        (0..=1_000).for_each(|value| margins.add(value * 1_000_003, 1));
        let exact = PLACES.map(|place| place.cast_signed() * 1_000_003).to_vec();
        assert_eq!(margins.at(&PLACES), Some(exact));
        assert_eq!(Margins::default().at(&PLACES), None);

        let mut margins = Margins::default();
        (0..=2_000_000).for_each(|value| margins.add(value * 7_919 + 1, 1));
        assert!(margins.counts.len() < 30_000, "{}", margins.counts.len());
        let found = margins.at(&PLACES).unwrap();
        assert_eq!((found[0], found[4]), (1, 2_000_000 * 7_919 + 1));
        let median = 1_000_000 * 7_919 + 1;
        assert!((0..median / 1_024).contains(&(median - found[3])), "{found:?}");
    }
}
