//! Accounts, their people and their history.

use serde_json::{Value, json};
use tests::network::Staleness;
use tests::{Cloud, Reply};

#[tokio::test]
async fn an_account_is_created_changed_and_left_alone() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    let document = json!({
        "name": "Acme Ltd", "email": "Office@Acme.example", "vat_id": "gb 123.456-789", "segments": ["uk", "b2b", "uk"],
    });
    let created = acme.put(document.clone()).await.expect(201);
    assert_eq!((&created["account_id"], &created["version"]), (&json!("acme"), &json!(1)));
    assert_eq!((&created["email"], &created["vat_id"]), (&json!("Office@Acme.example"), &json!("GB123456789")));
    assert_eq!((&created["status"], &created["segments"]), (&json!("active"), &json!(["b2b", "uk"])));
    assert_eq!(created["joined_at"], "2011-03-01T12:00:00Z");

    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        let repeated = acme.put(document.clone()).await.expect(200);
        assert_eq!(repeated.body(), created.body());
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before);

    let changed = acme.put(json!({"name": "Acme plc", "vat_id": "GB123456789"})).await.expect(200);
    assert_eq!((&changed["name"], &changed["version"]), (&json!("Acme plc"), &json!(2)));
    assert_eq!((&changed["email"], &changed["segments"]), (&Value::Null, &json!([])));
    let entry = &acme.history().await[0];
    assert_eq!(entry["cause"], json!({"kind": "account_put"}));
    assert_eq!(entry["by"], "operator");
    assert_eq!(entry["changes"], json!([{"type": "account.changed", "fields": ["name", "email", "segments"]}]));
}

#[tokio::test]
async fn vat_id_and_email_are_one_accounts_alone_until_given_up() {
    for (field, value, same) in
        [("vat_id", "GB123456789", "gb 123 456 789"), ("email", "a@acme.example", "A@ACME.Example")]
    {
        let cloud = Cloud::start().await;
        let (acme, beta) = (cloud.account("acme"), cloud.account("beta"));
        acme.put(json!({"name": "Acme", field: value})).await.expect(201);
        let before = cloud.tables().await;
        let refused = beta.put(json!({"name": "Beta", field: same})).await.expect_problem(409, "taken");
        assert_eq!(refused.fault_paths(), [format!("$.{field}")]);
        let said = refused.json().to_string().to_lowercase();
        assert!(!said.contains("acme") && !said.contains("123456789"), "{said}");
        assert_eq!(cloud.tables().await, before);

        beta.put(json!({"name": "Beta"})).await.expect(201);
        beta.put(json!({"name": "Beta", field: same})).await.expect_problem(409, "taken");
        acme.put(json!({"name": "Acme"})).await.expect(200);
        beta.put(json!({"name": "Beta", field: same})).await.expect(200);
        acme.put(json!({"name": "Acme", field: value})).await.expect_problem(409, "taken");
        // Claims are keyed hashes: nobody reads the value in their table.
        let codes = format!("{:?}", cloud.tables().await.into_iter().find(|(name, _)| name.ends_with("codes")));
        assert!(!codes.contains(value) && !codes.contains("123456789") && !codes.contains("acme.example"), "{codes}");
    }
}

#[tokio::test]
async fn another_spelling_of_the_same_identity_is_taken_and_says_nothing_of_its_holder() {
    for (field, held, typed) in [
        ("email", "buyer@gmail.com", "B.Uyer+shop@googlemail.com"),
        ("email", "info@bücher.example", "Info@xn--bcher-kva.example"),
        ("vat_id", "EL 123 456 783", "GR123456783"),
        ("vat_id", "CHE-116.281.710 MWST", "CHE116281710"),
        ("vat_id", "UK123456789", "GB123456789"),
    ] {
        let cloud = Cloud::start().await;
        let (holder, other) = (cloud.account("holder-of-it"), cloud.account("other"));
        holder.put(json!({"name": "Holder Ltd", field: held})).await.expect(201);
        let before = cloud.tables().await;
        let refused = other.put(json!({"name": "Other", field: typed})).await.expect_problem(409, "taken");
        assert_eq!(refused.fault_paths(), [format!("$.{field}")]);
        let said = refused.json().to_string().to_lowercase();
        for secret in ["holder", "buyer", "gmail", "cher", "123456783", "116281710", &held.to_lowercase()] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        assert_eq!(cloud.tables().await, before);
        // What the holder typed stays as it was typed.
        let kept = if field == "vat_id" { held.replace([' ', '.', '-'], "") } else { held.to_owned() };
        assert_eq!(holder.standing().await.expect(200)[field], kept);

        holder.put(json!({"name": "Holder Ltd"})).await.expect(200);
        other.put(json!({"name": "Other", field: typed})).await.expect(201);
        holder.put(json!({"name": "Holder Ltd", field: held})).await.expect_problem(409, "taken");
    }
}

#[tokio::test]
async fn a_vat_id_without_its_letters_is_that_of_the_country() {
    let cloud = Cloud::start().await;
    let (acme, beta) = (cloud.account("acme"), cloud.account("beta"));
    let put = acme.put(json!({"name": "Acme", "country": "gr", "vat_id": "123 456 783"})).await.expect(201);
    assert_eq!((&put["country"], &put["vat_id"]), (&json!("GR"), &json!("EL123456783")));
    let before = cloud.tables().await;
    acme.put(json!({"name": "Acme", "country": "EL", "vat_id": "EL123456783"})).await.expect(200);
    assert_eq!(cloud.tables().await, before, "it says the same");
    // A company may be registered where it has no seat, so this contradicts nothing but is another account's.
    let elsewhere = json!({"name": "Beta", "country": "DE", "vat_id": "GR123456783"});
    let refused = beta.put(elsewhere).await.expect_problem(409, "taken");
    assert_eq!(refused.fault_paths(), ["$.vat_id"]);
    let wrong = beta.put(json!({"name": "Beta", "country": "DE", "vat_id": "136695977"})).await;
    let wrong = wrong.expect_problem(422, "invalid-document");
    assert_eq!(wrong["faults"][0]["message"], "has check digits that do not fit a number of DE");
    beta.put(json!({"name": "Beta", "country": "DE", "vat_id": "136695976"})).await.expect(201);
}

#[tokio::test]
async fn phone_and_address_are_stored_as_keyed_hashes_only() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    let document = |phone: &str, street: &str| {
        let address = json!({"street": street, "postal_code": "sw1a 1aa", "city": "Londinium"});
        json!({"name": "Acme", "country": "gb", "phone": phone, "address": address})
    };
    let created = acme.put(document("+44 20 7946 0958", "12 Highest Street")).await.expect(201);
    assert_eq!((&created["has_phone"], &created["has_address"]), (&json!(true), &json!(true)));
    let history = json!(acme.history().await).to_string();
    assert!(history.contains(r#"["name","country","phone","address"]"#), "{history}");
    let seen = [created.json().to_string(), history, format!("{:?}", cloud.tables().await)];
    for clear in ["7946", "0958", "79460958", "Highest", "Londinium", "sw1a", "SW1A", "hash"] {
        for seen in seen.iter().take(if clear == "hash" { 2 } else { 3 }) {
            assert!(!seen.contains(clear), "{clear} in {seen}");
        }
    }
    let before = cloud.tables().await;
    for staleness in [Staleness::None, Staleness::Oldest] {
        cloud.stale_reads(staleness);
        acme.put(document("(020) 7946-0958", "12, Highest St.")).await.expect(200);
    }
    cloud.stale_reads(Staleness::None);
    assert_eq!(cloud.tables().await, before, "it says the same");

    // Neither is one account's alone.
    cloud.account("beta").put(document("+44 20 7946 0958", "12 Highest Street")).await.expect(201);
    let emptied = acme.put(json!({"name": "Acme"})).await.expect(200);
    assert_eq!((&emptied["has_phone"], &emptied["has_address"]), (&json!(false), &json!(false)));
    assert_eq!(emptied["country"], Value::Null);
}

#[tokio::test]
async fn an_order_enrols_and_a_put_adds_the_rest() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    acme.order("o-1").line("MUG", 1, "30.00").send().await.expect(201);
    assert_eq!(acme.standing().await.expect(200)["name"], Value::Null);
    let put = acme.put(json!({"name": "Acme"})).await.expect(200);
    assert_eq!((&put["name"], &put["points"]["balance"], &put["orders"]), (&json!("Acme"), &json!(30), &json!(1)));
}

#[tokio::test]
async fn contacts_are_added_changed_and_left_alone() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    let document = json!({
        "name": "Ann Buyer", "email": "ann@acme.example", "role": "buyer", "locale": "en-GB", "birthday": "1980-02-29",
    });
    acme.put_contact("ann", document.clone()).await.expect_problem(404, "unknown-account");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    let created = acme.put_contact("ann", document.clone()).await.expect(201);
    let mut expected = document.clone();
    expected["account_id"] = json!("acme");
    expected["contact_id"] = json!("ann");
    assert_eq!(created.json(), expected);
    let before = cloud.tables().await;
    acme.put_contact("ann", document.clone()).await.expect(200);
    assert_eq!(cloud.tables().await, before);
    let changed = json!({"name": "Ann Buyer", "role": "approver", "locale": "de"});
    acme.put_contact("ann", changed).await.expect(200);
    let history = acme.history().await;
    assert_eq!(history.len(), 3);
    assert_eq!(history[0]["changes"], json!([{"type": "contact.changed", "contact_id": "ann"}]));
    assert!(!json!(history).to_string().contains("Ann Buyer"), "no personal data in the ledger");
}

#[tokio::test]
async fn a_standing_shows_balance_tier_progress_and_discounts_as_of_now() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    cloud.get("/v1/accounts/acme").await.expect_problem(404, "unknown-account");
    acme.order("o-1").placed("2010-12-05T10:00:00Z").line("MUG", 1, "600.00").send().await.expect(201);
    acme.order("o-2").line("MUG", 1, "700.00").send().await.expect(201);
    let standing = acme.standing().await.expect(200);
    assert_eq!(standing["as_of"], "2011-03-01T12:00:00Z");
    assert_eq!(
        standing["points"],
        json!({
            "balance": 1300, "pending": 0, "next_expiry": {"at": "2013-01-01T00:00:00Z", "points": 600},
        })
    );
    assert_eq!(
        standing["tier"],
        json!({
            "id": "silver", "name": "Silver", "multiplier": "1.25", "since": "2011-03-01T12:00:00Z",
            "qualifying_spend": {"amount": "1300.00", "currency": "GBP"}, "window": ["2010-04", "2011-03"],
            "next": {
                "id": "gold", "name": "Gold", "threshold": {"amount": "5000.00", "currency": "GBP"},
                "missing": {"amount": "3700.00", "currency": "GBP"},
            },
        })
    );
    assert_eq!(standing["discounts"].as_array().unwrap().len(), 1);
    assert_eq!(standing["purchases"], json!({"first": "2010-12-05", "latest": "2011-03-01"}));
    cloud.set_clock("2013-01-01T00:00:00Z");
    let later = acme.standing().await.expect(200);
    assert_eq!((&later["points"]["balance"], &later["discounts"]), (&json!(700), &json!([])));
    assert_eq!(later["tier"]["qualifying_spend"]["amount"], "0.00");
    // Reading writes nothing: the entries are those of the two orders.
    assert_eq!(acme.history().await.len(), 2);
}

#[tokio::test]
async fn entries_are_listed_newest_first_page_by_page_without_gaps() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    cloud.get("/v1/accounts/acme/entries").await.expect_problem(404, "unknown-account");
    for n in 1..=45 {
        acme.order(&format!("o-{n}")).line("MUG", 1, "1.00").send().await.expect(201);
    }
    for (limit, pages) in [("", 3), ("limit=15", 3), ("limit=7", 7), ("limit=44", 2), ("limit=45", 1), ("limit=100", 1)]
    {
        let mut seen: Vec<u64> = Vec::new();
        let mut query = format!("?{limit}");
        let mut asked = 0;
        loop {
            let page = acme.entries(&query).await.expect(200);
            asked += 1;
            seen.extend(page["entries"].as_array().unwrap().iter().map(|entry| entry["sequence"].as_u64().unwrap()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("?{limit}&cursor={cursor}");
        }
        assert_eq!(seen, (1..=45).rev().collect::<Vec<_>>(), "{limit}");
        assert_eq!(asked, pages, "{limit}");
    }
    for query in [
        "?cursor=x",
        "?cursor=",
        "?cursor=AAAA",
        "?cursor=__________8",
        "?cursor=%00",
        "?limit=0",
        "?limit=101",
        "?limit=x",
        "?from=2011-03-01",
    ] {
        acme.entries(query).await.expect_problem(400, "invalid-parameter");
    }
}

#[tokio::test]
async fn what_is_added_meanwhile_does_not_move_the_pages() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    for n in 1..=4 {
        acme.order(&format!("o-{n}")).line("MUG", 1, "1.00").send().await.expect(201);
    }
    let first = acme.entries("?limit=2").await.expect(200);
    acme.put(json!({"name": "Acme"})).await.expect(200);
    let second = acme.entries(&format!("?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await.expect(200);
    let sequences = |page: &Reply| page["entries"].as_array().unwrap().iter().map(|e| e["sequence"].clone()).collect();
    let (first_seen, second_seen): (Vec<Value>, Vec<Value>) = (sequences(&first), sequences(&second));
    assert_eq!((first_seen, second_seen), (vec![json!(4), json!(3)], vec![json!(2), json!(1)]));
    assert_eq!(second["next_cursor"], Value::Null);
}

#[tokio::test]
async fn the_score_of_an_order_is_its_first_answer_byte_for_byte() {
    let cloud = Cloud::start().await;
    let order = cloud.order("o-1").line("MUG", 1, "600.00").line("POST", 1, "4.00");
    order.score().await.expect_problem(404, "unknown-order");
    let first = order.send().await.expect(201);
    cloud.order("o-2").line("MUG", 1, "5000.00").send().await.expect(201);
    cloud.set_clock("2014-01-01T00:00:00Z");
    assert_eq!(order.score().await.expect(200).body(), first.body());
    cloud.get("/v1/orders/erp/o-1/score").await.expect_problem(404, "unknown-order");
}
