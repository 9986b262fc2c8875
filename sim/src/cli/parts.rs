//! `--shard I/N --out DIR`: one part of a result, for commands that many processes run.
//!
//! A part is a pure function of the command line, the scenario's text and this build. What the parts of a question have in
//! common is the [`Question`]: the arguments that its rows depend on, in one order, and the scenario's text. `sim merge` reads
//! both from the parts and runs the same command with rows in place of runs, so that its report is that of one process.

pub(super) mod merge;
mod words;

use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use leasehold_lab::swarm::{Bound, DRAW_VERSION, Profile, Subject, run_seed};
use leasehold_parts::{Build, Digest, Footer, Header, Part, PartError, Slice, Writer, shard};
use leasehold_run::display::count;
use leasehold_run::rules;
use serde_json::{Value, json};

use super::errors::{Failure, read};
use super::output::Output;
use super::run::stop_on_interrupt;
use super::{exit, print};
pub(super) use words::Words;

/// What all parts of a result have in common.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// The command.
    pub(super) what: &'static str,
    /// The scenario's file, as the user named it.
    pub(super) scenario: Option<&'a Path>,
    /// The arguments that rows depend on.
    pub(super) arguments: Words,
    /// What is counted, and from where to where.
    pub(super) wholes: Vec<(&'static str, Range<u64>)>,
    /// Where many points are answered one by one: the point.
    pub(super) point: Option<i128>,
}

/// What a shard was asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shard<'a> {
    /// Which one of how many, counted from 1.
    pub(super) number: (u64, u64),
    pub(super) folder: &'a Path,
    pub(super) output: &'a Output,
}

/// This build, as parts name it.
pub(super) fn build() -> &'static Build {
    /// Enough to run elections, faults and reads; some milliseconds.
    const SEEDS: Range<u64> = 0..8;
    static BUILD: OnceLock<Build> = OnceLock::new();
    BUILD.get_or_init(|| {
        let subject = Subject::from(Profile { rules: rules::SOUND, bound: Bound::Within });
        let mut canary = Digest::default();
        SEEDS.for_each(|seed| canary.add(&run_seed(seed, &subject).to_json().to_string()));
        Build {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            // Told by whoever builds a release: a build that asked git itself would depend on more than its sources.
            commit: option_env!("LEASEHOLD_COMMIT").map(str::to_owned),
            draw: u64::from(DRAW_VERSION),
            canary: canary.to_string(),
        }
    })
}

impl Question<'_> {
    fn header(&self, number: (u64, u64)) -> Result<Header, Failure> {
        let text = self.scenario.map(read).transpose()?;
        let slice = |(name, whole): &(&str, Range<u64>)| Slice {
            name: (*name).to_owned(),
            part: shard(whole, number.0, number.1),
            whole: whole.clone(),
        };
        Ok(Header {
            what: self.what.to_owned(),
            question: json!({ "arguments": self.arguments.as_slice(), "text": text }),
            build: build().clone(),
            point: self.point,
            slices: self.wholes.iter().map(slice).collect(),
            shard: number,
            label: self.scenario.map(|path| path.display().to_string()).unwrap_or_default(),
        })
    }
}

/// Writes one part, or finds it written. `work` is given the part's ranges and adds its rows; it says what they show, or
/// `None` if the user stopped it.
pub(super) fn write_part(
    asked: Shard<'_>,
    question: &Question<'_>,
    work: impl FnOnce(&[Range<u64>], &mut Writer) -> Result<Option<Value>, Failure>,
) -> Result<u8, Failure> {
    if asked.output.page.html.is_some() {
        return Err(Failure::usage(
            "error: --html: a shard is no result to draw\n  `sim merge DIR --html FILE` draws the whole",
        ));
    }
    let header = question.header(asked.number)?;
    let path = asked.folder.join(header.file_name());
    if path.exists() {
        match Part::open(&path).and_then(|part| Ok((part.check()?, part))) {
            Ok((footer, part)) => return say(asked, "cached", &part, &footer),
            Err(error @ PartError::Damaged { .. }) => {
                let _ = writeln!(std::io::stderr().lock(), "{error}; it is written anew");
            }
            Err(error) => return Err(error.into()),
        }
    }
    // From here on there is a file that an interrupt must remove.
    stop_on_interrupt();
    let mut writer = Writer::create(asked.folder, &header)?;
    let ranges: Vec<Range<u64>> = header.slices.into_iter().map(|slice| slice.part).collect();
    let Some(found) = work(&ranges, &mut writer)? else {
        let _ =
            writeln!(std::io::stderr().lock(), "interrupted: no part is written; run the same shard again");
        return Ok(exit::INTERRUPTED);
    };
    let part = writer.finish(&found)?;
    let footer = part.check()?;
    say(asked, "written", &part, &footer)
}

fn say(asked: Shard<'_>, state: &str, part: &Part, footer: &Footer) -> Result<u8, Failure> {
    if asked.output.wants_json() {
        let line = json!({
            "schema": 1,
            "part": part.path.display().to_string(),
            "state": state,
            "rows": footer.rows,
            "digest": footer.digest.to_string(),
            "found": footer.found,
        });
        return print(&format!("{line}\n"));
    }
    if asked.output.quiet {
        return Ok(0);
    }
    let ranges: Vec<String> = part.header.slices.iter().map(words).collect();
    let found = match footer.found.as_object() {
        Some(found) => {
            found.iter().map(|(key, value)| format!(", {} {value}", key.replace('_', " "))).collect()
        }
        None => String::new(),
    };
    print(&format!(
        "{state}: {}\n  {}: {} rows{found}\n",
        part.path.display(),
        ranges.join(", "),
        count(footer.rows)
    ))
}

fn words(slice: &Slice) -> String {
    format!("{} {}..{}", slice.name, slice.part.start, slice.part.end)
}
