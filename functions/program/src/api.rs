//! What the routes of this function take and answer, for the description of the API.

use crate::answers::{ActivatedAnswer, ActiveAnswer, PlannedAnswer, VersionAnswer, VersionsAnswer};
use crate::compare::DifferenceAnswer;
use crate::{LISTED_MAX, LISTED_USUAL};
use domain::requests;
use runtime::Scope::{MetricsRead, ProgramWrite};
use runtime::api::{Anything, Header, Operation};

/// An operation for each route.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new("POST /v1/program/versions", "postVersion", "Stores a version of the program.")
            .by_merchant(ProgramWrite)
            .may_be_keyed()
            .takes(requests::PROGRAM)
            .once::<VersionAnswer>("The version's number; it is not in force.")
            .all_with(Header::Location)
            .problems(409, &["cannot-follow"]),
        Operation::new("GET /v1/program/versions", "getVersions", "The versions of the program.")
            .by_merchant(MetricsRead)
            .paged(LISTED_USUAL, LISTED_MAX)
            .answers::<VersionsAnswer>(200, "One page, the newest first."),
        Operation::new("GET /v1/program/versions/{version}", "getVersion", "A version, and what it says.")
            .by_merchant(MetricsRead)
            .answers::<PlannedAnswer>(200, "The version with its document.")
            .problems(404, &["unknown-version"]),
        Operation::new(
            "GET /v1/program/versions/{version}/diff/{other}",
            "getVersionDiff",
            "What two versions differ in.",
        )
        .by_merchant(MetricsRead)
        .answers::<DifferenceAnswer>(200, "What differs from the first to the second.")
        .problems(404, &["unknown-version"]),
        Operation::new("GET /v1/program/active", "getActive", "The version in force, and those to come.")
            .by_merchant(MetricsRead)
            .answers::<ActiveAnswer>(200, "What is in force."),
        Operation::new("PUT /v1/program/active", "putActive", "Puts a version in force.")
            .by_merchant(ProgramWrite)
            .takes(requests::ACTIVATION)
            .answers::<ActivatedAnswer>(200, "From when it is in force.")
            .with(Header::Replayed)
            .conditional()
            .problems(404, &["unknown-version"])
            .problems(409, &["cannot-follow", "too-many-activations"])
            .problems(422, &["too-early"]),
        Operation::new("GET /openapi.json", "getDescription", "This description.")
            .answers::<Anything>(200, "An OpenAPI 3.1 document."),
    ]
}
