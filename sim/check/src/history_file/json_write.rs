//! Writes histories in our own format.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::{Action, Operation, Value};

/// Writes a history as JSON lines, each process being one of the history's clients. Keys and values are their numbers,
/// [`Value::MISSING`] is `null`. An operation of unknown outcome gets its `info` when its client invokes the next one.
///
/// # Errors
///
/// Whatever `to` fails with.
///
/// # Panics
///
/// If a client invokes an operation before its last one responded.
pub fn write_json_lines(history: &[Operation], to: &mut impl Write) -> io::Result<()> {
    let mut order: Vec<usize> = (0..history.len()).collect();
    order.sort_by_key(|&index| {
        let operation = &history[index];
        // Of those invoked at one instant, what has no response goes first: it does not keep its client.
        (operation.client, operation.invoked, operation.responded.unwrap_or(0), index)
    });
    let mut events: Vec<(u64, usize, &str)> = Vec::with_capacity(2 * history.len());
    for (place, &index) in order.iter().enumerate() {
        let operation = &history[index];
        let next = order.get(place + 1).map(|&next| &history[next]);
        let next = next.filter(|next| next.client == operation.client);
        events.push((operation.invoked, index, "invoke"));
        match (operation.responded, next) {
            (Some(responded), next) => {
                let sequential = next.is_none_or(|next| responded <= next.invoked);
                assert!(sequential, "client {} waits for its answers", operation.client);
                events.push((responded, index, "ok"));
            }
            (None, Some(next)) => events.push((next.invoked, index, "info")),
            (None, None) => {}
        }
    }
    // Stable: what a client did at one instant stays in its order.
    events.sort_by_key(|&(time, ..)| time);
    for (time, index, kind) in events {
        write_event(to, &history[index], kind, time)?;
    }
    Ok(())
}

/// The same history with clients that wait for their answers: one that asks several things at a time becomes several, and
/// one whose operation got no answer is not heard of again.
pub fn sequential(history: &[Operation]) -> Vec<Operation> {
    let mut order: Vec<usize> = (0..history.len()).collect();
    order.sort_by_key(|&index| history[index].invoked);
    // Who is free for which client, and since when.
    let mut free: BTreeMap<u32, Vec<(u64, u32)>> = BTreeMap::new();
    let mut processes = 0;
    let mut sequential = history.to_vec();
    for index in order {
        let operation = &mut sequential[index];
        let free = free.entry(operation.client).or_default();
        let process = match free.iter().position(|(since, _)| *since <= operation.invoked) {
            Some(place) => free.swap_remove(place).1,
            None => {
                processes += 1;
                processes - 1
            }
        };
        operation.client = process;
        free.extend(operation.responded.map(|responded| (responded, process)));
    }
    sequential
}

fn write_event(to: &mut impl Write, operation: &Operation, kind: &str, time: u64) -> io::Result<()> {
    let (client, key) = (operation.client, operation.key.0);
    let function = match operation.action {
        Action::Read { .. } => "read",
        Action::Write { .. } => "write",
        Action::Cas { .. } => "cas",
    };
    write!(to, r#"{{"process":{client},"type":"{kind}","f":"{function}","key":{key}"#)?;
    match operation.action {
        Action::Read { returned } if kind == "ok" => write!(to, r#","value":{}"#, Json(returned))?,
        Action::Write { value } if kind == "invoke" => write!(to, r#","value":{}"#, Json(value))?,
        Action::Cas { from, to: new, create_if_missing, .. } if kind == "invoke" => {
            write!(to, r#","value":[{},{}]"#, Json(from), Json(new))?;
            if create_if_missing {
                write!(to, r#","create_if_missing":true"#)?;
            }
        }
        Action::Cas { swapped: false, .. } if kind == "ok" => write!(to, r#","swapped":false"#)?,
        Action::Read { .. } | Action::Write { .. } | Action::Cas { .. } => {}
    }
    writeln!(to, r#","time_ns":{time}}}"#)
}

/// A value as JSON.
struct Json(Value);

impl std::fmt::Display for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Value::MISSING => f.write_str("null"),
            Value(number) => write!(f, "{number}"),
        }
    }
}
