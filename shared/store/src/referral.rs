//! Referral codes, their redemptions, and those that somebody is to look at.

use crate::corrupt::corrupt;
use crate::keys::{self, Item};
use crate::page::Listed;
use crate::read::Consistency;
use crate::{Fault, Store, item};
use domain::account::Account;
use domain::code::Code;
use domain::id::{AccountId, ContactId};
use domain::referral::{CodeHolder, Redemption, RedemptionId, RedemptionKey, ReferralCode, WaitingReview};
use domain::score::ScoredOrder;
use serde::de::DeserializeOwned;

/// Referral codes of one account that are listed at most: one for each of its people.
const CODES_LISTED_MAX: i32 = 100;

/// Redemptions of a code, a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedemptionsPage {
    /// The redemptions, in the order of their ids.
    pub redemptions: Vec<Redemption>,
    /// After which one to go on; `None` at the end.
    pub next: Option<RedemptionId>,
}

/// Redemptions that somebody is to look at, a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewsPage {
    /// The redemptions, the oldest first.
    pub reviews: Vec<WaitingReview>,
    /// After which place to go on; `None` at the end.
    pub next: Option<String>,
}

impl Store {
    /// A referral code. 0.5 read units, or 1 strong.
    pub async fn referral_code(&self, code: &Code, consistency: Consistency) -> Result<Option<ReferralCode>, Fault> {
        self.code_record(keys::referral_code(code), consistency).await
    }

    /// A redemption. 0.5 read units per started KB, or 1 strong.
    pub async fn redemption(&self, key: &RedemptionKey, consistency: Consistency) -> Result<Option<Redemption>, Fault> {
        self.code_record(keys::redemption(key), consistency).await
    }

    /// The redemption that an order of an account had qualified, read strongly; `None`: it had qualified none, and
    /// nothing is read.
    pub async fn redemption_of(&self, account: &Account, scored: &ScoredOrder) -> Result<Option<Redemption>, Fault> {
        match &account.referral {
            Some(referral) if scored.qualified_referral() => self.redemption(&referral.key, Consistency::Strong).await,
            _ => Ok(None),
        }
    }

    async fn code_record<T: DeserializeOwned>(&self, key: Item, consistency: Consistency) -> Result<Option<T>, Fault> {
        let Some(found) = self.get(&self.tables.codes, key.clone(), consistency).await? else { return Ok(None) };
        item::plain(found).map(Some).map_err(|what| corrupt("codes", &key, what))
    }

    /// Which referral code an account, or a person of it, has.
    pub async fn code_holder(
        &self,
        id: &AccountId,
        contact: Option<&ContactId>,
        consistency: Consistency,
    ) -> Result<Option<CodeHolder>, Fault> {
        self.ledger_record(keys::code_holder(id, contact), consistency).await
    }

    /// The referral codes of an account and its people, read strongly.
    pub async fn code_holders(&self, id: &AccountId) -> Result<Vec<CodeHolder>, Fault> {
        let (names, values) = keys::code_holders_of(id);
        let query = self.client.query().table_name(&self.tables.ledger).key_condition_expression(names);
        let query = query.set_expression_attribute_values(Some(values)).limit(CODES_LISTED_MAX).consistent_read(true);
        let found = query.send().await.map_err(Fault::service)?;
        let read = |record: Item| item::plain(record).map_err(|what| corrupt("ledger", &keys::account(id), what));
        found.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// Redemptions of a code after one of them, at most `limit`, read strongly.
    pub async fn redemptions(
        &self,
        code: &Code,
        after: Option<RedemptionId>,
        limit: u16,
    ) -> Result<RedemptionsPage, Fault> {
        let after = after.map(|redemption_id| keys::redemption(&RedemptionKey { code: code.clone(), redemption_id }));
        let (redemptions, more): (Vec<Redemption>, _) =
            self.page(Listed::Codes, keys::redemptions_of(code), after, limit).await?;
        let next = redemptions.last().filter(|_| more).map(|last| last.key.redemption_id);
        Ok(RedemptionsPage { redemptions, next })
    }

    /// Redemptions that somebody is to look at after a place among them, at most `limit`, read strongly.
    pub async fn waiting_reviews(&self, after: Option<&str>, limit: u16) -> Result<ReviewsPage, Fault> {
        let after = after.map(keys::waiting_review);
        let (reviews, more): (Vec<WaitingReview>, _) =
            self.page(Listed::Codes, keys::waiting_reviews(), after, limit).await?;
        let next = reviews.last().filter(|_| more).map(WaitingReview::place);
        Ok(ReviewsPage { reviews, next })
    }
}
