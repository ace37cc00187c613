//! Bad input: every kind of it is answered with a problem document that says what is wrong and where, and nothing of
//! it is written.

mod uses;

use serde_json::{Value, json};
use tests::Reply;
use tests::{Cloud, authorizer};

/// What a row sends.
enum Sent {
    /// A good order with something done to it.
    Order(fn(&mut Value)),
    /// A good account with something done to it.
    Account(fn(&mut Value)),
    /// A good contact with something done to it.
    Contact(fn(&mut Value)),
    /// This very body, as an order.
    Body(Vec<u8>),
    /// A request without a body.
    Get(String),
    /// An event straight to `order-placed`, as the gateway of API Gateway makes it.
    Event { body: String, is_base64: bool },
}
use Sent::{Account, Body, Contact, Event, Get, Order};

struct Row {
    name: &'static str,
    sent: Sent,
    status: u16,
    kind: &'static str,
    paths: &'static [&'static str],
}

fn row(name: &'static str, sent: Sent, status: u16, kind: &'static str, paths: &'static [&'static str]) -> Row {
    Row { name, sent, status, kind, paths }
}

/// A row about the document of an order: 422 `invalid-document`.
fn order(name: &'static str, change: fn(&mut Value), paths: &'static [&'static str]) -> Row {
    row(name, Order(change), 422, "invalid-document", paths)
}

fn good_order() -> Value {
    json!({
        "source": "shop", "order_id": "bad-1", "account_id": "acme", "placed_at": "2011-03-01T12:00:00Z",
        "currency": "GBP",
        "lines": [
            {"line_id": "1", "sku": "MUG", "quantity": 2, "unit_price": "12.50"},
            {"line_id": "2", "sku": "CUP", "quantity": 1, "amount": "3.00"},
        ],
    })
}

fn many_lines(count: usize) -> Value {
    let line = |n: usize| json!({"line_id": n.to_string(), "sku": "MUG", "quantity": 1, "amount": "1.00"});
    (0..count).map(line).collect()
}

fn bodies() -> Vec<Row> {
    let not_json = |name, body: &[u8]| row(name, Body(body.to_vec()), 400, "not-json", &[]);
    let no_object = |name, body: &[u8]| row(name, Body(body.to_vec()), 422, "invalid-document", &["$"]);
    let mut rows = vec![
        not_json("no body", b""),
        not_json("half a body", b"{\"source\": \"shop\""),
        not_json("words", b"one mug please"),
        not_json("two documents", b"{}{}"),
        not_json("no UTF-8", b"{\"source\": \"\xff\"}"),
        not_json("a number beyond any", b"{\"source\": 1e400}"),
        not_json("nested too deep", "[".repeat(100_000).as_bytes()),
        no_object("null", b"null"),
        no_object("an array", b"[]"),
        no_object("a text", b"\"order\""),
        row("6 MB and a byte", Body(vec![b' '; 6 * 1024 * 1024 + 1]), 413, "payload-too-large", &[]),
        row(
            "6 MB and a byte past the gateway",
            Event { body: " ".repeat(6 * 1024 * 1024 + 1), is_base64: false },
            413,
            "payload-too-large",
            &[],
        ),
        row(
            "6 MB and a byte in base64",
            Event { body: "ICAg".repeat(2 * 1024 * 1024 + 1), is_base64: true },
            413,
            "payload-too-large",
            &[],
        ),
        row("no base64", Event { body: "not base64!".to_owned(), is_base64: true }, 400, "not-base64", &[]),
        row("base64 of no JSON", Event { body: "bm8=".to_owned(), is_base64: true }, 400, "not-json", &[]),
    ];
    rows.push(row(
        "no fields",
        Body(b"{}".to_vec()),
        422,
        "invalid-document",
        &["$.source", "$.order_id", "$.account_id", "$.placed_at", "$.currency", "$.lines"],
    ));
    rows
}

fn fields() -> Vec<Row> {
    vec![
        order(
            "unknown fields",
            |o| {
                o["payment_status"] = json!("paid");
                o["lines"][1]["colour"] = json!("red");
                o["a b"] = json!(1);
            },
            &["$[\"a b\"]", "$.payment_status", "$.lines[1].colour"],
        ),
        order("null is missing", |o| o["currency"] = json!(null), &["$.currency"]),
        order(
            "wrong types",
            |o| {
                o["source"] = json!(1);
                o["order_id"] = json!(["o"]);
                o["account_id"] = json!({});
                o["placed_at"] = json!(1_298_980_800);
                o["currency"] = json!(true);
                o["discount_codes"] = json!("CODE");
            },
            &["$.source", "$.order_id", "$.account_id", "$.placed_at", "$.currency", "$.discount_codes"],
        ),
    ]
}

fn lines_and_codes() -> Vec<Row> {
    vec![
        order("lines that are none", |o| o["lines"] = json!({"1": {}}), &["$.lines"]),
        order("a line that is none", |o| o["lines"][0] = json!("MUG"), &["$.lines[0]"]),
        order(
            "a line without anything",
            |o| o["lines"][0] = json!({}),
            &["$.lines[0].line_id", "$.lines[0].sku", "$.lines[0].quantity", "$.lines[0].unit_price"],
        ),
        order("no lines", |o| o["lines"] = json!([]), &["$.lines"]),
        order("5,001 lines", |o| o["lines"] = many_lines(5_001), &["$.lines"]),
        order("duplicate line ids", |o| o["lines"][1]["line_id"] = json!("1"), &["$.lines[1].line_id"]),
        order("two prices", |o| o["lines"][0]["amount"] = json!("25.00"), &["$.lines[0].amount"]),
        order("an unknown payment state", |o| o["payment_state"] = json!("authorized"), &["$.payment_state"]),
        order("unknown currency", |o| o["currency"] = json!("QQQ"), &["$.currency"]),
        order("currency in small letters", |o| o["currency"] = json!("gbp"), &["$.currency"]),
        row("another currency", Order(|o| o["currency"] = json!("EUR")), 422, "foreign-currency", &["$.currency"]),
        order(
            "nine tags",
            |o| o["lines"][0]["tags"] = json!(["a", "b", "c", "d", "e", "f", "g", "h", "i"]),
            &["$.lines[0].tags"],
        ),
        order("eleven codes", |o| o["discount_codes"] = json!(vec!["00000000000"; 11]), &["$.discount_codes"]),
        order(
            "a code that is none",
            |o| o["discount_codes"] = json!(["0000000000U", "FREE"]),
            &["$.discount_codes[0]", "$.discount_codes[1]"],
        ),
        order(
            "a code twice",
            |o| o["discount_codes"] = json!(["00000000000", "OOOOO-OOOOOO"]),
            &["$.discount_codes[1]"],
        ),
        row(
            "an unknown code",
            Order(|o| o["discount_codes"] = json!(["00000000000"])),
            422,
            "discount-unknown",
            &["$.discount_codes[0]"],
        ),
        order(
            "every fault at once",
            |o| {
                o["order_id"] = json!("");
                o["placed_at"] = json!("yesterday");
                o["lines"][0]["quantity"] = json!(0);
                o["lines"][1]["amount"] = json!("1.001");
            },
            &["$.order_id", "$.placed_at", "$.lines[0].quantity", "$.lines[1].amount"],
        ),
    ]
}

fn quantities_and_amounts() -> Vec<Row> {
    const QUANTITY: &[&str] = &["$.lines[0].quantity"];
    const PRICE: &[&str] = &["$.lines[0].unit_price"];
    const AMOUNT: &[&str] = &["$.lines[1].amount"];
    vec![
        order("quantity zero", |o| o["lines"][0]["quantity"] = json!(0), QUANTITY),
        order("quantity negative", |o| o["lines"][0]["quantity"] = json!(-1), QUANTITY),
        order("quantity huge", |o| o["lines"][0]["quantity"] = json!(1_000_000_001), QUANTITY),
        order("quantity beyond 64 bits", |o| o["lines"][0]["quantity"] = json!(1e30), QUANTITY),
        order("quantity fractional", |o| o["lines"][0]["quantity"] = json!(1.5), QUANTITY),
        order("quantity a text", |o| o["lines"][0]["quantity"] = json!("2"), QUANTITY),
        order("quantity a boolean", |o| o["lines"][0]["quantity"] = json!(true), QUANTITY),
        order("quantity null", |o| o["lines"][0]["quantity"] = json!(null), QUANTITY),
        order("price with seven decimals", |o| o["lines"][0]["unit_price"] = json!("1.0000001"), PRICE),
        order("price negative", |o| o["lines"][0]["unit_price"] = json!("-0.01"), PRICE),
        order("price a number", |o| o["lines"][0]["unit_price"] = json!(12.5), PRICE),
        order("price with a comma", |o| o["lines"][0]["unit_price"] = json!("12,50"), PRICE),
        order("price with an exponent", |o| o["lines"][0]["unit_price"] = json!("1e3"), PRICE),
        order("price not a number", |o| o["lines"][0]["unit_price"] = json!("NaN"), PRICE),
        order("price empty", |o| o["lines"][0]["unit_price"] = json!(""), PRICE),
        order("price beyond 64 bits", |o| o["lines"][0]["unit_price"] = json!("9223372036855"), PRICE),
        order("amount with three decimals", |o| o["lines"][1]["amount"] = json!("1.001"), AMOUNT),
        order("amount negative", |o| o["lines"][1]["amount"] = json!("-1.00"), AMOUNT),
        order("amount beyond 64 bits", |o| o["lines"][1]["amount"] = json!("92233720368547758.08"), AMOUNT),
        order(
            "decimals that the currency has not",
            |o| {
                o["currency"] = json!("JPY");
                o["lines"][1]["amount"] = json!("1.5");
            },
            AMOUNT,
        ),
        order("shipping negative", |o| o["shipping"] = json!("-1"), &["$.shipping"]),
        order("discount above the line", |o| o["lines"][1]["discount"] = json!("3.01"), &["$.lines[1].discount"]),
        order("discount negative", |o| o["lines"][1]["discount"] = json!("-3.01"), &["$.lines[1].discount"]),
        order("tax with three decimals", |o| o["lines"][1]["tax"] = json!("0.001"), &["$.lines[1].tax"]),
        order(
            "a line beyond 64 bits",
            |o| {
                o["lines"][0]["quantity"] = json!(1_000_000_000);
                o["lines"][0]["unit_price"] = json!("9223372036854");
            },
            &["$.lines[0]", "$.lines"],
        ),
        order(
            "a total beyond 64 bits",
            |o| {
                o["lines"][1]["amount"] = json!("92233720368547758.07");
            },
            &["$.lines"],
        ),
        order(
            "a total with shipping beyond 64 bits",
            |o| {
                o["lines"] = json!([{"line_id": "1", "sku": "MUG", "quantity": 1, "amount": "92233720368547758.07"}]);
                o["shipping"] = json!("0.01");
            },
            &["$.lines"],
        ),
    ]
}

fn times() -> Vec<Row> {
    const PLACED: &[&str] = &["$.placed_at"];
    vec![
        order("no offset", |o| o["placed_at"] = json!("2011-03-01T12:00:00"), PLACED),
        order("a date", |o| o["placed_at"] = json!("2011-03-01"), PLACED),
        order("no such day", |o| o["placed_at"] = json!("2011-02-29T12:00:00Z"), PLACED),
        order("before 1970", |o| o["placed_at"] = json!("1969-12-31T23:59:59Z"), PLACED),
        order("the year 9999", |o| o["placed_at"] = json!("9999-12-31T23:59:59Z"), PLACED),
        order("a zone's name", |o| o["placed_at"] = json!("2011-03-01T12:00:00+00:00[Europe/London]"), PLACED),
        row("next year", Order(|o| o["placed_at"] = json!("2012-03-01T12:00:00Z")), 422, "placed-in-future", PLACED),
        row(
            "a day and a millisecond ahead",
            Order(|o| o["placed_at"] = json!("2011-03-02T12:00:00.001Z")),
            422,
            "placed-in-future",
            PLACED,
        ),
    ]
}

fn ids() -> Vec<Row> {
    fn long() -> Value {
        json!("x".repeat(300))
    }
    const LINE: &[&str] = &["$.lines[0].line_id"];
    const SKU: &[&str] = &["$.lines[0].sku"];
    vec![
        order("order id empty", |o| o["order_id"] = json!(""), &["$.order_id"]),
        order("order id of 300", |o| o["order_id"] = long(), &["$.order_id"]),
        order("order id of 65", |o| o["order_id"] = json!("x".repeat(65)), &["$.order_id"]),
        order("order id with #", |o| o["order_id"] = json!("a#b"), &["$.order_id"]),
        order("order id with /", |o| o["order_id"] = json!("a/b"), &["$.order_id"]),
        order("order id with a control character", |o| o["order_id"] = json!("a\u{7}"), &["$.order_id"]),
        order("order id with a zero byte", |o| o["order_id"] = json!("a\u{0}"), &["$.order_id"]),
        order("order id with an emoji", |o| o["order_id"] = json!("😀"), &["$.order_id"]),
        order("order id with a space", |o| o["order_id"] = json!("a b"), &["$.order_id"]),
        order("source empty", |o| o["source"] = json!(""), &["$.source"]),
        order("source of 300", |o| o["source"] = long(), &["$.source"]),
        order("source with #", |o| o["source"] = json!("shop#1"), &["$.source"]),
        order("account id empty", |o| o["account_id"] = json!(""), &["$.account_id"]),
        order("account id of 41", |o| o["account_id"] = json!("x".repeat(41)), &["$.account_id"]),
        order("account id with an emoji", |o| o["account_id"] = json!("acme😀"), &["$.account_id"]),
        order("contact id with /", |o| o["contact_id"] = json!("a/b"), &["$.contact_id"]),
        order("line id empty", |o| o["lines"][0]["line_id"] = json!(""), LINE),
        order("line id of 300", |o| o["lines"][0]["line_id"] = long(), LINE),
        order("line id a number", |o| o["lines"][0]["line_id"] = json!(1), LINE),
        order("SKU empty", |o| o["lines"][0]["sku"] = json!(""), SKU),
        order("SKU of 65", |o| o["lines"][0]["sku"] = json!("x".repeat(65)), SKU),
        order("SKU with a control character", |o| o["lines"][0]["sku"] = json!("a\nb"), SKU),
    ]
}

fn paths_and_queries() -> Vec<Row> {
    let get = |name, target: &str, paths| row(name, Get(target.to_owned()), 400, "invalid-parameter", paths);
    vec![
        get("path id of 300", &format!("/v1/accounts/{}", "x".repeat(300)), &["account_id"]),
        get("path id with #", "/v1/accounts/a%23b", &["account_id"]),
        get("path id with /", "/v1/accounts/a%2Fb", &["account_id"]),
        get("path id with a control character", "/v1/accounts/a%07", &["account_id"]),
        get("path id with an emoji", "/v1/accounts/%F0%9F%98%80", &["account_id"]),
        get("path id that is no UTF-8", "/v1/accounts/%FF", &["account_id"]),
        get("order of a bad source", "/v1/orders/a%23b/o-1/score", &["source"]),
        get("order of a bad id", "/v1/orders/shop/a%23b/score", &["order_id"]),
        get("a cursor that is none", "/v1/accounts/acme/entries?cursor=none", &["cursor"]),
        get("a limit that is none", "/v1/accounts/acme/entries?limit=-1", &["limit"]),
        row("an unknown account", Get("/v1/accounts/nobody".to_owned()), 404, "unknown-account", &[]),
        row("an unknown order", Get("/v1/orders/shop/none/score".to_owned()), 404, "unknown-order", &[]),
        row("an unknown route", Get("/v1/nothing".to_owned()), 404, "not-found", &[]),
        row("another method", Get("/v1/orders".to_owned()), 405, "method-not-allowed", &[]),
    ]
}

fn accounts_and_contacts() -> Vec<Row> {
    fn long() -> Value {
        json!("x".repeat(10_000))
    }
    let account = |name, change, paths| row(name, Account(change), 422, "invalid-document", paths);
    let contact = |name, change, paths| row(name, Contact(change), 422, "invalid-document", paths);
    vec![
        account("name missing", |a| a["name"] = json!(null), &["$.name"]),
        account("name blank", |a| a["name"] = json!("  "), &["$.name"]),
        account("name of 201", |a| a["name"] = json!("x".repeat(201)), &["$.name"]),
        account("e-mail without @", |a| a["email"] = json!("acme.example"), &["$.email"]),
        account("e-mail with a line break", |a| a["email"] = json!("a@b.example\nBcc: c@d.example"), &["$.email"]),
        account("e-mail at no domain", |a| a["email"] = json!("a@xn--a.example"), &["$.email"]),
        account("VAT id with symbols", |a| a["vat_id"] = json!("GB12#4"), &["$.vat_id"]),
        account("VAT id of no German shape", |a| a["vat_id"] = json!("DE12345678"), &["$.vat_id"]),
        account("VAT id with a wrong check digit", |a| a["vat_id"] = json!("DE136695977"), &["$.vat_id"]),
        account("VAT id of 10,000", |a| a["vat_id"] = json!("US".repeat(5_000)), &["$.vat_id"]),
        account("VAT id without letters or country", |a| a["vat_id"] = json!("136695976"), &["$.vat_id"]),
        account("e-mail of 10,000", |a| a["email"] = json!(format!("{}@b.example", "a".repeat(10_000))), &["$.email"]),
        account("country of no letters", |a| a["country"] = json!("276"), &["$.country"]),
        account("country of 10,000", |a| a["country"] = long(), &["$.country"]),
        account("phone of six digits", |a| a["phone"] = json!("123 456"), &["$.phone"]),
        account("phone with an extension", |a| a["phone"] = json!("020 7946 0958 ext. 1"), &["$.phone"]),
        account("phone of 10,000", |a| a["phone"] = json!("1".repeat(10_000)), &["$.phone"]),
        account(
            "address without a country",
            |a| a["address"] = json!({"street": "12 High St", "city": "London"}),
            &["$.country"],
        ),
        account(
            "address of 10,000 each, and all else wrong",
            |a| {
                a["name"] = long();
                a["country"] = json!("GB");
                a["vat_id"] = json!("GB1");
                a["phone"] = json!(true);
                a["address"] = json!({"street": long(), "postal_code": long(), "city": long(), "floor": 2});
            },
            &[
                "$.name",
                "$.vat_id",
                "$.phone",
                "$.address.floor",
                "$.address.street",
                "$.address.postal_code",
                "$.address.city",
            ],
        ),
        account(
            "nine segments",
            |a| a["segments"] = json!(["1", "2", "3", "4", "5", "6", "7", "8", "9"]),
            &["$.segments"],
        ),
        account("segment of 17", |a| a["segments"] = json!(["x".repeat(17)]), &["$.segments[0]"]),
        account("unknown status", |a| a["status"] = json!("frozen"), &["$.status"]),
        account("status that only a review gives", |a| a["status"] = json!("pending"), &["$.status"]),
        account("unknown field", |a| a["balance"] = json!(1_000_000), &["$.balance"]),
        contact("unknown role", |c| c["role"] = json!("boss"), &["$.role"]),
        contact("no locale", |c| c["locale"] = json!("English"), &["$.locale"]),
        contact("birthday of no year", |c| c["birthday"] = json!("02-29"), &["$.birthday"]),
        contact("birthday that never was", |c| c["birthday"] = json!("1981-02-29"), &["$.birthday"]),
    ]
}

async fn send(cloud: &Cloud, sent: &Sent) -> Reply {
    let changed = |mut document: Value, change: &fn(&mut Value)| {
        change(&mut document);
        document
    };
    match sent {
        Order(change) => cloud.request("POST", "/v1/orders", changed(good_order(), change).to_string()).await,
        Account(change) => cloud.account("acme").put(changed(json!({"name": "Acme"}), change)).await,
        Contact(change) => {
            let good = json!({"name": "Ann", "role": "buyer", "locale": "en-GB"});
            cloud.account("acme").put_contact("ann", changed(good, change)).await
        }
        Body(body) => cloud.request("POST", "/v1/orders", body.clone()).await,
        Get(target) => cloud.get(target).await,
        Event { body, is_base64 } => cloud.invoke_http("order-placed", http_event(body, *is_base64)).await,
    }
}

fn http_event(body: &str, is_base64: bool) -> Value {
    json!({
        "version": "2.0", "rawPath": "/v1/orders", "rawQueryString": "", "headers": {}, "routeKey": "POST /v1/orders",
        "requestContext": {
            "authorizer": authorizer(json!({"sub": "operator"}), &["orders:write"]),
            "http": {"method": "POST", "path": "/v1/orders", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "timeEpoch": 0,
        },
        "body": body, "isBase64Encoded": is_base64,
    })
}

#[tokio::test]
async fn bad_input_is_answered_with_what_is_wrong_and_where_and_changes_nothing() {
    let cloud = Cloud::start().await;
    cloud.account("acme").put(json!({"name": "Acme Ltd"})).await.expect(201);
    let before = cloud.tables().await;
    let rows = [
        bodies(),
        fields(),
        lines_and_codes(),
        quantities_and_amounts(),
        uses::rows(),
        times(),
        ids(),
        paths_and_queries(),
        accounts_and_contacts(),
    ];
    for Row { name, sent, status, kind, paths } in rows.into_iter().flatten() {
        let reply = send(&cloud, &sent).await;
        let body = String::from_utf8(reply.body().to_vec()).unwrap();
        assert_eq!(reply.status(), status, "{name}: {body}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{name}: {body}");
        assert_eq!(reply["type"], format!("/problems/{kind}"), "{name}: {body}");
        assert_eq!(reply["status"], status, "{name}: {body}");
        assert!(reply["title"].is_string() && reply["detail"].is_string(), "{name}: {body}");
        assert_eq!(reply.fault_paths(), paths, "{name}: {body}");
        let internals = ["DynamoDB", "dynoxide", "panicked", "src/", "::", "Some(", "acme.example", "High St"];
        assert!(internals.iter().all(|word| !body.contains(word)), "{name}: {body}");
        assert_eq!(cloud.tables().await, before, "{name} was written");
    }
    // Nothing is lost: the very orders that were refused are scored once they are right.
    cloud.request("POST", "/v1/orders", good_order().to_string()).await.expect(201);
}

#[tokio::test]
async fn what_is_just_within_bounds_is_taken() {
    use base64::Engine;
    let cloud = Cloud::start().await;
    let post = async |change: fn(&mut Value)| {
        let mut document = good_order();
        document["order_id"] = json!(format!("good-{}", fastrand::u64(..)));
        document["account_id"] = json!(format!("account-{}", fastrand::u64(..)));
        change(&mut document);
        cloud.request("POST", "/v1/orders", document.to_string()).await
    };
    post(|o| o["placed_at"] = json!("2011-03-02T12:00:00Z")).await.expect(201);
    post(|o| o["lines"] = many_lines(5_000)).await.expect(201);
    post(|o| o["lines"][0]["quantity"] = json!(1_000_000_000)).await.expect(201);
    post(|o| o["order_id"] = json!("x".repeat(64))).await.expect(201);
    post(|o| o["lines"][0]["sku"] = json!("é#/ 😀")).await.expect(201);
    let largest = json!([{"line_id": "1", "sku": "MUG", "quantity": 1, "amount": "92233720368547758.07"}]);
    let document = json!({
        "source": "shop", "order_id": "largest", "account_id": "rich", "placed_at": "2011-03-01T12:00:00Z",
        "currency": "GBP", "lines": largest,
    });
    cloud.request("POST", "/v1/orders", document.to_string()).await.expect(201);
    // The next one does not fit the account's own sums any more: an answer, not a wrong sum.
    let mut next = document.clone();
    next["order_id"] = json!("too-much");
    let before = cloud.tables().await;
    cloud.request("POST", "/v1/orders", next.to_string()).await.expect_problem(422, "overflow");
    assert_eq!(cloud.tables().await, before);

    let mut encoded = good_order();
    encoded["order_id"] = json!("encoded");
    let body = base64::prelude::BASE64_STANDARD.encode(encoded.to_string());
    cloud.invoke_http("order-placed", http_event(&body, true)).await.expect(201);
    let mut padded = good_order().to_string();
    padded.push_str(&" ".repeat(6 * 1024 * 1024 - padded.len()));
    cloud.request("POST", "/v1/orders", padded).await.expect(201);
}

#[tokio::test]
async fn an_order_that_no_item_can_hold_is_refused() {
    let cloud = Cloud::start().await;
    let mut document = good_order();
    let random = |bytes: usize| (0..bytes).map(|_| fastrand::alphanumeric()).collect::<String>();
    let line = |n: usize| {
        json!({
            "line_id": format!("{n}-{}", random(55)), "sku": random(64), "quantity": 1, "amount": "1.00",
            "category": random(64), "brand": random(64),
        })
    };
    document["lines"] = (0..5_000).map(line).collect();
    let before = cloud.tables().await;
    cloud.request("POST", "/v1/orders", document.to_string()).await.expect_problem(422, "order-too-large");
    assert_eq!(cloud.tables().await, before);
}
