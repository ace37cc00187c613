//! Those who refer, those who are referred, and what came of it.

use crate::actor::Cloud;
use crate::reply::Reply;
use crate::trade::Account;
use domain::id::AccountId;
use domain::walk::Walked;
use domain::warning::Walk;
use serde_json::{Value, json};

/// A code as it stands in a path: its check character may be one that means something there.
fn in_path(code: &str) -> String {
    let encoded = |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
    code.chars().map(encoded).collect()
}

impl Cloud {
    /// A referral code, there or not.
    pub fn referral_code(&self, code: &str) -> ReferralCode {
        ReferralCode { cloud: self.clone(), code: code.to_owned() }
    }

    /// An account that is enrolled, with its code.
    pub async fn referrer(&self, id: &str) -> ReferralCode {
        let account = self.account(id);
        account.put(company(id)).await.expect(201);
        account.refers().await
    }

    /// Walks an account for what is to be done on another because of it.
    pub async fn walk_errand(&self, account: &str) -> Walked {
        let id = AccountId::parse(account).unwrap();
        let app = self.local().app(Walk::Review.function()).unwrap();
        runtime::walker::walk_account(app, Walk::Review, &id).await.unwrap()
    }
}

/// What a company must state to share a code, each its own.
pub fn company(id: &str) -> Value {
    let number = id.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())) % 100_000_000;
    json!({"name": id, "email": format!("office@{id}.example"), "vat_id": format!("GB9{number:08}")})
}

impl Account {
    /// Asks for a code of it.
    pub async fn issue_code(&self, document: Value) -> Reply {
        let target = format!("/v1/accounts/{}/referral-code", self.id());
        self.cloud().request("POST", &target, document.to_string()).await
    }

    /// Its code; it may be one that it has already.
    pub async fn refers(&self) -> ReferralCode {
        self.refers_with(json!({})).await
    }

    /// Its code, or a person's of it, with these settings.
    pub async fn refers_with(&self, document: Value) -> ReferralCode {
        let mut reply = self.issue_code(document.clone()).await;
        if reply["type"] == "/problems/identity-missing" {
            let mut stated = company(self.id());
            stated["name"] = self.standing().await.expect(200)["name"].clone();
            self.put(stated).await.expect(200);
            reply = self.issue_code(document).await;
        }
        assert!([200, 201].contains(&reply.status()), "{}", reply.json());
        self.cloud().referral_code(reply["referral_code"].as_str().unwrap())
    }

    /// All its codes.
    pub async fn codes(&self) -> Reply {
        self.cloud().get(&format!("/v1/accounts/{}/referral-codes", self.id())).await
    }

    /// The points that it can spend.
    pub async fn balance(&self) -> i64 {
        self.standing().await.expect(200)["points"]["balance"].as_i64().unwrap()
    }

    /// What its history says, oldest first, as the types of its changes.
    pub async fn changes(&self) -> Vec<String> {
        let history = self.history().await;
        let changes = history.iter().rev().flat_map(|entry| entry["changes"].as_array().unwrap());
        changes.map(|change| change["type"].as_str().unwrap().to_owned()).collect()
    }

    /// How often its history says this.
    pub async fn times(&self, change: &str) -> usize {
        self.changes().await.iter().filter(|kind| *kind == change).count()
    }
}

/// A code that an account shares.
#[derive(Clone)]
pub struct ReferralCode {
    cloud: Cloud,
    code: String,
}

impl ReferralCode {
    /// Its text.
    pub fn text(&self) -> &str {
        &self.code
    }

    /// Where it is.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/referrals/{}{rest}", in_path(&self.code))
    }

    /// The code and what came of it.
    pub async fn shown(&self) -> Reply {
        self.cloud.get(&self.path("")).await
    }

    /// What is tracked of it.
    pub async fn tracking(&self) -> Value {
        self.shown().await.expect(200)["tracking"].clone()
    }

    /// Sets what its owner may set.
    pub async fn put(&self, settings: Value) -> Reply {
        self.cloud.put(&self.path(""), &settings).await
    }

    /// One page of its redemptions.
    pub async fn redemptions(&self, query: &str) -> Reply {
        self.cloud.get(&self.path(&format!("/redemptions{query}"))).await
    }

    /// One of its redemptions.
    pub fn redemption(&self, id: &str) -> Redemption {
        Redemption { code: self.clone(), id: id.to_owned(), account: String::new() }
    }

    /// A company that comes by it, the account `p-{number}`, with a VAT id, an e-mail address and a key of its own.
    pub fn prospect(&self, number: u32) -> Prospect {
        let document = json!({
            "account_id": format!("p-{number}"),
            "company": format!("Prospect {number}"),
            "contact": {"name": "Pat"},
            "email": format!("pat@prospect-{number}.example"),
            "country": "GB",
            "vat_id": format!("GB{}", 100_000_000 + number),
            "consent": {"wording": "I agree to be written to."},
        });
        Prospect { code: self.clone(), key: format!("redeem-{number}"), document }
    }

    /// That company redeems it.
    pub async fn redeemed_by(&self, number: u32) -> Redemption {
        self.prospect(number).enrolled().await
    }
}

/// A company that comes by a code.
#[derive(Clone)]
pub struct Prospect {
    code: ReferralCode,
    key: String,
    document: Value,
}

impl Prospect {
    /// Any field.
    #[must_use]
    pub fn set(mut self, field: &str, value: Value) -> Self {
        self.document[field] = value;
        self
    }

    /// Without a field.
    #[must_use]
    pub fn without(mut self, field: &str) -> Self {
        self.document.as_object_mut().unwrap().remove(field).unwrap();
        self
    }

    /// Under another `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self }
    }

    /// The same company by another code.
    #[must_use]
    pub fn by(self, code: &ReferralCode) -> Self {
        Self { code: code.clone(), ..self }
    }

    /// Its document.
    pub fn document(&self) -> Value {
        self.document.clone()
    }

    /// Where it is sent to.
    pub fn target(&self) -> String {
        self.code.path("/redemptions")
    }

    /// Redeems the code.
    pub async fn redeem(&self) -> Reply {
        self.code.cloud.request_keyed(&self.target(), &self.key, &self.document).await
    }

    /// Redeems the code, and is enrolled by that.
    pub async fn enrolled(&self) -> Redemption {
        let reply = self.redeem().await.expect(201);
        let text = |field: &str| reply[field].as_str().unwrap().to_owned();
        Redemption { code: self.code.clone(), id: text("redemption_id"), account: text("account_id") }
    }
}

/// The act of using a code.
#[derive(Clone)]
pub struct Redemption {
    code: ReferralCode,
    id: String,
    account: String,
}

impl Redemption {
    /// The same, of this account.
    #[must_use]
    pub fn of(self, account: &str) -> Self {
        Self { account: account.to_owned(), ..self }
    }

    /// What it is known by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The account of whoever redeemed.
    pub fn account(&self) -> Account {
        self.code.cloud.account(&self.account)
    }

    /// An order of that account over so much.
    pub fn order(&self, id: &str, amount: &str) -> crate::Order {
        self.account().order(id).line("MUG", 1, amount)
    }

    /// Walks that account for what is to be done on the referrer's.
    pub async fn walk(&self) -> Walked {
        self.code.cloud.walk_errand(&self.account).await
    }

    /// Where it is.
    pub fn path(&self, rest: &str) -> String {
        self.code.path(&format!("/redemptions/{}{rest}", self.id))
    }

    /// How far it has come, and what came of it.
    pub async fn shown(&self) -> Reply {
        self.code.cloud.get(&self.path("")).await
    }

    /// How far it has come.
    pub async fn state(&self) -> String {
        self.shown().await.expect(200)["state"].as_str().unwrap().to_owned()
    }

    /// Approves it, with a note or without.
    pub async fn approve(&self, note: Option<&str>) -> Reply {
        self.decide("/approval", note).await
    }

    /// Rejects it, with a note or without.
    pub async fn reject(&self, note: Option<&str>) -> Reply {
        self.decide("/rejection", note).await
    }

    async fn decide(&self, verdict: &str, note: Option<&str>) -> Reply {
        let body = note.map_or_else(String::new, |note| json!({ "note": note }).to_string());
        self.code.cloud.request("POST", &self.path(verdict), body).await
    }
}
