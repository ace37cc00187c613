//! Orders, and goods that come back. What that earns or costs is an event of the points.

use crate::event::kind::{Field, Kind, Shape, always, instead, sometimes};

const SOURCE: Field = always("source", Shape::Id, "The source of the order.");
const ORDER: Field = always("order_id", Shape::Id, "The order.");
const RETURN: Field = sometimes("return_id", Shape::Id, "By which return of the order; absent for a cancellation.");
const NOTE: Field = instead("credit_note_id", Shape::Id, "By which credit note that named no order.");

pub const KINDS: &[Kind] = &[
    Kind::new(
        "order.scored",
        "An order was scored.",
        &[
            SOURCE,
            ORDER,
            always("points", Shape::Points, "What it earned."),
            always("eligible_total", Shape::Money, "What its eligible lines came to."),
            sometimes(
                "beyond_kept_months",
                Shape::True,
                "It is older than the months kept and counts in the lifetime totals only.",
            ),
        ],
    ),
    Kind::new(
        "order.paid",
        "An order is paid: what had waited for that does so no more.",
        &[
            SOURCE,
            ORDER,
            always("paid_at", Shape::Instant, "When it was paid."),
            sometimes("reference", Shape::Text, "The number of the payment, of an invoice or the like."),
            always("points", Shape::Points, "Points that had waited for it."),
            sometimes("available_at", Shape::Instant, "From when they can be spent, if not at once."),
        ],
    ),
    Kind::new(
        "order.returned",
        "Goods of an order came back, or the order was cancelled.",
        &[
            SOURCE,
            ORDER,
            RETURN,
            NOTE,
            always("eligible", Shape::Money, "By how much the order's eligible total fell."),
            always("units", Shape::Count, "Units that came off."),
            always("kept", Shape::Money, "What is kept of the eligible total."),
            always("keeps", Shape::Points, "Points that what is kept earns."),
            sometimes("excess_units", Shape::Count, "Units stated beyond what the order had left."),
        ],
    ),
    Kind::new(
        "order.amended",
        "An order was changed by its shop, and scored again.",
        &[
            SOURCE,
            ORDER,
            always("revision", Shape::Count, "By which statement of it."),
            always("eligible_before", Shape::Money, "What its eligible lines came to before."),
            always("eligible", Shape::Money, "What they come to now."),
            always("points", Shape::Points, "What it earns now, before anything is taken back for returns."),
        ],
    ),
    Kind::new(
        "return.refused",
        "A return or cancellation that had waited for its order was not carried out: it is dated before it.",
        &[SOURCE, ORDER, RETURN, NOTE],
    ),
    Kind::new(
        "credit_note.opened",
        "A credit note that names no order began to be matched.",
        &[always("units", Shape::Count, "Units stated.")],
    ),
    Kind::new(
        "credit_note.closed",
        "All that a credit note can take back was taken back.",
        &[
            always("units_matched", Shape::Count, "Units that orders gave."),
            always("units_unmatched", Shape::Count, "Units that no order gave: they are counted, nothing else."),
        ],
    ),
];
