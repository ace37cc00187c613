//! Stores versions of the program, compares them, and puts them in force: `/v1/program/...`; and hands out the
//! description of the API, `/openapi.json`, as it is asked for so rarely.
//!
//! A version is stored first and put in force later, or never: in between it can be read, compared with another, and
//! tried on an order by a dry run of that.

mod answers;
#[cfg(feature = "schema")]
pub mod api;
pub mod commands;
pub mod compare;

use answers::{ActivatedAnswer, ActiveAnswer, PlannedAnswer, Span, VersionAnswer, VersionsAnswer};
use commands::{Activated, PostVersion, PutActive};
use compare::{Side, difference, stored};
use domain::id::ProgramName;
use domain::version::{self, Draft, Version};
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Caller, Error, Fault, RequestFault, Scope, Trigger};
use serde_json::Value;

const LISTED_USUAL: u16 = 20;
const LISTED_MAX: u16 = 100;
/// The description of the API.
const DESCRIPTION: &str = include_str!("../../../docs/openapi.json");
/// The route of new versions, part of the key of each.
const POST_VERSION: &str = "POST /v1/program/versions";

/// One Lambda invocation: an HTTP request.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    let request = Trigger::of(event)?.http()?;
    Ok(http::respond(&request, over_http(app, &request).await))
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let (method, path) = request.route();
    if let ("GET", ["openapi.json"]) = (method, path.as_slice()) {
        return Ok(Answer::written("application/json", DESCRIPTION).impersonal());
    }
    let caller = request.caller()?;
    match (method, path.as_slice()) {
        ("POST", ["v1", "program", "versions"]) => post_version(app, &caller, request).await,
        ("PUT", ["v1", "program", "active"]) => put_active(app, &caller, request).await,
        ("GET", ["v1", "program", rest @ ..]) => {
            caller.require_all(Scope::MetricsRead)?;
            show(app, request, rest).await
        }
        _ => Err(RequestFault::NoSuchRoute.into()),
    }
}

async fn show(app: &App, request: &Request, rest: &[&str]) -> Result<Answer, Error> {
    match rest {
        ["active"] => {
            request.takes(&[])?;
            active(app).await
        }
        ["versions"] => versions(app, request).await,
        ["versions", number] => {
            request.takes(&[])?;
            one_version(app, version_number("version", number)?).await
        }
        ["versions", first, "diff", second] => {
            request.takes(&[])?;
            let sides = [version_number("version", first)?, version_number("other", second)?].map(Side::Version);
            Ok(Answer::json(200, &difference(app, &sides).await?).impersonal())
        }
        _ => Err(RequestFault::NoSuchRoute.into()),
    }
}

fn program(app: &App) -> &ProgramName {
    &app.config().program
}

fn version_number(name: &'static str, text: &str) -> Result<u32, Error> {
    let number = text.parse().ok().filter(|number| *number > 0 && text.bytes().all(|byte| byte.is_ascii_digit()));
    parameter(name, number.ok_or("must be the number of a version"))
}

async fn post_version(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::ProgramWrite)?;
    let program = program(app).clone();
    let key = request.stated_command_key(caller, POST_VERSION)?;
    let draft = Draft::read(request.document()?, &program)?;
    let command = PostVersion { program, draft, key };
    let (version, was_there) = app.transact_program(caller, &command).await?;
    let (program, number) = (&command.program, version.number);
    tracing::info!(program.version = number, was_there, "stored version {number} of the program {program}");
    let answer = VersionAnswer::of(program, &version);
    Ok(Answer::once(&answer, was_there).location(format!("/v1/program/versions/{number}")))
}

async fn put_active(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::ProgramWrite)?;
    let asked = version::asked(&request.document()?)?;
    let command = PutActive { program: program(app).clone(), asked, condition: request.precondition()? };
    let Activated { activation, was_there, schedule } = app.transact_program(caller, &command).await?;
    // This instance shall not be the last to know.
    app.forget_schedule().await;
    let (program, number, from) = (&command.program, activation.version, activation.from);
    tracing::info!(
        program.version = number,
        was_there,
        "version {number} of the program {program} is in force from {from}"
    );
    let answer = Answer::json(200, &ActivatedAnswer::of(program, activation));
    Ok(answer.replayed(was_there).tagged_in_part(schedule).impersonal())
}

async fn active(app: &App) -> Result<Answer, Error> {
    let timeline = app.store().timeline(program(app)).await?;
    let active = ActiveAnswer::of(program(app), &timeline, app.clock().now());
    Ok(Answer::json(200, &active).tagged(timeline.version).impersonal())
}

async fn versions(app: &App, request: &Request) -> Result<Answer, Error> {
    request.takes(&["limit", "cursor"])?;
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let below = request.cursor()?.map(|below| parameter("cursor", u32::try_from(below))).transpose()?;
    let page = app.store().versions_page(program(app), below, limit).await?;
    let spans = Span::all(&app.store().timeline(program(app)).await?);
    let planned = |version: &Version| PlannedAnswer::of(program(app), version, &spans, None);
    let next_cursor = page.next.map(|below| http::cursor(below.into()));
    let versions = page.versions.iter().map(planned).collect();
    Ok(Answer::json(200, &VersionsAnswer { versions, next_cursor: next_cursor.clone() }).next(next_cursor).impersonal())
}

async fn one_version(app: &App, number: u32) -> Result<Answer, Error> {
    let (version, document) = stored(app, number).await?;
    let spans = Span::all(&app.store().timeline(program(app)).await?);
    let planned = PlannedAnswer::of(program(app), &version, &spans, Some(document));
    Ok(Answer::json(200, &planned).tagged(number.into()).impersonal())
}
