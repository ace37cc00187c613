//! Which package may know which: the arrows of the design, and no other.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// `cargo metadata` of the workspace: the packages with the names of what they depend on, of whatever kind.
fn packages() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names =
        |list: &Value| list.as_array().unwrap().iter().map(|d| d["name"].as_str().unwrap().to_owned()).collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let package = |p: &Value| {
        let manifest = p["manifest_path"].as_str().unwrap().to_owned();
        (p["name"].as_str().unwrap().to_owned(), (manifest, names(&p["dependencies"])))
    };
    packages.map(package).collect()
}

fn is_function(manifest: &str) -> bool {
    manifest.contains("/functions/")
}

#[test]
fn packages_know_only_those_below_them() {
    let packages = packages();
    let functions: BTreeSet<_> =
        packages.iter().filter(|(_, (manifest, _))| is_function(manifest)).map(|(name, _)| name.as_str()).collect();
    assert!(!functions.is_empty());
    for (name, (manifest, dependencies)) in &packages {
        let below: BTreeSet<&str> = match name.as_str() {
            "domain" | "smallest-function" => [].into(),
            "store" | "analytics" => ["domain"].into(),
            "runtime" => ["store", "domain"].into(),
            "metric-rollup" | "metrics" => ["runtime", "store", "domain", "analytics"].into(),
            _ if is_function(manifest) => ["runtime", "store", "domain"].into(),
            "local" => functions.iter().copied().chain(["runtime", "store", "domain", "analytics"]).collect(),
            "tests" => packages.keys().map(String::as_str).filter(|other| other != name).collect(),
            other => panic!("{other} has no place in the design"),
        };
        let inside = dependencies.iter().filter(|dependency| packages.contains_key(*dependency));
        for dependency in inside {
            assert!(below.contains(dependency.as_str()), "{name} must not know {dependency}");
        }
    }
}

#[test]
fn only_the_store_names_the_sdk() {
    for (name, (_, dependencies)) in packages() {
        let names_it = dependencies.contains("aws-sdk-dynamodb");
        assert!(!names_it || ["store", "local", "tests", "smallest-function"].contains(&name.as_str()), "{name}");
    }
    assert!(packages()["store"].1.contains("aws-sdk-dynamodb"));
}

#[test]
fn the_rules_know_neither_clock_nor_randomness_nor_environment_nor_network() {
    let forbidden = ["tokio", "rand", "fastrand", "getrandom", "reqwest", "hyper", "tracing", "uuid", "lambda_runtime"];
    for pure in ["domain", "analytics"] {
        let (_, dependencies) = &packages()[pure];
        for name in forbidden {
            assert!(!dependencies.contains(name), "{pure} depends on {name}");
        }
        assert!(!dependencies.iter().any(|name| name.starts_with("aws")), "{pure}");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(pure);
        let bans = std::fs::read_to_string(folder.join("clippy.toml")).unwrap();
        for banned in ["std::time::SystemTime::now", "std::time::Instant::now", "std::env::var"] {
            assert!(bans.contains(banned), "clippy.toml of {pure} does not ban {banned}");
        }
    }
}

#[test]
fn the_functions_of_the_template_are_the_packages() {
    let folders: BTreeSet<_> =
        packages().into_iter().filter(|(_, (manifest, _))| is_function(manifest)).map(|(name, _)| name).collect();
    let template = local::template::Template::embedded().unwrap();
    let functions: BTreeSet<_> = template.functions.into_iter().map(|function| function.name).collect();
    assert_eq!(functions, folders);
}

/// What types look like from outside is for the local cloud and for tests: a function that is built by itself has none of it.
#[test]
fn no_function_is_deployed_with_the_description_of_its_types() {
    let mut describing = 0;
    for (name, (manifest, dependencies)) in packages() {
        let manifest = std::fs::read_to_string(manifest).unwrap();
        if dependencies.contains("schemars") {
            assert!(manifest.contains("\nschemars = { workspace = true, optional = true }\n"), "{name}");
            describing += 1;
        }
        let asks = manifest.contains("features = [\"schema\"]") || manifest.contains("\ndefault = [");
        assert!(!asks || name == "local", "{name}");
    }
    assert!(describing > 5, "{describing}");
}
