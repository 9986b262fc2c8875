//! What can be wrong with a fellow node's message.

use super::members::CLUSTER_BYTES_MAX;
use crate::maelstrom::NAME_BYTES_MAX;

/// Why a fellow node's message is dropped. A correct node sends none of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// A field has the wrong type, is missing, or is out of range.
    #[error("{0}")]
    Fields(String),
    /// A field is missing that this kind of message needs.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// An entry or a request has more than one content.
    #[error("of `write`, `cas` and `lease` more than one at once")]
    TwoCommands,
    /// An entry has members or the cluster's id, and another content.
    #[error("a `configuration` or a `cluster`, and something else at once")]
    ConfigurationAndMore,
    /// A forwarded request has no content, or more than one.
    #[error("one of `read`, `write`, `cas`, `lease` and `change` says what is asked for")]
    NoOperation,
    /// A snapshot has members without their index, or an index without members.
    #[error("one of `configuration` and `configuration_index` without the other")]
    HalfConfiguration,
    /// A configuration has no voters, or more members than a cluster may have.
    #[error("a configuration of {voters} voters and {members} members")]
    Configuration {
        /// Voters.
        voters: usize,
        /// Voters and learners.
        members: usize,
    },
    /// A configuration names a node twice.
    #[error("a configuration with {0:?} twice")]
    NamedTwice(String),
    /// No cluster can have this id.
    #[error("a cluster's id is 1 to {CLUSTER_BYTES_MAX} letters, digits, hyphens, underscores and dots")]
    ClusterId,
    /// It has no checksum.
    #[error("it has no checksum: all nodes of a cluster run the same version")]
    NoChecksum,
    /// It is not as its sender wrote it.
    #[error("it was damaged on its way: its checksum does not fit")]
    Checksum,
    /// No node can have this name.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Why no node can have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has no characters.
    #[error("an empty name")]
    Empty,
    /// It is longer than [`NAME_BYTES_MAX`].
    #[error("a name of {bytes} bytes: a name has {NAME_BYTES_MAX} at most")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
}
