//! Referral codes, and the redemptions of either side.

use crate::event::kind::{Field, Kind, Shape, always, sometimes};

const CODE: Field = always("code", Shape::Code, "The referral code.");
const REDEMPTION: Field = always("redemption_id", Shape::Id, "Which redemption of it.");
const SOURCE: Field = always("source", Shape::Id, "The source of the order.");
const ORDER: Field = always("order_id", Shape::Id, "The order.");

pub const KINDS: &[Kind] = &[
    Kind::new(
        "referral.code_issued",
        "The account, or a person of it, was issued a referral code.",
        &[CODE, sometimes("contact_id", Shape::Id, "Which person's.")],
    ),
    Kind::new(
        "referral.code_changed",
        "What the owner of a referral code may set was set.",
        &[
            CODE,
            always("status", Shape::Word(&["active", "paused"]), "Whether it can be redeemed."),
            sometimes("redemptions_left", Shape::Count, "How many more times it can be redeemed, if that is limited."),
            sometimes("expires_at", Shape::Instant, "The first instant at which it cannot be redeemed any more."),
        ],
    ),
    Kind::new("referral.redeemed", "The account came by a referral code.", &[CODE, REDEMPTION]),
    Kind::new(
        "referral.reviewed",
        "Somebody looked at the redemption that the account came by.",
        &[CODE, REDEMPTION, always("approved", Shape::Truth, "Whether it was approved.")],
    ),
    Kind::new(
        "referral.qualified",
        "An order qualified the redemption that the account came by.",
        &[CODE, REDEMPTION, SOURCE, ORDER, always("reward_at", Shape::Instant, "When the referrer is to be rewarded.")],
    ),
    Kind::new(
        "referral.revoked",
        "The order that had qualified the redemption came back.",
        &[CODE, REDEMPTION, SOURCE, ORDER],
    ),
    Kind::new(
        "referral.expired",
        "No order qualified the redemption in time.",
        &[CODE, REDEMPTION, always("expired_at", Shape::Instant, "When.")],
    ),
    Kind::new(
        "referral.concluded",
        "What was to be done on the referrer's account was done.",
        &[
            CODE,
            REDEMPTION,
            always("settled", Shape::Word(&["rewarded", "later", "taken_back", "over"]), "What it came to."),
        ],
    ),
    Kind::new(
        "referral.rewarded",
        "The account is rewarded for a referral.",
        &[CODE, REDEMPTION, always("number", Shape::Count, "The how manieth it is rewarded for, from 1.")],
    ),
    Kind::new("referral.taken_back", "The reward for a referral is taken back.", &[CODE, REDEMPTION]),
];
