//! Redeeming: who is new, what is checked, what is stored.

use super::*;

#[test]
fn whoever_is_new_is_enrolled_and_welcomed() {
    let mut town = Town::of(document());
    let account = town.referred(1);
    let redemption = town.redemption(&account).clone();
    let until = at("2011-04-10T11:00:00Z"); // forty days to the same wall time: the clocks went forward
    assert_eq!((redemption.referrer.clone(), redemption.referee.clone()), (id("acme"), id("p-1")));
    assert_eq!((redemption.enrolled, redemption.until, redemption.version), (true, Some(until), 1));
    assert_eq!((town.stage(&account), town.state(&account)), (Stage::Open { until }, State::Redeemed));
    let welcome = redemption.welcome.unwrap();
    assert_eq!((welcome.points, welcome.expires_at), (Points(10), Some(at("2011-05-31T23:00:00Z"))));
    let discount = &town.discounts[&(id("p-1"), welcome.discount.unwrap().code)];
    assert_eq!((discount.rule.as_str(), discount.expires_at), ("welcome", at("2011-04-30T11:00:00Z")));
    assert_eq!((town.points(&account), town.points("acme")), (10, 0));
    assert_eq!(town.claims.len(), 2, "its VAT id and e-mail address are its own");
    assert_eq!(town.accounts[&id("p-1")].due.unwrap().at, until.min(discount.expires_at));
}

use crate::money::Points;

#[test]
fn who_is_known_already_is_not_new() {
    let stated = |change: fn(&mut Value)| {
        let mut stated = prospect(1);
        change(&mut stated);
        stated
    };
    type Row = (&'static str, fn(&mut Account), fn(&mut Value), bool);
    let rows: [Row; 11] = [
        ("as it is", |_| (), |_| (), true),
        ("suspended", |known| known.status = Status::Suspended, |_| (), false),
        ("closed", |known| known.status = Status::Closed, |_| (), false),
        ("pending", |known| known.status = Status::Pending, |_| (), false),
        ("refers others", |known| known.has_referral_code = true, |_| (), false),
        ("has ordered", |known| known.lifetime.orders = 1, |_| (), false),
        (
            "was referred",
            |known| {
                let key = RedemptionKey { code: Code::of_bits(1), redemption_id: RedemptionId::of_bits(1) };
                known.referral =
                    Some(Referral { key, version: 1, program_version: 1, redeemed_at: None, stage: Stage::Over });
            },
            |_| (),
            false,
        ),
        ("another VAT id", |_| (), |stated| stated["vat_id"] = json!("GB000000002"), false),
        ("the VAT id in other letters", |_| (), |stated| stated["vat_id"] = json!("gb 000 000 001"), true),
        ("another e-mail address", |_| (), |stated| stated["email"] = json!("sales@prospect-1.example"), false),
        ("the e-mail address in capitals", |_| (), |stated| stated["email"] = json!("Office@Prospect-1.EXAMPLE"), true),
    ];
    for (name, known, change, expected) in rows {
        let mut town = Town::of(document());
        let code = town.issue("acme");
        let own =
            json!({ "name": "P", "email": "office@prospect-1.example", "vat_id": "GB000000001", "country": "GB" });
        town.put("p-1", own).unwrap();
        known(town.accounts.get_mut(&id("p-1")).unwrap());
        let answer = town.try_redeem(&code, &stated(change));
        match expected {
            true => assert!(!answer.unwrap().enrolled, "{name}"),
            false => assert_eq!(answer.unwrap_err(), Rejection::NotNew, "{name}"),
        }
    }
    // Nor is who owns the code.
    let mut town = Town::of(document());
    let code = town.issue("acme");
    town.accounts.get_mut(&id("acme")).unwrap().has_referral_code = false;
    let own = stated(|stated| stated["account_id"] = json!("acme"));
    assert_eq!(town.try_redeem(&code, &own).unwrap_err(), Rejection::NotNew);
}

#[test]
fn an_account_that_is_there_keeps_what_it_stated() {
    let mut town = Town::of(document());
    let code = town.issue("acme");
    town.put("p-1", json!({ "name": "As it was", "vat_id": "GB000000001" })).unwrap();
    town.try_redeem(&code, &prospect(1)).unwrap();
    let profile = &town.profiles[&id("p-1")];
    assert_eq!((profile.name.as_str(), profile.version), ("As it was", 2));
    assert_eq!(json!(profile.email), json!("office@prospect-1.example"));
    assert_eq!((profile.claims.len(), town.claims.len()), (2, 2));
}

#[test]
fn what_a_prospect_has_in_common_with_its_referrer_is_looked_at() {
    let address = json!({ "street": "12 High Street", "postal_code": "N1 9GU", "city": "London" });
    let referrer = json!({
        "name": "Acme", "email": "office@acme.example", "country": "GB", "phone": "+44 20 7946 0000", "address": address,
    });
    use Check::{Differs, FreeProvider, Same, Unknown};
    let rows: [(Value, Value, [Check; 3]); 9] = [
        (referrer.clone(), json!({}), [Differs, Unknown, Unknown]),
        (json!({ "name": "Acme" }), json!({ "phone": "+44 20 7946 0000", "address": address }), [Unknown; 3]),
        (referrer.clone(), json!({ "email": "pat@ACME.example" }), [Same, Unknown, Unknown]),
        (referrer.clone(), json!({ "email": "acme@gmail.com" }), [FreeProvider, Unknown, Unknown]),
        (referrer.clone(), json!({ "phone": "0044 20 79460000" }), [Differs, Same, Unknown]),
        (referrer.clone(), json!({ "phone": "+44 20 7946 0001" }), [Differs, Differs, Unknown]),
        (referrer.clone(), json!({ "address": address }), [Differs, Unknown, Same]),
        (
            referrer.clone(),
            json!({ "address": { "street": "13 High Street", "postal_code": "N1 9GU", "city": "London" } }),
            [Differs, Unknown, Differs],
        ),
        (
            referrer,
            json!({ "email": "pat@acme.example", "phone": "+442079460000", "address": address }),
            [Same, Same, Same],
        ),
    ];
    for (referrer, stated, expected) in rows {
        let mut town = Town::of(document());
        town.put("acme", referrer).unwrap();
        let code = town.issue("acme");
        let mut document = prospect(1);
        document.as_object_mut().unwrap().extend(stated.as_object().unwrap().clone());
        let redemption = town.try_redeem(&code, &document).unwrap();
        let Checks { email_domain, phone, address, .. } = redemption.checks;
        assert_eq!([email_domain, phone, address], expected, "{document}");
        let waits = expected.contains(&Same);
        assert_eq!((redemption.is_under_review(), town.waiting.len()), (waits, usize::from(waits)), "{document}");
        assert_eq!(town.accounts[&id("p-1")].status == Status::Pending, waits);
        assert_eq!(redemption.welcome.is_none(), waits, "nobody is welcomed before");
    }
}

#[test]
fn what_an_account_had_stated_before_is_looked_at_too() {
    for (kept, stated, expected) in [
        ("+44 20 7946 0000", None, Check::Same),
        ("+44 20 7946 0001", None, Check::Differs),
        ("+44 20 7946 0000", Some("+44 20 7946 0001"), Check::Differs), // by what it states now
    ] {
        let mut town = Town::of(document());
        town.put("acme", json!({ "name": "Acme", "phone": "+44 20 7946 0000" })).unwrap();
        town.put("p-1", json!({ "name": "P", "phone": kept })).unwrap();
        let code = town.issue("acme");
        let mut document = prospect(1);
        document.as_object_mut().unwrap().extend(stated.map(|phone| ("phone".to_owned(), json!(phone))));
        let redemption = town.try_redeem(&code, &document).unwrap();
        assert_eq!(redemption.checks.phone, expected, "{kept} {stated:?}");
        assert_eq!(town.accounts[&id("p-1")].status, Status::Active, "an account that is there stays as it is");
    }
}

#[test]
fn no_code_is_redeemed_that_the_program_or_its_owner_does_not_stand_for() {
    let mut town = Town::of(with("/referral/consent", json!("required")));
    let code = town.issue("acme");
    let Rejection::Invalid(faults) = town.try_redeem(&code, &prospect(1)).unwrap_err() else { panic!("a fault") };
    assert_eq!(faults.listed()[0].path, "$.consent");
    let mut consenting = prospect(1);
    consenting["consent"] = json!({ "wording": "We agree.", "at": "2011-02-28T10:00:00Z" });
    let given = town.try_redeem(&code, &consenting).unwrap().consent.unwrap();
    assert_eq!((given.wording.as_str(), given.at), ("We agree.", Some(at("2011-02-28T10:00:00Z"))));
    for status in [Status::Suspended, Status::Closed] {
        town.status("acme", status);
        assert_eq!(town.try_redeem(&code, &prospect(2)).unwrap_err(), Rejection::CodePaused, "{status:?}");
    }
    let mut dropped = document();
    dropped.as_object_mut().unwrap().remove("referral");
    let mut town = Town::new(&[(ALWAYS, document()), ("2011-03-02T00:00:00Z", dropped)]);
    let code = town.issue("acme");
    town.now("2011-03-01T23:59:59.999Z").try_redeem(&code, &prospect(1)).unwrap();
    let refused = town.now("2011-03-02T00:00:00Z").try_redeem(&code, &prospect(2));
    assert_eq!(refused.unwrap_err(), Rejection::NoReferrals);
}

#[test]
fn who_has_redeemed_refers_others_and_no_ring_closes() {
    let mut town = Town::of(document());
    let account = town.referred(1);
    let code = town.issue(&account);
    let mut acme = prospect(9);
    acme["account_id"] = json!("acme");
    assert_eq!(town.try_redeem(&code, &acme).unwrap_err(), Rejection::NotNew);
    town.try_redeem(&code, &prospect(2)).unwrap();
    assert_eq!(town.redemption("p-2").referrer, id("p-1"));
}

#[test]
fn a_redemption_is_known_by_sixteen_digits() {
    for (text, valid) in [
        ("0123456789abcdef", true),
        ("0123456789ABCDEF", false),
        ("123456789abcdef", false),
        ("00123456789abcdef", false),
        ("+123456789abcdef", false),
        ("", false),
    ] {
        let parsed = RedemptionId::parse(text);
        assert_eq!(parsed.map(|id| id.to_string()).ok(), valid.then(|| text.to_owned()), "{text:?}");
    }
}

#[test]
fn who_refers_others_or_was_referred_stays_known_whatever_it_states_later() {
    let mut town = Town::of(document());
    let stated = json!({ "name": "Acme", "email": "office@acme.example", "vat_id": "GB999999973" });
    town.put("acme", stated).unwrap();
    assert_eq!(town.claims.len(), 2);
    town.put("acme", json!({ "name": "Acme" })).unwrap();
    assert_eq!(town.claims.len(), 0, "who takes no part sets free what it states no more");
    town.put("acme", json!({ "name": "Acme", "email": "office@acme.example", "vat_id": "GB999999973" })).unwrap();
    let code = town.issue("acme");
    town.put("acme", json!({ "name": "Acme" })).unwrap();
    assert_eq!(town.claims.len(), 2);
    // However many addresses a referred account had in between.
    town.try_redeem(&code, &prospect(2)).unwrap();
    for number in 0..30 {
        town.put("p-2", json!({ "name": "Other", "email": format!("{number}@other.example") })).unwrap();
    }
    assert_eq!(town.claims.len(), 34);
}
