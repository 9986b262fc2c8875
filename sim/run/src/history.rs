//! What clients asked and were told, in the two forms that `sim check` and other checkers read.

use serde_json::{Value, json};

use crate::setup::Setup;
use crate::watch::Operation;
use leasehold_world::{Reply, Request};

/// JSON lines, one operation each: docs/reference/histories.md.
pub fn json_lines(setup: &Setup, history: &[Operation]) -> String {
    let line = |operation: &Operation| {
        let mut fields = json!({
            "process": setup.clients[operation.client].name,
            "f": function(operation.request),
            "key": operation.request.key(),
            "invoked_ns": operation.invoked,
            "node": setup.nodes[operation.node].name,
        });
        let (kind, completed) = end(operation);
        fields["type"] = json!(kind);
        if let Some((at, reply)) = completed {
            fields["completed_ns"] = json!(at);
            if let Reply::Value { lease, .. } = reply {
                fields["lease"] = json!(lease);
            }
            if reply == Reply::NotSwapped {
                fields["swapped"] = json!(false);
            }
        }
        fields["value"] = match (operation.request, completed) {
            (Request::Read { .. }, Some((_, Reply::Value { value, .. }))) => json!(value),
            (Request::Read { .. }, _) => Value::Null,
            (Request::Write { value, .. }, _) => json!(value),
            (Request::Cas { from, to, .. }, _) => json!([from, to]),
        };
        format!("{fields}\n")
    };
    history.iter().map(line).collect()
}

/// Jepsen's EDN, one event a line, in the order of true time. Values are pairs of a key and a value. Every operation is a
/// process of its own, since a client may ask again before it has an answer.
pub fn edn(history: &[Operation]) -> String {
    // Of events at one instant the invocations come first: such operations are concurrent.
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (place, operation) in history.iter().enumerate() {
        events.push((operation.invoked, false, place));
        if let ("ok" | "fail", Some((at, _))) = end(operation) {
            events.push((at, true, place));
        }
    }
    events.sort_unstable();
    let some = |value: Option<u64>| value.map_or("nil".to_owned(), |value| value.to_string());
    let line = |(index, (at, ended, place)): (usize, &(u64, bool, usize))| {
        let operation = &history[*place];
        let kind = if *ended { end(operation).0 } else { "invoke" };
        let key = operation.request.key();
        let value = match (operation.request, operation.completed) {
            (Request::Read { .. }, Some((_, Reply::Value { value, .. }))) if *ended => some(value),
            (Request::Read { .. }, _) => "nil".to_owned(),
            (Request::Write { value, .. }, _) => value.to_string(),
            (Request::Cas { from, to, .. }, _) => format!("[{} {to}]", some(from)),
        };
        let swapped = match operation.completed {
            Some((_, Reply::NotSwapped)) if *ended => ", :swapped false",
            _ => "",
        };
        let function = function(operation.request);
        format!(
            "{{:index {index}, :type :{kind}, :process {place}, :f :{function}, :value [{key} {value}], :time {at}{swapped}}}\n"
        )
    };
    events.iter().enumerate().map(line).collect()
}

fn function(request: Request) -> &'static str {
    match request {
        Request::Read { .. } => "read",
        Request::Write { .. } => "write",
        Request::Cas { .. } => "cas",
    }
}

/// How an operation ended: `ok`, `fail` or `info`, and when.
fn end(operation: &Operation) -> (&'static str, Option<(u64, Reply)>) {
    match operation.completed {
        Some((_, Reply::Refused)) => ("fail", operation.completed),
        Some((_, Reply::Unknown)) | None => ("info", None),
        Some((_, Reply::Value { .. } | Reply::Done | Reply::NotSwapped)) => ("ok", operation.completed),
    }
}
