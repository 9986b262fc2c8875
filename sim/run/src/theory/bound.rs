//! The closed-form bound: how much room a stale read has under an [`Attack`], to the nanosecond, from arithmetic alone.
//!
//! All instants count from the send of the round that carries the old leader's lease, in true time. With `E = D - s`,
//! least delays `d`, disk syncs `y`, the voter `v`, the challenger `c`, the leader `l`:
//!
//! * the voter is free after `d(l,v) + T / rate_v` (elapsed form) or `T - e_l + e_v - skew` (deadline form);
//! * its pre-vote is with the challenger `d(v,c)` later; the votes `y_c + d(c,v) + y_v + d(v,c)` after that; the own-term
//!   entry, and with it a client's write that waited for it, is committed `max(y_c, d(c,v) + y_v + d(v,c))` after that;
//! * with an early pre-vote the request for its vote is there when the voter is free, and the vote with the challenger
//!   `y_v + d(v,c)` later. For that the voter must be free between two rounds of a leader that still leads at the second,
//!   or an elector must take its place meanwhile;
//! * the writer knows after the answer's time and delay; the read is asked one nanosecond later and needs its delay;
//! * it is stale iff it then finds the lease running: until `E / rate_l` or `E - 2 e_l`, but not past the `T / rate_l` at
//!   which a leader that hears nobody steps down; and for what its clocks missed longer.
//!
//! **Architecture Invariant:** nothing here runs anything.

use leasehold::lease::LeaseForm;
use leasehold::time::Span;

use crate::attack::{Attack, FROM_ACKNOWLEDGEMENT, Lapse, RESTART_FORGETS, attacks, least};
use crate::faults::{Frozen, Harm, harm};
use crate::setup::{Setup, StampSource};
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

/// The bound of a setup, or why the arithmetic does not cover it. `Ok(None)`: nobody ever has a lease.
pub fn bound(setup: &Setup) -> Result<Option<Bound>, &'static str> {
    if !Attack::rules_covered(setup) {
        return Err("the arithmetic does not cover these rules");
    }
    let deadline_form = setup.nodes.iter().any(|node| node.lease.form == LeaseForm::Deadline);
    if deadline_form && setup.nodes.iter().any(|node| node.clock.rate_ppb != 0) {
        return Err("wall clocks that drift are apart by more and more");
    }
    if setup.nodes.iter().any(|node| !node.clock.synchronized) {
        return Err("nobody vouches for a wall clock");
    }
    let bounds = attacks(setup)?.into_iter().filter_map(|attack| {
        let room_ns = room(setup, &attack)?;
        Some(Bound { room_ns, attack })
    });
    // Of equals the first.
    Ok(bounds.reduce(|best, next| if next.room_ns > best.room_ns { next } else { best }))
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
    let acknowledged = ready(setup, attack) + answer + client;
    Some(last_served(setup, attack) - (acknowledged + 1 + client))
}

/// When the voter is free of all that it promised.
fn free(setup: &Setup, attack: &Attack) -> i128 {
    let received = i128::from(attack.delay(setup, attack.leader, attack.voter));
    let Some(down) = attack.crash(setup) else { return promised(setup, attack) };
    // It dies a nanosecond after the round has come.
    let restarted = received + 1 + i128::from(down);
    if setup.rules == RESTART_FORGETS {
        return restarted;
    }
    let (holder, voter) = (&setup.nodes[attack.leader], &setup.nodes[attack.voter]);
    let longest = nanos(holder.lease.election_timeout.max(voter.lease.election_timeout));
    restarted + measured(longest, voter.clock.rate_ppb)
}

/// When the promise is over that the round gave the voter, which stays up.
fn promised(setup: &Setup, attack: &Attack) -> i128 {
    let (holder, voter) = (&setup.nodes[attack.leader], &setup.nodes[attack.voter]);
    let received = i128::from(attack.delay(setup, attack.leader, attack.voter));
    let promise = nanos(holder.lease.election_timeout);
    let promised = match holder.lease.form {
        LeaseForm::Elapsed => received + measured(promise, voter.clock.rate_ppb),
        LeaseForm::Deadline => {
            let errors = nanos(voter.clock.wall_error) - nanos(holder.clock.wall_error);
            promise + errors - skew(setup, attack)
        }
    };
    promised.max(received + 1)
}

/// Does the leader still lead when the first round is acknowledged that reaches the voter free?
///
/// The rounds go with the heartbeats. The leader last heard a quorum in the round that bound the voter.
fn free_between_rounds(setup: &Setup, attack: &Attack) -> bool {
    let holder = &setup.nodes[attack.leader];
    let heartbeat = measured(nanos(setup.timers.heartbeat), holder.clock.rate_ppb);
    let there = i128::from(attack.delay(setup, attack.leader, attack.voter));
    let longest = attack.carriers.iter().chain([&attack.voter]).map(|node| round_trip(setup, attack, *node));
    let round_trip = longest.fold(0, i128::max);
    let skipped = promised(setup, attack) + 1 - there;
    let next = (skipped.div_euclid(heartbeat) + 1) * heartbeat;
    next + round_trip < steps_down(setup, attack)
}

/// Does the leader still lead when the voter's first acknowledgement after the electors' last one is there? Its round is sent at
/// most two heartbeats, and the messages between, after the last one that an elector acknowledged.
fn changes_carriers(setup: &Setup, attack: &Attack) -> bool {
    let holder = &setup.nodes[attack.leader];
    let heartbeat = measured(nanos(setup.timers.heartbeat), holder.clock.rate_ppb);
    let everybody = attack.carriers.iter().chain(&attack.electors).chain([&attack.voter]);
    let longest = everybody.fold(0, |longest, node| longest.max(round_trip(setup, attack, *node)));
    let asked = i128::from(attack.delay(setup, attack.challenger, attack.voter)).max(1);
    2 * heartbeat + asked + 2 * longest < steps_down(setup, attack)
}

/// When a leader that hears nobody after the round gives up: T on its clock after the send.
fn steps_down(setup: &Setup, attack: &Attack) -> i128 {
    let holder = &setup.nodes[attack.leader];
    measured(nanos(holder.lease.election_timeout), holder.clock.rate_ppb)
}

/// How long a round and its acknowledgement take.
fn round_trip(setup: &Setup, attack: &Attack, node: usize) -> i128 {
    let (there, back) = (attack.delay(setup, attack.leader, node), attack.delay(setup, node, attack.leader));
    i128::from(there) + i128::from(back)
}

/// When the challenger could first acknowledge a write.
fn ready(setup: &Setup, attack: &Attack) -> i128 {
    let to = |node: usize| i128::from(attack.delay(setup, attack.challenger, node));
    let from = |node: usize| i128::from(attack.delay(setup, node, attack.challenger));
    let sync = |node: usize| nanos(setup.nodes[node].disk_sync);
    let own_sync = sync(attack.challenger);
    let free = free(setup, attack);
    let asked = free - to(attack.voter);
    let votes_asked = if attack.early.is_some() {
        asked
    } else {
        let pre_votes = attack.electors.iter().map(|elector| asked + to(*elector) + from(*elector));
        pre_votes.fold(free + from(attack.voter), i128::max) + own_sync
    };
    let durable =
        attack.electors.iter().chain([&attack.voter]).map(|node| to(*node) + sync(*node) + from(*node));
    let durable = durable.fold(0, i128::max);
    let elected = votes_asked + durable;
    elected + own_sync.max(durable)
}

/// The last instant at which the old leader answers under its lease.
fn last_served(setup: &Setup, attack: &Attack) -> i128 {
    let holder = &setup.nodes[attack.leader];
    let effective = nanos(holder.lease.effective());
    let missed = attack.missed(setup).map(|place| missed(setup, attack, place)).sum::<i128>();
    let lasts = match holder.lease.form {
        LeaseForm::Elapsed => measured(effective, holder.clock.rate_ppb),
        LeaseForm::Deadline => effective - 2 * nanos(holder.clock.wall_error),
    };
    let steps_down = steps_down(setup, attack);
    if setup.rules != FROM_ACKNOWLEDGEMENT {
        return lasts.min(steps_down) + missed - 1;
    }
    let round_trips =
        attack.carriers.iter().chain([&attack.voter]).map(|node| round_trip(setup, attack, *node));
    let acknowledged = round_trips.fold(0, i128::max);
    let paused = attack.pause(setup).map_or(0, i128::from);
    let over = (acknowledged + paused + lasts).min(steps_down) + missed;
    // What waited with the acknowledgements is served before the leader looks at its timers.
    if paused > 0 { (acknowledged + paused).max(over - 1) } else { over - 1 }
}

/// How much of a stop the leader's lease does not notice.
fn missed(setup: &Setup, attack: &Attack, place: usize) -> i128 {
    let fault = &setup.faults[place];
    let holder = &setup.nodes[attack.leader];
    let raw_alone = holder.lease.form == LeaseForm::Elapsed && holder.clock.stamp == StampSource::Raw;
    let stops = |clocks: Frozen| harm(fault) == Harm::Stops { node: attack.leader, clocks };
    if stops(Frozen::All) || (stops(Frozen::Raw) && raw_alone) { fault.lasts.map_or(0, nanos) } else { 0 }
}

/// How far a fault sets a wall clock, either way.
fn set_by(setup: &Setup, place: usize) -> i128 {
    if let Harm::WallSet { by_ns, .. } = harm(&setup.faults[place]) { i128::from(by_ns).abs() } else { 0 }
}

/// How far the voter's wall clock is ahead of the leader's.
fn skew(setup: &Setup, attack: &Attack) -> i128 {
    let offset = |node: usize| i128::from(setup.nodes[node].clock.offset_ns);
    let steps: i128 = attack.steps(setup).map(|place| set_by(setup, place)).sum();
    offset(attack.voter) - offset(attack.leader) + steps
}

/// The first whole true nanosecond by which a clock of that rate has measured `length`.
fn measured(length: i128, rate_ppb: i64) -> i128 {
    true_time(length, rate_ppb, Rounding::Up)
}

/// The condition for a stale read in words and numbers, one line each.
pub fn formula(setup: &Setup, attack: &Attack) -> Vec<String> {
    let holder = &setup.nodes[attack.leader];
    let (effective, timeout) = (holder.lease.effective(), holder.lease.election_timeout);
    let free = match (attack.crash(setup), holder.lease.form) {
        (Some(_), _) if setup.rules == RESTART_FORGETS => "d(l,v) + 1ns + downtime".to_owned(),
        (Some(_), _) => "d(l,v) + 1ns + downtime + T / rate(v)".to_owned(),
        (None, LeaseForm::Elapsed) => "d(l,v) + T / rate(v)".to_owned(),
        (None, LeaseForm::Deadline) => "T - e(l) + e(v) - skew".to_owned(),
    };
    let lease = match holder.lease.form {
        LeaseForm::Elapsed => "(D - s) / rate(l)",
        LeaseForm::Deadline => "(D - s) - 2 e(l)",
    };
    let lasts = match (setup.rules == FROM_ACKNOWLEDGEMENT, attack.pause(setup).is_some()) {
        (true, true) => "the acknowledgement, when the leader goes on".to_owned(),
        (true, false) => format!("min(d(l,v) + d(v,l) + {lease}, T / rate(l)) - 1ns"),
        _ if effective > timeout => format!("min({lease}, T / rate(l)) - 1ns"),
        _ if attack.missed(setup).next().is_some() => format!("{lease} + what its clocks miss - 1ns"),
        _ => format!("{lease} - 1ns"),
    };
    let more = match setup.nodes.iter().any(|node| node.disk_sync + node.answer_time > Span::ZERO) {
        true => " + disk syncs + answer time",
        false => "",
    };
    let messages = if attack.early.is_some() { "2 d(v,c) + d(c,v)" } else { "3 d(v,c) + 2 d(c,v)" };
    let name = |node: usize| &setup.nodes[node].name;
    let delay = |from: usize, to: usize| Span::nanos(attack.delay(setup, from, to));
    let (l, c, v) = (attack.leader, attack.challenger, attack.voter);
    vec![
        format!("stale iff  {free} + {messages} + 2 d(client){more} + 1ns  <=  {lasts}"),
        format!(
            "l = {}, c = {}, v = {}; D - s = {effective}, T = {timeout}; d(l,v) = {}, d(v,l) = {}, d(c,v) = {}, \
             d(v,c) = {}, d(client) = {}",
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
