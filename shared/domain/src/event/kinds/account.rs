//! The account itself, its people, and what an occasion gave it.

use crate::event::kind::{Field, Kind, Shape, always, instead, sometimes};

const STATUS: Shape = Shape::Word(&["active", "suspended", "closed", "erased", "pending"]);
const ON: Shape = Shape::Word(&["anniversary", "birthday", "date", "inactivity", "nth_order", "welcome"]);

const GIVEN: &[Field] = &[
    always("occasion", Shape::Id, "The rule of the occasion."),
    always("on", ON, "What kind of occasion it is."),
    always("name", Shape::Text, "The rule's name for customers, as it was then."),
    always("points", Shape::Points, "Points that were given; 0 where it gives none."),
    sometimes("expires_at", Shape::Instant, "When the points end, if they do."),
    sometimes(
        "discount_withheld",
        Shape::True,
        "Its discount was not given: the account had as many open as it can have.",
    ),
    sometimes("years", Shape::Count, "Of an anniversary: the how manieth."),
    sometimes("day", Shape::Date, "When it was; absent for a welcome and an order."),
    instead("contact_id", Shape::Id, "Of a birthday: whose it is."),
    instead("number", Shape::Count, "Of an order: the how manieth."),
    instead("since", Shape::Date, "Of a silence: the day of the latest order before it."),
];

pub const KINDS: &[Kind] = &[
    Kind::new("account.enrolled", "The account became a member.", &[always("tier", Shape::Id, "Its first tier.")]),
    Kind::new(
        "account.changed",
        "The account's own data changed.",
        &[always("fields", Shape::Names, "Which fields, never their content.")],
    ),
    Kind::new(
        "account.status_changed",
        "The account's status changed.",
        &[always("from", STATUS, "Before."), always("to", STATUS, "After.")],
    ),
    Kind::new(
        "account.erased",
        "The personal data of the company and its people are erased: forget what you know of them, too.",
        &[],
    ),
    Kind::new(
        "contact.changed",
        "A contact was added or changed.",
        &[always("contact_id", Shape::Id, "Which contact. What is stored of it is asked of the API.")],
    ),
    Kind::notice(
        "occasion.given",
        "Something was given on an occasion: points, a discount, or both. The discount is an event of its own.",
        GIVEN,
    ),
];
