//! Decisions drawn from a seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Draw, Point};

/// Decisions drawn from a seed: ChaCha8, one stream a (purpose, of, to), the draw at word position `2 * index`.
///
/// A generator that is asked for its indices in order, as it nearly always is, just goes on; any other index is sought.
#[derive(Debug, Clone)]
pub(super) struct Seeded {
    root: ChaCha8Rng,
    /// Sorted by stream number.
    streams: Vec<(u64, Box<Stream>)>,
    /// Where each recently used stream stands in `streams`, by a few bits of its number.
    recent: [usize; RECENT],
}

const RECENT: usize = 256;

#[derive(Debug, Clone)]
struct Stream {
    next: u64,
    random: ChaCha8Rng,
}

impl Seeded {
    /// Decisions that follow from `seed`.
    pub(super) fn new(seed: u64) -> Seeded {
        Seeded { root: ChaCha8Rng::seed_from_u64(seed), streams: Vec::new(), recent: [0; RECENT] }
    }

    /// 64 random bits that belong to `point`.
    #[inline]
    fn bits(&mut self, point: Point) -> u64 {
        let number = (point.purpose as u64) << 32 | u64::from(point.of) << 16 | u64::from(point.to);
        let slot = usize::from((number ^ number >> 12 ^ number >> 28).to_le_bytes()[0]);
        let place = match self.streams.get(self.recent[slot]) {
            Some((found, _)) if *found == number => self.recent[slot],
            _ => self.find(number, slot),
        };
        let stream = &mut *self.streams[place].1;
        if stream.next != point.index {
            stream.random.set_word_pos(u128::from(point.index) * 2);
        }
        stream.next = point.index + 1;
        stream.random.next_u64()
    }

    #[inline(never)]
    fn find(&mut self, number: u64, slot: usize) -> usize {
        let place = match self.streams.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(place) => place,
            Err(place) => {
                let mut random = self.root.clone();
                random.set_stream(number);
                random.set_word_pos(0);
                self.streams.insert(place, (number, Box::new(Stream { next: 0, random })));
                self.recent = [usize::MAX; RECENT];
                place
            }
        };
        self.recent[slot] = place;
        place
    }
}

impl Seeded {
    /// One of the values that `draw` allows.
    #[inline]
    pub(super) fn choose(&mut self, point: Point, draw: Draw) -> u64 {
        match draw {
            Draw::Uniform { least, most } if least >= most => least,
            Draw::Uniform { least, most } => least + scaled(self.bits(point), most - least),
            Draw::Chance { ppm } => u64::from(scaled(self.bits(point), 999_999) < u64::from(ppm)),
            Draw::LogNormal { median, sigma_ppm, most } => {
                lognormal(self.bits(point), median, sigma_ppm).min(most)
            }
        }
    }
}

/// 64 random bits as a number from 0 to `most`: the high half of a product, always one draw. The bias is below
/// `most / 2^64`.
fn scaled(bits: u64, most: u64) -> u64 {
    let product = u128::from(bits) * (u128::from(most) + 1);
    u64::try_from(product >> 64).expect("the high half of 128 bits")
}

/// Box and Muller's transform of the two halves of `bits`, with libm, whose results are the same on every machine.
#[allow(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "nanoseconds"
)]
#[allow(clippy::cast_precision_loss, reason = "a delay needs no more than 53 bits")]
fn lognormal(bits: u64, median: u64, sigma_ppm: u64) -> u64 {
    let uniform = ((bits >> 32) + 1) as f64 / 4_294_967_296.0;
    let angle = (bits & 0xffff_ffff) as f64 / 4_294_967_296.0 * std::f64::consts::TAU;
    let normal = libm::sqrt(-2.0 * libm::log(uniform)) * libm::cos(angle);
    let sigma = sigma_ppm as f64 / 1e6;
    // A float cast saturates, and the caller cuts at the longest delay.
    (median as f64 * libm::exp(sigma * normal)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    fn point(of: u16, index: u64) -> Point {
        Point { purpose: Purpose::Delay, of, to: 1, index }
    }

    fn draws(seed: u64, points: &[Point]) -> Vec<u64> {
        let mut choices = Seeded::new(seed);
        points
            .iter()
            .map(|point| choices.choose(*point, Draw::Uniform { least: 0, most: u64::MAX }))
            .collect()
    }

    #[test]
    fn a_draw_depends_on_its_point_and_on_nothing_else() {
        let in_order: Vec<Point> = (0..100).flat_map(|i| [point(0, i), point(3, i)]).collect();
        let all = draws(42, &in_order);
        for skip in [0, 1, 7, 100, 199] {
            let (mut points, mut expected) = (in_order.clone(), all.clone());
            points.remove(skip);
            expected.remove(skip);
            assert_eq!(draws(42, &points), expected, "without draw {skip}");
        }
        let (backwards, mut expected) = (in_order.iter().rev().copied().collect::<Vec<_>>(), all.clone());
        expected.reverse();
        assert_eq!(draws(42, &backwards), expected);
        assert_ne!(draws(43, &in_order), all);
    }

    #[test]
    fn the_first_draws_of_seed_42_never_change() {
        // A changed value here moves every recorded seed.
        let found = draws(42, &[point(0, 0), point(0, 1), point(1, 0)]);
        assert_eq!(found, FIRST_DRAWS_OF_SEED_42);
    }

    const FIRST_DRAWS_OF_SEED_42: [u64; 3] =
        [13_222_472_167_927_179_408, 3_078_952_320_862_533_021, 2_777_741_286_047_200_039];

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut choices = Seeded::new(1);
        let found: Vec<u64> =
            (0..1_000).map(|i| choices.choose(point(0, i), Draw::Uniform { least: 3, most: 5 })).collect();
        assert_eq!(found.iter().min(), Some(&3));
        assert_eq!(found.iter().max(), Some(&5));
        assert_eq!(choices.choose(point(0, 0), Draw::Uniform { least: 9, most: 9 }), 9);
    }

    #[test]
    fn a_lognormal_draw_has_its_median_and_its_cut() {
        let mut choices = Seeded::new(7);
        let draw = Draw::LogNormal { median: 1_000_000, sigma_ppm: 500_000, most: 2_000_000 };
        let mut found: Vec<u64> = (0..10_001).map(|i| choices.choose(point(0, i), draw)).collect();
        found.sort_unstable();
        assert!((970_000..1_030_000).contains(&found[5_000]), "median {}", found[5_000]);
        assert_eq!(found.last(), Some(&2_000_000));
    }

    #[test]
    fn a_chance_happens_as_often_as_it_says() {
        let mut choices = Seeded::new(7);
        let count =
            (0..100_000).filter(|i| choices.choose(point(0, *i), Draw::Chance { ppm: 100_000 }) == 1).count();
        assert!((9_600..10_400).contains(&count), "{count} of 100 000 at 10 %");
    }
}
