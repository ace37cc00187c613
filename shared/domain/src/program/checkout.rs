//! The section of the program document that says how carts are held, and what of that comes back.

use super::read::small;
use crate::document::{self, Faults, Object, Path};
use crate::schema::{self, Schema};
use serde_json::{Value, json};

/// Minutes that a reservation holds where the program does not say.
const HOLD_MINUTES: u16 = 30;
/// A day: whoever holds longer than that does not pay any more.
const HOLD_MINUTES_MAX: u16 = 1_440;

const GIVEN_BACK: [(&str, GivenBack); 3] =
    [("cancelled", GivenBack::Cancelled), ("returned", GivenBack::Returned), ("never", GivenBack::Never)];

/// How carts are held, and what comes back of what they use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckoutRules {
    /// Minutes that a reservation holds, at least 1.
    pub hold_minutes: u16,
    /// When discounts that an order used can be used again, for what is left of their time.
    pub discounts_given_back: GivenBack,
}

/// When discounts that an order used can be used again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GivenBack {
    /// Once it is cancelled.
    #[default]
    Cancelled,
    /// Once it is cancelled, or all of it has come back.
    Returned,
    /// Never: they are used up.
    Never,
}

impl Default for CheckoutRules {
    fn default() -> Self {
        Self { hold_minutes: HOLD_MINUTES, discounts_given_back: GivenBack::default() }
    }
}

impl GivenBack {
    /// Its name in the document.
    pub fn name(self) -> &'static str {
        GIVEN_BACK.iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }
}

pub(super) fn checkout(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<CheckoutRules> {
    let section = Object::open(value, path, &["hold_minutes", "discounts_given_back"], faults)?;
    let minutes = section.optional("hold_minutes", faults, |v| small(v, 1, HOLD_MINUTES_MAX));
    let given_back = section.optional("discounts_given_back", faults, document::one_of(&GIVEN_BACK));
    Some(CheckoutRules {
        hold_minutes: minutes.unwrap_or(HOLD_MINUTES),
        discounts_given_back: given_back.unwrap_or_default(),
    })
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let given_back = "When discounts that an order used can be used again, for what is left of their time: once it is \
                      cancelled; once it is cancelled or all of it has come back (returned); or never.";
    schema::object("Checkout")
        .optional(
            "hold_minutes",
            schema::small(1, HOLD_MINUTES_MAX).or(HOLD_MINUTES),
            "Minutes that a reservation holds discounts and points.",
        )
        .optional("discounts_given_back", schema::one_of(&GIVEN_BACK).or("cancelled"), given_back)
        .examples([json!({ "hold_minutes": 20, "discounts_given_back": "returned" })])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::sample;

    #[test]
    fn carts_are_held_and_given_back_as_the_program_says() {
        let rules = |hold_minutes, discounts_given_back| Ok(CheckoutRules { hold_minutes, discounts_given_back });
        let fault = |field: &str, code: &str| Err(format!("$.checkout{field} {code}"));
        for (stated, expected) in [
            (Value::Null, rules(30, GivenBack::Cancelled)),
            (json!({}), rules(30, GivenBack::Cancelled)),
            (json!({"hold_minutes": 1}), rules(1, GivenBack::Cancelled)),
            (json!({"hold_minutes": 1_440, "discounts_given_back": "returned"}), rules(1_440, GivenBack::Returned)),
            (json!({"discounts_given_back": "never"}), rules(30, GivenBack::Never)),
            (json!({"discounts_given_back": "cancelled"}), rules(30, GivenBack::Cancelled)),
            (json!({"hold_minutes": 0}), fault(".hold_minutes", "out_of_range")),
            (json!({"hold_minutes": 1_441}), fault(".hold_minutes", "out_of_range")),
            (json!({"hold_minutes": -30}), fault(".hold_minutes", "out_of_range")),
            (json!({"hold_minutes": 1.5}), fault(".hold_minutes", "out_of_range")),
            (json!({"hold_minutes": "30"}), fault(".hold_minutes", "wrong_type")),
            (json!({"discounts_given_back": "always"}), fault(".discounts_given_back", "unknown_value")),
            (json!({"discounts_given_back": true}), fault(".discounts_given_back", "wrong_type")),
            (json!({"minutes": 30}), fault(".minutes", "unknown_field")),
            (json!([]), fault("", "wrong_type")),
        ] {
            assert_eq!(sample::read("checkout", &stated, |program| program.checkout), expected, "{stated}");
        }
        for (name, given_back) in GIVEN_BACK {
            assert_eq!(given_back.name(), name);
        }
    }
}
