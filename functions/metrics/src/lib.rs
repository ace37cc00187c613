//! Shows what nights counted, and what is to be said of one account: `/v1/metrics/...` and
//! `/v1/accounts/{id}/insights`.
//!
//! It counts nothing and writes nothing: what nights kept is rendered as of when it is read, by the program that was in
//! force at the end of the period asked for.

#[cfg(feature = "schema")]
pub mod api;
mod nights;

use analytics::report::{AccountsReport, Insight, NightReport, RetentionReport};
use analytics::rollup::{By, Period};
use domain::decision::Rejection;
use domain::id::AccountId;
use domain::time::Day;
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Caller, Error, Fault, RequestFault, Scope, Trigger};
use serde_json::Value;
use store::Consistency;

pub use nights::{accounts, metrics, newest_night, night, retention};

const PERIODS: &str = "must be a month (2011-05), a quarter (2011-Q2), a year (2011), the twelve months that end with a \
     month (2011-05-T12M) or lifetime";

const DAY: &str = "must be a day such as 2011-05-31";

/// One Lambda invocation: an HTTP request.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    let request = Trigger::of(event)?.http()?;
    Ok(http::respond(&request, over_http(app, &request).await))
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let caller = request.caller()?;
    let (method, path) = request.route();
    match (method, path.as_slice()) {
        ("GET", ["v1", "metrics"]) => show_metrics(app, &caller, request).await,
        ("GET", ["v1", "metrics", "nights", date]) => show_night(app, &caller, date, request).await,
        ("GET", ["v1", "metrics", "retention"]) => show_retention(app, &caller, request).await,
        ("GET", ["v1", "metrics", "accounts"]) => show_accounts(app, &caller, request).await,
        ("GET", ["v1", "accounts", id, "insights"]) => {
            show_insights(app, &caller, parameter("account_id", AccountId::parse(id))?, request).await
        }
        _ => Err(RequestFault::NoSuchRoute.into()),
    }
}

async fn show_metrics(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::MetricsRead)?;
    request.takes(&["period", "by", "night", "format"])?;
    let period = request.query("period").map(|text| parameter("period", Period::parse(text).ok_or(PERIODS)));
    let by = request.query("by").map_or(Ok(By::Total), |text| parameter("by", By::parse(text).ok_or_else(kinds)))?;
    let wants_table = is_table(request)?;
    let report = metrics(app, period.transpose()?, by, stated_night(request)?).await?;
    if wants_table { Ok(Answer::csv(csv(report.table())?)) } else { Ok(Answer::json(200, &report)) }
}

/// The night that a request asks for; left out: the newest.
fn stated_night(request: &Request) -> Result<Option<Day>, Error> {
    request.query("night").map(|text| parameter("night", Day::parse(text).ok_or(DAY))).transpose()
}

/// The kinds of groups there are.
fn kinds() -> String {
    let names: Vec<_> = By::ALL.iter().map(|(name, _)| *name).collect();
    format!("must be one of {}", names.join(", "))
}

/// Whether a table is asked for: by `format`, or by the first of the types in `Accept` that is served.
fn is_table(request: &Request) -> Result<bool, Error> {
    match request.query("format") {
        Some("csv") => return Ok(true),
        Some("json") => return Ok(false),
        Some(_) => return parameter("format", Err("must be json or csv")),
        None => {}
    }
    let types = request.header("accept").unwrap_or_default().split(',');
    let mut types = types.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let served = types.find(|kind| ["text/csv", "application/json", "application/*", "*/*"].contains(kind));
    Ok(served == Some("text/csv"))
}

fn csv(rows: Vec<Vec<String>>) -> Result<String, Fault> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let wrong = |error: String| Fault::Incomplete(format!("the table cannot be written: {error}"));
    for row in rows {
        writer.write_record(&row).map_err(|error| wrong(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}

async fn show_night(app: &App, caller: &Caller, date: &str, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::MetricsRead)?;
    request.takes(&[])?;
    let day = parameter("date", Day::parse(date).ok_or(DAY))?;
    let report: NightReport = night(app, day).await?;
    Ok(Answer::json(200, &report))
}

async fn show_retention(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::MetricsRead)?;
    request.takes(&["night", "format"])?;
    let wants_table = is_table(request)?;
    let report: RetentionReport = retention(app, stated_night(request)?).await?;
    if wants_table { Ok(Answer::csv(csv(report.table())?)) } else { Ok(Answer::json(200, &report)) }
}

async fn show_accounts(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::MetricsRead)?;
    request.takes(&["night"])?;
    let report: AccountsReport = accounts(app, stated_night(request)?).await?;
    Ok(Answer::json(200, &report))
}

/// What is to be said of one account. Its own people see all of it but margins.
async fn show_insights(app: &App, caller: &Caller, id: AccountId, request: &Request) -> Result<Answer, Error> {
    caller.require_for(Scope::AccountsRead, &id)?;
    request.takes(&[])?;
    let account = app.store().account(&id, Consistency::Strong).await?.ok_or(Rejection::UnknownAccount)?;
    let insight: Insight = nights::insight(app, &account).await?;
    let in_full = caller.require_all(Scope::AccountsRead).is_ok();
    Ok(Answer::json(200, &if in_full { insight } else { insight.without_margins() }))
}
