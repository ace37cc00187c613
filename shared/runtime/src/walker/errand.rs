//! What a walk does on another account, because of something that happened on the one it came by: a referrer is
//! rewarded, or the reward is taken back. A transaction of its own, once however often it is tried.

use crate::app::App;
use crate::caller::Caller;
use crate::error::Error;
use crate::transact::Command;
use domain::decision::{Context, Decision, Rejection};
use domain::referral::{self, Errand, ErrandTask, Grounds, Settled};
use domain::time::Instant;
use store::{Consistency, Store};

/// Carries an errand out; what it came to.
pub(super) async fn carry_out(app: &App, caller: &Caller, errand: &Errand) -> Result<Settled, Error> {
    let settled = app.transact(caller, &CarryOut(errand)).await?;
    let (redemption, outcome) = (&errand.key.redemption_id, settled.name());
    tracing::info!(redemption.id = %redemption, outcome, "carried out what redemption {redemption} brings: {outcome}");
    Ok(settled)
}

struct CarryOut<'a>(&'a Errand);

impl Command for CarryOut<'_> {
    type State = Grounds;
    type Answer = Settled;

    /// All of it strongly: what is not written is protected by no guard of its own, and of a referrer who has left
    /// nothing is. One whom a read that lags behind does not show would be taken for one.
    async fn load(&self, store: &Store, _: Consistency) -> Result<Grounds, store::Fault> {
        let redemption = store.redemption(&self.0.key, Consistency::Strong).await?;
        let Some(found) = &redemption else { return Ok(Grounds::default()) };
        let referrer = store.account(&found.referrer, Consistency::Strong).await?;
        let given = found.rewarded.as_ref().and_then(|rewarded| rewarded.given.discount.as_ref());
        let discount = match given.filter(|_| self.0.task == ErrandTask::TakeBack) {
            Some(given) => {
                let codes = [given.code.clone()];
                store.discounts(&found.referrer, &codes, Consistency::Strong).await?.into_iter().flatten().next()
            }
            None => None,
        };
        Ok(Grounds { redemption, referrer, discount })
    }

    fn last_decided(state: &Grounds) -> Option<Instant> {
        state.referrer.as_ref().map(|account| account.last_decided)
    }

    fn decide(&self, state: &Grounds, context: &Context<'_>) -> Result<Decision<Settled>, Rejection> {
        referral::carry_out(self.0.task, state, context)
    }
}
