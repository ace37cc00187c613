//! A restart keeps everything.

use local::cloud::Storage;
use serde_json::json;
use tests::{Cloud, Folder, WHOLESALE};

#[tokio::test]
async fn a_restart_keeps_everything() {
    let folder = Folder::new();
    let open = async || Cloud::open(Storage::File(folder.join("guilder.db")), None).await;
    let cloud = open().await;
    cloud.activate(serde_json::from_str(WHOLESALE).unwrap()).await;
    let order = cloud.order("o-1").line("MUG", 1, "600.00");
    let first = order.send().await.expect(201);
    let code = first["discounts_issued"][0]["code"].as_str().unwrap().to_owned();
    cloud.account("acme").put(json!({"name": "Acme", "vat_id": "GB123456789"})).await.expect(200);
    cloud.order("o-2").line("MUG", 1, "1.00").announce().await;
    let before = cloud.tables().await;
    drop((order, cloud));

    let cloud = open().await;
    assert_eq!(cloud.tables().await, before);
    let again = cloud.order("o-1").line("MUG", 1, "600.00").send().await.expect(200);
    assert_eq!(again.body(), first.body());
    // What waited in the queue is scored now.
    cloud.drain().await;
    let third = cloud.order("o-3").line("MUG", 1, "1.00").code(&code).send().await.expect(201);
    assert_eq!((&third["entry"], &third["balance"]), (&json!(4), &json!(602)));
    cloud.account("beta").put(json!({"name": "Beta", "vat_id": "GB123456789"})).await.expect_problem(409, "taken");
    drop(cloud);

    let cloud = open().await;
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 602);
}

#[tokio::test]
async fn a_new_secret_leaves_codes_and_claims_of_the_old_one_as_they_are() {
    let folder = Folder::new();
    let storage = || Storage::File(folder.join("guilder.db"));
    let cloud = Cloud::open_with_secrets(storage(), None, "1:the first of the secrets").await;
    cloud.activate(serde_json::from_str(WHOLESALE).unwrap()).await;
    let first = cloud.order("o-1").line("MUG", 1, "600.00").send().await.expect(201);
    let code = first["discounts_issued"][0]["code"].as_str().unwrap().to_owned();
    let acme = json!({"name": "Acme", "vat_id": "GB123456789", "email": "a@acme.example"});
    cloud.account("acme").put(acme.clone()).await.expect(200);
    drop(cloud);

    let both = "1:the first of the secrets,2:the second of the secrets";
    let cloud = Cloud::open_with_secrets(storage(), None, both).await;
    let before = cloud.tables().await;
    assert_eq!(cloud.order("o-1").line("MUG", 1, "600.00").send().await.expect(200).body(), first.body());
    cloud.account("acme").put(acme).await.expect(200);
    cloud.account("beta").put(json!({"name": "Beta", "vat_id": "GB123456789"})).await.expect_problem(409, "taken");
    cloud.account("beta").put(json!({"name": "Beta", "email": "A@acme.example"})).await.expect_problem(409, "taken");
    assert_eq!(cloud.tables().await, before);
    cloud.order("o-2").line("MUG", 1, "10.00").code(&code).send().await.expect(201);
    // Given up, it is free for another, whatever secret it was claimed under.
    cloud.account("acme").put(json!({"name": "Acme"})).await.expect(200);
    cloud.account("beta").put(json!({"name": "Beta", "vat_id": "GB123456789"})).await.expect(201);
    cloud.account("acme").put(json!({"name": "Acme", "vat_id": "GB123456789"})).await.expect_problem(409, "taken");
}
