#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use crate::id::{AccountId, TierId};
use crate::ledger::{AccountChange, Cause, PerkChange, PointsChange, RewardChange, TierChange};
use crate::program::sample;
use crate::qualification::Measured;
use serde_json::json;

fn program() -> Program {
    let mut document = sample::with("perks", &json!([{"id": "visit", "name": "A visit", "kind": "other"}]));
    document["rewards"] =
        json!([{"id": "mug", "name": "A mug", "points": 5, "product": {"sku": "MUG", "quantity": 1}}]);
    Program::from_json(&document).unwrap()
}

fn said(change: Change) -> String {
    let entry = Entry {
        account_id: AccountId::parse("acme").unwrap(),
        sequence: 1,
        at: Instant::MIN,
        cause: Cause::AccountPut,
        by: "test".to_owned(),
        program_version: 1,
        points: Points(0),
        balance: Points(0),
        pending: Points(0),
        changes: vec![change],
    };
    text(&entry, &program())
}

#[test]
fn tiers_perks_and_rewards_are_called_by_their_names() {
    let [member, gold, lost] = ["member", "gold", "lost"].map(|id| TierId::parse(id).unwrap());
    let rule = |id: &str| RuleId::parse(id).unwrap();
    let (qualifying, at) = (Measured::Units { units: 20 }, Instant::parse("2030-05-01T00:00:00Z").unwrap());
    let reason = || "Welcome.".to_owned();
    let rows = [
        (
            Change::Account(AccountChange::Enrolled { tier: member.clone() }),
            "The account joined the program as Member.",
        ),
        (
            Change::Tier(TierChange::Changed { from: member.clone(), to: gold.clone(), qualifying, reviewed_at: None }),
            "The tier is Gold now, with 20 units; before: Member.",
        ),
        (
            Change::Tier(TierChange::Kept { tier: gold.clone(), qualifying, reviewed_at: at }),
            "The tier was reviewed and stays Gold, with 20 units.",
        ),
        (
            Change::Tier(TierChange::Lowered { from: gold.clone(), to: member.clone(), qualifying, reviewed_at: at }),
            "The tier was reviewed and is Member now, with 20 units; before: Gold.",
        ),
        (
            Change::Tier(TierChange::AtRisk {
                tier: gold.clone(),
                review_at: at,
                missing: qualifying,
                contact_id: None,
            }),
            "To stay Gold, 20 units more is needed until 2030-05-01.",
        ),
        (
            Change::Tier(TierChange::Invited { from: member.clone(), to: gold.clone(), until: at, reason: reason() }),
            "The account was invited to be Gold until 2030-05-01: Welcome.",
        ),
        (
            Change::Tier(TierChange::InvitationEnded {
                from: gold.clone(),
                to: member,
                qualifying,
                ended_at: at,
                reason: None,
            }),
            "The invitation to be Gold ended. The tier is Member now, with 20 units.",
        ),
        (
            Change::Points(PointsChange::ForTier { tier: gold, points: Points(9), expires_at: at, entered_at: None }),
            "9 points were given for becoming Gold. They can be spent until 2030-05-01.",
        ),
        (Change::Reward(RewardChange::Redeemed { reward: rule("mug"), uses: None }), "Reward “A mug” was redeemed."),
        (
            Change::Perk(PerkChange::UsesBought { perk: rule("visit"), uses: 2, left: 3 }),
            "2 uses of “A visit” were bought: 3 of these are left.",
        ),
        // What this version does not know has its id.
        (Change::Account(AccountChange::Enrolled { tier: lost }), "The account joined the program as lost."),
        (Change::Reward(RewardChange::Redeemed { reward: rule("gone"), uses: None }), "Reward “gone” was redeemed."),
    ];
    for (change, expected) in rows {
        assert_eq!(said(change), expected);
    }
}

#[test]
fn a_return_that_the_first_release_noted_says_what_it_knew() {
    let of_then = json!({
        "type": "order.returned", "source": "shop", "order_id": "o-1", "return_id": "r-1", "excess_units": 2,
        "eligible": {"amount": "50.00", "currency": "GBP"},
    });
    let change: Change = serde_json::from_value(of_then.clone()).unwrap();
    assert_eq!(serde_json::to_value(&change).unwrap(), of_then);
    let text = "Return r-1 of order o-1: 50.00 GBP less. 2 units more were stated than the order had left.";
    assert_eq!(said(change), text);
}
