//! The variables that functions have which another runtime runs over the tables of `guilder serve`: `guilder variables`.

use super::{Failure, place, print};
use crate::template::Template;
use clap::Args;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Where nobody listens: what a function sends that it reaches by an address of its own goes nowhere.
const NOWHERE: &str = "http://127.0.0.1:9";

#[derive(Args)]
pub(super) struct Arguments {
    /// The function, by its folder below functions/ [default: all, which takes --json]
    #[arg(required_unless_present = "json")]
    function: Option<String>,
    /// Where the function reaches the DynamoDB of `guilder serve`
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    endpoint: String,
    /// As JSON by the functions' logical ids, as `sam local --env-vars` takes it
    #[arg(long)]
    json: bool,
}

pub(super) fn variables(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { function, endpoint, json: as_json } = arguments;
    let template = Template::embedded()?;
    let parameters = place::parameters();
    let mut known = Map::new();
    for own in template.functions.iter().filter(|own| function.as_ref().is_none_or(|name| *name == own.name)) {
        let mut variables = template.environment(own, &parameters, "")?;
        let own_addresses = ["AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_EVENTBRIDGE"].map(|name| (name, NOWHERE));
        let addresses = own_addresses.into_iter().chain([("AWS_ENDPOINT_URL_DYNAMODB", endpoint.as_str())]);
        variables.extend(addresses.map(|(name, value)| (name.to_owned(), value.to_owned())));
        variables.entry("AWS_REGION".to_owned()).or_insert_with(|| crate::connector::REGION.to_owned());
        if !as_json {
            let lines: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            return print(&lines).map(|()| ExitCode::SUCCESS);
        }
        known.insert(own.id.clone(), json!(variables));
    }
    match known.is_empty() {
        true => Err(crate::cloud::InvokeError::Unknown(function.clone().unwrap_or_default()).into()),
        false => {
            print(&format!("{}\n", serde_json::to_string_pretty(&Value::Object(known))?)).map(|()| ExitCode::SUCCESS)
        }
    }
}
