use super::*;
use crate::money::Points;

fn left(place: usize, points: i64, by: Limiter) -> Left {
    Left { place, points: Points(points), by }
}

#[test]
fn a_rule_gives_what_its_limits_leave_and_says_why_where_that_is_nothing() {
    let program = program(&json!([
        rule("base", json!({"points": 1, "per": "1"})),
        rule("spring", json!({"points": 2, "per": "1", "budget": 1_000})),
        rule(
            "units",
            json!({"points": 5, "per_units": 1, "maximum_points": 30,
                             "caps": {"per_account": {"points": 100, "times": 3, "period": "month"}}})
        ),
    ]));
    let order = order(NOON, &[plain("TEA", 10, "50.00")]);
    for (of_spring, of_units, expected) in [
        (left(1, 1_000, Limiter::Budget), left(2, 100, Limiter::Points), [Ok(50), Ok(100), Ok(30)]),
        (left(1, 100, Limiter::Budget), left(2, 30, Limiter::Points), [Ok(50), Ok(100), Ok(30)]),
        (left(1, 99, Limiter::Budget), left(2, 29, Limiter::Points), [Ok(50), Ok(99), Ok(29)]),
        (
            left(1, 0, Limiter::Budget),
            left(2, 0, Limiter::Points),
            [Ok(50), Err(Condition::BudgetSpent), Err(Condition::PointsCapReached)],
        ),
        (
            left(1, 0, Limiter::Budget),
            left(2, 0, Limiter::Times),
            [Ok(50), Err(Condition::BudgetSpent), Err(Condition::TimesCapReached)],
        ),
        (left(1, 1, Limiter::Budget), left(2, 0, Limiter::PeriodOver), [Ok(50), Ok(1), Err(Condition::CapPeriodOver)]),
    ] {
        let mut buyer = Buyer::of("member");
        buyer.left = vec![of_spring, of_units];
        assert_eq!(judged(&program, &order, &buyer), expected, "{of_spring:?} {of_units:?}");
    }
}

#[test]
fn the_best_of_a_group_is_the_best_by_what_limits_leave() {
    let grouped = |points: u64, more: Value| {
        let mut rule = rule(&format!("r-{points}"), json!({"points": points, "group": "g"}));
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    let program = program(&json!([grouped(50, json!({"budget": 90})), grouped(20, json!({}))]));
    let order = order(NOON, &[plain("TEA", 1, "1.00")]);
    for (points, expected) in [
        (50, [Ok(50), Err(Condition::OutdoneInGroup)]),
        (21, [Ok(21), Err(Condition::OutdoneInGroup)]),
        (19, [Err(Condition::OutdoneInGroup), Ok(20)]),
        (0, [Err(Condition::BudgetSpent), Ok(20)]),
    ] {
        let mut buyer = Buyer::of("member");
        buyer.left = vec![left(0, points, Limiter::Budget)];
        assert_eq!(judged(&program, &order, &buyer), expected, "{points}");
    }
}

#[test]
fn an_order_that_was_scored_is_held_to_what_it_was_given() {
    let program = program(&json!([
        rule("spring", json!({"points": 2, "per": "1", "budget": 1_000})),
        rule("summer", json!({"points": 2, "per": "1", "budget": 1_000, "when": {"minimum_total": "20"}})),
    ]));
    let mut scored = score(&program, vec![Outcome::Fired, Outcome::Missed(Condition::MinimumTotal)]);
    scored.granted = vec![Granted { place: 0, points: Points(30), cut_by: None }];
    for (pounds, expected) in [
        ("15.00", [Ok(30), Err(Condition::MinimumTotal)]),
        ("10.00", [Ok(20), Err(Condition::MinimumTotal)]),
        // An amendment made it larger.
        ("25.00", [Ok(30), Err(Condition::NothingGivenAtFirst)]),
    ] {
        let order = order(NOON, &[plain("TEA", 1, pounds)]);
        let basket = Basket::whole(&program, &order).unwrap();
        let mut found = Vec::new();
        judge(&program, &basket, &Known::Scored(&scored), |ruling| {
            found.push(match ruling.outcome {
                Outcome::Fired => Ok(ruling.points.0),
                Outcome::Missed(condition) => Err(condition),
            });
        })
        .unwrap();
        assert_eq!(found, expected, "{pounds}");
    }
}

#[test]
fn a_rule_asks_for_the_role_of_the_contact() {
    let program =
        program(&json!([rule("buyers", json!({"points": 5, "when": {"contact_roles": ["buyer", "admin"]}})),]));
    let order = order(NOON, &[plain("TEA", 1, "1.00")]);
    for (role, expected) in [
        (Some(Role::Buyer), Ok(5)),
        (Some(Role::Admin), Ok(5)),
        (Some(Role::Approver), Err(Condition::ContactRoles)),
        (None, Err(Condition::ContactRoles)),
    ] {
        let mut buyer = Buyer::of("member");
        buyer.role = role;
        assert_eq!(judged(&program, &order, &buyer), [expected], "{role:?}");
    }
}

#[test]
fn nothing_is_read_beside_the_account_for_a_rule_that_the_order_itself_rules_out() {
    let may = json!({"from": "2011-03-01", "until": "2011-03-31"});
    let over = json!({"from": "2011-02-01", "until": "2011-02-28"});
    let activation = |rules: Value| crate::schedule::Activation {
        from: Instant::MIN,
        version: 1,
        program: std::sync::Arc::new(program(&rules)),
    };
    let budget = |id: &str, when: &Value| rule(id, json!({"points": 5, "budget": 50, "when": when}));
    let role = |when: &Value| {
        let mut when = when.clone();
        when["contact_roles"] = json!(["buyer"]);
        rule("role", json!({"points": 5, "when": when}))
    };
    let spring = crate::limit::LimitId::of(crate::limit::LimitKind::EarningBudget, &RuleId::parse("spring").unwrap());
    for (rules, expected) in [
        (json!([rule("base", json!({"points": 1}))]), Asked::default()),
        (json!([budget("spring", &over), role(&over)]), Asked::default()),
        (json!([budget("spring", &may)]), Asked { limits: vec![spring.clone()], role: false }),
        (json!([budget("spring", &may), role(&may)]), Asked { limits: vec![spring.clone()], role: true }),
        (json!([role(&may)]), Asked { limits: vec![], role: true }),
    ] {
        let order = order(NOON, &[plain("TEA", 1, "1.00")]);
        let schedule = crate::schedule::Schedule::only(activation(rules.clone()));
        assert_eq!(asked(&schedule, &order, order.placed_at), Ok(expected), "{rules}");
    }
}
