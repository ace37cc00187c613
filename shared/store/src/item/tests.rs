#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects)]
mod order;
mod plain;

use super::*;
use domain::code::{Code, Secrets};
use domain::discount::Discount;
use domain::membership::Contact;
use domain::money::{Minor, Percent, Points};
use domain::program::Program;
use domain::referral::{
    Check, Checks, CodeHolder, CodeSettings, CodeStatus, Consent, Ended, Given, GivenDiscount, Outcome, Qualified,
    Redemption, RedemptionId, RedemptionKey, Referral, ReferralCode, Review, Rewarded, Stage, TakenBack, WaitingReview,
};
use domain::tier::OwedDiscount;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;
use std::fmt::Debug;

fn instant() -> impl Strategy<Value = Instant> {
    (1_i64..32_503_679_999_999).prop_map(Instant::from_ms)
}

fn key() -> impl Strategy<Value = RedemptionKey> {
    (0_u64..1 << 50, any::<u64>())
        .prop_map(|(bits, id)| RedemptionKey { code: Code::of_bits(bits), redemption_id: RedemptionId::of_bits(id) })
}

fn account_id() -> impl Strategy<Value = AccountId> {
    "[a-z][A-Za-z0-9.:-]{0,39}".prop_map(|text| AccountId::parse(&text).unwrap())
}

fn check() -> impl Strategy<Value = Check> {
    prop::sample::select(&[Check::New, Check::Differs, Check::Same, Check::FreeProvider, Check::Unknown])
}

fn review() -> impl Strategy<Value = Review> {
    let text = || "[a-z ]{1,20}";
    (prop::collection::vec(text(), 0..4), option::of((any::<bool>(), text(), instant())), option::of(text())).prop_map(
        |(reasons, decided, note)| Review {
            reasons,
            approved: decided.as_ref().map(|(approved, ..)| *approved),
            by: decided.as_ref().map(|(_, by, _)| by.clone()),
            at: decided.map(|(.., at)| at),
            note,
        },
    )
}

fn given() -> impl Strategy<Value = Given> {
    let discount =
        ("[a-z-]{1,32}", 0_u64..1 << 50, 0_i64..1_000_000, instant()).prop_map(|(rule, bits, percent, expires_at)| {
            let (rule, code) = (domain::id::RuleId::parse(&rule).unwrap(), Code::of_bits(bits));
            GivenDiscount { rule, code, percent: Percent(percent), expires_at }
        });
    (any::<i64>(), option::of(instant()), option::of(discount)).prop_map(|(points, expires_at, discount)| Given {
        points: Points(points),
        expires_at,
        discount,
    })
}

fn qualified() -> impl Strategy<Value = Qualified> {
    (instant(), instant(), any::<i64>()).prop_map(|(at, reward_at, revenue)| {
        let order = OrderKey { source: Source::parse("shop").unwrap(), order_id: OrderId::parse("17").unwrap() };
        Qualified { order, at, reward_at, revenue: Minor(revenue) }
    })
}

fn ended() -> impl Strategy<Value = Ended> {
    (prop::sample::select(&[Outcome::Rejected, Outcome::Revoked]), instant(), "[a-z_]{1,20}")
        .prop_map(|(outcome, at, reason)| Ended { outcome, at, reason })
}

/// What came of a redemption, each there or not.
fn came_of() -> impl Strategy<Value = (Option<Qualified>, Option<Rewarded>, Option<Ended>, Option<TakenBack>)> {
    let rewarded = (instant(), any::<u32>(), given()).prop_map(|(at, number, given)| Rewarded {
        at,
        number,
        given,
        discount_waits: number % 2 == 0,
    });
    let back = (instant(), any::<[i64; 2]>(), any::<bool>()).prop_map(|(at, [points, unrecovered], discount)| {
        TakenBack { at, points: Points(points), unrecovered: Points(unrecovered), discount }
    });
    (option::of(qualified()), option::of(rewarded), option::of(ended()), option::of(back))
}

fn redemption() -> impl Strategy<Value = Redemption> {
    let consent = ("[a-zA-Z. ]{1,40}", option::of(instant())).prop_map(|(wording, at)| Consent { wording, at });
    let checks =
        [check(), check(), check(), check(), check()].prop_map(|[vat_id, email, email_domain, phone, address]| {
            Checks { vat_id, email, email_domain, phone, address }
        });
    let sides = (key(), account_id(), account_id(), any::<bool>());
    let stated = (option::of(consent), checks, option::of(review()), option::of(given()), option::of(instant()));
    (sides, instant(), any::<u32>(), any::<u64>(), stated, came_of()).prop_map(
        |((key, referrer, referee, enrolled), redeemed_at, program_version, version, stated, came_of)| {
            let (consent, checks, review, welcome, until) = stated;
            let (qualified, rewarded, ended, taken_back) = came_of;
            Redemption {
                key,
                referrer,
                referee,
                enrolled,
                redeemed_at,
                by: "merchant".to_owned(),
                content: Secrets::parse("1:sixteen bytes long").unwrap().keep("redemption", "stated", None),
                program_version,
                consent,
                checks,
                review,
                welcome,
                until,
                qualified,
                rewarded,
                ended,
                taken_back,
                version,
            }
        },
    )
}

fn referral_code() -> impl Strategy<Value = ReferralCode> {
    let status = prop::sample::select(&[CodeStatus::Active, CodeStatus::Paused]);
    let settings = (status, option::of(any::<u32>()), option::of(instant()))
        .prop_map(|(status, redemptions_left, expires_at)| CodeSettings { status, redemptions_left, expires_at });
    (key(), any::<u16>(), account_id(), option::of(contact()), instant(), settings, any::<u64>()).prop_map(
        |(key, secret, account_id, contact_id, issued_at, settings, version)| ReferralCode {
            code: key.code,
            secret,
            account_id,
            contact_id,
            issued_at,
            settings,
            version,
        },
    )
}

fn contact() -> impl Strategy<Value = ContactId> {
    "[a-z]{1,20}".prop_map(|text| ContactId::parse(&text).unwrap())
}

/// As JSON, and as an item under its key.
fn survives<T>(before: &T, key: Item) -> Result<(), TestCaseError>
where
    T: serde::Serialize + DeserializeOwned + PartialEq + Debug,
{
    let json = serde_json::to_string(before).unwrap();
    prop_assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), before);
    let item = of_plain(key.clone(), before).unwrap();
    for (name, value) in &key {
        prop_assert_eq!(item.get(name), Some(value), "its own fields leave its key alone");
    }
    prop_assert_eq!(plain::<T>(item), Ok(from_json(&json)));
    Ok(())
}

fn from_json<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn redemptions_survive_storing(before in redemption()) {
        survives(&before, keys::redemption(&before.key))?;
        let waiting = WaitingReview::of(&before);
        survives(&waiting, keys::waiting_review(&waiting.place()))?;
    }

    #[test]
    fn codes_survive_storing(before in referral_code()) {
        survives(&before, keys::referral_code(&before.code))?;
        let ReferralCode { code: referral_code, account_id, contact_id, .. } = before;
        let holder = CodeHolder { account_id, contact_id, referral_code };
        survives(&holder, keys::code_holder(&holder.account_id, holder.contact_id.as_ref()))?;
    }

    #[test]
    fn what_an_account_knows_of_referrals_survives_storing(
        key in key(),
        version in any::<u64>(),
        until in instant(),
        referrals_rewarded in any::<u32>(),
    ) {
        let mut account = an_account();
        let plain = of_account(&account);
        prop_assert!(!plain.contains_key(REFERRAL) && !plain.contains_key(REFERRER), "an account without: no byte more");
        prop_assert_eq!(super::account(&plain), Ok(account.clone()));
        account.referral = Some(Referral { key, version, program_version: 3, redeemed_at: Some(until), stage: Stage::Open { until } });
        let referred = of_account(&account);
        prop_assert_eq!(referred.len(), plain.len() + 1);
        prop_assert_eq!(super::account(&referred), Ok(account.clone()));
        (account.has_referral_code, account.referrals_rewarded) = (true, referrals_rewarded);
        let refers = of_account(&account);
        prop_assert_eq!(refers.len(), plain.len() + 2);
        prop_assert_eq!(super::account(&refers), Ok(account));
    }
}

fn a_program() -> Program {
    let program = json!({
        "name": "stored", "currency": "GBP", "time_zone": "Europe/London", "enrolment": { "unknown_account": "enrol" },
        "earning_rules": [{ "id": "base", "name": "Points", "points": 1, "per": "1.00" }],
        "points": { "validity_months": 24 },
        "tiers": { "window_months": 12, "levels": [
            { "id": "member", "name": "Member", "threshold": "0", "multiplier": "1" },
        ]},
    });
    Program::from_json(&program).unwrap()
}

fn an_account() -> Account {
    Account::enrol(AccountId::parse("acme").unwrap(), &a_program(), Instant::from_ms(1_300_000_000_000)).0
}

#[test]
fn what_is_not_there_takes_no_room() {
    let holder =
        CodeHolder { account_id: AccountId::parse("acme").unwrap(), contact_id: None, referral_code: Code::of_bits(1) };
    let json = serde_json::to_value(&holder).unwrap();
    assert_eq!(json, json!({ "account_id": "acme", "referral_code": Code::of_bits(1) }));
}

/// What stands in a list of its own kind of document: numbers and dates among texts.
#[test]
fn a_discount_of_every_occasion_reward_and_tier_is_read_as_it_was_written() {
    for occasion in [
        json!({ "occasion": "a", "on": "welcome" }),
        json!({ "occasion": "a", "on": "birthday", "contact_id": "ann", "day": "2028-02-29" }),
        json!({ "occasion": "a", "on": "anniversary", "years": 5, "day": "2026-12-24" }),
        json!({ "occasion": "a", "on": "date", "day": "2026-12-24" }),
        json!({ "occasion": "a", "on": "nth_order", "number": 10 }),
        json!({ "occasion": "a", "on": "inactivity", "since": "2026-01-31", "day": "2026-03-02" }),
        json!({ "tier": "gold" }),
        json!({ "reward_redemption": 7 }),
    ] {
        let discount: Discount = serde_json::from_value(json!({
            "account_id": "acme", "code": Code::of_bits(7), "secret": 1, "rule": "xmas", "percent": 500,
            "issued_by": occasion, "issued_at": "2026-12-24T00:00:00Z", "expires_at": "2027-01-07T00:00:00Z",
            "told_days": 14, "version": 1,
        }))
        .unwrap();
        assert_eq!(serde_json::to_value(&discount.issued_by).unwrap(), occasion);
        let written = of_plain(Item::new(), &discount).unwrap();
        assert_eq!(plain::<Discount>(written), Ok(discount));
    }
}

#[test]
fn a_contact_remembers_its_birthday_only_where_one_is_over() {
    let contact: Contact = serde_json::from_value(json!({
        "account_id": "acme", "contact_id": "ann", "name": "Ann", "role": "buyer", "locale": "en",
        "birthday": "1980-02-29", "version": 1,
    }))
    .unwrap();
    let written = of_plain(Item::new(), &contact).unwrap();
    assert!(!written.contains_key("celebrated"));
    assert_eq!(plain::<Contact>(written), Ok(contact.clone()), "as it was written before");
    let celebrated = Contact { celebrated: Some(2026), ..contact };
    assert_eq!(plain::<Contact>(of_plain(Item::new(), &celebrated).unwrap()), Ok(celebrated));
}

#[test]
fn discounts_that_are_owed_take_room_only_until_they_are_issued() {
    let account = an_account();
    assert!(!of_account(&account).contains_key("owed"));
    let owed = vec![OwedDiscount { tier: TierId::parse("gold").unwrap(), entered_at: Instant::from_ms(7) }];
    let owes = Account { owed, ..account };
    assert_eq!(super::account(&of_account(&owes)), Ok(owes));
}

#[test]
fn occasions_take_no_room_in_an_account_without_any() {
    let account = an_account();
    assert!(!of_account(&account).contains_key("occ"));
    let birthdays = domain::occasions::Birthdays::From(Day(20_000));
    let occasions = Past { through: Some(Day(19_999)), birthdays, ..Past::default() };
    let remembers = Account { occasions, ..account };
    assert_eq!(super::account(&of_account(&remembers)), Ok(remembers));
}
