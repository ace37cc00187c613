//! Erasing a company: what is known of it and its people goes, what it did stays.

use crate::quotes::worth_a_penny;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::personal::{PLACES, Removal, kind};
use tests::network::Staleness;
use tests::{Cloud, Reply, Survey, skips_concurrency};

pub const PLACE: &str = "/v1/accounts/sealion/personal-data";
/// What is stated of the company and its people. Each stands nowhere but where it is stated.
const STATED: [&str; 19] = [
    "Sealion Supplies",
    "merlin@cliff.example",
    "GB123456782",
    "7946001",
    "Harbour Row",
    "Merlin Pendragon",
    "Nimue Lake",
    "nimue@lake.example",
    "cy-GB",
    "1971-08-23",
    "We agree to every word",
    "knows him from the fair",
    "the parrot was late",
    "gangplank",
    "hello@lake.example",
    "The Lake Company",
    "GB987654324",
    "Morgan Fay",
    "morgan@lake.example",
];

type Item = HashMap<String, AttributeValue>;

/// All items of all tables.
async fn items(cloud: &Cloud) -> Vec<Item> {
    let tables = &cloud.app().config().tables;
    let names = [
        &tables.accounts,
        &tables.orders,
        &tables.ledger,
        &tables.codes,
        &tables.programs,
        &tables.metrics,
        &tables.limits,
    ];
    let mut items = Vec::new();
    for name in names {
        let mut from = None;
        loop {
            let scan = cloud.local().client().scan().table_name(name).consistent_read(true);
            let page = scan.set_exclusive_start_key(from).send().await.unwrap();
            items.extend(page.items().iter().cloned());
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
    }
    items
}

/// Every text and all bytes of a value; bytes as they are and inflated, wherever something deflated may begin.
fn leaves(value: &AttributeValue, found: &mut Vec<Vec<u8>>) {
    match value {
        AttributeValue::M(map) => map.values().for_each(|value| leaves(value, found)),
        AttributeValue::L(list) => list.iter().for_each(|value| leaves(value, found)),
        AttributeValue::S(text) | AttributeValue::N(text) => found.push(text.clone().into_bytes()),
        AttributeValue::B(blob) => {
            let bytes = blob.as_ref();
            found.push(bytes.to_vec());
            for from in 0..bytes.len().min(8) {
                let mut inflated = Vec::new();
                let mut reader = flate2::read::DeflateDecoder::new(&bytes[from..]);
                let _ = std::io::Read::read_to_end(&mut reader, &mut inflated);
                found.push(inflated);
            }
        }
        _ => {}
    }
}

fn holds(value: &AttributeValue, text: &str) -> bool {
    let mut all = Vec::new();
    leaves(value, &mut all);
    all.iter().any(|leaf| leaf.windows(text.len()).any(|part| part == text.as_bytes()))
}

/// Where any of these stands: the kind of item, and its attribute.
fn places<T: AsRef<str>>(items: &[Item], values: &[T]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for item in items {
        let kind = kind(item).unwrap_or_else(|| panic!("of no known kind: {item:?}"));
        for (name, value) in item {
            if values.iter().any(|text| holds(value, text.as_ref())) {
                found.insert((kind.to_owned(), name.clone()));
            }
        }
    }
    found
}

/// The keyed hashes that stand in the places where such do.
fn hashes(items: &[Item], of: &str) -> Vec<String> {
    fn collect(value: &AttributeValue, found: &mut Vec<String>) {
        match value {
            AttributeValue::M(map) => map.values().for_each(|value| collect(value, found)),
            AttributeValue::L(list) => list.iter().for_each(|value| collect(value, found)),
            AttributeValue::S(text) if text.len() == 64 => found.push(text.clone()),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for item in items.iter().filter(|item| item.values().any(|value| holds(value, of))) {
        let kind = kind(item).unwrap();
        for place in PLACES.iter().filter(|place| place.item == kind) {
            item.get(place.attribute).into_iter().for_each(|value| collect(value, &mut found));
        }
    }
    assert!(found.len() >= 5, "phone, address, claims, what was stated: {found:?}");
    found
}

fn named(name: &str, email: &str) -> Value {
    json!({"name": name, "role": "buyer", "locale": "en", "email": email})
}

/// A company that came by a referral, was looked at, and did all that there is to do; beside it those it knows.
pub async fn town() -> (Cloud, Survey) {
    let cloud = Cloud::with(|program| {
        worth_a_penny(program);
        program["referral"]["enrolment"] = json!("approval");
    })
    .await;
    let code = cloud.referrer("acme").await;
    let address = json!({"street": "1 Harbour Row", "postal_code": "PL1 2AA", "city": "Plymouth"});
    let prospect = code.prospect(1).set("account_id", json!("sealion")).set("company", json!(STATED[0]));
    let prospect = prospect.set("email", json!(STATED[1])).set("vat_id", json!(STATED[2]));
    let prospect = prospect.set("phone", json!("+44 20 7946 0018")).set("address", address);
    let prospect = prospect.set("contact", json!({"name": STATED[5]})).set("consent", json!({"wording": STATED[10]}));
    let redeemed = prospect.redeem().await.expect(201);
    let redemption = code.redemption(redeemed["redemption_id"].as_str().unwrap()).of("sealion");
    redemption.approve(Some(STATED[11])).await.expect(200);
    let sealion = cloud.account("sealion");
    sealion.put(json!({"name": STATED[15], "email": STATED[14], "vat_id": STATED[16]})).await.expect(200);
    let mut nimue = named(STATED[6], STATED[7]);
    (nimue["birthday"], nimue["locale"]) = (json!(STATED[9]), json!(STATED[8]));
    sealion.put_contact("c-2", nimue).await.expect(201);
    let survey = cloud.survey("nps").opened().await;
    let said = survey.answer("sealion", "c-2", 3).comment(STATED[12]).set("tags", json!([STATED[13]]));
    said.send().await.expect(201);
    cloud.people("gamma", &["gus"]).await;
    survey.answer("gamma", "gus", 9).comment("all is well").send().await.expect(201);
    cloud.order("g-1").account("gamma").line("MUG", 2, "300.00").send().await.expect(201);
    let order = sealion.order("o-1").set("contact_id", json!("c-2")).line("MUG", 2, "300.00");
    order.send().await.expect(201);
    order.returned("r-1").units("1", 1).send().await.expect(201);
    sealion.give(40).await.expect(201);
    let cart = json!({"account_id": "sealion", "currency": "GBP", "points": 10,
        "lines": [{"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "50.00"}]});
    cloud.request_keyed("/v1/reservations", "rsv-1", &cart).await.expect(201);
    (cloud, survey)
}

pub async fn erase(cloud: &Cloud) -> Reply {
    cloud.request("DELETE", PLACE, "").await
}

/// What stands of a night that is over.
async fn kept(cloud: &Cloud) -> Vec<String> {
    let all = cloud.metrics().await;
    all.into_iter().filter(|item| item.contains("\"night#") || item.contains("\"period#")).collect()
}

/// What stands of other companies.
async fn of_others(cloud: &Cloud) -> Vec<String> {
    let mut others: Vec<String> = cloud.tables().await.into_values().flatten().chain(cloud.metrics().await).collect();
    others.retain(|item| ["gamma", "acme"].iter().any(|id| item.contains(id)) && !item.contains("sealion"));
    others
}

#[tokio::test]
async fn nothing_that_was_stated_of_an_erased_company_is_left_and_nobody_else_is_touched() {
    let (cloud, survey) = town().await;
    cloud.night("2011-03-01").await;
    let before = items(&cloud).await;
    let known = hashes(&before, "sealion");
    let stated: Vec<String> = STATED.iter().map(|text| (*text).to_owned()).chain(known).collect();
    // The list of places says where all of it is, and is no longer than that.
    let listed: BTreeSet<_> = PLACES.iter().map(|place| (place.item.to_owned(), place.attribute.to_owned())).collect();
    let mut found = places(&before, &stated);
    // Two letters that any code may have.
    found.insert(("profile".to_owned(), "country".to_owned()));
    assert_eq!(found, listed);
    let (others, nights) = (of_others(&cloud).await, kept(&cloud).await);
    assert!(others.len() > 10 && !nights.is_empty());
    let balance = cloud.account("sealion").balance().await;
    assert!(balance > 0);

    cloud.set_clock("2011-03-01T12:05:00Z");
    let erased = erase(&cloud).await.expect(200);
    assert_eq!((&erased["state"], &erased["erased_at"]), (&json!("erased"), &json!("2011-03-01T12:05:00Z")));
    let after = items(&cloud).await;
    assert_eq!(places(&after, &stated), BTreeSet::new());
    // What is deleted whole is not there at all.
    let of_company = |kinds: &str| {
        let item = |item: &&Item| kind(item) == Some(kinds) && item.values().any(|value| holds(value, "sealion"));
        after.iter().filter(item).count()
    };
    for place in PLACES.iter().filter(|place| place.removal == Removal::Deleted) {
        assert_eq!(of_company(place.item), 0, "{place:?}");
    }
    assert_eq!((of_others(&cloud).await, kept(&cloud).await), (others, nights));
    let answers = survey.all_answers(100).await;
    let scores: Vec<_> = answers.iter().map(|answer| (&answer["account_id"], &answer["score"])).collect();
    assert_eq!(scores, [(&json!("gamma"), &json!(9)), (&json!("sealion"), &json!(3))], "what was scored counts");
    assert_eq!(of_company("order"), 1);

    // The books say what became of its points.
    let standing = cloud.account("sealion").standing().await.expect(200);
    assert_eq!((&standing["status"], &standing["points"]["balance"]), (&json!("erased"), &json!(0)));
    assert_eq!((&standing["discounts"], standing.json().get("name")), (&json!([]), None));
    let entry = cloud.account("sealion").history().await[0].clone();
    let changes: Vec<_> = entry["changes"].as_array().unwrap().iter().map(|change| &change["type"]).collect();
    let expected = [
        "account.erased",
        "account.status_changed",
        "hold.ended",
        "discount.voided",
        "discount.voided",
        "points.deducted",
    ];
    assert_eq!(changes, expected);
    assert_eq!((&entry["points"], &entry["sequence"]), (&json!(-balance), &erased["entry"]));
    cloud.audit().await;
    cloud.night("2011-03-02").await;
    let night = cloud.get("/v1/metrics/nights/2011-03-02").await.expect(200);
    assert_eq!(night["trial_balance"]["balances"], true, "{}", night.json());
    // Once is enough.
    let stored = cloud.tables().await;
    assert_eq!(erase(&cloud).await.expect(200).body(), erased.body());
    assert_eq!(cloud.tables().await, stored);
}

#[tokio::test]
async fn an_erasure_that_breaks_off_at_any_write_goes_on_where_it_was() {
    let mut passing = 0;
    loop {
        let (cloud, _) = town().await;
        if !cloud.is_embedded() {
            return;
        }
        for number in 0..30 {
            let contact = named("Morgan Fay", &format!("{number}.morgan@lake.example"));
            cloud.account("sealion").put_contact(&format!("m-{number}"), contact).await.expect(201);
        }
        let network = cloud.network().unwrap();
        network.lose_requests_after(passing, 1_000);
        let broken = erase(&cloud).await;
        network.calm();
        if passing > 0 {
            let refused = cloud.account("sealion").put_contact("c-3", named("Late", "late@lake.example")).await;
            refused.expect_problem(409, "account-not-active");
        }
        erase(&cloud).await.expect(200);
        let left = places(&items(&cloud).await, &STATED);
        assert_eq!(left, BTreeSet::new(), "after {passing} writes");
        cloud.audit().await;
        if broken.status() == 200 {
            break;
        }
        broken.expect_problem(500, "internal");
        passing += 1;
    }
    // It begins, people in two pages, answers, its own data, the end.
    assert_eq!(passing, 6);
}

#[tokio::test]
async fn within_the_time_of_a_request_a_part_is_erased_and_the_next_goes_on() {
    let (cloud, _) = town().await;
    let hurried = cloud.hurried().await;
    let mut states = Vec::new();
    while states.last() != Some(&200) {
        let reply = erase(&hurried).await;
        assert_eq!(reply["state"], if reply.status() == 200 { "erased" } else { "erasing" });
        states.push(reply.status());
        assert!(states.len() < 9, "it comes to an end");
    }
    assert!(states.starts_with(&[202]), "{states:?}");
    assert_eq!(places(&items(&cloud).await, &STATED), BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_stated_while_a_company_is_erased_is_refused_or_erased_too() {
    if skips_concurrency() {
        return;
    }
    let (cloud, survey) = town().await;
    let mut clients = Vec::new();
    for client in 0..12_u32 {
        let (of_client, survey) = (cloud.clone(), survey.clone());
        clients.push(tokio::spawn(async move {
            let sealion = of_client.account("sealion");
            let mut stated = BTreeMap::new();
            for turn in 0..8_u32 {
                let reply = match (client + turn) % 4 {
                    0 => sealion.put_contact(&format!("x-{client}"), named("Morgan Fay", "morgan@lake.example")).await,
                    1 => survey.answer("sealion", "c-2", 4).comment(&format!("parrot was late {turn}")).send().await,
                    2 => sealion.put(json!({"name": STATED[15], "email": format!("{turn}.{}", STATED[14])})).await,
                    _ => sealion.order(&format!("x-{client}-{turn}")).line("MUG", 1, "600.00").send().await,
                };
                *stated.entry(reply.status()).or_insert(0) += 1;
            }
            stated
        }));
        if client == 6 {
            let cloud = cloud.clone();
            clients.push(tokio::spawn(async move {
                while erase(&cloud).await.status() != 200 {}
                BTreeMap::new()
            }));
        }
    }
    let mut statuses = BTreeMap::<u16, u32>::new();
    for client in clients {
        client.await.unwrap().into_iter().for_each(|(status, count)| *statuses.entry(status).or_insert(0) += count);
    }
    assert!(statuses.keys().all(|status| [200, 201, 404, 409, 503].contains(status)), "{statuses:?}");
    erase(&cloud).await.expect(200);
    let stated = [&STATED[..], &["parrot was late"]].concat();
    assert_eq!(places(&items(&cloud).await, &stated), BTreeSet::new());
    assert_eq!(cloud.account("sealion").balance().await, 0);
    cloud.audit().await;
}

#[tokio::test]
async fn an_erased_account_takes_part_no_more_and_its_company_is_new() {
    let (cloud, survey) = town().await;
    erase(&cloud).await.expect(200);
    let sealion = cloud.account("sealion");
    let stored = cloud.tables().await;
    for status in ["active", "suspended", "closed"] {
        let back = json!({"name": "Back again", "status": status});
        sealion.put(back).await.expect_problem(409, "account-not-active");
    }
    sealion.order("o-9").line("MUG", 1, "9.00").send().await.expect_problem(409, "account-not-active");
    sealion.give(5).await.expect_problem(409, "account-not-active");
    let invited = json!({"tier": "gold", "reason": "a friend"});
    assert!(sealion.put_tier(invited).await.status() >= 400);
    sealion.issue_code(json!({})).await.expect_problem(409, "account-not-active");
    survey.answer("sealion", "c-2", 4).send().await.expect_problem(404, "unknown-contact");
    survey.answer("sealion", "c-9", 4).send().await.expect_problem(404, "unknown-contact");
    let line = json!([{"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "1.00"}]);
    let cart = json!({"account_id": "sealion", "currency": "GBP", "lines": line, "points": 1});
    cloud.request_keyed("/v1/reservations", "rsv-2", &cart).await.expect_problem(409, "account-not-active");
    assert_eq!(cloud.tables().await, stored, "nothing was written");
    // Whoever states the same is somebody new.
    let stated = json!({"name": STATED[0], "email": STATED[1], "vat_id": STATED[2]});
    cloud.account("phoenix").put(stated).await.expect(201);
    cloud.account("phoenix").order("p-1").line("MUG", 1, "9.00").send().await.expect(201);
    cloud.audit().await;
}

#[tokio::test]
async fn what_comes_back_or_is_paid_after_the_erasure_leaves_nothing_owed_on_either_side() {
    for shortfall in ["owe", "owe_pending", "write_off"] {
        let cloud = Cloud::with(|program| {
            program["points"]["pending_days"] = json!(7);
            program["points"]["pending_until"] = json!("paid");
            program["points"]["shortfall"] = json!(shortfall);
        })
        .await;
        let sealion = cloud.account("sealion");
        let orders: Vec<_> = (1..=4).map(|n| sealion.order(&format!("o-{n}")).line("MUG", 2, "300.00")).collect();
        for order in &orders {
            order.send().await.expect(201);
        }
        orders[0].paid().send().await.expect(201);
        orders[1].paid().send().await.expect(201);
        sealion.give(100).await.expect(201);
        erase(&cloud).await.expect(200);
        assert_eq!(cloud.account("sealion").standing().await["points"]["balance"], 0);
        cloud.audit().await;
        orders[0].returned("r-1").units("1", 1).send().await.expect(201);
        orders[2].paid().send().await.expect(201);
        orders[2].returned("r-2").units("1", 1).send().await.expect(201);
        orders[3].cancelled().send().await.expect(201);
        let standing = sealion.standing().await.expect(200);
        assert_eq!((&standing["points"]["balance"], &standing["points"]["pending"]), (&json!(0), &json!(0)));
        assert_eq!(standing["points"].get("debt").cloned().unwrap_or(json!(0)), json!(0), "{shortfall}");
        cloud.sweep(None).await;
        cloud.audit().await;
    }
}

#[tokio::test]
async fn a_redemption_that_waits_to_be_looked_at_comes_to_nothing() {
    let cloud = Cloud::with(|program| program["referral"]["enrolment"] = json!("approval")).await;
    let code = cloud.referrer("acme").await;
    let prospect = code.prospect(1).set("account_id", json!("sealion")).set("company", json!(STATED[0]));
    let redeemed = prospect.redeem().await.expect(201);
    let redemption = code.redemption(redeemed["redemption_id"].as_str().unwrap()).of("sealion");
    erase(&cloud).await.expect(200);
    assert_eq!(cloud.get("/v1/referrals/reviews").await.expect(200)["reviews"], json!([]));
    assert_eq!(redemption.state().await, "rejected");
    redemption.approve(Some("too late")).await.expect_problem(409, "reviewed-otherwise");
    assert!(places(&items(&cloud).await, &["too late", STATED[0]]).is_empty());
    cloud.audit().await;
}

#[tokio::test]
async fn claims_that_a_profile_does_not_list_any_more_are_found_by_the_command_line() {
    let (cloud, _) = town().await;
    // By its own token an account gives nothing up.
    let own = |number: u32| json!({"name": STATED[15], "email": format!("{number}.{}", STATED[14])}).to_string();
    let token = Some(json!({"jwt": {"claims": {"sub": "s-1", "account_id": "sealion"}, "scopes": ["accounts:write"]}}));
    for number in 0..25 {
        cloud.request_as(token.clone(), "PUT", "/v1/accounts/sealion", &own(number)).await.expect(200);
    }
    let claims = async || {
        let all = items(&cloud).await;
        all.iter().filter(|item| kind(item) == Some("claim") && item.values().any(|v| holds(v, "sealion"))).count()
    };
    assert!(claims().await > 25);
    let asked = erase(&cloud).await.expect(202);
    assert_eq!((&asked["state"], asked.header("retry-after")), (&json!("erasing"), Some("1")));
    assert!(claims().await > 0);
    let (caller, id) = (runtime::Caller::operator("erase"), domain::id::AccountId::parse("sealion").unwrap());
    let app = cloud.local().app("accounts").unwrap();
    let erased = accounts::erase(app, &caller, &id, runtime::Deadline::NEVER, accounts::Claims::All).await.unwrap();
    assert!(erased.erased_at.is_some());
    assert_eq!(claims().await, 0);
    erase(&cloud).await.expect(200);
}

#[tokio::test]
async fn who_sees_a_company_as_it_was_before_its_erasure_adds_nothing_to_it() {
    let (cloud, survey) = town().await;
    cloud.account("sealion").put_contact("c-3", named(STATED[17], STATED[18])).await.expect(201);
    erase(&cloud).await.expect(200);
    let stored = (cloud.tables().await, cloud.metrics().await);
    // As a replica shows it that lags behind by what the erasure wrote.
    cloud.stale_reads(Staleness::Behind(1));
    survey.answer("sealion", "c-3", 4).comment("too late").send().await.expect_problem(404, "unknown-contact");
    survey.answer("sealion", "c-2", 4).comment("too late").send().await.expect_problem(404, "unknown-contact");
    let late = cloud.account("sealion").put_contact("c-4", named("Late", "late@lake.example")).await;
    late.expect_problem(409, "account-not-active");
    let late = cloud.account("sealion").put(json!({"name": "Late", "email": "late@lake.example"})).await;
    late.expect_problem(409, "account-not-active");
    cloud
        .account("sealion")
        .order("late")
        .line("MUG", 1, "9.00")
        .send()
        .await
        .expect_problem(409, "account-not-active");
    assert_eq!((cloud.tables().await, cloud.metrics().await), stored);
}

#[tokio::test]
async fn who_may_not_erases_nobody() {
    let (cloud, _) = town().await;
    let stored = cloud.tables().await;
    let token = |account: Option<&str>, scopes: &[&str]| {
        let mut claims = json!({"sub": "somebody"});
        account.into_iter().for_each(|account| claims["account_id"] = json!(account));
        Some(json!({"jwt": {"claims": claims, "scopes": scopes}}))
    };
    for authorizer in [
        token(Some("sealion"), &["accounts:write"]),
        token(Some("gamma"), &["accounts:write"]),
        token(None, &["accounts:read", "orders:write", "program:write", "metrics:read"]),
    ] {
        cloud.request_as(authorizer, "DELETE", PLACE, "").await.expect_problem(403, "forbidden");
    }
    cloud.request("DELETE", "/v1/accounts/nobody/personal-data", "").await.expect_problem(404, "unknown-account");
    assert_eq!(cloud.tables().await, stored);
}

#[tokio::test]
async fn what_is_kept_for_good_names_nobody_by_an_e_mail_address() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    for text in ["asked by ann@acme.example", "<ann@acme.example>", "ann@acme.example, twice"] {
        let given = acme.adjust("k-1", json!({"points": 5, "reason": text})).await.expect(422);
        assert_eq!(given["faults"][0]["code"], "personal_data");
        let given = acme.adjust("k-1", json!({"points": 5, "reason": "a gift", "reference": text})).await.expect(422);
        assert_eq!(given["faults"][0]["path"], "$.reference");
    }
    acme.adjust("k-1", json!({"points": 5, "reason": "5 mugs @ 2.50"})).await.expect(201);
    // Nor does an entry name who asked by one.
    let claims = json!({"claims": {"sub": "ann@acme.example"}, "scopes": ["accounts:write"]});
    let body = json!({"name": "Acme Ltd"}).to_string();
    cloud.request_as(Some(json!({ "jwt": claims })), "PUT", "/v1/accounts/acme", &body).await.expect(200);
    let by = acme.history().await[0]["by"].as_str().unwrap().to_owned();
    assert!(by.starts_with("sub:") && by.len() == 36, "{by}");
    assert!(places(&items(&cloud).await, &["ann@acme"]).is_empty());
}
