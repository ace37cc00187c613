use super::*;

fn points(id: &str, points: u64, more: Value) -> Value {
    let mut rule = rule(id, more);
    rule["points"] = json!(points);
    rule
}

const OUTDONE: Result<i64, Condition> = Err(Condition::OutdoneInGroup);
const STOPPED: Result<i64, Condition> = Err(Condition::Stopped);

#[test]
fn rules_add_up_unless_they_say_otherwise() {
    let tea = [plain("TEA", 1, "10.00")];
    let group = |more: Value| {
        let mut more = more;
        more["group"] = json!("g");
        more
    };
    let far = json!({"minimum_total": "99"});
    for (rules, expected) in [
        (json!([points("a", 1, json!({})), points("b", 2, json!({}))]), vec![Ok(1), Ok(2)]),
        // The best of a group, the earlier one on a tie.
        (
            json!([
                points("a", 1, group(json!({}))),
                points("b", 3, group(json!({}))),
                points("c", 2, group(json!({})))
            ]),
            vec![OUTDONE, Ok(3), OUTDONE],
        ),
        (json!([points("a", 3, group(json!({}))), points("b", 3, group(json!({})))]), vec![Ok(3), OUTDONE]),
        (
            json!([points("a", 1, group(json!({}))), points("b", 3, group(json!({"when": far})))]),
            vec![Ok(1), Err(Condition::MinimumTotal)],
        ),
        // By what they give, caps included.
        (
            json!([
                points("a", 1, group(json!({"per": "1", "maximum_points": 4}))),
                points("b", 5, group(json!({}))),
                points("c", 1, json!({"group": "other", "per": "10"})),
                points("d", 2, json!({"group": "other", "per": "10"})),
            ]),
            vec![OUTDONE, Ok(5), OUTDONE, Ok(2)],
        ),
        // One that fires stops the later ones; one that does not, does not.
        (
            json!([points("a", 1, json!({"stop": true})), points("b", 2, json!({})), points("c", 2, json!({}))]),
            vec![Ok(1), STOPPED, STOPPED],
        ),
        (
            json!([points("a", 1, json!({"stop": true, "when": far})), points("b", 2, json!({}))]),
            vec![Err(Condition::MinimumTotal), Ok(2)],
        ),
        (
            json!([points("a", 1, json!({"stop": true, "per": "11"})), points("b", 2, json!({}))]),
            vec![Err(Condition::LessThanOnePoint), Ok(2)],
        ),
        // In a group the one that comes out best stops; one that is outdone does not.
        (
            json!([
                points("a", 1, group(json!({"stop": true}))),
                points("b", 2, group(json!({}))),
                points("c", 3, json!({})),
            ]),
            vec![OUTDONE, Ok(2), Ok(3)],
        ),
        (
            json!([
                points("a", 2, group(json!({"stop": true}))),
                points("b", 1, group(json!({}))),
                points("c", 3, json!({})),
            ]),
            vec![Ok(2), OUTDONE, STOPPED],
        ),
        // What the account rules out is told so, stopped or not: it is kept for good.
        (
            json!([points("a", 1, json!({"stop": true})), points("b", 2, json!({"when": {"first_order": false}}))]),
            vec![Ok(1), Err(Condition::FirstOrder)],
        ),
    ] {
        assert_eq!(earned(&rules, &tea), expected, "{rules}");
    }
}

#[test]
fn a_multiplier_multiplies_what_fired_only() {
    let base = |id: &str, says: Value| points(id, 1, says);
    let double = rule("x", json!({"multiplier": "2"}));
    let tea = [plain("TEA", 1, "10.00")];
    for (rules, expected) in [
        (
            json!([base("a", json!({"per": "1", "group": "g"})), points("b", 50, json!({"group": "g"})), double,]),
            vec![OUTDONE, Ok(50), Err(Condition::NothingToMultiply)],
        ),
        (json!([base("a", json!({"per": "1", "stop": true})), double]), vec![Ok(10), STOPPED]),
        // Two multipliers are no power: each adds to the points per amount.
        (
            json!([base("a", json!({"per": "1"})), double, rule("y", json!({"multiplier": "3"}))]),
            vec![Ok(10), Ok(10), Ok(20)],
        ),
        (
            json!([
                base("a", json!({"per": "1"})),
                rule("x", json!({"multiplier": "2", "group": "g"})),
                rule("y", json!({"multiplier": "3", "group": "g"})),
            ]),
            vec![Ok(10), OUTDONE, Ok(20)],
        ),
    ] {
        assert_eq!(earned(&rules, &tea), expected, "{rules}");
    }
}

#[test]
fn less_of_an_order_may_earn_more_only_where_rules_stop_or_outdo_each_other() {
    let base = points("a", 1, json!({"per": "1"}));
    let grouped = points("a", 1, json!({"per": "1", "group": "g"}));
    let double = rule("x", json!({"multiplier": "2"}));
    for (rules, expected) in [
        (json!([base]), true),
        (json!([base, double]), true),
        (json!([grouped, points("b", 5, json!({"group": "g"}))]), true),
        (json!([grouped, points("b", 5, json!({"group": "g"})), double]), false),
        (json!([points("b", 5, json!({"stop": true})), base]), false),
    ] {
        assert_eq!(program(&rules).earning.is_monotone(), expected, "{rules}");
    }
}
