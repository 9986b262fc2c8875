//! Members and changes of them: `{"voters":["n1"],"learners":["n4"]}`, and `{"add":"n4"}`, `{"promote":"n4"}` or
//! `{"remove":"n1"}`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{NameError, PeerError};
use crate::maelstrom::NAME_BYTES_MAX;
use crate::raft::{Configuration, MemberAction, Members, MembershipChange, Name};

/// Members on their way out.
#[derive(Serialize)]
pub(in crate::maelstrom) struct MembersOut<'a> {
    pub(in crate::maelstrom) voters: Vec<&'a str>,
    pub(in crate::maelstrom) learners: Vec<&'a str>,
}

impl<'a> From<&'a Members> for MembersOut<'a> {
    fn from(members: &'a Members) -> MembersOut<'a> {
        let all = |names: &'a [Name]| names.iter().map(|name| &**name).collect();
        MembersOut { voters: all(&members.voters), learners: all(&members.learners) }
    }
}

/// Members that came in.
#[derive(Deserialize)]
pub(super) struct MembersIn {
    voters: Vec<String>,
    #[serde(default)]
    learners: Vec<String>,
}

impl MembersIn {
    pub(super) fn members(self) -> Result<Members, PeerError> {
        let count = self.voters.len() + self.learners.len();
        if self.voters.is_empty() || count > usize::from(Configuration::NODES_MAX) {
            return Err(PeerError::Configuration { voters: self.voters.len(), members: count });
        }
        let mut seen = BTreeSet::new();
        for name in self.voters.iter().chain(&self.learners) {
            check_name(name)?;
            if !seen.insert(name) {
                return Err(PeerError::NamedTwice(name.clone()));
            }
        }
        let all = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
        Ok(Members { voters: all(&self.voters), learners: all(&self.learners) })
    }
}

/// A change on its way out.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeOut<'a> {
    Add(&'a str),
    Promote(&'a str),
    Remove(&'a str),
}

impl<'a> From<&'a MembershipChange> for ChangeOut<'a> {
    fn from(change: &'a MembershipChange) -> ChangeOut<'a> {
        match change.action {
            MemberAction::Add => ChangeOut::Add(&change.node),
            MemberAction::Promote => ChangeOut::Promote(&change.node),
            MemberAction::Remove => ChangeOut::Remove(&change.node),
        }
    }
}

/// A change that came in.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChangeIn {
    Add(String),
    Promote(String),
    Remove(String),
}

impl ChangeIn {
    pub(super) fn change(self) -> Result<MembershipChange, PeerError> {
        let (action, name) = match self {
            ChangeIn::Add(name) => (MemberAction::Add, name),
            ChangeIn::Promote(name) => (MemberAction::Promote, name),
            ChangeIn::Remove(name) => (MemberAction::Remove, name),
        };
        Ok(change(action, &name)?)
    }
}

/// A change of the node of that name. Fails if no node can have it.
pub(in crate::maelstrom) fn change(action: MemberAction, name: &str) -> Result<MembershipChange, NameError> {
    check_name(name)?;
    Ok(MembershipChange { action, node: name.into() })
}

/// The longest id that a cluster may have, in bytes.
pub const CLUSTER_BYTES_MAX: usize = 64;

/// A cluster's id: 1 to 64 letters, digits, hyphens, underscores and dots of ASCII. Fails for any other text.
pub fn cluster_id(id: &str) -> Result<Name, PeerError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if (1..=CLUSTER_BYTES_MAX).contains(&id.len()) && id.bytes().all(plain) {
        Ok(id.into())
    } else {
        Err(PeerError::ClusterId)
    }
}

/// A node's name. Fails if no node can have it.
pub(super) fn checked_name(name: &str) -> Result<Name, NameError> {
    check_name(name)?;
    Ok(name.into())
}

fn check_name(name: &str) -> Result<(), NameError> {
    match name.len() {
        0 => Err(NameError::Empty),
        bytes if bytes > NAME_BYTES_MAX => Err(NameError::TooLong { bytes }),
        _ => Ok(()),
    }
}
