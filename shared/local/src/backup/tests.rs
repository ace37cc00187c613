use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use domain::id::ProgramName;
use dynoxide::Database;
use serde_json::{Value, json};

use super::line::Item;
use super::*;
use crate::connector::{self, Embedded};
use crate::template::Template;

/// A folder of its own, removed when dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("guilder-backup-{}-{:016x}", std::process::id(), fastrand::u64(..)));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn tables() -> Vec<Located> {
    let tables = Template::embedded().unwrap().tables.into_iter();
    tables.map(|table| Located { name: format!("a-{}", table.name), table }).collect()
}

async fn empty(client: Client) -> Client {
    crate::tables::create(&client, &Template::embedded().unwrap().tables, "a-").await.unwrap();
    client
}

async fn memory() -> Client {
    empty(connector::client(&Database::memory().unwrap())).await
}

async fn put(client: &Client, located: &Located, n: usize) {
    let text = |text: String| AttributeValue::S(text);
    let mut item: Item = [&located.table.key.hash]
        .into_iter()
        .chain(&located.table.key.range)
        .map(|name| (name.clone(), text(format!("{name}-{}", n % 97 * 1_000 + n))))
        .collect();
    item.insert("version".into(), AttributeValue::N(n.to_string()));
    item.insert("packed".into(), AttributeValue::B(Blob::new([n.to_le_bytes(); 9].concat())));
    if !located.table.indexes.is_empty() {
        item.insert("due".into(), text(format!("2030-01-01#{n}")));
        item.insert("due_at".into(), AttributeValue::N("1893456000000".into()));
    }
    client.put_item().table_name(&located.name).set_item(Some(item)).send().await.unwrap();
}

/// Some items in every table, and none in the last.
async fn filled(client: &Client) {
    let tables = tables();
    for (located, count) in tables.iter().zip([60, 30, 120, 1, 5, 26]) {
        for n in 0..count {
            put(client, located, n).await;
        }
    }
    assert!(tables.len() > 6, "the last table stays empty");
}

/// How many items each table holds.
async fn counts(client: &Client) -> Vec<i32> {
    let mut counts = Vec::new();
    for located in tables() {
        let found = client.scan().table_name(&located.name).consistent_read(true).send().await.unwrap();
        counts.push(found.count());
    }
    counts
}

fn plan(still: bool) -> Plan {
    Plan { tables: tables(), program: ProgramName::parse("wholesale").unwrap(), still }
}

async fn saved(client: &Client, folder: &Folder, name: &str) -> Manifest {
    save(client, &plan(false), &folder.0.join(name)).await.unwrap()
}

fn opened(folder: &Folder, name: &str) -> Result<Backup, BackupError> {
    Backup::open(&folder.0.join(name), &Template::embedded().unwrap().tables)
}

async fn restored(client: &Client, folder: &Folder, name: &str) -> Result<Written, BackupError> {
    restore(client, &tables(), &opened(folder, name)?, &folder.0, async || Ok(())).await
}

/// The files of a backup, but for the manifest, with what they hold.
fn files(folder: &Folder, name: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder.0.join(name)).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .filter(|(name, _)| name != folder::MANIFEST)
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn what_was_saved_is_restored_and_saved_again_to_the_byte() {
    let (folder, client) = (Folder::new(), memory().await);
    filled(&client).await;
    let first = saved(&client, &folder, "first").await;
    assert_eq!(first.tables.keys().cloned().collect::<BTreeSet<_>>(), {
        tables().into_iter().map(|located| located.table.name).collect()
    });
    let other = memory().await;
    let written = restored(&other, &folder, "first").await.unwrap();
    assert_eq!(opened(&folder, "first").unwrap().manifest, first);
    assert_eq!(written.values().sum::<u64>(), 242);
    assert_eq!(counts(&other).await, counts(&client).await);
    let second = saved(&other, &folder, "second").await;
    assert_eq!(second.tables, first.tables);
    assert!(files(&folder, "second") == files(&folder, "first"));
    // Once more: everything stands there already.
    let again = restored(&other, &folder, "first").await.unwrap();
    assert_eq!(again.values().sum::<u64>(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_but_its_owner_may_read_a_backup() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, client) = (Folder::new(), memory().await);
    filled(&client).await;
    saved(&client, &folder, "backup").await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let backup = folder.0.join("backup");
    assert_eq!(mode(&backup), 0o700);
    let modes: Vec<_> = fs::read_dir(&backup).unwrap().map(|entry| mode(&entry.unwrap().path())).collect();
    assert_eq!(modes, vec![0o600; tables().len() + 1]);
}

#[tokio::test]
async fn what_was_interrupted_goes_on_and_what_is_another_s_is_refused() {
    let (folder, client) = (Folder::new(), memory().await);
    filled(&client).await;
    saved(&client, &folder, "backup").await;
    let ledger = tables().into_iter().find(|located| located.table.name == "ledger").unwrap();

    let interrupted = memory().await;
    for n in [3, 77, 119] {
        put(&interrupted, &ledger, n).await;
    }
    let written = restored(&interrupted, &folder, "backup").await.unwrap();
    assert_eq!(written["ledger"], 117);
    assert_eq!(counts(&interrupted).await, counts(&client).await);

    // An item more, and one that stands there otherwise.
    for (n, version) in [(500, None), (7, Some("8"))] {
        let occupied = memory().await;
        put(&occupied, &ledger, n).await;
        if let Some(version) = version {
            let mut item = occupied.scan().table_name(&ledger.name).send().await.unwrap().items.unwrap().remove(0);
            item.insert("version".into(), AttributeValue::N(version.into()));
            occupied.put_item().table_name(&ledger.name).set_item(Some(item)).send().await.unwrap();
        }
        let refused = restored(&occupied, &folder, "backup").await.unwrap_err();
        assert!(matches!(&refused, BackupError::Occupied { table, items: 1 } if table == "ledger"), "{refused}");
        assert!(!refused.to_string().contains("account_id-"), "{refused}");
        assert_eq!(counts(&occupied).await.iter().sum::<i32>(), 1);
    }
}

#[tokio::test]
async fn a_backup_that_is_not_as_it_was_is_refused_and_nothing_is_written() {
    let (folder, client) = (Folder::new(), memory().await);
    filled(&client).await;
    saved(&client, &folder, "backup").await;
    put(&client, &tables()[0], 1_000).await;
    saved(&client, &folder, "later").await;
    let (target, backup) = (memory().await, folder.0.join("backup"));
    let names: Vec<_> = files(&folder, "backup").into_iter().map(|(name, _)| name).collect();
    for name in names.iter().map(String::as_str).chain([folder::MANIFEST]) {
        let path = backup.join(name);
        let whole = fs::read(&path).unwrap();
        let flipped = (0..whole.len()).step_by(whole.len() / 12 + 1).map(|place| {
            let mut flipped = whole.clone();
            flipped[place] ^= 1;
            flipped
        });
        let cut = [whole.len() - 1, whole.len() / 2, 0].map(|length| whole[..length].to_vec());
        let more = [[whole.as_slice(), &whole].concat(), [whole.as_slice(), b"\n"].concat()];
        let others = names.iter().filter(|other| *other != name).map(|other| fs::read(backup.join(other)).unwrap());
        let others: Vec<_> = others.filter(|other| *other != whole).collect();
        for altered in flipped.chain(cut).chain(more).chain(others) {
            fs::write(&path, altered).unwrap();
            let refused = restored(&target, &folder, "backup").await.unwrap_err();
            assert!(matches!(refused, BackupError::Altered { .. } | BackupError::Format(_)), "{name}: {refused}");
        }
        fs::remove_file(&path).unwrap();
        restored(&target, &folder, "backup").await.unwrap_err();
        fs::write(&path, whole).unwrap();
    }
    // Files of two backups, whichever way round.
    let (held, later) = (backup.join("accounts.json.gz"), folder.0.join("later").join("accounts.json.gz"));
    let before = fs::read(&held).unwrap();
    fs::copy(&later, &held).unwrap();
    let mixed = restored(&target, &folder, "backup").await.unwrap_err();
    assert!(mixed.to_string().contains("or of another backup"), "{mixed}");
    fs::write(&later, before).unwrap();
    assert!(matches!(restored(&target, &folder, "later").await, Err(BackupError::Altered { .. })));
    assert_eq!(counts(&target).await, vec![0; tables().len()]);
}

#[tokio::test]
async fn only_a_backup_of_a_shape_and_of_tables_that_are_known_is_restored() {
    let (folder, client) = (Folder::new(), memory().await);
    filled(&client).await;
    let manifest = saved(&client, &folder, "backup").await;
    let backup = folder.0.join("backup");
    let sealed = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        fs::remove_file(backup.join(folder::MANIFEST)).unwrap();
        manifest.write(&backup).unwrap();
    };
    sealed(&|manifest| manifest.format = 2);
    assert!(matches!(restored(&client, &folder, "backup").await, Err(BackupError::Format(2))));
    sealed(&|manifest| drop(manifest.tables.insert("wishes".into(), manifest.tables["codes"].clone())));
    let unknown = restored(&client, &folder, "backup").await;
    assert!(matches!(unknown, Err(BackupError::Unknown(table)) if table == "wishes"));
    // A table that the release before did not have stays empty, and must be.
    sealed(&|manifest| drop(manifest.tables.remove("limits")));
    let target = memory().await;
    assert_eq!(restored(&target, &folder, "backup").await.unwrap()["limits"], 0);
    let limits = tables().into_iter().find(|located| located.table.name == "limits").unwrap();
    put(&target, &limits, 1).await;
    assert!(matches!(restored(&target, &folder, "backup").await, Err(BackupError::Occupied { .. })));

    assert!(matches!(restored(&target, &folder, "nowhere").await, Err(BackupError::NoBackup(_))));
    let taken = save(&client, &plan(false), &backup).await;
    assert!(matches!(taken, Err(BackupError::Taken(_))));
}

/// What becomes of a request.
enum Fate {
    /// It is carried out as it is now.
    Passes,
    /// It is carried out as it is now, and these requests are said to be left.
    Leaves(Value),
    /// It is refused.
    Refused(&'static str),
}

type Meddle = Arc<Mutex<dyn FnMut(&str, &mut Value) -> Fate + Send>>;

/// The embedded database behind somebody who changes requests.
#[derive(Clone)]
struct Meddled {
    inner: Embedded,
    meddle: Meddle,
}

impl fmt::Debug for Meddled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddled")
    }
}

impl Meddled {
    fn client(inner: &Embedded, meddle: impl FnMut(&str, &mut Value) -> Fate + Send + 'static) -> Client {
        connector::client_over(Self { inner: inner.clone(), meddle: Arc::new(Mutex::new(meddle)) })
    }
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
}

impl HttpConnector for Meddled {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let Self { inner, meddle } = self.clone();
        HttpConnectorFuture::new(async move {
            let operation = request.headers().get("x-amz-target").unwrap().split_once('.').unwrap().1.to_owned();
            let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            let fate = meddle.lock().unwrap()(&operation, &mut body);
            if let Fate::Refused(kind) = fate {
                return Ok(answer(400, &json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}")})));
            }
            *request.body_mut() = SdkBody::from(body.to_string());
            let done = HttpConnector::call(&inner, request).await?;
            match fate {
                Fate::Leaves(left) => {
                    assert!(done.status().is_success());
                    Ok(answer(200, &json!({"UnprocessedItems": left})))
                }
                _ => Ok(done),
            }
        })
    }
}

impl HttpClient for Meddled {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[tokio::test]
async fn what_dynamodb_leaves_aside_is_written_again() {
    let (folder, client) = (Folder::new(), memory().await);
    filled(&client).await;
    saved(&client, &folder, "backup").await;
    let inner = Embedded::new(Database::memory().unwrap());
    let target = empty(connector::client_over(inner.clone())).await;
    let asked = Arc::new(Mutex::new(0_u32));
    let count = asked.clone();
    let reluctant = Meddled::client(&inner, move |operation, body| {
        let mut asked = count.lock().unwrap();
        match operation {
            "Scan" if fastrand::u8(0..4) == 0 => return Fate::Refused("ProvisionedThroughputExceededException"),
            "BatchWriteItem" => *asked += 1,
            _ => return Fate::Passes,
        }
        if asked.is_multiple_of(3) {
            return Fate::Refused("ThrottlingException");
        }
        // One item is written, the rest is left.
        let mut left = json!({});
        for (table, requests) in body["RequestItems"].as_object_mut().unwrap() {
            let rest = requests.as_array_mut().unwrap().split_off(1);
            if !rest.is_empty() {
                left[table] = Value::Array(rest);
            }
        }
        Fate::Leaves(left)
    });
    restored(&reluctant, &folder, "backup").await.unwrap();
    assert!(*asked.lock().unwrap() > 242, "each item took a request");
    assert_eq!(counts(&target).await, counts(&client).await);
}

#[tokio::test]
async fn what_cannot_be_written_ends_it_and_no_program_is_in_force() {
    let (folder, client) = (Folder::new(), memory().await);
    filled(&client).await;
    saved(&client, &folder, "backup").await;
    let inner = Embedded::new(Database::memory().unwrap());
    let target = empty(connector::client_over(inner.clone())).await;
    let broken = Meddled::client(&inner, |operation, body| {
        let refused = operation == "BatchWriteItem" && body["RequestItems"].get("a-metrics").is_some();
        if refused { Fate::Refused("ResourceNotFoundException") } else { Fate::Passes }
    });
    let failed = restored(&broken, &folder, "backup").await.unwrap_err();
    assert!(matches!(&failed, BackupError::Endpoint { table, .. } if table == "a-metrics"), "{failed}");
    let after: Vec<_> = tables().into_iter().zip(counts(&target).await).collect();
    for (located, count) in after {
        let written = !["programs", "metrics", "limits"].contains(&located.table.name.as_str());
        assert_eq!(count > 0, written, "{}", located.name);
    }
    // Mended, it goes on from there.
    restored(&connector::client_over(inner), &folder, "backup").await.unwrap();
    assert_eq!(counts(&target).await, counts(&client).await);
}

#[tokio::test]
async fn whoever_writes_meanwhile_is_noticed() {
    let (folder, inner) = (Folder::new(), Embedded::new(Database::memory().unwrap()));
    let client = empty(connector::client_over(inner.clone())).await;
    filled(&client).await;
    assert!(save(&client, &plan(true), &folder.0.join("still")).await.unwrap().still);
    // An order is committed after the accounts were read for the first time.
    let written = Arc::new(Mutex::new(false));
    let other = inner.clone();
    let meddle = move |operation: &str, body: &mut Value| {
        let mut written = written.lock().unwrap();
        if operation == "Scan" && body["TableName"] == "a-ledger" && !*written {
            *written = true;
            let item = json!({"account_id": {"S": "late"}, "version": {"N": "1"}});
            let put = json!({"TableName": "a-accounts", "Item": item});
            other.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
        }
        Fate::Passes
    };
    let moved = save(&Meddled::client(&inner, meddle), &plan(true), &folder.0.join("moved")).await.unwrap_err();
    assert!(matches!(&moved, BackupError::Moved(table) if table == "accounts"), "{moved}");
    assert!(matches!(restored(&client, &folder, "moved").await, Err(BackupError::NoBackup(_))), "no manifest");

    // And whoever writes where it is restored.
    let target = Embedded::new(Database::memory().unwrap());
    empty(connector::client_over(target.clone())).await;
    let other = target.clone();
    let meddle = move |operation: &str, body: &mut Value| {
        if operation == "BatchWriteItem" && body["RequestItems"].get("a-programs").is_some() {
            let item = json!({"account_id": {"S": "early"}, "version": {"N": "1"}});
            let put = json!({"TableName": "a-accounts", "Item": item});
            other.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
        }
        Fate::Passes
    };
    let differs = restored(&Meddled::client(&target, meddle), &folder, "still").await.unwrap_err();
    assert!(matches!(&differs, BackupError::Differs(table) if table == "accounts"), "{differs}");
}
