//! Answers to reads, which are what there is most of, written piece by piece. Byte for byte they are what serde_json makes of
//! the same answer.

use super::super::MsgId;
use super::super::scalar::ScalarOut;
use crate::kv::Scalar;
use serde::Serialize;

/// Where an answer comes from, whom it goes to and which number it has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address<'a> {
    pub(super) src: &'a str,
    pub(super) dest: &'a str,
    pub(super) in_reply_to: MsgId,
    pub(super) msg_id: u64,
}

/// `read_ok`, without a newline.
pub(super) fn read_ok(line: &mut Vec<u8>, address: Address<'_>, value: &Scalar) {
    begin(line, address, br#","body":{"type":"read_ok","in_reply_to":"#);
    scalar(line, value);
    line.extend_from_slice(b"}}");
}

/// `lease_read_ok`, without a newline.
pub(super) fn lease_read_ok(
    line: &mut Vec<u8>,
    address: Address<'_>,
    value: &Scalar,
    lease_valid: bool,
    network_round_trips: u32,
) {
    begin(line, address, br#","body":{"type":"lease_read_ok","in_reply_to":"#);
    scalar(line, value);
    let valid: &[u8] = if lease_valid {
        br#","lease_valid":true,"network_round_trips":"#
    } else {
        br#","lease_valid":false,"network_round_trips":"#
    };
    line.extend_from_slice(valid);
    integer(line, network_round_trips);
    line.extend_from_slice(b"}}");
}

/// Everything up to the value. `kind` is what stands between the names and the numbers.
fn begin(line: &mut Vec<u8>, address: Address<'_>, kind: &[u8]) {
    line.extend_from_slice(br#"{"src":"#);
    text(line, address.src);
    line.extend_from_slice(br#","dest":"#);
    text(line, address.dest);
    line.extend_from_slice(kind);
    // Most are no larger and not negative, which takes less arithmetic.
    match u64::try_from(address.in_reply_to.number()) {
        Ok(number) => integer(line, number),
        Err(_) => integer(line, address.in_reply_to.number()),
    }
    line.extend_from_slice(br#","msg_id":"#);
    integer(line, address.msg_id);
    line.extend_from_slice(br#","value":"#);
}

fn scalar(line: &mut Vec<u8>, value: &Scalar) {
    match value {
        Scalar::Text(content) => text(line, content),
        Scalar::Integer(number) => integer(line, *number),
        other => serialize(line, &ScalarOut(other)),
    }
}

fn integer(line: &mut Vec<u8>, number: impl itoa::Integer) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn text(line: &mut Vec<u8>, text: &str) {
    let escaped = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if text.bytes().any(escaped) {
        serialize(line, text);
    } else {
        line.push(b'"');
        line.extend_from_slice(text.as_bytes());
        line.push(b'"');
    }
}

fn serialize(line: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(line, value)
        .expect("memory takes every byte, and a number came off the wire as JSON");
}

#[cfg(test)]
mod tests {
    use super::super::{Envelope, Reply};
    use super::*;

    fn general(address: Address<'_>, reply: &Reply) -> String {
        let Address { src, dest, in_reply_to, msg_id } = address;
        serde_json::to_string(&Envelope { src, dest, body: reply.body(in_reply_to, msg_id) }).unwrap()
    }

    #[test]
    fn every_answer_to_a_read_is_what_serde_json_makes_of_it() {
        let texts = [
            "",
            "n1",
            "ü\u{7f}\u{2028}",
            "\"",
            "a\\b",
            "\u{0}",
            "\u{1f} ",
            "a longer text than is kept in place",
        ];
        let mut values: Vec<Scalar> = texts.iter().map(|text| Scalar::Text((*text).into())).collect();
        values.extend([Scalar::Null, Scalar::Bool(true), Scalar::Bool(false), Scalar::Integer(0)]);
        values.extend([i64::MIN, i64::MAX, -1].map(Scalar::Integer));
        values
            .extend(["-0", "1.50", "1E+400", "18446744073709551616"].map(|text| Scalar::Number(text.into())));
        let numbers = ["0", "7", "-1", "18446744073709551615", "-9223372036854775808"];
        let numbers = numbers.map(|json| MsgId::parse(json).unwrap());
        let mut line = Vec::new();
        let mut same = |written: &dyn Fn(&mut Vec<u8>), general: String| {
            line.clear();
            written(&mut line);
            assert_eq!(std::str::from_utf8(&line), Ok(&*general));
        };
        for (place, value) in values.iter().enumerate() {
            for (src, dest) in texts.iter().zip(texts.iter().cycle().skip(place)) {
                for (msg_id, in_reply_to) in [0, 9, u64::MAX, 1_000_000, 42].into_iter().zip(numbers) {
                    let address = Address { src, dest, in_reply_to, msg_id };
                    let reply = Reply::ReadOk { value: value.clone() };
                    same(&|line| read_ok(line, address, value), general(address, &reply));
                    for (lease_valid, network_round_trips) in [(true, 0), (false, 1), (false, u32::MAX)] {
                        let reply =
                            Reply::LeaseReadOk { value: value.clone(), lease_valid, network_round_trips };
                        let written = |line: &mut Vec<u8>| {
                            lease_read_ok(line, address, value, lease_valid, network_round_trips);
                        };
                        same(&written, general(address, &reply));
                    }
                }
            }
        }
    }
}
