use super::*;
use leasehold_run::scenario;

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
