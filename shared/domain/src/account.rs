//! The hot state of an account: all that a decision needs, in one small item.

use crate::activity::{Activity, Lifetime};
use crate::advance;
use crate::code::Code;
use crate::counters::Counters;
use crate::discount::{Discount, OpenDiscount};
use crate::due::Due;
use crate::hold::Hold;
use crate::id::{AccountId, OrderKey, ReturnId, Segment, TierId};
use crate::invitation::Invitation;
use crate::ledger::{AccountChange, Change, DiscountChange};
use crate::lots::Holdings;
use crate::membership::Membership;
use crate::money::Overflow;
use crate::occasions;
use crate::program::{Program, Shortfall};
use crate::referral::{self, Referral};
use crate::review::Reviewed;
use crate::schedule::Schedule;
use crate::spending::Spending;
use crate::tier::entry::{self, OwedDiscount};
use crate::time::{Day, Instant};
use crate::warning::{self, Subject, Told};
use serde::{Deserialize, Serialize};

/// Most segments of an account: it bounds the hot item.
pub const SEGMENTS_MAX: usize = 8;

/// The customer company that is the member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Commits so far = sequence of its newest entry.
    pub version: u64,
    /// Whether it takes part.
    pub status: Status,
    /// The level it holds.
    pub tier: TierId,
    /// Since when it holds it.
    pub tier_since: Instant,
    /// The latest review of a tier it held; a raise leaves it, so that nothing is judged twice.
    pub reviewed: Option<Reviewed>,
    /// The invitation that it holds its tier by.
    pub invitation: Option<Invitation>,
    /// Tiers that brought it something when it entered them, sorted: none does so twice.
    pub entered: Vec<TierId>,
    /// Discounts for tiers that time alone led it to, until they are issued.
    pub owed: Vec<OwedDiscount>,
    /// Groups the merchant put it in, sorted, at most [`SEGMENTS_MAX`].
    pub segments: Vec<Segment>,
    /// Whether it is a member, where the program asks for more than to be enrolled.
    pub membership: Membership,
    /// When it became a member: when it was enrolled, or let in, if somebody had to.
    pub joined_at: Instant,
    /// `now` of its newest commit; no later decision looks at an earlier instant.
    pub last_decided: Instant,
    /// Day of its earliest order.
    pub first_purchase: Option<Day>,
    /// Day of its latest order.
    pub last_purchase: Option<Day>,
    /// Totals over the whole relationship.
    pub lifetime: Lifetime,
    /// The last 25 months.
    pub activity: Activity,
    /// Its points.
    pub holdings: Holdings,
    /// What it spent of them on rewards.
    pub spending: Spending,
    /// Its open discounts, earliest expiry first.
    pub discounts: Vec<OpenDiscount>,
    /// What it holds for carts that are being paid, in the order they were made, at most [`crate::hold::HOLDS_MAX`].
    pub holds: Vec<Hold>,
    /// The credit note that is being matched to its orders.
    pub credit_note: Option<ReturnId>,
    /// Where the walker finds it.
    pub due: Option<Due>,
    /// What it was warned of and has not ended yet, by subject and end.
    pub told: Vec<Told>,
    /// What it remembers of its occasions.
    pub occasions: occasions::Past,
    /// The code it came by.
    pub referral: Option<Referral>,
    /// It was issued a code of its own, so it cannot redeem one.
    pub has_referral_code: bool,
    /// Referrals it was rewarded for, less those whose reward was taken back.
    pub referrals_rewarded: u32,
    /// What it was given by rules that are capped per account and period.
    pub counters: Counters,
}

/// Whether an account takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AccountStatus"))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It earns and may use what it has.
    Active,
    /// Its orders are refused until it is active again.
    Suspended,
    /// It has left.
    Closed,
    /// Its company was erased: nothing is known of its people any more, and nothing makes it active again.
    Erased,
    /// It waits to be let in: its orders are refused until its review has approved it.
    Pending,
}

impl Status {
    /// Those that a merchant may state, by their names: what waits for a review is let in or turned away by that alone.
    pub const STATED: [(&'static str, Self); 3] =
        [("active", Self::Active), ("suspended", Self::Suspended), ("closed", Self::Closed)];
    /// Every status by its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("active", Self::Active),
        ("suspended", Self::Suspended),
        ("closed", Self::Closed),
        ("erased", Self::Erased),
        ("pending", Self::Pending),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, status)| *status == self).map_or("", |(name, _)| name)
    }

    /// Whether an account is warned of what is about to end. Who has left is not written to. Nor is who waits to be let
    /// in: it can use nothing yet, and may be turned away. Once approved, it is told of all that is still to come.
    pub(crate) fn is_warned(self) -> bool {
        match self {
            Self::Active | Self::Suspended => true,
            Self::Closed | Self::Erased | Self::Pending => false,
        }
    }

    /// Whether it takes part no more: nothing is given to it.
    pub fn has_left(self) -> bool {
        matches!(self, Self::Closed | Self::Erased)
    }
}

impl Account {
    /// An account that joins the program at `now`, not yet committed (version 0), and what its entry says of that.
    pub fn enrol(id: AccountId, program: &Program, now: Instant) -> (Self, Change) {
        let tier = program.tiers.levels.lowest.id.clone();
        let enrolled = Change::Account(AccountChange::Enrolled { tier: tier.clone() });
        let account = Self {
            id,
            version: 0,
            status: Status::Active,
            tier,
            tier_since: now,
            reviewed: None,
            invitation: None,
            entered: Vec::new(),
            owed: Vec::new(),
            segments: Vec::new(),
            membership: Membership::default(),
            joined_at: now,
            last_decided: now,
            first_purchase: None,
            last_purchase: None,
            lifetime: Lifetime::default(),
            activity: Activity::default(),
            holdings: Holdings::default(),
            spending: Spending::default(),
            discounts: Vec::new(),
            holds: Vec::new(),
            credit_note: None,
            due: None,
            told: Vec::new(),
            occasions: occasions::Past { birthdays: occasions::of_nobody(program), ..occasions::Past::default() },
            referral: None,
            has_referral_code: false,
            referrals_rewarded: 0,
            counters: Counters::default(),
        };
        (account, enrolled)
    }

    /// Notes a discount that was issued; answers what its entry says of that.
    pub(crate) fn open_discount(&mut self, discount: &Discount) -> Change {
        self.list_discount(discount);
        self.lifetime.discounts_issued = self.lifetime.discounts_issued.saturating_add(1);
        let Discount { rule, code, expires_at, .. } = discount.clone();
        Change::Discount(DiscountChange::Issued { rule, code, expires_at })
    }

    /// Notes a discount that an order used; answers its record, and what its entry says of that.
    pub(crate) fn use_discount(&mut self, discount: &Discount, order: &OrderKey) -> (Discount, Change) {
        let used = self.close_discount(discount).used(order);
        self.lifetime.discounts_used = self.lifetime.discounts_used.saturating_add(1);
        (used, Change::Discount(DiscountChange::Used { code: discount.code.clone(), shared: false }))
    }

    /// Notes a shared code that an order used; answers what its entry says of that.
    pub(crate) fn use_shared(&mut self, code: &Code) -> Change {
        self.lifetime.discounts_used = self.lifetime.discounts_used.saturating_add(1);
        Change::Discount(DiscountChange::Used { code: code.clone(), shared: true })
    }

    /// Takes a discount out of the open ones; answers its record, which takes over what was told of its end.
    pub(crate) fn close_discount(&mut self, discount: &Discount) -> Discount {
        let closed = self.discounts.extract_if(.., |open| open.code == discount.code).last();
        let told_days = closed.map_or(discount.told_days, |open| open.told_days);
        Discount { told_days, ..discount.clone() }
    }

    /// Puts a discount among the open ones, the earliest end first.
    pub(crate) fn list_discount(&mut self, discount: &Discount) {
        let place = self.discounts.partition_point(|held| held.expires_at <= discount.expires_at);
        self.discounts.insert(place, discount.open());
    }

    /// Takes a tier on, since an instant.
    pub(crate) fn hold_tier(&mut self, tier: TierId, since: Instant) {
        (self.tier, self.tier_since) = (tier, since);
    }

    /// Takes a higher tier on that it has reached at `now`: a hold that a review of this very instant ended is not
    /// followed on, since the tier is another.
    pub(crate) fn reach_tier(&mut self, tier: TierId, now: Instant) {
        let of_now = self.reviewed.as_mut().filter(|reviewed| reviewed.at == now);
        of_now.into_iter().for_each(|reviewed| reviewed.held_through = None);
        self.hold_tier(tier, now);
    }

    /// The fewest days ahead at which it was told of an end; `None`: never.
    pub(crate) fn told_days(&self, subject: Subject, ends_at: Instant) -> Option<u16> {
        let place = self.told.binary_search_by_key(&(subject, ends_at), |told| (told.subject, told.ends_at)).ok()?;
        self.told.get(place).map(|told| told.days)
    }

    /// Notes how many days ahead it was told of an end.
    pub(crate) fn tell(&mut self, subject: Subject, ends_at: Instant, days: u16) {
        let told = Told { subject, ends_at, days };
        match self.told.binary_search_by_key(&(subject, ends_at), |told| (told.subject, told.ends_at)) {
            Ok(place) => self.told.get_mut(place).into_iter().for_each(|held| *held = told),
            Err(place) => self.told.insert(place, told),
        }
    }

    /// The earliest instant at which time alone changes anything about it, or something is to be said of what comes, or
    /// done elsewhere because of it.
    pub fn next_change(&self, schedule: &Schedule, now: Instant) -> Result<Option<Instant>, Overflow> {
        let lapse = advance::next(schedule, self);
        let errand = referral::errand(self).map(|errand| errand.due_at);
        let given = occasions::next(self, schedule, now).into_iter().chain(entry::owed_since(self));
        Ok(lapse.into_iter().chain(warning::next(self, schedule, now)?).chain(errand).chain(given).min())
    }

    /// What becomes of points that are to be taken back and are not there: who was erased owes nothing any more.
    pub(crate) fn shortfall(&self, program: &Program) -> Shortfall {
        if self.status == Status::Erased { Shortfall::WriteOff } else { program.points.shortfall }
    }

    /// Points it owns, whether they wait or not, less what it owes: what the sum of its entries must be.
    pub fn points(&self) -> Result<crate::money::Points, Overflow> {
        self.holdings.net()
    }
}
