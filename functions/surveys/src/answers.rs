//! What this function answers.

use domain::id::{Segment, SurveyId, TierId};
use domain::survey::{Answer, Respondent, Said, Survey, Terms};
use domain::time::Instant;
use serde::Serialize;

/// A survey, as it stands now.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SurveyAnswer {
    survey_id: SurveyId,
    #[serde(flatten)]
    terms: Terms,
    /// Whether it takes answers: it is open, and its end lies ahead.
    takes_answers: bool,
    created_at: Instant,
    changed_at: Instant,
}

impl SurveyAnswer {
    pub fn of(survey: Survey, now: Instant) -> Self {
        let takes_answers = survey.takes_answers(now);
        let Survey { survey_id, terms, created_at, changed_at, .. } = survey;
        Self { survey_id, terms, takes_answers, created_at, changed_at }
    }
}

/// One page of the surveys.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SurveysAnswer {
    pub surveys: Vec<SurveyAnswer>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What a contact answered.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AnswerOfContact"))]
pub struct ContactAnswer {
    survey_id: SurveyId,
    #[serde(flatten)]
    respondent: Respondent,
    #[serde(flatten)]
    said: Said,
    tier: TierId,
    segments: Vec<Segment>,
    answered_at: Instant,
    changed_at: Instant,
}

impl ContactAnswer {
    pub fn of(answer: Answer) -> Self {
        let Answer { survey_id, respondent, said, tier, segments, answered_at, changed_at, .. } = answer;
        Self { survey_id, respondent, said, tier, segments, answered_at, changed_at }
    }
}

/// One page of the answers to a survey.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AnswersOfContacts"))]
pub struct ContactAnswers {
    pub answers: Vec<ContactAnswer>,
    /// Asks for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
