//! The hazard that breaks first, at its bound: a scenario with two rows, the last safe value and the first stale one.

use leasehold_run::scenario::{Knob, Written};
use leasehold_run::setup::{Action, Setup};

use super::stage::Stage;
use super::{Advice, Hazard, Settings, Survived, Trouble, forms, others};
use crate::threshold::most_harm;

/// A scenario of a hazard at its bound, the others as they were given and harmless alone. `None`: the hazard does no harm at any
/// value, or does harm at none.
pub fn example(settings: &Settings, advice: &Advice, hazard: Hazard) -> Result<Option<String>, Trouble> {
    let Some(Survived::UpTo(clean)) =
        advice.answers.iter().find(|answer| answer.hazard == hazard).map(|answer| answer.together)
    else {
        return Ok(None);
    };
    let others = others(&advice.answers, hazard);
    for form in forms(settings) {
        let Some(stage) = Stage::varying(settings, *form, hazard, &others) else { continue };
        let knob = stage.knob()?;
        let stale = clean + stage.range(settings, hazard).tolerance;
        let setup = knob.at(stale).map_err(Trouble::Scenario)?;
        // Of two forms the one that breaks here.
        let harm = most_harm(&setup).ok().flatten().filter(|harm| harm.stale > 0);
        if let Some(harm) = harm {
            return Ok(Some(written(settings, hazard, &knob, (clean, stale), &harm.setup)));
        }
    }
    Ok(None)
}

fn written(
    settings: &Settings,
    hazard: Hazard,
    knob: &Knob,
    (clean, stale): (i128, i128),
    setup: &Setup,
) -> String {
    let (safe, breaks) = (knob.show(clean), knob.show(stale));
    let title = format!("{} at its bound: {safe} does no harm, {breaks} does", hazard.word());
    let story = [
        format!("D {}, T {}, s {}:", settings.lease, settings.election_timeout, settings.max_clock_skew),
        format!("{} of {safe} does no harm, whatever the schedule. {breaks} gives", hazard.word()),
        "a stale read in this schedule. Messages take no time, so that nothing but the".to_owned(),
        "lengths is counted on.".to_owned(),
    ];
    let text = Written { title: &title, story: &story, expect: "some", setup }.to_toml();
    let keys: Vec<String> = keys(hazard, setup).iter().map(|key| format!("\"{key}\"")).collect();
    let sweep = format!(
        "[sweep]\nset = [{}]\nvalues = [\"{safe}\", \"{breaks}\"]\n\n[expect]\nbegin-above = \"{safe}\"",
        keys.join(", ")
    );
    text.replace("[expect]\nstale-reads = \"some\"", &sweep)
}

/// The keys of the hazard in the run's own file.
fn keys(hazard: Hazard, setup: &Setup) -> Vec<String> {
    let of_clocks = |key: &str| {
        let nodes = setup.nodes.iter().enumerate();
        nodes
            .map(|(at, node)| format!("{}clock.{}.{key}", if at == 0 { "-" } else { "" }, node.name))
            .collect()
    };
    let of_fault = |wanted: fn(&Action) -> bool| {
        // The schedule stops processes of voters; the hazard is the leader's.
        let at = setup.faults.iter().position(|fault| wanted(&fault.action));
        at.map(|at| format!("fault[{at}].for")).into_iter().collect()
    };
    match hazard {
        Hazard::Drift => of_clocks("rate"),
        Hazard::WallClock => of_clocks("offset"),
        Hazard::Pause => of_fault(|action| matches!(action, Action::Pause { node: 0 })),
        Hazard::HypervisorPause => of_fault(|action| matches!(action, Action::HypervisorPause { .. })),
        Hazard::Suspend => of_fault(|action| matches!(action, Action::Suspend { .. })),
        Hazard::Restart => Vec::new(),
    }
}
