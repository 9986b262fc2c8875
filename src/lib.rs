//! Leasehold: a Raft node that serves linearizable reads from a leader lease, with no network round trip, and states
//! the clock assumption it needs.
//!
//! This crate is the node as a library. It does no I/O, reads no operating-system clock, owns no thread and draws no
//! random number: it is handed a [clock](time::Clock), an [input](node::Input), and gives back
//! [outputs](node::Output). The binary `leasehold` hosts it on standard input and output; the simulator (package
//! `leasehold-sim`) hosts the very same node on virtual clocks. They differ in who hands it those, and in nothing else.
//!
//! Three types to know: [`node::Node`] is the node; [`lease::LeaseRules`] is everything that a lease rests on, one
//! method a rule; [`time::Stamp`] is two monotonic clocks read together, comparable in the two ways that are sound.
//!
//! It is not a database (keys and values are there to have something to read), not a transport (hosts carry messages)
//! and not a store (hosts write what [`raft::Write`] says, through [`storage::Storage`]). The one implementation of that which
//! lasts, `storage::durable` (feature `durable`), does its I/O through a backend that it is handed.
//!
//! **Architecture Invariant:** dependencies point one way: `time` <- `lease` <- `raft` <- `node` <- (`maelstrom`, the
//! server, the simulator). The node knows neither the wire format nor the simulator.
//!
//! **Architecture Invariant:** the same inputs and clock readings give the same outputs: no hash map's iteration order, no
//! floating point, no randomness but the [jitter](raft::Jitter) that is handed in.

pub mod kv;
pub mod lease;
pub mod maelstrom;
pub mod node;
pub mod raft;
pub mod storage;
pub mod time;
