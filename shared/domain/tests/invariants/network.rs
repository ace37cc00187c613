//! Accounts that refer each other, and what is stored about them. Several writes are one transaction: all or nothing.

use crate::world::{Step, World, order};
use crate::{HOUR_MS, START, secrets};
use domain::account::{Account, Status};
use domain::code::{Code, Secrets};
use domain::decision::{Context, Decision, Guard, Record, Rejection, Write};
use domain::id::AccountId;
use domain::membership::{self, Member, Profile, profile_document};
use domain::referral::{
    self, CodeChange, CodeDocument, CodeSettings, CodeStatus, Codes, Errand, ErrandTask, Grounds, Prospect,
    RedemptionId, RedemptionKey, ReferralCode, ReviewDecision, Settled, Verdict, WaitingReview, prospect_document,
};
use domain::schedule::Schedule;
use domain::time::Instant;
use domain::walk::{self, People, Walked};
use domain::warning::Walk;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Times that one walk may carry something out: reward, and take back what came back meanwhile.
const ERRANDS_MAX: usize = 3;

/// How a walk goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum How {
    /// To its end.
    Whole,
    /// It breaks off when an errand is carried out and not yet noted.
    BreaksOff,
    /// Somebody else carries the same errand out, having read the same.
    Twice,
}

/// All accounts, each with what is its own, and what stands between them.
pub struct Network {
    pub schedule: Schedule,
    pub now: Instant,
    pub worlds: BTreeMap<AccountId, World>,
    codes: BTreeMap<Code, ReferralCode>,
    profiles: BTreeMap<AccountId, Profile>,
    claims: BTreeMap<String, AccountId>,
    waiting: BTreeMap<String, WaitingReview>,
    secrets: Secrets,
    companies: BTreeMap<AccountId, usize>,
    redeemed: u64,
    /// What errands were decided on, for who comes late.
    stale: Vec<(ErrandTask, Grounds)>,
}

pub fn id(who: usize) -> AccountId {
    AccountId::parse(&format!("a-{who}")).unwrap()
}

fn company(number: usize) -> Value {
    json!({
        "email": format!("office@company-{number}.example"), "country": "GB", "vat_id": format!("GB{number:09}"),
    })
}

impl Network {
    pub fn new(schedule: Schedule) -> Self {
        let mut network = Self {
            schedule,
            now: Instant::parse(START).unwrap(),
            worlds: BTreeMap::new(),
            codes: BTreeMap::new(),
            profiles: BTreeMap::new(),
            claims: BTreeMap::new(),
            waiting: BTreeMap::new(),
            secrets: secrets(),
            companies: BTreeMap::new(),
            redeemed: 0,
            stale: Vec::new(),
        };
        for who in 0..2 {
            network.put(&id(who), json!({ "name": "First", "phone": "+44 20 7946 0000" }));
        }
        network
    }

    fn decide<T>(
        &self,
        decide: impl FnOnce(&Context<'_>) -> Result<Decision<T>, Rejection>,
    ) -> Result<Decision<T>, Rejection> {
        let (schedule, secrets, now) = (&self.schedule, &self.secrets, self.now);
        decide(&Context { schedule, secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 })
    }

    /// Writes a decision, or nothing of it where a guard does not hold.
    fn commit(&mut self, writes: Vec<Write>) -> bool {
        let all = writes.iter().all(|write| self.holds(write));
        if all {
            writes.into_iter().for_each(|write| self.apply(write));
        }
        all
    }

    fn holds(&self, write: &Write) -> bool {
        let version = match write {
            Write::Put(record, guard) => {
                return *guard == self.version(record).map_or(Guard::Absent, Guard::Version);
            }
            Write::Qualify(key, _, version) => {
                return self.redemption(key).is_some_and(|held| held.version == *version);
            }
            Write::Release(key, _) => return self.claims.contains_key(&format!("{key:?}")),
            Write::Expect(key) => self.claims.get(&format!("{key:?}")),
            Write::Forget(place) => return self.waiting.contains_key(place),
            Write::Shard(_) | Write::Remove(..) | Write::ExpectContact(_) => panic!("nobody here writes {write:?}"),
        };
        version.is_none()
    }

    /// The version of what stands in a record's place.
    fn version(&self, record: &Record) -> Option<u64> {
        let world = |id: &AccountId| self.worlds.get(id);
        match record {
            Record::Account(account) => world(&account.id)?.account.as_ref().map(|held| held.version),
            Record::Entry(entry) => {
                let known = world(&entry.account_id)?.entries.iter().find(|held| held.sequence == entry.sequence);
                known.map(|held| held.sequence)
            }
            Record::Order(scored) => {
                world(&scored.order.account_id)?.orders.get(&scored.order.key).map(|held| held.version)
            }
            Record::Discount(discount) => {
                world(&discount.account_id)?.discounts.get(&discount.code).map(|held| held.version)
            }
            Record::Redemption(redemption) => self.redemption(&redemption.key).map(|held| held.version),
            Record::ReferralCode(code) => self.codes.get(&code.code).map(|held| held.version),
            Record::Profile(profile) => self.profiles.get(&profile.account_id).map(|held| held.version),
            Record::Claim(claim) => self.claims.get(&format!("{:?}", claim.key)).map(|_| 1),
            Record::WaitingReview(waiting) => self.waiting.get(&waiting.place()).map(|_| 1),
            Record::Contact(_) | Record::CodeHolder(_) => None,
            other => panic!("nobody here writes {other:?}"),
        }
    }

    fn apply(&mut self, write: Write) {
        let owner = match &write {
            Write::Put(Record::Account(account), _) => account.id.clone(),
            Write::Put(Record::Entry(entry), _) => entry.account_id.clone(),
            Write::Put(Record::Order(scored), _) => scored.order.account_id.clone(),
            Write::Put(Record::Discount(discount), _) => discount.account_id.clone(),
            Write::Put(Record::Redemption(redemption), _) => redemption.referee.clone(),
            Write::Put(record, _) => return self.put_record(record.clone()),
            Write::Release(key, _) => return drop(self.claims.remove(&format!("{key:?}"))),
            Write::Forget(place) => return drop(self.waiting.remove(place)),
            Write::Expect(_) | Write::Shard(_) | Write::Remove(..) | Write::ExpectContact(_) => return,
            Write::Qualify(key, ..) => self.redemption(key).unwrap().referee.clone(),
        };
        self.worlds.entry(owner).or_insert_with(World::new).apply(write);
    }

    fn put_record(&mut self, record: Record) {
        match record {
            Record::ReferralCode(code) => drop(self.codes.insert(code.code.clone(), *code)),
            Record::Profile(profile) => drop(self.profiles.insert(profile.account_id.clone(), *profile)),
            Record::Claim(claim) => drop(self.claims.insert(format!("{:?}", claim.key), claim.account_id)),
            Record::WaitingReview(waiting) => drop(self.waiting.insert(waiting.place(), *waiting)),
            _ => {}
        }
    }

    /// One of the accounts that were referred, if there are any; otherwise one of so many.
    pub fn referred(&self, which: usize, accounts: usize) -> AccountId {
        let referred: Vec<_> = self.redemptions().map(|redemption| redemption.referee.clone()).collect();
        if referred.is_empty() { id(which % accounts) } else { referred[which % referred.len()].clone() }
    }

    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.worlds.get(id).and_then(|world| world.account.as_ref())
    }

    pub fn redemption(&self, key: &RedemptionKey) -> Option<&referral::Redemption> {
        self.redemptions().find(|redemption| redemption.key == *key)
    }

    pub fn redemptions(&self) -> impl Iterator<Item = &referral::Redemption> {
        self.worlds.values().filter_map(|world| world.redemption.as_ref())
    }

    fn member(&self, id: &AccountId) -> Member {
        Member { account: self.account(id).cloned(), profile: self.profiles.get(id).cloned(), invitation: None }
    }

    fn put(&mut self, id: &AccountId, document: Value) {
        let (document, member) = (profile_document(&document).unwrap(), self.member(id));
        if let Ok(decision) = self
            .decide(|context| membership::put_account(id, &member, &document, membership::StatedBy::Merchant, context))
        {
            // Refused where somebody else has claimed meanwhile what a rejection had made free.
            self.commit(decision.writes);
        }
    }
}

impl Network {
    pub fn pass(&mut self, hours: i64) {
        self.now = self.now.plus_ms(hours * HOUR_MS);
    }

    pub fn set_status(&mut self, who: usize, status: Status) {
        let mut document = self.companies.get(&id(who)).map_or_else(|| json!({}), |number| company(*number));
        document["name"] = json!("Changed");
        document["status"] = json!(status.name());
        if self.account(&id(who)).is_some() {
            self.put(&id(who), document);
        }
    }

    pub fn issue(&mut self, who: usize) {
        let (id, settings) = (
            id(who),
            CodeSettings {
                status: CodeStatus::Active,
                redemptions_left: (who % 2 == 1).then_some(2),
                expires_at: None,
            },
        );
        let held = self.codes.values().find(|code| code.account_id == id).cloned();
        let codes =
            Codes { account: self.account(&id).cloned(), profile: Some(self.known(&id)), contact_known: true, held };
        let document = CodeDocument { contact_id: None, settings };
        if let Ok(decision) = self.decide(|context| referral::issue_code(&id, &codes, &document, context)) {
            assert!(self.commit(decision.writes));
        }
    }

    /// What is stored about an account; where nothing was stated, what it must have stated to share a code.
    fn known(&self, id: &AccountId) -> Profile {
        let stated = json!({ "name": "A company", "email": "office@known.example", "vat_id": "GB999999973" });
        let (document, none) = (profile_document(&stated).unwrap(), Member::default());
        let made = self
            .decide(|context| membership::put_account(id, &none, &document, membership::StatedBy::Merchant, context));
        let made = made.unwrap().writes.into_iter().find_map(|write| match write {
            Write::Put(Record::Profile(profile), _) => Some(*profile),
            _ => None,
        });
        self.member(id).profile.filter(|known| known.vat_id.is_some() && known.email.is_some()).or(made).unwrap()
    }

    pub fn change_code(&mut self, which: usize, status: CodeStatus) {
        let Some(code) = self.codes.values().nth(which % self.codes.len().max(1)).cloned() else { return };
        let change = CodeChange { status: Some(status), ..CodeChange::default() };
        let owner = self.account(&code.account_id).cloned();
        let decided = self.decide(|context| referral::change_code(owner.as_ref(), &code, &change, context));
        assert!(self.commit(decided.unwrap().writes));
    }

    pub fn redeem(&mut self, who: usize, which: usize, number: usize, shares: bool) {
        let Some(code) = self.codes.values().nth(which % self.codes.len().max(1)).cloned() else { return };
        let id = id(who);
        let mut document = company(number);
        document["company"] = json!("Company");
        document["contact"] = json!({ "name": "Pat" });
        if shares {
            document["phone"] = json!("+44 20 7946 0000");
        }
        let document = prospect_document(&document).unwrap();
        self.redeemed += 1;
        let key = RedemptionKey { code: code.code.clone(), redemption_id: RedemptionId::of_bits(self.redeemed) };
        let referrer = self.member(&code.account_id);
        let prospect = Prospect {
            code: Some(code),
            referrer: referrer.account,
            referrer_profile: referrer.profile,
            member: self.member(&id),
        };
        let decided = self.decide(|context| referral::redeem(&key, &id, &document, &prospect, context));
        // A claim that somebody else has is met when it is written.
        if let Ok(decision) = decided
            && self.commit(decision.writes)
        {
            self.companies.insert(id, number);
        }
    }

    pub fn review(&mut self, which: usize, verdict: Verdict) {
        let Some(waiting) = self.waiting.values().nth(which % self.waiting.len().max(1)).cloned() else { return };
        let member = self.member(&waiting.referee);
        let referee = member.account.unwrap();
        let redemption = self.worlds[&waiting.referee].redemption.clone().unwrap();
        let decision = ReviewDecision { verdict, note: None };
        let decided = self.decide(|context| referral::decide_review(&redemption, &referee, &decision, context));
        match decided {
            Ok(decision) => assert!(self.commit(decision.writes)),
            Err(rejection) => assert_eq!(rejection, Rejection::AccountNotActive(Status::Closed)),
        }
    }

    /// Orders, returns, amendments and credit notes of one account.
    pub fn trade(&mut self, number: usize, id: AccountId, step: &Step) {
        let Self { schedule, secrets, worlds, now, .. } = self;
        let world = worlds.entry(id.clone()).or_insert_with(World::new);
        let wall_day = now.utc_day();
        let context = Context { schedule, secrets, by: "test", now: *now, wall_day, collisions: 0 };
        let has_orders = !world.orders.is_empty();
        match step {
            Step { undo: Some(undo), .. } if has_orders => world.undo(number, *undo, &context),
            Step { amend: Some(amend), .. } if has_orders => world.amend_one(step, *amend, &context),
            Step { credit: Some((goods, steps)), .. } if has_orders => {
                world.credit_one(number, goods, *steps, &context);
            }
            _ => {
                let code = world.code(step);
                let mut order = order(number, step, now.plus_ms(-step.late_hours * HOUR_MS), code.as_ref());
                order.account_id = id;
                // Refused where its code cannot be used, or its account takes no part.
                drop(world.place(&order, &context));
            }
        }
    }
}

impl Network {
    /// Walks an account as the walker does.
    pub fn walk(&mut self, id: &AccountId, kind: Walk, how: How) {
        if self.account(id).is_none() {
            return;
        }
        let (mut settled, mut errands) = (None, 0);
        loop {
            let account = self.account(id).unwrap().clone();
            let decided =
                self.decide(|context| Ok(walk::decide(&account, kind, People::default(), settled, context)?)).unwrap();
            assert!(self.commit(decided.writes));
            let errand = referral::errand(&account);
            let (Walked::Errand, Some(errand)) = (decided.answer, errand) else { return };
            settled = Some(self.carry_out(&errand, how));
            errands += 1;
            assert!(errands <= ERRANDS_MAX, "a walk comes to an end");
            if how == How::BreaksOff {
                return;
            }
        }
    }

    fn carry_out(&mut self, errand: &Errand, how: How) -> Settled {
        let grounds = self.grounds(&errand.key);
        let decided = self.decide(|context| referral::carry_out(errand.task, &grounds, context)).unwrap();
        let writes = decided.writes.len();
        assert!(self.commit(decided.writes));
        if how == How::Twice {
            let again = self.decide(|context| referral::carry_out(errand.task, &grounds, context)).unwrap();
            assert!(!self.commit(again.writes) || writes == 0, "what was read is not true any more");
        }
        self.stale.push((errand.task, grounds));
        decided.answer
    }

    fn grounds(&self, key: &RedemptionKey) -> Grounds {
        let redemption = self.redemption(key).unwrap().clone();
        let referrer = self.account(&redemption.referrer).cloned();
        let given = redemption.rewarded.as_ref().and_then(|rewarded| rewarded.given.discount.as_ref());
        let discount = given.map(|given| self.worlds[&redemption.referrer].discounts[&given.code].clone());
        Grounds { redemption: Some(redemption), referrer, discount }
    }

    /// Somebody carries an errand out who read what it is decided on long ago.
    pub fn come_late(&mut self, which: usize) {
        let Some((task, grounds)) = self.stale.get(which % self.stale.len().max(1)).cloned() else { return };
        // One of whose reads only the account's lagged behind comes first.
        let now = self.grounds(&grounds.redemption.as_ref().unwrap().key);
        let decided = self.decide(|context| referral::carry_out(task, &now, context)).unwrap();
        assert!(self.commit(decided.writes));
        let decided = self.decide(|context| referral::carry_out(task, &grounds, context)).unwrap();
        self.commit(decided.writes);
    }

    /// Time goes on and both walks come by every day, until nothing is left to be done.
    pub fn come_to_rest(&mut self) {
        self.pass(24 * 500);
        let ids: Vec<_> = self.worlds.keys().cloned().collect();
        for _ in 0..3 {
            self.pass(24);
            for id in &ids {
                Walk::ALL.into_iter().for_each(|kind| self.walk(id, kind, How::Whole));
            }
        }
    }
}
