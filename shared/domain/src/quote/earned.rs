//! What the order of a cart would earn: the decision about an order, on the order that the cart comes to.

use super::codes::Held;
use super::pricing::Pricing;
use super::{Cart, QuoteState};
use crate::account::Account;
use crate::decision::{Context, Rejection};
use crate::discount::{Discount, Issuer, TakesOff};
use crate::earning::Beside;
use crate::money::Percent;
use crate::named_code::NamedCode;
use crate::order::Order;
use crate::score::{self, ScoredOrder};
use std::sync::Arc;

/// The order with its score, as if it were placed at `now`; `None`: it would be refused, since the account does not take
/// part. Nobody carries out what that decision would write.
pub(super) fn scored(
    pricing: &Pricing<'_>,
    cart: &Cart,
    state: &QuoteState,
    account: &Account,
    context: &Context<'_>,
) -> Result<Option<Arc<ScoredOrder>>, Rejection> {
    if !pricing.takes_part() {
        return Ok(None);
    }
    let order = pricing.order(cart, context.now)?;
    let own = order.discount_codes.iter().filter_map(|code| {
        let record = state.discounts.iter().find(|record| record.code == *code).cloned();
        let held = pricing.codes.held.iter().find(|held| held.offer.code == *code);
        record.or_else(|| stand_in(held?, &order, context)).map(NamedCode::from)
    });
    let named: Vec<_> = own.chain(state.shared.iter().cloned().map(NamedCode::from)).collect();
    let beside = Beside { limits: &state.limits, role: state.role, reservation: None };
    let content_hash = order.content_hash();
    let order = Arc::new(order);
    let decision = score::decide_beside(Some(account), &named, None, &beside, (&order, content_hash), context)?;
    Ok(Some(decision.answer))
}

/// The record of an open discount as far as the decision looks at it: the account tells that much without it.
fn stand_in(held: &Held, order: &Order, context: &Context<'_>) -> Option<Discount> {
    let rule = held.rule()?.clone();
    // What takes off an amount is of no percentage.
    let percent = match held.offer.takes_off {
        TakesOff::Percent(percent) => percent,
        TakesOff::Amount(_) => Percent(0),
    };
    Some(Discount {
        account_id: order.account_id.clone(),
        code: held.offer.code.clone(),
        secret: context.secrets.current(),
        rule,
        percent,
        issued_by: Issuer::Order(order.key.clone()),
        issued_at: context.now,
        expires_at: held.offer.expires_at,
        told_days: 0,
        used_by: None,
        void: false,
        version: 1,
    })
}
