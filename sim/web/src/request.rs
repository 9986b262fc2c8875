//! What may be asked, and the answers.

use std::sync::Arc;

use leasehold_run::gallery::{self, Piece};
use leasehold_run::picture;
use leasehold_run::report::{Style, Subject, json_report, text_report};
use leasehold_run::rules;
use leasehold_run::scenario::{self, Plan, Written};
use leasehold_run::study::{Study, run_row};
use leasehold_run::theory::{self, Prediction};
use serde::Deserialize;
use serde_json::{Value, json};

/// A request: a scenario, what is changed in it, the row, and what is wanted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What to do.
    pub want: Vec<Want>,
    /// How the scenario is named in reports and in the replay command.
    #[serde(default = "unnamed")]
    pub file: String,
    /// The scenario, as TOML.
    #[serde(default)]
    pub scenario: String,
    /// Overrides, as `--set` takes them: `lease.duration=2s`.
    #[serde(default)]
    pub sets: Vec<String>,
    /// The label of the row; without it, the first row.
    #[serde(default)]
    pub row: Option<String>,
}

/// What an answer may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Want {
    /// `report`: what `sim run --row LABEL --json` prints.
    Verdict,
    /// `text`: what `sim run --row LABEL` prints.
    Text,
    /// `theory`: what arithmetic says. Nothing is run for it.
    Theory,
    /// `picture`: the run as data for the viewer, [`leasehold_run::picture::Picture`].
    Picture,
    /// `toml`: the row as a scenario with every value resolved. `sim run` gives it the same trace hash.
    Toml,
    /// `gallery`: the exhibits with their scenarios. The scenario of the request is not read.
    Gallery,
}

fn unnamed() -> String {
    "scenario.toml".to_owned()
}

/// Answers a request. An error is an answer with `error`, in words for people.
pub fn answer(request: &str) -> String {
    let answered = serde_json::from_str::<Request>(request)
        .map_err(|error| format!("the request is not understood: {error}"))
        .and_then(|request| answered(&request));
    match answered {
        Ok(value) => value,
        Err(error) => json!({ "schema": 1, "error": error }),
    }
    .to_string()
}

fn answered(request: &Request) -> Result<Value, String> {
    let mut answer = json!({ "schema": 1, "version": env!("CARGO_PKG_VERSION") });
    let wants = |want: Want| request.want.contains(&want);
    if wants(Want::Gallery) {
        answer["gallery"] = exhibits();
    }
    if !request.want.iter().any(|want| *want != Want::Gallery) {
        return Ok(answer);
    }
    let mut plan = scenario::load(&request.file, &request.scenario, &request.sets, &rules::names())
        .map_err(|problems| problems.render(false))?;
    answer["rows"] = plan.rows.iter().map(|row| row.label.clone()).collect();
    let row = choose(&mut plan, request.row.as_deref())?;
    answer["row"] = row.into();
    let setup = Arc::new(plan.rows[0].scenario.setup.clone());
    if setup.guest.is_some() {
        return Err(
            "a guest is a program, and a browser starts none: run this scenario with `sim run`".to_owned()
        );
    }
    if wants(Want::Theory) {
        answer["theory"] = match theory::predict(&setup) {
            Prediction::Safe { slack_ns } => json!({ "safe": true, "slack_ns": clamp(slack_ns) }),
            Prediction::StalePossible { slack_ns } => json!({ "safe": false, "slack_ns": clamp(slack_ns) }),
            Prediction::NotCovered { why } => json!({ "safe": null, "why": why }),
        };
    }
    if wants(Want::Picture) {
        let drawn = picture::draw(&setup, picture::Bounds::default());
        answer["picture"] = serde_json::to_value(drawn).map_err(|error| error.to_string())?;
    }
    if wants(Want::Toml) {
        let story = [format!("A row of {}, every value resolved.", request.file)];
        let title = if plan.rows[0].label.is_empty() { &plan.title } else { &plan.rows[0].label };
        answer["toml"] = Written { title, story: &story, expect: "any", setup: &setup }.to_toml().into();
    }
    if wants(Want::Verdict) || wants(Want::Text) {
        let arguments: String = request.sets.iter().map(|set| format!(" --set {}", quoted(set))).collect();
        let study = Study::of_rows(&plan, plan.rows.iter().map(run_row).collect());
        let explanation = study.explanation();
        let subject = Subject {
            file: &request.file,
            arguments: &arguments,
            plan: &plan,
            study: &study,
            explanation: explanation.as_ref(),
        };
        if wants(Want::Verdict) {
            answer["report"] = json_report(&subject);
        }
        if wants(Want::Text) {
            answer["text"] = text_report(&subject, Style::PLAIN).into();
        }
    }
    Ok(answer)
}

fn quoted(word: &str) -> String {
    leasehold_run::display::shell_word(word)
}

/// Leaves one row in the plan. Gives its label.
fn choose(plan: &mut Plan, label: Option<&str>) -> Result<String, String> {
    let place = match label {
        None => 0,
        Some(label) => plan.rows.iter().position(|row| row.label == label).ok_or_else(|| {
            let known: Vec<&str> = plan.rows.iter().map(|row| row.label.as_str()).collect();
            format!("no row `{label}`: rows are {}", known.join(", "))
        })?,
    };
    plan.rows = vec![plan.rows.swap_remove(place)];
    Ok(plan.rows[0].label.clone())
}

/// Every exhibit of the gallery, with the text of its scenario.
fn exhibits() -> Value {
    let exhibit = |piece: Piece| {
        let text = gallery::FILES.iter().find(|(name, _)| *name == piece.name).map(|(_, text)| *text);
        json!({
            "name": piece.name,
            "file": piece.file,
            "title": piece.plan.title,
            "rows": piece.plan.rows.iter().map(|row| row.label.as_str()).collect::<Vec<_>>(),
            "system": piece.plate.system,
            "year": piece.plate.year,
            "mechanism": piece.plate.mechanism,
            "believed": piece.plate.believed,
            "happened": piece.plate.happened,
            "note": piece.plate.note,
            "url": piece.plate.url,
            "scenario": text,
        })
    };
    Piece::all().into_iter().map(exhibit).collect()
}

fn clamp(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}
