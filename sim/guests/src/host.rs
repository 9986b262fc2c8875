//! Who hosts guests: one for a command, for all its runs.

use std::fmt;
use std::sync::{Arc, OnceLock};

use leasehold_run::guest::{Host, Stepped};
use leasehold_run::setup::Setup;

use crate::guest::{Begin, Seated};
use crate::process;

/// Hosts the guests of one command. Clones share what went wrong.
#[derive(Clone)]
pub struct Guests {
    way: &'static str,
    begin: Begin,
    failures: Failures,
}

/// What went wrong first in any guest. From then on no guest is asked any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failures(Arc<OnceLock<String>>);

impl Failures {
    pub(crate) fn any(&self) -> bool {
        self.0.get().is_some()
    }

    pub(crate) fn add(&self, text: String) {
        let _ = self.0.set(text);
    }
}

impl Guests {
    /// A host for the guests that this command starts.
    ///
    /// # Errors
    ///
    /// Why no guest can be started by it.
    pub fn new(command: &str) -> Result<Guests, String> {
        let failures = Failures::default();
        let program = command.split_whitespace().next().unwrap_or_default();
        if std::path::Path::new(program).extension().is_some_and(|extension| extension == "wasm") {
            let (way, begin) = module(command)?;
            return Ok(Guests { way, begin, failures });
        }
        let command = command.to_owned();
        let begin: Begin = Arc::new(move |_seed| process::begin(&command));
        Ok(Guests { way: process::WAY, begin, failures })
    }
}

#[cfg(feature = "wasi")]
fn module(command: &str) -> Result<(&'static str, Begin), String> {
    Ok((crate::wasi::WAY, crate::wasi::host(command)?))
}

#[cfg(not(feature = "wasi"))]
fn module(command: &str) -> Result<(&'static str, Begin), String> {
    Err(format!(
        "this build cannot run the WASI module of `{command}`\n  build `sim` with its feature `wasi`:  \
         cargo run --release --package leasehold-sim --features wasi -- run ..."
    ))
}

impl Host for Guests {
    fn guest(&self, setup: &Setup, node: usize) -> Box<dyn Stepped> {
        let setup = Arc::new(setup.clone());
        Box::new(Seated::new(setup, node, self.begin.clone(), self.failures.clone()))
    }

    fn way(&self) -> &'static str {
        self.way
    }

    fn failure(&self) -> Option<String> {
        self.failures.0.get().cloned()
    }
}

impl fmt::Debug for Guests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guests").field("way", &self.way).finish_non_exhaustive()
    }
}
