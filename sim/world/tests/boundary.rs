//! The world hosts any process. It may take the vocabulary of time from the node, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

/// All Rust sources below `folder`, in order.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of this crate") {
        let path = entry.expect("an entry of that folder").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What a source names of the node, as the text after `leasehold::`, outside comments.
fn named(source: &str) -> impl Iterator<Item = &str> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("leasehold::").skip(1))
}

#[test]
fn the_world_names_nothing_of_the_node_but_time() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut of_time = 0;
    for path in sources(&src) {
        let text = fs::read_to_string(&path).expect("a source of this crate");
        // A renamed or glob import would hide a name from this test.
        assert!(!text.contains("use leasehold as "), "{}: the node must keep its name", path.display());
        for name in named(&text) {
            let of_it = name.starts_with("time::") || name.starts_with("time;");
            assert!(of_it, "{}: leasehold::{}", path.display(), name.lines().next().unwrap_or_default());
            of_time += 1;
        }
    }
    assert!(of_time > 0, "no import was found: the search looks in the wrong place");
}

#[test]
fn another_name_of_the_node_would_be_seen() {
    let seen: Vec<_> =
        named("use leasehold::raft::Term;\n// leasehold::kv\nuse leasehold::time::Span;").collect();
    assert_eq!(seen, ["raft::Term;", "time::Span;"]);
}
