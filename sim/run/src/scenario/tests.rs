//! What a scenario file means: the model, rows, overrides, origins. How mistakes are shown is in
//! `tests/scenario_errors.rs`.

use super::model::*;
use super::*;
use crate::guest::Guest;
use crate::note::EVENT_KINDS;
use crate::setup::{DiskKind, DiskSpec, Timers, Unsynced};
use crate::setup::{EventKind, Order};
use leasehold::lease::{LeaseForm, LeaseLengths, LeaseSettings};
use leasehold::raft::{MemberAction, Settings};
use leasehold::time::Span;
use proptest::prelude::*;

const RULES: [&str; 2] = ["sound", "lease-from-receipt"];

/// Every key once, but for those that exclude each other.
const FULL: &str = include_str!("tests/full.toml");

const SKEW: &str = r#"# The skew grows until reads turn stale.
title = "skew"
duration = "20s"
[clock.followers]
nodes = ["n2", "n3"]
[client.reader]
operations = "read"
every = "10ms"
[sweep]
set = ["clock.followers.offset", "-clock.n1.offset"]
from = "1s"
to = "2.2s"
step = "500ms"
values = ["2.5s", "0s", "1.5s"]
[expect]
begin-above = "1.5s"
"#;

fn sets(sets: &[&str]) -> Vec<String> {
    sets.iter().map(|set| (*set).to_owned()).collect()
}

#[track_caller]
fn plan(text: &str, overrides: &[&str]) -> Plan {
    load("a.toml", text, &sets(overrides), &RULES).unwrap_or_else(|errors| panic!("{errors}"))
}

#[track_caller]
fn one(text: &str, overrides: &[&str]) -> Scenario {
    let plan = plan(text, overrides);
    assert_eq!(plan.rows.len(), 1);
    plan.rows.into_iter().next().expect("just counted").scenario
}

#[track_caller]
fn error(text: &str, overrides: &[&str], wanted: &str) {
    let shown = load("a.toml", text, &sets(overrides), &RULES).expect_err("a mistake").to_string();
    assert!(shown.contains(wanted), "{shown}");
}

#[test]
fn a_duration_is_enough() {
    let scenario = one("duration = '20s'", &[]);
    assert_eq!(scenario.title, "a.toml");
    assert_eq!(scenario.setup.cluster, Cluster { voters: 3, spares: 0, first_leader: None });
    assert_eq!(scenario.setup.lease, LeaseSettings::default());
    let node = Settings::for_lease(scenario.setup.lease);
    let timers = Timers {
        heartbeat: node.heartbeat,
        election_jitter: node.election_jitter,
        startup_grace: node.startup_grace,
        request_deadline: node.request_deadline,
    };
    assert_eq!(scenario.setup.timers, timers);
    assert_eq!(scenario.setup.network.client_delay, scenario.setup.network.delay);
    assert_eq!(scenario.setup.rules, "sound");
    assert_eq!(scenario.expect, Expectation::None);
    let names: Vec<&str> = scenario.setup.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["n1", "n2", "n3"]);
    assert!(
        scenario.setup.nodes.iter().all(|node| node.lease == scenario.setup.lease && node.clock.synchronized)
    );
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let plan = plan(FULL, &[]);
    assert!(plan.warnings.is_empty(), "{}", plan.warnings);
    assert_eq!(plan.story, "Everything at once.\n\nA second paragraph.");
    let scenario = &plan.rows[0].scenario;
    assert_eq!(scenario.setup.seed, 0xc44e_8ba0_0000_000f);
    assert_eq!(scenario.setup.cluster, Cluster { voters: 3, spares: 1, first_leader: Some(1) });
    assert_eq!(scenario.setup.nodes.len(), 6);
    let n2 = &scenario.setup.nodes[1];
    assert_eq!(
        n2.lease,
        LeaseSettings {
            form: LeaseForm::Deadline,
            duration: Span::secs(2),
            election_timeout: Span::secs(6),
            max_clock_skew: Span::millis(100)
        }
    );
    assert_eq!((n2.election_jitter, n2.disk_sync), (Span::ZERO, Span::millis(4)));
    let disk = |node: usize| scenario.setup.nodes[node].disk;
    assert_eq!(disk(1), DiskSpec { kind: DiskKind::Durable, unsynced: Unsynced::Lost });
    assert_eq!(disk(0), DiskSpec { kind: DiskKind::Durable, unsynced: Unsynced::Kept });
    // Its own table decides over its group's, key by key.
    assert_eq!((n2.clock.offset_ns, n2.clock.rate_ppb), (-1_000_000, 200_000));
    assert_eq!(scenario.setup.nodes[2].clock.offset_ns, 2_000_000_000);
    assert_eq!(scenario.setup.nodes[0].clock.stamp, StampSource::Raw);
    assert!(!scenario.setup.nodes[0].clock.synchronized);
    assert_eq!(
        scenario.setup.network.delay,
        Delay::LogNormal { median: Span::millis(2), sigma_ppm: 500_000, most: Span::millis(50) }
    );
    assert_eq!((scenario.setup.network.loss_ppm, scenario.setup.network.duplicate_ppm), (1_000, 10_000));
    let links: Vec<(usize, usize)> =
        scenario.setup.network.links.iter().map(|link| (link.from, link.to)).collect();
    assert_eq!(links, [(0, 1), (0, 2)]);
    let names: Vec<&str> = scenario.setup.clients.iter().map(|client| client.name.as_str()).collect();
    assert_eq!(names, ["writer", "reader"], "in the order of the file");
    assert_eq!(scenario.setup.clients[1].target, Target::Node(0));
    assert_eq!(scenario.setup.clients[0].operations, [OperationKind::Write, OperationKind::Cas]);
    assert_eq!(scenario.setup.faults.len(), 25);
    assert_eq!(
        scenario.setup.faults[0],
        FaultSpec {
            trigger: Trigger::When {
                event: EventKind::Note("lease-renewed"),
                node: Some(0),
                from: Span::secs(10),
                nth: 2
            },
            after: Span::millis(5),
            lasts: Some(Span::secs(3)),
            action: Action::Partition { between: vec![vec![0], vec![1, 2]] },
        }
    );
    assert_eq!(
        scenario.setup.faults[1].trigger,
        Trigger::Every { first: Span::secs(20), every: Span::secs(3) }
    );
    assert_eq!(scenario.setup.faults[19].action, Action::Order(Order::Transfer { to: 2 }));
    let lengths = LeaseLengths {
        duration: Span::secs(2),
        election_timeout: Span::secs(4),
        max_clock_skew: Span::millis(100),
    };
    assert_eq!(scenario.setup.faults[20].action, Action::Order(Order::Apply { lengths }));
}

#[test]
fn every_event_has_the_word_that_the_file_takes() {
    for event in EVENT_KINDS {
        let text =
            format!("duration = '9s'\n[[fault]]\nwhen = {{ event = '{}' }}\nheal = {{}}", event.word());
        let trigger = &one(&text, &[]).setup.faults[0].trigger;
        assert!(matches!(trigger, Trigger::When { event: read, .. } if *read == event), "{trigger:?}");
    }
}

#[test]
fn a_sweep_is_sorted_and_holds_each_value_once() {
    let plan = plan(SKEW, &[]);
    let rows: Vec<(&str, Option<i128>, RowExpectation)> =
        plan.rows.iter().map(|row| (row.label.as_str(), row.value, row.expect)).collect();
    assert_eq!(
        rows,
        [
            ("0s", Some(0), RowExpectation::None),
            ("1s", Some(1_000_000_000), RowExpectation::None),
            ("1.5s", Some(1_500_000_000), RowExpectation::None),
            ("2s", Some(2_000_000_000), RowExpectation::Some),
            ("2.5s", Some(2_500_000_000), RowExpectation::Some),
        ]
    );
    let nodes = &plan.rows[4].scenario.setup.nodes;
    assert_eq!((nodes[0].clock.offset_ns, nodes[1].clock.offset_ns), (-2_500_000_000, 2_500_000_000));
    assert_eq!(plan.rows[0].set[1], ("clock.n1.offset".to_owned(), "0s".to_owned()));
    let info = plan.sweep.expect("there is a sweep");
    assert_eq!((info.unit, info.paths[1].as_str()), (UnitKind::Span, "-clock.n1.offset"));
    assert_eq!(plan.expect, Expectation::BeginAbove { value_text: "1.5s".into(), value: 1_500_000_000 });
}

#[test]
fn the_overrides_of_a_row_make_that_row_again() {
    for row in plan(SKEW, &[]).rows {
        let again: Vec<String> = row.set.iter().map(|(path, value)| format!("{path}={value}")).collect();
        let again = load("a.toml", SKEW, &again, &RULES).expect("it was right before");
        assert_eq!(again.rows.len(), 1);
        assert_eq!(again.rows[0].scenario, row.scenario);
        assert_eq!((again.rows[0].value, again.rows[0].expect), (row.value, row.expect));
    }
}

#[test]
fn a_sweep_is_set_as_a_whole_or_not_at_all() {
    error(SKEW, &["clock.n1.offset=1s"], "set `clock.followers.offset` too, and the sweep is off");
    let swept = plan(SKEW, &["sweep.step=100ms", "lease.form=deadline"]);
    assert_eq!(swept.rows.len(), 15);
    assert_eq!(swept.rows[0].scenario.setup.lease.form, LeaseForm::Deadline);
}

#[test]
fn rates_shares_and_numbers_are_swept_too() {
    let sweep = |set: &str, values: &str| {
        let text = format!("duration = '9s'\n[sweep]\nset = '{set}'\nvalues = {values}\n");
        plan(&text, &[]).rows
    };
    let rates = sweep("clock.n2.rate", "['+1%', '-200ppm']");
    assert_eq!((rates[0].value, rates[1].value), (Some(-200_000), Some(10_000_000)));
    assert_eq!(rates[1].scenario.setup.nodes[1].clock.rate_ppb, 10_000_000);
    assert_eq!(sweep("network.loss", "['5%', '50000ppm']").len(), 1);
    let sizes = sweep("cluster.nodes", "[5, 3, 1]");
    assert_eq!(sizes.iter().map(|row| row.scenario.setup.nodes.len()).collect::<Vec<_>>(), [1, 3, 5]);
    assert_eq!(one("duration = '9s'\nseed = 18446744073709551615", &[]).setup.seed, u64::MAX);
    assert_eq!(sweep("seed", "[1, 0x10]")[1].label, "16");
    assert_eq!(
        sweep("network.delay", "['1ms']")[0].scenario.setup.network.delay,
        Delay::Fixed(Span::millis(1))
    );
}

#[test]
fn variants_have_names_and_expectations_of_their_own() {
    let text = r#"duration = "20s"
[expect]
stale-reads = "any"
[[variant]]
name = "raw clock alone"
set = { "clock.n1.stamp" = "raw", network.delay = { uniform = ["1ms", "2ms"] } }
expect = "some"
[[variant]]
name = "both clocks"
set = {}
"#;
    let plan = plan(text, &[]);
    let rows: Vec<(&str, RowExpectation)> =
        plan.rows.iter().map(|row| (row.label.as_str(), row.expect)).collect();
    assert_eq!(rows, [("raw clock alone", RowExpectation::Some), ("both clocks", RowExpectation::Any)]);
    let raw = &plan.rows[0];
    assert_eq!(raw.scenario.setup.nodes[0].clock.stamp, StampSource::Raw);
    assert_eq!(
        raw.set,
        [
            ("clock.n1.stamp".to_owned(), "raw".to_owned()),
            ("network.delay".to_owned(), r#"{ uniform = ["1ms", "2ms"] }"#.to_owned())
        ]
    );
}

#[test]
fn overrides_need_no_quotes_and_reach_keys_that_the_file_does_not_give() {
    let scenario = one(
        FULL,
        &[
            "node.n6.disk-sync=7ms",
            "cluster.learners=3",
            "lease.duration = 2.5s ",
            "fault[0].when.nth=7",
            "client.reader.operations=[\"read\", 'cas']",
            "network.link[0].delay={ uniform = ['1ms', '2ms'] }",
            "title=a b = c",
            "lease.duration=2.6s",
        ],
    );
    assert_eq!(scenario.setup.nodes[5].disk_sync, Span::millis(7));
    assert_eq!(scenario.setup.lease.duration, Span::millis(2_600), "the last one decides");
    assert!(matches!(scenario.setup.faults[0].trigger, Trigger::When { nth: 7, .. }));
    assert_eq!(scenario.setup.clients[1].operations, [OperationKind::Read, OperationKind::Cas]);
    assert_eq!(scenario.title, "a b = c");
    let delay = Delay::Uniform { least: Span::millis(1), most: Span::millis(2) };
    assert_eq!(scenario.setup.network.links[0].delay, Some(delay));
}

#[test]
fn small_mistakes_are_told() {
    let base = "duration = '9s'\n";
    for (text, wanted) in [
        (
            "[network]\ndelay = { lognormal = { median = '2ms', sigma = 0.5, most = '1ms' } }",
            "below the median",
        ),
        ("[network]\ndelay = { lognormal = { median = '0s', sigma = 0.5, most = '1ms' } }", "above zero"),
        ("[network]\ndelay = {}", "one of the two"),
        ("[network]\ndelay = { unifrom = ['1ms', '2ms'] }", "did you mean `uniform`?"),
        ("[[network.link]]\nfrom = 'n1'\nto = ['n1', 'n2']", "no link to itself"),
        (
            "[[network.link]]\nfrom = 'n1'\nto = 'n2'\n[[network.link]]\nfrom = ['n1']\nto = 'n2'",
            "given twice",
        ),
        ("[clock.a]\nnodes = 'n1'\noffset = '1s'\n[clock.b]\nnodes = 'n1'\noffset = '2s'", "two groups set"),
        ("[clock.n1]\nnodes = ['n1']", "`n1` is a node, not a group"),
        ("[client.'a b']\noperations = 'read'\nevery = '1s'", "is no name"),
        ("[[fault]]\nat = '1s'\nevery = '2s'\nfor = '2s'\nisolate = { node = 'n1' }", "`for` shorter than"),
        ("[[fault]]\nwhen = { event = 'elected' }\nevery = '2s'\nheal = {}", "`every` without `at`"),
        ("[[fault]]\nat = '1s'\nhold = { from = 'n1', to = 'n1' }", "no link to itself"),
        ("[[fault]]\nat = '1s'\npartition = { between = [['n1', 'n1'], ['n2']] }", "named twice"),
        ("[[fault]]\nat = '1s'\npartition = { between = [['n1']] }", "at least two groups"),
        ("[[fault]]\nat = '1s'\npartition = { between = [['n1'], ['n1', 'n9']] }", "in two groups"),
        ("[cluster]\nlearners = 1\n[[fault]]\nat = '1s'\ntransfer = { to = 'n4' }", "cannot lead"),
        ("[[fault]]\nat = '1s'\nfor = '1s'\npromote = { node = 'n1' }", "it is over at once"),
        ("[cluster]\nspares = 1\n[[fault]]\nat = '1s'\nadd = { node = 'n5' }", "n5"),
        (
            "[[fault]]\nat = '1s'\napply = { duration = '2s', election-timeout = '2s', max-clock-skew = '0s' }",
            "applies unsafe lengths",
        ),
        ("[lease]\nrules = 'lease-from-reciept'", "did you mean `lease-from-receipt`?"),
        ("[client.c]\ntarget = 'leadr'\noperations = 'read'\nevery = '1s'", "did you mean `leader`?"),
        ("[sweep]\nset = 'seed'\nfrom = 1\nto = 3", "a range needs `step` too"),
        ("[sweep]\nset = 'seed'\nfrom = 3\nto = 1\nstep = 1", "below its start"),
        ("[sweep]\nset = 'seed'\nvalues = []", "the sweep has no values"),
        ("[sweep]\nset = 'seed'\nvalues = ['1s']", "whole numbers"),
        ("[sweep]\nset = ['seed', 'seed']\nvalues = [1]", "twice"),
        ("[sweep]\nset = 'seed'\nvalues = [1]\n[[variant]]\nname = 'a'\nset = {}", "not both"),
        (
            "[[variant]]\nname = 'a'\nset = { 'cluster.learners' = 1, 'cluster.first-leader' = 'n4' }",
            "in the variant `a`",
        ),
        ("lease = 3", "`lease` is a table"),
        ("fault = 3", "write `[[fault]]`"),
        ("seed = -1", "out of range"),
        ("seed = 2020-01-01", "found a date"),
    ] {
        // What has no table of its own goes first.
        error(&format!("{base}{text}\n"), &[], wanted);
    }
    error("", &[], "`duration` is missing");
}

#[test]
fn a_sweep_that_changes_nothing_is_doubtful() {
    let text = SKEW.replace("[client", "[clock.n2]\noffset = '0s'\n[clock.n3]\noffset = '0s'\n[client");
    let plan = plan(&text.replace(", \"-clock.n1.offset\"", ""), &[]);
    assert!(plan.warnings.to_string().contains("the sweep changes nothing"), "{}", plan.warnings);
}

#[test]
fn the_timers_follow_the_election_timeout() {
    let timers = |sets: &[&str]| one("duration = '20s'", sets).setup.timers;
    let short = timers(&["lease.election-timeout=150ms", "lease.duration=100ms"]);
    assert_eq!((short.heartbeat, short.election_jitter), (Span::millis(15), Span::millis(30)));
    assert_eq!((short.startup_grace, short.request_deadline), (Span::millis(15), Span::millis(300)));
    let own = timers(&["lease.election-timeout=2s", "lease.duration=1s", "timers.heartbeat=7ms"]);
    assert_eq!((own.heartbeat, own.startup_grace), (Span::millis(7), Span::millis(200)));
    // A length above zero stays one.
    let least = timers(&["lease.election-timeout=9ns", "lease.duration=1ns", "lease.max-clock-skew=0s"]);
    assert_eq!((least.heartbeat, least.election_jitter), (Span::nanos(1), Span::nanos(1)));

    let plan = plan(
        "duration = '20s'\n[sweep]\nset = 'lease.election-timeout'\nvalues = ['6s', '9s']\n[client.a]\noperations = 'read'\nevery = '1s'",
        &[],
    );
    let beats: Vec<Span> = plan.rows.iter().map(|row| row.scenario.setup.timers.heartbeat).collect();
    assert_eq!(beats, [Span::millis(600), Span::millis(900)]);
    let heartbeat = explain(&plan).into_iter().find(|found| found.path == "timers.heartbeat");
    assert_eq!(heartbeat.expect("always listed").value_text, "another one in each row");
}

#[test]
fn explained_values_say_where_they_came_from() {
    let plan = plan(SKEW, &["lease.duration=2.50s"]);
    let resolved = explain(&plan);
    let found = |path: &str| {
        let found = resolved.iter().find(|resolved| resolved.path == path);
        found.map(|found| (found.value_text.as_str(), found.origin.clone()))
    };
    assert_eq!(found("duration"), Some(("20s", Origin::File { line: 3 })));
    assert_eq!(found("lease.duration"), Some(("2.50s", Origin::Set)));
    assert_eq!(found("node.n2.lease-duration"), Some(("2.50s", Origin::Set)));
    assert_eq!(found("lease.election-timeout"), Some(("5s", Origin::Default)));
    let share = |words: &str| Origin::Share(words.to_owned());
    let tenth = share("a tenth of `lease.election-timeout`");
    assert_eq!(found("timers.heartbeat"), Some(("500ms", tenth.clone())));
    assert_eq!(found("timers.startup-grace"), Some(("500ms", tenth)));
    assert_eq!(found("node.n2.election-jitter"), Some(("1s", Origin::Default)));
    assert_eq!(found("client.reader.every"), Some(("10ms", Origin::File { line: 8 })));
    assert_eq!(found("client.reader.think"), None);
    assert_eq!(found("clock.n3.offset"), Some(("0s, 1s, 1.5s, 2s, 2.5s", Origin::Sweep)));
    assert_eq!(found("clock.n1.offset"), Some(("0s, -1s, -1.5s, -2s, -2.5s", Origin::Sweep)));
    assert_eq!(found("clock.n1.rate"), Some(("0ppm", Origin::Default)));
    assert_eq!(found("expect.begin-above"), Some(("1.5s", Origin::File { line: 16 })));
}

#[test]
fn every_known_key_is_in_the_documentation_as_the_reader_knows_it() {
    let docs = include_str!("../../../../docs/reference/scenarios.md");
    let missing: Vec<String> = known_keys()
        .iter()
        .map(|key| format!("| `{}` | {} | {} | {} |", key.path, key.kind, key.default, key.meaning))
        .filter(|line| !docs.lines().any(|there| there == line))
        .collect();
    assert!(missing.is_empty(), "docs/reference/scenarios.md lacks these lines:\n{}", missing.join("\n"));
}

#[test]
fn the_examples_of_the_documentation_are_right() {
    let docs = include_str!("../../../../docs/reference/scenarios.md");
    let examples: Vec<&str> =
        docs.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 8);
    for example in examples {
        let top = example.split("\n[").next().unwrap_or(example);
        let whole = if top.contains("duration = ") { "" } else { "duration = \"60s\"\n" };
        plan(&format!("{whole}{example}"), &[]);
    }
}

#[test]
fn the_full_example_gives_every_key() {
    let (full, delay) =
        (explain(&plan(FULL, &[])), ["DELAY.", "sweep.", "variant[].", "expect.begin-above", "exhibit."]);
    // A guest has no durable disk.
    let excluded = ["fault[].at", "client.NAME.think", "clock.NAME.nodes", "guest.command"];
    for key in known_keys() {
        let path = key.path.as_str();
        if key.kind == "a table"
            || delay.iter().any(|prefix| path.starts_with(prefix))
            || excluded.contains(&path)
        {
            continue;
        }
        let last = path.rsplit('.').next().unwrap_or(path);
        let first = path.split(['.', '[']).next().unwrap_or(path);
        let given = full.iter().any(|resolved| {
            let alike = resolved.path.starts_with(first) && resolved.path.ends_with(last);
            alike && matches!(resolved.origin, Origin::File { .. })
        });
        assert!(given, "{path}");
    }
}

#[test]
fn an_exhibit_is_read_and_its_texts_are_of_one_line() {
    let text = r#"duration = "9s"
[expect]
lease-over-at = "4s"
leader-ready-at = "5s"
[[variant]]
name = "as shipped"
set = {}
leader-ready-at = "3s"
[exhibit]
system = "a system"
year = 2016
evidence = "reported"
mechanism = "it breaks"
clock-fault = false
believed = """
It \
works,
they said."""
happened = "It broke."
"#;
    let read = plan(text, &[]);
    let plate = read.exhibit.expect("there is a plate");
    assert_eq!((plate.year, plate.evidence, plate.clock_fault), (2016, "reported", false));
    assert_eq!((plate.believed.as_str(), plate.note), ("It works, they said.", None));
    let required = read.rows[0].scenario.required;
    assert_eq!(required.leader_ready_at, Some(Span::secs(3)), "the variant's own");
    assert_eq!(required.lease_over_at, Some(Span::secs(4)), "that of all rows");
    error(&text.replace("year = 2016", "year = 16"), &[], "a whole number from 1980 to 2100");
    error(
        &text.replace("\"reported\"", "\"rumoured\""),
        &[],
        "known words here: `reported`, `proposed`, `pattern`",
    );
    error(&text.replace("happened = ", "happend = "), &[], "did you mean `happened`?");
    error(
        &text.replace("set = {}", "set = { \"exhibit.year\" = 2020 }"),
        &[],
        "a variant cannot set `exhibit.year`",
    );
}

#[test]
fn a_guest_is_read_and_written_back_and_has_nothing_that_is_our_nodes() {
    let text = "duration = '9s'\n[guest]\ncommand = 'python3 \"a b\".py'\n";
    let plan = plan(text, &[]);
    let setup = &plan.rows[0].scenario.setup;
    assert_eq!(setup.guest.as_ref().map(Guest::command), Some("python3 \"a b\".py"));
    let written = Written { title: "t", story: &[], expect: "any", setup }.to_toml();
    assert_eq!(load("t", &written, &[], &RULES).unwrap().rows[0].scenario.setup, *setup);
    for (more, said) in [
        ("[lease]\nrules = 'sound'", "a guest follows rules of its own"),
        ("[disk]\nkind = 'durable'", "our node's database, which a guest has not"),
        ("[node.n2]\ndisk = 'durable'", "the disk of `n2`"),
    ] {
        let problems = load("t", &format!("{text}{more}"), &[], &RULES).unwrap_err();
        assert!(problems.render(false).contains(said), "{}", problems.render(false));
    }
    let problems = load("t", "duration = '9s'\n[guest]\ncommand = ' '", &[], &RULES).unwrap_err();
    assert!(problems.render(false).contains("the guest's command is empty"));
}

#[test]
fn the_largest_sweep_is_read_in_a_moment() {
    let text = SKEW.replace("500ms", "121us").replace("values = ", "#");
    assert!(plan(&text, &[]).rows.len() > ROWS_MAX - 100);
}

/// Pieces of scenario text that were right where they came from.
fn piece() -> impl Strategy<Value = String> {
    let lines: Vec<String> = FULL.lines().chain(SKEW.lines()).map(str::to_owned).collect();
    prop_oneof![
        8 => prop::sample::select(lines),
        1 => "[a-z\\[\\]{}=\"'., 0-9\n-]{0,12}",
        1 => "\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_file_is_too_odd(
        pieces in prop::collection::vec(piece(), 0..30),
        cut in any::<prop::sample::Index>(),
        overrides in prop::collection::vec("(lease|clock|fault|sweep|[a-z]{0,3})[.a-z0-9\\[\\]-]{0,12}=?\\PC{0,6}", 0..3),
    ) {
        let text = format!("duration = '20s'\n{}", pieces.join("\n"));
        let cut = text.char_indices().map(|(at, _)| at).nth(cut.index(text.chars().count())).unwrap_or(0);
        for text in [text.as_str(), &text[..cut], &text[cut..]] {
            match load("a.toml", text, &overrides, &RULES) {
                Ok(plan) => {
                    prop_assert!(!plan.rows.is_empty());
                    let _ = (explain(&plan), plan.warnings.render(true));
                }
                Err(errors) => {
                    let errors_there = errors.findings().any(|finding| finding.severity == Severity::Error);
                    prop_assert!(errors_there);
                    prop_assert!(!errors.render(false).is_empty() && !errors.render(true).is_empty());
                }
            }
        }
    }

    #[test]
    fn one_changed_character_is_never_too_odd(at in any::<prop::sample::Index>(), new in any::<char>(), full: bool) {
        let mut text: Vec<char> = if full { FULL } else { SKEW }.chars().collect();
        let at = at.index(text.len());
        text[at] = new;
        let text: String = text.into_iter().collect();
        if let Err(errors) = load("a.toml", &text, &[], &RULES) {
            prop_assert!(!errors.render(false).is_empty());
        }
    }
}

#[test]
fn members_that_change_are_read_and_written_back() {
    let text = "duration = '9s'\n[cluster]\nlearners = 1\nspares = 2\n[[fault]]\nat = '1s'\nevery = '2s'\nadd = { node = 'n5' }\n\
                [[fault]]\nat = '2s'\npromote = { node = 'n5' }\n[[fault]]\nat = '3s'\ntransfer = { to = 'n5' }\n\
                [[fault]]\nat = '4s'\nremove = { node = 'n1' }\n";
    let plan =
        load("t", text, &[], &["sound"]).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let scenario = &plan.rows[0].scenario;
    let setup = &scenario.setup;
    assert_eq!(setup.cluster, Cluster { voters: 3, spares: 2, first_leader: None });
    assert_eq!((setup.nodes.len(), setup.learners(), setup.electorate()), (6, 1, vec![0, 1, 2, 4]));
    assert_eq!(setup.faults[0].action, Action::Order(Order::Member { change: MemberAction::Add, node: 4 }));
    assert_eq!(
        setup.faults[3].action,
        Action::Order(Order::Member { change: MemberAction::Remove, node: 0 })
    );
    let written = Written { title: "t", story: &[], expect: "any", setup }.to_toml();
    let again = load("t", &written, &[], &["sound"]).unwrap();
    assert_eq!(again.rows[0].scenario.setup, *setup);
}
