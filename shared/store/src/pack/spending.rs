//! What an account spent on rewards, packed: the months, and all that was ever spent and given back.

use super::bytes::{Reader, Unpacked, Writer};
use domain::money::Points;
use domain::spending::{MonthSpending, Spending};
use domain::time::Month;

/// Packs what was spent.
pub fn pack_spending(spending: &Spending) -> Vec<u8> {
    let mut out = Writer::start();
    out.signed(spending.spent().0);
    out.signed(spending.restored().0);
    out.count(spending.months().len());
    let mut before = 0;
    for month in spending.months() {
        out.signed(month.month.0.wrapping_sub(before).into());
        out.signed(month.points.0);
        before = month.month.0;
    }
    out.0
}

/// Reads what was spent.
pub fn spending(bytes: &[u8]) -> Unpacked<Spending> {
    let mut input = Reader::start(bytes)?;
    let (spent, restored) = (Points(input.signed()?), Points(input.signed()?));
    let mut before = 0_i32;
    let months = input.list(|input| {
        let step = i32::try_from(input.signed()?).map_err(|_| "month too large")?;
        before = before.checked_add(step).ok_or("month too large")?;
        Ok(MonthSpending { month: Month(before), points: Points(input.signed()?) })
    })?;
    input.end()?;
    Ok(Spending::of(months, spent, restored))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_spent_is_read_as_it_was_written(
            months in prop::collection::btree_map(-1_000_000_000_i32..1_000_000_000, any::<i64>(), 0..26),
            spent in any::<i64>(), restored in any::<i64>(), cut in 0_usize..20,
        ) {
            let month = |(month, points)| MonthSpending { month: Month(month), points: Points(points) };
            let kept = Spending::of(months.into_iter().map(month).collect(), Points(spent), Points(restored));
            let packed = pack_spending(&kept);
            prop_assert_eq!(spending(&packed), Ok(kept));
            let cut = packed.len().saturating_sub(cut.max(1));
            prop_assert!(spending(packed.get(..cut).unwrap()).is_err());
            let more = [packed.clone(), vec![0]].concat();
            prop_assert!(spending(&more).is_err());
        }
    }

    #[test]
    fn a_full_account_pays_some_bytes_for_each_month_in_which_it_spends() {
        let month = |month| MonthSpending { month: Month(month), points: Points(12_345) };
        let kept = Spending::of((24_000..24_025).map(month).collect(), Points(400_000), Points(0));
        assert_eq!(pack_spending(&kept).len(), 108);
    }
}
