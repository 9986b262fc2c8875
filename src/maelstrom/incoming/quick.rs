//! Reads, which are what there is most of, in one go over the line. Whatever is unusual about one is left to the general way,
//! which says the same of all that this one takes.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::scalar::scalar_of;
use super::cursor::Cursor;
use super::{Content, Incoming, RequestKind};
use crate::kv::Scalar;
use crate::maelstrom::MsgId;
use crate::node::Operation;

/// The fields of a read. A second one of a name, and any field that is not here, ends the attempt.
#[derive(Default)]
struct Fields<'a> {
    src: Option<&'a str>,
    dest: Option<&'a str>,
    kind: Option<RequestKind>,
    msg_id: Option<u64>,
    key: Option<Scalar>,
}

/// The read that a line asks for; `None` when it asks for something else, or in another way.
pub(super) fn read(line: &str) -> Option<Incoming<'_>> {
    let mut cursor = Cursor::over(line)?;
    let mut fields = Fields::default();
    let (mut id, mut body) = (None, None);
    cursor.object(|cursor, name| match name {
        "src" => once(&mut fields.src, cursor.text()?),
        "dest" => once(&mut fields.dest, cursor.text()?),
        "body" => {
            once(&mut body, ())?;
            cursor.object(|cursor, name| match name {
                "type" => once(&mut fields.kind, read_kind(cursor.text()?)?),
                "msg_id" => once(&mut fields.msg_id, cursor.natural()?),
                "key" => once(&mut fields.key, key(cursor)?),
                _ => None,
            })
        }
        // Maelstrom's own.
        "id" => once(&mut id, cursor.natural()?),
        _ => None,
    })?;
    if !cursor.is_at_end() {
        return None;
    }
    Some(Incoming {
        src: Cow::Borrowed(fields.src?),
        dest: Cow::Borrowed(fields.dest?),
        msg_id: Some(MsgId::from(fields.msg_id?)),
        cluster: None,
        content: Content::Operation(fields.kind?, Operation::Read { key: fields.key? }),
    })
}

fn once<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

fn read_kind(name: &str) -> Option<RequestKind> {
    match name {
        "lease_read" => Some(RequestKind::LeaseRead),
        "read" => Some(RequestKind::Read),
        _ => None,
    }
}

fn key(cursor: &mut Cursor<'_>) -> Option<Scalar> {
    if cursor.peek()? == b'"' {
        return Some(Scalar::Text(cursor.text()?.into()));
    }
    let json: &RawValue = serde_json::from_str(cursor.word()?).ok()?;
    scalar_of(json).ok()
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
                    ":02",
                    ":00",
                    ":+2",
                    ":2x",
                    ":2 3",
                    ":18446744073709551615",
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
                    "\"\u{1f}\"",
                    "\"\u{7f} ü, {}\"",
                    "nullx",
                    "tru",
                    "01",
                    "1 2",
                    "9223372036854775808",
                    "",
                    "x\"",
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
            (
                "}}",
                vec![
                    "}",
                    "}}x",
                    "]}",
                    "}}}",
                    "}} ",
                    ",}}",
                    "},}",
                    "}\t}",
                    " } } ",
                    "},\"id\":-1}",
                    "},\"id\":1,\"id\":2}",
                ],
            ),
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
