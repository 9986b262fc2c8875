//! Theory and the lemmas in `proof/` say the same, at the random points of `proof/points.json`.
//!
//! `proof/points.py` writes that file from the very terms that the solver has proved, and checks it. This test asks the
//! other side: `theory::predict` and `theory::bound::bound`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use leasehold_run::rules;
use leasehold_run::scenario::load;
use leasehold_run::setup::Setup;
use leasehold_run::theory::bound::bound;
use leasehold_run::theory::{Prediction, predict};
use serde_json::Value;

/// What the lemmas say about a point: the least slack over all leaders and voters, in nanoseconds, as a fraction.
struct Lemmas {
    top: i128,
    bottom: i128,
    safe: bool,
}

impl Lemmas {
    /// Is `slack_ns` the fraction, rounded to a whole nanosecond either way?
    fn rounds_to(&self, slack_ns: i128) -> bool {
        (slack_ns * self.bottom - self.top).abs() < self.bottom
    }
}

fn number(of: &Value, name: &str) -> i128 {
    of[name].as_i64().unwrap_or_else(|| panic!("{name} is a whole number in {of}")).into()
}

fn flag(of: &Value, name: &str) -> bool {
    of[name].as_bool().unwrap_or_else(|| panic!("{name} is true or false in {of}"))
}

fn points() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proof/points.json");
    let text = fs::read_to_string(path).expect("proof/points.json is part of the repository");
    serde_json::from_str(&text).expect("proof/points.py writes JSON")
}

fn lemmas(point: &Value) -> Lemmas {
    let part = |place: usize| {
        let text = point["slack"][place].as_str();
        text.and_then(|text| text.parse().ok()).expect("points.py writes whole numbers")
    };
    Lemmas { top: part(0), bottom: part(1), safe: flag(point, "safe") }
}

fn setup(point: &Value) -> Setup {
    let mut text = format!(
        "title = \"a point\"\nseed = 1\nduration = \"9s\"\n[cluster]\nnodes = 3\nfirst-leader = \"n1\"\n\
         [lease]\nform = {form}\nduration = \"{duration}ns\"\nelection-timeout = \"{timeout}ns\"\nmax-clock-skew = \"{skew}ns\"\n",
        form = point["form"],
        duration = number(point, "duration"),
        timeout = number(point, "timeout"),
        skew = number(point, "skew"),
    );
    let nodes = point["nodes"].as_array().expect("points.py writes three nodes");
    for (place, node) in nodes.iter().enumerate() {
        let (rate, offset, error) = (number(node, "rate"), number(node, "offset"), number(node, "error"));
        write!(
            text,
            "[clock.n{}]\nrate = \"{rate:+}ppb\"\noffset = \"{offset:+}ns\"\nwall-error = \"{error}ns\"\n",
            place + 1
        )
        .expect("a string takes any text");
    }
    let mut fault = |length: &str, action: String| {
        write!(text, "[[fault]]\nat = \"3s\"\n{length}{action}\n").expect("a string takes any text");
    };
    if number(point, "pause") > 0 {
        fault(
            &format!("for = \"{}ns\"\n", number(point, "pause")),
            "hypervisor-pause = { node = \"n1\" }".to_owned(),
        );
    }
    if number(point, "step") != 0 {
        fault("", format!("step = {{ node = \"n2\", by = \"{:+}ns\" }}", number(point, "step")));
    }
    if flag(point, "restart") {
        for node in ["n2", "n3"] {
            fault("for = \"10ms\"\n", format!("crash = {{ node = \"{node}\" }}"));
        }
    }
    let plan = load("point.toml", &text, &[], &rules::names())
        .unwrap_or_else(|problems| panic!("{}\n{text}", problems.render(false)));
    plan.rows[0].scenario.setup.clone()
}

#[test]
fn theory_has_the_slack_of_the_lemmas_to_the_nanosecond() {
    let points = points();
    assert!(points.len() >= 200, "enough points to mean something");
    for point in &points {
        let said = lemmas(point);
        let (safe, slack_ns) = match predict(&setup(point)) {
            Prediction::Safe { slack_ns } => (true, slack_ns),
            Prediction::StalePossible { slack_ns } => (false, slack_ns),
            Prediction::NotCovered { why } => {
                panic!("theory covers all that points.py draws: {why}: {point}")
            }
        };
        assert!(said.rounds_to(slack_ns), "theory says {slack_ns}: {point}");
        // Theory counts in whole nanoseconds: less than one missing may round to none.
        let less_than_one_missing = said.top < 0 && said.top > -said.bottom;
        assert!(safe == said.safe || less_than_one_missing, "theory says {safe}: {point}");
    }
}

#[test]
fn the_bound_has_no_room_where_the_lemmas_say_safe() {
    let (mut covered, mut with_room) = (0, 0);
    for point in &points() {
        let Ok(Some(bound)) = bound(&setup(point)) else { continue };
        covered += 1;
        with_room += usize::from(bound.room_ns >= 0);
        assert!(bound.room_ns < 0 || !lemmas(point).safe, "room {}: {point}", bound.room_ns);
    }
    assert!(
        covered >= 200 && with_room >= 20,
        "{covered} points covered, {with_room} with room for a stale read"
    );
}
