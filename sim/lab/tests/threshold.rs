//! `sim threshold`: theory and adversary agree, and the certificate holds from both sides.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use leasehold_lab::adversary::{Harm, worst};
use leasehold_lab::threshold::{Range, Search, Side, Threshold, Verdict, threshold};
use leasehold_run::rules;
use leasehold_run::run::run;
use leasehold_run::scenario::{Knob, Written, load};

#[derive(Clone, Copy)]
struct Case {
    scenario: &'static str,
    sets: &'static [&'static str],
    keys: &'static [&'static str],
    from: &'static str,
    to: &'static str,
    tolerance: &'static str,
}

impl Case {
    fn knob(&self) -> Knob {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios").join(self.scenario);
        let text = fs::read_to_string(&path).expect("the scenario is there");
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (sets, keys) = (owned(self.sets), owned(self.keys));
        Knob::new(self.scenario, &text, &sets, &keys, &rules::names())
            .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
    }

    /// Finds the threshold and checks everything that is claimed of it. Gives the value, as people read it.
    fn check(&self, side: Side) -> String {
        let knob = self.knob();
        let read = |text| knob.read(text).expect("a value of its unit");
        let range = Range { from: read(self.from), to: read(self.to), tolerance: read(self.tolerance) };
        let found = threshold(&knob, range, 0).expect("it can be attacked");
        let shown = |search: &Search| match search {
            Search::Found(edge) => knob.show(edge.stale),
            other => format!("{other:?}"),
        };
        let theory = found.theory.as_ref().map_or_else(|why| (*why).to_owned(), shown);
        let what = format!(
            "{} {:?}: theory {theory}, adversary {}",
            self.scenario,
            self.keys,
            shown(&found.adversary)
        );
        assert_eq!(found.verdict(), Verdict::Found, "{what}");
        let Search::Found(edge) = found.adversary else { panic!("{what}") };
        assert_eq!(edge.side(), side, "{what}");
        assert!((edge.stale - edge.clean).abs() <= range.tolerance, "{what}");
        assert!(found.apart().expect("both found one") <= range.tolerance, "{what}");
        self.certificate(&found);
        theory
    }

    /// Stale on one side, clean on the other, and the file that is written is the run that was found.
    fn certificate(&self, found: &Threshold) {
        let harms: [&Harm; 2] =
            [&found.stale, &found.clean].map(|harm| harm.as_ref().expect("somebody was elected"));
        for (harm, stale) in harms.into_iter().zip([true, false]) {
            assert_eq!(harm.stale > 0, stale, "{}", self.scenario);
            let expect = if stale { "some" } else { "none" };
            let story = ["What it shows.".to_owned()];
            let written = Written { title: "certificate", story: &story, expect, setup: &harm.setup };
            let text = written.to_toml();
            let plan = load("certificate", &text, &[], &rules::names());
            let plan = plan.unwrap_or_else(|problems| panic!("{}\n{text}", problems.render(false)));
            // The lengths are the user's; what else the file says is ours.
            let unsafe_lengths =
                |message: &str| message.contains("the lease of") && message.contains("election timeout");
            let ours = plan.warnings.findings().find(|found| !unsafe_lengths(found.message));
            assert!(ours.is_none(), "{}\n{text}", plan.warnings.render(false));
            let setup = &plan.rows[0].scenario.setup;
            assert_eq!(setup, &*harm.setup, "{text}");
            let outcome = run(&Arc::new(setup.clone()));
            assert_eq!(!outcome.check.stale_reads.is_empty(), stale, "{}\n{text}", self.scenario);
            assert!(setup.rules != rules::SOUND || outcome.broken.is_empty(), "{text}");
        }
    }
}

#[test]
fn skew() {
    let case = Case {
        scenario: "skew.toml",
        sets: &[],
        keys: &["clock.followers.offset"],
        from: "0s",
        to: "4s",
        tolerance: "1us",
    };
    // 2 s, five messages and the two of the clients, and the two nanoseconds of "before" and "until".
    assert_eq!(case.check(Side::Above), "2.000100002s");
}

/// Where messages take no time everything happens at one instant, and order decides.
#[test]
fn skew_without_delays() {
    for sets in [
        &["network.delay=0s"],
        &["network.delay={ lognormal = { median = \"1ms\", sigma = 0.5, most = \"9ms\" } }"],
    ] {
        let case = Case {
            scenario: "skew.toml",
            sets,
            keys: &["clock.followers.offset"],
            from: "0s",
            to: "4s",
            tolerance: "1us",
        };
        case.check(Side::Above);
    }
}

#[test]
fn skew_that_was_declared() {
    let case = Case {
        scenario: "skew-declared.toml",
        sets: &[],
        keys: &["clock.followers.offset"],
        from: "0s",
        to: "4s",
        tolerance: "1us",
    };
    assert_eq!(case.check(Side::Above), "2.500100002s");
}

#[test]
fn drift() {
    let case = Case {
        scenario: "drift.toml",
        sets: &[],
        keys: &["-clock.n1.rate", "clock.followers.rate"],
        from: "0%",
        to: "10%",
        tolerance: "10ppb",
    };
    // 1/19 = 5.2631579 %, and the 160 us of eight messages at 9.5 s for all of a rate.
    assert_eq!(case.check(Side::Above), "5.2644176%");
    let followers = Case { keys: &["clock.followers.rate"], to: "20%", ..case };
    followers.check(Side::Above);
}

#[test]
fn steps() {
    let case = Case {
        scenario: "step.toml",
        sets: &[],
        keys: &["fault[1].step.by"],
        from: "0s",
        to: "4s",
        tolerance: "1us",
    };
    assert_eq!(case.check(Side::Above), "2.500100002s");
    let back = Case { keys: &["-fault[3].step.by"], ..case };
    assert_eq!(back.check(Side::Above), "2.500100002s");
}

#[test]
fn hypervisor_pause() {
    let case = Case {
        scenario: "hypervisor-pause.toml",
        sets: &[],
        keys: &["fault[1].for"],
        from: "1s",
        to: "6s",
        tolerance: "1us",
    };
    assert_eq!(case.check(Side::Above), "2.500160002s");
}

#[test]
fn suspend_on_the_raw_clock_alone() {
    let case = Case {
        scenario: "suspend.toml",
        sets: &["clock.n1.stamp=raw"],
        keys: &["fault[1].for"],
        from: "1s",
        to: "6s",
        tolerance: "1us",
    };
    assert_eq!(case.check(Side::Above), "2.500160002s");
}

#[test]
fn acknowledgements_that_wait() {
    let case = Case {
        scenario: "rules/lease-from-acknowledgement.toml",
        sets: &["lease.rules=lease-from-acknowledgement"],
        keys: &["fault[0].for"],
        from: "100ms",
        to: "1.5s",
        tolerance: "1us",
    };
    case.check(Side::Above);
}

#[test]
fn a_restart_that_forgets() {
    let case = Case {
        scenario: "rules/restart-forgets.toml",
        sets: &["lease.rules=restart-forgets"],
        keys: &["fault[1].for"],
        from: "1ms",
        to: "1.5s",
        tolerance: "1us",
    };
    case.check(Side::Below);
}

#[test]
fn lengths_of_the_lease_itself() {
    let lease = Case {
        scenario: "skew.toml",
        sets: &["clock.followers.offset=2.5s"],
        keys: &["lease.duration"],
        from: "1s",
        to: "6s",
        tolerance: "1us",
    };
    assert_eq!(lease.check(Side::Above), "2.500100002s");
    let timeout = Case { keys: &["lease.election-timeout"], from: "4s", to: "8s", ..lease };
    assert_eq!(timeout.check(Side::Below), "5.499899998s");
    let declared = Case { keys: &["lease.max-clock-skew"], from: "0s", to: "2s", ..lease };
    assert_eq!(declared.check(Side::Below), "499.899998ms");
    // The delays themselves: whatever room there is, is used up by messages.
    Case {
        keys: &["network.delay"],
        sets: &["clock.followers.offset=2.1s"],
        from: "1us",
        to: "90ms",
        ..lease
    }
    .check(Side::Below);
}

#[test]
fn five_voters_and_slow_disks() {
    let case = Case {
        scenario: "skew.toml",
        sets: &[
            "cluster.nodes=5",
            "clock.followers.nodes=['n2', 'n3', 'n4', 'n5']",
            "node.n2.disk-sync=3ms",
            "network.client-delay={ uniform = ['7us', '1ms'] }",
        ],
        keys: &["clock.followers.offset"],
        from: "1s",
        to: "3s",
        tolerance: "1us",
    };
    case.check(Side::Above);
}

/// All clocks run at the same rate, so that no voter is ever free while a leader hears nobody else. Of five voters one can
/// take another's place meanwhile, and both grant their pre-votes before the round.
#[test]
fn of_five_voters_two_take_turns() {
    let case = Case {
        scenario: "hypervisor-pause.toml",
        sets: &["cluster.nodes=5"],
        keys: &["fault[1].for"],
        from: "1s",
        to: "6s",
        tolerance: "1us",
    };
    // Of three voters it is two messages more.
    assert_eq!(Case { sets: &[], ..case }.check(Side::Above), "2.500160002s");
    assert_eq!(case.check(Side::Above), "2.500120002s");
    let uneven = &[
        "cluster.nodes=5",
        "node.n2.disk-sync=3ms",
        "node.n4.disk-sync=1ms",
        "network.delay={ uniform = ['90us', '1ms'] }",
    ];
    Case { sets: uneven, ..case }.check(Side::Above);
}

/// What real searches found where the adversary had been too weak: each is a kind of schedule.
#[test]
fn schedules_that_were_once_missed() {
    let of = |scenario: &'static str, keys: &'static [&'static str], from: &'static str, to: &'static str| {
        Case { scenario, sets: &[], keys, from, to, tolerance: "1us" }
    };
    let offset: &[&str] = &["clock.n3.offset"];
    let five = of("../sim/lab/tests/exact/five.toml", offset, "1s", "4s");
    // The voter's links take 100 ms, its disk 80 ms: only its vote goes over them, not the first entry.
    assert_eq!(five.check(Side::Above), "2.104000002s");
    let elector = Case { scenario: "../sim/lab/tests/exact/elector-slow.toml", ..five };
    assert_eq!(elector.check(Side::Above), "2.085000002s");
    // Everybody but the voter is slow with everybody else, so the voter itself is elected.
    let star = Case { scenario: "../sim/lab/tests/exact/slow-electors.toml", ..five };
    assert_eq!(star.check(Side::Above), "2.008000002s");
    // A lease that outlasts T, and a leader that does not look at its timers.
    let stands = of("../sim/lab/tests/exact/stands-still-beyond-T.toml", &["lease.duration"], "3s", "8s");
    assert_eq!(stands.check(Side::Above), "5.000160002s");
    // Heartbeats of a large part of T.
    let rare = Case {
        sets: &["timers.heartbeat=700ms"],
        ..of("skew.toml", &["clock.followers.offset"], "0s", "4s")
    };
    assert_eq!(rare.check(Side::Above), "2.000100002s");
    let short = of("../sim/lab/tests/exact/short-lapse.toml", &["fault[0].for"], "1ms", "3s");
    for sets in [&["timers.heartbeat=100ms"], &["timers.heartbeat=200ms"]] {
        assert_eq!(Case { sets, ..short }.check(Side::Above), "505.000002ms");
    }
    // The wall clock is set back within the lease, and the monotonic clocks end the voters' promises, restarted or not.
    let hidden = of("../sim/run/tests/theory/clocks-break-together.toml", &["fault[1].for"], "10ms", "3.5s");
    assert_eq!(hidden.check(Side::Above), "2.509000002s");
    let errors =
        of("../sim/run/tests/theory/set-back-within-the-lease.toml", &["fault[1].for"], "10ms", "2s");
    assert_eq!(errors.check(Side::Above), "409.000002ms");
}

#[test]
fn clusters_of_every_size() {
    let case = Case {
        scenario: "hypervisor-pause.toml",
        sets: &["cluster.nodes=4"],
        keys: &["fault[1].for"],
        from: "1s",
        to: "6s",
        tolerance: "1us",
    };
    // An even number has no node to spare for the voters' turn.
    assert_eq!(case.check(Side::Above), "2.500160002s");
    assert_eq!(Case { sets: &["cluster.nodes=6"], ..case }.check(Side::Above), "2.500160002s");
    assert_eq!(Case { sets: &["cluster.nodes=7"], ..case }.check(Side::Above), "2.500120002s");
    // Of two voters the leader is one of every majority.
    let two = Case { sets: &["cluster.nodes=2"], ..case };
    let range = Range { from: 1_000_000_000, to: 6_000_000_000, tolerance: 1_000 };
    assert_eq!(threshold(&two.knob(), range, 0).unwrap().verdict(), Verdict::NotFound);
}

/// No two delays alike, ranges, disks that take their time, errors that are declared.
const UNEVEN: &str = r#"
    duration = "10s"
    [cluster]
    first-leader = "n2"
    [lease]
    form = "deadline"
    [node.n1]
    disk-sync = "1.3ms"
    answer-time = "170us"
    [node.n3]
    disk-sync = "2.9ms"
    [clock.n2]
    offset = "-3s"
    wall-error = "1ms"
    [clock.n3]
    wall-error = "300us"
    [network]
    delay = { uniform = ["31us", "9ms"] }
    client-delay = { lognormal = { median = "1ms", sigma = 0.5, most = "5ms" } }
    loss = "1%"
    duplicate = "1%"
    [[network.link]]
    from = "n1"
    to = "n3"
    delay = "450us"
    [[network.link]]
    from = "n3"
    to = "n1"
    delay = { uniform = ["5us", "70us"] }
    [[fault]]
    at = "1s"
    step = { node = "n1", by = "40ms" }
"#;

#[test]
fn uneven_delays_are_counted_one_by_one() {
    for (form, n1, key, from, to) in [
        ("deadline", "-2s", "clock.n3.offset", "-3s", "0s"),
        ("deadline", "-501ms", "fault[0].step.by", "-1s", "1s"),
        ("elapsed", "0s", "clock.n1.rate", "0%", "200%"),
    ] {
        let sets =
            [format!("lease.form={form}"), format!("clock.n1.offset={n1}"), "clock.n3.offset=-3s".to_owned()];
        let knob = Knob::new("uneven", UNEVEN, &sets, &[key.to_owned()], &rules::names()).unwrap();
        let tolerance = if form == "deadline" { 1 } else { 10 };
        let range = Range { from: knob.read(from).unwrap(), to: knob.read(to).unwrap(), tolerance };
        let found = threshold(&knob, range, 0).unwrap();
        assert_eq!(found.verdict(), Verdict::Found, "{key}: {:?}, {:?}", found.theory, found.adversary);
    }
}

#[test]
fn sound_rules_within_their_assumption_give_the_adversary_nothing() {
    for scenario in ["suspend.toml", "offset-harmless.toml", "rules/restart-forgets.toml"] {
        let case =
            Case { scenario, sets: &[], keys: &["lease.duration"], from: "1s", to: "1s", tolerance: "1us" };
        let text = case.knob().at(2_000_000_000).unwrap();
        let text = if scenario.starts_with("rules") { case.knob().at(900_000_000).unwrap() } else { text };
        let harm = worst(&text).unwrap().unwrap();
        assert!(harm.stale == 0 && harm.margin > 0, "{scenario}: {}", harm.margin);
    }
}
