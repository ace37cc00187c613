//! The commands of this function.

use domain::decision::{Context, Decision, Rejection};
use domain::id::SurveyId;
use domain::membership::Put;
use domain::precondition::Precondition;
use domain::survey::{self, Answer, AnswerDocument, Asked, Outcome, Survey, SurveyDocument};
use domain::time::Instant;
use runtime::Command;
use store::{Consistency, Fault, Store};

/// Open a survey, change it or close it.
pub struct PutSurvey {
    pub id: SurveyId,
    pub document: SurveyDocument,
    pub condition: Precondition,
}

impl Command for PutSurvey {
    type State = Option<Survey>;
    type Answer = (Survey, Put);

    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Option<Survey>, Fault> {
        store.survey(&self.id, consistency).await
    }

    fn last_decided(state: &Option<Survey>) -> Option<Instant> {
        state.as_ref().map(|survey| survey.changed_at)
    }

    fn decide(&self, state: &Option<Survey>, context: &Context<'_>) -> Result<Decision<Self::Answer>, Rejection> {
        let decision = survey::put_survey(&self.id, state.as_ref(), &self.document, context)?;
        self.condition.judge(state.as_ref().map(|survey| survey.version), decision)
    }
}

/// Take a contact's answer, or what it changes of it.
pub struct GiveAnswer {
    pub survey_id: SurveyId,
    pub document: AnswerDocument,
}

impl Command for GiveAnswer {
    type State = Asked;
    type Answer = (Answer, Outcome);

    /// The survey strongly: no guard protects it, and whoever was told that it is closed must find it so. An answer
    /// that is there says that account and contact are, and keeps what the account was when it was given first.
    async fn load(&self, store: &Store, consistency: Consistency) -> Result<Asked, Fault> {
        let Some(survey) = store.survey(&self.survey_id, Consistency::Strong).await? else {
            return Ok(Asked::default());
        };
        let respondent = &self.document.respondent;
        let held = store.survey_answer(&self.survey_id, respondent, consistency).await?;
        let mut asked = Asked { survey: Some(survey), held, ..Asked::default() };
        let (account, contact) = (&respondent.account_id, &respondent.contact_id);
        if asked.held.is_none() {
            asked.account = store.account(account, consistency).await?;
        }
        // Looked at where the first try was lost to that it is not there any more.
        let says_other = asked.held.as_ref().is_some_and(|held| held.said != self.document.said);
        if asked.held.is_none() || (says_other && consistency == Consistency::Strong) {
            asked.contact_known = Some(store.contact(account, contact, consistency).await?.is_some());
        }
        Ok(asked)
    }

    fn last_decided(asked: &Asked) -> Option<Instant> {
        let said = asked.held.as_ref().map(|answer| answer.changed_at);
        said.or(asked.account.as_ref().map(|account| account.last_decided))
    }

    fn decide(&self, asked: &Asked, context: &Context<'_>) -> Result<Decision<Self::Answer>, Rejection> {
        survey::give_answer(&self.document, asked, context)
    }
}
