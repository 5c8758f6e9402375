//! The rooms and the arrows between them, read from the source.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and what it may import. Tests may import anything.
const ROOMS: [(&str, &[&str]); 10] = [
    ("model", &[]),
    ("store", &["model"]),
    ("rotation", &["model", "store"]),
    ("auth", &["model", "store", "rotation", "notify"]),
    ("notify", &["model", "store", "rotation"]),
    ("api", &["model", "store", "rotation", "auth", "notify"]),
    (
        "pages",
        &["model", "store", "rotation", "auth", "notify", "islands"],
    ),
    (
        "cli",
        &[
            "model", "store", "rotation", "auth", "notify", "config", "web",
        ],
    ),
    (
        "web",
        &[
            "model", "store", "rotation", "auth", "notify", "api", "pages", "config",
        ],
    ),
    ("islands", &[]),
];

/// Libraries that only some rooms may name.
const LIBRARIES: [(&str, &[&str]); 3] = [
    ("sqlx::", &["store"]),
    ("leptos", &["islands", "pages", "web"]),
    ("axum::", &["auth", "api", "pages", "web", "cli"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push((path.clone(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    found
}

fn room(path: &Path) -> String {
    let inside = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The lines that are code, without what is only tested there.
fn code(source: &str) -> impl Iterator<Item = &str> {
    let product = source
        .split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(source);
    product
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
}

#[test]
fn arrows_never_point_back() {
    for (path, source) in sources() {
        let here = room(&path);
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == here) else {
            continue;
        };
        for line in code(&source) {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let there: String = rest
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                let known = ROOMS.iter().any(|(name, _)| *name == there) || there == "config";
                let fine = there == here || allowed.contains(&there.as_str()) || !known;
                assert!(
                    fine,
                    "{}: {here} may not import {there}: {line}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn libraries_stay_in_their_rooms() {
    for (path, source) in sources() {
        let here = room(&path);
        if !ROOMS.iter().any(|(name, _)| *name == here) {
            continue;
        }
        for line in code(&source) {
            for (library, rooms) in LIBRARIES {
                let names = line.match_indices(library).any(|(at, _)| {
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"')
                });
                assert!(
                    !names || rooms.contains(&here.as_str()),
                    "{}: {here} may not name {library}: {line}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn only_auth_vouches() {
    for (path, source) in sources() {
        let here = room(&path);
        for line in code(&source) {
            let vouches = line.contains("::vouch(");
            assert!(
                !vouches || here == "auth" || here == "tests",
                "{}: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn rooms_have_small_files() {
    for (path, source) in sources() {
        let lines = source.lines().count();
        assert!(
            lines <= 500,
            "{} has {lines} lines: is it still one subject?",
            path.display()
        );
    }
}
