//! The account's history reads as a statement.

use serde_json::json;
use tests::actor::Cloud;

#[tokio::test]
async fn the_history_says_what_happened_and_why_in_plain_english() {
    let cloud = Cloud::with(|program| program["points"]["pending_days"] = json!(14)).await;
    let acme = cloud.account("acme");
    let order = acme.order("o-1").line("MUG", 100, "12.50");
    order.send().await.expect(201);
    order.returned("r-1").units("1", 20).send().await.expect(201);
    let changed = acme.order("o-1").line("MUG", 90, "12.50").set("revision", json!(2));
    cloud.put("/v1/orders/shop/o-1", &changed.document()).await.expect(200);
    order.cancelled().send().await.expect(201);
    acme.adjust("k-1", json!({"points": 50, "reason": "for the delay"})).await.expect(201);
    acme.adjust("k-2", json!({"points": -60, "reason": "a mistake"})).await.expect(201);
    cloud.set_clock("2011-04-02T12:00:00Z");
    acme.order("o-2").placed("2011-04-02T11:00:00Z").line("MUG", 1, "10.00").send().await.expect(201);

    let texts: Vec<_> =
        acme.history().await.iter().rev().map(|line| line["text"].as_str().unwrap().to_owned()).collect();
    let code = texts[0].split("Discount ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let expected = [
        "The account joined the program as Member. Order o-1 over 1250.00 GBP earned 1250 points. They can be spent \
         from 2011-03-15 until 2013-03-31. The tier is Silver now, with 1250.00 GBP; before: Member. \
         Discount CODE is yours until 2011-03-31.",
        "Return r-1 of order o-1: 250.00 GBP less. The 1000.00 GBP that are kept earn 1000 points. \
         250 points were taken back; 250 of them still waited.",
        "Order o-1 was changed: 1125.00 GBP instead of 1250.00 GBP. \
         125 points were taken back; 125 of them still waited.",
        "Order o-1 was cancelled: 875.00 GBP less. 875 points were taken back; 875 of them still waited.",
        "50 points were given: for the delay. They can be spent until 2013-03-31.",
        "60 points were taken: a mistake; 10 of them are owed.",
        "Discount CODE ended unused after 2011-03-31. Order o-2 over 10.00 GBP earned 12 points. They can be spent \
         from 2011-04-16 until 2013-04-30. 10 of them repaid points that were owed.",
    ];
    let expected: Vec<_> = expected.iter().map(|text| text.replace("CODE", &code)).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn what_falls_due_reads_as_a_statement() {
    let cloud = Cloud::with(crate::walks::with_reviews).await;
    let acme = cloud.account("acme");
    acme.order("o-1").line("MUG", 1, "1200.00").send().await.expect(201);
    for day in ["2011-03-25", "2011-04-02", "2011-04-30", "2011-05-12"] {
        cloud.set_clock(&format!("{day}T02:00:00Z"));
        for walk in domain::warning::Walk::ALL {
            let id = domain::id::AccountId::parse("acme").unwrap();
            runtime::walker::walk_account(cloud.app(), walk, &id).await.unwrap();
        }
    }
    let texts: Vec<_> =
        acme.history().await.iter().rev().skip(1).map(|line| line["text"].as_str().unwrap().to_owned()).collect();
    let code = texts[0].split(' ').nth(1).unwrap().to_owned();
    let expected = [
        "Discount CODE will end after 2011-03-31.",
        "Discount CODE ended unused after 2011-03-31.",
        "To stay Silver, 1000.00 GBP more is needed until 2011-05-10.",
        "The tier was reviewed and is Member now, with 0.00 GBP; before: Silver.",
    ];
    let expected: Vec<_> = expected.iter().map(|text| text.replace("CODE", &code)).collect();
    assert_eq!(texts, expected);
}
