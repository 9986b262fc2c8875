//! Scenarios: a story about clocks and faults, written in TOML, read into plain data.

mod model;
pub mod units;

pub use model::{
    Action, ClientSpec, ClockSpec, Cluster, Delay, EventKind, Expectation, FaultSpec, LinkSpec, Network,
    NodeSpec, OperationKind, Pace, Scenario, StampSource, Target, Timers, Trigger,
};
