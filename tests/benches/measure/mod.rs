//! What the benches share: medians of interleaved rounds, a readable table, and a verdict on every bound.
//!
//! Machines are noisy, so the figure that counts is a ratio of two things measured in turns within one run.

#![allow(dead_code)] // each bench uses its own part

pub mod served;
pub mod tap;
pub mod world;

use std::path::PathBuf;
use std::process::ExitCode;

/// Whether `cargo bench` started this; a test run over all targets only wants it to compile.
pub fn is_asked_for() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// The middle one.
pub fn median(samples: impl IntoIterator<Item = f64>) -> f64 {
    let mut samples: Vec<f64> = samples.into_iter().collect();
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    if samples.len() % 2 == 1 { samples[middle] } else { (samples[middle - 1] + samples[middle]) / 2.0 }
}

/// Forgets what memory this process needed so far.
#[allow(dead_code)]
pub fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("a kernel that can forget the peak of the memory in use");
}

/// The most memory that this process had in use since, in MiB.
#[allow(dead_code)]
pub fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}

/// The folder of this build, such as `target/release`.
pub fn build_folder() -> PathBuf {
    let program = std::env::current_exe().expect("the running program has a path");
    program.ancestors().nth(2).expect("a bench runs from target/PROFILE/deps").to_owned()
}

/// The profile that this was built with. `cargo bench` builds as `release` does.
pub fn profile() -> String {
    let folder = build_folder();
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name == "debug" { "dev".to_owned() } else { name }
}

/// What a figure has to be.
#[derive(Clone, Copy)]
pub enum Bound {
    /// Not more.
    AtMost(f64),
    /// Not less.
    AtLeast(f64),
    /// No other.
    Exactly(f64),
}

impl Bound {
    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtMost(bound) => figure <= bound,
            Self::AtLeast(bound) => figure >= bound,
            Self::Exactly(bound) => (figure - bound).abs() < 1e-9,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtMost(bound) => format!("at most {bound}"),
            Self::AtLeast(bound) => format!("at least {bound}"),
            Self::Exactly(bound) => format!("exactly {bound}"),
        }
    }
}

/// The printed report of one bench.
pub struct Report {
    verdicts: Vec<(String, f64, Bound)>,
}

impl Report {
    /// Prints the heading: the command that gives this report, and the profile it was built with.
    pub fn start(bench: &str) -> Self {
        let profile = profile();
        let chosen = if profile == "release" { String::new() } else { format!(" --profile {profile}") };
        println!("\n== {bench}    cargo bench -p tests --bench {bench}{chosen}    (profile {profile})");
        Self { verdicts: Vec::new() }
    }

    /// A heading within the report.
    pub fn section(&self, title: &str) {
        println!("\n{title}");
    }

    /// One figure.
    pub fn row(&self, name: &str, figure: f64, unit: &str) {
        let decimals = if figure.abs() < 10.0 { 3 } else { 1 };
        println!("  {name:<68} {figure:>12.decimals$} {unit}");
    }

    /// A figure that has to keep a bound.
    pub fn bounded(&mut self, name: &str, figure: f64, bound: Bound) {
        println!("  {name:<68} {figure:>12.3} ({})", bound.words());
        self.verdicts.push((name.to_owned(), figure, bound));
    }

    /// Prints the verdicts; the exit code says whether all bounds are kept.
    pub fn end(self) -> ExitCode {
        println!();
        let mut code = ExitCode::SUCCESS;
        for (name, figure, bound) in self.verdicts {
            let verdict = if bound.holds(figure) { "PASS" } else { "FAIL" };
            if verdict == "FAIL" {
                code = ExitCode::FAILURE;
            }
            println!("{verdict}  {name}: {figure:.3}, {}", bound.words());
        }
        code
    }
}
