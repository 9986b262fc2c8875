//! One seed into one setup: cluster, lease, timers, nodes and network. Everything is measured in election timeouts, so
//! that a run costs the same whether they are short or long.

use leasehold::lease::{LeaseForm, LeaseSettings};
use leasehold::raft::LogBounds;
use leasehold::time::Span;

use super::dice::{Aspect, Dice};
use super::{Profile, bound, comeback, disks, faults, members, together, workload};
use leasehold_run::rules;
use leasehold_run::setup::{Cluster, Delay, LinkSpec, Network, NodeSpec, Setup, Timers};

/// The setup that belongs to a seed. A pure function of its arguments; the rules change nothing but the rules.
pub fn draw(seed: u64, profile: &Profile) -> Setup {
    let mut setup = cluster(seed);
    setup.network = network(seed, &setup);
    setup.clients = workload::clients(seed, &setup);
    setup.faults = faults::faults(seed, &setup, profile.bound);
    setup.faults.extend(members::faults(seed, &setup));
    disks::fit(seed, &mut setup);
    setup.log = log(seed);
    let comes_back = comeback::before_clocks(seed, &mut setup);
    if !comes_back {
        together::before_clocks(seed, &mut setup, profile.bound);
    }
    bound::fit(seed, &mut setup, profile.bound);
    if comes_back {
        comeback::after_clocks(seed, &mut setup, profile.bound);
    } else {
        together::after_clocks(seed, &mut setup, profile.bound);
    }
    setup.rules = profile.rules.to_owned();
    setup
}

/// In every third run logs are so short that whoever lags gets a snapshot, in a few messages.
fn log(seed: u64) -> LogBounds {
    let mut dice = Dice::new(seed, Aspect::Log);
    if !dice.chance(33) {
        return LogBounds::default();
    }
    let most = dice.pick(&[1, 5, 20, 60]);
    let entries_max = dice.between(1, most);
    let bytes_max = dice.weighted(&[(70, LogBounds::default().bytes_max), (30, 500)]);
    let chunk_bytes_max = dice.pick(&[1, 100, 200, 1_000]);
    LogBounds { entries_max, bytes_max, chunk_bytes_max }
}

fn cluster(seed: u64) -> Setup {
    let mut dice = Dice::new(seed, Aspect::Cluster);
    let voters = dice.weighted(&[(1, 1), (4, 2), (53, 3), (10, 4), (25, 5), (3, 6), (4, 7)]);
    let learners = dice.weighted(&[(70, 0), (18, 1), (12, 2)]);
    let form = dice.weighted(&[(55, LeaseForm::Elapsed), (45, LeaseForm::Deadline)]);
    let lease = lease(&mut dice, form);
    let timers = timers(&mut dice, &lease);
    let own_settings = dice.chance(30);
    let slow_disks = dice.chance(40);
    let slow_answers = dice.chance(15);
    let own_jitter = dice.chance(25);
    let node = |place: usize| NodeSpec {
        lease: match own_settings && dice.chance(50) {
            true => own_lease(&mut dice, &lease),
            false => lease,
        },
        election_jitter: match own_jitter && dice.chance(50) {
            true => dice.share(lease.election_timeout, 0, 400),
            false => timers.election_jitter,
        },
        disk_sync: match slow_disks && dice.chance(60) {
            true => {
                let most = dice.pick(&[5, 20, 150]);
                dice.share(lease.election_timeout, 0, most)
            }
            false => Span::ZERO,
        },
        answer_time: match slow_answers && dice.chance(50) {
            true => dice.share(lease.election_timeout, 0, 100),
            false => Span::ZERO,
        },
        ..NodeSpec::new(format!("n{}", place + 1))
    };
    let spares = members::spares(seed);
    let nodes = (0..voters + learners + spares).map(node).collect();
    let first_leader = dice.chance(60).then(|| dice.place(voters));
    let lengths = dice.between(5, 8);
    Setup {
        seed,
        duration: lease.election_timeout * lengths,
        cluster: Cluster { voters, spares, first_leader },
        lease,
        timers,
        log: LogBounds::default(),
        rules: rules::SOUND.to_owned(),
        guest: None,
        nodes,
        network: Network::default(),
        clients: Vec::new(),
        faults: Vec::new(),
    }
}

/// D < T always, and most often by little: that is where the margins are thin.
fn lease(dice: &mut Dice, form: LeaseForm) -> LeaseSettings {
    let timeout_ms = dice.pick(&[100, 150, 200, 300, 500, 800, 1_000, 2_000]);
    let election_timeout = dice.share(Span::millis(timeout_ms), 1_000, 1_100);
    let (least, most) = dice.weighted(&[(45, (950, 999)), (40, (600, 950)), (15, (300, 600))]);
    let duration = dice.share(election_timeout, least, most);
    let max_clock_skew = match dice.weighted(&[(50, 0), (34, 250), (14, 500), (2, 1_100)]) {
        0 => Span::ZERO,
        most => dice.share(duration, 0, most),
    };
    LeaseSettings { form, duration, election_timeout, max_clock_skew }
}

/// Settings of a node that a change has not reached, or has reached first.
fn own_lease(dice: &mut Dice, usual: &LeaseSettings) -> LeaseSettings {
    let election_timeout = dice.share(usual.election_timeout, 400, 1_600);
    let duration = dice.share(election_timeout, 400, 999);
    let max_clock_skew = usual.max_clock_skew.as_nanos().min(duration.div(2).as_nanos());
    LeaseSettings { duration, election_timeout, max_clock_skew: Span::nanos(max_clock_skew), ..*usual }
}

fn timers(dice: &mut Dice, lease: &LeaseSettings) -> Timers {
    let timeout = lease.election_timeout;
    let effective = if lease.effective() == Span::ZERO { timeout } else { lease.effective() };
    let heartbeat = dice.share(effective, 80, 350);
    let election_jitter = match dice.weighted(&[(35, 0), (35, 100), (30, 400)]) {
        0 => Span::ZERO,
        most => dice.share(timeout, 10, most),
    };
    Timers {
        heartbeat,
        election_jitter,
        startup_grace: if dice.chance(80) { heartbeat } else { Span::ZERO },
        request_deadline: if dice.chance(30) { dice.share(timeout, 300, 2_000) } else { timeout * 2 },
    }
}

fn network(seed: u64, setup: &Setup) -> Network {
    let mut dice = Dice::new(seed, Aspect::Network);
    let timeout = setup.lease.election_timeout;
    let most = dice.weighted(&[(60, 10), (30, 30), (10, 100)]);
    let unit = dice.share(timeout, 1, most);
    let delay = delay(&mut dice, unit, timeout);
    let client_unit = dice.share(timeout, 1, 10);
    let loss_ppm = match dice.weighted(&[(50, 0), (35, 20_000), (15, 100_000)]) {
        0 => 0,
        most => parts(&mut dice, most),
    };
    let duplicate_ppm = match dice.weighted(&[(60, 0), (30, 50_000), (10, 200_000)]) {
        0 => 0,
        most => parts(&mut dice, most),
    };
    let mut links: Vec<LinkSpec> = Vec::new();
    let nodes = setup.nodes.len();
    if nodes > 1 && dice.chance(35) {
        for _ in 0..dice.between(1, 3) {
            let from = dice.place(nodes);
            let to = (from + 1 + dice.place(nodes - 1)) % nodes;
            let most = dice.pick(&[50, 150, 500]);
            let unit = dice.share(timeout, 1, most);
            let link = LinkSpec {
                from,
                to,
                delay: dice.chance(75).then(|| self::delay(&mut dice, unit, timeout)),
                loss_ppm: dice.chance(30).then(|| parts(&mut dice, 500_000)),
                duplicate_ppm: dice.chance(20).then(|| parts(&mut dice, 500_000)),
            };
            if !links.iter().any(|other| (other.from, other.to) == (from, to)) {
                links.push(link);
            }
        }
    }
    let client_delay = self::delay(&mut dice, client_unit, timeout.div(4));
    Network { delay, client_delay, loss_ppm, duplicate_ppm, links }
}

/// Around `unit`; a long tail goes up to `most`.
fn delay(dice: &mut Dice, unit: Span, most: Span) -> Delay {
    match dice.between(0, 2) {
        0 => Delay::Fixed(unit),
        1 => Delay::Uniform { least: unit.div(4), most: unit * 2 },
        _ => Delay::LogNormal { median: unit, sigma_ppm: dice.between(200_000, 1_800_000), most },
    }
}

fn parts(dice: &mut Dice, most: u64) -> u32 {
    u32::try_from(dice.between(1, most)).expect("a share is at most a million")
}
