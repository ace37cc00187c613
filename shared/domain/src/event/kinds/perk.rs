//! The uses of perks, and rewards.

use crate::event::kind::{Field, Kind, Shape, always, sometimes};

const PERK: Field = always("perk", Shape::Id, "Which perk.");
const REWARD: Field = always("reward", Shape::Id, "Which reward.");
const USES: Field = always("uses", Shape::Count, "How many uses.");
const LEFT: Field = always("left", Shape::Count, "How many that were bought are left then.");

pub const KINDS: &[Kind] = &[
    Kind::new(
        "perk.used",
        "A perk was used.",
        &[
            PERK,
            sometimes("uses", Shape::Uses, "What is used and left of it then, if it is counted."),
            sometimes("bought_left", Shape::Count, "Uses bought with points that are left, where it was one of these."),
            sometimes("reference", Shape::Text, "A booking, a ticket or the like."),
        ],
    ),
    Kind::new("perk.uses_bought", "Uses of a perk were bought with points.", &[PERK, USES, LEFT]),
    Kind::new("perk.uses_returned", "Uses of a perk that were bought were taken back.", &[PERK, USES, LEFT]),
    Kind::new(
        "reward.redeemed",
        "Points were redeemed for a reward. Which redemption it is, is said by the sequence of the entry.",
        &[REWARD, sometimes("uses", Shape::Uses, "How often the account had it then, if that is limited.")],
    ),
    Kind::new(
        "reward.cancelled",
        "A redemption of a reward was cancelled.",
        &[
            REWARD,
            always("redemption", Shape::Count, "Which redemption of it: the sequence of its entry."),
            sometimes(
                "uses",
                Shape::Uses,
                "How often the account had the reward then, if that is limited and still counts.",
            ),
            always("reason", Shape::Text, "Why."),
        ],
    ),
];
