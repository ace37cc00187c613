//! An account at the till: what is stored of it, and what its carts are told.

use super::*;
use crate::code::Secrets;
use crate::discount::Issuer;
use crate::id::{OrderId, OrderKey, RuleId, Source, TierId};
use crate::idempotency::CommandKey;
use crate::lots::{Holdings, Lot};
use crate::money::{Percent, Points};
use crate::named_code::NamedCode;
use crate::program::{Program, sample};
use crate::schedule::Activation;
use crate::shared_code::{SharedCode, SharedCodeDocument, SharedUses};
use std::sync::Arc;

pub const NOW: &str = "2030-05-10T12:00:00Z";

/// A program with something of everything that a cart asks for, changed.
pub fn program(change: impl FnOnce(&mut Value)) -> Value {
    let mut document = sample::with("eligibility", &json!({ "excluded_skus": ["POST"] }));
    document["tiers"]["levels"][1]["multiplier"] = json!("2");
    document["tiers"]["levels"][1]["discount"] = json!("2");
    document["discounts"] = json!([{ "id": "next", "name": "Next", "kind": "next_purchase", "minimum_total": "500",
                                     "percent": "5", "validity_days": 30 }]);
    document["occasions"] = json!([{ "id": "hello", "name": "Hello", "on": "welcome", "give": {
        "discount": { "id": "thanks", "name": "With our thanks", "percent": "15", "validity_days": 30 } } }]);
    document["points"]["exchange"] = json!({ "value": "0.01", "spend": { "minimum": 100, "maximum": 2_000 } });
    document["price_tables"] = json!([{ "id": "mugs", "name": "Mugs by the case", "skus": ["MUG"],
                                        "steps": [{ "from": 10, "percent": "10" }] }]);
    document["free_products"] =
        json!([{ "id": "mug", "name": "A mug on us", "sku": "MUG", "quantity": 1, "minimum_total": "100" }]);
    change(&mut document);
    document
}

pub struct Till {
    pub schedule: Schedule,
    pub account: Account,
    pub records: Vec<Discount>,
    pub shared: Vec<SharedFound>,
}

impl Till {
    /// An account that holds gold, with points.
    pub fn gold(points: i64) -> Self {
        Self::under(&program(|_| ()), points)
    }

    /// The same under another program.
    pub fn under(document: &Value, points: i64) -> Self {
        let program = Arc::new(Program::from_json(document).unwrap());
        let schedule = Schedule::only(Activation { from: Instant::MIN, version: 1, program });
        let now = Instant::parse(NOW).unwrap();
        let (account, _) = Account::enrol(AccountId::parse("acme").unwrap(), &schedule.at(now).program, now);
        let lot = Lot::until(Instant::parse("2031-01-01T00:00:00Z").unwrap(), Points(points));
        let lots = if points > 0 { vec![lot] } else { Vec::new() };
        let holdings = Holdings::of(lots, Vec::new(), Points::ZERO);
        let account = Account { version: 1, holdings, tier: TierId::parse("gold").unwrap(), ..account };
        Self { schedule, account, records: Vec::new(), shared: Vec::new() }
    }

    /// Gives it a discount that ends so many days from now.
    pub fn hold(&mut self, rule: &str, percent: i64, days: i64) -> Code {
        let number = u64::try_from(self.records.len()).unwrap() + 1;
        let now = Instant::parse(NOW).unwrap();
        let discount = Discount {
            account_id: self.account.id.clone(),
            code: Code::of_bits(number),
            secret: 1,
            rule: RuleId::parse(rule).unwrap(),
            percent: Percent(percent),
            issued_by: Issuer::Order(OrderKey {
                source: Source::parse("shop").unwrap(),
                order_id: OrderId::parse("0").unwrap(),
            }),
            issued_at: now,
            expires_at: now.plus_ms(days * Instant::DAY_MS),
            told_days: 0,
            used_by: None,
            void: false,
            version: 1,
        };
        self.account.list_discount(&discount);
        self.records.push(discount);
        Code::of_bits(number)
    }

    /// Issues a shared code that the account has used so often, and all together so often.
    pub fn share(&mut self, document: &Value, own: u32, all: u64) -> Code {
        let code = Code::of_bits(1_000 + u64::try_from(self.shared.len()).unwrap());
        let now = Instant::parse(NOW).unwrap();
        let terms = SharedCodeDocument::from_json(document, &self.schedule.at(now).program).unwrap();
        let code = SharedCode {
            code,
            secret: 1,
            key: CommandKey::new("shop", "POST /v1/shared-codes", "1").unwrap(),
            content_hash: String::new(),
            terms,
            issued_at: now,
            issued_by: "shop".to_owned(),
            ended_at: None,
            version: 1,
        };
        let limit = code.limit_id().map(|id| Limit::used_up_to(id, all));
        let uses = SharedUses { account_id: self.account.id.clone(), code: code.code.clone(), used: own, version: 1 };
        self.shared.push(SharedFound { code, uses: Some(uses).filter(|uses| uses.used > 0), limit });
        self.shared.last().unwrap().code.code.clone()
    }

    /// What became of a discount that is not open any more.
    pub fn change(&mut self, code: &Code, change: impl Fn(&Discount) -> Discount) {
        self.account.discounts.retain(|open| open.code != *code);
        for record in self.records.iter_mut().filter(|record| record.code == *code) {
            *record = change(record);
        }
    }

    pub fn decide<T>(&self, decide: impl FnOnce(&Context<'_>) -> T) -> T {
        let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
        let (schedule, now) = (&self.schedule, Instant::parse(NOW).unwrap());
        decide(&Context { schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 })
    }

    /// What codes are to its orders.
    pub fn found(&self) -> Vec<NamedCode> {
        let mut found = NamedCode::of_own(&self.records);
        found.extend(self.shared.iter().cloned().map(NamedCode::from));
        found
    }

    /// What a cart is told, on what it reads and nothing else.
    pub fn quote(&self, cart: &Value) -> Result<Value, Rejection> {
        let cart = Cart::from_json(cart).map_err(Rejection::Invalid)?;
        let unread = cart.unread(&self.account, &self.schedule, Instant::parse(NOW).unwrap())?;
        let discounts = self.records.iter().filter(|record| unread.contains(&record.code)).cloned().collect();
        let shared = self.shared.iter().filter(|shared| unread.contains(&shared.code.code)).cloned().collect();
        let state = QuoteState { account: Some(self.account.clone()), discounts, shared, ..QuoteState::default() };
        let quote = self.decide(|context| quote(&state, &cart, context))?;
        Ok(serde_json::to_value(quote).unwrap())
    }
}
