//! What answers look like whose types write themselves, for the description of the API.

use crate::money::Money;
use crate::time::Instant;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

impl JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "Money with its currency.",
            "required": ["amount", "currency"],
            "properties": {
                "amount": {
                    "type": "string",
                    "description": "How much, with the decimals of the currency.",
                    "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
                },
                "currency": { "type": "string", "description": "ISO 4217.", "pattern": "^[A-Z]{3}$" },
            },
        })
    }
}

impl JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
