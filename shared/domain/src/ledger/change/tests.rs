#![allow(clippy::unwrap_used)]
use super::*;
use serde_json::{Value, json};

/// Whether a change is of a group.
type IsOf = fn(&Change) -> bool;

/// One change of each group, as it is stored, and the group.
fn stored() -> Vec<(Value, IsOf)> {
    let rewarded = json!({
        "type": "referral.rewarded", "code": "00000000011", "redemption_id": "00000000000000ab", "number": 2
    });
    let at = "2030-01-01T00:00:00Z";
    let order = json!({
        "type": "order.scored", "source": "shop", "order_id": "A-1", "points": 7,
        "eligible_total": {"amount": "7.00", "currency": "GBP"}
    });
    let given = json!({"type": "points.for_tier", "tier": "gold", "points": 5, "expires_at": at});
    vec![
        (order, |change| matches!(change, Change::Order(_))),
        (given, |change| matches!(change, Change::Points(_))),
        (json!({"type": "discount.used", "code": "00000000011"}), |change| matches!(change, Change::Discount(_))),
        (json!({"type": "tier.invited", "from": "member", "to": "gold", "reason": "partner"}), |change| {
            matches!(change, Change::Tier(_))
        }),
        (json!({"type": "account.enrolled", "tier": "member"}), |change| matches!(change, Change::Account(_))),
        (json!({"type": "perk.used", "perk": "support"}), |change| matches!(change, Change::Perk(_))),
        (json!({"type": "reward.redeemed", "reward": "mug"}), |change| matches!(change, Change::Reward(_))),
        (rewarded, |change| matches!(change, Change::Referral(_))),
        (json!({"type": "membership.lapsed", "lapsed_at": at}), |change| matches!(change, Change::Membership(_))),
    ]
}

#[test]
fn a_change_is_stored_as_one_flat_object_that_no_group_shows_in() {
    for (stored, is_of_group) in stored() {
        let change: Change = serde_json::from_value(stored.clone()).unwrap();
        assert!(is_of_group(&change), "{change:?}");
        assert_eq!(serde_json::to_value(&change).unwrap(), stored);
    }
}

#[test]
fn a_change_of_no_known_type_or_without_what_its_type_asks_for_is_none() {
    for stored in [json!({"type": "points.stolen", "points": 1}), json!({"type": "points.spent"}), json!({"points": 1})]
    {
        assert!(serde_json::from_value::<Change>(stored.clone()).is_err(), "{stored}");
    }
}
