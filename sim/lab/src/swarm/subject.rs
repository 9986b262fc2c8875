//! What is explored: setups that every seed draws for itself, or one scenario under many seeds.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Bound, Profile, draw};
use leasehold_run::display::shell_word;
use leasehold_run::rules;
use leasehold_run::scenario::RowExpectation;
use leasehold_run::setup::Setup;

/// What is explored.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// Every seed draws its own setup.
    Swarm(Profile),
    /// Every seed runs the same scenario.
    Scenario(Arc<Given>),
}

/// One row of a scenario file.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The file, as the user named it.
    pub file: String,
    /// What `--set` changed in it, as the user wrote it.
    pub sets: Vec<String>,
    /// The row of its sweep, or its variant.
    pub row: Option<String>,
    /// What it asks for. The seed is replaced.
    pub setup: Setup,
    /// What the row should show.
    pub expect: RowExpectation,
    /// It is expected to be safe, not only without a stale read.
    pub safe: bool,
}

impl From<Profile> for Subject {
    fn from(profile: Profile) -> Subject {
        Subject::Swarm(profile)
    }
}

impl Subject {
    /// The setup of a seed.
    pub fn setup(&self, seed: u64) -> Setup {
        match self {
            Subject::Swarm(profile) => draw(seed, profile),
            Subject::Scenario(given) => Setup { seed, ..given.setup.clone() },
        }
    }

    /// Must there be no finding at all, whatever anybody expects?
    pub fn must_be_clean(&self) -> bool {
        match self {
            Subject::Swarm(profile) => profile.must_be_clean(),
            Subject::Scenario(_) => false,
        }
    }

    /// Must every seed be safe, and not only show no stale read?
    pub fn must_be_safe(&self) -> bool {
        match self {
            Subject::Swarm(_) => false,
            Subject::Scenario(given) => given.safe,
        }
    }

    /// What is expected where the user does not say.
    pub fn expectation(&self) -> RowExpectation {
        match self {
            Subject::Swarm(profile) if profile.must_be_clean() => RowExpectation::None,
            Subject::Swarm(_) => RowExpectation::Any,
            Subject::Scenario(given) => given.expect,
        }
    }

    /// In words, as the heading of a report says it.
    pub fn words(&self) -> String {
        match self {
            Subject::Swarm(Profile { rules, bound }) => {
                format!("{rules} rules, clocks {} the bound", bound.word())
            }
            Subject::Scenario(given) => given.words(),
        }
    }

    /// The command that shows one seed again.
    pub fn replay(&self, seed: u64) -> String {
        match self {
            Subject::Swarm(profile) => {
                let mut command = format!("cargo sim explore --show {seed}");
                if profile.rules != rules::SOUND {
                    command.push_str(&format!(" --rules {}", profile.rules));
                }
                if profile.bound == Bound::Beyond {
                    command.push_str(" --beyond");
                }
                command
            }
            Subject::Scenario(given) => format!("cargo sim run {} --seed {seed}", given.words()),
        }
    }

    /// Are the rules of every seed the sound ones?
    pub fn sound(&self) -> bool {
        match self {
            Subject::Swarm(profile) => profile.rules == rules::SOUND,
            Subject::Scenario(given) => given.setup.rules == rules::SOUND,
        }
    }

    /// The command that makes one seed's run small. A drawn seed's scenario is written first.
    pub fn shrink(&self, seed: u64) -> String {
        match self {
            Subject::Swarm(profile) => {
                format!("{} -q; cargo sim shrink {}", self.replay(seed), profile.seed_file(seed))
            }
            Subject::Scenario(given) => format!("cargo sim shrink {} --seed {seed}", given.words()),
        }
    }
}

impl Given {
    /// What was given, without the setup.
    pub fn to_json(&self) -> Value {
        json!({
            "file": self.file,
            "set": self.sets,
            "row": self.row,
            "expect": expect_word(self.expect),
            "expect_safe": self.safe,
        })
    }

    /// The inverse of [`Given::to_json`], with the setup that belongs to it; `None` for anything else.
    pub fn from_json(value: &Value, setup: Setup) -> Option<Given> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let all = [RowExpectation::None, RowExpectation::Some, RowExpectation::Any];
        let expect = value.get("expect")?.as_str()?;
        Some(Given {
            file: text(value.get("file")?)?,
            sets: value.get("set")?.as_array()?.iter().map(text).collect::<Option<Vec<String>>>()?,
            row: value.get("row").and_then(text),
            setup,
            expect: all.into_iter().find(|known| expect_word(*known) == expect)?,
            safe: value.get("expect_safe")?.as_bool()?,
        })
    }

    /// The file and what chooses in it, quoted for a shell.
    fn words(&self) -> String {
        let mut words = vec![shell_word(&self.file)];
        words.extend(self.sets.iter().map(|set| format!("--set {}", shell_word(set))));
        words.extend(self.row.iter().map(|row| format!("--row {}", shell_word(row))));
        words.join(" ")
    }
}

/// As scenarios write it.
pub fn expect_word(expect: RowExpectation) -> &'static str {
    match expect {
        RowExpectation::None => "none",
        RowExpectation::Some => "some",
        RowExpectation::Any => "any",
    }
}
