//! The documents about surveys, read.

use super::answer::{AnswerDocument, InvalidRating, Rating, Respondent, Said, TAGS_MAX};
use super::{Status, SurveyDocument};
use crate::document::{self, Faults, Leaf, Object, Path, is_printable};
use crate::id::{AccountId, ContactId};
use crate::schema::{self, Schema};
use serde_json::Value;
use std::collections::BTreeSet;

const NAME_CHARS_MAX: usize = 200;
const QUESTION_CHARS_MAX: usize = 500;
const COMMENT_CHARS_MAX: usize = 2_000;
const TAG_CHARS_MAX: usize = 64;

/// Reads the body of `PUT /v1/surveys/{survey_id}`; every fault at once.
pub fn survey_document(value: &Value) -> Result<SurveyDocument, Faults> {
    let mut faults = Faults::default();
    let document = read_survey(value, &mut faults);
    faults.into_result(document)
}

fn read_survey(value: &Value, faults: &mut Faults) -> Option<SurveyDocument> {
    let root = Object::open(value, &Path::Root, &["name", "question", "status", "closes_at"], faults)?;
    let name = root.required("name", faults, document::label(NAME_CHARS_MAX));
    let question = root.optional("question", faults, document::label(QUESTION_CHARS_MAX));
    let status = root.optional("status", faults, document::one_of(&Status::ALL));
    let closes_at = root.optional("closes_at", faults, document::instant);
    Some(SurveyDocument { name: name?, question, status, closes_at })
}

/// Reads the body of `POST /v1/surveys/{survey_id}/answers`; every fault at once.
pub fn answer_document(value: &Value) -> Result<AnswerDocument, Faults> {
    let mut faults = Faults::default();
    let document = read_answer(value, &mut faults);
    faults.into_result(document)
}

fn read_answer(value: &Value, faults: &mut Faults) -> Option<AnswerDocument> {
    let root = Object::open(value, &Path::Root, &["account_id", "contact_id", "score", "comment", "tags"], faults)?;
    let account_id = root.required("account_id", faults, document::id(AccountId::parse));
    let contact_id = root.required("contact_id", faults, document::id(ContactId::parse));
    let score = root.required("score", faults, rating);
    let comment = root.optional("comment", faults, comment);
    let tags = root.list_of("tags", 0..=TAGS_MAX, faults, document::label(TAG_CHARS_MAX));
    let tags: BTreeSet<_> = tags.unwrap_or_default().into_iter().collect();
    let respondent = Respondent { account_id: account_id?, contact_id: contact_id? };
    Some(AnswerDocument { respondent, said: Said { score: score?, comment, tags: tags.into_iter().collect() } })
}

fn rating(value: &Value) -> Leaf<Rating> {
    let most = Rating::MAX.as_u8();
    let number = document::whole(0..=u64::from(most))(value)?;
    let rating = u8::try_from(number).map_err(|_| InvalidRating).and_then(Rating::try_from);
    rating.map_err(|fault| ("out_of_range", fault.to_string()))
}

/// What somebody typed: printable characters, line breaks and tabs. A line ends with a line feed, however it came.
fn comment(value: &Value) -> Leaf<String> {
    let text = document::string(value)?.replace("\r\n", "\n");
    let text = text.trim();
    let count = text.chars().count();
    if count == 0 || count > COMMENT_CHARS_MAX || !text.chars().all(is_typed) {
        let message = format!("must be 1 to {COMMENT_CHARS_MAX} printable characters, line breaks and tabs");
        return Err(("invalid_text", message));
    }
    Ok(text.to_owned())
}

/// Whether a character may stand in a comment: besides what shows, what some scripts and emoji are joined with.
fn is_typed(c: char) -> bool {
    is_printable(c) || matches!(c, '\n' | '\t' | '\u{200c}' | '\u{200d}')
}

/// What [`survey_document`] reads.
pub(crate) fn survey_schema() -> Schema {
    schema::object("Survey")
        .required("name", schema::label(NAME_CHARS_MAX), "What the merchant calls it.")
        .optional("question", schema::label(QUESTION_CHARS_MAX), "What is asked.")
        .optional("status", schema::one_of(&Status::ALL), "Whether it takes answers; left out: open.")
        .optional("closes_at", schema::instant(), "The first instant at which it takes none any more.")
}

/// What [`answer_document`] reads.
pub(crate) fn answer_schema() -> Schema {
    let comment = schema::string().with("minLength", 1).with("maxLength", COMMENT_CHARS_MAX);
    let tags = schema::list(0..=TAGS_MAX, schema::label(TAG_CHARS_MAX));
    schema::object("SurveyAnswer")
        .required("account_id", schema::id(AccountId::parse), "The account of whoever answers.")
        .required("contact_id", schema::id(ContactId::parse), "Who answers.")
        .required("score", schema::whole(0..=u64::from(Rating::MAX.as_u8())), "How likely a recommendation is.")
        .optional("comment", comment, "What the person says: printable characters, line breaks and tabs.")
        .optional("tags", tags, "What it is about, in the merchant's words.")
}
