//! The points, whatever brings it about.

use crate::event::kind::{Field, Kind, Shape, always, sometimes};

const POINTS: Field = always("points", Shape::Points, "How many.");
const EXPIRES: Field =
    sometimes("expires_at", Shape::Instant, "When they end, as things stand; absent where they do not.");
const PENDING: Field = always("pending", Shape::Points, "Of them: points that had waited.");
const OWN_LOT: Field = always("own_lot", Shape::Points, "Of them: points of the order's own lot.");
const OTHER_LOTS: Field = always("other_lots", Shape::Points, "Of them: points of other lots, the earliest end first.");
const OWED: Field = always("owed", Shape::Points, "How many the account owes instead.");
const UNRECOVERED: Field = always("unrecovered", Shape::Points, "How many were written off.");
const LAPSED: Field =
    always("lapsed", Shape::Points, "How many had ended already, so that nothing was taken for them.");
const AVAILABLE: Field = sometimes("available_at", Shape::Instant, "From when they can be spent, if not at once.");
const UNTIL_PAID: Field = sometimes("until_paid", Shape::True, "They wait until their order is paid.");
const REASON: Field = always("reason", Shape::Text, "Why.");
const REFERENCE: Field = sometimes("reference", Shape::Text, "A ticket, a contract or the like.");

pub const KINDS: &[Kind] = &[
    Kind::new("points.earned", "Points were earned.", &[POINTS, AVAILABLE, EXPIRES, UNTIL_PAID]),
    Kind::new(
        "points.available",
        "Points that waited can be spent.",
        &[POINTS, always("available_at", Shape::Instant, "Since when.")],
    ),
    Kind::new(
        "points.prolonged",
        "Points last longer, since the account was active.",
        &[POINTS, always("expires_at", Shape::Instant, "When they end now, as things stand.")],
    ),
    Kind::notice(
        "points.expiring",
        "Points will end.",
        &[
            POINTS,
            always("expires_at", Shape::Instant, "When."),
            sometimes("if_inactive", Shape::True, "Only if the account is not active before."),
            sometimes("contact_id", Shape::Id, "Whom it concerns."),
        ],
    ),
    Kind::new("points.expired", "Points ended.", &[POINTS, always("expired_at", Shape::Instant, "When.")]),
    Kind::new("points.repaid", "New earnings repaid points that were owed.", &[POINTS]),
    Kind::new(
        "points.reversed",
        "Points of an order were taken back.",
        &[POINTS, PENDING, OWN_LOT, OTHER_LOTS, OWED, UNRECOVERED, LAPSED],
    ),
    Kind::new(
        "points.amended",
        "The points of an order were brought to what it earns now.",
        &[
            always("earned", Shape::Points, "By how much what the order earned changed."),
            always("reversed", Shape::Points, "By how much what was taken back of it changed, owed points included."),
            PENDING,
            OWN_LOT,
            OTHER_LOTS,
            OWED,
            UNRECOVERED,
            LAPSED,
            AVAILABLE,
            UNTIL_PAID,
        ],
    ),
    Kind::new("points.credited", "Points were given by hand.", &[POINTS, EXPIRES, REASON, REFERENCE]),
    Kind::new(
        "points.deducted",
        "Points were taken by hand.",
        &[POINTS, PENDING, OWN_LOT, OTHER_LOTS, OWED, REASON, REFERENCE],
    ),
    Kind::new("points.spent", "Points were spent.", &[POINTS]),
    Kind::new(
        "points.restored",
        "Points that had been spent were given back, those included that have ended meanwhile.",
        &[POINTS],
    ),
    Kind::new(
        "points.granted",
        "Points were given for a referral, to either side.",
        &[
            POINTS,
            EXPIRES,
            always("code", Shape::Code, "The referral code."),
            always("redemption_id", Shape::Id, "Which redemption of it."),
        ],
    ),
    Kind::new(
        "points.for_tier",
        "Points were given for entering a tier, once for each.",
        &[
            always("tier", Shape::Id, "Which tier."),
            POINTS,
            EXPIRES,
            sometimes("entered_at", Shape::Instant, "When it was entered, where time alone led there."),
        ],
    ),
];
