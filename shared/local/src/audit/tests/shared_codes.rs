//! Uses of shared codes, at their accounts and over all.

use super::*;
use domain::code::Code;
use domain::shared_code::{SharedCode, SharedUses};

/// A code for so many uses, one for each account.
fn code(uses: u64) -> SharedCode {
    let stated = json!({
        "code": Code::of_bits(9), "secret": 1, "key": "key", "content_hash": "", "name": "Spring",
        "takes_off": {"percent": 500}, "minimum_order": 0, "currency": "GBP", "uses": uses, "uses_per_account": 1,
        "issued_at": "2011-01-01T00:00:00Z", "issued_by": "shop", "version": 1,
    });
    serde_json::from_value(stated).unwrap()
}

async fn committed(cloud: &Cloud, writes: &[Write]) {
    let done = cloud.app("checkout").unwrap().store().commit(writes).await.unwrap();
    assert!(matches!(done, store::Commit::Done), "{done:?}");
}

/// A code of two uses, of which an order of `acme` and one of `other` have made one each.
async fn used() -> (Cloud, SharedCode) {
    let (cloud, code) = (cloud().await, code(2));
    committed(&cloud, &[Write::Put(Record::SharedCode(Box::new(code.clone())), Guard::Absent)]).await;
    for (account, id) in [("acme", "5"), ("other", "6")] {
        order(&cloud, account, id, "2011-01-13T09:00:00Z", &[code.code.to_string()]).await;
    }
    (cloud, code)
}

#[tokio::test]
async fn uses_of_a_shared_code_that_do_not_add_up_are_found() {
    let (whole, code) = used().await;
    assert_eq!(audited(&whole).await, [""; 0]);
    let uses = format!("S#{}", code.code);
    let acme: &[(&str, &str)] = &[("account_id", "acme"), ("sk", &uses)];
    let record: &[(&str, &str)] = &[("code", "SHARED"), ("sk", code.code.as_str())];
    let of_two = serde_json::to_string(&code).unwrap();
    let of_one = AttributeValue::S(altered(&of_two, "\"uses\":2", "\"uses\":1"));
    let text = &code.code;
    let other_code = AttributeValue::S(Code::of_bits(8).to_string());
    let rows = [
        (
            "ledger",
            acme,
            Some(("used", AttributeValue::N("2".to_owned()))),
            vec![
                format!("account acme: has used shared code {text} 2 times of 1"),
                format!("account acme: has used shared code {text} 2 times, 1 by its orders"),
                format!("program: 2 uses of shared code {text} are counted, accounts have 3"),
            ],
        ),
        (
            "ledger",
            acme,
            None,
            vec![
                format!("account acme: has used shared code {text} 0 times, 1 by its orders"),
                format!("program: 2 uses of shared code {text} are counted, accounts have 1"),
            ],
        ),
        (
            "orders",
            &[("order_key", "shop#5")],
            Some(("codes", other_code)),
            vec![
                format!("account acme: order shop#5 does not name shared code {text}, which it used"),
                format!("account acme: order shop#5 names discount {}, which it did not use", Code::of_bits(8)),
            ],
        ),
        (
            "codes",
            record,
            None,
            vec![
                format!("account acme: has used shared code {text}, which there is not"),
                format!("account other: has used shared code {text}, which there is not"),
            ],
        ),
        (
            "codes",
            record,
            Some(("shared_code", of_one)),
            vec![format!("program: shared code {text} was used 2 times of 1")],
        ),
    ];
    for (table, key, change, expected) in rows {
        let (cloud, _) = used().await;
        tamper(&cloud, table, key, change).await;
        assert_eq!(audited(&cloud).await, expected);
    }
}

#[tokio::test]
async fn a_use_that_was_given_back_is_none() {
    let (cloud, code) = used().await;
    let (id, store) = (AccountId::parse("acme").unwrap(), cloud.app("checkout").unwrap().store());
    let found = store.shared_found(&id, &code.code, Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(found.uses.as_ref().map(|SharedUses { used, .. }| *used), Some(1));
    take_back(&cloud, "5", None).await;
    assert_eq!(audited(&cloud).await, [""; 0]);
    let found = store.shared_found(&id, &code.code, Consistency::Strong).await.unwrap().unwrap();
    assert_eq!((found.uses.unwrap().used, found.limit.unwrap().used()), (0, Ok(1)));
    let shown = crate::show::account(cloud.app("accounts").unwrap(), &id, 1).await.unwrap();
    assert!(shown.contains(&format!("\nshared codes\n  {:<20} 0 used\n", code.code.as_str())), "{shown}");
}
