//! Surveys and their answers, in the table of metrics.

use crate::corrupt::corrupt;
use crate::keys::{self, Item};
use crate::page::Listed;
use crate::read::Consistency;
use crate::{Fault, Store, item};
use domain::id::{AccountId, Segment, SurveyId, TierId};
use domain::survey::{Answer, Rating, Respondent, Survey};
use domain::time::Instant;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What is read of an answer that is only counted, as an expression; its names are those of the item.
const COUNTED: &str = "#period, #score, #tier, #segments, #answered_at";
const COUNTED_NAMES: [&str; 5] = ["period", "score", "tier", "segments", "answered_at"];

/// Surveys, a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveysPage {
    /// The surveys, in the order of their ids.
    pub surveys: Vec<Survey>,
    /// After which one to go on; `None` at the end.
    pub next: Option<SurveyId>,
}

/// An answer as far as it counts: without what anybody said in their own words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Score {
    /// From 0 to 10.
    pub score: Rating,
    /// The tier of its account when it was given.
    pub tier: TierId,
    /// The segments of its account when it was given.
    #[serde(default)]
    pub segments: Vec<Segment>,
    /// When it was given.
    pub answered_at: Instant,
}

/// Answers to a survey as far as they count, a page of them. One that cannot be read is named by its account and
/// contact, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoresPage {
    /// The answers.
    pub scores: Vec<Result<Score, (String, String)>>,
    /// After which one to go on; `None` at the end.
    pub next: Option<String>,
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

    /// The ids of all surveys, read strongly; that of one whose item cannot be read, too. An id that is none is named.
    pub async fn survey_ids(&self) -> Result<Vec<Result<SurveyId, String>>, Fault> {
        let (condition, values) = keys::surveys();
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let query = self.client.query().table_name(&self.tables.metrics).key_condition_expression(condition);
            let query = query.set_expression_attribute_values(Some(values.clone())).set_exclusive_start_key(after);
            let query = query.projection_expression("#period").expression_attribute_names("#period", "period");
            let found = query.consistent_read(true).send().await.map_err(Fault::service)?;
            for item in found.items.unwrap_or_default() {
                let id = keys::period(&item).unwrap_or_default();
                ids.push(SurveyId::parse(&id).map_err(|_| id));
            }
            after = found.last_evaluated_key;
            if after.is_none() {
                return Ok(ids);
            }
        }
    }

    /// Answers to a survey as far as they count after one of them, at most `limit`, read strongly.
    pub async fn scores_page(&self, survey: &SurveyId, after: Option<&str>, limit: u16) -> Result<ScoresPage, Fault> {
        let (condition, values) = keys::answers_to(survey);
        let query = self.client.query().table_name(&self.tables.metrics).key_condition_expression(condition);
        let query = query.set_expression_attribute_values(Some(values)).limit(i32::from(limit));
        let query = query.set_exclusive_start_key(after.map(|after| keys::answer_place(survey, after)));
        let query = COUNTED_NAMES.iter().fold(query.projection_expression(COUNTED), |query, name| {
            query.expression_attribute_names(format!("#{name}"), *name)
        });
        let found = query.consistent_read(true).send().await.map_err(Fault::service)?;
        let read = |item: Item| {
            let of = keys::period(&item).unwrap_or_default();
            item::plain(item).map_err(|what| (of, what))
        };
        Ok(ScoresPage {
            scores: found.items.unwrap_or_default().into_iter().map(read).collect(),
            next: found.last_evaluated_key.as_ref().and_then(keys::period),
        })
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
