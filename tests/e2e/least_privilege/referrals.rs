//! Referrals, from the code to the reward.

use super::Watched;
use serde_json::{Value as Json, json};
use tests::{Cloud, at};

impl Watched {
    /// Referrals: codes, redemptions with and without a review, an order that qualifies one, is amended and comes back,
    /// a reward that is given and taken back.
    pub async fn referrals(&mut self) {
        let gift = json!({"id": "thanks", "name": "Thanks", "percent": "15", "validity_days": 90});
        let rewards = json!([{"from": 1, "points": 500, "discount": gift}]);
        self.turn_to(Cloud::with(|program| program["referral"]["rewards"] = rewards).await).await;
        let acme = json!({"name": "Acme", "email": "office@acme.example", "vat_id": "GB999999973"});
        self.ask("PUT", "/v1/accounts/acme", &acme, 201).await;
        for status in [201, 200] {
            self.ask("POST", "/v1/accounts/acme/referral-code", &json!({}), status).await;
        }
        let contact = json!({"name": "Ann", "role": "buyer", "locale": "en"});
        self.ask("PUT", "/v1/accounts/acme/contacts/ann", &contact, 201).await;
        self.ask("POST", "/v1/accounts/acme/referral-code", &json!({"contact_id": "ann"}), 201).await;
        let codes = self.ask("GET", "/v1/accounts/acme/referral-codes", &Json::Null, 200).await;
        let code = self.cloud.referral_code(codes["referral_codes"][0]["referral_code"].as_str().unwrap());
        let limited = json!({"status": "active", "redemptions_left": 3});
        self.ask("PUT", &code.path(""), &limited, 200).await;
        let redeeming = code.prospect(1).target();
        let redeemed = self.ask("POST", &redeeming, &code.prospect(1).document(), 201).await;
        self.ask("POST", &redeeming, &code.prospect(1).document(), 200).await;
        for (number, verdict) in [(2, "/approval"), (3, "/rejection")] {
            let suspect = code.prospect(number).set("email", json!(format!("p-{number}@acme.example")));
            let waits = suspect.redeem().await.expect(201);
            self.ask("GET", "/v1/referrals/reviews", &Json::Null, 200).await;
            let waits = code.redemption(waits["redemption_id"].as_str().unwrap());
            self.ask("POST", &waits.path(verdict), &Json::Null, 200).await;
        }
        self.ask("GET", &code.path(""), &Json::Null, 200).await;
        self.ask("GET", &code.path("/redemptions"), &Json::Null, 200).await;
        let redemption = code.redemption(redeemed["redemption_id"].as_str().unwrap());
        self.ask("GET", &redemption.path(""), &Json::Null, 200).await;
        self.rewards().await;
    }

    /// What an order does to a redemption, and that to the referrer.
    pub async fn rewards(&mut self) {
        let order = self.cloud.order("o-1").account("p-1").line("MUG", 10, "30.00");
        self.ask("POST", "/v1/orders", &order.document(), 201).await;
        let amended = order.amended(1).line("MUG", 10, "31.00");
        self.ask("PUT", &amended.target(), &amended.document(), 200).await;
        for (day, back) in [("2011-03-31", Some(order.returned("r-1").units("1", 5))), ("2011-03-31", None)] {
            self.cloud.set_instant(at(&format!("{day}T12:00:00Z")));
            let task = json!({"task": "walk", "day": day, "shard": crate::walker::shard_of("p-1")});
            self.invoke("account-review", task).await;
            if let Some(back) = back {
                self.ask("POST", &back.target(), &back.document(), 201).await;
            }
        }
        let acme = self.cloud.account("acme").history().await;
        assert_eq!(acme[0]["changes"][0]["type"], "referral.taken_back");
    }
}
