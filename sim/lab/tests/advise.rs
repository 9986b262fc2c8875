//! Random settings: advice, theory, the adversary, a threshold and a run of the written scenario say the same.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

use std::collections::BTreeMap;

use leasehold::lease::LeaseForm;
use leasehold::time::Span;
use leasehold_lab::advise::example::example;
use leasehold_lab::advise::{Advice, Hazard, Settings, Survived, advise};
use leasehold_lab::study::study;
use leasehold_lab::threshold::{Range, Search, Verdict, threshold};
use leasehold_run::rules;
use leasehold_run::scenario::{Knob, load};
use leasehold_run::setup::StampSource;
use leasehold_run::study::{Finding, Safety};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const MS: u64 = 1_000_000;

fn draw(seed: u64) -> Settings {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |most: u64| chance.next_u64() % most;
    let timeout = (50 + below(10_000)) * MS + below(MS);
    let lease = timeout * (20 + below(79)) / 100;
    let skew = lease * below(60) / 100;
    let mut hazards = BTreeMap::new();
    let slack = timeout - (lease - skew);
    let length = |share: u64| i128::from(slack * share / 60);
    if below(2) == 0 {
        hazards.insert(Hazard::Drift, i128::from(below(60_000)) * 1_000);
    }
    for hazard in [Hazard::Pause, Hazard::HypervisorPause, Hazard::Suspend, Hazard::WallClock] {
        if below(3) == 0 {
            hazards.insert(hazard, length(below(80)));
        }
    }
    Settings {
        election_timeout: Span::nanos(timeout),
        lease: Span::nanos(lease),
        max_clock_skew: Span::nanos(skew),
        form: if below(2) == 0 { LeaseForm::Elapsed } else { LeaseForm::Deadline },
        rules: rules::SOUND.to_owned(),
        stamp: if below(4) == 0 { StampSource::Raw } else { StampSource::Both },
        voters: if below(10) == 0 { 5 } else { 3 },
        round_trip: Span::millis(1),
        sync: Span::ZERO,
        heartbeat: None,
        hazards,
    }
}

/// At the bound safe, one step beyond stale: by a run, by theory and by the adversary.
fn confirms(settings: &Settings, advice: &Advice, hazard: Hazard, clean: i128) {
    let text =
        example(settings, advice, hazard).unwrap().unwrap_or_else(|| panic!("{settings:?} {hazard:?}"));
    let plan =
        load("example", &text, &[], &rules::names()).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(plan.rows.len(), 2, "{text}");
    assert_eq!(plan.rows[0].value, Some(clean), "{text}");
    let found = study(&plan, &false.into(), &|| {});
    assert_eq!(
        found.exit_code(),
        0,
        "{:?}\n{text}",
        found.rows.iter().map(|row| (row.stale, row.margin, &row.missed)).collect::<Vec<_>>()
    );
    assert_eq!(found.rows[0].finding, Finding::Clean, "{text}");
    assert_eq!(found.rows[0].safety(), Safety::Safe, "{text}");
    assert_eq!(found.rows[1].finding, Finding::Stale, "{text}");
    let keys = &plan.sweep.as_ref().unwrap().paths;
    let knob = Knob::new("example", &text, &[], keys, &rules::names()).unwrap();
    let stale = plan.rows[1].value.unwrap();
    let range = Range { from: clean, to: stale, tolerance: stale - clean };
    let found = threshold(&knob, range, 0).unwrap();
    assert_eq!(found.verdict(), Verdict::Found, "{text}");
    assert!(matches!(found.adversary, Search::Found(edge) if edge.stale == stale && edge.clean == clean));
}

#[test]
fn each_limit_is_a_scenario_that_is_safe_at_it_and_stale_one_step_beyond() {
    let mut confirmed: BTreeMap<(Hazard, bool), u32> = BTreeMap::new();
    for seed in 0..10 {
        let settings = draw(seed);
        let advice = advise(&settings).unwrap_or_else(|trouble| panic!("seed {seed}: {trouble:?}"));
        assert_ne!(advice.safety, Safety::NotKnown, "seed {seed}: {:?}", advice.why);
        let harmful = advice.answers.iter().any(|answer| answer.harmful());
        assert_eq!(harmful, advice.safety == Safety::NotSafe, "seed {seed}: {advice:?}");
        assert_eq!(advice.slack_ns.is_some_and(|slack| slack < 0), harmful, "seed {seed}: {advice:?}");
        for answer in &advice.answers {
            let Survived::UpTo(clean) = answer.together else { continue };
            // A stop of no length cannot be written.
            if clean > 0 {
                confirms(&settings, &advice, answer.hazard, clean);
                *confirmed.entry((answer.hazard, settings.form == LeaseForm::Deadline)).or_default() += 1;
            }
        }
    }
    for hazard in [Hazard::Drift, Hazard::HypervisorPause, Hazard::Suspend] {
        assert!(confirmed.contains_key(&(hazard, false)), "{hazard:?}: {confirmed:?}");
    }
    for hazard in [Hazard::Drift, Hazard::HypervisorPause, Hazard::WallClock] {
        assert!(confirmed.contains_key(&(hazard, true)), "{hazard:?}: {confirmed:?}");
    }
}

#[test]
fn the_lengths_that_are_offered_are_the_last_safe_ones() {
    for seed in 100..103 {
        let settings = draw(seed);
        let advice = advise(&settings).unwrap();
        let safe = |settings: Settings| advise(&settings).unwrap().safety == Safety::Safe;
        let step = Span::micros(1);
        if let Some(lease) = advice.largest_lease {
            assert!(safe(Settings { lease, ..settings.clone() }), "seed {seed}");
            let longer = Span::nanos(lease.as_nanos() + step.as_nanos());
            assert!(!safe(Settings { lease: longer, ..settings.clone() }), "seed {seed}: {lease}");
        }
        if let Some(timeout) = advice.least_timeout {
            assert!(safe(Settings { election_timeout: timeout, ..settings.clone() }), "seed {seed}");
            let shorter = Span::nanos(timeout.as_nanos() - step.as_nanos());
            assert!(
                !safe(Settings { election_timeout: shorter, ..settings.clone() }),
                "seed {seed}: {timeout}"
            );
        }
    }
}
