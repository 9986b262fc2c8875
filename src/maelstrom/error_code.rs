//! Maelstrom's error codes, as its documentation defines them, and what goes with one.

use std::fmt;

/// An error code. *Definite* ones say that the operation did not happen and never will; the others leave it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// 0, indefinite: no answer in time.
    Timeout,
    /// 10, definite: this node does not do that.
    NotSupported,
    /// 11, definite: not now; a later try may succeed.
    TemporarilyUnavailable,
    /// 12, definite: the request is not as it should be.
    MalformedRequest,
    /// 13, indefinite: something broke inside.
    Crash,
    /// 14, definite: given up because of a conflict with something else.
    Abort,
    /// 20, definite: there is no such key.
    KeyDoesNotExist,
    /// 21, definite: the key exists already.
    KeyAlreadyExists,
    /// 22, definite: a condition of the request does not hold.
    PreconditionFailed,
}

impl ErrorCode {
    /// As it stands in an error's body.
    pub const fn number(self) -> u16 {
        match self {
            ErrorCode::Timeout => 0,
            ErrorCode::NotSupported => 10,
            ErrorCode::TemporarilyUnavailable => 11,
            ErrorCode::MalformedRequest => 12,
            ErrorCode::Crash => 13,
            ErrorCode::Abort => 14,
            ErrorCode::KeyDoesNotExist => 20,
            ErrorCode::KeyAlreadyExists => 21,
            ErrorCode::PreconditionFailed => 22,
        }
    }
}

/// Why a message gets an error for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Decides what the sender may conclude.
    pub code: ErrorCode,
    /// What is wrong and what would be right, for people.
    pub text: String,
}

impl Fault {
    /// A fault of any kind.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Fault {
        Fault { code, text: text.into() }
    }

    /// The request is not as it should be.
    pub fn malformed(text: impl Into<String>) -> Fault {
        Fault::new(ErrorCode::MalformedRequest, text)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error {}: {}", self.code.number(), self.text)
    }
}
