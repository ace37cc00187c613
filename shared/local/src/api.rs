//! The description of the API, OpenAPI 3.1: what every function says of its routes, with the sample events as examples.
//!
//! The template says which routes there are. One that no function describes is a fault, and so is an operation without a
//! route.

mod samples;

use crate::template::Template;
use runtime::api::{self, Operation};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::collections::BTreeMap;

pub use samples::EVENTS;

/// What functions say of their routes.
pub fn operations() -> Vec<Operation> {
    [
        accounts::api::operations(),
        checkout::api::operations(),
        metrics::api::operations(),
        order_placed::api::operations(),
        order_returned::api::operations(),
        ::program::api::operations(),
        referral_redemption::api::operations(),
        simulation::api::operations(),
        surveys::api::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The description of all routes of the template. Fails with what is at odds.
pub fn description() -> Result<Value, String> {
    let template = Template::embedded().map_err(|faults| faults.to_string())?;
    in_order_of(&template, operations()).and_then(|ordered| api::document(&ordered, &samples::by_route()?))
}

/// The same as `docs/openapi.json` has it.
pub fn text() -> Result<String, String> {
    // It is long: one space for each step makes it a third shorter than two.
    let mut text = Vec::new();
    let mut writer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b" "));
    description()?.serialize(&mut writer).map_err(|error| error.to_string())?;
    text.push(b'\n');
    String::from_utf8(text).map_err(|error| error.to_string())
}

/// The operations in the order of the template's routes, each of which has one.
fn in_order_of(template: &Template, operations: Vec<Operation>) -> Result<Vec<Operation>, String> {
    let mut by_route: BTreeMap<_, _> = operations.into_iter().map(|own| (own.route(), own)).collect();
    let routes = template.functions.iter().flat_map(|function| &function.routes);
    let mut ordered = Vec::new();
    for route in routes {
        let name = format!("{} {}", route.method, route.path);
        let operation = by_route.remove(&name).ok_or_else(|| format!("no function describes {name}"))?;
        if operation.scope().is_none() != route.is_open {
            return Err(format!("{name} is open in the template or in its description, and not in both"));
        }
        ordered.push(operation);
    }
    match by_route.keys().next() {
        Some(unknown) => Err(format!("{unknown} is described and is no route of the template")),
        None => Ok(ordered),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn template_with(old: &str, new: &str) -> Template {
        assert!(crate::template::TEXT.contains(old), "{old}");
        Template::parse(&crate::template::TEXT.replacen(old, new, 1), &crate::cloud::function_names()).unwrap()
    }

    #[test]
    fn a_route_without_an_operation_and_an_operation_without_a_route_are_told() {
        for (old, new, told) in [
            ("Path: /v1/quotes}", "Path: /v1/quote}", "no function describes POST /v1/quote"),
            (
                "Method: POST, Path: /v1/quotes}",
                "Method: PUT, Path: /v1/quotes}",
                "no function describes PUT /v1/quotes",
            ),
            (", Auth: {Authorizer: NONE}", "", "GET /openapi.json is open"),
            ("Path: /v1/quotes}", "Path: /v1/quotes, Auth: {Authorizer: NONE}}", "POST /v1/quotes is open"),
        ] {
            let refused = in_order_of(&template_with(old, new), operations()).err().unwrap();
            assert!(refused.contains(told), "{refused}");
        }
        let more = Operation::new("GET /v1/nothing", "getNothing", "Nothing.");
        let refused = in_order_of(&Template::embedded().unwrap(), operations().into_iter().chain([more]).collect());
        assert_eq!(refused.err().unwrap(), "GET /v1/nothing is described and is no route of the template");
    }

    #[test]
    fn the_published_description_is_the_one_of_the_functions() {
        let published = include_str!("../../../docs/openapi.json");
        let command = "cargo run -- api > docs/openapi.json";
        assert!(
            text().unwrap() == published,
            "docs/openapi.json is not what the code says; write it anew with\n  {command}"
        );
    }

    #[test]
    fn every_sample_event_of_a_request_is_an_example() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let requests = files.filter(|file| std::fs::read_to_string(file).unwrap().contains("\"routeKey\""));
        let names: BTreeSet<_> = requests.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        assert_eq!(EVENTS.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>(), names);
    }
}
