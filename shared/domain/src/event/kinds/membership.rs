//! How an account becomes a member, pays, and goes.

use crate::event::kind::{Field, Kind, Shape, always, sometimes};

const EXCLUSIONS: Shape = Shape::Words(&["earning", "discounts", "perks"]);
const UNTIL: Field = always("until", Shape::Instant, "The first instant that is not paid for any more.");
const LAPSES: Field = always(
    "lapses_at",
    Shape::Instant,
    "The first instant at which the account is no member any more, unless it pays again before.",
);

pub const KINDS: &[Kind] = &[
    Kind::new("membership.applied", "The account has applied: it is a member once it is let in.", &[]),
    Kind::new(
        "membership.admitted",
        "The account was let in: it is a member.",
        &[
            sometimes("invitation", Shape::Code, "By which invitation, if it was one."),
            sometimes("reason", Shape::Text, "Why, where an operator did."),
        ],
    ),
    Kind::new(
        "membership.rejected",
        "The account was turned away: it is no member.",
        &[always("reason", Shape::Text, "Why.")],
    ),
    Kind::new(
        "membership.exclusions_changed",
        "What the account is excluded from changed.",
        &[
            always("from", EXCLUSIONS, "Before."),
            always("to", EXCLUSIONS, "After."),
            always("reason", Shape::Text, "Why."),
        ],
    ),
    Kind::new(
        "membership.paid",
        "The fee of the membership was paid.",
        &[
            always("paid_at", Shape::Instant, "When."),
            always("since", Shape::Instant, "Since when the membership goes on without a gap."),
            UNTIL,
            LAPSES,
            sometimes("reference", Shape::Text, "An invoice or the like."),
        ],
    ),
    Kind::notice(
        "membership.ending",
        "What is paid for of the membership will end.",
        &[UNTIL, LAPSES, sometimes("contact_id", Shape::Id, "Whom it concerns.")],
    ),
    Kind::new("membership.lapsed", "The membership has lapsed.", &[always("lapsed_at", Shape::Instant, "When.")]),
];
