//! What the routes of this function take and answer, for the description of the API.

use crate::invitation::{InvitationAnswer, InvitationsAnswer};
use crate::rewards::RedemptionsAnswer;
use crate::{ContactAnswer, ENTRIES_MAX, ENTRIES_USUAL, EntriesAnswer, ErasureAnswer, invitation, rewards};
use domain::adjustment::AdjustmentReceipt;
use domain::membership::PaymentReceipt;
use domain::perks::PerkReceipt;
use domain::prices::PriceList;
use domain::receipt::Receipt;
use domain::requests;
use domain::rewards::{CancelReceipt, Catalogue, RedeemReceipt};
use domain::standing::Standing;
use runtime::Scope::{AccountsRead, AccountsWrite};
use runtime::api::{Header, Operation, decimal, number, text, whole};

/// An operation for each route.
pub fn operations() -> Vec<Operation> {
    // What is due to an account is counted before anything else, and may fit no integer.
    let counted = [accounts(), points()].into_iter().flatten().map(|own| own.problems(422, &["overflow"]));
    counted.chain([erasure()]).chain(invitations()).chain(shown()).collect()
}

fn accounts() -> Vec<Operation> {
    vec![
        Operation::new("PUT /v1/accounts/{account_id}", "putAccount", "Enrols an account, or states it anew.")
            .by_account(AccountsWrite)
            .takes(requests::PROFILE)
            .answers::<Standing>(201, "It is enrolled.")
            .answers::<Standing>(200, "It is stored.")
            .all_with(Header::Location)
            .conditional()
            .problems(409, &["account-not-active", "invitation-used-up", "not-a-member", "taken", "under-review"])
            .problems(422, &["invitation-required", "invitation-unknown", "invitation-revoked", "invitation-expired"]),
        Operation::new("GET /v1/accounts/{account_id}", "getAccount", "Where an account stands now.")
            .by_account(AccountsRead)
            .answers::<Standing>(200, "Its points, its tier, its discounts and what is missing to the next tier.")
            .problems(404, &["unknown-account"]),
        Operation::new("PUT /v1/accounts/{account_id}/contacts/{contact_id}", "putContact", "States a person.")
            .by_account(AccountsWrite)
            .takes(requests::CONTACT)
            .answers::<ContactAnswer<'_>>(201, "The person is new.")
            .answers::<ContactAnswer<'_>>(200, "The person is stored.")
            .all_with(Header::Location)
            .conditional()
            .problems(404, &["unknown-account"])
            .problems(409, &["account-not-active"]),
        Operation::new("GET /v1/accounts/{account_id}/contacts/{contact_id}", "getContact", "A person, as stated.")
            .by_account(AccountsRead)
            .answers::<ContactAnswer<'_>>(200, "The person.")
            .problems(404, &["unknown-contact"]),
        Operation::new("PUT /v1/accounts/{account_id}/tier", "putTier", "Invites an account to a tier, or no more.")
            .by_merchant(AccountsWrite)
            .takes(requests::TIER)
            .conditional()
            .answers::<Standing>(200, "Where the account stands then.")
            .problems(404, &["unknown-account"])
            .problems(409, &["account-not-active"]),
        Operation::new("PUT /v1/accounts/{account_id}/membership", "putMembership", "Decides about a membership.")
            .by_merchant(AccountsWrite)
            .takes(requests::MEMBERSHIP)
            .conditional()
            .answers::<Standing>(200, "Where the account stands then.")
            .problems(404, &["unknown-account"])
            .problems(409, &["account-not-active", "nobody-is-admitted", "under-review"]),
        Operation::new(
            "POST /v1/accounts/{account_id}/membership/payments",
            "postMembershipPayment",
            "Records that a membership fee was paid.",
        )
        .by_merchant(AccountsWrite)
        .keyed()
        .may_take(requests::MEMBERSHIP_PAYMENT)
        .once::<PaymentReceipt>("Until when it is paid for.")
        .problems(404, &["unknown-account"])
        .problems(409, &["account-not-active", "no-membership-fee", "paid-too-far-ahead"])
        .problems(422, &["fee-paid-in-future"]),
    ]
}

fn erasure() -> Operation {
    Operation::new(
        "DELETE /v1/accounts/{account_id}/personal-data",
        "deletePersonalData",
        "Erases what is known of a company and its people.",
    )
    .by_merchant(AccountsWrite)
    .answers::<ErasureAnswer>(200, "Nothing is left.")
    .answers::<ErasureAnswer>(202, "Something is left: send it again, and it goes on.")
    .with(Header::RetryAfter)
    .problems(404, &["unknown-account"])
}

fn points() -> Vec<Operation> {
    vec![
        Operation::new(
            "POST /v1/accounts/{account_id}/adjustments",
            "postAdjustment",
            "Gives or takes points by hand.",
        )
        .by_merchant(AccountsWrite)
        .keyed()
        .takes(requests::ADJUSTMENT)
        .once::<AdjustmentReceipt>("What it came to.")
        .problems(404, &["unknown-account"])
        .problems(409, &["account-not-active"])
        .problems(422, &["expires-in-past", "not-enough-points"]),
        Operation::new("POST /v1/accounts/{account_id}/perks/{perk}/uses", "postPerkUse", "Uses a perk once.")
            .by_account(AccountsWrite)
            .keyed()
            .may_take(requests::PERK_USE)
            .once::<PerkReceipt>("How many uses are left.")
            .problems(404, &["unknown-account", "unknown-perk"])
            .problems(409, &["account-not-active", "perk-lost", "perk-not-counted", "perk-not-held", "perk-used-up"]),
        Operation::new(
            "GET /v1/accounts/{account_id}/rewards",
            "getRewards",
            "What an account can get for its points.",
        )
        .by_account(AccountsRead)
        .answers::<Catalogue>(200, "Every reward, and whether the account can have it now.")
        .problems(404, &["unknown-account"])
        .problems(409, &["account-not-active"]),
        Operation::new("POST /v1/accounts/{account_id}/redemptions", "postRedemption", "Redeems points for a reward.")
            .by_account(AccountsWrite)
            .keyed()
            .takes(requests::REDEMPTION)
            .once::<RedeemReceipt>("What was given.")
            .problems(404, &["unknown-account"])
            .problems(409, &["account-not-active", "reward-limit-reached", "reward-out-of-stock"])
            .problems(422, &["not-enough-points", "reward-not-for-account", "reward-not-yet", "reward-over"])
            .problems(422, &["reward-perk-not-counted", "too-many-discounts", "unknown-reward"]),
        Operation::new("GET /v1/accounts/{account_id}/redemptions", "getRedemptions", "What points were redeemed for.")
            .by_account(AccountsRead)
            .paged(rewards::LISTED_USUAL, rewards::LISTED_MAX)
            .answers::<RedemptionsAnswer>(200, "One page, newest first.")
            .problems(404, &["unknown-account"]),
        Operation::new(
            "POST /v1/accounts/{account_id}/redemptions/{redemption_id}/cancellation",
            "postRedemptionCancellation",
            "Cancels a redemption; the points come back.",
        )
        .by_merchant(AccountsWrite)
        .path("redemption_id", whole(0, u64::MAX))
        .takes(requests::REDEMPTION_CANCELLATION)
        .answers::<CancelReceipt>(200, "What came back.")
        .problems(404, &["unknown-account", "unknown-redemption"])
        .problems(409, &["content-differs", "redemption-used"]),
    ]
}

fn invitations() -> Vec<Operation> {
    vec![
        Operation::new("POST /v1/invitations", "postInvitation", "Issues an invitation to enrol.")
            .by_merchant(AccountsWrite)
            .keyed()
            .takes(requests::INVITATION)
            .once::<InvitationAnswer>("The invitation and its code.")
            .all_with(Header::Location)
            .problems(422, &["expires-in-past"]),
        Operation::new("GET /v1/invitations", "getInvitations", "The invitations.")
            .by_merchant(AccountsRead)
            .paged(invitation::LISTED_USUAL, invitation::LISTED_MAX)
            .answers::<InvitationsAnswer>(200, "One page."),
        Operation::new("GET /v1/invitations/{code}", "getInvitation", "An invitation, as it stands.")
            .by_merchant(AccountsRead)
            .answers::<InvitationAnswer>(200, "The invitation.")
            .problems(404, &["unknown-invitation"]),
        Operation::new("DELETE /v1/invitations/{code}", "deleteInvitation", "Revokes an invitation.")
            .by_merchant(AccountsWrite)
            .answers::<InvitationAnswer>(200, "The invitation, revoked.")
            .conditional()
            .problems(404, &["unknown-invitation"]),
    ]
}

fn shown() -> Vec<Operation> {
    vec![
        Operation::new("GET /v1/accounts/{account_id}/entries", "getEntries", "An account's ledger, as a statement.")
            .by_account(AccountsRead)
            .paged(ENTRIES_USUAL, ENTRIES_MAX)
            .answers::<EntriesAnswer>(200, "One page, newest first.")
            .problems(404, &["unknown-account"]),
        Operation::new("GET /v1/accounts/{account_id}/prices", "getPrices", "What an item costs by quantity.")
            .by_account(AccountsRead)
            .query("sku", text(64), "The item; this or the category must be stated.")
            .query("category", text(64), "The category of the item.")
            .query("list_price", decimal(6), "What one costs without any table.")
            .query("quantity", number(domain::order::QUANTITY_MAX), "How many are to be bought.")
            .answers::<PriceList>(200, "Every quantity at which the price changes.")
            .problems(404, &["unknown-account"])
            .problems(422, &["overflow"]),
        Operation::new("GET /v1/orders/{source}/{order_id}/score", "getScore", "What an order earned, and why.")
            .by_account(AccountsRead)
            .answers::<Receipt>(200, "The order's score with its reasons.")
            .problems(404, &["unknown-order"]),
    ]
}
