//! Reports of simulations: whatever parts they are put together from, and in whatever sequence, they are the same.

use domain::id::{AccountId, Segment, TierId};
use domain::money::{Minor, Points};
use domain::simulation::{Compared, Figures, LeftOut, Outcome, Replayed, Report, Worth};
use domain::time::Month;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn figures() -> impl Strategy<Value = Figures> {
    (0_i64..5_000, 0_i64..900, 0_i64..90, 0_i64..9, -3_i64..4, 0_i64..70_000).prop_map(
        |(issued, reversed, expired, unrecovered, discounts, value)| Figures {
            points_issued: Points(issued),
            points_reversed: Points(reversed),
            points_expired: Points(expired),
            points_spent: Points(reversed / 2),
            points_unrecovered: Points(unrecovered),
            discounts_issued: discounts,
            discounts_used: discounts / 2,
            discount_value: Minor(value),
        },
    )
}

fn outcome() -> impl Strategy<Value = Outcome> {
    // Few figures, so that there are many equals among those who gain.
    let tier = prop::option::of(prop::sample::select(vec!["member", "silver", "gold"]));
    (prop::collection::btree_map(24_130_i32..24_136, figures(), 0..4), -4_i64..5, tier, 0_u64..3).prop_map(
        |(months, outstanding, tier, moves)| Outcome {
            months: months.into_iter().map(|(month, figures)| (Month(month), figures)).collect(),
            outstanding: Points(outstanding),
            tier: tier.map(|tier| TierId::parse(tier).unwrap()),
            upgrades: moves,
            downgrades: moves / 2,
        },
    )
}

fn replayed(outcome: Outcome, refused: u64) -> Replayed {
    let left_out = LeftOut { orders_refused: refused, orders_amended: refused / 2, ..LeftOut::default() };
    Replayed { account: None, outcome, left_out, wants: Vec::new() }
}

/// An account without its name.
fn compared() -> impl Strategy<Value = Compared> {
    let segments = prop::sample::subsequence(vec!["hotels", "retail", "export"], 0..3);
    (segments, 0_u64..9, outcome(), outcome(), any::<bool>(), 0_u64..3).prop_map(
        |(segments, orders, in_force, draft, is_reproduced, refused)| Compared {
            account_id: AccountId::parse("a").unwrap(),
            segments: segments.iter().map(|segment| Segment::parse(segment).unwrap()).collect(),
            orders,
            happened: if is_reproduced { in_force.clone() } else { draft.clone() },
            in_force: replayed(in_force, refused),
            draft: replayed(draft, 2),
        },
    )
}

/// Accounts, each with a name of its own, that of the place where it stands.
fn accounts() -> impl Strategy<Value = Vec<Compared>> {
    prop::collection::vec(compared(), 0..70).prop_map(|mut accounts| {
        for (place, account) in accounts.iter_mut().enumerate() {
            account.account_id = AccountId::parse(&format!("a-{place:02}")).unwrap();
        }
        accounts
    })
}

fn report<'a>(accounts: impl IntoIterator<Item = &'a Compared>) -> Report {
    let mut report = Report::new(Worth::default());
    accounts.into_iter().for_each(|account| report.add(account).unwrap());
    report
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_and_any_sequence_come_to_the_same_report(
        (accounts, shuffled) in accounts().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        sizes in prop::collection::vec(1_usize..20, 1..70),
        is_backwards in any::<bool>(),
    ) {
        let (whole, mut rest, mut parts) = (report(&accounts), &shuffled[..], Vec::new());
        for size in sizes {
            let (part, others) = rest.split_at(size.min(rest.len()));
            parts.push(report(part));
            rest = others;
        }
        parts.push(report(rest));
        if is_backwards {
            parts.reverse();
        }
        let mut merged = Report::new(Worth::default());
        parts.iter().for_each(|part| merged.merge(part).unwrap());
        prop_assert_eq!(&merged, &whole);
        prop_assert_eq!(merged.checksum(), whole.checksum());
        // From the other end, two by two.
        let paired = parts.into_iter().rev().reduce(|one, mut other| {
            other.merge(&one).unwrap();
            other
        });
        prop_assert_eq!(paired, Some(whole));
    }

    #[test]
    fn who_is_listed_is_the_first_of_all_by_gain_and_id(accounts in accounts()) {
        let told = report(accounts.iter().rev());
        let gain = |one: &Compared| one.draft.outcome.outstanding.0 - one.in_force.outcome.outstanding.0;
        let expected = |sign: i64| {
            let mut all: Vec<_> = accounts.iter().filter(|one| gain(one) * sign > 0).collect();
            all.sort_by_key(|one| (-gain(one) * sign, one.account_id.clone()));
            all.iter().take(20).map(|one| (one.account_id.clone(), gain(one))).collect::<Vec<_>>()
        };
        let listed = |ranked: &[domain::simulation::Ranked]| {
            ranked.iter().map(|one| (one.account_id.clone(), one.points.0)).collect::<Vec<_>>()
        };
        prop_assert_eq!(listed(&told.gains), expected(1));
        prop_assert_eq!(listed(&told.losses), expected(-1));
        let differing = accounts.iter().filter(|one| !one.is_reproduced()).map(|one| one.account_id.clone());
        let differing: Vec<_> = differing.collect();
        prop_assert_eq!(told.not_reproduced, differing.len() as u64);
        prop_assert_eq!(&told.not_reproduced_first[..], &differing[..differing.len().min(20)]);
        let by_tier: BTreeMap<_, _> = told.tiers.iter().map(|(tier, group)| (tier.clone(), group.accounts)).collect();
        prop_assert_eq!(by_tier.values().sum::<u64>(), accounts.len() as u64);
    }
}
