//! What the guides say and what the code does: the same.

use analytics::report::{Changes, GroupReport, Section};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a folder, tests left out.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().and_then(|name| name.to_str()).unwrap_or_default() {
            "tests.rs" | "tests" | "snapshots" => {}
            _ if path.is_dir() => found.extend(sources(&path)),
            name if name.ends_with(".rs") => found.push(path),
            _ => {}
        }
    }
    found
}

/// The types of problem that a file names: each stands between what introduces it (and its status) and its title, as in
/// `problem(400, "not-json", "Not JSON"`.
fn kinds(source: &str, introduction: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let parts: Vec<_> = code.split('"').collect();
    let named = parts.windows(4).filter(|window| {
        let [before, kind, between, title] = window else { return false };
        let before = before.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || c == ',');
        before.ends_with(introduction)
            && between.trim() == ","
            && title.starts_with(|c: char| c.is_ascii_uppercase())
            && kind.starts_with(|c: char| c.is_ascii_lowercase())
            && kind.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    });
    named.map(|window| window[1].to_owned()).collect()
}

fn documented() -> BTreeSet<String> {
    let guide = text(&root().join("docs/integrate.md"));
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `/problems/")?.split('`').next());
    rows.map(str::to_owned).collect()
}

/// The types of problem that functions tell.
fn told() -> BTreeSet<String> {
    let mut told = kinds(&text(&root().join("shared/runtime/src/problem.rs")), "(");
    for path in sources(&root().join("shared/runtime/src/problem")) {
        told.extend(kinds(&text(&path), "("));
    }
    told
}

#[test]
fn every_type_of_problem_is_in_the_description_and_no_other() {
    let description: serde_json::Value = serde_json::from_str(&text(&root().join("docs/openapi.json"))).unwrap();
    let kinds = description["components"]["schemas"]["Problem"]["properties"]["type"]["enum"].as_array().unwrap();
    let described = kinds.iter().map(|kind| kind.as_str().unwrap().strip_prefix("/problems/").unwrap().to_owned());
    let mut told = told();
    // Of an address without a route, and of balances that are imported: no operation tells them.
    assert!(told.remove("not-found") && told.remove("has-history"));
    assert_eq!(described.collect::<BTreeSet<_>>(), told);
}

#[test]
fn every_type_of_problem_is_in_the_guide_and_no_other() {
    let mut used = told();
    for path in sources(&root().join("shared/local/src")) {
        used.extend(kinds(&text(&path), "problem("));
    }
    // The scan itself: of each way to write one.
    for known in ["invalid-document", "discount-used", "contended", "method-not-allowed", "foreign-origin"] {
        assert!(used.contains(known), "the scan misses {known}: {used:?}");
    }
    let documented = documented();
    let missing: Vec<_> = used.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&used).collect();
    assert!(missing.is_empty(), "docs/integrate.md does not list {missing:?}");
    assert!(stale.is_empty(), "docs/integrate.md lists {stale:?}, which nothing answers");
}

#[test]
fn every_figure_is_defined_in_the_guide_with_an_example() {
    let guide = text(&root().join("docs/metrics.md"));
    let rows: Vec<Vec<&str>> = guide.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    // | figure, or several | what it is | example |
    let defined = rows.iter().filter(|row| row.len() == 5 && !row[2].is_empty() && !row[3].is_empty());
    let names: BTreeSet<_> = defined.flat_map(|row| row[1].split('`').skip(1).step_by(2)).collect();
    let figures = [GroupReport::names(), Changes::names()].concat();
    let missing: Vec<_> = figures.iter().filter(|name| !names.contains(**name)).collect();
    assert!(missing.is_empty(), "docs/metrics.md does not define {missing:?}");
    let known: BTreeSet<_> = figures.into_iter().collect();
    let others = ["total", "tier", "segment", "joined", "referral"];
    let stale: Vec<_> = names.iter().filter(|name| !known.contains(**name) && !others.contains(*name)).collect();
    assert!(stale.is_empty(), "docs/metrics.md defines {stale:?}, which nothing answers");
}
