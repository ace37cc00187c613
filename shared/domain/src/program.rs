//! The merchant's rules as one versioned document.

mod checkout;
pub mod difference;
mod discount_names;
mod distinct;
mod earning;
mod exchange;
mod free_products;
mod groups;
mod membership;
mod metrics;
mod occasions;
mod perks;
mod points;
mod prices;
mod read;
mod referral;
mod rewards;
#[cfg(test)]
pub(crate) mod sample;
mod schema;
mod sense;
mod tiers;

use crate::document::{Faults, Path};
use crate::earning::{Earning, PaidWith, TaxBasis};
use crate::expiry::Expiry;
use crate::free_products::FreeProduct;
use crate::id::{ProgramName, RuleId, Sku, TierId};
use crate::membership::MembershipRules;
use crate::money::{Currency, Factor, Measure, Minor, Percent};
use crate::occasions::OccasionRule;
use crate::perks::Perk;
use crate::prices::PriceTable;
use crate::qualification::{Metric, Window};
use crate::referral::rules::{Gift, ReferralRules};
use crate::review::ReviewRules;
use crate::rewards::{Reward, RewardKind};
use crate::time::Calendar;
use crate::warning::WarningRules;
use serde_json::Value;
use std::collections::BTreeSet;

pub use crate::shortfall::Shortfall;
pub use checkout::{CheckoutRules, GivenBack};
pub use discount_names::DiscountNamed;
pub use exchange::Exchange;
pub use metrics::{MarginRate, MetricsRules, PointValue};
pub use read::{DISCOUNT_RULES_MAX, EARNING_RULES_MAX, VALIDITY_MONTHS_MAX};
pub(crate) use read::{NAME_CHARS_MAX, percent, percent_schema, small};
pub use schema::schema;
pub use tiers::TIERS_MAX;

/// One version of the program, checked: what every decision runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name.
    pub name: ProgramName,
    /// The one currency of its orders.
    pub currency: Currency,
    /// Days and months are those of this calendar.
    pub calendar: Calendar,
    /// What an order of an unknown account does.
    pub unknown_account: UnknownAccount,
    /// How an account becomes a member.
    pub membership: MembershipRules,
    /// SKUs that neither earn nor qualify (postage, fees, manual corrections).
    pub excluded_skus: BTreeSet<Sku>,
    /// What of its lines' tax is eligible.
    pub tax_basis: TaxBasis,
    /// Whether what is paid for shipping is eligible.
    pub shipping_is_eligible: bool,
    /// What orders earn on.
    pub paid_with: PaidWith,
    /// How carts are held, and what comes back of what they use.
    pub checkout: CheckoutRules,
    /// What orders earn.
    pub earning: Earning,
    /// How long points wait and last.
    pub points: PointsRules,
    /// How returns that name no order are matched.
    pub returns: ReturnRules,
    /// The levels of membership.
    pub tiers: Tiers,
    /// Discounts that orders bring about.
    pub discounts: Vec<DiscountRule>,
    /// What more of an item costs, by quantity.
    pub price_tables: Vec<PriceTable>,
    /// What large orders are entitled to.
    pub free_products: Vec<FreeProduct>,
    /// What accounts may claim besides.
    pub perks: Vec<Perk>,
    /// What accounts are given on occasions.
    pub occasions: Vec<OccasionRule>,
    /// What points buy.
    pub rewards: Vec<Reward>,
    /// How far ahead customers are warned.
    pub warnings: WarningRules,
    /// How referrals are rewarded; `None`: there are none.
    pub referral: Option<ReferralRules>,
    /// What the metrics value things at.
    pub metrics: MetricsRules,
}

/// What an order of an unknown account does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownAccount {
    /// It enrols the account.
    Enrol,
    /// It is refused.
    Reject,
}

/// How long points wait and last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointsRules {
    /// How long they last.
    pub expiry: Expiry,
    /// Days until points can be spent (a return window); 0: at once.
    pub pending_days: u16,
    /// Points of an order can be spent once it is paid, too, and not before.
    pub until_paid: bool,
    /// What becomes of points that a return should take back and that are spent already.
    pub shortfall: Shortfall,
    /// What they are worth in money; `None`: the program does not say.
    pub exchange: Option<Exchange>,
}

/// How returns that name no order are matched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReturnRules {
    /// Calendar months of orders that a credit note is matched to, its own month included; `None`: all there are.
    pub match_months: Option<u16>,
}

/// The levels of membership and how they are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers {
    /// Which figure of an account leads to them.
    pub metric: Metric,
    /// Over which months it is taken.
    pub window: Window,
    /// When a tier that is reached is taken on.
    pub upgrade: Upgrade,
    /// The levels, ascending.
    pub levels: Ladder,
    /// How they are reviewed; `None`: a tier is never lost.
    pub review: Option<ReviewRules>,
    /// The group of discounts that the standing discounts of tiers are of.
    pub discount_group: Option<RuleId>,
}

/// When a tier that is reached is taken on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Upgrade {
    /// With the order that reaches it, or with the month that does.
    #[default]
    AtOnce,
    /// By the next review.
    AtReview,
}

/// Levels ascending by threshold, at least one; the lowest starts at zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// Where everybody starts.
    pub lowest: Tier,
    /// The others.
    pub above: Vec<Tier>,
}

impl Ladder {
    /// All levels, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Tier> {
        std::iter::once(&self.lowest).chain(&self.above)
    }

    /// Whether a tier is one of these levels.
    pub fn knows(&self, id: &TierId) -> bool {
        self.iter().any(|tier| tier.id == *id)
    }
}

/// One level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// Its id, stable over versions.
    pub id: TierId,
    /// Its name for customers.
    pub name: String,
    /// The figure at which it is reached (at or above); `None`: it is entered by invitation only.
    pub threshold: Option<Measure>,
    /// What points are multiplied with.
    pub multiplier: Factor,
    /// What it takes off every price.
    pub discount: Option<Percent>,
    /// What entering it brings, once for each account.
    pub on_entry: Gift,
}

/// A discount for the next purchase, issued by an order that is large enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscountRule {
    /// Its id, stable over versions.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// Eligible total from which an order issues it.
    pub minimum_total: Minor,
    /// What it takes off.
    pub percent: Percent,
    /// Days it is valid, to the same local wall time.
    pub validity_days: u16,
    /// Of the discounts of a group one at most is applied to a cart.
    pub group: Option<RuleId>,
}

impl Program {
    /// Reads a program from its JSON document; every fault at once.
    pub fn from_json(document: &Value) -> Result<Self, Faults> {
        read::program(document)
    }

    /// Reads the document of a new version of the program `name`; every fault at once. Beyond what [`Self::from_json`]
    /// refuses, no rule may contradict another or be one that never does anything.
    pub fn from_new(document: &Value, name: &ProgramName) -> Result<Self, Faults> {
        read::new_program(document, name)
    }

    /// Whether an order, or a return that names none, enrols an account that nobody knows.
    pub fn enrols_by_order(&self) -> bool {
        // An order states no invitation.
        self.unknown_account == UnknownAccount::Enrol && self.membership != MembershipRules::Invitation
    }

    /// What customers call a discount: that of an order, a referral, an occasion, a tier that is entered or a reward.
    /// `None`: no rule of this version issues it.
    pub fn discount_name(&self, id: &RuleId) -> Option<&str> {
        let of_orders = self.discounts.iter().map(|rule| (&rule.id, &rule.name));
        let of_occasions = self.occasions.iter().filter_map(|rule| rule.gift.discount.as_ref());
        let of_tiers = self.tiers.levels.iter().filter_map(|tier| tier.on_entry.discount.as_ref());
        let given = self.referral.iter().flat_map(ReferralRules::discounts).chain(of_occasions).chain(of_tiers);
        let of_gifts = given.map(|rule| (&rule.id, &rule.name));
        let bought = self.rewards.iter().filter(|reward| matches!(reward.kind, RewardKind::Discount { .. }));
        let mut named = of_orders.chain(of_gifts).chain(bought.map(|reward| (&reward.id, &reward.name)));
        named.find(|(own, _)| *own == id).map(|(_, name)| name.as_str())
    }

    /// Whether it decides as another version does: it differs from that in what points are worth, what the metrics value
    /// things at, in prices by quantity, free products, perks and rewards, if at all.
    pub fn decides_like(&self, other: &Self) -> bool {
        let (price_tables, perks) = (other.price_tables.clone(), other.perks.clone());
        let (free_products, rewards) = (other.free_products.clone(), other.rewards.clone());
        let points = PointsRules { exchange: other.points.exchange.clone(), ..self.points.clone() };
        Self { metrics: other.metrics, price_tables, free_products, perks, rewards, points, ..self.clone() } == *other
    }

    /// Whether this may be the next version after `previous`; every fault at once.
    ///
    /// What accounts hold is counted in the program's currency, and they hold its tiers: neither may disappear. Each of
    /// the versions in force one after the other is asked, so that a tier that was there once is there ever after.
    pub fn may_follow(&self, previous: &Self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        let root = Path::Root;
        if self.currency != previous.currency {
            let message = format!("must stay {}: accounts hold spend in it", previous.currency.code());
            faults.add(&Path::Key(&root, "currency"), "conflict", message);
        }
        let tiers = Path::Key(&root, "tiers");
        for lost in previous.tiers.levels.iter().filter(|tier| !self.tiers.levels.iter().any(|own| own.id == tier.id)) {
            let message = format!("must keep the tier {}: accounts may hold it", lost.id);
            faults.add(&Path::Key(&tiers, "levels"), "conflict", message);
        }
        faults.into_result(Some(()))
    }
}

impl Tiers {
    /// Whether this version knows a tier. One that a later version added it does not, and can say nothing of.
    pub fn knows(&self, id: &TierId) -> bool {
        self.levels.knows(id)
    }

    /// The place of a tier in the ladder. A tier that this version does not know counts as the lowest.
    pub fn place(&self, id: &TierId) -> usize {
        self.levels.iter().position(|tier| tier.id == *id).unwrap_or(0)
    }

    /// What customers call a tier; its id where this version does not know it.
    pub fn name<'a>(&'a self, id: &'a TierId) -> &'a str {
        self.levels.iter().find(|tier| tier.id == *id).map_or(id.as_str(), |tier| &tier.name)
    }

    /// The tier of that id, or the lowest.
    pub fn get(&self, id: &TierId) -> &Tier {
        self.levels.iter().find(|tier| tier.id == *id).unwrap_or(&self.levels.lowest)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_discount_is_called_what_its_rule_is_called_whatever_issues_it() {
        let gift = |id: &str, name: &str| json!({"id": id, "name": name, "percent": "5", "validity_days": 9});
        let mut document = sample::with(
            "discounts",
            &json!([{"id": "next", "name": "Next", "kind": "next_purchase", "minimum_total": "5", "percent": "5", "validity_days": 9}]),
        );
        document["occasions"] =
            json!([{"id": "hello", "name": "Hello", "on": "welcome", "give": {"discount": gift("cake", "Cake")}}]);
        document["rewards"] = json!([
            {"id": "off", "name": "Five off", "points": 5, "discount": {"percent": "5", "validity_days": 9}},
            {"id": "mug", "name": "A mug", "points": 5, "product": {"sku": "MUG", "quantity": 1}},
        ]);
        document["tiers"]["levels"][1]["on_entry"] = json!({"discount": gift("up", "Well done")});
        document["referral"] = json!({
            "enrolment": "open", "consent": "optional", "welcome": {"discount": gift("come", "Come in")},
            "qualifying": {"minimum_total": "5", "within_days": 9}, "return_window_days": 9,
            "rewards": [{"from": 1, "discount": gift("thanks", "Thank you")}], "after_return": "keep",
        });
        let program = Program::from_json(&document).unwrap();
        let names = ["next", "cake", "off", "come", "thanks", "up", "mug", "gone"]
            .map(|id| program.discount_name(&RuleId::parse(id).unwrap()));
        assert_eq!(
            names,
            [
                Some("Next"),
                Some("Cake"),
                Some("Five off"),
                Some("Come in"),
                Some("Thank you"),
                Some("Well done"),
                None,
                None
            ]
        );
    }
}
