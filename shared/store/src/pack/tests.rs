#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod layouts;

use super::*;
use domain::activity::{Activity, Aside, Lifetime, MonthActivity};
use domain::amendment::{Amended, PointsAmended};
use domain::code::Code;
use domain::counters::{Counter, CounterKey, Counters, Used};
use domain::credit_note::NoteLine;
use domain::discount::{OpenDiscount, TakesOff, Terms};
use domain::earning::{Granted, Limiter};
use domain::id::{LineId, ReturnId, RuleId, Sku, TierId};
use domain::invitation::Invitation;
use domain::lots::{End, Holdings, Lot, Pending, Streak, Taken};
use domain::money::{Measure, Minor, Percent, Points, UnitPrice};
use domain::order::{LinePrice, OrderLine};
use domain::payment::{Payment, Stated};
use domain::referral::{RedemptionId, RedemptionKey, Referral, Stage};
use domain::returns::{History, ReturnKey, Returned, Reversal, Tally};
use domain::score::{Condition, GivenFor, IssuedDiscount, OrderGift, Outcome, Raise, Score};
use domain::tier::OwedDiscount;
use domain::time::{Day, Instant, Month};
use domain::uses::CameBack;
use domain::warning::{Subject, Told};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::collections::BTreeMap;

fn seconds() -> impl Strategy<Value = Instant> {
    (0_i64..32_503_679_999).prop_map(|s| Instant::from_ms(s * 1000))
}

/// A date mostly, else after so many months of inactivity, or never.
fn end() -> impl Strategy<Value = End> {
    let inactivity = (seconds(), 1_u16..61);
    prop_oneof![
        4 => seconds().prop_map(End::at),
        1 => inactivity.prop_map(|(expires_at, months)| End { expires_at, inactivity_months: Some(months) }),
        1 => Just(End::NEVER),
    ]
}

fn instant() -> impl Strategy<Value = Instant> {
    (1_i64..32_503_679_999_999).prop_map(Instant::from_ms)
}

/// What a discount takes off, where its account knows that.
fn terms() -> impl Strategy<Value = Option<Terms>> {
    let takes_off = prop_oneof![
        (1_i64..=10_000).prop_map(|percent| TakesOff::Percent(Percent(percent))),
        (1_i64..1 << 60).prop_map(|amount| TakesOff::Amount(Minor(amount))),
    ];
    let minimum = prop_oneof![Just(0), 1_i64..1 << 60];
    option::of((takes_off, minimum).prop_map(|(takes_off, minimum)| Terms { takes_off, minimum: Minor(minimum) }))
}

fn aside_of_any() -> impl Strategy<Value = Aside> {
    let some = (any::<u64>(), any::<i64>()).prop_map(|(units, points)| Aside { units, points: Points(points) });
    prop_oneof![Just(Aside::NONE), some]
}

fn month() -> impl Strategy<Value = MonthActivity> {
    let month = prop_oneof![any::<i32>().prop_map(|month| month / 2), 24_000..24_100];
    let used = prop_oneof![Just(0), 0_u64..20, any::<u64>()];
    let orders = prop_oneof![Just(None), any::<u64>().prop_map(Some)];
    let eligible = prop_oneof![Just(None), any::<i64>().prop_map(Some)];
    let discount_value = prop_oneof![Just(0), any::<i64>()];
    let discounts = (used, discount_value);
    (month, orders, any::<u64>(), any::<i64>(), eligible, any::<u32>(), any::<i64>(), discounts, aside_of_any())
        .prop_map(
            |(
                month,
                orders,
                units,
                revenue,
                eligible,
                purchase_days,
                earned,
                (discounts_used, discount_value),
                aside,
            )| {
                MonthActivity {
                    month: Month(month),
                    orders: orders.unwrap_or(purchase_days.count_ones().into()),
                    units,
                    revenue: Minor(revenue),
                    eligible: Minor(eligible.unwrap_or(revenue)),
                    purchase_days,
                    earned: Points(earned),
                    discounts_used,
                    discount_value: Minor(discount_value),
                    aside,
                }
            },
        )
}

fn order_line() -> impl Strategy<Value = OrderLine> {
    let id = prop_oneof!["[1-9]", "[a-z]{1,64}"];
    let price = prop_oneof![
        any::<i64>().prop_map(|p| LinePrice::UnitPrice(UnitPrice(p))),
        any::<i64>().prop_map(|a| LinePrice::Amount(Minor(a))),
    ];
    let label = || "[A-Za-zé ]{1,64}";
    (
        id,
        "[A-Z]{1,3}",
        any::<u64>(),
        price,
        (any::<i64>(), prop_oneof![Just(0), any::<i64>()], prop_oneof![Just(0), any::<i64>()]),
        option::of(any::<i64>()),
        option::of(label()),
        option::of(label()),
        vec(label(), 0..8),
    )
        .prop_map(
            |(
                line_id,
                sku,
                quantity,
                price,
                (discount, program_discount, paid_with_points),
                tax,
                category,
                brand,
                tags,
            )| OrderLine {
                line_id: LineId::parse(&line_id).unwrap(),
                sku: Sku::parse(&sku).unwrap(),
                quantity,
                price,
                discount: Minor(discount),
                program_discount: Minor(program_discount),
                paid_with_points: Minor(paid_with_points),
                tax: tax.map(Minor),
                category,
                brand,
                tags,
            },
        )
}

fn a_stage() -> impl Strategy<Value = Stage> {
    prop_oneof![
        Just(Stage::UnderReview),
        instant().prop_map(|until| Stage::Open { until }),
        instant().prop_map(|reward_at| Stage::Qualified { reward_at }),
        Just(Stage::Rewarded),
        instant().prop_map(|since| Stage::Returned { since }),
        Just(Stage::Over),
    ]
}

fn a_score() -> impl Strategy<Value = Score> {
    let outcome = prop_oneof![Just(Outcome::Fired), prop::sample::select(Condition::ALL).prop_map(Outcome::Missed),];
    let issued =
        ("[a-z-]{1,32}", 0_u64..1 << 50, any::<i64>(), instant()).prop_map(|(rule, bits, percent, expires_at)| {
            IssuedDiscount {
                rule: RuleId::parse(&rule).unwrap(),
                code: Code::of_bits(bits),
                percent: Percent(percent),
                expires_at,
                void: percent % 2 == 0,
            }
        });
    let amounts = (any::<i64>(), any::<i64>(), any::<i64>(), any::<i64>());
    let times = (instant(), option::of(instant()), instant(), option::of((instant(), instant())));
    let off = prop_oneof![
        any::<i64>().prop_map(|percent| TakesOff::Percent(Percent(percent))),
        any::<i64>().prop_map(|amount| TakesOff::Amount(Minor(amount))),
    ];
    let taken_off = vec(off, 0..10);
    let limiter = option::of(prop::sample::select(&Limiter::ALL[..]));
    let granted = (0_usize..50, any::<i64>(), limiter).prop_map(|(place, points, cut_by)| Granted {
        place,
        points: Points(points),
        cut_by,
    });
    let given_for = prop_oneof![
        "[a-z-]{1,16}".prop_map(|id| GivenFor::Tier(TierId::parse(&id).unwrap())),
        "[a-z-]{1,32}".prop_map(|id| GivenFor::Occasion(RuleId::parse(&id).unwrap())),
    ];
    let code = option::of((0_u64..1 << 50).prop_map(Code::of_bits));
    let gift = (given_for, any::<i64>(), code).prop_map(|(given_for, points, discount)| OrderGift {
        given_for,
        points: Points(points),
        discount,
    });
    let lists = (vec(outcome, 0..60), vec(issued, 0..10), taken_off, vec(granted, 0..6), vec(gift, 0..4));
    (any::<u32>(), any::<u64>(), amounts, times, lists).prop_map(
        |(program_version, entry, amounts, times, (outcomes, issued, taken_off, granted, gifts))| Score {
            program_version,
            decided_at: times.0,
            entry,
            tier: TierId::parse("member").unwrap(),
            tier_after: TierId::parse("gold").unwrap(),
            raise: times.3.map(|(held_since, at)| Raise { from: TierId::parse("silver").unwrap(), held_since, at }),
            qualifying: Measure(amounts.0),
            beyond_kept_months: amounts.0 % 2 == 0,
            eligible: Minor(amounts.1),
            points: Points(amounts.2),
            available_at: times.1,
            expires_at: times.2,
            balance: Points(amounts.3),
            outcomes,
            issued,
            taken_off,
            qualified_referral: entry % 2 == 0,
            granted,
            gifts,
        },
    )
}

fn a_return() -> impl Strategy<Value = Returned> {
    let line_id = prop_oneof!["[1-9]", "[a-z]{1,64}"].prop_map(|id| LineId::parse(&id).unwrap());
    let lines = vec((line_id, any::<u64>()), 0..9);
    let figures = any::<[i64; 8]>();
    let id = "[a-z]{1,64}".prop_map(|id| ReturnId::parse(&id).unwrap());
    let key = prop_oneof![
        id.clone().prop_map(ReturnKey::Return),
        id.prop_map(ReturnKey::CreditNote),
        Just(ReturnKey::Cancellation),
    ];
    (key, any::<[u8; 32]>(), instant(), lines, figures).prop_map(
        |(key, content_hash, decided_at, lines, [a, b, c, d, e, f, g, h])| Returned {
            key,
            content_hash,
            decided_at,
            entry: a.unsigned_abs(),
            lines,
            units: c.unsigned_abs(),
            excess_units: b.unsigned_abs(),
            eligible: Minor(c),
            reversal: Reversal {
                taken: Taken { pending: Points(d), own_lot: Points(e), other_lots: Points(f) },
                owed: Points(g),
                unrecovered: Points(h),
                lapsed: Points(a),
            },
            came_back: if a % 3 == 0 {
                CameBack { points: Points(d), ..CameBack::default() }
            } else {
                CameBack::default()
            },
            balance: Points(b),
        },
    )
}

fn a_payment() -> impl Strategy<Value = Payment> {
    let stated = prop_oneof![Just(Stated::InOrder), Just(Stated::Alone)];
    let times = (any::<i64>(), instant(), option::of(instant()), instant());
    (stated, option::of("[A-Z0-9é/-]{1,64}"), times, any::<u64>(), any::<[i64; 2]>()).prop_map(
        |(stated, reference, (paid_at, decided_at, available_at, expires_at), entry, [points, balance])| Payment {
            paid_at: Instant::from_ms(paid_at),
            reference,
            stated,
            decided_at,
            entry,
            points: Points(points),
            available_at,
            expires_at,
            balance: Points(balance),
        },
    )
}

proptest! {
    #[test]
    fn activity_survives_packing(months in vec(month(), 0..25)) {
        let activity_before = Activity::of(months);
        prop_assert_eq!(activity(&pack_activity(&activity_before)).unwrap(), activity_before);
    }

    #[test]
    fn holdings_survive_packing(
        lots in vec((end(), any::<i64>()), 0..60),
        pending in vec((seconds(), end(), any::<i64>()), 0..31),
        streaks in prop_oneof![Just(BTreeMap::new()), btree_map(any::<u16>(), (instant(), any::<i32>(), instant()), 0..4)],
        debt in prop_oneof![Just((0, 0)), any::<i64>().prop_map(|debt| (debt, 0)), (1_i64.., 1_i64..)],
        unpaid in prop_oneof![Just(0), 1_i64..],
    ) {
        let lots = lots.into_iter().map(|(end, points)| Lot::new(end, Points(points)));
        let pending = pending.into_iter().map(|(at, end, points)| Pending::new(at, end, Points(points)));
        let streaks = streaks.into_iter().map(|(months, (since, first, ends_at))| {
            Streak { months, since, first: Day(first), ends_at }
        }).collect();
        let (debt, of_orders) = debt;
        let before = Holdings::of(lots.collect(), pending.collect(), Points(debt));
        let before = before.with_pending_debt(Points(of_orders)).with_streaks(streaks);
        let before = before.with_unpaid(Points(unpaid));
        prop_assert_eq!(holdings(&pack_holdings(&before)).unwrap(), before);
    }

    #[test]
    fn totals_survive_packing(
        counts in any::<[u64; 9]>(), sums in any::<[i64; 10]>(), aside in aside_of_any(),
    ) {
        let [orders, units, discounts_issued, discounts_used, upgrades, returned_units, unmatched_units, ..] = counts;
        let [.., purchase_days, downgrades] = counts;
        let [earned, expired, reversed, unrecovered, credited, deducted, gone_before, ..] = sums.map(Points);
        let (revenue, eligible, discount_value) = (Minor(sums[7]), Minor(sums[8]), Minor(sums[9]));
        let before = Lifetime {
            orders, units, discounts_issued, discounts_used, upgrades, returned_units, earned, expired, reversed,
            unrecovered, credited, deducted, unmatched_units, gone_before, revenue, eligible, purchase_days, downgrades,
            discount_value, aside,
        };
        prop_assert_eq!(lifetime(&pack_lifetime(&before), &Activity::default()).unwrap(), before);
    }

    #[test]
    fn an_invitation_survives_packing(until in prop_oneof![Just(Instant::NEVER), instant()], since in instant()) {
        let held = TierId::parse("silver").unwrap();
        let before = Invitation { until, held, held_since: since };
        prop_assert_eq!(invitation(&pack_invitation(&before)).unwrap(), before);
    }

    #[test]
    fn discounts_that_are_owed_survive_packing(tiers in vec(("[a-z]{1,16}", instant()), 0..16)) {
        let owes = |(tier, entered_at): (String, _)| OwedDiscount { tier: TierId::parse(&tier).unwrap(), entered_at };
        let before: Vec<_> = tiers.into_iter().map(owes).collect();
        prop_assert_eq!(owed(&pack_owed(&before)).unwrap(), before);
    }

    #[test]
    fn discounts_survive_packing(given in vec(("[a-z]{1,32}", 0_u64..1 << 50, instant(), any::<u16>(), terms()), 0..10)) {
        let before: Vec<_> = given
            .into_iter()
            .map(|(rule, bits, expires_at, told_days, terms)| {
                let (rule, code) = (RuleId::parse(&rule).unwrap(), Code::of_bits(bits));
                OpenDiscount { rule, code, expires_at, told_days, terms }
            })
            .collect();
        prop_assert_eq!(discounts(&pack_discounts(&before, before.len() % 2 == 0)).unwrap(), before);
    }

    #[test]
    fn referrals_survive_packing(
        (bits, id) in (0_u64..1 << 50, any::<u64>()),
        version in any::<u64>(),
        (program_version, redeemed_at) in (any::<u32>(), option::of(instant())),
        stage in a_stage(),
    ) {
        let key = RedemptionKey { code: Code::of_bits(bits), redemption_id: RedemptionId::of_bits(id) };
        let before = Referral { key, version, program_version, redeemed_at, stage };
        let packed = pack_referral(&before);
        prop_assert_eq!(referral(&packed), Ok(before));
        let cut = packed.split_last().unwrap().1;
        prop_assert!(referral(cut).is_err(), "what is cut off is not read as something else");
    }

    #[test]
    fn what_was_told_survives_packing(given in vec((prop::sample::select(&Subject::ALL), instant(), any::<u16>()), 0..30)) {
        let mut before: Vec<_> = given.into_iter().map(|(subject, ends_at, days)| Told { subject, ends_at, days }).collect();
        before.sort_by_key(|told| (told.subject, told.ends_at));
        prop_assert_eq!(told(&pack_told(&before)).unwrap(), before);
    }

    #[test]
    fn scores_survive_packing(before in a_score()) {
        prop_assert_eq!(score(&pack_score(&before)).unwrap(), before);
    }

    #[test]
    fn what_became_of_an_order_survives_packing(
        bought in vec(order_line(), 0..9),
        returns in vec(a_return(), 0..9),
        rescored in option::of(a_score()),
        [earned, reversed, unrecovered, lapsed] in any::<[i64; 4]>(),
        payment in option::of(a_payment()),
    ) {
        let tally = Tally {
            earned: Points(earned),
            reversed: Points(reversed),
            unrecovered: Points(unrecovered),
            lapsed: Points(lapsed),
        };
        let points = PointsAmended { earned: tally.earned, reversed: tally.reversed, reversal: Reversal::default() };
        let amended = rescored.map(|score| Amended { revision: score.entry, score, points });
        let before = History { tally, returns, amended, payment, uses: None };
        prop_assert_eq!(history(&pack_history(&before, &bought), &bought).unwrap(), before);
    }

    #[test]
    fn lines_of_credit_notes_survive_packing(given in vec(("[A-Za-zé ]{0,63}x", any::<u64>(), any::<u64>()), 0..80)) {
        let line = |(sku, quantity, left): (String, u64, u64)| NoteLine { sku: Sku::parse(&sku).unwrap(), quantity, left };
        let before: Vec<_> = given.into_iter().map(line).collect();
        prop_assert_eq!(note_lines(&pack_note_lines(&before)).unwrap(), before);
    }

    #[test]
    fn lines_survive_packing(before in vec(order_line(), 0..80)) {
        prop_assert_eq!(lines(&pack_lines(&before)).unwrap(), before);
    }

    #[test]
    fn damaged_bytes_are_said_never_guessed_nor_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = activity(&bytes);
        let _ = holdings(&bytes);
        let _ = lifetime(&bytes, &Activity::default());
        let _ = discounts(&bytes);
        let _ = referral(&bytes);
        let _ = score(&bytes);
        let _ = lines(&bytes);
        let _ = note_lines(&bytes);
        let _ = history(&bytes, &[]);
    }

    #[test]
    fn a_cut_value_is_refused(before in vec(order_line(), 1..10), cut in 1_usize..10) {
        let packed = pack_lines(&before);
        let kept = packed.len().saturating_sub(cut);
        prop_assert!(lines(packed.get(..kept).unwrap()).is_err());
    }
}

#[test]
fn twenty_ordinary_lines_take_little_room() {
    let line = |n: u32| OrderLine {
        line_id: LineId::parse(&n.to_string()).unwrap(),
        sku: Sku::parse(&format!("8512{n}A")).unwrap(),
        quantity: 6,
        price: LinePrice::UnitPrice(UnitPrice(2_550_000)),
        discount: Minor::ZERO,
        program_discount: Minor::ZERO,
        paid_with_points: Minor::ZERO,
        tax: None,
        category: None,
        brand: None,
        tags: Vec::new(),
    };
    let packed = pack_lines(&(1..=20).map(line).collect::<Vec<_>>());
    assert!(packed.len() < 350, "{} bytes", packed.len());
}
