//! The arguments that rows depend on, in one order and one spelling.

use clap::ValueEnum;

use super::super::args::ScenarioArguments;

/// Words of a command line. `--name=value`, so that a value may begin with a minus sign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Words(Vec<String>);

impl Words {
    /// What was asked of a scenario.
    pub(in crate::cli) fn of_scenario(asked: &ScenarioArguments) -> Words {
        Words::default()
            .all("set", &asked.sets)
            .maybe("seed", asked.seed.as_ref())
            .maybe("guest", asked.guest.as_ref())
    }

    pub(in crate::cli) fn option(mut self, name: &str, value: impl std::fmt::Display) -> Words {
        self.0.push(format!("--{name}={value}"));
        self
    }

    pub(in crate::cli) fn maybe(self, name: &str, value: Option<&String>) -> Words {
        value.into_iter().fold(self, |words, value| words.option(name, value))
    }

    pub(in crate::cli) fn all(self, name: &str, values: &[String]) -> Words {
        values.iter().fold(self, |words, value| words.option(name, value))
    }

    pub(in crate::cli) fn choice(self, name: &str, value: &impl ValueEnum) -> Words {
        let value = value.to_possible_value().expect("every choice has a name");
        self.option(name, value.get_name())
    }

    pub(in crate::cli) fn flag(mut self, name: &str, on: bool) -> Words {
        self.0.extend(on.then(|| format!("--{name}")));
        self
    }

    pub(super) fn as_slice(&self) -> &[String] {
        &self.0
    }
}
