//! Redeeming a code: a prospect becomes an account, or waits for somebody to look at it.

use super::code::ReferralCode;
use super::document::ProspectDocument;
use super::redemption::{Check, Checks, Redemption, Review, WaitingReview};
use super::reward::give;
use super::rules::{Enrolment, ReferralRules};
use super::{RedemptionKey, Referral, Stage};
use crate::account::{Account, Status};
use crate::activity::Lifetime;
use crate::advance;
use crate::code::{KeyedHash, Secrets};
use crate::decision::{self, Context, Decision, Guard, Record, Rejection, Write};
use crate::document::{Faults, Path};
use crate::id::AccountId;
use crate::ledger::{AccountChange, Cause, Change, ReferralChange};
use crate::membership::{self, Claims, Contact, Identity, Member, MembershipRules, Profile};
use crate::money::Points;
use crate::occasions;
use crate::schedule::Activation;

/// What is known before a code is redeemed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prospect {
    /// The code.
    pub code: Option<ReferralCode>,
    /// Whose it is.
    pub referrer: Option<Account>,
    /// What is stored about the referrer.
    pub referrer_profile: Option<Profile>,
    /// The prospect's account, if there is one already.
    pub member: Member,
}

/// Redeems a code for a prospect, whose account is enrolled with it or has placed no order yet.
///
/// The prospect must be new: its VAT id and its e-mail address are claimed in the same transaction, so that of several who
/// redeem for one company at once one succeeds. To everybody else one answer, [`Rejection::NotNew`], tells nothing of
/// other companies.
pub fn redeem(
    key: &RedemptionKey,
    account_id: &AccountId,
    document: &ProspectDocument,
    prospect: &Prospect,
    context: &Context<'_>,
) -> Result<Decision<Redemption>, Rejection> {
    let activation = context.schedule.at(context.now);
    let rules = activation.program.referral.as_ref().ok_or(Rejection::NoReferrals)?;
    let code = prospect.code.as_ref().ok_or(Rejection::UnknownCode)?;
    code.check(context.now)?;
    // That the referrer does not take part any more is nobody else's business.
    let referrer = prospect.referrer.as_ref().filter(|account| account.status == Status::Active);
    let is_member = |account: &&Account| account.member_state(&activation.program, context.now).is_member();
    let referrer = referrer.filter(is_member).ok_or(Rejection::CodePaused)?;
    if rules.consent_required && document.consent.is_none() {
        let mut faults = Faults::default();
        faults.add(&Path::Key(&Path::Root, "consent"), "missing", "is required by the program");
        return Err(faults.into());
    }
    check_new(&prospect.member, referrer, document)?;
    let profiles = (prospect.member.profile.as_ref(), prospect.referrer_profile.as_ref());
    let checks = checks(&document.profile.identity, profiles, context.secrets);
    let mut reasons: Vec<String> = checks.suspicious().into_iter().map(str::to_owned).collect();
    if rules.enrolment == Enrolment::Approval || activation.program.membership == MembershipRules::Approval {
        reasons.push("approval".to_owned());
    }
    let redeeming =
        Redeeming { key, account_id, document, prospect, code, checks, reasons, activation, rules, context };
    redeeming.decide()
}

/// Whoever has ordered, or brought anything from elsewhere, refers others or was referred is not new, and an account's
/// own data stand as they are stated.
fn check_new(member: &Member, referrer: &Account, document: &ProspectDocument) -> Result<(), Rejection> {
    let Some(account) = &member.account else { return Ok(()) };
    let Lifetime { orders, returned_units, unmatched_units, earned, gone_before, .. } = account.lifetime;
    let is_new = account.status == Status::Active
        && account.id != referrer.id
        && !account.has_referral_code
        && account.referral.is_none()
        && (orders, returned_units, unmatched_units) == (0, 0, 0)
        && (earned, gone_before) == (Points::ZERO, Points::ZERO);
    let same = member.profile.as_ref().is_none_or(|profile| {
        let stated = &document.profile.identity;
        let vat_id = profile
            .vat_id
            .as_ref()
            .is_none_or(|held| stated.vat_id.as_ref().is_some_and(|stated| stated.canonical() == held.canonical()));
        let email = profile
            .email
            .as_ref()
            .is_none_or(|held| stated.email.as_ref().is_some_and(|stated| stated.canonical() == held.canonical()));
        vat_id && email
    });
    if is_new && same { Ok(()) } else { Err(Rejection::NotNew) }
}

/// What the prospect has in common with the referrer: what it states, and what was kept of it before, so that nothing is
/// hidden by not stating it again. That its VAT id and e-mail address are new, its claims make sure.
fn checks(stated: &Identity, (own, referrer): (Option<&Profile>, Option<&Profile>), secrets: &Secrets) -> Checks {
    let email_domain = match (&stated.email, referrer.and_then(|profile| profile.email.as_ref())) {
        (Some(own), Some(_)) if own.is_free_provider() => Check::FreeProvider,
        (Some(own), Some(other)) if own.domain() == other.domain() => Check::Same,
        (Some(_), Some(_)) => Check::Differs,
        _ => Check::Unknown,
    };
    let compare = |same: Option<bool>| match same {
        Some(true) => Check::Same,
        Some(false) => Check::Differs,
        None => Check::Unknown,
    };
    let phone = stated.phone.as_ref().zip(referrer.filter(|profile| profile.phone.is_some()));
    let phone = phone.map(|(phone, referrer)| referrer.has_phone(phone, secrets));
    let address = stated.address.as_ref().zip(referrer.filter(|profile| profile.address.is_some()));
    let address = address.map(|(address, referrer)| referrer.has_address(address, secrets));
    let kept = |field: fn(&Profile) -> Option<KeyedHash>| same(own.and_then(field), referrer.and_then(field));
    Checks {
        vat_id: Check::New,
        email: Check::New,
        email_domain,
        phone: compare(phone.or_else(|| kept(|profile| profile.phone))),
        address: compare(address.or_else(|| kept(|profile| profile.address))),
    }
}

/// Whether two kept hashes are of the same value; `None`: nobody can tell, such as where their secrets differ.
fn same(one: Option<KeyedHash>, other: Option<KeyedHash>) -> Option<bool> {
    one.zip(other).filter(|(one, other)| one.secret == other.secret).map(|(one, other)| one == other)
}

/// What is stored about an account, and what was stated with a redemption and is not: what there is means the same, or
/// is not asked for. It counts as changed even where nothing is added, so that its guard protects what was compared.
fn added(before: &Profile, stated: &Profile) -> Profile {
    let mut after = before.clone();
    after.email = before.email.clone().or_else(|| stated.email.clone());
    after.country = before.country.or(stated.country);
    after.vat_id = before.vat_id.clone().or_else(|| stated.vat_id.clone());
    after.phone = before.phone.or(stated.phone);
    after.address = before.address.or(stated.address);
    after.claims.clone_from(&stated.claims);
    after.version = before.version.saturating_add(1);
    after
}

/// One redemption, everything about it known to be in order.
struct Redeeming<'a> {
    key: &'a RedemptionKey,
    account_id: &'a AccountId,
    document: &'a ProspectDocument,
    prospect: &'a Prospect,
    code: &'a ReferralCode,
    checks: Checks,
    /// Why somebody is to look at it.
    reasons: Vec<String>,
    activation: &'a Activation,
    rules: &'a ReferralRules,
    context: &'a Context<'a>,
}

impl Redeeming<'_> {
    fn decide(self) -> Result<Decision<Redemption>, Rejection> {
        let (context, program) = (self.context, &self.activation.program);
        let waits = !self.reasons.is_empty();
        let (mut account, mut changes, enrolled) = match &self.prospect.member.account {
            Some(account) => {
                let (account, changes) = advance::advance(context.schedule, account, context.now)?;
                (account, changes, false)
            }
            None => {
                let (account, enrolled) = Account::enrol(self.account_id.clone(), program, context.now);
                (account, vec![enrolled], true)
            }
        };
        if enrolled {
            let today = program.calendar.day(context.now);
            occasions::note_birthday(&mut account, &self.contact(), program, today);
        }
        if enrolled && waits {
            changes.push(Change::Account(AccountChange::StatusChanged { from: account.status, to: Status::Pending }));
            account.status = Status::Pending;
        }
        changes.push(Change::Referral(ReferralChange::Redeemed { redemption: self.key.clone() }));
        let until = program.calendar.same_time_after_days(context.now, self.rules.within_days);
        account.referral = Some(Referral {
            key: self.key.clone(),
            version: 1,
            program_version: self.activation.version,
            redeemed_at: Some(context.now),
            stage: if waits { Stage::UnderReview } else { Stage::Open { until } },
        });
        let (mut about, gifts) = (
            self.about(enrolled)?,
            match waits {
                true => None,
                false => Some(give(&mut account, &self.rules.welcome, self.key, program, context)?),
            },
        );
        let mut redemption = self.redemption(enrolled);
        if let Some(gifts) = gifts {
            changes.extend(gifts.changes);
            about.extend(gifts.writes);
            (redemption.until, redemption.welcome) = (Some(until), Some(gifts.given));
        }
        // First what a repeat meets: its own record answers it, not the claims that it took.
        let mut writes = vec![Write::Put(Record::Redemption(Box::new(redemption.clone())), Guard::Absent)];
        let cause = Cause::Referral { redemption: self.key.clone() };
        writes.extend(decision::commit(account, cause, changes, self.activation.version, context)?);
        writes.extend(about);
        Ok(Decision { writes, answer: redemption })
    }

    /// Writes about the prospect, the code and the list of reviews.
    fn about(&self, enrolled: bool) -> Result<Vec<Write>, Rejection> {
        let before = self.prospect.member.profile.as_ref();
        let stated = &self.document.profile;
        let (profile, mut writes) =
            membership::profile_after(self.account_id, before, stated, Claims::Kept, self.context)?;
        let profile = before.map_or_else(|| profile.clone(), |before| added(before, &profile));
        let guard = before.map_or(Guard::Absent, |old| Guard::Version(old.version));
        writes.push(Write::Put(Record::Profile(Box::new(profile)), guard));
        if enrolled {
            writes.push(Write::Put(Record::Contact(Box::new(self.contact())), Guard::Absent));
        }
        let used = self
            .code
            .redeemed()
            .map(|used| Write::Put(Record::ReferralCode(Box::new(used)), Guard::Version(self.code.version)));
        writes.extend(used);
        if !self.reasons.is_empty() {
            let waiting = WaitingReview::of(&self.redemption(enrolled));
            writes.push(Write::Put(Record::WaitingReview(Box::new(waiting)), Guard::Absent));
        }
        Ok(writes)
    }

    /// Who redeems, as the first person of an account that is enrolled for it.
    fn contact(&self) -> Contact {
        let (document, program) = (&self.document.contact, &self.activation.program);
        let today = program.calendar.day(self.context.now);
        Contact {
            account_id: self.account_id.clone(),
            contact_id: self.document.contact_id.clone(),
            document: document.clone(),
            celebrated: occasions::celebrated_after(None, document, program, today),
            version: 1,
        }
    }

    fn redemption(&self, enrolled: bool) -> Redemption {
        let reasons = self.reasons.clone();
        let review = Review { reasons, approved: None, by: None, at: None, note: None };
        Redemption {
            key: self.key.clone(),
            referrer: self.code.account_id.clone(),
            referee: self.account_id.clone(),
            enrolled,
            redeemed_at: self.context.now,
            by: self.context.by.to_owned(),
            content: self.document.content(self.context.secrets),
            program_version: self.activation.version,
            consent: self.document.consent.clone(),
            checks: self.checks,
            review: (!self.reasons.is_empty()).then_some(review),
            welcome: None,
            until: None,
            qualified: None,
            rewarded: None,
            ended: None,
            taken_back: None,
            version: 1,
        }
    }
}
