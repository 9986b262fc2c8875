//! Theory and adversary on random clusters: two to seven voters, no two links or disks alike, and each kind of fault.
//!
//! At the shortest lease that theory calls breakable the adversary breaks it, and a few nanoseconds below it does not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use leasehold_lab::threshold::most_harm;
use leasehold_run::rules;
use leasehold_run::scenario::load;
use leasehold_run::setup::Setup;
use leasehold_run::theory::bound::bound;

/// Numbers that look random: the same for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: u64) -> u64 {
        // SplitMix64 (Steele and others, 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % count
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A cluster without the length of its lease.
fn cluster(dice: &mut Dice, voters: u64) -> String {
    let deadline = dice.chance(60);
    let form = if deadline { "deadline" } else { "elapsed" };
    let heartbeat = [50, 100, 100, 230, 470][usize::try_from(dice.below(5)).unwrap()];
    let mut text = format!(
        "duration = \"9s\"\n[cluster]\nnodes = {voters}\nfirst-leader = \"n1\"\n[timers]\nheartbeat = \"{heartbeat}ms\"\n\
         [network]\ndelay = \"{}us\"\nclient-delay = \"{}us\"\n",
        dice.below(3_000),
        dice.below(2_000),
    );
    let uneven = dice.chance(60);
    for from in 1..=voters {
        for to in 1..=voters {
            if from != to && uneven && dice.chance(50) {
                let delay = dice.below(9_000);
                text +=
                    &format!("[[network.link]]\nfrom = \"n{from}\"\nto = \"n{to}\"\ndelay = \"{delay}us\"\n");
            }
        }
    }
    for node in 1..=voters {
        let mut clock = String::new();
        if dice.chance(40) {
            let by = i64::try_from(dice.below(600)).unwrap() - 200;
            clock += &if deadline {
                format!("offset = \"{by:+}ms\"\n")
            } else {
                format!("rate = \"{by:+}ppm\"\n")
            };
        }
        if deadline && dice.chance(25) {
            clock += &format!("wall-error = \"{}ms\"\n", dice.below(40));
        }
        if node == 1 && dice.chance(30) {
            clock += "stamp = \"raw\"\n";
        }
        if !clock.is_empty() {
            text += &format!("[clock.n{node}]\n{clock}");
        }
        if uneven && dice.chance(50) {
            text += &format!("[node.n{node}]\ndisk-sync = \"{}us\"\n", dice.below(7_000));
        }
    }
    let mut fault = |dice: &mut Dice, what: String, lasts: u64| {
        if dice.chance(25) {
            let lasts =
                if lasts > 0 { format!("for = \"{}us\"\n", dice.below(lasts) + 1) } else { String::new() };
            text += &format!("[[fault]]\nat = \"3s\"\n{lasts}{what}\n");
        }
    };
    fault(dice, "hypervisor-pause = { node = \"n1\" }".to_owned(), 300_000);
    fault(dice, "suspend = { node = \"n1\" }".to_owned(), 300_000);
    fault(dice, "pause = { node = \"n1\" }".to_owned(), 300_000);
    let by = dice.below(200_000);
    fault(dice, format!("step = {{ node = \"n1\", by = \"-{by}us\" }}"), 0);
    let by = dice.below(200_000);
    fault(dice, format!("step = {{ node = \"n{voters}\", by = \"{by}us\" }}"), 0);
    for node in 2..=voters {
        fault(dice, format!("crash = {{ node = \"n{node}\" }}"), 50_000);
    }
    text + &format!("[lease]\nform = \"{form}\"\nelection-timeout = \"1s\"\nmax-clock-skew = \"0s\"\n")
}

fn with_lease(text: &str, nanos: u64) -> Setup {
    let sets = [format!("lease.duration={nanos}ns")];
    let plan = load("cluster", text, &sets, &rules::names());
    plan.unwrap_or_else(|errors| panic!("{errors}\n{text}")).rows[0].scenario.setup.clone()
}

/// Checks one cluster; gives whether there is a lease that can be broken.
fn agree(text: &str) -> bool {
    let breakable =
        |nanos: u64| bound(&with_lease(text, nanos)).unwrap().is_some_and(|bound| bound.room_ns >= 0);
    let (mut safe, mut broken) = (1_000_000, 3_000_000_000);
    if breakable(safe) || !breakable(broken) {
        let harm = most_harm(&with_lease(text, broken)).unwrap();
        let stale = harm.is_some_and(|harm| harm.stale > 0);
        assert!(stale == breakable(broken), "at {broken} ns of lease:\n{text}");
        return false;
    }
    while broken - safe > 1 {
        let middle = u64::midpoint(safe, broken);
        if breakable(middle) { broken = middle } else { safe = middle }
    }
    let stale = |nanos: u64| most_harm(&with_lease(text, nanos)).unwrap().is_some_and(|harm| harm.stale > 0);
    // Each side is rounded to whole nanoseconds, by each clock with a rate of its own.
    if bound(&with_lease(text, safe)).is_err() {
        // The leader may be deposed between two rounds.
        return false;
    }
    assert!(stale(broken + 3), "theory is stronger: stale from {broken} ns of lease on\n{text}");
    assert!(!stale(safe.saturating_sub(3)), "the adversary is stronger: stale at {safe} ns of lease\n{text}");
    true
}

#[test]
fn theory_and_adversary_agree_on_clusters_of_every_size() {
    let seeds: u64 = std::env::var("CLOSED_FORM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let first: u64 = std::env::var("CLOSED_FORM_FIRST").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    for voters in 2..=7 {
        let mut breakable = 0;
        for seed in first..first + seeds {
            let text = cluster(&mut Dice(seed << 8 | voters), voters);
            breakable += u64::from(agree(&text));
        }
        // Of two voters the leader is one of every majority.
        assert!(voters == 2 || breakable > seeds / 4, "{voters} voters: {breakable} of {seeds}");
    }
}
