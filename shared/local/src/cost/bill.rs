//! The arithmetic: what was used, times what it costs.
//!
//! Amounts are whole billionths of a dollar. Each is computed from what all samples used together and rounded once, half
//! up; sums are sums of those.

use super::Stated;
use super::prices::{Part, Prices};
use serde::{Serialize, Serializer};

/// A GB, as AWS counts what is stored and logged.
const GB: u128 = 1 << 30;
/// Of a GB-second in MB-milliseconds.
const GB_SECOND: u128 = 1024 * 1000;
/// Prices are kept in millionths of a millionth.
const PICO_PER_NANO: u128 = 1_000;

/// A sum is larger than fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sum is too large")]
pub struct Overflow;

/// What some samples of an operation used together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Halves of write request units.
    pub write_halves: u64,
    /// Halves of read request units.
    pub read_halves: u64,
    /// Invocations.
    pub invocations: u64,
    /// What they are billed for, each rounded up to a whole millisecond.
    pub billed_ms: u64,
    /// The same times the memory of the function in MB.
    pub mb_ms: u64,
    /// Requests to the API, one for each started 512 KB.
    pub requests: u64,
    /// Events on the bus, one for each started 64 KB.
    pub events: u64,
    /// Requests to queues, one for each started 64 KB.
    pub queue_requests: u64,
    /// Bytes logged, with the lines that Lambda writes.
    pub logged_bytes: u64,
    /// Bytes that the tables hold more than before.
    pub stored_bytes: u64,
}

impl Usage {
    /// Both together.
    pub fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        let add = |one: u64, other: u64| one.checked_add(other).ok_or(Overflow);
        Ok(Self {
            write_halves: add(self.write_halves, other.write_halves)?,
            read_halves: add(self.read_halves, other.read_halves)?,
            invocations: add(self.invocations, other.invocations)?,
            billed_ms: add(self.billed_ms, other.billed_ms)?,
            mb_ms: add(self.mb_ms, other.mb_ms)?,
            requests: add(self.requests, other.requests)?,
            events: add(self.events, other.events)?,
            queue_requests: add(self.queue_requests, other.queue_requests)?,
            logged_bytes: add(self.logged_bytes, other.logged_bytes)?,
            stored_bytes: add(self.stored_bytes, other.stored_bytes)?,
        })
    }

    /// The same, in functions with so much memory, with durations and memory as somebody states them.
    pub(super) fn in_memory(&self, memory_mb: u64, stated: Stated) -> Result<Self, Overflow> {
        let billed_ms = match stated.duration_ms {
            Some(ms) => ms.checked_mul(self.invocations).ok_or(Overflow)?,
            None => self.billed_ms,
        };
        let mb_ms = billed_ms.checked_mul(stated.memory_mb.unwrap_or(memory_mb)).ok_or(Overflow)?;
        Ok(Self { billed_ms, mb_ms, ..*self })
    }

    /// How much of a part that is: so many of it, each so many-th of what its price is for.
    fn of(&self, part: Part) -> (u128, u128) {
        match part {
            Part::Writes => (self.write_halves.into(), 2),
            Part::Reads => (self.read_halves.into(), 2),
            Part::Invocations => (self.invocations.into(), 1),
            Part::Time => (self.mb_ms.into(), GB_SECOND),
            Part::Requests => (self.requests.into(), 1),
            Part::Events => (self.events.into(), 1),
            Part::QueueRequests | Part::FairQueueRequests => (self.queue_requests.into(), 1),
            Part::Logged => (self.logged_bytes.into(), GB),
            Part::Stored | Part::Recoverable => (self.stored_bytes.into(), GB),
            Part::Alarms | Part::Metrics | Part::Dashboards => (0, 1),
        }
    }
}

/// What stands there whoever orders: what the template declares to watch it, and the metrics that it tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Alarms, each at one metric.
    pub alarms: u64,
    /// Metrics of its own, by their dimensions, if each is told in every hour.
    pub metrics: u64,
    /// Dashboards.
    pub dashboards: u64,
}

impl Standing {
    fn of(&self, part: Part) -> (u128, u128) {
        match part {
            Part::Alarms => (self.alarms.into(), 1),
            Part::Metrics => (self.metrics.into(), 1),
            Part::Dashboards => (self.dashboards.into(), 1),
            _ => (0, 1),
        }
    }
}

/// An amount of money in billionths of a dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// In dollars and cents, half up.
    pub fn cents(self) -> String {
        domain::money::format_decimal(self.0.saturating_add(5_000_000).div_euclid(10_000_000), 2)
    }
}

impl Serialize for NanoUsd {
    /// A decimal in text, with all nine decimals.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&domain::money::format_decimal(self.0, 9))
    }
}

/// What something costs, part by part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// All that is paid once.
    pub usd: NanoUsd,
    /// What is paid every month for what it leaves behind.
    pub usd_per_month: NanoUsd,
    /// The parts that cost something.
    pub parts: Vec<BillPart>,
}

/// One part of a bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BillPart {
    /// What it is.
    pub title: &'static str,
    /// Whether it is paid again every month.
    pub monthly: bool,
    /// What it costs.
    pub usd: NanoUsd,
}

impl Default for Bill {
    fn default() -> Self {
        Self { usd: NanoUsd(0), usd_per_month: NanoUsd(0), parts: Vec::new() }
    }
}

impl Bill {
    /// What `times` of something cost, of which `samples` used `usage` together.
    pub fn of(usage: &Usage, samples: u64, times: u64, prices: &Prices) -> Result<Self, Overflow> {
        Self::over(|part| usage.of(part), samples, times, prices)
    }

    /// What stands there costs, every month.
    pub fn of_standing(standing: &Standing, prices: &Prices) -> Result<Self, Overflow> {
        Self::over(|part| standing.of(part), 1, 1, prices)
    }

    fn over(
        quantity: impl Fn(Part) -> (u128, u128),
        samples: u64,
        times: u64,
        prices: &Prices,
    ) -> Result<Self, Overflow> {
        let mut bill = Self::default();
        for part in Part::ALL {
            let Some(price) = prices.of(part) else { continue };
            let (units, each) = quantity(part);
            let numerator = units.checked_mul(times.into()).and_then(|n| n.checked_mul(price.pico_usd.into()));
            let denominator = [samples.into(), each, PICO_PER_NANO]
                .into_iter()
                .try_fold(u128::from(price.per), |product, factor| product.checked_mul(factor));
            let usd = half_up(numerator.ok_or(Overflow)?, denominator.ok_or(Overflow)?)?;
            if usd > NanoUsd(0) {
                bill.add(BillPart { title: part.title(), monthly: part.is_monthly(), usd })?;
            }
        }
        Ok(bill)
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        let mut sum = Self::default();
        for part in Part::ALL {
            let of = |bill: &Self| bill.parts.iter().find(|known| known.title == part.title()).copied();
            for part in [of(self), of(other)].into_iter().flatten() {
                sum.add(part)?;
            }
        }
        Ok(sum)
    }

    fn add(&mut self, part: BillPart) -> Result<(), Overflow> {
        let plus = |one: NanoUsd| one.0.checked_add(part.usd.0).map(NanoUsd).ok_or(Overflow);
        let total = if part.monthly { &mut self.usd_per_month } else { &mut self.usd };
        *total = plus(*total)?;
        match self.parts.last_mut().filter(|last| last.title == part.title) {
            Some(last) => last.usd = plus(last.usd)?,
            None => self.parts.push(part),
        }
        Ok(())
    }
}

/// A quotient in whole numbers, rounded half up.
fn half_up(numerator: u128, denominator: u128) -> Result<NanoUsd, Overflow> {
    let half = denominator / 2;
    let quotient = numerator.checked_add(half).and_then(|sum| sum.checked_div(denominator)).ok_or(Overflow)?;
    i64::try_from(quotient).map(NanoUsd).map_err(|_| Overflow)
}
