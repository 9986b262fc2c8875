//! `sim merge`: many parts, one result.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use leasehold_parts::{Coverage, Digest, Header, Part, PartError, coverage, survey};
use leasehold_run::display::count;
use rayon::prelude::*;
use serde_json::Value;

use super::super::args::{Arguments, Command, MergeArguments};
use super::super::errors::{Failure, keep, quoted};
use super::super::{explore, frontier, probability, threshold};
use super::build;

/// Gaps, doubles and damaged files that are told one by one.
const TOLD_MAX: usize = 12;

/// Reads one part into a value, and tells the digest that its footer says.
type Reading<'a, T> = dyn Fn(&Part) -> Result<(T, Digest), Failure> + Sync + 'a;

/// The parts of one question, checked to belong together.
#[derive(Debug)]
pub(in crate::cli) struct Parts {
    pub(in crate::cli) parts: Vec<Part>,
    damaged: Vec<(PathBuf, String)>,
    header: Header,
}

pub(in crate::cli) fn merge(asked: MergeArguments) -> Result<u8, Failure> {
    if let Some(jobs) = asked.jobs {
        // Only the first call in a process counts, and this is it.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global();
    }
    let found = survey(&asked.parts)?;
    if !found.unfinished.is_empty() && !asked.output.quiet {
        let _ = writeln!(
            std::io::stderr().lock(),
            "{} unfinished files are ignored: a process is writing them, or was killed; {} is one",
            count(found.unfinished.len() as u64),
            found.unfinished[0].display()
        );
    }
    let Some(first) = found.parts.first() else {
        return match found.damaged.first() {
            Some((path, why)) => Err(PartError::Damaged { path: path.clone(), why: why.clone() }.into()),
            None => {
                Err(Failure::usage("error: no parts there; `sim explore --shard 1/4 --out DIR` writes one"))
            }
        };
    };
    let header = first.header.clone();
    same_build(&header, &first.path)?;
    let command = command(&header)?;
    refuse_what_does_nothing(&asked, &command)?;
    if let Some(text) = header.question.get("text").and_then(Value::as_str) {
        keep(text);
    }
    let parts = Parts { parts: found.parts, damaged: found.damaged, header };
    match command {
        Command::Explore(mut explore) => {
            explore.output = asked.output.clone();
            explore.expect = asked.expect;
            explore::merge(&explore, &parts, asked.out.as_deref())
        }
        Command::Probability(mut probability) => {
            (probability.output, probability.scenario.color) = (asked.output, asked.color);
            probability::probability(&probability, Some(&parts))
        }
        Command::Frontier(mut frontier) => {
            (frontier.output, frontier.scenario.color) = (asked.output, asked.color);
            (frontier.csv, frontier.svg) = (asked.csv, asked.svg);
            frontier::frontier(&frontier, Some(&parts))
        }
        Command::Threshold(mut threshold) => {
            (threshold.output, threshold.scenario.color) = (asked.output, asked.color);
            threshold::threshold(&threshold, Some(&parts))
        }
        _ => Err(Failure::usage(format!("error: parts of `sim {}` cannot be merged", parts.header.what))),
    }
}

/// An option for another kind of parts would be passed over in silence, and a file that was asked for would be missing.
fn refuse_what_does_nothing(asked: &MergeArguments, command: &Command) -> Result<(), Failure> {
    let (explore, frontier) =
        (matches!(command, Command::Explore(_)), matches!(command, Command::Frontier(_)));
    for (option, given, of, fits) in [
        ("--out", asked.out.is_some(), "explorations", explore),
        ("--expect", asked.expect.is_some(), "explorations", explore),
        ("--csv", asked.csv.is_some(), "frontiers", frontier),
        ("--svg", asked.svg.is_some(), "frontiers", frontier),
    ] {
        if given && !fits {
            return Err(Failure::usage(format!(
                "error: {option} is for {of}; these are parts of something else\n  leave it out"
            )));
        }
    }
    Ok(())
}

/// Would this program give the same rows?
fn same_build(header: &Header, path: &std::path::Path) -> Result<(), Failure> {
    let (theirs, ours) = (&header.build, build());
    if theirs == ours {
        return Ok(());
    }
    let words = |build: &leasehold_parts::Build| {
        let commit = build.commit.as_deref().map_or(String::new(), |commit| format!(" of commit {commit}"));
        format!(
            "sim {}{commit}, draw {}, runs {}",
            build.version,
            build.draw,
            &build.canary[..8.min(build.canary.len())]
        )
    };
    Err(Failure::usage(format!(
        "error: {} was made by {}; this is {}: their seeds may mean different runs\n  merge with the program that made the parts",
        path.display(),
        words(theirs),
        words(ours)
    )))
}

/// The command that the parts answer, as if it had been typed.
fn command(header: &Header) -> Result<Command, Failure> {
    let wrong = || {
        Failure::usage(format!("error: the parts ask `sim {}` something that it does not know", header.what))
    };
    let arguments = header.question.get("arguments").and_then(Value::as_array).ok_or_else(wrong)?;
    let mut words = vec!["sim".to_owned(), header.what.clone()];
    words.extend(arguments.iter().filter_map(Value::as_str).map(str::to_owned));
    if !header.label.is_empty() {
        // A file may be named like an option.
        words.extend(["--".to_owned(), header.label.clone()]);
    }
    let parsed = Arguments::try_parse_from(words).ok();
    parsed.and_then(|parsed| parsed.command).ok_or_else(wrong)
}

impl Parts {
    /// Refuses what is there twice. Names the shards that are missing.
    pub(in crate::cli) fn demand_all(&self) -> Result<(), Failure> {
        self.complete(&self.parts.iter().collect::<Vec<_>>(), "")
    }

    fn complete(&self, parts: &[&Part], more: &str) -> Result<(), Failure> {
        let parts: Vec<Part> = parts.iter().map(|part| (*part).clone()).collect();
        let found = coverage(&self.header.slices, &parts);
        refuse_doubles(&found)?;
        let mut lines = Vec::new();
        for (path, why) in self.damaged.iter().take(TOLD_MAX) {
            lines.push(format!("{} is damaged: {why}", path.display()));
        }
        for (name, range) in found.missing.iter().take(TOLD_MAX) {
            lines.push(format!("{name} {}..{} are missing", range.start, range.end));
        }
        if found.missing.len() > TOLD_MAX {
            lines.push(format!("and {} more ranges", found.missing.len() - TOLD_MAX));
        }
        // A damaged file beside a whole set is a stranger.
        if found.missing.is_empty() {
            return Ok(());
        }
        lines.push(self.again(&found, more));
        Err(Failure::incomplete(format!("error: {}", lines.join("\n  "))))
    }

    /// What to run so that nothing is missing.
    fn again(&self, found: &Coverage, more: &str) -> String {
        let Some((shards, of)) = &found.shards else {
            return "run their shards, and merge again".to_owned();
        };
        let told: Vec<String> = shards.iter().take(TOLD_MAX).map(u64::to_string).collect();
        let dots = if shards.len() > TOLD_MAX { ", ..." } else { "" };
        format!(
            "run again, for I in {}{dots}:  {} --shard I/{of} --out DIR",
            told.join(", "),
            self.command(more)
        )
    }

    /// The command line without its shard.
    pub(in crate::cli) fn command(&self, more: &str) -> String {
        let arguments = self.header.question.get("arguments").and_then(Value::as_array);
        let arguments = arguments.into_iter().flatten().filter_map(Value::as_str);
        let mut words = vec!["sim".to_owned(), self.header.what.clone()];
        if !self.header.label.is_empty() {
            words.push(quoted(&self.header.label));
        }
        words.extend(arguments.map(quoted));
        if !more.is_empty() {
            words.push(more.to_owned());
        }
        words.join(" ")
    }

    /// The number of shards that the first part is one of.
    pub(in crate::cli) fn shards(&self) -> u64 {
        self.header.shard.1
    }

    /// Every row as JSON, in the order of the parts. For results that are small.
    pub(in crate::cli) fn rows(&self) -> Result<Vec<Value>, Failure> {
        self.demand_all()?;
        let mut rows = Vec::new();
        for part in &self.parts {
            part.read(&mut |line| {
                rows.push(serde_json::from_str::<Value>(line).map_err(|_| foreign(part))?);
                Ok::<(), Failure>(())
            })?;
        }
        Ok(rows)
    }

    /// Reads all parts side by side, each into one value, and joins the values. Only the values are in memory.
    pub(in crate::cli) fn fold<T: Send>(
        &self,
        each: &Reading<'_, T>,
        join: &mut dyn FnMut(T),
    ) -> Result<Digest, Failure> {
        /// Parts whose values are in memory at once.
        const AT_ONCE: usize = 64;
        self.demand_all()?;
        let mut digest = Digest::default();
        for parts in self.parts.chunks(AT_ONCE) {
            let values: Vec<Result<(T, Digest), Failure>> = parts.par_iter().map(each).collect();
            for value in values {
                let (value, part) = value?;
                digest.join(part);
                join(value);
            }
        }
        Ok(digest)
    }

    /// The parts of each point.
    pub(in crate::cli) fn points(&self) -> Result<BTreeMap<i128, Point<'_>>, Failure> {
        let mut points: BTreeMap<i128, Vec<&Part>> = BTreeMap::new();
        for part in &self.parts {
            points.entry(part.header.point.unwrap_or_default()).or_default().push(part);
        }
        let mut found = BTreeMap::new();
        for (value, parts) in points {
            let owned: Vec<Part> = parts.iter().map(|part| (*part).clone()).collect();
            let covered = coverage(&self.header.slices, &owned);
            refuse_doubles(&covered)?;
            let mut rows = Vec::new();
            for part in &parts {
                part.read(&mut |line| {
                    rows.push(serde_json::from_str::<Value>(line).map_err(|_| foreign(part))?);
                    Ok::<(), Failure>(())
                })?;
            }
            found.insert(value, Point { owner: self, parts, rows, complete: covered.missing.is_empty() });
        }
        Ok(found)
    }
}

/// One point of a question, as far as its parts are there.
#[derive(Debug)]
pub(in crate::cli) struct Point<'a> {
    owner: &'a Parts,
    parts: Vec<&'a Part>,
    /// In the order of the parts.
    pub(in crate::cli) rows: Vec<Value>,
    /// All parts are there.
    pub(in crate::cli) complete: bool,
}

impl Point<'_> {
    /// Names the shards of this point that are missing; `more` chooses the point on the command line.
    pub(in crate::cli) fn demand_all(&self, more: &str) -> Result<(), Failure> {
        self.owner.complete(&self.parts, more)
    }
}

fn refuse_doubles(found: &Coverage) -> Result<(), Failure> {
    let Some((name, range, first, second)) = found.twice.first() else { return Ok(()) };
    Err(Failure::usage(format!(
        "error: {name} {}..{} are there twice, in {} and in {}\n  remove one of the two, and merge again",
        range.start,
        range.end,
        first.display(),
        second.display()
    )))
}

/// A row that this command does not write.
pub(in crate::cli) fn foreign(part: &Part) -> Failure {
    PartError::Damaged { path: part.path.clone(), why: "a row is not one of this command".to_owned() }.into()
}
