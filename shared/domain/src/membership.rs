//! Enrolling accounts and contacts, and changing what is known of them.

mod address;
pub(crate) mod admission;
#[cfg(test)]
pub(crate) mod club;
mod country;
mod email;
mod identity;
pub(crate) mod invitation;
pub(crate) mod payment;
mod phone;
pub(crate) mod read;
pub mod rekey;
mod rules;
mod state;
mod vat_id;

use crate::account::{Account, Status};
use crate::advance;
use crate::code::{Code, KeyedHash, Secrets};
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::id::{AccountId, ContactId, Segment};
use crate::ledger::{AccountChange, Cause, Change};
use crate::occasions;
use crate::time::Day;
use serde::{Deserialize, Serialize};

pub use address::{Address, Stated};
pub use admission::{MembershipDocument, decide_membership, membership_document};
pub use country::{Country, InvalidCountry};
pub use email::Email;
pub use identity::Identity;
use invitation::Invited;
pub use invitation::{
    Invitation, InvitationDocument, Uninvited, invitation_document, issue_invitation, revoke_invitation,
};
pub use payment::{PaymentDocument, PaymentReceipt, pay, payment_document};
pub use phone::{InvalidPhone, Phone};
pub use read::{contact_document, profile_document};
pub use rules::{Fee, MembershipRules};
pub(crate) use state::why_not;
pub use state::{Admission, Exclusion, MemberState, Membership, MembershipStanding, PaidPeriod};
pub use vat_id::{InvalidVatId, VatId};

/// What a merchant states about an account: `PUT /v1/accounts/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileDocument {
    /// The company's name, 1 to 200 characters.
    pub name: String,
    /// Who it is.
    pub identity: Identity,
    /// The groups it belongs to, sorted and distinct.
    pub segments: Vec<Segment>,
    /// Its status; absent: unchanged.
    pub status: Option<Status>,
    /// The invitation that it enrols with.
    pub invitation: Option<Code>,
}

/// What is stored about an account besides its hot state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Whose it is.
    pub account_id: AccountId,
    /// The company's name.
    pub name: String,
    /// Its e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Its VAT id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<VatId>,
    /// What is kept of its phone number, see [`Phone`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<KeyedHash>,
    /// What is kept of its postal address, see [`Address`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<KeyedHash>,
    /// The claims it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimKey>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// A person of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Whose person.
    pub account_id: AccountId,
    /// The person's id.
    pub contact_id: ContactId,
    /// What the merchant states about the person.
    #[serde(flatten)]
    pub document: ContactDocument,
    /// The year of the person's latest birthday that is over: it brought something, or was entered after its day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub celebrated: Option<i32>,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// What a merchant states about a person: `PUT /v1/accounts/{id}/contacts/{contact_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ContactDocument {
    /// The person's name.
    pub name: String,
    /// The person's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// What the person does for the account.
    pub role: Role,
    /// The language to write in, such as `en-GB`.
    pub locale: String,
    /// The birthday, as `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
}

/// What a person does for the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Orders.
    Buyer,
    /// Approves orders.
    Approver,
    /// Both, and manages the people.
    Admin,
}

impl Role {
    /// Every role by its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("buyer", Self::Buyer), ("approver", Self::Approver), ("admin", Self::Admin)];
}

/// What must be one account's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UniqueField {
    /// The VAT id.
    VatId,
    /// The e-mail address.
    Email,
}

impl UniqueField {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::VatId => "vat_id",
            Self::Email => "email",
        }
    }
}

/// The key of a claim: what is claimed, as a keyed hash, so that nobody can read it from the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimKey {
    /// What kind of value.
    pub field: UniqueField,
    /// Its keyed hash.
    #[serde(flatten)]
    pub keyed: KeyedHash,
}

/// A claim that a value is an account's alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed.
    pub key: ClaimKey,
    /// By whom.
    pub account_id: AccountId,
}

/// Version of every claim: it is taken and given up, never changed. So it says nothing of the form that was hashed:
/// a claim on the former form of a value stands as it was made, like one under an older secret.
pub const CLAIM_VERSION: u64 = 1;

/// What is known of an account before a `PUT`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// Its hot state.
    pub account: Option<Account>,
    /// Its own data.
    pub profile: Option<Profile>,
    /// The invitation that is named, if there is such a one.
    pub invitation: Option<Invitation>,
}

/// Whether a `PUT` made something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It did.
    Created,
    /// It changed something, or nothing.
    Stored,
}

/// Enrols an account or changes its data. The same data again writes nothing.
///
/// Fails with [`Rejection::UnderReview`] where a status is stated for an account that waits for approval: only its
/// review lets it in or turns it away.
pub fn put_account(
    id: &AccountId,
    before: &Member,
    document: &ProfileDocument,
    by: StatedBy,
    context: &Context<'_>,
) -> Result<Decision<Put>, Rejection> {
    if before.account.as_ref().is_some_and(|account| account.status == Status::Erased) {
        return Err(Rejection::AccountNotActive(Status::Erased));
    }
    let pending = before.account.as_ref().is_some_and(|account| account.status == Status::Pending);
    if pending && document.status.is_some() {
        return Err(Rejection::UnderReview);
    }
    let activation = context.schedule.at(context.now);
    let (mut account, mut changes) = match &before.account {
        Some(account) => advance::advance(context.schedule, account, context.now)?,
        None => {
            let (account, enrolled) = Account::enrol(id.clone(), &activation.program, context.now);
            (account, vec![enrolled])
        }
    };
    let was_member = account.member_state(&activation.program, context.now).is_member();
    let Invited { write: invitation, change: admitted, segments } =
        invitation::invite(&mut account, before, document, &activation.program, context.now)?;
    let lets_in = admitted.is_some();
    changes.extend(admitted);
    if before.account.is_none() && !lets_in {
        changes.extend(admission::apply(&mut account, &activation.program, context.now));
    }
    let mut stated = Vec::new();
    let (profile, mut writes) =
        profile_after(id, before.profile.as_ref(), document, Claims::of(&account, by), context)?;
    if before.profile.as_ref() != Some(&profile) {
        stated = changed_fields(before.profile.as_ref(), &profile);
        let guard = before.profile.as_ref().map_or(Guard::Absent, |old| Guard::Version(old.version));
        writes.push(Write::Put(Record::Profile(Box::new(profile)), guard));
    }
    writes.extend(invitation);
    if account.segments != segments {
        account.segments = segments;
        stated.push("segments".to_owned());
    }
    let status = document.status.filter(|status| *status != account.status);
    let answer = if before.account.is_some() { Put::Stored } else { Put::Created };
    if before.account.is_some() && stated.is_empty() && status.is_none() && !lets_in {
        return Ok(Decision { writes: Vec::new(), answer });
    }
    if !stated.is_empty() {
        changes.push(Change::Account(AccountChange::Changed { fields: stated }));
    }
    if let Some(to) = status {
        let from = std::mem::replace(&mut account.status, to);
        changes.push(Change::Account(AccountChange::StatusChanged { from, to }));
    }
    if answer == Put::Created || (lets_in && !was_member) {
        let tier = account.tier.clone();
        let welcome = occasions::welcome(&mut account, &tier, &activation.program, context)?;
        changes.extend(welcome.changes);
        writes.extend(welcome.writes);
    }
    writes.extend(decision::commit(account, Cause::AccountPut, changes, activation.version, context)?);
    Ok(Decision { writes, answer })
}

/// Whether an account gives up what it has claimed once it states it no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claims {
    /// It does: somebody else may have it then.
    GivenUp,
    /// It does not, nor what is known of its phone and address. Who refers others or came by a referral stays known, or
    /// could come by one again; and so does who changes its own data.
    Kept,
}

/// Most claims that an account lists, the newest first. Older ones that it keeps stand all the same.
const CLAIMS_MAX: usize = 20;
/// An account that lists so many claims may hold others, too.
pub const MAY_HOLD_MORE_CLAIMS_FROM: usize = CLAIMS_MAX;

/// The write that takes a claim, which must be free.
fn take(key: &ClaimKey, account_id: &AccountId) -> Write {
    let claim = Claim { key: key.clone(), account_id: account_id.clone() };
    Write::Put(Record::Claim(Box::new(claim)), Guard::Absent)
}

/// The write that gives a claim up.
pub fn give_up(claim: &ClaimKey) -> Write {
    Write::Release(claim.clone(), Guard::Version(CLAIM_VERSION))
}

/// Who states what is known of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatedBy {
    /// The merchant.
    Merchant,
    /// The account itself.
    Account,
}

impl Claims {
    /// What becomes of an account's.
    fn of(account: &Account, by: StatedBy) -> Self {
        let takes_part = account.referral.is_some() || account.has_referral_code;
        if takes_part || by == StatedBy::Account { Self::Kept } else { Self::GivenUp }
    }
}

/// The profile as the document states it, and the writes that its claims need.
pub(crate) fn profile_after(
    id: &AccountId,
    before: Option<&Profile>,
    document: &ProfileDocument,
    unstated: Claims,
    context: &Context<'_>,
) -> Result<(Profile, Vec<Write>), Rejection> {
    let stated = &document.identity;
    let held = before.map_or(&[][..], |profile| &profile.claims);
    let (mut claims, mut writes) = (Vec::new(), Vec::new());
    for (_, current, older) in claims_on_all(stated.vat_id.as_ref(), stated.email.as_ref(), context.secrets) {
        // A claim keeps the secret and the form it was made with.
        let kept = older.iter().chain([&current]).find(|key| held.contains(key)).cloned();
        if kept.is_none() {
            writes.push(take(&current, id));
            // Somebody may hold the same value under an older secret or in its former form.
            writes.extend(older.into_iter().map(Write::Expect));
        }
        claims.push(kept.unwrap_or(current));
    }
    if unstated == Claims::Kept {
        let others: Vec<_> = held.iter().filter(|key| !claims.contains(key)).cloned().collect();
        claims.extend(others);
        claims.truncate(CLAIMS_MAX);
    }
    let given_up = held.iter().filter(|key| unstated == Claims::GivenUp && !claims.contains(key));
    writes.extend(given_up.map(give_up));
    let known = |of: fn(&Profile) -> Option<KeyedHash>| before.and_then(of);
    let kept = |known: Option<KeyedHash>| known.filter(|_| unstated == Claims::Kept);
    let profile = Profile {
        account_id: id.clone(),
        name: document.name.clone(),
        email: stated.email.clone(),
        country: stated.country,
        vat_id: stated.vat_id.clone(),
        phone: stated.phone_hash(known(|old| old.phone), context.secrets).or(kept(known(|old| old.phone))),
        address: stated.address_hash(known(|old| old.address), context.secrets).or(kept(known(|old| old.address))),
        claims,
        version: before.map_or(0, |old| old.version),
    };
    if before == Some(&profile) {
        return Ok((profile, writes));
    }
    Ok((Profile { version: profile.version.saturating_add(1), ..profile }, writes))
}

/// The claims on each value that is to be one account's alone: on its canonical form under the current secret, and the
/// older ones: under the older secrets, and on its former form where that differs.
fn claims_on_all(
    vat_id: Option<&VatId>,
    email: Option<&Email>,
    secrets: &Secrets,
) -> impl Iterator<Item = (UniqueField, ClaimKey, Vec<ClaimKey>)> {
    let email = email.map(|email| (UniqueField::Email, email.canonical(), email.former()));
    let vat_id = vat_id.map(|id| (UniqueField::VatId, id.canonical(), id.former()));
    vat_id.into_iter().chain(email).map(|(field, canonical, former)| {
        let claim = |keyed| ClaimKey { field, keyed };
        let keyed = |value| secrets.keyed_hashes(field.name(), value);
        let (current, mut older) = keyed(&canonical);
        if former != canonical {
            let (newest, rest) = keyed(&former);
            older.push(newest);
            older.extend(rest);
        }
        (field, claim(current), older.into_iter().map(claim).collect())
    })
}

fn changed_fields(before: Option<&Profile>, after: &Profile) -> Vec<String> {
    let differs = [
        ("name", before.is_none_or(|old| old.name != after.name)),
        ("email", before.and_then(|old| old.email.as_ref()) != after.email.as_ref()),
        ("country", before.and_then(|old| old.country) != after.country),
        ("vat_id", before.and_then(|old| old.vat_id.as_ref()) != after.vat_id.as_ref()),
        ("phone", before.and_then(|old| old.phone) != after.phone),
        ("address", before.and_then(|old| old.address) != after.address),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field.to_owned()).collect()
}

impl Profile {
    /// Whether the account has this phone number, as far as numbers are compared (see [`Phone`]).
    pub fn has_phone(&self, phone: &Phone, secrets: &Secrets) -> bool {
        self.phone.is_some_and(|kept| secrets.matches(Phone::PURPOSE, phone.canonical(), &kept))
    }

    /// Whether the account has this postal address, as far as addresses are compared (see [`Address`]).
    pub fn has_address(&self, address: &Address, secrets: &Secrets) -> bool {
        self.address.is_some_and(|kept| secrets.matches(Address::PURPOSE, address.canonical(), &kept))
    }
}

/// Adds a contact to an account or changes it. The same data again writes nothing.
pub fn put_contact(
    account: Option<&Account>,
    contact_id: &ContactId,
    before: Option<&Contact>,
    document: &ContactDocument,
    context: &Context<'_>,
) -> Result<Decision<Put>, Rejection> {
    let account = account.ok_or(Rejection::UnknownAccount)?;
    if account.status.has_left() {
        return Err(Rejection::AccountNotActive(account.status));
    }
    let answer = if before.is_some() { Put::Stored } else { Put::Created };
    if before.is_some_and(|contact| contact.document == *document) {
        return Ok(Decision { writes: Vec::new(), answer });
    }
    let (mut advanced, mut changes) = advance::advance(context.schedule, account, context.now)?;
    let activation = context.schedule.at(context.now);
    let today = activation.program.calendar.day(context.now);
    let contact = Contact {
        account_id: account.id.clone(),
        contact_id: contact_id.clone(),
        document: document.clone(),
        celebrated: occasions::celebrated_after(before, document, &activation.program, today),
        version: before.map_or(0, |old| old.version).saturating_add(1),
    };
    occasions::note_birthday(&mut advanced, &contact, &activation.program, today);
    let guard = before.map_or(Guard::Absent, |old| Guard::Version(old.version));
    changes.push(Change::Account(AccountChange::ContactChanged { contact_id: contact_id.clone() }));
    let cause = Cause::ContactPut { contact_id: contact_id.clone() };
    let mut writes = vec![Write::Put(Record::Contact(Box::new(contact)), guard)];
    writes.extend(decision::commit(advanced, cause, changes, activation.version, context)?);
    Ok(Decision { writes, answer })
}

/// Whether a text is a calendar date, `YYYY-MM-DD`, of a year that somebody alive may have been born in.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok_and(|date| (1900..=2100).contains(&date.year()))
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

#[cfg(test)]
mod tests;
