//! The command line: arguments, files, terminals and exit codes.

mod advise;
mod args;
mod check;
mod errors;
mod exhaust;
mod explore;
mod frontier;
mod gallery;
mod guests;
mod inspect;
mod kept;
mod live;
mod output;
mod page;
mod parts;
mod probability;
mod run;
mod serve;
mod shrink;
mod store;
mod threshold;
mod topics;
mod traces;

use std::io::Write;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::FromArgMatches;

use args::{Arguments, Command};
use errors::{Failure, nearest};

/// Exit codes, as ../docs/guide/reports.md documents them.
mod exit {
    pub(super) const USAGE: u8 = 2;
    pub(super) const UNDECIDED: u8 = 3;
    pub(super) const NOTHING: u8 = 4;
    pub(super) const DIVERGED: u8 = 5;
    pub(super) const OUR_BUG: u8 = 70;
    pub(super) const IO: u8 = 74;
    pub(super) const INCOMPLETE: u8 = 75;
    pub(super) const INTERRUPTED: u8 = 130;
}

/// The seed that was drawn because nobody gave one: whoever reports a panic needs it.
static DRAWN_SEED: OnceLock<u64> = OnceLock::new();

pub(super) fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        if leasehold_lab::swarm::running() {
            // It is caught and becomes a finding.
            return;
        }
        let words = std::env::args_os().skip(1);
        let mut command: Vec<String> = words.map(|word| errors::quoted(&word.to_string_lossy())).collect();
        command.extend(DRAWN_SEED.get().map(|seed| format!("--seed {seed}")));
        let _ = writeln!(
            std::io::stderr().lock(),
            "A BUG OF OURS: {panic}\n  please report it with this line:  cargo sim {}\n  sim {}",
            command.join(" "),
            env!("CARGO_PKG_VERSION")
        );
    }));
    let outcome = std::panic::catch_unwind(|| {
        let parsed = topics::command().try_get_matches();
        let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
            Ok(arguments) => arguments,
            Err(error) => {
                let code = if error.use_stderr() { exit::USAGE } else { 0 };
                let _ = error.print();
                return code;
            }
        };
        let done = dispatch(arguments).and_then(|code| guests::failed().map(|()| code));
        done.unwrap_or_else(|failure| failure.report())
    });
    ExitCode::from(outcome.unwrap_or(exit::OUR_BUG))
}

fn dispatch(arguments: Arguments) -> Result<u8, Failure> {
    if let Some((page, others)) = arguments.command.as_ref().and_then(Command::page) {
        page.ready(&others)?;
    }
    match arguments.command {
        None => print(args::FIRST_STEPS),
        Some(Command::Run(run)) => run::run(&run),
        Some(Command::Serve(asked)) => serve::serve(&asked),
        Some(Command::Shrink(asked)) => shrink::shrink(&asked),
        Some(Command::Live(asked)) => live::run(&asked),
        Some(Command::Check(history)) => check::check(&history),
        Some(Command::Advise(asked)) => advise::advise(&asked),
        Some(Command::Threshold(asked)) => threshold::threshold(&asked, None),
        Some(Command::Frontier(asked)) => frontier::frontier(&asked, None),
        Some(Command::Exhaust(asked)) => exhaust::exhaust(&asked),
        Some(Command::Probability(asked)) => probability::probability(&asked, None),
        Some(Command::Explore(explore)) => explore::run(&explore),
        Some(Command::Replay { folder }) => kept::replay(&folder),
        Some(Command::Diff { first, second }) => kept::diff(&first, &second),
        Some(Command::Merge(asked)) => parts::merge::merge(asked),
        Some(Command::List { directory }) => inspect::list(&directory),
        Some(Command::Init { file, force }) => inspect::init(&file, force),
        Some(Command::Schema) => inspect::schema(),
        Some(Command::Lint(scenarios)) => inspect::lint(&scenarios),
        Some(Command::Explain(scenario)) => inspect::explain(&scenario),
        Some(Command::Gallery(asked)) => gallery::gallery(&asked),
        Some(Command::Rules) => inspect::rules(),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut topics::command(), "sim", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
        Some(Command::Man { directory }) => {
            std::fs::create_dir_all(&directory)
                .and_then(|()| clap_mangen::generate_to(topics::command(), &directory))
                .map_err(|error| {
                    Failure::io(&format!("cannot write manual pages to {}", directory.display()), &error)
                })?;
            Ok(0)
        }
        Some(Command::Help { topic }) => topics::help(topic.as_deref()),
    }
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> Result<u8, Failure> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::io("cannot write to standard output", &error))
        }
        _ => Ok(0),
    }
}
