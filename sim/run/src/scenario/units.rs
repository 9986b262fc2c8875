//! Quantities with units: `2.5s`, `-300ms`, `+200ppm`, `0.1%`. Exact decimal arithmetic, no floats.
//!
//! A bare number is refused: nobody should have to guess whether 250 means milliseconds. A value that is finer than
//! the model can hold is refused too, rather than rounded.

use leasehold::time::Span;
use std::fmt;

/// A unit and how many of the smallest one it is worth.
#[derive(Debug, PartialEq, Eq)]
pub struct Unit {
    /// As it is written.
    pub name: &'static str,
    /// In nanoseconds, or in parts per billion.
    pub worth: i128,
}

/// Units of time; worth in nanoseconds.
pub static TIME: [Unit; 8] = [
    Unit { name: "ns", worth: 1 },
    Unit { name: "us", worth: 1_000 },
    Unit { name: "ms", worth: 1_000_000 },
    Unit { name: "s", worth: 1_000_000_000 },
    Unit { name: "m", worth: 60_000_000_000 },
    Unit { name: "h", worth: 3_600_000_000_000 },
    Unit { name: "\u{b5}s", worth: 1_000 },
    Unit { name: "\u{3bc}s", worth: 1_000 },
];

/// Units of rates and shares; worth in parts per billion.
pub static PARTS: [Unit; 3] = [
    Unit { name: "ppb", worth: 1 },
    Unit { name: "ppm", worth: 1_000 },
    Unit { name: "%", worth: 10_000_000 },
];

/// The most that a clock may gain: ten times its rate.
pub const RATE_PPB_MAX: i64 = 10_000_000_000;

/// Why a text is no quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitError {
    /// It does not begin with a decimal number.
    NotANumber,
    /// A number alone.
    NoUnit {
        /// The number.
        number: String,
        /// What it might have meant.
        examples: [&'static str; 2],
    },
    /// A number with something else behind it.
    UnknownUnit {
        /// What stands there.
        unit: String,
        /// What may stand there.
        known: &'static [Unit],
    },
    /// It is no whole number of the smallest unit.
    TooFine {
        /// The smallest unit.
        smallest: &'static str,
    },
    /// It does not fit.
    OutOfRange {
        /// What would.
        range: &'static str,
    },
    /// A length below zero.
    Negative,
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnitError::NotANumber => f.write_str("not a number with a unit"),
            UnitError::NoUnit { .. } => f.write_str("the unit is missing"),
            UnitError::UnknownUnit { unit, .. } => write!(f, "`{unit}` is no unit of this"),
            UnitError::TooFine { smallest } => write!(f, "finer than one {smallest}"),
            UnitError::OutOfRange { range } => write!(f, "must be {range}"),
            UnitError::Negative => f.write_str("must not be negative"),
        }
    }
}

impl std::error::Error for UnitError {}

impl UnitError {
    /// What to write instead, where that can be said.
    pub fn remedy(&self) -> Option<String> {
        match self {
            UnitError::NoUnit { number, examples } => {
                let [first, second] = examples;
                Some(format!("write \"{number}{first}\" or \"{number}{second}\", whichever is meant"))
            }
            UnitError::UnknownUnit { unit, known } => {
                let names: Vec<&str> = known.iter().map(|unit| unit.name).filter(|n| n.is_ascii()).collect();
                let meant = meant(unit).filter(|meant| names.contains(meant));
                let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
                Some(format!("{meant}units are {}; one number with one unit", names.join(", ")))
            }
            UnitError::TooFine { smallest } => Some(format!("the smallest unit is 1 {smallest}")),
            UnitError::NotANumber | UnitError::OutOfRange { .. } | UnitError::Negative => None,
        }
    }
}

/// The unit that a word stands for in other places.
fn meant(word: &str) -> Option<&'static str> {
    let lower = word.trim().to_ascii_lowercase();
    Some(match lower.as_str() {
        "nsec" | "nanos" | "nanosecond" | "nanoseconds" => "ns",
        "usec" | "micros" | "microsecond" | "microseconds" => "us",
        "msec" | "millis" | "millisecond" | "milliseconds" => "ms",
        "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hr" | "hrs" | "hour" | "hours" => "h",
        "percent" | "pct" => "%",
        "ns" | "us" | "ms" | "s" | "m" | "h" | "ppm" | "ppb" => {
            return ["ns", "us", "ms", "s", "m", "h", "ppm", "ppb"].into_iter().find(|unit| *unit == lower);
        }
        _ => return None,
    })
}

/// A number of the smallest unit, and the unit that it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity {
    /// In nanoseconds, or in parts per billion.
    pub value: i128,
    /// As it was written.
    pub unit: &'static Unit,
}

impl Quantity {
    /// Reads a number and one of these units.
    pub fn parse(text: &str, units: &'static [Unit]) -> Result<Quantity, UnitError> {
        let (decimal, rest) = Decimal::split(text).ok_or(UnitError::NotANumber)?;
        let unit = units.iter().find(|unit| unit.name == rest).ok_or_else(|| {
            if rest.is_empty() {
                let examples = if units[0].name == "ns" { ["s", "ms"] } else { ["ppm", "%"] };
                UnitError::NoUnit { number: text.to_owned(), examples }
            } else {
                UnitError::UnknownUnit { unit: rest.to_owned(), known: units }
            }
        })?;
        let value = decimal.times(unit.worth).map_err(|fault| match fault {
            Inexact::TooFine => UnitError::TooFine { smallest: units[0].name },
            Inexact::TooLarge => UnitError::OutOfRange { range: "smaller" },
        })?;
        Ok(Quantity { value, unit })
    }

    /// Another value of the same unit as a decimal number, exactly: the inverse of [`Quantity::parse`].
    pub fn write(value: i128, unit: &Unit) -> String {
        let sign = if value < 0 { "-" } else { "" };
        let worth = unit.worth.unsigned_abs();
        let (whole, mut rest) = (value.unsigned_abs() / worth, value.unsigned_abs() % worth);
        let mut fraction = String::new();
        while rest != 0 && fraction.len() < 40 {
            rest *= 10;
            fraction.push_str(&(rest / worth).to_string());
            rest %= worth;
        }
        // Minutes and hours are no powers of ten: thirds of them have no end.
        if rest != 0 {
            return format!("{value}{}", TIME[0].name);
        }
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}{}", unit.name)
    }
}

/// A length of time, 0 to about 292 years.
pub fn span(text: &str) -> Result<Span, UnitError> {
    let nanos = Quantity::parse(text, &TIME)?.value;
    if nanos < 0 {
        return Err(UnitError::Negative);
    }
    let nanos = i64::try_from(nanos).map_err(|_| UnitError::OutOfRange { range: "at most 292 years" })?;
    Ok(Span::nanos(nanos.unsigned_abs()))
}

/// A length of time with a sign, in nanoseconds.
pub fn offset(text: &str) -> Result<i64, UnitError> {
    i64::try_from(Quantity::parse(text, &TIME)?.value)
        .map_err(|_| UnitError::OutOfRange { range: "at most 292 years" })
}

/// What a clock gains, in parts per billion: above -100 %, at most +1000 %.
pub fn rate(text: &str) -> Result<i64, UnitError> {
    let range = UnitError::OutOfRange { range: "above -100% and at most 1000%" };
    match i64::try_from(Quantity::parse(text, &PARTS)?.value) {
        Ok(ppb) if ppb > -1_000_000_000 && ppb <= RATE_PPB_MAX => Ok(ppb),
        _ => Err(range),
    }
}

/// A share of all messages, in parts per million: 0 % to 100 %.
pub fn share(text: &str) -> Result<u32, UnitError> {
    let ppb = Quantity::parse(text, &PARTS)?.value;
    match u32::try_from(ppb / 1_000) {
        _ if ppb < 0 => Err(UnitError::Negative),
        Ok(_) if ppb % 1_000 != 0 => Err(UnitError::TooFine { smallest: "ppm" }),
        Ok(ppm) if ppm <= 1_000_000 => Ok(ppm),
        _ => Err(UnitError::OutOfRange { range: "at most 100%" }),
    }
}

/// The sigma of a log-normal delay times 1 000 000: 0 to 5, six decimals.
pub fn sigma(text: &str) -> Result<u64, UnitError> {
    let (decimal, rest) = Decimal::split(text).ok_or(UnitError::NotANumber)?;
    if !rest.is_empty() {
        return Err(UnitError::NotANumber);
    }
    match decimal.times(1_000_000).map(u64::try_from) {
        Ok(Ok(ppm)) if ppm <= 5_000_000 => Ok(ppm),
        Err(Inexact::TooFine) => Err(UnitError::TooFine { smallest: "millionth" }),
        _ => Err(UnitError::OutOfRange { range: "from 0 to 5" }),
    }
}

/// A seed: decimal, `0x` hexadecimal, both with `_` anywhere, or a 40-digit commit hash (its first 16 digits count).
pub fn seed(text: &str) -> Option<u64> {
    if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return u64::from_str_radix(&text[..16], 16).ok();
    }
    let digits = text.replace('_', "");
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None => (digits.as_str(), 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, radix).ok())?
}

/// A decimal number: `digits / 10^scale`.
struct Decimal {
    digits: i128,
    scale: u32,
}

enum Inexact {
    TooFine,
    TooLarge,
}

impl Decimal {
    /// The number that a text begins with, and the rest. `None` without digits, or with more than 30 of them.
    fn split(text: &str) -> Option<(Decimal, &str)> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, rest) = unsigned.split_at(end);
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (number, ""),
        };
        if whole.is_empty() || whole.len() + fraction.len() > 30 || fraction.contains('.') {
            return None;
        }
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let digits = if text.starts_with('-') { -digits } else { digits };
        Some((Decimal { digits, scale: u32::try_from(fraction.len()).ok()? }, rest))
    }

    fn times(&self, factor: i128) -> Result<i128, Inexact> {
        let product = self.digits.checked_mul(factor).ok_or(Inexact::TooLarge)?;
        let divisor = 10_i128.pow(self.scale);
        if product % divisor != 0 {
            return Err(Inexact::TooFine);
        }
        Ok(product / divisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_exact_and_need_a_unit() {
        let table: &[(&str, Result<u64, &str>)] = &[
            ("0s", Ok(0)),
            ("7ns", Ok(7)),
            ("1.5us", Ok(1_500)),
            ("1.5\u{b5}s", Ok(1_500)),
            ("1.5\u{3bc}s", Ok(1_500)),
            ("250ms", Ok(250_000_000)),
            ("0.000000001s", Ok(1)),
            ("+2s", Ok(2_000_000_000)),
            ("1.5m", Ok(90_000_000_000)),
            ("2h", Ok(7_200_000_000_000)),
            ("9223372036854775807ns", Ok(9_223_372_036_854_775_807)),
            ("9223372036854775808ns", Err("must be at most 292 years")),
            ("99999999999999999999999999999h", Err("must be smaller")),
            ("9999999999999999999999999999999h", Err("not a number with a unit")),
            ("0.0000000001s", Err("finer than one ns")),
            ("1.5ns", Err("finer than one ns")),
            ("-1s", Err("must not be negative")),
            ("20", Err("the unit is missing")),
            ("20 s", Err("` s` is no unit of this")),
            ("1h30m", Err("`h30m` is no unit of this")),
            ("1.s", Err("not a number with a unit")),
            (".5s", Err("not a number with a unit")),
            ("1.2.3s", Err("not a number with a unit")),
            ("", Err("not a number with a unit")),
            ("-", Err("not a number with a unit")),
            ("soon", Err("not a number with a unit")),
        ];
        for (text, wanted) in table {
            let found = span(text).map(Span::as_nanos).map_err(|error| error.to_string());
            assert_eq!(found, wanted.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn offsets_rates_and_shares() {
        assert_eq!(offset("-2s"), Ok(-2_000_000_000));
        assert_eq!(offset("+0.5ms"), Ok(500_000));
        assert_eq!(rate("+200ppm"), Ok(200_000));
        assert_eq!(rate("-8.3%"), Ok(-83_000_000));
        assert_eq!(rate("+50ppb"), Ok(50));
        assert_eq!(rate("1000%"), Ok(RATE_PPB_MAX));
        assert!(rate("-100%").is_err() && rate("1000.1%").is_err() && rate("0.5ppb").is_err());
        assert_eq!(share("0.1%"), Ok(1_000));
        assert_eq!(share("100%"), Ok(1_000_000));
        assert_eq!(share("30ppm"), Ok(30));
        assert!(share("100.0001%").is_err() && share("-1%").is_err() && share("1ppb").is_err());
        assert_eq!(
            share("1").expect_err("no unit").remedy().expect("said"),
            r#"write "1ppm" or "1%", whichever is meant"#
        );
        assert_eq!(sigma("0.5"), Ok(500_000));
        assert!(sigma("5.1").is_err() && sigma("-1").is_err() && sigma("0.0000001").is_err());
        assert!(sigma("1e3").is_err() && sigma("nan").is_err());
    }

    #[test]
    fn seeds_are_written_in_four_ways() {
        assert_eq!(seed("42"), Some(42));
        assert_eq!(seed("0xff_ff"), Some(0xffff));
        assert_eq!(seed("18_446_744_073_709_551_615"), Some(u64::MAX));
        assert_eq!(seed("c44e8ba00000000f000000000000000000000000"), Some(0xc44e_8ba0_0000_000f));
        for text in ["", "-1", "+1", "0x", "18446744073709551616", "dead", "1s", "\u{e9}\u{e9}"] {
            assert_eq!(seed(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(value in any::<i64>(), unit in 0..TIME.len()) {
            let text = Quantity::write(i128::from(value), &TIME[unit]);
            prop_assert_eq!(offset(&text), Ok(value), "{}", text);
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC*") {
            let _ = (span(&text), offset(&text), rate(&text), share(&text), sigma(&text), seed(&text));
        }
    }
}
