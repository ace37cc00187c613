//! What leads to a tier: every figure and window that a program may name, and by when the tier is taken on.

use serde_json::{Value, json};
use tests::Cloud;

/// When the account orders, for how many pounds (0: it does not), and the tier that it is shown with then.
type Step = (&'static str, u64, &'static str);

/// What leads to gold and from which figure on; what an account does that joined at noon of 1 March 2011; the figure that
/// it is shown with at the end.
struct Row {
    terms: Value,
    gold: Value,
    steps: &'static [Step],
    figure: Value,
}

fn pounds(amount: &str) -> Value {
    json!({"amount": amount, "currency": "GBP"})
}

/// What is shown and decided without any sweep.
fn rows() -> Vec<Row> {
    vec![
        Row {
            terms: json!({"metric": "orders", "window_months": 12}),
            gold: json!(2),
            steps: &[
                ("2011-03-01T12:00:00Z", 900, "member"),
                // The twelve months that end with this one begin with the next but one.
                ("2012-03-15T12:00:00Z", 900, "member"),
                ("2012-04-01T12:00:00Z", 1, "gold"),
            ],
            figure: json!({"orders": 2}),
        },
        Row {
            terms: json!({"metric": "points", "window_months": 12}),
            gold: json!(100),
            // Two points a pound.
            steps: &[("2011-03-01T12:00:00Z", 49, "member"), ("2011-04-01T12:00:00Z", 1, "gold")],
            figure: json!({"points": 100}),
        },
        Row {
            terms: json!({"metric": "membership_months"}),
            gold: json!(2),
            steps: &[
                ("2011-03-02T12:00:00Z", 900, "member"),
                ("2011-04-30T22:59:59Z", 0, "member"),
                ("2011-04-30T23:00:00Z", 0, "gold"),
                ("2011-05-02T12:00:00Z", 1, "gold"),
            ],
            figure: json!({"months": 2}),
        },
        Row {
            terms: json!({"window": {"kind": "membership_year"}}),
            gold: json!("1000.00"),
            steps: &[
                ("2011-03-01T12:00:00Z", 600, "member"),
                ("2012-02-29T12:00:00Z", 399, "member"),
                ("2012-03-01T12:00:00Z", 600, "member"),
                ("2013-02-28T12:00:00Z", 400, "gold"),
            ],
            figure: pounds("1000.00"),
        },
        Row {
            terms: json!({"window": {"kind": "lifetime"}}),
            gold: json!("1000.00"),
            steps: &[("2011-03-01T12:00:00Z", 600, "member"), ("2014-03-01T12:00:00Z", 400, "gold")],
            figure: pounds("1000.00"),
        },
        // The first review of who has joined is that of the month in which it did.
        Row {
            terms: json!({"window_months": 12, "upgrade": "at_review",
                          "review": {"hold_months": 1, "downgrade": "never"}}),
            gold: json!("1000.00"),
            steps: &[
                ("2011-03-01T12:00:00Z", 1_200, "member"),
                ("2011-04-30T22:59:59Z", 1, "member"),
                ("2011-04-30T23:00:00Z", 0, "gold"),
                ("2011-05-02T12:00:00Z", 1, "gold"),
            ],
            figure: pounds("1202.00"),
        },
    ]
}

fn with_tiers(program: &mut Value, row: &Row) {
    program["earning_rules"][0]["points"] = json!(2);
    let lowest = if row.gold.is_string() { json!("0") } else { json!(0) };
    program["tiers"] = row.terms.clone();
    program["tiers"]["levels"] = json!([
        {"id": "member", "name": "Member", "threshold": lowest, "multiplier": "1"},
        {"id": "gold", "name": "Gold", "threshold": row.gold, "multiplier": "1"},
    ]);
}

#[tokio::test]
async fn every_figure_and_window_leads_to_a_tier_when_the_program_says() {
    for row in rows() {
        let cloud = Cloud::with(|program| with_tiers(program, &row)).await;
        let acme = cloud.account("acme");
        acme.put(json!({"name": "Acme"})).await.expect(201);
        let mut shown = Value::Null;
        for (number, (when, amount, tier)) in row.steps.iter().enumerate() {
            cloud.set_clock(when);
            if *amount > 0 {
                let order = acme.order(&format!("o-{number}")).placed(when).line("MUG", 1, &format!("{amount}.00"));
                let receipt = order.send().await.expect(201);
                assert_eq!(receipt["tier"]["after"], *tier, "{}: {when}", row.terms);
            }
            shown = acme.standing().await.expect(200)["tier"].clone();
            assert_eq!(shown["id"], *tier, "{}: {when}", row.terms);
        }
        let figure = if row.gold.is_string() { "qualifying_spend" } else { "qualifying" };
        assert_eq!(shown[figure], row.figure, "{}", row.terms);
        let raised = acme.history().await.iter().filter(|entry| entry.to_string().contains("tier.changed")).count();
        assert_eq!(raised, 1, "{}", row.terms);
        cloud.audit().await;
    }
}
