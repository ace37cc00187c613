#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
use super::*;
use crate::id::RuleId;
use proptest::prelude::*;

fn limit() -> Limit {
    Limit::untouched(LimitId::of(LimitKind::EarningBudget, &RuleId::parse("spring").unwrap()))
}

fn account(number: usize) -> AccountId {
    AccountId::parse(&format!("acme-{number}")).unwrap()
}

/// Writes as the store does: all or nothing. Answers whether every guard held.
fn commit(limit: &mut Limit, writes: &[Write]) -> bool {
    let mut after = limit.shards;
    for write in writes {
        let Write::Shard(write) = write else { panic!("{write:?}") };
        assert_eq!(write.limit, limit.id);
        let held = &mut after[write.shard];
        match (write.change, *held) {
            (ShardChange::LayOut(shard, Guard::Absent), None) => *held = Some(shard),
            (ShardChange::LayOut(shard, Guard::Version(version)), Some(found)) if found.version == version => {
                *held = Some(shard);
            }
            (ShardChange::Take { amount, layout }, Some(mut shard))
                if shard.layout == layout && shard.remaining >= amount =>
            {
                shard.used += amount;
                shard.remaining -= amount;
                shard.version += 1;
                *held = Some(shard);
            }
            (ShardChange::GiveBack { amount }, Some(mut shard)) if shard.used >= amount => {
                shard.used -= amount;
                shard.remaining += amount;
                shard.version += 1;
                *held = Some(shard);
            }
            _ => return false,
        }
    }
    limit.shards = after;
    true
}

#[test]
fn the_last_unit_is_given_and_none_beyond_it() {
    let mut limit = limit();
    for taken in 0..10 {
        assert_eq!(limit.left(10), Ok(10 - taken));
        let writes = limit.take(10, 1, &account(3)).unwrap().unwrap();
        assert!(commit(&mut limit, &writes));
    }
    assert_eq!((limit.left(10), limit.take(10, 1, &account(3))), (Ok(0), Ok(None)));
    assert_eq!(limit.used(), Ok(10));
}

#[test]
fn the_first_use_lays_all_shards_out_and_later_ones_write_one() {
    let mut limit = limit();
    let first = limit.take(800, 30, &account(1)).unwrap().unwrap();
    assert_eq!(first.len(), SHARDS);
    assert!(commit(&mut limit, &first));
    let later = limit.take(800, 30, &account(1)).unwrap().unwrap();
    let own = own_shard(&account(1));
    let take = ShardChange::Take { amount: 30, layout: 1 };
    let expected = ShardWrite { limit: limit.id.clone(), shard: own, change: take };
    assert_eq!(later, [Write::Shard(Box::new(expected))]);
}

#[test]
fn what_one_shard_has_not_is_taken_from_others_in_the_same_commit() {
    let mut limit = limit();
    let first = limit.take(80, 1, &account(1)).unwrap().unwrap();
    assert!(commit(&mut limit, &first));
    let all = limit.take(80, 79, &account(2)).unwrap().unwrap();
    assert_eq!(all.len(), SHARDS);
    assert!(commit(&mut limit, &all));
    assert_eq!(limit.left(80), Ok(0));
}

#[test]
fn nothing_taken_writes_nothing() {
    assert_eq!(limit().take(10, 0, &account(1)), Ok(Some(Vec::new())));
}

#[test]
fn what_was_used_counts_against_another_total() {
    let mut limit = limit();
    let writes = limit.take(100, 60, &account(1)).unwrap().unwrap();
    assert!(commit(&mut limit, &writes));
    assert_eq!((limit.left(70), limit.left(50), limit.left(1_000)), (Ok(10), Ok(0), Ok(940)));
    let lowered = limit.take(70, 10, &account(5)).unwrap().unwrap();
    assert!(commit(&mut limit, &lowered));
    assert_eq!((limit.left(70), limit.left(100)), (Ok(0), Ok(30)));
    assert_eq!(limit.take(70, 1, &account(5)), Ok(None));
}

#[test]
fn what_is_given_back_can_be_had_again_once() {
    let mut limit = limit();
    assert_eq!(limit.give_back(1, &account(3)), None, "nothing was taken");
    for _ in 0..10 {
        let writes = limit.take(10, 1, &account(3)).unwrap().unwrap();
        assert!(commit(&mut limit, &writes));
    }
    let back = limit.give_back(1, &account(4)).unwrap();
    assert!(commit(&mut limit, &[back]));
    assert_eq!((limit.left(10), limit.used()), (Ok(1), Ok(9)));
    // Of a total that was changed, too.
    assert_eq!((limit.left(9), limit.left(20)), (Ok(0), Ok(11)));
    let writes = limit.take(12, 3, &account(5)).unwrap().unwrap();
    assert!(commit(&mut limit, &writes));
    assert_eq!(limit.left(12), Ok(0));
    for taken in (0..12).rev() {
        let back = limit.give_back(1, &account(6)).unwrap();
        assert!(commit(&mut limit, &[back]));
        assert_eq!((limit.used(), limit.left(12)), (Ok(taken), Ok(12 - taken)));
    }
    assert_eq!(limit.give_back(1, &account(6)), None);
}

#[test]
fn limits_of_other_kinds_or_scopes_are_others() {
    let id = RuleId::parse("spring").unwrap();
    let budget = LimitId::of(LimitKind::EarningBudget, &id);
    assert_eq!(budget.as_str(), "budget#spring");
    assert_eq!(LimitId::of(LimitKind::RewardStock, &id).as_str(), "stock#spring");
    assert_eq!(budget.scoped("2026-01").as_str(), "budget#spring#2026-01");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Writers decide on what they read some commits ago and take all that is left where they want more; the total
    /// changes under them. What is committed is what one counter would have given.
    #[test]
    fn shards_mean_what_one_counter_would(
        steps in prop::collection::vec((0_usize..40, 0_u64..40, 0_usize..4, 1_u64..200), 1..120),
    ) {
        let mut states = vec![limit()];
        let mut used = 0_u64;
        for (by, wanted, behind, total) in steps {
            let total = total / 50 * 40 + 40;
            let read = &states[states.len().saturating_sub(1 + behind)];
            let amount = wanted.min(read.left(total).unwrap());
            let writes = read.take(total, amount, &account(by)).unwrap().unwrap();
            let mut now = states.last().unwrap().clone();
            if commit(&mut now, &writes) && amount > 0 {
                // One counter would have given as much: all that was wanted, or exactly the rest.
                prop_assert_eq!(amount, wanted.min(total.saturating_sub(used)));
                used += amount;
            }
            prop_assert_eq!(now.used().unwrap(), used);
            prop_assert_eq!(now.left(total).unwrap(), total.saturating_sub(used));
            states.push(now);
        }
    }

    /// Pieces of a stock, wanted and given back by whoever has read it some commits ago: never more are out than there
    /// are, and whoever sees some left and is not too late has one.
    #[test]
    fn of_a_stock_no_more_is_out_than_there_is(
        steps in prop::collection::vec((0_usize..40, any::<bool>(), 0_usize..4), 1..120), total in 1_u64..20,
    ) {
        let mut states = vec![limit()];
        let mut out = 0_u64;
        for (by, takes, behind) in steps {
            let read = &states[states.len().saturating_sub(1 + behind)];
            let mut now = states.last().unwrap().clone();
            let (writes, change) = match takes {
                true => (read.take(total, 1, &account(by)).unwrap(), 1_i64),
                false if out > 0 => (read.give_back(1, &account(by)).map(|write| vec![write]), -1),
                false => continue,
            };
            let is_current = *read == now;
            let done = writes.is_some_and(|writes| commit(&mut now, &writes));
            prop_assert!(done || !is_current || (takes && out == total));
            out = if done { out.checked_add_signed(change).unwrap() } else { out };
            prop_assert_eq!((now.used().unwrap(), now.left(total).unwrap()), (out, total - out));
            states.push(now);
        }
    }
}
