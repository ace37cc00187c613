//! Orders, what changes them, and what comes back.

use super::Watched;
use serde_json::{Value as Json, json};
use tests::Cloud;

impl Watched {
    pub async fn orders(&mut self) {
        let order = |id: &str| self.cloud.order(id).line("MUG", 1, "600.00");
        let (first, second) = (order("o-1"), order("o-2"));
        let score = self.ask("POST", "/v1/orders", &first.document(), 201).await;
        let code = score["discounts_issued"][0]["code"].as_str().unwrap().to_owned();
        self.ask("POST", "/v1/orders", &second.clone().code(&code).document(), 201).await;
        self.ask("POST", "/v1/orders", &first.document(), 200).await;
        self.ask("POST", "/v1/orders", &first.clone().line("CUP", 1, "1.00").document(), 409).await;
        let foreign = self.cloud.order("o-8").line("MUG", 1, "1.00").set("currency", json!("EUR"));
        self.ask("POST", "/v1/orders", &foreign.document(), 422).await;
        let announced = self.cloud.order("o-3").line("MUG", 1, "1.00").document();
        self.announce("order-placed", "OrderPlaced", announced).await;
        // Gives a discount back, withdraws another, makes it valid again; and a newer one from the bus.
        let amended = second.amended(1).line("MUG", 1, "400.00");
        self.ask("PUT", &amended.target(), &amended.document(), 200).await;
        self.ask("PUT", &amended.target(), &amended.document(), 200).await;
        let (below, above) = (first.amended(1).line("MUG", 1, "400.00"), first.amended(2).line("MUG", 1, "600.00"));
        self.ask("PUT", &below.target(), &below.document(), 200).await;
        self.announce("order-placed", "OrderAmended", above.document()).await;
        let paid = first.paid();
        for status in [201, 200] {
            self.ask("POST", &paid.target(), &paid.document(), status).await;
        }
        let early = self.cloud.order("o-10").line("MUG", 1, "1.00");
        self.ask("POST", &early.paid().target(), &early.paid().document(), 202).await;
        let (detail_type, detail) = early.paid().event();
        self.announce("order-placed", detail_type, detail).await;
        self.ask("POST", "/v1/orders", &early.document(), 201).await;
        let early = self.cloud.order("o-7").amended(5).line("MUG", 1, "1.00");
        self.ask("PUT", &early.target(), &early.document(), 201).await;
    }

    pub async fn returns(&mut self) {
        let order = self.cloud.order("o-1");
        let back = order.returned("r-1").units("1", 1);
        self.ask("POST", &back.target(), &back.document(), 201).await;
        self.ask("POST", &back.target(), &back.document(), 200).await;
        let cancelled = order.cancelled();
        self.ask("POST", &cancelled.target(), &cancelled.document(), 201).await;
        let early = self.cloud.order("o-9").line("MUG", 1, "1.00");
        for back in [early.returned("r-1").units("1", 1), early.returned("r-2").units("1", 1)] {
            self.ask("POST", &back.target(), &back.document(), 202).await;
        }
        let (detail_type, detail) = early.cancelled().event();
        self.announce("order-returned", detail_type, detail).await;
        self.ask("POST", "/v1/orders", &early.document(), 201).await;
        let (detail_type, detail) = self.cloud.order("o-2").returned("r-1").units("1", 1).event();
        self.announce("order-returned", detail_type, detail).await;
    }

    pub async fn credit_notes(&mut self) {
        let note = self.cloud.account("acme").credit_note("c-1").units("MUG", 1);
        self.ask("POST", &note.target(), &note.document(), 201).await;
        self.ask("POST", &note.target(), &note.document(), 200).await;
        self.ask("GET", &note.place(), &Json::Null, 200).await;
        let (detail_type, mut detail) = note.event();
        detail["return_id"] = json!("c-2");
        self.announce("order-returned", detail_type, detail).await;
        // One that is not done within its time.
        for id in ["o-5", "o-6"] {
            let order = self.cloud.order(id).line("CUP", 1, "1.00").document();
            self.ask("POST", "/v1/orders", &order, 201).await;
        }
        let hurried = self.cloud.hurried().await;
        let patient = std::mem::replace(&mut self.cloud, hurried);
        let note = patient.account("acme").credit_note("c-3").units("CUP", 2);
        self.ask("POST", &note.target(), &note.document(), 202).await;
        self.cloud = patient;
    }

    /// Orders that use a budget over all accounts, the first and a later one, by somebody whose role is asked for.
    pub async fn limits(&mut self) {
        let rule = json!({"id": "spring", "name": "Spring", "points": 5, "budget": 1_000,
                          "when": {"contact_roles": ["buyer"]}});
        self.turn_to(Cloud::with(|program| program["earning_rules"].as_array_mut().unwrap().push(rule)).await).await;
        let order = |id: &str| self.cloud.order(id).line("MUG", 1, "1.00").set("contact_id", json!("ann"));
        let (first, later) = (order("o-1"), order("o-2"));
        let contact = json!({"name": "Ann", "role": "buyer", "locale": "en"});
        self.ask("PUT", "/v1/accounts/acme", &json!({"name": "Acme"}), 201).await;
        self.ask("PUT", "/v1/accounts/acme/contacts/ann", &contact, 201).await;
        for order in [first, later] {
            let scored = self.ask("POST", "/v1/orders", &order.document(), 201).await;
            assert_eq!(scored["points"], 6);
        }
        // A cart of somebody whose role is asked for, with a code that is not open.
        let line = json!({"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "1.00"});
        let cart = json!({"account_id": "acme", "contact_id": "ann", "currency": "GBP", "lines": [line],
                          "discount_codes": ["00000000000"]});
        assert_eq!(self.ask("POST", "/v1/quotes", &cart, 200).await["earns"]["points"], 6);
        self.simulation().await;
    }

    /// What is held at the checkout, given up and used; and the order that used it cancelled, with its discount.
    pub async fn reservations(&mut self) {
        self.turn_to(Cloud::with(crate::quotes::worth_a_penny).await).await;
        let order = self.cloud.order("o-1").line("MUG", 1, "600.00");
        let issued = self.ask("POST", "/v1/orders", &order.document(), 201).await;
        let code = &issued["discounts_issued"][0]["code"];
        let line = json!({"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "10.00"});
        let cart =
            json!({"account_id": "acme", "currency": "GBP", "lines": [line], "discount_codes": [code], "points": 100});
        let mut reserved = Json::Null;
        for status in [201, 200] {
            reserved = self.ask("POST", "/v1/reservations", &cart, status).await;
        }
        let place = format!("/v1/reservations/{}", reserved["reservation_id"].as_str().unwrap());
        self.ask("GET", &place, &Json::Null, 200).await;
        let using =
            self.cloud.order("o-2").line("MUG", 1, "8.50").set("reservation_id", reserved["reservation_id"].clone());
        self.ask("POST", "/v1/orders", &using.document(), 201).await;
        let cancelled = json!({"cancelled_at": self.cloud.now().to_string()});
        let back = self.ask("POST", "/v1/orders/shop/o-2/cancellation", &cancelled, 201).await;
        assert_eq!((&back["points_restored"], &back["discounts_restored"]), (&json!(100), &json!([code])));
        for _ in 0..2 {
            self.ask("DELETE", &place, &Json::Null, 200).await;
        }
    }

    /// A shared code that is issued, listed, quoted and ended.
    pub async fn shared_codes(&mut self) {
        let document = json!({"name": "Spring", "percent": "5", "uses": 9});
        let mut issued = Json::Null;
        for status in [201, 200] {
            issued = self.ask("POST", "/v1/shared-codes", &document, status).await;
        }
        let place = format!("/v1/shared-codes/{}", issued["code"].as_str().unwrap());
        let line = json!({"line_id": "1", "sku": "MUG", "quantity": 1, "unit_price": "1.00"});
        let cart =
            json!({"account_id": "acme", "currency": "GBP", "lines": [line], "discount_codes": [issued["code"]]});
        assert_eq!(self.ask("POST", "/v1/quotes", &cart, 200).await["discount_codes"], json!([issued["code"]]));
        let code = issued["code"].as_str().unwrap();
        let order = self.cloud.order("o-shared").line("MUG", 1, "1.00");
        self.ask("POST", "/v1/orders", &order.clone().code(code).document(), 201).await;
        // Given back by an amendment, used by the next one, given back by the cancellation.
        for amended in [order.amended(1).line("MUG", 1, "1.00"), order.amended(2).line("MUG", 1, "1.00").code(code)] {
            self.ask("PUT", &amended.target(), &amended.document(), 200).await;
        }
        let cancelled = order.cancelled();
        self.ask("POST", &cancelled.target(), &cancelled.document(), 201).await;
        self.ask("GET", "/v1/shared-codes", &Json::Null, 200).await;
        self.ask("GET", &place, &Json::Null, 200).await;
        for _ in 0..2 {
            self.ask("DELETE", &place, &Json::Null, 200).await;
        }
    }

    /// A simulation of a program with a budget: counted, what orders want, replayed, shown.
    async fn simulation(&mut self) {
        let asked = json!({"version": 1});
        let begun = self.ask("POST", "/v1/program/simulations", &asked, 202).await;
        for step in 1..4 {
            let detail = json!({"simulation": begun["id"], "step": step});
            self.announce("simulation", simulation::CONTINUED, detail).await;
        }
        let place = format!("/v1/program/simulations/{}", begun["id"].as_str().unwrap());
        assert_eq!(self.ask("GET", &place, &Json::Null, 200).await["state"], "done");
        self.ask("POST", "/v1/program/simulations", &asked, 200).await;
    }
}
