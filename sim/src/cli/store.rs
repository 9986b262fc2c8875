//! Result folders: `store/explore/<utc>-<id>/` with a manifest, one row a seed, and what they come to.
//!
//! Times of day stand in the manifest and nowhere else. Rows are added to `rows.jsonl.part`, which gets its name when it is
//! complete; so does everything else that is written. What is there is therefore whole, or says that it is not.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use leasehold_lab::swarm::{Bound, DRAW_VERSION, Given, Row, Subject, expect_word};
use leasehold_run::rules;
use leasehold_run::scenario::{self, Written};
use serde_json::{Value, json};

use super::errors::Failure;
use super::explore::profile;
use super::guests;

/// What an exploration was asked to do, as its manifest keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manifest {
    pub(super) version: String,
    pub(super) draw: u64,
    pub(super) subject: Subject,
    pub(super) seeds: Range<u64>,
    /// Every row is there.
    pub(super) complete: bool,
    /// One for each time that it was started: command line, times, threads. Not compared with anything.
    pub(super) sessions: Vec<Value>,
}

impl Manifest {
    pub(super) fn new(subject: Subject, seeds: Range<u64>) -> Manifest {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let draw = u64::from(DRAW_VERSION);
        Manifest { version, draw, subject, seeds, complete: false, sessions: Vec::new() }
    }

    fn to_json(&self) -> Value {
        let mut manifest = json!({
            "schema": 2,
            "what": "explore",
            "version": self.version,
            "draw": self.draw,
            "seeds": [self.seeds.start, self.seeds.end],
            "complete": self.complete,
            "sessions": self.sessions,
        });
        match &self.subject {
            Subject::Swarm(profile) => {
                manifest["rules"] = json!(profile.rules);
                manifest["bound"] = json!(profile.bound.word());
            }
            Subject::Scenario(given) => manifest["scenario"] = given.to_json(),
        }
        manifest
    }

    /// `scenario` is the text of the folder's scenario.toml.
    fn from_json(value: &Value, scenario: Option<&str>) -> Option<Manifest> {
        let range = |key: &str| Some(value.get(key)?.get(0)?.as_u64()?..value.get(key)?.get(1)?.as_u64()?);
        let subject = match value.get("scenario") {
            Some(given) => {
                let mut plan = scenario::load("scenario.toml", scenario?, &[], &rules::names()).ok()?;
                let mut setup = plan.rows.pop().filter(|_| plan.rows.is_empty())?.scenario.setup;
                guests::seat_one(&mut setup).ok()?;
                Subject::Scenario(Arc::new(Given::from_json(given, setup)?))
            }
            None => {
                let word = value.get("bound")?.as_str()?;
                let beyond = [Bound::Within, Bound::Beyond].into_iter().find(|bound| bound.word() == word)?;
                profile(value.get("rules")?.as_str()?, beyond == Bound::Beyond).ok()?.into()
            }
        };
        (value.get("what")?.as_str()? == "explore" && value.get("schema")?.as_u64()? == 2).then_some(())?;
        Some(Manifest {
            version: value.get("version")?.as_str()?.to_owned(),
            draw: value.get("draw")?.as_u64()?,
            subject,
            seeds: range("seeds")?,
            complete: value.get("complete")?.as_bool()?,
            sessions: value.get("sessions")?.as_array()?.clone(),
        })
    }

    /// Would this program give the same rows?
    pub(super) fn check_version(&self, folder: &Folder) -> Result<(), Failure> {
        let ours = (env!("CARGO_PKG_VERSION"), u64::from(DRAW_VERSION));
        if (self.version.as_str(), self.draw) == ours {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "error: {} is of sim {} (draw {}), this is sim {} (draw {}): their seeds mean different runs",
            folder.path.display(),
            self.version,
            self.draw,
            ours.0,
            ours.1
        )))
    }
}

/// The scenario that every seed runs, resolved.
const SCENARIO: &str = "scenario.toml";

/// A result folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    /// A new folder below `store/explore`, and the link `latest` to it; or the one that the user names, which must be empty.
    pub(super) fn create(out: Option<&Path>) -> Result<Folder, Failure> {
        let Some(out) = out else {
            let parent = Path::new("store/explore");
            let now = jiff::Timestamp::now();
            let id = u64::from(std::process::id())
                ^ now.as_nanosecond().unsigned_abs().to_le_bytes()[1..3]
                    .iter()
                    .fold(0, |id, byte| id << 8 | u64::from(*byte));
            let name = format!("{}-{:04x}", now.strftime("%Y-%m-%dT%H-%M-%SZ"), id & 0xffff);
            let folder = Folder { path: parent.join(&name) };
            fs::create_dir_all(&folder.path).map_err(|error| folder.failed(&error))?;
            link(parent, &name);
            return Ok(folder);
        };
        let folder = Folder { path: out.to_owned() };
        fs::create_dir_all(out).map_err(|error| folder.failed(&error))?;
        let mut entries = fs::read_dir(out).map_err(|error| folder.failed(&error))?;
        if entries.next().is_some() {
            return Err(Failure::usage(format!(
                "error: {0} is not empty; to go on with what it holds, say --resume {0}",
                out.display()
            )));
        }
        Ok(folder)
    }

    pub(super) fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::io(&self.path.display().to_string(), error)
    }

    pub(super) fn read_manifest(&self) -> Result<Manifest, Failure> {
        let path = self.path.join("manifest.json");
        let text = fs::read_to_string(&path).map_err(|error| {
            Failure::usage(format!("error: no result folder: {}: {error}", path.display()))
        })?;
        let scenario = fs::read_to_string(self.path.join(SCENARIO)).ok();
        let value = serde_json::from_str::<Value>(&text).ok();
        let manifest = value.and_then(|value| Manifest::from_json(&value, scenario.as_deref()));
        manifest.ok_or_else(|| {
            Failure::usage(format!("error: {} is no manifest of an exploration", path.display()))
        })
    }

    pub(super) fn write_manifest(&self, manifest: &Manifest) -> Result<(), Failure> {
        if let Subject::Scenario(given) = &manifest.subject {
            let written = Written {
                title: &given.file,
                story: &["What every seed runs, with another seed each.".to_owned()],
                expect: expect_word(given.expect),
                setup: &given.setup,
            };
            self.write(SCENARIO, &written.to_toml())?;
        }
        self.write_json("manifest.json", &manifest.to_json())
    }

    pub(super) fn write_json(&self, name: &str, value: &Value) -> Result<(), Failure> {
        self.write(name, &format!("{value:#}\n"))
    }

    /// Written under another name first: nobody ever sees half of it.
    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let (part, whole) = (self.path.join(format!("{name}.part")), self.path.join(name));
        fs::write(&part, text).and_then(|()| fs::rename(&part, &whole)).map_err(|error| self.failed(&error))
    }

    fn rows_path(&self, complete: bool) -> PathBuf {
        self.path.join(if complete { "rows.jsonl" } else { "rows.jsonl.part" })
    }

    /// Hands on the rows that are there, as long as they follow each other from `first` on, and tells how many bytes they
    /// take. A line that was cut off ends them.
    pub(super) fn read_rows(
        &self,
        complete: bool,
        first: u64,
        each: &mut dyn FnMut(&str, Row) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let file = match File::open(self.rows_path(complete)) {
            Err(error) if !complete && error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            file => file.map_err(|error| self.failed(&error))?,
        };
        let (mut reader, mut line, mut bytes, mut next) = (BufReader::new(file), String::new(), 0, first);
        loop {
            line.clear();
            let read = reader.read_line(&mut line).map_err(|error| self.failed(&error))?;
            let row = line.strip_suffix('\n').and_then(|text| serde_json::from_str::<Value>(text).ok());
            match row.and_then(|row| Row::from_json(&row)).filter(|row| row.seed == next) {
                Some(row) => each(&line, row)?,
                None => return Ok(bytes),
            }
            bytes += read as u64;
            next += 1;
        }
    }

    /// Where rows are added, after the first so many bytes.
    pub(super) fn open_rows(&self, keep: u64) -> Result<RowsFile, Failure> {
        let path = self.rows_path(false);
        let file =
            OpenOptions::new().create(true).append(true).open(path).map_err(|error| self.failed(&error))?;
        file.set_len(keep).map_err(|error| self.failed(&error))?;
        Ok(RowsFile { folder: self.clone(), file: BufWriter::new(file) })
    }
}

/// Rows that are being written.
#[derive(Debug)]
pub(super) struct RowsFile {
    folder: Folder,
    file: BufWriter<File>,
}

impl RowsFile {
    pub(super) fn add(&mut self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            writeln!(self.file, "{}", row.to_json()).map_err(|error| self.folder.failed(&error))?;
        }
        self.file.flush().map_err(|error| self.folder.failed(&error))
    }

    /// A row as a part holds it, without its line's end.
    pub(super) fn add_line(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.file, "{line}").map_err(|error| self.folder.failed(&error))
    }

    /// Every row is there: the file gets its name.
    pub(super) fn complete(mut self) -> Result<(), Failure> {
        let (part, whole) = (self.folder.rows_path(false), self.folder.rows_path(true));
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.and_then(|()| fs::rename(part, whole)).map_err(|error| self.folder.failed(&error))
    }
}

/// Best effort: a file system without links has no `latest`.
fn link(parent: &Path, name: &str) {
    #[cfg(unix)]
    {
        let (link, fresh) = (parent.join("latest"), parent.join(format!("latest.{name}")));
        let _ = std::os::unix::fs::symlink(name, &fresh).and_then(|()| fs::rename(&fresh, &link));
    }
    #[cfg(not(unix))]
    let _ = (parent, name);
}
