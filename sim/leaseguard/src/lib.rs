//! LeaseGuard in the simulator: the log is the lease. It stands beside our node and shares the world with it, and nothing else.
//!
//! Source: <https://arxiv.org/html/2512.15659v1>. In short:
//!
//! * An entry bears the wall-clock interval in which its leader appended it.
//! * A leader answers a read alone while its newest committed entry is surely younger than `delta`.
//! * Votes are free. A new leader commits nothing before the newest entry of earlier terms is surely older than `delta`.
//! * Until then it reads under the old leader's lease. It refuses keys of the *limbo region*: entries that it holds and that
//!   it does not know to be committed. The old leader may have acknowledged them, or not.
//!
//! Three types to know: [`Settings`], [`Node`], which is a process of the world, and [`Flaw`], one broken rule at a time.
//!
//! **Architecture Invariant:** it is no implementation of our node's rules, and our node does not know it.
//!
//! It is a model. A write is on disk at once, the log is never shortened, members do not change, and a leader that has no lease
//! refuses reads instead of asking a quorum.

mod node;
mod process;

use std::sync::Arc;

use leasehold_check::Limits;
use leasehold_run::run::{Outcome, Outside};
use leasehold_run::setup::Setup;
use leasehold_run::watch::{History, Leaders, Margins};
use leasehold_world::{Choices, World};

pub use node::{Entry, Flaw, Message, Node, Settings};

/// Runs a scenario's cluster, clocks, clients and faults with LeaseGuard in the place of our node. The lease's lengths of
/// `setup` are not used: `settings` has them.
pub fn run(setup: &Arc<Setup>, settings: Settings) -> Outcome {
    let nodes = setup.nodes.len();
    let processes = (0..nodes).map(|node| Node::new(setup, node, settings)).collect();
    let mut world = World::new(Arc::new(setup.world()), Choices::seeded(setup.seed), processes);
    let mut readers = (History::default(), (Margins::new(nodes), Leaders::new(nodes)));
    world.begin(&mut readers);
    while world.step(&mut readers) {}
    let (history, (margins, leaders)) = readers;
    Outcome::from_outside(Outside {
        history: history.into_operations(),
        overlap: margins.overlap(),
        changes: margins.finish(&world),
        broken: Vec::new(),
        leaders,
        end: world.now(),
        events: world.events(),
        messages: world.messages_delivered(),
        limits: Limits::default(),
    })
}
