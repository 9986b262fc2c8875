//! What must hold of the reader of the wire: no bytes make it panic, what it reads comes back as it was when it is written
//! again, and whatever a client may ask for fits into the lines in which nodes pass it on.

use leasehold::maelstrom::{
    CLUSTER_BYTES_MAX, Content, FORWARD_SLACK_BYTES, Incoming, MsgId, NAME_BYTES_MAX, Outbox, PeerContent,
    PeerContentRef, Reply, message_line_bytes_max,
};
use leasehold::node::{Forward, Message, Operation};
use leasehold::raft::{self, Append, Entry, Index, Payload, Term};
use leasehold::time::{Nanos, Span};
use xxhash_rust::xxh3::xxh3_64;

/// A log line, or an error's text, is no longer than that, whatever it is about.
const TEXT_BYTES_MAX: usize = 1_000;

/// As long as it may be.
const CLUSTER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const _: () = assert!(CLUSTER.len() == CLUSTER_BYTES_MAX);

fn written<'a>(src: &str, dest: &str, content: impl Into<PeerContentRef<'a>>) -> Vec<u8> {
    let mut outbox = Outbox::default();
    outbox.send(src, dest, content, Some(CLUSTER));
    let (last, line) = outbox.lines().split_last().unwrap();
    assert_eq!(*last, b'\n');
    assert!(!line.contains(&b'\n'), "one message a line");
    line.to_vec()
}

/// The messages that carry a client's operation between nodes, at their longest.
fn carriers(operation: &Operation) -> Vec<(Message, usize)> {
    let most = i64::MAX.unsigned_abs();
    let forward = Forward {
        incarnation: u64::MAX,
        sequence: most,
        floor: most,
        term: Term(most),
        operation: operation.clone(),
    };
    let mut carriers = vec![(Message::Forward(forward.into()), FORWARD_SLACK_BYTES)];
    if let Operation::Update(command) = operation {
        let entry = Entry { term: Term(most), payload: Payload::Command(command.clone()) };
        let append = Append {
            term: Term(most),
            round: most,
            promise: Span::secs(365 * 24 * 3_600),
            stamp: Some(Nanos(u64::MAX)),
            previous_index: Index(most),
            previous_term: Term(most),
            commit: Index(most),
            entries: Some([entry].into()),
        };
        carriers.push((Message::Raft(raft::Message::Append(append)), 2 * FORWARD_SLACK_BYTES));
    }
    carriers
}

/// Checks each line of an input.
pub(crate) fn check(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        check_line(line);
        // Few inputs have the checksum that lets a fellow node's line in, so each is looked at with one as well.
        if let Some(written) = line.trim_ascii().strip_suffix(b"}}") {
            let sum = format!(r#","sum":"{:016x}"}}}}"#, xxh3_64(written));
            check_line(&[written, sum.as_bytes()].concat());
        }
    }
}

fn check_line(line: &[u8]) {
    // A line that begins with a tab is read in the general way, and means the same.
    let tabbed = [b"\t", line].concat();
    let generally = Incoming::parse(&tabbed);
    let incoming = match Incoming::parse(line) {
        Ok(incoming) => {
            assert_eq!(generally.as_ref(), Ok(&incoming));
            incoming
        }
        Err(_) if generally.is_ok() => panic!("what is wrong can be read when a tab comes before it"),
        Err(error) => {
            let text = error.to_string();
            return assert!(text.len() <= TEXT_BYTES_MAX, "{text}");
        }
    };
    match incoming.content {
        Content::Peer(message) => {
            let line = written(&incoming.src, &incoming.dest, &message);
            let again = Incoming::parse(&line).unwrap();
            assert_eq!((&again.src, &again.dest), (&incoming.src, &incoming.dest));
            assert_eq!(again.cluster.as_deref(), Some(CLUSTER));
            assert_eq!(again.content, Content::Peer(message));
        }
        Content::Operation(_, operation) => {
            let name = "\u{1}".repeat(NAME_BYTES_MAX);
            for (message, slack) in carriers(&operation) {
                let carried = written(&name, &name, &message);
                assert!(carried.len() <= line.len() + slack, "{} bytes became {}", line.len(), carried.len());
                assert!(carried.len() <= message_line_bytes_max(&message, line.len()));
                assert_eq!(
                    Incoming::parse(&carried).unwrap().content,
                    Content::Peer(PeerContent::Message(message))
                );
            }
        }
        Content::Init(directory) => {
            for name in directory.names().iter() {
                assert_eq!(directory.name(directory.id(name).unwrap()), &**name);
            }
            assert!(directory.configuration().contains(directory.own()));
        }
        Content::Config(question) => {
            let judgement = question.settings(leasehold::lease::LeaseForm::Elapsed).judge();
            let mut outbox = Outbox::default();
            outbox.reply("n1", "c1", MsgId::from(1), &Reply::ConfigOk(judgement, None));
        }
        Content::Transfer(to) => assert!(to.is_none_or(|to| to.len() <= line.len())),
        Content::Status | Content::Metrics(_) => {}
        Content::BadRequest(fault) => {
            assert!(fault.text.len() <= TEXT_BYTES_MAX, "{} bytes: {:.80}", fault.text.len(), fault.text);
            let mut outbox = Outbox::default();
            outbox.reply(&incoming.dest, &incoming.src, MsgId::from(1), &Reply::Error(fault));
            let _: serde_json::Value = serde_json::from_slice(outbox.lines()).unwrap();
        }
        Content::BadPeer { error, .. } => {
            let text = error.to_string();
            assert!(text.len() <= TEXT_BYTES_MAX, "{} bytes: {text:.80}", text.len());
        }
        Content::Response => {}
    }
}
