//! A node's directory on a disk, and the database in it.
//!
//! ```text
//! leasehold.db        the database; locked while a process uses it
//! leasehold.db.new    a database that is being created: it gets its name when it is complete, or is replaced
//! lock                locked while a process uses the directory; not empty once the database has existed, and then with
//!                     the number of commits in it
//! ```
//!
//! Both locks are needed. `lock` is there before the database is, so it also decides who may create one. The lock on the
//! database itself holds where `lock` does not: when somebody has removed that file, and when a second path leads to the
//! same database through a link.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use redb::StorageBackend;

use super::{DurableStorage, OpenError, StorageFault};

const DATABASE: &str = "leasehold.db";
const NEW_DATABASE: &str = "leasehold.db.new";
const LOCK: &str = "lock";
/// How the file `lock` begins ...
const LOCK_TEXT: &[u8] = b"This directory belongs to a leasehold node.\n";
/// ... and the bytes of the line behind that, with the number of commits.
const COMMITS_BYTES: usize = 29;
/// What the file systems themselves may put into an empty directory.
const NOT_OURS: [&str; 1] = ["lost+found"];

/// A directory in use by this process: the backend of the database in it. Both locks are released when it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Locked for as long as it is open.
    database: File,
    /// Locked for as long as it is open.
    lock: File,
    created: bool,
}

/// Why a directory cannot be used. The text says what to do, and not where: the caller puts the path in front.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The path names something other than a directory.
    #[error("this is a file; name a directory")]
    NotADirectory,
    /// The parent is missing. Only the last part of a path is created: a path that is wrong further up is a mistake, or a
    /// disk that is not mounted.
    #[error("there is no directory to create it in; create that first, or check the path")]
    NoParent,
    /// It holds something else and no database, so it belongs to somebody else. Nothing in it was touched.
    #[error(
        "it holds {name:?} and no {DATABASE}, so it is not a node's directory; name an empty one, or one that does not exist \
         yet"
    )]
    Foreign {
        /// A file that is not a node's.
        name: OsString,
    },
    /// Another process holds the directory's lock.
    #[error("another process is using it; stop that one first, or give this node a directory of its own")]
    InUse,
    /// Another process holds the database's own lock: the file `lock` was removed, or another path leads to the same file.
    #[error(
        "another process is using this {DATABASE}, and the file lock does not show it: lock was removed, or a link leads to \
         the same database from elsewhere; stop that process first, or give this node a directory of its own"
    )]
    DatabaseInUse,
    /// The database was there once. A node that starts without it has forgotten its votes and its log.
    #[error(
        "{DATABASE} is gone, and it has been there; put it back: a node that starts without it has forgotten its votes and \
         its log"
    )]
    Gone,
    /// The database is an older copy of itself.
    #[error(
        "{DATABASE} ends at commit {found}, and commit {witnessed} was synced: an older copy of it was put back; put the newest \
         one back, or leave this node down and replace it by a new one: on an older copy it would forget what it has promised"
    )]
    OlderCopy {
        /// Commits in the database.
        found: u64,
        /// Commits that were synced, by the file `lock`.
        witnessed: u64,
    },
    /// The database was not opened or created.
    #[error("{file}: {error}")]
    Database {
        /// The name of the file in the directory.
        file: &'static str,
        /// The reason why it was not opened or created.
        error: OpenError,
    },
    /// The operating system refused a step.
    #[error("cannot {step}: {error}{}", remedy(.error))]
    Io {
        /// The step, as in "cannot lock it".
        step: &'static str,
        /// The operating system's reason.
        error: io::Error,
    },
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => "; give this user the right to, or name another directory",
        ErrorKind::ReadOnlyFilesystem => "; mount it for writing, or name another directory",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room",
        _ => "; check the path and the disk",
    }
}

/// For `map_err`: the operating system refused this step.
fn failed(step: &'static str) -> impl FnOnce(io::Error) -> DataDirError {
    move |error| DataDirError::Io { step, error }
}

impl DurableStorage<DataDir> {
    /// Opens the directory at `path` with the database in it. Creates either where it does not exist, and never in a
    /// directory that holds other things. Fails while another process uses the directory or its database.
    pub fn open_dir(path: &Path) -> Result<DurableStorage<DataDir>, DataDirError> {
        create_directory(path)?;
        // Before anything is written in it: it may be somebody else's.
        if !path.join(DATABASE).try_exists().map_err(failed("look into it"))? {
            refuse_foreign(path)?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK));
        let lock = lock.map_err(failed("write in it"))?;
        take(&lock, DataDirError::InUse, "lock it")?;
        // A node that starts empty where a database has existed would have forgotten its votes.
        let used = lock.metadata().map_err(failed("look at its lock"))?.len() > 0;
        let witness = Witness(lock.try_clone().map_err(failed("look at its lock"))?);
        let witnessed = witness.read().map_err(failed("read its lock"))?;
        let mut storage = match open_file(path, DATABASE, false, "open leasehold.db")? {
            Some(database) => {
                let dir = DataDir { path: path.to_owned(), database, lock, created: false };
                DurableStorage::open(dir).map_err(|error| DataDirError::Database { file: DATABASE, error })?
            }
            None if used => return Err(DataDirError::Gone),
            None => create_database(path, lock)?,
        };
        if !used {
            let mut lock = &storage.backend().lock;
            lock.write_all(LOCK_TEXT).and_then(|()| lock.sync_all()).map_err(failed("write its lock"))?;
        }
        let found = storage.commits();
        if let Some(witnessed) = witnessed.filter(|witnessed| *witnessed > found) {
            return Err(DataDirError::OlderCopy { found, witnessed });
        }
        storage
            .set_witness(witness)
            .map_err(|fault| DataDirError::Database { file: LOCK, error: fault.into() })?;
        Ok(storage)
    }
}

impl DataDir {
    /// The directory, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the database in the directory.
    pub fn database_path(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// True if this process has just created the database: the node has no past.
    pub fn is_new(&self) -> bool {
        self.created
    }
}

fn create_directory(path: &Path) -> Result<(), DataDirError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(DataDirError::NotADirectory),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed("look at it")(error)),
    }
    DirBuilder::new().mode(0o700).create(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => DataDirError::NoParent,
        _ => failed("create it")(error),
    })?;
    sync_directory(path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new(".")))
}

/// A directory that holds other things is somebody else's.
fn refuse_foreign(path: &Path) -> Result<(), DataDirError> {
    for entry in fs::read_dir(path).map_err(failed("list it"))? {
        let name = entry.map_err(failed("list it"))?.file_name();
        let known = [DATABASE, LOCK, NEW_DATABASE].iter().chain(&NOT_OURS).any(|known| name == *known);
        if !known {
            return Err(DataDirError::Foreign { name });
        }
    }
    Ok(())
}

/// Takes a file's lock, or fails with `in_use` while another open file has it.
fn take(file: &File, in_use: DataDirError, step: &'static str) -> Result<(), DataDirError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(in_use),
        Err(TryLockError::Error(error)) => Err(failed(step)(error)),
    }
}

/// A database's file, locked. `None`: there is no such file, and none was to be created.
fn open_file(
    path: &Path,
    name: &str,
    create: bool,
    step: &'static str,
) -> Result<Option<File>, DataDirError> {
    // Another process may be using it: it is not emptied here, but by its new owner once it is locked.
    let opened = OpenOptions::new().read(true).write(true).create(create).mode(0o600).open(path.join(name));
    match opened {
        Ok(file) => {
            take(&file, DataDirError::DatabaseInUse, "lock leasehold.db")?;
            Ok(Some(file))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(step)(error)),
    }
}

fn create_database(path: &Path, lock: File) -> Result<DurableStorage<DataDir>, DataDirError> {
    let step = "create leasehold.db.new";
    let database = open_file(path, NEW_DATABASE, true, step)?;
    let database = database.ok_or_else(|| failed(step)(ErrorKind::NotFound.into()))?;
    let dir = DataDir { path: path.to_owned(), database, lock, created: true };
    let storage = DurableStorage::create(dir);
    let storage = storage.map_err(|error| DataDirError::Database { file: NEW_DATABASE, error })?;
    fs::rename(path.join(NEW_DATABASE), path.join(DATABASE)).map_err(failed("rename leasehold.db.new"))?;
    sync_directory(path)?;
    Ok(storage)
}

/// A file's name is durable once its directory is synced.
fn sync_directory(path: &Path) -> Result<(), DataDirError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(failed("sync it"))
}

/// The second place where the number of commits is put down: the file `lock`. It is written after each commit and not
/// synced, so that it may be behind the database after a loss of power, and is never ahead.
#[derive(Debug)]
pub(super) struct Witness(File);

impl Witness {
    /// The number, if there is one: older versions wrote none, and somebody may have removed the file.
    fn read(&self) -> io::Result<Option<u64>> {
        let mut text = [0; COMMITS_BYTES];
        match self.0.read_exact_at(&mut text, LOCK_TEXT.len() as u64) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let text = std::str::from_utf8(&text).ok();
        Ok(text.and_then(|text| text.strip_prefix("commits ")?.strip_suffix('\n')?.parse().ok()))
    }

    /// Puts it down.
    pub(super) fn put_down(&self, commits: u64) -> Result<(), StorageFault> {
        let text = format!("commits {commits:020}\n");
        assert!(text.len() == COMMITS_BYTES, "any number of 64 bits has 20 digits at most");
        self.0.write_all_at(text.as_bytes(), LOCK_TEXT.len() as u64).map_err(|error| StorageFault::Io {
            during: "writing the number of commits to the file lock",
            error: error.to_string(),
        })
    }
}

impl StorageBackend for DataDir {
    fn len(&self) -> io::Result<u64> {
        Ok(self.database.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.database.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.database.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.database.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.database.write_all_at(data, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::LeaseSettings;
    use crate::raft::{HardState, Recovered, Term, Write};
    use crate::storage::Storage;
    use crate::storage::durable::Membership;

    type Opened = Result<DurableStorage<DataDir>, DataDirError>;

    #[test]
    fn a_directory_is_in_use_until_its_storage_is_dropped_and_then_has_its_state() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("n1");
        let mut storage = DurableStorage::open_dir(&path).unwrap();
        assert!(storage.backend().is_new() && storage.backend().path() == path);
        let membership =
            Membership { own: "n1".into(), names: vec!["n1".into()], joins: false, cluster: None };
        storage.join(membership.clone(), LeaseSettings::default()).unwrap();
        let hard_state = HardState { term: Term(7), ..HardState::default() };
        storage.write(Write { ticket: 1, hard_state: Some(hard_state), ..Write::default() });
        assert_eq!(storage.sync(), Ok(1));

        let second: Opened = DurableStorage::open_dir(&path);
        assert!(matches!(second, Err(DataDirError::InUse)), "{second:?}");
        fs::remove_file(path.join(LOCK)).unwrap();
        let second: Opened = DurableStorage::open_dir(&path);
        assert!(matches!(second, Err(DataDirError::DatabaseInUse)), "{second:?}");

        drop(storage);
        let mut storage = DurableStorage::open_dir(&path).unwrap();
        assert!(!storage.backend().is_new());
        assert_eq!(storage.membership(), Some(&membership));
        let Recovered { hard_state: found, .. } = storage.recover().unwrap();
        assert_eq!(found, hard_state);
    }

    #[test]
    fn a_place_that_will_not_do_is_told_apart_by_the_reason() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "x").unwrap();
        let foreign: Opened = DurableStorage::open_dir(root.path());
        assert!(matches!(&foreign, Err(DataDirError::Foreign { name }) if name == "file"), "{foreign:?}");
        let none: Opened = DurableStorage::open_dir(&file);
        assert!(matches!(none, Err(DataDirError::NotADirectory)), "{none:?}");
        let none: Opened = DurableStorage::open_dir(&root.path().join("a/b"));
        assert!(matches!(none, Err(DataDirError::NoParent)), "{none:?}");

        let path = root.path().join("n1");
        drop(DurableStorage::open_dir(&path).unwrap());
        fs::write(path.join(DATABASE), b"SQLite format 3\0".repeat(64)).unwrap();
        let damaged: Opened = DurableStorage::open_dir(&path);
        let foreign = matches!(damaged, Err(DataDirError::Database { error: OpenError::Foreign, .. }));
        assert!(foreign, "{damaged:?}");
        fs::remove_file(path.join(DATABASE)).unwrap();
        let gone: Opened = DurableStorage::open_dir(&path);
        assert!(matches!(gone, Err(DataDirError::Gone)), "{gone:?}");
    }

    #[test]
    fn an_older_copy_of_the_database_alone_is_refused_with_both_numbers() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("n1");
        let mut storage = DurableStorage::open_dir(&path).unwrap();
        let mut ticket = 0;
        let mut write = |storage: &mut DurableStorage<DataDir>| {
            ticket += 1;
            let hard_state = HardState { term: Term(ticket), ..HardState::default() };
            storage.write(Write { ticket, hard_state: Some(hard_state), ..Write::default() });
            storage.sync().unwrap();
        };
        write(&mut storage);
        storage.close().unwrap();
        let copy = fs::read(path.join(DATABASE)).unwrap();
        let older = DurableStorage::open_dir(&path).unwrap().commits();

        let mut storage = DurableStorage::open_dir(&path).unwrap();
        let mut ticket = 0;
        for _ in 0..3 {
            ticket += 1;
            let hard_state = HardState { term: Term(10 + ticket), ..HardState::default() };
            storage.write(Write { ticket, hard_state: Some(hard_state), ..Write::default() });
            storage.sync().unwrap();
        }
        drop(storage);
        let newest = fs::read(path.join(DATABASE)).unwrap();
        fs::write(path.join(DATABASE), &copy).unwrap();
        let refused: Opened = DurableStorage::open_dir(&path);
        let Err(DataDirError::OlderCopy { found, witnessed }) = refused else { panic!("{refused:?}") };
        assert_eq!((found, witnessed), (older, older + 3));
        // Refusing changes nothing: with the newest one in its place it starts.
        fs::write(path.join(DATABASE), &newest).unwrap();
        drop(DurableStorage::open_dir(&path).unwrap());
        // A directory whose `lock` is of an older version, or gone, has no second number.
        fs::write(path.join(DATABASE), &copy).unwrap();
        fs::write(path.join(LOCK), LOCK_TEXT).unwrap();
        drop(DurableStorage::open_dir(&path).unwrap());
    }
}
