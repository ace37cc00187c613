use super::*;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair};

/// The key of the issuer, and one of somebody else.
const OWN: &[u8] = include_bytes!("../../../../../tests/keys/for-tests-only.pk8");
const STRANGE: &[u8] = include_bytes!("../../../../../tests/keys/for-tests-only-of-nobody.pk8");

/// The instant of all tests, in seconds.
const NOW: i64 = 1_300_000_000;

fn modulus(key: &[u8]) -> Vec<u8> {
    PublicKeyComponents::<Vec<u8>>::from(RsaKeyPair::from_pkcs8(key).unwrap().public()).n
}

pub(in crate::gateway) fn issuer() -> Issuer {
    let key = json!({"kty": "RSA", "kid": "k1", "use": "sig", "n": URL_SAFE_NO_PAD.encode(modulus(OWN)), "e": "AQAB"});
    let mut bound = key.clone();
    (bound["kid"], bound["alg"]) = (json!("rs256-only"), json!("RS256"));
    let keys = Keys::parse(&json!({"keys": [key, bound]}).to_string()).unwrap();
    Issuer { url: "https://login.example/".to_owned(), audience: "guilder".to_owned(), keys }
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": "k1", "typ": "JWT"})
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example/", "aud": "guilder", "sub": "shop", "scope": "orders:write accounts:read",
        "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 60,
    })
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(key: &[u8], encoding: &'static dyn RsaEncoding, message: &str) -> String {
    let pair = RsaKeyPair::from_pkcs8(key).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn token(header: &Value, claims: &Value) -> String {
    signed(OWN, &RSA_PKCS1_SHA256, &format!("{}.{}", encoded(header), encoded(claims)))
}

fn asked(value: &str, now_ms: i64) -> Result<Value, Refusal> {
    issuer().authorize(&[("Authorization".to_owned(), value.to_owned())], Scope::OrdersWrite, Instant::from_ms(now_ms))
}

fn ask(value: &str) -> Result<Value, Refusal> {
    asked(value, NOW * 1000)
}

#[test]
fn what_a_token_claims_is_handed_on_as_text() {
    let mut claims = claims();
    for (name, value) in [
        ("groups", json!(["buyers", 7, true, null])),
        ("email_verified", json!(true)),
        ("org", json!({"id": 5})),
        ("nickname", Value::Null),
        ("empty", json!([])),
    ] {
        claims[name] = value;
    }
    let context = ask(&format!("Bearer {}", token(&header(), &claims))).unwrap();
    let expected = json!({
        "iss": "https://login.example/", "aud": "guilder", "sub": "shop", "scope": "orders:write accounts:read",
        "iat": "1299999940", "nbf": "1299999940", "exp": "1300000060", "groups": "[buyers 7 true null]",
        "email_verified": "true", "org": "{\"id\":5}", "empty": "[]",
    });
    assert_eq!(context, json!({"jwt": {"claims": expected, "scopes": ["orders:write"]}}));
}

#[test]
fn a_token_may_stand_with_its_scheme_or_alone() {
    let token = token(&header(), &claims());
    for value in [token.clone(), format!("bearer {token}"), format!("BEARER  {token} "), format!(" {token}")] {
        assert!(ask(&value).is_ok(), "{value}");
    }
    for value in [format!("Basic {token}"), format!("Bearer{token}"), format!("{token},{token}"), "Bearer".to_owned()] {
        assert_eq!(ask(&value), Err(Refusal::Malformed), "{value}");
    }
    assert_eq!(ask(""), Err(Refusal::Missing));
    assert_eq!(ask("  "), Err(Refusal::Missing));
    let of =
        |headers: &[(String, String)]| issuer().authorize(headers, Scope::OrdersWrite, Instant::from_ms(NOW * 1000));
    assert_eq!(of(&[("x-authorization".to_owned(), token.clone())]), Err(Refusal::Missing));
    let twice = [("authorization", ""), ("Authorization", token.as_str())];
    let twice = twice.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(of(&twice), Err(Refusal::Malformed));
}

#[test]
fn each_claim_decides_by_itself() {
    let some = |name: &'static str, value: Value, expected: Result<(), Refusal>| (vec![(name, Some(value))], expected);
    let without = |name: &'static str, expected| (vec![(name, None)], expected);
    let client =
        |aud: Option<Value>, client: &str, expected| (vec![("aud", aud), ("client_id", Some(json!(client)))], expected);
    let rows = [
        (vec![], Ok(())),
        some("iss", json!("https://login.example"), Err(Refusal::Issuer)),
        some("iss", json!("https://login.example/x"), Err(Refusal::Issuer)),
        some("iss", json!(["https://login.example/"]), Err(Refusal::Issuer)),
        without("iss", Err(Refusal::Issuer)),
        some("aud", json!("guilder-test"), Err(Refusal::Audience)),
        some("aud", json!("Guilder"), Err(Refusal::Audience)),
        some("aud", json!(""), Err(Refusal::Audience)),
        some("aud", json!(null), Err(Refusal::Audience)),
        some("aud", json!({"guilder": "guilder"}), Err(Refusal::Audience)),
        some("aud", json!([]), Err(Refusal::Audience)),
        some("aud", json!(["other", "another"]), Err(Refusal::Audience)),
        some("aud", json!(["other", "guilder"]), Ok(())),
        without("aud", Err(Refusal::Audience)),
        client(None, "guilder", Ok(())),
        client(None, "shop", Err(Refusal::Audience)),
        client(Some(json!("other")), "guilder", Err(Refusal::Audience)),
        client(Some(json!(null)), "guilder", Err(Refusal::Audience)),
        client(Some(json!("guilder")), "shop", Ok(())),
        some("exp", json!(NOW - 1), Err(Refusal::Expired)),
        some("exp", json!(NOW), Err(Refusal::Expired)),
        some("exp", json!(NOW + 1), Ok(())),
        some("exp", json!(-1), Err(Refusal::Expired)),
        some("exp", json!(i64::MAX), Err(Refusal::Malformed)),
        some("exp", json!(u64::MAX), Err(Refusal::Malformed)),
        some("exp", json!("1300000060"), Err(Refusal::Malformed)),
        some("exp", json!(1_300_000_060.5), Err(Refusal::Malformed)),
        some("exp", json!(null), Err(Refusal::Malformed)),
        without("exp", Err(Refusal::Malformed)),
        some("nbf", json!(NOW), Ok(())),
        some("nbf", json!(NOW + 1), Err(Refusal::Early)),
        some("nbf", json!("soon"), Err(Refusal::Malformed)),
        without("nbf", Ok(())),
        some("iat", json!(NOW), Ok(())),
        some("iat", json!(NOW + 1), Err(Refusal::Early)),
        some("iat", json!(true), Err(Refusal::Malformed)),
        without("iat", Ok(())),
        without("sub", Ok(())),
        without("scope", Err(Refusal::Scope)),
        some("scope", json!("orders:write"), Ok(())),
        some("scope", json!(["openid", "orders:write"]), Ok(())),
        some("scope", json!("accounts:read"), Err(Refusal::Scope)),
        some("scope", json!("orders:writer ORDERS:WRITE loyalty/orders:write"), Err(Refusal::Scope)),
        some("scope", json!("orders:write,accounts:read"), Err(Refusal::Scope)),
        some("scope", json!(["orders:write accounts:read"]), Err(Refusal::Scope)),
        some("scope", json!([["orders:write"]]), Err(Refusal::Scope)),
        some("scope", json!({"orders:write": true}), Err(Refusal::Scope)),
        some("scope", json!(null), Err(Refusal::Scope)),
        some("scope", json!([]), Err(Refusal::Scope)),
        some("scope", json!(""), Err(Refusal::Scope)),
        (vec![("scope", None), ("scp", Some(json!(["orders:write"])))], Ok(())),
        (vec![("scope", None), ("scp", Some(json!("openid orders:write")))], Ok(())),
        (vec![("scope", None), ("roles", Some(json!("orders:write")))], Err(Refusal::Scope)),
        // Whether a token is valid is told before what it lacks.
        (vec![("scope", None), ("exp", Some(json!(NOW)))], Err(Refusal::Expired)),
    ];
    for (changes, expected) in rows {
        let mut claims = claims();
        for (name, value) in &changes {
            match value {
                Some(value) => claims[*name] = value.clone(),
                None => drop(claims.as_object_mut().unwrap().remove(*name)),
            }
        }
        assert_eq!(ask(&token(&header(), &claims)).map(drop), expected, "{changes:?}");
    }
}

#[test]
fn a_token_lives_until_the_very_millisecond() {
    let token = token(&header(), &claims());
    let (begin, end) = ((NOW - 60) * 1000, (NOW + 60) * 1000);
    assert_eq!(asked(&token, begin - 1), Err(Refusal::Early));
    assert!(asked(&token, begin).is_ok() && asked(&token, end - 1).is_ok());
    assert_eq!(asked(&token, end), Err(Refusal::Expired));
    assert_eq!(asked(&token, end + 1000), Err(Refusal::Expired));
}

#[test]
fn each_algorithm_of_rsa_is_taken_with_a_key_that_is_not_bound_to_another() {
    let encodings: [(&str, &'static dyn RsaEncoding); 3] =
        [("RS256", &RSA_PKCS1_SHA256), ("RS384", &RSA_PKCS1_SHA384), ("RS512", &RSA_PKCS1_SHA512)];
    for (stated, _) in encodings {
        for (used, encoding) in encodings {
            for kid in ["k1", "rs256-only"] {
                let header = json!({"alg": stated, "kid": kid});
                let message = format!("{}.{}", encoded(&header), encoded(&claims()));
                let answer = ask(&signed(OWN, encoding, &message)).map(drop);
                let is_right = stated == used && (kid == "k1" || stated == "RS256");
                let expected = if is_right { Ok(()) } else { Err(Refusal::Signature) };
                assert_eq!(answer, expected, "{stated} by {used}, {kid}");
            }
        }
    }
}

#[test]
fn a_token_that_no_key_of_the_issuer_signed_is_refused() {
    let body = |header: &Value| format!("{}.{}", encoded(header), encoded(&claims()));
    // What confuses verifiers that let the token choose: a public key is no secret.
    let secret = |key: &[u8]| {
        let header = json!({"alg": "HS256", "kid": "k1"});
        let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key), body(&header).as_bytes());
        format!("{}.{}", body(&header), URL_SAFE_NO_PAD.encode(tag))
    };
    let der = RsaKeyPair::from_pkcs8(OWN).unwrap().public().as_ref().to_vec();
    let good = token(&header(), &claims());
    let (_, signature) = good.rsplit_once('.').unwrap();
    let mut more = claims();
    more["scope"] = json!("program:write");
    let tampered = format!("{}.{}.{signature}", encoded(&header()), encoded(&more));
    let renamed =
        format!("{}.{}.{signature}", encoded(&json!({"alg": "RS256", "kid": "rs256-only"})), encoded(&claims()));
    let strange = signed(STRANGE, &RSA_PKCS1_SHA256, &body(&header()));
    let unnamed = |header: Value| token(&header, &claims());
    let rows = [
        ("tampered", tampered, Refusal::Signature),
        ("renamed", renamed, Refusal::Signature),
        ("strange", strange, Refusal::Signature),
        ("cut", good[..good.len() - 6].to_owned(), Refusal::Signature),
        ("empty signature", format!("{}.", body(&header())), Refusal::Signature),
        ("none", format!("{}.", body(&json!({"alg": "none", "kid": "k1"}))), Refusal::Algorithm),
        ("None", format!("{}.", body(&json!({"alg": "None", "kid": "k1"}))), Refusal::Algorithm),
        ("secret of the modulus", secret(&modulus(OWN)), Refusal::Algorithm),
        ("secret of the key", secret(&der), Refusal::Algorithm),
        ("PS256", unnamed(json!({"alg": "PS256", "kid": "k1"})), Refusal::Algorithm),
        ("ES256", unnamed(json!({"alg": "ES256", "kid": "k1"})), Refusal::Algorithm),
        ("rs256", unnamed(json!({"alg": "rs256", "kid": "k1"})), Refusal::Algorithm),
        ("unknown kid", unnamed(json!({"alg": "RS256", "kid": "k2"})), Refusal::Key),
        ("no kid", unnamed(json!({"alg": "RS256"})), Refusal::Key),
        ("no alg", unnamed(json!({"kid": "k1"})), Refusal::Malformed),
        ("crit", unnamed(json!({"alg": "RS256", "kid": "k1", "crit": ["b64"], "b64": false})), Refusal::Malformed),
    ];
    for (what, token, expected) in rows {
        assert_eq!(ask(&token), Err(expected), "{what}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let good = token(&header(), &claims());
    let parts: Vec<_> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{good}") };
    let text = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let with = |header: &str, payload: &str| signed(OWN, &RSA_PKCS1_SHA256, &format!("{header}.{payload}"));
    let rows = [
        "x".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{header}.{payload}"),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.é"),
        format!("{header}.{payload}.+/"),
        with("", payload),
        with(header, ""),
        with(&text("no JSON"), payload),
        with(header, &text("no JSON")),
        with(&text("[]"), payload),
        with(header, &text("[]")),
        with(header, &text("\"text\"")),
        with(header, &text("null")),
        with(header, &format!("{payload}=")),
        with(&text(r#"{"alg": "RS256", "kid": 1}"#), payload),
        with(&text(r#"{"alg": null, "kid": "k1"}"#), payload),
        with(&text(r#"{"alg": "none", "alg": "RS256", "kid": "k1"}"#), payload),
        with(header, &URL_SAFE_NO_PAD.encode([0xff, 0xfe])),
    ];
    for token in rows {
        assert_eq!(ask(&token), Err(Refusal::Malformed), "{token}");
    }
}

#[test]
fn a_refusal_says_why_and_repeats_nothing() {
    assert_eq!(Refusal::Missing.challenge(), "Bearer");
    let expected =
        r#"Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience""#;
    assert_eq!(Refusal::Audience.challenge(), expected);
}
