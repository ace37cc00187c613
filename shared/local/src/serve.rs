//! `guilder serve`: the whole suite on loopback, with something in it to look at.

use crate::cli::place::{app, options};
use crate::cli::{Failure, Place, print};
use crate::cloud::{Cloud, Options, Storage, wall_clock};
use crate::gateway::server;
use crate::{demo, program};
use clap::Args;
use domain::time::Instant;
use runtime::App;
use std::fmt::Write;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What can be said about serving.
#[derive(Args)]
pub struct Arguments {
    /// Port of the API; 0 takes a free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the embedded DynamoDB; 0 takes a free one
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    dynamodb_port: u16,
    /// Keep everything in memory, gone at the end
    #[arg(long, conflicts_with = "db")]
    memory: bool,
    /// Load no demo history on a first start
    #[arg(long)]
    no_demo: bool,
    /// Count no night by the schedule: `guilder rollup` does, and can count earlier ones first
    #[arg(long)]
    no_rollup: bool,
}

/// The same by the names of their fields: without a command they may stand alone.
pub(crate) const OPTIONS: [&str; 5] = ["port", "dynamodb_port", "memory", "no_demo", "no_rollup"];

/// Serves until the process is asked to end.
pub async fn run(arguments: &Arguments, place: &Place) -> Result<(), Failure> {
    let (storage, data) = if arguments.memory {
        (Storage::Memory, "in memory, gone at the end".to_owned())
    } else {
        (place.storage()?, place.to_string())
    };
    let options = Options { counts_nights: !arguments.no_rollup, ..options(storage) };
    let cloud = Arc::new(Cloud::open(options).await?);
    let http = listen(arguments.port).await?;
    let database = match cloud.database() {
        Some(_) => Some(listen(arguments.dynamodb_port).await?),
        None => None,
    };
    let app = app(&cloud, "order-placed")?;
    if program::ensure(app).await?.is_some() && !arguments.no_demo {
        print("First start: activating the sample program and loading a demo history of fictional companies ...\n")?;
        let loaded = demo::load(&cloud, wall_clock()).await?;
        print(&format!("{} accounts and {} orders are there to look at.\n\n", loaded.accounts, loaded.orders))?;
    }
    let endpoint = match &database {
        Some(listener) => Some(format!("http://{}", listener.local_addr()?)),
        None => None,
    };
    if let Some(endpoint) = &endpoint {
        cloud.announce_endpoint(endpoint)?;
    }
    let api = format!("http://{}", http.local_addr()?);
    print(&welcome(&cloud, app, &api, endpoint.as_deref(), &data).await?)?;
    Ok(server::serve(cloud.clone(), http, database, server::asked_to_stop()).await?)
}

async fn listen(port: u16) -> Result<TcpListener, Failure> {
    Ok(server::listen(port).await.map_err(|error| format!("port {port}: {error}"))?)
}

async fn welcome(cloud: &Cloud, app: &App, api: &str, endpoint: Option<&str>, data: &str) -> Result<String, Failure> {
    let now = wall_clock();
    let schedule = app.schedule().await.map_err(|fault| fault.to_string())?;
    let activation = schedule.at(now);
    let mut text = String::new();
    let (name, version) = (&activation.program.name, activation.version);
    writeln!(text, "Guilder serves the program {name}, version {version}, on {api}\n")?;
    for function in &cloud.template().functions {
        for route in &function.routes {
            let path = route.path.to_string();
            writeln!(text, "  {:<5} {path:<48} {}", route.method, function.name)?;
        }
    }
    for (method, path, what) in [
        ("POST", "/_local/events", "puts an event on the bus: detail-type, source, detail"),
        ("GET", "/_local/queues", "what waits in the queues"),
    ] {
        writeln!(text, "  {method:<5} {path:<48} {what}")?;
    }
    writeln!(text)?;
    if let Some(endpoint) = endpoint {
        writeln!(text, "  DynamoDB  {endpoint}  (any credentials; other guilder commands find it by themselves)")?;
    }
    writeln!(text, "  data      {data}")?;
    writeln!(text, "  nights    {}", nights(cloud, activation.program.calendar.zone_name()).await)?;
    writeln!(text, "\nScore an order:\n\n{}", order_command(api, activation.program.currency.code(), now))?;
    writeln!(text, "\nSee the account:\n\n  curl -s {api}/v1/accounts/{}\n", demo::ACCOUNT)?;
    writeln!(text, "A line per request follows; Ctrl-C ends it.\n")?;
    Ok(text)
}

/// When nights are counted, and whether last night was.
async fn nights(cloud: &Cloud, zone: &str) -> String {
    if !cloud.counts_nights() {
        return "none is counted by itself; `guilder rollup --date DAY` counts one, older ones first".to_owned();
    }
    let last = match cloud.last_night_is_counted().await {
        true => "last night was counted",
        false => "last night is being counted now",
    };
    format!("counted after midnight in {zone}; {last}: `guilder report` shows what they tell")
}

/// A command to paste: an order that nobody has sent yet.
fn order_command(api: &str, currency: &str, now: Instant) -> String {
    let seconds = now.as_ms().div_euclid(1000);
    let placed_at = Instant::from_ms(seconds.saturating_mul(1000));
    let account = demo::ACCOUNT;
    format!(
        r#"  curl -s {api}/v1/orders -H 'content-type: application/json' -d '{{
    "source": "shop", "order_id": "try-{seconds}", "account_id": "{account}",
    "placed_at": "{placed_at}", "currency": "{currency}",
    "lines": [{{"line_id": "1", "sku": "TEAPOT-BLUE", "quantity": 60, "unit_price": "12.50"}}]
  }}'"#
    )
}
