//! Commands that look at scenarios without running them.

use std::path::Path;

use leasehold_run::rules;
use leasehold_run::scenario::{self, Origin};

use super::args::{Color, LintArguments, ScenarioArguments};
use super::errors::{Failure, load_file, quoted, scenario_files, seed_set};
use super::print;

/// One line a scenario.
pub(super) fn list(directory: &Path) -> Result<u8, Failure> {
    let files = scenario_files(directory);
    if files.is_empty() {
        return Err(Failure::usage(format!(
            "error: no scenario below {}; name the folder, as in `sim list path/to/scenarios`",
            directory.display()
        )));
    }
    let shown: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let width = shown.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (file, name) in files.iter().zip(&shown) {
        let title = match load_file(file, &[], Color::Never) {
            Ok(loaded) => loaded.plan.title,
            Err(_) => format!("does not load; `sim lint {}` says why", quoted(name)),
        };
        text.push_str(&format!("{name:<width$}  {title}\n"));
    }
    print(&text)
}

/// Says of each file whether it loads.
pub(super) fn lint(asked: &LintArguments) -> Result<u8, Failure> {
    let mut worst = 0;
    for path in &asked.scenarios {
        match load_file(path, &[], asked.color) {
            Ok(loaded) => {
                let rows = loaded.plan.rows.len();
                let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
                print(&format!("{}: ok, {rows}\n", path.display()))?;
            }
            Err(failure) => worst = failure.report().max(worst),
        }
    }
    Ok(worst)
}

/// A commented scenario to begin with.
pub(super) fn init(path: &Path, force: bool) -> Result<u8, Failure> {
    const TEXT: &str = include_str!("init.toml");
    if path == Path::new("-") {
        return print(TEXT);
    }
    let shown = path.display();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    let written =
        options.open(path).and_then(|mut file| std::io::Write::write_all(&mut file, TEXT.as_bytes()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::usage(format!(
            "error: {shown} exists\n  name another file, or say --force to overwrite it"
        )),
        _ => Failure::io(&format!("cannot write {shown}"), &error),
    })?;
    print(&format!("written to {shown}; run it with:  sim run {}\n", quoted(&path.display().to_string())))
}

/// The JSON Schema of scenario files.
pub(super) fn schema() -> Result<u8, Failure> {
    print(&format!("{:#}\n", scenario::json_schema(&rules::names())))
}

/// Every value and its origin.
pub(super) fn explain(asked: &ScenarioArguments) -> Result<u8, Failure> {
    let mut sets = asked.overrides();
    if let Some(seed) = &asked.seed {
        sets.push(seed_set(seed));
    }
    let loaded = load_file(&asked.scenario, &sets, asked.color)?;
    let resolved = scenario::explain(&loaded.plan);
    let width = |of: &dyn Fn(&scenario::Resolved) -> &str| {
        resolved.iter().map(|value| of(value).chars().count()).max().unwrap_or(0)
    };
    let (paths, values) = (width(&|value| &value.path), width(&|value| &value.value_text));
    let mut text = String::new();
    for value in &resolved {
        let origin = match &value.origin {
            Origin::Default => "default".to_owned(),
            Origin::Share(words) => format!("default, {}", words.replace('`', "")),
            Origin::File { line } => format!("{}:{line}", loaded.file),
            Origin::Set => "--set".to_owned(),
            Origin::Sweep => "the sweep".to_owned(),
            Origin::Variant => "the variants".to_owned(),
        };
        text.push_str(&format!("{:<paths$}  {:<values$}  {origin}\n", value.path, value.value_text));
    }
    print(&text)
}

/// The sets of lease rules.
pub(super) fn rules() -> Result<u8, Failure> {
    let mut text = format!("{:<28}all ten rules, as production follows them\n", rules::SOUND);
    for named in rules::BROKEN {
        text.push_str(&format!("{:<28}{}\n", named.name, named.what));
    }
    print(&text)
}
