//! `sim live`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use leasehold_check::history_file::{sequential, write_json_lines};
use leasehold_live::report::{LiveSubject, Simulated, live_exit_code, live_failure, live_json, live_text};
use leasehold_live::{Options, Progress, impossible, latencies, live_sheet};
use leasehold_run::blame::Blame;
use leasehold_run::display::{count, instant};
use leasehold_run::report::{Style, Subject};
use leasehold_run::run::{Outcome, run as run_setup};
use leasehold_run::scenario::Row;
use leasehold_run::setup::Setup;
use leasehold_run::sheet::Sheet;
use leasehold_run::study::{Study, row_of};

use super::args::ScenarioArguments;
use super::errors::{Failure, load, quoted};
use super::exit;
use super::output::{Case, Output, Report, command_to_repeat, rows_as_cases, style};
use super::run::choose_row;

#[derive(Debug, Args)]
pub(super) struct LiveArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// Run this row (of a sweep) or variant; a scenario with several needs it.
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    row: Option<String>,
    /// How long, instead of the scenario's duration: 30s, 10m, 1h.
    #[arg(long = "for", value_name = "TIME")]
    lasts: Option<String>,
    /// The `leasehold` binary; the one beside `sim`, or else on the PATH, where not given.
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    node: Option<PathBuf>,
    /// Keep the nodes' data here, one folder a node; the folder must be empty or not exist.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    keep: Option<PathBuf>,
    /// Write the history to this file, as `sim check` reads it.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) history: Option<PathBuf>,
    /// Do not show beside it what the simulator shows of the same scenario.
    #[arg(long)]
    no_simulation: bool,
    /// Print no progress on standard error.
    #[arg(long)]
    no_progress: bool,
    #[command(flatten)]
    pub(super) output: Output,
}

pub(super) fn run(asked: &LiveArguments) -> Result<u8, Failure> {
    let stop = stop_on_interrupt();
    let mut scenario = asked.scenario.clone();
    scenario.sets.extend(asked.lasts.iter().map(|lasts| format!("duration={lasts}")));
    let mut loaded = load(&scenario)?;
    choose_row(&mut loaded.plan, asked.row.as_deref())?;
    let [row] = loaded.plan.rows.as_slice() else {
        let labels: Vec<&str> = loaded.plan.rows.iter().map(|row| row.label.as_str()).collect();
        return Err(Failure::usage(format!(
            "error: {} has {} rows, and a live run is of one\n  choose one with --row: {}",
            loaded.file,
            labels.len(),
            labels.join(", ")
        )));
    };
    if let Some(label) = &asked.row {
        loaded.arguments.push_str(&format!(" --row {}", quoted(label)));
    }
    let setup = &row.scenario.setup;
    refuse_what_cannot_be(&loaded.file, setup)?;
    let binary = node_binary(asked.node.as_deref())?;
    let history = asked.history.as_deref().map(create).transpose()?;
    let (directory, _removed_at_the_end) = data_directory(asked.keep.as_deref())?;
    let options = Options { node: binary, directory };

    let end = setup.duration.as_nanos();
    let mut tell = |progress: Progress| {
        if !asked.output.quiet && !asked.no_progress {
            say(setup, end, progress);
        }
    };
    let (whole, found) =
        leasehold_live::run(setup, &options, stop, &mut tell).map_err(|problem| failed(&problem))?;
    if let Some((path, mut file)) = history {
        let operations = sequential(&found.outcome.checked_operations());
        write_json_lines(&operations, &mut file)
            .and_then(|()| file.flush())
            .map_err(|error| Failure::io(&format!("cannot write the history {}", path.display()), &error))?;
    }
    let study =
        Study::of_one(row_of(row, &whole, &found.outcome, unsplit(&found.outcome)), found.interrupted);
    let simulated = (!asked.no_simulation && !found.interrupted).then(|| simulate(row));
    let latencies = latencies(&found.outcome.history);
    let subject = Subject {
        file: &loaded.file,
        arguments: &loaded.arguments,
        plan: &loaded.plan,
        study: &study,
        explanation: None,
    };
    let live = LiveSubject { subject, found: &found, latencies: &latencies, simulated: simulated.as_ref() };
    asked.output.print(&live, asked.scenario.color)?;
    let style = style(&std::io::stderr(), asked.scenario.color);
    if let Some(failure) = live_failure(&live, style) {
        let _ = std::io::stderr().lock().write_all(failure.as_bytes());
    }
    Ok(live_exit_code(&live))
}

impl Report for LiveSubject<'_> {
    fn human(&self, style: Style) -> String {
        live_text(self, style)
    }

    fn json(&self) -> serde_json::Value {
        live_json(self)
    }

    fn sheet(&self) -> Sheet {
        live_sheet(self, &command_to_repeat())
    }

    fn cases(&self) -> Vec<Case> {
        rows_as_cases(&self.subject)
    }
}

/// What real clocks took from a margin is not known.
fn unsplit(outcome: &Outcome) -> Vec<Option<Blame>> {
    vec![None; outcome.changes.len()]
}

fn simulate(row: &Row) -> Simulated {
    let setup = Arc::new(row.scenario.setup.clone());
    let outcome = run_setup(&setup);
    Simulated {
        row: row_of(row, &setup, &outcome, unsplit(&outcome)),
        latencies: latencies(&outcome.history),
    }
}

fn refuse_what_cannot_be(file: &str, setup: &Setup) -> Result<(), Failure> {
    let reasons = impossible(setup);
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "error: {file} cannot be run on real processes\n  {}\n  `sim help processes` says what can",
        reasons.join("\n  ")
    )))
}

fn node_binary(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        if given.is_file() {
            return Ok(given.to_owned());
        }
        let wrong = if given.is_dir() { "it is a folder" } else { "there is no such file" };
        return Err(Failure::usage(format!(
            "error: --node {}: {wrong}\n  name the `leasehold` binary, which `cargo build --release` builds",
            given.display()
        )));
    }
    let name = format!("leasehold{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|sim| Some(sim.parent()?.join(&name)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(&name));
    let mut places = beside.iter().cloned().chain(on_path);
    places.find(|place| place.is_file()).ok_or_else(|| {
        let beside = beside.map_or(String::new(), |beside| format!(" at {}, nor", beside.display()));
        Failure::usage(format!(
            "error: the node's binary is not there:{beside} `{name}` on the PATH\n  build it with `cargo build --release`, or \
             name it with --node PATH"
        ))
    })
}

fn create(path: &Path) -> Result<(&Path, std::io::BufWriter<std::fs::File>), Failure> {
    let file = std::fs::File::create(path)
        .map_err(|error| Failure::io(&format!("cannot create the history {}", path.display()), &error))?;
    Ok((path, std::io::BufWriter::new(file)))
}

/// Where the nodes keep their data; with a guard that removes it if it is not to be kept.
fn data_directory(keep: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>), Failure> {
    let Some(keep) = keep else {
        let folder = tempfile::Builder::new().prefix("sim-live-").tempdir();
        let folder =
            folder.map_err(|error| Failure::io("cannot create a folder for the nodes' data", &error))?;
        return Ok((folder.path().to_owned(), Some(folder)));
    };
    let failed = |error| Failure::io(&format!("cannot use {} for the nodes' data", keep.display()), &error);
    std::fs::create_dir_all(keep).map_err(failed)?;
    if std::fs::read_dir(keep).map_err(failed)?.next().is_some() {
        return Err(Failure::usage(format!(
            "error: --keep {}: it is not empty\n  nodes that go on from another run would read what this one never wrote; name \
             another folder",
            keep.display()
        )));
    }
    Ok((keep.to_owned(), None))
}

fn failed(problem: &leasehold_live::Problem) -> Failure {
    match problem {
        leasehold_live::Problem::Io { .. } => Failure::with(exit::IO, format!("error: {problem}")),
        leasehold_live::Problem::Ended { began: false, .. } | leasehold_live::Problem::Silent { .. } => {
            Failure::with(exit::OUR_BUG, format!("error: {problem}"))
        }
        _ => Failure::with(exit::OUR_BUG, format!("A BUG OF OURS: {problem}")),
    }
}

fn say(setup: &Setup, end: u64, progress: Progress) {
    let leader = progress.leader.map_or("nobody leads yet".to_owned(), |(node, term)| {
        format!("{} was elected last, in term {term}", setup.nodes[node].name)
    });
    let _ = writeln!(
        std::io::stderr().lock(),
        "live: {} of {}, {} operations, {} faults; {leader}",
        instant(progress.at / 1_000_000_000 * 1_000_000_000),
        instant(end),
        count(progress.operations),
        count(progress.faults)
    );
}

/// The first Ctrl-C ends the run, which is reported as far as it went; the second ends this process.
fn stop_on_interrupt() -> &'static AtomicBool {
    static STOP: AtomicBool = AtomicBool::new(false);
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        let _ = writeln!(
            std::io::stderr().lock(),
            "stopping: all faults end and every key is read once more; Ctrl-C again stops at once"
        );
    });
    &STOP
}
