#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;
use serde_json::json;

fn closed(mut schema: Value) -> Value {
    let definitions = json!({
        "Key": { "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] },
    });
    close(&mut schema, definitions.as_object().unwrap());
    schema
}

fn object(fields: Value) -> Value {
    json!({ "type": "object", "properties": fields })
}

#[test]
fn objects_are_closed_at_any_depth_and_maps_stay_open() {
    let inner = object(json!({ "b": { "type": "string" } }));
    let mut inner_closed = inner.clone();
    inner_closed["additionalProperties"] = json!(false);
    for (place, schema) in [
        ("/properties/a", object(json!({ "a": inner }))),
        ("/properties/a/items", object(json!({ "a": { "type": "array", "items": inner } }))),
        (
            "/properties/a/additionalProperties",
            object(json!({ "a": { "type": "object", "additionalProperties": inner } })),
        ),
        ("/properties/a/prefixItems/0", object(json!({ "a": { "prefixItems": [inner] } }))),
        ("/anyOf/0", json!({ "anyOf": [inner, { "type": "null" }] })),
        ("/oneOf/1", json!({ "oneOf": [{ "type": "null" }, inner] })),
    ] {
        let closed = closed(schema);
        assert_eq!(closed.pointer(place), Some(&inner_closed), "{closed}");
    }
    let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    assert_eq!(closed(map.clone()), map);
}

#[test]
fn what_is_said_of_one_object_in_several_places_is_closed_over_all() {
    let mut schema = object(json!({ "a": {} }));
    schema["oneOf"] = json!([object(json!({ "b": {} })), object(json!({ "c": {} }))]);
    let mut expected = schema.clone();
    expected["unevaluatedProperties"] = json!(false);
    assert_eq!(closed(schema), expected);
}

#[test]
fn a_definition_that_is_added_to_is_put_in_its_place() {
    let mut schema = object(json!({ "kind": { "const": "placed" } }));
    schema["$ref"] = json!("#/components/schemas/Key");
    schema["required"] = json!(["kind"]);
    let fields = json!({ "kind": { "const": "placed" }, "id": { "type": "string" } });
    let expected = json!({
        "type": "object", "properties": fields, "required": ["kind", "id"], "additionalProperties": false,
    });
    assert_eq!(closed(schema), expected);
    // One that stands alone stays a reference: it is closed where it is defined.
    let alone = json!({ "$ref": "#/components/schemas/Key" });
    assert_eq!(closed(alone.clone()), alone);
}
