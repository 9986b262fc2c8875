//! Who asks what. Writers wait for their answers, so that few operations are open on a key at a time; compare-and-set goes
//! to keys of its own, one client each: both keep a history checkable.

use leasehold::time::Span;

use super::dice::{Aspect, Dice};
use leasehold_run::setup::{ClientSpec, Delay, OperationKind, Pace, Setup, Target};

/// Compare-and-set has the keys from this one on.
const FIRST_KEY_FOR_CAS: u64 = 1_000;

pub(super) fn clients(seed: u64, setup: &Setup) -> Vec<ClientSpec> {
    let mut dice = Dice::new(seed, Aspect::Workload);
    let keys = dice.weighted(&[(60, 1), (25, 2), (15, 4)]);
    let mut clients = Vec::new();
    for _ in 0..dice.between(1, 2) {
        let target = match dice.chance(65) {
            true => Target::Leader,
            false => Target::Any,
        };
        let pace = Pace::Think(pause(&mut dice, setup, 25, 120));
        clients.push(client(&mut dice, setup, target, vec![OperationKind::Write], pace, keys));
    }
    for _ in 0..dice.between(1, 3) {
        let target = match dice.between(0, 9) {
            0..=4 => {
                Target::Node(setup.cluster.first_leader.unwrap_or_else(|| dice.place(setup.cluster.voters)))
            }
            5..=7 => Target::Any,
            8 => Target::Leader,
            _ => Target::Node(dice.place(setup.nodes.len())),
        };
        let pause = pause(&mut dice, setup, 20, 100);
        let pace = if dice.chance(60) { Pace::Every(pause) } else { Pace::Think(pause) };
        clients.push(client(&mut dice, setup, target, vec![OperationKind::Read], pace, keys));
    }
    if dice.chance(25) {
        let pace = Pace::Think(pause(&mut dice, setup, 20, 120));
        let operations = vec![OperationKind::Read, OperationKind::Read, OperationKind::Write];
        clients.push(client(&mut dice, setup, Target::Any, operations, pace, keys));
    }
    if dice.chance(20) {
        let pace = Pace::Think(pause(&mut dice, setup, 80, 200));
        let operations = vec![OperationKind::Read, OperationKind::Cas];
        let one_key = client(&mut dice, setup, Target::Leader, operations, pace, 1);
        let timeout = setup.lease.election_timeout * 2;
        clients.push(ClientSpec { first_key: FIRST_KEY_FOR_CAS, timeout, ..one_key });
    }
    for (place, client) in clients.iter_mut().enumerate() {
        client.name = format!("c{}", place + 1);
    }
    clients
}

/// Between so many thousandths of an election timeout, the same each time or not.
fn pause(dice: &mut Dice, setup: &Setup, least: u64, most: u64) -> Delay {
    let unit = dice.share(setup.lease.election_timeout, least, most);
    match dice.chance(50) {
        true => Delay::Fixed(unit),
        false => Delay::Uniform { least: unit.div(4), most: unit * 2 },
    }
}

fn client(
    dice: &mut Dice,
    setup: &Setup,
    target: Target,
    operations: Vec<OperationKind>,
    pace: Pace,
    keys: u64,
) -> ClientSpec {
    let timeout = setup.lease.election_timeout;
    ClientSpec {
        target,
        operations,
        pace,
        keys,
        // Nobody can be elected before one timeout has passed.
        start: dice.share(timeout, 500, 1_500),
        timeout: dice.share(timeout, 300, 2_000),
        link: dice.chance(15).then(|| Delay::Fixed(dice.share(timeout, 0, 20) + Span::micros(1))),
        ..ClientSpec::new("")
    }
}
