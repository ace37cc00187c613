//! What the template allows each function is what it does, and nothing else.

use aws_sdk_dynamodb::types::AttributeValue;
use local::gateway::Request;
use serde_json::{Value as Json, json};
use serde_yaml_ng::Value;
use std::collections::{BTreeMap, BTreeSet};
use tests::network::Call;
use tests::{Cloud, at};

type Calls = BTreeMap<String, BTreeSet<Call>>;

/// One text or several.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Sequence(items) => items.iter().flat_map(texts).collect(),
        // `!GetAtt OrdersTable.Arn`, `!Sub '${AccountsTable.Arn}/index/due'`
        Value::Tagged(tagged) => texts(&tagged.value),
        Value::String(text) => vec![text.clone()],
        other => panic!("{other:?}"),
    }
}

/// The partitions of a table that a condition leaves, each as a path after the table; the whole of it without one.
fn partitions(condition: &Value) -> Vec<String> {
    if condition.is_null() {
        return vec![String::new()];
    }
    let (test, tested) = condition.as_mapping().unwrap().iter().next().unwrap();
    let keys = &tested["dynamodb:LeadingKeys"];
    assert_eq!((condition.as_mapping().unwrap().len(), tested.as_mapping().unwrap().len()), (1, 1), "{condition:?}");
    let keys = texts(keys);
    let has_pattern = keys.iter().any(|key| key.contains(['*', '?']));
    let expected = if has_pattern { "ForAllValues:StringLike" } else { "ForAllValues:StringEquals" };
    assert_eq!(test.as_str(), Some(expected));
    keys.into_iter().map(|key| format!("/{key}")).collect()
}

/// Whether what a policy allows covers a call; it may end with a `*`.
fn covers(allowed: &Call, call: &Call) -> bool {
    let same_place = match allowed.1.strip_suffix('*') {
        Some(beginning) => call.1.starts_with(beginning),
        None => call.1 == allowed.1,
    };
    allowed.0 == call.0 && same_place
}

/// What the template's policies allow, by function: actions on tables, by their names here, and on queues.
fn allowed() -> Calls {
    let document: Value = serde_yaml_ng::from_str(local::template::TEXT).unwrap();
    let mut allowed = Calls::new();
    for resource in document["Resources"].as_mapping().unwrap().values() {
        if resource["Type"].as_str() != Some("AWS::Serverless::Function") {
            continue;
        }
        let properties = &resource["Properties"];
        let name = properties["CodeUri"].as_str().unwrap().strip_prefix("functions/").unwrap();
        let calls = allowed.entry(name.to_owned()).or_default();
        let policies = properties["Policies"].as_sequence().into_iter().flatten();
        let statements = policies.flat_map(|policy| policy["Statement"].as_sequence().unwrap());
        for statement in statements {
            assert_eq!(statement["Effect"].as_str(), Some("Allow"));
            let partitions = partitions(&statement["Condition"]);
            for action in texts(&statement["Action"]) {
                let (service, action) = action.split_once(':').unwrap();
                for resource in texts(&statement["Resource"]) {
                    let resource = match (service, resource.strip_prefix("${")) {
                        ("dynamodb", Some(index)) => {
                            let (table, index) = index.split_once("Table.Arn}/").expect("an index of a table");
                            format!("{table}/{index}").to_lowercase()
                        }
                        ("dynamodb", None) => resource.strip_suffix("Table.Arn").expect("a table").to_lowercase(),
                        ("sqs", None) => resource.strip_suffix(".Arn").expect("a whole queue").to_owned(),
                        other => panic!("functions use tables, indexes and queues only, not {other:?}"),
                    };
                    for partition in &partitions {
                        let call = (action.to_owned(), format!("{resource}{partition}"));
                        assert!(!calls.contains(&call), "{name}: {call:?} twice");
                        calls.insert(call);
                    }
                }
            }
        }
    }
    allowed
}

/// Adds a tier by invitation.
fn invite(program: &mut Json) {
    let circle = json!({"id": "circle", "name": "Circle", "by_invitation": true, "multiplier": "2"});
    program["tiers"]["levels"].as_array_mut().unwrap().push(circle);
}

/// A cloud and what its functions were seen to do.
struct Watched {
    cloud: Cloud,
    seen: Calls,
    routes: BTreeSet<String>,
}

impl Watched {
    async fn new() -> Self {
        let per = json!({"count": 1, "months": 1});
        let perks = json!([{"id": "training", "name": "Training", "kind": "training", "count_per": per}]);
        let goods = json!({"sku": "MUG", "quantity": 1});
        let rewards = json!([
            {"id": "mug", "name": "Mug", "points": 1, "product": goods, "stock": 5,
             "per_account": {"count": 3, "period": "ever"}},
            {"id": "off", "name": "Off", "points": 1, "discount": {"percent": "5", "validity_days": 3}},
            {"id": "day", "name": "Day", "points": 1, "perk": {"perk": "training", "uses": 1}},
        ]);
        let cloud = Cloud::with(|program| {
            (program["perks"], program["rewards"]) = (perks, rewards);
            invite(program);
        })
        .await;
        Self { cloud, seen: Calls::new(), routes: BTreeSet::new() }
    }

    async fn invoke(&mut self, function: &str, event: Json) -> Json {
        let network = self.cloud.network().unwrap();
        network.record_calls();
        let answer = self.cloud.local().invoke(function, event).await.unwrap();
        self.seen.entry(function.to_owned()).or_default().extend(network.calls());
        answer
    }

    /// A request, whose answer must have this status.
    async fn ask(&mut self, method: &str, target: &str, body: &Json, status: u16) -> Json {
        let headers = vec![("idempotency-key".to_owned(), "key-1".to_owned())];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request { method: method.into(), target: target.into(), headers, body: body.into() };
        let invocation = self.cloud.local().invocation(&request).expect("a route");
        self.routes.insert(invocation.event["routeKey"].as_str().unwrap().to_owned());
        let answer = self.invoke(&invocation.function, invocation.event).await;
        assert_eq!(answer["statusCode"], status, "{method} {target}: {answer}");
        serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
    }

    /// An event of the bus, as its queue hands it over.
    async fn announce(&mut self, function: &str, detail_type: &str, detail: Json) {
        let body = json!({"source": "shop", "detail-type": detail_type, "detail": detail}).to_string();
        let message = json!({
            "messageId": "1", "receiptHandle": "1", "body": body, "attributes": {}, "messageAttributes": {},
            "eventSource": "aws:sqs", "awsRegion": "eu-west-1", "eventSourceARN": "arn:aws:sqs:eu-west-1:0:Queue",
        });
        let answer = self.invoke(function, json!({"Records": [message]})).await;
        assert_eq!(answer, json!({"batchItemFailures": []}), "{detail_type}");
    }

    async fn orders(&mut self) {
        let order = |id: &str| self.cloud.order(id).line("MUG", 1, "600.00");
        let (first, second) = (order("o-1"), order("o-2"));
        let score = self.ask("POST", "/v1/orders", &first.document(), 201).await;
        let code = score["discounts_issued"][0]["code"].as_str().unwrap().to_owned();
        self.ask("POST", "/v1/orders", &second.clone().code(&code).document(), 201).await;
        self.ask("POST", "/v1/orders", &first.document(), 200).await;
        self.ask("POST", "/v1/orders", &first.clone().line("CUP", 1, "1.00").document(), 409).await;
        let foreign = self.cloud.order("o-8").line("MUG", 1, "1.00").set("currency", json!("EUR"));
        self.ask("POST", "/v1/orders", &foreign.document(), 422).await;
        let announced = self.cloud.order("o-3").line("MUG", 1, "1.00").document();
        self.announce("order-placed", "OrderPlaced", announced).await;
        // Gives a discount back, withdraws another, makes it valid again; and a newer one from the bus.
        let amended = second.amended(1).line("MUG", 1, "400.00");
        self.ask("PUT", &amended.target(), &amended.document(), 200).await;
        self.ask("PUT", &amended.target(), &amended.document(), 200).await;
        let (below, above) = (first.amended(1).line("MUG", 1, "400.00"), first.amended(2).line("MUG", 1, "600.00"));
        self.ask("PUT", &below.target(), &below.document(), 200).await;
        self.announce("order-placed", "OrderAmended", above.document()).await;
        let paid = first.paid();
        for status in [201, 200] {
            self.ask("POST", &paid.target(), &paid.document(), status).await;
        }
        let early = self.cloud.order("o-10").line("MUG", 1, "1.00");
        self.ask("POST", &early.paid().target(), &early.paid().document(), 202).await;
        let (detail_type, detail) = early.paid().event();
        self.announce("order-placed", detail_type, detail).await;
        self.ask("POST", "/v1/orders", &early.document(), 201).await;
        let early = self.cloud.order("o-7").amended(5).line("MUG", 1, "1.00");
        self.ask("PUT", &early.target(), &early.document(), 201).await;
    }

    async fn returns(&mut self) {
        let order = self.cloud.order("o-1");
        let back = order.returned("r-1").units("1", 1);
        self.ask("POST", &back.target(), &back.document(), 201).await;
        self.ask("POST", &back.target(), &back.document(), 200).await;
        let cancelled = order.cancelled();
        self.ask("POST", &cancelled.target(), &cancelled.document(), 201).await;
        let early = self.cloud.order("o-9").line("MUG", 1, "1.00");
        for back in [early.returned("r-1").units("1", 1), early.returned("r-2").units("1", 1)] {
            self.ask("POST", &back.target(), &back.document(), 202).await;
        }
        let (detail_type, detail) = early.cancelled().event();
        self.announce("order-returned", detail_type, detail).await;
        self.ask("POST", "/v1/orders", &early.document(), 201).await;
        let (detail_type, detail) = self.cloud.order("o-2").returned("r-1").units("1", 1).event();
        self.announce("order-returned", detail_type, detail).await;
    }

    async fn credit_notes(&mut self) {
        let note = self.cloud.account("acme").credit_note("c-1").units("MUG", 1);
        self.ask("POST", &note.target(), &note.document(), 201).await;
        self.ask("POST", &note.target(), &note.document(), 200).await;
        self.ask("GET", &note.place(), &Json::Null, 200).await;
        let (detail_type, mut detail) = note.event();
        detail["return_id"] = json!("c-2");
        self.announce("order-returned", detail_type, detail).await;
        // One that is not done within its time.
        for id in ["o-5", "o-6"] {
            let order = self.cloud.order(id).line("CUP", 1, "1.00").document();
            self.ask("POST", "/v1/orders", &order, 201).await;
        }
        let hurried = self.cloud.hurried().await;
        let patient = std::mem::replace(&mut self.cloud, hurried);
        let note = patient.account("acme").credit_note("c-3").units("CUP", 2);
        self.ask("POST", &note.target(), &note.document(), 202).await;
        self.cloud = patient;
    }

    async fn accounts(&mut self) {
        let named = |vat_id: Option<&str>| json!({"name": "Acme", "email": "a@acme.example", "vat_id": vat_id});
        for vat_id in [Some("GB123456789"), Some("GB987654321"), None] {
            self.ask("PUT", "/v1/accounts/acme", &named(vat_id), 200).await;
        }
        self.ask("PUT", "/v1/accounts/acme", &named(None), 200).await;
        self.ask("PUT", "/v1/accounts/beta", &named(None), 409).await;
        let contact = json!({"name": "Ann", "role": "buyer", "locale": "en"});
        self.ask("PUT", "/v1/accounts/acme/contacts/ann", &contact, 201).await;
        self.ask("GET", "/v1/accounts/acme/contacts/ann", &Json::Null, 200).await;
        for (points, status) in [(5, 201), (5, 200), (6, 409)] {
            let document = json!({"points": points, "reason": "A test"});
            self.ask("POST", "/v1/accounts/acme/adjustments", &document, status).await;
        }
        self.ask("GET", "/v1/accounts/acme/entries", &Json::Null, 200).await;
        self.ask("GET", "/v1/accounts/nobody/entries", &Json::Null, 404).await;
        for status in [201, 200] {
            self.ask("POST", "/v1/accounts/acme/perks/training/uses", &Json::Null, status).await;
        }
        let level = json!({"tier": "circle", "reason": "A test"});
        self.ask("PUT", "/v1/accounts/acme/tier", &level, 200).await;
        self.ask("GET", "/v1/accounts/acme/prices?sku=MUG&list_price=2.50&quantity=12", &Json::Null, 200).await;
        self.rewards_redeemed().await;
        self.ask("GET", "/v1/orders/shop/o-1/score", &Json::Null, 200).await;
        self.surveys().await;
        self.program().await;
        // With a discount to show.
        let order = self.cloud.order("o-4").account("gamma").line("MUG", 1, "600.00").document();
        self.ask("POST", "/v1/orders", &order, 201).await;
        self.ask("GET", "/v1/accounts/gamma", &Json::Null, 200).await;
    }
}

impl Watched {
    /// One of each kind that points buy, and all of them given back. Each needs a key of its own: `ask` has one.
    async fn rewards_redeemed(&mut self) {
        self.ask("GET", "/v1/accounts/acme/rewards", &Json::Null, 200).await;
        let target = "/v1/accounts/acme/redemptions";
        for (reward, account) in [("mug", "acme"), ("off", "zeta"), ("day", "eta")] {
            let gift = json!({"points": 50, "reason": "A test"});
            if account != "acme" {
                self.ask("PUT", &format!("/v1/accounts/{account}"), &json!({"name": account}), 201).await;
                self.ask("POST", &format!("/v1/accounts/{account}/adjustments"), &gift, 201).await;
            }
            let target = target.replace("acme", account);
            let redeemed = self.ask("POST", &target, &json!({"reward": reward}), 201).await;
            self.ask("POST", &target, &json!({"reward": reward}), 200).await;
            let target = format!("{target}/{}/cancellation", redeemed["redemption_id"]);
            self.ask("POST", &target, &json!({"reason": "A test"}), 200).await;
        }
        self.ask("GET", target, &Json::Null, 200).await;
        // One more of the stock that is laid out.
        self.ask("PUT", "/v1/accounts/theta", &json!({"name": "Theta"}), 201).await;
        let gift = json!({"points": 50, "reason": "A test"});
        self.ask("POST", "/v1/accounts/theta/adjustments", &gift, 201).await;
        self.ask("POST", "/v1/accounts/theta/redemptions", &json!({"reward": "mug"}), 201).await;
    }

    /// A survey that is opened and closed, with an answer that is given, changed and repeated.
    async fn surveys(&mut self) {
        for status in [201, 200] {
            self.ask("PUT", "/v1/surveys/nps", &json!({"name": "Spring"}), status).await;
        }
        let answer = |score: u8| json!({"account_id": "acme", "contact_id": "ann", "score": score});
        for (score, status) in [(3, 201), (9, 200), (9, 200)] {
            self.ask("POST", "/v1/surveys/nps/answers", &answer(score), status).await;
        }
        self.ask("PUT", "/v1/surveys/nps", &json!({"name": "Spring", "status": "closed"}), 200).await;
        self.ask("POST", "/v1/surveys/nps/answers", &answer(5), 409).await;
        for target in ["nps", "nps/answers", "nps/answers?account_id=acme", ""] {
            self.ask("GET", format!("/v1/surveys/{target}").trim_end_matches('/'), &Json::Null, 200).await;
        }
        self.ask("GET", "/v1/surveys/none/answers", &Json::Null, 404).await;
    }

    /// A night that is run, and run again when some of what it kept is said to take several items; then all that is read
    /// of it.
    async fn nights(&mut self) {
        let today = self.cloud.now();
        self.cloud.set_clock("2011-03-02T04:00:00Z");
        for run in 1..=2 {
            let plan = self.invoke("metric-rollup", json!({"task": "plan"})).await;
            assert_eq!((&plan["date"], &plan["revision"]), (&json!("2011-03-01"), &json!(run)));
            for segment in plan["segments"].as_array().unwrap().clone() {
                self.invoke("metric-rollup", segment).await;
            }
            self.invoke("metric-rollup", plan).await;
            for (metric, period) in [("night#cohorts", "2011-03-01"), ("period#tier", "2011-03")] {
                let update = self.cloud.local().client().update_item();
                let update = update.table_name(&self.cloud.app().config().tables.metrics);
                let update = update.key("metric", AttributeValue::S(metric.to_owned()));
                let update = update.key("period", AttributeValue::S(period.to_owned()));
                let update = update.update_expression("SET pieces = :pieces");
                let pieces = AttributeValue::N(if run == 1 { "1" } else { "0" }.to_owned());
                update.expression_attribute_values(":pieces", pieces).send().await.unwrap();
            }
        }
        for target in ["", "?period=lifetime&by=segment", "/nights/2011-03-01", "/retention", "/accounts"] {
            self.ask("GET", &format!("/v1/metrics{target}"), &Json::Null, 200).await;
        }
        self.ask("GET", "/v1/accounts/acme/insights", &Json::Null, 200).await;
        self.cloud.set_instant(today);
    }

    /// A version that is stored, shown, compared, tried and put in force.
    async fn program(&mut self) {
        let mut version: Json = serde_json::from_str(&tests::WHOLESALE.replace("500.00", "600.00")).unwrap();
        invite(&mut version);
        for status in [201, 200] {
            self.ask("POST", "/v1/program/versions", &version, status).await;
        }
        for target in ["versions", "versions/2", "versions/1/diff/2", "active"] {
            self.ask("GET", &format!("/v1/program/{target}"), &Json::Null, 200).await;
        }
        self.ask("GET", "/v1/program/versions/3", &Json::Null, 404).await;
        let order = self.cloud.order("tried").line("MUG", 1, "600.00");
        for query in ["dry_run=true", "dry_run=true&version=2"] {
            self.ask("POST", &format!("/v1/orders?{query}"), &order.document(), 201).await;
        }
        for _ in 0..2 {
            self.ask("PUT", "/v1/program/active", &json!({"version": 2}), 200).await;
        }
    }

    /// A membership that is paid for, and somebody who is excluded from something.
    async fn memberships(&mut self) {
        self.cloud = Cloud::with(|program| program["membership"] = json!({"kind": "paid", "months": 12})).await;
        self.ask("PUT", "/v1/accounts/acme", &json!({"name": "Acme"}), 201).await;
        for status in [201, 200] {
            self.ask("POST", "/v1/accounts/acme/membership/payments", &Json::Null, status).await;
        }
        let excluded = json!({"excluded_from": ["discounts"], "reason": "A test"});
        self.ask("PUT", "/v1/accounts/acme/membership", &excluded, 200).await;
        let mut invitation = Json::Null;
        for status in [201, 200] {
            invitation = self.ask("POST", "/v1/invitations", &json!({"uses": 1}), status).await;
        }
        let code = invitation["invitation_code"].as_str().unwrap().to_owned();
        let invited = json!({"name": "Beta", "invitation_code": code});
        self.ask("PUT", "/v1/accounts/beta", &invited, 201).await;
        self.ask("PUT", "/v1/accounts/gamma", &invited, 422).await;
        self.ask("GET", "/v1/invitations", &Json::Null, 200).await;
        let place = format!("/v1/invitations/{code}");
        self.ask("GET", &place, &Json::Null, 200).await;
        self.ask("DELETE", &place, &Json::Null, 200).await;
    }

    /// Referrals: codes, redemptions with and without a review, an order that qualifies one, is amended and comes back,
    /// a reward that is given and taken back.
    async fn referrals(&mut self) {
        let gift = json!({"id": "thanks", "name": "Thanks", "percent": "15", "validity_days": 90});
        let rewards = json!([{"from": 1, "points": 500, "discount": gift}]);
        self.cloud = Cloud::with(|program| program["referral"]["rewards"] = rewards).await;
        let acme = json!({"name": "Acme", "email": "office@acme.example", "vat_id": "GB999999973"});
        self.ask("PUT", "/v1/accounts/acme", &acme, 201).await;
        for status in [201, 200] {
            self.ask("POST", "/v1/accounts/acme/referral-code", &json!({}), status).await;
        }
        let contact = json!({"name": "Ann", "role": "buyer", "locale": "en"});
        self.ask("PUT", "/v1/accounts/acme/contacts/ann", &contact, 201).await;
        self.ask("POST", "/v1/accounts/acme/referral-code", &json!({"contact_id": "ann"}), 201).await;
        let codes = self.ask("GET", "/v1/accounts/acme/referral-codes", &Json::Null, 200).await;
        let code = self.cloud.referral_code(codes["referral_codes"][0]["referral_code"].as_str().unwrap());
        let limited = json!({"status": "active", "redemptions_left": 3});
        self.ask("PUT", &code.path(""), &limited, 200).await;
        let redeeming = code.prospect(1).target();
        let redeemed = self.ask("POST", &redeeming, &code.prospect(1).document(), 201).await;
        self.ask("POST", &redeeming, &code.prospect(1).document(), 200).await;
        for (number, verdict) in [(2, "/approval"), (3, "/rejection")] {
            let suspect = code.prospect(number).set("email", json!(format!("p-{number}@acme.example")));
            let waits = suspect.redeem().await.expect(201);
            self.ask("GET", "/v1/referrals/reviews", &Json::Null, 200).await;
            let waits = code.redemption(waits["redemption_id"].as_str().unwrap());
            self.ask("POST", &waits.path(verdict), &Json::Null, 200).await;
        }
        self.ask("GET", &code.path(""), &Json::Null, 200).await;
        self.ask("GET", &code.path("/redemptions"), &Json::Null, 200).await;
        let redemption = code.redemption(redeemed["redemption_id"].as_str().unwrap());
        self.ask("GET", &redemption.path(""), &Json::Null, 200).await;
        self.rewards().await;
    }

    /// What an order does to a redemption, and that to the referrer.
    async fn rewards(&mut self) {
        let order = self.cloud.order("o-1").account("p-1").line("MUG", 10, "30.00");
        self.ask("POST", "/v1/orders", &order.document(), 201).await;
        let amended = order.amended(1).line("MUG", 10, "31.00");
        self.ask("PUT", &amended.target(), &amended.document(), 200).await;
        for (day, back) in [("2011-03-31", Some(order.returned("r-1").units("1", 5))), ("2011-03-31", None)] {
            self.cloud.set_instant(at(&format!("{day}T12:00:00Z")));
            let task = json!({"task": "walk", "day": day, "shard": crate::walker::shard_of("p-1")});
            self.invoke("account-review", task).await;
            if let Some(back) = back {
                self.ask("POST", &back.target(), &back.document(), 201).await;
            }
        }
        let acme = self.cloud.account("acme").history().await;
        assert_eq!(acme[0]["changes"][0]["type"], "referral.taken_back");
    }

    /// Orders that use a budget over all accounts, the first and a later one, by somebody whose role is asked for.
    async fn limits(&mut self) {
        let rule = json!({"id": "spring", "name": "Spring", "points": 5, "budget": 1_000,
                          "when": {"contact_roles": ["buyer"]}});
        self.cloud = Cloud::with(|program| program["earning_rules"].as_array_mut().unwrap().push(rule)).await;
        let order = |id: &str| self.cloud.order(id).line("MUG", 1, "1.00").set("contact_id", json!("ann"));
        let (first, later) = (order("o-1"), order("o-2"));
        let contact = json!({"name": "Ann", "role": "buyer", "locale": "en"});
        self.ask("PUT", "/v1/accounts/acme", &json!({"name": "Acme"}), 201).await;
        self.ask("PUT", "/v1/accounts/acme/contacts/ann", &contact, 201).await;
        for order in [first, later] {
            let scored = self.ask("POST", "/v1/orders", &order.document(), 201).await;
            assert_eq!(scored["points"], 6);
        }
        self.simulation().await;
    }

    /// A simulation of a program with a budget: counted, what orders want, replayed, shown.
    async fn simulation(&mut self) {
        let asked = json!({"version": 1});
        let begun = self.ask("POST", "/v1/program/simulations", &asked, 202).await;
        for step in 1..4 {
            let detail = json!({"simulation": begun["id"], "step": step});
            self.announce("simulation", simulation::CONTINUED, detail).await;
        }
        let place = format!("/v1/program/simulations/{}", begun["id"].as_str().unwrap());
        assert_eq!(self.ask("GET", &place, &Json::Null, 200).await["state"], "done");
        self.ask("POST", "/v1/program/simulations", &asked, 200).await;
    }

    /// Both walks over what falls due: a warning with its contact, something that has ended, an account that fails, is
    /// set aside and mended, a day that closes.
    async fn walks(&mut self) {
        self.cloud = Cloud::with(crate::walks::with_reviews).await;
        let contact = json!({"name": "Ann", "role": "buyer", "locale": "en"});
        for id in ["acme", "beta"] {
            let order = self.cloud.order(&format!("o-{id}")).account(id).line("MUG", 1, "1200.00");
            order.send().await.expect(201);
            self.cloud.account(id).put_contact("ann", contact.clone()).await.expect(201);
        }
        let (client, table) = (self.cloud.local().client().clone(), self.cloud.app().config().tables.accounts.clone());
        let put = async |item| drop(client.put_item().table_name(&table).set_item(Some(item)).send().await.unwrap());
        // Where both are filed by then.
        for (day, filed, function) in
            [("2011-03-25", "2011-03-24", "discount-expiry"), ("2011-04-28", "2011-03-29", "account-review")]
        {
            let key = AttributeValue::S("beta".to_owned());
            let item = client.get_item().table_name(&table).key("account_id", key).send().await.unwrap().item.unwrap();
            let mut corrupt = item.clone();
            corrupt.remove("tier");
            self.cloud.set_instant(at(&format!("{day}T02:00:00Z")));
            for stored in [corrupt, item] {
                put(stored).await;
                let plan = self.invoke(function, json!({"task": "plan"})).await;
                self.invoke(function, plan["stages"][0][0].clone()).await;
                for id in ["acme", "beta"] {
                    let shard = crate::walker::shard_of(id);
                    self.invoke(function, json!({"task": "walk", "day": filed, "shard": shard})).await;
                }
            }
        }
        // A version that files every account anew, and a plan that notes that all are.
        let mut document: Json = serde_json::from_str(tests::WHOLESALE).unwrap();
        crate::walks::with_reviews(&mut document);
        document["warnings"]["points_expiring_days"] = json!([14]);
        self.cloud.activate_from(document, "2011-04-28T03:00:00Z").await;
        self.cloud.set_clock("2011-04-28T04:00:00Z");
        for function in ["discount-expiry", "account-review"] {
            let plan = self.invoke(function, json!({"task": "plan"})).await;
            for task in plan["stages"][0].as_array().unwrap() {
                self.invoke(function, task.clone()).await;
            }
            self.invoke(function, json!({"task": "plan"})).await;
        }
    }
}

#[tokio::test]
async fn functions_may_do_what_they_do_and_nothing_else() {
    let mut watched = Watched::new().await;
    if !watched.cloud.is_embedded() {
        return;
    }
    watched.orders().await;
    watched.returns().await;
    watched.credit_notes().await;
    watched.accounts().await;
    watched.nights().await;
    // Two secrets: claims under the older one are looked for, too.
    watched.cloud = watched.cloud.with_other_secrets("1:a secret for tests only,2:another for tests only").await;
    watched.ask("PUT", "/v1/accounts/delta", &json!({"name": "Delta", "vat_id": "GB111111111"}), 201).await;
    let prospect = watched.cloud.referrer("epsilon").await.prospect(5);
    watched.ask("POST", &prospect.target(), &prospect.document(), 201).await;
    watched.memberships().await;
    watched.referrals().await;
    watched.walks().await;
    watched.limits().await;

    let template = local::template::Template::embedded().unwrap();
    let routes = template.functions.iter().flat_map(|function| &function.routes);
    let routes: BTreeSet<_> = routes.map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(watched.routes, routes, "every route, and so every way to the tables");
    for (function, allowed) in allowed() {
        let seen = &watched.seen[&function];
        let forbidden: Vec<_> = seen.iter().filter(|call| !allowed.iter().any(|by| covers(by, call))).collect();
        let needless: Vec<_> = allowed.iter().filter(|by| !seen.iter().any(|call| covers(by, call))).collect();
        assert!(forbidden.is_empty(), "{function} does {forbidden:?}, which its policies do not allow");
        assert!(needless.is_empty(), "{function} may {needless:?} and never does");
    }
}
