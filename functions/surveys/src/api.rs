//! What the routes of this function take and answer, for the description of the API.

use crate::answers::{ContactAnswer, ContactAnswers, SurveyAnswer, SurveysAnswer};
use crate::{LISTED_MAX, LISTED_USUAL};
use domain::requests;
use runtime::Scope::{AccountsWrite, MetricsRead, ProgramWrite};
use runtime::api::{Header, Operation};

/// An operation for each route.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new("GET /v1/surveys", "getSurveys", "The surveys.")
            .by_merchant(MetricsRead)
            .paged(LISTED_USUAL, LISTED_MAX)
            .answers::<SurveysAnswer>(200, "One page."),
        Operation::new("PUT /v1/surveys/{survey_id}", "putSurvey", "Opens a survey, changes it, or closes it.")
            .by_merchant(ProgramWrite)
            .takes(requests::SURVEY)
            .answers::<SurveyAnswer>(201, "The survey is new.")
            .answers::<SurveyAnswer>(200, "The survey is stored.")
            .all_with(Header::Location)
            .conditional()
            .problems(422, &["closes-in-past"]),
        Operation::new("GET /v1/surveys/{survey_id}", "getSurvey", "A survey, as it stands.")
            .by_account(MetricsRead)
            .answers::<SurveyAnswer>(200, "The survey.")
            .problems(404, &["unknown-survey"]),
        Operation::new("POST /v1/surveys/{survey_id}/answers", "postSurveyAnswer", "Takes what a contact answers.")
            .by_account(AccountsWrite)
            .takes(requests::SURVEY_ANSWER)
            .answers::<ContactAnswer>(201, "The contact's first answer.")
            .answers::<ContactAnswer>(200, "The contact's answer, changed or sent again.")
            .with(Header::Replayed)
            .problems(404, &["unknown-account", "unknown-contact", "unknown-survey"])
            .problems(409, &["survey-closed"]),
        Operation::new("GET /v1/surveys/{survey_id}/answers", "getSurveyAnswers", "What contacts answered.")
            .by_account(MetricsRead)
            .query("account_id", requests::account_id(), "Only answers of this account.")
            .paged(LISTED_USUAL, LISTED_MAX)
            .answers::<ContactAnswers>(200, "One page.")
            .problems(404, &["unknown-survey"]),
    ]
}
