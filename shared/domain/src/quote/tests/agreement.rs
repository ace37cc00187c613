//! A quote and the order that follows it, over random carts.

use super::*;
use crate::order::Order;
use crate::receipt;
use crate::returns;
use crate::score::{self, ScoredOrder};
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Debug, Clone, Copy)]
struct Held {
    rule: usize,
    value: i64,
    days: i64,
    minimum: Option<i64>,
    is_shared: bool,
}

#[derive(Debug, Clone)]
pub struct Wished {
    lines: Vec<(usize, u64, i64, i64, bool)>,
    /// What it may use. What takes off an amount does so from so much on.
    held: Vec<Held>,
    named: Vec<bool>,
    is_best: bool,
    is_grouped: bool,
    pub points: Option<i64>,
    balance: i64,
}

const SKUS: [&str; 3] = ["MUG", "TEA", "POST"];
const RULES: [&str; 2] = ["next", "thanks"];

pub fn wished() -> impl Strategy<Value = Wished> {
    let line = (0_usize..3, 1_u64..30, 0_i64..20_000, 0_i64..500, any::<bool>());
    let held = (0_usize..2, 1_i64..=10_000, 1_i64..5, prop::option::of(0_i64..30_000), prop::bool::weighted(0.3));
    let held = held.prop_map(|(rule, value, days, minimum, is_shared)| Held { rule, value, days, minimum, is_shared });
    (
        prop::collection::vec(line, 1..8),
        prop::collection::vec(held, 0..=5),
        prop::collection::vec(any::<bool>(), 5),
        any::<[bool; 2]>(),
        prop::option::of(0_i64..4_000),
        0_i64..3_000,
    )
        .prop_map(|(lines, held, named, [is_best, is_grouped], points, balance)| Wished {
            lines,
            held,
            named,
            is_best,
            is_grouped,
            points,
            balance,
        })
}

fn decimal(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// Minor units of a decimal.
pub fn minor(value: &Value) -> i64 {
    value.as_str().unwrap().replace('.', "").parse().unwrap()
}

impl Wished {
    /// The same of own discounts that their records tell everything of.
    pub fn till_of_records(&self) -> (Till, Vec<Code>) {
        let held = self.held.iter().map(|held| match held.is_shared {
            true => *held,
            false => Held { value: held.value % 9_999 + 1, minimum: None, ..*held },
        });
        Self { held: held.collect(), ..self.clone() }.till()
    }

    fn till(&self) -> (Till, Vec<Code>) {
        let document = program(|program| {
            program["discounts"][0]["minimum_total"] = json!("100");
            if self.is_grouped {
                program["occasions"][0]["give"]["discount"]["group"] = json!("season");
                program["tiers"]["discount_group"] = json!("season");
            }
        });
        let mut till = Till::under(&document, self.balance);
        let hold = |Held { rule, value, days, minimum, is_shared }: &Held| {
            if *is_shared {
                let (key, least) = (if minimum.is_some() { "amount" } else { "percent" }, minimum.unwrap_or(0) + 1);
                let until = json!(Instant::parse(NOW).unwrap().plus_ms(days * Instant::DAY_MS));
                let shared =
                    json!({ "name": "Fair", key: decimal(*value), "minimum_order": decimal(least), "until": until });
                return till.share(&shared, 0, 0);
            }
            let code = till.hold(RULES[*rule], *value, *days);
            if let Some(minimum) = minimum {
                let terms = Terms { takes_off: TakesOff::Amount(Minor(*value)), minimum: Minor(*minimum) };
                let open = till.account.discounts.iter_mut().find(|open| open.code == code).unwrap();
                open.terms = Some(terms);
            }
            code
        };
        let codes = self.held.iter().map(hold).collect();
        (till, codes)
    }

    pub fn cart(&self, codes: &[Code]) -> Value {
        let line = |(index, (sku, quantity, price, off, is_amount)): (usize, &(usize, u64, i64, i64, bool))| {
            let mut line = json!({ "line_id": index.to_string(), "sku": SKUS[*sku], "quantity": quantity });
            line[if *is_amount { "amount" } else { "unit_price" }] = json!(decimal(*price));
            if off <= price {
                line["discount"] = json!(decimal(*off));
            }
            line
        };
        let lines: Vec<_> = self.lines.iter().enumerate().map(line).collect();
        let named: Vec<_> = codes.iter().zip(&self.named).filter(|(_, named)| **named).map(|(code, _)| code).collect();
        let codes = if self.is_best { json!("best") } else { json!(named) };
        json!({ "account_id": "acme", "currency": "GBP", "lines": lines, "shipping": "4.50",
                "discount_codes": codes, "points": self.points })
    }
}

/// The order as a shop states it that has read a quote and nothing else.
pub fn order_of(cart: &Value, quote: &Value) -> Value {
    let mut order = json!({
        "source": "shop", "order_id": "1", "account_id": "acme", "placed_at": NOW, "currency": "GBP",
        "shipping": cart["shipping"], "discount_codes": quote["discount_codes"], "lines": [],
    });
    for line in quote["lines"].as_array().unwrap() {
        let mut stated = serde_json::Map::new();
        let parts = ["program_discount", "paid_with_points"];
        for key in ["line_id", "sku", "quantity", "unit_price", "amount", "discount", "tax"].into_iter().chain(parts) {
            if !line[key].is_null() {
                stated.insert(key.to_owned(), line[key].clone());
            }
        }
        order["lines"].as_array_mut().unwrap().push(Value::Object(stated));
    }
    order
}

/// What an order comes to that names these codes.
fn scored(till: &Till, order: &Value) -> Arc<ScoredOrder> {
    let order = Order::from_json(order).unwrap();
    let named: Vec<_> = till.found();
    let (hash, order) = (order.content_hash(), Arc::new(order));
    let decided = till.decide(|context| score::decide(Some(&till.account), &named, None, &order, hash, context));
    decided.unwrap().answer
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_earns_what_the_quote_says(wished in wished()) {
        let (till, codes) = wished.till();
        let cart = wished.cart(&codes);
        let quote = till.quote(&cart).unwrap();
        let scored = scored(&till, &order_of(&cart, &quote));
        let program = &till.schedule.at(Instant::parse(NOW).unwrap()).program;
        let receipt = serde_json::to_value(receipt::receipt(&scored, program).unwrap()).unwrap();
        let earns = &quote["earns"];
        for key in ["points", "eligible_total", "tier", "expires_at", "ineligible_lines"] {
            let (told, came) = (&earns[key], &receipt[key]);
            prop_assert!(told == came || (told.is_null() && *came == json!([])), "{}: {} and {}", key, told, came);
        }
        let products = &receipt["free_products"];
        prop_assert!(quote["free_products"] == *products || products.is_null());
        let issued: Vec<_> = receipt["discounts_issued"].as_array().unwrap().iter().map(|one| &one["rule"]).collect();
        let told: Vec<_> = earns["discounts"].as_array().into_iter().flatten().collect();
        prop_assert_eq!(issued, told);
        let total = minor(&receipt["total"]["amount"]) + 450;
        prop_assert_eq!(total, minor(&quote["totals"]["to_pay"]["amount"]));
    }

    /// The order reckons that back from what was paid, and knows of nothing that was rounded on the way.
    #[test]
    fn percentages_take_off_what_the_order_says_that_they_did(wished in wished()) {
        let held = wished.held.iter().map(|held| Held { value: held.value % 3_000 + 1, minimum: None, ..*held });
        let wished = Wished { held: held.collect(), points: None, ..wished };
        let (till, codes) = wished.till();
        let cart = wished.cart(&codes);
        let quote = till.quote(&cart).unwrap();
        let scored = scored(&till, &order_of(&cart, &quote));
        let told = minor(&quote["totals"]["discounts"]["amount"]);
        let program = &till.schedule.at(Instant::parse(NOW).unwrap()).program;
        let came = scored.discount_value(&returns::totals(&scored, program).unwrap(), program).unwrap().0;
        // Five of 30 % leave a sixth: half a unit that each is rounded by is three before them.
        prop_assert!((told - came).abs() <= 16, "{} and {}", told, came);
    }

    #[test]
    fn lines_sum_to_their_totals_and_nothing_is_below_zero(wished in wished()) {
        let (till, codes) = wished.till();
        let quote = till.quote(&wished.cart(&codes)).unwrap();
        let lines = quote["lines"].as_array().unwrap();
        let totals = |key: &str| minor(&quote["totals"][key]["amount"]);
        for (line_key, total_key) in [
            ("list_amount", "list"),
            ("price_table_saved", "price_tables"),
            ("own_discount", "own_discounts"),
            ("tier_discount", "tier_discount"),
            ("paid_with_points", "points"),
        ] {
            let parts = lines.iter().map(|line| minor(&line[line_key])).sum::<i64>();
            prop_assert_eq!(parts, totals(total_key), "{}", line_key);
        }
        for (place, code) in quote["discount_codes"].as_array().unwrap().iter().enumerate() {
            let discount = quote["discounts"].as_array().unwrap().iter().find(|one| one["code"] == *code).unwrap();
            let parts = lines.iter().map(|line| minor(&line["discounts"][place]["value"])).sum::<i64>();
            prop_assert_eq!(parts, minor(&discount["value"]["amount"]));
            prop_assert!(parts > 0);
        }
        let left: i64 = lines.iter().map(|line| minor(&line["to_pay"])).sum();
        prop_assert_eq!(left + totals("shipping"), totals("to_pay"));
        let taken = ["price_tables", "own_discounts", "tier_discount", "discounts", "points"].map(totals);
        prop_assert_eq!(totals("list") - taken.iter().sum::<i64>(), left);
        for line in lines {
            prop_assert!(minor(&line["to_pay"]) >= 0);
            let is_excluded = line["sku"] == "POST";
            prop_assert!(!is_excluded || line["discount"] == line["own_discount"]);
        }
    }

    #[test]
    fn more_points_cost_no_more_money_and_codes_go_in_any_order(wished in wished(), more in 0_i64..2_000) {
        let (till, codes) = wished.till();
        let mut cart = wished.cart(&codes);
        let to_pay = |cart: &Value| minor(&till.quote(cart).unwrap()["totals"]["to_pay"]["amount"]);
        let first = till.quote(&cart).unwrap();
        if let Some(named) = cart["discount_codes"].as_array_mut() {
            named.reverse();
        }
        let turned = till.quote(&cart).unwrap();
        prop_assert_eq!((&first["lines"], &first["totals"]), (&turned["lines"], &turned["totals"]));
        let points = wished.points.unwrap_or(0);
        cart["points"] = json!(points);
        let fewer = to_pay(&cart);
        cart["points"] = json!(points + more);
        let most = to_pay(&cart);
        prop_assert!(most <= fewer);
        cart["points"] = json!("max");
        prop_assert!(to_pay(&cart) <= most);
    }

    #[test]
    fn no_codes_that_are_named_leave_less_to_pay_than_the_best(wished in wished()) {
        // It chooses among those that are the account's own.
        let held = wished.held.iter().filter(|held| !held.is_shared).copied().collect();
        let wished = Wished { is_best: true, points: None, held, ..wished };
        let (till, codes) = wished.till();
        let mut cart = wished.cart(&codes);
        let to_pay = |cart: &Value| minor(&till.quote(cart).unwrap()["totals"]["to_pay"]["amount"]);
        let best = to_pay(&cart);
        let least = (0..1_usize << codes.len()).map(|mask| {
            let named: Vec<_> =
                codes.iter().enumerate().filter(|(place, _)| mask >> place & 1 == 1).map(|(_, code)| code).collect();
            cart["discount_codes"] = json!(named);
            to_pay(&cart)
        });
        prop_assert_eq!(best, least.min().unwrap());
    }
}
