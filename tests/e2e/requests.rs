//! A request for every route there is, for tests of who may send it.

use domain::id::ReservationId;
use domain::idempotency::CommandKey;
use domain::referral::RedemptionId;
use local::template::{Route, Template};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Cloud, Redemption, ReferralCode, Reply};

/// A method, an address, a body, and the scope that it needs.
pub type Asked = (&'static str, String, String, &'static str);
type Requests = Vec<Asked>;

/// Every request there is, all about the account `acme`.
pub fn requests(cloud: &Cloud) -> Requests {
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
    // Last: nothing is done for the account after it.
    let erased = ("DELETE", PERSONAL_DATA.to_owned(), String::new(), "accounts:write");
    requests.into_iter().chain(about_referrals(cloud)).chain(others).chain([erased]).collect()
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

pub const REVIEWS: &str = "/v1/referrals/reviews";
pub const AMENDED: &str = "/v1/orders/shop/o-1";
pub const ADJUSTMENTS: &str = "/v1/accounts/acme/adjustments";
pub const PERSONAL_DATA: &str = "/v1/accounts/acme/personal-data";
pub const MEMBERSHIP: &str = "/v1/accounts/acme/membership";
pub const PAYMENTS: &str = "/v1/accounts/acme/membership/payments";
pub const INVITATIONS: &str = "/v1/invitations";
pub const SHARED_CODES: &str = "/v1/shared-codes";
const RESERVATIONS: &str = "/v1/reservations";
pub const TIER_INVITATION: &str = "/v1/accounts/acme/tier";
pub const REDEMPTIONS: &str = "/v1/accounts/acme/redemptions";
pub const CANCELLATION: &str = "/v1/accounts/acme/redemptions/3/cancellation";
pub const METRICS: &str = "/v1/metrics";
pub const PROGRAM: &str = "/v1/program";
const SIMULATIONS: &str = "/v1/program/simulations";
pub const SURVEYS: &str = "/v1/surveys";
pub const SURVEY: &str = "/v1/surveys/nps";
const ANSWERS: &str = "/v1/surveys/nps/answers";

/// What takes no token.
pub const OPEN: [&str; 1] = ["/openapi.json"];

/// All scopes.
pub const SCOPES: [&str; 5] = ["orders:write", "accounts:read", "accounts:write", "program:write", "metrics:read"];

/// All that is stored.
pub async fn stored(cloud: &Cloud) -> impl PartialEq + std::fmt::Debug + use<> {
    (cloud.tables().await, cloud.metrics().await, cloud.programs().await)
}

/// A cloud with all that the requests are about.
pub async fn start() -> Cloud {
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

/// What the account `beta` is answered that may do everything, but to itself only, and sends one of [`requests`].
pub fn refused_to_another_account(method: &str, target: &str, reply: Reply) -> Reply {
    // Somebody else's order looks like none at all; a document that names another account is refused for that. Nor is
    // somebody else's referral code one to it; what only the merchant may do is refused at once.
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
    }
}

/// Fails the test unless the requests are for each route of the template, and for nothing else.
pub fn assert_every_route_is_known(requests: &Requests) {
    let template = Template::embedded().unwrap();
    let routes = template.functions.iter().flat_map(|function| &function.routes);
    let (open, routes): (Vec<&Route>, Vec<&Route>) = routes.partition(|route| route.is_open);
    let name = |route: &Route| format!("{} {}", route.method, route.path);
    let asked = requests.iter().map(|(method, target, ..)| {
        let path = target.split('?').next().unwrap();
        let fitting = routes.iter().filter(|route| route.method == *method && route.path.parameters(path).is_some());
        let route = fitting.max_by_key(|route| route.path.literals());
        name(route.unwrap_or_else(|| panic!("{method} {target} is no route")))
    });
    let asked: BTreeSet<_> = asked.collect();
    let known: BTreeSet<_> = routes.iter().map(|route| name(route)).collect();
    assert!(!known.is_empty());
    let open: Vec<_> = open.into_iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(open, OPEN.map(|place| format!("GET {place}")), "what is open must be meant to be");
    assert_eq!(asked, known, "each route needs a request that says which scope it takes");
}
