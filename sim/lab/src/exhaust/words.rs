//! One schedule again, with its decisions in words.

use leasehold::raft::Note;
use std::collections::BTreeMap;
use std::sync::Arc;

use leasehold::node::Message;
use leasehold::time::Span;

use super::{Found, Search, margin, start};
use leasehold_run::display::instant;
use leasehold_run::host::LeaseNode;
use leasehold_run::setup::Setup;
use leasehold_run::watch::Traced;
use leasehold_world::{Event, Happening, Point, Purpose, Reader, Taken, World};

/// A schedule that was run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it showed.
    pub found: Found,
    /// The answers to its questions, in words.
    pub decisions: Vec<String>,
    /// Its trace.
    pub trace_hash: u64,
}

/// Runs one schedule and tells its decisions, or why there is no such schedule.
pub fn tell(setup: &Arc<Setup>, search: &Search, options: &[u8]) -> Result<Told, String> {
    let mut run = start(setup, search);
    run.choices_mut().set_script(options);
    let mut sent = Messages::default();
    while run.step_observed(&mut sent) {}
    let choices = run.world().choices();
    if !choices.fits() {
        let (asked, answers) = (choices.taken().len(), options.len());
        return Err(format!("it has {answers} answers and does not fit the {asked} questions of the run"));
    }
    let taken = choices.taken().to_vec();
    let decisions = taken.iter().map(|taken| sent.words(setup, taken)).collect();
    let options = taken.iter().map(|taken| taken.option).collect();
    let outcome = run.finish();
    let found =
        Found { options, margin: margin(&outcome, search.from), stale: outcome.check.stale_reads.len() };
    Ok(Told { found, decisions, trace_hash: outcome.trace_hash })
}

/// When each message of the schedule was sent, and what it was.
#[derive(Default)]
struct Messages {
    sent: BTreeMap<(usize, usize, u64), (u64, String)>,
}

impl Reader<LeaseNode> for Messages {
    fn read(&mut self, event: &Event<'_, Message, Note>, _world: &World<LeaseNode>) {
        if let Happening::Sent { from, to, number, message } = event.what {
            self.sent.insert((from, to, number), (event.at, message.kind().to_owned()));
        }
    }
}

impl Messages {
    fn words(&self, setup: &Setup, taken: &Taken) -> String {
        let Taken { point: Point { purpose, of, to, index }, value, .. } = *taken;
        let name = |node: u16| setup.nodes[usize::from(node)].name.as_str();
        let length = Span::nanos(value);
        if purpose == Purpose::Jitter {
            return format!("{}'s election jitter no. {index}: {length}", name(of));
        }
        let (at, kind) = &self.sent[&(usize::from(of), usize::from(to), index)];
        let message = format!("{}  {} -> {}  {kind} no. {index}", instant(*at), name(of), name(to));
        match (purpose, value) {
            (Purpose::Loss, 0) => format!("{message}: delivered"),
            (Purpose::Loss, _) => format!("{message}: lost"),
            (Purpose::Duplicate, 0) => format!("{message}: once"),
            (Purpose::Duplicate, _) => format!("{message}: twice"),
            (Purpose::DuplicateDelay, _) => format!("{message}: the copy takes {length}"),
            _ => format!("{message}: takes {length}"),
        }
    }
}
