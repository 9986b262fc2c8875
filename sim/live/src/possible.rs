//! What a scenario asks for that real processes on one machine cannot do. It is refused, not passed over.

use leasehold::lease::LeaseForm;
use leasehold::time::Span;
use leasehold_run::describe;
use leasehold_run::faults;
use leasehold_run::rules;
use leasehold_run::setup::{DiskKind, NodeSpec, Setup};

/// Why this setup cannot be run on real processes, one sentence a reason, each with its remedy; none if it can.
pub fn impossible(setup: &Setup) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(guest) = &setup.guest {
        reasons.push(format!(
            "guest.command is `{}`: `sim live` starts our own node; use `sim run`",
            guest.command()
        ));
    }
    if setup.rules != rules::SOUND {
        reasons.push(format!(
            "lease.rules is `{}`: a real node follows the sound rules and no others; broken ones exist in the simulator alone",
            setup.rules
        ));
    }
    if setup.lease.form == LeaseForm::Deadline {
        reasons.push(
            "lease.form is `deadline`: all processes share this machine's one wall clock, so that nothing would be tested; \
             use `elapsed`"
                .to_owned(),
        );
    }
    reasons.extend(clocks(setup));
    setup.nodes.iter().for_each(|node| reasons.extend(disk(node)));
    for (place, fault) in setup.faults.iter().enumerate() {
        if let Some(why) = faults::impossible_live(&fault.action) {
            reasons.push(format!("fault[{place}] ({}): {why}", describe::fault(setup, fault)));
        }
    }
    reasons
}

/// All processes read the clocks of one machine. None can be given another offset, rate or error without a lie that would have
/// to be told inside the node, and such a node would not be the one that is put to use.
fn clocks(setup: &Setup) -> Option<String> {
    let wrong: Vec<String> =
        describe::clocks(setup).into_iter().filter(|clocks| !clocks.ends_with(": true")).collect();
    (!wrong.is_empty()).then(|| {
        format!(
            "clock ({}): a real process reads this machine's clocks, which cannot be set for it alone; leave the clocks away, \
             set their keys to what is true, as in `--set clock.NAME.rate=0ppm`, or use `sim run`",
            wrong.join("; ")
        )
    })
}

fn disk(node: &NodeSpec) -> Vec<String> {
    let mut reasons = Vec::new();
    let name = &node.name;
    if node.disk_sync != Span::ZERO {
        reasons.push(format!(
            "node.{name}.disk-sync is {}: a real disk takes as long as it takes; leave it away",
            node.disk_sync
        ));
    }
    if node.disk.kind == DiskKind::Durable {
        reasons.push(format!(
            "node.{name}.disk is `durable`: a real process always keeps its state in its own database; leave `disk` away"
        ));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_run::scenario;

    fn reasons(text: &str) -> Vec<String> {
        let text = format!("duration = '10s'\n{text}");
        let plan = scenario::load("t", &text, &[], &rules::names()).unwrap_or_else(|problems| {
            panic!("{}", problems.render(false));
        });
        impossible(&plan.rows[0].scenario.setup)
    }

    #[test]
    fn what_processes_can_do_is_not_refused() {
        let possible = "[[fault]]\nat = '1s'\nevery = '2s'\nfor = '1s'\ncrash = { node = 'n1' }\n[[fault]]\nat = '2s'\n\
            pause = { node = 'n2' }\n[[fault]]\nwhen = { event = 'elected' }\nisolate = { node = 'n3' }\n[[fault]]\nat = '3s'\n\
            transfer = { to = 'n2' }\n[[fault]]\nat = '3s'\nadd = { node = 'n5' }\n[[fault]]\nat = '4s'\n\
            apply = { duration = '20ms', election-timeout = '30ms', max-clock-skew = '0s' }\n[cluster]\n\
            learners = 1\nspares = 1\n[clock.n1]\nrate = '0ppm'";
        assert_eq!(reasons(possible), Vec::<String>::new());
    }

    #[test]
    fn what_they_cannot_do_is_named_with_a_reason() {
        for (text, part) in [
            (
                "[[fault]]\nat = '1s'\nheal = {}\n[[fault]]\nat = '1s'\nstep = { node = 'n2', by = '1s' }",
                "fault[1] (at 1s",
            ),
            ("[[fault]]\nat = '1s'\nsuspend = { node = 'n2' }", "`pause` stops the process alone"),
            (
                "[[fault]]\nat = '1s'\napply = { duration = '20.5ms', election-timeout = '30ms', max-clock-skew = '0s' }",
                "fault[0] (at 1s",
            ),
            ("[clock.n2]\noffset = '1s'\n[clock.n3]\noffset = '1s'", "clock (n2 and n3: offset +1s)"),
            ("[lease]\nform = 'deadline'", "one wall clock"),
            ("[lease]\nrules = 'half-quorum'", "sound rules"),
            ("[node.n1]\ndisk-sync = '1ms'", "node.n1.disk-sync"),
            ("[node.n1]\ndisk = 'durable'", "node.n1.disk"),
            ("[[fault]]\nat = '1s'\ndisk-stall = { node = 'n2' }", "the disk of this machine is left alone"),
        ] {
            let found = reasons(text);
            assert!(found.len() == 1 && found[0].contains(part), "{text}: {found:?}");
        }
    }
}
