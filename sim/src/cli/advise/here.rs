//! What this machine's time daemon says of its clocks.

use std::process::Command;

use leasehold_run::display::rate;

use super::settings::Given;
use crate::cli::errors::Failure;

/// Drift and wall error, and one sentence about where they come from.
pub(super) fn measured() -> Result<(Given, String), Failure> {
    let asked = Command::new("chronyc").args(["-c", "tracking"]).output();
    let output = asked.map_err(|error| {
        Failure::usage(format!(
            "error: --here asks `chronyc -c tracking`, which could not be run: {error}\n  \
             install chrony, or give --drift and --wall-error yourself"
        ))
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    read(text.trim()).ok_or_else(|| {
        let said =
            String::from_utf8_lossy(if output.stdout.is_empty() { &output.stderr } else { &output.stdout });
        Failure::usage(format!(
            "error: `chronyc -c tracking` gave no measurement: {}\n  \
             start chronyd and wait until it is synchronized, or give --drift and --wall-error yourself",
            said.trim()
        ))
    })
}

/// Reads one line of `chronyc -c tracking`: reference ID, name, stratum, time, system time (s), last offset, RMS offset,
/// frequency (ppm), residual frequency, skew (ppm), root delay (s), root dispersion (s), update interval, leap status.
///
/// The distance from true time is at most root delay / 2 + root dispersion + |system time|; the rate is wrong by at most
/// |frequency| + skew (chronyc(1), "tracking").
fn read(line: &str) -> Option<(Given, String)> {
    let fields: Vec<&str> = line.split(',').collect();
    if fields.len() != 14 || fields[13] == "Not synchronised" {
        return None;
    }
    let part = |at: usize, parts: i128| decimal(fields[at], parts);
    let frequency = part(7, 1_000)?.abs() + part(9, 1_000)?.abs();
    let wall =
        part(10, 1_000_000_000)?.abs() / 2 + part(11, 1_000_000_000)?.abs() + part(4, 1_000_000_000)?.abs();
    let drift = rate(i64::try_from(frequency).ok()?).trim_start_matches('+').to_owned();
    let given = Given { drift: Some(drift), wall_error: Some(format!("{wall}ns")), ..Given::default() };
    let remark = "Drift and wall error are what chronyd says of this machine now. Take the worst of all machines, over months.";
    Some((given, remark.to_owned()))
}

/// A decimal number in billionths or the like, digits beyond them cut off.
fn decimal(text: &str, parts: i128) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut value = whole.parse::<i128>().ok()?.checked_mul(parts)?;
    let mut worth = parts;
    for digit in fraction.chars() {
        worth /= 10;
        value += i128::from(digit.to_digit(10)?) * worth;
    }
    Some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_chronyc_is_read() {
        let line = "A29FC87B,162.159.200.123,4,1764436000.123456789,-0.000012345,0.000001,0.000020,-23.456,\
                    0.001,0.044,0.004000000,0.001500000,64.2,Normal";
        let (given, _) = read(line).unwrap();
        assert_eq!(given.drift.as_deref(), Some("23.5ppm"));
        assert_eq!(given.wall_error.as_deref(), Some("3512345ns"));
    }

    #[test]
    fn what_is_no_measurement_is_refused() {
        assert!(read("").is_none());
        assert!(read("506 Cannot talk to daemon").is_none());
        let line = "00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised";
        assert!(read(line).is_none());
    }
}
