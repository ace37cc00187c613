//! Accounts: their data, points, rewards, surveys and membership.

use super::Watched;
use serde_json::{Value as Json, json};
use tests::Cloud;

impl Watched {
    pub async fn accounts(&mut self) {
        let named = |vat_id: Option<&str>| json!({"name": "Acme", "email": "a@acme.example", "vat_id": vat_id});
        for vat_id in [Some("GB123456789"), Some("GB987654321"), None] {
            self.ask("PUT", "/v1/accounts/acme", &named(vat_id), 200).await;
        }
        self.ask("PUT", "/v1/accounts/acme", &named(None), 200).await;
        self.ask("PUT", "/v1/accounts/beta", &named(None), 409).await;
        let contact = json!({"name": "Ann", "role": "buyer", "locale": "en"});
        self.ask("PUT", "/v1/accounts/acme/contacts/ann", &contact, 201).await;
        self.ask("GET", "/v1/accounts/acme/contacts/ann", &Json::Null, 200).await;
        for (points, status) in [(5, 201), (5, 200), (6, 409)] {
            let document = json!({"points": points, "reason": "A test"});
            self.ask("POST", "/v1/accounts/acme/adjustments", &document, status).await;
        }
        self.ask("GET", "/v1/accounts/acme/entries", &Json::Null, 200).await;
        self.ask("GET", "/v1/accounts/nobody/entries", &Json::Null, 404).await;
        for status in [201, 200] {
            self.ask("POST", "/v1/accounts/acme/perks/training/uses", &Json::Null, status).await;
        }
        let level = json!({"tier": "circle", "reason": "A test"});
        self.ask("PUT", "/v1/accounts/acme/tier", &level, 200).await;
        self.ask("GET", "/v1/accounts/acme/prices?sku=MUG&list_price=2.50&quantity=12", &Json::Null, 200).await;
        self.rewards_redeemed().await;
        self.ask("GET", "/v1/orders/shop/o-1/score", &Json::Null, 200).await;
        self.surveys().await;
        self.program().await;
        // With a discount to show.
        let order = self.cloud.order("o-4").account("gamma").line("MUG", 1, "600.00").document();
        self.ask("POST", "/v1/orders", &order, 201).await;
        self.ask("GET", "/v1/accounts/gamma", &Json::Null, 200).await;
    }

    /// A company that is erased, with all that is known of it, and asked to be once more.
    pub async fn erased(&mut self) {
        self.ask("PUT", "/v1/accounts/iota", &json!({"name": "Iota", "email": "i@iota.example"}), 201).await;
        let contact = json!({"name": "Ida", "role": "buyer", "locale": "en"});
        self.ask("PUT", "/v1/accounts/iota/contacts/ida", &contact, 201).await;
        self.ask("PUT", "/v1/surveys/last", &json!({"name": "Last"}), 201).await;
        let answer = json!({"account_id": "iota", "contact_id": "ida", "score": 3, "comment": "Late again"});
        self.ask("POST", "/v1/surveys/last/answers", &answer, 201).await;
        for _ in 0..2 {
            self.ask("DELETE", "/v1/accounts/iota/personal-data", &Json::Null, 200).await;
        }
    }

    /// One of each kind that points buy, and all of them given back. Each needs a key of its own: `ask` has one.
    pub async fn rewards_redeemed(&mut self) {
        self.ask("GET", "/v1/accounts/acme/rewards", &Json::Null, 200).await;
        let target = "/v1/accounts/acme/redemptions";
        for (reward, account) in [("mug", "acme"), ("off", "zeta"), ("day", "eta")] {
            let gift = json!({"points": 50, "reason": "A test"});
            if account != "acme" {
                self.ask("PUT", &format!("/v1/accounts/{account}"), &json!({"name": account}), 201).await;
                self.ask("POST", &format!("/v1/accounts/{account}/adjustments"), &gift, 201).await;
            }
            let target = target.replace("acme", account);
            let redeemed = self.ask("POST", &target, &json!({"reward": reward}), 201).await;
            self.ask("POST", &target, &json!({"reward": reward}), 200).await;
            let target = format!("{target}/{}/cancellation", redeemed["redemption_id"]);
            self.ask("POST", &target, &json!({"reason": "A test"}), 200).await;
        }
        self.ask("GET", target, &Json::Null, 200).await;
        // One more of the stock that is laid out.
        self.ask("PUT", "/v1/accounts/theta", &json!({"name": "Theta"}), 201).await;
        let gift = json!({"points": 50, "reason": "A test"});
        self.ask("POST", "/v1/accounts/theta/adjustments", &gift, 201).await;
        self.ask("POST", "/v1/accounts/theta/redemptions", &json!({"reward": "mug"}), 201).await;
    }

    /// A survey that is opened and closed, with an answer that is given, changed and repeated.
    pub async fn surveys(&mut self) {
        for status in [201, 200] {
            self.ask("PUT", "/v1/surveys/nps", &json!({"name": "Spring"}), status).await;
        }
        let answer = |score: u8| json!({"account_id": "acme", "contact_id": "ann", "score": score});
        for (score, status) in [(3, 201), (9, 200), (9, 200)] {
            self.ask("POST", "/v1/surveys/nps/answers", &answer(score), status).await;
        }
        self.ask("PUT", "/v1/surveys/nps", &json!({"name": "Spring", "status": "closed"}), 200).await;
        self.ask("POST", "/v1/surveys/nps/answers", &answer(5), 409).await;
        for target in ["nps", "nps/answers", "nps/answers?account_id=acme", ""] {
            self.ask("GET", format!("/v1/surveys/{target}").trim_end_matches('/'), &Json::Null, 200).await;
        }
        self.ask("GET", "/v1/surveys/none/answers", &Json::Null, 404).await;
    }

    /// A membership that is paid for, and somebody who is excluded from something.
    pub async fn memberships(&mut self) {
        self.turn_to(Cloud::with(|program| program["membership"] = json!({"kind": "paid", "months": 12})).await).await;
        self.ask("PUT", "/v1/accounts/acme", &json!({"name": "Acme"}), 201).await;
        for status in [201, 200] {
            self.ask("POST", "/v1/accounts/acme/membership/payments", &Json::Null, status).await;
        }
        let excluded = json!({"excluded_from": ["discounts"], "reason": "A test"});
        self.ask("PUT", "/v1/accounts/acme/membership", &excluded, 200).await;
        let mut invitation = Json::Null;
        for status in [201, 200] {
            invitation = self.ask("POST", "/v1/invitations", &json!({"uses": 1}), status).await;
        }
        let code = invitation["invitation_code"].as_str().unwrap().to_owned();
        let invited = json!({"name": "Beta", "invitation_code": code});
        self.ask("PUT", "/v1/accounts/beta", &invited, 201).await;
        self.ask("PUT", "/v1/accounts/gamma", &invited, 409).await;
        self.ask("GET", "/v1/invitations", &Json::Null, 200).await;
        let place = format!("/v1/invitations/{code}");
        self.ask("GET", &place, &Json::Null, 200).await;
        self.ask("DELETE", &place, &Json::Null, 200).await;
    }
}
