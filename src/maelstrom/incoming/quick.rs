//! Reads, which are what there is most of, in one go over the line. Whatever is unusual about one is left to the general way,
//! which says the same of all that this one takes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::fields::{Field, is_object, present};
use super::super::scalar::scalar_of;
use super::{Content, Incoming, RequestKind};
use crate::maelstrom::MsgId;
use crate::node::Operation;

/// What is borrowed has no escapes in it.
#[derive(serde::Deserialize)]
struct Envelope<'a> {
    src: &'a str,
    dest: &'a str,
    #[serde(borrow)]
    body: Object<Body<'a>>,
}

/// Another field, as other messages have them, ends the attempt early.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    msg_id: u64,
    #[serde(borrow)]
    key: &'a RawValue,
    #[serde(borrow, default, deserialize_with = "present")]
    in_reply_to: Field<'a>,
}

/// The read that a line asks for; `None` when it asks for something else, or in another way.
pub(super) fn read(line: &str) -> Option<Incoming<'_>> {
    if !is_object(line) {
        return None;
    }
    let Envelope { src, dest, body: Object(body) } = serde_json::from_str(line).ok()?;
    let kind = match body.kind {
        "lease_read" => RequestKind::LeaseRead,
        "read" => RequestKind::Read,
        _ => return None,
    };
    if body.in_reply_to.is_some() {
        return None;
    }
    let key = scalar_of(body.key).ok()?;
    Some(Incoming {
        src: Cow::Borrowed(src),
        dest: Cow::Borrowed(dest),
        msg_id: Some(MsgId::from(body.msg_id)),
        content: Content::Operation(kind, Operation::Read { key }),
    })
}

/// A struct that is an object in the text. Struct readers by themselves take arrays as well.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Object)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str = r#"{"src":"c1","dest":"n1","body":{"type":"lease_read","msg_id":2,"key":"x"}}"#;

    #[test]
    fn the_usual_read_is_read_quickly() {
        for line in [
            USUAL,
            r#"{"id":7,"src":"c1","dest":"n1","body":{"key":-1.50,"msg_id":18446744073709551615,"type":"read"}}"#,
            r#" { "body" : { "key" : null , "type" : "read" , "msg_id" : 0 } , "dest" : "n1" , "src" : "ü" } "#,
        ] {
            assert!(read(line).is_some(), "{line}");
        }
    }

    /// What it takes, the general way takes too, and reads the same in it.
    #[test]
    fn it_says_what_the_general_way_says() {
        let pieces = [
            ("\"c1\"", vec!["\"\\u0063\"", "1", "null", "\"\"", "[]"]),
            ("\"n1\"", vec!["\"n\\\"\"", "7", "{}"]),
            ("\"lease_read\"", vec!["\"read\"", "\"write\"", "\"lease\\u005fread\"", "5", "\"vote\""]),
            (
                ":2",
                vec![
                    ":-2",
                    ":2.0",
                    ":2e0",
                    ":-0",
                    ":null",
                    ":\"2\"",
                    ":18446744073709551616",
                    ":1,\"msg_id\":2",
                ],
            ),
            (
                "\"x\"",
                vec![
                    "1",
                    "-0",
                    "1.0",
                    "true",
                    "null",
                    "[]",
                    "{}",
                    "\"\\ud800\"",
                    "\"\\n\"",
                    "\"x\",\"key\":\"y\"",
                ],
            ),
            (
                "\"type\"",
                vec!["\"in_reply_to\":1,\"type\"", "\"in_reply_to\":null,\"type\"", "\"more\":[{}],\"type\""],
            ),
            ("{\"type\"", vec!["[\"type\"", "{\"key\":1,\"type\"", "5,\"rest\":{\"type\""]),
            ("{\"src\"", vec!["[\"src\"", "{\"id\":1,\"src\"", "{\"src\":\"c2\",\"src\""]),
            ("\"body\":{", vec!["\"body\":[{", "\"Body\":{", "\"body\":[\"read\",1,\"k\"],\"other\":{"]),
            ("}}", vec!["}", "}}x", "]}", "}}}", "}} "]),
        ];
        let change = |line: &str| -> Vec<String> {
            let change = |(from, to): (&&str, &Vec<&str>)| -> Vec<String> {
                to.iter().map(|to| line.replacen(*from, to, 1)).collect()
            };
            pieces.iter().map(|(from, to)| (from, to)).flat_map(change).collect()
        };
        let once = change(USUAL);
        let mut lines: Vec<String> = once.iter().flat_map(|line| change(line)).collect();
        lines.extend(once);
        lines.push(r#"["c1","n1",["lease_read",2,"x",null]]"#.to_owned());
        let mut quick = 0;
        for line in &lines {
            if let Some(incoming) = read(line) {
                quick += 1;
                assert_eq!(Incoming::parse_generally(line).as_ref(), Ok(&incoming), "{line}");
            }
        }
        assert!(100 < quick && quick < lines.len() / 2, "{quick} of {} were read quickly", lines.len());
    }
}
