//! The directory that `--data-dir` names.
//!
//! ```text
//! leasehold.db        the database
//! leasehold.db.new    a database that is being created: it gets its name when it is complete, or is thrown away
//! lock                locked while a process uses the directory; not empty once the database has been there
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use leasehold::storage::durable::{DurableStorage, FileBackend, StorageFault};
use tracing::info;

const DATABASE: &str = "leasehold.db";
const NEW_DATABASE: &str = "leasehold.db.new";
const LOCK: &str = "lock";
/// What the file systems themselves may put into an empty directory.
const NOT_OURS: [&str; 1] = ["lost+found"];

/// A directory in use by this process.
#[derive(Debug)]
pub(super) struct DataDir {
    path: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

/// The storage in a directory.
pub(super) type DirStorage = DurableStorage<FileBackend>;

impl DataDir {
    /// Opens a directory and what it holds, and creates either where there is none. Or says in a line what stands in the
    /// way, where, and what to do.
    pub(super) fn open(path: &Path) -> Result<(DataDir, DirStorage), String> {
        let there = |fault: String| format!("--data-dir {}: {fault}", path.display());
        create_directory(path).map_err(there)?;
        let mut lock = lock(path).map_err(there)?;
        let storage = open_database(path, &mut lock).map_err(there)?;
        Ok((DataDir { path: path.to_owned(), _lock: lock }, storage))
    }

    /// A fault, with its place.
    pub(super) fn say(&self, fault: &StorageFault) -> String {
        format!("--data-dir {}: {DATABASE}: {fault}", self.path.display())
    }
}

fn create_directory(path: &Path) -> Result<(), String> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err("this is a file; name a directory".to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(said("look at it", &error)),
    }
    // Only the last part is created: a path that is wrong further up is a mistake, or a disk that is not mounted.
    DirBuilder::new().mode(0o700).create(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            "there is no directory to create it in; create that first, or check the path".to_owned()
        }
        _ => said("create it", &error),
    })?;
    sync_directory(path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")))
}

fn lock(path: &Path) -> Result<File, String> {
    let lock = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path.join(LOCK));
    let lock = lock.map_err(|error| said("write in it", &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            Err("another process is using it; stop that one first, or give this node a \
                                              directory of its own"
                .to_owned())
        }
        Err(TryLockError::Error(error)) => Err(said("lock it", &error)),
    }
}

fn open_database(path: &Path, lock: &mut File) -> Result<DirStorage, String> {
    let database = path.join(DATABASE);
    match OpenOptions::new().read(true).write(true).open(&database) {
        Ok(file) => DurableStorage::open(backend(file)?).map_err(|fault| format!("{DATABASE}: {fault}")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            refuse_unless_new(path, lock)?;
            create_database(path, lock)
        }
        Err(error) => Err(said("open leasehold.db", &error)),
    }
}

/// A node that starts empty where another one has been would have forgotten its votes.
fn refuse_unless_new(path: &Path, lock: &File) -> Result<(), String> {
    let used = lock.metadata().map_err(|error| said("look at its lock", &error))?.len() > 0;
    if used {
        return Err(format!(
            "{DATABASE} is gone, and it has been there; put it back: a node that starts without it has forgotten its votes \
             and its log"
        ));
    }
    for entry in fs::read_dir(path).map_err(|error| said("list it", &error))? {
        let name = entry.map_err(|error| said("list it", &error))?.file_name();
        let known = [LOCK, NEW_DATABASE].iter().chain(&NOT_OURS).any(|known| name == *known);
        if !known {
            return Err(format!(
                "it holds {name:?} and no {DATABASE}, so it is not a node's directory; name an empty one, or one that does \
                 not exist yet"
            ));
        }
    }
    Ok(())
}

fn create_database(path: &Path, lock: &mut File) -> Result<DirStorage, String> {
    let (new, database) = (path.join(NEW_DATABASE), path.join(DATABASE));
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&new);
    let file = file.map_err(|error| said("create leasehold.db.new", &error))?;
    let storage =
        DurableStorage::create(backend(file)?).map_err(|fault| format!("{NEW_DATABASE}: {fault}"))?;
    fs::rename(&new, &database).map_err(|error| said("rename leasehold.db.new", &error))?;
    sync_directory(path)?;
    let used =
        lock.write_all(b"This directory belongs to a leasehold node.\n").and_then(|()| lock.sync_all());
    used.map_err(|error| said("write its lock", &error))?;
    info!("created {}: this node has no past", database.display());
    Ok(storage)
}

fn backend(file: File) -> Result<FileBackend, String> {
    FileBackend::new(file).map_err(|error| error.to_string())
}

/// A file's name is durable once its directory is synced.
fn sync_directory(path: &Path) -> Result<(), String> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(|error| said("sync it", &error))
}

fn said(what: &str, error: &io::Error) -> String {
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => "; give this user the right to, or name another directory",
        ErrorKind::ReadOnlyFilesystem => "; mount it for writing, or name another directory",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room",
        _ => "; check the path and the disk",
    };
    format!("cannot {what}: {error}{remedy}")
}
