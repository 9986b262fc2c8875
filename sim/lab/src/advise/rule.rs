//! Broken lease rules: no lease is safe with one. A shipped scenario shows the stale read.

use std::sync::Arc;

use leasehold_check::Outcome;
use leasehold_run::rules::{self, NamedRules};
use leasehold_run::run::run;
use leasehold_run::scenario::{self, Diagnostics, Plan};

use super::Settings;

/// What a broken rule comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenRule {
    /// Its name, as `lease.rules` has it.
    pub name: &'static str,
    /// What is different, in one sentence.
    pub what: &'static str,
    /// What its scenario is called.
    pub title: String,
    /// Stale reads in that scenario. With none, it breaks an invariant of the proof.
    pub stale: usize,
    /// The scenario has the user's own lengths. If not: its own, since its timeline does not fit the user's.
    pub own_lengths: bool,
    /// The command that shows it.
    pub command: String,
}

macro_rules! scenarios {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../scenarios/rules/", $name, ".toml")))),*]
    };
}

/// The scenario that each broken rule has.
const SCENARIOS: &[(&str, &str)] = scenarios![
    "lease-from-acknowledgement",
    "nothing-withheld",
    "pre-vote-withheld-only",
    "leader-votes",
    "promise-by-the-faster-clock",
    "restart-forgets",
    "transfer-keeps-lease",
    "serves-unapplied",
    "cached-clock",
    "lease-outlives-leadership",
    "counts-older-terms",
    "counts-learners",
    "half-quorum",
    "changes-without-waiting",
    "guesses-time",
    "own-promise-length",
    "promise-may-shrink",
    "never-steps-down",
    "check-quorum-window",
    "step-down-timer",
    "contact-is-lease",
    "contact-from-acknowledgement",
    "transfer-resumes",
    "age-saturates",
    "promise-in-ticks",
    "reads-unconfirmed",
    "reads-earlier-round",
    "reads-shared-round",
];

/// What the user's rules come to, if they are broken.
pub(super) fn broken(settings: &Settings) -> Result<Option<BrokenRule>, Diagnostics> {
    let broken = rules::BROKEN.iter().find(|rules| rules.name == settings.rules);
    let Some(NamedRules { name, what, .. }) = broken else { return Ok(None) };
    let (_, text) =
        SCENARIOS.iter().find(|(known, _)| known == name).expect("a test holds that all are here");
    let sets = [
        format!("lease.duration={}", settings.lease),
        format!("lease.election-timeout={}", settings.election_timeout),
        format!("lease.max-clock-skew={}", settings.max_clock_skew),
    ];
    let file = format!("scenarios/rules/{name}.toml");
    let load = |sets: &[String]| scenario::load(&file, text, sets, &rules::names());
    let shown = |plan: &Plan, arguments: &str, own_lengths: bool| {
        let broken = plan.rows.iter().filter_map(|row| {
            let outcome = run(&Arc::new(row.scenario.setup.clone()));
            let shows = outcome.check.outcome == Outcome::NotLinearizable || !outcome.broken.is_empty();
            shows.then_some((row, outcome.check.stale_reads.len()))
        });
        let (row, stale) = broken.max_by_key(|(_, stale)| *stale)?;
        let row = match row.label.as_str() {
            "" => String::new(),
            label => format!(" --row {}", leasehold_run::display::shell_word(label)),
        };
        let command = format!("sim run {file}{arguments}{row}");
        let title = plan.title.clone();
        Some(BrokenRule { name, what, title, stale, own_lengths, command })
    };
    // The timeline of a rule's scenario is made for lengths of its own; with the user's it may miss.
    let arguments: String = sets.iter().map(|set| format!(" --set {set}")).collect();
    if let Some(found) = load(&sets).ok().and_then(|plan| shown(&plan, &arguments, true)) {
        return Ok(Some(found));
    }
    let plan = load(&[])?;
    Ok(Some(shown(&plan, "", false).expect("a test holds that every broken rule's scenario shows it")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::tests::settings;

    #[test]
    fn every_broken_rule_has_a_scenario_that_shows_it() {
        for rules in rules::BROKEN {
            let asked = Settings { rules: rules.name.to_owned(), ..settings() };
            let found = broken(&asked).unwrap().expect(rules.name);
            assert_eq!(found.stale == 0, found.name == "leader-votes", "{found:?}");
        }
        assert_eq!(broken(&settings()).unwrap(), None);
    }
}
