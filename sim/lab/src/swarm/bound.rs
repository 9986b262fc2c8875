//! Clocks within the bound, or beyond it.
//!
//! Clocks, steps and pauses of a hypervisor are drawn in some proportion to each other and then scaled together. How far
//! they may be scaled is for [`theory::predict`] to say: within the bound they go up to the very edge, or stay below it;
//! beyond it they go past the edge. The bound is the one that docs/clock-assumption.md proves, which is wider than the
//! skew that the settings declare: every skew up to the declared one is within it, as D < T.

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use super::Bound;
use super::dice::{Aspect, Dice};
use leasehold_run::faults::{Frozen, Harm, harm};
use leasehold_run::rules;
use leasehold_run::setup::{Action, Setup, StampSource};
use leasehold_run::theory::{self, Prediction};

/// Scales are in millionths of what was drawn.
const ONE: u64 = 1_000_000;
/// No clock is scaled by more than this.
const SCALE_MAX: u64 = 8 * ONE;
/// Halvings of the way from a safe scale to an unsafe one.
const HALVINGS: u32 = 24;

/// Draws the clocks of a setup whose faults have been drawn, and brings all within the bound or beyond it.
pub(super) fn fit(seed: u64, setup: &mut Setup, bound: Bound) {
    let mut dice = Dice::new(seed, Aspect::Clocks);
    clocks(&mut dice, setup, bound);
    // Drawn even if not needed: what follows from one seed is the same, more or less scaled.
    let below = dice.weighted(&[(50, ONE), (20, 990_000), (30, 0)]);
    let below = if below == 0 { dice.between(0, ONE) } else { below };
    let above = dice.between(1_050_000, 3_000_000);
    let edge = edge(setup);
    let scale = match (bound, edge) {
        (Bound::Within, Edge::Never) => ONE,
        (Bound::Within, Edge::At(edge)) => edge * below / ONE,
        (Bound::Beyond, Edge::Never) => SCALE_MAX,
        (Bound::Beyond, Edge::At(edge)) => edge * above / ONE + 1,
    };
    *setup = match bound {
        Bound::Within => {
            let smaller = |scale: &u64| Some(scale / 2).filter(|_| *scale > 0);
            let scales = std::iter::successors(Some(scale), smaller);
            let within = scales.map(|scale| scaled(setup, scale)).find(within_bound);
            within.expect("clocks that are not wrong at all are within the bound")
        }
        Bound::Beyond => scaled(setup, scale),
    };
}

/// Does theory find the setup safe whoever leads, or has it nothing to say because there is nothing that could go wrong?
pub fn within_bound(setup: &Setup) -> bool {
    matches!(slack(setup), Ok(slack) if slack.is_none_or(|slack| slack >= 0))
}

/// The slack at its worst, whoever leads; `None` where nobody has a lease that somebody else could break. An error where
/// theory does not cover the setup.
pub fn slack(setup: &Setup) -> Result<Option<i128>, &'static str> {
    let electorate = setup.electorate();
    let nobody = electorate.len() == 1
        || electorate.iter().all(|node| setup.nodes[*node].lease.effective() == Span::ZERO);
    if nobody {
        return Ok(None);
    }
    let mut anybody_leads = setup.clone();
    anybody_leads.cluster.first_leader = None;
    anybody_leads.rules = rules::SOUND.to_owned();
    match theory::predict(&anybody_leads) {
        Prediction::Safe { slack_ns } | Prediction::StalePossible { slack_ns } => Ok(Some(slack_ns)),
        Prediction::NotCovered { why } => Err(why),
    }
}

enum Edge {
    /// Safe at every scale that was tried.
    Never,
    /// The largest safe scale, to within [`HALVINGS`] halvings.
    At(u64),
}

fn edge(setup: &Setup) -> Edge {
    let safe = |scale: u64| within_bound(&scaled(setup, scale));
    // At the largest scale all rates may be cut to the same one, which is safe again. The inequalities are linear below.
    let Some(mut high) = [ONE, SCALE_MAX / 2, SCALE_MAX].into_iter().find(|scale| !safe(*scale)) else {
        return Edge::Never;
    };
    let mut low = 0;
    for _ in 0..HALVINGS {
        let middle = u64::midpoint(low, high);
        if safe(middle) { low = middle } else { high = middle }
    }
    Edge::At(low)
}

/// How the clocks are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    True,
    /// As machines are that keep their clocks.
    Ordinary,
    /// As much as the bound allows.
    Wild,
}

fn clocks(dice: &mut Dice, setup: &mut Setup, bound: Bound) {
    let mut style = dice.weighted(&[(15, Style::True), (15, Style::Ordinary), (70, Style::Wild)]);
    if bound == Bound::Beyond {
        style = Style::Wild;
    }
    let form = setup.lease.form;
    let timeout = setup.lease.election_timeout.as_nanos();
    let drift_ppb =
        if style == Style::Wild { dice.pick(&[1_000_000, 50_000_000, 300_000_000]) } else { 200_000 };
    let two_sided = dice.chance(50);
    let honest_errors = dice.chance(30);
    let offset_most = match (form, style) {
        (LeaseForm::Elapsed, _) => dice.pick(&[0, 1_000_000, 3_600_000_000_000]),
        (LeaseForm::Deadline, Style::Wild) => dice.pick(&[timeout / 50, timeout / 4, timeout]),
        (LeaseForm::Deadline, _) => timeout / 1_000,
    };
    for node in &mut setup.nodes {
        let clock = &mut node.clock;
        if style != Style::True && form == LeaseForm::Elapsed {
            // All the way one way or the other is what is hardest to stand.
            let drift = if two_sided { drift_ppb } else { dice.between(0, drift_ppb) };
            clock.rate_ppb = i64::try_from(drift).expect("less than a third");
            if dice.chance(50) {
                clock.rate_ppb = -clock.rate_ppb;
            }
        }
        if style != Style::True {
            clock.offset_ns = dice.signed(offset_most);
        }
        if honest_errors {
            let more = dice.between(0, timeout / 20);
            clock.wall_error = Span::nanos(clock.offset_ns.unsigned_abs().min(timeout / 3) + more);
        }
        clock.stamp =
            dice.weighted(&[(80, StampSource::Both), (12, StampSource::Boot), (8, StampSource::Raw)]);
        clock.synchronized = !dice.chance(2);
    }
}

/// The setup with every clock's error, every step and every pause that a clock does not count scaled by `scale` millionths.
/// What does no harm at any size is left as it is.
fn scaled(setup: &Setup, scale: u64) -> Setup {
    let mut scaled = setup.clone();
    let signed = |value: i64| {
        let product = i128::from(value) * i128::from(scale) / i128::from(ONE);
        i64::try_from(product).unwrap_or(if product < 0 { i64::MIN } else { i64::MAX })
    };
    let deadline = setup.lease.form == LeaseForm::Deadline;
    for node in &mut scaled.nodes {
        node.clock.rate_ppb = signed(node.clock.rate_ppb).clamp(-900_000_000, 2_000_000_000);
        node.clock.slew_ppb = signed(node.clock.slew_ppb).clamp(-90_000_000, 200_000_000);
        if deadline {
            node.clock.offset_ns = signed(node.clock.offset_ns);
        }
    }
    let raw_alone = |node: usize| setup.nodes[node].clock.stamp == StampSource::Raw;
    for fault in &mut scaled.faults {
        if let Action::Step { by_ns, .. } = &mut fault.action
            && deadline
        {
            *by_ns = signed(*by_ns);
        }
        if let Harm::Stops { node, clocks } = harm(fault)
            && (clocks == Frozen::All || (clocks == Frozen::Raw && raw_alone(node)))
        {
            scale_span(&mut fault.lasts, scale);
        }
    }
    scaled
}

fn scale_span(span: &mut Option<Span>, scale: u64) {
    if let Some(span) = span {
        let product = u128::from(span.as_nanos()) * u128::from(scale) / u128::from(ONE);
        *span = Span::nanos(u64::try_from(product).unwrap_or(u64::MAX).max(1));
    }
}
