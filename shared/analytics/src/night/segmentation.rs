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
