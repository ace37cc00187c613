//! What the routes of this function take and answer, for the description of the API.

use crate::answers::SimulationAnswer;
use domain::requests;
use runtime::Scope::{MetricsRead, ProgramWrite};
use runtime::api::{Header, Operation};

/// An operation for each route.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new("POST /v1/program/simulations", "postSimulation", "Replays all that happened under a version.")
            .by_merchant(ProgramWrite)
            .keyed()
            .takes(requests::SIMULATION)
            .answers::<SimulationAnswer>(202, "It is under way.")
            .with(Header::RetryAfter)
            .answers::<SimulationAnswer>(200, "It is over.")
            .all_with(Header::Location)
            .all_with(Header::Replayed)
            .problems(404, &["unknown-version"])
            .problems(409, &["cannot-follow"]),
        Operation::new("GET /v1/program/simulations/{simulation_id}", "getSimulation", "A simulation so far.")
            .by_merchant(MetricsRead)
            .answers::<SimulationAnswer>(200, "How far it has come, and what it came to.")
            .problems(404, &["unknown-simulation"]),
    ]
}
