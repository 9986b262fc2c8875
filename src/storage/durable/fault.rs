//! What can be wrong with stored state, and what to do about it: one enum for each operation that can fail.
//!
//! Each text says what is wrong and what to do. It does not say where: the caller knows the place and puts it in front.

/// Why a commit, a sync or a read of what is stored failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageFault {
    /// The bytes are not those that were written.
    #[error("damaged: {what}; {LEAVE_DOWN}")]
    Damaged {
        /// What is wrong, and where in the file.
        what: String,
    },
    /// There is no room for the next commit. What was written and not synced is kept, and the next sync tries again.
    #[error("the disk is full: make room")]
    Full,
    /// Reading, writing or syncing failed. What was written and not synced may or may not be there after a restart.
    #[error("failed while {during}: {error}; check the disk, then start the node again")]
    Io {
        /// The step that failed, as in "while syncing".
        during: &'static str,
        /// The operating system's text.
        error: String,
    },
}

/// Why a database was not opened or created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The file does not begin as a database of this program does.
    #[error(
        "this is no leasehold database, or its first bytes are damaged; give the node a directory of its own"
    )]
    Foreign,
    /// A later version of this program wrote it.
    #[error(
        "its format is {found} and this program knows formats up to {known}: start the version that wrote it, or a later one"
    )]
    NewerFormat {
        /// The number in the head of the file.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// The disk, or the bytes on it.
    #[error(transparent)]
    Fault(#[from] StorageFault),
}

/// Why a node may not use a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// It belongs to another node, or to a node of another cluster.
    #[error(
        "it belongs to {stored}, and init says {given}: start each node with the directory it was first started with"
    )]
    OtherNode {
        /// The owner: a node and the nodes that it was told of.
        stored: String,
        /// The node that asks for it, and the nodes that it was told of.
        given: String,
    },
    /// The operator names another cluster than the one that it belongs to.
    #[error(
        "it belongs to the cluster {stored:?}, and --cluster says {given:?}: give each node its own directory"
    )]
    OtherCluster {
        /// The cluster's id, as it is stored.
        stored: String,
        /// The id that was given.
        given: String,
    },
    /// The disk, or the bytes on it.
    #[error(transparent)]
    Fault(#[from] StorageFault),
}

/// What to do about a database that is not as it was written.
const LEAVE_DOWN: &str = "nothing was repaired; put back the very bytes it had, or leave this node down, the others go on \
                          without it: on an older copy or an empty directory it would forget what it has promised";

impl StorageFault {
    pub(super) fn damaged(what: impl Into<String>) -> StorageFault {
        StorageFault::Damaged { what: what.into() }
    }
}
