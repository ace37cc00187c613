//! What the program says of referrals.

use crate::code::Code;
use crate::id::RuleId;
use crate::money::{Minor, Percent, Points};

/// What a code holds in the program's link.
pub const LINK_PLACE: &str = "{code}";

/// The referral section of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferralRules {
    /// Where a prospect follows a code to, with [`LINK_PLACE`] in it.
    pub link: Option<String>,
    /// Whether prospects take part at once.
    pub enrolment: Enrolment,
    /// Whether a prospect must have consented.
    pub consent_required: bool,
    /// What a prospect is welcomed with.
    pub welcome: Gift,
    /// Eligible total from which an order qualifies.
    pub minimum_total: Minor,
    /// Days that a prospect has for such an order.
    pub within_days: u16,
    /// Days until the reward is given: so long the order may come back.
    pub return_window_days: u16,
    /// What a referrer is rewarded with, ascending by the referral it begins with; the first begins with 1.
    pub steps: Vec<Step>,
    /// What becomes of a reward when its order comes back after it was given.
    pub after_return: AfterReturn,
}

/// Whether prospects take part at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment {
    /// They do, unless something about them is to be looked at.
    Open,
    /// Each waits for approval.
    Approval,
}

/// What becomes of a reward when its order comes back after it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterReturn {
    /// It is taken back.
    TakeBack,
    /// It stays.
    Keep,
}

/// What a referrer is rewarded with from a certain referral on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// From which rewarded referral of the account on, counted from 1.
    pub from: u32,
    /// The reward; it may be nothing.
    pub gift: Gift,
}

/// What an account is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gift {
    /// Points, spendable at once, with the program's validity.
    pub points: Points,
    /// A discount.
    pub discount: Option<GiftDiscount>,
}

/// A discount that is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiftDiscount {
    /// Its id, stable over versions.
    pub id: RuleId,
    /// Its name for customers.
    pub name: String,
    /// What it takes off.
    pub percent: Percent,
    /// Days it is valid, to the same local wall time.
    pub validity_days: u16,
    /// Of the discounts of a group one at most is applied to a cart.
    pub group: Option<RuleId>,
}

impl ReferralRules {
    /// What the referral of this number is rewarded with, counted from 1.
    pub fn reward(&self, number: u32) -> Option<&Gift> {
        self.steps.iter().rev().find(|step| step.from <= number).map(|step| &step.gift)
    }

    /// Where a prospect follows a code to.
    pub fn link_of(&self, code: &Code) -> Option<String> {
        self.link.as_ref().map(|link| link.replace(LINK_PLACE, &percent_encoded(code)))
    }

    /// The discounts that it gives.
    pub fn discounts(&self) -> impl Iterator<Item = &GiftDiscount> {
        self.steps.iter().map(|step| &step.gift).chain([&self.welcome]).filter_map(|gift| gift.discount.as_ref())
    }
}

/// A code as it stands in a URL: its check character may be one that means something there.
fn percent_encoded(code: &Code) -> String {
    let encoded = |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
    code.as_str().chars().map(encoded).collect()
}
