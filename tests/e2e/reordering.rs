//! An order's own events in every order, each more than once: the same end.

use domain::account::Account;
use domain::id::AccountId;
use serde_json::{Value, json};
use store::Consistency;
use tests::{Cloud, Order, TakeBack};

#[derive(Clone)]
enum Event {
    Placed(Order),
    TakenBack(TakeBack),
}

impl Event {
    async fn send(&self) -> u16 {
        match self {
            Self::Placed(order) => order.send().await.status(),
            Self::TakenBack(back) => back.send().await.status(),
        }
    }

    async fn announce(&self) {
        match self {
            Self::Placed(order) => order.announce().await,
            Self::TakenBack(back) => back.announce().await,
        }
    }
}

/// An order with two lines, three returns that fit it; or two and its cancellation.
fn events(cloud: &Cloud, cancelled: bool) -> Vec<Event> {
    let order = cloud.order("o-1").line("MUG", 10, "33.335").line("CUP", 3, "1.99").line("POST", 1, "9.00");
    let first = order.returned("r-1").units("1", 3).units("3", 1);
    let second = order.returned("r-2").units("1", 2).units("2", 1);
    let third = if cancelled { order.cancelled() } else { order.returned("r-3").units("1", 5).units("2", 2) };
    let back = [first, second, third].map(Event::TakenBack);
    std::iter::once(Event::Placed(order)).chain(back).collect()
}

pub fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    let longer = |at: usize| {
        shorter.iter().map(move |order| {
            let mut order = order.clone();
            order.insert(at, count - 1);
            order
        })
    };
    (0..count).flat_map(longer).collect()
}

/// What must be the same in the end: what customers see, and the sums and lots behind it.
async fn end(cloud: &Cloud) -> (Value, Account) {
    let mut standing = cloud.account("acme").standing().await.expect(200).json();
    // How many commits it took may differ.
    standing["version"] = json!(null);
    let id = AccountId::parse("acme").unwrap();
    let mut account = cloud.app().store().account(&id, Consistency::Strong).await.unwrap().unwrap();
    account.version = 0;
    (standing, account)
}

/// A cloud whose account has something to lose, and owes something where `owing`.
async fn start(owing: bool) -> Cloud {
    let cloud = Cloud::start().await;
    cloud.order("o-0").line("MUG", 1, "1100.00").send().await.expect(201);
    if owing {
        cloud.account("acme").give(-1_200).await.expect(201);
    }
    cloud
}

#[test]
fn there_are_as_many_permutations_as_there_should_be() {
    let mut all = permutations(4);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 24);
}

async fn every_permutation_ends_the_same(cancelled: bool, owing: bool) {
    let mut expected = None;
    for permutation in permutations(4) {
        let cloud = start(owing).await;
        let events = events(&cloud, cancelled);
        for index in &permutation {
            let first = events[*index].send().await;
            assert!((200..300).contains(&first), "{permutation:?}: {first}");
            // Everything so far comes a second time.
            for earlier in permutation.iter().take_while(|earlier| *earlier != index) {
                let again = events[*earlier].send().await;
                assert!([200, 202].contains(&again), "{permutation:?}: {again}");
            }
        }
        let found = end(&cloud).await;
        let expected = expected.get_or_insert_with(|| found.clone());
        assert_eq!(found, *expected, "{permutation:?}, cancelled: {cancelled}, owing: {owing}");
        cloud.audit().await;
    }
    let (standing, account) = expected.unwrap();
    let net = account.holdings.net().unwrap().0;
    assert_eq!(net, if owing { -100 } else { 1_100 }, "all came back: {standing}");
    assert_eq!(standing["revenue"]["amount"], "1100.00");
    assert_eq!(standing["tier"]["qualifying_spend"]["amount"], "1100.00");
}

#[tokio::test]
async fn returns_in_every_order_end_the_same() {
    every_permutation_ends_the_same(false, false).await;
}

#[tokio::test]
async fn returns_and_a_cancellation_in_every_order_end_the_same() {
    every_permutation_ends_the_same(true, false).await;
}

#[tokio::test]
async fn returns_and_a_cancellation_of_an_account_that_owes_points_end_the_same() {
    every_permutation_ends_the_same(true, true).await;
}

#[tokio::test]
async fn every_order_of_events_on_the_bus_ends_the_same() {
    let mut expected = None;
    for permutation in permutations(4) {
        let cloud = start(false).await;
        let events = events(&cloud, true);
        for index in permutation.iter().chain(&permutation) {
            events[*index].announce().await;
            cloud.drain().await;
        }
        for queue in ["OrderPlacedDeadLetters", "OrderReturnedDeadLetters"] {
            assert!(cloud.queue(queue).await.is_empty(), "{permutation:?}");
        }
        let found = end(&cloud).await;
        let expected = expected.get_or_insert_with(|| found.clone());
        assert_eq!(found, *expected, "{permutation:?}");
        cloud.audit().await;
    }
}
