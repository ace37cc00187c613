mod guide;

use super::rules::rules;
use super::sample::{SAMPLES, WHOLESALE};
use super::*;
use crate::cloud::{Cloud, Options, PROGRAM_NAME, Storage};
use domain::program::Program;
use dynoxide::Database;
use serde_json::json;
use std::path::Path;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn sample(from: &str, to: &str) -> Value {
    serde_json::from_str(&WHOLESALE.replace(from, to)).unwrap()
}

#[tokio::test]
async fn a_version_takes_effect_two_minutes_ahead_and_the_first_at_all_times() {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    let app = cloud.app("order-placed").unwrap();
    let now = at("2026-05-20T12:00:00Z");
    assert!(matches!(show(app, now).await, Err(ProgramError::None(_))));
    let mut activated = Vec::new();
    for (percent, from) in
        [("5", Some("2030-01-01T00:00:00Z")), ("6", None), ("7", Some("2026-05-20T12:02:00Z")), ("7", None)]
    {
        let document = sample("\"percent\": \"5\"", &format!("\"percent\": \"{percent}\""));
        activated.push(activate(app, document, from.map(at), now).await.unwrap().to_string());
    }
    let expected = [
        "wholesale version 1 is in force from the beginning of time",
        "wholesale version 2 is in force from 2026-05-20T12:02:00Z",
        "wholesale version 3 is in force from 2026-05-20T12:02:00Z",
        // The newest again, as soon as possible: it is on its way.
        "wholesale version 3 is in force from 2026-05-20T12:02:00Z",
    ];
    assert_eq!(activated, expected);
    let refused = activate(app, sample("", ""), Some(at("2026-05-20T12:01:59Z")), now).await.unwrap_err();
    assert!(matches!(refused, ProgramError::TooEarly { earliest } if earliest == at("2026-05-20T12:02:00Z")));
    assert_eq!(ensure(app).await.unwrap(), None);
    insta::assert_snapshot!(show(app, now).await.unwrap());
    // It would be in the place of the other two.
    let euros = activate(app, sample("\"GBP\"", "\"EUR\""), None, now).await.unwrap_err().to_string();
    let expected = "version 5 was stored and cannot be in force after version 1:\
        \n  $.currency must stay GBP: accounts hold spend in it (conflict)";
    assert_eq!(euros, expected);
}

#[test]
fn the_schema_that_is_printed_is_the_published_one() {
    assert!(
        schema() == include_str!("../../../../docs/program.schema.json"),
        "the test `schema` of `domain` says more"
    );
}

#[tokio::test]
async fn every_fault_is_named_with_its_path() {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    let app = cloud.app("order-placed").unwrap();
    let faulty = WHOLESALE.replace("\"per\": \"1.00\"", "\"per\": 1").replace("\"GBP\"", "\"Pound\"");
    let faulty = activate(app, serde_json::from_str(&faulty).unwrap(), None, Instant::MIN).await.unwrap_err();
    let expected = "the program has faults:\
        \n  $.currency must be an ISO 4217 currency code in capitals (unknown_currency)\
        \n  $.earning_rules[0].per must be a decimal string such as \"12.50\", not a number (wrong_type)";
    assert_eq!(faulty.to_string(), expected);
    let foreign = activate(app, sample("\"wholesale\"", "\"retail\""), None, Instant::MIN).await.unwrap_err();
    let expected = "the program has faults:\n  $.name must be wholesale, the program that runs here (conflict)\
        \na database runs one program: serve retail from one of its own, with `guilder serve --program FILE --db retail.db`; \
        in the cloud it is a stack of its own, with ProgramName=retail";
    assert_eq!(foreign.to_string(), expected);
    assert_eq!(app.store().newest_version(&app.config().program).await.unwrap(), None);
}

fn sample_rules(text: &str) -> String {
    rules(&Program::from_json(&serde_json::from_str(text).unwrap()).unwrap())
}

#[test]
fn every_rule_of_the_samples_is_shown() {
    for (name, text) in SAMPLES {
        insta::assert_snapshot!(format!("sample_{name}"), sample_rules(text));
    }
}

#[test]
fn every_rule_of_the_guide_is_shown() {
    insta::assert_snapshot!(rules(&Program::from_json(&guide::all()).unwrap()));
}

#[test]
fn what_earning_rules_say_besides_what_they_give_is_shown() {
    let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
    document["earning_rules"] = json!([
        {"id": "one", "name": "One", "points": 1, "per": "2.00", "group": "best", "tier_multiplier": false,
         "rounding": "half_up", "rounded_per": "line", "maximum_points": 500, "budget": 9000,
         "caps": {"per_account": {"points": 700, "times": 3, "period": "ever"}}},
        {"id": "two", "name": "Two", "points": 5, "group": "best", "stop": true, "tier_multiplier": true,
         "when": {"first_order": true, "hours": {"from": "22:00", "until": "06:00"}, "minimum_total": "50.00"}},
        {"id": "three", "name": "Three", "points": 3, "per_units": 1, "rounded_per": "line",
         "lines": {"brands": {"include": ["Leaf", "Twig"], "exclude": ["Bark"]}, "minimum_quantity": 6},
         "caps": {"per_account": {"times": 1, "period": "quarter"}}},
    ]);
    document["eligibility"] = json!({});
    let text = rules(&Program::from_json(&document).unwrap());
    for expected in [
        "every SKU is eligible",
        "1 point per 2.00 GBP; at most 500 points for an order; at most 9000 points over all accounts; \
         at most 700 points and 3 orders ever for each account; rounded half up line by line; whatever the tier; \
         only the best of the group best",
        "5 points per order; if it is the account's first order and it is placed between 22:00 and 06:00 and the eligible \
         total is 50.00 GBP or more; times the tier's multiplier; only the best of the group best; no later rule fires \
         after it",
        "3 points per unit; on lines with brand one of Leaf, Twig, and other than Bark and 6 units or more; at most 1 order \
         a quarter for each account; rounded down line by line",
    ] {
        assert!(text.lines().any(|line| line.trim() == expected), "{expected}\n{text}");
    }
}

#[test]
fn what_counts_besides_money_and_what_comes_back_of_carts_is_shown() {
    const POINTS: &str = "what is paid with points counts as if it were paid in money";
    const DISCOUNTS: &str = "what its discounts take off counts as if it were paid in money";
    for (paid_with, given_back, counts, expected) in [
        (json!(["money"]), "cancelled", [false, false], "can be used again once the order that used them is cancelled"),
        (
            json!(["points", "money"]),
            "returned",
            [true, false],
            "can be used again once the order that used them is cancelled or has come back whole",
        ),
        (
            json!(["money", "points", "discounts"]),
            "never",
            [true, true],
            "stay used, whatever becomes of the order that used them",
        ),
    ] {
        let mut document: Value = serde_json::from_str(WHOLESALE).unwrap();
        document["eligibility"]["paid_with"] = paid_with;
        document["checkout"] = json!({"hold_minutes": 1, "discounts_given_back": given_back});
        let text = rules(&Program::from_json(&document).unwrap());
        let has = |expected: &str| text.lines().any(|line| line.trim() == expected);
        assert_eq!([POINTS, DISCOUNTS].map(has), counts, "{text}");
        assert!(has("a reservation holds for 1 minute") && has(&format!("discounts {expected}")), "{text}");
    }
}

/// Clouds that are started one after the other over one database.
struct Restarts(aws_sdk_dynamodb::Client);

impl Restarts {
    fn new() -> Self {
        Self(crate::connector::client(&Database::memory().unwrap()))
    }

    async fn start(&self, program: Option<&str>) -> Cloud {
        let mut options = Options::new(Storage::Endpoint { client: self.0.clone(), prefix: String::new() });
        let chosen = program.map(|program| (PROGRAM_NAME.to_owned(), program.to_owned()));
        options.parameters.extend(chosen);
        Cloud::open(options).await.unwrap()
    }
}

fn chosen(name: &str) -> Chosen {
    Chosen::read(Path::new(name)).unwrap()
}

#[tokio::test]
async fn every_sample_can_be_chosen_on_a_first_start_and_is_found_again() {
    for (name, _) in SAMPLES {
        let database = Restarts::new();
        let cloud = database.start(Some(name)).await;
        let app = cloud.app("order-placed").unwrap();
        let activated = chosen(name).begin(app).await.unwrap().unwrap();
        assert_eq!((activated.name.as_str(), activated.version), (name, 1));
        assert_eq!(chosen(name).begin(app).await.unwrap(), None, "it is there");
        // A later start need not be told.
        let cloud = database.start(None).await;
        let app = cloud.app("order-placed").unwrap();
        assert_eq!((app.config().program.as_str(), ensure(app).await.unwrap()), (name, None));
        assert!(show(app, Instant::MAX).await.unwrap().starts_with(&format!("program {name}\n")));
    }
    assert!(chosen("wholesale").is_wholesale() && !chosen("distributor").is_wholesale());
}

#[tokio::test]
async fn a_database_runs_one_program_and_says_where_another_can_run() {
    let database = Restarts::new();
    let cloud = database.start(Some("subscription")).await;
    let app = cloud.app("order-placed").unwrap();
    let none = show(app, Instant::MIN).await.unwrap_err().to_string();
    let expected = "no version of the program subscription has been activated: `guilder program activate FILE` does, and a \
                    first `guilder serve --program FILE`; FILE is a document that is named subscription, or the name of a \
                    sample";
    assert_eq!(none, expected);
    chosen("subscription").begin(app).await.unwrap();
    let cloud = database.start(Some("distributor")).await;
    let refused = chosen("distributor").begin(cloud.app("order-placed").unwrap()).await.unwrap_err().to_string();
    let expected = "this database runs the program subscription; a database runs one program: serve distributor from one of \
                    its own, with `guilder serve --program FILE --db distributor.db`; in the cloud it is a stack of its \
                    own, with ProgramName=distributor";
    assert_eq!(refused, expected);

    // Another document of the same name was never stored.
    let cloud = database.start(None).await;
    let app = cloud.app("order-placed").unwrap();
    let mut document = document(Path::new("subscription")).unwrap();
    document["points"]["pending_days"] = json!(7);
    let other = Chosen { file: "mine.json".into(), document: document.clone(), ..chosen("subscription") };
    let refused = other.begin(app).await.unwrap_err().to_string();
    let expected = "this database runs subscription by other versions than mine.json: serve it without --program, and put \
                    this one in force with `guilder program activate mine.json`";
    assert_eq!(refused, expected);
    store(app, document, Instant::MIN).await.unwrap();
    assert_eq!(other.begin(app).await.unwrap(), None, "now it is");
}

#[tokio::test]
async fn a_version_is_stored_compared_shown_and_then_put_in_force() {
    let database = Restarts::new();
    let cloud = database.start(None).await;
    let app = cloud.app("order-placed").unwrap();
    let now = at("2026-05-20T12:00:00Z");
    ensure(app).await.unwrap();
    let mut draft = document(Path::new("wholesale")).unwrap();
    draft["points"]["pending_days"] = json!(7);
    let big = json!({"id": "big", "name": "Big", "points": 5, "when": {"minimum_total": "900.00"}});
    draft["earning_rules"].as_array_mut().unwrap().push(big);
    draft.as_object_mut().unwrap().remove("metrics");
    let stored = store(app, draft.clone(), now).await.unwrap().to_string();
    assert_eq!(stored, "wholesale version 2 is stored, in force nowhere by that");
    let again = store(app, draft.clone(), now).await.unwrap().to_string();
    assert_eq!(again, "wholesale version 2 says this already; nothing was stored");

    let compared = compare(app, ["1", "2"]).await.unwrap();
    insta::assert_snapshot!(compared.to_string());
    let told = serde_json::to_value(&compared).unwrap();
    assert_eq!((&told["program"], &told["from"], &told["to"]), (&json!("wholesale"), &json!(1), &json!(2)));
    assert_eq!(told["added"][0]["path"], "$.earning_rules[\"big\"]");
    let same = compare(app, ["wholesale", "1"]).await.unwrap();
    assert_eq!(same.to_string(), "program wholesale, from wholesale to version 1\n\nnothing differs\n");
    assert_eq!(serde_json::to_value(&same).unwrap()["from"], json!({"file": "wholesale"}));
    let unknown = compare(app, ["1", "9"]).await.unwrap_err().to_string();
    assert_eq!(unknown, "the program wholesale has no version 9");

    let shown = show_version(app, 2, now).await.unwrap();
    assert!(shown.starts_with("program wholesale\n\n  in force nowhere\n\nversion 2\n\nprogram\n"), "{shown}");
    let shown = show_version(app, 1, now).await.unwrap();
    assert!(shown.starts_with("program wholesale\n\n  version 1    from the beginning of time  in force\n"), "{shown}");
    assert!(matches!(show_version(app, 9, now).await, Err(ProgramError::NoVersion { number: 9, .. })));
    assert!(matches!(put_in_force(app, 9, None, now).await, Err(ProgramError::NoVersion { number: 9, .. })));
    let activated = put_in_force(app, 2, None, now).await.unwrap().to_string();
    assert_eq!(activated, "wholesale version 2 is in force from 2026-05-20T12:02:00Z");
}

#[test]
fn a_check_says_every_fault_as_a_request_would() {
    let name = ProgramName::parse("wholesale").unwrap();
    assert!(check(document(Path::new("wholesale")).unwrap(), &name).is_ok());
    let mut faulty = document(Path::new("wholesale")).unwrap();
    faulty["currency"] = json!("Pound");
    faulty["points"]["shortfall"] = json!("owe_pending");
    faulty["points"]["pending_days"] = json!(0);
    let faults = check(faulty.clone(), &name).unwrap_err().to_string();
    assert!(faults.contains("\n  $.currency must be an ISO 4217"), "{faults}");
    faulty["currency"] = json!("GBP");
    let faults = check(faulty, &name).unwrap_err().to_string();
    assert!(faults.contains("\n  $.points.shortfall ") && faults.contains("(never_fires)"), "{faults}");
}
