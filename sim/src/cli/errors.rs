//! What can go wrong before there is a result, and scenario files as they are read.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use leasehold_parts::PartError;
use leasehold_run::rules;
use leasehold_run::scenario::{self, Plan};

use super::args::{Color, ScenarioArguments};
use super::{exit, guests};

/// Why there is no result.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(super) fn usage(message: impl Into<String>) -> Failure {
        Failure { code: exit::USAGE, message: message.into() }
    }

    pub(super) fn with(code: u8, message: String) -> Failure {
        Failure { code, message }
    }

    pub(super) fn nothing(message: impl Into<String>) -> Failure {
        Failure { code: exit::NOTHING, message: message.into() }
    }

    /// `what` could not be done, as in "cannot write the trace".
    pub(super) fn io(what: &str, error: &std::io::Error) -> Failure {
        Failure { code: exit::IO, message: format!("error: {what}: {error}") }
    }

    /// Parts are missing or damaged: to run their shards again helps.
    pub(super) fn incomplete(message: impl Into<String>) -> Failure {
        Failure { code: exit::INCOMPLETE, message: message.into() }
    }

    /// Says so on standard error and tells the exit code.
    pub(super) fn report(self) -> u8 {
        let _ = writeln!(std::io::stderr().lock(), "{}", self.message.trim_end());
        self.code
    }
}

impl From<PartError> for Failure {
    fn from(error: PartError) -> Failure {
        match error {
            PartError::Io { .. } => Failure { code: exit::IO, message: format!("error: {error}") },
            PartError::Damaged { .. } => {
                Failure::incomplete(format!("error: {error}\n  run its shard again: it is written anew"))
            }
            PartError::Mixed { .. } => Failure::usage(format!(
                "error: {error}\n  keep the parts of each question in a folder of their own"
            )),
        }
    }
}

/// A scenario as the user asked for it.
pub(super) struct Loaded {
    /// As the user named it.
    pub(super) file: String,
    /// What stood in it.
    pub(super) text: String,
    pub(super) plan: Plan,
    /// What the user added, as it must be added again, with a space in front of each word.
    pub(super) arguments: String,
}

/// Reads a scenario file with the user's overrides. A seed that nobody has given is drawn, and said.
pub(super) fn load(asked: &ScenarioArguments) -> Result<Loaded, Failure> {
    let mut arguments = String::new();
    let mut sets = asked.overrides();
    if let Some(seed) = &asked.seed {
        sets.push(seed_set(seed));
        arguments.push_str(&format!(" --seed {}", quoted(seed)));
    }
    for set in &asked.sets {
        arguments.push_str(&format!(" --set {}", quoted(set)));
    }
    if let Some(guest) = &asked.guest {
        arguments.push_str(&format!(" --guest {}", quoted(guest)));
    }
    let mut loaded = load_file(&asked.scenario, &sets, asked.color)?;
    let resolved = scenario::explain(&loaded.plan);
    let given = |seed: &scenario::Resolved| seed.origin != scenario::Origin::Default;
    if !resolved.iter().any(|value| value.path == "seed" && given(value)) {
        let seed = getrandom::u64().map_err(|error| Failure::usage(format!("error: no seed: {error}")))?;
        let _ = writeln!(std::io::stderr().lock(), "seed {seed}, drawn; repeat with --seed {seed}");
        let _ = super::DRAWN_SEED.set(seed);
        sets.push(seed_set(&seed.to_string()));
        arguments.push_str(&format!(" --seed {seed}"));
        loaded = load_file(&asked.scenario, &sets, asked.color)?;
    }
    Ok(Loaded { arguments, ..loaded })
}

/// A seed that the arguments have checked, as an override. As text, so that one of 40 hexadecimal digits that happen to be
/// decimal stays what it is.
pub(super) fn seed_set(seed: &str) -> String {
    format!("seed=\"{seed}\"")
}

/// Reads a scenario file. Warnings go to standard error.
pub(super) fn load_file(path: &Path, sets: &[String], color: Color) -> Result<Loaded, Failure> {
    let mut file = path.display().to_string();
    if file.starts_with('-') && file != "-" {
        // In a replay line it would be taken for an option.
        file.insert_str(0, "./");
    }
    let text = read(path)?;
    let colored = color.wanted(&std::io::stderr());
    match scenario::load(&file, &text, sets, &rules::names()) {
        Ok(mut plan) => {
            guests::seat(&mut plan)?;
            if !plan.warnings.is_empty() {
                let _ = writeln!(std::io::stderr().lock(), "{}", plan.warnings.render(colored).trim_end());
            }
            Ok(Loaded { file, text, plan, arguments: String::new() })
        }
        Err(problems) => Err(Failure::usage(problems.render(colored))),
    }
}

/// The text that the parts of a merge have kept. The scenario's file may be on another machine, or may have changed.
static KEPT: OnceLock<String> = OnceLock::new();

/// From now on this is the text of the scenario, whatever its file holds. One merge has one scenario.
pub(super) fn keep(text: &str) {
    let _ = KEPT.set(text.to_owned());
}

/// The text of a scenario. Standard input is read once: a seed that is drawn must not read it again.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    if let Some(text) = KEPT.get() {
        return Ok(text.clone());
    }
    static STANDARD_INPUT: OnceLock<String> = OnceLock::new();
    if path != Path::new("-") {
        return std::fs::read_to_string(path).map_err(|error| unreadable(path, &error));
    }
    if let Some(text) = STANDARD_INPUT.get() {
        return Ok(text.clone());
    }
    let text = std::io::read_to_string(std::io::stdin()).map_err(|error| {
        Failure::usage(format!("error: cannot read a scenario from standard input: {error}"))
    })?;
    Ok(STANDARD_INPUT.get_or_init(|| text).clone())
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    if path.is_dir() {
        let folder = quoted(&path.display().to_string());
        return Failure::usage(format!(
            "error: {} is a folder, not a scenario\n  `sim list {folder}` shows the scenarios in it",
            path.display()
        ));
    }
    let mut message = format!("error: cannot read the scenario {}: {error}", path.display());
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let known = scenario_files(Path::new("scenarios"));
    let stems = known.iter().filter_map(|known| known.file_stem()?.to_str());
    if let Some(near) = nearest(stem, stems)
        .and_then(|near| known.iter().find(|known| known.file_stem().is_some_and(|stem| stem == near)))
    {
        message.push_str(&format!("\n  did you mean {}?", near.display()));
    }
    message.push_str("\n  `sim list` shows the scenarios there are");
    Failure::usage(message)
}

/// The known word that is most like this one, if one is like it.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |known: &str| strsim::jaro_winkler(word, known);
    let near = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(near) > 0.8).then_some(near)
}

/// All scenario files below a folder, sorted.
pub(super) fn scenario_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            // A link to a folder is not followed: it may lead back.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// As a shell would have it.
pub(super) fn quoted(word: &str) -> String {
    leasehold_run::display::shell_word(word)
}
