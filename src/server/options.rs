//! The command line.

use std::path::{Path, PathBuf};

use clap::builder::styling::Styles;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use clap_complete::Shell;
use leasehold::lease::{LeaseForm, LeaseSettings};
use leasehold::maelstrom::{PeerError, cluster_id};
use leasehold::raft::{LogBounds, Name, Settings};
use leasehold::time::Span;

/// A command line that makes sense.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) settings: Settings,
    /// The seed of the node's random waits.
    pub(super) seed: u64,
    /// True if the node is no founding member of its cluster: the log tells it who is.
    pub(super) joins: bool,
    /// The cluster's id, if the operator gives it.
    pub(super) cluster: Option<Name>,
    /// Nodes that are believed to be members before the log says so.
    pub(super) announced: Vec<String>,
    /// The longest line that a client may send, in bytes without the newline.
    pub(super) line_bytes_max: usize,
    /// A stop by signal takes at most this long.
    pub(super) stop_grace: Span,
}

/// Why a command line is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum SetupError {
    #[error("--election-timeout 0s: nobody could lead for any time")]
    NoElectionTimeout,
    #[error(
        "unsafe lease: {reason}\n\nWith these lengths a deposed leader may go on answering reads. Choose --lease below \
         --election-timeout, or pass --allow-unsafe-lease to see it happen."
    )]
    UnsafeLease { reason: String },
    #[error(
        "--heartbeat {heartbeat}: it must be longer than 0s and shorter than --election-timeout ({election_timeout}), or no \
         leader stays in office"
    )]
    Heartbeat { heartbeat: Span, election_timeout: Span },
    #[error("no random numbers, pass --seed: {0}")]
    NoRandomNumbers(getrandom::Error),
}

/// Why a text is no length of time for the command line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum SpanError {
    #[error("it has no unit: write {text}s, {text}ms or {text}us")]
    NoUnit { text: String },
    #[error("it is no length of time: write 3s, 250ms or 500us")]
    NotALength,
    #[error("a length of time is not negative")]
    Negative,
    #[error("it is longer than 365 days")]
    TooLong,
}

/// A Raft node that answers linearizable reads from a leader lease, without a network round trip
///
/// Speaks Maelstrom's protocol: one JSON object a line on standard input and output. Logs go to standard error. The
/// first message is init, which tells the node its name and its cluster. The end of input ends the process; so does
/// SIGTERM or SIGINT. A leader hands its leadership over first. A second signal ends the process at once.
///
/// All nodes of a cluster are started with the same lengths of time. A configuration whose lease could outlive the
/// promise it rests on is refused.
#[derive(Debug, Parser)]
#[command(name = "leasehold", version, styles = Styles::plain(), after_long_help = AFTER_HELP)]
pub(crate) struct Options {
    /// How long a lease lasts before the clock skew is taken off; shorter than the election timeout
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = parse_span)]
    lease: Span,

    /// How long whoever acknowledged a leader's round withholds its vote, and at least how long a follower waits before
    /// it campaigns
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_span)]
    election_timeout: Span,

    /// How far two clocks are assumed to be apart (deadline form), or to diverge while one of them measures the election
    /// timeout (elapsed form); taken off every lease
    #[arg(long, alias = "skew", value_name = "TIME", default_value = "500ms", value_parser = parse_span)]
    max_clock_skew: Span,

    /// How a lease is measured
    #[arg(long, value_name = "FORM", default_value = "elapsed")]
    lease_form: Form,

    /// For tests: in the deadline form, believe the wall clock with this error while the kernel calls it unsynchronized.
    /// Reads are stale if it is further off
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    assume_wall_error: Option<Span>,

    /// A leader sends a round at least this often [default: a tenth of the election timeout]
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    heartbeat: Option<Span>,

    /// Up to so much is added to an election timeout at random [default: a fifth of the election timeout]
    #[arg(long, alias = "jitter", value_name = "TIME", value_parser = parse_span)]
    election_jitter: Option<Span>,

    /// After a restart the node waits so much longer than its promises last before it campaigns; at its first start it has
    /// promised nothing, and waits for this alone [default: a tenth of the election timeout, and at the first start the
    /// election timeout more]
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    startup_grace: Option<Span>,

    /// A request that finds no leader gets error 11 after this [default: two election timeouts]
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    request_deadline: Option<Span>,

    /// After SIGTERM or SIGINT, how long the node may take to hand leadership over and answer requests that wait
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_span)]
    stop_grace: Span,

    /// Start even if the lease is unsafe: reads may be stale
    #[arg(long)]
    allow_unsafe_lease: bool,

    /// Keep term, vote and log in this directory, and go on from there after a restart; created if it does not exist.
    /// {node} in it stands for the name that init gives
    #[arg(long, value_name = "DIR", conflicts_with = "in_memory")]
    data_dir: Option<PathBuf>,

    /// Keep nothing: a node that ends must not come back under its old name
    #[arg(long)]
    in_memory: bool,

    /// Found no cluster, but wait to be added to one: init names this node and members of it. What counts is the first
    /// start with a data directory
    #[arg(long)]
    join: bool,

    /// The cluster's id, the same on all nodes: a node drops messages of other clusters. 1 to 64 letters, digits, hyphens,
    /// underscores and dots [default: the first leader draws one]
    #[arg(long, value_name = "NAME", value_parser = parse_cluster)]
    cluster: Option<Name>,

    /// Take messages of this node before the log names it; may be given several times. For a node that was away while
    /// others joined, when no member that it knows is left to vouch for them
    #[arg(long, value_name = "NODE")]
    announce: Vec<String>,

    /// Of entries that are applied, the log keeps at most so many; what it drops is in the stored keys and values
    #[arg(long, value_name = "COUNT", default_value_t = LogBounds::default().entries_max, value_parser = clap::value_parser!(u64).range(1..))]
    log_entries_max: u64,

    /// Of entries that are applied, the log keeps at most so many bytes
    #[arg(long, value_name = "BYTES", default_value_t = LogBounds::default().bytes_max, value_parser = clap::value_parser!(u64).range(1..))]
    log_bytes_max: u64,

    /// The longest line that a client may send, in bytes; the same on all nodes
    #[arg(long, value_name = "BYTES", default_value_t = 1_048_576, value_parser = clap::value_parser!(u32).range(1..))]
    line_max: u32,

    /// Check the flags and say what they mean, then end: exit code 0 if a node would start with them, 2 if not. Opens nothing
    #[arg(long)]
    check: bool,

    /// Found a new cluster of one node in --data-dir from this directory of a lost cluster's survivor, say what may be lost, and
    /// end. For when a majority is gone for good
    #[arg(long, value_name = "DIR", requires = "data_dir")]
    recover_from: Option<PathBuf>,

    /// Write the completions for this shell to standard output, and end
    #[arg(long, value_name = "SHELL")]
    completions: Option<Shell>,

    /// Write the manual page to standard output, and end
    #[arg(long)]
    man: bool,

    /// The seed of the random waits; drawn from the operating system when it is not given
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// How logs are written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,

    /// More logs: -v what is dropped and refused, -vv every renewal of the lease
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,

    /// Fewer logs: -q warnings only, -qq errors only, -qqq none
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    quiet: u8,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// Each side measures an interval on its own monotonic clocks
    Elapsed,
    /// Both sides compare wall-clock times; needs synchronized clocks
    Deadline,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line; what happens to leaders and leases has its terms and clock readings as fields
    Json,
}

const AFTER_HELP: &str = r#"Requests (the `body` of a message; see docs/reference/protocol.md for the answers):
  {"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}
  {"type":"lease_read","msg_id":2,"key":"x"}
  {"type":"read","msg_id":3,"key":"x"}
  {"type":"write","msg_id":4,"key":"x","value":"42"}
  {"type":"cas","msg_id":5,"key":"x","from":"42","to":"43","create_if_not_exists":true}
  {"type":"lease_read_config","msg_id":6,"lease_duration_ms":3000,"election_timeout_ms":5000,"max_clock_skew_ms":500}
    (with "apply":true the cluster uses these lengths from then on)
  {"type":"status","msg_id":7}
  {"type":"metrics","msg_id":8}
  {"type":"transfer","msg_id":9,"to":"n2"}
  {"type":"membership","msg_id":10,"add":"n4"}
    (or "promote" or "remove"; docs/guide/membership.md has the steps)

Times are written with their unit: 3s, 250ms, 500us.

Exit codes: 0 at the end of input or after a signal, 2 for a wrong command line or an unsafe lease, 74 when standard input, standard output
or the data directory fails, 70 for a bug of ours, told with the state that goes with it.

Example: a cluster of one node

  printf '%s\n' \
    '{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}' \
    '{"src":"c1","dest":"n1","body":{"type":"write","msg_id":1,"key":"x","value":"42"}}' \
    '{"src":"c1","dest":"n1","body":{"type":"lease_read","msg_id":2,"key":"x"}}' | leasehold
"#;

/// No length on the command line may be longer.
const SPAN_MAX: Span = Span::secs(365 * 24 * 60 * 60);

impl Options {
    /// What is asked for. Draws the seed from the operating system if none was given.
    pub(super) fn setup(&self) -> Result<Setup, SetupError> {
        let lease = LeaseSettings {
            form: match self.lease_form {
                Form::Elapsed => LeaseForm::Elapsed,
                Form::Deadline => LeaseForm::Deadline,
            },
            duration: self.lease,
            election_timeout: self.election_timeout,
            max_clock_skew: self.max_clock_skew,
        };
        if lease.election_timeout == Span::ZERO {
            return Err(SetupError::NoElectionTimeout);
        }
        let judgement = lease.judge();
        if !judgement.safe && !self.allow_unsafe_lease {
            return Err(SetupError::UnsafeLease { reason: judgement.reason });
        }
        let defaults = Settings::for_lease(lease);
        let heartbeat = self.heartbeat.unwrap_or(defaults.heartbeat);
        if heartbeat == Span::ZERO || heartbeat >= lease.election_timeout {
            let election_timeout = lease.election_timeout;
            return Err(SetupError::Heartbeat { heartbeat, election_timeout });
        }
        let election_jitter = self.election_jitter.unwrap_or(defaults.election_jitter);
        let settings = Settings {
            heartbeat,
            election_jitter,
            startup_grace: self.startup_grace.unwrap_or(defaults.startup_grace),
            first_start: self.startup_grace.unwrap_or(defaults.first_start),
            request_deadline: self.request_deadline.unwrap_or(defaults.request_deadline),
            lease,
            log: LogBounds {
                entries_max: self.log_entries_max,
                bytes_max: self.log_bytes_max,
                ..defaults.log
            },
        };
        let seed = match self.seed {
            Some(seed) => seed,
            None => getrandom::u64().map_err(SetupError::NoRandomNumbers)?,
        };
        let line_bytes_max =
            usize::try_from(self.line_max).expect("four bytes fit the machines that this runs on");
        Ok(Setup {
            settings,
            seed,
            joins: self.join,
            cluster: self.cluster.clone(),
            announced: self.announce.clone(),
            line_bytes_max,
            stop_grace: self.stop_grace,
        })
    }

    /// What is to be written instead of a start, if anything is: completions or the manual page.
    pub(super) fn document(&self) -> Option<Vec<u8>> {
        let mut command = Options::command();
        let mut text = Vec::new();
        if let Some(shell) = self.completions {
            clap_complete::generate(shell, &mut command, "leasehold", &mut text);
            return Some(text);
        }
        if self.man {
            clap_mangen::Man::new(command).render(&mut text).expect("memory takes every byte");
            return Some(text);
        }
        None
    }

    /// Only the flags are to be checked.
    pub(super) fn is_check(&self) -> bool {
        self.check
    }

    /// The error of the wall clock that is believed where the kernel does not vouch for it.
    pub(super) fn assumed_wall_error(&self) -> Option<Span> {
        self.assume_wall_error
    }

    /// The directory that keeps the node's state.
    pub(super) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }

    /// The survivor's directory and the new one, if a new cluster is to be founded.
    pub(super) fn recovers(&self) -> Option<(&Path, &Path)> {
        self.recover_from.as_deref().zip(self.data_dir())
    }

    /// True if the user said that nothing is to be kept.
    pub(super) fn in_memory(&self) -> bool {
        self.in_memory
    }

    pub(super) fn log_format(&self) -> LogFormat {
        self.log_format
    }

    /// One more for each `-v`, one less for each `-q`.
    pub(super) fn verbosity(&self) -> i32 {
        i32::from(self.verbose) - i32::from(self.quiet)
    }
}

/// Ends the process with exit code 2, as for any other mistake on the command line.
pub(super) fn refuse(text: &str) -> ! {
    Options::command().error(ErrorKind::ValueValidation, text).exit()
}

/// Reads a cluster's id.
fn parse_cluster(text: &str) -> Result<Name, PeerError> {
    cluster_id(text)
}

/// Reads a length of time with its unit, from 0 to 365 days.
fn parse_span(text: &str) -> Result<Span, SpanError> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(SpanError::NoUnit { text: text.to_owned() });
    }
    let length: jiff::SignedDuration = text.parse().map_err(|_| SpanError::NotALength)?;
    match u64::try_from(length.as_nanos()).map(Span::nanos) {
        Err(_) if length.is_negative() => Err(SpanError::Negative),
        Ok(span) if span <= SPAN_MAX => Ok(span),
        _ => Err(SpanError::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(flags: &[&str]) -> Result<Setup, SetupError> {
        Options::try_parse_from(std::iter::once(&"leasehold").chain(flags))
            .expect("these flags can be parsed")
            .setup()
    }

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn lengths_have_units() {
        for (text, span) in [
            ("3s", Span::secs(3)),
            ("250ms", Span::millis(250)),
            ("500us", Span::micros(500)),
            ("1.5s", Span::millis(1_500)),
            ("0s", Span::ZERO),
        ] {
            assert_eq!(parse_span(text), Ok(span), "{text}");
        }
        for (text, part) in [
            ("3", "write 3s, 3ms or 3us"),
            ("0.5", "write 0.5s"),
            ("-3s", "not negative"),
            ("soon", "no length of time"),
            ("400d", "no length of time"),
            ("9000h", "longer than 365 days"),
        ] {
            let error = parse_span(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let settings = setup(&[]).unwrap().settings;
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn every_wait_can_be_given() {
        let flags = ["--heartbeat=7ms", "--jitter=8ms", "--startup-grace=9ms", "--request-deadline=10ms"];
        let settings = setup(&flags).unwrap().settings;
        let given =
            [settings.heartbeat, settings.election_jitter, settings.startup_grace, settings.request_deadline];
        assert_eq!(given, [7, 8, 9, 10].map(Span::millis));
        assert_eq!(settings.first_start, Span::millis(9), "alone");
    }

    #[test]
    fn what_was_not_given_follows_the_election_timeout() {
        let settings = setup(&["--lease=200ms", "--election-timeout=300ms", "--skew=10ms", "--jitter=1ms"])
            .unwrap()
            .settings;
        assert_eq!(settings.heartbeat, Span::millis(30));
        assert_eq!(settings.request_deadline, Span::millis(600));
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_remedy() {
        for (flags, part) in [
            (&["--lease=5s"][..], "make lease shorter than election_timeout"),
            (&["--lease=5200ms"], "a skew above 300ms"),
            (&["--heartbeat=5s"], "shorter than --election-timeout (5s)"),
            (&["--heartbeat=0s"], "longer than 0s"),
            (&["--election-timeout=0s", "--allow-unsafe-lease"], "nobody could lead"),
        ] {
            let error = setup(flags).unwrap_err().to_string();
            assert!(error.contains(part), "{flags:?}: {error}");
        }
        assert!(setup(&["--lease=5s", "--allow-unsafe-lease"]).is_ok());
    }
}
