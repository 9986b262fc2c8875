//! Lines on their way out, one behind the other, until the host flushes them in one go.

mod quick;

use serde::Serialize;

use self::quick::Address;
use super::admin::ReportBody;
use super::peer::PeerContentRef;
use super::{MsgId, Reply, peer};

/// What is to be written to standard output. Counts `msg_id` up from 0 over all that this node sends.
#[derive(Debug, Default)]
pub struct Outbox {
    lines: Vec<u8>,
    next_msg_id: u64,
}

#[derive(Serialize)]
pub(super) struct Envelope<'a, B> {
    pub(super) src: &'a str,
    pub(super) dest: &'a str,
    pub(super) body: B,
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

    /// Sends something to a fellow node, labelled with the cluster's id.
    pub fn send<'a>(
        &mut self,
        src: &str,
        dest: &str,
        content: impl Into<PeerContentRef<'a>>,
        cluster: Option<&'a str>,
    ) {
        let start = self.lines.len();
        let body = peer::body(content.into(), self.next_msg_id, cluster);
        self.write(&Envelope { src, dest, body });
        peer::seal(&mut self.lines, start);
        self.end_line();
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
        self.write(envelope);
        self.end_line();
    }

    fn write<B: Serialize>(&mut self, envelope: &Envelope<'_, B>) {
        serde_json::to_writer(&mut self.lines, envelope)
            .expect("memory takes every byte, and a number came off the wire as JSON");
    }

    fn end_line(&mut self) {
        self.lines.push(b'\n');
        self.next_msg_id += 1;
    }
}
