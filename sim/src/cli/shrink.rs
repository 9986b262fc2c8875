//! `sim shrink`.

use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use leasehold_lab::shrink::{
    Progress, ShrinkSubject, Size, Smallest, shrink as smallest, shrink_sheet, text,
};
use leasehold_run::display::{count, shell_word};
use leasehold_run::scenario::{Plan, Row};

use super::args::ShrinkArguments;
use super::errors::{Failure, Loaded, load, quoted};
use super::page::Paper;
use super::run::{choose_row, interruptible};
use super::{exit, guests, print};

pub(super) fn shrink(asked: &ShrinkArguments) -> Result<u8, Failure> {
    let stop = interruptible("stopping with the smallest so far; Ctrl-C again stops at once");
    let mut loaded = load(&asked.scenario)?;
    choose_row(&mut loaded.plan, asked.row.as_deref())?;
    let row = only_row(&loaded)?;
    let target = asked.output.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(path) = target {
        refuse_to_overwrite(path, asked.force)?;
    }
    guests::check(&row.scenario.setup)?;
    let bar = bar(asked.quiet);
    let found = smallest(&row.scenario.setup, stop, &mut |progress| bar.set_message(line(progress)));
    bar.finish_and_clear();
    guests::failed()?;
    let Some(found) = found else { return Err(nothing(&loaded, row)) };
    let mut origin = format!("{}, seed {}", loaded.file, row.scenario.setup.seed);
    for set in asked.scenario.overrides().into_iter().chain(row_sets(&loaded.plan, row)) {
        origin.push_str(&format!(", {set}"));
    }
    let shrunk = text(&found, &origin, &row.scenario.story);
    match target {
        None => {
            print(&shrunk.text)?;
        }
        Some(path) => write(path, &shrunk.text, asked.force)?,
    }
    let shown = target.map(|path| path.display().to_string());
    if !asked.quiet {
        say(&found, shown.as_deref(), shrunk.draws);
    }
    asked.page.write(|| {
        let mut replay = format!("sim run {}{}", quoted(&loaded.file), loaded.arguments);
        if let Some(label) = &asked.row {
            replay.push_str(&format!(" --row {}", quoted(label)));
        }
        let subject = ShrinkSubject {
            origin: &origin,
            before: &Arc::new(row.scenario.setup.clone()),
            replay: &replay,
            found: &found,
            shrunk: &shrunk,
            file: shown.as_deref(),
        };
        let paper = Paper::of(&shrink_sheet(&subject), shrunk.text.clone());
        guests::failed().map(|()| Some(paper))
    })?;
    if !found.complete {
        return Ok(exit::INTERRUPTED);
    }
    Ok(if shrunk.draws == 0 { 0 } else { exit::UNDECIDED })
}

/// What makes the row out of the file.
fn row_sets<'a>(plan: &Plan, row: &'a Row) -> impl Iterator<Item = String> + use<'a> {
    let named = plan.sweep.is_none() && !row.label.is_empty();
    let name = named.then(|| format!("row {}", row.label)).into_iter();
    let swept = if plan.sweep.is_some() { &row.set[..] } else { &[] };
    name.chain(swept.iter().map(|(path, value)| format!("{path}={value}")))
}

fn only_row(loaded: &Loaded) -> Result<&Row, Failure> {
    if let [row] = loaded.plan.rows.as_slice() {
        return Ok(row);
    }
    let labels: Vec<&str> = loaded.plan.rows.iter().map(|row| row.label.as_str()).collect();
    let last = labels.last().copied().unwrap_or_default();
    Err(Failure::usage(format!(
        "error: {} has {} rows; say which one to shrink\n  as in --row {}\n  rows are {}",
        loaded.file,
        labels.len(),
        quoted(last),
        labels.join(", ")
    )))
}

fn nothing(loaded: &Loaded, row: &Row) -> Failure {
    let label = if row.label.is_empty() { String::new() } else { format!(" (row {})", row.label) };
    let file = shell_word(&loaded.file);
    Failure::nothing(format!(
        "nothing to shrink: seed {} of {}{label} shows no stale read, no broken invariant, no time\n  at which two nodes could serve, and no cluster that did not come back\n  \
         try other seeds:  cargo sim shrink {file} --seed N\n  \
         see every row:    cargo sim run {file}\n  \
         search for one:   cargo sim explore --beyond",
        row.scenario.setup.seed, loaded.file
    ))
}

/// Before the search: a file that must not be overwritten is known before the user has waited.
fn refuse_to_overwrite(path: &Path, force: bool) -> Result<(), Failure> {
    if path.exists() && !force {
        let shown = path.display();
        return Err(Failure::usage(format!(
            "error: {shown} exists\n  say --force to overwrite it, or name another file after --output"
        )));
    }
    Ok(())
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    // Somebody may have made it meanwhile.
    options.write(true).create(true).truncate(true).create_new(!force);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::usage(format!("error: {} exists by now", path.display())),
        _ => Failure::io(&format!("cannot write {}", path.display()), &error),
    })
}

fn bar(quiet: bool) -> indicatif::ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new_spinner();
    let style = indicatif::ProgressStyle::with_template("{spinner} {msg}");
    bar.set_style(style.expect("the template is a constant"));
    bar
}

/// `operations 412 -> 3, faults 5 -> 1, nodes 5 -> 3, 1 024 runs`.
fn line(progress: &Progress) -> String {
    let Progress { from, now, runs } = progress;
    let part = |name: &str, size: fn(&Size) -> usize| {
        format!("{name} {} -> {}", count(size(from) as u64), count(size(now) as u64))
    };
    [
        part("operations", |size| size.operations),
        part("faults", |size| size.faults),
        part("nodes", |size| size.nodes),
        format!("{} runs", count(*runs)),
    ]
    .join(", ")
}

fn say(found: &Smallest, path: Option<&str>, draws: usize) {
    let mut errors = std::io::stderr().lock();
    let from = found.progress.from.draws;
    let _ = writeln!(
        errors,
        "{}, decisions left to chance {} -> {}",
        line(&found.progress),
        count(from as u64),
        count(draws as u64)
    );
    if !found.complete {
        let _ = writeln!(errors, "interrupted: this is the smallest so far");
    } else if draws > 0 {
        let _ =
            writeln!(errors, "UNDECIDED: it still depends on its seed; no scenario without chance was found");
    }
    if let Some(path) = path {
        let _ = writeln!(errors, "written to {path}; show it with:  cargo sim run {}", shell_word(path));
    }
}
