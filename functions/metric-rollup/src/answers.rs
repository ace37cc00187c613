//! The answers to surveys, counted for a night.

use crate::part::{ANSWERS, FINISHED};
use crate::{bytes_of, too_large};
use analytics::night::kept::{self, Unreadable};
use analytics::night::{FlawedAnswer, Opinions};
use analytics::rollup::Night;
use domain::id::SurveyId;
use runtime::{App, Fault};
use store::{Kept, Score, Stamp};

/// Answers that are read at once.
const PAGE: u16 = 500;

/// The answers to surveys, as they stood when the run was reduced first.
pub(crate) async fn opinions(app: &App, night: &Night, revision: u32) -> Result<Opinions, Fault> {
    let (store, day) = (app.store(), night.day());
    let key = Kept::Part { day, revision, segment: ANSWERS };
    // One of another format was kept by another version of this function: they are counted anew.
    let kept = store.kept_as(key, |bytes| Ok::<_, Unreadable>(kept::read::<Opinions>(bytes).ok())).await?;
    if let Some(kept) = kept.flatten() {
        return Ok(kept);
    }
    let counted = count(app, night).await?;
    store.keep_part(key, Stamp { night: day, revision, progress: FINISHED }, &bytes_of(&counted)?).await?;
    Ok(counted)
}

/// The answers to all surveys, each by the tier and the segments that its account had when it was given. Those that
/// cannot be read are set aside, and named.
async fn count(app: &App, night: &Night) -> Result<Opinions, Fault> {
    let (store, mut opinions) = (app.store(), Opinions::default());
    for survey in store.survey_ids().await? {
        let survey = match survey {
            Ok(survey) => survey,
            Err(survey_id) => {
                let what = "is no id of a survey".to_owned();
                opinions.flaw(FlawedAnswer { survey_id, respondent: String::new(), what }).map_err(too_large)?;
                continue;
            }
        };
        let mut after = None;
        loop {
            let page = store.scores_page(&survey, after.as_deref(), PAGE).await?;
            for score in page.scores {
                record(&mut opinions, night, &survey, score)?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(opinions)
}

fn record(
    opinions: &mut Opinions,
    night: &Night,
    survey: &SurveyId,
    score: Result<Score, (String, String)>,
) -> Result<(), Fault> {
    match score {
        Ok(Score { score, tier, segments, answered_at }) => {
            let day = night.program().calendar.day(answered_at);
            let segments = segments.iter().map(|segment| segment.as_str());
            let counted = opinions.record(night, day, tier.as_str(), segments, score.as_u8());
            counted.map_err(|error| Fault::Incomplete(error.to_string()))
        }
        Err((respondent, what)) => {
            let flaw = FlawedAnswer { survey_id: survey.to_string(), respondent, what };
            opinions.flaw(flaw).map_err(too_large)
        }
    }
}
