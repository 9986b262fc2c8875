//! Guests on the command line: who hosts them, what they cannot do, and whether two runs of one seed are the same.

use std::sync::{Arc, Mutex, PoisonError};

use leasehold_guests::Guests;
use leasehold_run::guest::{Guest, Host};
use leasehold_run::run::run;
use leasehold_run::scenario::Plan;
use leasehold_run::setup::Setup;

use super::errors::Failure;
use super::exit;

/// The hosts of this process, by command.
static HOSTS: Mutex<Vec<(String, Guests)>> = Mutex::new(Vec::new());

/// The override that `--guest COMMAND` stands for.
pub(super) fn guest_set(command: &str) -> String {
    format!("guest.command={}", serde_json::Value::from(command))
}

/// The host of a guest; the same one for the same command.
pub(super) fn host(guest: &Guest) -> Result<Arc<dyn Host>, Failure> {
    let mut hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, host)) = hosts.iter().find(|(command, _)| command == guest.command()) {
        return Ok(Arc::new(host.clone()));
    }
    let host = Guests::new(guest.command()).map_err(|why| Failure::usage(format!("error: {why}")))?;
    hosts.push((guest.command().to_owned(), host.clone()));
    Ok(Arc::new(host))
}

/// Gives the guests of all rows their hosts.
pub(super) fn seat(plan: &mut Plan) -> Result<(), Failure> {
    plan.rows.iter_mut().try_for_each(|row| seat_one(&mut row.scenario.setup))
}

/// Gives the guest of a setup its host.
pub(super) fn seat_one(setup: &mut Setup) -> Result<(), Failure> {
    if let Some(guest) = &mut setup.guest {
        let host = host(guest)?;
        guest.hosted_by(host);
    }
    Ok(())
}

/// Has any guest failed? Then no result counts.
pub(super) fn failed() -> Result<(), Failure> {
    let hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
    match hosts.iter().find_map(|(_, host)| host.failure()) {
        Some(why) => Err(Failure::usage(format!("error: {why}"))),
        None => Ok(()),
    }
}

/// Refuses a guest where a run must be forked: the state of a program cannot be copied.
pub(super) fn refuse(setup: &Setup, command: &str) -> Result<(), Failure> {
    match &setup.guest {
        None => Ok(()),
        Some(guest) => Err(Failure::usage(format!(
            "error: `sim {command}` forks runs, and the state of a guest ({}) cannot be copied\n  \
             `sim explore SCENARIO` runs many seeds of a guest, `sim threshold` finds where its stale reads begin",
            guest.command()
        ))),
    }
}

/// Searches over runs of a guest need runs that can be repeated: runs a setup twice and compares the trace hashes.
pub(super) fn check(setup: &Setup) -> Result<(), Failure> {
    if setup.guest.is_none() {
        return Ok(());
    }
    let setup = Arc::new(setup.clone());
    let (first, second) = (run(&setup).trace_hash, run(&setup).trace_hash);
    failed()?;
    match first == second {
        true => Ok(()),
        false => Err(Failure::with(exit::DIVERGED, differs(first, second))),
    }
}

/// What to say of two runs of one seed that differ.
pub(super) fn differs(first: u64, second: u64) -> String {
    format!(
        "error: two runs of the same seed differ: trace {first:016x} and trace {second:016x}\n  \
         the guest looks at something else than what it is told: a clock of its own, random numbers, the order of a hash map\n  \
         take `now` and `seed` from its input instead, or compile it to WASI and say --guest PROGRAM.wasm:\n  \
         there its clock and its random numbers are those of the scenario\n  \
         --check-determinism=false runs it all the same; no result of such a run can be repeated"
    )
}
