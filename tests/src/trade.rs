//! Those who trade with a cloud, and what they send.

use crate::actor::{Cloud, NOON};
use crate::reply::Reply;
use serde_json::{Value, json};

/// A company that trades with the merchant.
#[derive(Clone)]
pub struct Account {
    cloud: Cloud,
    id: String,
}

impl Account {
    pub(crate) fn new(cloud: &Cloud, id: &str) -> Self {
        Self { cloud: cloud.clone(), id: id.to_owned() }
    }

    /// Enrols it or changes its data.
    pub async fn put(&self, document: Value) -> Reply {
        self.cloud.put(&self.path(""), &document).await
    }

    /// Adds or changes a person of it.
    pub async fn put_contact(&self, contact: &str, document: Value) -> Reply {
        self.cloud.put(&self.path(&format!("/contacts/{contact}")), &document).await
    }

    /// Where it stands.
    pub async fn standing(&self) -> Reply {
        self.cloud.get(&self.path("")).await
    }

    /// One page of its history.
    pub async fn entries(&self, query: &str) -> Reply {
        self.cloud.get(&self.path(&format!("/entries{query}"))).await
    }

    /// What it pays for a quantity of an item.
    pub async fn prices(&self, query: &str) -> Reply {
        self.cloud.get(&self.path(&format!("/prices{query}"))).await
    }

    /// Puts it into a tier by invitation, or takes it out.
    pub async fn put_tier(&self, document: Value) -> Reply {
        self.cloud.put(&self.path("/tier"), &document).await
    }

    /// Uses a perk, once per key.
    pub async fn use_perk(&self, key: &str, perk: &str, document: &Value) -> Reply {
        self.cloud.request_keyed(&self.path(&format!("/perks/{perk}/uses")), key, document).await
    }

    /// Enrols it with an invitation.
    pub async fn enrol_with(&self, code: &str) -> Reply {
        self.put(json!({"name": self.id, "invitation_code": code})).await
    }

    /// Lets it in, turns it away, or excludes it from something.
    pub async fn put_membership(&self, document: Value) -> Reply {
        self.cloud.put(&self.path("/membership"), &document).await
    }

    /// Records that it has paid its fee, once per key.
    pub async fn pays(&self, key: &str, document: &Value) -> Reply {
        self.cloud.request_keyed(&self.path("/membership/payments"), key, document).await
    }

    /// Its whole history, newest first.
    pub async fn history(&self) -> Vec<Value> {
        let mut entries = Vec::new();
        let mut query = "?limit=100".to_owned();
        loop {
            let page = self.entries(&query).await.expect(200).json();
            entries.extend(page["entries"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => query = format!("?limit=100&cursor={cursor}"),
                None => return entries,
            }
        }
    }

    /// An order of it.
    pub fn order(&self, id: &str) -> Order {
        self.cloud.order(id).account(&self.id)
    }

    /// A credit note of it that names no order, being written.
    pub fn credit_note(&self, id: &str) -> CreditNote {
        let document = json!({"return_id": id, "returned_at": NOON, "lines": []});
        CreditNote { cloud: self.cloud.clone(), account: self.id.clone(), document }
    }

    /// Gives or takes points, once per key.
    pub async fn adjust(&self, key: &str, document: Value) -> Reply {
        self.cloud.request_keyed(&self.path("/adjustments"), key, &document).await
    }

    /// Gives or takes this many points.
    pub async fn give(&self, points: i64) -> Reply {
        let key = format!("{:032x}", fastrand::u128(..));
        self.adjust(&key, json!({"points": points, "reason": "a test"})).await
    }

    /// What it is known by.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/accounts/{}{rest}", self.id)
    }
}

fn order_document(id: &str) -> Value {
    json!({
        "source": "shop", "order_id": id, "account_id": "acme", "placed_at": NOON, "currency": "GBP", "lines": [],
    })
}

/// An order being written.
#[derive(Clone)]
pub struct Order {
    cloud: Cloud,
    document: Value,
}

impl Order {
    pub(crate) fn new(cloud: &Cloud, id: &str) -> Self {
        Self { cloud: cloud.clone(), document: order_document(id) }
    }

    /// A return of some of it, being written.
    pub fn returned(&self, id: &str) -> TakeBack {
        let document = json!({"return_id": id, "returned_at": NOON, "lines": []});
        TakeBack { cloud: self.cloud.clone(), order: self.key(), what: "returns", document }
    }

    /// Its cancellation, being written.
    pub fn cancelled(&self) -> TakeBack {
        let document = json!({"cancelled_at": NOON});
        TakeBack { cloud: self.cloud.clone(), order: self.key(), what: "cancellation", document }
    }

    /// That it is paid, being written.
    pub fn paid(&self) -> TakeBack {
        let document = json!({"paid_at": NOON});
        TakeBack { cloud: self.cloud.clone(), order: self.key(), what: "payment", document }
    }

    fn key(&self) -> (String, String) {
        let part = |name: &str| self.document[name].as_str().unwrap().to_owned();
        (part("source"), part("order_id"))
    }

    /// Who buys.
    #[must_use]
    pub fn account(self, id: &str) -> Self {
        self.set("account_id", json!(id))
    }

    /// When it was placed.
    #[must_use]
    pub fn placed(self, text: &str) -> Self {
        self.set("placed_at", json!(text))
    }

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
        (0..count).fold(self, |order, n| {
            let sku = format!("{}{}", 20_000 + n * 37 % 5_000, ["", "A", "B"][n % 3]);
            order.line(&sku, (n as u64 * 7) % 48 + 1, &format!("{}.{:02}", n % 9, 25 + n * 10 % 75))
        })
    }

    /// One more discount code.
    #[must_use]
    pub fn code(mut self, code: &str) -> Self {
        let codes = self.document.as_object_mut().unwrap().entry("discount_codes").or_insert_with(|| json!([]));
        codes.as_array_mut().unwrap().push(json!(code));
        self
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

    /// Sends it over HTTP.
    pub async fn send(&self) -> Reply {
        self.cloud.request("POST", "/v1/orders", self.document.to_string()).await
    }

    /// Asks what it would come to, with more of a query.
    pub async fn tried(&self, query: &str) -> Reply {
        self.cloud.request("POST", &format!("/v1/orders?dry_run=true{query}"), self.document.to_string()).await
    }

    /// Announces it on the bus.
    pub async fn announce(&self) {
        self.cloud.announce("OrderPlaced", self.document()).await;
    }

    /// Which statement of the order this is: it may be sent in any of the ways.
    #[must_use]
    pub fn revision(self, revision: u64) -> Self {
        self.set("revision", json!(revision))
    }

    /// The order stated anew under a higher revision: without lines and codes, which are to be stated again.
    #[must_use]
    pub fn amended(&self, revision: u64) -> Self {
        let mut amended = self.clone().set("lines", json!([])).revision(revision);
        amended.document.as_object_mut().unwrap().remove("discount_codes");
        amended
    }

    /// Where its amendments are sent to.
    pub fn target(&self) -> String {
        let (source, order_id) = self.key();
        format!("/v1/orders/{source}/{order_id}")
    }

    /// Sends it over HTTP to its own address.
    pub async fn put(&self) -> Reply {
        self.cloud.put(&self.target(), &self.document).await
    }

    /// Announces on the bus that it was amended.
    pub async fn announce_amended(&self) {
        self.cloud.announce("OrderAmended", self.document()).await;
    }

    /// Its score, asked for later.
    pub async fn score(&self) -> Reply {
        let (source, order_id) = self.key();
        self.cloud.get(&format!("/v1/orders/{source}/{order_id}/score")).await
    }
}

/// A return, a cancellation or the payment of an order, being written.
#[derive(Clone)]
pub struct TakeBack {
    cloud: Cloud,
    order: (String, String),
    what: &'static str,
    document: Value,
}

impl TakeBack {
    /// Units of one more line.
    #[must_use]
    pub fn units(mut self, line_id: &str, quantity: u64) -> Self {
        let line = json!({"line_id": line_id, "quantity": quantity});
        self.document["lines"].as_array_mut().unwrap().push(line);
        self
    }

    /// When it happened.
    #[must_use]
    pub fn at(self, text: &str) -> Self {
        let field = match self.what {
            "returns" => "returned_at",
            "payment" => "paid_at",
            _ => "cancelled_at",
        };
        self.set(field, json!(text))
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

    /// Where it is sent to.
    pub fn target(&self) -> String {
        let (source, order_id) = &self.order;
        format!("/v1/orders/{source}/{order_id}/{}", self.what)
    }

    /// Sends it over HTTP.
    pub async fn send(&self) -> Reply {
        self.cloud.request("POST", &self.target(), self.document.to_string()).await
    }

    /// What the bus carries about it: the type of event and its detail.
    pub fn event(&self) -> (&'static str, Value) {
        let mut detail = self.document();
        (detail["source"], detail["order_id"]) = (json!(self.order.0), json!(self.order.1));
        let detail_type = match self.what {
            "returns" => "OrderReturned",
            "payment" => "OrderPaid",
            _ => "OrderCancelled",
        };
        (detail_type, detail)
    }

    /// Announces it on the bus.
    pub async fn announce(&self) {
        let (detail_type, detail) = self.event();
        self.cloud.announce(detail_type, detail).await;
    }
}

/// A credit note being written.
#[derive(Clone)]
pub struct CreditNote {
    cloud: Cloud,
    account: String,
    document: Value,
}

impl CreditNote {
    /// The same, sent to another cloud.
    #[must_use]
    pub fn on(self, cloud: &Cloud) -> Self {
        Self { cloud: cloud.clone(), ..self }
    }

    /// Units of one more SKU.
    #[must_use]
    pub fn units(mut self, sku: &str, quantity: u64) -> Self {
        let line = json!({"sku": sku, "quantity": quantity});
        self.document["lines"].as_array_mut().unwrap().push(line);
        self
    }

    /// When the goods came back.
    #[must_use]
    pub fn at(self, text: &str) -> Self {
        self.set("returned_at", json!(text))
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

    /// Where it is sent to.
    pub fn target(&self) -> String {
        format!("/v1/accounts/{}/returns", self.account)
    }

    /// Where it is to be seen.
    pub fn place(&self) -> String {
        format!("{}/{}", self.target(), self.document["return_id"].as_str().unwrap())
    }

    /// Sends it over HTTP.
    pub async fn send(&self) -> Reply {
        self.cloud.request("POST", &self.target(), self.document.to_string()).await
    }

    /// How far it has come.
    pub async fn shown(&self) -> Reply {
        self.cloud.get(&self.place()).await
    }

    /// What the bus carries about it: the type of event and its detail.
    pub fn event(&self) -> (&'static str, Value) {
        let mut detail = self.document();
        detail["account_id"] = json!(self.account);
        ("AccountReturned", detail)
    }

    /// Announces it on the bus.
    pub async fn announce(&self) {
        let (detail_type, detail) = self.event();
        self.cloud.announce(detail_type, detail).await;
    }
}
