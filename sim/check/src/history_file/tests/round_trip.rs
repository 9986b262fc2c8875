//! Random histories survive being written and read; random bytes are read to some end.

use super::*;
use crate::history_file::write_json_lines;
use crate::{Action, Key, Operation, Value};
use proptest::prelude::*;

/// Four busy clients on two keys with few values, so that about half of the histories are not linearizable.
fn histories() -> impl Strategy<Value = Vec<Operation>> {
    let operation =
        (0..4_usize, 0..2_u64, 0..4_u64, 0..5_u64, 0..8_u8, 0..4_u64, 0..4_u64, any::<(bool, bool)>());
    prop::collection::vec(operation, 0..14).prop_map(|drawn| {
        let mut free_at = [0_u64; 4];
        let operation = |(client, key, wait, takes, kind, a, b, (swapped, create)): (
            usize,
            _,
            u64,
            u64,
            u8,
            u64,
            u64,
            _,
        )| {
            let invoked = free_at[client] + wait;
            let known = kind < 7;
            free_at[client] = invoked + if known { takes } else { 0 };
            let action = match kind % 4 {
                0 | 1 => Action::Read { returned: Value(if known { a } else { 0 }) },
                2 => Action::Write { value: Value(a) },
                _ => Action::Cas {
                    from: Value(a),
                    to: Value(b),
                    create_if_missing: create,
                    swapped: swapped && known,
                },
            };
            let client = u32::try_from(client).expect("few clients");
            Operation { client, key: Key(key), invoked, responded: known.then_some(invoked + takes), action }
        };
        drawn.into_iter().map(operation).collect()
    })
}

/// What remains of an operation when its numbers are other ones.
fn outline(file: &HistoryFile) -> Vec<String> {
    let value = |value: Value| file.value(value).to_owned();
    let line = |operation: &Operation| {
        let what = match operation.action {
            Action::Read { returned } => format!("read {}", value(returned)),
            Action::Write { value: new } => format!("write {}", value(new)),
            Action::Cas { from, to, create_if_missing, swapped } => {
                format!("cas {} {} {create_if_missing} {swapped}", value(from), value(to))
            }
        };
        let client = file.process(operation.client);
        let key = file.key(operation.key).expect("it was written");
        format!("{client} {key} {} {:?} {what}", operation.invoked, operation.responded)
    };
    let mut lines: Vec<String> = file.operations.iter().map(line).collect();
    lines.sort_unstable();
    lines
}

fn outline_of(operations: &[Operation]) -> Vec<String> {
    let value = |value: Value| if value == Value::MISSING { "null".to_owned() } else { value.0.to_string() };
    let line = |operation: &Operation| {
        let what = match operation.action {
            Action::Read { returned } => format!("read {}", value(returned)),
            Action::Write { value: new } => format!("write {}", value(new)),
            Action::Cas { from, to, create_if_missing, swapped } => {
                format!("cas {} {} {create_if_missing} {swapped}", value(from), value(to))
            }
        };
        format!(
            "{} {} {} {:?} {what}",
            operation.client, operation.key.0, operation.invoked, operation.responded
        )
    };
    let mut lines: Vec<String> = operations.iter().map(line).collect();
    lines.sort_unstable();
    lines
}

/// Bytes that look somewhat like a history.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"{",
        b"}",
        b"[",
        b"]",
        b"(",
        b")",
        b"#",
        b"#_",
        b"#{",
        b"\\",
        b"\"",
        b":",
        b";",
        b"\n",
        b" ",
        b",",
        b"1",
        b"0",
        b"-1N",
        b"nil",
        b"null",
        b":type",
        b":invoke",
        b":ok",
        b":info",
        b":f",
        b":read",
        b":cas",
        b":write",
        b":value",
        b":process",
        b":index",
        b":time",
        b"\"process\":",
        b"\"type\":",
        b"\"ok\"",
        b"\"invoke\"",
        b"\"f\":",
        b"\"cas\"",
        b"\"value\":",
        b"\"time_ns\":",
        b"jepsen.util - ",
        b"INFO  jepsen.util - 0 :invoke :cas ",
        b"\xff",
        "é".as_bytes(),
        b"{:type :invoke :f :write :value 1 :process 0}",
        b"{:type :ok :f :write :value 1 :process 0}",
        b"{\"process\":0,\"type\":\"invoke\",\"f\":\"cas\",\"value\":[1,2]}\n",
    ];
    prop::collection::vec(prop::sample::select(words), 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn a_history_that_was_written_is_read(operations in histories()) {
        let mut text = Vec::new();
        write_json_lines(&operations, &mut text).expect("memory does not fail");
        let file = read(&text[..], &Options::default()).expect("what we write we read");
        prop_assert_eq!(outline(&file), outline_of(&operations));
        let (before, after) = (check(&operations, Limits::default()), checked(&file));
        prop_assert_eq!(before.outcome, after.outcome);
        prop_assert_eq!(before.counts, after.counts);
        prop_assert_eq!(before.stale_reads.len(), after.stale_reads.len());
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in prop_oneof![texts(), prop::collection::vec(any::<u8>(), 0..200)]) {
        for format in [None, Some(Format::JsonLines), Some(Format::Edn), Some(Format::Log)] {
            for independent in [false, true] {
                if let Ok(file) = read(&bytes[..], &Options { format, independent, ..Options::default() }) {
                    let _ = checked(&file);
                }
            }
        }
    }
}
