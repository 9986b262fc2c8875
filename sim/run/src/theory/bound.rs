//! The closed-form bound: how much room a stale read has under an [`Attack`], to the nanosecond, from arithmetic alone.
//!
//! All instants count from the send of the round that carries the old leader's lease, in true time. With `E = D - s`,
//! least delays `d`, disk syncs `y`, the leader `l`, the challenger `c`, any other voting node `x`:
//!
//! * a voter `v` is free after `d(l,v) + T / rate_v` (elapsed form) or `T - e_l + e_v - skew`, if
//!   that is earlier (deadline form); after a restart `T / rate_v` after that; an elector is free from the beginning;
//! * with pre-votes from before the round, the vote of `x` is with the challenger at `free_x + y_x + d(x,c)`;
//! * without them, its pre-vote is there at `free_x + d(x,c)`; and its vote at
//!   `max(pre-voted + y_c + d(c,x), free_x) + y_x + d(x,c)`;
//! * a challenger that is itself a voter asks for pre-votes when it is free, and the least of its jitter later;
//! * whoever is asked, a majority counts. So does one that stores the own-term entry, and with it a client's write that
//!   waited for it: `y_c` for the challenger, `d(c,x) + y_x + d(x,c)` for the others;
//! * the writer knows after the answer's time and delay; the read is asked one nanosecond later and needs its delay;
//! * it is stale iff it then finds the lease running: until `E / rate_l` or `E - 2 e_l`, but not past the `T / rate_l` at
//!   which a leader that hears nobody steps down; and for what its clocks missed longer. A process that stands still steps
//!   down when it goes on, after it has served what came meanwhile.
//!
//! **Architecture Invariant:** nothing here runs anything.

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use crate::attack::{Attack, FROM_ACKNOWLEDGEMENT, Lapse, RESTART_FORGETS, attacks, least};
use crate::faults::{Frozen, Harm, harm};
use crate::setup::Setup;
use crate::theory::GUEST_NOT_COVERED;
use crate::theory::time::{Rounding, nanos, true_time};

/// What arithmetic says about a setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The last instant at which the old leader serves less the first at which a read that would be stale arrives, ns.
    /// There is a stale read iff this is not negative.
    pub room_ns: i128,
    /// The attack that leaves most room.
    pub attack: Attack,
}

/// The bound of a setup, or why the arithmetic does not cover it. `Ok(None)`: nobody ever has a lease that another node
/// could break.
pub fn bound(setup: &Setup) -> Result<Option<Bound>, &'static str> {
    // Of equals the first.
    let best = |best: Bound, next: Bound| if next.room_ns > best.room_ns { next } else { best };
    let (usual, hasty): (Vec<Bound>, Vec<Bound>) =
        bounds(setup)?.into_iter().partition(|bound| leads_between_rounds(setup, &bound.attack));
    let usual = usual.into_iter().reduce(best);
    let breaks = |bound: &Bound| bound.room_ns >= 0;
    if !usual.as_ref().is_some_and(breaks) && hasty.iter().any(breaks) {
        return Err(
            "a promise is over before the leader's next round, and the leader may be deposed between the two",
        );
    }
    Ok(usual)
}

/// Does the leader surely lead until its lease's last round? Of three voters one that is free between two rounds and the
/// leader, whose lease may be over as well, are a majority.
fn leads_between_rounds(setup: &Setup, attack: &Attack) -> bool {
    let heartbeat = measured(nanos(setup.timers.heartbeat), setup.nodes[attack.leader].clock.fastest_ppb());
    let bound =
        |voter: &usize| promised(setup, attack, *voter) > heartbeat + round_trip(setup, attack, *voter);
    setup.cluster.voters > 3 || attack.voters.iter().all(bound)
}

/// The bound under each attack that gives one, in the order of [`attacks`].
pub fn bounds(setup: &Setup) -> Result<Vec<Bound>, &'static str> {
    if setup.guest.is_some() {
        return Err(GUEST_NOT_COVERED);
    }
    if !Attack::rules_covered(setup) {
        return Err("the arithmetic does not cover these rules");
    }
    let deadline_form = setup.nodes.iter().any(|node| node.lease.form == LeaseForm::Deadline);
    if deadline_form
        && setup.nodes.iter().any(|node| node.clock.slowest_ppb() != 0 || node.clock.slew_ppb != 0)
    {
        return Err("wall clocks that drift are apart by more and more");
    }
    if setup.nodes.iter().any(|node| !node.clock.synchronized) {
        return Err("nobody vouches for a wall clock");
    }
    let bounds = attacks(setup)?.into_iter().filter_map(|attack| {
        let room_ns = room(setup, &attack)?;
        Some(Bound { room_ns, attack })
    });
    Ok(bounds.collect())
}

fn room(setup: &Setup, attack: &Attack) -> Option<i128> {
    let holder = &setup.nodes[attack.leader];
    if holder.lease.effective() == Span::ZERO {
        return None;
    }
    let leads_on = match attack.early {
        None => true,
        Some(Lapse::Alone) => free_between_rounds(setup, attack),
        Some(Lapse::Relieved) => changes_carriers(setup, attack),
    };
    if !leads_on {
        return None;
    }
    let client = i128::from(least(setup.network.client_delay));
    let answer = nanos(setup.nodes[attack.challenger].answer_time);
    let acknowledged = ready(setup, attack)? + answer + client;
    Some(last_served(setup, attack)? - (acknowledged + 1 + client))
}

/// When a voter is free of all that it promised.
fn free(setup: &Setup, attack: &Attack, voter: usize) -> i128 {
    let received = i128::from(attack.delay(setup, attack.leader, voter));
    let Some(down) = attack.crash(setup, voter) else { return promised(setup, attack, voter) };
    // It dies a nanosecond after the round has come.
    let restarted = received + 1 + i128::from(down);
    if setup.rules == RESTART_FORGETS {
        return restarted;
    }
    let (holder, spec) = (&setup.nodes[attack.leader], &setup.nodes[voter]);
    let longest = nanos(holder.lease.election_timeout.max(spec.lease.election_timeout));
    restarted + measured(longest, spec.clock.slowest_ppb())
}

/// When the promise is over that the round gave a voter, which stays up.
fn promised(setup: &Setup, attack: &Attack, voter: usize) -> i128 {
    let (holder, spec) = (&setup.nodes[attack.leader], &setup.nodes[voter]);
    let received = i128::from(attack.delay(setup, attack.leader, voter));
    let promise = nanos(holder.lease.election_timeout);
    let by_receipt = received + measured(promise, spec.clock.slowest_ppb());
    let promised = match holder.lease.form {
        LeaseForm::Elapsed => by_receipt,
        LeaseForm::Deadline => by_receipt.min(by_stamp(setup, attack, voter)),
    };
    promised.max(received + 1)
}

/// When a voter's wall clock has come to the end of the promise that the round gave it, in the deadline form.
fn by_stamp(setup: &Setup, attack: &Attack, voter: usize) -> i128 {
    let (holder, spec) = (&setup.nodes[attack.leader], &setup.nodes[voter]);
    let errors = nanos(spec.clock.wall_error) - nanos(holder.clock.wall_error);
    nanos(holder.lease.election_timeout) + errors - skew(setup, attack, voter)
}

/// Does the leader still lead when the first round is acknowledged that reaches the voters free?
///
/// The rounds go with the heartbeats. The leader last heard a quorum in the round that bound the voters.
fn free_between_rounds(setup: &Setup, attack: &Attack) -> bool {
    let holder = &setup.nodes[attack.leader];
    let heartbeat = measured(nanos(setup.timers.heartbeat), holder.clock.fastest_ppb());
    let longest = attack.acknowledging().map(|node| round_trip(setup, attack, node)).fold(0, i128::max);
    // What reaches one of them must find all of them free.
    let there =
        attack.voters.iter().map(|voter| attack.delay(setup, attack.leader, *voter)).min().unwrap_or(0);
    let lapsed = attack.voters.iter().map(|voter| promised(setup, attack, *voter)).fold(0, i128::max);
    let skipped = (lapsed + 1 - i128::from(there)).max(0);
    let next = (skipped.div_euclid(heartbeat) + 1) * heartbeat;
    next + longest < steps_down(setup, attack)
}

/// Does the leader still lead when the voter's first acknowledgement after the electors' last one is there? Its round is sent at
/// most two heartbeats, and the messages between, after the last one that an elector acknowledged.
fn changes_carriers(setup: &Setup, attack: &Attack) -> bool {
    let holder = &setup.nodes[attack.leader];
    let heartbeat = measured(nanos(setup.timers.heartbeat), holder.clock.fastest_ppb());
    let everybody = attack.acknowledging().chain(attack.electors.iter().copied());
    let longest = everybody.map(|node| round_trip(setup, attack, node)).fold(0, i128::max);
    let asked = attack.voters.iter().map(|voter| attack.delay(setup, attack.challenger, *voter).max(1));
    let asked = i128::from(asked.fold(0, u64::max));
    2 * heartbeat + asked + 2 * longest < steps_down(setup, attack)
}

/// When a leader that hears nobody after the round gives up: T on its clocks after the send, the quicker of the two.
fn steps_down(setup: &Setup, attack: &Attack) -> i128 {
    let holder = &setup.nodes[attack.leader];
    measured(nanos(holder.lease.election_timeout), holder.clock.fastest_ppb())
}

/// How long a round and its acknowledgement take.
fn round_trip(setup: &Setup, attack: &Attack, node: usize) -> i128 {
    let (there, back) = (attack.delay(setup, attack.leader, node), attack.delay(setup, node, attack.leader));
    i128::from(there) + i128::from(back)
}

/// When the challenger could first acknowledge a write. `None`: too few nodes answer it.
fn ready(setup: &Setup, attack: &Attack) -> Option<i128> {
    let majority = setup.cluster.voters / 2 + 1;
    let challenger = attack.challenger;
    let to = |node: usize| i128::from(attack.delay(setup, challenger, node));
    let from = |node: usize| i128::from(attack.delay(setup, node, challenger));
    let sync = |node: usize| nanos(setup.nodes[node].disk_sync);
    let own_sync = sync(challenger);
    // Electors are free and have answered long before.
    let free_at = |node: usize| attack.voters.contains(&node).then(|| free(setup, attack, node));
    let asked: Vec<usize> = attack.asked_voters().chain(attack.electors.iter().copied()).collect();
    let own_start = attack.voters.contains(&challenger).then(|| campaigns(setup, attack));
    let elected = if attack.early.is_some() {
        let asked_first = asked_while_bound(setup, attack) + own_sync;
        let vote = |node: &usize| {
            let there = asked_first + to(*node);
            free_at(*node).map_or(there, |free| free.max(there)) + sync(*node) + from(*node)
        };
        majority_at(majority, asked.iter().map(vote))?
    } else {
        let pre_vote = |node: &usize| match (own_start, free_at(*node)) {
            (Some(start), free) => free.unwrap_or(start).max(start + to(*node)) + from(*node),
            (None, Some(free)) => free + from(*node),
            (None, None) => i128::MIN,
        };
        let votes_asked = majority_at(majority, asked.iter().map(pre_vote))? + own_sync;
        let vote = |node: &usize| {
            let there = votes_asked + to(*node);
            free_at(*node).map_or(there, |free| free.max(there)) + sync(*node) + from(*node)
        };
        majority_at(majority, asked.iter().map(vote))?.max(votes_asked)
    };
    Some(elected + stored(setup, attack)?)
}

/// How long after its election the challenger's first entry is stored by a majority, which need not hold the challenger.
fn stored(setup: &Setup, attack: &Attack) -> Option<i128> {
    let challenger = attack.challenger;
    let delay = |from, to| i128::from(attack.delay(setup, from, to));
    let sync = |node: usize| nanos(setup.nodes[node].disk_sync);
    let others = (0..setup.cluster.voters).filter(|node| ![attack.leader, challenger].contains(node));
    let others = others.map(|node| delay(challenger, node) + sync(node) + delay(node, challenger));
    let mut answers: Vec<i128> = others.chain([sync(challenger)]).collect();
    answers.sort_unstable();
    answers.get(setup.cluster.voters / 2).copied()
}

/// When a majority has answered, the asking node being one of it.
fn majority_at(majority: usize, answers: impl Iterator<Item = i128>) -> Option<i128> {
    let mut answers: Vec<i128> = answers.collect();
    answers.sort_unstable();
    answers.get(majority.checked_sub(2)?).copied()
}

/// An early pre-vote: the first instant at which votes can be asked for so that each voter already stands still when the
/// request comes, less the challenger's own sync.
fn asked_while_bound(setup: &Setup, attack: &Attack) -> i128 {
    let own_sync = nanos(setup.nodes[attack.challenger].disk_sync);
    let bound = attack.voters.iter().map(|voter| {
        let received = i128::from(attack.delay(setup, attack.leader, *voter));
        received + 2 - i128::from(attack.delay(setup, attack.challenger, *voter)) - own_sync
    });
    bound.fold(0, i128::max)
}

/// When a challenger that acknowledged the round itself campaigns: once its promise is over, and the least of its jitter.
fn campaigns(setup: &Setup, attack: &Attack) -> i128 {
    let (holder, spec) = (&setup.nodes[attack.leader], &setup.nodes[attack.challenger]);
    let jitter = nanos(spec.election_jitter_least.min(spec.election_jitter));
    match holder.lease.form {
        LeaseForm::Elapsed => {
            let received = i128::from(attack.delay(setup, attack.leader, attack.challenger));
            let promise = nanos(holder.lease.election_timeout);
            received + measured(promise + jitter, spec.clock.slowest_ppb())
        }
        LeaseForm::Deadline => promised(setup, attack, attack.challenger) + jitter,
    }
}

/// The last instant at which the old leader answers under its lease. `None`: one of the stops outlasts the lease.
fn last_served(setup: &Setup, attack: &Attack) -> Option<i128> {
    let holder = &setup.nodes[attack.leader];
    let effective = nanos(holder.lease.effective());
    // What all its clocks miss, and what the raw clock alone does, if it is the one that it measures with.
    let lost =
        |wanted: Frozen| -> i128 { attack.missed(setup).map(|place| stop(setup, place, wanted)).sum() };
    let (frozen, suspended) = (lost(Frozen::All), lost(Frozen::Raw));
    let by_monotonic = measured(effective, holder.clock.fastest_ppb()) + suspended;
    let lasts = match holder.lease.form {
        LeaseForm::Elapsed => by_monotonic,
        LeaseForm::Deadline => {
            let back: i128 = if attack.back_within {
                attack.steps_back(setup).map(|place| set_by(setup, place)).sum()
            } else {
                0
            };
            by_monotonic.min(effective - 2 * nanos(holder.clock.wall_error) + back)
        }
    };
    let steps_down = steps_down(setup, attack) + suspended;
    let round_trips = attack.acknowledging().map(|node| round_trip(setup, attack, node));
    let acknowledged = round_trips.fold(0, i128::max);
    if setup.rules == FROM_ACKNOWLEDGEMENT {
        let paused = attack.pause(setup).map_or(0, i128::from);
        let over = (acknowledged + paused + lasts).min(steps_down) + frozen;
        // What waited with the acknowledgements is served before the leader looks at its timers.
        return Some(if paused > 0 { (acknowledged + paused).max(over - 1) } else { over - 1 });
    }
    let stopped = attack
        .missed(setup)
        .map(|place| 1 + stop(setup, place, Frozen::All) + stop(setup, place, Frozen::Raw));
    let stopped: i128 = stopped.sum();
    if stopped > 0 && acknowledged + stopped > lasts + frozen - 1 {
        return None;
    }
    // A stall that begins before it steps down and ends before the lease does.
    let fits = |stall: &i128| *stall <= lasts - 2;
    let stalls = attack.stalls(setup).map(|place| setup.faults[place].lasts.map_or(0, nanos)).filter(fits);
    Some((steps_down + stalls.sum::<i128>()).min(lasts) + frozen - 1)
}

/// How long a fault stops exactly these clocks.
fn stop(setup: &Setup, place: usize, wanted: Frozen) -> i128 {
    let fault = &setup.faults[place];
    let exactly = matches!(harm(fault), Harm::Stops { clocks, .. } if clocks == wanted);
    if exactly { fault.lasts.map_or(0, nanos) } else { 0 }
}

/// How far a fault sets a wall clock, either way.
fn set_by(setup: &Setup, place: usize) -> i128 {
    if let Harm::WallSet { by_ns, .. } = harm(&setup.faults[place]) { i128::from(by_ns).abs() } else { 0 }
}

/// How far a voter's wall clock is ahead of the leader's.
fn skew(setup: &Setup, attack: &Attack, voter: usize) -> i128 {
    let offset = |node: usize| i128::from(setup.nodes[node].clock.offset_ns);
    let of_these = |place: &usize| matches!(harm(&setup.faults[*place]), Harm::WallSet { node, .. } if node == voter || node == attack.leader);
    let steps: i128 = attack.steps(setup).filter(of_these).map(|place| set_by(setup, place)).sum();
    offset(voter) - offset(attack.leader) + steps
}

/// The first whole true nanosecond by which a clock of that rate has measured `length`.
fn measured(length: i128, rate_ppb: i64) -> i128 {
    true_time(length, rate_ppb, Rounding::Up)
}

/// The condition for a stale read in words and numbers, one line each.
pub fn formula(setup: &Setup, attack: &Attack) -> Vec<String> {
    let holder = &setup.nodes[attack.leader];
    let (effective, timeout) = (holder.lease.effective(), holder.lease.election_timeout);
    let (l, c) = (attack.leader, attack.challenger);
    // The one that is free last.
    let last =
        attack.voters.iter().copied().max_by_key(|voter| (free(setup, attack, *voter), usize::MAX - voter));
    let v = last.unwrap_or(c);
    let free = match (attack.crash(setup, v), holder.lease.form) {
        (Some(_), _) if setup.rules == RESTART_FORGETS => "d(l,v) + 1ns + downtime".to_owned(),
        (Some(_), _) => "d(l,v) + 1ns + downtime + T / rate(v)".to_owned(),
        (None, LeaseForm::Elapsed) => "d(l,v) + T / rate(v)".to_owned(),
        (None, LeaseForm::Deadline) if promised(setup, attack, v) < by_stamp(setup, attack, v) => {
            "d(l,v) + T / rate(v)".to_owned()
        }
        (None, LeaseForm::Deadline) => "T - e(l) + e(v) - skew".to_owned(),
    };
    let lease = match (holder.lease.form, attack.back_within) {
        (LeaseForm::Elapsed, _) => "(D - s) / rate(l)",
        (LeaseForm::Deadline, false) => "(D - s) - 2 e(l)",
        (LeaseForm::Deadline, true) => "min((D - s) - 2 e(l) + step back, what its other clocks say)",
    };
    let lasts = match (setup.rules == FROM_ACKNOWLEDGEMENT, attack.pause(setup).is_some()) {
        (true, true) => "the acknowledgement, when the leader goes on".to_owned(),
        (true, false) => format!("min(d(l,v) + d(v,l) + {lease}, T / rate(l)) - 1ns"),
        _ if attack.stalls(setup).next().is_some() => format!("min({lease}, T / rate(l) + its stops) - 1ns"),
        _ if effective > timeout => format!("min({lease}, T / rate(l)) - 1ns"),
        _ if attack.missed(setup).next().is_some() => format!("{lease} + what its clocks miss - 1ns"),
        _ => format!("{lease} - 1ns"),
    };
    let more = match setup.nodes.iter().any(|node| node.disk_sync + node.answer_time > Span::ZERO) {
        true => " + disk syncs + answer time",
        false => "",
    };
    let messages = match (attack.early, attack.voters.contains(&c)) {
        (Some(_), _) => "d(v,c) + r(c)",
        (None, false) => "d(v,c) + votes(c) + r(c)",
        (None, true) => "pre-votes(c) + votes(c) + r(c)",
    };
    let name = |node: usize| &setup.nodes[node].name;
    let delay = |from: usize, to: usize| Span::nanos(attack.delay(setup, from, to));
    let quorum = stored(setup, attack).and_then(|nanos| u64::try_from(nanos).ok());
    let quorum = quorum.map_or("-".to_owned(), |nanos| Span::nanos(nanos).to_string());
    vec![
        format!("stale iff  {free} + {messages} + 2 d(client){more} + 1ns  <=  {lasts}"),
        format!(
            "l = {}, c = {}, v = {}; D - s = {effective}, T = {timeout}; d(l,v) = {}, d(v,l) = {}, d(c,v) = {}, \
             d(v,c) = {}, r(c) = {quorum}, d(client) = {}",
            name(l),
            name(c),
            name(v),
            delay(l, v),
            delay(v, l),
            delay(c, v),
            delay(v, c),
            Span::nanos(least(setup.network.client_delay)),
        ),
    ]
}
