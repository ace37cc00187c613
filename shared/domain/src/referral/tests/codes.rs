//! Codes: one for an account and one for each of its people, as long as they may be redeemed.

use super::*;
use crate::ledger::ReferralChange;

fn settings(status: CodeStatus, redemptions_left: Option<u32>, expires_at: Option<&str>) -> CodeSettings {
    CodeSettings { status, redemptions_left, expires_at: expires_at.map(at) }
}

fn asked(contact_id: Option<&str>, expires_at: Option<&str>) -> CodeDocument {
    let contact_id = contact_id.map(|contact| ContactId::parse(contact).unwrap());
    CodeDocument { contact_id, settings: settings(CodeStatus::Active, None, expires_at) }
}

#[test]
fn an_account_and_each_of_its_people_has_one_code_however_often_it_is_asked_for() {
    let mut town = Town::of(document());
    let codes = |town: &Town, held: Option<&ReferralCode>| Codes {
        account: town.member("acme").account,
        profile: town.known("acme"),
        contact_known: true,
        held: held.cloned(),
    };
    let issue = |town: &mut Town, contact: Option<&str>, held: Option<&ReferralCode>| {
        let codes = codes(town, held);
        town.act(|_, context| issue_code(&id("acme"), &codes, &asked(contact, None), context)).unwrap()
    };
    let own = issue(&mut town, None, None);
    assert!(town.accounts[&id("acme")].has_referral_code);
    let anns = issue(&mut town, Some("ann"), None);
    assert_ne!(own.code, anns.code);
    let entries = town.entries.len();
    assert_eq!(issue(&mut town, None, Some(&own)), own);
    assert_eq!(issue(&mut town, Some("ann"), Some(&anns)), anns);
    assert_eq!(town.entries.len(), entries, "what is there is the answer, and nothing is written");
}

#[test]
fn who_takes_no_part_gets_no_code() {
    let mut none = document();
    none.as_object_mut().unwrap().remove("referral");
    for (program, status, contact, contact_known, expires_at, expected) in [
        (none, Status::Active, None, true, None, Rejection::NoReferrals),
        (document(), Status::Suspended, None, true, None, Rejection::AccountNotActive(Status::Suspended)),
        (document(), Status::Closed, None, true, None, Rejection::AccountNotActive(Status::Closed)),
        (document(), Status::Pending, None, true, None, Rejection::AccountNotActive(Status::Pending)),
        (document(), Status::Active, Some("ann"), false, None, Rejection::UnknownContact),
        (document(), Status::Active, None, true, Some(START), Rejection::ExpiresInPast),
    ] {
        let mut town = Town::of(program);
        town.status("acme", status);
        let (account, profile) = (town.member("acme").account, town.known("acme"));
        let codes = Codes { account, profile, contact_known, held: None };
        let document = asked(contact, expires_at);
        let refused = town.decide(|_, context| issue_code(&id("acme"), &codes, &document, context));
        assert_eq!(refused.unwrap_err(), expected);
    }
    let town = Town::of(document());
    // Nothing would tell whether it brings itself.
    let nameless = Codes { account: town.member("acme").account, contact_known: true, ..Codes::default() };
    let refused = town.decide(|_, context| issue_code(&id("acme"), &nameless, &asked(None, None), context));
    assert_eq!(refused.unwrap_err(), Rejection::IdentityMissing);
    let unknown = Codes { contact_known: true, ..Codes::default() };
    let refused = town.decide(|_, context| issue_code(&id("acme"), &unknown, &asked(None, None), context));
    assert_eq!(refused.unwrap_err(), Rejection::UnknownAccount);
}

#[test]
fn a_code_is_redeemed_while_it_is_active_in_time_and_left() {
    use CodeStatus::{Active, Paused};
    let mut town = Town::of(document());
    let code = town.issue("acme");
    for (status, left, end, expected) in [
        (Active, None, None, Ok(())),
        (Active, Some(1), Some("2011-03-01T12:00:00.001Z"), Ok(())),
        (Active, Some(0), None, Err(Rejection::CodeExhausted)),
        (Active, None, Some(START), Err(Rejection::CodeExpired)), // the first instant at which it cannot
        (Active, Some(0), Some(START), Err(Rejection::CodeExpired)),
        (Paused, None, None, Err(Rejection::CodePaused)),
        (Paused, Some(0), Some(START), Err(Rejection::CodePaused)),
    ] {
        let held = ReferralCode { settings: settings(status, left, end), ..town.codes[&code].clone() };
        assert_eq!(held.check(at(START)), expected, "{held:?}");
    }
}

#[test]
fn the_last_use_of_a_code_is_one() {
    let mut town = Town::of(document());
    let code = town.issue("acme");
    town.codes.get_mut(&code).unwrap().settings.redemptions_left = Some(1);
    let mut other = town.clone();
    town.try_redeem(&code, &prospect(1)).unwrap();
    assert_eq!((town.codes[&code].settings.redemptions_left, town.codes[&code].version), (Some(0), 2));
    assert_eq!(town.try_redeem(&code, &prospect(2)).unwrap_err(), Rejection::CodeExhausted);
    // Who had read it before puts it with the version it had then.
    other.codes.get_mut(&code).unwrap().version = 2;
    other.try_redeem(&code, &prospect(2)).unwrap();
    assert_eq!(other.codes[&code].version, 3);
    // One without limit is written by nobody.
    other.codes.get_mut(&code).unwrap().settings.redemptions_left = None;
    other.try_redeem(&code, &prospect(3)).unwrap();
    assert_eq!(other.codes[&code].version, 3);
}

#[test]
fn what_is_set_of_a_code_is_told_once() {
    let mut town = Town::of(document());
    let code = town.issue("acme");
    let change = |town: &mut Town, change: &CodeChange| {
        let (account, held) = (town.member("acme").account, town.codes[&code].clone());
        town.act(|_, context| change_code(account.as_ref(), &held, change, context)).unwrap()
    };
    let limited = CodeChange { redemptions_left: Some(Some(3)), ..CodeChange::default() };
    assert_eq!(change(&mut town, &limited).version, 2);
    // What is left out stays as it is, so that a pause gives no use back.
    town.try_redeem(&code, &prospect(1)).unwrap();
    let paused = CodeChange { status: Some(CodeStatus::Paused), ..CodeChange::default() };
    assert_eq!(change(&mut town, &paused).settings, settings(CodeStatus::Paused, Some(2), None));
    let entries = town.entries.len();
    assert_eq!(change(&mut town, &paused).version, 4);
    assert_eq!(town.entries.len(), entries);
    let told = settings(CodeStatus::Paused, Some(2), None);
    assert_eq!(
        town.told("acme"),
        [Change::Referral(ReferralChange::CodeChanged { code: code.clone(), settings: told })]
    );
    let freed = CodeChange { redemptions_left: Some(None), ..CodeChange::default() };
    assert_eq!(change(&mut town, &freed).settings.redemptions_left, None);
}
