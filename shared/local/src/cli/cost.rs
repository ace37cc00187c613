//! What a million orders cost: `guilder cost`.

use super::{Failure, print};
use crate::cost::{self, Mix, Stated};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
pub(super) struct Arguments {
    /// A price file [default: the one of eu-west-1 that comes along]
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// What happens while a thousand orders are placed, such as order=950,first-order=50,quote=3000; all that is not
    /// named does not happen [default: see docs/cost.md]
    #[arg(long, value_name = "NAME=COUNT,...")]
    mix: Option<String>,
    /// What an invocation is billed for on Lambda, as its logs say; otherwise what this process took stands for it
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=900_000))]
    duration_ms: Option<u64>,
    /// The memory of every function [default: the template's]
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(128..=10_240))]
    memory_mb: Option<u64>,
    /// How often each operation is carried out
    #[arg(long, default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=200))]
    samples: u64,
    /// Print all of it as JSON, amounts with nine decimals
    #[arg(long)]
    json: bool,
}

pub(super) async fn cost(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { prices, mix, duration_ms, memory_mb, samples, json } = arguments;
    let prices = cost::prices::Prices::open(prices.as_deref())?;
    let mix = mix.as_deref().map(Mix::parse).transpose()?.unwrap_or_default();
    let sampled = tokio::task::spawn_blocking(move || cost::sample::measure(samples)).await??;
    let cost = cost::cost(&sampled, &mix, &prices, Stated { duration_ms, memory_mb })?;
    match json {
        true => print(&format!("{}\n", serde_json::to_string_pretty(&cost)?))?,
        false => print(&cost::text(&cost))?,
    }
    Ok(ExitCode::SUCCESS)
}
