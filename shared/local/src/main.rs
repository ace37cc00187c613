//! The `guilder` command: the whole suite on one machine. What it can do stands in [`local::cli`].

fn main() -> std::process::ExitCode {
    local::cli::run()
}
