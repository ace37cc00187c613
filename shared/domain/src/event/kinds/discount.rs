//! The way of a discount.

use crate::event::kind::{Field, Kind, Shape, always, sometimes};

const CODE: Field = always("code", Shape::Code, "Its code.");
const RULE: Field = always("rule", Shape::Id, "The rule that issued it.");
const SHARED: Field = sometimes("shared", Shape::True, "It is one that many accounts share.");

pub const KINDS: &[Kind] = &[
    Kind::new(
        "discount.issued",
        "A discount was issued.",
        &[RULE, CODE, always("expires_at", Shape::Instant, "The first instant at which it cannot be used any more.")],
    ),
    Kind::new("discount.used", "A discount was used.", &[CODE, SHARED]),
    Kind::new(
        "discount.released",
        "A discount was given back: its order does not name it any more, or was undone.",
        &[CODE, SHARED],
    ),
    Kind::new("discount.voided", "A discount was withdrawn: what had brought it about was changed or undone.", &[CODE]),
    Kind::notice(
        "discount.expiring",
        "A discount will end.",
        &[
            RULE,
            CODE,
            always("expires_at", Shape::Instant, "When."),
            sometimes("contact_id", Shape::Id, "Whom it concerns."),
        ],
    ),
    Kind::new(
        "discount.expired",
        "A discount ended unused.",
        &[RULE, CODE, always("expired_at", Shape::Instant, "When it ended.")],
    ),
    Kind::new(
        "discount.for_tier",
        "A discount was issued for entering a tier, once for each; an event of its own tells its code.",
        &[
            always("tier", Shape::Id, "Which tier."),
            RULE,
            sometimes("entered_at", Shape::Instant, "When it was entered, where time alone led there."),
            sometimes(
                "withheld",
                Shape::True,
                "It was not issued: the account had as many open as it can have, or is given none.",
            ),
        ],
    ),
];
