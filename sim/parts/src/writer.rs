//! Writing one part.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use xxhash_rust::xxh3::Xxh3;

use crate::{Digest, Header, Part, PartError};

/// Rows of simulations are much alike: the fastest level makes them a tenth of their size.
const LEVEL: Compression = Compression::fast();

/// A part that is being written, under a name of its own. Dropped before [`Writer::finish`], it leaves nothing.
pub struct Writer {
    folder: PathBuf,
    target: PathBuf,
    file: GzEncoder<BufWriter<NamedTempFile>>,
    checksum: Xxh3,
    digest: Digest,
    rows: u64,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Writer").field("target", &self.target).field("rows", &self.rows).finish()
    }
}

impl Writer {
    /// Begins the part with this header in a folder, which is created where it does not exist.
    ///
    /// # Errors
    ///
    /// The folder or the file cannot be created or written.
    pub fn create(folder: &Path, header: &Header) -> Result<Writer, PartError> {
        fs::create_dir_all(folder).map_err(|error| PartError::io("create the folder", folder, error))?;
        let target = folder.join(header.file_name());
        // Two processes may write the same part at once: each has a name of its own, and both write the same bytes.
        let mut builder = tempfile::Builder::new();
        builder.prefix(".part-").suffix(crate::survey::UNFINISHED);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder
            .tempfile_in(folder)
            .map_err(|error| PartError::io("write in the folder", folder, error))?;
        let file = GzEncoder::new(BufWriter::new(file), LEVEL);
        let (checksum, digest) = (Xxh3::new(), Digest::default());
        let mut writer = Writer { folder: folder.to_owned(), target, file, checksum, digest, rows: 0 };
        writer.line(&header.to_json().to_string())?;
        Ok(writer)
    }

    fn line(&mut self, line: &str) -> Result<(), PartError> {
        self.checksum.update(line.as_bytes());
        self.checksum.update(b"\n");
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|error| PartError::io("write", &self.target, error))
    }

    /// Adds a row: one JSON object in one line, without the line's end.
    ///
    /// # Errors
    ///
    /// The file cannot be written, on a full disk for example.
    ///
    /// # Panics
    ///
    /// The row has a line's end.
    pub fn row(&mut self, row: &str) -> Result<(), PartError> {
        assert!(row.starts_with('{') && !row.contains('\n'), "a row is one JSON object in one line");
        self.digest.add(row);
        self.rows += 1;
        self.line(row)
    }

    /// Writes the footer, syncs the file, gives it its name, and syncs the folder. `found` tells in a few numbers what the
    /// rows show, for whoever does not want to read them.
    ///
    /// # Errors
    ///
    /// The file cannot be written, synced or renamed. Then no part is there, and no half of one.
    pub fn finish(mut self, found: &Value) -> Result<Part, PartError> {
        let footer = json!({
            "rows": self.rows,
            "digest": self.digest.to_string(),
            "xxh3": format!("{:016x}", self.checksum.digest()),
            "found": found,
        });
        self.line(&format!("{}{footer}}}", crate::reader::FOOTER))?;
        let failed = |error| PartError::io("write", &self.target, error);
        let buffered = self.file.finish().map_err(failed)?;
        let file = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.target).map_err(|error| failed(error.error))?;
        sync_folder(&self.folder)?;
        Part::open(&self.target)
    }
}

/// Without it, a power failure may take the new name back.
fn sync_folder(folder: &Path) -> Result<(), PartError> {
    #[cfg(unix)]
    {
        let folder_path = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder_path)
            .and_then(|open| open.sync_all())
            .map_err(|error| PartError::io("sync the folder", folder, error))?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
