//! `guilder serve`: the whole suite on loopback, with something in it to look at.

use crate::cli::place::{app, options};
use crate::cli::{Failure, Place, print};
use crate::cloud::{Cloud, Options, PROGRAM_NAME, Storage, TIME_ZONE, wall_clock};
use crate::demo;
use crate::gateway::issuer::{Issuer, Keys};
use crate::gateway::server;
use crate::program::{self, Chosen};
use crate::webhook::Webhook;
use clap::Args;
use domain::program::Program;
use domain::time::Instant;
use runtime::App;
use std::fmt::{Display, Write};
use std::path::PathBuf;
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
    /// The program of a first start: a document, or the sample `distributor` or `subscription` [default: `wholesale`]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Load no demo history on a first start; only `wholesale` has one
    #[arg(long)]
    no_demo: bool,
    /// Count no night by the schedule: `guilder rollup` does, and can count earlier ones first
    #[arg(long)]
    no_rollup: bool,
    /// Ask every caller of the API for a token signed by a key of this JWKS document: what the issuer serves at its jwks_uri
    #[arg(long, value_name = "FILE", requires_all = ["issuer", "audience"])]
    auth: Option<PathBuf>,
    /// The `iss` of those tokens
    #[arg(long, value_name = "URL", requires = "auth")]
    issuer: Option<String>,
    /// The `aud` of those tokens, or their `client_id` where they have none
    #[arg(long, value_name = "NAME", requires = "auth")]
    audience: Option<String>,
    /// Post what happens to this URL, as signed CloudEvents
    #[arg(long, value_name = "URL", requires = "webhook_secret_file")]
    webhook: Option<String>,
    /// The file with the secret that they are signed with: whsec_ and 24 to 64 random bytes in base64
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_secret_file: Option<PathBuf>,
}

/// The same by the names of their fields: without a command they may stand alone.
pub(crate) const OPTIONS: [&str; 11] = [
    "port",
    "dynamodb_port",
    "memory",
    "program",
    "no_demo",
    "no_rollup",
    "auth",
    "issuer",
    "audience",
    "webhook",
    "webhook_secret_file",
];

/// Serves until the process is asked to end.
pub async fn run(arguments: &Arguments, place: &Place) -> Result<(), Failure> {
    let (storage, data) = if arguments.memory {
        (Storage::Memory, "in memory, gone at the end".to_owned())
    } else {
        (place.storage()?, place.to_string())
    };
    let is_found = matches!(storage, Storage::File(_));
    let issuer = issuer(arguments)?;
    let webhook = webhook(arguments)?;
    let mut options = Options { counts_nights: !arguments.no_rollup, issuer, webhook, ..options(storage) };
    let chosen = arguments.program.as_deref().map(Chosen::read).transpose()?;
    if let Some(chosen) = &chosen {
        choose(&mut options, chosen)?;
    }
    let cloud = Arc::new(Cloud::open(options).await?);
    let http = listen(arguments.port).await?;
    let database = match cloud.database() {
        Some(_) => Some(listen(arguments.dynamodb_port).await?),
        None => None,
    };
    let app = app(&cloud, "order-placed")?;
    if begin(app, chosen.as_ref()).await? && !arguments.no_demo {
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
    let at = At { api: &api, dynamodb: endpoint.as_deref(), is_found, data: &data };
    print(&welcome(&cloud, app, &at).await?)?;
    Ok(server::serve(cloud.clone(), http, database, server::asked_to_stop()).await?)
}

/// Whose tokens callers are asked for, if they are asked for any.
fn issuer(arguments: &Arguments) -> Result<Option<Issuer>, Failure> {
    let (Some(file), Some(url), Some(audience)) = (&arguments.auth, &arguments.issuer, &arguments.audience) else {
        return Ok(None);
    };
    let named = |error: &dyn Display| format!("{}: {error}", file.display());
    let document = std::fs::read_to_string(file).map_err(|error| named(&error))?;
    let keys = Keys::parse(&document).map_err(|error| named(&error))?;
    Ok(Some(Issuer { url: url.clone(), audience: audience.clone(), keys }))
}

/// Where events are posted to, if anywhere.
fn webhook(arguments: &Arguments) -> Result<Option<Webhook>, Failure> {
    let (Some(url), Some(file)) = (&arguments.webhook, &arguments.webhook_secret_file) else { return Ok(None) };
    let secret = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Some(Webhook::new(url, &secret)?))
}

/// The functions run the program that was chosen, and nights its time zone.
fn choose(options: &mut Options, chosen: &Chosen) -> Result<(), Failure> {
    let name = chosen.name.to_string();
    if let Some(other) = options.parameters.get(PROGRAM_NAME).filter(|other| **other != name) {
        return Err(format!(
            "GUILDER_PROGRAM is {other}, and the document is named {name}: unset it, or rename the document"
        )
        .into());
    }
    options.parameters.insert(PROGRAM_NAME.to_owned(), name);
    options.parameters.entry(TIME_ZONE.to_owned()).or_insert_with(|| chosen.calendar.zone_name().to_owned());
    Ok(())
}

/// Activates a program on a first start; answers whether the demo history goes with it.
async fn begin(app: &App, chosen: Option<&Chosen>) -> Result<bool, Failure> {
    let Some(chosen) = chosen else { return Ok(program::ensure(app).await?.is_some()) };
    Ok(chosen.begin(app).await?.is_some() && chosen.is_wholesale())
}

async fn listen(port: u16) -> Result<TcpListener, Failure> {
    Ok(server::listen(port).await.map_err(|error| format!("port {port}: {error}"))?)
}

/// Where what is served is to be found.
struct At<'a> {
    api: &'a str,
    dynamodb: Option<&'a str>,
    /// Other commands find the database by themselves.
    is_found: bool,
    data: &'a str,
}

async fn welcome(cloud: &Cloud, app: &App, at: &At<'_>) -> Result<String, Failure> {
    let now = wall_clock();
    let none = || program::ProgramError::None(app.config().program.clone());
    let schedule = app.store().schedule(&app.config().program).await?.ok_or_else(none)?;
    let activation = schedule.at(now);
    let program = &activation.program;
    let mut text = String::new();
    let At { api, data, .. } = at;
    writeln!(text, "Guilder serves the program {}, version {}, on {api}", program.name, activation.version)?;
    writeln!(text, "{}\n", callers(cloud.issuer()))?;
    text.push_str(&routes(cloud));
    writeln!(text)?;
    if let Some(endpoint) = at.dynamodb {
        let found = match at.is_found {
            true => "other guilder commands find it by themselves".to_owned(),
            false => format!("other guilder commands find it with AWS_ENDPOINT_URL_DYNAMODB={endpoint}"),
        };
        writeln!(text, "  DynamoDB  {endpoint}  (any credentials; {found})")?;
    }
    writeln!(text, "  data      {data}")?;
    writeln!(text, "  events    {}", events(cloud))?;
    writeln!(text, "  nights    {}", nights(cloud, program.calendar.zone_name()).await)?;
    let token = cloud.issuer().map_or("", |_| r#"-H "authorization: Bearer $TOKEN" "#);
    let curl = format!("curl -s {token}{api}");
    if !program.enrols_by_order() {
        writeln!(text, "\nEnrol an account:\n\n{}", enrol_command(&curl))?;
    }
    writeln!(text, "\nScore an order:\n\n{}", order_command(&curl, program, now))?;
    writeln!(text, "\nSee the account:\n\n  {curl}/v1/accounts/{}\n", demo::ACCOUNT)?;
    writeln!(text, "A line per request follows; Ctrl-C ends it.\n")?;
    Ok(text)
}

/// Who is let in. Loud where everybody is.
fn callers(issuer: Option<&Issuer>) -> String {
    match issuer {
        Some(Issuer { url, audience, .. }) => format!(
            "A token of {url} for {audience} is asked of every caller; /_local/ and the database take whoever is on this machine"
        ),
        None => {
            "OPEN: no token is asked for, and whoever reaches this port is an OPERATOR; it listens on 127.0.0.1 only \
                 (--auth asks for tokens)"
                .to_owned()
        }
    }
}

/// What is served: method, path, and what answers, in columns.
fn routes(cloud: &Cloud) -> String {
    let functions = cloud.template().functions.iter();
    let served = functions.flat_map(|function| function.routes.iter().map(move |route| (function, route)));
    let own = [
        ("POST", "/_local/events", "puts an event on the bus: detail-type, source, detail"),
        ("GET", "/_local/events", "what was announced, newest first: ?type=, ?account_id=, ?limit="),
        ("GET", "/_local/queues", "what waits in the queues"),
        ("GET", "/_local/metrics", "what functions have counted"),
        ("POST", "/_local/functions/{name}", "invokes a function with an event, as aws lambda invoke does"),
    ];
    let rows: Vec<(String, String, String)> = served
        .map(|(function, route)| (route.method.to_string(), route.path.to_string(), function.name.clone()))
        .chain(own.map(|(method, path, what)| (method.to_owned(), path.to_owned(), what.to_owned())))
        .collect();
    let widest = |of: fn(&(String, String, String)) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (methods, paths) = (widest(|row| row.0.len()), widest(|row| row.1.len()));
    rows.iter().map(|(method, path, what)| format!("  {method:<methods$} {path:<paths$}  {what}\n")).collect()
}

/// Where what happens is announced.
fn events(cloud: &Cloud) -> String {
    match (cloud.database(), cloud.webhook()) {
        (None, _) => "nothing is announced: only the embedded database can be listened to".to_owned(),
        (Some(_), None) => "announced on the bus for events: GET /_local/events (--webhook posts them)".to_owned(),
        (Some(_), Some(webhook)) => format!("announced on the bus for events, and posted to {}", webhook.place()),
    }
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

/// A command to paste, for a program that takes orders of accounts that are known.
fn enrol_command(curl: &str) -> String {
    let account = demo::ACCOUNT;
    format!(r#"  {curl}/v1/accounts/{account} -X PUT -d '{{"name": "Tidewater Teapots Ltd (fictional)"}}'"#)
}

/// A command to paste: an order that nobody has sent yet.
fn order_command(curl: &str, program: &Program, now: Instant) -> String {
    let currency = program.currency.code();
    let seconds = now.as_ms().div_euclid(1000);
    let placed_at = Instant::from_ms(seconds.saturating_mul(1000));
    let account = demo::ACCOUNT;
    format!(
        r#"  {curl}/v1/orders -H 'content-type: application/json' -d '{{
    "source": "shop", "order_id": "try-{seconds}", "account_id": "{account}",
    "placed_at": "{placed_at}", "currency": "{currency}",
    "lines": [{{"line_id": "1", "sku": "TEAPOT-BLUE", "quantity": 60, "unit_price": "12.50"}}]
  }}'"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn welcomed(program: &str, is_found: bool) -> String {
        welcomed_by(None, program, is_found).await
    }

    async fn welcomed_by(issuer: Option<Issuer>, program: &str, is_found: bool) -> String {
        let mut options = Options { issuer, ..Options::new(Storage::Memory) };
        let chosen = Chosen::read(program.as_ref()).unwrap();
        choose(&mut options, &chosen).unwrap();
        let cloud = Cloud::open(options).await.unwrap();
        let app = app(&cloud, "order-placed").unwrap();
        assert_eq!(begin(app, Some(&chosen)).await.unwrap(), program == "wholesale", "the demo goes with one");
        let at = At { api: "http://api", dynamodb: Some("http://db"), is_found, data: "somewhere" };
        welcome(&cloud, app, &at).await.unwrap()
    }

    #[tokio::test]
    async fn routes_stand_in_columns() {
        let text = welcomed("wholesale", true).await;
        let rows: Vec<_> = text.lines().skip(3).take_while(|line| !line.is_empty()).collect();
        assert!(rows.iter().any(|row| row.starts_with("  DELETE ")), "{text}");
        for row in &rows {
            let path = row.find(" /").unwrap();
            assert_eq!(path, rows[0].find(" /").unwrap(), "{row}");
            let what = row.rfind("  ").unwrap();
            assert_eq!(what, rows[0].rfind("  ").unwrap(), "{row}");
        }
    }

    #[tokio::test]
    async fn other_commands_are_told_how_to_find_the_database() {
        let found = welcomed("wholesale", true).await;
        assert!(found.contains("(any credentials; other guilder commands find it by themselves)"), "{found}");
        let memory = welcomed("wholesale", false).await;
        let how = "other guilder commands find it with AWS_ENDPOINT_URL_DYNAMODB=http://db)";
        assert!(memory.contains(how) && !memory.contains("by themselves"), "{memory}");
    }

    #[tokio::test]
    async fn a_program_that_refuses_strangers_is_shown_with_an_account_to_enrol() {
        let text = welcomed("distributor", true).await;
        assert!(text.starts_with("Guilder serves the program distributor, version 1, on http://api\n"), "{text}");
        assert!(text.contains("Europe/Berlin") && text.contains("\"currency\": \"EUR\""), "{text}");
        assert!(text.contains("curl -s http://api/v1/accounts/tidewater-teapots -X PUT"), "{text}");
        assert!(!welcomed("subscription", true).await.contains(" -X PUT "));
    }

    /// A key that nobody has.
    fn key() -> String {
        let modulus = format!("{}w", "_".repeat(341));
        format!(r#"{{"keys": [{{"kty": "RSA", "kid": "k1", "e": "AQAB", "n": "{modulus}"}}]}}"#)
    }

    fn arguments(text: &[&str]) -> Result<Arguments, clap::error::ErrorKind> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            serve: Arguments,
            /// Named by `--memory`.
            #[arg(long)]
            db: Option<PathBuf>,
        }
        let line = <Line as clap::Parser>::try_parse_from(["serve"].iter().chain(text));
        line.map(|line| line.serve).map_err(|error| error.kind())
    }

    #[tokio::test]
    async fn who_is_let_in_is_said_first() {
        let open = welcomed("wholesale", true).await;
        let second = open.lines().nth(1).unwrap();
        assert!(
            second.starts_with("OPEN: no token is asked for, and whoever reaches this port is an OPERATOR"),
            "{open}"
        );
        assert!(!open.contains("$TOKEN"), "{open}");
        let keys = Keys::parse(&key()).unwrap();
        let issuer = Issuer { url: "https://login.example/".to_owned(), audience: "guilder".to_owned(), keys };
        let closed = welcomed_by(Some(issuer), "distributor", true).await;
        let second = closed.lines().nth(1).unwrap();
        assert!(
            second.starts_with("A token of https://login.example/ for guilder is asked of every caller"),
            "{closed}"
        );
        let commands: Vec<_> = closed.lines().filter(|line| line.trim_start().starts_with("curl ")).collect();
        assert_eq!(commands.len(), 3, "{closed}");
        for command in commands {
            assert!(command.contains(r#"curl -s -H "authorization: Bearer $TOKEN" http://api/v1/"#), "{command}");
        }
    }

    #[test]
    fn tokens_are_asked_for_by_keys_issuer_and_audience_together() {
        use clap::error::ErrorKind::MissingRequiredArgument;
        let (issuer, audience) = (["--issuer", "https://login.example/"], ["--audience", "guilder"]);
        let folder = std::env::temp_dir().join(format!("guilder-auth-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("jwks.json");
        std::fs::write(&file, key()).unwrap();
        let auth = ["--auth", file.to_str().unwrap()];
        for partial in [[auth, issuer].concat(), [auth, audience].concat(), [issuer, audience].concat(), issuer.into()]
        {
            assert_eq!(arguments(&partial).err(), Some(MissingRequiredArgument), "{partial:?}");
        }
        let all = [auth, issuer, audience].concat();
        let chosen = super::issuer(&arguments(&all).unwrap()).unwrap().unwrap();
        assert_eq!((chosen.url.as_str(), chosen.audience.as_str()), ("https://login.example/", "guilder"));
        assert!(super::issuer(&arguments(&[]).unwrap()).unwrap().is_none());
        // What cannot be read must not leave the gateway open.
        std::fs::write(&file, "{}").unwrap();
        let refused = super::issuer(&arguments(&all).unwrap()).unwrap_err().to_string();
        assert!(refused.ends_with("jwks.json: no JWKS document: missing field `keys` at line 1 column 2"), "{refused}");
        std::fs::remove_dir_all(&folder).unwrap();
        let refused = super::issuer(&arguments(&all).unwrap()).unwrap_err().to_string();
        assert!(refused.contains("jwks.json: "), "{refused}");
    }

    #[test]
    fn a_document_of_another_name_than_the_environment_says_is_refused() {
        let mut options = Options::new(Storage::Memory);
        options.parameters.insert(PROGRAM_NAME.to_owned(), "subscription".to_owned());
        let refused = choose(&mut options, &Chosen::read("distributor".as_ref()).unwrap()).unwrap_err().to_string();
        let expected =
            "GUILDER_PROGRAM is subscription, and the document is named distributor: unset it, or rename the document";
        assert_eq!(refused, expected);
    }
}
