//! Traces that `sim run` writes beside its report: `--trace`, `--perfetto`, `--shiviz`.
//!
//! Files are opened before the rows are run: a file that cannot be written is known before the user has waited. A trace is
//! written by playing the row again.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use leasehold::time::Span;
use leasehold_run::display::{count, instant};
use leasehold_run::export::{decisive, perfetto, shiviz};
use leasehold_run::report::Subject;
use leasehold_run::run::run_watched;
use leasehold_run::scenario::{Plan, Row, units};
use leasehold_run::trace::TraceWriter;

use super::args::RunArguments;
use super::errors::Failure;

/// All that is to be written.
pub(super) struct Traces {
    lines: Option<Target>,
    perfetto: Option<Target>,
    shiviz: Option<Target>,
    shiviz_until: Option<Span>,
}

impl Traces {
    /// Opens the files, and empties them.
    pub(super) fn create(asked: &RunArguments) -> Result<Traces, Failure> {
        let files = [
            ("--html", &asked.output.page.html),
            ("--trace", &asked.trace),
            ("--perfetto", &asked.perfetto),
            ("--shiviz", &asked.shiviz),
        ];
        let named: Vec<(&str, &PathBuf)> =
            files.iter().filter_map(|(option, path)| Some((*option, path.as_ref()?))).collect();
        for (place, (option, path)) in named.iter().enumerate() {
            if let Some((first, _)) = named[..place].iter().find(|(_, other)| other == path) {
                return Err(Failure::usage(format!(
                    "error: {first} and {option} name the same file, {}\n  name two files",
                    path.display()
                )));
            }
        }
        let shiviz_until = match asked.shiviz_until.as_deref() {
            None => None,
            Some(text) => Some(units::span(text).map_err(|problem| {
                Failure::usage(format!("error: --shiviz-until: {problem}\n  write a true time, as in 12.5s"))
            })?),
        };
        let open = |option, path: &Option<PathBuf>| match path {
            Some(path) => {
                Target::create(option, path, &asked.scenario.scenario, asked.output.quiet).map(Some)
            }
            None => Ok(None),
        };
        Ok(Traces {
            lines: open("--trace", &asked.trace)?,
            perfetto: open("--perfetto", &asked.perfetto)?,
            shiviz: open("--shiviz", &asked.shiviz)?,
            shiviz_until,
        })
    }

    /// Plays the rows again and writes. Tells whether it came to the end.
    pub(super) fn write(
        self,
        subject: &Subject<'_>,
        quiet: bool,
        stop: &AtomicBool,
    ) -> Result<bool, Failure> {
        let mut complete = true;
        if let Some(target) = self.lines {
            complete &= write_lines(target, subject.plan, stop)?;
        }
        let row = told_row(subject);
        let goes_on = |target: &Target| {
            if stop.load(Ordering::Relaxed) {
                say(&format!("interrupted: {} is empty", target.path.display()));
                return false;
            }
            if !quiet && subject.plan.rows.len() > 1 {
                say(&format!("{} holds the row {}; --row chooses another", target.path.display(), row.label));
            }
            true
        };
        if let Some(target) = self.perfetto {
            match goes_on(&target) {
                true => write_perfetto(target, row, subject.file)?,
                false => complete = false,
            }
        }
        if let Some(target) = self.shiviz {
            match goes_on(&target) {
                true => write_shiviz(target, row, self.shiviz_until, quiet)?,
                false => complete = false,
            }
        }
        Ok(complete)
    }
}

/// The row whose stale read the report tells of; else the first.
fn told_row<'a>(subject: &Subject<'a>) -> &'a Row {
    let place = subject.explanation.map_or(0, |(place, _)| *place);
    &subject.plan.rows[place]
}

fn write_perfetto(target: Target, row: &Row, file: &str) -> Result<(), Failure> {
    let setup = Arc::new(row.scenario.setup.clone());
    let label = if row.label.is_empty() { String::new() } else { format!(", {}", row.label) };
    let title = format!("{file}{label}, seed {}", setup.seed);
    let mut to = target.to;
    let mut trace = perfetto::Trace::new(setup.clone(), &title, &mut to);
    let _ = run_watched(&setup, &mut trace);
    trace.finish().map_err(|error| failed(&target.path, &error))
}

fn write_shiviz(target: Target, row: &Row, until: Option<Span>, quiet: bool) -> Result<(), Failure> {
    let setup = Arc::new(row.scenario.setup.clone());
    let until = until.map_or_else(|| decisive(&setup), Span::as_nanos);
    let mut log = shiviz::Log::new(setup.clone(), until);
    let _ = run_watched(&setup, &mut log);
    if !quiet && log.dropped() > 0 {
        say(&format!(
            "{} holds {} events up to {}; {} earlier ones are left out",
            target.path.display(),
            count(log.len() as u64),
            instant(until),
            count(log.dropped())
        ));
    }
    log.write(target.to).map_err(|error| failed(&target.path, &error))
}

fn write_lines(mut target: Target, plan: &Plan, stop: &AtomicBool) -> Result<bool, Failure> {
    for (done, row) in plan.rows.iter().enumerate() {
        if stop.load(Ordering::Relaxed) {
            say(&format!(
                "interrupted: {} holds the trace of {done} of {} rows",
                target.path.display(),
                plan.rows.len()
            ));
            return Ok(false);
        }
        let setup = Arc::new(row.scenario.setup.clone());
        let mut writer = TraceWriter::new(setup.clone(), &row.label, &mut target.to);
        let _ = run_watched(&setup, &mut writer);
        writer.finish().map_err(|error| failed(&target.path, &error))?;
    }
    Ok(true)
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::io(&format!("cannot write the trace to {}", path.display()), error)
}

/// An open file, or standard output.
struct Target {
    path: PathBuf,
    to: BufWriter<Box<dyn Write>>,
}

impl Target {
    fn create(option: &str, path: &Path, scenario: &Path, quiet: bool) -> Result<Target, Failure> {
        let open = |to: Box<dyn Write>| Target { path: path.to_owned(), to: BufWriter::new(to) };
        if path == Path::new("-") {
            return match quiet {
                true => Ok(open(Box::new(std::io::stdout()))),
                false => Err(Failure::usage(format!(
                    "error: {option} - writes to standard output, where the report goes\n  say --quiet as well"
                ))),
            };
        }
        let same = std::fs::canonicalize(path).ok();
        if same.is_some() && same == std::fs::canonicalize(scenario).ok() {
            return Err(Failure::usage(format!(
                "error: the trace would overwrite the scenario {}\n  name another file after {option}",
                scenario.display()
            )));
        }
        File::create(path).map(|file| open(Box::new(file))).map_err(|error| failed(path, &error))
    }
}
