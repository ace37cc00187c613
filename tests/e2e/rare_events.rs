//! Events that take time, or a program of their own: with those of every route they are all that there are.

use crate::event_schemas::{RARE, Schemas, announce};
use crate::walks::walk_daily;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Cloud, with_checkout};

/// What was announced since the last time; every event must be as its schema says.
async fn announced(cloud: &Cloud, seen: &mut BTreeSet<String>) {
    let schemas = Schemas::published();
    for sent in announce(cloud, async |event| cloud.local().invoke("events-out", event).await).await {
        schemas.check(&sent);
        seen.insert(sent.detail_type);
    }
}

async fn listening(change: impl FnOnce(&mut Value)) -> Cloud {
    let cloud = Cloud::with(change).await;
    cloud.listen();
    cloud
}

/// Tiers that bring something, one of them by invitation.
async fn tiers_that_give() -> Cloud {
    let cloud = listening(crate::tier_entry::by_units).await;
    let acme = cloud.account("acme");
    acme.order("o-1").line("MUG", 100, "1.00").send().await.expect(201);
    acme.put_tier(json!({"tier": "circle", "reason": "A friend"})).await.expect(200);
    acme.put_tier(json!({"tier": null, "reason": "No more"})).await.expect(200);
    cloud
}

/// A tier that is kept by what is ordered before its review, and then lost.
async fn reviews() -> Cloud {
    let cloud = listening(crate::walks::with_reviews).await;
    let order = async |id: &str, at: &str| {
        cloud.set_clock(at);
        cloud.order(id).placed(at).line("MUG", 1, "1200.00").send().await.expect(201);
    };
    order("o-1", "2011-03-01T12:00:00Z").await;
    order("o-2", "2011-05-02T12:00:00Z").await;
    walk_daily(&cloud, "acme", "2011-05-03", "2011-09-20").await;
    cloud
}

async fn memberships() -> [Cloud; 2] {
    let approved = listening(|program| program["membership"] = json!({"kind": "approval"})).await;
    let acme = approved.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.put_membership(json!({"admission": "rejected", "reason": "No trade"})).await.expect(200);

    let paid = listening(|program| {
        program["membership"] = json!({"kind": "paid", "months": 1, "grace_days": 10});
        program["warnings"] = json!({"membership_ending_days": [7]});
    })
    .await;
    let acme = paid.account("acme");
    acme.put(json!({"name": "Acme", "email": "office@acme.example"})).await.expect(201);
    acme.pays("pay-1", &json!({})).await.expect(201);
    walk_daily(&paid, "acme", "2011-03-20", "2011-04-13").await;
    [approved, paid]
}

/// Points that wait, are owed and repaid, last longer, and end; and what an occasion gives.
async fn points() -> [Cloud; 2] {
    let owed = listening(|program| {
        program["points"]["shortfall"] = json!("owe");
        program["points"]["pending_days"] = json!(14);
        program["occasions"] = json!([{"id": "welcome", "name": "Welcome!", "on": "welcome", "give": {"points": 1}}]);
    })
    .await;
    let order = owed.order("o-1").line("MUG", 1, "100.00");
    order.send().await.expect(201);
    owed.set_clock("2011-03-20T12:00:00Z");
    let acme = owed.account("acme");
    acme.give(-60).await.expect(201);
    order.cancelled().at("2011-03-20T12:00:00Z").send().await.expect(201);
    acme.give(80).await.expect(201);

    let lasting = listening(|program| {
        program["points"] = json!({"expiry": {"kind": "inactivity", "months": 2}});
        program["warnings"] = json!({"points_expiring_days": [30]});
    })
    .await;
    for (id, at) in [("o-1", "2011-03-01T12:00:00Z"), ("o-2", "2011-04-10T12:00:00Z")] {
        lasting.set_clock(at);
        lasting.order(id).placed(at).line("MUG", 1, "50.00").send().await.expect(201);
    }
    walk_daily(&lasting, "acme", "2011-04-11", "2011-07-05").await;
    [owed, lasting]
}

/// A redemption that no order qualifies in time; a return that is dated before its order.
async fn too_late_and_too_early() -> Cloud {
    let cloud = listening(|_| ()).await;
    let order = cloud.order("o-1").line("MUG", 10, "12.50");
    order.returned("r-1").at("2011-02-01T12:00:00Z").units("1", 2).send().await.expect(202);
    order.send().await.expect(201);
    let redemption = cloud.referrer("beta").await.redeemed_by(1).await;
    cloud.set_clock("2011-09-15T12:00:00Z");
    redemption.walk().await;
    cloud
}

/// What is held for a cart and given up; and for another, until its time is over.
async fn holds() -> Cloud {
    let cloud = listening(with_checkout).await;
    let acme = cloud.account("acme");
    acme.put(json!({"name": "Acme"})).await.expect(201);
    acme.give(3_000).await.expect(201);
    let cart = acme.cart().line("MUG", 10, "12.50").points(1_000);
    let id = cart.reserved("cart-1").await;
    cloud.release(&id).await.expect(200);
    cart.reserved("cart-2").await;
    cloud.set_clock("2011-03-02T12:00:00Z");
    acme.give(1).await.expect(201);
    cloud
}

#[tokio::test]
async fn every_rare_event_is_announced_as_its_schema_says() {
    if !Cloud::start().await.is_embedded() {
        return;
    }
    let mut seen = BTreeSet::new();
    let [approved, paid] = memberships().await;
    let [owed, lasting] = points().await;
    let (tiers, reviews, late, holds) =
        (tiers_that_give().await, reviews().await, too_late_and_too_early().await, holds().await);
    for cloud in [approved, paid, owed, lasting, tiers, reviews, late, holds] {
        announced(&cloud, &mut seen).await;
    }
    let unseen: Vec<_> = RARE.into_iter().filter(|kind| !seen.contains(*kind)).collect();
    assert_eq!(unseen, Vec::<&str>::new());
}
