//! What may be said of a request before its document is read, and of what it is about.

use super::Problem;
use crate::error::RequestFault;
use crate::query::ParameterFault;
use domain::document;

/// Most characters of a parameter's name that are shown.
const NAME_CHARS_MAX: usize = 200;

/// What is to be changed is not what the caller wanted it to be.
pub(super) fn of_precondition(present: Option<u64>) -> Problem {
    let detail = match present {
        Some(version) => format!("It is at version {version} now: read it again, and decide again."),
        None => "It is not there.".to_owned(),
    };
    Problem { present, ..Problem::new("precondition-failed", "Precondition failed", 412, detail) }
}

pub(super) fn of_request(fault: &RequestFault) -> Problem {
    match fault {
        RequestFault::NotJson(reason) => {
            Problem::new("not-json", "Not JSON", 400, format!("The body is not JSON: {reason}."))
        }
        RequestFault::NotBase64 => {
            Problem::new("not-base64", "Not base64", 400, "The body is marked as base64 and is not.")
        }
        RequestFault::TooLarge => {
            let detail = format!("A body has at most {} bytes.", crate::http::BODY_BYTES_MAX);
            Problem::new("payload-too-large", "Payload too large", 413, detail)
        }
        RequestFault::NotJsonMedia => {
            let detail = "The body says that it is no JSON: send it as application/json, in UTF-8 and not compressed.";
            Problem::new("unsupported-media-type", "Unsupported media type", 415, detail)
        }
        RequestFault::ConditionNotTaken(name) => {
            let detail = format!("This request is made under no condition; {name} would not be heeded.");
            let problem = Problem::new("condition-not-taken", "Condition not taken", 400, detail);
            problem.with_fault((*name).to_owned(), "condition_not_taken", "is taken by no request to this route")
        }
        RequestFault::Parameter { name, message } => {
            Problem::new("invalid-parameter", "Invalid parameter", 400, format!("{name} {message}.")).with_fault(
                (*name).to_owned(),
                "invalid_parameter",
                message,
            )
        }
        RequestFault::Parameters(faults) => of_faults(faults),
        RequestFault::UnknownParameters { names, known } => of_parameters(names, known),
        RequestFault::NoSuchRoute => Problem::new("not-found", "Not found", 404, "Nothing is served there."),
        RequestFault::NotCounted(detail) => Problem::new("not-counted", "Not counted", 404, detail),
        RequestFault::NoIdempotencyKey => {
            let detail = "This write needs an Idempotency-Key header, so that a retry cannot repeat it.";
            Problem::new("idempotency-key-missing", "Idempotency-Key missing", 400, detail)
        }
    }
}

/// Parameters of the query that are not what they must be.
fn of_faults(faults: &[ParameterFault]) -> Problem {
    let details: Vec<_> = faults.iter().map(|fault| format!("{} {}.", fault.name, fault.message)).collect();
    let problem = Problem::new("invalid-parameter", "Invalid parameter", 400, details.join(" "));
    faults
        .iter()
        .fold(problem, |problem, fault| problem.with_fault(fault.name.to_owned(), "invalid_parameter", &fault.message))
}

/// Parameters of the query that its route does not know.
fn of_parameters(names: &[String], known: &[&str]) -> Problem {
    let known = match known {
        [] => "there are none".to_owned(),
        known => format!("known are: {}", known.join(", ")),
    };
    let problem = Problem::new(
        "invalid-parameter",
        "Invalid parameter",
        400,
        format!("The query has an unknown parameter; {known}."),
    );
    let message = format!("unknown parameter; {known}");
    let unlisted = names.len().saturating_sub(document::FAULTS_LISTED_MAX);
    let listed = names.iter().take(document::FAULTS_LISTED_MAX);
    let problem = listed.fold(problem, |problem, name| {
        let path = name.chars().take(NAME_CHARS_MAX).collect();
        problem.with_fault(path, "unknown_parameter", &message)
    });
    Problem { faults_unlisted: unlisted, ..problem }
}
