//! Why a part cannot be written or read.

use std::io;
use std::path::{Path, PathBuf};

/// Why a part cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The operating system refused. To run the same command again may help, here or elsewhere.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried, as in "write".
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is half-written, cut off or changed. To run its shard again writes it anew.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The part.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Two parts answer different questions, or were made by different builds.
    #[error("{} and {} do not belong together: {why}", first.display(), second.display())]
    Mixed {
        /// A part.
        first: PathBuf,
        /// Another.
        second: PathBuf,
        /// In what they differ.
        why: String,
    },
}

impl PartError {
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> PartError {
        PartError::Io { what, path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, why: impl Into<String>) -> PartError {
        PartError::Damaged { path: path.to_owned(), why: why.into() }
    }
}
