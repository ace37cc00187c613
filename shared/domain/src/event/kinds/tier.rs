//! The tier: by what is ordered, by review, by invitation.

use crate::event::kind::{Field, Kind, Shape, always, sometimes};

const FROM: Field = always("from", Shape::Id, "The tier before.");
const TO: Field = always("to", Shape::Id, "The tier after.");
const TIER: Field = always("tier", Shape::Id, "The tier.");
const REVIEWED: Field = always("reviewed_at", Shape::Instant, "The instant of the review.");

pub const KINDS: &[Kind] = &[
    Kind::new(
        "tier.changed",
        "The tier changed.",
        &[
            FROM,
            TO,
            always("qualifying", Shape::Measured, "The figure that led to it."),
            sometimes("reviewed_at", Shape::Instant, "The instant of the review that did it, if no order did."),
        ],
    ),
    Kind::new(
        "tier.kept",
        "A review kept the tier.",
        &[TIER, always("qualifying", Shape::Measured, "The figure that kept it."), REVIEWED],
    ),
    Kind::new(
        "tier.lowered",
        "A review lowered the tier.",
        &[FROM, TO, always("qualifying", Shape::Measured, "The figure, too little for the one before."), REVIEWED],
    ),
    Kind::notice(
        "tier.at_risk",
        "The next review will lower the tier unless more is ordered.",
        &[
            TIER,
            always("review_at", Shape::Instant, "The instant of the review."),
            always("missing", Shape::Measured, "What is missing to keep it."),
            sometimes("contact_id", Shape::Id, "Whom it concerns."),
        ],
    ),
    Kind::new(
        "tier.invited",
        "The account was invited into a tier, or its invitation was stated anew.",
        &[
            FROM,
            TO,
            sometimes("until", Shape::Instant, "When the invitation ends; absent where it does not."),
            always("reason", Shape::Text, "Why."),
        ],
    ),
    Kind::new(
        "tier.invitation_ended",
        "The invitation ended, or was ended.",
        &[
            FROM,
            TO,
            always("qualifying", Shape::Measured, "The most that has qualified meanwhile."),
            always("ended_at", Shape::Instant, "When."),
            sometimes("reason", Shape::Text, "Why, where somebody ended it."),
        ],
    ),
];
