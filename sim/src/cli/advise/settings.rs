//! What a user says about a system: options, or the same names in a file.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use leasehold::lease::LeaseForm;
use leasehold::time::Span;
use leasehold_lab::advise::{Hazard, Settings};
use leasehold_run::rules;
use leasehold_run::scenario::units;
use leasehold_run::setup::StampSource;
use toml::de::{DeTable, DeValue};

use crate::cli::errors::Failure;

/// As text, so that the command can be said again.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct Given {
    /// T: how long a voter that heard the leader withholds its vote.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) election_timeout: Option<String>,
    /// D: how long a leader may answer reads by itself, before the skew is taken off.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) lease: Option<String>,
    /// s: the declared clock skew, which is taken off D. Default: 0s, or the node's default if neither D nor T is given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) skew: Option<String>,
    /// How the lease is measured: `elapsed` (intervals on monotonic clocks) or `deadline` (wall clocks). Default: elapsed.
    #[arg(long, value_name = "FORM")]
    pub(super) form: Option<String>,
    /// Every clock's rate is within this of true time, as in `100ppm`.
    #[arg(long, value_name = "RATE", allow_hyphen_values = true)]
    pub(super) drift: Option<String>,
    /// The longest stop of a process while its clocks go on: garbage collection, an overloaded machine.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) pause: Option<String>,
    /// The longest stop of a machine by its hypervisor, clocks included: live migration, a snapshot.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) vm_pause: Option<String>,
    /// The longest sleep of a machine that its own kernel knows of.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) suspend: Option<String>,
    /// Every wall clock is within this of true time. Steps count.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) wall_error: Option<String>,
    /// A round trip between two nodes.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) rtt: Option<String>,
    /// A sync of a disk.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) sync: Option<String>,
    /// The time between two rounds of a leader.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) heartbeat: Option<String>,
    /// The lease rules: `sound`, or a broken set that `sim rules` lists, as in `lease-from-acknowledgement`.
    #[arg(long, value_name = "NAME")]
    pub(super) rule: Option<String>,
    /// The monotonic clocks of a lease: `both`, `raw` (it stops in a suspend) or `boot`. Default: both, as in Leasehold.
    #[arg(long, value_name = "CLOCK")]
    pub(super) clock: Option<String>,
    /// How many voters, 2 to 7. Default: 3.
    #[arg(long, value_name = "N")]
    pub(super) voters: Option<String>,
}

/// Shorter and longer ones make no sense to anybody, and a search needs room above them.
const SPAN_MAX: Span = Span::secs(30 * 24 * 3_600);

impl Given {
    fn fields(&mut self) -> [(&'static str, &mut Option<String>); 15] {
        [
            ("election-timeout", &mut self.election_timeout),
            ("lease", &mut self.lease),
            ("skew", &mut self.skew),
            ("form", &mut self.form),
            ("drift", &mut self.drift),
            ("pause", &mut self.pause),
            ("vm-pause", &mut self.vm_pause),
            ("suspend", &mut self.suspend),
            ("wall-error", &mut self.wall_error),
            ("rtt", &mut self.rtt),
            ("sync", &mut self.sync),
            ("heartbeat", &mut self.heartbeat),
            ("rule", &mut self.rule),
            ("clock", &mut self.clock),
            ("voters", &mut self.voters),
        ]
    }

    /// Takes what is not given yet from `other`.
    pub(super) fn or(&mut self, other: &Given) {
        let mut other = other.clone();
        for ((_, field), (_, value)) in self.fields().into_iter().zip(other.fields()) {
            if field.is_none() {
                *field = value.take();
            }
        }
    }

    /// Names and values, in the order of the help.
    pub(super) fn words(&self) -> Vec<(&'static str, String)> {
        let mut copy = self.clone();
        copy.fields().into_iter().filter_map(|(name, value)| Some((name, value.take()?))).collect()
    }

    /// What was taken because it was not said.
    pub(super) fn assumed(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.election_timeout.is_none() && self.lease.is_none() {
            said.push("No lengths were given: these are the defaults of the node.".to_owned());
        } else if self.election_timeout.is_none() {
            said.push("No election timeout was given: this is the node's default.".to_owned());
        } else if self.lease.is_none() {
            said.push("No lease was given: this is the node's default.".to_owned());
        }
        said
    }

    /// Reads every value.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let own = self.election_timeout.is_none() && self.lease.is_none();
        let span = |name: &str, text: &Option<String>, default: Span| match text {
            Some(text) => read_span(name, text),
            None => Ok(default),
        };
        let election_timeout = span("election-timeout", &self.election_timeout, Span::secs(5))?;
        if election_timeout < Span::micros(10) {
            return Err(wrong("election-timeout", &election_timeout.to_string(), "write 10us or more"));
        }
        let mut hazards = BTreeMap::new();
        if let Some(text) = &self.drift {
            let ppb = units::rate(text).map_err(|error| unit_error("drift", text, &error))?;
            if !(0..=900_000_000).contains(&ppb) {
                return Err(wrong("drift", text, "write a rate from 0ppm to 90%, without a sign"));
            }
            hazards.insert(Hazard::Drift, i128::from(ppb));
        }
        let lengths = [
            (Hazard::Pause, &self.pause),
            (Hazard::HypervisorPause, &self.vm_pause),
            (Hazard::Suspend, &self.suspend),
            (Hazard::WallClock, &self.wall_error),
        ];
        for (hazard, text) in lengths {
            if let Some(text) = text {
                hazards.insert(hazard, i128::from(read_span(hazard.word(), text)?.as_nanos()));
            }
        }
        let heartbeat = match &self.heartbeat {
            Some(text) => Some(read_span("heartbeat", text)?),
            None => None,
        };
        Ok(Settings {
            election_timeout,
            lease: span("lease", &self.lease, Span::secs(3))?,
            max_clock_skew: span("skew", &self.skew, if own { Span::millis(500) } else { Span::ZERO })?,
            form: one_of(
                "form",
                &self.form,
                &[("elapsed", LeaseForm::Elapsed), ("deadline", LeaseForm::Deadline)],
            )?,
            rules: self.rules()?,
            stamp: one_of(
                "clock",
                &self.clock,
                &[("both", StampSource::Both), ("raw", StampSource::Raw), ("boot", StampSource::Boot)],
            )?,
            voters: match self.voters.as_deref().map(|text| (text, text.parse::<u32>())) {
                None => 3,
                Some((_, Ok(voters))) if (2..=7).contains(&voters) => voters,
                Some((text, _)) => return Err(wrong("voters", text, "write a whole number from 2 to 7")),
            },
            round_trip: span("rtt", &self.rtt, Span::ZERO)?,
            sync: span("sync", &self.sync, Span::ZERO)?,
            heartbeat,
            hazards,
        })
    }

    fn rules(&self) -> Result<String, Failure> {
        let Some(name) = &self.rule else { return Ok(rules::SOUND.to_owned()) };
        let known = rules::names();
        if known.contains(&name.as_str()) {
            return Ok(name.clone());
        }
        let near = crate::cli::nearest(name, known.iter().copied());
        let near = near.map_or(String::new(), |near| format!("did you mean {near}? "));
        Err(wrong("rule", name, &format!("{near}`sim rules` lists them")))
    }
}

/// Settings in a file: one `name = "value"` a line.
pub(super) fn of_file(path: &Path) -> Result<Given, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("error: cannot read the settings {shown}: {error}")))?;
    let table = DeTable::parse(&text)
        .map_err(|error| Failure::usage(format!("error: {shown} is not TOML: {error}")))?;
    let mut given = Given::default();
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        let place = format!("{shown}:{}", text[..key.span().start].matches('\n').count() + 1);
        let value = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                return Err(Failure::usage(format!(
                    "{place}: error: `{name}` takes text, as in `{name} = \"900ms\"`"
                )));
            }
        };
        let mut fields = given.fields();
        match fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, field)) => **field = Some(value),
            None => {
                let near = crate::cli::nearest(name, fields.iter().map(|(known, _)| *known));
                let near = near.map_or("`sim advise --help` lists the names".to_owned(), |near| {
                    format!("did you mean `{near}`?")
                });
                return Err(Failure::usage(format!("{place}: error: unknown name `{name}`\n  {near}")));
            }
        }
    }
    Ok(given)
}

fn read_span(name: &str, text: &str) -> Result<Span, Failure> {
    let span = units::span(text).map_err(|error| unit_error(name, text, &error))?;
    if span > SPAN_MAX {
        return Err(wrong(name, text, "write a length of at most 720h"));
    }
    Ok(span)
}

fn one_of<T: Copy + Default>(name: &str, text: &Option<String>, known: &[(&str, T)]) -> Result<T, Failure> {
    let Some(text) = text else { return Ok(T::default()) };
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    known
        .iter()
        .find(|(word, _)| word == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| wrong(name, text, &format!("write one of {}", words.join(", "))))
}

fn unit_error(name: &str, text: &str, error: &units::UnitError) -> Failure {
    let remedy = error.remedy().map_or(String::new(), |remedy| format!("\n  {remedy}"));
    Failure::usage(format!("error: --{name} {text}: {error}{remedy}"))
}

pub(super) fn wrong(name: &str, text: &str, remedy: &str) -> Failure {
    Failure::usage(format!("error: --{name} {text}: {remedy}"))
}
