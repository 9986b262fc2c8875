//! What may stand on the command line.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use leasehold_run::rules;
use leasehold_run::scenario::units;

use super::advise::AdviseArguments;
use super::guests::guest_set;
use super::live::LiveArguments;
use super::output::Output;
use super::page::Page;
use super::serve::ServeArguments;

/// Shown when nothing is asked.
pub(super) const FIRST_STEPS: &str = "\
sim shows when a lease read turns stale, by how much, and why.

  sim run scenarios/skew.toml        stale reads begin once skew exceeds election_timeout - lease
  sim threshold scenarios/skew.toml  where exactly, least delays included
  sim advise --lease 900ms --election-timeout 1s --drift 100ppm
                                     am I safe with my numbers?
  sim list                           the scenarios there are
  sim gallery                        lease bugs that shipped, each with its story
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
    /// Run a scenario on real `leasehold` processes in real time: kill -9, SIGSTOP, partitions, latencies.
    ///
    /// The scenario gives cluster, network, faults and clients. The report shows the simulator's result beside the real one.
    ///
    /// Exit codes: 0 as expected, and no acknowledged write is lost; 1 not as expected; 2 usage or scenario error, or a
    /// fault that real processes cannot have; 3 undecided, or a key could not be read after the run; 70 a node exited by
    /// itself, or another bug of ours; 74 a process, a folder or the output failed; 130 interrupted, partial results shown.
    Live(LiveArguments),
    /// Am I safe with my numbers? What each hazard may come to under given lengths, what breaks first, which lengths would do.
    ///
    /// Nothing needs to be given: then it answers for the node's defaults. Exit codes: 0 safe; 1 not safe; 2 usage error; 3
    /// not known; 4 nothing to write after -o; 70 two of our own answers contradict each other, a bug of ours; 74 output
    /// failed.
    Advise(AdviseArguments),
    /// Find the value of a key at which stale reads become possible, by arithmetic and by the most harmful run.
    ///
    /// Exit codes: 0 found, theory and adversary agree; 2 usage or scenario error; 3 no threshold in the range, or several; 70 theory and adversary are apart by more than the tolerance, or a plain seed beats the adversary, a
    /// bug of ours; 74 input or output failed.
    Threshold(ThresholdArguments),
    /// Draw the phase diagram of two keys: where in their plane a stale read is possible, and the boundary.
    ///
    /// Exit codes: 0 there is a line, theory and adversary agree on it; 2 usage or scenario error; 3 no line in this plane;
    /// 70 theory and adversary are apart by more than the tolerance, a bug of ours; 74 input or output failed; 130
    /// interrupted, the columns that are done are shown.
    Frontier(FrontierArguments),
    /// Shrink a run with a violation to the smallest scenario that shows it, without chance.
    ///
    /// The search removes nodes, faults and operations and rounds numbers, as long as the violation stays the same. The file
    /// tells the story in a comment. `sim run` shows the violation again.
    ///
    /// Exit codes: 0 written; 2 usage or scenario error, or the file exists; 3 written, but it still depends on its seed; 4 the
    /// run shows no violation; 70 a bug of ours; 74 input or output failed; 130 interrupted, the smallest so far is written.
    Shrink(ShrinkArguments),
    /// Run every combination of the first decisions after the old leader is cut off. Compare with the adversary.
    ///
    /// Exit codes: 0 every schedule was run and none does more harm than the adversary's; 2 usage or scenario error, or too
    /// many schedules; 70 some schedule does more harm than the adversary's, or breaks an invariant of the sound rules, a bug
    /// of ours; 74 output failed; 130 interrupted, partial results shown.
    Exhaust(ExhaustArguments),
    /// Estimate how probable a stale read is by importance splitting, even if it is too rare for plain seeds.
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
    /// Swarm testing: each seed draws a cluster, clocks, faults and a workload, or runs the given scenario.
    ///
    /// Within the clock assumption and under the sound rules no seed may find anything. Rows are written to
    /// `store/explore/<time>-<id>/rows.jsonl`, one for each seed. They do not depend on threads. Findings are grouped by cause.
    ///
    /// Exit codes: 0 as expected; 1 not as expected; 2 usage error; 3 undecided; 5 a resumed seed differs; 70 a finding
    /// where there must be none, or a panic; 74 input or output failed; 130 interrupted, `--resume` goes on.
    Explore(ExploreArguments),
    /// Run again what `sim run --out` has kept, and compare every event.
    ///
    /// Exit codes: 0 the same; 2 usage error, or no such folder; 5 a row differs: the first event that does is shown; 74
    /// input or output failed.
    Replay {
        /// The folder.
        #[arg(value_hint = clap::ValueHint::DirPath)]
        folder: PathBuf,
    },
    /// Compare two folders of `sim run --out`: which rows differ, in which numbers, from which event on.
    ///
    /// Exit codes: 0 the same; 1 they differ; 2 usage error, or no such folder; 74 input or output failed.
    Diff {
        /// A folder.
        #[arg(value_hint = clap::ValueHint::DirPath)]
        first: PathBuf,
        /// Another folder.
        #[arg(value_hint = clap::ValueHint::DirPath)]
        second: PathBuf,
    },
    /// Show kept runs and the playground in a browser on this machine.
    ///
    /// Listens on 127.0.0.1 alone, and only reads. Exit codes: 2 usage error, or no such folder; 74 the port is taken; 130
    /// ended by Ctrl-C.
    Serve(ServeArguments),
    /// Merge the parts that `--shard` has written: the report is that of one process, byte for byte.
    ///
    /// Every seed, column or replication must be there exactly once. Parts of different questions or of different builds are
    /// refused.
    ///
    /// Exit codes: those of the command whose parts they are; and 2 parts that do not belong together, or something is there
    /// twice; 75 parts are missing or damaged, and the shards to run again are named.
    Merge(MergeArguments),
    /// List the scenarios in a folder, with their titles.
    List {
        /// The folder.
        #[arg(default_value = "scenarios", value_hint = clap::ValueHint::DirPath)]
        directory: PathBuf,
    },
    /// Write a commented scenario to begin with.
    Init {
        /// The file; `-` is standard output.
        #[arg(default_value = "my-scenario.toml", value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
        /// Overwrite the file.
        #[arg(long)]
        force: bool,
    },
    /// Print the JSON Schema of scenario files, for editors.
    Schema,
    /// Check scenario files without running them.
    Lint(LintArguments),
    /// Show every value of a scenario and its origin.
    Explain(ScenarioArguments),
    /// Show lease bugs that shipped: list them, or run one and tell its story.
    ///
    /// Each is a scenario of the repository's `scenarios/gallery`, which is part of this program. Exit codes: 0 each variant
    /// shows what it should; 1 some do not; 2 usage error; 70 a bug of ours; 74 output failed.
    Gallery(GalleryArguments),
    /// List the sets of lease rules that scenarios may name: the sound rules, and sets with one broken rule.
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
        /// The command or topic; without it, all are listed.
        topic: Option<String>,
    },
}

impl Command {
    /// Where the page of the result goes, and the files that the command reads, or writes beside it. `None`: it has no result to
    /// draw.
    pub(super) fn page(&self) -> Option<(&Page, Vec<&Path>)> {
        let (page, others): (&Page, Vec<Option<&Path>>) = match self {
            // It looks after its traces by itself.
            Command::Run(asked) => (&asked.output.page, vec![Some(&asked.scenario.scenario)]),
            Command::Live(asked) => {
                (&asked.output.page, vec![Some(&asked.scenario.scenario), asked.history.as_deref()])
            }
            Command::Advise(asked) => (&asked.output.page, vec![asked.file.as_deref(), asked.o.as_deref()]),
            Command::Threshold(asked) => {
                (&asked.output.page, vec![Some(&asked.scenario.scenario), asked.certificate.as_deref()])
            }
            Command::Frontier(asked) => (
                &asked.output.page,
                vec![Some(&asked.scenario.scenario), asked.csv.as_deref(), asked.svg.as_deref()],
            ),
            Command::Shrink(asked) => {
                (&asked.page, vec![Some(&asked.scenario.scenario), asked.output.as_deref()])
            }
            Command::Exhaust(asked) => (&asked.output.page, vec![Some(&asked.scenario.scenario)]),
            Command::Probability(asked) => (&asked.output.page, vec![Some(&asked.scenario.scenario)]),
            Command::Check(asked) => (&asked.output.page, vec![Some(&asked.history)]),
            Command::Explore(asked) => {
                (&asked.output.page, vec![asked.scenario.as_deref(), asked.write.as_deref()])
            }
            Command::Merge(asked) => (&asked.output.page, vec![asked.csv.as_deref(), asked.svg.as_deref()]),
            Command::Gallery(asked) => (&asked.output.page, Vec::new()),
            Command::Replay { .. }
            | Command::Diff { .. }
            | Command::Serve(_)
            | Command::List { .. }
            | Command::Init { .. }
            | Command::Schema
            | Command::Lint(_)
            | Command::Explain(_)
            | Command::Rules
            | Command::Completions { .. }
            | Command::Man { .. }
            | Command::Help { .. } => return None,
        };
        Some((page, others.into_iter().flatten().collect()))
    }
}

#[derive(Debug, Clone, Args)]
pub(super) struct ScenarioArguments {
    /// The scenario file; `-` reads standard input.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub(super) scenario: PathBuf,
    /// Override a value, as in `--set lease.duration=2s`. May be given more than once.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) sets: Vec<String>,
    /// Override the seed: decimal, 0x hexadecimal, `_` allowed, or a 40-digit commit hash. If neither this nor the
    /// scenario gives a seed, one is drawn and printed.
    #[arg(long, value_name = "SEED", allow_negative_numbers = true, value_parser = seed)]
    pub(super) seed: Option<String>,
    /// Run this program in the place of our node: a shell command, or a WASI module (`PROGRAM.wasm`) where the feature
    /// `wasi` is on. It is started once for each node. The same as
    /// `--set guest.command=COMMAND`. docs/host-your-own.md shows how to write one.
    #[arg(long, value_name = "COMMAND")]
    pub(super) guest: Option<String>,
    /// Colour in reports and errors. `auto`: only on a terminal, and only if NO_COLOR is not set.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

impl ScenarioArguments {
    /// All that the user overrides but the seed.
    pub(super) fn overrides(&self) -> Vec<String> {
        self.sets.iter().cloned().chain(self.guest.as_deref().map(guest_set)).collect()
    }
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The history; `-` reads standard input.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub(super) history: PathBuf,
    /// How the history is written.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = HistoryFormat::Auto)]
    pub(super) history_format: HistoryFormat,
    /// Jepsen's values are [key value] pairs. Without this, the history decides.
    #[arg(long)]
    pub(super) independent: bool,
    /// The initial value of every key, as the history writes it. Default: nil or null.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(super) initial: Option<String>,
    /// Ignore every failed operation. Without this, a failure with the error `key-does-not-exist` or
    /// `precondition-failed` is checked: the key was absent, the value was not the expected one.
    #[arg(long)]
    pub(super) ignore_refusals: bool,
    /// What a read of nil (`null`) means: no value, or any value. A read of any value is ignored.
    #[arg(long, value_enum, default_value_t = NilRead::Absent)]
    pub(super) nil_read: NilRead,
    /// The most states that the search explores for one key. Beyond it the verdict is `undecided`. Default: a million, and 250
    /// more for each operation of the key.
    #[arg(long, value_name = "N")]
    pub(super) states_max: Option<usize>,
    /// The most memory that the search uses for one key, in MiB. Beyond it the verdict is `undecided`.
    #[arg(long, value_name = "MIB", default_value_t = leasehold_check::Limits::default().bytes_max >> 20)]
    pub(super) memory_max: usize,
    /// The longest time to search, as in `30s` or `5min`. Keys not decided by then are `undecided`. Default: no limit.
    #[arg(long, value_name = "TIME")]
    pub(super) time_limit: Option<String>,
    #[command(flatten)]
    pub(super) output: Output,
    /// Colour in reports. `auto`: only on a terminal, and only if NO_COLOR is not set.
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
    /// Guess from the first line.
    Auto,
    /// JSON lines: one event or operation in each.
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
    /// Colour in errors. `auto`: only on a terminal, and only if NO_COLOR is not set.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

#[derive(Debug, Args)]
pub(super) struct GalleryArguments {
    /// The exhibit to run. Default: list all exhibits.
    pub(super) name: Option<String>,
    /// Run all exhibits and print the whole gallery in Markdown, as docs/gallery.md has it.
    #[arg(long, conflicts_with_all = ["name", "format", "json", "html"])]
    pub(super) page: bool,
    #[command(flatten)]
    pub(super) output: Output,
    /// Colour in reports. `auto`: only on a terminal, and only if NO_COLOR is not set.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
}

#[derive(Debug, Args)]
pub(super) struct MergeArguments {
    /// The folders with the parts, or part files.
    #[arg(required = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(super) parts: Vec<PathBuf>,
    /// Explorations: write all rows and the summary to this folder, which must be empty or not exist.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
    /// Explorations: what to expect, as in `sim explore`.
    #[arg(long, value_enum)]
    pub(super) expect: Option<Expect>,
    /// Frontiers: write all cells to this file, as in `sim frontier`.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) csv: Option<PathBuf>,
    /// Frontiers: write the diagram to this file, as in `sim frontier`.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) svg: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
    /// Colour in reports. `auto`: only on a terminal, and only if NO_COLOR is not set.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub(super) color: Color,
    /// Threads that read parts. Default: one for each processor.
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<NonZeroUsize>,
}

/// One shard of a command that many processes run.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ShardArguments {
    /// Only this part of the work, as in `2/8`, into one file in --out. `sim merge DIR` gives the whole. The exit code is 0
    /// when the part is there, whatever it shows.
    #[arg(long, value_name = "I/N", requires = "out", value_parser = shard)]
    pub(super) shard: Option<(u64, u64)>,
    /// With --shard: the folder for the parts of all shards. A part that is there is not computed again.
    #[arg(long, value_name = "DIR", requires = "shard", value_hint = clap::ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ThresholdArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// The key to vary; a `-` in front sets the negated value. Given more than once, all keys change together.
    /// Default: the key of the scenario's sweep.
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(super) vary: Vec<String>,
    /// The smallest value. Default: that of the scenario's sweep.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(super) from: Option<String>,
    /// The largest value. Default: that of the scenario's sweep.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(super) to: Option<String>,
    /// The largest gap between the stale and the clean side. Default: 1us, 100ppb or 1.
    #[arg(long, value_name = "VALUE")]
    pub(super) tolerance: Option<String>,
    /// Compare with this many plain seeds of the unchanged scenario; 0 skips that.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(super) seeds: u64,
    /// Write the run with the stale read to this file, as a scenario.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) certificate: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) shard: ShardArguments,
    /// With --shard: the value of the key whose seeds are run. `sim merge` names the next one.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, requires = "shard")]
    pub(super) at: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct FrontierArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// The x axis: keys and their range, as in `clock.n1.rate=-10%..0%`. A `-` in front of a key sets the negated value;
    /// keys with a comma between them are set together; `lease.duration/lease.election-timeout=0.5..1.1` sets a share.
    #[arg(long, value_name = "KEY=A..B", allow_hyphen_values = true)]
    pub(super) x: String,
    /// The y axis, in the same way.
    #[arg(long, value_name = "KEY=A..B", allow_hyphen_values = true)]
    pub(super) y: String,
    /// Steps of the x axis and of the y axis, or one number for both.
    #[arg(long, value_name = "X[,Y]", default_value = "48,20")]
    pub(super) steps: String,
    /// What judges a cell: the most harmful run, or plain seeds.
    #[arg(long, value_enum, default_value_t = By::Adversary)]
    pub(super) by: By,
    /// The number of seeds for `--by seeds`.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seeds: u64,
    /// The largest gap between the two sides of the boundary, on the y axis. Default: 1us, 100ppb or 0.000001.
    #[arg(long, value_name = "VALUE")]
    pub(super) tolerance: Option<String>,
    /// Write all cells to this file, as comma-separated values.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) csv: Option<PathBuf>,
    /// Write the diagram to this file, as a picture.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) svg: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) shard: ShardArguments,
    /// Threads. Default: one for each processor. The results do not depend on it.
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<NonZeroUsize>,
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
    /// Enumerate from this true time on. Default: the send of the round that carried the old leader's last lease.
    #[arg(long, value_name = "TIME")]
    pub(super) after: Option<String>,
    /// Lose only messages that the scenario itself may lose.
    #[arg(long)]
    pub(super) delivered: bool,
    /// Run only the schedule with these answers, as a report shows them.
    #[arg(long, value_name = "ANSWERS")]
    pub(super) replay: Option<String>,
    #[command(flatten)]
    pub(super) output: Output,
    /// Threads. Default: one for each processor. The results do not depend on it.
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(super) struct ProbabilityArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// Only the row (of a sweep) or the variant with this label.
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    pub(super) row: Option<String>,
    /// The event to estimate.
    #[arg(long, value_enum, default_value_t = ProbableEvent::StaleRead)]
    pub(super) event: ProbableEvent,
    /// Concurrent runs in each replication.
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub(super) particles: u32,
    /// Independent replications, whose spread gives the confidence interval.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(5..=100_000))]
    pub(super) replications: u32,
    /// Also estimate by plain Monte Carlo with this many seeds.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) plain: u64,
    #[command(flatten)]
    pub(super) output: Output,
    #[command(flatten)]
    pub(super) shard: ShardArguments,
    /// Threads. Default: one for each processor. The results do not depend on it.
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// The most harmful run: exact.
    Adversary,
    /// What plain seeds show.
    Seeds,
}

#[derive(Debug, Args)]
pub(super) struct ShrinkArguments {
    #[command(flatten)]
    pub(super) scenario: ScenarioArguments,
    /// The row (of a sweep) or the variant to shrink; required if there are several.
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    pub(super) row: Option<String>,
    /// Write to this file. Default, and for `-`: standard output.
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) output: Option<PathBuf>,
    /// Overwrite the file.
    #[arg(long)]
    pub(super) force: bool,
    /// Print no progress and no result on standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) page: Page,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProbableEvent {
    /// A client reads an overwritten value.
    StaleRead,
    /// A new leader can acknowledge writes while the old lease runs, with or without a read.
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
    #[command(flatten)]
    pub(super) output: Output,
    /// Print more: every change of leadership with its margin; twice, also every row's trace hash and counts.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Write every event as a JSON line to this file. `-` is standard output, which then holds nothing else: with --quiet.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) trace: Option<PathBuf>,
    /// With --html: the most messages and operations that are drawn one by one, those nearest to the story. The others are
    /// counted.
    #[arg(long, value_name = "N", requires = "html", default_value_t = leasehold_run::picture::Bounds::default().marks_max)]
    pub(super) html_marks: usize,
    /// Write one row's run to this file as a trace for ui.perfetto.dev. The row: --row, or the one whose stale read is told,
    /// or the first.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) perfetto: Option<PathBuf>,
    /// Write the last 2000 events of one row's run before its stale read to this file, as a log with vector clocks for
    /// ShiViz. The row: as for --perfetto.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) shiviz: Option<PathBuf>,
    /// With --shiviz: the log ends at this true time, as in `12.5s`.
    #[arg(long, value_name = "TIME", requires = "shiviz")]
    pub(super) shiviz_until: Option<String>,
    /// Keep the run in this folder, which must be empty or not exist: report, results, and each row's scenario, trace and
    /// history. `sim replay` runs it again, `sim diff` compares two of them.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(super) out: Option<PathBuf>,
    /// First run every row twice and compare event by event. If two runs differ, show the event and exit with code 5. For a
    /// guest the first row is always run twice, unless this is `false`.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) check_determinism: Option<bool>,
    /// Threads that run rows. Default: one for each processor. The results do not depend on it.
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(super) struct ExploreArguments {
    /// Run this scenario with every seed, instead of setups that the seeds draw.
    #[arg(value_hint = clap::ValueHint::FilePath, conflicts_with_all = ["rules", "beyond", "resume", "show"])]
    pub(super) scenario: Option<PathBuf>,
    /// Override a value of the scenario, as in `--set lease.duration=2s`. May be given more than once.
    #[arg(long = "set", value_name = "PATH=VALUE", requires = "scenario")]
    pub(super) sets: Vec<String>,
    /// Run this program in the place of our node, as in `sim run`.
    #[arg(long, value_name = "COMMAND", requires = "scenario")]
    pub(super) guest: Option<String>,
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
    /// Threads. Default: one for each processor. The results do not depend on it.
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<NonZeroUsize>,
    /// Write to this folder, which must be empty or not exist; with --shard, the folder for the parts of all shards.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Continue the exploration in this folder, with its seeds, rules and clocks.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "seeds", "rules", "beyond", "shard"])]
    pub(super) resume: Option<PathBuf>,
    /// Only this part of the seeds, as in `2/8`, into one file in --out. A part that is there is not computed again. The exit
    /// code is 0 when the part is there, whatever it shows: `sim merge DIR` judges the whole.
    #[arg(long, value_name = "I/N", requires = "out", value_parser = shard,
        conflicts_with_all = ["fail_fast", "max_failures", "expect"])]
    pub(super) shard: Option<(u64, u64)>,
    /// Stop at the first seed that finds something.
    #[arg(long, conflicts_with = "max_failures")]
    pub(super) fail_fast: bool,
    /// Stop when this many seeds have found something.
    #[arg(long, value_name = "N")]
    pub(super) max_failures: Option<std::num::NonZeroU64>,
    /// What to expect. Default: `none` for sound rules within the bound, `any` otherwise; for a scenario, what it says.
    #[arg(long, value_enum)]
    pub(super) expect: Option<Expect>,
    #[command(flatten)]
    pub(super) output: Output,
    /// Draw this one seed, write it as a scenario and run that.
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "resume", "shard", "out", "expect"])]
    pub(super) show: Option<String>,
    /// With --show: the scenario file. Default: a file in `store/explore/seeds`.
    #[arg(long, value_name = "FILE", requires = "show")]
    pub(super) write: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Expect {
    /// No stale read, and theory and margins say that none can be.
    Safe,
    /// No stale read.
    None,
    /// At least one stale read.
    Some,
    /// Either.
    Any,
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

/// Threads to run with.
fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "write how many threads: 1 or more; leave it away for one a processor".to_owned())
}

/// One shard of so many, counted from 1.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let pair = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    pair.filter(|(index, of)| (1..=*of).contains(index))
        .ok_or_else(|| "write 1/4 for the first of four".to_owned())
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
