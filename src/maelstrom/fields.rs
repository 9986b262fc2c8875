//! Reading fields: present or not, and what is wrong with them, by name.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::Fault;
use super::scalar::scalar_of;
use crate::kv::Scalar;

/// A message's number, unique for its sender only: any integer that fits 64 bits, with or without a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MsgId(i128);

impl MsgId {
    /// Reads one as it is written in JSON. A fraction or an exponent makes it no integer.
    pub(super) fn parse(json: &str) -> Option<MsgId> {
        let number: i128 = json.parse().ok()?;
        let fits = i128::from(i64::MIN) <= number && number <= i128::from(u64::MAX);
        fits.then_some(MsgId(number))
    }

    pub(super) fn number(self) -> i128 {
        self.0
    }
}

impl From<u64> for MsgId {
    fn from(number: u64) -> MsgId {
        MsgId(number.into())
    }
}

/// A field that may be missing, told apart from one that is `null`.
pub(super) type Field<'a> = Option<&'a RawValue>;

/// For `deserialize_with`: without it `null` would count as missing.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Field<'de>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Is it an object? Struct readers take arrays as well, which are no messages.
pub(super) fn is_object(json: &str) -> bool {
    json.trim_ascii_start().starts_with('{')
}

/// The scalar in a field that must be there.
pub(super) fn scalar_field(name: &str, field: Field<'_>) -> Result<Scalar, Fault> {
    let Some(raw) = field else {
        return Err(Fault::malformed(format!("`{name}` is missing")));
    };
    scalar_of(raw).map_err(|found| {
        Fault::malformed(format!(
            "`{name}` is {found}: keys and values are numbers, strings, booleans or null"
        ))
    })
}

/// A field that is true, false or missing, which means false.
pub(super) fn flag_field(name: &str, field: Field<'_>) -> Result<bool, Fault> {
    match field.map(RawValue::get) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Fault::malformed(format!("`{name}` is {}: it is true or false", shown(other)))),
    }
}

/// A value as an error text shows it: whole when it is short.
pub(super) fn shown(json: &str) -> Cow<'_, str> {
    const SHOWN_CHARS_MAX: usize = 40;
    match json.char_indices().nth(SHOWN_CHARS_MAX) {
        None => Cow::Borrowed(json),
        Some((end, _)) => Cow::Owned(format!("{}...", &json[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_number_is_any_integer_of_64_bits() {
        for json in ["0", "1", "-1", "-9223372036854775808", "18446744073709551615"] {
            let id = MsgId::parse(json).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), json);
        }
        for json in ["1.0", "1e3", "\"1\"", "null", "18446744073709551616", "-9223372036854775809"] {
            assert_eq!(MsgId::parse(json), None, "{json}");
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(shown("short"), "short");
        assert_eq!(shown(&"ü".repeat(50)), format!("{}...", "ü".repeat(40)));
    }
}
