//! What an account holds for its carts.

use crate::event::kind::{Field, Kind, Shape, always, sometimes};

const RESERVATION: Field = always("reservation_id", Shape::Id, "Which reservation.");

pub const KINDS: &[Kind] = &[
    Kind::new(
        "hold.made",
        "Discounts and points were reserved for a cart.",
        &[
            RESERVATION,
            sometimes("codes", Shape::Codes, "Discounts of the account that are held."),
            always("points", Shape::Points, "Points that are held. They stay the account's."),
            always("until", Shape::Instant, "The first instant at which they are not any more."),
        ],
    ),
    Kind::new(
        "hold.released",
        "A reservation was given up.",
        &[RESERVATION, always("points", Shape::Points, "Points that it had held.")],
    ),
    Kind::new(
        "hold.used",
        "An order used a reservation.",
        &[
            RESERVATION,
            always("source", Shape::Id, "The source of the order."),
            always("order_id", Shape::Id, "The order."),
            always("quoted", Shape::Money, "What there was to pay by the quote, shipping included."),
            always("ordered", Shape::Money, "What there is to pay by the order, which is what counts."),
        ],
    ),
    Kind::new(
        "hold.ended",
        "A hold was over before anything used it.",
        &[
            always("hold", Shape::Count, "Which: the sequence of the entry that made it."),
            always("points", Shape::Points, "Points that it had held."),
            always("ended_at", Shape::Instant, "When."),
        ],
    ),
];
