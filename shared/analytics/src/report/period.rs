//! What a group did in a period: each figure's definition, in one place. `docs/metrics.md` has an example of each.

use super::value::{Decimal, Percent, Ratio, Section, Worth, section};
use crate::histogram::Overflow;
use crate::night::PeriodFigures;
use crate::nps::{Answers, NORMAL_95};
use crate::rate::Change;
use crate::rollup::{By, Figures, Period};
use domain::money::{Money, Points};

section! {
    /// Who bought, and who stayed.
    pub struct Customers {
        /// Accounts with an order in the period.
        pub customers: u64,
        /// Of them, those with two orders or more in it.
        pub repeat_customers: u64,
        /// `repeat_customers ÷ customers`.
        pub repeat_customer_rate: Option<Percent>,
        /// Customers whose first order ever lies in the period.
        pub new_customers: Option<u64>,
        /// Customers that had bought before the period began.
        pub returning_customers: Option<u64>,
        /// `returning_customers ÷ customers`.
        pub returning_customer_rate: Option<Percent>,
        /// Customers of the period before.
        pub previous_customers: Option<u64>,
        /// Customers of both.
        pub retained_customers: Option<u64>,
        /// `retained_customers ÷ previous_customers`.
        pub retention_rate: Option<Percent>,
        /// Customers of the period before that are none of this one.
        pub churned_customers: Option<u64>,
        /// `churned_customers ÷ previous_customers`.
        pub churn_rate: Option<Percent>,
        /// Customers that had bought before the period before, and not in that.
        pub reactivated_customers: Option<u64>,
    }
}

impl Customers {
    fn of(figures: &Figures, period: Period, knows_previous: bool) -> Self {
        let customers = figures.customers;
        // Nobody bought before the whole relationship.
        let returning = period.months().map(|_| figures.returning_customers);
        let previous = knows_previous.then_some(figures.previous_customers);
        let retained = knows_previous.then_some(figures.retained_customers);
        let churned = previous.zip(retained).map(|(all, stayed)| all.saturating_sub(stayed));
        let of_previous = |part: Option<u64>| Percent::of(part?, previous?);
        Self {
            customers,
            repeat_customers: figures.repeat_customers,
            repeat_customer_rate: Percent::of(figures.repeat_customers, customers),
            new_customers: returning.map(|returning| customers.saturating_sub(returning)),
            returning_customers: returning,
            returning_customer_rate: returning.and_then(|returning| Percent::of(returning, customers)),
            previous_customers: previous,
            retained_customers: retained,
            retention_rate: of_previous(retained),
            churned_customers: churned,
            churn_rate: of_previous(churned),
            reactivated_customers: returning.zip(retained).map(|(all, stayed)| all.saturating_sub(stayed)),
        }
    }
}

section! {
    /// What they bought.
    pub struct Sales {
        /// Orders, those that came back included.
        pub orders: u64,
        /// Units kept.
        pub units: u64,
        /// What was kept came to, discounts taken off.
        pub revenue: Money,
        /// What the lines that earn came to.
        pub eligible_revenue: Money,
        /// Revenue of the period before.
        pub previous_revenue: Option<Money>,
        /// `(revenue − previous_revenue) ÷ previous_revenue`.
        pub revenue_growth: Option<Percent>,
        /// `revenue ÷ orders`.
        pub average_order_value: Option<Money>,
        /// `revenue ÷ customers`.
        pub revenue_per_customer: Option<Money>,
        /// `orders ÷ customers`.
        pub orders_per_customer: Option<Ratio>,
        /// `units ÷ orders`.
        pub units_per_order: Option<Ratio>,
    }
}

impl Sales {
    fn of(group: &PeriodFigures, worth: &Worth) -> Result<Self, Overflow> {
        let figures = &group.figures;
        let (revenue, before) = (figures.revenue, group.previous_revenue);
        Ok(Self {
            orders: figures.orders,
            units: figures.units,
            revenue: worth.money(revenue)?,
            eligible_revenue: worth.money(figures.eligible_revenue)?,
            previous_revenue: before.map(|before| worth.money(before)).transpose()?,
            revenue_growth: before.and_then(|before| Change::growth(before, revenue)).map(Percent),
            average_order_value: worth.mean(revenue, figures.orders)?,
            revenue_per_customer: worth.mean(revenue, figures.customers)?,
            orders_per_customer: Ratio::of(figures.orders, figures.customers),
            units_per_order: Ratio::of(figures.units, figures.orders),
        })
    }
}

section! {
    /// How much of that took part in the program. Orders and revenue are all those of the customers named.
    pub struct Participation {
        /// Points that orders of the period earned, before anything came back.
        pub points_earned: Points,
        /// Customers that earned points.
        pub earning_customers: u64,
        /// `earning_customers ÷ customers`.
        pub earning_customer_rate: Option<Percent>,
        /// Their orders.
        pub earning_orders: u64,
        /// `earning_orders ÷ orders`.
        pub earning_order_rate: Option<Percent>,
        /// Their revenue.
        pub earning_revenue: Money,
        /// `earning_revenue ÷ revenue`.
        pub earning_revenue_rate: Option<Percent>,
        /// Discounts that orders of the period used.
        pub discounts_used: u64,
        /// Customers that used a discount.
        pub redeeming_customers: u64,
        /// `redeeming_customers ÷ customers`.
        pub redeeming_customer_rate: Option<Percent>,
        /// Their orders.
        pub redeeming_orders: u64,
        /// `redeeming_orders ÷ orders`.
        pub redeeming_order_rate: Option<Percent>,
        /// Their revenue.
        pub redeeming_revenue: Money,
        /// `redeeming_revenue ÷ revenue`.
        pub redeeming_revenue_rate: Option<Percent>,
    }
}

impl Participation {
    fn of(figures: &Figures, worth: &Worth) -> Result<Self, Overflow> {
        let of_customers = |part: u64| Percent::of(part, figures.customers);
        let of_orders = |part: u64| Percent::of(part, figures.orders);
        let of_revenue = |part: i128| Percent::of_sum(part, figures.revenue);
        Ok(Self {
            points_earned: Points::narrow(figures.points_earned)?,
            earning_customers: figures.earning_customers,
            earning_customer_rate: of_customers(figures.earning_customers),
            earning_orders: figures.earning_orders,
            earning_order_rate: of_orders(figures.earning_orders),
            earning_revenue: worth.money(figures.earning_revenue)?,
            earning_revenue_rate: of_revenue(figures.earning_revenue),
            discounts_used: figures.discounts_used,
            redeeming_customers: figures.redeeming_customers,
            redeeming_customer_rate: of_customers(figures.redeeming_customers),
            redeeming_orders: figures.redeeming_orders,
            redeeming_order_rate: of_orders(figures.redeeming_orders),
            redeeming_revenue: worth.money(figures.redeeming_revenue)?,
            redeeming_revenue_rate: of_revenue(figures.redeeming_revenue),
        })
    }
}

section! {
    /// What the program cost and what it is credited with.
    pub struct Economics {
        /// What used discounts took off what is kept of the orders that used them.
        pub discount_cost: Money,
        /// `points_earned × point value`.
        pub points_cost: Option<Money>,
        /// `discount_cost + points_cost`.
        pub program_cost: Option<Money>,
        /// Revenue of customers that used a discount in the period or came by a referral.
        pub attributed_revenue: Money,
        /// `attributed_revenue × margin rate`.
        pub attributed_margin: Option<Money>,
        /// `(attributed_margin − program_cost) ÷ program_cost`, of the amounts as they are rounded here.
        pub return_on_investment: Option<Percent>,
    }
}

impl Economics {
    fn of(figures: &Figures, worth: &Worth) -> Result<Self, Overflow> {
        let discount_cost = worth.money(figures.discount_value)?;
        let points_cost = worth.of_points(figures.points_earned)?;
        let cost = |points: Money| worth.money(figures.discount_value.saturating_add(points.amount.0.into()));
        let program_cost = points_cost.map(cost).transpose()?;
        let attributed_revenue = worth.money(figures.attributed_revenue)?;
        let attributed_margin = worth.margin(attributed_revenue)?;
        let both = attributed_margin.zip(program_cost);
        let return_on_investment =
            both.and_then(|(margin, cost)| Change::growth(cost.amount.0.into(), margin.amount.0.into())).map(Percent);
        Ok(Self {
            discount_cost,
            points_cost,
            program_cost,
            attributed_revenue,
            attributed_margin,
            return_on_investment,
        })
    }
}

section! {
    /// What customers answered to surveys in the period.
    pub struct Survey {
        /// Answers.
        pub answers: u64,
        /// Answers of 9 and 10.
        pub promoters: u64,
        /// Answers of 7 and 8.
        pub passives: u64,
        /// Answers of 0 to 6.
        pub detractors: u64,
        /// `(promoters − detractors) ÷ answers × 100`, −100 to 100.
        pub net_promoter_score: Option<Score>,
        /// The lower end of its 95 % confidence interval.
        pub net_promoter_score_low: Option<Decimal<1>>,
        /// The upper end.
        pub net_promoter_score_high: Option<Decimal<1>>,
    }
}

/// A Net Promoter Score, with one decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score(pub Change);

impl super::value::Cell for Score {
    fn cell(&self) -> String {
        self.0.percent(1)
    }
}

impl serde::Serialize for Score {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::value::Cell::cell(self))
    }
}

impl Survey {
    /// Of answers that were counted.
    pub fn of(answers: &Answers) -> Self {
        let interval = answers.interval(NORMAL_95);
        let Answers { promoters, passives, detractors } = *answers;
        Self {
            answers: promoters.saturating_add(passives).saturating_add(detractors),
            promoters,
            passives,
            detractors,
            net_promoter_score: answers.score().map(Score),
            net_promoter_score_low: interval.map(|interval| Decimal(interval.low)),
            net_promoter_score_high: interval.map(|interval| Decimal(interval.high)),
        }
    }
}

/// What a group did in a period.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Did {
    /// Who bought, and who stayed.
    pub customers: Customers,
    /// What they bought.
    pub sales: Sales,
    /// How much of that took part in the program.
    pub participation: Participation,
    /// What the program cost and what it is credited with.
    pub economics: Economics,
    /// What customers answered to surveys; by tier and segment only.
    pub survey: Option<Survey>,
}

impl Did {
    /// Renders the figures of a group of one kind. Fails with [`Overflow`] where a sum fits no amount of money.
    pub fn of(group: &PeriodFigures, by: By, span: (Period, bool), worth: &Worth) -> Result<Self, Overflow> {
        let (period, knows_previous) = span;
        // Answers are not told apart by when somebody joined, or how.
        let is_asked = matches!(by, By::Total | By::Tier | By::Segment);
        Ok(Self {
            customers: Customers::of(&group.figures, period, knows_previous),
            sales: Sales::of(group, worth)?,
            participation: Participation::of(&group.figures, worth)?,
            economics: Economics::of(&group.figures, worth)?,
            survey: is_asked.then(|| Survey::of(&group.answers)),
        })
    }
}

impl Section for Did {
    fn names() -> Vec<&'static str> {
        [Customers::names(), Sales::names(), Participation::names(), Economics::names(), Survey::names()].concat()
    }

    fn cells(&self) -> Vec<String> {
        let Self { customers, sales, participation, economics, survey } = self;
        [customers.cells(), sales.cells(), participation.cells(), economics.cells(), survey.cells()].concat()
    }
}
