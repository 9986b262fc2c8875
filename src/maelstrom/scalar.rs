//! JSON scalars, as they come and as they go: numbers by their text, strings by their content.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use crate::kv::Scalar;

/// The content of a string; `None` when it is none, or no Unicode text.
pub(super) fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw.get()).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// The scalar that a JSON value is; else what it is instead, in words that follow "is".
pub(super) fn scalar_of(raw: &RawValue) -> Result<Scalar, &'static str> {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'n') => Ok(Scalar::Null),
        Some(b't') => Ok(Scalar::Bool(true)),
        Some(b'f') => Ok(Scalar::Bool(false)),
        Some(b'"') => match text_of(raw) {
            Some(text) => Ok(Scalar::Text(SmolStr::new(text))),
            None => Err("a string that is no Unicode text (half of a surrogate pair)"),
        },
        Some(b'{') => Err("an object"),
        Some(b'[') => Err("an array"),
        _ => Ok(match json.parse() {
            // Minus zero is a number of its own.
            Ok(integer) if json != "-0" => Scalar::Integer(integer),
            _ => Scalar::Number(SmolStr::new(json)),
        }),
    }
}

/// A scalar inside a fellow node's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScalarIn(pub(super) Scalar);

impl<'de> Deserialize<'de> for ScalarIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ScalarIn, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        match scalar_of(raw) {
            Ok(scalar) => Ok(ScalarIn(scalar)),
            Err(found) => Err(de::Error::custom(format!("expected a scalar, found {found}"))),
        }
    }
}

/// A scalar on its way out.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScalarOut<'a>(pub(super) &'a Scalar);

impl Serialize for ScalarOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Scalar::Null => serializer.serialize_unit(),
            Scalar::Bool(value) => serializer.serialize_bool(*value),
            Scalar::Integer(value) => serializer.serialize_i64(*value),
            Scalar::Number(json) => {
                let raw: &RawValue = serde_json::from_str(json).map_err(ser::Error::custom)?;
                raw.serialize(serializer)
            }
            Scalar::Text(text) => serializer.serialize_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn scalars_come_back_as_they_went_in() {
        for json in [
            "null",
            "true",
            "false",
            "0",
            "-0",
            "1",
            "1.0",
            "1e0",
            "1E+400",
            "-12345678901234567890123",
            "9223372036854775807",
            "9223372036854775808",
            r#""""#,
            r#""1""#,
            r#""ü\u0000\"\\""#,
        ] {
            let scalar = scalar_of(raw(json)).unwrap();
            assert_eq!(serde_json::to_string(&ScalarOut(&scalar)).unwrap(), json);
        }
    }

    #[test]
    fn strings_are_compared_by_content_and_numbers_by_spelling() {
        assert_eq!(scalar_of(raw(r#""\u0041""#)), scalar_of(raw(r#""A""#)));
        assert_ne!(scalar_of(raw("1.0")), scalar_of(raw("1")));
        assert_ne!(scalar_of(raw("-0")), scalar_of(raw("0")));
    }

    #[test]
    fn what_is_no_scalar_is_named() {
        assert_eq!(scalar_of(raw("{}")), Err("an object"));
        assert_eq!(scalar_of(raw("[1]")), Err("an array"));
        assert!(scalar_of(raw(r#""\ud800""#)).is_err());
    }
}
