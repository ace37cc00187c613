//! Answers: one per contact and survey, changeable while the survey takes answers.

use super::Survey;
use crate::account::Account;
use crate::advance;
use crate::decision::{Context, Decision, Guard, Record, Rejection, Write};
use crate::id::{AccountId, ContactId, InvalidId, Segment, SurveyId, TierId};
use crate::money::Overflow;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most tags of an answer.
pub const TAGS_MAX: usize = 8;

/// What a contact answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What was asked.
    pub survey_id: SurveyId,
    /// Who answered.
    #[serde(flatten)]
    pub respondent: Respondent,
    /// What they said last.
    #[serde(flatten)]
    pub said: Said,
    /// The tier that the account held at `answered_at`: what is said later moves no answer to another.
    pub tier: TierId,
    /// The segments that the account was in at `answered_at`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// When they answered first.
    pub answered_at: Instant,
    /// When they said what they said last.
    pub changed_at: Instant,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// Whose answer it is: a person of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Respondent {
    /// The account.
    pub account_id: AccountId,
    /// The person.
    pub contact_id: ContactId,
}

impl Respondent {
    /// Reads `account_id#contact_id`.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let (account, contact) = text.split_once('#').ok_or(InvalidId("must be an account and a contact"))?;
        Ok(Self { account_id: AccountId::parse(account)?, contact_id: ContactId::parse(contact)? })
    }
}

impl Answer {
    /// The same without what its contact said in their own words, and what it needs to find in its place; `None`: it has
    /// none. What it scored stays: that counts.
    pub(crate) fn without_words(&self) -> Option<(Self, Guard)> {
        if self.said.comment.is_none() && self.said.tags.is_empty() {
            return None;
        }
        let said = Said { comment: None, tags: Vec::new(), ..self.said.clone() };
        let after = Self { said, version: self.version.saturating_add(1), ..self.clone() };
        Some((after, Guard::Version(self.version)))
    }
}

impl fmt::Display for Respondent {
    /// `account_id#contact_id`; neither side can contain a `#`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.account_id, self.contact_id)
    }
}

/// What a contact says. The comment is personal data: it stands in no log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Said {
    /// From 0 to 10.
    pub score: Rating,
    /// In the contact's own words, 1 to 2,000 characters, lines included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What it is about, in the merchant's words, sorted and distinct, at most [`TAGS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl fmt::Debug for Said {
    /// Without the comment, so that it gets into no log by way of what it is part of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comment = self.comment.as_ref().map(|comment| comment.chars().count());
        f.debug_struct("Said").field("score", &self.score).field("comment_chars", &comment).finish_non_exhaustive()
    }
}

/// How likely a contact is to recommend the merchant: 0 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "u8", into = "u8")]
pub struct Rating(u8);

/// A number that is no [`Rating`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 0 to 10")]
pub struct InvalidRating;

impl Rating {
    /// The highest.
    pub const MAX: Self = Self(10);

    /// Its number.
    pub fn as_u8(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Rating {
    type Error = InvalidRating;
    fn try_from(number: u8) -> Result<Self, InvalidRating> {
        if number <= Self::MAX.0 { Ok(Self(number)) } else { Err(InvalidRating) }
    }
}

impl From<Rating> for u8 {
    fn from(rating: Rating) -> Self {
        rating.0
    }
}

/// What is stated: `POST /v1/surveys/{survey_id}/answers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerDocument {
    /// Who answers.
    pub respondent: Respondent,
    /// What they say.
    pub said: Said,
}

/// What is known before an answer is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The survey.
    pub survey: Option<Survey>,
    /// The answer that the contact has given already.
    pub held: Option<Answer>,
    /// The contact's account; not looked at where there is an answer.
    pub account: Option<Account>,
    /// Whether it has the contact; `None`: nobody has looked.
    pub contact_known: Option<bool>,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is the contact's first.
    New,
    /// It replaces what the contact had said.
    Changed,
    /// The contact had said just that.
    Repeated,
}

/// Takes an answer, the first of its contact or in place of what the contact had said. The same again writes nothing,
/// and is answered with what is stored even when the survey is over.
///
/// Fails with [`Rejection::SurveyClosed`] for anything else that comes then.
pub fn give_answer(
    document: &AnswerDocument,
    asked: &Asked,
    context: &Context<'_>,
) -> Result<Decision<(Answer, Outcome)>, Rejection> {
    let survey = asked.survey.as_ref().ok_or(Rejection::UnknownSurvey)?;
    if let Some(same) = asked.held.as_ref().filter(|held| held.said == document.said) {
        return Ok(Decision { writes: Vec::new(), answer: (same.clone(), Outcome::Repeated) });
    }
    if !survey.takes_answers(context.now) {
        return Err(Rejection::SurveyClosed);
    }
    let (answer, guard, outcome) = match &asked.held {
        // Its contact was removed since.
        Some(_) if asked.contact_known == Some(false) => return Err(Rejection::UnknownContact),
        Some(held) => {
            let version = held.version.checked_add(1).ok_or(Overflow)?;
            let changed = Answer { said: document.said.clone(), changed_at: context.now, version, ..held.clone() };
            (changed, Guard::Version(held.version), Outcome::Changed)
        }
        None => (first_answer(document, survey, asked, context)?, Guard::Absent, Outcome::New),
    };
    let Respondent { account_id, contact_id } = answer.respondent.clone();
    let writes = vec![
        Write::Put(Record::SurveyAnswer(Box::new(answer.clone())), guard),
        // What somebody says must not come in behind the removal of all that they have said.
        Write::ExpectContact(Box::new((account_id, contact_id))),
    ];
    Ok(Decision { writes, answer: (answer, outcome) })
}

fn first_answer(
    document: &AnswerDocument,
    survey: &Survey,
    asked: &Asked,
    context: &Context<'_>,
) -> Result<Answer, Rejection> {
    let account = asked.account.as_ref().ok_or(Rejection::UnknownAccount)?;
    if asked.contact_known != Some(true) {
        return Err(Rejection::UnknownContact);
    }
    // What time alone has made of its tier counts, whether or not anything has written it down.
    let (account, _) = advance::advance(context.schedule, account, context.now)?;
    Ok(Answer {
        survey_id: survey.survey_id.clone(),
        respondent: document.respondent.clone(),
        said: document.said.clone(),
        tier: account.tier,
        segments: account.segments,
        answered_at: context.now,
        changed_at: context.now,
        version: 1,
    })
}
