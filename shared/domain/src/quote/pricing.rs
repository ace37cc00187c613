//! The price of a cart, step by step.

use super::codes::{Codes, Held};
use super::line::{self, PricedLine};
use super::offer::{Base, Offer, TierOffer};
use super::points::{PointsPaid, PointsWished, Purse};
use super::{Cart, CodesWished, QuoteState};
use crate::account::{Account, Status};
use crate::advance;
use crate::audience::Buyer;
use crate::code::Code;
use crate::discount::TakesOff;
use crate::id::TierId;
use crate::money::{Minor, Overflow, Points};
use crate::order::Order;
use crate::program::Program;
use crate::schedule::{Activation, Schedule};
use crate::time::Instant;

/// A priced cart.
pub(super) struct Pricing<'a> {
    /// The version that prices it.
    pub activation: &'a Activation,
    /// The account as it is at that instant.
    pub account: Account,
    /// Its lines.
    pub lines: Vec<PricedLine<'a>>,
    /// The discounts that it may use or names.
    pub codes: Codes,
    /// What discounts are applied to.
    pub base: Base,
    /// What the standing discount of the tier takes off; `None`: it is not applied.
    pub tier: Option<Minor>,
    /// The codes that are applied, in their order, with what each takes off.
    pub applied: Vec<(Code, Minor)>,
    /// What points pay.
    pub points: PointsPaid,
    /// What points could pay at most.
    pub most: PointsPaid,
}

/// The standing discount of a tier.
fn tier_offer(program: &Program, tier: &TierId) -> Option<TierOffer> {
    let percent = program.tiers.get(tier).discount?;
    Some(TierOffer { percent, group: program.tiers.discount_group.clone() })
}

/// What becomes of an open discount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It takes this off.
    Applied(Minor),
    /// It was not asked for, and would take this off alone.
    Offered(Minor),
    /// It cannot be applied.
    Not(Why),
}

/// Why a discount is not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// Orders of the account are refused.
    AccountNotActive(Status),
    /// The goods come to less than it asks for.
    BelowMinimum { minimum: Minor, missing: Minor },
    /// Another of its group is applied; `None`: the standing discount of the tier.
    Excluded(Option<Code>),
    /// It is held for another cart.
    Held { until: Instant },
    /// It would take off nothing, or nothing more.
    TakesOffNothing,
}

impl<'a> Pricing<'a> {
    /// Prices a cart at `now`, on what the account itself does not tell enough of.
    pub fn of(
        cart: &'a Cart,
        account: &Account,
        state: &QuoteState,
        schedule: &'a Schedule,
        now: Instant,
    ) -> Result<Self, Overflow> {
        let (account, _) = advance::advance(schedule, account, now)?;
        let activation = schedule.at(now);
        let program = &*activation.program;
        let buyer = Buyer::of(&account, account.member_state(program, now));
        let currency = cart.order.currency;
        let priced = cart.order.lines.iter().map(|line| PricedLine::of(line, program, &buyer, currency));
        let lines: Vec<_> = priced.collect::<Result<_, _>>()?;
        let tier = buyer.tier.and_then(|tier| tier_offer(program, tier));
        let base = Base { amount: line::open_amount(&lines)?, tier };
        let codes = Codes::of(&account, state, &cart.codes, program, now);
        let (applied, points, most) = (Vec::new(), PointsPaid::default(), PointsPaid::default());
        let mut pricing = Self { activation, account, lines, codes, base, tier: None, applied, points, most };
        pricing.discount(&cart.codes)?;
        pricing.pay(cart.points)?;
        Ok(pricing)
    }

    /// The program version that prices it.
    pub fn program(&self) -> &'a Program {
        &self.activation.program
    }

    /// Takes off the standing discount of the tier, then codes: percentages, then amounts.
    fn discount(&mut self, wished: &CodesWished) -> Result<(), Overflow> {
        let usable = self.codes.held.iter().filter(|held| self.why_not(held).is_none()).map(|held| &held.offer);
        let chosen = match wished {
            CodesWished::Best => self.base.best(&usable.collect::<Vec<_>>())?,
            CodesWished::Named(named) => {
                let named: Vec<_> = usable.filter(|offer| named.contains(&offer.code)).collect();
                self.base.all(&named)?
            }
        };
        let tier = self.base.tier_beside(&chosen).map(|tier| TakesOff::Percent(tier.percent));
        let steps: Vec<_> = chosen.iter().map(|offer| (offer.code.clone(), offer.takes_off)).collect();
        if let Some(tier) = tier {
            self.tier = Some(self.take_off(tier, |line, share| line.tier = share)?);
        }
        for (code, takes_off) in steps {
            // A code that would take off nothing is not used up.
            if takes_off.of(line::open_amount(&self.lines)?)? > Minor::ZERO {
                let value = self.take_off(takes_off, |line, share| line.codes.push(share))?;
                self.applied.push((code, value));
            }
        }
        Ok(())
    }

    fn take_off(&mut self, takes_off: TakesOff, note: impl Fn(&mut PricedLine<'a>, Minor)) -> Result<Minor, Overflow> {
        let value = takes_off.of(line::open_amount(&self.lines)?)?;
        line::take_off(&mut self.lines, value, note)?;
        Ok(value)
    }

    /// Pays with points what is left of the goods.
    fn pay(&mut self, wished: Option<PointsWished>) -> Result<(), Overflow> {
        let Some(exchange) = self.program().points.exchange.as_ref().filter(|_| self.takes_part()) else {
            return Ok(());
        };
        let left = line::open_amount(&self.lines)?;
        let purse = Purse { exchange, tier: &self.account.tier, balance: self.balance()? };
        let most = purse.pay(PointsWished::Most, left)?;
        let points = wished.map(|wished| purse.pay(wished, left)).transpose()?.unwrap_or_default();
        line::take_off(&mut self.lines, points.value, |line, share| line.points = share)?;
        (self.most, self.points) = (most, points);
        Ok(())
    }

    /// Whether the program says what points are worth.
    pub fn points_are_worth_something(&self) -> bool {
        self.program().points.exchange.is_some()
    }

    /// Whether its orders are taken.
    pub fn takes_part(&self) -> bool {
        self.account.status == Status::Active
    }

    /// Why a discount can be applied to this cart in no way.
    fn why_not(&self, held: &Held) -> Option<Why> {
        if !self.takes_part() {
            return Some(Why::AccountNotActive(self.account.status));
        }
        if let Some(hold) = self.account.holder(&held.offer.code) {
            return Some(Why::Held { until: hold.until });
        }
        let missing = Minor(held.minimum.0.saturating_sub(self.base.amount.0));
        (missing > Minor::ZERO).then_some(Why::BelowMinimum { minimum: held.minimum, missing })
    }

    /// What becomes of an open discount.
    pub fn verdict(&self, held: &Held, wished: &CodesWished) -> Result<Verdict, Overflow> {
        let offer = &held.offer;
        if let Some((_, value)) = self.applied.iter().find(|(code, _)| *code == offer.code) {
            return Ok(Verdict::Applied(*value));
        }
        if let Some(why) = self.why_not(held) {
            return Ok(Verdict::Not(why));
        }
        let is_wished = match wished {
            CodesWished::Best => true,
            CodesWished::Named(named) => named.contains(&offer.code),
        };
        if is_wished {
            return Ok(Verdict::Not(self.beaten_by(offer).map_or(Why::TakesOffNothing, Why::Excluded)));
        }
        Ok(match self.base.worth_alone(offer)? {
            Minor::ZERO if self.is_of_tiers_group(offer) => Verdict::Not(Why::Excluded(None)),
            Minor::ZERO => Verdict::Not(Why::TakesOffNothing),
            worth => Verdict::Offered(worth),
        })
    }

    fn is_of_tiers_group(&self, offer: &Offer) -> bool {
        let of_tier = self.base.tier.as_ref().and_then(|tier| tier.group.as_ref());
        of_tier.is_some() && of_tier == offer.group.as_ref()
    }

    /// Which other of its group is applied: a code, or (`Some(None)`) the tier's own.
    fn beaten_by(&self, offer: &Offer) -> Option<Option<Code>> {
        offer.group.as_ref()?;
        let applied = self.codes.held.iter().map(|held| &held.offer).filter(|other| self.is_applied(other));
        let code = applied.filter(|other| other.group == offer.group).map(|other| Some(other.code.clone())).next();
        code.or_else(|| (self.tier.is_some() && self.is_of_tiers_group(offer)).then_some(None))
    }

    fn is_applied(&self, offer: &Offer) -> bool {
        self.applied.iter().any(|(code, _)| *code == offer.code)
    }

    /// Which code is applied in place of the standing discount of the tier.
    pub fn in_place_of_tier(&self) -> Option<&Code> {
        let group = self.base.tier.as_ref().filter(|_| self.tier.is_none())?.group.as_ref();
        let held = self.codes.held.iter().map(|held| &held.offer);
        held.filter(|offer| offer.group.as_ref() == group && self.is_applied(offer)).map(|offer| &offer.code).next()
    }

    /// The order that it comes to, placed at `now`.
    pub fn order(&self, cart: &Cart, now: Instant) -> Result<Order, Overflow> {
        let lines = self.lines.iter().map(|line| line.ordered(cart.order.currency)).collect::<Result<_, _>>()?;
        let discount_codes = self.applied.iter().map(|(code, _)| code.clone()).collect();
        let points = Some(self.points.used).filter(|points| *points > Points::ZERO);
        Ok(Order { placed_at: now, lines, discount_codes, points, ..cart.order.clone() })
    }

    /// Points that the account can spend: what other carts hold is not among them.
    pub fn balance(&self) -> Result<Points, Overflow> {
        Ok(self.account.spendable()?.max(Points::ZERO))
    }
}
