use super::*;
use crate::money::Currency;
use proptest::prelude::*;

fn taxed(basis: &str) -> Program {
    let mut program = program(&json!([rule("r", json!({"points": 1, "per": "1"}))]));
    program.tax_basis = match basis {
        "subtract" => TaxBasis::Subtract,
        "add" => TaxBasis::Add,
        _ => TaxBasis::AsStated,
    };
    program
}

#[test]
fn tax_counts_as_the_program_says() {
    let tax = |amount: &str, tax: &str| line("TEA", 4, amount, json!({"tax": tax}));
    for (lines, as_stated, subtracted, added) in [
        (vec![tax("120.00", "20.00")], 12_000, 10_000, 14_000),
        (vec![tax("120.00", "20.00"), plain("CUP", 1, "5.00")], 12_500, 10_500, 14_500),
        (vec![tax("20.00", "20.00")], 2_000, 0, 4_000),
        (vec![tax("20.00", "20.01"), plain("CUP", 1, "5.00")], 2_500, 500, 4_501),
        (vec![tax("0.00", "1.00")], 0, 0, 100),
        (vec![line("POST", 1, "9.00", json!({"tax": "1.00"}))], 0, 0, 0),
        (vec![line("TEA", 1, "10.00", json!({"tax": "1.00", "discount": "4.00"}))], 600, 500, 700),
    ] {
        for (basis, expected) in [("as_stated", as_stated), ("subtract", subtracted), ("add", added)] {
            let (program, order) = (taxed(basis), order(NOON, &lines));
            let whole = Basket::whole(&program, &order).unwrap();
            assert_eq!(whole.eligible, Minor(expected), "{basis}: {lines:?}");
            let units: Vec<_> = order.lines.iter().map(|line| line.quantity).collect();
            let kept = Basket::kept(&program, &order, &units).unwrap();
            assert_eq!((kept.eligible, kept.eligible_units), (whole.eligible, whole.eligible_units));
            assert_eq!((kept.revenue, whole.revenue), (order.total().unwrap(), order.total().unwrap()));
        }
    }
}

#[test]
fn a_line_that_is_not_eligible_is_told_why() {
    for (line, as_stated, subtracted, added) in [
        (plain("TEA", 1, "5.00"), None, None, None),
        (plain("TEA", 1, "0.00"), Some("no_amount"), Some("no_amount"), Some("no_amount")),
        (plain("POST", 1, "5.00"), Some("excluded_sku"), Some("excluded_sku"), Some("excluded_sku")),
        (plain("POST", 1, "0.00"), Some("no_amount"), Some("no_amount"), Some("no_amount")),
        (line("TEA", 1, "5.00", json!({"tax": "5.00"})), None, Some("all_tax"), None),
        (line("POST", 1, "5.00", json!({"tax": "6.00"})), Some("excluded_sku"), Some("all_tax"), Some("excluded_sku")),
        // Its tax alone would be eligible, were it not excluded.
        (line("POST", 1, "0.00", json!({"tax": "1.00"})), Some("no_amount"), Some("no_amount"), Some("excluded_sku")),
        (line("TEA", 1, "0.00", json!({"tax": "1.00"})), Some("no_amount"), Some("no_amount"), None),
    ] {
        let order = order(NOON, std::slice::from_ref(&line));
        for (basis, expected) in [("as_stated", as_stated), ("subtract", subtracted), ("add", added)] {
            let reason = crate::earning::eligible::why_not(&taxed(basis), &order.lines[0], Currency::GBP);
            assert_eq!(reason, Ok(expected), "{basis}: {line}");
        }
    }
}

#[test]
fn shipping_counts_where_the_program_says_so_while_anything_it_came_with_is_kept() {
    let rules = json!([
        rule("all", json!({"points": 1, "per": "1"})),
        rule("by-line", json!({"points": 1, "per": "1", "rounded_per": "line"})),
        rule("tea", json!({"points": 1, "per": "1", "lines": {"skus": {"include": ["TEA"]}}})),
        rule("double", json!({"multiplier": "2"})),
        rule("units", json!({"points": 1, "per_units": 1})),
    ]);
    let mut order = order(NOON, &[plain("TEA", 2, "10.00"), plain("CUP", 1, "5.00"), plain("POST", 1, "3.00")]);
    order.shipping = Some(Minor(750));
    let mut program = program(&rules);
    for (included, kept, expected) in [
        (false, [2, 1, 1], Some((1_500, 3, [15, 15, 10, 40, 3]))),
        (true, [2, 1, 1], Some((2_250, 3, [22, 22, 10, 55, 3]))),
        (true, [1, 0, 0], Some((1_250, 1, [12, 12, 5, 30, 1]))),
        // Of what is left nothing is eligible.
        (true, [0, 0, 1], None),
        (true, [0, 0, 0], None),
    ] {
        program.shipping_is_eligible = included;
        let basket = Basket::kept(&program, &order, &kept).unwrap();
        let (eligible, units, points) = expected.unwrap_or_default();
        assert_eq!((basket.eligible, basket.eligible_units), (Minor(eligible), units), "{included} {kept:?}");
        let (buyer, mut found) = (Buyer::of("member"), Vec::new());
        judge(&program, &basket, &buyer.known(&program, &order), |ruling| found.push(ruling.points.0)).unwrap();
        assert_eq!(found, points, "{included} {kept:?}");
    }
    assert_eq!(Basket::whole(&program, &order).unwrap().eligible, Minor(2_250));
    assert_eq!(Basket::whole(&program, &order).unwrap().revenue, order.total().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fewer_units_are_never_eligible_for_more(
        units in 1_u64..60, pence in 0_i64..9_000, tax in 0_i64..9_000, stated in any::<bool>(), each in 0_i64..2_000_000,
    ) {
        let price = if stated { json!({"amount": crate::money::format_decimal(pence, 2)}) } else {
            json!({"unit_price": crate::money::format_decimal(each, 6)})
        };
        let mut line = json!({"sku": "TEA", "quantity": units, "tax": crate::money::format_decimal(tax, 2)});
        line.as_object_mut().unwrap().extend(price.as_object().unwrap().clone());
        let order = order(NOON, &[line]);
        for basis in ["as_stated", "subtract", "add"] {
            let program = taxed(basis);
            let kept = |units: u64| Basket::kept(&program, &order, &[units]).unwrap().eligible;
            let eligible: Vec<_> = (0..=units).map(kept).collect();
            prop_assert!(eligible.is_sorted(), "{} {:?}", basis, eligible);
            prop_assert_eq!(eligible.first().copied(), Some(Minor::ZERO));
            prop_assert_eq!(eligible.last().copied(), Some(Basket::whole(&program, &order).unwrap().eligible));
        }
        prop_assert_eq!(order.currency, Currency::GBP);
    }
}
