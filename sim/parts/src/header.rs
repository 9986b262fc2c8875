//! What a part says of itself in its first line.

use std::ops::Range;

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

/// The version of the file format.
const SCHEMA: u64 = 1;

/// The build that made a part. Parts of different builds are not merged: their seeds may mean different runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The program's version.
    pub version: String,
    /// The commit that it was built from, where whoever built it has said so.
    pub commit: Option<String>,
    /// The version of what seeds are drawn into.
    pub draw: u64,
    /// What this build computes for a few fixed seeds, as a digest. It tells builds apart that have the same version.
    pub canary: String,
}

/// One dimension of an answer, and which piece of it a part holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// What is counted, in the plural: `seeds`, `columns`.
    pub name: String,
    /// All of them.
    pub whole: Range<u64>,
    /// Those in this part.
    pub part: Range<u64>,
}

/// The first line of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The command that asks, `explore` for example.
    pub what: String,
    /// All that the rows depend on, the build aside.
    pub question: Value,
    /// The build.
    pub build: Build,
    /// Where a question has many points that are answered one by one: the point.
    pub point: Option<i128>,
    /// Its pieces, one for each dimension; at least one.
    pub slices: Vec<Slice>,
    /// Shard `.0` of `.1`, counted from 1, as it was asked for. Not compared.
    pub shard: (u64, u64),
    /// The name of the input as the user wrote it. Not compared.
    pub label: String,
}

impl Header {
    /// The hash of the question and of the build, 32 hexadecimal digits. Parts with different hashes are never merged.
    pub fn hash(&self) -> String {
        let wholes: Vec<Value> =
            self.slices.iter().map(|slice| json!([slice.name, slice.whole.start, slice.whole.end])).collect();
        let all = json!([SCHEMA, self.what, self.question, build_json(&self.build), wholes]);
        format!("{:032x}", xxh3_128(all.to_string().as_bytes()))
    }

    /// The name of the part's file: a function of what it holds.
    pub fn file_name(&self) -> String {
        let commit = self.build.commit.iter().map(|commit| format!("+{}", &commit[..commit.len().min(12)]));
        let mut name = format!(
            "{}-{}-{}{}-d{}",
            self.what,
            &self.hash()[..16],
            self.build.version,
            commit.collect::<String>(),
            self.build.draw
        );
        if let Some(point) = self.point {
            name.push_str(&format!("-at{point}"));
        }
        for slice in &self.slices {
            name.push_str(&format!("-{:09}-{:09}", slice.part.start, slice.part.end));
        }
        name + crate::reader::EXTENSION
    }

    pub(crate) fn to_json(&self) -> Value {
        let slice = |slice: &Slice| {
            json!({
                "name": slice.name,
                "whole": [slice.whole.start, slice.whole.end],
                "part": [slice.part.start, slice.part.end],
            })
        };
        json!({
            "schema": SCHEMA,
            "what": self.what,
            "question": self.question,
            "build": build_json(&self.build),
            "hash": self.hash(),
            // As text: a number of 128 bits is beyond many readers.
            "point": self.point.map(|point| point.to_string()),
            "slices": self.slices.iter().map(slice).collect::<Vec<_>>(),
            "shard": [self.shard.0, self.shard.1],
            "label": self.label,
        })
    }

    /// The inverse of [`Header::to_json`]; says what is wrong with anything else.
    pub(crate) fn from_json(value: &Value) -> Result<Header, String> {
        if value.get("schema").and_then(Value::as_u64) != Some(SCHEMA) {
            return Err(format!("its first line is not the header of a part of schema {SCHEMA}"));
        }
        let header = Header::fields(value).ok_or("its header lacks a field")?;
        match value.get("hash").and_then(Value::as_str) == Some(header.hash().as_str()) {
            true => Ok(header),
            false => Err("its header does not have the hash that it says".to_owned()),
        }
    }

    fn fields(value: &Value) -> Option<Header> {
        let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
        let pair = |value: &Value| Some((value.get(0)?.as_u64()?, value.get(1)?.as_u64()?));
        let range =
            |value: &Value| pair(value).filter(|(start, end)| start <= end).map(|(start, end)| start..end);
        let slice = |value: &Value| {
            Some(Slice {
                name: text(value, "name")?,
                whole: range(value.get("whole")?)?,
                part: range(value.get("part")?)?,
            })
        };
        let build = value.get("build")?;
        Some(Header {
            what: text(value, "what")?,
            question: value.get("question")?.clone(),
            build: Build {
                version: text(build, "version")?,
                commit: text(build, "commit"),
                draw: build.get("draw")?.as_u64()?,
                canary: text(build, "canary")?,
            },
            point: match value.get("point")? {
                Value::Null => None,
                point => Some(point.as_str()?.parse().ok()?),
            },
            slices: value.get("slices")?.as_array()?.iter().map(slice).collect::<Option<Vec<_>>>()?,
            shard: pair(value.get("shard")?)?,
            label: text(value, "label")?,
        })
        .filter(|header| !header.slices.is_empty())
    }

    /// In what two headers with different hashes differ, in words.
    pub(crate) fn difference(&self, other: &Header) -> String {
        let wholes = |header: &Header| -> String {
            let all = header.slices.iter();
            all.map(|slice| format!("{} {}..{}", slice.name, slice.whole.start, slice.whole.end))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let commit = |header: &Header| header.build.commit.clone().unwrap_or("not known".to_owned());
        let all = [
            ("the command", self.what.clone(), other.what.clone()),
            ("the version", self.build.version.clone(), other.build.version.clone()),
            ("the draw", self.build.draw.to_string(), other.build.draw.to_string()),
            ("the commit", commit(self), commit(other)),
            ("the range", wholes(self), wholes(other)),
        ];
        if let Some((what, one, two)) = all.into_iter().find(|(_, one, two)| one != two) {
            return format!("{what} is {one} in one and {two} in the other");
        }
        if self.build.canary != other.build.canary {
            return "they were made by builds of one version that compute different runs".to_owned();
        }
        let (Some(one), Some(two)) = (self.question.as_object(), other.question.as_object()) else {
            return "their questions differ".to_owned();
        };
        let differs = one.keys().chain(two.keys()).find(|key| one.get(*key) != two.get(*key));
        match differs.map(String::as_str) {
            Some("text") => "the text of the scenario differs".to_owned(),
            Some(key) => {
                let show = |of: &serde_json::Map<String, Value>| match of.get(key) {
                    Some(Value::Array(words)) => {
                        words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
                    }
                    Some(value) => value.to_string(),
                    None => "absent".to_owned(),
                };
                format!("the {key} are `{}` in one and `{}` in the other", show(one), show(two))
            }
            None => "their hashes differ".to_owned(),
        }
    }
}

fn build_json(build: &Build) -> Value {
    json!({
        "version": build.version,
        "commit": build.commit,
        "draw": build.draw,
        "canary": build.canary,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn header(part: Range<u64>) -> Header {
        Header {
            what: "explore".to_owned(),
            question: json!({ "arguments": ["--rules", "sound"], "text": null }),
            build: Build {
                version: "0.1.0".to_owned(),
                commit: Some("0123456789abcdef0123".to_owned()),
                draw: 5,
                canary: "cafe".to_owned(),
            },
            point: None,
            slices: vec![Slice { name: "seeds".to_owned(), whole: 0..100, part }],
            shard: (1, 2),
            label: "a.toml".to_owned(),
        }
    }

    #[test]
    fn a_header_reads_back_and_a_changed_one_is_noticed() {
        let header = Header { point: Some(-5), ..header(0..50) };
        assert_eq!(Header::from_json(&header.to_json()).unwrap(), header);
        let mut changed = header.to_json();
        changed["build"]["draw"] = json!(6);
        assert!(Header::from_json(&changed).unwrap_err().contains("hash"));
    }

    #[test]
    fn a_name_tells_what_is_in_the_part() {
        let name = header(0..50).file_name();
        let hash = &header(50..100).hash()[..16];
        assert_eq!(name, format!("explore-{hash}-0.1.0+0123456789ab-d5-000000000-000000050.jsonl.gz"));
        assert_ne!(name, header(50..100).file_name());
        let other_name = Header { label: "b.toml".to_owned(), shard: (2, 9), ..header(0..50) };
        assert_eq!(name, other_name.file_name(), "what is not compared is not in the name");
    }

    #[test]
    fn what_differs_is_said() {
        let one = header(0..50);
        let mut other = one.clone();
        other.build.canary = "beef".to_owned();
        assert!(one.difference(&other).contains("different runs"));
        other = one.clone();
        other.question["arguments"] = json!(["--rules", "half-quorum"]);
        assert_eq!(
            one.difference(&other),
            "the arguments are `--rules sound` in one and `--rules half-quorum` in the other"
        );
    }
}
