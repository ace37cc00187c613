//! Surveys and their answers, in the table of metrics.

use crate::keys::{self, Item};
use crate::page::Listed;
use crate::read::{Consistency, corrupt};
use crate::{Fault, Store, item};
use domain::id::{AccountId, SurveyId};
use domain::survey::{Answer, Respondent, Survey};
use serde::de::DeserializeOwned;

/// Surveys, a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveysPage {
    /// The surveys, in the order of their ids.
    pub surveys: Vec<Survey>,
    /// After which one to go on; `None` at the end.
    pub next: Option<SurveyId>,
}

/// Answers to a survey, a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswersPage {
    /// The answers, account by account.
    pub answers: Vec<Answer>,
    /// After whose to go on; `None` at the end.
    pub next: Option<Respondent>,
}

impl Store {
    /// A survey. 0.5 read units, or 1 strong.
    pub async fn survey(&self, id: &SurveyId, consistency: Consistency) -> Result<Option<Survey>, Fault> {
        self.metrics_record(keys::survey(id), consistency).await
    }

    /// The answer of a contact to a survey. 0.5 read units per started 4 KB, or 1 strong.
    pub async fn survey_answer(
        &self,
        survey: &SurveyId,
        respondent: &Respondent,
        consistency: Consistency,
    ) -> Result<Option<Answer>, Fault> {
        self.metrics_record(keys::survey_answer(survey, respondent), consistency).await
    }

    async fn metrics_record<T: DeserializeOwned>(
        &self,
        key: Item,
        consistency: Consistency,
    ) -> Result<Option<T>, Fault> {
        let Some(found) = self.get(&self.tables.metrics, key.clone(), consistency).await? else { return Ok(None) };
        item::plain(found).map(Some).map_err(|what| corrupt("metrics", &key, what))
    }

    /// Surveys after one of them, at most `limit`, read strongly.
    pub async fn surveys_page(&self, after: Option<&SurveyId>, limit: u16) -> Result<SurveysPage, Fault> {
        let after = after.map(keys::survey);
        let (surveys, more): (Vec<Survey>, _) = self.page(Listed::Metrics, keys::surveys(), after, limit).await?;
        let next = surveys.last().filter(|_| more).map(|last| last.survey_id.clone());
        Ok(SurveysPage { surveys, next })
    }

    /// Answers to a survey after one of them, at most `limit`, read strongly.
    pub async fn answers_page(
        &self,
        survey: &SurveyId,
        after: Option<&Respondent>,
        limit: u16,
    ) -> Result<AnswersPage, Fault> {
        self.answers(survey, keys::answers_to(survey), after, limit).await
    }

    /// The same of the people of one account. `after` must be one of them.
    pub async fn answers_of_account(
        &self,
        survey: &SurveyId,
        account: &AccountId,
        after: Option<&Respondent>,
        limit: u16,
    ) -> Result<AnswersPage, Fault> {
        self.answers(survey, keys::answers_of(survey, account), after, limit).await
    }

    async fn answers(
        &self,
        survey: &SurveyId,
        condition: (&str, Item),
        after: Option<&Respondent>,
        limit: u16,
    ) -> Result<AnswersPage, Fault> {
        let after = after.map(|respondent| keys::survey_answer(survey, respondent));
        let (answers, more): (Vec<Answer>, _) = self.page(Listed::Metrics, condition, after, limit).await?;
        let next = answers.last().filter(|_| more).map(|last| last.respondent.clone());
        Ok(AnswersPage { answers, next })
    }
}
