//! Errors as callers see them: `application/problem+json` (RFC 9457).
//!
//! The one place that says which error has which status, type and words.

mod checkout;
mod request;
mod rewards;

use crate::caller::Denied;
use crate::error::{Error, Fault};
use domain::decision::Rejection;
use domain::document;
use domain::membership::Uninvited;
use domain::perks::{LossReason, Uses};
use domain::version::{ACTIVATIONS_MAX, AHEAD_MS};
use serde::Serialize;

/// A problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    /// Each fault of the document, with its JSON path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<document::Fault>,
    /// Faults beyond those listed.
    #[serde(skip_serializing_if = "is_none")]
    faults_unlisted: usize,
    /// Where two documents of the same identity differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<String>,
    /// The version of what is there instead of what was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    present: Option<u64>,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

impl Problem {
    fn new(kind: &str, title: &'static str, status: u16, detail: impl Into<String>) -> Self {
        let (faults, differences) = (Vec::new(), Vec::new());
        Self {
            r#type: format!("/problems/{kind}"),
            title,
            status,
            detail: detail.into(),
            faults,
            faults_unlisted: 0,
            differences,
            present: None,
        }
    }

    /// The problem of an error.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Rejected(rejection) => of_rejection(rejection),
            Error::Denied(denied) => of_denied(*denied),
            Error::Request(fault) => request::of_request(fault),
            Error::Fault(Fault::Contended(_)) => {
                Self::new("contended", "Too busy", 503, "Too many writers at once; nothing was written. Try again.")
            }
            Error::Fault(_) => {
                Self::new("internal", "Internal error", 500, "Something failed here. It is safe to send it again.")
            }
        }
    }

    /// Its type, for logs.
    pub fn kind(&self) -> &str {
        &self.r#type
    }

    /// Its HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Seconds after which trying again makes sense, for passing conditions.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        (self.status == 503).then_some(1)
    }

    /// The version of what is there instead of what the caller wanted, where that is what is wrong.
    pub fn present(&self) -> Option<u64> {
        self.present
    }

    /// One line for logs: what is wrong and where, never what the document held.
    pub fn summary(&self) -> String {
        let faults = self.faults.iter().map(|fault| format!("{} {}", loggable(fault), fault.code));
        let wheres = faults.chain(self.differences.iter().cloned());
        let parts: Vec<_> = std::iter::once(self.title.to_owned()).chain(wheres.take(10)).collect();
        parts.join("; ")
    }

    fn with_fault(mut self, path: String, code: &'static str, message: &str) -> Self {
        self.faults.push(document::Fault { path, code, message: message.to_owned() });
        self
    }
}

/// Where a fault is. The name of what is unknown is the caller's own word, which may be anything: it is left out.
fn loggable(fault: &document::Fault) -> &str {
    let path = fault.path.trim_end_matches("...");
    let end = match fault.code {
        "unknown_field" => path.find("[\"").or_else(|| path.rfind('.')).unwrap_or_default(),
        "unknown_parameter" => 0,
        _ => path.len(),
    };
    path.get(..end).unwrap_or_default()
}

fn of_rejection(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::Invalid(faults) => {
            let problem = Problem::new("invalid-document", "Invalid document", 422, "The document has faults.");
            Problem { faults: faults.listed().to_vec(), faults_unlisted: faults.unlisted(), ..problem }
        }
        Rejection::UnknownAccount => {
            Problem::new("unknown-account", "Unknown account", 404, "There is no such account.")
        }
        Rejection::NotEnrolled => {
            let detail = "There is no such account, and the program does not enrol accounts by their orders.";
            Problem::new("unknown-account", "Unknown account", 404, detail)
        }
        Rejection::UnknownContact => {
            Problem::new("unknown-contact", "Unknown contact", 404, "The account has no such contact.")
        }
        Rejection::UnknownOrder => {
            Problem::new("unknown-order", "Unknown order", 404, "There is no order of that source and id.")
        }
        Rejection::UnknownReturn => {
            Problem::new("unknown-return", "Unknown return", 404, "The account has no credit note of that number.")
        }
        Rejection::AccountNotActive(status) => {
            let detail = format!("The account is {}.", status.name());
            Problem::new("account-not-active", "Account not active", 409, detail)
        }
        Rejection::UnderReview => {
            let detail = "The account waits for approval; its review decides what becomes of it.";
            Problem::new("under-review", "Under review", 409, detail).with_fault(
                "$.status".to_owned(),
                "under_review",
                "cannot be changed before the review",
            )
        }
        Rejection::NobodyIsAdmitted
        | Rejection::NoMembershipFee
        | Rejection::FeePaidInFuture
        | Rejection::PaidTooFarAhead
        | Rejection::NotAMember(_)
        | Rejection::UnknownInvitation => of_membership(rejection),
        Rejection::Uninvited(why) => of_invitation(*why),
        Rejection::ForeignCurrency { expected } => {
            let detail = format!("The program runs in {}.", expected.code());
            Problem::new("foreign-currency", "Foreign currency", 422, detail).with_fault(
                "$.currency".to_owned(),
                "foreign_currency",
                "is not the program's currency",
            )
        }
        Rejection::PlacedInFuture => {
            let detail = "An order may be placed at most a day ahead of the clock here.";
            Problem::new("placed-in-future", "Placed in the future", 422, detail).with_fault(
                "$.placed_at".to_owned(),
                "in_future",
                "is more than a day from now",
            )
        }
        Rejection::DiscountUnusable { .. }
        | Rejection::UnknownSharedCode
        | Rejection::PointsUnusable(_)
        | Rejection::UnknownReservation
        | Rejection::ReservationEnded
        | Rejection::NothingToReserve
        | Rejection::TooManyReservations { .. } => checkout::of_checkout(rejection),
        Rejection::ContentDiffers { paths } => {
            let detail = "The same identity was stated before with other content. What was stated first stands.";
            let problem = Problem::new("content-differs", "Same identity, other content", 409, detail);
            Problem { differences: paths.clone(), ..problem }
        }
        Rejection::Taken(field) => {
            let detail = format!("Another account has this {}.", field.name());
            Problem::new("taken", "Already taken", 409, detail).with_fault(
                format!("$.{}", field.name()),
                "taken",
                "belongs to another account",
            )
        }
        Rejection::KeyReused => {
            let detail = "This Idempotency-Key was sent with another request. What was asked for first stands.";
            Problem::new("idempotency-key-reused", "Idempotency-Key reused", 409, detail)
        }
        Rejection::ExpiresInPast => {
            Problem::new("expires-in-past", "Ends in the past", 422, "It would end before it begins.").with_fault(
                "$.expires_at".to_owned(),
                "in_past",
                "must be later than now",
            )
        }
        Rejection::NotEnoughPoints { missing } => {
            let detail = format!("{missing} points are missing: the account can spend no more, and cannot owe them.");
            let problem = Problem::new("not-enough-points", "Not enough points", 422, detail);
            problem.with_fault("$.points".to_owned(), "not_enough", "is more than the account can spend")
        }
        Rejection::HasHistory => {
            let detail = "The account has orders or points already; a balance is opened before them.";
            Problem::new("has-history", "Account has history", 409, detail)
        }
        Rejection::TooManyReturns => {
            let detail = "The order has as many returns as it can hold.";
            Problem::new("too-many-returns", "Too many returns", 422, detail)
        }
        Rejection::ReturnedBeforeOrder { field } => {
            let detail = "Nothing can come back before it was ordered.";
            Problem::new("returned-before-order", "Returned before ordered", 422, detail).with_fault(
                format!("$.{field}"),
                "before_order",
                "is before the order was placed",
            )
        }
        Rejection::ReturnedInFuture { field } => {
            let detail = "A return or cancellation may be dated at most a day ahead of the clock here.";
            Problem::new("returned-in-future", "Returned in the future", 422, detail).with_fault(
                format!("$.{field}"),
                "in_future",
                "is more than a day from now",
            )
        }
        Rejection::PaidInFuture => {
            let detail = "A payment may be dated at most a day ahead of the clock here.";
            Problem::new("paid-in-future", "Paid in the future", 422, detail).with_fault(
                "$.paid_at".to_owned(),
                "in_future",
                "is more than a day from now",
            )
        }
        Rejection::OrderTooLarge => {
            let detail = "The order and what came back of it take more room than one stored order has.";
            Problem::new("order-too-large", "Order too large", 422, detail)
        }
        Rejection::Overflow => {
            Problem::new("overflow", "Amount too large", 422, "A sum does not fit a 64-bit integer.")
        }
        Rejection::UnknownPerk
        | Rejection::PerkNotHeld
        | Rejection::PerkLost(_)
        | Rejection::PerkNotCounted
        | Rejection::PerkUsedUp { .. } => of_perk(rejection),
        Rejection::UnknownReward
        | Rejection::RewardUnavailable(_)
        | Rejection::UnknownRewardRedemption
        | Rejection::RedemptionUsed => rewards::of_reward(rejection),
        Rejection::UnknownCode
        | Rejection::CodePaused
        | Rejection::CodeExpired
        | Rejection::CodeExhausted
        | Rejection::NotNew
        | Rejection::IdentityMissing
        | Rejection::NoReferrals
        | Rejection::UnknownRedemption
        | Rejection::NothingToReview
        | Rejection::ReviewedOtherwise => of_referral(rejection),
        Rejection::UnknownSurvey => Problem::new("unknown-survey", "Unknown survey", 404, "There is no such survey."),
        Rejection::SurveyClosed => {
            let detail = "The survey takes no answers; what was answered before stands.";
            Problem::new("survey-closed", "Survey closed", 409, detail)
        }
        Rejection::ClosesInPast => {
            let detail = "A survey that is opened, or whose end is moved, must end later than now.";
            Problem::new("closes-in-past", "Closes in the past", 422, detail).with_fault(
                "$.closes_at".to_owned(),
                "in_past",
                "has gone by",
            )
        }
        Rejection::UnknownVersion
        | Rejection::TooEarly { .. }
        | Rejection::CannotFollow { .. }
        | Rejection::TooManyActivations => of_version(rejection),
        Rejection::UnknownSimulation => {
            Problem::new("unknown-simulation", "Unknown simulation", 404, "There is no such simulation.")
        }
        Rejection::PreconditionFailed { present } => request::of_precondition(*present),
    }
}

/// What may be said of versions of the program.
fn of_version(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::TooEarly { earliest } => {
            let detail = format!(
                "A version is in force {} seconds ahead at the earliest, when every running instance knows it: from \
                 {earliest}, as of now. Without `from` it is the earliest instant.",
                AHEAD_MS.div_euclid(1_000),
            );
            let problem = Problem::new("too-early", "Too early", 422, detail);
            problem.with_fault("$.from".to_owned(), "too_early", "is past or too near")
        }
        Rejection::CannotFollow { before, after, faults } => {
            let detail =
                format!("Version {after} cannot be in force after version {before}: its document is at fault.");
            let problem = Problem::new("cannot-follow", "Cannot follow", 409, detail);
            Problem { faults: faults.listed().to_vec(), faults_unlisted: faults.unlisted(), ..problem }
        }
        Rejection::TooManyActivations => {
            let detail = format!("The schedule holds {ACTIVATIONS_MAX} activations, as many as it can.");
            Problem::new("too-many-activations", "Too many activations", 409, detail)
        }
        _ => Problem::new("unknown-version", "Unknown version", 404, "The program has no version of that number."),
    }
}

/// What may be said of memberships.
fn of_membership(rejection: &Rejection) -> Problem {
    let paid_at = |problem: Problem, code, message| problem.with_fault("$.paid_at".to_owned(), code, message);
    match rejection {
        Rejection::NotAMember(state) => {
            let since = state.since().map(|since| format!(", since {since}")).unwrap_or_default();
            let detail = format!("The account is no member: it is {}{since}.", state.name());
            Problem::new("not-a-member", "Not a member", 409, detail)
        }
        Rejection::UnknownInvitation => {
            Problem::new("unknown-invitation", "Unknown invitation", 404, "There is no such invitation.")
        }
        Rejection::NoMembershipFee => {
            let detail = "The program in force asks for no membership fee.";
            Problem::new("no-membership-fee", "No membership fee", 409, detail)
        }
        Rejection::FeePaidInFuture => {
            let detail = "A payment is recorded once it was made.";
            paid_at(
                Problem::new("fee-paid-in-future", "Fee paid in the future", 422, detail),
                "in_future",
                "is later than now",
            )
        }
        Rejection::PaidTooFarAhead => {
            let detail = "The membership would be paid for more than ten years ahead.";
            Problem::new("paid-too-far-ahead", "Paid too far ahead", 409, detail)
        }
        _ => {
            let detail = "The program in force lets in everybody, or whoever pays: there is nothing to decide.";
            let problem = Problem::new("nobody-is-admitted", "Nobody is let in", 409, detail);
            problem.with_fault("$.admission".to_owned(), "nobody_is_admitted", "decides nothing in this program")
        }
    }
}

/// Why nobody is enrolled with what is stated for an invitation.
fn of_invitation(why: Uninvited) -> Problem {
    let (problem, code) = match why {
        Uninvited::Missing => {
            let detail = "Who enrols states an invitation.";
            (Problem::new("invitation-required", "Invitation required", 422, detail), "missing")
        }
        Uninvited::Unknown => {
            let detail = "There is no such invitation.";
            (Problem::new("invitation-unknown", "Unknown invitation", 422, detail), "unknown")
        }
        Uninvited::Revoked => {
            (Problem::new("invitation-revoked", "Invitation revoked", 422, "The invitation was revoked."), "revoked")
        }
        Uninvited::Expired => {
            let detail = "The time of the invitation is over.";
            (Problem::new("invitation-expired", "Invitation expired", 422, detail), "expired")
        }
        Uninvited::UsedUp => {
            let detail = "The invitation was used by as many accounts as it is for.";
            (Problem::new("invitation-used-up", "Invitation used up", 409, detail), "used_up")
        }
    };
    problem.with_fault("$.invitation_code".to_owned(), code, "lets nobody in")
}

/// What may be said of perks.
fn of_perk(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::PerkUsedUp { uses } => {
            let Uses { count, used, renews_at, .. } = uses;
            let detail = format!("It was used {used} of {count} times. There are more from {renews_at} on.");
            Problem::new("perk-used-up", "Perk used up", 409, detail)
        }
        Rejection::PerkLost(loss) => {
            let why = match loss.reason {
                LossReason::NotAMember => "The account is not a member yet",
                LossReason::MembershipLapsed => "The account's membership has lapsed",
                LossReason::Excluded => "The account is excluded from perks",
                LossReason::NoOrder => "The account has not ordered for too long",
            };
            let since = loss.since.map(|since| format!(", since {since}")).unwrap_or_default();
            Problem::new("perk-lost", "Perk lost for now", 409, format!("{why}{since}."))
        }
        Rejection::PerkNotHeld => {
            Problem::new("perk-not-held", "Perk not held", 409, "The account does not have this perk now.")
        }
        Rejection::PerkNotCounted => {
            let detail = "The perk is not counted: who has it may use it without saying so.";
            Problem::new("perk-not-counted", "Perk not counted", 409, detail)
        }
        _ => Problem::new("unknown-perk", "Unknown perk", 404, "The program in force has no perk of that id."),
    }
}

/// What may be said of referrals. Nothing of it tells whose a code is, or which other company is known.
fn of_referral(rejection: &Rejection) -> Problem {
    let (kind, title, status, detail) = match rejection {
        Rejection::UnknownCode => ("unknown-code", "Unknown referral code", 404, "There is no such referral code."),
        Rejection::CodePaused => ("code-paused", "Referral code paused", 409, "The code cannot be redeemed for now."),
        Rejection::CodeExpired => ("code-expired", "Referral code expired", 409, "The code's time is over."),
        Rejection::CodeExhausted => {
            ("code-exhausted", "Referral code exhausted", 409, "The code was redeemed as often as it may be.")
        }
        Rejection::NotNew => ("not-new", "Not new", 409, "A referral is for companies that are new to the program."),
        Rejection::IdentityMissing => {
            ("identity-missing", "Identity missing", 409, "The account states no VAT id or no e-mail address yet.")
        }
        Rejection::UnknownRedemption => {
            ("unknown-redemption", "Unknown redemption", 404, "The code has no such redemption.")
        }
        Rejection::NothingToReview => {
            ("nothing-to-review", "Nothing to review", 409, "The redemption waits for nobody's approval.")
        }
        Rejection::ReviewedOtherwise => {
            ("reviewed-otherwise", "Reviewed otherwise", 409, "Somebody has decided otherwise; that stands.")
        }
        _ => ("no-referrals", "No referrals", 409, "The program has no referrals."),
    };
    Problem::new(kind, title, status, detail)
}

fn of_denied(denied: Denied) -> Problem {
    match denied {
        Denied::Unknown => Problem::new("unauthenticated", "Not authenticated", 401, "The request names no caller."),
        Denied::Scope(scope) => {
            Problem::new("forbidden", "Forbidden", 403, format!("The scope {} is required.", scope.name()))
        }
        Denied::OtherAccount => Problem::new("forbidden", "Forbidden", 403, "The token is for its own account only."),
    }
}
