//! A search that begins where another one has found a boundary.
//!
//! Plain seeds cost whole runs, and a value without a stale read costs all of them. They find nothing on the adversary's clean
//! side, and their own boundary lies a little beyond its. So they look there first, and then twice as far each time.

use super::{Edge, Range, Refusal, Search, Side, search};

/// Looks from a boundary's clean value towards its stale side, on the grid of the range: one step, two, four, to the end of the
/// range. Then halves the last stride. Where the clean value itself is stale, it searches the whole range.
pub(super) fn search_outwards(
    range: Range,
    near: Edge,
    stale: &mut dyn FnMut(i128) -> Result<bool, Refusal>,
) -> Result<Search, Refusal> {
    if stale(near.clean)? {
        return search(range, 0, stale);
    }
    let Range { from, to, tolerance } = range;
    let up = near.side() == Side::Above;
    let (room, first) = match up {
        true => (to - near.clean, (near.clean - from) / tolerance),
        false => (near.clean - from, (near.clean - from + tolerance - 1) / tolerance),
    };
    // The last step is the end of the range, also where the grid does not meet it.
    let steps = (room + tolerance - 1) / tolerance;
    let value = |step: i128| match up {
        _ if step == 0 => near.clean,
        true => (from + (first + step) * tolerance).min(to),
        false => (from + (first - step) * tolerance).max(from),
    };
    let (mut low, mut high) = (0, 1.min(steps));
    while high > low && !stale(value(high))? {
        (low, high) = (high, (2 * high).min(steps));
    }
    if high == low {
        return Ok(Search::None { stale: false });
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if stale(value(middle))? { high = middle } else { low = middle }
    }
    Ok(Search::Found(Edge { stale: value(high), clean: value(low) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found, and at how many values it was looked.
    fn look(range: (i128, i128, i128), near: (i128, i128), stale: &dyn Fn(i128) -> bool) -> (Search, usize) {
        let (from, to, tolerance) = range;
        let (stale_side, clean) = near;
        let mut looked = 0;
        let found =
            search_outwards(Range { from, to, tolerance }, Edge { stale: stale_side, clean }, &mut |value| {
                assert!((from..=to).contains(&value), "{value}");
                looked += 1;
                Ok(stale(value))
            });
        (found.unwrap(), looked)
    }

    #[test]
    fn the_boundary_is_where_a_search_of_the_whole_range_finds_it() {
        for boundary in [501, 503, 508, 600, 777, 999, 1_000] {
            let (up, _) = look((0, 1_000, 7), (501, 500), &|value| value >= boundary);
            let whole =
                search(Range { from: 0, to: 1_000, tolerance: 7 }, 0, &mut |value| Ok(value >= boundary));
            let (Search::Found(up), Search::Found(whole)) = (up, whole.unwrap()) else {
                panic!("{boundary}")
            };
            assert_eq!(up.stale, whole.stale, "{boundary}");
            assert!(up.clean < boundary && up.stale >= boundary && up.stale - up.clean <= 7);
        }
        for boundary in [0, 3, 250, 490, 499] {
            let (down, _) = look((0, 1_000, 7), (499, 500), &|value| value <= boundary);
            let Search::Found(down) = down else { panic!("{boundary}") };
            assert!(down.clean > boundary && down.stale <= boundary && down.clean - down.stale <= 7);
        }
    }

    #[test]
    fn what_is_near_costs_little_and_what_is_not_there_ends() {
        assert_eq!(look((0, 4_096, 4), (2_001, 2_000), &|value| value > 2_000).1, 2);
        let (none, looked) = look((0, 4_096, 4), (2_001, 2_000), &|_| false);
        assert_eq!(none, Search::None { stale: false });
        assert!(looked <= 12, "{looked}");
        // The stale side has no room.
        let (none, _) = look((0, 1_000, 7), (0, 0), &|_| false);
        assert_eq!(none, Search::None { stale: false });
    }

    #[test]
    fn a_clean_value_that_is_stale_is_told_by_the_whole_range() {
        let (found, _) = look((0, 1_000, 1), (501, 500), &|value| value >= 400);
        assert_eq!(found, Search::Found(Edge { stale: 400, clean: 399 }));
    }
}
