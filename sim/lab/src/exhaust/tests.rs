use super::*;
use leasehold_run::scenario;
use leasehold_run::theory::bound::bound;

fn setup(sets: &[&str]) -> Arc<Setup> {
    let text = include_str!("../../../../scenarios/chance.toml");
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let plan = scenario::load("chance", text, &sets, &rules::names()).unwrap();
    Arc::new(plan.rows[0].scenario.setup.clone())
}

fn search(setup: &Arc<Setup>, choices: usize, lossy: bool) -> (Search, Summary) {
    let search = Search { from: find_cut(setup).unwrap().at, choices, lossy };
    let found = exhaust(setup, &search, &AtomicBool::new(false), &|_| ());
    (search, found)
}

#[test]
fn every_schedule_is_run_once() {
    let setup = setup(&["timers.election-jitter=0s"]);
    let (_, delivered) = search(&setup, 4, false);
    assert_eq!(delivered.schedules, 3_u64.pow(4), "four messages, three delays each");
    let (_, lossy) = search(&setup, 3, true);
    assert_eq!(lossy.schedules, 4_u64.pow(3), "three messages, three delays each, or lost");
    let jittered = self::setup(&["network.delay=1ms", "timers.election-jitter=300us"]);
    let (_, jitters) = search(&jittered, 2, false);
    assert_eq!(jitters.schedules, 3_u64.pow(2), "two jitters");
}

#[test]
fn what_is_found_is_what_trying_all_answers_finds() {
    let setup = setup(&["timers.election-jitter=0s"]);
    let (search, found) = search(&setup, 3, true);
    let mut all = Vec::new();
    let mut answers = vec![Vec::new()];
    // Every answer to every question, told one by one: lost is 1, and then there is no question about the delay.
    while let Some(script) = answers.pop() {
        match tell(&setup, &search, &script) {
            Ok(told) if told.found.options.len() == script.len() => all.push(told.found),
            Ok(_) => answers.extend((0..3).map(|option| [&script[..], &[option]].concat())),
            Err(_) => {}
        }
    }
    assert_eq!(all.len() as u64, found.schedules);
    assert_eq!(all.iter().filter(|one| one.stale > 0).count() as u64, found.stale);
    let negative = all.iter().filter(|one| one.margin.is_some_and(|margin| margin < 0)).count();
    assert_eq!(negative as u64, found.negative);
    let worst = found.worst.unwrap();
    assert_eq!(all.iter().filter_map(|one| one.margin).min(), worst.margin);
    assert!(all.contains(&worst));
    assert!(
        found.negative > 0 && found.negative < found.schedules,
        "{} of {}",
        found.negative,
        found.schedules
    );
}

#[test]
fn what_is_found_does_not_depend_on_the_threads() {
    let setup = setup(&["timers.election-jitter=0s"]);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| search(&setup, 3, true).1)
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn the_adversary_is_not_too_dumb_here_and_a_dumber_one_is_told() {
    let setup = setup(&["timers.election-jitter=0s"]);
    let (_, found) = search(&setup, 3, true);
    let played = adversary(&setup);
    assert!(!found.beats(&played), "{found:?} beats {played:?}");
    let Adversary::Plays { margin, stale } = played else { panic!("{played:?}") };
    let worst = found.worst.as_ref().unwrap().margin.unwrap();
    assert!(found.beats(&Adversary::Plays { margin: worst + 1, stale }));
    assert!(found.beats(&Adversary::Plays { margin, stale: 0 }));
    assert!(found.beats(&Adversary::Fails));
}

#[test]
fn the_cut_is_the_round_that_carried_the_last_lease() {
    let setup = setup(&[]);
    let cut = find_cut(&setup).unwrap();
    assert_eq!((cut.leader, cut.successor), (0, Some(1)));
    // The lease, of 60 ms, is over when it ends by perfect clocks.
    let outcome = leasehold_run::run::run(&setup);
    assert_eq!(outcome.changes[1].lease_over, Some(leasehold_run::watch::LeaseOver::At(cut.at + 60_000_000)));
    // Nobody takes over: the first fault stands in.
    let setup = self::setup(&["fault[0].for=1ms"]);
    assert_eq!(find_cut(&setup).map(|found| found.at), Some(cut.at));
    let setup = self::setup(&["fault[0].when.from=299ms"]);
    assert_eq!(find_cut(&setup), None);
}

/// A small case: so many voters, a form, and what happens besides. The lease is as long as theory needs for 1 ms of room.
fn small_case(voters: usize, form: &str, besides: &str) -> Arc<Setup> {
    let text = |lease: u64| {
        format!(
            "duration = \"600ms\"\n[cluster]\nnodes = {voters}\nfirst-leader = \"n1\"\n[lease]\nform = \"{form}\"\n\
             duration = \"{lease}us\"\nelection-timeout = \"100ms\"\nmax-clock-skew = \"0s\"\n\
             [timers]\nheartbeat = \"20ms\"\nelection-jitter = \"0s\"\n\
             [network]\ndelay = {{ uniform = [\"100us\", \"1ms\"] }}\nclient-delay = \"0s\"\n\
             [client.reader]\ntarget = \"n1\"\noperations = \"read\"\nevery = \"100us\"\nstart = \"240ms\"\nstop = \"400ms\"\n\
             [client.writer]\ntarget = \"leader\"\noperations = \"write\"\nevery = \"100us\"\nstart = \"240ms\"\nstop = \"400ms\"\n\
             {besides}\n\
             [[fault]]\nwhen = {{ event = \"lease-renewed\", node = \"n1\", from = \"240ms\" }}\nisolate = {{ node = \"n1\" }}\n"
        )
    };
    let of = |lease: u64| {
        let plan = scenario::load("small", &text(lease), &[], &rules::names());
        Arc::new(
            plan.unwrap_or_else(|errors| panic!("{errors}\n{}", text(lease))).rows[0].scenario.setup.clone(),
        )
    };
    let room = |setup: &Setup| bound(setup).unwrap().map_or(i128::MIN, |bound| bound.room_ns);
    (20_000..120_000)
        .step_by(250)
        .map(of)
        .find(|setup| room(setup) >= 1_000_000)
        .unwrap_or_else(|| of(99_000))
}

/// For clusters of every small size, both forms and every kind of fault that theory counts: of all fates of the first
/// messages, none does more harm than the adversary or than theory allows.
#[test]
fn no_schedule_of_a_small_case_beats_the_adversary_or_theory() {
    let now = "when = { event = \"lease-renewed\", node = \"n1\", from = \"240ms\" }";
    let faults = [
        ("both", String::new()),
        ("both", format!("[[fault]]\n{now}\nfor = \"30ms\"\nhypervisor-pause = {{ node = \"n1\" }}")),
        (
            "both",
            format!(
                "[clock.n1]\nstamp = \"raw\"\n[[fault]]\n{now}\nfor = \"30ms\"\nsuspend = {{ node = \"n1\" }}"
            ),
        ),
        ("both", format!("[[fault]]\n{now}\nfor = \"5ms\"\ncrash = {{ node = \"n2\" }}")),
        ("both", format!("[[fault]]\n{now}\nafter = \"95ms\"\nfor = \"20ms\"\npause = {{ node = \"n1\" }}")),
        ("elapsed", "[clock.n2]\nrate = \"30%\"".to_owned()),
        ("elapsed", "[clock.n1]\nrate = \"-30%\"".to_owned()),
        ("deadline", "[clock.n2]\noffset = \"+40ms\"".to_owned()),
        ("deadline", "[clock.n1]\nwall-error = \"3ms\"\n[clock.n2]\nwall-error = \"1ms\"".to_owned()),
        ("deadline", "[[fault]]\nat = \"200ms\"\nstep = { node = \"n1\", by = \"-40ms\" }".to_owned()),
        ("deadline", "[[fault]]\nat = \"200ms\"\nstep = { node = \"n2\", by = \"+40ms\" }".to_owned()),
    ];
    let (mut stale, mut schedules) = (0, 0);
    for voters in 2..=5 {
        for form in ["elapsed", "deadline"] {
            for (of, besides) in &faults {
                if (*of != "both" && *of != form) || (voters < 3 && besides.contains("crash")) {
                    continue;
                }
                let setup = small_case(voters, form, besides);
                let Some(cut) = find_cut(&setup) else {
                    panic!("{voters} voters, {form}: no lease\n{besides}")
                };
                let search = Search { from: cut.at, choices: 3, lossy: false };
                let found = exhaust(&setup, &search, &AtomicBool::new(false), &|_| ());
                let played = adversary(&setup);
                assert!(!found.beats(&played), "{voters} voters, {form}: {played:?} {found:?}\n{besides}");
                assert_eq!(found.beats_theory(&setup), None, "{voters} voters, {form}: {found:?}\n{besides}");
                stale += found.stale;
                schedules += found.schedules;
            }
        }
    }
    // Otherwise nothing could have beaten anything.
    assert!(stale > 30, "{stale} of {schedules} schedules have a stale read");
}
