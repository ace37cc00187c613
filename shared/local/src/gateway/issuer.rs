//! The JWT authorizer of the API: whose tokens the gateway takes, and what it hands on of them.
//!
//! It decides as API Gateway does for the authorizer of `template.yaml`, so that a token that passes here passes there:
//! an RSA signature by a key of the issuer that the token names, the issuer, the audience, and the times, without
//! leeway. Then the token must have the scope that the route states. Functions read from the claims, once more, what a
//! caller may do; whose account it is only they know.
//!
//! A token is a password while it lasts: nothing of it is logged or told, and no refusal repeats what it says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Instant;
use runtime::Scope;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value, json};

pub use keys::{Keys, KeysError};

use keys::Algorithm;

mod keys;

/// Who issues the tokens of callers.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Its `iss`.
    pub url: String,
    /// What its tokens must name as their `aud` or, where they name none, as their `client_id`.
    pub audience: String,
    /// Its public keys.
    pub keys: Keys,
}

/// Why a request is not let in; the text is what its sender is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It carries no token.
    #[error("the request carries no token")]
    Missing,
    /// What it carries is no JWT, or one that means something unknown.
    #[error("the token is malformed")]
    Malformed,
    /// The token is not signed, or not in a way that API Gateway takes.
    #[error("the token is not signed by RS256, RS384 or RS512")]
    Algorithm,
    /// It names no key, or none of the issuer.
    #[error("the token names no key of the issuer")]
    Key,
    /// It is not what the key has signed.
    #[error("the token does not have a valid signature")]
    Signature,
    /// It is somebody else's.
    #[error("the token does not have a valid issuer")]
    Issuer,
    /// It is for something else.
    #[error("the token does not have a valid audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    Early,
    /// It is valid, and does not allow what the route is for.
    #[error("the token lacks the scope")]
    Scope,
}

impl Refusal {
    /// The value of `www-authenticate`, in API Gateway's words.
    pub(super) fn challenge(self) -> String {
        match self {
            Self::Missing => "Bearer".to_owned(),
            _ => format!(r#"Bearer scope="" error="invalid_token" error_description="{self}""#),
        }
    }
}

/// The first part of a token.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions without which the token is not to be understood; none is known here.
    crit: Option<IgnoredAny>,
}

impl Issuer {
    /// What the authorizer hands on of the token in these headers, to a route that asks for this scope: its claims as
    /// text, and beside them what the token has of the route's scopes.
    pub fn authorize(&self, headers: &[(String, String)], asked: Scope, now: Instant) -> Result<Value, Refusal> {
        let claims = self.verified(presented(headers)?)?;
        self.check(&claims, now)?;
        if !allows(&claims, asked) {
            return Err(Refusal::Scope);
        }
        let texts = claims.iter().filter_map(|(name, claim)| Some((name.clone(), Value::String(text(claim)?))));
        Ok(json!({"jwt": {"claims": texts.collect::<Map<_, _>>(), "scopes": [asked.name()]}}))
    }

    /// The claims of a token that the issuer has signed.
    fn verified(&self, token: &str) -> Result<Map<String, Value>, Refusal> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let header = document::<Header>(header)?;
        let claims = document(payload)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Malformed)?;
        if header.crit.is_some() {
            return Err(Refusal::Malformed);
        }
        let algorithm = Algorithm::named(&header.alg).ok_or(Refusal::Algorithm)?;
        let key = header.kid.and_then(|kid| self.keys.get(&kid)).ok_or(Refusal::Key)?;
        match key.has_signed(algorithm, signed.as_bytes(), &signature) {
            true => Ok(claims),
            false => Err(Refusal::Signature),
        }
    }

    fn check(&self, claims: &Map<String, Value>, now: Instant) -> Result<(), Refusal> {
        if claims.get("iss").and_then(Value::as_str) != Some(self.url.as_str()) {
            return Err(Refusal::Issuer);
        }
        // One that is there counts, whatever it says.
        let audience = claims.get("aud").or_else(|| claims.get("client_id"));
        let named = match audience {
            Some(Value::Array(several)) => several.iter().any(|one| *one == self.audience),
            Some(one) => *one == self.audience,
            None => false,
        };
        if !named {
            return Err(Refusal::Audience);
        }
        let expiry = instant(claims, "exp")?.ok_or(Refusal::Malformed)?;
        let begins = [instant(claims, "nbf")?, instant(claims, "iat")?];
        match now {
            now if expiry <= now => Err(Refusal::Expired),
            now if begins.into_iter().flatten().any(|begin| begin > now) => Err(Refusal::Early),
            _ => Ok(()),
        }
    }
}

/// The token of a request: of the one `Authorization`, with `Bearer` before it or not.
fn presented(headers: &[(String, String)]) -> Result<&str, Refusal> {
    let values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let mut values = values.map(|(_, value)| value.trim());
    match (values.next(), values.next()) {
        (None | Some(""), None) => Err(Refusal::Missing),
        (Some(value), None) => match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start()),
            _ => Ok(value),
        },
        (_, Some(_)) => Err(Refusal::Malformed),
    }
}

/// A JSON object in base64url, without padding.
fn document<T: DeserializeOwned>(part: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Malformed)
}

/// Whether a token has a scope: in the claim `scope` or `scp`, text with spaces between, or an array.
fn allows(claims: &Map<String, Value>, asked: Scope) -> bool {
    let claimed = ["scope", "scp"].into_iter().filter_map(|name| claims.get(name));
    claimed.into_iter().any(|claim| match claim {
        Value::String(text) => text.split(' ').any(|name| name == asked.name()),
        Value::Array(several) => several.iter().any(|one| *one == asked.name()),
        _ => false,
    })
}

/// A claim in whole seconds since 1970; anything else that stands there is none.
fn instant(claims: &Map<String, Value>, name: &str) -> Result<Option<Instant>, Refusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_i64().ok_or(Refusal::Malformed)?;
    Ok(Some(Instant::from_ms(seconds.checked_mul(1000).ok_or(Refusal::Malformed)?)))
}

/// A claim as API Gateway writes it into the event: `null` not at all, an array as `[a b]`.
fn text(claim: &Value) -> Option<String> {
    match claim {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(several) => {
            let texts: Vec<_> = several.iter().map(|one| text(one).unwrap_or_else(|| "null".to_owned())).collect();
            Some(format!("[{}]", texts.join(" ")))
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
pub(super) mod tests;
