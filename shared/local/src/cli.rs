//! The command line: what there is to say, and which part of the crate does it.
//!
//! Results go to standard output, everything else to standard error. Exit code 0: done; 1: failed, or what was looked
//! for is not as it should be; 2: not understood.

mod backup;
mod cost;
mod due;
mod erase;
mod metrics;
pub(crate) mod place;
mod program;
mod referrals;
mod rekey;
mod simulate;
mod tasks;
mod variables;

use crate::{import, serve};
use analytics::rollup::Period;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use domain::id::AccountId;
use domain::time::{Day, Instant};
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

pub use place::Place;

/// Why a command failed, in one line for a person.
pub type Failure = Box<dyn Error + Send + Sync>;

/// A loyalty engine for companies that sell to companies: the whole suite on one machine.
#[derive(Parser)]
#[command(name = "guilder", version)]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    serve: serve::Arguments,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct Common {
    /// Embedded database [default: .guilder/guilder.db, or the DynamoDB that AWS_ENDPOINT_URL_DYNAMODB names]
    #[arg(long, global = true, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Least severe level of the functions' logs, which go to standard error
    #[arg(long, global = true, value_name = "LEVEL", default_value = "warn",
        value_parser = ["off", "error", "warn", "info", "debug", "trace"])]
    log: String,
}

#[derive(Subcommand)]
enum Task {
    /// Serve the API, the queues and the database on this machine (what no command at all does)
    Serve(serve::Arguments),
    /// Import history, opening balances, or a whole backup
    #[command(subcommand)]
    Import(Import),
    /// Export what is stored: accounts as rows, or everything as a backup
    #[command(subcommand)]
    Export(Export),
    /// Recompute every balance from its entries and check what is stored
    Audit,
    /// Erase a company's personal data; what it did stays. Goes on where it was broken off, and is safe to repeat
    Erase {
        /// The account's id
        #[arg(value_parser = AccountId::parse)]
        id: AccountId,
    },
    /// Rewrite claims to the newest secret of GUILDER_SECRETS, and say which others may be removed; safe to repeat
    Rekey {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what is stored
    #[command(subcommand)]
    Show(Show),
    /// Walk what has fallen due, as the schedules do: points, discounts, reviews, warnings
    Sweep {
        /// A past day or today, in UTC, such as 2011-05-31 [default: every day that is open]
        #[arg(long, value_parser = day, value_name = "DAY")]
        date: Option<Day>,
        /// Print the counts as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what falls due through the end of a day and is not written down yet
    Due {
        /// The day, in UTC, such as 2011-05-31
        #[arg(long, value_parser = day, value_name = "DAY")]
        date: Day,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Count a night's metrics, as the schedule does
    Rollup {
        /// A day that has ended, in the program's time zone, such as 2011-05-31 [default: yesterday]
        #[arg(long, value_parser = day, value_name = "DAY")]
        date: Option<Day>,
        /// Print the summary as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what nights counted: sales, customers, points, what is to be expected, accounts to look at
    Report {
        /// 2011-05, 2011-Q2, 2011, 2011-05-T12M (twelve months) or lifetime [default: the month of the newest night]
        #[arg(long, value_parser = period, value_name = "PERIOD")]
        period: Option<Period>,
        /// Print all of it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what a draft of the program would have come to over what really happened; nothing is written
    Simulate(simulate::Arguments),
    /// Say what a million orders cost on AWS, by request units measured here and a file of prices
    Cost(cost::Arguments),
    /// What referrals came to: redeemed, qualified, rewarded, what they brought in and what they cost
    Referrals {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Put the messages of a dead-letter queue back into the queue that gave them up
    Redrive {
        /// The dead-letter queue, such as OrderPlacedDeadLetters
        #[arg(value_name = "QUEUE")]
        queue: String,
    },
    /// Run one function on one event and print its answer
    Invoke {
        /// The function, by its folder below functions/
        function: String,
        /// A JSON file with the event, as AWS would deliver it
        #[arg(long, value_name = "FILE")]
        event: PathBuf,
    },
    /// Print the variables of a function that runs elsewhere over the tables of `guilder serve --dynamodb-port 8000`
    Variables(variables::Arguments),
    /// Write the schemas of all events that are announced, a file each
    EventSchemas {
        /// The folder, which is made
        #[arg(value_name = "FOLDER")]
        into: PathBuf,
    },
    /// The program's versions
    #[command(subcommand)]
    Program(program::Program),
    /// Print the description of the API, as docs/openapi.json has it
    Api,
}

#[derive(Subcommand)]
enum Import {
    /// Everything that a backup holds, as `guilder export all` wrote it, into tables that hold nothing else; safe to repeat
    All {
        /// The backup's folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Numbers of secrets that are lost, such as 1,2: what is claimed under them may be claimed by others then
        #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
        without_secrets: Vec<u16>,
    },
    /// Orders and returns from CSV files, plain or gzip; restarts where it stopped, and is safe to repeat
    Orders(ImportOrders),
    /// Open accounts with the points, tiers and totals they bring from another product; safe to repeat
    Balances(ImportBalances),
}

fn workers() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(1..=64)
}

#[derive(Args)]
struct ImportOrders {
    /// What the columns mean: a TOML file, or the built-in mapping `online-retail`
    #[arg(long)]
    mapping: String,
    /// Leave returns out
    #[arg(long)]
    skip_returns: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// Start over; what was carried out before counts once
    #[arg(long)]
    from_start: bool,
    /// Accounts worked on at once
    #[arg(long, default_value_t = import::WORKERS, value_parser = workers(), value_name = "COUNT")]
    workers: u8,
    /// The files, read as one history
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Args)]
struct ImportBalances {
    /// The instant at which the balances are true, such as 2027-01-01T00:00:00Z [default: now]
    #[arg(long, value_parser = instant, value_name = "TIME")]
    as_of: Option<Instant>,
    /// Read the file and say what it comes to; write nothing
    #[arg(long)]
    check: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// Accounts worked on at once
    #[arg(long, default_value_t = import::WORKERS, value_parser = workers(), value_name = "COUNT")]
    workers: u8,
    /// The file: CSV, plain or gzip, with a header
    file: PathBuf,
}

#[derive(Subcommand)]
enum Export {
    /// Everything that is stored, as a backup that `guilder import all` restores: a file per table, and a manifest
    All {
        /// Read everything twice, and fail unless nothing was written meanwhile: then it is certainly of one instant
        #[arg(long)]
        still: bool,
        /// The backup's folder, which is made
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// All accounts as CSV, sorted by id: account_id,points,tier,orders
    Accounts {
        /// The instant to show them at, such as 2011-05-31T23:59:59Z [default: now]
        #[arg(long, value_parser = instant, value_name = "TIME")]
        as_of: Option<Instant>,
    },
}

#[derive(Subcommand)]
enum Show {
    /// Everything that is stored about an account
    Account {
        /// Its id
        #[arg(value_parser = AccountId::parse)]
        id: AccountId,
        /// Latest entries shown
        #[arg(long, default_value_t = 10, value_name = "COUNT")]
        entries: usize,
    },
}

fn period(text: &str) -> Result<Period, &'static str> {
    Period::parse(text).ok_or("must be 2011-05, 2011-Q2, 2011, 2011-05-T12M or lifetime, or such")
}

fn day(text: &str) -> Result<Day, &'static str> {
    Day::parse(text).ok_or("must be a day such as 2011-05-31")
}

fn instant(text: &str) -> Result<Instant, &'static str> {
    Instant::parse(text).ok_or("must be a date and time with an offset, such as 2011-05-31T23:59:59Z")
}

/// Does what the arguments of this process say.
pub fn run() -> ExitCode {
    let cli = parse();
    logs(&cli.common.log);
    let task = cli.task.unwrap_or(Task::Serve(cli.serve));
    let done = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(perform(task, &Place::new(cli.common.db))),
        Err(error) => Err(error.into()),
    };
    done.unwrap_or_else(|failure| {
        // Whoever closed the pipe has seen enough.
        if failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        eprintln!("guilder: {failure}");
        ExitCode::FAILURE
    })
}

async fn perform(task: Task, place: &Place) -> Result<ExitCode, Failure> {
    match task {
        Task::Serve(arguments) => serve::run(&arguments, place).await.map(|()| ExitCode::SUCCESS),
        Task::Import(Import::Orders(arguments)) => tasks::import_orders(arguments, place).await,
        Task::Import(Import::Balances(arguments)) => tasks::import_balances(arguments, place).await,
        Task::Import(Import::All { folder, without_secrets }) => backup::import(&folder, &without_secrets, place).await,
        Task::Export(Export::All { still, folder }) => backup::export(still, &folder, place).await,
        Task::Export(Export::Accounts { as_of }) => tasks::export_accounts(as_of, place).await,
        Task::Audit => tasks::audit(place).await,
        Task::Erase { id } => erase::erase(&id, place).await,
        Task::Rekey { json } => rekey::rekey(json, place).await,
        Task::Show(Show::Account { id, entries }) => tasks::show_account(&id, entries, place).await,
        Task::Sweep { date, json } => due::sweep(date, json, place).await,
        Task::Due { date, json } => due::due(date, json, place).await,
        Task::Rollup { date, json } => metrics::rollup(date, json, place).await,
        Task::Report { period, json } => metrics::report(period, json, place).await,
        Task::Simulate(arguments) => simulate::simulate(arguments, place).await,
        Task::Cost(arguments) => cost::cost(arguments).await,
        Task::Referrals { json } => referrals::show(json, place).await,
        Task::Redrive { queue } => tasks::redrive(&queue, place).await,
        Task::Invoke { function, event } => tasks::invoke(&function, &event, place).await,
        Task::Variables(arguments) => variables::variables(&arguments),
        Task::EventSchemas { into } => tasks::event_schemas(&into),
        Task::Program(task) => program::perform(task, place).await,
        Task::Api => print(&crate::api::text()?).map(|()| ExitCode::SUCCESS),
    }
}

/// The arguments; where they are not understood the process ends here.
fn parse() -> Cli {
    let matches = Cli::command().get_matches();
    let given = |option: &&str| matches.value_source(option) == Some(ValueSource::CommandLine);
    if let (Some(option), Some((task, _))) = (serve::OPTIONS.into_iter().find(given), matches.subcommand()) {
        let message = format!("--{} stands before {task}; it belongs after `serve`", option.replace('_', "-"));
        Cli::command().error(ErrorKind::ArgumentConflict, message).exit();
    }
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// What functions log, as JSON lines like in the cloud.
fn logs(level: &str) {
    // The embedded database's own server logs as warnings what its clients expect, such as a table that exists.
    let filter = EnvFilter::new(format!("{level},dynoxide=error"));
    runtime::logs::lines().with_env_filter(filter).with_writer(io::stderr).init();
}

/// Writes a result to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
