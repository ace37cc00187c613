//! The public keys of an issuer, as it serves them at its `jwks_uri`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
};
use serde::Deserialize;

/// Lengths of the modulus that a signature is checked with.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 2048 / 8..=8192 / 8;

/// The keys that may have signed a token, by their `kid`.
#[derive(Debug, Clone)]
pub struct Keys(BTreeMap<String, Key>);

/// Why a document cannot be taken for an issuer's keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It is no JWKS document.
    #[error("no JWKS document: {0}")]
    Malformed(#[from] serde_json::Error),
    /// No token could be checked with it.
    #[error("there is no RSA key for signatures with a kid, and API Gateway takes no other")]
    None,
    /// A key cannot be used.
    #[error("the key {kid} {fault}")]
    Key {
        /// Its name.
        kid: String,
        /// What is wrong with it.
        fault: &'static str,
    },
}

/// How a token is signed; API Gateway takes RSA only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
}

impl Algorithm {
    /// The one of this name. There is none for `none`, and none whose key is secret: with a public one anybody could
    /// sign.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "RS384" => Some(Self::Rs384),
            "RS512" => Some(Self::Rs512),
            _ => None,
        }
    }
}

/// One key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    public: RsaPublicKeyComponents<Vec<u8>>,
    /// The only one it signs with, if it says so.
    algorithm: Option<Algorithm>,
}

impl Key {
    pub(super) fn has_signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let parameters = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        };
        self.algorithm.is_none_or(|own| own == algorithm) && self.public.verify(parameters, message, signature).is_ok()
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Stated>,
}

#[derive(Deserialize)]
struct Stated {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Keys {
    /// Those of a JWKS document. An issuer may have other keys beside: they are left out.
    pub fn parse(document: &str) -> Result<Self, KeysError> {
        let document = serde_json::from_str::<Document>(document)?;
        let mut keys = BTreeMap::new();
        for stated in document.keys {
            let Some((kid, algorithm)) = usable(&stated) else { continue };
            let unusable = |fault| KeysError::Key { kid: kid.clone(), fault };
            let key = Key { public: public(&stated).map_err(unusable)?, algorithm };
            if keys.insert(kid.clone(), key).is_some() {
                return Err(unusable("stands there twice"));
            }
        }
        if keys.is_empty() { Err(KeysError::None) } else { Ok(Self(keys)) }
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Key> {
        self.0.get(kid)
    }
}

/// The name of a key that signs tokens as API Gateway takes them, and the algorithm it is bound to, if to any.
fn usable(stated: &Stated) -> Option<(String, Option<Algorithm>)> {
    let algorithm = match &stated.alg {
        Some(name) => Some(Algorithm::named(name)?),
        None => None,
    };
    let signs = stated.kty == "RSA" && stated.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
    stated.kid.clone().filter(|_| signs).map(|kid| (kid, algorithm))
}

fn public(stated: &Stated) -> Result<RsaPublicKeyComponents<Vec<u8>>, &'static str> {
    let number = |text: &Option<String>| {
        let bytes = URL_SAFE_NO_PAD.decode(text.as_deref()?.trim_end_matches('=')).ok()?;
        // Some write a sign before it.
        Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>())
    };
    let (Some(n), Some(e)) = (number(&stated.n), number(&stated.e)) else {
        return Err("needs n and e in base64url");
    };
    match MODULUS_BYTES.contains(&n.len()) {
        true => Ok(RsaPublicKeyComponents { n, e }),
        false => Err("must have 2048 to 8192 bits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parsed(document: &Value) -> Result<Vec<String>, String> {
        let keys = Keys::parse(&document.to_string()).map_err(|error| error.to_string())?;
        Ok(keys.0.into_keys().collect())
    }

    fn key(kid: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut key = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "e": "AQAB"});
        key["n"] = json!(URL_SAFE_NO_PAD.encode([0xff; 256]));
        change(&mut key);
        key
    }

    #[test]
    fn keys_that_sign_no_token_are_left_out() {
        let keys = json!({"keys": [
            key("plain", |_| {}),
            key("any", |key| *key = json!({"kty": "RSA", "kid": "any", "n": key["n"], "e": "AQAB"})),
            key("signed", |key| key["n"] = json!(URL_SAFE_NO_PAD.encode([&[0][..], &[0xff; 256]].concat()))),
            key("padded", |key| key["e"] = json!("AQ==")),
            key("encrypts", |key| key["use"] = json!("enc")),
            key("wraps", |key| key["alg"] = json!("RSA-OAEP")),
            key("curve", |key| *key = json!({"kty": "EC", "kid": "curve", "crv": "P-256", "x": "", "y": ""})),
            key("secret", |key| *key = json!({"kty": "oct", "kid": "secret", "k": "AAAA"})),
            key("nameless", |key| key["kid"] = Value::Null),
        ]});
        assert_eq!(parsed(&keys).unwrap(), ["any", "padded", "plain", "signed"]);
    }

    #[test]
    fn a_document_that_no_token_could_be_checked_with_is_refused() {
        let short = URL_SAFE_NO_PAD.encode([0xff; 255]);
        let rows = [
            (json!({}), "no JWKS document: missing field `keys`"),
            (json!({"keys": []}), "there is no RSA key for signatures with a kid, and API Gateway takes no other"),
            (json!({"keys": [key("k", |key| key["use"] = json!("enc"))]}), "there is no RSA key for signatures"),
            (json!({"keys": [key("k", |key| key["n"] = json!(short))]}), "the key k must have 2048 to 8192 bits"),
            (json!({"keys": [key("k", |key| key["n"] = json!("+/"))]}), "the key k needs n and e in base64url"),
            (json!({"keys": [key("k", |key| key["e"] = Value::Null)]}), "the key k needs n and e in base64url"),
            (json!({"keys": [key("k", |_| {}), key("k", |_| {})]}), "the key k stands there twice"),
        ];
        for (document, expected) in rows {
            let error = parsed(&document).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
