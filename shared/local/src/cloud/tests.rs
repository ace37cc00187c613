use std::path::PathBuf;

use super::*;
use dynoxide::Database;
use serde_json::json;

/// A folder of its own, removed with the test.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        let name = format!("guilder-{}-{:016x}", std::process::id(), fastrand::u64(..));
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn queue_depths(cloud: &Cloud) -> BTreeMap<String, usize> {
    cloud.queues().await.unwrap().into_iter().map(|content| (content.queue, content.depth)).collect()
}

#[tokio::test]
async fn a_poison_message_ends_in_the_dead_letters_after_its_last_attempt() {
    let options = Options { retry_delay: Duration::ZERO, ..Options::new(Storage::Memory) };
    let cloud = Cloud::open(options).await.unwrap();
    assert_eq!(cloud.put_event("OrderPlaced", "shop", json!({"no": "order"})).await.unwrap(), 1);
    let attempts = cloud.template().queue("OrderPlacedQueue").unwrap().redrive.as_ref().unwrap().max_receive_count;
    for _ in 0..=attempts {
        assert_eq!(cloud.pump().await.unwrap(), 1);
    }
    assert_eq!(cloud.pump().await.unwrap(), 0);
    let depths = queue_depths(&cloud).await;
    assert_eq!((depths["OrderPlacedQueue"], depths["OrderPlacedDeadLetters"]), (0, 1));
    let dead = cloud.queues().await.unwrap().into_iter().find(|content| content.depth == 1).unwrap();
    assert_eq!(dead.messages[0].received, attempts);
    let reason = format!("order-placed could not handle it; its log says why: search it for {}", dead.messages[0].id);
    assert_eq!(dead.messages[0].reason.as_ref(), Some(&reason));
}

#[tokio::test]
async fn an_event_that_no_account_can_be_found_in_ends_in_the_dead_letters_at_once() {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    for account in [json!("two words"), json!(7), json!(null), json!("x".repeat(129))] {
        assert_eq!(
            cloud.put_event("OrderPlaced", "shop", json!({"account_id": account})).await.unwrap(),
            0,
            "{account}"
        );
    }
    let depths = queue_depths(&cloud).await;
    assert_eq!((depths["OrderPlacedQueue"], depths["OrderPlacedDeadLetters"]), (0, 4));
    let dead = cloud.queues().await.unwrap().into_iter().find(|content| content.depth == 4).unwrap();
    assert!(dead.messages[0].reason.as_ref().unwrap().starts_with("account_id of its detail"), "{dead:?}");
    assert_eq!(cloud.pump().await.unwrap(), 0);
}

#[tokio::test]
async fn messages_survive_a_restart() {
    let folder = Folder::new();
    let storage = || Storage::File(folder.0.join("guilder.db"));
    let cloud = Cloud::open(Options::new(storage())).await.unwrap();
    cloud.put_event("OrderPlaced", "shop", json!({})).await.unwrap();
    assert!(matches!(Cloud::open(Options::new(storage())).await, Err(OpenError::Storage(StorageError::InUse { .. }))));
    drop(cloud);
    let cloud = Cloud::open(Options::new(storage())).await.unwrap();
    assert_eq!(queue_depths(&cloud).await["OrderPlacedQueue"], 1);
}

#[tokio::test]
async fn nights_are_run_by_the_clock_of_the_program() {
    let folder = Folder::new();
    let storage = || Storage::File(folder.0.join("guilder.db"));
    let zone = |cloud: &Cloud| cloud.app("metric-rollup").unwrap().config().time_zone.clone();
    let cloud = Cloud::open(Options::new(storage())).await.unwrap();
    assert_eq!(zone(&cloud).as_deref(), Some("Europe/London"), "before there is a program");
    let app = cloud.app("program").unwrap();
    let mut document: Value = serde_json::from_str(include_str!("../../programs/wholesale.json")).unwrap();
    document["time_zone"] = json!("Asia/Tokyo");
    crate::program::activate(app, document, None, wall_clock()).await.unwrap();
    drop(cloud);
    let cloud = Cloud::open(Options::new(storage())).await.unwrap();
    assert_eq!(zone(&cloud).as_deref(), Some("Asia/Tokyo"));
    drop(cloud);
    let parameters = [("TimeZone".to_owned(), "Europe/Berlin".to_owned())];
    let mut options = Options::new(storage());
    options.parameters.extend(parameters);
    let cloud = Cloud::open(options).await.unwrap();
    assert_eq!(zone(&cloud).as_deref(), Some("Europe/Berlin"), "what was chosen");
}

#[tokio::test]
async fn only_the_functions_of_the_template_can_be_invoked() {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    let refused = cloud.invoke("order-shipped", json!({})).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "there is no function order-shipped; there are account-review, accounts, checkout, discount-expiry, events-out, \
        metric-rollup, metrics, order-placed, order-returned, program, referral-redemption, simulation, surveys"
    );
}

#[tokio::test]
async fn clouds_with_a_prefix_share_an_endpoint() {
    let client = crate::connector::client(&Database::memory().unwrap());
    let open = |prefix: &str| {
        let storage = Storage::Endpoint { client: client.clone(), prefix: prefix.into() };
        Cloud::open(Options::new(storage))
    };
    let (one, two) = (open("one-").await.unwrap(), open("two-").await.unwrap());
    one.put_event("OrderPlaced", "shop", json!({})).await.unwrap();
    assert_eq!(queue_depths(&one).await["OrderPlacedQueue"], 1);
    assert_eq!(queue_depths(&two).await["OrderPlacedQueue"], 0);
    assert!(one.database().is_none());
}
