//! Lines on their way out, one behind the other, until the host flushes them in one go.

mod quick;

use serde::Serialize;

use self::quick::Address;
use super::admin::ReportBody;
use super::{MsgId, Reply, peer};
use crate::node::Message;

/// What is to be written to standard output. Counts `msg_id` up from 0 over all that this node sends.
#[derive(Debug, Default)]
pub struct Outbox {
    lines: Vec<u8>,
    next_msg_id: u64,
}

#[derive(Serialize)]
struct Envelope<'a, B> {
    src: &'a str,
    dest: &'a str,
    body: B,
}

impl Outbox {
    /// Answers `dest`'s message of that number.
    pub fn reply(&mut self, src: &str, dest: &str, in_reply_to: MsgId, reply: &Reply) {
        let msg_id = self.next_msg_id;
        let address = Address { src, dest, in_reply_to, msg_id };
        match reply {
            Reply::ReadOk { value } => {
                quick::read_ok(&mut self.lines, address, value);
                self.end_line();
            }
            Reply::LeaseReadOk { value, lease_valid, network_round_trips } => {
                quick::lease_read_ok(&mut self.lines, address, value, *lease_valid, *network_round_trips);
                self.end_line();
            }
            Reply::Status(report) => {
                let body = ReportBody { kind: "status_ok", in_reply_to, msg_id, report };
                self.push(&Envelope { src, dest, body });
            }
            Reply::Metrics(report) => {
                let body = ReportBody { kind: "metrics_ok", in_reply_to, msg_id, report };
                self.push(&Envelope { src, dest, body });
            }
            reply => self.push(&Envelope { src, dest, body: reply.body(in_reply_to, msg_id) }),
        }
    }

    /// Sends a message to a fellow node.
    pub fn send(&mut self, src: &str, dest: &str, message: &Message) {
        let body = peer::body(message, self.next_msg_id);
        self.push(&Envelope { src, dest, body });
    }

    /// All lines, each with its newline.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// The lines were written.
    pub fn clear(&mut self) {
        self.lines.clear();
    }

    fn push<B: Serialize>(&mut self, envelope: &Envelope<'_, B>) {
        serde_json::to_writer(&mut self.lines, envelope)
            .expect("memory takes every byte, and a number came off the wire as JSON");
        self.end_line();
    }

    fn end_line(&mut self) {
        self.lines.push(b'\n');
        self.next_msg_id += 1;
    }
}
