//! What is paid with points, and what the program takes off, counts as the program says.

use super::*;
use crate::code::Secrets;
use crate::decision::Context;
use crate::earning::eligible;
use crate::money::{Currency, Money, Points, format_decimal};
use crate::receipt;
use crate::schedule::{Activation, Schedule};
use crate::score;
use proptest::prelude::*;
use std::sync::Arc;

const BOTH: PaidWith = PaidWith { points: true, discounts: true };
const ALL: [PaidWith; 4] = [PaidWith::MONEY, PaidWith::POINTS, PaidWith::DISCOUNTS, BOTH];
const BASES: [TaxBasis; 3] = [TaxBasis::AsStated, TaxBasis::Subtract, TaxBasis::Add];

fn counting(paid_with: PaidWith, tax_basis: TaxBasis) -> Program {
    let program = program(&json!([rule("r", json!({"points": 1, "per": "1"}))]));
    Program { paid_with, tax_basis, ..program }
}

/// What is eligible of so many units of a line, in pence.
fn kept(program: &Program, order: &Order, units: u64) -> i64 {
    Basket::kept(program, order, &[units]).unwrap().eligible.0
}

/// Four units at 20.00, less 15.00: 2.00 by the shop itself, 5.00 by the program, 8.00 paid with points.
fn parts(more: Value) -> Value {
    let mut line = json!({"sku": "TEA", "quantity": 4, "unit_price": "20.00", "discount": "15.00",
                          "program_discount": "5.00", "paid_with_points": "8.00"});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

#[test]
fn what_counts_is_shared_among_the_units_with_their_tax() {
    let stated = json!({"unit_price": null, "amount": "80.00"});
    // What 0, 1, 2, 3 and all 4 units count for: money, with points, with discounts, with both.
    for (line, basis, expected) in [
        (
            parts(json!({})),
            TaxBasis::AsStated,
            [
                [0, 1_625, 3_250, 4_875, 6_500],
                [0, 1_825, 3_650, 5_475, 7_300],
                [0, 1_750, 3_500, 5_250, 7_000],
                [0, 1_950, 3_900, 5_850, 7_800],
            ],
        ),
        // 10.00 of tax is contained in what was paid.
        (
            parts(json!({"tax": "10.00"})),
            TaxBasis::Subtract,
            [
                [0, 1_375, 2_750, 4_125, 5_500],
                [0, 1_575, 3_150, 4_725, 6_300],
                [0, 1_500, 3_000, 4_500, 6_000],
                [0, 1_700, 3_400, 5_100, 6_800],
            ],
        ),
        // It comes on top.
        (
            parts(json!({"tax": "10.00"})),
            TaxBasis::Add,
            [
                [0, 1_875, 3_750, 5_625, 7_500],
                [0, 2_075, 4_150, 6_225, 8_300],
                [0, 2_000, 4_000, 6_000, 8_000],
                [0, 2_200, 4_400, 6_600, 8_800],
            ],
        ),
        // Without tax every basis is as stated.
        (
            parts(stated.clone()),
            TaxBasis::Add,
            [
                [0, 1_625, 3_250, 4_875, 6_500],
                [0, 1_825, 3_650, 5_475, 7_300],
                [0, 1_750, 3_500, 5_250, 7_000],
                [0, 1_950, 3_900, 5_850, 7_800],
            ],
        ),
        // A penny that does not go into four: half of one is rounded up once, after all that is shared.
        (
            parts(json!({"program_discount": "5.01", "paid_with_points": "8.02", "tax": "0.01"})),
            TaxBasis::Subtract,
            [
                [0, 1_625, 3_250, 4_874, 6_499],
                [0, 1_825, 3_651, 5_476, 7_301],
                [0, 1_750, 3_500, 5_250, 7_000],
                [0, 1_951, 3_901, 5_852, 7_802],
            ],
        ),
        // Points paid all that was left, and the tax on it is not eligible.
        (
            parts(json!({"discount": "80.00", "program_discount": "0", "paid_with_points": "80.00", "tax": "16.00"})),
            TaxBasis::Subtract,
            [[0; 5], [0, 1_600, 3_200, 4_800, 6_400], [0; 5], [0, 1_600, 3_200, 4_800, 6_400]],
        ),
        // Of what is excluded nothing counts, whatever paid it.
        (parts(json!({"sku": "POST"})), TaxBasis::AsStated, [[0; 5]; 4]),
    ] {
        let order = order(NOON, std::slice::from_ref(&line));
        let found = ALL.map(|paid_with| [0, 1, 2, 3, 4].map(|units| kept(&counting(paid_with, basis), &order, units)));
        assert_eq!(found, expected, "{basis:?}: {line}");
        for paid_with in ALL {
            let whole = Basket::whole(&counting(paid_with, basis), &order).unwrap();
            assert_eq!(whole.eligible.0, kept(&counting(paid_with, basis), &order, 4), "{paid_with:?}: {line}");
            assert_eq!(whole.revenue, order.total().unwrap(), "revenue is money, whatever counts");
        }
    }
}

#[test]
fn a_line_that_points_paid_is_told_so_where_they_do_not_count() {
    let paid = |more: Value| {
        let mut line = json!({"sku": "TEA", "quantity": 1, "amount": "5.00", "discount": "5.00"});
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    for (line, basis, expected) in [
        (paid(json!({"paid_with_points": "5.00"})), TaxBasis::AsStated, [Some("paid_with_points"), None]),
        (
            paid(json!({"paid_with_points": "2.00", "program_discount": "3.00"})),
            TaxBasis::AsStated,
            [Some("paid_with_points"), None],
        ),
        (paid(json!({"program_discount": "5.00"})), TaxBasis::AsStated, [Some("no_amount"); 2]),
        (paid(json!({})), TaxBasis::AsStated, [Some("no_amount"); 2]),
        // A penny of it was paid in money.
        (paid(json!({"discount": "4.99", "paid_with_points": "4.99"})), TaxBasis::AsStated, [None; 2]),
        // No more than its tax was paid, one way or the other.
        (
            paid(json!({"paid_with_points": "5.00", "tax": "5.00"})),
            TaxBasis::Subtract,
            [Some("paid_with_points"), Some("all_tax")],
        ),
        (
            paid(json!({"discount": "4.00", "paid_with_points": "4.00", "tax": "1.00"})),
            TaxBasis::Subtract,
            [Some("all_tax"), None],
        ),
        // Its tax is paid besides.
        (paid(json!({"paid_with_points": "5.00", "tax": "1.00"})), TaxBasis::Add, [None; 2]),
        (
            paid(json!({"sku": "POST", "paid_with_points": "5.00"})),
            TaxBasis::AsStated,
            [Some("paid_with_points"), Some("excluded_sku")],
        ),
    ] {
        let order = order(NOON, std::slice::from_ref(&line));
        let reason = |paid_with| eligible::why_not(&counting(paid_with, basis), &order.lines[0], Currency::GBP);
        assert_eq!([PaidWith::MONEY, PaidWith::POINTS].map(|paid_with| reason(paid_with).unwrap()), expected, "{line}");
    }
}

#[test]
fn an_order_earns_qualifies_and_explains_itself_by_what_counts() {
    let lines =
        [parts(json!({})), line("CUP", 1, "900.00", json!({"discount": "900.00", "paid_with_points": "900.00"}))];
    let order = Arc::new(order(NOON, &lines));
    for (paid_with, eligible, points, tier, reasons) in [
        (PaidWith::MONEY, 6_500, 65, "member", vec!["paid_with_points"]),
        (PaidWith::DISCOUNTS, 7_000, 70, "member", vec!["paid_with_points"]),
        (PaidWith::POINTS, 97_300, 973, "member", vec![]),
        (BOTH, 97_800, 978, "silver", vec![]),
    ] {
        let mut program = counting(paid_with, TaxBasis::AsStated);
        program.tiers.levels.above[0].threshold = Some(crate::money::Measure(97_800));
        let program = Arc::new(program);
        let schedule = Schedule::only(Activation { from: Instant::MIN, version: 1, program: Arc::clone(&program) });
        let (secrets, now) = (Secrets::parse("1:sixteen bytes long").unwrap(), order.placed_at);
        let wall_day = now.utc_day();
        let context = Context { schedule: &schedule, secrets: &secrets, by: "test", now, wall_day, collisions: 0 };
        let decided = score::decide(None, &[], None, &order, order.content_hash(), &context).unwrap().answer;
        let score = &decided.score;
        assert_eq!((score.eligible, score.points, score.tier_after.as_str()), (Minor(eligible), Points(points), tier));
        let told = receipt::receipt(&decided, &program).unwrap();
        let amount = Money { amount: Minor(eligible), currency: Currency::GBP };
        let arithmetic = told.reasons[0].arithmetic.as_ref().unwrap();
        assert_eq!((told.eligible_total, arithmetic.amount, arithmetic.points), (amount, amount, Points(points)));
        let text = format!("r: {amount} × 1 per 1.00 GBP × 1 (member), rounded down = {points} points.");
        assert_eq!(told.reasons[0].text, text);
        assert_eq!(told.total.amount, Minor(6_500), "what was paid in money");
        assert_eq!(told.ineligible_lines.iter().map(|line| line.reason).collect::<Vec<_>>(), reasons);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fewer_units_never_count_for_more_whatever_paid_them(
        units in 1_u64..40, pence in 0_i64..9_000, each in 0_i64..2_000_000, stated in any::<bool>(),
        tax in prop::option::of(0_i64..9_000), shares in (0_i64..=100, 0_i64..=100, 0_i64..=100),
    ) {
        let price = match stated {
            true => json!({"amount": format_decimal(pence, 2)}),
            false => json!({"unit_price": format_decimal(each, 6)}),
        };
        let mut line = json!({"sku": "TEA", "quantity": units, "tax": tax.map(|tax| format_decimal(tax, 2))});
        line.as_object_mut().unwrap().extend(price.as_object().unwrap().clone());
        let listed = order(NOON, std::slice::from_ref(&line)).total().unwrap().0;
        let (off, by_program, with_points) = shares;
        let discount = listed * off / 100;
        let program_discount = discount * by_program / 100;
        let paid = (discount - program_discount) * with_points / 100;
        for (field, amount) in [("discount", discount), ("program_discount", program_discount), ("paid_with_points", paid)] {
            line[field] = json!(format_decimal(amount, 2));
        }
        let order = order(NOON, &[line]);
        for basis in BASES {
            let [money, ..] = ALL.map(|paid_with| {
                let program = counting(paid_with, basis);
                let eligible: Vec<_> = (0..=units).map(|units| kept(&program, &order, units)).collect();
                assert!(eligible.is_sorted(), "{paid_with:?} {basis:?}: {eligible:?}");
                assert_eq!(eligible.first(), Some(&0));
                let whole = Basket::whole(&program, &order).unwrap().eligible.0;
                assert_eq!(eligible.last(), Some(&whole));
                // The whole counts for exactly what its lines say was paid.
                let tax = match basis {
                    TaxBasis::AsStated => 0,
                    TaxBasis::Subtract => -tax.unwrap_or(0),
                    TaxBasis::Add => tax.unwrap_or(0),
                };
                let points = if paid_with.points { paid } else { 0 };
                let discounts = if paid_with.discounts { program_discount } else { 0 };
                assert_eq!(whole, (listed - discount + points + discounts + tax).max(0), "{paid_with:?} {basis:?}");
                eligible
            });
            // What is paid in money alone always counts.
            for paid_with in ALL {
                let program = counting(paid_with, basis);
                let more = (0..=units).zip(&money).all(|(units, money)| kept(&program, &order, units) >= *money);
                prop_assert!(more, "{:?} {:?}", paid_with, basis);
            }
        }
    }
}
