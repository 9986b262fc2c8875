//! Everything that is known of each kind of fault, but for what it does (`leasehold_world`): its keys in a scenario, how it
//! is read and written, how it is told, and whether theory, the adversary and real processes can have it.
//!
//! Each question is one function, and each function names every kind: a new one does not compile before all of them are
//! answered. No `_ =>` stands here.

use std::fmt::Write;

use leasehold::lease::LeaseLengths;
use leasehold::maelstrom::CONFIG_MILLIS_MAX;
use leasehold::raft::MemberAction;
use leasehold::time::Span;

use super::build::Builder;
use super::read::Value;
use super::report::Problem;
use super::schema::Default::{Is, Needed, Unset};
use super::schema::{Field, Kind, key};
use super::units::{PARTS, Quantity};
use super::walk::{Found, Section};
use super::write::span;
use crate::describe;
use crate::display::{rate, signed_span};
use crate::note::EVENT_KINDS;
use crate::setup::{Action, FaultSpec, Order, Setup, Trigger};

const ONE_NODE: &[Field] = &[key("node", Kind::Node, Needed, "Which node.")];

pub(super) const FAULT: &[Field] = &[
    key("at", Kind::Span, Unset("`when` instead"), "The time that sets it off."),
    key("every", Kind::Positive, Unset("once"), "With `at`: it happens again each time this has passed."),
    key("when", Kind::Given(WHEN), Unset("`at` instead"), "The event that sets it off."),
    key("after", Kind::Span, Is("0s"), "It happens so long after the trigger."),
    key("for", Kind::Positive, Unset("until something ends it"), "It heals itself after this long."),
    key("partition", Kind::Given(PARTITION), Unset("no"), "Groups of nodes hear nothing of each other."),
    key("cut", Kind::Given(CUT), Unset("no"), "One way: what some nodes send to others is lost."),
    key("isolate", Kind::Given(ONE_NODE), Unset("no"), "One node and all others hear nothing of each other."),
    key("heal", Kind::Given(&[]), Unset("no"), "All partitions, cuts and isolations end: `heal = {}`."),
    key("hold", Kind::Given(HOLD), Unset("no"), "Messages on one link are kept, not lost."),
    key("release", Kind::Given(RELEASE), Unset("no"), "What is held on one link arrives now."),
    key("pause", Kind::Given(ONE_NODE), Unset("no"), "The process stands still; its clocks go on."),
    key("suspend", Kind::Given(ONE_NODE), Unset("no"), "The process and the raw clock stand still."),
    key("hypervisor-pause", Kind::Given(ONE_NODE), Unset("no"), "The process and every clock stand still."),
    key(
        "crash",
        Kind::Given(ONE_NODE),
        Unset("no"),
        "The process ends; `for` is the time until it restarts.",
    ),
    key("restart", Kind::Given(ONE_NODE), Unset("no"), "A crashed process starts again."),
    key("disk-stall", Kind::Given(ONE_NODE), Unset("no"), "Syncs of its disk do not end."),
    key("disk-error", Kind::Given(ONE_NODE), Unset("no"), "Syncs of its disk fail, which ends the process."),
    key("disk-full", Kind::Given(ONE_NODE), Unset("no"), "Its disk has no room for more."),
    key(
        "disk-lie",
        Kind::Given(ONE_NODE),
        Unset("no"),
        "Its durable disk reports syncs that it has not done.",
    ),
    key("disk-corrupt", Kind::Given(ONE_NODE), Unset("no"), "One bit of its file on a durable disk changes."),
    key("step", Kind::Given(STEP), Unset("no"), "The wall clock jumps."),
    key("clock-jump", Kind::Given(CLOCK_JUMP), Unset("no"), "A monotonic clock jumps, or both do."),
    key("rate", Kind::Given(RATE), Unset("no"), "The clocks run at another rate."),
    key(
        "unsynchronize",
        Kind::Given(ONE_NODE),
        Unset("no"),
        "The machine stops vouching for its wall clock.",
    ),
    key("transfer", Kind::Given(TRANSFER), Unset("no"), "The leader hands its leadership over."),
    key("add", Kind::Given(ONE_NODE), Unset("no"), "The leader is asked to add a node, as a learner."),
    key("promote", Kind::Given(ONE_NODE), Unset("no"), "The leader is asked to make a learner a voter."),
    key("remove", Kind::Given(ONE_NODE), Unset("no"), "The leader is asked to remove a member."),
    key("apply", Kind::Given(APPLY), Unset("no"), "The leader proposes other lengths for the cluster."),
];

/// The keys of a fault that are no action.
pub(super) const FAULT_CONTROLS: [&str; 5] = ["at", "every", "when", "after", "for"];

const EVENTS: &[&str] = &{
    let mut words = [""; EVENT_KINDS.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = EVENT_KINDS[at].word();
        at += 1;
    }
    words
};

const WHEN: &[Field] = &[
    key("event", Kind::Word(EVENTS), Needed, "What a node must do."),
    key("node", Kind::Node, Unset("any"), "Which node must do it."),
    key("from", Kind::Span, Is("0s"), "Events before this time do not count."),
    key("nth", Kind::Count { least: 1, most: 1_000_000 }, Is("1"), "1 is the first such event."),
];

const PARTITION: &[Field] =
    &[key("between", Kind::Groups, Needed, "The groups; a node in none of them talks to everybody.")];

const CUT: &[Field] =
    &[key("from", Kind::Nodes, Needed, "The senders."), key("to", Kind::Nodes, Needed, "The receivers.")];

const HOLD: &[Field] = &[
    key("from", Kind::Node, Needed, "The sender."),
    key("to", Kind::Node, Needed, "The receiver."),
    key("message", Kind::Text, Unset("every type"), "Only messages of this type."),
    key("count", Kind::Count { least: 1, most: 1_000_000 }, Is("1"), "The first so many."),
];

const RELEASE: &[Field] =
    &[key("from", Kind::Node, Needed, "The sender."), key("to", Kind::Node, Needed, "The receiver.")];

const STEP: &[Field] = &[
    key("node", Kind::Node, Needed, "Which node."),
    key("by", Kind::Offset, Needed, "How far: forward, or back when negative."),
];

const CLOCK_JUMP: &[Field] = &[
    key("node", Kind::Node, Needed, "Which node."),
    key(
        "clock",
        Kind::Word(&["raw", "boot", "both"]),
        Is("both"),
        "CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, or both.",
    ),
    key("by", Kind::Offset, Needed, "How far: forward, or back when negative."),
];

const RATE: &[Field] = &[
    key("node", Kind::Node, Needed, "Which node."),
    key("to", Kind::Rate, Needed, "What the clocks gain from then on."),
];

const APPLY: &[Field] = &[
    key("duration", Kind::Positive, Needed, "The lease's length, before the skew is taken off."),
    key("election-timeout", Kind::Positive, Needed, "The promise's length."),
    key("max-clock-skew", Kind::Span, Needed, "The declared bound."),
];

const TRANSFER: &[Field] = &[key("to", Kind::Node, Needed, "To which voter.")];

/// Actions that nothing can end: they are over at once.
pub(super) const INSTANT: [&str; 10] =
    ["add", "apply", "disk-corrupt", "heal", "promote", "release", "remove", "restart", "step", "transfer"];

/// Reads the table below a fault's key.
pub(super) fn read(builder: &mut Builder<'_>, key: &str, action: &Section, voters: usize) -> Option<Action> {
    let node = || action.leaf("node").map(Found::node);
    Some(match key {
        "partition" => match &action.leaf("between")?.value {
            Value::Groups(groups) => Action::Partition { between: groups.clone() },
            _ => return None,
        },
        "cut" => {
            let (from, to) = (action.leaf("from")?, action.leaf("to")?);
            if let Some(both) = from.nodes().iter().find(|node| to.nodes().contains(node)) {
                let message = format!("`{}` cannot be cut from itself", builder.names[*both]);
                builder.error(Problem::error(to.place, message).context(from.place, "the senders"));
            }
            Action::Cut { from: from.nodes().to_vec(), to: to.nodes().to_vec() }
        }
        "hold" => {
            let (from, to) = link(builder, action)?;
            let count = u32::try_from(action.leaf("count")?.count()).ok()?;
            let message = action.leaf("message").map(|found| found.text.clone());
            Action::Hold { from, to, message, count }
        }
        "release" => {
            let (from, to) = link(builder, action)?;
            Action::Release { from, to }
        }
        "transfer" => {
            let to = action.leaf("to")?;
            let promotes = |fault: &Section| fault.section("promote").is_some();
            if to.node() >= voters && !builder.file.list("fault").iter().any(promotes) {
                let problem = Problem::error(to.place, format!("`{}` is a learner and cannot lead", to.text));
                builder.error(problem.help(format!("the voters are `n1` to `n{voters}`")));
            }
            Action::Order(Order::Transfer { to: to.node() })
        }
        "add" => Action::Order(Order::Member { change: MemberAction::Add, node: node()? }),
        "promote" => Action::Order(Order::Member { change: MemberAction::Promote, node: node()? }),
        "remove" => Action::Order(Order::Member { change: MemberAction::Remove, node: node()? }),
        "apply" => {
            let length = |key| action.leaf(key).map(Found::span);
            let lengths = LeaseLengths {
                duration: length("duration")?,
                election_timeout: length("election-timeout")?,
                max_clock_skew: length("max-clock-skew")?,
            };
            if !lengths.may_be_agreed() {
                let message = format!("`{}` applies unsafe lengths, which every node ignores", action.path);
                let problem = Problem::error(action.place, message);
                builder.error(problem.help("make `duration` shorter than `election-timeout`"));
            }
            Action::Order(Order::Apply { lengths })
        }
        "heal" => Action::Heal,
        "isolate" => Action::Isolate { node: node()? },
        "pause" => Action::Pause { node: node()? },
        "suspend" => Action::Suspend { node: node()? },
        "hypervisor-pause" => Action::HypervisorPause { node: node()? },
        "crash" => Action::Crash { node: node()? },
        "restart" => Action::Restart { node: node()? },
        "disk-stall" => Action::DiskStall { node: node()? },
        "disk-error" => Action::DiskError { node: node()? },
        "disk-full" => Action::DiskFull { node: node()? },
        "disk-lie" => Action::DiskLie { node: node()? },
        "disk-corrupt" => Action::DiskCorrupt { node: node()? },
        "unsynchronize" => Action::Unsynchronize { node: node()? },
        "step" => Action::Step { node: node()?, by_ns: action.leaf("by")?.offset() },
        "clock-jump" => {
            let clock = action.leaf("clock")?.word();
            let (raw, boot) = (clock != "boot", clock != "raw");
            Action::ClockJump { node: node()?, raw, boot, by_ns: action.leaf("by")?.offset() }
        }
        "rate" => Action::Rate { node: node()?, ppb: action.leaf("to")?.rate() },
        _ => unreachable!("an action in the table of keys that nothing reads: {key}"),
    })
}

fn link(builder: &mut Builder<'_>, action: &Section) -> Option<(usize, usize)> {
    let (from, to) = (action.leaf("from")?, action.leaf("to")?);
    if from.node() == to.node() && from.text == to.text {
        builder.error(Problem::error(to.place, format!("`{}` has no link to itself", to.text)));
    }
    Some((from.node(), to.node()))
}

/// A fault's action as a scenario file says it.
pub(super) fn to_toml(setup: &Setup, action: &Action) -> String {
    let name = |node: &usize| format!("{:?}", setup.nodes[*node].name);
    let names = |nodes: &[usize]| format!("[{}]", nodes.iter().map(name).collect::<Vec<_>>().join(", "));
    let of = |key: &str, node: &usize| format!("{key} = {{ node = {} }}", name(node));
    match action {
        Action::Partition { between } => {
            let groups: Vec<String> = between.iter().map(|group| names(group)).collect();
            format!("partition = {{ between = [{}] }}", groups.join(", "))
        }
        Action::Cut { from, to } => {
            let some = |nodes: &[usize]| if let [only] = nodes { name(only) } else { names(nodes) };
            format!("cut = {{ from = {}, to = {} }}", some(from), some(to))
        }
        Action::Isolate { node } => of("isolate", node),
        Action::Heal => "heal = {}".to_owned(),
        Action::Hold { from, to, message, count } => {
            let mut text = format!("hold = {{ from = {}, to = {}, count = {count}", name(from), name(to));
            if let Some(message) = message {
                let _ = write!(text, ", message = {message:?}");
            }
            text + " }"
        }
        Action::Release { from, to } => format!("release = {{ from = {}, to = {} }}", name(from), name(to)),
        Action::Pause { node } => of("pause", node),
        Action::Suspend { node } => of("suspend", node),
        Action::HypervisorPause { node } => of("hypervisor-pause", node),
        Action::Crash { node } => of("crash", node),
        Action::Restart { node } => of("restart", node),
        Action::DiskStall { node } => of("disk-stall", node),
        Action::DiskError { node } => of("disk-error", node),
        Action::DiskFull { node } => of("disk-full", node),
        Action::DiskLie { node } => of("disk-lie", node),
        Action::DiskCorrupt { node } => of("disk-corrupt", node),
        Action::Step { node, by_ns } => {
            format!("step = {{ node = {}, by = {:?} }}", name(node), signed_span(i128::from(*by_ns)))
        }
        Action::ClockJump { node, raw, boot, by_ns } => {
            let clock = if *raw && *boot {
                "both"
            } else if *raw {
                "raw"
            } else {
                "boot"
            };
            let by = signed_span(i128::from(*by_ns));
            format!("clock-jump = {{ node = {}, clock = {clock:?}, by = {by:?} }}", name(node))
        }
        Action::Rate { node, ppb } => {
            let to = Quantity::write(i128::from(*ppb), &PARTS[1]);
            format!("rate = {{ node = {}, to = {to:?} }}", name(node))
        }
        Action::Unsynchronize { node } => of("unsynchronize", node),
        Action::Order(Order::Transfer { to }) => format!("transfer = {{ to = {} }}", name(to)),
        Action::Order(Order::Member { change: MemberAction::Add, node }) => of("add", node),
        Action::Order(Order::Member { change: MemberAction::Promote, node }) => of("promote", node),
        Action::Order(Order::Member { change: MemberAction::Remove, node }) => of("remove", node),
        Action::Order(Order::Apply { lengths }) => format!(
            "apply = {{ duration = {}, election-timeout = {}, max-clock-skew = {} }}",
            span(lengths.duration),
            span(lengths.election_timeout),
            span(lengths.max_clock_skew)
        ),
    }
}

/// What a fault does, or (`undone`) what its end does.
pub fn action(setup: &Setup, action: &Action, undone: bool) -> String {
    let name = |place: &usize| describe::node(setup, *place);
    match (action, undone) {
        (Action::Partition { between }, false) => {
            let groups: Vec<String> = between.iter().map(|group| describe::nodes(setup, group)).collect();
            format!("partition: {}", groups.join(" | "))
        }
        (Action::Cut { from, to }, false) => {
            format!(
                "messages from {} to {} are lost",
                describe::nodes(setup, from),
                describe::nodes(setup, to)
            )
        }
        (Action::Isolate { node }, false) => format!("{} is cut off from all nodes", name(node)),
        (Action::Partition { .. } | Action::Cut { .. } | Action::Isolate { .. }, true) => {
            "the partition heals".to_owned()
        }
        (Action::Heal, _) => "all partitions heal".to_owned(),
        (Action::Hold { from, to, message, .. }, false) => {
            let what = message.as_deref().unwrap_or("messages");
            format!("{what} from {} to {}: held back", name(from), name(to))
        }
        (Action::Hold { from, to, .. }, true) | (Action::Release { from, to }, _) => {
            format!("what was held from {} to {} is delivered", name(from), name(to))
        }
        (Action::Pause { node }, false) => format!("{}'s process stands still", name(node)),
        (Action::Pause { node }, true) => format!("{}'s process goes on", name(node)),
        (Action::Suspend { node }, false) => format!("{} is suspended", name(node)),
        (Action::Suspend { node }, true) => format!("{} wakes up", name(node)),
        (Action::HypervisorPause { node }, false) => {
            format!("the hypervisor stops {} and all its clocks", name(node))
        }
        (Action::HypervisorPause { node }, true) => format!("the hypervisor lets {} run", name(node)),
        (Action::Crash { node }, false) => format!("{} crashes", name(node)),
        (Action::Crash { node }, true) | (Action::Restart { node }, _) => {
            format!("{} starts again", name(node))
        }
        (Action::DiskStall { node }, false) => format!("{}'s disk stalls: no sync ends", name(node)),
        (Action::DiskStall { node }, true) => format!("{}'s disk goes on", name(node)),
        (Action::DiskError { node }, false) => format!("syncs of {}'s disk fail", name(node)),
        (Action::DiskError { node }, true) => format!("{}'s disk is well again", name(node)),
        (Action::DiskFull { node }, false) => format!("{}'s disk is full", name(node)),
        (Action::DiskFull { node }, true) => format!("{}'s disk has room again", name(node)),
        (Action::DiskLie { node }, false) => {
            format!("{}'s disk lies: it reports syncs that it has not done", name(node))
        }
        (Action::DiskLie { node }, true) => format!("{}'s disk lies no more", name(node)),
        (Action::DiskCorrupt { node }, _) => format!("one bit of {}'s file changes", name(node)),
        (Action::Step { node, by_ns }, undone) => {
            let by = if undone { -i128::from(*by_ns) } else { i128::from(*by_ns) };
            format!("{}'s wall clock is set by {}", name(node), signed_span(by))
        }
        (Action::ClockJump { node, raw, boot, by_ns }, undone) => {
            let by = if undone { -i128::from(*by_ns) } else { i128::from(*by_ns) };
            let clock = match (raw, boot) {
                (true, true) => "monotonic clocks jump",
                (true, false) => "raw clock jumps",
                (false, _) => "boot clock jumps",
            };
            format!("{}'s {clock} by {}", name(node), signed_span(by))
        }
        (Action::Rate { node, ppb }, false) => format!("{}'s clocks now run at {}", name(node), rate(*ppb)),
        (Action::Rate { node, .. }, true) => format!("{}'s clocks run as before", name(node)),
        (Action::Unsynchronize { node }, false) => format!("{}'s wall clock loses its source", name(node)),
        (Action::Unsynchronize { node }, true) => {
            format!("{}'s wall clock is synchronized again", name(node))
        }
        (Action::Order(Order::Transfer { to }), _) => {
            format!("the leader is told to hand over to {}", name(to))
        }
        (Action::Order(Order::Member { change, node }), _) => match change {
            MemberAction::Add => format!("the leader is asked to add {} as a learner", name(node)),
            MemberAction::Promote => format!("the leader is asked to make {} a voter", name(node)),
            MemberAction::Remove => format!("the leader is asked to remove {}", name(node)),
        },
        (Action::Order(Order::Apply { lengths }), _) => format!(
            "the leader proposes a lease of {}, an election timeout of {} and a clock skew of {}",
            lengths.duration, lengths.election_timeout, lengths.max_clock_skew
        ),
    }
}

/// The nodes that a fault changes, and the links that it cuts or holds, as (sender, receiver).
pub fn touched(setup: &Setup, action: &Action) -> (Vec<usize>, Vec<(usize, usize)>) {
    let pairs = |from: &[usize], to: &[usize]| {
        let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
        pairs.filter(|(from, to)| from != to).collect::<Vec<_>>()
    };
    match action {
        Action::Partition { between } => {
            let others = |place: usize| between.iter().enumerate().filter(move |(other, _)| *other != place);
            let groups = between.iter().enumerate();
            let links =
                groups.flat_map(|(place, group)| others(place).flat_map(move |(_, to)| pairs(group, to)));
            (Vec::new(), links.collect())
        }
        Action::Cut { from, to } => (Vec::new(), pairs(from, to)),
        Action::Isolate { node } => {
            let others: Vec<usize> = (0..setup.nodes.len()).filter(|other| other != node).collect();
            let mut links = pairs(&[*node], &others);
            links.extend(pairs(&others, &[*node]));
            (vec![*node], links)
        }
        Action::Heal => (Vec::new(), Vec::new()),
        Action::Hold { from, to, .. } | Action::Release { from, to } => (Vec::new(), vec![(*from, *to)]),
        Action::Pause { node }
        | Action::Suspend { node }
        | Action::HypervisorPause { node }
        | Action::Crash { node }
        | Action::Restart { node }
        | Action::DiskStall { node }
        | Action::DiskError { node }
        | Action::DiskFull { node }
        | Action::DiskLie { node }
        | Action::DiskCorrupt { node }
        | Action::Step { node, .. }
        | Action::ClockJump { node, .. }
        | Action::Rate { node, .. }
        | Action::Unsynchronize { node }
        | Action::Order(Order::Transfer { to: node } | Order::Member { node, .. }) => {
            (vec![*node], Vec::new())
        }
        Action::Order(Order::Apply { .. }) => (Vec::new(), Vec::new()),
    }
}

/// What a fault does to the lengths of leases and promises. Whether messages arrive does nothing to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// Nothing.
    None,
    /// The process stands still, and with it some of its machine's clocks.
    Stops {
        /// Whose.
        node: usize,
        /// Which of them.
        clocks: Frozen,
    },
    /// The wall clock is set.
    WallSet {
        /// Whose.
        node: usize,
        /// How far forward, or back when negative, ns.
        by_ns: i64,
    },
    /// The machine no longer vouches for its wall clock.
    Unvouched {
        /// Whose.
        node: usize,
    },
    /// A node loses what it had in memory, and counts its promises anew.
    Restarts {
        /// Which.
        node: usize,
        /// It is down for so long; `None` where another fault says when it is back.
        down: Option<Span>,
    },
    /// Something for which theory has no formula: [`uncovered_by_theory`] says why.
    NoFormula,
}

/// The clocks of a machine that stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frozen {
    /// None.
    None,
    /// CLOCK_MONOTONIC_RAW.
    Raw,
    /// Every one.
    All,
}

/// What a fault does to the lengths of leases and promises, each time that it happens.
pub fn harm(fault: &FaultSpec) -> Harm {
    match fault.action {
        Action::Pause { node } => Harm::Stops { node, clocks: Frozen::None },
        Action::Suspend { node } => Harm::Stops { node, clocks: Frozen::Raw },
        Action::HypervisorPause { node } => Harm::Stops { node, clocks: Frozen::All },
        Action::Step { node, by_ns } => Harm::WallSet { node, by_ns },
        Action::Unsynchronize { node } => Harm::Unvouched { node },
        Action::Crash { node } => Harm::Restarts { node, down: fault.lasts },
        Action::DiskError { node } => Harm::Restarts { node, down: None },
        Action::Rate { .. }
        | Action::ClockJump { .. }
        | Action::DiskLie { .. }
        | Action::Order(Order::Apply { .. }) => Harm::NoFormula,
        Action::Partition { .. }
        | Action::Cut { .. }
        | Action::Isolate { .. }
        | Action::Heal
        | Action::Hold { .. }
        | Action::Release { .. }
        | Action::Restart { .. }
        | Action::DiskStall { .. }
        | Action::DiskFull { .. }
        | Action::DiskCorrupt { .. }
        | Action::Order(Order::Transfer { .. } | Order::Member { .. }) => Harm::None,
    }
}

/// How often a fault happens in a run of that length, at most.
pub fn times(fault: &FaultSpec, duration: Span) -> u64 {
    match fault.trigger {
        Trigger::At(_) | Trigger::When { .. } => 1,
        Trigger::Every { first, every } => {
            let left = duration.as_nanos().saturating_sub((first + fault.after).as_nanos());
            1 + left / every.as_nanos().max(1)
        }
    }
}

/// Why theory does not cover this fault; `None`: it does, or the fault has no say in what theory computes.
pub fn uncovered_by_theory(fault: &FaultSpec) -> Option<&'static str> {
    match fault.action {
        Action::Rate { .. } => Some("a clock's rate changes during the run"),
        Action::ClockJump { .. } => Some("a monotonic clock jumps during the run"),
        Action::Order(Order::Apply { .. }) => Some("the lease's lengths change during the run"),
        Action::DiskLie { .. } => Some("a disk lies about its syncs, and what was promised may be forgotten"),
        Action::HypervisorPause { .. } if fault.lasts.is_none() => Some("a hypervisor pause never ends"),
        Action::HypervisorPause { .. }
        | Action::Partition { .. }
        | Action::Cut { .. }
        | Action::Isolate { .. }
        | Action::Heal
        | Action::Hold { .. }
        | Action::Release { .. }
        | Action::Pause { .. }
        | Action::Suspend { .. }
        | Action::Crash { .. }
        | Action::Restart { .. }
        | Action::DiskStall { .. }
        | Action::DiskError { .. }
        | Action::DiskFull { .. }
        | Action::DiskCorrupt { .. }
        | Action::Step { .. }
        | Action::Unsynchronize { .. }
        | Action::Order(Order::Transfer { .. } | Order::Member { .. }) => None,
    }
}

/// Why the adversary cannot play a scenario with this fault; `None`: it can, or it leaves the fault away.
pub fn unknown_to_adversary(fault: &FaultSpec) -> Option<&'static str> {
    if matches!(fault.trigger, Trigger::Every { .. }) && harm(fault) != Harm::None {
        return Some(
            "the adversary does not know faults of clocks and processes that happen again and again",
        );
    }
    match &fault.action {
        Action::Rate { .. } => Some("the adversary does not know clocks whose rate changes"),
        Action::ClockJump { .. } => Some("the adversary does not know monotonic clocks that jump"),
        Action::Unsynchronize { .. } => Some("the adversary does not know clocks that nobody vouches for"),
        Action::DiskLie { .. } => Some("the adversary does not know disks that lie"),
        Action::Order(Order::Transfer { .. }) => Some("the adversary does not know leadership transfers"),
        Action::Order(Order::Member { .. }) => Some("the adversary does not know members that change"),
        Action::Order(Order::Apply { .. }) => Some("the adversary does not know lengths that change"),
        Action::Partition { .. }
        | Action::Cut { .. }
        | Action::Isolate { .. }
        | Action::Heal
        | Action::Hold { .. }
        | Action::Release { .. }
        | Action::Pause { .. }
        | Action::Suspend { .. }
        | Action::HypervisorPause { .. }
        | Action::Crash { .. }
        | Action::Restart { .. }
        | Action::DiskStall { .. }
        | Action::DiskError { .. }
        | Action::DiskFull { .. }
        | Action::DiskCorrupt { .. }
        | Action::Step { .. } => None,
    }
}

/// Why real processes on one machine cannot have this fault; `None`: they can.
pub fn impossible_live(action: &Action) -> Option<&'static str> {
    match action {
        Action::Suspend { .. } => {
            Some("this machine cannot be suspended for one process; `pause` stops the process alone")
        }
        Action::HypervisorPause { .. } => {
            Some("the clocks of a real process cannot be stopped; `pause` stops the process alone")
        }
        Action::Step { .. }
        | Action::ClockJump { .. }
        | Action::Rate { .. }
        | Action::Unsynchronize { .. } => Some(
            "the clocks of this machine are left alone, and cannot be changed for one process; use `sim run`",
        ),
        Action::DiskStall { .. }
        | Action::DiskError { .. }
        | Action::DiskFull { .. }
        | Action::DiskLie { .. }
        | Action::DiskCorrupt { .. } => Some(
            "the disk of this machine is left alone, and cannot be broken for one process; use `sim run`",
        ),
        Action::Order(Order::Apply { lengths }) if !whole_millis(lengths) => Some(
            "a node is told lengths in whole milliseconds, of one to a year's; round them, or use `sim run`",
        ),
        Action::Order(Order::Transfer { .. })
        | Action::Order(Order::Member { .. })
        | Action::Order(Order::Apply { .. })
        | Action::Partition { .. }
        | Action::Cut { .. }
        | Action::Isolate { .. }
        | Action::Heal
        | Action::Hold { .. }
        | Action::Release { .. }
        | Action::Pause { .. }
        | Action::Crash { .. }
        | Action::Restart { .. } => None,
    }
}

/// As the protocol takes them.
fn whole_millis(lengths: &LeaseLengths) -> bool {
    let LeaseLengths { duration, election_timeout, max_clock_skew } = *lengths;
    let whole = |span: Span| span == Span::millis(span.as_millis()) && span.as_millis() <= CONFIG_MILLIS_MAX;
    let some = |span: Span| whole(span) && span != Span::ZERO;
    some(duration) && some(election_timeout) && whole(max_clock_skew)
}

/// The same action where nodes have other places; `None`: it is about nodes that are not there any more.
pub fn renumbered(action: &Action, place: &dyn Fn(usize) -> Option<usize>) -> Option<Action> {
    let some = |old: &[usize]| {
        let mut new: Vec<usize> = old.iter().filter_map(|old| place(*old)).collect();
        new.sort_unstable();
        (!new.is_empty()).then_some(new)
    };
    Some(match action {
        Action::Partition { between } => {
            let between: Vec<Vec<usize>> = between.iter().filter_map(|group| some(group)).collect();
            if between.len() < 2 {
                return None;
            }
            Action::Partition { between }
        }
        Action::Cut { from, to } => Action::Cut { from: some(from)?, to: some(to)? },
        Action::Heal => Action::Heal,
        Action::Hold { from, to, message, count } => {
            Action::Hold { from: place(*from)?, to: place(*to)?, message: message.clone(), count: *count }
        }
        Action::Release { from, to } => Action::Release { from: place(*from)?, to: place(*to)? },
        Action::Order(Order::Transfer { to }) => Action::Order(Order::Transfer { to: place(*to)? }),
        Action::Order(Order::Member { change, node }) => {
            Action::Order(Order::Member { change: *change, node: place(*node)? })
        }
        Action::Order(Order::Apply { lengths }) => Action::Order(Order::Apply { lengths: *lengths }),
        Action::Isolate { node } => Action::Isolate { node: place(*node)? },
        Action::Pause { node } => Action::Pause { node: place(*node)? },
        Action::Suspend { node } => Action::Suspend { node: place(*node)? },
        Action::HypervisorPause { node } => Action::HypervisorPause { node: place(*node)? },
        Action::Crash { node } => Action::Crash { node: place(*node)? },
        Action::Restart { node } => Action::Restart { node: place(*node)? },
        Action::DiskStall { node } => Action::DiskStall { node: place(*node)? },
        Action::DiskError { node } => Action::DiskError { node: place(*node)? },
        Action::DiskFull { node } => Action::DiskFull { node: place(*node)? },
        Action::DiskLie { node } => Action::DiskLie { node: place(*node)? },
        Action::DiskCorrupt { node } => Action::DiskCorrupt { node: place(*node)? },
        Action::Unsynchronize { node } => Action::Unsynchronize { node: place(*node)? },
        Action::Step { node, by_ns } => Action::Step { node: place(*node)?, by_ns: *by_ns },
        Action::ClockJump { node, raw, boot, by_ns } => {
            Action::ClockJump { node: place(*node)?, raw: *raw, boot: *boot, by_ns: *by_ns }
        }
        Action::Rate { node, ppb } => Action::Rate { node: place(*node)?, ppb: *ppb },
    })
}

/// A number of an action that may be made smaller.
#[derive(Debug, PartialEq, Eq)]
pub enum Number<'a> {
    /// A length of time with a sign, ns.
    Length(&'a mut i64),
    /// A rate, parts per billion.
    Rate(&'a mut i64),
    /// A count, from 1.
    Count(&'a mut u32),
}

/// The number of an action, where it has one that may be made smaller.
pub fn number(action: &mut Action) -> Option<Number<'_>> {
    match action {
        Action::Step { by_ns, .. } | Action::ClockJump { by_ns, .. } => Some(Number::Length(by_ns)),
        Action::Rate { ppb, .. } => Some(Number::Rate(ppb)),
        Action::Hold { count, .. } => Some(Number::Count(count)),
        Action::Partition { .. }
        | Action::Cut { .. }
        | Action::Isolate { .. }
        | Action::Heal
        | Action::Release { .. }
        | Action::Pause { .. }
        | Action::Suspend { .. }
        | Action::HypervisorPause { .. }
        | Action::Crash { .. }
        | Action::Restart { .. }
        | Action::DiskStall { .. }
        | Action::DiskError { .. }
        | Action::DiskFull { .. }
        | Action::DiskLie { .. }
        | Action::DiskCorrupt { .. }
        | Action::Unsynchronize { .. }
        | Action::Order(_) => None,
    }
}
