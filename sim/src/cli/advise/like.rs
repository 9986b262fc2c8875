//! Other systems' options, as lengths of a lease and a promise.
//!
//! What is said of a system is in its own documentation or in the public issue that the remark names. It is arithmetic
//! over two lengths; it runs none of their code.

use leasehold::time::Span;
use leasehold_run::scenario::units;

use super::settings::Given;
use crate::cli::errors::Failure;
use crate::cli::nearest;

struct System {
    name: &'static str,
    /// Names, defaults and what a bare number counts in.
    options: &'static [(&'static str, &'static str, Bare)],
    map: fn(&[i128]) -> Option<Given>,
    remark: &'static str,
}

/// What a number without a unit is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bare {
    /// Milliseconds.
    Millis,
    /// Not allowed.
    Refused,
    /// A plain number.
    Count,
}

const SYSTEMS: [System; 4] = [
    System {
        name: "etcd",
        options: &[("election-timeout", "1000", Bare::Millis), ("heartbeat-interval", "100", Bare::Millis)],
        map: |values| {
            let [timeout, heartbeat] = values.try_into().ok()?;
            Some(Given { heartbeat: length(heartbeat), ..lengths(timeout, 2 * timeout) })
        },
        remark: "etcd's server asks a quorum for each linearizable read by default: no lease, and clocks do not matter. \
                 This is for ReadOnlyLeaseBased of its raft library, whose leader serves until its quorum check fails, \
                 up to two election timeouts after it last heard a quorum (etcd-io/raft issue 166): D is 2 T.",
    },
    System {
        name: "tikv",
        options: &[
            ("raftstore.raft-store-max-leader-lease", "9s", Bare::Refused),
            ("raftstore.raft-base-tick-interval", "1s", Bare::Refused),
            ("raftstore.raft-election-timeout-ticks", "10", Bare::Count),
            ("raftstore.raft-heartbeat-ticks", "2", Bare::Count),
        ],
        map: |values| {
            let [lease, tick, ticks, heartbeat] = values.try_into().ok()?;
            // A promise that is counted in ticks may be almost one tick short (tikv #9728).
            let given = lengths((ticks - 1).max(0).checked_mul(tick)?, lease);
            Some(Given {
                heartbeat: length(heartbeat.checked_mul(tick)?),
                clock: Some("raw".to_owned()),
                ..given
            })
        },
        remark: "TiKV counts a follower's timeout in ticks, which may make it almost one tick shorter (tikv issue 9728): T \
                 is raft-election-timeout-ticks less one, times raft-base-tick-interval.",
    },
    System {
        name: "consul",
        options: &[("performance.raft_multiplier", "5", Bare::Count)],
        map: |values| {
            let [multiplier] = values.try_into().ok()?;
            let millis = |millis: i128| multiplier.checked_mul(millis * 1_000_000);
            let given = lengths(millis(1_000)?, millis(500)?);
            Some(Given { rule: Some("lease-from-acknowledgement".to_owned()), ..given })
        },
        remark: "This is for Consul's reads in the mode `default`. HeartbeatTimeout is 1s and LeaderLeaseTimeout 500ms, \
                 times raft_multiplier. Contact counts from the receipt of an answer (hashicorp/raft issue 108).",
    },
    System {
        name: "kubernetes",
        options: &[
            ("lease-duration", "15s", Bare::Refused),
            ("renew-deadline", "10s", Bare::Refused),
            ("retry-period", "2s", Bare::Refused),
        ],
        map: |values| {
            let [lease, deadline, retry] = values.try_into().ok()?;
            Some(Given { heartbeat: length(retry), ..lengths(lease, deadline) })
        },
        remark: "client-go's leader election is no Raft, and has the same two lengths: LeaseDuration is T, since a challenger \
                 waits for it, and RenewDeadline is D, since a leader gives up after it. Nothing fences a leader that \
                 stops between its check and its act.",
    },
];

fn lengths(election_timeout: i128, lease: i128) -> Given {
    Given { election_timeout: length(election_timeout), lease: length(lease), ..Given::default() }
}

fn length(nanos: i128) -> Option<String> {
    u64::try_from(nanos).ok().map(|nanos| Span::nanos(nanos).to_string())
}

/// A system's options as settings, and what to know about them.
pub(super) fn mapped(system: &str, options: &[String]) -> Result<(Given, String), Failure> {
    let Some(known) = SYSTEMS.iter().find(|known| known.name == system) else {
        let names: Vec<&str> = SYSTEMS.iter().map(|known| known.name).collect();
        return Err(Failure::usage(format!(
            "error: --like {system}: no such system\n  it is one of {}",
            names.join(", ")
        )));
    };
    let mut texts: Vec<&str> = known.options.iter().map(|(_, default, _)| *default).collect();
    for option in options {
        let Some((name, value)) = option.split_once('=') else {
            return Err(Failure::usage(format!(
                "error: --like {system} {option}: write OPTION=VALUE, as in {}={}",
                known.options[0].0, known.options[0].1
            )));
        };
        // A group's name may be left out, or be written as the system's own files have it.
        let plain = |name: &str| name.rsplit('.').next().unwrap_or(name).replace('_', "-");
        match known.options.iter().position(|(known, _, _)| plain(known) == plain(name)) {
            Some(at) => texts[at] = value,
            None => {
                let names = known.options.iter().map(|(name, _, _)| *name);
                let near = nearest(name, names.clone())
                    .map_or(String::new(), |near| format!("did you mean {near}? "));
                return Err(Failure::usage(format!(
                    "error: --like {system} {name}: no such option here\n  {near}known are {}",
                    names.collect::<Vec<_>>().join(", ")
                )));
            }
        }
    }
    let mut values = Vec::new();
    for ((name, _, bare), text) in known.options.iter().zip(texts) {
        values.push(
            read(text, *bare)
                .map_err(|why| Failure::usage(format!("error: --like {system} {name}={text}: {why}")))?,
        );
    }
    let given =
        (known.map)(&values).filter(|given| given.election_timeout.is_some() && given.lease.is_some());
    let given = given
        .ok_or_else(|| Failure::usage(format!("error: --like {system}: these lengths are out of range")))?;
    Ok((given, known.remark.to_owned()))
}

/// Nanoseconds, or a plain number.
fn read(text: &str, bare: Bare) -> Result<i128, String> {
    if let (Ok(number), true) = (text.parse::<u32>(), bare != Bare::Refused) {
        return Ok(i128::from(number) * if bare == Bare::Millis { 1_000_000 } else { 1 });
    }
    if bare == Bare::Count {
        return Err("write a whole number".to_owned());
    }
    let span = units::span(text).map_err(|error| error.to_string())?;
    Ok(i128::from(span.as_nanos()))
}
