//! What a code that an order names turns out to be: a discount of the account itself, or a code that many accounts share.
//!
//! Whether it can be used is looked at where the order is decided. What the goods come to is not: they are stated at what
//! was paid for them, so what they came to before is the quote's to know, and what an order says counts.

use crate::account::Account;
use crate::code::Code;
use crate::decision::{Context, Guard, Record, Write};
use crate::discount::{Discount, TakesOff, Unusable};
use crate::id::{AccountId, OrderKey};
use crate::ledger::{Change, DiscountChange};
use crate::shared_code::SharedFound;
use crate::time::Instant;

/// What a code that an order names turns out to be, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedCode {
    /// A discount of the account.
    Own(Box<Discount>),
    /// A code that many accounts share.
    Shared(Box<SharedFound>),
}

impl From<Discount> for NamedCode {
    fn from(discount: Discount) -> Self {
        Self::Own(Box::new(discount))
    }
}

impl From<SharedFound> for NamedCode {
    fn from(shared: SharedFound) -> Self {
        Self::Shared(Box::new(shared))
    }
}

impl NamedCode {
    /// Discounts of an account, as its orders may name them.
    pub fn of_own<'a>(discounts: impl IntoIterator<Item = &'a Discount>) -> Vec<Self> {
        discounts.into_iter().cloned().map(Self::from).collect()
    }

    /// Its text.
    pub fn code(&self) -> &Code {
        match self {
            Self::Own(discount) => &discount.code,
            Self::Shared(shared) => &shared.code.code,
        }
    }

    /// The account's discount that it is.
    pub(crate) fn own(&self) -> Option<&Discount> {
        match self {
            Self::Own(discount) => Some(discount),
            Self::Shared(_) => None,
        }
    }

    /// Which of these a code is: the account's own goes before one that many share.
    pub(crate) fn find<'a>(found: &'a [Self], code: &Code) -> Option<&'a Self> {
        let of_code = || found.iter().filter(|named| named.code() == code);
        of_code().find(|named| named.own().is_some()).or_else(|| of_code().next())
    }

    /// What it takes off.
    pub(crate) fn takes_off(&self) -> TakesOff {
        match self {
            Self::Own(discount) => discount.terms().takes_off,
            Self::Shared(shared) => shared.code.terms().takes_off,
        }
    }

    /// Whether an order of the account can use it now.
    pub(crate) fn check(&self, account: &Account, context: &Context<'_>) -> Result<(), Unusable> {
        match self {
            Self::Own(discount) => {
                discount.check(context.now)?;
                if account.holder(&discount.code).is_some() { Err(Unusable::Held) } else { Ok(()) }
            }
            Self::Shared(shared) => shared.check(account, &context.schedule.at(context.now).program, context.now),
        }
    }

    /// Uses it for an order. Answers what it is afterwards, and the writes of that.
    pub(crate) fn use_for(
        &self,
        account: &mut Account,
        order: &OrderKey,
        changes: &mut Vec<Change>,
    ) -> Result<(Self, Vec<Write>), Unusable> {
        match self {
            Self::Own(held) => {
                let (used, change) = account.use_discount(held, order);
                changes.push(change);
                let write = Write::Put(Record::Discount(Box::new(used.clone())), Guard::Version(held.version));
                Ok((used.into(), vec![write]))
            }
            Self::Shared(shared) => {
                let writes = shared.code.use_once(shared.uses.as_ref(), shared.limit.as_ref(), &account.id)?;
                changes.push(account.use_shared(self.code()));
                Ok((self.clone(), writes))
            }
        }
    }

    /// Whether an order uses it that has named it and has not given it back. A shared code notes no orders.
    pub(crate) fn is_used_by(&self, order: &OrderKey) -> bool {
        self.own().is_none_or(|discount| discount.used_by.as_ref() == Some(order))
    }

    /// Takes it off an order that does not use it any more. Answers whether it is valid still.
    ///
    /// An own one is the customer's: it is open even beyond the bound of what rules may open, for what is left of its time.
    pub(crate) fn release(&self, account: &mut Account, now: Instant, changes: &mut Vec<Change>) -> bool {
        let (code, shared) = (self.code().clone(), self.own().is_none());
        account.lifetime.discounts_used = account.lifetime.discounts_used.saturating_sub(1);
        changes.push(Change::Discount(DiscountChange::Released { code: code.clone(), shared }));
        match self {
            Self::Own(discount) => {
                let unused = discount.unused();
                let is_open = unused.check(now).is_ok();
                if is_open {
                    account.list_discount(&unused);
                }
                if unused.void {
                    // What it came with was undone while it was in use.
                    account.lifetime.discounts_issued = account.lifetime.discounts_issued.saturating_sub(1);
                    changes.push(Change::Discount(DiscountChange::Voided { code }));
                }
                is_open
            }
            Self::Shared(shared) => !shared.code.is_over(now),
        }
    }

    /// The writes of that.
    pub(crate) fn released(&self, by: &AccountId) -> Vec<Write> {
        match self {
            Self::Own(held) => {
                vec![Write::Put(Record::Discount(Box::new(held.unused())), Guard::Version(held.version))]
            }
            Self::Shared(shared) => shared.code.give_back_once(shared.uses.as_ref(), shared.limit.as_ref(), by),
        }
    }
}
