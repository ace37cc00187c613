//! What is told of referrals: sentences, where an account stands, what will fall due, and how it is written down.

use super::*;
use crate::forecast::Forecast;
use crate::ledger::{Cause, PointsChange, ReferralChange};
use crate::money::Points;
use crate::standing::standing;
use crate::statement;

fn redemption_key() -> RedemptionKey {
    RedemptionKey { code: Code::of_bits(1), redemption_id: RedemptionId::of_bits(0xAB) }
}

/// Every change that referrals make, and what is said of it.
fn sentences() -> Vec<(Change, &'static str)> {
    let (redemption, code) = (redemption_key(), Code::of_bits(1));
    let contact = Some(ContactId::parse("ann").unwrap());
    let order = order_key(7);
    let until = at("2011-04-10T23:00:00Z"); // a midnight in London
    let settings = |status| CodeSettings { status, redemptions_left: Some(2), expires_at: None };
    let concluded = |settled| Change::Referral(ReferralChange::Concluded { redemption: redemption_key(), settled });
    vec![
        (
            Change::Referral(ReferralChange::CodeIssued { code: code.clone(), contact_id: None }),
            "Referral code 00000000011 is there to be shared.",
        ),
        (
            Change::Referral(ReferralChange::CodeIssued { code: code.clone(), contact_id: contact }),
            "Referral code 00000000011 of ann is there to be shared.",
        ),
        (
            Change::Referral(ReferralChange::CodeChanged {
                code: code.clone(),
                settings: settings(CodeStatus::Active),
            }),
            "Referral code 00000000011 was changed and can be redeemed.",
        ),
        (
            Change::Referral(ReferralChange::CodeChanged { code, settings: settings(CodeStatus::Paused) }),
            "Referral code 00000000011 is paused.",
        ),
        (
            Change::Referral(ReferralChange::Redeemed { redemption: redemption.clone() }),
            "The account came by referral code 00000000011.",
        ),
        (
            Change::Referral(ReferralChange::Reviewed { redemption: redemption.clone(), approved: true }),
            "The referral was looked at and approved.",
        ),
        (
            Change::Referral(ReferralChange::Reviewed { redemption: redemption.clone(), approved: false }),
            "The referral was looked at and rejected.",
        ),
        (
            Change::Referral(ReferralChange::Qualified {
                redemption: redemption.clone(),
                order: order.clone(),
                reward_at: until,
            }),
            "With order 7 the referral counts: whoever referred is rewarded after 2011-04-10.",
        ),
        (
            Change::Referral(ReferralChange::Revoked { redemption: redemption.clone(), order }),
            "What is kept of order 7 is too little now: the referral does not count.",
        ),
        (
            Change::Referral(ReferralChange::Expired { redemption: redemption.clone(), expired_at: until }),
            "No order made the referral count until 2011-04-10.",
        ),
        (concluded(Settled::Rewarded), "Whoever referred the account was rewarded."),
        (concluded(Settled::TakenBack), "The reward of whoever referred the account was taken back."),
        (concluded(Settled::Over), "Nothing more comes of the referral."),
        (
            Change::Referral(ReferralChange::Rewarded { redemption: redemption.clone(), number: 3 }),
            "Code 00000000011 brought the account's referral number 3.",
        ),
        (
            Change::Referral(ReferralChange::TakenBack { redemption: redemption.clone() }),
            "What code 00000000011 brought does not count any more.",
        ),
        (
            Change::Points(PointsChange::Granted { points: Points(10), expires_at: until, redemption }),
            "10 points were given for the referral. They can be spent until 2011-04-10.",
        ),
    ]
}

fn entry(changes: Vec<Change>) -> Entry {
    Entry {
        account_id: id("acme"),
        sequence: 1,
        at: at(START),
        cause: Cause::Referral { redemption: redemption_key() },
        by: "test".to_owned(),
        program_version: 1,
        points: Points(0),
        balance: Points(0),
        pending: Points(0),
        changes,
    }
}

#[test]
fn each_change_has_its_sentence_and_survives_being_written_down() {
    let town = Town::of(document());
    let program = &town.schedule.at(town.now).program;
    for (change, expected) in sentences() {
        let entry = entry(vec![change]);
        assert_eq!(statement::text(&entry, program), expected);
        let json = serde_json::to_value(&entry).unwrap();
        assert_eq!(serde_json::from_value::<Entry>(json).unwrap(), entry);
    }
    let json = serde_json::to_value(Change::Referral(ReferralChange::Concluded {
        redemption: redemption_key(),
        settled: Settled::TakenBack,
    }));
    assert_eq!(
        json.unwrap(),
        json!({
            "type": "referral.concluded", "code": "00000000011", "redemption_id": "00000000000000ab",
            "settled": "taken_back",
        })
    );
}

#[test]
fn an_account_is_told_how_far_its_referral_has_come() {
    let until = at("2011-04-10T11:00:00Z");
    for (stage, name, told_until) in [
        (Stage::UnderReview, "under_review", None),
        (Stage::Open { until }, "open", Some(until)),
        (Stage::Qualified { reward_at: until }, "qualified", None),
        (Stage::Rewarded, "rewarded", None),
        (Stage::Returned { since: until }, "over", None),
        (Stage::Over, "over", None),
    ] {
        let mut town = Town::of(document());
        town.referred(1);
        let account = town.accounts.get_mut(&id("p-1")).unwrap();
        account.referral.as_mut().unwrap().stage = stage;
        let account = account.clone();
        let told = standing(&account, None, &[], None, &town.schedule, town.now).unwrap().referral.unwrap();
        assert_eq!((told.stage, told.until), (name, told_until));
        // Once its time is over, that is told whether a walk has come by or not.
        let later = standing(&account, None, &[], None, &town.schedule, until).unwrap().referral.unwrap();
        assert_eq!(later.stage, if name == "open" { "over" } else { name });
    }
}

#[test]
fn what_referrals_bring_is_foreseen() {
    let rewards = |forecast: &Forecast| {
        (forecast.referrals_expired, forecast.referral_rewards, forecast.referral_rewards_taken_back)
    };
    let foreseen = |town: &Town, until: &str| {
        let mut forecast = Forecast::default();
        forecast.add(&town.accounts[&id("p-1")], &town.schedule, town.now, at(until)).unwrap();
        assert_eq!(forecast.accounts, u64::from(forecast != Forecast::default()));
        rewards(&forecast)
    };
    let mut town = Town::of(document());
    town.referred(1);
    for (until, expected) in
        [("2011-04-10T10:59:59Z", (0, 0, 0)), ("2011-04-10T11:00:00Z", (1, 0, 0)), ("2999-12-31T00:00:00Z", (1, 0, 0))]
    {
        assert_eq!(foreseen(&town, until), expected, "{until}");
    }
    town.order("p-1", 1, 60);
    for (until, expected) in
        [("2011-03-31T10:59:59Z", (0, 0, 0)), ("2011-03-31T11:00:00Z", (0, 1, 0)), ("2999-12-31T00:00:00Z", (0, 1, 0))]
    {
        assert_eq!(foreseen(&town, until), expected, "{until}");
    }
    // What is overdue is foreseen, too, and only once.
    assert_eq!(foreseen(town.now("2011-05-01T00:00:00Z"), "2011-05-01T00:00:00Z"), (0, 1, 0));
    town.now("2011-03-31T11:00:00Z").walk("p-1");
    assert_eq!(foreseen(&town, "2999-12-31T00:00:00Z"), (0, 0, 0));
    town.cancelled(1);
    assert_eq!(foreseen(&town, "2999-12-31T00:00:00Z"), (0, 0, 1));
}

#[test]
fn a_redemption_that_no_order_qualifies_is_over_and_that_is_written_once() {
    let mut town = Town::of(document());
    town.referred(1);
    assert_eq!((town.now("2011-04-10T10:59:59.999Z").walk("p-1"), town.state("p-1")), (vec![], State::Redeemed));
    let entries = town.entries.len();
    assert_eq!((town.now("2011-05-01T12:00:00Z").walk("p-1"), town.state("p-1")), (vec![], State::Expired));
    assert_eq!(town.stage("p-1"), Stage::Over);
    let (until, redemption) = (at("2011-04-10T11:00:00Z"), town.key("p-1"));
    assert!(town.told("p-1").contains(&Change::Referral(ReferralChange::Expired { redemption, expired_at: until })));
    assert_eq!(town.entries.len(), entries + 1);
    town.walk("p-1");
    assert_eq!((town.entries.len(), town.tally().counts.expired), (entries + 1, 1));
}

#[test]
fn a_tally_counts_what_became_of_each() {
    let mut town = Town::of(document());
    for n in 1..=7 {
        town.referred(n);
    }
    // 1 has not ordered, 2 nearly in time, 3 qualifies, 4 is rewarded, 5 taken back, 6 revoked, 7 waits for a review.
    for n in [4, 5, 6] {
        town.order(&format!("p-{n}"), n, 60);
    }
    town.now("2011-03-31T11:00:00Z");
    town.returned(6, 60);
    town.order("p-3", 3, 55);
    town.walk("p-4");
    town.walk("p-5");
    town.returned(5, 20);
    town.walk("p-5");
    let key = town.key("p-7");
    let waiting = town.redemptions.get_mut(&key).unwrap();
    (waiting.until, waiting.welcome) = (None, None);
    waiting.review = Some(Review { reasons: vec![], approved: None, by: None, at: None, note: None });
    let tally = town.tally();
    let json = serde_json::to_value(tally).unwrap();
    assert_eq!(
        json,
        json!({
            "redeemed": 7, "under_review": 1, "qualified": 4, "rewarded": 1, "rejected": 0, "expired": 0, "revoked": 2,
            "cost": { "points": 60 + 100, "discounts": 6 },
        })
    );
    assert_eq!(tally.revenue.0, 5_500 + 6_000 + 4_000);
    town.now("2011-04-10T11:00:00Z");
    assert_eq!(town.tally().counts.expired, 2);
    // Counted in parts it is the same.
    let mut sum = Tally::default();
    for redemption in town.redemptions.values() {
        let mut one = Tally::default();
        one.add(redemption, town.now).unwrap();
        sum = sum.plus(&one).unwrap();
    }
    assert_eq!(sum, town.tally());
}

#[test]
fn a_code_stands_in_its_link_as_a_url_needs_it() {
    let mut rules = Program::from_json(&document()).unwrap().referral.unwrap();
    // 32 to 36 are the check characters that mean something in a URL.
    for (bits, expected) in [(1, "1"), (32, "%2A"), (33, "%7E"), (34, "%24"), (35, "%3D"), (36, "U")] {
        rules.link = Some("https://shop.example/join?c={code}&x=1".to_owned());
        let link = rules.link_of(&Code::of_bits(bits)).unwrap();
        let text = Code::of_bits(bits);
        let plain = &text.as_str()[..10];
        assert_eq!(link, format!("https://shop.example/join?c={plain}{expected}&x=1"));
    }
    rules.link = None;
    assert_eq!(rules.link_of(&Code::of_bits(1)), None);
}
