//! When a rule applies: the conditions of its `when`.
//!
//! Each kind of condition is a type of its own, in a file with its like, that says how it is read, judged and explained
//! ([`Test`]). The list below is all that is needed besides: the number it is stored under, its field, its type.

mod amount;
mod calendar;
mod channel;
mod contact;
mod history;
mod member;

use super::basket::Basket;
use super::limits::Left;
use crate::activity::Activity;
use crate::document::{Faults, Object, Path};
use crate::id::{Segment, Source, TierId};
use crate::membership::Role;
use crate::money::{Currency, Minor, Overflow};
use crate::program::{Ladder, Program};
use crate::schema::{self, Schema};
use crate::time::{Calendar, Instant, Month, Wall};
use serde_json::Value;
use std::cell::OnceCell;

/// What a document's conditions are read with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// The program's currency.
    pub currency: Currency,
    /// The program's calendar.
    pub calendar: &'a Calendar,
}

/// What conditions on the order are judged on.
#[derive(Debug)]
pub struct OrderFacts<'a> {
    calendar: &'a Calendar,
    wall: OnceCell<Wall>,
    source: &'a Source,
    placed_at: Instant,
    eligible: Minor,
    units: u64,
}

impl<'a> OrderFacts<'a> {
    pub(super) fn of(calendar: &'a Calendar, basket: &Basket<'a>) -> Self {
        Self {
            calendar,
            wall: OnceCell::new(),
            source: &basket.order.key.source,
            placed_at: basket.order.placed_at,
            eligible: basket.eligible,
            units: basket.eligible_units,
        }
    }

    /// When it was placed, by the wall clocks of the program's zone.
    fn wall(&self) -> Wall {
        *self.wall.get_or_init(|| self.calendar.wall(self.placed_at))
    }
}

/// What conditions on the account are judged on, once: the account before the order.
#[derive(Debug, Clone, Copy)]
pub struct AccountFacts<'a> {
    /// Why no rule applies, whatever it says: it is a matter of membership.
    pub earns_nothing: Option<Condition>,
    /// The tier held.
    pub tier: &'a TierId,
    /// The groups that the merchant put it in.
    pub segments: &'a [Segment],
    /// Orders scored so far, those of before the account was opened here included.
    pub orders: u64,
    /// The months kept.
    pub activity: &'a Activity,
    /// The month that the order was placed in.
    pub month: Month,
    /// The role of the order's contact; `None`: it names none that is known, or no rule asks.
    pub role: Option<Role>,
    /// What is left for the rules that have limits.
    pub left: &'a [Left],
}

/// What is senseless about a condition: a code, and what a person reads.
pub(crate) type Nonsense = (&'static str, String);

/// One kind of condition.
pub(super) trait Test: Sized {
    /// What it is judged on.
    type Facts<'a>;

    /// Reads what its field says.
    fn read(value: &Value, path: &Path<'_>, reading: &Reading<'_>, faults: &mut Faults) -> Option<Self>;

    /// What its field may say, and, as its description, when that holds.
    fn schema() -> Schema;

    /// Whether it holds.
    fn holds(&self, facts: &Self::Facts<'_>) -> Result<bool, Overflow>;

    /// What it asks for, after "if".
    fn terms(&self, program: &Program) -> String;

    /// Why the rule gave nothing, where it does not hold: the end of a sentence for customers.
    fn why_not(&self, program: &Program) -> String;

    /// That it can never hold, or always does: the code of that, and why. Without the program's tiers nothing is said that
    /// hangs on them.
    fn nonsense(&self, _tiers: Option<&Ladder>) -> Option<Nonsense> {
        None
    }
}

macro_rules! conditions {
    (
        general { $($(#[doc = $about:literal])+ $general:ident = $general_number:literal, $general_name:literal;)+ }
        member { $($(#[doc = $of_member:literal])+ $member:ident = $member_number:literal, $member_name:literal;)+ }
        account { $($(#[doc = $of_account:literal])+ $account:ident = $account_number:literal, $account_field:literal => $account_type:ty;)+ }
        order { $($(#[doc = $of_order:literal])+ $order:ident = $order_number:literal, $order_field:literal => $order_type:ty;)+ }
    ) => {
        /// Why a rule did nothing. The numbers are stored: never reuse one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Condition {
            $($(#[doc = $about])+ $general = $general_number,)+
            $($(#[doc = $of_member])+ $member = $member_number,)+
            $($(#[doc = $of_account])+ $account = $account_number,)+
            $($(#[doc = $of_order])+ $order = $order_number,)+
        }

        impl Condition {
            /// Every condition.
            pub const ALL: &[Self] = &[$(Self::$general,)+ $(Self::$member,)+ $(Self::$account,)+ $(Self::$order,)+];

            /// Its name, for programs: the field of a rule's `when` that it stands in, if it does.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$general => $general_name,)+
                    $(Self::$member => $member_name,)+
                    $(Self::$account => $account_field,)+
                    $(Self::$order => $order_field,)+
                }
            }

            /// Whether it is the account that fails it: that is decided once, when the order is first scored.
            pub fn is_of_account(self) -> bool {
                matches!(self, $(Self::$member)|+ | $(Self::$account)|+)
            }
        }

        /// A condition on the account.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum AccountTest { $($(#[doc = $of_account])+ $account($account_type),)+ }

        impl AccountTest {
            fn holds(&self, facts: &AccountFacts<'_>) -> Result<bool, Overflow> {
                match self { $(Self::$account(test) => test.holds(facts),)+ }
            }

            /// What it is stored as where it fails.
            pub fn condition(&self) -> Condition {
                match self { $(Self::$account(_) => Condition::$account,)+ }
            }

            /// Where it stands in the rule.
            fn path(&self) -> &'static [&'static str] {
                match self { $(Self::$account(_) => &["when", $account_field],)+ }
            }

            fn terms(&self, program: &Program) -> String {
                match self { $(Self::$account(test) => test.terms(program),)+ }
            }

            fn why_not(&self, program: &Program) -> String {
                match self { $(Self::$account(test) => test.why_not(program),)+ }
            }

            fn nonsense(&self, tiers: Option<&Ladder>) -> Option<Nonsense> {
                match self { $(Self::$account(test) => test.nonsense(tiers),)+ }
            }
        }

        /// A condition on the order.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum OrderTest { $($(#[doc = $of_order])+ $order($order_type),)+ }

        impl OrderTest {
            fn holds(&self, facts: &OrderFacts<'_>) -> Result<bool, Overflow> {
                match self { $(Self::$order(test) => test.holds(facts),)+ }
            }

            /// What it is stored as where it fails.
            pub fn condition(&self) -> Condition {
                match self { $(Self::$order(_) => Condition::$order,)+ }
            }

            /// Where it stands in the rule.
            fn path(&self) -> &'static [&'static str] {
                match self { $(Self::$order(_) => &["when", $order_field],)+ }
            }

            fn terms(&self, program: &Program) -> String {
                match self { $(Self::$order(test) => test.terms(program),)+ }
            }

            fn why_not(&self, program: &Program) -> String {
                match self { $(Self::$order(test) => test.why_not(program),)+ }
            }

            fn nonsense(&self, tiers: Option<&Ladder>) -> Option<Nonsense> {
                match self { $(Self::$order(test) => test.nonsense(tiers),)+ }
            }
        }

        /// The fields of a rule's `when`.
        pub const WHEN_FIELDS: &[&str] = &[$($account_field,)+ $($order_field,)+];

        impl When {
            /// What the document's `when` may say.
            pub(crate) fn schema() -> Schema {
                schema::object("Conditions")
                    $(.stating($account_field, <$account_type>::schema()))+
                    $(.stating($order_field, <$order_type>::schema()))+
            }

            fn read_fields(when: &Object<'_>, reading: &Reading<'_>, faults: &mut Faults) -> Self {
                let (mut account, mut order) = (Vec::new(), Vec::new());
                $(
                    let test = when.nested($account_field, faults, |v, p, f| <$account_type>::read(v, p, reading, f));
                    account.extend(test.map(AccountTest::$account));
                )+
                $(
                    let test = when.nested($order_field, faults, |v, p, f| <$order_type>::read(v, p, reading, f));
                    order.extend(test.map(OrderTest::$order));
                )+
                Self { account, order }
            }
        }
    };
}

conditions! {
    general {
        /// No line of the order is eligible.
        NothingEligible = 1, "nothing_eligible";
        /// The tier held multiplies by zero.
        TierEarnsNothing = 2, "tier_earns_nothing";
        /// Less than one point.
        LessThanOnePoint = 3, "less_than_one_point";
        /// The eligible total is below the rule's minimum.
        BelowMinimum = 4, "below_minimum";
        /// The account has an open discount of this rule.
        AlreadyOpen = 5, "already_open";
        /// The account has as many open discounts as it can hold.
        TooManyOpen = 6, "too_many_open";
        /// The discount would have ended before the order was known.
        ValidityOver = 7, "validity_over";
        /// No eligible line is one that the rule counts.
        NoLineCounts = 8, "no_line_counts";
        /// No rule before it gave points per amount for the lines that it counts.
        NothingToMultiply = 9, "nothing_to_multiply";
        /// Another rule of its group gave more.
        OutdoneInGroup = 10, "outdone_in_group";
        /// A rule before it fired and stops the later ones.
        Stopped = 11, "stopped";
        /// Its budget over all accounts is spent.
        BudgetSpent = 40, "budget_spent";
        /// The account was given as many points as the rule gives one in a period.
        PointsCapReached = 41, "points_cap_reached";
        /// It fired on as many orders of the account as it does in a period.
        TimesCapReached = 42, "times_cap_reached";
        /// The order came when its period was not counted any more.
        CapPeriodOver = 43, "cap_period_over";
        /// It has limits, and gave nothing when the order was first scored.
        NothingGivenAtFirst = 44, "nothing_given_at_first";
    }
    member {
        /// The account is not a member: it was not let in, or has not paid yet.
        NotAMember = 112, "not_a_member";
        /// Its membership has lapsed.
        MembershipLapsed = 113, "membership_lapsed";
        /// It is excluded from earning.
        ExcludedFromEarning = 114, "excluded_from_earning";
        /// It is excluded from discounts.
        ExcludedFromDiscounts = 115, "excluded_from_discounts";
    }
    account {
        /// The segments that the account is in.
        Segments = 64, "segments" => member::Segments;
        /// The tier held before the order.
        TierHeld = 65, "tiers" => member::TierHeld;
        /// Whether it is the account's first order.
        FirstOrder = 66, "first_order" => history::FirstOrder;
        /// The number of the order among the account's.
        OrderNumber = 67, "order_number" => history::OrderNumber;
        /// Orders of the months before.
        OrdersAtLeast = 68, "orders_at_least" => history::OrdersAtLeast;
        /// Eligible spend of the months before.
        SpendAtLeast = 69, "spend_at_least" => history::SpendAtLeast;
        /// What the order's contact does for the account.
        ContactRoles = 80, "contact_roles" => contact::ContactRoles;
    }
    order {
        /// Where the order comes from.
        Sources = 128, "sources" => channel::Sources;
        /// It was placed early enough.
        From = 129, "from" => calendar::From;
        /// It was placed late enough.
        Until = 130, "until" => calendar::Until;
        /// The day of the week that it was placed on.
        Weekdays = 131, "weekdays" => calendar::Weekdays;
        /// The time of day that it was placed at.
        Hours = 132, "hours" => calendar::Hours;
        /// What its eligible lines come to.
        MinimumTotal = 133, "minimum_total" => amount::MinimumTotal;
        /// Units of its eligible lines.
        MinimumUnits = 134, "minimum_units" => amount::MinimumUnits;
    }
}

/// When a rule applies: all of these hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct When {
    /// What the account must be like: decided once, when the order is first scored.
    pub account: Vec<AccountTest>,
    /// What the order must be like: judged on what is kept of it.
    pub order: Vec<OrderTest>,
}

impl When {
    /// Reads the document's `when`.
    pub(crate) fn read(value: &Value, path: &Path<'_>, reading: &Reading<'_>, faults: &mut Faults) -> Option<Self> {
        let when = Object::open(value, path, WHEN_FIELDS, faults)?;
        Some(Self::read_fields(&when, reading, faults))
    }

    pub(super) fn first_failed_of_account(&self, facts: &AccountFacts<'_>) -> Result<Option<Condition>, Overflow> {
        for test in &self.account {
            if !test.holds(facts)? {
                return Ok(Some(test.condition()));
            }
        }
        Ok(None)
    }

    pub(super) fn first_failed_of_order(&self, facts: &OrderFacts<'_>) -> Result<Option<Condition>, Overflow> {
        for test in &self.order {
            if !test.holds(facts)? {
                return Ok(Some(test.condition()));
            }
        }
        Ok(None)
    }

    /// What it asks for, each condition for itself, with the ids of the program's document: to be read after "if".
    pub fn in_words(&self, program: &Program) -> Vec<String> {
        let Self { account, order } = self;
        account.iter().map(|test| test.terms(program)).chain(order.iter().map(|test| test.terms(program))).collect()
    }

    /// Why a rule gave nothing whose condition of that kind does not hold; `None`: it has no such condition.
    pub(super) fn why_not(&self, failed: Condition, program: &Program) -> Option<String> {
        let of_account = self.account.iter().find(|test| test.condition() == failed);
        let of_order = self.order.iter().find(|test| test.condition() == failed);
        of_account.map(|test| test.why_not(program)).or_else(|| of_order.map(|test| test.why_not(program)))
    }

    /// Conditions that can never hold, or hold of every order, each with its field and the reason.
    pub(crate) fn nonsense(&self, tiers: Option<&Ladder>) -> Vec<(&'static [&'static str], Nonsense)> {
        let of_account = self.account.iter().map(|test| (test.path(), test.nonsense(tiers)));
        let of_order = self.order.iter().map(|test| (test.path(), test.nonsense(tiers)));
        of_account.chain(of_order).filter_map(|(path, nonsense)| Some((path, nonsense?))).collect()
    }

    /// Whether it asks for an early order of the account and for more orders before it than there can be.
    pub(crate) fn wants_more_orders_than_there_are(&self) -> bool {
        let (mut most, mut least) = (u64::MAX, 0);
        for test in &self.account {
            match test {
                AccountTest::FirstOrder(history::FirstOrder(true)) => most = 0,
                AccountTest::FirstOrder(history::FirstOrder(false)) => least = least.max(1),
                AccountTest::OrderNumber(history::OrderNumber::Is(number)) => {
                    let before = number.saturating_sub(1);
                    (most, least) = (most.min(before), least.max(before));
                }
                AccountTest::OrderNumber(history::OrderNumber::Every(many)) => {
                    least = least.max(many.saturating_sub(1))
                }
                AccountTest::OrdersAtLeast(history::OrdersAtLeast { orders, .. }) => least = least.max(*orders),
                AccountTest::SpendAtLeast(_) => least = least.max(1),
                _ => {}
            }
        }
        least > most
    }

    /// Whether it asks what the order's contact does for the account.
    pub(super) fn asks_for_role(&self) -> bool {
        self.account.iter().any(|test| matches!(test, AccountTest::ContactRoles(_)))
    }

    /// Whether it is sure to hold for no more than one order of an account.
    pub(crate) fn holds_once(&self) -> bool {
        use history::{FirstOrder, OrderNumber};
        let once = |test: &AccountTest| {
            matches!(test, AccountTest::FirstOrder(FirstOrder(true)) | AccountTest::OrderNumber(OrderNumber::Is(_)))
        };
        self.account.iter().any(once)
    }

    /// From when and until when it can hold at all.
    pub(crate) fn validity(&self) -> (Option<Instant>, Option<Instant>) {
        let mut bounds = (None, None);
        for test in &self.order {
            match test {
                OrderTest::From(calendar::From(at)) => bounds.0 = Some(*at),
                OrderTest::Until(calendar::Until(at)) => bounds.1 = Some(*at),
                _ => {}
            }
        }
        bounds
    }

    /// Whether it asks for days of the week none of which comes from its first instant to its last.
    pub(crate) fn misses_its_weekdays(&self, calendar: &Calendar) -> bool {
        let (Some(from), Some(until)) = self.validity() else { return false };
        let misses = |days: &calendar::Weekdays| from < until && !days.come_between(from, until, calendar);
        self.order.iter().any(|test| matches!(test, OrderTest::Weekdays(days) if misses(days)))
    }
}
