//! Everything out of one database and into another: it is the same afterwards, item by item and answer by answer.

use crate::rekey;
use crate::requests::{PERSONAL_DATA, REDEMPTIONS, assert_every_route_is_known, requests, start};
use crate::shared_codes::issued;
use domain::id::ProgramName;
use local::backup::{self, Backup, BackupError, Located, Manifest, Plan};
use local::cloud::Storage;
use local::program::ProgramError;
use local::rekey::{Doubt, Why};
use local::template::Template;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tests::{Cloud, Folder, Network};

fn tables() -> Vec<Located> {
    let tables = Template::embedded().unwrap().tables.into_iter();
    tables.map(|table| Located { name: table.name.clone(), table }).collect()
}

async fn saved(cloud: &Cloud, folder: &Path) -> Manifest {
    let plan = Plan { tables: tables(), program: ProgramName::parse("wholesale").unwrap(), still: true };
    backup::save(cloud.local().client(), &plan, folder).await.unwrap()
}

/// A cloud with all that there is: what every request leaves, walks, nights, what waits, what is held.
async fn lived_in() -> Cloud {
    let cloud = start().await;
    let all = requests(&cloud);
    assert_every_route_is_known(&all);
    // Nothing would be left to do for who is erased: that is another company.
    for (method, target, body, _) in all.into_iter().filter(|(_, target, ..)| target != PERSONAL_DATA) {
        let headers = [("idempotency-key", "key-1")];
        let answer = cloud.local().http(method, &target, &headers, body.into_bytes()).await;
        assert!(answer.status < 500, "{method} {target}: {}", answer.json());
    }
    cloud.account("gone").put(json!({"name": "Gone", "email": "office@gone.example"})).await.expect(201);
    cloud.request("DELETE", &PERSONAL_DATA.replace("acme", "gone"), "").await.expect(200);
    // A return and a payment before their orders; limited uses over all accounts; points that wait; an order in force.
    cloud.order("o-9").line("MUG", 2, "1.00").returned("r-9").units("1", 1).send().await.expect(202);
    let scarce = issued(&cloud, "shared-2", json!({"percent": "5", "uses": 100})).await;
    cloud.order("o-6").account("beta").line("MUG", 1, "95.00").code(&scarce).send().await.expect(201);
    cloud.account("beta").order("o-7").line("MUG", 100, "12.50").send().await.expect(201);
    // A reward that an account may have so often, in a version that is in force since.
    let active = cloud.get("/v1/program/versions/1").await.expect(200);
    let mut limited = active["document"].clone();
    limited["rewards"][0]["per_account"] = json!({"count": 9, "period": "year"});
    cloud.activate_from(limited, "2011-03-01T12:00:00Z").await;
    cloud.request_keyed(REDEMPTIONS, "key-9", &json!({"reward": "mug"})).await.expect(201);
    cloud.account("beta").credit_note("c-9").units("MUG", 3).send().await.expect(201);
    cloud.drain().await;
    cloud.set_clock("2011-04-20T12:00:00Z");
    // The discount that beta's order issued has ended.
    cloud.sweep(Some("2011-03-31")).await;
    cloud.night("2011-04-19").await;
    cloud
}

fn opened(folder: &Folder, name: &str) -> Backup {
    Backup::open(&folder.join(name), &Template::embedded().unwrap().tables).unwrap()
}

/// An empty cloud over tables of its own at the same instant.
async fn empty(like: &Cloud, storage: Storage, network: Option<Network>) -> Cloud {
    let cloud = Cloud::open(storage, network).await;
    cloud.set_instant(like.now());
    cloud
}

/// What is answered to each request there is, and to one more order.
async fn answers(cloud: &Cloud) -> Vec<(String, u16, Value)> {
    let mut answers = Vec::new();
    let more = cloud.account("beta").order("o-8").line("CUP", 7, "3.00").document().to_string();
    let more = ("POST", "/v1/orders".to_owned(), more, "");
    let reads = requests(cloud).into_iter().filter(|(method, ..)| *method == "GET");
    let writes = requests(cloud).into_iter().filter(|(method, ..)| *method != "GET");
    for (method, target, body, _) in reads.chain(writes).chain([more]) {
        let headers = [("idempotency-key", "key-2")];
        let answer = cloud.request_with(method, &target, &headers, &body).await;
        answers.push((format!("{method} {target}"), answer.status(), answer.json()));
    }
    answers
}

#[tokio::test]
async fn everything_is_restored_and_answers_as_before() {
    let cloud = lived_in().await;
    if !cloud.is_embedded() {
        return;
    }
    let audited = cloud.audit().await.to_string();
    let folder = Folder::new();
    let first = saved(&cloud, &folder.join("first")).await;
    let held: BTreeMap<_, _> = first.tables.iter().map(|(name, held)| (name.as_str(), held.content.items)).collect();
    assert!(held.values().all(|items| *items > 0), "every table holds something to restore: {held:?}");
    assert_eq!(kinds(&cloud, "ledger").await, LEDGER_KINDS.map(str::to_owned).into());

    let network = Network::new();
    let memory = Storage::Endpoint { client: network.client(), prefix: String::new() };
    let copy = empty(&cloud, memory, Some(network)).await;
    let file = empty(&cloud, Storage::File(folder.join("copy.db")), None).await;
    for (copy, name) in [(&copy, "second"), (&file, "third")] {
        let backup = opened(&folder, "first");
        assert_eq!(backup.manifest, first);
        let restored = backup::restore_to_serve(copy.app(), &tables(), &backup, folder.path(), &[]).await;
        assert_eq!(restored.unwrap().1, [], "its secrets are those of the backup");
        copy.minute_passes().await;
        let second = saved(copy, &folder.join(name)).await;
        assert_eq!(second.tables, first.tables);
        for table in tables() {
            let file =
                |backup: &str| std::fs::read(folder.join(backup).join(format!("{}.json.gz", table.name))).unwrap();
            assert!(file(name) == file("first"), "{}", table.name);
        }
        assert_eq!(copy.audit().await.to_string(), audited);
    }
    let expected = answers(&cloud).await;
    assert!(expected.iter().filter(|(_, status, _)| *status < 300).count() > 40, "{expected:?}");
    for copy in [&copy, &file] {
        for (answer, expected) in answers(copy).await.iter().zip(&expected) {
            assert_eq!(answer, expected);
        }
        assert_eq!(copy.tables().await, cloud.tables().await, "what was written since is the same, too");
        copy.audit().await;
    }
}

/// As a backup that is taken while an order is committed.
#[tokio::test]
async fn what_was_committed_between_two_tables_is_found_by_the_audit() {
    let (cloud, folder) = (Cloud::start().await, Folder::new());
    if !cloud.is_embedded() {
        return;
    }
    cloud.order("o-1").line("MUG", 1, "10.00").send().await.expect(201);
    let (first, rest): (Vec<_>, Vec<_>) = tables().into_iter().partition(|located| located.table.name == "accounts");
    let save = async |tables: &[Located], name: &str| {
        let program = ProgramName::parse("wholesale").unwrap();
        let plan = Plan { tables: tables.to_vec(), program, still: false };
        backup::save(cloud.local().client(), &plan, &folder.join(name)).await.unwrap();
    };
    save(&first, "first").await;
    cloud.order("o-2").line("MUG", 1, "10.00").send().await.expect(201);
    save(&rest, "rest").await;

    let network = Network::new();
    let copy = Storage::Endpoint { client: network.client(), prefix: String::new() };
    let copy = empty(&cloud, copy, Some(network)).await;
    for (tables, name) in [(&first, "first"), (&rest, "rest")] {
        let (client, backup) = (copy.local().client(), opened(&folder, name));
        backup::restore(client, tables, &backup, folder.path(), async || Ok(())).await.unwrap();
    }
    copy.minute_passes().await;
    let report = local::audit::run(copy.app(), copy.now()).await.unwrap();
    assert!(report.to_string().contains("acme") && !report.findings.is_empty(), "{report}");
    cloud.audit().await;
}

/// A backup is restored into a stack that was just deployed, and its schedules may have run before.
#[tokio::test]
async fn whatever_runs_by_itself_writes_nothing_while_there_is_no_program() {
    let network = Network::new();
    let storage = Storage::Endpoint { client: network.client(), prefix: String::new() };
    let cloud = Cloud::open(storage, Some(network)).await;
    for (function, tasks) in [
        ("discount-expiry", vec![json!({"task": "plan"}), json!({"task": "retry"})]),
        ("account-review", vec![json!({"task": "plan"}), json!({"task": "retry"})]),
        ("metric-rollup", vec![json!({"task": "plan"})]),
    ] {
        for task in tasks {
            // Whether it fails or finds nothing to do.
            drop(cloud.local().invoke(function, task).await);
        }
    }
    drop(local::due::sweep(cloud.local(), None).await);
    drop(local::rollup::rollup(cloud.local(), None).await);
    for table in tables() {
        let found = cloud.local().client().scan().table_name(&table.name).send().await.unwrap();
        assert_eq!(found.items(), [], "{}", table.name);
    }
}

/// A backup of two accounts, one of which has claims under secret 1 and the other under secret 2.
async fn of_two_secrets(folder: &Folder) -> Cloud {
    let old = rekey::start(rekey::OLD).await;
    rekey::enrolled(&old, 1).await;
    let both = old.with_other_secrets(rekey::BOTH).await;
    both.account("c-1").put(rekey::stated(1)).await.expect(201);
    both.order("o-1").account("c-1").line("MUG", 1, "10.00").send().await.expect(201);
    saved(&both, &folder.join("backup")).await;
    both
}

/// An empty cloud in memory with these secrets.
async fn with_secrets(secrets: &str) -> Cloud {
    let network = Network::new();
    let storage = Storage::Endpoint { client: network.client(), prefix: String::new() };
    Cloud::open_with_secrets(storage, Some(network), secrets).await
}

async fn restored(cloud: &Cloud, folder: &Folder, lost: &[u16]) -> Result<Vec<Doubt>, BackupError> {
    let backup = opened(folder, "backup");
    let done = backup::restore_to_serve(cloud.app(), &tables(), &backup, folder.path(), lost).await;
    cloud.minute_passes().await;
    done.map(|(_, doubts)| doubts)
}

#[tokio::test]
async fn a_backup_is_not_served_with_other_secrets_than_its_own() {
    use Why::{NotConfigured, Wrong};
    let folder = Folder::new();
    let cloud = of_two_secrets(&folder).await;
    if !cloud.is_embedded() {
        return;
    }
    for (secrets, expected) in [
        ("1:not the first of the secrets,2:the second of the secrets", vec![Wrong(1)]),
        ("1:the first of the secrets,2:not the second of the secrets", vec![Wrong(2)]),
        ("1:the second of the secrets,2:the first of the secrets", vec![Wrong(1), Wrong(2)]),
        (rekey::NEW, vec![NotConfigured(1)]),
        (rekey::OLD, vec![NotConfigured(2)]),
        ("3:the third of the secrets", vec![NotConfigured(1), NotConfigured(2)]),
        ("2:not the second of the secrets,3:the third of the secrets", vec![NotConfigured(1), Wrong(2)]),
    ] {
        let copy = with_secrets(secrets).await;
        // Also where it is started again without another thought, or secrets are said to be lost that are not all.
        for lost in [&[][..], &[][..], &[7], &expected[1..].iter().filter_map(|why| why.number()).collect::<Vec<_>>()] {
            let refused = restored(&copy, &folder, lost).await.unwrap_err();
            let BackupError::Secrets(unfit) = &refused else { panic!("{secrets}: {refused}") };
            let whys: Vec<_> = unfit.doubts.iter().map(|doubt| doubt.why).collect();
            assert!(whys.contains(&expected[0]), "{secrets}: {refused}");
            assert!(!lost.is_empty() || whys == expected, "{secrets}: {refused}");
            assert!(unfit.doubts.iter().all(|doubt| (doubt.values, doubt.accounts) == (2, 1)), "{secrets}: {refused}");
        }
        // All but the program stands there: nobody is served, and no other program begins over it.
        for (table, before) in cloud.tables().await {
            let now = copy.tables().await.remove(&table).unwrap();
            assert!(if table == "programs" { now.is_empty() } else { now == before }, "{table}");
        }
        let rival = json!({"name": "A rival", "vat_id": rekey::stated(0)["vat_id"]});
        copy.account("rival").put(rival).await.expect(500);
        let begun = local::program::ensure(copy.app()).await;
        assert!(matches!(begun, Err(ProgramError::Unrestored(_))), "{begun:?}");

        // With those it was made with it ends, and every value is taken.
        let right = copy.with_other_secrets(rekey::BOTH).await;
        assert_eq!(restored(&right, &folder, &[]).await.unwrap(), []);
        assert_eq!(right.tables().await, cloud.tables().await);
        for number in 0..2 {
            rekey::is_taken(&right, number).await;
        }
        right.audit().await;
    }
    // A secret more is none too few.
    let three = with_secrets(&format!("{},3:the third of the secrets", rekey::BOTH)).await;
    assert_eq!(restored(&three, &folder, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_backup_of_which_a_secret_is_lost_is_restored_all_the_same_where_that_is_said() {
    let folder = Folder::new();
    let cloud = of_two_secrets(&folder).await;
    if !cloud.is_embedded() {
        return;
    }
    // Under the number of a secret that is lost there is to be no other.
    let other = with_secrets("1:not the first of the secrets,2:the second of the secrets").await;
    let refused = restored(&other, &folder, &[1]).await.unwrap_err().to_string();
    assert!(refused.contains("leave its number out of GUILDER_SECRETS"), "{refused}");
    assert!(refused.contains("--without-secrets 1:"), "{refused}");

    let copy = with_secrets(rekey::NEW).await;
    let doubts = restored(&copy, &folder, &[1, 7]).await.unwrap();
    let said = "secret 1 is not configured, and claims were made with it: VAT ids and e-mail addresses that others may \
                claim: 2, of 1 accounts (c-0)";
    assert_eq!(doubts.iter().map(ToString::to_string).collect::<Vec<_>>(), [said]);
    assert_eq!(copy.tables().await, cloud.tables().await);
    rekey::is_taken(&copy, 1).await;
    // The audit says it until it is mended, as is said: another name and the one before.
    let report = local::audit::run(copy.app(), copy.now()).await.unwrap();
    let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, [format!("program: {said}")]);
    let mut renamed = rekey::stated(0);
    renamed["name"] = json!("Another name");
    for document in [renamed, rekey::stated(0)] {
        copy.account("c-0").put(document).await.expect(200);
    }
    rekey::is_taken(&copy, 0).await;
    copy.audit().await;
}

#[tokio::test]
async fn the_audit_says_under_which_secrets_nothing_is_kept_from_others() {
    let old = rekey::start(rekey::OLD).await;
    rekey::enrolled(&old, 5).await;
    let other = old.with_other_secrets("1:not the first of the secrets").await;
    let found = async || {
        let report = local::audit::run(other.app(), other.now()).await.unwrap();
        report.findings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let values = "VAT ids and e-mail addresses that others may claim: 10, of 5 accounts (c-0, c-1, c-2 and 2 more)";
    let wrong = format!("program: secret 1 is another than the one that claims were made with: {values}");
    assert_eq!(found().await, [wrong]);
    // What is claimed with the other since is claimed; the rest is not.
    other.account("rival").put(rekey::stated(0)).await.expect(201);
    let mixed = format!("program: secret 1 is not the one that all claims under it were made with: {values}");
    assert_eq!(found().await, [mixed]);
    old.account("own").put(json!({"name": "Own"})).await.expect(201);
    let new = old.with_other_secrets(rekey::BOTH).await;
    let report = local::audit::run(new.app(), new.now()).await.unwrap();
    assert!(report.to_string().contains("that others may claim: 2, of 1 accounts (rival)"), "{report}");
}

/// What there is in the ledger's table, by what sort keys begin with: the backup is to have every kind.
const LEDGER_KINDS: [&str; 12] = ["C", "D", "E", "ERASURE", "F", "K", "PERKS", "PROFILE", "R", "REWARDS", "S", "W"];

/// The kinds of items of a table: what their sort keys begin with.
async fn kinds(cloud: &Cloud, table: &str) -> BTreeSet<String> {
    let found = cloud.local().client().scan().table_name(table).send().await.unwrap();
    let kind = |item: &std::collections::HashMap<_, aws_sdk_dynamodb::types::AttributeValue>| {
        item["sk"].as_s().unwrap().split('#').next().unwrap().to_owned()
    };
    found.items().iter().map(kind).collect()
}
