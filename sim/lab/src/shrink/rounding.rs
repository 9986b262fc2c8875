//! Every number becomes what it usually is, or as round as the violation bears.

use super::numbers::{Number, Part, visit};
use super::search::Search;
use leasehold::time::Span;
use leasehold_run::setup::{Delay, Setup};

pub(super) fn pass(search: &mut Search<'_>) {
    usual_network(search);
    let mut place = 0;
    while let Some((number, value)) = at(search.best(), place) {
        let rounder = candidates(&number, value).into_iter().any(|rounder| {
            let proposal = with(search.best(), place, rounder);
            if number.moves { search.try_aimed(proposal) } else { search.try_exactly(proposal) }
        });
        // One that has become rounder may become rounder still.
        place += usize::from(!rounder);
    }
}

/// Messages take what they usually take. Those who wait for somebody else to be elected wait long enough for that.
fn usual_network(search: &mut Search<'_>) {
    let mut proposal = search.best().as_ref().clone();
    let delay = Delay::Fixed(Span::millis(1));
    (proposal.network.delay, proposal.network.client_delay) = (delay, delay);
    for node in proposal.nodes.iter_mut().filter(|node| node.election_jitter_least > Span::ZERO) {
        let wait = node.election_jitter_least.max(Span::millis(100));
        (node.election_jitter, node.election_jitter_least) = (wait, wait);
    }
    search.try_aimed(proposal);
}

/// The number at that place.
fn at(setup: &Setup, place: usize) -> Option<(Number, i128)> {
    let mut numbers = Vec::new();
    visit(&mut setup.clone(), &mut |number: &Number, value: &mut i128| numbers.push((*number, *value)));
    numbers.get(place).copied()
}

/// The setup with another number at that place.
fn with(setup: &Setup, place: usize, wanted: i128) -> Setup {
    let mut changed = setup.clone();
    let mut seen = 0;
    visit(&mut changed, &mut |_: &Number, value: &mut i128| {
        if seen == place {
            *value = wanted;
        }
        seen += 1;
    });
    changed
}

/// Values with fewer digits, the roundest first, of those the nearest.
fn candidates(number: &Number, value: i128) -> Vec<i128> {
    const UNITS: u32 = 14;
    let length = number.part == Part::Length;
    if length && as_a_person_writes(value) {
        return Vec::new();
    }
    let mut found: Vec<i128> = number.usual.into_iter().chain([0]).filter(|_| !length).collect();
    for unit in (0..UNITS).map(|power| 10_i128.pow(power)) {
        let down = value.div_euclid(unit) * unit;
        found.extend([down - unit, down, down + unit, down + 2 * unit]);
    }
    let digits = number.digits(value);
    let rank = |candidate: &i128| (number.digits(*candidate), (candidate - value).abs(), *candidate);
    found.retain(|candidate| {
        *candidate >= number.least && number.digits(*candidate) <= digits && *candidate != value
    });
    found.sort_unstable_by_key(rank);
    found.dedup();
    found
}

/// At most three digits, zeros at the end not counted: `900ms`, `1.25s`, `0s`.
fn as_a_person_writes(nanos: i128) -> bool {
    nanos.to_string().trim_end_matches('0').len() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shrink::numbers::Unit;

    fn candidates_of(usual: Option<i128>, least: i128, value: i128) -> Vec<i128> {
        candidates(&Number { usual, least, moves: true, unit: Unit::Other, part: Part::Setting }, value)
    }

    #[test]
    fn the_roundest_come_first_and_of_those_the_nearest() {
        let found = candidates_of(None, 0, 2_001);
        assert_eq!(found[..4], [2_000, 3_000, 1_000, 4_000]);
        assert!(found.contains(&2_010));
        assert!(!found.contains(&2_111), "no rounder than it is");
    }

    #[test]
    fn what_is_usual_needs_no_digits() {
        assert_eq!(candidates_of(Some(500), 0, 470)[0], 500);
        assert_eq!(candidates_of(Some(0), i128::MIN, -15)[..3], [0, -20, -10]);
    }

    #[test]
    fn a_length_that_a_person_wrote_stays_and_a_drawn_one_becomes_round() {
        let of = |value| {
            let number =
                Number { usual: Some(500), least: 0, moves: true, unit: Unit::Time, part: Part::Length };
            candidates(&number, value)
        };
        assert_eq!(of(0), []);
        assert_eq!(of(900_000_000), []);
        assert_eq!(of(1_250_000_000), []);
        assert_eq!(of(149_377_959)[0], 100_000_000);
        assert!(!of(149_377_959).contains(&500), "never the default");
    }

    #[test]
    fn nothing_is_below_the_least() {
        assert!(!candidates_of(None, 1, 3).contains(&0));
    }
}
