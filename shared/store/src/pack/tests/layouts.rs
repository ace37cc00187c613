//! What was packed by earlier layouts, and how much room the parts take.

use super::*;

/// Bytes of lots and of warnings as they were written before steps were counted less a month.
#[test]
fn lots_and_warnings_of_the_first_layout_are_read() {
    let at = |text: &str| Instant::parse(text).unwrap();
    let (first, second) = (at("2013-01-01T00:00:00Z"), at("2013-03-31T23:00:00Z"));
    let lots = vec![Lot::until(first, Points(700)), Lot::until(second, Points(50))];
    let available_at = at("2011-03-05T00:00:00Z");
    let pending = vec![Pending::new(available_at, End::at(second), Points(9))];
    let held = Holdings::of(lots, pending, Points(4));
    let written = [1, 128, 221, 219, 1, 2, 224, 129, 46, 248, 10, 222, 33, 100, 1, 160, 135, 44, 0, 18, 8];
    assert_eq!(holdings(&written), Ok(held));
    let warned = |ends_at, days| Told { subject: Subject::Points, ends_at, days };
    let written = [1, 128, 221, 219, 1, 2, 224, 129, 46, 60, 222, 33, 120, 0];
    assert_eq!(told(&written), Ok(vec![warned(first, 30), warned(second, 90)]));
}

/// Totals as they were written before days were counted: from the first shape to the latest of those.
#[test]
fn days_of_totals_that_did_not_count_them_follow_from_the_months_kept() {
    let kept = Activity::of(vec![a_month(24_132, 5, 0b1011), a_month(24_134, 1, 1 << 30)]);
    let written = [1, 9, 172, 2, 224, 197, 8, 144, 182, 8, 228, 10, 0, 3, 2, 1, 0, 0, 0, 0, 0, 7, 6];
    for bytes in [16, 21, 22, 23] {
        let read = lifetime(written.get(..bytes).unwrap(), &kept).unwrap();
        assert_eq!((read.orders, read.purchase_days, read.downgrades), (9, 4 + 3, 0), "{bytes} bytes");
        assert_eq!(lifetime(&pack_lifetime(&read), &Activity::default()), Ok(read), "they are written with it");
    }
    assert_eq!(lifetime(&written, &Activity::default()).unwrap().purchase_days, 9);
}

fn a_month(month: i32, orders: u64, purchase_days: u32) -> MonthActivity {
    MonthActivity {
        month: Month(month),
        orders,
        units: 300,
        revenue: Minor(70_000),
        eligible: Minor(69_000),
        purchase_days,
        earned: Points(690),
        discounts_used: 0,
        discount_value: Minor::ZERO,
        aside: Aside::NONE,
    }
}

#[test]
fn months_of_the_first_layout_are_read() {
    let written = [
        1, 2, 212, 7, 5, 172, 2, 224, 197, 8, 207, 15, 11, 228, 10, 4, 1, 172, 2, 224, 197, 8, 207, 15, 128, 128, 128,
        128, 4, 228, 10,
    ];
    let months = vec![a_month(490, 5, 0b1011), a_month(492, 1, 1 << 30)];
    assert_eq!(activity(&written), Ok(Activity::of(months)));
}

/// What a month without discounts took before they were counted, it takes at most.
#[test]
fn discounts_take_room_in_their_months_only() {
    let (first, plain) = (a_month(24_132, 3, 0b1011), a_month(24_133, 3, 0b1011));
    let bytes = |month: &MonthActivity| pack_activity(&Activity::of(vec![first, *month])).len();
    let before = bytes(&plain);
    let first_layout = [1, 3, 172, 2, 224, 197, 8, 207, 15, 11, 228, 10].len();
    for (month, expected) in [
        (plain, first_layout - 1),
        (MonthActivity { orders: 5, ..plain }, first_layout),
        (MonthActivity { eligible: plain.revenue, orders: 5, ..plain }, first_layout - 2),
        (MonthActivity { discounts_used: 6, discount_value: Minor(8_000), ..plain }, first_layout - 1 + 2),
        (MonthActivity { discounts_used: 7, discount_value: Minor(8_000), ..plain }, first_layout - 1 + 3),
        (MonthActivity { discounts_used: 1, discount_value: Minor(0), ..plain }, first_layout - 1),
        // What counts for no tier, in programs that go by units or points.
        (MonthActivity { aside: Aside { units: 3, ..Aside::NONE }, ..plain }, first_layout - 1 + 3),
        (MonthActivity { aside: Aside { units: 3, ..Aside::NONE }, discounts_used: 7, ..plain }, first_layout - 1 + 4),
    ] {
        assert_eq!(bytes(&month) + first_layout - 1 - before, expected, "{month:?}");
    }
    assert_eq!(before, pack_activity(&Activity::of(vec![first])).len() + first_layout - 1);
}

/// The bytes of every order that was placed so far, and of most that will be.
#[test]
fn a_score_without_discounts_used_or_gifts_is_no_larger() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let made = a_score().new_tree(&mut runner).unwrap().current();
    let (taken_off, granted, gifts) = (Vec::new(), Vec::new(), Vec::new());
    let plain = Score { taken_off, qualified_referral: false, granted, gifts, ..made };
    let bytes = |score: &Score| pack_score(score).len();
    let uses = Score { taken_off: vec![TakesOff::Percent(Percent(500))], ..plain.clone() };
    let qualifies = Score { qualified_referral: true, ..plain.clone() };
    let both = Score { qualified_referral: true, ..uses.clone() };
    let granted = vec![Granted { place: 3, points: Points(40), cut_by: Some(Limiter::Budget) }];
    let limited = Score { granted, ..plain.clone() };
    let gift = |given_for, discount| OrderGift { given_for, points: Points(500), discount };
    let gold = gift(GivenFor::Tier(TierId::parse("gold").unwrap()), Some(Code::of_bits(1)));
    let entered = Score { gifts: vec![gold.clone()], ..plain.clone() };
    let celebrated = gift(GivenFor::Occasion(RuleId::parse("nth").unwrap()), None);
    let all = Score { gifts: vec![gold, celebrated], ..limited.clone() };
    let more = [&qualifies, &uses, &both, &limited, &entered, &all].map(|score| bytes(score) - bytes(&plain));
    let (for_gold, for_nth) = (1 + 5 + 2 + 2, 1 + 4 + 2 + 1);
    assert_eq!(more, [1, 1 + 1 + 2, 1 + 1 + 2, 1 + 1 + 1 + 3, 4 + for_gold, 6 + 1 + for_gold + for_nth]);
    for score in [plain, uses, qualifies, both, limited, entered, all] {
        assert_eq!(super::score(&pack_score(&score)), Ok(score));
    }
}

/// What a line says of its discount takes a byte more for saying so, and room in lines that do.
#[test]
fn parts_of_a_discount_take_room_where_there_are_any() {
    let line = |program_discount, paid_with_points| OrderLine {
        line_id: LineId::parse("1").unwrap(),
        sku: Sku::parse("A").unwrap(),
        quantity: 2,
        price: LinePrice::UnitPrice(UnitPrice(50)),
        discount: Minor(60),
        program_discount: Minor(program_discount),
        paid_with_points: Minor(paid_with_points),
        tax: None,
        category: None,
        brand: None,
        tags: Vec::new(),
    };
    for (program_discount, paid_with_points, expected) in [
        // As it was written before.
        (0, 0, &[1, 1, 1, b'A', 1, 4, 0, 2, 100, 120][..]),
        (10, 0, &[1, 1, 1, b'A', 1, 132, 1, 0, 2, 100, 120, 20]),
        (0, 50, &[1, 1, 1, b'A', 1, 132, 2, 0, 2, 100, 120, 100]),
        (10, 50, &[1, 1, 1, b'A', 1, 132, 3, 0, 2, 100, 120, 20, 100]),
    ] {
        let lines = vec![line(program_discount, paid_with_points)];
        let packed = pack_lines(&lines);
        assert_eq!(packed, expected, "{program_discount} {paid_with_points}");
        assert_eq!(super::lines(&packed), Ok(lines));
    }
}

/// What waits for payment takes no room where nothing does, and little where something does.
#[test]
fn points_that_wait_for_payment_take_room_where_there_are_any() {
    let lot = Lot::until(Instant::parse("2013-01-01T00:00:00Z").unwrap(), Points(700));
    let held = Holdings::of(vec![lot], Vec::new(), Points::ZERO);
    let packed = pack_holdings(&held);
    assert_eq!(pack_holdings(&held.clone().with_unpaid(Points::ZERO)), packed);
    let waits = pack_holdings(&held.with_unpaid(Points(700)));
    assert_eq!(waits.len() - packed.len(), 2 + 3 + 2, "no debt of either kind, nothing undated, the points");
    assert!(waits.starts_with(&packed));
}

/// Two years of lots are what an account has as a rule, and the hot item is small.
#[test]
fn a_lot_a_month_takes_a_byte_for_its_end() {
    let london = domain::time::Calendar::of("Europe/London").unwrap();
    let lot = |month| Lot::until(london.month_start(Month(month)), Points(1));
    let packed = |months: i32| {
        pack_holdings(&Holdings::of((24_132..24_132 + months).map(lot).collect(), Vec::new(), Points::ZERO))
    };
    assert_eq!(packed(25).len() - packed(1).len(), 24 * 2);
}

/// Three rules capped by month, in this and the last one, one of them ever: what a busy program adds to the hot item.
#[test]
fn a_counter_takes_few_bytes_beside_the_name_of_its_rule() {
    let counter = |rule: &str, months, period, points| Counter {
        key: CounterKey { rule: RuleId::parse(rule).unwrap(), months, period },
        used: Used { points: Points(points), times: 12 },
    };
    let counters = Counters::of(vec![
        counter("spring", 1, 24_312, 500),
        counter("spring", 1, 24_313, 120),
        counter("summer", 1, 24_312, 500),
        counter("summer", 1, 24_313, 120),
        counter("welcome", 0, 0, 500),
    ]);
    let packed = pack_counters(&counters);
    assert_eq!(super::counters(&packed), Ok(counters));
    // Format and count, the three names, then 7 or 8 bytes each, one of a rule named before, and less for ever.
    assert_eq!(packed.len(), 2 + 7 + 7 + 8 + 4 * 7 + 5 + 2);
    assert!(super::counters(packed.split_last().unwrap().1).is_err());
}
