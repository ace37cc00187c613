//! Customers by how lately, how often and for how much they bought in the trailing twelve months (RFM), each in five
//! bands of about a fifth of the customers.

use crate::rollup::{Alike, Recent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bands of each scale; 5 is the best.
const BANDS: u64 = 5;

/// What a customer's bands make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Bought lately and often.
    Champions,
    /// Bought often, some time ago.
    Loyal,
    /// Bought lately, not often yet.
    Promising,
    /// Bought lately, and hardly ever.
    New,
    /// Neither lately nor often.
    NeedsAttention,
    /// Bought often and for much, long ago.
    CannotLose,
    /// Bought often, long ago.
    AtRisk,
    /// Bought now and then, long ago.
    Hibernating,
    /// Hardly ever bought, long ago.
    Lost,
}

impl Band {
    /// All of them by their names, the best first.
    pub const ALL: [(&'static str, Self); 9] = [
        ("champions", Self::Champions),
        ("loyal", Self::Loyal),
        ("promising", Self::Promising),
        ("new", Self::New),
        ("needs_attention", Self::NeedsAttention),
        ("cannot_lose", Self::CannotLose),
        ("at_risk", Self::AtRisk),
        ("hibernating", Self::Hibernating),
        ("lost", Self::Lost),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, band)| *band == self).map_or("", |(name, _)| name)
    }

    /// What bands of recency, frequency and money, 1 to 5 each, make a customer.
    fn of(recency: u8, frequency: u8, money: u8) -> Self {
        match (recency, frequency) {
            (4.., 4..) => Self::Champions,
            (3, 4..) => Self::Loyal,
            (4.., 2..=3) => Self::Promising,
            (4.., _) => Self::New,
            (3, _) => Self::NeedsAttention,
            (_, 4..) if money == 5 => Self::CannotLose,
            (_, 4..) => Self::AtRisk,
            (_, 2..=3) => Self::Hibernating,
            _ => Self::Lost,
        }
    }
}

/// From which value on each band above the lowest begins: the least value that at least one, two, three, four fifths of
/// the customers are below. Equal values share a band, so bands may be larger than a fifth, or empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale(pub [Option<u16>; 4]);

impl Scale {
    /// From values and how many customers have each.
    fn of(counts: &BTreeMap<u16, u64>) -> Self {
        let all: u64 = counts.values().fold(0, |sum, count| sum.saturating_add(*count));
        let mut starts = [None; 4];
        for (start, fifths) in starts.iter_mut().zip(1_u64..) {
            let mut below = 0_u64;
            *start = counts.iter().find_map(|(value, count)| {
                let begins = below.saturating_mul(BANDS) >= all.saturating_mul(fifths);
                below = below.saturating_add(*count);
                begins.then_some(*value)
            });
        }
        Self(starts)
    }

    /// The band of a value, 1 to 5.
    fn band(&self, value: u16) -> u8 {
        let reached = self.0.iter().flatten().filter(|start| **start <= value).count();
        u8::try_from(reached).unwrap_or(4).saturating_add(1)
    }
}

/// The three scales of a night.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scales {
    /// Weeks since the last order: fewer are better.
    pub recency: Scale,
    /// Orders.
    pub frequency: Scale,
    /// Steps of revenue.
    pub money: Scale,
}

impl Scales {
    /// Bands of recency, frequency and money, 1 to 5 each.
    pub fn bands(&self, recent: &Recent) -> [u8; 3] {
        let recency = 6_u8.saturating_sub(self.recency.band(recent.recency_weeks));
        [recency, self.frequency.band(recent.orders), self.money.band(recent.revenue_step)]
    }

    /// What these make a customer.
    pub fn segment(&self, recent: &Recent) -> Band {
        let [recency, frequency, money] = self.bands(recent);
        Band::of(recency, frequency, money)
    }
}

/// The customers of the trailing twelve months by what their bands make them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segmented {
    /// The scales.
    pub scales: Scales,
    /// Customers of each kind, and their revenue of the twelve months in minor units.
    pub segments: BTreeMap<Band, Alike>,
}

impl Segmented {
    /// Segments the customers.
    pub fn of(recent: &BTreeMap<Recent, Alike>) -> Self {
        let scale = |of: fn(&Recent) -> u16| {
            let mut counts = BTreeMap::<u16, u64>::new();
            for (recent, alike) in recent {
                let count = counts.entry(of(recent)).or_default();
                *count = count.saturating_add(alike.customers);
            }
            Scale::of(&counts)
        };
        let recency = scale(|recent| recent.recency_weeks);
        let (frequency, money) = (scale(|recent| recent.orders), scale(|recent| recent.revenue_step));
        let scales = Scales { recency, frequency, money };
        let mut segments = BTreeMap::<Band, Alike>::new();
        for (recent, alike) in recent {
            let sum = segments.entry(scales.segment(recent)).or_default();
            sum.customers = sum.customers.saturating_add(alike.customers);
            sum.spend = sum.spend.saturating_add(alike.spend);
        }
        Self { scales, segments }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(values: &[(u16, u64)]) -> Scale {
        Scale::of(&values.iter().copied().collect())
    }

    #[test]
    fn each_band_has_a_fifth_where_values_differ() {
        let five = scale(&[(10, 1), (20, 1), (30, 1), (40, 1), (50, 1)]);
        assert_eq!(five, Scale([Some(20), Some(30), Some(40), Some(50)]));
        let bands = [0, 10, 19, 20, 29, 30, 40, 50, 51, u16::MAX].map(|value| five.band(value));
        assert_eq!(bands, [1, 1, 1, 2, 2, 3, 4, 5, 5, 5]);
    }

    #[test]
    fn equal_values_share_a_band_and_few_leave_bands_empty() {
        for (values, starts) in [
            (&[][..], [None; 4]),
            (&[(7, 1)], [None; 4]),
            (&[(7, 100)], [None; 4]),
            // Half of the customers are below the second value: it begins the third band.
            (&[(1, 1), (2, 1)], [Some(2), Some(2), None, None]),
            (&[(1, 1), (2, 1), (3, 1)], [Some(2), Some(3), Some(3), None]),
            (&[(1, 4), (2, 1)], [Some(2); 4]),
            (&[(1, 1), (2, 4)], [Some(2), None, None, None]),
            // Exactly a fifth, and one short of it.
            (&[(1, 2), (2, 8)], [Some(2), None, None, None]),
            (&[(1, 1), (2, 8)], [None; 4]),
        ] {
            assert_eq!(scale(values), Scale(starts), "{values:?}");
        }
        assert_eq!([1, 2].map(|value| scale(&[(1, 1), (2, 1)]).band(value)), [1, 3]);
        assert_eq!(Scale::default().band(9), 1);
    }

    #[test]
    fn fewer_weeks_are_better() {
        let weeks = scale(&[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]);
        let scales = Scales { recency: weeks, frequency: weeks, money: weeks };
        let recent = |recency_weeks, orders, revenue_step| Recent { recency_weeks, orders, revenue_step };
        assert_eq!(scales.bands(&recent(0, 0, 0)), [5, 1, 1]);
        assert_eq!(scales.bands(&recent(4, 3, 9)), [1, 4, 5]);
        assert_eq!(scales.segment(&recent(0, 4, 4)), Band::Champions);
        assert_eq!(scales.segment(&recent(3, 4, 4)), Band::CannotLose);
    }

    #[test]
    fn bands_make_a_customer_what_the_table_says() {
        use Band::{AtRisk, Champions, Hibernating, Lost, Loyal, NeedsAttention, New, Promising};
        // By recency from 5 to 1, by frequency from 1 to 5.
        let table = [
            [New, Promising, Promising, Champions, Champions],
            [New, Promising, Promising, Champions, Champions],
            [NeedsAttention, NeedsAttention, NeedsAttention, Loyal, Loyal],
            [Lost, Hibernating, Hibernating, AtRisk, AtRisk],
            [Lost, Hibernating, Hibernating, AtRisk, AtRisk],
        ];
        for (row, recency) in table.iter().zip([5, 4, 3, 2, 1]) {
            for (band, frequency) in row.iter().zip(1..) {
                for money in 1..=5 {
                    // Of those at risk who has spent most cannot be lost.
                    let expected = if *band == AtRisk && money == 5 { Band::CannotLose } else { *band };
                    assert_eq!(Band::of(recency, frequency, money), expected, "{recency} {frequency} {money}");
                }
            }
        }
        for (name, band) in Band::ALL {
            assert_eq!(band.name(), name);
        }
    }

    #[test]
    fn segments_hold_all_customers_and_all_they_spent() {
        let cell = |weeks, orders, customers, spend| {
            (Recent { recency_weeks: weeks, orders, revenue_step: orders }, Alike { customers, spend })
        };
        let recent = BTreeMap::from([cell(0, 9, 2, 900), cell(0, 1, 3, 30), cell(20, 9, 4, 1_000), cell(20, 1, 1, 5)]);
        let Segmented { scales, segments } = Segmented::of(&recent);
        assert_eq!(scales.recency, Scale([Some(20), Some(20), None, None]));
        assert_eq!(scales.frequency, Scale([Some(9), Some(9), None, None]));
        let told: Vec<_> = segments.iter().map(|(band, alike)| (*band, alike.customers, alike.spend)).collect();
        // Twice in five reaches the middle band, and no more.
        assert_eq!(told, [(Band::Promising, 2, 900), (Band::New, 3, 30), (Band::NeedsAttention, 5, 1_005)]);
        assert_eq!(Segmented::of(&BTreeMap::new()), Segmented::default());
    }
}
