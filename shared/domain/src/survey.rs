//! Surveys: a question to the people of accounts, answered from 0 to 10.
//!
//! Each contact has one answer to a survey, and may change it until the survey takes no more. It is put as `Absent` or
//! at its version, so that of two at once one is stored and the other decided again. The survey itself is only read, or
//! all who answer would wait for each other. Nothing here is part of an account: an answer moves no points and writes
//! no entry. What answers come to is counted from the records.

mod answer;
pub(crate) mod read;

#[cfg(test)]
mod tests;

use crate::decision::{Context, Decision, Guard, Record, Rejection, Write};
use crate::id::SurveyId;
use crate::membership::Put;
use crate::money::Overflow;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

pub use answer::{
    Answer, AnswerDocument, Asked, InvalidRating, Outcome, Rating, Respondent, Said, TAGS_MAX, give_answer,
};
pub use read::{answer_document, survey_document};

/// A question that contacts are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Survey {
    /// What it is known by.
    pub survey_id: SurveyId,
    /// What the merchant states of it.
    #[serde(flatten)]
    pub terms: Terms,
    /// When it was stated first.
    pub created_at: Instant,
    /// When it was changed last.
    pub changed_at: Instant,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// What the merchant states of a survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Terms {
    /// What the merchant calls it, 1 to 200 characters.
    pub name: String,
    /// What contacts are asked, 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// Whether the merchant has it open.
    pub status: Status,
    /// The first instant at which it takes no answer any more, open or not; `None`: it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<Instant>,
}

/// Whether a survey takes answers, its end left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SurveyStatus"))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does.
    Open,
    /// Not until it is opened again.
    Closed,
}

impl Status {
    /// Every status by its name.
    pub const ALL: [(&'static str, Self); 2] = [("open", Self::Open), ("closed", Self::Closed)];
}

/// What is stated: `PUT /v1/surveys/{survey_id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyDocument {
    /// What the merchant calls it.
    pub name: String,
    /// What contacts are asked; absent: that is said elsewhere.
    pub question: Option<String>,
    /// Its status; absent: unchanged, and that of a new one is open.
    pub status: Option<Status>,
    /// Its end; absent: it has none.
    pub closes_at: Option<Instant>,
}

impl Survey {
    /// Whether it takes answers at `now`.
    pub fn takes_answers(&self, now: Instant) -> bool {
        self.terms.status == Status::Open && !self.terms.is_over(now)
    }
}

impl Terms {
    fn is_over(&self, now: Instant) -> bool {
        self.closes_at.is_some_and(|end| end <= now)
    }
}

/// States a survey: opens it, closes it, opens it again. The same again writes nothing.
///
/// Fails with [`Rejection::ClosesInPast`] where it is to be opened, or its end moved while it is open, and that end has
/// gone by. What else is known of a survey that is over can still be corrected.
pub fn put_survey(
    id: &SurveyId,
    before: Option<&Survey>,
    document: &SurveyDocument,
    context: &Context<'_>,
) -> Result<Decision<(Survey, Put)>, Rejection> {
    let held = before.map(|survey| &survey.terms);
    let SurveyDocument { name, question, status, closes_at } = document.clone();
    let status = status.or(held.map(|terms| terms.status)).unwrap_or(Status::Open);
    let terms = Terms { name, question, status, closes_at };
    let answer = if before.is_some() { Put::Stored } else { Put::Created };
    if let Some(same) = before.filter(|survey| survey.terms == terms) {
        return Ok(Decision { writes: Vec::new(), answer: (same.clone(), answer) });
    }
    let term_kept = held.is_some_and(|held| (held.status, held.closes_at) == (terms.status, terms.closes_at));
    if terms.status == Status::Open && terms.is_over(context.now) && !term_kept {
        return Err(Rejection::ClosesInPast);
    }
    let survey = Survey {
        survey_id: id.clone(),
        terms,
        created_at: before.map_or(context.now, |survey| survey.created_at),
        changed_at: context.now,
        version: before.map_or(0, |survey| survey.version).checked_add(1).ok_or(Overflow)?,
    };
    let guard = before.map_or(Guard::Absent, |survey| Guard::Version(survey.version));
    let writes = vec![Write::Put(Record::Survey(Box::new(survey.clone())), guard)];
    Ok(Decision { writes, answer: (survey, answer) })
}
