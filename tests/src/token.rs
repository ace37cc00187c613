//! Tokens of an OIDC provider that exists in tests only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Instant;
use local::gateway::issuer::{Issuer, Keys};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use runtime::Scope;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The provider's `iss`.
pub const ISSUER: &str = "https://login.example/";

/// What its tokens are for.
pub const AUDIENCE: &str = "guilder";

const KID: &str = "for-tests-only";

static KEY: LazyLock<RsaKeyPair> =
    LazyLock::new(|| RsaKeyPair::from_pkcs8(include_bytes!("../keys/for-tests-only.pk8")).unwrap());

/// The provider as a gateway knows it.
pub fn issuer() -> Issuer {
    let public = PublicKeyComponents::<Vec<u8>>::from(KEY.public());
    let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
    let document = json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID, "n": n, "e": e}]});
    let keys = Keys::parse(&document.to_string()).unwrap();
    Issuer { url: ISSUER.to_owned(), audience: AUDIENCE.to_owned(), keys }
}

/// What API Gateway hands on of a token with these claims and scopes. Beside the claims it names those that the route
/// asks for; functions must not take them for the token's, so here they are all there are.
pub fn authorizer(mut claims: Value, scopes: &[&str]) -> Value {
    claims["scope"] = json!(scopes.join(" "));
    json!({"jwt": {"claims": claims, "scopes": Scope::ALL.map(Scope::name)}})
}

/// What the provider says of a caller.
#[derive(Debug, Clone)]
pub struct Token(Value);

impl Token {
    /// For five minutes from now.
    pub fn new(subject: &str, now: Instant) -> Self {
        let now = now.as_ms() / 1000;
        Self(json!({"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 300}))
    }

    /// What the caller may do.
    #[must_use]
    pub fn scopes(self, scopes: &[&str]) -> Self {
        self.set("scope", json!(scopes.join(" ")))
    }

    /// The one account that the caller is.
    #[must_use]
    pub fn account(self, id: &str) -> Self {
        self.set("account_id", json!(id))
    }

    /// Any claim.
    #[must_use]
    pub fn set(mut self, claim: &str, value: Value) -> Self {
        self.0[claim] = value;
        self
    }

    /// Without this claim.
    #[must_use]
    pub fn without(mut self, claim: &str) -> Self {
        self.0.as_object_mut().unwrap().remove(claim);
        self
    }

    /// Signed by the provider.
    pub fn signed(&self) -> String {
        let header = json!({"alg": "RS256", "kid": KID, "typ": "JWT"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&self.0));
        let mut signature = vec![0; KEY.public().modulus_len()];
        KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
