//! Nothing that somebody said of a person, no code and no token, stands in any line that is logged: every route and
//! event is sent personal data, in the places for it and in others, and everything that can go wrong with it does.

use crate::events::logged;
use crate::requests::*;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tests::{Cloud, Gateway};
use tracing::Level;

const NAME: &str = "Annabeth Privatissima";
const COMPANY: &str = "Privatissima Gewürzhandel";
const EMAIL: &str = "annabeth.p@privatissima.example";
const PHONE: &str = "+49 30 9017 3541";
const STREET: &str = "Verschwiegenweg 77";
const CITY: &str = "Stillhausen";
const BIRTHDAY: &str = "1964-07-19";
const VAT_ID: &str = "DE136695976";
const WORDS: &str = "whispered in confidence";

/// All that must not be found, written in other ways, too.
const PERSONAL: [&str; 16] = [
    NAME,
    "Annabeth",
    "Privatissima",
    COMPANY,
    "Gewürz",
    EMAIL,
    PHONE,
    "493090173541",
    "03090173541",
    STREET,
    "Verschwiegen",
    CITY,
    BIRTHDAY,
    VAT_ID,
    "136695976",
    WORDS,
];

/// Everything that was said, in its place.
fn told(document: &Value) -> Value {
    let mut told = document.clone();
    let Some(fields) = told.as_object_mut() else { return told };
    for (field, value) in fields.iter_mut() {
        match field.as_str() {
            "reason" | "note" | "reference" | "question" => *value = json!(WORDS),
            _ => {}
        }
    }
    told
}

/// The body of a request with personal data wherever it takes any.
fn personal(method: &str, target: &str, body: &str) -> String {
    let Ok(document) = serde_json::from_str::<Value>(body) else { return body.to_owned() };
    let mut document = told(&document);
    let identity = [
        ("email", json!(EMAIL)),
        ("phone", json!(PHONE)),
        ("country", json!("DE")),
        ("vat_id", json!(VAT_ID)),
        ("address", json!({"street": STREET, "postal_code": "04711", "city": CITY})),
    ];
    let parts: Vec<_> = target.split('/').skip(2).collect();
    let more: &[(&str, Value)] = match (method, parts.as_slice()) {
        ("PUT", ["accounts", "acme"]) => &[&identity[..], &[("name", json!(COMPANY))]].concat(),
        ("PUT", ["accounts", _, "contacts", _]) => {
            &[("name", json!(NAME)), ("email", json!(EMAIL)), ("birthday", json!(BIRTHDAY))]
        }
        ("POST", ["referrals", _, "redemptions"]) => {
            let said = [
                ("company", json!(COMPANY)),
                ("contact", json!({"name": NAME})),
                ("consent", json!({"wording": WORDS})),
            ];
            // Whoever is redeemed is another company.
            &[&identity[1..3], &[("vat_id", json!("DE129273398"))], &identity[4..], &said].concat()
        }
        ("POST", ["surveys", _, "answers"]) => &[("comment", json!(WORDS)), ("tags", json!([NAME]))],
        ("PUT", ["surveys", _]) => &[("question", json!(WORDS))],
        ("POST", ["accounts", _, "adjustments"] | ["accounts", _, "membership", "payments"]) => {
            &[("reference", json!(WORDS))]
        }
        ("POST", ["accounts", _, "redemptions"]) => &[("reference", json!(WORDS))],
        ("POST", ["orders", _, _, "payment"]) => &[("reference", json!(WORDS))],
        ("POST", ["invitations"]) => &[("note", json!(WORDS))],
        _ => &[],
    };
    more.iter().for_each(|(field, value)| document[*field] = value.clone());
    document.to_string()
}

/// Bodies that are at fault, each with personal data in it.
fn faulty(body: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(body).unwrap_or_else(|_| json!({}));
    let fields = || document.as_object().into_iter().flatten();
    let replaced = |value: Value| -> Value { fields().map(|(field, _)| (field.clone(), value.clone())).collect() };
    let mut unknown = document.clone();
    unknown[EMAIL] = json!(NAME);
    unknown["Annabeth"] = json!(WORDS);
    let nested = replaced(json!({ NAME: EMAIL, "Annabeth": [WORDS] }));
    vec![
        format!(r#"{{"name": "{NAME}", {EMAIL}"#),
        format!(r#"{{"{NAME}": 1, "{NAME}": 2}}"#),
        format!("\"{NAME}\""),
        unknown.to_string(),
        replaced(json!(format!("{NAME}\u{0}"))).to_string(),
        replaced(json!([NAME, { "Annabeth": EMAIL }])).to_string(),
        nested.to_string(),
    ]
}

/// What stands under names that stand for codes, and every code in an answer.
fn codes(answer: &Value, found: &mut BTreeSet<String>) {
    match answer {
        Value::Object(fields) => {
            for (field, value) in fields {
                match value {
                    Value::String(code) if ["code", "referral_code", "invitation_code"].contains(&field.as_str()) => {
                        // Codes of faults are words.
                        if code.len() >= 10
                            && code
                                .bytes()
                                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"=*$~".contains(&b))
                        {
                            found.insert(code.clone());
                        }
                    }
                    _ => codes(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| codes(item, found)),
        _ => {}
    }
}

/// Who is asking: sends requests with tokens, and remembers these and every code that it is told.
struct Caller<'a> {
    cloud: &'a Cloud,
    gateway: Gateway,
    secrets: BTreeSet<String>,
}

impl Caller<'_> {
    async fn ask(&mut self, token: tests::Token, method: &str, target: &str, body: &str) -> u16 {
        let token = token.set("email", json!(EMAIL)).set("name", json!(NAME)).signed();
        let reply = self.gateway.ask(Some(&format!("Bearer {token}")), method, target, body).await;
        self.secrets.extend(token.split('.').map(str::to_owned));
        codes(&reply.json(), &mut self.secrets);
        reply.status()
    }

    fn right(&self, scope: &str) -> tests::Token {
        self.cloud.token("shop").scopes(&[scope])
    }

    /// Every way to be wrong, before anything is right.
    async fn wrong(&mut self) {
        for (method, target, body, scope) in requests(self.cloud) {
            let expired = self.right(scope).set("exp", json!(0));
            assert_eq!(self.ask(expired, method, &target, &body).await, 401);
            assert_eq!(self.ask(self.cloud.token("shop"), method, &target, &body).await, 403, "{method} {target}");
            let other = self.right(scope).account("beta");
            self.ask(other, method, &target, &personal(method, &target, &body)).await;
            // What is deleted needs no body, and looks at none.
            for body in faulty(&body).into_iter().filter(|_| method != "DELETE") {
                self.ask(self.right(scope), method, &target, &body).await;
            }
            // What stands in the place of an id, of a code, and what nobody asked for.
            let strange = target.replace("acme", "annabeth.p%40privatissima.example").replace("shop", "Annabeth%20P");
            self.ask(self.right(scope), method, &strange, &personal(method, &target, &body)).await;
            for query in
                ["annabeth.p%40privatissima.example=1", "cursor=Annabeth", "limit=Annabeth", "account_id=Annabeth%20P"]
            {
                let asked = format!("{target}{}{query}", if target.contains('?') { '&' } else { '?' });
                self.ask(self.right(scope), method, &asked, &personal(method, &target, &body)).await;
            }
        }
        for target in ["/v1/annabeth.p@privatissima.example", "/v1/accounts/acme/Annabeth", "/_local/Annabeth"] {
            assert_eq!(self.ask(self.right("accounts:read"), "GET", target, "").await, 404, "{target}");
        }
    }

    /// Every request as it should be, with all that it may say, in trouble; but for the erasure, which ends all.
    async fn right_with_trouble(&mut self) {
        for request in requests(self.cloud).into_iter().filter(|(_, target, ..)| target != PERSONAL_DATA) {
            self.in_trouble(request).await;
        }
        // What is somebody else's already.
        let claimed = json!({"name": COMPANY, "country": "DE", "vat_id": VAT_ID, "email": EMAIL}).to_string();
        assert_eq!(self.ask(self.right("accounts:write"), "PUT", "/v1/accounts/beta", &claimed).await, 409);
    }

    async fn erasure_with_trouble(&mut self) {
        for request in requests(self.cloud).into_iter().filter(|(_, target, ..)| target == PERSONAL_DATA) {
            self.in_trouble(request).await;
        }
    }

    /// Asks while the tables fail, and then once more.
    async fn in_trouble(&mut self, (method, target, body, scope): Asked) {
        let body = personal(method, &target, &body);
        if let Some(network) = self.cloud.network() {
            network.refuse_about("", 40);
            let status = self.ask(self.right(scope), method, &target, &body).await;
            assert_eq!(status, 500, "{method} {target}");
            network.calm();
            network.cross_transactions(1);
            network.lose_requests(1);
            self.ask(self.right(scope), method, &target, &body).await;
            network.calm();
        }
        let status = self.ask(self.right(scope), method, &target, &body).await;
        assert!(status < 300, "{method} {target}: {status}, {body}");
        // The same key or identity with other content.
        let mut other: Value = serde_json::from_str(&body).unwrap_or_default();
        if let Some(fields) = other.as_object_mut() {
            fields.values_mut().filter(|value| **value == json!(WORDS)).for_each(|value| *value = json!(NAME));
            self.ask(self.right(scope), method, &target, &other.to_string()).await;
        }
    }
}

/// Events with personal data where it does not belong, until they are given up.
async fn events(cloud: &Cloud) {
    let order = cloud.order("o-7").line("MUG", 1, "1.00");
    let mut strange = order.document();
    (strange[EMAIL], strange["currency"]) = (json!(NAME), json!(NAME));
    for kind in ["OrderPlaced", "OrderAmended", "OrderPaid", "OrderReturned", "OrderCancelled", "AccountReturned"] {
        cloud.announce(kind, strange.clone()).await;
        cloud.announce(kind, json!(NAME)).await;
    }
    cloud.announce("OrderPlaced", order.document()).await;
    cloud.drain().await;
    let message = |body: &str| json!({"messageId": "m-1", "receiptHandle": "r", "body": body, "attributes": {}});
    let bodies = [NAME.to_owned(), format!(r#"{{"detail-type": "{NAME}", "source": "{EMAIL}", "detail": "{WORDS}"}}"#)];
    for function in ["order-placed", "order-returned", "simulation"] {
        let records: Vec<_> = bodies.iter().map(|body| message(body)).collect();
        cloud.local().invoke(function, json!({ "Records": records })).await.unwrap();
    }
    for function in local::cloud::function_names() {
        for event in [json!({"Records": NAME}), json!({ NAME: EMAIL }), json!(NAME)] {
            assert!(cloud.local().invoke(function, event).await.is_err(), "{function}");
        }
    }
}

/// Spoils every item of a table: what a reader then says of it must not hold what the item does.
async fn spoil(cloud: &Cloud, table: &str) {
    let client = cloud.local().client();
    let items = client.scan().table_name(table).send().await.unwrap().items.unwrap();
    for mut item in items {
        let keys = ["account_id", "sk", "code", "order_key", "metric", "period", "due", "due_at"];
        for (_, value) in item.iter_mut().filter(|(name, _)| !keys.contains(&name.as_str())) {
            *value = AttributeValue::S(NAME.to_owned());
        }
        client.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    }
}

#[tokio::test]
async fn nothing_personal_no_code_and_no_token_is_logged() {
    let cloud = start().await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let printed = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&printed);
    let print = Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()));
    let gateway = Gateway::that_prints(&cloud.that_asks_for_tokens().await, print).await;
    let mut caller = Caller { cloud: &cloud, gateway, secrets: BTreeSet::new() };
    let logged = logged(Level::DEBUG, async {
        caller.wrong().await;
        caller.right_with_trouble().await;
        events(&cloud).await;
        cloud.sweep(None).await;
        cloud.set_instant(cloud.now().plus_ms(30 * 86_400_000));
        cloud.sweep(None).await;
        caller.erasure_with_trouble().await;
        if cloud.is_embedded() {
            for table in [&cloud.app().config().tables.ledger, &cloud.app().config().tables.codes] {
                spoil(&cloud, table).await;
            }
            for (method, target, body, scope) in requests(&cloud) {
                caller.ask(caller.right(scope), method, &target, &personal(method, &target, &body)).await;
            }
        }
    });
    let logged = logged.await;
    let printed = printed.lock().unwrap().clone();
    check(&caller.secrets, &logged, &printed);
}

/// Each line is JSON of its own and tells what it should, and none of what it should not.
fn check(secrets: &BTreeSet<String>, logged: &str, printed: &[String]) {
    let mut functions = BTreeSet::new();
    let mut texts: Vec<String> = printed.to_vec();
    for line in logged.lines() {
        let mut line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        line.as_object_mut().unwrap().remove("timestamp").unwrap();
        functions.extend(line["function"].as_str().map(str::to_owned));
        assert!(!line["message"].as_str().unwrap().contains("a line of metrics"), "{line}");
        texts.push(line.to_string());
    }
    // What was sent has really come by.
    let all: BTreeSet<_> = local::cloud::function_names().into_iter().map(str::to_owned).collect();
    assert_eq!(functions, all);
    let codes = secrets.iter().filter(|secret| secret.len() < 16).count();
    assert!(printed.len() > 500 && secrets.len() > 40 && codes > 2, "{} {} {codes}", printed.len(), secrets.len());
    assert!(
        texts.iter().any(|line| line.contains("shop#o-1")) && texts.iter().any(|line| line.contains("cannot be read"))
    );
    let mut found = BTreeSet::new();
    for text in &texts {
        let lower = text.to_lowercase();
        for personal in PERSONAL.iter().filter(|personal| lower.contains(&personal.to_lowercase())) {
            found.insert(format!("{personal} in {text}"));
        }
        for secret in secrets.iter().filter(|secret| text.contains(secret.as_str())) {
            found.insert(format!("{secret} in {text}"));
        }
    }
    let first: Vec<_> = found.iter().take(20).collect();
    assert!(found.is_empty(), "{} leaks: {first:#?}", found.len());
}
