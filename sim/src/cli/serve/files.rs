//! From a path in a URL to a file below a folder, and never outside it.

use std::path::{Path, PathBuf};

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A file. A folder's `index.html` stands for the folder.
    File(PathBuf),
    /// A folder without an `index.html`.
    Folder(PathBuf),
}

/// What `path`, as a URL has it, names below `root`, which is canonical. `None`: nothing, or something outside.
pub(super) fn find(root: &Path, path: &str) -> Option<Found> {
    let decoded = decoded(path)?;
    let mut asked = root.to_owned();
    for part in decoded.split('/').filter(|part| !part.is_empty()) {
        // A backslash and a colon separate or name drives on some systems.
        if matches!(part, "." | "..") || part.contains(['\\', ':', '\0']) {
            return None;
        }
        asked.push(part);
    }
    // Links are followed, and must end inside.
    let found = std::fs::canonicalize(&asked).ok().filter(|found| found.starts_with(root))?;
    if !found.is_dir() {
        return Some(Found::File(found));
    }
    let index = std::fs::canonicalize(found.join("index.html")).ok().filter(|index| index.starts_with(root));
    // Links in an index are relative to a folder, whose address ends in a slash.
    Some(match index.filter(|index| index.is_file() && (decoded.is_empty() || decoded.ends_with('/'))) {
        Some(index) => Found::File(index),
        None => Found::Folder(found),
    })
}

/// A URL's path with its percent signs resolved; `None` where it is not UTF-8.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push(u8::try_from(digit(high)? << 4 | digit(low)?).ok()?);
                rest = after;
            }
            (b'%', _) => return None,
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// The type of a file's content, by its name.
pub(super) fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("gz" | "pftrace") => "application/octet-stream",
        // Scenarios, reports, histories, traces.
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_its_folder() {
        let outer = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(outer.path()).unwrap().join("root");
        std::fs::create_dir_all(root.join("a b")).unwrap();
        std::fs::write(root.join("a b/file.txt"), "inside").unwrap();
        std::fs::write(root.join("index.html"), "index").unwrap();
        std::fs::write(root.join("../secret"), "outside").unwrap();
        assert_eq!(find(&root, "a%20b/file.txt"), Some(Found::File(root.join("a b/file.txt"))));
        assert_eq!(find(&root, "a%20b"), Some(Found::Folder(root.join("a b"))));
        assert_eq!(find(&root, ""), Some(Found::File(root.join("index.html"))));
        for outside in [
            "../secret",
            "%2e%2e/secret",
            "a%20b/../../secret",
            "..%2fsecret",
            "..\\secret",
            "%",
            "%ff",
            "none",
        ] {
            assert_eq!(find(&root, outside), None, "{outside}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
            assert_eq!(find(&root, "link"), None);
            std::os::unix::fs::symlink("a b", root.join("latest")).unwrap();
            assert_eq!(find(&root, "latest/file.txt"), Some(Found::File(root.join("a b/file.txt"))));
        }
    }
}
