//! Exact limits over all accounts, as the tables keep them.

use domain::id::{AccountId, RuleId};
use domain::limit::{Limit, LimitId, LimitKind, SHARDS};
use store::{Commit, Consistency, Store};
use tests::{Cloud, skips_concurrency};

fn budget() -> LimitId {
    LimitId::of(LimitKind::EarningBudget, &RuleId::parse("spring").unwrap())
}

async fn read(store: &Store) -> Limit {
    store.limit(budget(), Consistency::Strong).await.unwrap()
}

/// Takes so much, or what is left of it; answers how much that was.
async fn take(store: &Store, total: u64, wanted: u64, by: &AccountId) -> u64 {
    loop {
        let limit = read(store).await;
        let amount = wanted.min(limit.left(total).unwrap());
        let writes = limit.take(total, amount, by).unwrap().unwrap();
        if writes.is_empty() {
            return 0;
        }
        if let Commit::Done = store.commit(&writes).await.unwrap() {
            return amount;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_what_many_take_at_once_there_is_exactly_as_much_as_the_total() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    let clients = (1..=32_u64).map(|n| {
        let (store, by) = (cloud.app().store().clone(), AccountId::parse(&format!("acme-{n}")).unwrap());
        tokio::spawn(async move { take(&store, 100, n % 7 + 1, &by).await })
    });
    let clients: Vec<_> = clients.collect();
    let mut taken = 0;
    for client in clients {
        taken += client.await.unwrap();
    }
    // They wanted 126: the rest went to whoever came in time.
    assert_eq!(taken, 100);
    let limit = read(cloud.app().store()).await;
    assert_eq!((limit.used(), limit.left(100)), (Ok(100), Ok(0)));
    assert!(limit.shards().iter().all(|shard| shard.is_some_and(|shard| shard.remaining == 0)));
}

#[tokio::test]
async fn another_total_counts_what_was_used() {
    let cloud = Cloud::start().await;
    let (store, by) = (cloud.app().store(), AccountId::parse("acme").unwrap());
    assert_eq!(take(store, 100, 60, &by).await, 60);
    // What the first total has left of its layout is worth nothing to the second.
    assert_eq!(take(store, 70, 60, &by).await, 10);
    assert_eq!(take(store, 70, 1, &by).await, 0);
    assert_eq!(take(store, 90, 60, &by).await, 20);
    assert_eq!(read(store).await.used(), Ok(90));
}

#[tokio::test]
async fn a_use_that_its_shard_covers_is_one_write() {
    let cloud = Cloud::start().await;
    let (store, by) = (cloud.app().store(), AccountId::parse("acme").unwrap());
    assert_eq!(read(store).await.shards(), &[None; SHARDS]);
    take(store, 800, 1, &by).await;
    if !cloud.is_embedded() {
        return;
    }
    let (limit, read) = cloud.units(async { store.limit(budget(), Consistency::Eventual).await.unwrap() }).await;
    assert_eq!((read.read_halves, read.requests), (1, 1));
    let writes = limit.take(800, 50, &by).unwrap().unwrap();
    let (committed, wrote) = cloud.units(store.commit(&writes)).await;
    assert!(matches!(committed, Ok(Commit::Done)));
    assert_eq!((wrote.write_halves, wrote.requests), (4, 1));
}
