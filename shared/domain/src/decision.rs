//! What a decision is: guarded writes and an answer, or a rejection. Data, executed elsewhere.

use crate::account::{Account, Status};
use crate::code::{Code, Secrets};
use crate::credit_note::CreditNote;
use crate::discount::{Discount, Unusable};
use crate::document::Faults;
use crate::due::Due;
use crate::erasure::{self, Erasure};
use crate::id::{AccountId, ContactId, ProgramName};
use crate::idempotency::CommandRecord;
use crate::ledger::{Cause, Change, Entry};
use crate::limit::ShardWrite;
use crate::membership::{Claim, ClaimKey, Contact, Invitation, MemberState, Profile, Uninvited, UniqueField};
use crate::money::{Currency, Overflow, Points};
use crate::parked::ParkedOrder;
use crate::perks::{Loss, PerkUses, Uses};
use crate::referral::{CodeHolder, Qualified, Redemption, RedemptionKey, ReferralCode, WaitingReview};
use crate::reservation::Reservation;
use crate::rewards::{RewardRedemption, RewardUses, Unavailable};
use crate::schedule::Schedule;
use crate::score::ScoredOrder;
use crate::shared_code::{SharedCode, SharedUses};
use crate::survey::{self, Survey};
use crate::time::{Day, Instant};
use crate::uses::PointsUnusable;
use crate::version::{KeyUse, Timeline, Version};
use std::sync::Arc;

/// What a write needs to find in its place. There is no write without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    Absent,
    /// The item at exactly this version.
    Version(u64),
}

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The hot state of an account.
    Account(Box<Account>),
    /// A ledger entry.
    Entry(Box<Entry>),
    /// An order and its score.
    Order(Arc<ScoredOrder>),
    /// What waits for an order that is not known yet.
    Parked(Box<ParkedOrder>),
    /// A credit note that names no order.
    CreditNote(Box<CreditNote>),
    /// A command that has no business key of its own, and its answer.
    Command(Box<CommandRecord>),
    /// A discount of an account.
    Discount(Box<Discount>),
    /// A reservation of what a cart is to use.
    Reservation(Box<Reservation>),
    /// An account's own data.
    Profile(Box<Profile>),
    /// A person of an account.
    Contact(Box<Contact>),
    /// How far the erasure of a company's personal data has come.
    Erasure(Box<Erasure>),
    /// How often an account has used its perks.
    PerkUses(Box<PerkUses>),
    /// An invitation.
    Invitation(Box<Invitation>),
    /// A discount code for many accounts.
    SharedCode(Box<SharedCode>),
    /// How often an account has used one.
    SharedUses(Box<SharedUses>),
    /// What an account got for its points.
    RewardRedemption(Box<RewardRedemption>),
    /// How often an account had the rewards that are limited.
    RewardUses(Box<RewardUses>),
    /// A claim that a VAT id or an e-mail address is an account's alone.
    Claim(Box<Claim>),
    /// A referral code.
    ReferralCode(Box<ReferralCode>),
    /// Which referral code an account or a person of it has.
    CodeHolder(Box<CodeHolder>),
    /// A redemption of a referral code.
    Redemption(Box<Redemption>),
    /// That somebody is to look at a redemption.
    WaitingReview(Box<WaitingReview>),
    /// A question that contacts are asked.
    Survey(Box<Survey>),
    /// What a contact answered.
    SurveyAnswer(Box<survey::Answer>),
    /// A version of the program, in force or not.
    Version(ProgramName, Box<Version>),
    /// The copy of a version that is read with the schedule, which names it.
    ActiveVersion(ProgramName, Box<Version>),
    /// The schedule of the program.
    Timeline(ProgramName, Box<Timeline>),
    /// What the key of a request for a new version was used for.
    VersionKey(ProgramName, Box<KeyUse>),
}

/// One guarded write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Puts a record in its place.
    Put(Record, Guard),
    /// Gives a claim up.
    Release(ClaimKey, Guard),
    /// Writes nothing, but holds everything else up unless the claim is free.
    Expect(ClaimKey),
    /// Notes on the record of a redemption, at exactly this version, the order that qualifies it.
    Qualify(RedemptionKey, Box<Qualified>, u64),
    /// Takes a redemption off the list of those that somebody is to look at, by its place there; it must be on it.
    Forget(String),
    /// Removes what was stored of people, at exactly this version.
    Remove(Box<Personal>, u64),
    /// Writes nothing, but holds everything else up unless the account has the contact.
    ExpectContact(Box<(AccountId, ContactId)>),
    /// Changes a shard of a limit over all accounts.
    Shard(Box<ShardWrite>),
}

/// What is stored of people and nothing else: it can be removed as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Personal {
    /// An account's own data.
    Profile(AccountId),
    /// A person of an account.
    Contact(AccountId, ContactId),
}

/// What is to be written, all or nothing, and what the caller is told then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<T> {
    /// Nothing to write: the answer stands as it is.
    pub writes: Vec<Write>,
    /// The answer.
    pub answer: T,
}

/// What every decision is given besides state and command.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The program's versions.
    pub schedule: &'a Schedule,
    /// What codes and claims are made with.
    pub secrets: &'a Secrets,
    /// Who asks.
    pub by: &'a str,
    /// The instant decided at, never before the account's last one.
    pub now: Instant,
    /// The day by the wall clock, for filing what falls due. No part of what is replayed.
    pub wall_day: Day,
    /// How many codes of this command turned out to be taken.
    pub collisions: u32,
}

/// A business answer: why a command cannot be done. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The document has faults.
    Invalid(Faults),
    /// The account does not exist.
    UnknownAccount,
    /// The order's account does not exist, and the program does not enrol by order.
    NotEnrolled,
    /// The account has no such contact.
    UnknownContact,
    /// No order of that source and id.
    UnknownOrder,
    /// The account has no credit note of that number.
    UnknownReturn,
    /// The account is suspended, closed or pending.
    AccountNotActive(Status),
    /// The account waits for approval: only its review changes its status.
    UnderReview,
    /// The program in force lets everybody in, or whoever pays: nobody is let in or turned away.
    NobodyIsAdmitted,
    /// The program in force asks for no fee.
    NoMembershipFee,
    /// The fee was paid later than now.
    FeePaidInFuture,
    /// More was paid for than ten years from now.
    PaidTooFarAhead,
    /// The account is no member.
    NotAMember(MemberState),
    /// No invitation of that code.
    UnknownInvitation,
    /// No shared code of that text.
    UnknownSharedCode,
    /// Nobody is enrolled with what is stated for an invitation.
    Uninvited(Uninvited),
    /// The order's currency is not the program's.
    ForeignCurrency {
        /// The program's.
        expected: Currency,
    },
    /// The order was placed more than a day from now.
    PlacedInFuture,
    /// A code that the order names cannot be used.
    DiscountUnusable {
        /// Its place in `discount_codes`; `None`: it is of the reservation.
        index: Option<usize>,
        /// The code as named.
        code: Code,
        /// Why not.
        reason: Unusable,
    },
    /// The same identity with other content.
    ContentDiffers {
        /// Where.
        paths: Vec<String>,
    },
    /// The VAT id or e-mail address belongs to somebody else.
    Taken(UniqueField),
    /// The `Idempotency-Key` was used for another command.
    KeyReused,
    /// Points would end before they are given.
    ExpiresInPast,
    /// The account has too few points, and the program lets it owe none.
    NotEnoughPoints {
        /// How many are missing.
        missing: Points,
    },
    /// Points cannot pay a part of the order.
    PointsUnusable(PointsUnusable),
    /// The account has no reservation of that id.
    UnknownReservation,
    /// The reservation holds nothing any more.
    ReservationEnded,
    /// The cart would use none of the account's discounts or points.
    NothingToReserve,
    /// The account has as many reservations as it can.
    TooManyReservations {
        /// When the first of them ends.
        until: Instant,
    },
    /// The account has orders or points already, so no balance can be opened for it.
    HasHistory,
    /// The order has as many returns as it can hold.
    TooManyReturns,
    /// The return or cancellation is dated before its order.
    ReturnedBeforeOrder {
        /// The field that says so.
        field: &'static str,
    },
    /// The return or cancellation is dated more than a day from now.
    ReturnedInFuture {
        /// The field that says so.
        field: &'static str,
    },
    /// The payment is dated more than a day from now.
    PaidInFuture,
    /// The order is larger than one stored item holds.
    OrderTooLarge,
    /// The program has no such perk.
    UnknownPerk,
    /// The account does not have the perk: its tier or its groups do not, or it is not yet a member for long enough.
    PerkNotHeld,
    /// The account has lost the perk for now.
    PerkLost(Loss),
    /// The perk may be used as often as anybody likes: there is nothing to write down.
    PerkNotCounted,
    /// The perk was used as often as it may be.
    PerkUsedUp {
        /// How often, and when there are more.
        uses: Uses,
    },
    /// The program has no such reward.
    UnknownReward,
    /// The account cannot have the reward now.
    RewardUnavailable(Unavailable),
    /// The account has no such redemption of a reward.
    UnknownRewardRedemption,
    /// What was redeemed was used, or is over, so that it cannot be taken back.
    RedemptionUsed,
    /// No referral code of that text.
    UnknownCode,
    /// The code cannot be redeemed for now.
    CodePaused,
    /// The code's time is over.
    CodeExpired,
    /// The code was redeemed as often as it may be.
    CodeExhausted,
    /// Whoever redeems is known already: nothing tells how, or to whom.
    NotNew,
    /// The account has stated no VAT id or no e-mail address, and cannot refer others before.
    IdentityMissing,
    /// The program has no referrals.
    NoReferrals,
    /// The code has no such redemption.
    UnknownRedemption,
    /// Nobody has to look at the redemption.
    NothingToReview,
    /// Somebody looked at the redemption and decided otherwise.
    ReviewedOtherwise,
    /// No survey of that id.
    UnknownSurvey,
    /// The survey takes no answer any more.
    SurveyClosed,
    /// An open survey would be over already.
    ClosesInPast,
    /// No version of that number.
    UnknownVersion,
    /// A running instance may not know of the version by then.
    TooEarly {
        /// The earliest instant at which all are sure to.
        earliest: Instant,
    },
    /// A version takes away what accounts hold under the one in force before it.
    CannotFollow {
        /// The one before.
        before: u32,
        /// The one that cannot follow it.
        after: u32,
        /// What is wrong with its document.
        faults: Faults,
    },
    /// The schedule holds as many activations as it can.
    TooManyActivations,
    /// No simulation of that id.
    UnknownSimulation,
    /// What is to be changed is not what the caller wants it to be.
    PreconditionFailed {
        /// The version that is there; `None`: nothing is.
        present: Option<u64>,
    },
    /// A sum does not fit.
    Overflow,
}

impl From<Overflow> for Rejection {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

impl From<Faults> for Rejection {
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults)
    }
}

/// The two writes that every commit to an account makes: its state, one version on, and the entry that says why.
pub fn commit(
    account: Account,
    cause: Cause,
    changes: Vec<Change>,
    program_version: u32,
    context: &Context<'_>,
) -> Result<[Write; 2], Overflow> {
    commit_at(context.now, account, cause, changes, program_version, context)
}

/// The same for what was true already at an instant before now: the account is decided up to there, and no further.
pub(crate) fn commit_at(
    at: Instant,
    mut account: Account,
    cause: Cause,
    mut changes: Vec<Change>,
    program_version: u32,
    context: &Context<'_>,
) -> Result<[Write; 2], Overflow> {
    if account.status == Status::Erased {
        changes.extend(erasure::write_off(&mut account)?);
    }
    let guard = if account.version == 0 { Guard::Absent } else { Guard::Version(account.version) };
    account.version = account.version.checked_add(1).ok_or(Overflow)?;
    account.last_decided = at;
    let next = account.next_change(context.schedule, context.now)?;
    account.due = Due::file(account.due, next, context.wall_day);
    let points = changes.iter().try_fold(Points::ZERO, |sum, change| sum.plus(change.points()?))?;
    let entry = Entry {
        account_id: account.id.clone(),
        sequence: account.version,
        at,
        cause,
        by: context.by.to_owned(),
        program_version,
        points,
        balance: account.holdings.balance()?,
        pending: account.holdings.pending_balance()?,
        changes,
    };
    let entry = Write::Put(Record::Entry(Box::new(entry)), Guard::Absent);
    Ok([Write::Put(Record::Account(Box::new(account)), guard), entry])
}
