//! Self-contained pages: `--html FILE`, for every command that has a result.
//!
//! A page holds its data as JSON, and the viewer of `sim/page` (built by Vite, kept in `sim/page/dist`, checked by
//! `.ci/page`). It loads nothing: its content security policy forbids it.
//!
//! There is one door: [`Output::print`](super::output::Output::print) writes the page of whatever it prints. What is on it says
//! [`Report::sheet`](super::output::Report::sheet).

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use clap::Args;
use leasehold_run::sheet::{Sheet, Tone};
use serde_json::Value;

use super::errors::Failure;

const SCRIPT: &str = include_str!("../../page/dist/page.js");
const STYLE: &str = include_str!("../../page/dist/page.css");

/// Where a page goes.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Page {
    /// Draw the result in this file: a page that needs no network and nothing beside it. `sim help page` says what is on it.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) html: Option<PathBuf>,
}

/// What stands on a page.
#[derive(Debug)]
pub(super) struct Paper {
    /// The window's title.
    pub(super) title: String,
    /// What is shown where there are no scripts: the report for people.
    pub(super) text: String,
    /// What the viewer draws.
    pub(super) data: Value,
}

impl Page {
    /// Before anything is run: a page that cannot be written is known before the user has waited. Nothing is left behind.
    /// `others` are the files that the command reads, and those that it writes beside the page.
    pub(super) fn ready(&self, others: &[&Path]) -> Result<(), Failure> {
        let Some(path) = &self.html else { return Ok(()) };
        let shown = path.display();
        if path == Path::new("-") {
            return Err(Failure::usage(
                "error: a page goes to a file, not to standard output\n  name a file after --html",
            ));
        }
        let same = fs::canonicalize(path).ok();
        let is_same =
            |other: &&Path| *other == path || (same.is_some() && same == fs::canonicalize(other).ok());
        if others.iter().any(is_same) {
            return Err(Failure::usage(format!(
                "error: the page would overwrite {shown}, which this command reads or writes\n  name another file after --html"
            )));
        }
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => Err(Failure::usage(format!(
                "error: {shown} is a folder\n  name a file in it after --html, as in {}",
                path.join("page.html").display()
            ))),
            Ok(there) if there.is_file() => open(path).map_err(|error| failed(path, &error)),
            // To open a pipe is to wait for its reader.
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => open(path)
                // A link to a file that is not there yet stays a link.
                .and_then(|()| fs::remove_file(fs::canonicalize(path)?))
                .map_err(|error| failed(path, &error)),
            Err(error) => Err(failed(path, &error)),
        }
    }

    /// Writes the page, if one is wanted.
    pub(super) fn write(
        &self,
        paper: impl FnOnce() -> Result<Option<Paper>, Failure>,
    ) -> Result<(), Failure> {
        let Some(path) = &self.html else { return Ok(()) };
        let Some(paper) = paper()? else { return Ok(()) };
        replace(path, &paper.html()).map_err(|error| failed(path, &error))
    }
}

fn open(path: &Path) -> io::Result<()> {
    fs::OpenOptions::new().append(true).create(true).open(path).map(|_| ())
}

/// Writes a regular file as a whole or not at all, behind the links that lead to it. A pipe or a device is written as it is.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::write(path, text);
    }
    open(path)?;
    let path = fs::canonicalize(path)?;
    let mut part = path.clone().into_os_string();
    part.push(".part");
    fs::write(&part, text)?;
    fs::rename(&part, &path)
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::io(&format!("cannot write the page to {}", path.display()), error)
}

impl Paper {
    /// A sheet, and the report for people.
    pub(super) fn of(sheet: &Sheet, text: String) -> Paper {
        let sign = match sheet.tone {
            Tone::Good => "✓ ",
            Tone::Bad => "✗ ",
            Tone::Doubtful => "? ",
            Tone::Plain => "",
        };
        Paper {
            title: format!("{sign}{} {}", sheet.word, sheet.sentence),
            text,
            data: serde_json::to_value(sheet).expect("a sheet is plain data"),
        }
    }

    /// The page as text: a function of the paper alone.
    pub(super) fn html(&self) -> String {
        let (title, text) = (escaped(&self.title), escaped(&self.text));
        // No `<` in the data: nothing in it can end the element that holds it.
        let data = self.data.to_string().replace('<', "\\u003c");
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             script-src 'unsafe-inline'; img-src data:\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main id=\"page\">\n\
             <noscript><pre>{text}</pre></noscript>\n</main>\n\
             <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
        )
    }
}

/// A text as HTML shows it.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
