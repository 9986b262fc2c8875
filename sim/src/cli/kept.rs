//! Runs that are kept: `sim run --out DIR`, `sim replay DIR`, `sim diff A B`.
//!
//! ```text
//! DIR/manifest.json            the command, the version, the rows with their trace hashes; written last
//! DIR/scenario.toml            the file as it was read
//! DIR/report.txt results.json  the report, with all rows
//! DIR/rows/001/scenario.toml   the row, every value resolved: it can be run by itself
//! DIR/rows/001/trace.jsonl.gz  every event
//! DIR/rows/001/history.jsonl   what clients asked and were told; history.edn is the same for Jepsen's checkers
//! ```

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use leasehold_run::display::count;
use leasehold_run::report::{Style, Subject, json_report, text_report};
use leasehold_run::run::run_watched;
use leasehold_run::scenario::{self, Written};
use leasehold_run::setup::Setup;
use leasehold_run::trace::TraceWriter;
use leasehold_run::{history, rules};
use serde_json::{Value, json};

use super::errors::Failure;
use super::{exit, guests, print};

/// A folder of one run.
pub(super) struct Kept {
    path: PathBuf,
}

impl Kept {
    /// Makes the folder. Before the rows are run: a folder that cannot be written is known before the user has waited.
    pub(super) fn create(path: &Path) -> Result<Kept, Failure> {
        let kept = Kept { path: path.to_owned() };
        fs::create_dir_all(path).map_err(|error| kept.failed(&error))?;
        let mut entries = fs::read_dir(path).map_err(|error| kept.failed(&error))?;
        if entries.next().is_some() {
            return Err(Failure::usage(format!(
                "error: {} is not empty\n  name an empty folder, or one that does not exist, after --out",
                path.display()
            )));
        }
        Ok(kept)
    }

    /// Plays the rows again and writes everything. The manifest comes last: a folder without one is not complete.
    pub(super) fn write(&self, subject: &Subject<'_>, text: &str) -> Result<(), Failure> {
        let style = Style { all_rows: true, ..Style::PLAIN };
        self.put("scenario.toml", text.as_bytes())?;
        self.put("report.txt", text_report(subject, style).as_bytes())?;
        self.put("results.json", format!("{:#}\n", json_report(subject)).as_bytes())?;
        let mut rows = Vec::new();
        for (number, (row, found)) in (1..).zip(subject.plan.rows.iter().zip(&subject.study.rows)) {
            let folder = format!("rows/{number:03}");
            fs::create_dir_all(self.path.join(&folder)).map_err(|error| self.failed(&error))?;
            let setup = Arc::new(row.scenario.setup.clone());
            let title = if row.label.is_empty() { &subject.plan.title } else { &row.label };
            let story = [format!("Row {} of {}, every value resolved.", row.label, subject.file)];
            let resolved = Written { title, story: &story, expect: "any", setup: &setup };
            self.put(&format!("{folder}/scenario.toml"), resolved.to_toml().as_bytes())?;
            let trace = self.path.join(&folder).join("trace.jsonl.gz");
            let file = File::create(&trace).map_err(|error| self.failed(&error))?;
            let mut compressed = GzEncoder::new(io::BufWriter::new(file), Compression::fast());
            let mut writer = TraceWriter::new(setup.clone(), "", &mut compressed);
            let outcome = run_watched(&setup, &mut writer);
            writer
                .finish()
                .and_then(|()| compressed.finish()?.flush())
                .map_err(|error| self.failed(&error))?;
            let operations = &outcome.history;
            self.put(&format!("{folder}/history.jsonl"), history::json_lines(&setup, operations).as_bytes())?;
            self.put(&format!("{folder}/history.edn"), history::edn(operations).as_bytes())?;
            rows.push(json!({
                "folder": folder,
                "label": row.label,
                "seed": setup.seed,
                "events": outcome.events,
                "trace": format!("{:016x}", found.trace_hash),
            }));
        }
        let manifest = json!({
            "schema": 1,
            "what": "run",
            "version": env!("CARGO_PKG_VERSION"),
            "arguments": std::env::args().skip(1).collect::<Vec<_>>(),
            "scenario": subject.file,
            "written": jiff::Timestamp::now().to_string(),
            "exit_code": subject.study.exit_code(),
            "trace": format!("{:016x}", subject.study.trace_hash()),
            "rows": rows,
        });
        self.put("manifest.json", format!("{manifest:#}\n").as_bytes())
    }

    /// Written under another name first: no reader sees half of it.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let (part, whole) = (self.path.join(format!("{name}.part")), self.path.join(name));
        fs::write(&part, bytes).and_then(|()| fs::rename(&part, &whole)).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::io(&self.path.display().to_string(), error)
    }

    /// A folder that was written before.
    fn open(path: &Path) -> Result<(Kept, Value), Failure> {
        let kept = Kept { path: path.to_owned() };
        let manifest = path.join("manifest.json");
        let shown = manifest.display();
        let text = fs::read_to_string(&manifest).map_err(|error| {
            Failure::usage(format!(
                "error: cannot read {shown}: {error}\n  `sim run SCENARIO --out DIR` writes such a folder"
            ))
        })?;
        let read: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::usage(format!("error: {shown} is not JSON: {error}")))?;
        if read["what"] != "run" || read["schema"] != 1 || !read["rows"].is_array() {
            return Err(Failure::usage(format!("error: {shown} is not the manifest of a run that was kept")));
        }
        Ok((kept, read))
    }

    fn trace(&self, row: &Value) -> Result<BufReader<GzDecoder<File>>, Failure> {
        let path = self.path.join(row["folder"].as_str().unwrap_or_default()).join("trace.jsonl.gz");
        let file = File::open(&path).map_err(|error| {
            Failure::usage(format!("error: cannot read the trace {}: {error}", path.display()))
        })?;
        Ok(BufReader::new(GzDecoder::new(file)))
    }

    fn setup(&self, row: &Value) -> Result<Setup, Failure> {
        let path = self.path.join(row["folder"].as_str().unwrap_or_default()).join("scenario.toml");
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path)
            .map_err(|error| Failure::usage(format!("error: cannot read {shown}: {error}")))?;
        let plan = scenario::load(&shown, &text, &[], &rules::names())
            .map_err(|problems| Failure::usage(problems.render(false)))?;
        let row = plan.rows.into_iter().next().expect("a plan has at least one row");
        let mut setup = row.scenario.setup;
        guests::seat_one(&mut setup)?;
        Ok(setup)
    }
}

/// Compares what is written with lines that were written before.
struct Comparing<R> {
    expected: R,
    line: Vec<u8>,
    /// Lines that were the same.
    same: u64,
    /// The first that was not: what was expected and what came. Empty: there was no more.
    differs: Option<(String, String)>,
}

impl<R: BufRead> Comparing<R> {
    fn new(expected: R) -> Comparing<R> {
        Comparing { expected, line: Vec::new(), same: 0, differs: None }
    }

    fn next_expected(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.expected.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    fn compare(&mut self, found: String) -> io::Result<()> {
        let expected = self.next_expected()?;
        if expected == found {
            self.same += 1;
        } else {
            self.differs = Some((expected, found));
        }
        Ok(())
    }

    /// No more comes: neither may there be more that was expected.
    fn end(&mut self) -> io::Result<()> {
        if self.differs.is_none() {
            let rest = self.next_expected()?;
            if !rest.is_empty() {
                self.differs = Some((rest, String::new()));
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Write for Comparing<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend(part);
            if self.line.ends_with(b"\n") && self.differs.is_none() {
                let line = String::from_utf8_lossy(&self.line).trim_end().to_owned();
                self.compare(line)?;
            }
            if self.line.ends_with(b"\n") {
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shown_line(line: &str) -> &str {
    if line.is_empty() { "(the run had ended)" } else { line }
}

/// `sim replay DIR`: runs every row again and compares it with its trace, event by event.
pub(super) fn replay(path: &Path) -> Result<u8, Failure> {
    let (kept, manifest) = Kept::open(path)?;
    let unreadable =
        |error: io::Error| Failure::io(&format!("cannot read a trace in {}", path.display()), &error);
    let mut text = String::new();
    let mut code = 0;
    for row in manifest["rows"].as_array().into_iter().flatten() {
        let label = match row["label"].as_str() {
            None | Some("") => String::new(),
            Some(label) => format!("{label}: "),
        };
        let setup = Arc::new(kept.setup(row)?);
        let mut comparing = Comparing::new(kept.trace(row)?);
        let mut writer = TraceWriter::new(setup.clone(), "", &mut comparing);
        let outcome = run_watched(&setup, &mut writer);
        writer.finish().and_then(|()| comparing.end()).map_err(unreadable)?;
        guests::failed()?;
        let hash = format!("{:016x}", outcome.trace_hash);
        match comparing.differs {
            None if row["trace"] == hash.as_str() => {
                text.push_str(&format!("{label}the same, {} events, trace {hash}\n", count(comparing.same)));
            }
            None => {
                code = exit::DIVERGED;
                text.push_str(&format!(
                    "{label}DIFFERS: every event is the same, and the trace hash is {hash}, not {}\n",
                    row["trace"].as_str().unwrap_or("there")
                ));
            }
            Some((expected, found)) => {
                code = exit::DIVERGED;
                text.push_str(&format!(
                    "{label}DIFFERS from event {} on\n  kept: {}\n  now:  {}\n",
                    comparing.same,
                    shown_line(&expected),
                    shown_line(&found)
                ));
            }
        }
    }
    let version = manifest["version"].as_str().unwrap_or("unknown");
    if code != 0 && version != env!("CARGO_PKG_VERSION") {
        text.push_str(&format!(
            "the folder is of sim {version}, this is sim {}\n",
            env!("CARGO_PKG_VERSION")
        ));
    }
    print(&text)?;
    Ok(code)
}

/// The numbers of two rows' reports that differ, as `key before -> after`.
fn changed(before: &Value, after: &Value) -> Vec<String> {
    let number = |value: &Value| value.is_number() || value.is_null();
    let keys = before.as_object().into_iter().flatten().filter(|(key, value)| {
        **value != after[key.as_str()] && number(value) && number(&after[key.as_str()])
    });
    keys.map(|(key, value)| format!("{key} {value} -> {}", after[key.as_str()])).collect()
}

/// `sim diff A B`: which rows differ, in which numbers, and from which event on.
pub(super) fn diff(first: &Path, second: &Path) -> Result<u8, Failure> {
    let ((one, one_manifest), (other, other_manifest)) = (Kept::open(first)?, Kept::open(second)?);
    let results = |kept: &Kept| -> Result<Value, Failure> {
        let path = kept.path.join("results.json");
        let text = fs::read_to_string(&path).map_err(|error| kept.failed(&error))?;
        serde_json::from_str(&text)
            .map_err(|error| Failure::usage(format!("error: {} is not JSON: {error}", path.display())))
    };
    let (one_results, other_results) = (results(&one)?, results(&other)?);
    let unreadable = |error: io::Error| Failure::io("cannot read a trace", &error);
    let rows = |manifest: &Value| manifest["rows"].as_array().cloned().unwrap_or_default();
    let place =
        |manifest: &Value, label: &Value| rows(manifest).iter().position(|row| row["label"] == *label);
    let mut text = String::new();
    let mut different = false;
    for (at, row) in rows(&one_manifest).iter().enumerate() {
        let label = row["label"].as_str().filter(|label| !label.is_empty()).unwrap_or("the run");
        let Some(there) = place(&other_manifest, &row["label"]) else {
            different = true;
            text.push_str(&format!("{label}: only in {}\n", first.display()));
            continue;
        };
        let other_row = &rows(&other_manifest)[there];
        if row["trace"] == other_row["trace"] {
            text.push_str(&format!(
                "{label}: the same, trace {}\n",
                row["trace"].as_str().unwrap_or_default()
            ));
            continue;
        }
        different = true;
        let (ours, theirs) = (&one_results["rows"][at], &other_results["rows"][there]);
        let changed = changed(ours, theirs);
        text.push_str(&format!(
            "{label}: {}\n",
            if changed.is_empty() { "DIFFERS".to_owned() } else { changed.join(", ") }
        ));
        let mut comparing = Comparing::new(one.trace(row)?);
        io::copy(&mut other.trace(other_row)?, &mut comparing).map_err(unreadable)?;
        comparing.end().map_err(unreadable)?;
        if let Some((before, after)) = comparing.differs {
            text.push_str(&format!(
                "  from event {} on\n  {}: {}\n  {}: {}\n",
                comparing.same,
                first.display(),
                shown_line(&before),
                second.display(),
                shown_line(&after)
            ));
        }
    }
    for row in rows(&other_manifest) {
        if place(&one_manifest, &row["label"]).is_none() {
            different = true;
            let label = row["label"].as_str().unwrap_or_default();
            text.push_str(&format!("{label}: only in {}\n", second.display()));
        }
    }
    print(&text)?;
    Ok(u8::from(different))
}
