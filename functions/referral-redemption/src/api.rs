//! What the routes of this function take and answer, for the description of the API.

use crate::answers::{CodeAnswer, CodesAnswer, RedeemedAnswer, RedemptionAnswer, RedemptionsAnswer, ReviewsAnswer};
use crate::{LISTED_MAX, LISTED_USUAL};
use domain::requests;
use runtime::Scope::{AccountsRead, AccountsWrite};
use runtime::api::{Header, Operation};

/// An operation for each route.
pub fn operations() -> Vec<Operation> {
    codes().into_iter().chain(redemptions()).collect()
}

fn codes() -> Vec<Operation> {
    vec![
        Operation::new("POST /v1/accounts/{account_id}/referral-code", "postReferralCode", "Issues a referral code.")
            .by_account(AccountsWrite)
            .may_take(requests::REFERRAL_CODE)
            .answers::<CodeAnswer>(201, "The code is new.")
            .answers::<CodeAnswer>(200, "The code was there before, and stands as it did.")
            .all_with(Header::Location)
            .all_with(Header::Tag)
            .problems(404, &["unknown-account", "unknown-contact"])
            .problems(409, &["account-not-active", "identity-missing", "no-referrals", "not-a-member"])
            .problems(422, &["expires-in-past", "overflow"]),
        Operation::new("GET /v1/accounts/{account_id}/referral-codes", "getReferralCodes", "An account's codes.")
            .by_account(AccountsRead)
            .answers::<CodesAnswer>(200, "The codes of the account and its people.")
            .problems(404, &["unknown-account"]),
        Operation::new("GET /v1/referrals/{code}", "getReferral", "A referral code, and what came of it.")
            .by_account(AccountsRead)
            .at_cursor()
            .answers::<CodeAnswer>(200, "The code; a code with many redemptions is counted in parts.")
            .problems(404, &["unknown-code"])
            .problems(422, &["overflow"]),
        Operation::new("PUT /v1/referrals/{code}", "putReferral", "Sets what can be set of a referral code.")
            .by_merchant(AccountsWrite)
            .takes(requests::REFERRAL_CODE_CHANGE)
            .answers::<CodeAnswer>(200, "The code, as it stands then.")
            .conditional()
            .problems(404, &["unknown-code"])
            .problems(422, &["expires-in-past", "overflow"]),
        Operation::new("GET /v1/referrals/reviews", "getReferralReviews", "Redemptions that somebody is to look at.")
            .by_merchant(AccountsRead)
            .paged(LISTED_USUAL, LISTED_MAX)
            .answers::<ReviewsAnswer>(200, "One page, the oldest first."),
    ]
}

fn redemptions() -> Vec<Operation> {
    let reviewed = |route, id, summary| {
        Operation::new(route, id, summary)
            .by_merchant(AccountsWrite)
            .may_take(requests::REVIEW)
            .answers::<RedemptionAnswer<'_>>(200, "The redemption, as it stands then.")
            .problems(404, &["unknown-code", "unknown-redemption"])
            .problems(409, &["account-not-active", "nothing-to-review", "reviewed-otherwise"])
            .problems(422, &["overflow"])
    };
    vec![
        Operation::new("POST /v1/referrals/{code}/redemptions", "postReferralRedemption", "Redeems a referral code.")
            .by_merchant(AccountsWrite)
            .keyed()
            .takes(requests::PROSPECT)
            .once::<RedeemedAnswer<'_>>("The prospect is an account, or waits for approval.")
            .all_with(Header::Location)
            .problems(404, &["unknown-code"])
            .problems(409, &["code-exhausted", "code-expired", "code-paused", "no-referrals", "not-new", "taken"])
            .problems(422, &["overflow"]),
        Operation::new("GET /v1/referrals/{code}/redemptions", "getReferralRedemptions", "What came of a code.")
            .by_account(AccountsRead)
            .paged(LISTED_USUAL, LISTED_MAX)
            .answers::<RedemptionsAnswer<'_>>(200, "One page.")
            .problems(404, &["unknown-code"]),
        Operation::new(
            "GET /v1/referrals/{code}/redemptions/{redemption_id}",
            "getReferralRedemption",
            "A redemption and what came of it.",
        )
        .by_account(AccountsRead)
        .answers::<RedemptionAnswer<'_>>(200, "The redemption.")
        .problems(404, &["unknown-code", "unknown-redemption"]),
        reviewed(
            "POST /v1/referrals/{code}/redemptions/{redemption_id}/approval",
            "postReferralApproval",
            "Lets a redemption count that waits for it.",
        ),
        reviewed(
            "POST /v1/referrals/{code}/redemptions/{redemption_id}/rejection",
            "postReferralRejection",
            "Turns a redemption away that waits for approval.",
        ),
    ]
}
