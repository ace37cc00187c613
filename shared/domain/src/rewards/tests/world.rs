//! What is stored of one account, and what is asked of it.

use super::*;

/// What is stored of one account.
pub struct World {
    pub schedule: Schedule,
    pub now: Instant,
    pub account: Account,
    pub entries: Vec<Entry>,
    pub redemptions: BTreeMap<u64, RewardRedemption>,
    pub discounts: BTreeMap<String, Discount>,
    pub commands: BTreeMap<String, CommandRecord>,
    pub uses: Option<RewardUses>,
    pub perk_uses: Option<PerkUses>,
    pub stock: Option<Limit>,
    pub shards: Vec<ShardWrite>,
}

impl World {
    /// An account with these lots, by their ends and points.
    pub fn with(rewards: &Value, lots: &[(&str, i64)]) -> Self {
        let schedule = schedule(rewards);
        let id = AccountId::parse("acme").unwrap();
        let (account, _) = Account::enrol(id, &schedule.at(at(START)).program, at(START));
        let lots = lots.iter().map(|(end, points)| Lot::until(at(end), Points(*points))).collect();
        let account = Account { version: 1, holdings: Holdings::of(lots, Vec::new(), Points::ZERO), ..account };
        Self {
            schedule,
            now: at(START),
            account,
            entries: Vec::new(),
            redemptions: BTreeMap::new(),
            discounts: BTreeMap::new(),
            commands: BTreeMap::new(),
            uses: None,
            perk_uses: None,
            stock: None,
            shards: Vec::new(),
        }
    }

    pub fn rich() -> Self {
        Self::with(&rewards(), &[("2031-01-01T00:00:00Z", 150), ("2032-01-01T00:00:00Z", 1_000)])
    }

    pub fn decide<T>(&self, decide: impl FnOnce(&Context<'_>) -> T) -> T {
        let secrets = Secrets::parse("1:sixteen bytes long").unwrap();
        let (schedule, now) = (&self.schedule, self.now);
        decide(&Context { schedule, secrets: &secrets, by: "test", now, wall_day: now.utc_day(), collisions: 0 })
    }

    pub fn version(&self, record: &Record) -> Option<u64> {
        match record {
            Record::Account(_) => Some(self.account.version),
            Record::RewardUses(_) => self.uses.as_ref().map(|uses| uses.version),
            Record::PerkUses(_) => self.perk_uses.as_ref().map(|uses| uses.version),
            Record::RewardRedemption(own) => self.redemptions.get(&own.redemption_id).map(|held| held.version),
            Record::Discount(own) => self.discounts.get(own.code.as_str()).map(|held| held.version),
            Record::Command(own) => self.commands.get(own.key.as_str()).map(|_| 1),
            Record::Entry(entry) => self.entries.iter().find(|own| own.sequence == entry.sequence).map(|_| 1),
            other => panic!("{other:?}"),
        }
    }

    /// Carries a decision out; each of its guards holds.
    pub fn commit(&mut self, writes: Vec<Write>) {
        for write in writes {
            let (record, guard) = match write {
                Write::Put(record, guard) => (record, guard),
                Write::Shard(write) => {
                    self.shards.push(*write);
                    continue;
                }
                other => panic!("{other:?}"),
            };
            let held = self.version(&record).map_or(Guard::Absent, Guard::Version);
            assert_eq!(guard, held, "{record:?}");
            match record {
                Record::Account(account) => self.account = *account,
                Record::RewardUses(uses) => self.uses = Some(*uses),
                Record::PerkUses(uses) => self.perk_uses = Some(*uses),
                Record::RewardRedemption(own) => drop(self.redemptions.insert(own.redemption_id, *own)),
                Record::Discount(own) => drop(self.discounts.insert(own.code.to_string(), *own)),
                Record::Command(own) => drop(self.commands.insert(own.key.as_str().to_owned(), *own)),
                Record::Entry(entry) => self.entries.push(*entry),
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn redeem(&mut self, reward: &str) -> Result<RedeemReceipt, Rejection> {
        let document = redeem_document(&json!({"reward": reward})).unwrap();
        let key = CommandKey::new("test", "redeem", &self.commands.len().to_string()).unwrap();
        let state = RedeemState {
            account: Some(self.account.clone()),
            uses: self.uses.clone(),
            perk_uses: self.perk_uses.clone(),
            stock: self.stock.clone(),
        };
        let decision = self.decide(|context| redeem(&state, &document, &key, context))?;
        self.commit(decision.writes);
        Ok(decision.answer)
    }

    pub fn cancel(&mut self, id: u64) -> Result<CancelReceipt, Rejection> {
        self.cancel_for(id, "Damaged")
    }

    pub fn cancel_for(&mut self, id: u64, reason: &str) -> Result<CancelReceipt, Rejection> {
        let document = cancel_document(&json!({"reason": reason})).unwrap();
        let redemption = self.redemptions.get(&id).cloned();
        let code = redemption.as_ref().and_then(|redemption| match &redemption.given {
            Given::Discount { code, .. } => Some(code.to_string()),
            _ => None,
        });
        let state = CancelState {
            redemption,
            account: Some(self.account.clone()),
            uses: self.uses.clone(),
            perk_uses: self.perk_uses.clone(),
            discount: code.and_then(|code| self.discounts.get(&code).cloned()),
            stock: self.stock.clone(),
        };
        let decision = self.decide(|context| cancel(&state, &document, context))?;
        self.commit(decision.writes);
        Ok(decision.answer)
    }

    pub fn use_perk(&mut self, perk: &str) -> Result<Option<u32>, Rejection> {
        let state = PerkState { account: Some(self.account.clone()), uses: self.perk_uses.clone() };
        let key = CommandKey::new("test", "use", &self.entries.len().to_string()).unwrap();
        let perk = RuleId::parse(perk).unwrap();
        let used = self.decide(|context| use_perk(&state, &perk, &UseDocument::default(), &key, context))?;
        self.commit(used.writes);
        Ok(used.answer.bought_left)
    }

    pub fn why(&mut self, reward: &str) -> Unavailable {
        match self.redeem(reward) {
            Err(Rejection::RewardUnavailable(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    pub fn lots(&self) -> Vec<(String, i64)> {
        self.account.holdings.lots().iter().map(|lot| (lot.expires_at.to_string(), lot.points.0)).collect()
    }

    pub fn changes(&self) -> Vec<String> {
        let document = serde_json::to_value(&self.entries.last().unwrap().changes).unwrap();
        document.as_array().unwrap().iter().map(|change| change["type"].as_str().unwrap().to_owned()).collect()
    }

    pub fn gold(mut self) -> Self {
        self.account.tier = TierId::parse("gold").unwrap();
        self
    }
}
