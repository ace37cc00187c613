#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use super::*;
use crate::rollup::tests::{account, at, count, night};

#[test]
fn the_trailing_year_is_held_against_the_year_before_it() {
    let night = night("2012-05-10");
    let orders = [("2010-06-01", 100), ("2011-05-31", 20), ("2011-06-01", 7), ("2012-04-30", 3), ("2010-05-31", 999)];
    let acme = account("acme", &orders.map(|(day, pence)| (at(&format!("{day}T12:00:00Z")), pence)));
    let results = reduce(&night, count(&night, [&acme]), &Opinions::default()).unwrap();
    for (period, revenue, before) in [
        ("2012-05-T12M", 10, Some(120)),
        ("2012-04", 3, Some(0)),
        ("2012-Q2", 3, Some(0)),
        ("2011-Q2", 27, Some(0)),
        ("2010-Q3", 0, None), // the quarter before began before the months kept
        ("2012", 3, Some(27)),
        ("2011", 27, None),
        ("lifetime", 1_129, None),
    ] {
        let (_, _, result) = results.periods.iter().find(|(name, by, _)| name == period && by == "total").unwrap();
        let total = result.groups.get("total").unwrap();
        assert_eq!((total.figures.revenue, total.previous_revenue), (revenue, before), "{period}");
        assert_eq!(result.knows_previous, before.is_some(), "{period}");
    }
}
