//! Shared codes: `/v1/shared-codes`, for the merchant alone.

use domain::code::Code;
use domain::decision::{Context, Decision, Record, Rejection};
use domain::idempotency::CommandKey;
use domain::money::Overflow;
use domain::precondition::Precondition;
use domain::shared_code::{self, SharedCode, SharedCodeAnswer, SharedCodeDocument, SharedCodesAnswer};
use domain::time::Instant;
use runtime::http::{self, Answer, Request, parameter};
use runtime::{App, Caller, Command, Error, Scope};
use store::{Consistency, Fault, Store};

pub(crate) const LISTED_USUAL: u16 = 20;
pub(crate) const LISTED_MAX: u16 = 100;

/// Issue a shared code, once per `Idempotency-Key`.
struct Issue {
    key: CommandKey,
    document: SharedCodeDocument,
    /// The codes that the key stands for, under each live secret: a repeat finds its first answer after a change of it.
    codes: Vec<Code>,
}

/// The code, and whether it was issued before.
type Issued = (SharedCode, bool);

impl Issue {
    async fn held(&self, store: &Store, consistency: Consistency) -> Result<Option<SharedCode>, Fault> {
        for code in &self.codes {
            let held = store.shared_code(code, consistency).await?;
            if let Some(held) = held.filter(|held| held.key == self.key) {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    fn repeat(&self, held: &SharedCode) -> Result<Issued, Rejection> {
        Ok((held.repeat(&self.document)?, true))
    }
}

impl Command for Issue {
    type State = Option<SharedCode>;
    type Answer = Issued;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Option<SharedCode>, Fault> {
        self.held(store, consistency).await
    }

    fn last_decided(_: &Option<SharedCode>) -> Option<Instant> {
        None
    }

    fn decide(&self, held: &Option<SharedCode>, context: &Context<'_>) -> Result<Decision<Issued>, Rejection> {
        let issued = shared_code::issue(&self.document, &self.key, held.as_ref(), context)?;
        Ok(Decision { writes: issued.writes, answer: (issued.answer, held.is_some()) })
    }

    async fn recall(&self, store: &Store) -> Result<Option<Result<Issued, Rejection>>, Fault> {
        Ok(self.held(store, Consistency::Strong).await?.map(|held| self.repeat(&held)))
    }

    fn meet(&self, existing: &Record) -> Option<Result<Issued, Rejection>> {
        match existing {
            Record::SharedCode(held) if held.key == self.key => Some(self.repeat(held)),
            _ => None,
        }
    }
}

/// End a shared code.
struct End {
    code: Code,
    condition: Precondition,
}

impl Command for End {
    type State = Option<SharedCode>;
    type Answer = SharedCode;

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Option<SharedCode>, Fault> {
        store.shared_code(&self.code, consistency).await
    }

    fn last_decided(_: &Option<SharedCode>) -> Option<Instant> {
        None
    }

    fn decide(&self, held: &Option<SharedCode>, context: &Context<'_>) -> Result<Decision<SharedCode>, Rejection> {
        let decision = shared_code::end(held.as_ref(), context)?;
        self.condition.judge(held.as_ref().map(|held| held.version), decision)
    }
}

fn code(text: &str) -> Result<Code, Error> {
    Ok(Code::parse(text).map_err(|_| Rejection::UnknownSharedCode)?)
}

pub async fn post(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::ProgramWrite)?;
    request.takes(&[])?;
    // Its days and its money are those of the program in force.
    let schedule = app.schedule().await?;
    let program = &schedule.at(app.clock().now()).program;
    let document = SharedCodeDocument::from_json(&request.document()?, program)?;
    let key = request.command_key(caller, "POST /v1/shared-codes")?;
    let codes = app.secrets().shared_codes(key.as_str());
    let (issued, repeated) = app.transact(caller, &Issue { key, document, codes }).await?;
    // The code itself is as good as money.
    tracing::info!(uses = issued.terms.uses, repeated, "issued a shared code");
    let place = format!("/v1/shared-codes/{}", issued.code);
    Ok(Answer::once(&SharedCodeAnswer::of(issued, None), repeated).location(place))
}

pub async fn get(app: &App, caller: &Caller, text: &str) -> Result<Answer, Error> {
    caller.require_all(Scope::MetricsRead)?;
    let found = app.store().shared_code(&code(text)?, Consistency::Strong).await?;
    let found = found.ok_or(Rejection::UnknownSharedCode)?;
    let used = match found.limit_id() {
        Some(id) => Some(app.store().limit(id, Consistency::Strong).await?.used()),
        None => None,
    };
    let used = used.transpose().map_err(|Overflow| Rejection::Overflow)?;
    let version = found.version;
    Ok(Answer::json(200, &SharedCodeAnswer::of(found, used)).tagged(version))
}

pub async fn list(app: &App, caller: &Caller, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::MetricsRead)?;
    request.takes(&["limit", "cursor"])?;
    let limit = request.limit(LISTED_USUAL, LISTED_MAX)?;
    let after = request.text_cursor()?.map(|text| parameter("cursor", Code::parse(&text))).transpose()?;
    let page = app.store().shared_codes(after.as_ref(), limit).await?;
    let next_cursor = page.next.map(|code| http::text_cursor(code.as_str()));
    let shared_codes = page.codes.into_iter().map(|code| SharedCodeAnswer::of(code, None)).collect();
    let answer = SharedCodesAnswer { shared_codes, next_cursor: next_cursor.clone() };
    Ok(Answer::json(200, &answer).next(next_cursor))
}

pub async fn delete(app: &App, caller: &Caller, text: &str, request: &Request) -> Result<Answer, Error> {
    caller.require_all(Scope::ProgramWrite)?;
    let ended = app.transact(caller, &End { code: code(text)?, condition: request.precondition()? }).await?;
    tracing::info!("ended a shared code");
    let version = ended.version;
    Ok(Answer::json(200, &SharedCodeAnswer::of(ended, None)).tagged_in_part(version))
}
