//! What is to blame for a stale read. Several things may be: each is asked for by itself.

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use super::notes::Notes;
use super::{Cause, Explanation, LeaseFacts};
use crate::describe;
use crate::display::{instant, length, rate};
use crate::rules;
use crate::setup::{Setup, StampSource};
use crate::watch::{LeadershipChange, LeaseOver};

/// A cause, and what it was in words.
type Found = (Cause, String);

/// What is to blame, most telling first.
pub(super) fn find(setup: &Setup, notes: &Notes, explanation: &Explanation) -> Vec<Found> {
    let mut found = Vec::new();
    found.extend(broken_rules(setup));
    found.extend(lying_disks(setup, notes));
    // These two are told from our own rules and settings.
    if setup.guest.is_none() {
        found.extend(skew(setup, notes, explanation.server));
    }
    found.extend(fast_clock(setup, notes, explanation.server));
    if setup.guest.is_none() {
        found.extend(unsafe_settings(setup));
    }
    found.extend(lost_time(setup, explanation));
    found.extend(two_leaders(setup, explanation));
    found
}

fn broken_rules(setup: &Setup) -> Option<Found> {
    let broken = rules::BROKEN.iter().find(|named| named.name == setup.rules)?;
    let what = format!("the nodes follow broken rules ({}): {}", broken.name, broken.what);
    Some((Cause::BrokenRules, what))
}

fn lying_disks<'a>(setup: &'a Setup, notes: &'a Notes) -> impl Iterator<Item = Found> + 'a {
    notes.forgotten.iter().map(|(node, at, what)| {
        let (name, at) = (describe::node(setup, *node), instant(*at));
        let lied = format!(
            "{name}'s disk lied: it had reported as synced what was not there after the crash before {at}: {what}"
        );
        (Cause::LyingDisk, lied)
    })
}

/// In the deadline form: the clocks of the server and of whoever campaigned were too far apart.
fn skew(setup: &Setup, notes: &Notes, server: usize) -> Option<Found> {
    let lease = &setup.nodes[server].lease;
    let (candidate, offsets) = notes.campaign.as_ref()?;
    if lease.form != LeaseForm::Deadline || *candidate == server {
        return None;
    }
    let bound = i128::from(lease.election_timeout.as_nanos()) - i128::from(lease.effective().as_nanos());
    let skew = offsets[*candidate] - offsets[server];
    let (ahead, behind) = (describe::node(setup, *candidate), describe::node(setup, server));
    let what = format!(
        "{ahead}'s clock was {} ahead of {behind}'s, more than T - (D - s) = {}",
        length(skew),
        length(bound)
    );
    (skew > bound).then_some((Cause::Skew, what))
}

/// In the elapsed form: the clock by which the new leader's promise ended runs fast.
fn fast_clock(setup: &Setup, notes: &Notes, server: usize) -> Option<Found> {
    let (candidate, _) = notes.campaign.as_ref()?;
    let fast = setup.nodes[*candidate].clock.rate_ppb;
    let elapsed = setup.nodes[server].lease.form == LeaseForm::Elapsed;
    let name = describe::node(setup, *candidate);
    let what = format!("{name}'s clock runs at {}: its promise was over early", rate(fast));
    (elapsed && *candidate != server && fast > 0).then_some((Cause::FastClock, what))
}

fn unsafe_settings(setup: &Setup) -> Option<Found> {
    let judged = setup.lease.judge();
    let what = format!("these settings are not safe: {}", judged.reason);
    (!judged.safe).then_some((Cause::UnsafeSettings, what))
}

/// In the elapsed form: the clock by which the server's lease runs had counted less than had passed.
fn lost_time(setup: &Setup, explanation: &Explanation) -> Option<Found> {
    let server = explanation.server;
    let lease = &setup.nodes[server].lease;
    let LeaseFacts { start, should_end, .. } = explanation.lease?;
    let passed = i128::from(explanation.answered) - i128::from(start);
    let may_last = Span::nanos(should_end.saturating_sub(start));
    if passed <= i128::from(may_last.as_nanos()) || lease.form != LeaseForm::Elapsed {
        return None;
    }
    let spec = &setup.nodes[server].clock;
    let clock = match spec.stamp {
        _ if spec.rate_ppb != 0 => format!(" (it runs at {})", rate(spec.rate_ppb)),
        StampSource::Raw => " (the raw clock alone, which stops in suspend)".to_owned(),
        StampSource::Boot => " (the boot clock alone)".to_owned(),
        StampSource::Wall => " (the wall clock, which was set)".to_owned(),
        StampSource::Both => String::new(),
    };
    let what = format!(
        "{} had passed since {}'s lease began, more than the {} it may last; its clock{clock} had counted less",
        length(passed),
        describe::node(setup, server),
        may_last
    );
    Some((Cause::LostTime, what))
}

fn two_leaders(setup: &Setup, explanation: &Explanation) -> Option<Found> {
    let LeadershipChange { new, ready_at, lease_over, .. } = explanation.change?;
    let over = match lease_over? {
        LeaseOver::At(over) => format!("until {}", instant(over)),
        LeaseOver::Never => "for ever".to_owned(),
    };
    let (new, old) = (describe::node(setup, new), describe::node(setup, explanation.server));
    let ready = instant(ready_at);
    let what = format!("{new} could acknowledge writes from {ready} on, {old} served under its lease {over}");
    Some((Cause::TwoLeaders, what))
}
