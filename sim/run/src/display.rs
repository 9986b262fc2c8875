//! How numbers are shown to people: exactly, in the unit that fits.

use leasehold::time::Span;

/// A signed length of time: `+1.5ms`, `-20us`, `0s`.
pub fn signed_span(nanos: i128) -> String {
    let magnitude = Span::nanos(u64::try_from(nanos.unsigned_abs()).unwrap_or(u64::MAX));
    match nanos {
        0 => "0s".to_owned(),
        1.. => format!("+{magnitude}"),
        _ => format!("-{magnitude}"),
    }
}

/// A length of time that is negative only in a report of nonsense: `1.5ms`, `-20us`.
pub fn length(nanos: i128) -> String {
    signed_span(nanos).trim_start_matches('+').to_owned()
}

/// A point in time as seconds to the microsecond, rounded down: `12.999155s`.
pub fn instant(nanos: u64) -> String {
    format!("{}.{:06}s", nanos / 1_000_000_000, nanos % 1_000_000_000 / 1_000)
}

/// What a clock shows, as seconds since `base`, to the microsecond, rounded down: `-3600.000001s`.
pub fn reading(nanos: u64, base: u64) -> String {
    if nanos >= base { instant(nanos - base) } else { format!("-{}", instant(base - nanos)) }
}

/// A rate in parts per billion, as percent or ppm: `+8.3333%`, `-200ppm`, `0ppm`.
pub fn rate(ppb: i64) -> String {
    let sign = if ppb < 0 { "-" } else { "+" };
    let magnitude = ppb.unsigned_abs();
    let decimal = |unit: u64, digits: usize, name: &str| {
        let text = format!("{}.{:0digits$}", magnitude / unit, magnitude % unit);
        format!("{sign}{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match magnitude {
        0 => "0ppm".to_owned(),
        1..1_000_000 => decimal(1_000, 3, "ppm"),
        _ => decimal(10_000_000, 7, "%"),
    }
}

/// A whole number with thin groups of three: `12 345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// `n1`, `n1 and n2`, `n1, n2 and n3`.
pub fn list(names: &[&str]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A word as a POSIX shell would have it.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+%:,@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_exactly() {
        assert_eq!(signed_span(-864_786), "-864.786us");
        assert_eq!(signed_span(2_000_135_214), "+2.000135214s");
        assert_eq!(instant(12_999_155_214), "12.999155s");
        assert_eq!(reading(5, 2_000_005), "-0.002000s");
        assert_eq!(rate(200_000), "+200ppm");
        assert_eq!(rate(-83_333_333), "-8.3333333%");
        assert_eq!(rate(52_631_579), "+5.2631579%");
        assert_eq!(rate(1), "+0.001ppm");
        assert_eq!(count(1_234_567), "1 234 567");
        assert_eq!(count(12), "12");
        assert_eq!(list(&["n1", "n2", "n3"]), "n1, n2 and n3");
    }
}
