//! What a score says that an order brought, and what its entries gave.

use super::*;
use domain::id::{RuleId, TierId};
use domain::score::GivenFor;

#[tokio::test]
async fn gifts_that_no_entry_gave_are_found() {
    let silver = || GivenFor::Tier(TierId::parse("silver").unwrap());
    let second = || GivenFor::Occasion(RuleId::parse("second").unwrap());
    // One that the order issued itself, and one that nobody did.
    let (issued, unknown) = ("own".to_owned(), Code::of_bits(7));
    for (given_for, points, code, finding) in [
        (silver(), 0, None, None),
        (silver(), 0, Some(issued.clone()), None),
        (silver(), 200, None, Some("no entry of it gives 200 points for tier silver".to_owned())),
        (second(), 25, None, Some("no entry of it gives 25 points for occasion second".to_owned())),
        (
            second(),
            0,
            Some(unknown.to_string()),
            Some(format!("no entry of it issues discount {unknown} for occasion second")),
        ),
    ] {
        let cloud = cloud().await;
        let store = cloud.app("accounts").unwrap().store();
        let key = OrderKey { source: Source::parse("shop").unwrap(), order_id: OrderId::parse("1").unwrap() };
        let Some(StoredOrder::Scored(scored)) = store.order(&key, Consistency::Strong).await.unwrap() else {
            panic!("it was scored")
        };
        let mut order = ScoredOrder::clone(&scored);
        let own = order.score.issued[0].code.clone();
        let discount = code.map(|code| if code == issued { own } else { unknown.clone() });
        order.score.gifts = vec![OrderGift { given_for, points: Points(points), discount }];
        let guard = Guard::Version(order.version);
        store.commit(&[Write::Put(Record::Order(Arc::new(order)), guard)]).await.unwrap();
        let expected: Vec<_> = finding.map(|what| format!("account acme: order shop#1: {what}")).into_iter().collect();
        assert_eq!(audited(&cloud).await, expected);
    }
}
