//! Earning rules of every kind over random orders and histories.

use crate::world::{World, step};
use crate::{HOUR_MS, START, document, run, schedule, secrets};
use domain::decision::Context;
use domain::earning;
use domain::id::Segment;
use domain::money::Points;
use domain::order::Order;
use domain::program::Program;
use domain::receipt::receipt;
use domain::returns::{self, CancellationDocument, Reversing, return_document};
use domain::score::ScoredOrder;
use domain::time::Instant;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::sync::Arc;

/// Some of a list's words, one at least.
fn some_of(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::subsequence(words, 1..words.len()).prop_map(|words| json!(words))
}

/// What is included or excluded.
fn choice(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    (any::<bool>(), some_of(words))
        .prop_map(|(include, words)| if include { json!({"include": words}) } else { json!({"exclude": words}) })
}

fn fields(named: Vec<(&'static str, Option<Value>)>) -> Value {
    let given = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect())
}

fn when() -> impl Strategy<Value = Value> {
    let days = some_of(&["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]);
    let hours = select(vec![("00:00", "12:00"), ("09:30", "17:00"), ("20:00", "06:00")]);
    let hours = hours.prop_map(|(from, until)| json!({"from": from, "until": until}));
    let number = prop_oneof![(1_u64..6).prop_map(|number| json!(number)), Just(json!({"every": 2}))];
    let orders = (1_u64..4, 1_u16..6).prop_map(|(orders, months)| json!({"orders": orders, "months": months}));
    let spend =
        (1_u64..900, 1_u16..6).prop_map(|(pounds, months)| json!({"amount": pounds.to_string(), "months": months}));
    let maybe = |strategy: BoxedStrategy<Value>| prop::option::weighted(0.12, strategy);
    (
        maybe((1_u64..500).prop_map(|pounds| json!(pounds.to_string())).boxed()),
        maybe((2_u64..60).prop_map(|units| json!(units)).boxed()),
        maybe(choice(&["shop", "web"]).boxed()),
        maybe(choice(&["vip", "eu"]).boxed()),
        maybe(choice(&["member", "silver", "gold", "platinum"]).boxed()),
        maybe(days.boxed()),
        maybe(hours.boxed()),
        maybe(any::<bool>().prop_map(|first| json!(first)).boxed()),
        maybe(number.boxed()),
        maybe(orders.boxed()),
        maybe(spend.boxed()),
    )
        .prop_map(|(total, units, sources, segments, tiers, days, hours, first, number, orders, spend)| {
            fields(vec![
                ("minimum_total", total),
                ("minimum_units", units),
                ("sources", sources),
                ("segments", segments),
                ("tiers", tiers),
                ("weekdays", days),
                ("hours", hours),
                ("first_order", first),
                ("order_number", number),
                ("orders_at_least", orders),
                ("spend_at_least", spend),
            ])
        })
}

fn lines() -> impl Strategy<Value = Value> {
    let maybe = |strategy: BoxedStrategy<Value>| prop::option::weighted(0.25, strategy);
    (
        maybe(choice(&["SKU-1", "SKU-2", "SKU-3"]).boxed()),
        maybe(choice(&["tea", "cups"]).boxed()),
        maybe(choice(&["Leaf", "Pot"]).boxed()),
        maybe(choice(&["new", "sale"]).boxed()),
        maybe((2_u64..30).prop_map(|units| json!(units)).boxed()),
    )
        .prop_map(|(skus, categories, brands, tags, quantity)| {
            fields(vec![
                ("skus", skus),
                ("categories", categories),
                ("brands", brands),
                ("tags", tags),
                ("minimum_quantity", quantity),
            ])
        })
}

/// What a rule gives, as its document says it.
fn effect() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (1_u64..9, select(vec!["1.00", "0.50", "7.00", "0.03"])).prop_map(|(points, per)| json!({"points": points, "per": per})),
        2 => (1_u64..9, 1_u64..15).prop_map(|(points, units)| json!({"points": points, "per_units": units})),
        2 => (1_u64..200).prop_map(|points| json!({"points": points})),
        2 => select(vec!["2", "1.5", "3.3333"]).prop_map(|factor| json!({"multiplier": factor})),
    ]
}

/// A rule; with what makes less of an order earn more, where that is wanted.
fn rule(stacks: bool) -> impl Strategy<Value = Value> {
    let cap = prop::option::weighted(0.2, (1_u64..300).prop_map(|most| json!(most)));
    let half_up = prop::option::weighted(0.3, Just(json!("half_up")));
    let budget = prop::option::weighted(0.15, (1_u64..2_000).prop_map(|most| json!(most)));
    let times = prop::option::weighted(0.5, 1_u64..4);
    let period = select(vec!["month", "quarter", "year", "ever"]);
    let per_account = (1_u64..500, times, period)
        .prop_map(|(points, times, period)| json!({"points": points, "times": times, "period": period}));
    let caps = prop::option::weighted(0.15, per_account.prop_map(|cap| json!({"per_account": cap})));
    let cap = (cap, budget, caps);
    let by_line = prop::option::weighted(0.3, Just(json!("line")));
    let tier = prop::option::weighted(0.3, any::<bool>().prop_map(|applies| json!(applies)));
    let stop = prop::option::weighted(0.15, Just(json!(true)));
    (effect(), lines(), when(), cap, half_up, by_line, tier, stop).prop_map(
        move |(effect, lines, when, cap, half_up, by_line, tier, stop)| {
            let fixed = effect.get("per").or(effect.get("per_units")).or(effect.get("multiplier")).is_none();
            let multiplies = effect.get("multiplier").is_some();
            let mut rule = fields(vec![
                ("lines", Some(lines)),
                ("when", Some(when)),
                ("maximum_points", cap.0),
                ("budget", cap.1),
                ("caps", cap.2),
                ("rounding", half_up),
                ("rounded_per", by_line.filter(|_| !fixed)),
                ("tier_multiplier", tier.filter(|_| !multiplies)),
                ("stop", stop.filter(|_| stacks)),
            ]);
            rule.as_object_mut().unwrap().extend(effect.as_object().unwrap().clone());
            rule
        },
    )
}

/// Rules none of which changes what another gives, and the same in some other order.
fn independent() -> impl Strategy<Value = (Vec<Value>, Vec<Value>)> {
    rules(false).prop_flat_map(|rules| {
        let independent: Vec<_> = rules.into_iter().filter(|rule| rule.get("multiplier").is_none()).collect();
        (Just(independent.clone()), Just(independent).prop_shuffle())
    })
}

/// Up to twelve rules; some of them in groups, where that is wanted.
fn rules(stacks: bool) -> impl Strategy<Value = Vec<Value>> {
    let group = prop_oneof![3 => Just(0_usize), 2 => 2_usize..4];
    prop::collection::vec((rule(stacks), group), 1..12).prop_map(move |drawn| {
        let (mut rules, mut left) = (Vec::new(), 0);
        let mut group = 0;
        for (place, (mut rule, size)) in drawn.into_iter().enumerate() {
            if left == 0 && stacks && size > 0 {
                (left, group) = (size, place);
            }
            if left > 0 {
                left -= 1;
                rule["group"] = json!(format!("g-{group}"));
            }
            (rule["id"], rule["name"]) = (json!(format!("r-{place}")), json!("Rule"));
            rules.push(rule);
        }
        for (field, most) in [("budget", 6), ("caps", 5)] {
            for rule in rules.iter_mut().filter(|rule| rule.get(field).is_some()).skip(most) {
                rule.as_object_mut().unwrap().remove(field);
            }
        }
        rules
    })
}

fn program(rules: &[Value]) -> Program {
    let mut document = document(0, 12);
    document["earning_rules"] = json!(rules);
    Program::from_json(&document).unwrap()
}

/// Lines: SKU, units, pence for each, category, brand, tags.
type Line = (u8, u64, i64, Option<&'static str>, Option<&'static str>, Vec<&'static str>);

fn order_lines() -> impl Strategy<Value = Vec<Line>> {
    let maybe = |words: Vec<&'static str>| prop::option::of(select(words));
    let tags = prop::sample::subsequence(vec!["new", "sale", "old"], 0..3);
    let line = (1_u8..5, 1_u64..40, 1_i64..2_000, maybe(vec!["tea", "cups"]), maybe(vec!["Leaf", "Pot"]), tags);
    prop::collection::vec(line, 1..8)
}

fn order(number: usize, placed_at: Instant, lines: &[Line]) -> Order {
    let listed = lines.iter().zip(1..).map(|((sku, units, pence, category, brand, tags), number)| {
        json!({
            "line_id": number.to_string(), "sku": format!("SKU-{sku}"), "quantity": units, "category": category,
            "brand": brand, "tags": tags, "unit_price": domain::money::format_decimal(*pence, 2),
        })
    });
    Order::from_json(&json!({
        "source": if number.is_multiple_of(2) { "shop" } else { "web" }, "order_id": number.to_string(),
        "account_id": "acme", "placed_at": placed_at.to_string(), "currency": "GBP",
        "lines": listed.collect::<Vec<_>>(),
    }))
    .unwrap()
}

/// An account that has placed these orders, hours apart, and belongs to a segment from the second on.
fn placed(program: &Program, orders: &[(i64, Vec<Line>)]) -> (World, Vec<Arc<ScoredOrder>>) {
    let (schedule, secrets) = (schedule(program.clone()), secrets());
    let (mut world, mut scored, mut now) = (World::new(), Vec::new(), Instant::parse(START).unwrap());
    for (number, (hours, lines)) in orders.iter().enumerate() {
        now = now.plus_ms(hours * HOUR_MS);
        let context =
            Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        scored.push(world.place(&order(number, now, lines), &context).unwrap());
        world.account.as_mut().unwrap().segments = vec![Segment::parse("vip").unwrap()];
    }
    (world, scored)
}

fn points(program: &Program, lines: &[Line]) -> Points {
    placed(program, &[(5, lines.to_vec())]).1[0].score.points
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_balances_under_rules_of_every_kind(
        rules in rules(true),
        steps in prop::collection::vec(step(), 1..15),
    ) {
        run(&steps, program(&rules));
    }

    #[test]
    fn a_receipt_comes_to_the_points_that_are_stored(
        rules in rules(true),
        orders in prop::collection::vec((0_i64..24 * 40, order_lines()), 1..5),
    ) {
        let program = program(&rules);
        for scored in placed(&program, &orders).1 {
            let (points, outcomes) = earning::recomputed(&scored, &program).unwrap();
            prop_assert_eq!((scored.score.points, returns::due(&scored, &program).unwrap()), (points, points));
            prop_assert!(scored.score.outcomes.starts_with(&outcomes));
            let reasons = receipt(&scored, &program).unwrap().reasons;
            let told = reasons.iter().filter(|reason| reason.id.starts_with("earning.")).map(|reason| reason.points.unwrap());
            prop_assert_eq!(Points::sum(told).unwrap(), points);
            prop_assert!(reasons.iter().all(|reason| reason.fired == reason.condition.is_none()));
        }
    }

    #[test]
    fn one_more_unit_earns_no_less_unless_rules_stop_or_outdo_each_other(
        rules in rules(false),
        lines in order_lines(),
        place in any::<prop::sample::Index>(),
    ) {
        let program = program(&rules);
        prop_assert!(program.earning.is_monotone());
        let mut more = lines.clone();
        more[place.index(lines.len())].1 += 1;
        prop_assert!(points(&program, &more) >= points(&program, &lines));
    }

    #[test]
    fn rules_that_do_not_multiply_or_exclude_each_other_may_stand_in_any_order(
        (rules, shuffled) in independent(),
        lines in order_lines(),
    ) {
        prop_assume!(!rules.is_empty());
        prop_assert_eq!(points(&program(&shuffled), &lines), points(&program(&rules), &lines));
    }

    #[test]
    fn an_order_that_comes_back_in_any_parts_leaves_nothing_and_no_part_gives(
        rules in rules(true),
        lines in order_lines(),
        before in prop::collection::vec((0_i64..24 * 40, order_lines()), 0..3),
        parts in prop::collection::vec((any::<prop::sample::Index>(), 1_u64..30), 0..8),
    ) {
        let program = program(&rules);
        let mut orders = before;
        orders.push((1, lines));
        let (mut world, scored) = placed(&program, &orders);
        let (schedule, secrets) = (schedule(program.clone()), secrets());
        let key = scored.last().unwrap().order.key.clone();
        let now = world.account.as_ref().unwrap().last_decided;
        let context =
            Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 };
        let mut take_back = |reversing: Reversing| {
            let (account, held) = (world.account.clone().unwrap(), world.orders[&key].clone());
            let decision = returns::decide(&account, &held, &reversing, &[], None, &context).unwrap();
            decision.writes.into_iter().for_each(|write| world.apply(write));
            let (before, after) = (held.history.tally.credited().unwrap(), decision.answer.history.tally.credited().unwrap());
            assert!(after <= before, "a return gives nothing");
            assert_eq!(after, returns::due(&decision.answer, &program).unwrap());
            after
        };
        let mut kept = scored.last().unwrap().kept_units();
        for (number, (line, units)) in parts.iter().enumerate() {
            let line = line.index(kept.len());
            let units = (*units).min(kept[line]);
            if units > 0 {
                kept[line] -= units;
                take_back(Reversing::Return(return_document(&json!({
                    "return_id": number.to_string(), "returned_at": now.to_string(),
                    "lines": [{"line_id": (line + 1).to_string(), "quantity": units}],
                })).unwrap()));
            }
        }
        prop_assert_eq!(take_back(Reversing::Cancellation(CancellationDocument { cancelled_at: now })), Points::ZERO);
    }

    #[test]
    fn replaying_orders_under_rules_of_every_kind_gives_the_same_bytes(
        rules in rules(true),
        orders in prop::collection::vec((0_i64..24 * 40, order_lines()), 1..4),
    ) {
        let program = program(&rules);
        prop_assert_eq!(placed(&program, &orders), placed(&program, &orders));
    }

    #[test]
    fn a_receipt_is_reckoned_without_the_account(
        rules in rules(true),
        orders in prop::collection::vec((0_i64..24 * 40, order_lines()), 2..4),
    ) {
        // What the first order was worth is the same whatever came after it.
        let program = program(&rules);
        let (world, scored) = placed(&program, &orders);
        let first = &world.orders[&scored[0].order.key];
        prop_assert_eq!(receipt(first, &program).unwrap(), receipt(&scored[0], &program).unwrap());
        prop_assert_eq!(earning::recomputed(first, &program).unwrap().0, first.score.points);
    }
}
