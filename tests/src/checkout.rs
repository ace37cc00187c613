//! Carts at the checkout, and what is held for them.

use crate::actor::Cloud;
use crate::reply::Reply;
use crate::trade::{Account, Order};
use domain::id::ReservationId;
use domain::idempotency::CommandKey;
use serde_json::{Value, json};

/// Lets points pay parts of orders, and has two rewards: a discount for next to nothing, and a mug.
pub fn with_checkout(program: &mut Value) {
    // The exchange says what a point is worth.
    program["metrics"]["point_value"] = Value::Null;
    program["points"]["exchange"] = json!({"value": "0.01", "spend": {"minimum": 100, "maximum": 1_000}});
    program["rewards"] = json!([
        {"id": "off", "name": "3 % off", "points": 1, "discount": {"percent": "3", "validity_days": 20}},
        {"id": "mug", "name": "The mug", "points": 500, "product": {"sku": "MUG", "quantity": 1}},
    ]);
}

impl Cloud {
    /// A cart of an account, being filled.
    pub fn cart(&self, account: &str) -> Cart {
        let document = json!({"account_id": account, "source": "shop", "currency": "GBP", "lines": []});
        Cart { cloud: self.clone(), document }
    }

    /// A reservation as it stands.
    pub async fn reservation(&self, id: &str) -> Reply {
        self.get(&format!("/v1/reservations/{id}")).await
    }

    /// Gives a reservation up.
    pub async fn release(&self, id: &str) -> Reply {
        self.request("DELETE", &format!("/v1/reservations/{id}"), "").await
    }
}

impl Account {
    /// A cart of it, being filled.
    pub fn cart(&self) -> Cart {
        self.cloud().cart(self.id())
    }

    /// Pays a point for a discount of 3 %, once per key; its code.
    pub async fn coupon(&self, key: &str) -> String {
        let reply = self.redeems(key, "off").await.expect(201);
        reply["discount"]["code"].as_str().unwrap().to_owned()
    }

    /// Buys something with points, once per key.
    pub async fn redeems(&self, key: &str, reward: &str) -> Reply {
        let target = format!("/v1/accounts/{}/redemptions", self.id());
        self.cloud().request_keyed(&target, key, &json!({"reward": reward})).await
    }

    /// The codes of its open discounts, held ones included, the earliest end first.
    pub async fn open_discounts(&self) -> Vec<String> {
        let standing = self.standing().await.expect(200);
        let discounts = standing["discounts"].as_array().unwrap().iter();
        discounts.map(|discount| discount["code"].as_str().unwrap().to_owned()).collect()
    }

    /// The changes of its newest entry, and what that says.
    pub async fn newest(&self) -> (Vec<Value>, String) {
        let page = self.entries("?limit=1").await.expect(200);
        let entry = &page["entries"][0];
        (entry["changes"].as_array().unwrap().clone(), entry["text"].as_str().unwrap().to_owned())
    }
}

/// A cart.
#[derive(Clone)]
pub struct Cart {
    cloud: Cloud,
    document: Value,
}

impl Cart {
    /// One more line.
    #[must_use]
    pub fn line(mut self, sku: &str, quantity: u64, unit_price: &str) -> Self {
        let lines = self.document["lines"].as_array_mut().unwrap();
        let line_id = (lines.len() + 1).to_string();
        lines.push(json!({"line_id": line_id, "sku": sku, "quantity": quantity, "unit_price": unit_price}));
        self
    }

    /// This many lines like those of a real wholesale order.
    #[must_use]
    pub fn lines(self, count: usize) -> Self {
        let lines = self.cloud.order("none").lines(count).document()["lines"].clone();
        self.set("lines", lines)
    }

    /// The codes that it names.
    #[must_use]
    pub fn codes(self, codes: &[&str]) -> Self {
        self.set("discount_codes", json!(codes))
    }

    /// How many points are to pay.
    #[must_use]
    pub fn points(self, points: impl Into<Value>) -> Self {
        self.set("points", points.into())
    }

    /// Any field.
    #[must_use]
    pub fn set(mut self, field: &str, value: Value) -> Self {
        self.document[field] = value;
        self
    }

    /// Its document.
    pub fn document(&self) -> Value {
        self.document.clone()
    }

    /// What it costs.
    pub async fn quote(&self) -> Reply {
        self.cloud.request("POST", "/v1/quotes", self.document.to_string()).await
    }

    /// Holds what it is to use, once per key.
    pub async fn reserve(&self, key: &str) -> Reply {
        self.cloud.request_keyed("/v1/reservations", key, &self.document).await
    }

    /// Holds what it is to use; the reservation's id.
    pub async fn reserved(&self, key: &str) -> String {
        self.reserve(key).await.expect(201)["reservation_id"].as_str().unwrap().to_owned()
    }

    /// The order of it, as a shop states it now that has read what it costs: without its codes and its points.
    pub fn ordered(&self, id: &str, quote: &Value) -> Order {
        let line = |line: &Value| {
            json!({
                "line_id": line["line_id"], "sku": line["sku"], "quantity": line["quantity"],
                "unit_price": line["unit_price"], "discount": line["discount"],
                "program_discount": line["program_discount"], "paid_with_points": line["paid_with_points"],
            })
        };
        let lines: Vec<_> = quote["lines"].as_array().unwrap().iter().map(line).collect();
        let order = self.cloud.order(id).account(self.document["account_id"].as_str().unwrap());
        let order = order.placed(&self.cloud.now().to_string()).set("lines", json!(lines));
        match self.document.get("shipping") {
            Some(shipping) => order.set("shipping", shipping.clone()),
            None => order,
        }
    }
}

impl Order {
    /// The reservation that it uses.
    #[must_use]
    pub fn reservation(self, id: &str) -> Self {
        self.set("reservation_id", json!(id))
    }

    /// How many points pay a part of it.
    #[must_use]
    pub fn points(self, points: i64) -> Self {
        self.set("points", json!(points))
    }
}

/// The id of the reservation that the operator makes under a key.
pub fn reservation_id(key: &str) -> String {
    let key = CommandKey::new("operator", "POST /v1/reservations", key).unwrap();
    ReservationId::of_command(&key).to_string()
}
