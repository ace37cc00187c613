//! What the template allows each function is what it does, and nothing else.

mod accounts;
mod policies;
mod referrals;
mod trade;

use crate::event_schemas::{self, RARE, Schemas};
use aws_sdk_dynamodb::types::AttributeValue;
use local::gateway::Request;
use policies::{Calls, allowed, covers};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use tests::{Cloud, at};

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
    /// The types of events that were announced.
    events: BTreeSet<String>,
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
        cloud.listen();
        Self { cloud, seen: Calls::new(), routes: BTreeSet::new(), events: BTreeSet::new() }
    }

    async fn invoke(&mut self, function: &str, event: Json) -> Json {
        let network = self.cloud.network().unwrap();
        network.record_calls();
        let answer = self.cloud.local().invoke(function, event).await.unwrap();
        self.seen.entry(function.to_owned()).or_default().extend(network.calls());
        answer
    }

    /// Goes on with another cloud, once all is announced that happened in this one.
    async fn turn_to(&mut self, cloud: Cloud) {
        self.announced().await;
        self.cloud = cloud;
        self.cloud.listen();
    }

    /// What the stream holds, announced by its function; every event must be as its schema says.
    async fn announced(&mut self) {
        let (cloud, schemas) = (self.cloud.clone(), Schemas::published());
        let network = cloud.network().unwrap();
        let mut calls = BTreeSet::new();
        let invoke = async |event| {
            network.record_calls();
            let answer = cloud.local().invoke("events-out", event).await;
            calls.extend(network.calls());
            answer
        };
        let announced = event_schemas::announce(&cloud, invoke).await;
        self.seen.entry("events-out".to_owned()).or_default().extend(calls);
        for sent in announced {
            schemas.check(&sent);
            self.events.insert(sent.detail_type);
            let call = ("PutEvents".to_owned(), "EventsBus".to_owned());
            self.seen.entry("events-out".to_owned()).or_default().insert(call);
        }
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

    /// Both walks over what falls due: a warning with its contact, something that has ended, an account that fails, is
    /// set aside and mended, a day that closes.
    async fn walks(&mut self) {
        self.turn_to(Cloud::with(crate::walks::with_reviews).await).await;
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
    watched.erased().await;
    watched.nights().await;
    // Two secrets: claims under the older one are looked for, too.
    let other = watched.cloud.with_other_secrets("1:a secret for tests only,2:another for tests only").await;
    watched.turn_to(other).await;
    watched.ask("PUT", "/v1/accounts/delta", &json!({"name": "Delta", "vat_id": "GB111111111"}), 201).await;
    let prospect = watched.cloud.referrer("epsilon").await.prospect(5);
    watched.ask("POST", &prospect.target(), &prospect.document(), 201).await;
    watched.memberships().await;
    watched.referrals().await;
    watched.walks().await;
    watched.limits().await;
    watched.shared_codes().await;
    watched.reservations().await;
    for target in crate::requests::OPEN {
        watched.ask("GET", target, &Json::Null, 200).await;
    }
    let resend = json!({"task": "resend", "account_id": "acme", "first": 1, "last": 2});
    watched.invoke("events-out", resend).await;
    watched.announced().await;

    let template = local::template::Template::embedded().unwrap();
    let routes = template.functions.iter().flat_map(|function| &function.routes);
    let routes: BTreeSet<_> = routes.map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(watched.routes, routes, "every route, and so every way to the tables");
    let schemas = Schemas::published();
    let unseen: BTreeSet<_> = schemas.types().filter(|kind| !watched.events.contains(*kind)).collect();
    assert_eq!(unseen, BTreeSet::from(RARE), "every schema is one of events that are announced");
    for (function, allowed) in allowed() {
        let seen = &watched.seen[&function];
        let forbidden: Vec<_> = seen.iter().filter(|call| !allowed.iter().any(|by| covers(by, call))).collect();
        let needless: Vec<_> = allowed.iter().filter(|by| !seen.iter().any(|call| covers(by, call))).collect();
        assert!(forbidden.is_empty(), "{function} does {forbidden:?}, which its policies do not allow");
        assert!(needless.is_empty(), "{function} may {needless:?} and never does");
    }
}
