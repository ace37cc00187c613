//! Words that are kept for good name goods, reasons and callers, and nobody by an address.

use crate::erasure::{items, places};
use serde_json::json;
use tests::{Cloud, authorizer};

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
    let ann = authorizer(json!({"sub": "ann@acme.example"}), &["accounts:write"]);
    let body = json!({"name": "Acme Ltd"}).to_string();
    cloud.request_as(Some(ann), "PUT", "/v1/accounts/acme", &body).await.expect(200);
    let by = acme.history().await[0]["by"].as_str().unwrap().to_owned();
    assert!(by.starts_with("sub:") && by.len() == 36, "{by}");
    // Nor does the source of an event on the bus, nor a subject without end.
    let order = cloud.account("acme").order("o-1").line("MUG", 1, "1.00").document();
    cloud.local().put_event("OrderPlaced", "ann@acme.example", order).await.unwrap();
    cloud.drain().await;
    let by = acme.history().await[0]["by"].as_str().unwrap().to_owned();
    assert!(by.starts_with("event:sub:") && by.len() == 42, "{by}");
    let long = authorizer(json!({"sub": "x".repeat(256)}), &["accounts:write"]);
    let body = json!({"name": "Acme AG"}).to_string();
    cloud.request_as(Some(long), "PUT", "/v1/accounts/acme", &body).await.expect(200);
    let by = acme.history().await[0]["by"].as_str().unwrap().to_owned();
    assert!(by.starts_with("sub:") && by.len() == 36, "{by}");
    assert!(places(&items(&cloud).await, &["ann@acme"]).is_empty());
}
