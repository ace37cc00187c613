//! The documents that requests hold, each by its name in the description of the API.
//!
//! What one may say stands beside its reader, in the same bounds; `tests/schema` holds one against the other. A new
//! document is its reader, its `schema()`, a line here, and an example there that has every field.

use crate::id::{AccountId, OrderId, RuleId};
use crate::schema::{self, Schema};
use crate::{
    adjustment, credit_note, invitation, membership, order, payment, perks, program, quote, referral, returns, rewards,
    shared_code, simulation, survey, version,
};
use serde_json::Value;

/// A document that a request holds.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Its name in the description.
    pub name: &'static str,
    schema: fn() -> Value,
}

impl Request {
    const fn new(name: &'static str, schema: fn() -> Value) -> Self {
        Self { name, schema }
    }

    /// What it may say. Shapes of texts stand in [`definitions`].
    pub fn schema(&self) -> Value {
        (self.schema)()
    }
}

/// The shapes of texts that the documents share: their `$defs`.
pub fn definitions() -> Value {
    schema::request_definitions()
}

fn value(schema: Schema) -> Value {
    schema.into()
}

/// An order, of `POST /v1/orders`.
pub const ORDER: Request = Request::new("OrderDocument", || value(order::read::schema()));
/// A newer statement of an order, of `PUT /v1/orders/{source}/{order_id}`.
pub const AMENDMENT: Request = Request::new("AmendmentDocument", || value(order::read::amendment_schema()));
/// That an order was paid.
pub const PAYMENT: Request = Request::new("PaymentDocument", || value(payment::read::schema()));
/// Goods of an order that came back.
pub const RETURN: Request = Request::new("ReturnDocument", || value(returns::read::return_schema()));
/// That an order was cancelled.
pub const CANCELLATION: Request = Request::new("CancellationDocument", || value(returns::read::cancellation_schema()));
/// Goods that came back without an order number.
pub const CREDIT_NOTE: Request = Request::new("CreditNoteDocument", || value(credit_note::read::schema()));
/// A cart, to be quoted or reserved.
pub const CART: Request = Request::new("CartDocument", || value(quote::read::schema()));
/// A code that accounts share.
pub const SHARED_CODE: Request = Request::new("SharedCodeDocument", || value(shared_code::read::schema()));
/// An account.
pub const PROFILE: Request = Request::new("ProfileDocument", || value(membership::read::profile_schema()));
/// A person of an account.
pub const CONTACT: Request = Request::new("ContactDocument", || value(membership::read::contact_schema()));
/// Points given or taken by hand.
pub const ADJUSTMENT: Request = Request::new("AdjustmentDocument", || value(adjustment::schema()));
/// The invitation to a tier, or its end.
pub const TIER: Request = Request::new("TierDocument", || value(invitation::schema()));
/// What is decided about a membership.
pub const MEMBERSHIP: Request = Request::new("MembershipDocument", || value(membership::admission::schema()));
/// That a membership fee was paid.
pub const MEMBERSHIP_PAYMENT: Request =
    Request::new("MembershipPaymentDocument", || value(membership::payment::schema()));
/// An invitation to enrol.
pub const INVITATION: Request = Request::new("InvitationDocument", || value(membership::invitation::schema()));
/// A use of a perk.
pub const PERK_USE: Request = Request::new("PerkUseDocument", || value(perks::usage::schema()));
/// What points are redeemed for.
pub const REDEMPTION: Request = Request::new("RedemptionDocument", || value(rewards::redeem::schema()));
/// Why a redemption is cancelled.
pub const REDEMPTION_CANCELLATION: Request =
    Request::new("RedemptionCancellationDocument", || value(rewards::cancel::schema()));
/// A referral code to be issued.
pub const REFERRAL_CODE: Request = Request::new("ReferralCodeDocument", || value(referral::document::code_schema()));
/// What is to become of a referral code.
pub const REFERRAL_CODE_CHANGE: Request =
    Request::new("ReferralCodeChangeDocument", || value(referral::document::change_schema()));
/// A company that redeems a referral code.
pub const PROSPECT: Request = Request::new("ProspectDocument", || value(referral::document::prospect_schema()));
/// What is decided about a redemption.
pub const REVIEW: Request = Request::new("ReviewDocument", || value(referral::document::decision_schema()));
/// A survey.
pub const SURVEY: Request = Request::new("SurveyDocument", || value(survey::read::survey_schema()));
/// What a contact answers.
pub const SURVEY_ANSWER: Request = Request::new("SurveyAnswerDocument", || value(survey::read::answer_schema()));
/// A version of the program.
pub const PROGRAM: Request = Request::new("ProgramDocument", program::schema);
/// Which version is to be in force, and from when.
pub const ACTIVATION: Request = Request::new("ActivationDocument", || value(version::asked_schema()));
/// Which version is to be simulated.
pub const SIMULATION: Request = Request::new("SimulationDocument", || value(simulation::asked::schema()));

/// All of them.
pub const ALL: [Request; 27] = [
    ORDER,
    AMENDMENT,
    PAYMENT,
    RETURN,
    CANCELLATION,
    CREDIT_NOTE,
    CART,
    SHARED_CODE,
    PROFILE,
    CONTACT,
    ADJUSTMENT,
    TIER,
    MEMBERSHIP,
    MEMBERSHIP_PAYMENT,
    INVITATION,
    PERK_USE,
    REDEMPTION,
    REDEMPTION_CANCELLATION,
    REFERRAL_CODE,
    REFERRAL_CODE_CHANGE,
    PROSPECT,
    REVIEW,
    SURVEY,
    SURVEY_ANSWER,
    PROGRAM,
    ACTIVATION,
    SIMULATION,
];

/// An account's id, of an address.
pub fn account_id() -> Value {
    value(schema::id(AccountId::parse))
}

/// The id of a rule of the program.
pub fn rule_id() -> Value {
    value(schema::id(RuleId::parse))
}

/// Ids of orders, contacts and what else is named elsewhere: all are as long.
pub fn long_id() -> Value {
    value(schema::id(OrderId::parse))
}
