//! What a program of nothing but the basics has stored, byte for byte.
//!
//! While a deployment goes on, functions of the release before still run, and read what the new ones write. So what is new
//! is written only for a program that asks for it, and that is put in force once every function knows of it
//! (docs/operate.md). Where this test fails, functions of two releases at once lose or refuse each other's items: let the
//! new bytes wait for what needs them, or read them in one release and write them in the next.

use crate::{item, keys};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::Account;
use domain::code::Secrets;
use domain::decision::{Context, Record, Write};
use domain::order::Order;
use domain::program::Program;
use domain::returns::{self, Reversing, return_document};
use domain::schedule::{Activation, Schedule};
use domain::score::{self, ScoredOrder};
use domain::time::Instant;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const WRITTEN: &str = include_str!("plain.txt");
const WHOLESALE: &str = include_str!("../../../../local/programs/wholesale.json");

#[derive(Default)]
struct Stored {
    account: Option<Account>,
    order: Option<Arc<ScoredOrder>>,
    /// What each put wrote, attribute by attribute.
    text: String,
}

impl Stored {
    fn apply(&mut self, writes: Vec<Write>) {
        for write in writes {
            let Write::Put(record, _) = write else { panic!("{write:?} puts nothing") };
            let item = match &record {
                Record::Account(account) => item::of_account(account),
                Record::Order(order) => item::of_order(order),
                Record::Entry(entry) => item::of_entry(entry).unwrap(),
                Record::Discount(discount) => {
                    item::of_plain(keys::discount(&discount.account_id, &discount.code), discount).unwrap()
                }
                other => panic!("{other:?} is nothing plain"),
            };
            for (name, value) in item.into_iter().collect::<BTreeMap<_, _>>() {
                self.text.push_str(&format!("{name} {}\n", shown(&value)));
            }
            self.text.push('\n');
            match record {
                Record::Account(account) => self.account = Some(*account),
                Record::Order(order) => self.order = Some(order),
                _ => {}
            }
        }
    }
}

fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        AttributeValue::B(bytes) => bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
        AttributeValue::Bool(truth) => truth.to_string(),
        AttributeValue::M(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().map(|(name, value)| (name, shown(value))).collect();
            format!("{sorted:?}")
        }
        other => panic!("{other:?} is stored nowhere"),
    }
}

#[test]
fn a_plain_program_has_the_same_bytes_stored_as_by_the_release_before() {
    let program = Arc::new(Program::from_json(&serde_json::from_str(WHOLESALE).unwrap()).unwrap());
    let schedule = Schedule::new(vec![Activation { from: Instant::MIN, version: 1, program }]).unwrap();
    let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
    let context = |now: Instant| Context {
        schedule: &schedule,
        secrets: &secrets,
        by: "shop",
        now,
        wall_day: now.utc_day(),
        collisions: 0,
    };
    let mut stored = Stored::default();
    for (order_id, placed_at, price) in
        [("1", "2030-03-01T12:00:00Z", "12.50"), ("2", "2030-04-02T09:30:00.250Z", "100.00")]
    {
        let order = Order::from_json(&json!({
            "source": "shop", "order_id": order_id, "account_id": "acme", "contact_id": "buyer", "currency": "GBP",
            "placed_at": placed_at, "shipping": "4.50", "lines": [
                {"line_id": "1", "sku": "TEAPOT-BLUE", "quantity": 12, "unit_price": price, "discount": "1.00"},
                {"line_id": "2", "sku": "POST", "quantity": 1, "amount": "9.99", "tax": "1.67"},
                {"line_id": "3", "sku": "MUG", "quantity": 3, "unit_price": "2.05", "category": "mugs", "brand": "Leaf",
                 "tags": ["new", "blue"]},
            ],
        }));
        let order = Arc::new(order.unwrap());
        let now = Instant::parse(placed_at).unwrap();
        let decided = score::decide(stored.account.as_ref(), &[], None, &order, order.content_hash(), &context(now));
        stored.apply(decided.unwrap().writes);
    }
    let came_back = return_document(&json!({
        "return_id": "r-1", "returned_at": "2030-04-09T08:00:00Z", "lines": [{"line_id": "1", "quantity": 5}],
    }));
    let reversing = Reversing::Return(came_back.unwrap());
    let (account, order) = (stored.account.clone().unwrap(), stored.order.clone().unwrap());
    let now = Instant::parse("2030-04-09T10:00:00Z").unwrap();
    let decided = returns::decide(&account, &order, &reversing, &[], None, &context(now));
    stored.apply(decided.unwrap().writes);
    assert!(stored.text == WRITTEN, "what is written now is not what item/tests/plain.txt has:\n{}", stored.text);
}
