//! What cannot be redeemed, and by whom: refused, with nothing written and nothing told of other companies.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::referral::company;
use tests::{Cloud, Prospect, ReferralCode, Reply, authorizer};

/// One refusal: who tries, and what is answered.
struct Row {
    name: &'static str,
    prospect: Prospect,
    status: u16,
    kind: &'static str,
    paths: &'static [&'static str],
}

fn refused(name: &'static str, prospect: Prospect, status: u16, kind: &'static str) -> Row {
    Row { name, prospect, status, kind, paths: &[] }
}

fn faulty(name: &'static str, prospect: Prospect, paths: &'static [&'static str]) -> Row {
    Row { name, prospect, status: 422, kind: "invalid-document", paths }
}

/// The same code with its check character changed, and with one of its others.
fn misspelt(code: &ReferralCode) -> [String; 2] {
    let (head, check) = code.text().split_at(10);
    let other = |c: char| if c == '7' { '8' } else { '7' };
    let first = head.chars().next().unwrap();
    [format!("{head}{}", other(check.chars().next().unwrap())), format!("{}{}{check}", other(first), &head[1..])]
}

/// A world in which everything that is refused has its reason.
struct World {
    cloud: Cloud,
    good: ReferralCode,
    codes: Vec<(&'static str, ReferralCode, u16, &'static str)>,
}

impl World {
    async fn new() -> Self {
        let cloud = Cloud::start().await;
        let acme = cloud.account("acme");
        let identity = json!({
            "name": "Acme", "email": "office@acme.example", "country": "GB", "vat_id": "GB 999 9999 73",
        });
        acme.put(identity).await.expect(201);
        let good = acme.refers().await;
        let mut codes = Vec::new();
        for (id, settings, kind) in [
            ("paused", json!({"status": "paused"}), "code-paused"),
            ("exhausted", json!({"status": "active", "redemptions_left": 0}), "code-exhausted"),
            ("ended", json!({"status": "active", "expires_at": "2011-03-01T12:00:00Z"}), "code-expired"),
        ] {
            let code = cloud.referrer(id).await;
            code.put(settings).await.expect(200);
            codes.push((id, code, 409, kind));
        }
        // Of whoever does not take part any more no more is told than that it cannot be redeemed.
        for id in ["suspended", "closed"] {
            let code = cloud.referrer(id).await;
            cloud.account(id).put(json!({"name": id, "status": id})).await.expect(200);
            codes.push((id, code, 409, "code-paused"));
        }
        let unknown = cloud.referral_code(domain::code::Code::of_bits(1_234_567).as_str());
        codes.push(("unknown", unknown, 404, "unknown-code"));
        let wrong = misspelt(&good);
        codes.extend(wrong.iter().map(|code| ("misspelt", cloud.referral_code(code), 404, "unknown-code")));
        for text in ["x", "0123456789", "%FF", "a/b", &"A".repeat(10_000)] {
            codes.push(("no code", cloud.referral_code(text), 404, "unknown-code"));
        }
        Self { cloud, good, codes }
    }

    /// Accounts that are known in one way or the other, and an identity that is taken in every spelling.
    async fn known(&self) -> Vec<Row> {
        let cloud = &self.cloud;
        cloud.referrer("p-10").await;
        cloud.order("o-1").account("p-11").line("MUG", 1, "1.00").send().await.expect(201);
        let document = |id: u32| json!({"name": "Known", "vat_id": format!("GB{}", 200_000_000 + id)});
        for (id, status) in [(12, "suspended"), (13, "closed"), (14, "active")] {
            let account = cloud.account(&format!("p-{id}"));
            account.put(document(id)).await.expect(201);
            let mut stated = document(id);
            stated["status"] = json!(status);
            account.put(stated).await.expect(200);
        }
        let taken = json!({"name": "Taken", "email": "buyer.one@gmail.com", "vat_id": "EL 123 456 783"});
        cloud.account("taken").put(taken).await.expect(201);
        self.good.redeemed_by(15).await;
        let row = |name, prospect| refused(name, prospect, 409, "not-new");
        let prospect = |number| self.good.prospect(number);
        vec![
            row("its own code, as another account", prospect(20).set("vat_id", json!("GB999999973"))),
            row("its own code, by its e-mail address", prospect(20).set("email", json!("Office@ACME.example"))),
            row("its own code, as itself", prospect(20).set("account_id", json!("acme"))),
            row("an account that has a code", prospect(10)),
            row("an account with orders", prospect(11)),
            row("an account that is suspended", prospect(12).set("vat_id", json!("GB200000012"))),
            row("an account that has left", prospect(13).set("vat_id", json!("GB200000013"))),
            row("an account with another VAT id", prospect(14)),
            row("an account that was referred", prospect(15).key("another")),
            row(
                "a company that was referred, as another account",
                prospect(15).set("account_id", json!("p-16")).key("another"),
            ),
            row("a VAT id that is taken", prospect(20).set("vat_id", json!("EL123456783"))),
            row("the same in other letters", prospect(20).set("vat_id", json!("gr-123.456.783"))),
            row("an e-mail address that is taken", prospect(20).set("email", json!("buyer.one@gmail.com"))),
            row("with a tag", prospect(20).set("email", json!("buyer.one+new@gmail.com"))),
            row("without its dot", prospect(20).set("email", json!("buyerone@gmail.com"))),
            row("in capitals", prospect(20).set("email", json!("Buyer.One@GMail.com"))),
            row("at its other domain", prospect(20).set("email", json!("b.u.y.e.r.o.n.e@googlemail.com"))),
        ]
    }

    fn documents(&self) -> Vec<Row> {
        let prospect = || self.good.prospect(20);
        let long = || json!("x".repeat(10_000));
        let mut rows = vec![
            faulty("consent missing", prospect().without("consent"), &["$.consent"]),
            faulty("wording missing", prospect().set("consent", json!({})), &["$.consent.wording"]),
            faulty("wording blank", prospect().set("consent", json!({"wording": " "})), &["$.consent.wording"]),
            faulty(
                "consent of no time",
                prospect().set("consent", json!({"wording": "Yes", "at": "now"})),
                &["$.consent.at"],
            ),
            faulty("country missing", prospect().without("country"), &["$.country"]),
            faulty("country null", prospect().set("country", Value::Null), &["$.country"]),
            faulty("VAT id missing", prospect().without("vat_id"), &["$.vat_id"]),
            faulty("e-mail missing", prospect().without("email"), &["$.email"]),
            faulty("company missing", prospect().without("company"), &["$.company"]),
            faulty("contact missing", prospect().without("contact"), &["$.contact"]),
            faulty("contact without name", prospect().set("contact", json!({})), &["$.contact.name"]),
            faulty(
                "contact of no role",
                prospect().set("contact", json!({"name": "A", "role": "x"})),
                &["$.contact.role"],
            ),
            faulty("unknown field", prospect().set("points", json!(1_000_000)), &["$.points"]),
            faulty(
                "unknown field of the contact",
                prospect().set("contact", json!({"name": "A", "email": "a@b.c"})),
                &["$.contact.email"],
            ),
            faulty("status", prospect().set("status", json!("active")), &["$.status"]),
            faulty("account id with a space", prospect().set("account_id", json!("a b")), &["$.account_id"]),
        ];
        for (field, path) in [
            ("account_id", &["$.account_id"]),
            ("company", &["$.company"]),
            ("email", &["$.email"]),
            ("vat_id", &["$.vat_id"]),
            ("country", &["$.country"]),
            ("phone", &["$.phone"]),
        ] {
            rows.push(faulty("10,000 characters", prospect().set(field, long()), path));
            rows.push(faulty("a number", prospect().set(field, json!(7)), path));
        }
        let address = json!({"street": long(), "postal_code": long(), "city": long()});
        let paths: &[&str] = &["$.address.street", "$.address.postal_code", "$.address.city"];
        rows.push(faulty("an address of 10,000 each", prospect().set("address", address), paths));
        let contact = json!({"contact_id": long(), "name": long(), "locale": long()});
        let paths: &[&str] = &["$.contact.contact_id", "$.contact.name", "$.contact.locale"];
        rows.push(faulty("a contact of 10,000 each", prospect().set("contact", contact), paths));
        let consent = prospect().set("consent", json!({"wording": long()}));
        rows.push(faulty("a wording of 10,000", consent, &["$.consent.wording"]));
        rows.extend(self.identities());
        rows
    }

    fn identities(&self) -> Vec<Row> {
        let prospect = || self.good.prospect(20);
        let emails = ["acme.example", "@acme.example", "a@", "a@b", "a b@c.example", "a@b.example\nBcc: c@d.example"];
        let mut rows: Vec<_> = emails
            .into_iter()
            .map(|email| faulty("a malformed e-mail address", prospect().set("email", json!(email)), &["$.email"]))
            .collect();
        for (country, vat_id) in [
            ("GB", "GB12345"),
            ("GB", "GB12#456789"),
            ("DE", "DE136695977"),
            ("DE", "136695977"),
            ("FR", "FR41303265045"),
            ("IT", "IT00743110158"),
            ("ES", "ESB58378432"),
            ("NL", "NL004495446B01"),
            ("PL", "PL8567346216"),
            ("BE", "BE0428759498"),
            ("AT", "ATU13585628"),
            ("SE", "SE123456788701"),
        ] {
            let prospect = prospect().set("country", json!(country)).set("vat_id", json!(vat_id));
            rows.push(faulty(vat_id, prospect, &["$.vat_id"]));
        }
        rows
    }
}

fn check(row: &Row, reply: &Reply) {
    let (name, body) = (row.name, String::from_utf8_lossy(reply.body()));
    assert_eq!(
        (reply.status(), &reply["type"]),
        (row.status, &json!(format!("/problems/{}", row.kind))),
        "{name}: {body}"
    );
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{name}");
    assert_eq!(reply.fault_paths(), row.paths, "{name}: {body}");
    let internals = ["DynamoDB", "panicked", "src/", "::", "Some(", "acme", "taken", "GB999999973", "gmail", "p-1"];
    assert!(internals.iter().all(|word| !body.contains(word)), "{name}: {body}");
}

#[tokio::test]
async fn what_cannot_be_redeemed_is_refused_and_tells_nothing_of_anybody_else() {
    let world = World::new().await;
    let known = world.known().await;
    let by_code = world
        .codes
        .iter()
        .map(|(name, code, status, kind)| refused(name, code.prospect(20), *status, kind))
        // Whether the company is new or not, it is the code that is said to be wrong.
        .chain(world.codes.iter().map(|(name, code, status, kind)| {
            refused(name, code.prospect(20).set("vat_id", json!("EL123456783")), *status, kind)
        }));
    let rows: Vec<_> = by_code.collect();
    let before = world.cloud.tables().await;
    let mut answers = std::collections::BTreeMap::<_, BTreeSet<Vec<u8>>>::new();
    for row in rows.iter().chain(&known).chain(&world.documents()) {
        let reply = row.prospect.redeem().await;
        check(row, &reply);
        if row.paths.is_empty() {
            answers.entry(row.kind).or_default().insert(reply.body().to_vec());
        }
        assert_eq!(world.cloud.tables().await, before, "{} was written", row.name);
    }
    // One answer each, to the letter.
    let kinds = ["code-exhausted", "code-expired", "code-paused", "not-new", "unknown-code"];
    assert_eq!(answers.keys().copied().collect::<Vec<_>>(), kinds);
    assert!(answers.values().all(|bodies| bodies.len() == 1));
    // Whoever was refused comes in once it is right, under the same key.
    world.good.prospect(20).redeem().await.expect(201);
    world.cloud.audit().await;
}

#[tokio::test]
async fn a_request_that_is_none_is_refused_before_anything_is_read() {
    let world = World::new().await;
    let (cloud, code) = (&world.cloud, &world.good);
    let before = cloud.tables().await;
    let prospect = code.prospect(20);
    let bare = cloud.request("POST", &prospect.target(), prospect.document().to_string()).await;
    bare.expect_problem(400, "idempotency-key-missing");
    for key in ["", "a\u{7}", &"k".repeat(10_000)] {
        let reply = cloud.request_keyed(&prospect.target(), key, &prospect.document()).await;
        assert_eq!(reply.status(), 400, "{}", reply.json());
    }
    for (body, status, kind) in [
        (String::new(), 400, "not-json"),
        ("{".to_owned(), 400, "not-json"),
        ("\u{feff}{}".to_owned(), 400, "not-json"),
        ("[]".to_owned(), 422, "invalid-document"),
        ("null".to_owned(), 422, "invalid-document"),
        ("{}".to_owned(), 422, "invalid-document"),
    ] {
        let operator = authorizer(json!({"sub": "operator"}), &["accounts:write"]);
        let reply = cloud.request_with_key(Some(operator), "POST", &prospect.target(), &body, Some("k")).await;
        reply.expect_problem(status, kind);
    }
    let everything = cloud.request_keyed(&prospect.target(), "k", &json!({})).await.expect(422);
    let mut paths = everything.fault_paths();
    paths.sort();
    assert_eq!(paths, ["$.company", "$.contact", "$.country", "$.email", "$.vat_id"]);
    for (path, status, kind) in [
        ("/redemptions?cursor=%21", 400, "invalid-parameter"),
        ("/redemptions?cursor=bm9uZQ", 400, "invalid-parameter"),
        ("/redemptions?limit=0", 400, "invalid-parameter"),
        ("/redemptions?limit=101", 400, "invalid-parameter"),
        ("?cursor=bm9uZQ", 400, "invalid-parameter"),
        ("/redemptions/0123456789abcdef", 404, "unknown-redemption"),
        ("/redemptions/0123456789ABCDEF", 400, "invalid-parameter"),
        ("/redemptions/none", 400, "invalid-parameter"),
        ("/redemptions/0123456789abcdef0", 400, "invalid-parameter"),
    ] {
        cloud.get(&code.path(path)).await.expect_problem(status, kind);
    }
    for (_, code, status, _) in world.codes.iter().filter(|(_, _, status, _)| *status == 404) {
        assert_eq!(code.shown().await.status(), *status);
        assert_eq!(code.redemptions("").await.status(), *status);
        assert_eq!(code.put(json!({"status": "paused"})).await.status(), *status);
    }
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn the_settings_of_a_code_are_checked_and_take_effect() {
    let cloud = Cloud::start().await;
    let code = cloud.referrer("acme").await;
    let before = cloud.tables().await;
    for (settings, paths) in [
        (json!({"status": "closed"}), vec!["$.status"]),
        (json!({"status": 1}), vec!["$.status"]),
        (json!({"status": "active", "redemptions_left": -1}), vec!["$.redemptions_left"]),
        (json!({"status": "active", "redemptions_left": 1.5}), vec!["$.redemptions_left"]),
        (json!({"status": "active", "redemptions_left": "5"}), vec!["$.redemptions_left"]),
        (json!({"status": "active", "redemptions_left": 1_000_001}), vec!["$.redemptions_left"]),
        (json!({"status": "active", "expires_at": "tomorrow"}), vec!["$.expires_at"]),
        (json!({"status": "active", "expires_at": "x".repeat(10_000)}), vec!["$.expires_at"]),
        (json!({"status": "active", "contact_id": "ann"}), vec!["$.contact_id"]),
        (
            json!({"status": "x", "redemptions_left": "y", "expires_at": "z", "a": 1}),
            vec!["$.a", "$.status", "$.redemptions_left", "$.expires_at"],
        ),
        (json!([]), vec!["$"]),
    ] {
        let reply = code.put(settings.clone()).await.expect_problem(422, "invalid-document");
        assert_eq!(reply.fault_paths(), paths, "{settings}");
    }
    assert_eq!(cloud.tables().await, before);
    for same in
        [json!({}), json!({"status": "active"}), json!({"redemptions_left": "unlimited", "expires_at": "never"})]
    {
        code.put(same).await.expect(200);
    }
    assert_eq!(cloud.tables().await, before, "they say the same");

    // Twice more, until an instant.
    let limited = json!({"status": "active", "redemptions_left": 2, "expires_at": "2011-03-02T12:00:00Z"});
    let put = code.put(limited.clone()).await.expect(200);
    assert_eq!((&put["redemptions_left"], &put["expires_at"]), (&json!(2), &limited["expires_at"]));
    code.redeemed_by(1).await;
    assert_eq!(code.shown().await.expect(200)["redemptions_left"], 1);
    cloud.set_clock("2011-03-02T11:59:59.999Z");
    code.redeemed_by(2).await;
    code.prospect(3).redeem().await.expect_problem(409, "code-exhausted");
    code.put(limited).await.expect(200);
    cloud.set_clock("2011-03-02T12:00:00Z");
    code.prospect(3).redeem().await.expect_problem(409, "code-expired");
    // One that is over says so even where it is paused later, and a repeat of what was redeemed is answered.
    code.prospect(2).redeem().await.expect(200);
    code.put(json!({"status": "paused"})).await.expect(200);
    code.prospect(3).redeem().await.expect_problem(409, "code-paused");
    code.put(json!({"status": "active", "redemptions_left": "unlimited", "expires_at": "never"})).await.expect(200);
    code.redeemed_by(3).await;
    cloud.audit().await;
}

#[tokio::test]
async fn a_code_is_issued_to_whom_it_can_be_issued_to() {
    let cloud = Cloud::start().await;
    let acme = cloud.account("acme");
    acme.put(company("acme")).await.expect(201);
    for (id, status) in [("suspended", "suspended"), ("closed", "closed")] {
        cloud.account(id).put(json!({"name": id})).await.expect(201);
        cloud.account(id).put(json!({"name": id, "status": status})).await.expect(200);
    }
    let before = cloud.tables().await;
    cloud.account("nobody").issue_code(json!({})).await.expect_problem(404, "unknown-account");
    cloud.account("nobody").codes().await.expect_problem(404, "unknown-account");
    cloud.account("suspended").issue_code(json!({})).await.expect_problem(409, "account-not-active");
    cloud.account("closed").issue_code(json!({})).await.expect_problem(409, "account-not-active");
    acme.issue_code(json!({"contact_id": "nobody"})).await.expect_problem(404, "unknown-contact");
    for past in ["2011-03-01T12:00:00Z", "2010-01-01T00:00:00Z"] {
        let reply = acme.issue_code(json!({"expires_at": past})).await.expect_problem(422, "expires-in-past");
        assert_eq!(reply.fault_paths(), ["$.expires_at"]);
    }
    for (document, path) in [
        (json!({"contact_id": "a b"}), "$.contact_id"),
        (json!({"contact_id": "x".repeat(10_000)}), "$.contact_id"),
        (json!({"redemptions_left": 0.5}), "$.redemptions_left"),
        (json!({"status": "paused"}), "$.status"),
        (json!({"code": "MYOWN"}), "$.code"),
        (json!([]), "$"),
    ] {
        let reply = acme.issue_code(document.clone()).await.expect_problem(422, "invalid-document");
        assert_eq!(reply.fault_paths(), [path], "{document}");
    }
    assert_eq!(cloud.tables().await, before);
    acme.issue_code(json!({"expires_at": "2011-03-01T12:00:00.001Z"})).await.expect(201);
    let without = Cloud::with(|program| drop(program.as_object_mut().unwrap().remove("referral"))).await;
    without.account("acme").put(json!({"name": "Acme"})).await.expect(201);
    without.account("acme").issue_code(json!({})).await.expect_problem(409, "no-referrals");
    without.audit().await;
    cloud.audit().await;
}

#[tokio::test]
async fn where_the_program_asks_for_no_consent_none_is_needed() {
    let cloud = Cloud::with(|program| program["referral"]["consent"] = json!("optional")).await;
    let code = cloud.referrer("acme").await;
    let reply = code.prospect(1).without("consent").redeem().await.expect(201);
    let shown = code.redemption(reply["redemption_id"].as_str().unwrap()).shown().await.expect(200);
    assert_eq!(shown["consent"], Value::Null);
    let dated = json!({"wording": "Yes, please.", "at": "2011-02-28T09:00:00+00:00"});
    let reply = code.prospect(2).set("consent", dated).redeem().await.expect(201);
    let shown = code.redemption(reply["redemption_id"].as_str().unwrap()).shown().await.expect(200);
    assert_eq!(shown["consent"], json!({"wording": "Yes, please.", "at": "2011-02-28T09:00:00Z"}));
    cloud.audit().await;
}
