//! What may stand on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use leasehold_run::rules;
use leasehold_run::scenario::units;

use super::live::LiveArguments;
use super::topics;

/// Shown when nothing is asked.
pub(super) const FIRST_STEPS: &str = "\
sim shows when a lease read turns stale, by how much, and why.

  sim run scenarios/skew.toml        stale reads begin once skew exceeds election_timeout - lease
  sim threshold scenarios/skew.toml  where exactly, least delays included
  sim list                           the scenarios there are
  sim help scenarios                 how to write one

sim --help shows all commands, sim help TOPIC explains.
";

/// Shows when a lease read turns stale, by how much, and why.
///
/// A deterministic simulator that hosts the production node on virtual clocks that are skewed, drifting, stepped and
/// suspended. The same scenario and seed give the same bytes, on any machine, in any build, on any number of threads.
#[derive(Debug, Parser)]
#[command(name = "sim", version, max_term_width = 100, disable_help_subcommand = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a scenario and report.
    ///
    /// Exit codes: 0 as expected; 1 not as expected; 2 usage or scenario error; 3 undecided; 5 two runs of the same seed
    /// differ; 70 a bug of ours; 74 output failed; 130 interrupted, partial results shown.
    Run(RunArguments),
    /// Run a scenario on real `leasehold` processes, in real time, and report: kill -9, SIGSTOP, partitions, and the figures.
    ///
    /// The scenario's own cluster, network, faults, clients and checker; what the simulator shows of it stands beside it. Exit
    /// codes: 0 as expected, and no acknowledged write is lost; 1 not as expected; 2 usage or scenario error, or something
    /// that real processes cannot do; 3 undecided, or a key could not be read at the end; 70 a node ended by itself, or
    /// another bug of ours; 74 a process, a folder or the output failed; 130 interrupted, partial results shown.
    Live(LiveArguments),
    /// Find the value of a key at which a stale read begins to exist: by arithmetic, and by the most harmful run.
    ///
    /// Exit codes: 0 found, theory and adversary agree; 2 usage or scenario error; 3 no threshold in the range, or not one
    /// alone; 70 theory and adversary are apart by more than the tolerance, or a plain seed beats the adversary, a
    /// bug of ours; 74 input or output failed.
    Threshold(ThresholdArguments),
    /// Draw the phase diagram over two keys: where in their plane a stale read exists, and the line between.
    ///
    /// Exit codes: 0 there is a line, theory and adversary agree on it; 2 usage or scenario error; 3 no line in this plane;
    /// 70 theory and adversary are apart by more than the tolerance, a bug of ours; 74 input or output failed; 130
    /// interrupted, the columns that are done are shown.
    Frontier(FrontierArguments),
    /// Make a run that shows a violation as small as it can be, and write it as a scenario without chance.
    ///
    /// The file has the fewest nodes, faults and operations and the roundest numbers with which the same violation is shown,
    /// and its story as a comment; `sim run` shows it again.
    ///
    /// Exit codes: 0 written; 2 usage or scenario error, or the file exists; 3 written, but it still depends on its seed; 4 the
    /// run shows no violation; 70 a bug of ours; 74 input or output failed; 130 interrupted, the smallest so far is written.
    Shrink(ShrinkArguments),
    /// Run every fate of the first decisions after the old leader is cut off, and compare with the adversary.
    ///
    /// Exit codes: 0 every schedule was run and none does more harm than the adversary's; 2 usage or scenario error, or too
    /// many schedules; 70 some schedule does more harm than the adversary's, or breaks an invariant of the sound rules, a bug
    /// of ours; 74 output failed; 130 interrupted, partial results shown.
    Exhaust(ExhaustArguments),
    /// Estimate how probable a stale read is, down to where no number of seeds sees one, by importance splitting.
    ///
    /// Exit codes: 0 there is an estimate, or an upper bound; 2 usage or scenario error; 74 output failed; 130 interrupted,
    /// the replications that were done are shown.
    Probability(ProbabilityArguments),
    /// Check a history from a real system for linearizability.
    ///
    /// Reads our JSON lines, Jepsen's EDN and Jepsen's logs, compressed or not, as `sim help history` describes them. Exit codes: 0
    /// linearizable; 1 not linearizable; 2 usage error, or not a history; 3 undecided; 4 no operation to check; 70 a bug of
    /// ours; 74 input or output failed.
    Check(CheckArguments),
    /// Swarm testing: every seed draws its own cluster, clocks, faults and workload; or runs a scenario.
    ///
    /// Within the clock assumption and under the sound rules no seed may find anything. Rows are written to
    /// `store/explore/<time>-<id>/rows.jsonl`, one a seed, the same on any number of threads; findings are grouped by cause.
    ///
    /// Exit codes: 0 as expected; 1 not as expected; 2 usage error; 3 undecided; 5 a resumed seed differs; 70 a finding
    /// where there must be none, or a panic; 74 input or output failed; 130 interrupted, `--resume` goes on.
    Explore(ExploreArguments),
    /// Put the shards of an exploration together: refuses mixes and gaps.
    Merge {
        /// The folder for the whole; it must be empty or not exist.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// The shards' folders.
        #[arg(required = true)]
        parts: Vec<PathBuf>,
    },
    /// List the scenarios in a folder, with their titles.
    List {
        /// The folder.
        #[arg(default_value = "scenarios", value_hint = clap::ValueHint::DirPath)]
        directory: PathBuf,
    },
    /// Check scenario files without running them.
    Lint(LintArguments),
    /// Show every value that a scenario rests on, and where it came from.
    Explain(ScenarioArguments),
    /// List the sets of lease rules that scenarios may name: the sound ones, and each broken in one place.
    Rules,
    /// Print a shell's completion script.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder.
    Man {
        /// The folder; it is created where it does not exist.
        #[arg(value_hint = clap::ValueHint::DirPath)]
        directory: PathBuf,
    },
    /// Explain a command or a topic.
    Help {
        /// What to explain; nothing lists what there is.
        #[arg(value_parser = topics::WORDS)]
        topic: Option<String>,
    },
}

#[derive(Debug, Clone, Args)]
pub(super) struct ScenarioArguments {
    /// The scenario file.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub(super) scenario: PathBuf,
    /// Override a value, as in `--set lease.duration=2s`. May be given more than once.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) sets: Vec<String>,
    /// Override the seed: decimal, 0x hexadecimal, `_` allowed, or a 40-digit commit hash. Where neither this nor the
    /// scenario gives one, a seed is drawn and said.
    #[arg(long, value_name = "SEED", allow_negative_numbers = true, value_parser = seed)]
    pub(super) seed: Option<String>,
    /// Colour: errors and reports have none when they do not go to a terminal, or NO_COLOR is set.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The history; `-` reads standard input.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub(super) history: PathBuf,
    /// How the history is written.
    #[arg(long, value_enum, default_value_t = HistoryFormat::Auto)]
    pub(super) format: HistoryFormat,
    /// Jepsen's values are [key value] pairs. Without this, the history itself tells.
    #[arg(long)]
    pub(super) independent: bool,
    /// What every key has at the beginning, as the history writes it. Without this: nil, or null.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(super) initial: Option<String>,
    /// Leave every failed operation out. Without this, a failure with the error `key-does-not-exist` or
    /// `precondition-failed` is checked: the key was absent, the value was not the expected one.
    #[arg(long)]
    pub(super) ignore_refusals: bool,
    /// What a read of nil (`null`) found: no value, or any value. A read of any value is left out.
    #[arg(long, value_enum, default_value_t = NilRead::Absent)]
    pub(super) nil_read: NilRead,
    /// How many states the search may explore for one key before the verdict is `undecided`. Without this: a million, and
    /// 250 more for each operation of the key.
    #[arg(long, value_name = "N")]
    pub(super) states_max: Option<usize>,
    /// How many MiB of memory the search may take for one key before the verdict is `undecided`.
    #[arg(long, value_name = "MIB", default_value_t = leasehold_check::Limits::default().bytes_max >> 20)]
    pub(super) memory_max: usize,
    /// After how long the verdict is `undecided` for what is not decided, as in `30s` or `5min`. Without this: never.
    #[arg(long, value_name = "TIME")]
    pub(super) time_limit: Option<String>,
    /// Write a page that draws the operations around each violation to this file.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) html: Option<PathBuf>,
    /// Report as one JSON object.
    #[arg(long)]
    pub(super) json: bool,
    /// Colour: reports have none when they do not go to a terminal, or NO_COLOR is set.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum NilRead {
    /// The key had no value.
    Absent,
    /// The client learned nothing.
    Anything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum HistoryFormat {
    /// As the first line looks.
    Auto,
    /// Our own: an event or an operation a line, as a JSON object.
    Jsonl,
    /// Jepsen's histories.
    Edn,
    /// Jepsen's history.txt or jepsen.log, or the log of an old Jepsen.
    Log,
}

#[derive(Debug, Args)]
pub(super) struct LintArguments {
    /// The scenario files.
    #[arg(required = true, value_hint = clap::ValueHint::FilePath)]
    pub(super) scenarios: Vec<PathBuf>,
    /// Colour: errors have none when they do not go to a terminal, or NO_COLOR is set.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

#[derive(Debug, Args)]
pub(super) struct ThresholdArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// The key to vary; a `-` in front sets the negated value. Given more than once, all are set together. The scenario's
    /// sweep says it where this is not given.
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(super) vary: Vec<String>,
    /// The smallest value; that of the scenario's sweep where not given.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(super) from: Option<String>,
    /// The largest value; that of the scenario's sweep where not given.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(super) to: Option<String>,
    /// How close the stale and the clean side are to be: 1us, 100ppb or 1 where not given.
    #[arg(long, value_name = "VALUE")]
    pub(super) tolerance: Option<String>,
    /// Compare with what so many plain seeds of the scenario as it is written find; 0 to skip that.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(super) seeds: u64,
    /// Write the run with the stale read to this file, as a scenario.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) certificate: Option<PathBuf>,
    /// Report as one JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct FrontierArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// The x axis: keys and their range, as in `clock.n1.rate=-10%..0%`. A `-` in front of a key sets the negated value;
    /// keys that a comma parts are set together; `lease.duration/lease.election-timeout=0.5..1.1` sets a share.
    #[arg(long, value_name = "KEY=A..B", allow_hyphen_values = true)]
    pub(super) x: String,
    /// The y axis, in the same way.
    #[arg(long, value_name = "KEY=A..B", allow_hyphen_values = true)]
    pub(super) y: String,
    /// Steps on the x axis and on the y axis, or one number for both.
    #[arg(long, value_name = "X[,Y]", default_value = "48,20")]
    pub(super) steps: String,
    /// Who judges a cell: the most harmful run that is known, or plain seeds.
    #[arg(long, value_enum, default_value_t = By::Adversary)]
    pub(super) by: By,
    /// With `--by seeds`: how many.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seeds: u64,
    /// How close the two sides of the line are to be, on the y axis: 1us, 100ppb or 0.000001 where not given.
    #[arg(long, value_name = "VALUE")]
    pub(super) tolerance: Option<String>,
    /// Write all cells to this file, as comma-separated values.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) csv: Option<PathBuf>,
    /// Write the diagram to this file, as a picture.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) svg: Option<PathBuf>,
    /// Report as one JSON object.
    #[arg(long)]
    pub(super) json: bool,
    /// Report nothing on standard output.
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Threads; as many as there are processors where not given. The results do not depend on it.
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(super) struct ExhaustArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// Only the row (of a sweep) or the variant with this label.
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    pub(super) row: Option<String>,
    /// How many decisions are enumerated: fates of messages and election jitters.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(super) choices: usize,
    /// The true time from which on they are; without it, the send of the round that carried the old leader's last lease.
    #[arg(long, value_name = "TIME")]
    pub(super) after: Option<String>,
    /// Lose no message that the scenario does not lose by chance.
    #[arg(long)]
    pub(super) delivered: bool,
    /// Run one schedule only: the answers to its questions, as a report shows them.
    #[arg(long, value_name = "ANSWERS")]
    pub(super) replay: Option<String>,
    /// Report as one JSON object.
    #[arg(long)]
    pub(super) json: bool,
    /// Threads; as many as there are processors where not given. The results do not depend on it.
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(super) struct ProbabilityArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// Only the row (of a sweep) or the variant with this label.
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    pub(super) row: Option<String>,
    /// Of what.
    #[arg(long, value_enum, default_value_t = ProbableEvent::StaleRead)]
    pub(super) event: ProbableEvent,
    /// Runs that each replication keeps side by side.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub(super) particles: u32,
    /// Independent replications, whose spread gives the confidence interval.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(5..=100_000))]
    pub(super) replications: u32,
    /// Beside it, plain Monte Carlo: so many seeds.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) plain: u64,
    /// Report as one JSON object.
    #[arg(long)]
    pub(super) json: bool,
    /// Threads; as many as there are processors where not given. The results do not depend on it.
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// The most harmful run: exact.
    Adversary,
    /// What chance shows.
    Seeds,
}

#[derive(Debug, Args)]
pub(super) struct ShrinkArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// The row (of a sweep) or the variant to shrink; needed where there are several.
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    pub(super) row: Option<String>,
    /// Write to this file; standard output where not given, or `-`.
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) output: Option<PathBuf>,
    /// Overwrite the file.
    #[arg(long)]
    pub(super) force: bool,
    /// Say nothing about progress and result on standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProbableEvent {
    /// A client reads an overwritten value.
    StaleRead,
    /// A new leader can acknowledge writes while the old lease runs, whether or not anybody reads.
    NegativeMargin,
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// Run only the row (of a sweep) or the variant with this label.
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    pub(super) row: Option<String>,
    /// What to expect of every row, instead of what the scenario expects.
    #[arg(long, value_enum)]
    pub(super) expect: Option<Expect>,
    /// How to report, on standard output: for people, as one JSON object, or as one JSON object a row.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub(super) json: bool,
    /// Report nothing on standard output; failures still go to standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Say more to people: every change of leadership with its margin; twice: every row's trace hash and counts too.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Write every event as a JSON line to this file.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) trace: Option<PathBuf>,
    /// First run everything twice and compare event by event; where two runs differ, show where and exit with code 5.
    #[arg(long)]
    pub(super) check_determinism: bool,
    /// Threads that run rows; as many as there are processors where not given. The results do not depend on it.
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<std::num::NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(super) struct ExploreArguments {
    /// Run this scenario with every seed, instead of setups that the seeds draw.
    #[arg(value_hint = clap::ValueHint::FilePath, conflicts_with_all = ["rules", "beyond", "resume", "show"])]
    pub(super) scenario: Option<PathBuf>,
    /// Override a value of the scenario, as in `--set lease.duration=2s`. May be given more than once.
    #[arg(long = "set", value_name = "PATH=VALUE", requires = "scenario")]
    pub(super) sets: Vec<String>,
    /// The row of the scenario's sweep, or the variant, with this label.
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true, requires = "scenario")]
    pub(super) row: Option<String>,
    /// The seeds: the first one, and the one after the last.
    #[arg(long, value_name = "A..B", default_value = "0..10000")]
    pub(super) seeds: String,
    /// The lease rules; `sim rules` lists them. The same seed draws the same setup for all of them.
    #[arg(long, value_name = "NAME", default_value = rules::SOUND)]
    pub(super) rules: String,
    /// Clocks beyond the bound: a lease may outlive its promises.
    #[arg(long)]
    pub(super) beyond: bool,
    /// Threads; as many as there are processors where not given. The results do not depend on it.
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<std::num::NonZeroUsize>,
    /// Write to this folder, which must be empty or not exist.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Go on with what this folder holds; seeds, rules and clocks are what they were.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "seeds", "rules", "beyond", "shard"])]
    pub(super) resume: Option<PathBuf>,
    /// Only this part of the seeds, as in `2/8`; `sim merge` puts the parts together.
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<String>,
    /// Stop at the first seed that finds something.
    #[arg(long, conflicts_with = "max_failures")]
    pub(super) fail_fast: bool,
    /// Stop when so many seeds have found something.
    #[arg(long, value_name = "N")]
    pub(super) max_failures: Option<std::num::NonZeroU64>,
    /// What to expect: `none` under the sound rules within the bound, else `any`; of a scenario what it says.
    #[arg(long, value_enum)]
    pub(super) expect: Option<Expect>,
    /// The summary as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Report nothing on standard output.
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Draw this one seed, write it as a scenario and run that.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "resume", "shard", "out", "expect"])]
    pub(super) show: Option<String>,
    /// With --show: the scenario file; below `store/explore/seeds` where not given.
    #[arg(long, value_name = "FILE", requires = "show")]
    pub(super) write: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Expect {
    /// No stale read.
    None,
    /// At least one stale read.
    Some,
    /// Either.
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Human,
    /// One JSON object.
    Json,
    /// One JSON object a row, and one for the whole.
    Jsonl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A seed is checked here and passed on as it was written: 40 hexadecimal digits that happen to be decimal stay what
/// they are.
fn seed(text: &str) -> Result<String, String> {
    match units::seed(text) {
        Some(_) => Ok(text.to_owned()),
        None => {
            Err("write it in decimal (42), in hexadecimal (0x2a) or as a commit's 40-digit hash, below 2^64"
                .to_owned())
        }
    }
}

impl Color {
    /// Should what goes to `stream` be coloured?
    pub(super) fn wanted(self, stream: &impl anstream::stream::RawStream) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never,
        }
    }
}
