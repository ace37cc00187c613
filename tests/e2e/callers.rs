//! Who may do what: denied unless something says otherwise.

use domain::id::ReservationId;
use domain::idempotency::CommandKey;
use domain::referral::RedemptionId;
use serde_json::{Value, json};
use tests::{Cloud, Redemption, ReferralCode, Reply};

fn token(scopes: &[&str], account: Option<&str>) -> Option<Value> {
    let mut claims = json!({"sub": "somebody"});
    if let Some(account) = account {
        claims["account_id"] = json!(account);
    }
    Some(json!({"jwt": {"claims": claims, "scopes": scopes}}))
}

/// Every request there is, all about the account `acme`, each with the scope it needs.
type Requests = Vec<(&'static str, String, String, &'static str)>;

fn requests(cloud: &Cloud) -> Requests {
    let order = cloud.order("o-2").line("MUG", 1, "1.00").document().to_string();
    let account = json!({"name": "Acme"}).to_string();
    let contact = json!({"name": "Ann", "role": "buyer", "locale": "en"}).to_string();
    let first = cloud.order("o-1");
    let amended = first.amended(1).line("MUG", 2, "1.00").document().to_string();
    let back = first.returned("r-1").units("1", 1).document().to_string();
    let cancelled = first.cancelled().document().to_string();
    let paid = first.paid().document().to_string();
    let note = cloud.account("acme").credit_note("c-1").units("MUG", 1).document().to_string();
    let adjustment = json!({"points": 1, "reason": "A test"}).to_string();
    let invited = format!("{INVITATIONS}/{}", invitation(cloud));
    let excluded = json!({"excluded_from": ["discounts"], "reason": "A test"}).to_string();
    let invitation = json!({"tier": null, "reason": "A test"}).to_string();
    let line = json!({"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "1.00"});
    let cart = json!({"account_id": "acme", "currency": "GBP", "lines": [line]}).to_string();
    let requests = [
        ("POST", "/v1/orders", order, "orders:write"),
        ("PUT", AMENDED, amended, "orders:write"),
        ("POST", "/v1/orders/shop/o-1/returns", back, "orders:write"),
        ("POST", "/v1/orders/shop/o-1/payment", paid, "orders:write"),
        ("POST", "/v1/orders/shop/o-1/cancellation", cancelled, "orders:write"),
        ("POST", "/v1/accounts/acme/returns", note, "orders:write"),
        ("GET", "/v1/accounts/acme/returns/c-0", String::new(), "accounts:read"),
        ("POST", ADJUSTMENTS, adjustment, "accounts:write"),
        ("PUT", "/v1/accounts/acme", account, "accounts:write"),
        ("PUT", MEMBERSHIP, excluded, "accounts:write"),
        ("POST", PAYMENTS, String::new(), "accounts:write"),
        ("PUT", "/v1/accounts/acme/contacts/ann", contact, "accounts:write"),
        ("GET", "/v1/accounts/acme/contacts/ann", String::new(), "accounts:read"),
        ("GET", "/v1/accounts/acme", String::new(), "accounts:read"),
        ("GET", "/v1/accounts/acme/entries", String::new(), "accounts:read"),
        ("POST", INVITATIONS, json!({"uses": 3}).to_string(), "accounts:write"),
        ("GET", INVITATIONS, String::new(), "accounts:read"),
        ("GET", &*invited, String::new(), "accounts:read"),
        ("DELETE", &*invited, String::new(), "accounts:write"),
        ("POST", "/v1/accounts/acme/perks/early/uses", String::new(), "accounts:write"),
        ("PUT", TIER_INVITATION, invitation, "accounts:write"),
        ("GET", "/v1/accounts/acme/prices?sku=MUG", String::new(), "accounts:read"),
        ("POST", "/v1/quotes", cart, "accounts:read"),
        ("GET", "/v1/accounts/acme/rewards", String::new(), "accounts:read"),
        ("POST", REDEMPTIONS, json!({"reward": "mug"}).to_string(), "accounts:write"),
        ("GET", REDEMPTIONS, String::new(), "accounts:read"),
        ("POST", CANCELLATION, json!({"reason": "A test"}).to_string(), "accounts:write"),
        ("GET", "/v1/orders/shop/o-1/score", String::new(), "accounts:read"),
    ]
    .map(|(method, target, body, scope)| (method, target.to_owned(), body, scope));
    let others = about_shared_codes(cloud)
        .into_iter()
        .chain(about_reservations())
        .chain(about_surveys())
        .chain(about_metrics())
        .chain(about_the_program());
    requests.into_iter().chain(about_referrals(cloud)).chain(others).collect()
}

/// Those about what a night counted.
fn about_metrics() -> Requests {
    let ask = |target: &str, scope| ("GET", target.to_owned(), String::new(), scope);
    vec![
        ask(METRICS, "metrics:read"),
        ask("/v1/metrics/nights/2011-03-01", "metrics:read"),
        ask("/v1/metrics/retention", "metrics:read"),
        ask("/v1/metrics/accounts", "metrics:read"),
        ask("/v1/accounts/acme/insights", "accounts:read"),
    ]
}

/// A cart of `acme` that so many points pay a part of.
fn cart(points: u64) -> Value {
    let line = json!({"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "1.00"});
    json!({"account_id": "acme", "currency": "GBP", "lines": [line], "points": points})
}

/// Those about what is held at the checkout.
fn about_reservations() -> Requests {
    let key = CommandKey::new("operator", &format!("POST {RESERVATIONS}"), "rsv-1").unwrap();
    let place = format!("{RESERVATIONS}/{}", ReservationId::of_command(&key));
    vec![
        ("POST", RESERVATIONS.to_owned(), cart(3).to_string(), "orders:write"),
        ("GET", place.clone(), String::new(), "accounts:read"),
        ("DELETE", place, String::new(), "orders:write"),
    ]
}

/// Those about codes that all accounts share.
fn about_shared_codes(cloud: &Cloud) -> Requests {
    let key = CommandKey::new("operator", &format!("POST {SHARED_CODES}"), "shared-1").unwrap();
    let place = format!("{SHARED_CODES}/{}", cloud.app().secrets().shared_code(key.as_str(), 0));
    let document = json!({"name": "Spring", "percent": "5"}).to_string();
    vec![
        ("POST", SHARED_CODES.to_owned(), document, "program:write"),
        ("GET", SHARED_CODES.to_owned(), String::new(), "metrics:read"),
        ("GET", place.clone(), String::new(), "metrics:read"),
        ("DELETE", place, String::new(), "program:write"),
    ]
}

/// Those about surveys; `acme` is asked.
fn about_surveys() -> Requests {
    let survey = json!({"name": "Spring"}).to_string();
    let answer = json!({"account_id": "acme", "contact_id": "ann", "score": 9}).to_string();
    vec![
        ("PUT", SURVEY.to_owned(), survey, "program:write"),
        ("GET", SURVEY.to_owned(), String::new(), "metrics:read"),
        ("GET", SURVEYS.to_owned(), String::new(), "metrics:read"),
        ("POST", ANSWERS.to_owned(), answer, "accounts:write"),
        ("GET", ANSWERS.to_owned(), String::new(), "metrics:read"),
    ]
}

/// Those about the program, of which no account has a say.
fn about_the_program() -> Requests {
    let (version, simulation) = (tests::WHOLESALE.replace("500.00", "600.00"), simulation());
    let requests = [
        ("POST", "/versions", version, "program:write"),
        ("PUT", "/active", json!({"version": 1}).to_string(), "program:write"),
        ("GET", "/active", String::new(), "metrics:read"),
        ("GET", "/versions", String::new(), "metrics:read"),
        ("GET", "/versions/1", String::new(), "metrics:read"),
        ("GET", "/versions/1/diff/1", String::new(), "metrics:read"),
        ("POST", "/simulations", json!({"version": 1}).to_string(), "program:write"),
        ("GET", &*simulation, String::new(), "metrics:read"),
    ];
    requests.map(|(method, place, body, scope)| (method, format!("{PROGRAM}{place}"), body, scope)).into()
}

/// Where the simulation is that was asked for to begin with.
fn simulation() -> String {
    let key = CommandKey::new("operator", &format!("POST {SIMULATIONS}"), "sim-1").unwrap();
    format!("/simulations/{}", &key.as_str()[..32])
}

/// Those about the referrals of `acme`.
fn about_referrals(cloud: &Cloud) -> Requests {
    let code = code_of_acme(cloud);
    let approved = redemption(&code, 1).path("/approval");
    let rejected = redemption(&code, 2).path("/rejection");
    let prospect = code.prospect(3);
    vec![
        ("POST", "/v1/accounts/acme/referral-code".to_owned(), "{}".to_owned(), "accounts:write"),
        ("GET", "/v1/accounts/acme/referral-codes".to_owned(), String::new(), "accounts:read"),
        ("GET", code.path(""), String::new(), "accounts:read"),
        ("PUT", code.path(""), json!({"status": "active", "redemptions_left": 9}).to_string(), "accounts:write"),
        ("POST", prospect.target(), prospect.document().to_string(), "accounts:write"),
        ("GET", code.path("/redemptions"), String::new(), "accounts:read"),
        ("GET", redemption(&code, 1).path(""), String::new(), "accounts:read"),
        ("GET", REVIEWS.to_owned(), String::new(), "accounts:read"),
        ("POST", approved, String::new(), "accounts:write"),
        ("POST", rejected, String::new(), "accounts:write"),
    ]
}

/// The code of the invitation that was issued to begin with.
fn invitation(cloud: &Cloud) -> String {
    let key = CommandKey::new("operator", &format!("POST {INVITATIONS}"), "inv-1").unwrap();
    cloud.app().secrets().invitation_code(key.as_str(), 0).to_string()
}

/// The code of `acme`, the same in every cloud with the same secrets.
fn code_of_acme(cloud: &Cloud) -> ReferralCode {
    let secrets = cloud.app().secrets();
    cloud.referral_code(secrets.referral_code("acme", 0).as_str())
}

/// What the operator redeemed for a prospect.
fn redemption(code: &ReferralCode, number: u32) -> Redemption {
    let route = format!("POST /v1/referrals/{}/redemptions", code.text());
    let key = CommandKey::new("operator", &route, &format!("redeem-{number}")).unwrap();
    code.redemption(&RedemptionId::of_command(&key).to_string())
}

const REVIEWS: &str = "/v1/referrals/reviews";
const AMENDED: &str = "/v1/orders/shop/o-1";
const ADJUSTMENTS: &str = "/v1/accounts/acme/adjustments";
const MEMBERSHIP: &str = "/v1/accounts/acme/membership";
const PAYMENTS: &str = "/v1/accounts/acme/membership/payments";
const INVITATIONS: &str = "/v1/invitations";
const SHARED_CODES: &str = "/v1/shared-codes";
const RESERVATIONS: &str = "/v1/reservations";
const TIER_INVITATION: &str = "/v1/accounts/acme/tier";
const REDEMPTIONS: &str = "/v1/accounts/acme/redemptions";
const CANCELLATION: &str = "/v1/accounts/acme/redemptions/3/cancellation";
const METRICS: &str = "/v1/metrics";
const PROGRAM: &str = "/v1/program";
const SIMULATIONS: &str = "/v1/program/simulations";
const SURVEYS: &str = "/v1/surveys";
const SURVEY: &str = "/v1/surveys/nps";
const ANSWERS: &str = "/v1/surveys/nps/answers";

/// Sends one of [`requests`].
async fn ask(cloud: &Cloud, authorizer: Option<Value>, method: &str, target: &str, body: &str) -> Reply {
    cloud.request_with_key(authorizer, method, target, body, Some("key-1")).await
}

const SCOPES: [&str; 5] = ["orders:write", "accounts:read", "accounts:write", "program:write", "metrics:read"];

/// All that is stored.
async fn stored(cloud: &Cloud) -> impl PartialEq + std::fmt::Debug + use<> {
    (cloud.tables().await, cloud.metrics().await, cloud.programs().await)
}

async fn start() -> Cloud {
    let early = json!([{"id": "early", "name": "Early access", "kind": "early_access",
                         "count_per": {"count": 9, "months": 1}}]);
    let mug = json!({"id": "mug", "name": "Mug", "points": 1, "product": {"sku": "MUG", "quantity": 1}});
    let cloud = Cloud::with(|program| {
        program["perks"] = early;
        program["rewards"] = json!([mug]);
        program["membership"] = json!({"kind": "paid", "months": 12});
        crate::quotes::worth_a_penny(program);
    })
    .await;
    cloud.order("o-1").line("MUG", 1, "1.00").send().await.expect(201);
    cloud.account("acme").give(10).await.expect(201);
    let redeemed = cloud.request_keyed(REDEMPTIONS, "key-0", &json!({"reward": "mug"})).await.expect(201);
    assert!(CANCELLATION.contains(&format!("/{}/", redeemed["redemption_id"])));
    cloud.account("acme").pays("pay-1", &json!({})).await.expect(201);
    cloud.request_keyed(INVITATIONS, "inv-1", &json!({"uses": 9})).await.expect(201);
    let shared = json!({"name": "Summer", "percent": "5"});
    cloud.request_keyed(SHARED_CODES, "shared-1", &shared).await.expect(201);
    cloud.request_keyed(RESERVATIONS, "rsv-1", &cart(2)).await.expect(201);
    cloud.request_keyed(SIMULATIONS, "sim-1", &json!({"version": 1})).await.expect(202);
    cloud.account("acme").credit_note("c-0").units("CUP", 1).send().await.expect(201);
    let ann = json!({"name": "Ann", "role": "buyer", "locale": "en"});
    cloud.account("acme").put_contact("ann", ann).await.expect(201);
    let survey = cloud.survey("nps").opened().await;
    survey.answer("acme", "ann", 3).send().await.expect(201);
    // A night to read of.
    cloud.night("2011-03-01").await;
    // Two prospects whom somebody is to look at.
    cloud.account("acme").put(json!({"name": "Acme Ltd", "email": "office@acme.example"})).await.expect(200);
    let code = cloud.account("acme").refers().await;
    assert_eq!(code.text(), code_of_acme(&cloud).text());
    for number in [1, 2] {
        let prospect = code.prospect(number).set("email", json!(format!("p-{number}@acme.example")));
        let redeemed = prospect.redeem().await.expect(201);
        assert_eq!(redeemed["redemption_id"], redemption(&code, number).id());
    }
    cloud
}

#[tokio::test]
async fn without_an_identity_everything_is_refused() {
    let cloud = start().await;
    let before = stored(&cloud).await;
    let nobody = [
        None,
        Some(json!({})),
        Some(json!({"lambda": {"sub": "somebody"}})),
        Some(json!({"jwt": {"claims": {}, "scopes": SCOPES}})),
        Some(json!({"jwt": {"claims": {"sub": ""}, "scopes": SCOPES}})),
        token(&SCOPES, Some("not an id")),
        // An empty claim names no account; it must not mean every one.
        token(&SCOPES, Some("")),
        token(&SCOPES, Some(" ")),
    ];
    for authorizer in nobody {
        for (method, target, body, _) in requests(&cloud) {
            let reply = ask(&cloud, authorizer.clone(), method, &target, &body).await;
            reply.expect_problem(401, "unauthenticated");
        }
    }
    assert_eq!(stored(&cloud).await, before);
}

#[tokio::test]
async fn every_request_needs_its_own_scope() {
    let cloud = start().await;
    let before = stored(&cloud).await;
    for (method, target, body, scope) in requests(&cloud) {
        let others: Vec<_> = SCOPES.into_iter().filter(|other| *other != scope).collect();
        for scopes in [&others[..], &[]] {
            let reply = ask(&cloud, token(scopes, None), method, &target, &body).await;
            let reply = reply.expect_problem(403, "forbidden");
            assert!(reply["detail"].as_str().unwrap().contains(scope), "{method} {target}");
        }
    }
    assert_eq!(stored(&cloud).await, before);
    for (method, target, body, scope) in requests(&cloud) {
        let reply = ask(&cloud, token(&[scope], None), method, &target, &body).await;
        assert!(reply.status() < 300, "{method} {target}: {}", reply.json());
    }
}

#[tokio::test]
async fn a_scope_may_also_stand_in_the_claim() {
    let cloud = start().await;
    let authorizer = json!({"jwt": {"claims": {"client_id": "shop", "scope": "openid accounts:read"}}});
    let reply = cloud.request_as(Some(authorizer.clone()), "GET", "/v1/accounts/acme", "").await;
    reply.expect(200);
    let reply = cloud.request_as(Some(authorizer), "PUT", "/v1/accounts/acme", "{}").await;
    reply.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn an_accounts_own_token_is_for_that_account_only() {
    let cloud = start().await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let before = stored(&cloud).await;
    for (method, target, body, _) in requests(&cloud) {
        let reply = ask(&cloud, token(&SCOPES, Some("beta")), method, &target, &body).await;
        // Somebody else's order looks like none at all; a document that names another account is refused for that.
        // Nor is somebody else's referral code one to it; what only the merchant may do is refused at once.
        match (method, target.split('/').skip(2).collect::<Vec<_>>().as_slice()) {
            (_, ["orders", "shop", "o-1", _]) => reply.expect_problem(404, "unknown-order"),
            (_, ["reservations", _]) => reply.expect_problem(404, "unknown-reservation"),
            (_, ["referrals", "reviews"]) => reply.expect_problem(403, "forbidden"),
            ("GET", ["referrals", ..]) => reply.expect_problem(404, "unknown-code"),
            // What is asked anybody may see who is asked; of what was answered nothing, since none of it is its own.
            ("GET", ["surveys", "nps"]) => reply.expect(200),
            ("GET", ["surveys", "nps", "answers"]) => {
                let reply = reply.expect(200);
                assert_eq!(reply["answers"], json!([]));
                reply
            }
            _ => reply.expect_problem(403, "forbidden"),
        };
    }
    let none = cloud.request_as(token(&SCOPES, Some("beta")), "GET", "/v1/orders/shop/none/score", "").await;
    let others = cloud.request_as(token(&SCOPES, Some("beta")), "GET", "/v1/orders/shop/o-1/score", "").await;
    assert_eq!(none.body(), others.body());
    // Nor does an unknown account look different from another's.
    let unknown = cloud.request_as(token(&SCOPES, Some("beta")), "GET", "/v1/accounts/nobody", "").await;
    unknown.expect_problem(403, "forbidden");
    assert_eq!(stored(&cloud).await, before);
    for (method, target, body, _) in requests(&cloud) {
        let reply = ask(&cloud, token(&SCOPES, Some("acme")), method, &target, &body).await;
        match target.as_str() {
            // Nobody gives points or a tier to themselves, or points back, lets themselves or others in or says that they
            // have paid, nor refers, limits a code, approves or rejects on their own account.
            ADJUSTMENTS | MEMBERSHIP | PAYMENTS | TIER_INVITATION | REVIEWS | SURVEYS | CANCELLATION => {
                reply.expect_problem(403, "forbidden");
            }
            _ if target.starts_with(INVITATIONS) => drop(reply.expect_problem(403, "forbidden")),
            _ if target.starts_with(SHARED_CODES) => drop(reply.expect_problem(403, "forbidden")),
            // What all accounts come to is the merchant's to know.
            _ if target.starts_with(METRICS) => drop(reply.expect_problem(403, "forbidden")),
            // Nor asks.
            SURVEY if method == "PUT" => drop(reply.expect_problem(403, "forbidden")),
            // Nor reads what the merchant plans.
            _ if target.starts_with(PROGRAM) => drop(reply.expect_problem(403, "forbidden")),
            _ if method != "GET" && target.starts_with("/v1/referrals/") => {
                reply.expect_problem(403, "forbidden");
            }
            _ => assert!(reply.status() < 300, "{method} {target}: {}", reply.json()),
        }
    }
}

#[tokio::test]
async fn an_accounts_own_token_learns_nothing_of_others_orders_and_parks_nothing() {
    let cloud = start().await;
    let own = || token(&SCOPES, Some("beta"));
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let waiting = cloud.order("waiting");
    waiting.cancelled().send().await.expect(202);
    // A revision that is stored, with one below it and one above.
    cloud.order("o-1").amended(1).line("MUG", 3, "1.00").put().await.expect(200);
    let before = stored(&cloud).await;
    // Somebody else's order, one that is awaited, and none: all the same.
    for (what, document) in [
        ("returns", cloud.order("o-1").returned("r-1").units("1", 1).document()),
        ("returns", cloud.order("o-1").returned("r-1").units("none", 99).document()),
        ("cancellation", cloud.order("o-1").cancelled().document()),
        ("payment", cloud.order("o-1").paid().document()),
    ] {
        let mut answers = Vec::new();
        for id in ["o-1", "waiting", "none"] {
            let target = format!("/v1/orders/shop/{id}/{what}");
            let reply = ask(&cloud, own(), "POST", &target, &document.to_string()).await;
            answers.push(reply.expect_problem(404, "unknown-order").body().to_vec());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
    // An order of its own under a number that is taken: whose it is differs, and nothing else is told; not which
    // revision is stored either.
    for order in
        [cloud.order("o-1").line("MUG", 1, "1.00"), cloud.order("o-1").line("CUP", 7, "9.00").line("A", 1, "1")]
    {
        let document = |revision| order.clone().account("beta").revision(revision).document().to_string();
        let mut answers = vec![ask(&cloud, own(), "POST", "/v1/orders", &document(0)).await];
        for revision in [0, 1, 2] {
            answers.push(ask(&cloud, own(), "POST", "/v1/orders", &document(revision)).await);
            answers.push(ask(&cloud, own(), "PUT", AMENDED, &document(revision)).await);
        }
        for reply in answers {
            let reply = reply.expect_problem(409, "content-differs");
            assert_eq!(reply["differences"], json!(["$.account_id"]));
        }
    }
    assert_eq!(stored(&cloud).await, before);
}

#[tokio::test]
async fn every_route_is_asked_for() {
    let cloud = start().await;
    let template = local::template::Template::embedded().unwrap();
    for (function, route) in template.functions.iter().flat_map(|f| f.routes.iter().map(move |route| (f, route))) {
        let asked = requests(&cloud);
        let found = asked.iter().any(|(method, target, ..)| {
            let path = target.split('?').next().unwrap();
            *method == route.method && route.path.parameters(path).is_some()
        });
        assert!(found, "{} {} of {} is not among the requests", route.method, route.path, function.name);
    }
}

#[tokio::test]
async fn the_ledger_names_who_it_was() {
    let cloud = start().await;
    let order = cloud.order("o-2").line("MUG", 1, "1.00").document().to_string();
    let reply = cloud.request_as(token(&SCOPES, None), "POST", "/v1/orders", &order).await;
    reply.expect(201);
    assert_eq!(cloud.account("acme").history().await[0]["by"], "somebody");
}
