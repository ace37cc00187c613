//! Opens and closes surveys, takes what contacts answer, and shows both: `/v1/surveys/...`.
//!
//! What contacts answer in their own words is personal data: it is stored and shown, and stands in no log.

mod answers;
#[cfg(feature = "schema")]
pub mod api;
mod commands;

use answers::{ContactAnswer, ContactAnswers, SurveyAnswer, SurveysAnswer};
use commands::{GiveAnswer, PutSurvey};
use domain::decision::Rejection;
use domain::id::{AccountId, SurveyId};
use domain::membership::Put;
use domain::survey::{self, Outcome, Respondent, Survey};
use domain::time::Instant;
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Caller, Error, Fault, RequestFault, Scope, Trigger, logs};
use serde_json::Value;
use store::Consistency;

const LISTED_USUAL: u16 = 20;
const LISTED_MAX: u16 = 100;

/// One Lambda invocation: an HTTP request.
pub async fn handle(app: &App, event: Value) -> Result<Value, Fault> {
    let request = Trigger::of(event)?.http()?;
    Ok(http::respond(&request, over_http(app, &request).await))
}

async fn over_http(app: &App, request: &Request) -> Result<Answer, Error> {
    let caller = request.caller()?;
    let (method, path) = request.route();
    match (method, path.as_slice()) {
        ("GET", ["v1", "surveys"]) => surveys(app, &caller, request).await,
        ("PUT", ["v1", "surveys", id]) => put_survey(app, &caller, survey_id(id)?, request).await,
        ("GET", ["v1", "surveys", id]) => get_survey(app, &caller, survey_id(id)?, request).await,
        ("POST", ["v1", "surveys", id, "answers"]) => give_answer(app, &caller, survey_id(id)?, request).await,
        ("GET", ["v1", "surveys", id, "answers"]) => answers(app, &caller, survey_id(id)?, request).await,
        _ => Err(RequestFault::NoSuchRoute.into()),
    }
}

fn survey_id(text: &str) -> Result<SurveyId, Error> {
    parameter("survey_id", SurveyId::parse(text))
}

async fn put_survey(app: &App, caller: &Caller, id: SurveyId, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::ProgramWrite)?;
    let document = survey::survey_document(&request.document()?)?;
    let command = PutSurvey { id, document, condition: request.precondition()? };
    let (survey, put) = app.transact(caller, &command).await?;
    let id = &survey.survey_id;
    tracing::info!(survey.id = %id, status = ?survey.terms.status, "stored survey {id}");
    let status = match put {
        Put::Created => 201,
        Put::Stored => 200,
    };
    let place = format!("/v1/surveys/{id}");
    Ok(shown(status, survey, app.clock().now()).location(place))
}

fn shown(status: u16, survey: Survey, now: Instant) -> Answer {
    let version = survey.version;
    Answer::json(status, &SurveyAnswer::of(survey, now)).tagged(version)
}

/// An account's own token sees a survey that it can name, to show what is asked, but no list of them.
async fn get_survey(app: &App, caller: &Caller, id: SurveyId, request: &Request) -> Result<Answer, Error> {
    caller.require_any(Scope::MetricsRead)?;
    request.takes(&[])?;
    let survey = app.store().survey(&id, Consistency::Strong).await?.ok_or(Rejection::UnknownSurvey)?;
    Ok(shown(200, survey, app.clock().now()))
}

async fn surveys(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::MetricsRead)?;
    request.takes(&["limit", "cursor"])?;
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let after = request.text_cursor()?.map(|text| parameter("cursor", SurveyId::parse(&text))).transpose()?;
    let page = app.store().surveys_page(after.as_ref(), limit).await?;
    let now = app.clock().now();
    let surveys = page.surveys.into_iter().map(|survey| SurveyAnswer::of(survey, now)).collect();
    let next_cursor = page.next.map(|id| http::text_cursor(id.as_str()));
    Ok(Answer::json(200, &SurveysAnswer { surveys, next_cursor: next_cursor.clone() }).next(next_cursor))
}

async fn give_answer(app: &App, caller: &Caller, survey_id: SurveyId, request: &Request) -> Result<Answer, Error> {
    caller.require_any(Scope::AccountsWrite)?;
    let document = survey::answer_document(&request.document()?)?;
    logs::about_account(&document.respondent.account_id);
    caller.require_for(Scope::AccountsWrite, &document.respondent.account_id)?;
    let (answer, outcome) = app.transact(caller, &GiveAnswer { survey_id, document }).await?;
    let (id, Respondent { account_id, contact_id }) = (&answer.survey_id, &answer.respondent);
    tracing::info!(
        survey.id = %id, account.id = %account_id, contact.id = %contact_id, ?outcome, "took an answer to survey {id}",
    );
    let answer = ContactAnswer::of(answer);
    Ok(match outcome {
        Outcome::New => Answer::json(201, &answer),
        Outcome::Changed => Answer::json(200, &answer),
        Outcome::Repeated => Answer::json(200, &answer).replayed(true),
    })
}

async fn answers(app: &App, caller: &Caller, id: SurveyId, request: &Request) -> Result<Answer, Error> {
    caller.require_any(Scope::MetricsRead)?;
    request.takes(&["account_id", "limit", "cursor"])?;
    let account = shown_account(caller, request)?;
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let after = position(request, account.as_ref())?;
    let page = match &account {
        Some(account) => app.store().answers_of_account(&id, account, after.as_ref(), limit).await?,
        None => app.store().answers_page(&id, after.as_ref(), limit).await?,
    };
    if page.answers.is_empty() && app.store().survey(&id, Consistency::Strong).await?.is_none() {
        return Err(Rejection::UnknownSurvey.into());
    }
    let next_cursor = page.next.map(|respondent| http::text_cursor(&respondent.to_string()));
    let answers = page.answers.into_iter().map(ContactAnswer::of).collect();
    Ok(Answer::json(200, &ContactAnswers { answers, next_cursor: next_cursor.clone() }).next(next_cursor))
}

/// The account whose answers are asked for; `None`: all. An account's own token asks for its own, said or not.
fn shown_account(caller: &Caller, request: &Request) -> Result<Option<AccountId>, Error> {
    let stated = request.query("account_id").map(|text| parameter("account_id", AccountId::parse(text))).transpose()?;
    let account = stated.or_else(|| caller.own_account().cloned());
    match &account {
        Some(account) => caller.require_for(Scope::MetricsRead, account)?,
        None => caller.require_all(Scope::MetricsRead)?,
    }
    Ok(account)
}

/// After whose answer the page begins: one of the account that is asked for, where one is.
fn position(request: &Request, account: Option<&AccountId>) -> Result<Option<Respondent>, Error> {
    let Some(text) = request.text_cursor()? else { return Ok(None) };
    let after = parameter("cursor", Respondent::parse(&text))?;
    if account.is_some_and(|account| *account != after.account_id) {
        return parameter("cursor", Err("must be a cursor from an earlier answer to the same question"));
    }
    Ok(Some(after))
}
