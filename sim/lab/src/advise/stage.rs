//! A hazard as a scenario: a small cluster whose messages take no time, with the faults that were given.

use std::collections::BTreeMap;

use leasehold::lease::LeaseForm;
use leasehold_run::display::rate;
use leasehold_run::rules;
use leasehold_run::scenario::Knob;
use leasehold_run::setup::{Setup, StampSource};

use super::{FAR, Hazard, STEP_NS, Settings, Trouble};
use crate::threshold::Range;

/// A scenario file, and the keys of the hazard that is varied.
#[derive(Debug)]
pub(super) struct Stage {
    text: String,
    keys: Vec<String>,
}

impl Stage {
    /// With the hazards as they are.
    pub(super) fn fixed(settings: &Settings, form: LeaseForm, hazards: &BTreeMap<Hazard, i128>) -> Stage {
        Stage::written(settings, form, hazards, None)
    }

    /// With one hazard to be varied. `None`: it has no place in a scenario of this form.
    pub(super) fn varying(
        settings: &Settings,
        form: LeaseForm,
        hazard: Hazard,
        others: &BTreeMap<Hazard, i128>,
    ) -> Option<Stage> {
        let mut hazards = others.clone();
        hazards.insert(hazard, STEP_NS);
        let stage = Stage::written(settings, form, &hazards, Some(hazard));
        (!stage.keys.is_empty()).then_some(stage)
    }

    fn written(
        settings: &Settings,
        form: LeaseForm,
        hazards: &BTreeMap<Hazard, i128>,
        varied: Option<Hazard>,
    ) -> Stage {
        let voters = settings.voters;
        let form_word = match form {
            LeaseForm::Elapsed => "elapsed",
            LeaseForm::Deadline => "deadline",
        };
        let stamp = match settings.stamp {
            StampSource::Both => "both",
            StampSource::Raw => "raw",
            StampSource::Boot => "boot",
            StampSource::Wall => "wall",
        };
        let heartbeat = settings.election_timeout.as_nanos() / 10;
        // Theory counts with the run's length where faults come again; none does here.
        let duration = FAR * lengths(settings);
        let mut text = format!(
            "duration = \"{duration}ns\"\nseed = 1\n\n[cluster]\nnodes = {voters}\nfirst-leader = \"n1\"\n\n\
             [lease]\nform = \"{form_word}\"\nduration = \"{}\"\nelection-timeout = \"{}\"\nmax-clock-skew = \"{}\"\n\n\
             [timers]\nheartbeat = \"{}ns\"\nelection-jitter = \"0s\"\n\n[network]\ndelay = \"0s\"\n",
            settings.lease,
            settings.election_timeout,
            settings.max_clock_skew,
            heartbeat.max(1),
        );
        let value = |hazard: Hazard| hazards.get(&hazard).copied().filter(|value| *value != 0);
        // A wall clock has no rate of its own here: in the deadline form its error is all that counts.
        let drift = value(Hazard::Drift).filter(|_| form == LeaseForm::Elapsed);
        let apart = value(Hazard::WallClock);
        let followers: Vec<String> = (2..=voters).map(|node| format!("\"n{node}\"")).collect();
        for (name, nodes, sign) in
            [("leader", "\"n1\"".to_owned(), -1), ("followers", followers.join(", "), 1)]
        {
            text.push_str(&format!("\n[clock.{name}]\nnodes = [{nodes}]\nstamp = \"{stamp}\"\n"));
            if let Some(ppb) = drift.and_then(|ppb| i64::try_from(sign * ppb).ok()) {
                text.push_str(&format!("rate = \"{}\"\n", rate(ppb)));
            }
            if let Some(by) = apart {
                text.push_str(&format!("offset = \"{}ns\"\n", sign * by));
            }
        }
        let mut keys = Vec::new();
        match varied {
            Some(Hazard::Drift) if drift.is_some() => {
                keys = vec!["-clock.leader.rate".to_owned(), "clock.followers.rate".to_owned()];
            }
            Some(Hazard::WallClock) => {
                keys = vec!["-clock.leader.offset".to_owned(), "clock.followers.offset".to_owned()];
            }
            Some(_) | None => {}
        }
        let mut faults = 0;
        let stops = [
            (Hazard::Pause, "pause"),
            (Hazard::HypervisorPause, "hypervisor-pause"),
            (Hazard::Suspend, "suspend"),
        ];
        for (hazard, action) in stops {
            let Some(length) = value(hazard) else { continue };
            text.push_str(&format!(
                "\n[[fault]]\nat = \"1ns\"\nfor = \"{length}ns\"\n{action} = {{ node = \"n1\" }}\n"
            ));
            if varied == Some(hazard) {
                keys = vec![format!("fault[{faults}].for")];
            }
            faults += 1;
        }
        if hazards.contains_key(&Hazard::Restart) {
            text.push_str(&format!(
                "\n[[fault]]\nat = \"1ns\"\nfor = \"1us\"\ncrash = {{ node = \"n{voters}\" }}\n"
            ));
        }
        Stage { text, keys }
    }

    /// The hazard's knob.
    pub(super) fn knob(&self) -> Result<Knob, Trouble> {
        Knob::new("advice", &self.text, &[], &self.keys, &rules::names()).map_err(Trouble::Scenario)
    }

    /// Another key's knob.
    pub(super) fn knob_of(&self, key: &str) -> Result<Knob, Trouble> {
        Knob::new("advice", &self.text, &[], &[key.to_owned()], &rules::names()).map_err(Trouble::Scenario)
    }

    /// The setup as it is written.
    pub(super) fn setup(&self) -> Result<Setup, Trouble> {
        let plan = leasehold_run::scenario::load("advice", &self.text, &[], &rules::names())
            .map_err(Trouble::Scenario)?;
        Ok(plan.rows[0].scenario.setup.clone())
    }

    /// Where a hazard's threshold is looked for: up to 90 %, or far beyond the lengths.
    pub(super) fn range(&self, settings: &Settings, hazard: Hazard) -> Range {
        match hazard {
            Hazard::Drift => Range { from: 0, to: 900_000_000, tolerance: 1_000 },
            Hazard::WallClock => {
                Range { from: 0, to: FAR * lengths(settings) / STEP_NS * STEP_NS, tolerance: STEP_NS }
            }
            Hazard::Pause | Hazard::HypervisorPause | Hazard::Suspend | Hazard::Restart => {
                Range { from: STEP_NS, to: FAR * lengths(settings) / STEP_NS * STEP_NS, tolerance: STEP_NS }
            }
        }
    }
}

/// T, D and every given length, together: what a search must reach beyond, ns.
pub(super) fn lengths(settings: &Settings) -> i128 {
    let given = settings.hazards.iter().filter(|(hazard, _)| **hazard != Hazard::Drift);
    let given: i128 = given.map(|(_, value)| *value).sum();
    i128::from(settings.election_timeout.as_nanos()) + i128::from(settings.lease.as_nanos()) + given
}
