//! Who calls, and what they may do. Denied unless something says otherwise.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use domain::document::has_address;
use domain::id::AccountId;
use domain::idempotency::CommandKey;
use domain::ledger::IMPORTER;
use serde_json::Value;

/// What a caller may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// State orders.
    OrdersWrite,
    /// Read accounts and what they did.
    AccountsRead,
    /// Enrol and change accounts.
    AccountsWrite,
    /// Change what the merchant runs: the program, surveys.
    ProgramWrite,
    /// Read what the merchant runs and measures: the program, metrics, surveys and their answers.
    MetricsRead,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::OrdersWrite, Self::AccountsRead, Self::AccountsWrite, Self::ProgramWrite, Self::MetricsRead];

    /// Its name in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::OrdersWrite => "orders:write",
            Self::AccountsRead => "accounts:read",
            Self::AccountsWrite => "accounts:write",
            Self::ProgramWrite => "program:write",
            Self::MetricsRead => "metrics:read",
        }
    }

    /// The one of this name. Those of other services mean nothing here.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// Why a caller may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The request carries no identity.
    Unknown,
    /// The identity lacks this scope.
    Scope(Scope),
    /// The identity is another account's.
    OtherAccount,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    id: String,
    scopes: Vec<Scope>,
    account: Option<AccountId>,
}

impl Caller {
    /// The caller that the gateway's authorizer verified, of a request in payload format 2.0.
    pub fn of_request(event: &Value) -> Result<Self, Denied> {
        let authorizer = event.get("requestContext").and_then(|context| context.get("authorizer"));
        let jwt = authorizer.and_then(|authorizer| authorizer.get("jwt")).ok_or(Denied::Unknown)?;
        let claim = |name: &str| jwt.get("claims")?.get(name);
        let stated = |name: &str| claim(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let id = stated("sub").or_else(|| stated("client_id")).ok_or(Denied::Unknown)?;
        // What the token says counts, not the `scopes` beside its claims: those are the route's.
        let scopes = ["scope", "scp"].into_iter().filter_map(stated).flat_map(listed_in).filter_map(Scope::named);
        // A claim that is there and cannot be read denies: an empty one must not mean "every account".
        if has_unusable_account(event) {
            return Err(Denied::Unknown);
        }
        let account = match claim("account_id") {
            Some(Value::String(text)) => Some(AccountId::parse(text).map_err(|_| Denied::Unknown)?),
            Some(_) => return Err(Denied::Unknown),
            None => None,
        };
        Ok(Self { id: named(id), scopes: scopes.collect(), account })
    }

    /// A machine of the merchant that puts events on the bus. Who may put them there is the bus's policy.
    pub fn of_event(source: &str) -> Self {
        Self { id: format!("event:{}", named(source)), scopes: vec![Scope::OrdersWrite], account: None }
    }

    /// The person at the keyboard of the command line.
    pub fn operator(task: &str) -> Self {
        Self { id: task.to_owned(), scopes: Scope::ALL.into(), account: None }
    }

    /// Who it is, for the ledger.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The account that it is, of an account's own token.
    pub fn own_account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// Fails unless the caller may do this at least to its own account.
    pub fn require_any(&self, scope: Scope) -> Result<(), Denied> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(Denied::Scope(scope)) }
    }

    /// Fails unless the caller may do this to every account.
    pub fn require_all(&self, scope: Scope) -> Result<(), Denied> {
        self.require_any(scope)?;
        if self.account.is_some() { Err(Denied::OtherAccount) } else { Ok(()) }
    }

    /// Fails unless the caller may do this to this account.
    pub fn require_for(&self, scope: Scope, account: &AccountId) -> Result<(), Denied> {
        self.require_any(scope)?;
        match &self.account {
            Some(own) if own != account => Err(Denied::OtherAccount),
            _ => Ok(()),
        }
    }
}

/// Most characters of a subject that stands as it is: OpenID Connect has no longer ones.
const SUBJECT_CHARS_MAX: usize = 255;

/// Who calls, as entries name it for good. An issuer's subject says nothing by itself and stays as it is; one that uses
/// e-mail addresses, or is longer than any should be, stands as a hash, which tells one from another all the same.
fn named(subject: &str) -> String {
    match subject {
        // By this name the ledger knows what was imported, which is announced to nobody.
        IMPORTER => format!("sub:{subject}"),
        _ if has_address(subject) || subject.chars().count() > SUBJECT_CHARS_MAX => {
            format!("sub:{}", CommandKey::of_subject(subject).as_str())
        }
        _ => subject.to_owned(),
    }
}

/// Whether the token names an account by anything but text. Its claims do not show that: API Gateway leaves `null` out,
/// which would make it the merchant's own, and hands on `7` and `true` as the ids that they could be. So this looks into
/// the token itself, as the gateway has verified it; where a request comes with none that can be read, its claims are all
/// there is.
fn has_unusable_account(event: &Value) -> bool {
    let header = event.get("headers").and_then(|headers| headers.get("authorization")).and_then(Value::as_str);
    let payload = header.and_then(|token| token.split('.').nth(1)).map(|part| part.trim_end_matches('='));
    let payload = payload.and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let claims = payload.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()).unwrap_or_default();
    claims.get("account_id").is_some_and(|account| !account.is_string())
}

/// The names in a claim: issuers write text with spaces between, or an array, which reaches a function as `[a b]`.
fn listed_in(claim: &str) -> impl Iterator<Item = &str> {
    let array = claim.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    array.unwrap_or(claim).split(' ')
}
