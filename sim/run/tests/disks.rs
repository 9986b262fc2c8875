//! Nodes on simulated disks: what is lost, what is not, and what a leader does whose disk stands still.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;

use leasehold::node::Message;
use leasehold::raft::Note;
use leasehold_check as check;
use leasehold_run::host::LeaseNode;
use leasehold_run::run::{Outcome, Running, run, run_observed};
use leasehold_run::setup::{Action, Setup};
use leasehold_run::watch::{DiskEvent, Operation};
use leasehold_run::{rules, scenario};
use leasehold_world::{Choices, Event, Happening, Reader, Reply, Request, World};

const SECOND: u64 = 1_000_000_000;

/// A row of a scenario in `scenarios/disks`.
fn setup(name: &str, row: &str, overrides: &[&str]) -> Arc<Setup> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/disks").join(format!("{name}.toml"));
    let text = std::fs::read_to_string(file).unwrap();
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    let plan = scenario::load(name, &text, &overrides, &rules::names())
        .unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    let row = plan.rows.into_iter().find(|found| found.label == row).unwrap();
    Arc::new(row.scenario.setup)
}

fn reads(outcome: &Outcome) -> impl Iterator<Item = &Operation> {
    outcome.history.iter().filter(|operation| matches!(operation.completed, Some((_, Reply::Value { .. }))))
}

fn writes(outcome: &Outcome) -> impl Iterator<Item = &Operation> {
    let is_write = |operation: &&Operation| matches!(operation.request, Request::Write { .. });
    let done = |operation: &&Operation| matches!(operation.completed, Some((_, Reply::Done)));
    outcome.history.iter().filter(is_write).filter(done)
}

/// How many of them were asked and answered from then to then, in seconds.
fn within<'a>(operations: impl Iterator<Item = &'a Operation>, from: u64, to: u64) -> usize {
    let inside = |operation: &&Operation| {
        operation.invoked >= from * SECOND && operation.completed.is_some_and(|(at, _)| at <= to * SECOND)
    };
    operations.filter(inside).count()
}

fn assert_sound(outcome: &Outcome) {
    assert_eq!(outcome.check.outcome, check::Outcome::Linearizable);
    assert_eq!(outcome.broken, []);
    let forgot: Vec<_> =
        outcome.disks.iter().filter(|news| matches!(news.what, DiskEvent::Forgot(_))).collect();
    assert!(forgot.is_empty(), "{forgot:?}");
}

#[test]
fn what_was_acknowledged_survives_power_losses_in_the_middle_of_commits() {
    for seed in 1..=4 {
        for row in ["torn", "lost", "kept"] {
            let setup = setup("power-loss", row, &[&format!("seed={seed}")]);
            let outcome = run(&setup);
            assert_sound(&outcome);
            assert!(outcome.disks.is_empty(), "everybody starts again: {:?}", outcome.disks);
            assert!(writes(&outcome).count() > 1_000);
        }
    }
}

#[test]
fn the_same_seed_tears_the_same_sectors() {
    struct Crashes(Vec<(u64, usize)>, u64);
    impl Reader<LeaseNode> for Crashes {
        fn read(&mut self, event: &Event<'_, Message, Note>, world: &World<LeaseNode>) {
            if let Happening::Started { node, .. } = event.what {
                self.0.push((world.process(node).disk_hash(), node));
            }
            self.1 += 1;
        }
    }
    let setup_of = |seed: u64| setup("power-loss", "torn", &[&format!("seed={seed}")]);
    let disks = |seed| {
        let mut crashes = Crashes(Vec::new(), 0);
        let outcome = run_observed(&setup_of(seed), &mut crashes);
        (crashes.0, crashes.1, outcome.trace_hash)
    };
    let first = disks(3);
    assert!(first.0.len() > 15);
    assert_eq!(first, disks(3));
    assert_ne!(first.0, disks(4).0);
}

#[test]
fn a_forked_run_goes_on_as_the_run_it_was_forked_from() {
    let setup = setup("power-loss", "torn", &[]);
    let mut running = Running::new(&setup, Choices::seeded(setup.seed));
    running.begin();
    while running.world().now() < 5 * SECOND {
        running.step();
    }
    let mut fork = running.clone();
    for run in [&mut running, &mut fork] {
        while run.world().now() < 8 * SECOND {
            run.step();
        }
    }
    for node in 0..3 {
        assert_eq!(running.world().process(node).disk_hash(), fork.world().process(node).disk_hash());
    }
    assert_eq!(running.finish().trace_hash, fork.finish().trace_hash);
}

#[test]
fn a_failed_sync_ends_the_node_and_the_others_go_on() {
    let outcome = run(&setup("sync-error", "", &[]));
    assert_sound(&outcome);
    let [news] = &outcome.disks[..] else { panic!("{:?}", outcome.disks) };
    assert!(
        matches!(&news.what, DiskEvent::Ended(why) if why.starts_with("failed while syncing")),
        "{news:?}"
    );
    assert_eq!(news.node, 0);
    assert!(within(writes(&outcome), 15, 18) > 100, "another leader");

    let setup = setup("sync-error", "", &[]);
    let mut running = Running::new(&setup, Choices::seeded(setup.seed));
    running.begin();
    while running.world().now() < 17 * SECOND {
        running.step();
    }
    assert!(!running.world().runs(0), "it waits to be started, though the disk is well");
    while running.world().now() < 20 * SECOND {
        running.step();
    }
    let commit = |node: usize| running.world().process(node).node().unwrap().raft().commit();
    assert!(running.world().runs(0) && commit(0).0 + 5 > commit(1).0, "it catches up");
}

#[test]
fn the_writes_of_a_leader_whose_own_disk_stalls_commit_without_it() {
    let outcome = run(&setup("stall-leader", "its disk alone", &[]));
    assert_sound(&outcome);
    assert_eq!(outcome.changes.len(), 1, "nobody else leads");
    assert!(within(writes(&outcome), 11, 30) > 900);
    assert!(within(reads(&outcome), 11, 30) > 1_800);
}

/// When a node stepped down, and in which term.
struct StepDowns(Vec<(u64, usize)>);

impl Reader<LeaseNode> for StepDowns {
    fn read(&mut self, event: &Event<'_, Message, Note>, _world: &World<LeaseNode>) {
        if let Happening::Noted { node, note: Note::SteppedDown { .. } } = event.what {
            self.0.push((event.at, node));
        }
    }
}

#[test]
fn no_leader_reads_on_when_no_majority_stores() {
    for (name, row) in [
        ("stall-leader", "and n3 is down"),
        ("stall-majority", "leader and follower"),
        ("stall-majority", "both followers"),
    ] {
        let setup = setup(name, row, &[]);
        let mut seen = StepDowns(Vec::new());
        let outcome = run_observed(&setup, &mut seen);
        assert_sound(&outcome);
        assert_eq!(within(writes(&outcome), 10, 30), 0, "{row}: nothing can be committed");
        // The lease is 2.5 s, the election timeout 5 s; the stall begins at 10 s.
        assert!(within(reads(&outcome), 10, 13) > 100, "{row}: a lease is a lease");
        assert_eq!(within(reads(&outcome), 13, 30), 0, "{row}: and then it is over");
        let (at, node) = seen.0[0];
        assert!(node == 0 && at < 15_100_000_000, "{row}: it steps down at {at}");
        assert!(within(writes(&outcome), 36, setup.duration.as_nanos() / SECOND) > 50, "{row}: it goes on");
    }
}

#[test]
fn a_leader_that_cannot_store_does_not_keep_others_from_leading() {
    // The leader's disk stalls, and one follower hears nothing of it: the other follower keeps the lease alive if the
    // leader counts itself. Two nodes with good disks could lead meanwhile.
    let text = "duration = '40s'\nseed = 5\n[cluster]\nfirst-leader = 'n1'\n\
        [client.w]\noperations = 'write'\nevery = '20ms'\n[client.r]\noperations = 'read'\nevery = '20ms'\n\
        [[fault]]\nat = '10s'\ndisk-stall = { node = 'n1' }\n\
        [[fault]]\nat = '10s'\npartition = { between = [['n1'], ['n2']] }\n";
    let plan = scenario::load("t", text, &[], &rules::names()).unwrap();
    let outcome = run(&Arc::new(plan.rows[0].scenario.setup.clone()));
    assert_sound(&outcome);
    assert!(within(writes(&outcome), 25, 40) > 500);
}

#[test]
fn a_leader_without_room_makes_way_and_comes_back() {
    let setup = setup("full", "", &[]);
    let mut seen = StepDowns(Vec::new());
    let outcome = run_observed(&setup, &mut seen);
    assert_sound(&outcome);
    let [news] = &outcome.disks[..] else { panic!("{:?}", outcome.disks) };
    assert_eq!((news.node, &news.what), (0, &DiskEvent::Full));
    assert_eq!(seen.0[0], (news.at, 0), "it steps down when it has no room");
    assert!(within(writes(&outcome), 22, 25) > 100, "another leads");
}

#[test]
fn a_lying_disk_is_named_when_it_costs_a_write() {
    let setup = setup("lie", "goes back as a whole", &[]);
    let outcome = run(&setup);
    assert!(!outcome.check.stale_reads.is_empty());
    let explained = leasehold_run::explain::explain(&setup, &outcome, &outcome.check.stale_reads[0]);
    assert!(explained.lost);
    assert_eq!(explained.causes[0], leasehold_run::explain::Cause::LyingDisk);
    assert!(explained.why[0].starts_with("n2's disk lied"), "{:?}", explained.why);

    // The same with honest disks, and nothing is lost.
    let mut honest = Setup::clone(&setup);
    honest.faults.retain(|fault| !matches!(fault.action, Action::DiskLie { .. }));
    assert_sound(&run(&Arc::new(honest)));
}

#[test]
fn a_node_whose_file_is_damaged_never_starts() {
    for seed in 1..=40 {
        let outcome = run(&setup("corrupt", "", &[&format!("seed={seed}")]));
        assert_sound(&outcome);
        let refused = outcome.disks.iter().any(|news| {
            news.node == 2 && matches!(&news.what, DiskEvent::Refused(why) if why.contains("damaged") || why.contains("first bytes"))
        });
        assert!(refused, "seed {seed}: {:?}", outcome.disks);
        assert!(within(writes(&outcome), 14, 25) > 300, "the others go on");
    }
}

/// Every disk fault that a model of a disk knows, over many seeds: nothing is lost, and the cluster comes back.
#[test]
fn faults_of_disks_that_are_models_lose_nothing() {
    let text = "duration = '30s'\n[lease]\nduration = '800ms'\nelection-timeout = '1s'\nmax-clock-skew = '50ms'\n\
        [timers]\nheartbeat = '50ms'\nelection-jitter = '200ms'\n[node.n2]\ndisk-sync = '10ms'\n\
        [client.w]\noperations = ['write', 'cas']\nthink = '5ms'\nkeys = 5\n\
        [client.r]\noperations = 'read'\nthink = '5ms'\nkeys = 5\n\
        [[fault]]\nat = '3s'\nevery = '7s'\nfor = '2s'\ndisk-stall = { node = 'n1' }\n\
        [[fault]]\nat = '4s'\nevery = '5s'\nfor = '2s'\ndisk-full = { node = 'n2' }\n\
        [[fault]]\nat = '6s'\nevery = '6s'\nfor = '1s'\ndisk-error = { node = 'n3' }\n\
        [[fault]]\nat = '8s'\nevery = '6s'\nrestart = { node = 'n3' }\n\
        [[fault]]\nat = '5s'\nevery = '9s'\nfor = '500ms'\ncrash = { node = 'n1' }\n";
    for disk in ["memory", "durable"] {
        for seed in 0..10 {
            let overrides = [format!("seed={seed}"), format!("disk.kind={disk}")];
            let plan = scenario::load("t", text, &overrides, &rules::names()).unwrap();
            let outcome = run(&Arc::new(plan.rows[0].scenario.setup.clone()));
            assert_sound(&outcome);
            assert!(outcome.disks.iter().any(|news| matches!(news.what, DiskEvent::Ended(_))));
            assert!(
                outcome.disks.iter().any(|news| matches!(news.what, DiskEvent::Full)) || disk == "durable"
            );
            assert!(within(writes(&outcome), 28, 30) > 0, "{disk}, seed {seed}");
        }
    }
}

#[test]
fn a_fault_that_needs_a_durable_disk_says_so() {
    let text = "duration = '9s'\n[[fault]]\nat = '1s'\ndisk-lie = { node = 'n2' }\n";
    let errors = scenario::load("t", text, &[], &rules::names()).unwrap_err().render(false);
    assert!(errors.contains("`disk-lie` needs a durable disk"), "{errors}");
    let overrides = ["node.n2.disk=durable".to_owned()];
    assert!(scenario::load("t", &format!("{text}[node.n2]\n"), &overrides, &rules::names()).is_ok());
}

#[test]
fn broken_rules_run_on_durable_disks_too() {
    let mut setup = Setup::clone(&setup("sync-error", "", &["duration=19s"]));
    setup.rules = "restart-forgets".to_owned();
    assert!(run(&Arc::new(setup)).events > 1_000);
}
