//! The table of keys as a JSON Schema, for editors: completion, the meaning of a key, and most mistakes while one types.
//!
//! It cannot say all that the reader checks: which keys exclude each other, or which nodes there are.

use serde_json::{Map, Value, json};

use super::{DELAY, Default, Field, Kind, ROOT};

/// A schema (draft 2020-12) of scenario files. `rules` are the names that `lease.rules` may have.
pub fn json_schema(rules: &[&str]) -> Value {
    let mut schema = object(ROOT, rules);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("A scenario of sim");
    schema["$defs"] = json!({ "delay": object(DELAY, rules) });
    schema
}

fn object(fields: &[Field], rules: &[&str]) -> Value {
    let property = |field: &Field| {
        let mut schema = kind(&field.kind, rules);
        let default = match field.default {
            Default::Needed => String::new(),
            default => format!(" Default: {}.", default.words().replace('`', "")),
        };
        schema["description"] = json!(format!("{}{default}", field.meaning));
        (field.name.to_owned(), schema)
    };
    let needed = fields.iter().filter(|field| matches!(field.default, Default::Needed));
    let needed: Vec<&str> = needed.map(|field| field.name).collect();
    json!({
        "type": "object",
        "properties": fields.iter().map(property).collect::<Map<_, _>>(),
        "required": needed,
        "additionalProperties": false,
    })
}

const LENGTH: &str = r"[0-9][0-9_]*(\.[0-9][0-9_]*)?(ns|us|µs|ms|s|m|h)";
const RATE: &str = r"[0-9][0-9_]*(\.[0-9][0-9_]*)?(%|ppm|ppb)";
const NODE: &str = "n[0-9]+";

fn text(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": format!("^{pattern}$") })
}

fn one_or_many(one: &Value) -> Value {
    json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
}

fn kind(kind: &Kind, rules: &[&str]) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Rules => json!({ "enum": rules }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Seed => json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string" }] }),
        Kind::Span | Kind::Positive => text(LENGTH),
        Kind::Offset => text(&format!("[+-]?{LENGTH}")),
        Kind::Rate => text(&format!("[+-]?{RATE}")),
        Kind::Share => text(RATE),
        Kind::Sigma => json!({ "type": "number", "minimum": 0, "maximum": 5 }),
        Kind::Delay => json!({ "anyOf": [text(LENGTH), { "$ref": "#/$defs/delay" }] }),
        Kind::Node => text(NODE),
        Kind::Nodes => one_or_many(&text(NODE)),
        Kind::Groups => json!({ "type": "array", "items": one_or_many(&text(NODE)) }),
        Kind::Target => text(&format!("({NODE}|leader|any)")),
        Kind::Operations => one_or_many(&json!({ "enum": ["read", "write", "cas"] })),
        Kind::Paths => one_or_many(&json!({ "type": "string" })),
        Kind::Amount => json!({ "type": ["string", "number"] }),
        Kind::Amounts => json!({ "type": "array", "items": { "type": ["string", "number"] }, "minItems": 1 }),
        Kind::TwoSpans => json!({ "type": "array", "items": text(LENGTH), "minItems": 2, "maxItems": 2 }),
        Kind::Overrides => json!({ "type": "object" }),
        Kind::Table(fields) | Kind::Given(fields) => object(fields, rules),
        Kind::Named(_, fields) => json!({ "type": "object", "additionalProperties": object(fields, rules) }),
        Kind::List(fields) => json!({ "type": "array", "items": object(fields, rules) }),
    }
}
