//! A line that came in: its envelope, its type, and what it says.

mod cursor;
mod quick;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::{Field, flag_field, is_object, present, scalar_field, shown};
use super::peer::SealedLine;
use super::scalar::text_of;
use super::{
    ConfigQuestion, Directory, ErrorCode, Fault, MetricsFormat, MsgId, PeerContent, PeerError, admin, peer,
};
use crate::kv::{Cas, Command};
use crate::lease::LeaseSettings;
use crate::node::Operation;

/// A message from somebody who can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming<'a> {
    /// The name of the sender, whom an answer goes to.
    pub src: Cow<'a, str>,
    /// Whom it is for.
    pub dest: Cow<'a, str>,
    /// Its number, by which an answer names it. Without one there is no answer.
    pub msg_id: Option<MsgId>,
    /// The cluster that a fellow node's line is labelled with.
    pub cluster: Option<Cow<'a, str>>,
    /// The body, read by its type.
    pub content: Content,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// `init`: who this node is and who else there is.
    Init(Directory),
    /// `lease_read_config`: a question about three lengths, or their use.
    Config(ConfigQuestion),
    /// `status`: the node as it sees itself.
    Status,
    /// `metrics`: counts since the process started.
    Metrics(MetricsFormat),
    /// `transfer`, with the successor's name if there is one.
    Transfer(Option<String>),
    /// `read`, `lease_read`, `write` or `cas`.
    Operation(RequestKind, Operation),
    /// A fellow node's message.
    Peer(PeerContent),
    /// An answer to something that this node sent. It asks nothing that is answered so.
    Response,
    /// A request that is wrong: its sender gets an error.
    BadRequest(Fault),
    /// A fellow node's message that is wrong: it is dropped, since its sender waits for no answer.
    BadPeer {
        /// The message's type.
        kind: Box<str>,
        /// What is wrong with it.
        error: PeerError,
    },
}

/// Why a line is dropped: it is no message, or no answer could reach its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Its bytes are no text.
    #[error("the line is not UTF-8: {0}")]
    NotUtf8(std::str::Utf8Error),
    /// It is another JSON value, or no JSON. Its beginning is shown.
    #[error("the line is no JSON object: {found:?}")]
    NotAnObject {
        /// The beginning of the line.
        found: String,
    },
    /// It begins as an object does, and is none.
    #[error("the line is no JSON object: {0}")]
    Json(String),
    /// `src` is missing or no string.
    #[error("{0}")]
    Source(String),
    /// It has no `body`.
    #[error("a message of {src:?} has no `body`")]
    NoBody {
        /// The sender.
        src: String,
    },
    /// Its `body` is another JSON value.
    #[error("a message of {src:?} has a `body` that is no object: {found}")]
    BodyNotAnObject {
        /// The sender.
        src: String,
        /// The beginning of the body.
        found: String,
    },
    /// Its `body` cannot be read.
    #[error("a message of {src:?} has a `body` that cannot be read: {error}")]
    Body {
        /// The sender.
        src: String,
        /// The reason.
        error: String,
    },
    /// Its `msg_id` is no integer of 64 bits.
    #[error("a message of {src:?} has the `msg_id` {found}, which is no integer of 64 bits")]
    MsgId {
        /// The sender.
        src: String,
        /// The beginning of the value.
        found: String,
    },
}

/// What a client asked for, which decides what its answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// `read`: the answer is the value alone.
    Read,
    /// `lease_read`: the answer tells how it came about.
    LeaseRead,
    /// `write`: the answer says that it was done.
    Write,
    /// `cas`: the answer says that it was done.
    Cas,
    /// `lease_read_config` with `apply`, for these settings.
    Apply(LeaseSettings),
    /// `membership`: the answer is who the members are then.
    Membership,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    src: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    dest: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    body: Field<'a>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "present")]
    kind: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    msg_id: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    in_reply_to: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    cluster: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    sum: Field<'a>,
}

#[derive(Deserialize)]
struct OperationBody<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    key: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    from: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    to: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    create_if_not_exists: Field<'a>,
}

#[derive(Deserialize)]
struct InitBody<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    node_id: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    node_ids: Field<'a>,
}

impl<'a> Incoming<'a> {
    /// Reads a line, without its newline. Fails when no answer could reach its sender.
    pub fn parse(line: &'a [u8]) -> Result<Incoming<'a>, LineError> {
        let line = std::str::from_utf8(line).map_err(LineError::NotUtf8)?;
        quick::read(line).map_or_else(|| Incoming::parse_generally(line), Ok)
    }

    fn parse_generally(line: &'a str) -> Result<Incoming<'a>, LineError> {
        if !is_object(line) {
            return Err(LineError::NotAnObject { found: shown(line).into_owned() });
        }
        let envelope: Envelope<'_> =
            serde_json::from_str(line).map_err(|error| LineError::Json(error.to_string()))?;
        let src = text_field("src", envelope.src).map_err(|fault| LineError::Source(fault.text))?;
        let sender = || shown(&src).into_owned();
        let body = match envelope.body {
            None => return Err(LineError::NoBody { src: sender() }),
            Some(body) if is_object(body.get()) => body,
            Some(body) => {
                let found = shown(body.get()).into_owned();
                return Err(LineError::BodyNotAnObject { src: sender(), found });
            }
        };
        let head: Head<'_> = serde_json::from_str(body.get())
            .map_err(|error| LineError::Body { src: sender(), error: error.to_string() })?;
        let msg_id =
            match head.msg_id {
                None => None,
                Some(raw) => Some(MsgId::parse(raw.get()).ok_or_else(|| LineError::MsgId {
                    src: sender(),
                    found: shown(raw.get()).into_owned(),
                })?),
            };
        let (dest, mut content) = match text_field("dest", envelope.dest) {
            Ok(dest) => (dest, Content::parse(&head, body)),
            Err(fault) => (Cow::Borrowed(""), Content::BadRequest(fault)),
        };
        let cluster = head.cluster.and_then(text_of);
        if let Content::Peer(message) = &content {
            let sum = head.sum.and_then(text_of);
            let sealed = SealedLine {
                line,
                src: &src,
                dest: &dest,
                msg_id,
                cluster: cluster.as_deref(),
                sum: sum.as_deref(),
            };
            if let Err(error) = sealed.check(message) {
                let kind = head.kind.and_then(text_of).unwrap_or_default();
                content = Content::BadPeer { kind: (&*kind).into(), error };
            }
        }
        Ok(Incoming { src, dest, msg_id, cluster, content })
    }
}

impl Content {
    fn parse(head: &Head<'_>, body: &RawValue) -> Content {
        if head.in_reply_to.is_some() {
            return Content::Response;
        }
        let kind = match text_field("type", head.kind) {
            Ok(kind) => kind,
            Err(fault) => return Content::BadRequest(fault),
        };
        let request = match &*kind {
            "lease_read" => operation(RequestKind::LeaseRead, body),
            "read" => operation(RequestKind::Read, body),
            "write" => operation(RequestKind::Write, body),
            "cas" => operation(RequestKind::Cas, body),
            "lease_read_config" => ConfigQuestion::parse(body).map(Content::Config),
            "status" => Ok(Content::Status),
            "metrics" => admin::metrics(body).map(Content::Metrics),
            "transfer" => admin::transfer(body).map(Content::Transfer),
            "membership" => admin::membership(body)
                .map(|change| Content::Operation(RequestKind::Membership, Operation::Change(change))),
            "init" => init(body).map(Content::Init),
            kind => match peer::parse(kind, body.get()) {
                Some(Ok(message)) => Ok(Content::Peer(message)),
                Some(Err(error)) => Ok(Content::BadPeer { kind: kind.into(), error }),
                None => Err(Fault::new(
                    ErrorCode::NotSupported,
                    format!(
                        "the type {:?} is not known: this node knows init, read, write, cas, lease_read, \
                         lease_read_config, status, metrics, transfer and membership",
                        shown(kind)
                    ),
                )),
            },
        };
        request.unwrap_or_else(Content::BadRequest)
    }
}

/// What `read`, `lease_read`, `write` and `cas` ask for.
fn operation(kind: RequestKind, body: &RawValue) -> Result<Content, Fault> {
    let body: OperationBody<'_> =
        serde_json::from_str(body.get()).map_err(|error| Fault::malformed(error.to_string()))?;
    let key = scalar_field("key", body.key)?;
    let operation = match kind {
        RequestKind::Read | RequestKind::LeaseRead => Operation::Read { key },
        RequestKind::Write => {
            Operation::Update(Command::Write { key, value: scalar_field("value", body.value)? })
        }
        RequestKind::Cas => Operation::Update(Command::Cas(Box::new(Cas {
            key,
            from: scalar_field("from", body.from)?,
            to: scalar_field("to", body.to)?,
            create_if_not_exists: flag_field("create_if_not_exists", body.create_if_not_exists)?,
        }))),
        RequestKind::Apply(_) | RequestKind::Membership => unreachable!("read by themselves"),
    };
    Ok(Content::Operation(kind, operation))
}

fn init(body: &RawValue) -> Result<Directory, Fault> {
    let body: InitBody<'_> =
        serde_json::from_str(body.get()).map_err(|error| Fault::malformed(error.to_string()))?;
    let own = text_field("node_id", body.node_id)?;
    let Some(names) = body.node_ids else {
        return Err(Fault::malformed("`node_ids` is missing: it lists all nodes"));
    };
    let names = serde_json::from_str(names.get())
        .map_err(|_| Fault::malformed("`node_ids` is not an array of strings: it lists all nodes"))?;
    Directory::new(&own, names)
}

fn text_field<'a>(name: &str, field: Field<'a>) -> Result<Cow<'a, str>, Fault> {
    let Some(raw) = field else {
        return Err(Fault::malformed(format!("`{name}` is missing")));
    };
    text_of(raw).ok_or_else(|| {
        let found = shown(raw.get());
        Fault::malformed(format!("`{name}` is {found}, which is no string"))
    })
}
