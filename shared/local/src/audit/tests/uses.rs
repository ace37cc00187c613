//! What orders use and accounts hold, and what entries tell of that.

use super::*;
use domain::hold::Hold;
use domain::lots::SpentLot;
use domain::uses::Uses;

#[tokio::test]
async fn points_spent_on_an_order_that_no_entry_spent_are_found() {
    for (spent, finding) in [(0, None), (5, Some("order shop#1: 5 points are spent on it, 0 by its entries"))] {
        let cloud = cloud().await;
        let store = cloud.app("accounts").unwrap().store();
        let key = OrderKey { source: Source::parse("shop").unwrap(), order_id: OrderId::parse("1").unwrap() };
        let Some(StoredOrder::Scored(scored)) = store.order(&key, Consistency::Strong).await.unwrap() else {
            panic!("it was scored")
        };
        let mut order = ScoredOrder::clone(&scored);
        let part = SpentLot { points: Points(spent), expires_at: Instant::NEVER, inactivity_months: None };
        let parts = vec![part; usize::from(spent > 0)];
        order.history.uses = Some(Uses { points: Points(5), spent: parts, ..Uses::default() });
        let guard = Guard::Version(order.version);
        store.commit(&[Write::Put(Record::Order(Arc::new(order)), guard)]).await.unwrap();
        let expected: Vec<_> = finding.into_iter().map(|what| format!("account acme: {what}")).collect();
        assert_eq!(audited(&cloud).await, expected);
    }
}

#[tokio::test]
async fn a_hold_that_no_reservation_made_is_found() {
    let cloud = cloud().await;
    let (store, id) = (cloud.app("accounts").unwrap().store(), AccountId::parse("acme").unwrap());
    let mut acme = store.account(&id, Consistency::Strong).await.unwrap().unwrap();
    let guard = Guard::Version(acme.version);
    let until = Instant::parse("2011-01-12T10:00:00Z").unwrap();
    acme.holds = vec![Hold { entry: 2, until, points: Points(5), codes: Vec::new() }];
    store.commit(&[Write::Put(Record::Account(Box::new(acme)), guard)]).await.unwrap();
    let expected = format!("account acme: a hold until {until} is of no entry that made one");
    assert_eq!(audited(&cloud).await, [expected]);
}
