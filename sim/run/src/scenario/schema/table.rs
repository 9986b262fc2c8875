//! The keys themselves, in the order of the documentation.

use super::super::faults::FAULT;
use super::super::held::{DISK_KINDS, FORMS, STAMPS, Slot, UNSYNCED, slot};
use super::{Default, Field, Kind, Names};
use Default::{Is, Needed, Same, Share, Unset};

pub(in super::super) const fn key(name: &'static str, kind: Kind, default: Default, meaning: &'static str) -> Field {
    Field { name, kind, default, meaning, slot: None, simplest: None }
}

impl Field {
    /// Says where the value stands in a setup. Such a key is built, written back, shrunk and counted without more code.
    const fn at(self, slot: Slot) -> Field {
        Field { slot: Some(slot), ..self }
    }

    /// What a shrunk scenario should say, where that is not the default.
    const fn simplest(self, text: &'static str) -> Field {
        Field { simplest: Some(text), ..self }
    }
}

const NODE_COUNT: Kind = Kind::Count { least: 1, most: 32 };

/// A scenario file.
pub(in super::super) const ROOT: &[Field] = &[
    key("title", Kind::Text, Unset("the file's name"), "One line that says what the scenario shows."),
    key("duration", Kind::Positive, Needed, "When the run ends, in true time."),
    key("seed", Kind::Seed, Unset("drawn by `sim run`"), "Where all randomness comes from."),
    key("cluster", Kind::Table(CLUSTER), Unset("see its keys"), "How many nodes there are."),
    key("lease", Kind::Table(LEASE), Unset("see its keys"), "The lease."),
    key("timers", Kind::Table(TIMERS), Unset("see its keys"), "Other waits."),
    key("disk", Kind::Table(DISK), Unset("see its keys"), "What nodes keep their state on."),
    key("log", Kind::Table(LOG), Unset("see its keys"), "How long logs may become."),
    key("guest", Kind::Table(GUEST), Unset("our node"), "Another program in the place of our node."),
    key("node", Kind::Named(Names::Nodes, NODE), Unset("none"), "Settings of single nodes."),
    key(
        "clock",
        Kind::Named(Names::NodesAndGroups, CLOCK),
        Unset("none"),
        "Clocks of nodes and groups of nodes.",
    ),
    key("network", Kind::Table(NETWORK), Unset("see its keys"), "How messages travel."),
    key("client", Kind::Named(Names::Free, CLIENT), Unset("none"), "Who asks."),
    key("fault", Kind::List(FAULT), Unset("none"), "What goes wrong."),
    key("sweep", Kind::Given(SWEEP), Unset("one row"), "The same scenario with many values."),
    key("variant", Kind::List(VARIANT), Unset("one row"), "The same scenario with named changes."),
    key("expect", Kind::Table(EXPECT), Unset("see its keys"), "What the run should show."),
    key("exhibit", Kind::Given(EXHIBIT), Unset("none"), "A bug that the scenario shows, for the gallery."),
];

const CLUSTER: &[Field] = &[
    key("nodes", NODE_COUNT, Is("3"), "How many voters: `n1`, `n2` and so on."),
    key(
        "learners",
        Kind::Count { least: 0, most: 32 },
        Is("0"),
        "How many nodes do not vote; named on from the voters.",
    ),
    key(
        "spares",
        Kind::Count { least: 0, most: 32 },
        Is("0"),
        "How many nodes belong to nobody until a fault adds them; named on from the learners.",
    ),
    key("first-leader", Kind::Node, Unset("whoever wins"), "The voter that becomes the first leader; the others give it time."),
];

pub(in super::super) const LEASE: &[Field] = &[
    key("form", Kind::Word(FORMS), Is("elapsed"), "How the lease is measured.")
        .at(slot!(|setup, _| setup.lease.form)),
    key("duration", Kind::Span, Is("3s"), "D: how long a lease lasts before the skew is taken off.")
        .at(slot!(|setup, _| setup.lease.duration)),
    key("election-timeout", Kind::Positive, Is("5s"), "T: how long a follower withholds its vote.")
        .at(slot!(|setup, _| setup.lease.election_timeout)),
    key("max-clock-skew", Kind::Span, Is("500ms"), "s: how far clocks are declared to be apart.")
        .at(slot!(|setup, _| setup.lease.max_clock_skew)),
    key("rules", Kind::Rules, Is("sound"), "The lease rules: `sound`, or those of a historical bug.")
        .at(slot!(|setup, _| setup.rules)),
];

const T: &str = "lease.election-timeout";
/// The defaults are those of the node (`Settings::for_lease`); a test holds them together.
pub(in super::super) const TIMERS: &[Field] = &[
    key("heartbeat", Kind::Positive, Share(T, 10), "The time between two rounds of a leader.")
        .at(slot!(|setup, _| setup.timers.heartbeat)),
    key("election-jitter", Kind::Span, Share(T, 20), "The most that is added at random to an election timeout.")
        .at(slot!(|setup, _| setup.timers.election_jitter)).simplest("0s"),
    key("startup-grace", Kind::Span, Share(T, 10), "How much longer a node waits after a start before it campaigns.")
        .at(slot!(|setup, _| setup.timers.startup_grace)),
    key("request-deadline", Kind::Positive, Share(T, 200), "How long a node keeps a request that it cannot answer.")
        .at(slot!(|setup, _| setup.timers.request_deadline)),
];

const DISK: &[Field] = &[
    key("kind", Kind::Word(DISK_KINDS), Is("memory"), "`memory`: a model that costs nothing; `durable`: the database of production, on a simulated disk."),
    key("unsynced", Kind::Word(UNSYNCED), Is("torn"), "What a crash does to each sector that a durable disk has not synced: `torn` draws it."),
];

/// The defaults are those of the node ([`leasehold::raft::LogBounds`]); a test holds them together.
pub(in super::super) const LOG: &[Field] = &[
    key("entries-max", BOUND, Is("65536"), "More entries that are applied are dropped, the oldest first.")
        .at(slot!(|setup, _| setup.log.entries_max)),
    key("bytes-max", BOUND, Is("67108864"), "The same by their size in bytes.")
        .at(slot!(|setup, _| setup.log.bytes_max)),
    key("chunk-bytes-max", BOUND, Is("262144"), "The size of one message of a snapshot, in bytes; at least one key.")
        .at(slot!(|setup, _| setup.log.chunk_bytes_max)),
];
const BOUND: Kind = Kind::Count { least: 1, most: 1 << 40 };

pub(in super::super) const GUEST: &[Field] = &[
    key("command", Kind::Text, Unset("our node"), "The shell command that starts the program on one node.")
        .at(slot!(|setup, _| setup.guest)),
];

/// A node's own settings.
pub(in super::super) const NODE: &[Field] = &[
    key("lease-duration", Kind::Span, Same("lease.duration"), "This node's own D.")
        .at(slot!(|setup, node| setup.nodes[node].lease.duration)),
    key("election-timeout", Kind::Positive, Same("lease.election-timeout"), "This node's own T.")
        .at(slot!(|setup, node| setup.nodes[node].lease.election_timeout)),
    key("max-clock-skew", Kind::Span, Same("lease.max-clock-skew"), "This node's own s.")
        .at(slot!(|setup, node| setup.nodes[node].lease.max_clock_skew)),
    key("election-jitter", Kind::Span, Same("timers.election-jitter"), "This node's own jitter.")
        .at(slot!(|setup, node| setup.nodes[node].election_jitter)),
    key("election-jitter-least", Kind::Span, Is("0s"), "The least of its jitter: the same as `election-jitter` for one that is always the same.")
        .at(slot!(|setup, node| setup.nodes[node].election_jitter_least)),
    key("disk-sync", Kind::Span, Is("0s"), "How long its disk takes to sync.")
        .at(slot!(|setup, node| setup.nodes[node].disk_sync)),
    key("disk", Kind::Word(DISK_KINDS), Same("disk.kind"), "What this node keeps its state on.")
        .at(slot!(|setup, node| setup.nodes[node].disk.kind)),
    key("unsynced", Kind::Word(UNSYNCED), Same("disk.unsynced"), "What a crash does to sectors that this node has not synced.")
        .at(slot!(|setup, node| setup.nodes[node].disk.unsynced)),
    key("answer-time", Kind::Span, Is("0s"), "How long an answer to a client stays in the process after it was decided.")
        .at(slot!(|setup, node| setup.nodes[node].answer_time)),
];

/// A machine's clocks.
pub(in super::super) const CLOCK: &[Field] = &[
    key("nodes", Kind::Nodes, Unset("the node that the table is named after"), "The group's nodes."),
    key("offset", Kind::Offset, Is("0s"), "How far its clocks are ahead of true time at the start.")
        .at(slot!(|setup, node| setup.nodes[node].clock.offset_ns)),
    key("rate", Kind::Rate, Is("0ppm"), "What all clocks gain on true time.")
        .at(slot!(|setup, node| setup.nodes[node].clock.rate_ppb)),
    key("slew", Kind::Rate, Is("0ppm"), "What the boot and wall clocks gain on the raw clock.")
        .at(slot!(|setup, node| setup.nodes[node].clock.slew_ppb)),
    key("wall-error", Kind::Span, Is("0s"), "The error that the wall clock declares; it may be a lie.")
        .at(slot!(|setup, node| setup.nodes[node].clock.wall_error)),
    key("synchronized", Kind::Flag, Is("true"), "Whether the machine vouches for its wall clock.")
        .at(slot!(|setup, node| setup.nodes[node].clock.synchronized)),
    key("stamp", Kind::Word(STAMPS), Is("both"), "Which clocks the node counts lengths of time on.")
        .at(slot!(|setup, node| setup.nodes[node].clock.stamp)),
];

pub(in super::super) const NETWORK: &[Field] = &[
    key("delay", Kind::Delay, Is("1ms"), "One way, between nodes.")
        .at(slot!(|setup, _| setup.network.delay)),
    key("client-delay", Kind::Delay, Same("network.delay"), "One way, between a client and a node.")
        .at(slot!(|setup, _| setup.network.client_delay)),
    key("loss", Kind::Share, Is("0%"), "The share of messages between nodes that is lost.")
        .at(slot!(|setup, _| setup.network.loss_ppm)),
    key("duplicate", Kind::Share, Is("0%"), "The share of messages between nodes that arrives twice.")
        .at(slot!(|setup, _| setup.network.duplicate_ppm)),
    key("link", Kind::List(LINK), Unset("none"), "What is different on single links."),
];

pub(in super::super) const LINK: &[Field] = &[
    key("from", Kind::Nodes, Needed, "The senders."),
    key("to", Kind::Nodes, Needed, "The receivers."),
    key("delay", Kind::Delay, Same("network.delay"), "One way, on these links.")
        .at(slot!(|setup, link| setup.network.links[link].delay)),
    key("loss", Kind::Share, Same("network.loss"), "The share that is lost on these links.")
        .at(slot!(|setup, link| setup.network.links[link].loss_ppm)),
    key("duplicate", Kind::Share, Same("network.duplicate"), "The share that arrives twice on these links.")
        .at(slot!(|setup, link| setup.network.links[link].duplicate_ppm)),
];

pub(in super::super) const CLIENT: &[Field] = &[
    key("target", Kind::Target, Is("leader"), "Whom it asks: a node, the newest leader, or any node each time.")
        .at(slot!(|setup, client| setup.clients[client].target)),
    key("operations", Kind::Operations, Needed, "What it asks; one is picked each time.")
        .at(slot!(|setup, client| setup.clients[client].operations)),
    key("every", Kind::Delay, Unset("`think` instead"), "Open loop: it asks again this long after it asked."),
    key("think", Kind::Delay, Unset("`every` instead"), "Closed loop: it asks again this long after the answer."),
    key("times", Kind::Count { least: 1, most: 1 << 40 }, Unset("no end"), "It asks so many times. Who asks once needs neither `every` nor `think`.")
        .at(slot!(|setup, client| setup.clients[client].times)),
    key("first-key", Kind::Count { least: 0, most: 1_000_000 }, Is("0"), "The first key that it asks for.")
        .at(slot!(|setup, client| setup.clients[client].first_key)),
    key("keys", Kind::Count { least: 1, most: 1_000_000 }, Is("1"), "It picks one of so many keys, each time.")
        .at(slot!(|setup, client| setup.clients[client].keys)),
    key("start", Kind::Span, Is("0s"), "It asks nothing before.")
        .at(slot!(|setup, client| setup.clients[client].start)),
    key("stop", Kind::Positive, Unset("the end of the run"), "It asks nothing from then on.")
        .at(slot!(|setup, client| setup.clients[client].stop)),
    key("timeout", Kind::Positive, Is("1s"), "It waits so long for an answer.")
        .at(slot!(|setup, client| setup.clients[client].timeout)),
    key("delay", Kind::Delay, Same("network.client-delay"), "One way, between this client and a node.")
        .at(slot!(|setup, client| setup.clients[client].link)),
];

const SWEEP: &[Field] = &[
    key("set", Kind::Paths, Needed, "The keys to set; a `-` in front sets the negated value."),
    key("from", Kind::Amount, Unset("`values` alone"), "The first value of a range."),
    key("to", Kind::Amount, Unset("`values` alone"), "No value of the range is above this."),
    key("step", Kind::Amount, Unset("`values` alone"), "The distance between two values of the range."),
    key("values", Kind::Amounts, Unset("the range alone"), "Single values."),
];

const VARIANT: &[Field] = &[
    key("name", Kind::Text, Needed, "What the row is called."),
    key("set", Kind::Overrides, Needed, "The keys to set, by their paths."),
    key(
        "expect",
        Kind::Word(&["none", "some", "any"]),
        Same("expect.stale-reads"),
        "What this row should show.",
    ),
    key("lease-over-at", Kind::Span, Same("expect.lease-over-at"), "When the old lease should be over, in this row."),
    key("leader-ready-at", Kind::Span, Same("expect.leader-ready-at"), "When the new leader should be ready, in this row."),
];

const EXPECT: &[Field] = &[
    key(
        "stale-reads",
        Kind::Word(&["none", "some", "any"]),
        Unset("`none`"),
        "Whether there are stale reads.",
    ),
    key(
        "begin-above",
        Kind::Amount,
        Unset("`stale-reads` instead"),
        "In a sweep: clean up to this value, stale above.",
    ),
    key("safe", Kind::Flag, Is("false"), "Theory and the run must agree that no read can be stale."),
    key(
        "margin-at-least",
        Kind::Span,
        Unset("any margin"),
        "The smallest margin of a change of leadership.",
    ),
    key(
        "lease-over-at",
        Kind::Span,
        Unset("any time"),
        "When the old lease is over, at the smallest margin; to the microsecond.",
    ),
    key(
        "leader-ready-at",
        Kind::Span,
        Unset("any time"),
        "When the new leader can first acknowledge a write, at the smallest margin; to the microsecond.",
    ),
    key(
        "leader-within",
        Kind::Positive,
        Unset("any time"),
        "The longest time without a leader that can serve, the start included.",
    ),
    key(
        "answered-at-least",
        Kind::Share,
        Unset("any share"),
        "The least share of requests with an answer. Refusals and unknown outcomes do not count.",
    ),
    key(
        "read-gap-at-most",
        Kind::Positive,
        Unset("any time"),
        "The longest time in which reads wait and none is answered.",
    ),
    key(
        "write-gap-at-most",
        Kind::Positive,
        Unset("any time"),
        "The longest time in which writes wait and none is answered.",
    ),
];

const EXHIBIT: &[Field] = &[
    key("system", Kind::Text, Needed, "Where the bug was found, or what it is a pattern of."),
    key("year", Kind::Count { least: 1980, most: 2100 }, Needed, "When it was reported or mended."),
    key("evidence", Kind::Word(EVIDENCE), Needed, "`reported`: an issue, a fix or a report tells of it; `proposed`: it was not merged; `pattern`: no vendor has confirmed it."),
    key("url", Kind::Text, Unset("none"), "A public page about it."),
    key("mechanism", Kind::Text, Needed, "The bug in one line."),
    key("clock-fault", Kind::Flag, Needed, "Whether a clock must be wrong."),
    key("believed", Kind::Text, Needed, "What was believed."),
    key("happened", Kind::Text, Needed, "What happened, and why."),
    key("note", Kind::Text, Unset("none"), "What the run does not show, or shows otherwise than the sources say."),
    key("question", Kind::Text, Unset("none"), "A user's question that the scenario answers."),
    key("question-url", Kind::Text, Unset("none"), "Where it was asked."),
];
const EVIDENCE: &[&str] = &["reported", "proposed", "pattern"];

/// A delay that is not always the same.
pub(in super::super) const DELAY: &[Field] = &[
    key("uniform", Kind::TwoSpans, Unset("no"), "Each length between the two is as likely as any other."),
    key("lognormal", Kind::Given(LOG_NORMAL), Unset("no"), "A long tail."),
];

/// A delay with a long tail.
const LOG_NORMAL: &[Field] = &[
    key("median", Kind::Positive, Needed, "Half of the delays are shorter."),
    key("sigma", Kind::Sigma, Needed, "The logarithm's standard deviation: 0.5 is moderate, 2 is wild."),
    key("most", Kind::Span, Needed, "Longer ones are cut to this."),
];
