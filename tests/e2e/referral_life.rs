//! A referral from its code to its reward, through the API.

use domain::code::Code;
use domain::time::Day;
use domain::walk::Walked;
use domain::warning::Walk;
use serde_json::{Value, json};
use tests::referral::company;
use tests::{Cloud, ReferralCode, WHOLESALE, at, authorizer};

/// When the reward of what qualifies at noon of the 1st of March is due: thirty days to the same wall time in London,
/// and summer time begins between.
pub const REWARD_AT: &str = "2011-03-31T11:00:00Z";

/// What the program, and every code together, come to: the same, whoever counts.
pub async fn program(cloud: &Cloud) -> Value {
    let counted = local::referrals::count(cloud.app(), cloud.now()).await.unwrap();
    for of_code in &counted.codes {
        let shown = cloud.referral_code(of_code.referral_code.as_str()).tracking().await;
        assert_eq!(shown, json!(of_code.counted), "{}", of_code.referral_code);
    }
    json!(counted.program)
}

#[tokio::test]
async fn an_account_gets_its_code_and_each_of_its_people_one_once() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.issue_code(json!({})).await.expect_problem(409, "identity-missing");
    acme.put(company("acme")).await.expect(200);
    acme.put_contact("ann", json!({"name": "Ann", "role": "buyer", "locale": "en"})).await.expect(201);
    assert_eq!(acme.codes().await.expect(200).json(), json!({"referral_codes": []}));
    let issued = acme.issue_code(json!({})).await.expect(201);
    let code = issued["referral_code"].as_str().unwrap().to_owned();
    Code::parse(&code).unwrap();
    let encoded = code.replace('*', "%2A").replace('~', "%7E").replace('$', "%24").replace('=', "%3D");
    assert_eq!(
        issued.json(),
        json!({
            "referral_code": code, "account_id": "acme", "status": "active", "issued_at": "2011-03-01T12:00:00Z",
            "link": format!("https://shop.example.com/join?code={encoded}"),
        })
    );
    let of_ann = json!({"contact_id": "ann", "redemptions_left": 5, "expires_at": "2011-06-01T00:00:00Z"});
    let anns = acme.issue_code(of_ann.clone()).await.expect(201);
    assert_ne!(anns["referral_code"], issued["referral_code"]);
    assert_eq!((&anns["contact_id"], &anns["redemptions_left"]), (&json!("ann"), &json!(5)));
    assert_eq!(anns["expires_at"], "2011-06-01T00:00:00Z");
    // Once each, whatever is asked for.
    let before = cloud.tables().await;
    for document in [json!({}), json!({"redemptions_left": 1})] {
        assert_eq!(acme.issue_code(document).await.expect(200).body(), issued.body());
    }
    assert_eq!(acme.issue_code(of_ann).await.expect(200).body(), anns.body());
    assert_eq!(cloud.tables().await, before);
    assert_eq!(acme.codes().await.expect(200)["referral_codes"], json!([issued.json(), anns.json()]));
    let shown = cloud.referral_code(&code).shown().await.expect(200);
    let none = json!({
        "redeemed": 0, "under_review": 0, "qualified": 0, "rewarded": 0, "rejected": 0, "expired": 0, "revoked": 0,
        "cost": {"points": 0, "discounts": 0}, "revenue": {"amount": "0.00", "currency": "GBP"},
    });
    assert_eq!((&shown["tracking"], &shown["referral_code"]), (&none, &json!(code)));
    // However it is typed.
    let typed = code.to_lowercase().replace('0', "o");
    assert_eq!(cloud.referral_code(&typed).shown().await.expect(200).body(), shown.body());
    cloud.audit().await;
}

#[tokio::test]
async fn whoever_redeems_is_enrolled_and_welcomed_once_per_key() {
    let cloud = Cloud::start().await;
    let code = cloud.referrer("acme").await;
    let prospect = code.prospect(1).set("contact", json!({"contact_id": "pat", "name": "Pat", "locale": "de"}));
    let redeemed = prospect.redeem().await.expect(201);
    let discount = redeemed["welcome"]["discount"].clone();
    assert_eq!(
        redeemed.json(),
        json!({
            "referral_code": code.text(), "redemption_id": redeemed["redemption_id"], "account_id": "p-1",
            "account_status": "active", "state": "redeemed", "redeemed_at": "2011-03-01T12:00:00Z",
            "welcome": {
                "points": 100, "expires_at": "2013-03-31T23:00:00Z",
                "discount": {
                    "rule": "welcome", "code": discount["code"], "percent": "10",
                    "expires_at": "2011-04-30T11:00:00Z",
                },
            },
        })
    );
    let account = cloud.account("p-1");
    let standing = account.standing().await.expect(200);
    assert_eq!((&standing["name"], &standing["vat_id"]), (&json!("Prospect 1"), &json!("GB100000001")));
    assert_eq!((&standing["email"], &standing["country"]), (&json!("pat@prospect-1.example"), &json!("GB")));
    assert_eq!(standing["points"]["balance"], 100);
    let mut listed = standing["discounts"].clone();
    assert!(listed[0].as_object_mut().unwrap().remove("name").is_some());
    assert_eq!(listed, json!([discount]));
    let expected = json!({
        "referral_code": code.text(), "redemption_id": redeemed["redemption_id"], "stage": "open",
        "until": "2011-08-28T11:00:00Z",
    });
    assert_eq!(standing["referral"], expected);
    let contact = cloud.get("/v1/accounts/p-1/contacts/pat").await.expect(200);
    assert_eq!((&contact["role"], &contact["email"]), (&json!("admin"), &json!("pat@prospect-1.example")));
    assert_eq!(contact["locale"], "de");

    // The same again, later, and with the code paused: what was said first, and nothing is written.
    cloud.set_clock("2011-03-02T12:00:00Z");
    code.put(json!({"status": "paused"})).await.expect(200);
    let before = cloud.tables().await;
    let again = prospect.redeem().await.expect(200);
    assert_eq!((again.body(), again.header("idempotent-replayed")), (redeemed.body(), Some("true")));
    for other in [prospect.clone().set("company", json!("Another")), prospect.clone().without("consent")] {
        other.redeem().await.expect_problem(409, "idempotency-key-reused");
    }
    assert_eq!(cloud.tables().await, before);
    // The discount is one like any other.
    let used = account.order("o-1").placed("2011-03-02T12:00:00Z").line("MUG", 1, "10.00");
    used.code(discount["code"].as_str().unwrap()).send().await.expect(201);
    cloud.audit().await;
}

#[tokio::test]
async fn a_prospect_without_an_account_is_given_one_of_its_own() {
    let cloud = Cloud::start().await;
    let code = cloud.referrer("acme").await;
    let prospect = code.prospect(1).without("account_id");
    let redeemed = prospect.redeem().await.expect(201);
    let id = redeemed["account_id"].as_str().unwrap().to_owned();
    assert_eq!(prospect.redeem().await.expect(200)["account_id"], json!(id));
    assert_eq!(cloud.account(&id).standing().await.expect(200)["points"]["balance"], 100);
    let other = code.prospect(2).without("account_id").redeem().await.expect(201);
    assert_ne!(other["account_id"], json!(id));
    // An account that the shop had made before keeps what is known of it.
    let known = cloud.account("p-3");
    known.put(json!({"name": "Known before", "vat_id": "GB100000003"})).await.expect(201);
    known.put_contact("main", json!({"name": "Kim", "role": "buyer", "locale": "en"})).await.expect(201);
    code.prospect(3).redeem().await.expect(201);
    let standing = known.standing().await.expect(200);
    assert_eq!((&standing["name"], &standing["email"]), (&json!("Known before"), &json!("pat@prospect-3.example")));
    assert_eq!(cloud.get("/v1/accounts/p-3/contacts/main").await.expect(200)["name"], "Kim");
    cloud.audit().await;
}

#[tokio::test]
async fn an_order_of_at_least_the_minimum_qualifies_and_the_reward_comes_at_its_instant() {
    let cloud = Cloud::start().await;
    let code = cloud.referrer("acme").await;
    let acme = cloud.account("acme");
    let redemption = code.redeemed_by(1).await;
    redemption.order("o-1", "249.99").send().await.expect(201);
    // What is not eligible does not count.
    redemption.order("o-2", "249.99").line("POST", 1, "50.00").send().await.expect(201);
    assert_eq!(redemption.state().await, "redeemed");
    redemption.order("o-3", "250.00").send().await.expect(201);
    // Only one order does it.
    redemption.order("o-4", "900.00").send().await.expect(201);
    let qualified = redemption.shown().await.expect(200);
    assert_eq!(qualified["state"], "qualified");
    let order = json!({"order_id": "o-3", "source": "shop"});
    let revenue = json!({"amount": "250.00", "currency": "GBP"});
    assert_eq!(
        qualified["qualified"],
        json!({"order": order, "at": "2011-03-01T12:00:00Z", "reward_at": REWARD_AT, "revenue": revenue})
    );
    assert_eq!(redemption.account().standing().await.expect(200)["referral"]["stage"], "qualified");
    assert_eq!(redemption.account().times("referral.qualified").await, 1);

    cloud.set_instant(at(REWARD_AT).plus_ms(-1));
    let before = cloud.tables().await;
    assert_ne!(redemption.walk().await, Walked::Written);
    assert_eq!(cloud.tables().await, before);
    assert_eq!((acme.balance().await, redemption.state().await), (0, "qualified".to_owned()));

    cloud.set_clock(REWARD_AT);
    assert_eq!(redemption.walk().await, Walked::Written);
    assert_eq!((acme.balance().await, redemption.state().await), (500, "rewarded".to_owned()));
    let rewarded = redemption.shown().await.expect(200)["rewarded"].clone();
    let expected = json!({"at": REWARD_AT, "number": 1, "points": 500, "expires_at": "2013-03-31T23:00:00Z"});
    assert_eq!(rewarded, expected);
    assert_eq!(redemption.account().standing().await.expect(200)["referral"]["stage"], "rewarded");
    let settled = cloud.tables().await;
    assert_ne!(redemption.walk().await, Walked::Written);
    assert_eq!(cloud.tables().await, settled);
    cloud.audit().await;
}

#[tokio::test]
async fn the_state_machine_rewards_what_is_filed_for_the_day() {
    let cloud = Cloud::start().await;
    let code = cloud.referrer("acme").await;
    for number in 1..=3 {
        code.redeemed_by(number).await.order(&format!("o-{number}"), "300.00").send().await.expect(201);
    }
    for walk in Walk::ALL {
        cloud.app().store().set_filed_activation(walk, 1).await.unwrap();
    }
    let ahead = async |day| {
        let told = local::due::forecast(cloud.app(), Day::parse(day).unwrap(), cloud.now()).await.unwrap();
        (told.referral_rewards, told.referrals_expired, told.referral_rewards_taken_back)
    };
    code.redeemed_by(4).await;
    assert_eq!((ahead("2011-03-30").await, ahead("2011-03-31").await), ((0, 0, 0), (3, 0, 0)));
    assert_eq!(ahead("2011-08-28").await, (3, 1, 0));
    cloud.set_clock("2011-03-31T10:00:00Z");
    cloud.sweep(Some("2011-03-31")).await;
    assert_eq!(cloud.account("acme").times("referral.rewarded").await, 0);
    cloud.set_clock("2011-03-31T12:00:00Z");
    let swept = cloud.sweep(Some("2011-03-31")).await;
    assert!(swept.iter().all(|machine| machine.is_complete()), "{swept:?}");
    cloud.sweep(Some("2011-03-31")).await;
    // 500 for the first and the second, 750 for the third.
    assert_eq!(cloud.account("acme").balance().await, 1_750);
    assert_eq!(cloud.account("acme").times("referral.rewarded").await, 3);
    assert_eq!(ahead("2011-08-28").await, (0, 1, 0));
    cloud.audit().await;
}

#[tokio::test]
async fn the_reward_goes_up_in_steps() {
    let cloud = Cloud::start().await;
    let code = cloud.referrer("acme").await;
    let acme = cloud.account("acme");
    let mut redemptions = Vec::new();
    for number in 1..=10 {
        let redemption = code.redeemed_by(number).await;
        redemption.order(&format!("o-{number}"), "300.00").send().await.expect(201);
        redemptions.push(redemption);
    }
    cloud.set_clock(REWARD_AT);
    let mut rewards = Vec::new();
    for redemption in &redemptions {
        redemption.walk().await;
        let rewarded = redemption.shown().await.expect(200)["rewarded"].clone();
        rewards.push((rewarded["number"].as_u64().unwrap(), rewarded["points"].as_u64().unwrap()));
    }
    let expected = [500, 500, 750, 750, 750, 750, 750, 750, 750, 1000];
    assert_eq!(rewards, (1..).zip(expected).collect::<Vec<_>>());
    assert_eq!(acme.balance().await, expected.iter().sum::<u64>() as i64);
    let mut discounts = acme.standing().await.expect(200)["discounts"].clone();
    let last = redemptions[9].shown().await.expect(200)["rewarded"]["discount"].clone();
    assert_eq!(discounts[0].as_object_mut().unwrap().remove("name"), Some(json!("15 % off for bringing ten")));
    assert_eq!(discounts, json!([last]));
    assert_eq!((&last["percent"], &last["rule"]), (&json!("15"), &json!("ambassador")));
    let order = acme.order("own").placed(REWARD_AT).line("MUG", 1, "10.00").code(last["code"].as_str().unwrap());
    order.send().await.expect(201);
    let tracked = program(&cloud).await;
    assert_eq!((&tracked["rewarded"], &tracked["cost"]), (&json!(10), &json!({"points": 8_250, "discounts": 11})));
    cloud.audit().await;
}

#[tokio::test]
async fn what_is_tracked_is_what_the_redemptions_say() {
    let cloud = Cloud::start().await;
    let (code, other) = (cloud.referrer("acme").await, cloud.referrer("beta").await);
    let mut redemptions = Vec::new();
    for (number, amount) in [(1, "300.00"), (2, "400.00"), (3, "500.50"), (4, "10.00")] {
        let redemption = code.redeemed_by(number).await;
        redemption.order(&format!("o-{number}"), amount).send().await.expect(201);
        redemptions.push(redemption);
    }
    other.redeemed_by(5).await.order("o-5", "1000.00").send().await.expect(201);
    cloud.order("o-1").returned("r-1").units("1", 1).send().await.expect(201);
    cloud.set_clock(REWARD_AT);
    redemptions[1].walk().await;
    let tracked = json!({
        "redeemed": 4, "under_review": 0, "qualified": 3, "rewarded": 1, "rejected": 0, "expired": 0, "revoked": 1,
        "cost": {"points": 900, "discounts": 4}, "revenue": {"amount": "900.50", "currency": "GBP"},
    });
    assert_eq!(code.tracking().await, tracked);
    let all = program(&cloud).await;
    assert_eq!((&all["redeemed"], &all["revenue"]["amount"]), (&json!(5), &json!("1900.50")));
    cloud.set_clock("2011-08-28T11:00:00Z");
    assert_eq!((code.tracking().await["expired"].clone(), redemptions[3].state().await), (json!(1), "expired".into()));
    // In pages.
    let mut listed = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let page = code.redemptions(&query).await.expect(200).json();
        listed.extend(page["redemptions"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=3&cursor={cursor}");
    }
    assert_eq!(listed.len(), 4);
    for redemption in &redemptions {
        let shown = redemption.shown().await.expect(200).json();
        assert!(listed.contains(&shown), "{shown}");
    }
    cloud.audit().await;
}

#[tokio::test]
async fn several_walks_at_once_give_one_reward() {
    let cloud = Cloud::start().await;
    let code = cloud.referrer("acme").await;
    let redemption = code.redeemed_by(1).await;
    redemption.order("o-1", "300.00").send().await.expect(201);
    cloud.set_clock(REWARD_AT);
    let walks: Vec<_> = (0..16)
        .map(|_| {
            let redemption = redemption.clone();
            tokio::spawn(async move { redemption.walk().await })
        })
        .collect();
    for walk in walks {
        walk.await.unwrap();
    }
    assert_eq!((cloud.account("acme").balance().await, redemption.state().await), (500, "rewarded".to_owned()));
    assert_eq!(cloud.account("acme").times("referral.rewarded").await, 1);
    assert_eq!(redemption.account().times("referral.concluded").await, 1);
    cloud.audit().await;
}

fn own(account: &str) -> Option<Value> {
    let scopes = ["orders:write", "accounts:read", "accounts:write"];
    Some(authorizer(json!({"sub": account, "account_id": account}), &scopes))
}

#[tokio::test]
async fn an_accounts_own_token_sees_how_far_its_referrals_have_come_and_not_who_they_are() {
    let cloud = Cloud::start().await;
    let code: ReferralCode = cloud.referrer("acme").await;
    cloud.account("beta").put(json!({"name": "Beta"})).await.expect(201);
    let redemption = code.redeemed_by(1).await;
    redemption.order("o-1", "300.00").send().await.expect(201);
    cloud.set_clock(REWARD_AT);
    redemption.walk().await;
    let ask = async |account, path: &str| cloud.request_as(own(account), "GET", path, "").await;
    let seen = ask("acme", &redemption.path("")).await.expect(200);
    let whole = redemption.shown().await.expect(200).json();
    let fields: Vec<_> = seen.json().as_object().unwrap().keys().cloned().collect();
    let expected = ["qualified", "redeemed_at", "redemption_id", "referral_code", "rewarded", "state", "until"];
    assert_eq!(fields, expected);
    assert_eq!(seen["qualified"], json!({"at": "2011-03-01T12:00:00Z", "reward_at": REWARD_AT}));
    assert_eq!(seen["rewarded"], whole["rewarded"]);
    for field in ["referrer", "referee", "by", "program_version", "checks", "consent", "welcome"] {
        assert!(!whole[field].is_null(), "{field}");
    }
    assert_eq!(whole["consent"], json!({"wording": "I agree to be written to."}));
    let list = ask("acme", &code.path("/redemptions")).await.expect(200);
    assert_eq!(list["redemptions"], json!([seen.json()]));
    assert_eq!(ask("acme", &code.path("")).await.expect(200)["tracking"]["redeemed"], 1);
    for reply in [&seen, &list] {
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        assert!(!text.contains("p-1") && !text.contains("o-1") && !text.contains("prospect"), "{text}");
    }
    // To everybody else, whoever was referred by it too, the code is none at all.
    let unknown = Code::of_bits(1_234_567);
    for account in ["beta", "p-1"] {
        let none = ask(account, &cloud.referral_code(unknown.as_str()).path("")).await;
        for path in [code.path(""), code.path("/redemptions"), redemption.path("")] {
            assert_eq!(ask(account, &path).await.expect_problem(404, "unknown-code").body(), none.body());
        }
    }
    cloud.audit().await;
}

#[tokio::test]
async fn both_sides_can_read_what_happened() {
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["discounts"] = json!([]);
    let cloud = Cloud::with_program(document).await;
    let code = cloud.referrer("acme").await;
    let redemption = code.redeemed_by(1).await;
    let order = redemption.order("o-1", "300.00");
    order.send().await.expect(201);
    cloud.set_clock(REWARD_AT);
    redemption.walk().await;
    order.cancelled().at(REWARD_AT).send().await.expect(201);
    redemption.walk().await;
    code.put(json!({"status": "paused"})).await.expect(200);
    code.put(json!({"status": "active", "redemptions_left": 3})).await.expect(200);
    let welcome = redemption.shown().await.expect(200)["welcome"]["discount"]["code"].as_str().unwrap().to_owned();
    let texts = async |id: &str| -> Vec<String> {
        let history = cloud.account(id).history().await;
        let text =
            |line: &Value| line["text"].as_str().unwrap().replace(code.text(), "CODE").replace(&welcome, "WELCOME");
        history.iter().rev().map(text).collect()
    };
    let referrer = [
        "The account joined the program as Member. The account's data changed: name, email, vat_id.",
        "Referral code CODE is there to be shared.",
        "Code CODE brought the account's referral number 1. 500 points were given for the referral. They can be spent \
         until 2013-03-31.",
        "What code CODE brought does not count any more. 500 points were taken: the referral does not count any more.",
        "Referral code CODE is paused.",
        "Referral code CODE was changed and can be redeemed.",
    ];
    let referee = [
        "The account joined the program as Member. The account came by referral code CODE. 100 points were given for \
         the referral. They can be spent until 2013-03-31. Discount WELCOME is yours until 2011-04-30.",
        "Order o-1 over 300.00 GBP earned 300 points. They can be spent until 2013-03-31. With order o-1 the referral \
         counts: whoever referred is rewarded after 2011-03-31.",
        "Whoever referred the account was rewarded.",
        "Order o-1 was cancelled: 300.00 GBP less. 300 points were taken back; 300 came from those the order \
         had earned. What is kept of order o-1 is too little now: the referral does not count.",
        "The reward of whoever referred the account was taken back.",
    ];
    assert_eq!(texts("acme").await, referrer);
    assert_eq!(texts("p-1").await, referee);
    cloud.audit().await;
}
