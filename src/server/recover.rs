//! `--recover-from`: a new cluster of one node from the directory of the only survivor of an old one.
//!
//! The new node has everything that the survivor had: what was committed, and what came behind that in its log. It is alone
//! in its configuration, and knows no cluster's id, so its first leader draws a new one: lines of the old cluster do nothing.
//! What other members had and the survivor had not is gone, and nothing in the directory tells what that was.
//!
//! The survivor's directory is read and stays as it is.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::source::NODE;
use leasehold::kv::Scalar;
use leasehold::lease::LeaseSettings;
use leasehold::raft::{
    Configured, HardState, Index, Members, Name, Position, Recovered, SnapshotWrite, Write,
};
use leasehold::storage::Storage;
use leasehold::storage::durable::{
    DataDir, DataDirError, DurableStorage, JoinError, Membership, StorageFault,
};

/// So many keys go into one write.
const PAIRS_MAX: usize = 1_024;

/// Why nothing was recovered. Nothing was changed in the survivor's directory.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecoverError {
    /// Opening it would create a database there.
    #[error("--recover-from {0}: it holds no leasehold.db; name the directory of a node that has run")]
    NoDatabase(String),
    /// It could not be opened.
    #[error("--recover-from {0}: {1}")]
    From(String, DataDirError),
    /// It could not be read.
    #[error("--recover-from {0}: {1}")]
    Read(String, StorageFault),
    /// No node was ever started on it, or none that got an entry.
    #[error("--recover-from {0}: no entry was ever stored in it, so there is nothing to recover")]
    Empty(String),
    /// The new directory could not be opened or created.
    #[error("--data-dir {0}: {1}")]
    To(String, DataDirError),
    /// It is a node's already.
    #[error("--data-dir {0}: it holds a database already; name a directory that does not exist yet")]
    Used(String),
    /// It could not be written.
    #[error("--data-dir {0}: {1}; remove this directory before you try again")]
    Write(String, StorageFault),
    /// The same.
    #[error("--data-dir {0}: {1}; remove this directory before you try again")]
    Join(String, JoinError),
}

impl RecoverError {
    /// A directory that should not have been named: the command line is wrong, and no disk.
    pub(super) fn is_usage(&self) -> bool {
        match self {
            RecoverError::NoDatabase(_) | RecoverError::Empty(_) | RecoverError::Used(_) => true,
            RecoverError::From(..)
            | RecoverError::Read(..)
            | RecoverError::To(..)
            | RecoverError::Write(..)
            | RecoverError::Join(..) => false,
        }
    }
}

/// Founds a cluster of one node in `to` from what `from` holds. The lengths are those that the node starts with, unless the old
/// cluster had agreed on others. Gives what was done and what may be lost, in words.
pub(super) fn recover(from: &Path, to: &Path, lease: LeaseSettings) -> Result<String, RecoverError> {
    let source = from.display().to_string();
    if !from.join("leasehold.db").is_file() {
        return Err(RecoverError::NoDatabase(source));
    }
    let mut old =
        DurableStorage::open_dir(from).map_err(|error| RecoverError::From(source.clone(), error))?;
    let Recovered { hard_state, mut state, log, commit } =
        old.recover().map_err(|fault| RecoverError::Read(source.clone(), fault))?;
    let membership = old.membership().filter(|_| log.last_index() > Index::ZERO);
    let Some(Membership { own, names, .. }) = membership.cloned() else {
        return Err(RecoverError::Empty(source));
    };
    let base = log.base().index;
    for at in base.0 + 1..=log.last_index().0 {
        let entry = log.entry(Index(at)).expect("a log has no gaps behind its base");
        state.apply(Index(at), &entry.payload);
    }
    let last = Position { index: log.last_index(), term: log.last_term() };
    // The commit index is stored with what there is to store anyway, so it may be behind.
    let committed = commit.max(base);

    let target = to.to_string_lossy().replace(NODE, &own);
    let mut new = DurableStorage::open_dir(Path::new(&target))
        .map_err(|error| RecoverError::To(target.clone(), error))?;
    if !new.backend().is_new() {
        return Err(RecoverError::Used(target));
    }
    let keys = state.values.len();
    let members = Members { voters: vec![Name::from(own.as_str())], learners: Vec::new() };
    let pairs: Vec<(Scalar, Scalar)> =
        state.values.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    let parts = pairs.chunks(PAIRS_MAX).enumerate().map(|(place, pairs)| SnapshotWrite::Part {
        offset: (place * PAIRS_MAX) as u64,
        pairs: pairs.into(),
    });
    // Without a key there is no part, and what is set aside must be there.
    let first = pairs.is_empty().then(|| SnapshotWrite::Part { offset: 0, pairs: Arc::from([]) });
    let install = SnapshotWrite::Install {
        at: last,
        pairs: keys,
        agreed: state.agreed,
        configured: Some(Arc::new(Configured { index: last.index, members })),
        cluster: None,
    };
    new.write(Write {
        ticket: 1,
        hard_state: Some(HardState { term: hard_state.term.max(last.term), ..HardState::default() }),
        snapshot: first.into_iter().chain(parts).chain([install]).collect(),
        ..Write::default()
    });
    finish(new, &own, lease, &target)?;
    Ok(told(&source, &target, &own, &names, committed, last, keys))
}

/// Syncs the new database and makes it that node's, alone: `init` can name no other founders.
fn finish(
    mut new: DurableStorage<DataDir>,
    own: &str,
    lease: LeaseSettings,
    target: &str,
) -> Result<(), RecoverError> {
    let failed = |fault| RecoverError::Write(target.to_owned(), fault);
    new.sync().map_err(failed)?;
    let alone = Membership { own: own.to_owned(), names: vec![own.to_owned()], joins: false, cluster: None };
    new.join(alone, lease).map_err(|error| RecoverError::Join(target.to_owned(), error))?;
    new.close().map_err(failed)
}

fn told(
    source: &str,
    target: &str,
    own: &str,
    names: &[String],
    committed: Index,
    last: Position,
    keys: u64,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        writeln!(text, "{name:<18}{value}").expect("memory takes every byte");
    };
    line("recovered", format!("node {own:?} of {names:?}, from {source} into {target}"));
    line("keys", keys.to_string());
    line("log", format!("up to entry {} of term {}", last.index, last.term));
    line("known committed", format!("up to entry {committed}"));
    line(
        "kept anyway",
        format!(
            "{} entries behind that: this node did not know that they were committed, and some may never have been \
             acknowledged",
            last.index.0 - committed.0
        ),
    );
    line(
        "may be lost",
        "every write that was acknowledged and is not in this log. A majority without this node can have acknowledged any \
         number of writes; nothing here tells how many"
            .to_owned(),
    );
    line(
        "may be stale",
        "every answer of an old member that runs again. It does not know of this cluster: stop all of them for good, and \
         send no client to them"
            .to_owned(),
    );
    line(
        "next",
        format!(
            "start {own:?} with --data-dir {target} and an init that names it alone; then add empty nodes, one by one \
             (docs/guide/membership.md)"
        ),
    );
    text
}
