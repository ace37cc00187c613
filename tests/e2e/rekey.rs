//! Rotating secrets: a value is one account's alone before, while and after its claim is moved to a newer secret.

use crate::erasure;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::AccountId;
use domain::membership::rekey::{Known, asked, rekey as decide};
use local::rekey::{RekeyError, Report, Trouble, What};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Commit, Consistency};
use tests::network::Staleness;
use tests::{Account, Cloud, WHOLESALE, authorizer, skips_concurrency};

pub const OLD: &str = "1:the first of the secrets";
pub const BOTH: &str = "1:the first of the secrets,2:the second of the secrets";
pub const NEW: &str = "2:the second of the secrets";

async fn run(cloud: &Cloud) -> Result<Report, RekeyError> {
    local::rekey::run(cloud.app(), &runtime::Caller::operator("rekey"), Arc::new(|_, _| {})).await
}

/// A run that ends.
async fn rekey(cloud: &Cloud) -> Report {
    run(cloud).await.unwrap()
}

pub async fn start(secrets: &str) -> Cloud {
    Cloud::with_program_and_secrets(serde_json::from_str(WHOLESALE).unwrap(), secrets).await
}

/// What a company of this number states.
pub fn stated(number: usize) -> Value {
    json!({"name": "A company", "vat_id": format!("GB1000000{number:02}"), "email": format!("no-{number}@c.example")})
}

/// So many companies, enrolled.
pub async fn enrolled(cloud: &Cloud, count: usize) -> Vec<Account> {
    let mut accounts = Vec::new();
    for number in 0..count {
        let account = cloud.account(&format!("c-{number}"));
        account.put(stated(number)).await.expect(201);
        accounts.push(account);
    }
    accounts
}

/// Neither the VAT id nor the e-mail address of a company can be had by another.
pub async fn is_taken(cloud: &Cloud, number: usize) {
    for field in ["vat_id", "email"] {
        let rival = json!({"name": "A rival", field: stated(number)[field]});
        cloud.account("rival").put(rival).await.expect_problem(409, "taken");
    }
}

/// Every claim, as its kind, the number of its secret, and whose it is.
async fn claims(cloud: &Cloud) -> Vec<(String, String, String)> {
    let (table, mut claims, mut from) = (&cloud.app().config().tables.codes, Vec::new(), None);
    loop {
        let scan = cloud.local().client().scan().table_name(table).consistent_read(true);
        let page = scan.set_exclusive_start_key(from).send().await.unwrap();
        for item in page.items() {
            let text = |name: &str| item[name].as_s().unwrap().clone();
            if let Some(key) = text("code").strip_prefix("claim#") {
                let mut parts = key.split('#').map(str::to_owned);
                claims.push((parts.next().unwrap(), parts.next().unwrap(), text("account_id")));
            }
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            claims.sort();
            return claims;
        }
    }
}

fn by_own_token(account: &str) -> Option<Value> {
    Some(authorizer(json!({"sub": "s-1", "account_id": account}), &["accounts:write"]))
}

#[tokio::test]
async fn secrets_are_rotated_step_by_step_and_a_value_is_taken_all_along() {
    let old = start(OLD).await;
    enrolled(&old, 3).await;
    old.order("o-1").account("c-0").line("MUG", 1, "600.00").send().await.expect(201);
    is_taken(&old, 0).await;

    let both = old.with_other_secrets(BOTH).await;
    is_taken(&both, 0).await;
    let entries = both.account("c-0").history().await;
    let report = rekey(&both).await;
    assert_eq!((report.accounts, report.accounts_rewritten, report.claims_rewritten), (3, 3, 6));
    assert!(report.is_complete(), "{report}");
    assert!(claims(&both).await.iter().all(|(_, number, _)| number == "2"));
    // What happened to an account is not changed by that, nor has anything happened to it.
    assert_eq!(both.account("c-0").history().await, entries);
    is_taken(&both, 0).await;
    both.audit().await;
    let stored = both.tables().await;
    let again = rekey(&both).await;
    assert_eq!((again.accounts_rewritten, again.claims_rewritten), (0, 0));
    assert_eq!(again.secrets, report.secrets);
    for (number, account) in [0, 1].into_iter().map(|number| (number, both.account(&format!("c-{number}")))) {
        account.put(stated(number)).await.expect(200);
    }
    assert_eq!(both.tables().await, stored, "running twice writes nothing, nor does the same data");

    let new = old.with_other_secrets(NEW).await;
    for number in 0..3 {
        is_taken(&new, number).await;
    }
    assert_eq!(new.tables().await, stored);
    // Everything goes on: a change gives up what is not stated any more, an erasure all.
    let moved = json!({"name": "A company", "vat_id": stated(0)["vat_id"], "email": "moved@c.example"});
    new.account("c-0").put(moved.clone()).await.expect(200);
    new.account("other").put(json!({"name": "Other", "email": stated(0)["email"]})).await.expect(201);
    new.account("third").put(json!({"name": "Third", "email": "moved@c.example"})).await.expect_problem(409, "taken");
    new.request("DELETE", "/v1/accounts/c-1/personal-data", "").await.expect(200);
    new.account("again").put(stated(1)).await.expect(201);
    let held: Vec<_> = claims(&new).await.into_iter().map(|(_, _, account)| account).collect();
    assert_eq!(held, ["again", "c-0", "c-2", "other", "again", "c-0", "c-2"]);
    new.audit().await;
}

#[tokio::test]
async fn broken_off_before_any_write_every_value_is_taken_and_the_next_run_goes_on() {
    let mut passing = 0;
    loop {
        let old = start(OLD).await;
        if !old.is_embedded() {
            return;
        }
        enrolled(&old, 4).await;
        let both = old.with_other_secrets(BOTH).await;
        let network = both.network().unwrap();
        network.lose_requests_after(passing, 1_000);
        let broken = run(&both).await;
        network.calm();
        let moved = claims(&both).await.iter().filter(|(_, number, _)| number == "2").count();
        assert_eq!(moved, 2 * passing as usize, "both claims of an account, or none");
        for number in 0..4 {
            is_taken(&both, number).await;
        }
        let next = rekey(&both).await;
        assert_eq!(next.accounts_rewritten, u64::from(4 - passing));
        assert!(next.is_complete(), "{next}");
        assert_eq!(claims(&both).await.len(), 8);
        both.audit().await;
        if broken.is_ok() {
            break;
        }
        assert!(matches!(broken, Err(RekeyError::Fault(_))), "{broken:?}");
        passing += 1;
    }
    assert_eq!(passing, 4, "an account is one transaction");
}

#[tokio::test]
async fn answers_that_get_lost_and_transactions_that_cross_change_nothing_of_what_it_comes_to() {
    let old = start(OLD).await;
    if !old.is_embedded() {
        return;
    }
    enrolled(&old, 12).await;
    let both = old.with_other_secrets(BOTH).await;
    let network = both.network().unwrap();
    network.lose_answers(1);
    let broken = run(&both).await;
    assert!(matches!(broken, Err(RekeyError::Fault(_))), "{broken:?}");
    let all_moved = async |cloud: &Cloud, number: &str| {
        network.calm();
        let all = claims(cloud).await;
        assert_eq!((all.len(), all.iter().filter(|(_, under, _)| under == number).count()), (24, 24), "{all:?}");
        cloud.audit().await;
    };
    // Whatever its answer was lost of was written.
    all_moved(&both, "2").await;

    let three = old.with_other_secrets(&format!("{BOTH},3:the third of the secrets")).await;
    network.cross_transactions(7);
    // Pages may be empty and not the last.
    network.empty_page_about("\"TableName\":\"accounts\"", 3);
    network.empty_page_about("\"TableName\":\"codes\"", 1);
    network.stale_reads(Staleness::Oldest);
    let report = rekey(&three).await;
    assert_eq!(network.named_met(), 4);
    assert!(report.is_complete(), "{report}");
    assert_eq!((report.accounts_rewritten, report.claims_rewritten), (12, 24));
    let under: Vec<_> = report.secrets.iter().map(|secret| (secret.secret, secret.claims)).collect();
    assert_eq!(under, [(3, 24), (2, 0), (1, 0)]);
    all_moved(&three, "3").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_enrols_changes_or_is_erased_meanwhile_no_value_is_two_accounts_and_none_is_lost() {
    const COMPANIES: usize = 16;
    if skips_concurrency() {
        return;
    }
    let old = start(OLD).await;
    enrolled(&old, COMPANIES).await;
    let both = old.with_other_secrets(BOTH).await;
    let mut clients = Vec::new();
    for number in 0..COMPANIES {
        let (cloud, kind) = (both.clone(), number % 4);
        clients.push(tokio::spawn(async move {
            let own = cloud.account(&format!("c-{number}"));
            let rival = cloud.account(&format!("rival-{number}"));
            for turn in 0..6 {
                let place = format!("/v1/accounts/c-{number}/personal-data");
                let mut moved = stated(number);
                moved["email"] = json!(format!("no-{number}-{}@c.example", turn % 2));
                match kind {
                    // Another wants its VAT id.
                    0 => {
                        let reply = rival.put(json!({"name": "A rival", "vat_id": stated(number)["vat_id"]})).await;
                        assert!([409, 503].contains(&reply.status()), "{}", reply.status());
                    }
                    // It states another address, and the one before again.
                    1 => drop(own.put(moved).await.expect(200)),
                    2 if turn == 3 => {
                        let mut erasing = cloud.request("DELETE", &place, "").await.status();
                        for _ in 0..9 {
                            if erasing != 200 {
                                erasing = cloud.request("DELETE", &place, "").await.status();
                            }
                        }
                        assert_eq!(erasing, 200);
                    }
                    2 if turn > 3 => drop(rival.put(stated(number)).await),
                    2 => drop(own.put(moved).await.expect(200)),
                    // By its own token, so that it keeps what it had.
                    _ => {
                        let path = format!("/v1/accounts/c-{number}");
                        let reply = cloud.request_as(by_own_token(own.id()), "PUT", &path, &moved.to_string()).await;
                        reply.expect(200);
                    }
                }
            }
        }));
    }
    let (one, other) = (rekey(&both), rekey(&both));
    let (one, other) = tokio::join!(one, other);
    for client in clients {
        client.await.unwrap();
    }
    for report in [one, other] {
        assert!(report.troubles.is_empty(), "{report}");
    }
    let report = rekey(&both).await;
    assert!(report.is_complete(), "{report}");
    let mut held = BTreeMap::<(String, String), Vec<String>>::new();
    for (field, number, account) in claims(&both).await {
        held.entry((account, field)).or_default().push(number);
    }
    for number in 0..COMPANIES {
        let of = |account: String, field: &str| held.get(&(account, field.to_owned())).cloned().unwrap_or_default();
        let own = |field: &str| of(format!("c-{number}"), field);
        let rival = |field: &str| of(format!("rival-{number}"), field);
        let what = format!("{number}: {held:?}");
        match number % 4 {
            0 | 1 => assert_eq!(
                (own("vat_id"), own("email"), rival("vat_id").len()),
                (["2".to_owned()].into(), ["2".to_owned()].into(), 0),
                "{what}"
            ),
            2 => {
                assert_eq!((own("vat_id").len(), own("email").len()), (0, 0), "{what}");
                assert_eq!(
                    (rival("vat_id"), rival("email")),
                    (["2".to_owned()].into(), ["2".to_owned()].into()),
                    "{what}"
                );
            }
            _ => {
                assert_eq!(own("vat_id"), ["2"], "{what}");
                // What it has now, and two that it had.
                assert_eq!(own("email").len(), 3, "{what}");
            }
        }
    }
    both.audit().await;
}

#[tokio::test]
async fn what_nobody_knows_any_more_is_counted_and_what_a_removal_costs_is_said() {
    let (first, _) = erasure::town().await;
    let shared = json!({"name": "Spring fair", "percent": "5"});
    first.request_keyed("/v1/shared-codes", "key-1", &shared).await.expect(201);
    first.request_keyed("/v1/invitations", "key-1", &json!({"uses": 2})).await.expect(201);
    let cloud = first.with_other_secrets("1:a secret for tests only,2:another for tests only").await;
    let report = rekey(&cloud).await;
    assert!(report.is_complete(), "{report}");
    let expected = "\
3 accounts: 4 claims of 2 of them rewritten to secret 2

secret 2 makes all that is new
        4  claims

secret 1 may be removed. That costs
        2  claims on what accounts stated before: others may have it then
        1  phone numbers: they match nothing then
        1  postal addresses: they match nothing then
        1  redemptions: a repeat of the request hears 409 idempotency-key-reused then
        1  invitations: a repeat of the request issues another then
        1  shared codes: a repeat of the request issues another then
";
    assert_eq!(report.to_string(), expected);
    // An erasure takes what can be taken from that: no phone, address, request or claim is known any more.
    erasure::erase(&cloud).await.expect(200);
    let older = &rekey(&cloud).await.secrets[1];
    assert_eq!([older.claims, older.phones, older.addresses, older.redemptions], [0; 4]);
    assert_eq!([older.invitations, older.shared_codes], [1; 2]);
}

#[tokio::test]
async fn what_was_claimed_before_is_kept_from_others_until_its_secret_is_gone() {
    let old = start(OLD).await;
    enrolled(&old, 1).await;
    let document = json!({"name": "A company", "email": "moved@c.example"}).to_string();
    old.request_as(by_own_token("c-0"), "PUT", "/v1/accounts/c-0", &document).await.expect(200);
    let both = old.with_other_secrets(BOTH).await;
    let report = rekey(&both).await;
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.claims_rewritten, 1);
    let older = &report.secrets[1];
    assert_eq!((older.secret, older.claims, older.claims_needed), (1, 2, 0));
    assert!(report.to_string().contains("2  claims on what accounts stated before"), "{report}");
    is_taken(&both, 0).await;
    let new = old.with_other_secrets(NEW).await;
    new.account("rival").put(stated(0)).await.expect(201);
    // They stay the account's, and go with it.
    new.request("DELETE", "/v1/accounts/c-0/personal-data", "").await.expect(200);
    assert!(claims(&new).await.iter().all(|(_, _, account)| account == "rival"));
}

#[tokio::test]
async fn a_value_that_two_have_claimed_is_reported_and_left_to_both() {
    let old = start(OLD).await;
    enrolled(&old, 2).await;
    // As through an instance that does not know the other's secret.
    let new = old.with_other_secrets(NEW).await;
    new.account("twin").put(json!({"name": "Twin", "vat_id": stated(0)["vat_id"]})).await.expect(201);
    let both = old.with_other_secrets(BOTH).await;
    let report = rekey(&both).await;
    assert!(!report.is_complete());
    let conflict: Vec<_> =
        report.troubles.iter().map(|Trouble { account_id, what }| (account_id.as_str(), what)).collect();
    assert!(
        matches!(&conflict[..], [("c-0", What::Conflict { held_by, secret: 2, .. })] if held_by.as_str() == "twin"),
        "{report}"
    );
    assert_eq!((report.secrets[1].claims, report.secrets[1].claims_needed), (1, 1));
    assert!(report.to_string().contains("secret 1 must stay"), "{report}");
    let of_vat_ids = |all: Vec<(String, String, String)>| -> Vec<_> {
        all.into_iter().filter(|(field, ..)| field == "vat_id").map(|(_, number, account)| (number, account)).collect()
    };
    let expected = [("1", "c-0"), ("2", "c-1"), ("2", "twin")].map(|(number, id)| (number.to_owned(), id.to_owned()));
    assert_eq!(of_vat_ids(claims(&both).await), expected);
    // One of them states another, and the other's can be moved.
    both.account("twin").put(json!({"name": "Twin"})).await.expect(200);
    let report = rekey(&both).await;
    assert!(report.is_complete(), "{report}");
    assert_eq!((report.claims_rewritten, report.secrets[1].claims), (1, 0));
    is_taken(&old.with_other_secrets(NEW).await, 0).await;
}

#[tokio::test]
async fn with_a_secret_that_is_not_the_one_nothing_is_written() {
    let old = start(OLD).await;
    enrolled(&old, 2).await;
    let stored = old.tables().await;
    let wrong = old.with_other_secrets("1:not the first of them,2:the second of the secrets").await;
    assert!(matches!(run(&wrong).await, Err(RekeyError::WrongSecret(1))));
    assert_eq!(old.tables().await, stored);
    // The newest is told by who has enrolled under it.
    let both = old.with_other_secrets(BOTH).await;
    both.account("third").put(stated(3)).await.expect(201);
    let stored = both.tables().await;
    let wrong = old.with_other_secrets("1:the first of the secrets,2:not the second of them").await;
    assert!(matches!(run(&wrong).await, Err(RekeyError::WrongSecret(2))));
    assert_eq!(both.tables().await, stored);
}

#[tokio::test]
async fn a_number_that_was_removed_too_early_is_named_and_may_come_back() {
    let old = start(OLD).await;
    enrolled(&old, 2).await;
    let new = old.with_other_secrets(NEW).await;
    let stored = new.tables().await;
    let report = rekey(&new).await;
    assert!(!report.is_complete());
    let listed = |trouble: &Trouble| matches!(&trouble.what, What::Unclaimed { listed, .. } if listed == &[1]);
    assert_eq!(report.troubles.iter().filter(|trouble| listed(trouble)).count(), 4, "{report}");
    assert!(!report.secrets[1].configured);
    assert_eq!(new.tables().await, stored);
    let both = old.with_other_secrets(BOTH).await;
    assert!(rekey(&both).await.is_complete());
    // Or, where it is lost, something else is stated of whoever it is about.
    let newest = old.with_other_secrets("3:the third of the secrets").await;
    assert!(!rekey(&newest).await.is_complete());
    for number in 0..2 {
        let mut renamed = stated(number);
        renamed["name"] = json!("Renamed");
        newest.account(&format!("c-{number}")).put(renamed).await.expect(200);
        is_taken(&newest, number).await;
    }
    assert!(rekey(&newest).await.is_complete());
}

#[tokio::test]
async fn an_account_that_cannot_be_read_is_named_and_the_others_are_rewritten() {
    let old = start(OLD).await;
    enrolled(&old, 3).await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = old.local().client().put_item().table_name(&old.app().config().tables.ledger);
    let put = put.item("account_id", text("c-1")).item("sk", text("PROFILE")).item("claims", text("none to be read"));
    put.send().await.unwrap();
    let both = old.with_other_secrets(BOTH).await;
    let report = rekey(&both).await;
    assert!(!report.is_complete());
    assert_eq!((report.accounts, report.claims_rewritten), (3, 4));
    assert!(
        matches!(&report.troubles[..], [Trouble { account_id, what: What::Failed { .. } }] if account_id.as_str() == "c-1"),
        "{report}"
    );
    assert!(!report.to_string().contains("none to be read"));
    // As far as anybody can tell, its claims are needed.
    assert_eq!(report.secrets[1].claims_needed, 2);
}

#[tokio::test]
async fn who_sees_an_account_as_it_was_before_keeps_what_was_moved() {
    let old = start(OLD).await;
    let code = old.referrer("acme").await;
    let prospect = code.prospect(1).document();
    let own = json!({"name": prospect["company"], "vat_id": prospect["vat_id"], "email": prospect["email"]});
    old.account("guest").put(own.clone()).await.expect(201);
    let both = old.with_other_secrets(BOTH).await;
    rekey(&both).await;
    both.stale_reads(Staleness::Oldest);
    both.account("rival").put(own).await.expect_problem(409, "taken");
    let code = both.referral_code(code.text());
    code.prospect(1).set("account_id", json!("guest")).redeem().await.expect(201);
    both.stale_reads(Staleness::None);
    let held: Vec<_> = claims(&both).await.into_iter().filter(|(_, _, account)| account == "guest").collect();
    assert!(held.len() == 2 && held.iter().all(|(_, number, _)| number == "2"), "{held:?}");
    assert!(rekey(&both).await.is_complete());
}

#[tokio::test]
async fn what_was_decided_on_an_account_that_has_moved_on_since_is_not_written() {
    let three = format!("{BOTH},3:the third of the secrets");
    for what in
        ["it states another", "it is erased", "it was rewritten", "taken under the newest", "taken under another"]
    {
        let old = start(OLD).await;
        enrolled(&old, 1).await;
        let cloud = old.with_other_secrets(&three).await;
        let (store, secrets) = (cloud.app().store(), cloud.app().secrets());
        let profile = store.profile(&AccountId::parse("c-0").unwrap(), Consistency::Strong).await.unwrap();
        let claims = store.claims(&asked(profile.as_ref().unwrap(), secrets)).await.unwrap();
        let decided = decide(&Known { profile, claims }, secrets);
        assert_eq!(decided.answer.moved.len(), 2);
        let twin = json!({"name": "Twin", "vat_id": stated(0)["vat_id"]});
        match what {
            "it states another" => drop(cloud.account("c-0").put(json!({"name": "Moved"})).await.expect(200)),
            "it is erased" => {
                cloud.request("DELETE", "/v1/accounts/c-0/personal-data", "").await.expect(200);
            }
            "it was rewritten" => assert!(rekey(&cloud).await.is_complete()),
            // Through instances that do not know the account's claims.
            "taken under the newest" => {
                let other = old.with_other_secrets("3:the third of the secrets").await;
                other.account("twin").put(twin).await.expect(201);
            }
            _ => drop(old.with_other_secrets(NEW).await.account("twin").put(twin).await.expect(201)),
        }
        let stored = cloud.tables().await;
        let written = store.commit(&decided.writes).await.unwrap();
        assert!(matches!(written, Commit::Lost(_)), "{what}");
        assert_eq!(cloud.tables().await, stored, "{what}");
    }
}
