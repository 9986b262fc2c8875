//! Where the node's state comes from: memory, a directory, or a directory that is known once `init` has named the node.

use std::path::{Path, PathBuf};

use leasehold::storage::durable::{DataDir, DataDirError, DurableStorage};
use tracing::{info, warn};

/// What stands for the node's name in `--data-dir`.
pub(super) const NODE: &str = "{node}";

/// See the [module](self).
#[derive(Debug)]
pub(super) enum Source {
    /// Nothing is kept.
    Memory,
    /// A directory in use.
    Open(Box<DurableStorage<DataDir>>),
    /// The directory's path, with a place for the node's name.
    PerNode(PathBuf),
}

/// Why there is no directory for a node.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// It could not be used.
    #[error("--data-dir {path}: {error}")]
    Dir {
        /// The directory.
        path: String,
        /// The reason.
        error: DataDirError,
    },
    /// A name that is more than a name, or less, in a path.
    #[error(
        "--data-dir has {NODE}, and the node's name {name:?} makes no part of a path: use letters, digits, - and _"
    )]
    Name {
        /// The name.
        name: String,
    },
}

impl Source {
    /// As the command line has it. A directory without a place for the name is opened at once.
    pub(super) fn from(path: Option<&Path>, in_memory: bool) -> Result<Source, SourceError> {
        match path {
            None => {
                if !in_memory {
                    warn!(
                        "keeps nothing: term, vote and log are in memory and end with this process, which must not come back \
                         under its old name; name a directory with --data-dir, or say --in-memory"
                    );
                }
                Ok(Source::Memory)
            }
            Some(path) if path.to_string_lossy().contains(NODE) => Ok(Source::PerNode(path.to_owned())),
            Some(path) => Ok(Source::Open(Box::new(open(path)?))),
        }
    }

    /// The storage of the node of that name; `None` if it keeps its state in memory.
    pub(super) fn storage_of(self, name: &str) -> Result<Option<DurableStorage<DataDir>>, SourceError> {
        match self {
            Source::Memory => Ok(None),
            Source::Open(storage) => Ok(Some(*storage)),
            Source::PerNode(path) => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                if !name.bytes().all(plain) || name.starts_with('.') {
                    return Err(SourceError::Name { name: name.to_owned() });
                }
                open(Path::new(&path.to_string_lossy().replace(NODE, name))).map(Some)
            }
        }
    }
}

fn open(path: &Path) -> Result<DurableStorage<DataDir>, SourceError> {
    let storage = DurableStorage::open_dir(path)
        .map_err(|error| SourceError::Dir { path: path.display().to_string(), error })?;
    if storage.backend().is_new() {
        info!("created {}: this node has no past", storage.backend().database_path().display());
    }
    Ok(storage)
}
