//! The list of kept runs, and a folder's files, as pages.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::page::escaped;

/// Folders below the store are searched so deep.
const DEPTH_MAX: usize = 4;

/// A folder with a manifest.
struct Kept {
    /// Below the store, with `/`.
    path: String,
    manifest: Value,
}

/// The page of all kept runs, the newest first.
pub(super) fn list(store: &Path, playground: bool) -> String {
    let mut kept = Vec::new();
    collect(store, store, 0, &mut kept);
    kept.sort_by(|a, b| written(&b.manifest).cmp(written(&a.manifest)).then_with(|| a.path.cmp(&b.path)));
    let mut body = String::from("<h1>Kept runs</h1>\n");
    if playground {
        body.push_str(
            "<p><a href=\"/playground/\">The playground</a>: change a run and see what follows.</p>\n",
        );
    }
    if kept.is_empty() {
        body.push_str("<p>There are none. <code>sim run SCENARIO --out store/NAME</code> keeps one.</p>\n");
        return page("Kept runs", &body);
    }
    body.push_str(
        "<table><thead><tr><th>folder<th>result<th>what<th>written<th>trace</tr></thead>\n<tbody>\n",
    );
    for run in &kept {
        let text = |key: &str| escaped(run.manifest[key].as_str().unwrap_or_default());
        let what = match run.manifest["what"].as_str() {
            Some("explore") => format!("explore, seeds {}", escaped(&run.manifest["seeds"].to_string())),
            _ => text("scenario"),
        };
        body.push_str(&format!(
            "<tr><td><a href=\"/store/{}/\">{}</a><td>{}<td>{what}<td>{}<td><code>{}</code></tr>\n",
            url(&run.path),
            escaped(&run.path),
            result(&run.manifest),
            escaped(written(&run.manifest)),
            text("trace"),
        ));
    }
    body.push_str("</tbody></table>\n");
    page("Kept runs", &body)
}

/// A sign and a word: no meaning rests on colour.
fn result(manifest: &Value) -> String {
    let (class, words) = match (manifest["what"].as_str(), manifest["exit_code"].as_u64()) {
        (_, Some(0)) => ("good", "✓ as expected".to_owned()),
        (_, Some(1)) => ("bad", "✗ not as expected".to_owned()),
        (_, Some(3)) => ("", "? undecided".to_owned()),
        (_, Some(code)) => ("bad", format!("✗ exit code {code}")),
        (Some("explore"), None) if manifest["complete"] == true => ("", "complete".to_owned()),
        _ => ("", "not complete".to_owned()),
    };
    format!("<span class=\"{class}\">{words}</span>")
}

fn written(manifest: &Value) -> &str {
    let session = &manifest["sessions"][0];
    manifest["written"].as_str().or_else(|| session["started"].as_str()).unwrap_or_default()
}

fn collect(store: &Path, folder: &Path, depth: usize, kept: &mut Vec<Kept>) {
    let manifest = fs::read_to_string(folder.join("manifest.json")).ok();
    if let Some(manifest) = manifest.and_then(|text| serde_json::from_str(&text).ok()) {
        let path = folder.strip_prefix(store).unwrap_or(folder);
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        kept.push(Kept { path: parts.join("/"), manifest });
        return;
    }
    if depth == DEPTH_MAX {
        return;
    }
    for entry in entries(folder) {
        // `latest` is a link to a folder that is found by its own name.
        if entry.is_dir() && !entry.is_symlink() {
            collect(store, &entry, depth + 1, kept);
        }
    }
}

/// In the order of their names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// The page of a folder: the report, and links to all files. `address` is the folder below the store.
pub(super) fn folder(path: &Path, address: &str) -> String {
    let mut body = String::from("<p><a href=\"/\">All kept runs</a></p>\n");
    body.push_str(&format!("<h1>{}</h1>\n<ul>\n", escaped(address.trim_end_matches('/'))));
    for entry in entries(path) {
        let Some(name) = entry.file_name().and_then(|name| name.to_str()) else { continue };
        let slash = if entry.is_dir() { "/" } else { "" };
        // An address without a slash at its end is taken for a file, so links name the whole path.
        let base = if address.is_empty() || address.ends_with('/') { "" } else { "/" };
        body.push_str(&format!(
            "<li><a href=\"/store/{}{base}{}{slash}\">{}{slash}</a></li>\n",
            escaped(address),
            url(name),
            escaped(name)
        ));
    }
    body.push_str("</ul>\n");
    if let Ok(report) = fs::read_to_string(path.join("report.txt")) {
        body.push_str(&format!("<h2>Report</h2>\n<pre tabindex=\"0\">{}</pre>\n", escaped(&report)));
    }
    page(address, &body)
}

/// A path as a URL has it.
fn url(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{}</title>\n<style>\n:root {{ color-scheme: light dark }}\nbody {{ font: \
         16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }}\ntable {{ border-collapse: \
         collapse }}\nth, td {{ text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8886 }}\npre {{ \
         overflow-x: auto }}\n.good {{ color: light-dark(#00633f, #4fcfa2) }}\n.bad {{ color: light-dark(#b5134e, #ff7a9e) \
         }}\n</style></head>\n<body><main>\n{body}</main></body></html>\n",
        escaped(title)
    )
}
