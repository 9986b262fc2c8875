//! Shares with their confidence intervals, for people: a bare "0" says nothing about how hard one has looked.

use leasehold_run::display::count;

/// 1.96 squared: 95 %, two-sided.
#[allow(clippy::float_arithmetic, reason = "a figure for people")]
const Z: f64 = 1.959_963_985;

/// Wilson's 95 % interval for a share of which `found` of `all` were seen.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a figure for people")]
pub fn interval(found: u64, all: u64) -> (f64, f64) {
    if all == 0 {
        return (0.0, 1.0);
    }
    let (found, all) = (found as f64, all as f64);
    let share = found / all;
    let square = Z * Z;
    let middle = share + square / (2.0 * all);
    let half = Z * libm::sqrt(share * (1.0 - share) / all + square / (4.0 * all * all));
    let scale = 1.0 + square / all;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// `0 of 10 000: below 0.039 % (95 %)`, or `12 of 1 000: 1.2 % (0.69 % to 2.1 %, 95 %)`.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a figure for people")]
pub fn rate_of(found: u64, all: u64) -> String {
    let (low, high) = interval(found, all);
    let of = format!("{} of {}", count(found), count(all));
    match found {
        0 => format!("{of}: below {} (95 %)", percent(high)),
        _ => {
            let share = found as f64 / all.max(1) as f64;
            format!("{of}: {} ({} to {}, 95 %)", percent(share), percent(low), percent(high))
        }
    }
}

/// Two significant digits.
#[allow(clippy::float_arithmetic, reason = "a figure for people")]
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if percent >= 10.0 => format!("{percent:.0} %"),
        _ if percent >= 1.0 => format!("{percent:.1} %"),
        _ if percent >= 0.1 => format!("{percent:.2} %"),
        _ if percent >= 0.01 => format!("{percent:.3} %"),
        _ if percent >= 0.001 => format!("{percent:.4} %"),
        _ => format!("{percent:.5} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_found_is_not_nothing_there() {
        assert_eq!(rate_of(0, 10_000), "0 of 10 000: below 0.038 % (95 %)");
        assert_eq!(rate_of(0, 1_000_000), "0 of 1 000 000: below 0.00038 % (95 %)");
        assert_eq!(rate_of(0, 0), "0 of 0: below 100 % (95 %)");
    }

    #[test]
    fn a_share_has_an_interval_around_it() {
        assert_eq!(rate_of(10, 100), "10 of 100: 10 % (5.5 % to 17 %, 95 %)");
        assert_eq!(rate_of(100, 100), "100 of 100: 100 % (96 % to 100 %, 95 %)");
    }
}
