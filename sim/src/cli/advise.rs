//! `sim advise`: "am I safe with my numbers?".

mod here;
mod like;
mod settings;

use std::path::PathBuf;

use clap::Args;
use leasehold_lab::advise::example::example;
use leasehold_lab::advise::{Advice, Settings, Trouble, advise as find};
use leasehold_lab::report::{AdviceSubject, advice_json, advice_sheet, advice_text};
use leasehold_run::report::Style;
use leasehold_run::sheet::Sheet;
use leasehold_run::study::Safety;

use super::args::Color;
use super::errors::{Failure, quoted};
use super::exit;
use super::output::{Case, Output, Report};
use settings::Given;

#[derive(Debug, Args)]
pub(super) struct AdviseArguments {
    /// Settings as TOML: the names of the options below, as in `lease = "900ms"`. Options override them.
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub(super) file: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
    /// Take another system's options: its name (`etcd`, `tikv`, `consul`, `kubernetes`), then OPTION=VALUE. What is not
    /// given is that system's default.
    #[arg(long, value_name = "SYSTEM [OPTION=VALUE]", num_args = 1..)]
    like: Vec<String>,
    /// Ask this machine's chronyd for the drift and the wall clock's error. They are this moment's, not the worst.
    #[arg(long)]
    here: bool,
    /// Write the hazard that breaks first to this file, as a scenario of two rows: at its bound, and one step beyond.
    #[arg(short, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(super) o: Option<PathBuf>,
    /// With -o: overwrite the file.
    #[arg(long, requires = "o")]
    force: bool,
    #[command(flatten)]
    pub(super) output: Output,
    /// Colour in reports. `auto`: only on a terminal, and only if NO_COLOR is not set.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

pub(super) fn advise(asked: &AdviseArguments) -> Result<u8, Failure> {
    let mut given = asked.given.clone();
    let mut remarks = Vec::new();
    if let Some(path) = &asked.file {
        given.or(&settings::of_file(path)?);
    }
    if asked.here {
        let (measured, remark) = here::measured()?;
        given.or(&measured);
        remarks.push(remark);
    }
    if let Some((system, options)) = asked.like.split_first() {
        let (mapped, remark) = like::mapped(system, options)?;
        given.or(&mapped);
        remarks.push(remark);
    }
    let settings = given.settings()?;
    remarks.extend(given.assumed());
    let advice = find(&settings).map_err(failed)?;
    if let Some(path) = &asked.o {
        write_example(path, asked.force, &settings, &advice)?;
    }
    let command = command(&given);
    let subject =
        AdviceSubject { settings: &settings, advice: &advice, remarks: &remarks, command: &command };
    asked.output.print(&subject, asked.color)?;
    Ok(match advice.safety {
        Safety::Safe => 0,
        Safety::NotSafe | Safety::Stale => 1,
        Safety::NotKnown => exit::UNDECIDED,
    })
}

fn write_example(path: &PathBuf, force: bool, settings: &Settings, advice: &Advice) -> Result<(), Failure> {
    let text = match advice.first_to_break() {
        Some(first) => example(settings, advice, first.hazard).map_err(failed)?,
        None => None,
    };
    let Some(text) = text else {
        return Err(Failure::nothing(format!(
            "error: nothing to write to {}: no hazard here has a bound\n  ask without -o to see why",
            path.display()
        )));
    };
    if path.exists() && !force {
        return Err(Failure::usage(format!(
            "error: {} exists\n  name another file after -o, or say --force",
            path.display()
        )));
    }
    std::fs::write(path, text)
        .map_err(|error| Failure::io(&format!("cannot write {}", path.display()), &error))
}

/// A command that asks the same, whatever the settings came from.
fn command(given: &Given) -> String {
    let words = given.words().into_iter().map(|(name, value)| format!(" --{name} {}", quoted(&value)));
    format!("sim advise{}", words.collect::<String>())
}

fn failed(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Scenario(problems) => {
            Failure::usage(format!("error: these settings make no scenario\n{}", problems.render(false)))
        }
        Trouble::Contradiction { what, scenario } => Failure::with(
            exit::OUR_BUG,
            format!("A BUG OF OURS: {what}\n  please report it with this scenario:\n\n{scenario}"),
        ),
    }
}

impl Report for AdviceSubject<'_> {
    const PARTS: Option<&'static str> = Some("hazards");

    fn human(&self, style: Style) -> String {
        advice_text(self, style)
    }

    fn json(&self) -> serde_json::Value {
        advice_json(self)
    }

    fn sheet(&self) -> Sheet {
        advice_sheet(self)
    }

    fn cases(&self) -> Vec<Case> {
        let hazards = self.advice.answers.iter().map(|answer| Case {
            name: answer.hazard.word().to_owned(),
            failure: answer.harmful().then(|| "more than is survived".to_owned()),
        });
        let whole = Case {
            name: "all together".to_owned(),
            failure: (self.advice.safety != Safety::Safe).then(|| self.advice.safety.words().to_owned()),
        };
        hazards.chain([whole]).collect()
    }
}
