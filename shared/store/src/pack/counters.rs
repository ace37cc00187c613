//! What an account was given by rules that are capped per account and period.

use super::bytes::{Reader, Unpacked, Writer};
use domain::counters::{Counter, CounterKey, Counters, Used};
use domain::id::RuleId;
use domain::money::Points;

/// Packs counters. They stand by rule: one that has several is named once.
pub fn pack_counters(counters: &Counters) -> Vec<u8> {
    let mut out = Writer::start();
    out.count(counters.all().len());
    let mut rule = None;
    for Counter { key, used } in counters.all() {
        let named = (rule != Some(&key.rule)).then_some(&key.rule);
        out.text(named.map_or("", RuleId::as_str));
        rule = Some(&key.rule);
        out.number(key.months.into());
        out.signed(key.period.into());
        out.signed(used.points.0);
        out.number(used.times);
    }
    out.0
}

/// Reads counters.
pub fn counters(bytes: &[u8]) -> Unpacked<Counters> {
    let mut input = Reader::start(bytes)?;
    let mut rule = None;
    let counters = input.list(|input| {
        let named = input.text()?;
        if !named.is_empty() {
            rule = Some(RuleId::parse(named).map_err(|_| "bad rule id")?);
        }
        let rule = rule.clone().ok_or("a counter of no rule")?;
        let months = u16::try_from(input.number()?).map_err(|_| "too many months")?;
        let period = i32::try_from(input.signed()?).map_err(|_| "bad period")?;
        let used = Used { points: Points(input.signed()?), times: input.number()? };
        Ok(Counter { key: CounterKey { rule, months, period }, used })
    })?;
    input.end()?;
    Ok(Counters::of(counters))
}
