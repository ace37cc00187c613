use super::*;
use crate::cloud::{Cloud, Options, Storage};
use crate::{demo, program};

#[tokio::test]
async fn everything_stored_can_be_read() {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    let app = cloud.app("accounts").unwrap();
    program::ensure(app).await.unwrap();
    demo::load(&cloud, Instant::parse("2026-02-20T12:00:00Z").unwrap()).await.unwrap();
    let text = account(app, &AccountId::parse(demo::ACCOUNT).unwrap(), 7).await.unwrap();
    // The day that something due is filed under is the day of the commit: today.
    let text = text.lines().filter(|line| !line.contains("filed under")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(text);
    let unknown = account(app, &AccountId::parse("nobody").unwrap(), 4).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no account nobody");
}

#[tokio::test]
async fn a_credit_note_is_shown_with_what_it_matched() {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    let app = cloud.app("order-returned").unwrap().with_clock(runtime::Clock::manual(Instant::MIN));
    program::ensure(&app).await.unwrap();
    let document = serde_json::json!({
        "return_id": "CN-17", "returned_at": "1970-01-01T00:00:00Z", "lines": [{"sku": "MUG", "quantity": 3}],
    });
    let which = order_returned::Which::Stated(domain::credit_note::credit_note_document(&document).unwrap());
    let (caller, id) = (runtime::Caller::operator("clerk"), AccountId::parse("acme").unwrap());
    let carried = order_returned::carry_on(&app, &caller, &id, &which, runtime::Deadline::NEVER).await;
    assert!(carried.is_ok());
    let text = account(&app, &id, 1).await.unwrap();
    for line in [
        "\n  unmatched            3 units of credit notes\n",
        "\ncredit notes\n  CN-17  1970-01-01T00:00:00Z  done  0 of 3 units matched, 0 points reversed  by clerk\n",
        "  credit note CN-17  by clerk, program 1\n",
        "\n         credit note of 3 units\n         credit note done: 0 units matched, 3 match no order\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn a_discount_that_was_withdrawn_has_no_end_to_come() {
    let discount = |void: bool| -> Discount {
        let stated = serde_json::json!({
            "account_id": "acme", "code": "00000000011", "secret": 1, "rule": "next", "percent": 500,
            "issued_by": {"source": "shop", "order_id": "1"}, "issued_at": "2027-01-21T00:00:00Z",
            "expires_at": "2027-02-21T00:00:00Z", "told_days": 0, "void": void, "version": 2,
        });
        serde_json::from_value(stated).unwrap()
    };
    let sample = program::document("wholesale".as_ref()).unwrap();
    let program = domain::program::Program::from_json(&sample).unwrap();
    let (account, _) = Account::enrol(AccountId::parse("acme").unwrap(), &program, Instant::MIN);
    let mut page = Page(String::new());
    discounts(&mut page, &account, &[&discount(true), &discount(false)]);
    let ends: Vec<_> =
        page.0.lines().filter_map(|line| line.split_once("  by ")).map(|(_, end)| end.to_owned()).collect();
    let ended = |how: &str| ends.iter().filter(|end| end.ends_with(how)).count();
    assert_eq!((ended("  withdrawn"), ended("  ended 2027-02-21T00:00:00Z")), (1, 1), "{}", page.0);
}
