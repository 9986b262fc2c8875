//! What can be wrong with a directory, and what to do about it.

use std::fmt;

/// Why storage cannot be used. Its text says what is wrong and what to do, and not where: whoever knows the place puts it
/// in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageFault {
    /// The file is none of ours.
    Foreign,
    /// A later version of this program wrote it.
    NewerFormat {
        /// The format found.
        found: u32,
        /// The newest one that this program knows.
        known: u32,
    },
    /// It is not as it was written.
    Damaged {
        /// What is wrong, and where in the file.
        what: String,
    },
    /// It is that of another node, or of another cluster.
    OtherNode {
        /// Whose it is.
        stored: String,
        /// Who asks for it.
        given: String,
    },
    /// There is no room for the next commit. What was written and not synced is kept, and the next sync tries again.
    Full,
    /// Reading, writing or syncing failed. What was written and not synced may or may not be there after a restart.
    Io {
        /// What was being done, as in "while syncing".
        during: &'static str,
        /// What the operating system said.
        error: String,
    },
}

/// What to do about a database that is not as it was written.
const LEAVE_DOWN: &str = "nothing was repaired; put back the very bytes it had, or leave this node down, the others go on \
                          without it: on an older copy or an empty directory it would forget what it has promised";

impl fmt::Display for StorageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageFault::Foreign => f.write_str(
                "this is no leasehold database, or its first bytes are damaged; give the node a directory of its own",
            ),
            StorageFault::NewerFormat { found, known } => write!(
                f,
                "its format is {found} and this program knows formats up to {known}: start the version that wrote it, or \
                 a later one"
            ),
            StorageFault::Damaged { what } => write!(f, "damaged: {what}; {LEAVE_DOWN}"),
            StorageFault::OtherNode { stored, given } => write!(
                f,
                "it belongs to {stored}, and init says {given}: start each node with the directory it was first started \
                 with"
            ),
            StorageFault::Full => f.write_str("the disk is full: make room"),
            StorageFault::Io { during, error } => {
                write!(f, "failed while {during}: {error}; check the disk, then start the node again")
            }
        }
    }
}

impl std::error::Error for StorageFault {}

impl StorageFault {
    pub(super) fn damaged(what: impl Into<String>) -> StorageFault {
        StorageFault::Damaged { what: what.into() }
    }
}
