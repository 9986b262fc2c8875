//! Lines of the protocol: what the hub reads from processes and writes to them. docs/reference/protocol.md describes them.

use leasehold_run::setup;
use std::sync::Arc;

use leasehold::raft::MemberAction;
use serde::Deserialize;
use serde_json::json;

use super::orders::{Members, Obeyed, Order};
use leasehold_world::{Reply, Request};

/// Who sends `init`.
const INIT: &str = "c0";
/// Who reads. A missing key is an error to whoever asks, and only to a reader it is an answer.
const READS: &str = "c1";
/// Who writes.
const UPDATES: &str = "c2";
/// Who gives orders.
const ADMINISTRATOR: &str = "c3";

/// A message between nodes, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    kind: &'static str,
    bytes: Arc<[u8]>,
}

impl Line {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }
}

/// What a process wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// A message to another node.
    To(usize, Line),
    /// An answer to a client's operation.
    Answer(u64, Reply),
    /// An answer to an order.
    Obeyed(u64, Obeyed),
    /// An answer to `init`.
    Ready,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    dest: &'a str,
    #[serde(borrow)]
    body: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    in_reply_to: u64,
    value: Option<u64>,
    #[serde(default)]
    lease_valid: bool,
    #[serde(default)]
    network_round_trips: u32,
    code: Option<u16>,
}

#[derive(Deserialize)]
struct OrderAnswer<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    in_reply_to: u64,
    code: Option<u16>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    applied: bool,
    #[serde(default)]
    index: u64,
    #[serde(default)]
    voters: Vec<String>,
    #[serde(default)]
    learners: Vec<String>,
}

/// The line by which a node learns its cluster: those who found it, or itself and them if it joins.
pub(super) fn init(node: &str, founders: &[String]) -> Vec<u8> {
    let own = (!founders.iter().any(|founder| founder == node)).then_some(node);
    let all: Vec<&str> = own.into_iter().chain(founders.iter().map(String::as_str)).collect();
    let body = json!({ "type": "init", "msg_id": 1, "node_id": node, "node_ids": all });
    line(&json!({ "src": INIT, "dest": node, "body": body }))
}

/// An order to a node. Its number comes back in the answer.
pub(super) fn order(node: &str, number: u64, order: Order, names: &[String]) -> Vec<u8> {
    let msg_id = number;
    let membership =
        |change: &str, of: usize| json!({ "type": "membership", "msg_id": msg_id, change: names[of] });
    let body = match order {
        Order::Asked(setup::Order::Transfer { to }) => {
            json!({ "type": "transfer", "msg_id": msg_id, "to": names[to] })
        }
        Order::Asked(setup::Order::Member { change: MemberAction::Add, node }) | Order::Join { node } => {
            membership("add", node)
        }
        Order::Asked(setup::Order::Member { change: MemberAction::Promote, node }) => {
            membership("promote", node)
        }
        Order::Asked(setup::Order::Member { change: MemberAction::Remove, node }) => {
            membership("remove", node)
        }
        Order::Asked(setup::Order::Apply { lengths }) => json!({
            "type": "lease_read_config",
            "msg_id": msg_id,
            "lease_duration_ms": lengths.duration.as_millis(),
            "election_timeout_ms": lengths.election_timeout.as_millis(),
            "max_clock_skew_ms": lengths.max_clock_skew.as_millis(),
            "apply": true,
        }),
    };
    line(&json!({ "src": ADMINISTRATOR, "dest": node, "body": body }))
}

/// A client's request. `operation` is its number, and comes back in the answer.
pub(super) fn request(node: &str, operation: u64, request: Request) -> Vec<u8> {
    let msg_id = operation;
    let (src, body) = match request {
        Request::Read { key } => (READS, json!({ "type": "lease_read", "msg_id": msg_id, "key": key })),
        Request::Write { key, value } => {
            (UPDATES, json!({ "type": "write", "msg_id": msg_id, "key": key, "value": value }))
        }
        // As in the simulator: values count up from 1, so that no key holds 0.
        Request::Cas { key, from, to } => {
            let (expected, create) = (from.unwrap_or(0), from.is_none());
            let body = json!({
                "type": "cas", "msg_id": msg_id, "key": key, "from": expected, "to": to,
                "create_if_not_exists": create,
            });
            (UPDATES, body)
        }
    };
    line(&json!({ "src": src, "dest": node, "body": body }))
}

fn line(message: &serde_json::Value) -> Vec<u8> {
    let mut bytes = message.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// Reads a line that one of the nodes of these names wrote.
pub(super) fn parse(bytes: &[u8], names: &[String]) -> Result<Said, String> {
    let said = |error: serde_json::Error| format!("{error}: {}", String::from_utf8_lossy(bytes));
    let envelope: Envelope<'_> = serde_json::from_slice(bytes).map_err(said)?;
    let body = envelope.body.get();
    if let Some(to) = names.iter().position(|name| name == envelope.dest) {
        let Kind { kind } = serde_json::from_str(body).map_err(said)?;
        let mut whole = bytes.to_vec();
        whole.push(b'\n');
        return Ok(Said::To(to, Line { kind: simulated(kind), bytes: whole.into() }));
    }
    if envelope.dest == INIT {
        let Kind { kind } = serde_json::from_str(body).map_err(said)?;
        return match kind {
            "init_ok" => Ok(Said::Ready),
            _ => Err(format!("it refuses its init: {}", String::from_utf8_lossy(bytes))),
        };
    }
    if envelope.dest == ADMINISTRATOR {
        let answer: OrderAnswer<'_> = serde_json::from_str(body).map_err(said)?;
        let number = answer.in_reply_to;
        let obeyed = obeyed(answer)
            .ok_or_else(|| format!("no answer to an order: {}", String::from_utf8_lossy(bytes)))?;
        return Ok(Said::Obeyed(number, obeyed));
    }
    let answer: Answer<'_> = serde_json::from_str(body).map_err(said)?;
    let reads = match envelope.dest {
        READS => true,
        UPDATES => false,
        _ => return Err(format!("nobody is called so: {}", String::from_utf8_lossy(bytes))),
    };
    let reply = reply(reads, &answer).ok_or_else(|| {
        format!(
            "no answer to {}: {}",
            if reads { "a read" } else { "a write" },
            String::from_utf8_lossy(bytes)
        )
    })?;
    Ok(Said::Answer(answer.in_reply_to, reply))
}

fn reply(reads: bool, answer: &Answer<'_>) -> Option<Reply> {
    Some(match (answer.kind, answer.code) {
        ("lease_read_ok", _) if reads => Reply::Value {
            value: Some(answer.value?),
            lease: answer.lease_valid,
            round_trips: answer.network_round_trips,
        },
        ("write_ok" | "cas_ok", _) if !reads => Reply::Done,
        // How a missing key was read is not said.
        ("error", Some(20)) if reads => Reply::Value { value: None, lease: false, round_trips: 0 },
        ("error", Some(20 | 22)) => Reply::NotSwapped,
        ("error", Some(11 | 14)) => Reply::Refused,
        ("error", Some(0 | 13)) => Reply::Unknown,
        _ => return None,
    })
}

fn obeyed(answer: OrderAnswer<'_>) -> Option<Obeyed> {
    Some(match (answer.kind, answer.code) {
        ("transfer_ok", _) => Obeyed::Done(None),
        ("lease_read_config_ok", _) if answer.applied => Obeyed::Done(None),
        ("membership_ok", _) => {
            let OrderAnswer { index, voters, learners, .. } = answer;
            Obeyed::Done(Some(Members { index, voters, learners }))
        }
        // 12: it has not heard of the node that it is to name. 10 would be an order that it does not know.
        ("error", Some(code @ (0 | 11..=14 | 22))) => Obeyed::Error { code, text: answer.text },
        _ => return None,
    })
}

/// The simulator's word for a type of message.
fn simulated(kind: &str) -> &'static str {
    match kind {
        "append" => "append",
        "append_reply" => "append-reply",
        "vote" => "vote",
        "vote_reply" => "vote-reply",
        "timeout_now" => "timeout-now",
        "snapshot" => "snapshot",
        "snapshot_reply" => "snapshot-reply",
        "forward" => "forward",
        "forward_answer" => "answer",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use leasehold::lease::LeaseLengths;
    use leasehold::time::Span;

    use super::*;

    fn names() -> Vec<String> {
        ["n1", "n2"].map(str::to_owned).to_vec()
    }

    fn said(to: &str, body: &str) -> Result<Said, String> {
        parse(format!(r#"{{"src":"n1","dest":"{to}","body":{body}}}"#).as_bytes(), &names())
    }

    #[test]
    fn answers_mean_what_they_mean_in_the_simulator() {
        let read = Reply::Value { value: Some(7), lease: true, round_trips: 1 };
        let missing = Reply::Value { value: None, lease: false, round_trips: 0 };
        let ok = r#"{"type":"lease_read_ok","in_reply_to":5,"msg_id":1,"value":7,"lease_valid":true,"network_round_trips":1}"#;
        assert_eq!(said("c1", ok), Ok(Said::Answer(5, read)));
        for (to, code, reply) in [
            ("c1", 20, missing),
            ("c2", 20, Reply::NotSwapped),
            ("c2", 22, Reply::NotSwapped),
            ("c2", 11, Reply::Refused),
            ("c2", 14, Reply::Refused),
            ("c2", 0, Reply::Unknown),
            ("c1", 13, Reply::Unknown),
        ] {
            let body = format!(r#"{{"type":"error","in_reply_to":9,"msg_id":1,"code":{code},"text":"why"}}"#);
            assert_eq!(said(to, &body), Ok(Said::Answer(9, reply)), "code {code} to {to}");
        }
        for kind in ["write_ok", "cas_ok"] {
            let body = format!(r#"{{"type":"{kind}","in_reply_to":9,"msg_id":1}}"#);
            assert_eq!(said("c2", &body), Ok(Said::Answer(9, Reply::Done)));
        }
        assert_eq!(said("c0", r#"{"type":"init_ok","in_reply_to":1,"msg_id":0}"#), Ok(Said::Ready));
    }

    #[test]
    fn what_a_node_must_not_write_is_no_answer() {
        for (to, body) in [
            ("c1", r#"{"type":"write_ok","in_reply_to":9,"msg_id":1}"#),
            ("c2", r#"{"type":"error","in_reply_to":9,"msg_id":1,"code":12,"text":"malformed"}"#),
            ("c7", r#"{"type":"write_ok","in_reply_to":9,"msg_id":1}"#),
            (
                "c0",
                r#"{"type":"error","in_reply_to":1,"msg_id":0,"code":14,"text":"another node's directory"}"#,
            ),
        ] {
            assert!(said(to, body).is_err(), "{body} to {to}");
        }
        assert!(parse(b"panicked at", &names()).is_err());
    }

    #[test]
    fn a_message_goes_on_as_it_was_written_and_is_called_as_in_the_simulator() {
        let line = br#"{"src":"n1","dest":"n2","body":{"type":"append_reply","msg_id":5,"term":3}}"#;
        let Ok(Said::To(to, message)) = parse(line, &names()) else { panic!("no message") };
        assert_eq!((to, message.kind()), (1, "append-reply"));
        assert_eq!(message.bytes().strip_suffix(b"\n"), Some(&line[..]));
    }

    #[test]
    fn orders_are_what_the_protocol_has_and_their_answers_say_what_came_of_them() {
        let names = names();
        let of = |given| String::from_utf8(order("n2", 4, given, &names)).unwrap();
        assert!(
            of(Order::Asked(setup::Order::Transfer { to: 0 })).contains(r#""to":"n1","type":"transfer""#)
        );
        assert!(of(Order::Join { node: 1 }).contains(r#""add":"n2""#));
        let lengths = LeaseLengths {
            duration: Span::millis(40),
            election_timeout: Span::millis(60),
            max_clock_skew: Span::ZERO,
        };
        let apply = of(Order::Asked(setup::Order::Apply { lengths }));
        for part in
            [r#""apply":true"#, r#""lease_duration_ms":40"#, r#""max_clock_skew_ms":0"#, r#""src":"c3""#]
        {
            assert!(apply.contains(part), "{apply}");
        }
        let error = Obeyed::Error { code: 11, text: "not now".to_owned() };
        let members = Members { index: 13, voters: names.clone(), learners: Vec::new() };
        for (body, answer) in [
            (r#"{"type":"transfer_ok","in_reply_to":4,"leader":"n2","term":4}"#, Obeyed::Done(None)),
            (
                r#"{"type":"lease_read_config_ok","in_reply_to":4,"safe":true,"applied":true}"#,
                Obeyed::Done(None),
            ),
            (r#"{"type":"error","in_reply_to":4,"code":11,"text":"not now"}"#, error),
            (
                r#"{"type":"membership_ok","in_reply_to":4,"voters":["n1","n2"],"learners":[],"index":13}"#,
                Obeyed::Done(Some(members)),
            ),
        ] {
            assert_eq!(said("c3", body), Ok(Said::Obeyed(4, answer)), "{body}");
        }
        for body in [
            r#"{"type":"lease_read_config_ok","in_reply_to":4,"safe":true}"#,
            r#"{"type":"error","in_reply_to":4,"code":10,"text":"the type is not known"}"#,
        ] {
            assert!(said("c3", body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_node_that_joins_is_told_of_itself_and_of_the_founders() {
        let told = |node| String::from_utf8(init(node, &names())).unwrap();
        assert!(told("n2").contains(r#""node_ids":["n1","n2"]"#));
        assert!(told("n4").contains(r#""node_ids":["n4","n1","n2"]"#));
    }

    #[test]
    fn requests_are_what_the_protocol_has() {
        let of = |asked| String::from_utf8(request("n2", 4, asked)).unwrap();
        let cas = of(Request::Cas { key: 1, from: None, to: 9 });
        for part in [r#""dest":"n2""#, r#""from":0"#, r#""create_if_not_exists":true"#, r#""msg_id":4"#] {
            assert!(cas.contains(part), "{cas}");
        }
        assert!(of(Request::Read { key: 3 }).contains(r#""src":"c1""#));
    }
}
