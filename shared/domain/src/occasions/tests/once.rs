//! Each occasion brings something once, whatever happens in whatever order, whoever walks when.

use super::*;
use crate::account::Status;
use crate::warning::Walk;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Walk,
    /// Two walks read the same, and both go on to write.
    WalkTwice,
    /// A walk reads, something else is committed, and the walk goes on to write.
    WalkAcross(Box<Step>),
    Order,
    Contact(u8, Option<(u8, u8)>),
    State(Status),
}

fn plain() -> impl Strategy<Value = Step> {
    let birthday = prop::option::weighted(0.9, (1_u8..=12, 1_u8..=28));
    let status = prop_oneof![3 => Just(Status::Active), 1 => Just(Status::Suspended)];
    prop_oneof![
        4 => Just(Step::Walk),
        2 => Just(Step::WalkTwice),
        2 => Just(Step::Order),
        3 => (0_u8..4, birthday).prop_map(|(who, birthday)| Step::Contact(who, birthday)),
        1 => status.prop_map(Step::State),
    ]
}

fn step() -> impl Strategy<Value = (i64, Step)> {
    let step = prop_oneof![5 => plain(), 1 => plain().prop_map(|step| Step::WalkAcross(Box::new(step)))];
    (prop_oneof![3 => 0_i64..48, 2 => 0_i64..24 * 40, 1 => 0_i64..24 * 200], step)
}

impl Town {
    fn take(&mut self, step: &Step, now: Instant) {
        match step {
            Step::Walk => self.walk(now),
            Step::WalkTwice => {
                let [first, second] = [self.walking(Walk::Review, now), self.walking(Walk::Review, now)];
                self.apply(first).unwrap();
                self.apply(second);
            }
            Step::WalkAcross(step) => {
                let walking = self.walking(Walk::Review, now);
                self.take(step, now);
                self.apply(walking);
            }
            Step::Order => drop(self.order(now)),
            Step::Contact(who, birthday) => {
                let birthday = birthday.map(|(month, day)| format!("1980-{month:02}-{day:02}"));
                self.contact(&format!("c-{who}"), birthday.as_deref(), now).unwrap();
            }
            Step::State(status) => drop(self.put(Some(*status), now).unwrap()),
        }
        self.check();
        for year in 2026..2040 {
            let of = |which: &Which| matches!(which, Which::Birthday { day, .. } if day.year() == year);
            let celebrated = self.gifts().filter(|(_, given)| of(&given.occasion.which)).count();
            assert!(celebrated <= 2, "{celebrated} birthdays in {year}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_occasion_brings_something_once(
        steps in prop::collection::vec(step(), 1..60), hours in 0_i64..24 * 800, zone in 0_usize..3,
    ) {
        let zone = ["Europe/London", "America/Sao_Paulo", "Pacific/Auckland"][zone];
        let mut later = all();
        later[5]["days"] = json!(25);
        later[3]["dates"] = json!(["12-24", "12-26", "03-01"]);
        let start = at("2026-01-01T00:00:00Z");
        let second = start.plus_ms(hours * 3_600_000).to_string();
        let versions = [("1970-01-01T00:00:00Z", document(zone, &all())), (&*second, document(zone, &later))];
        let mut town = Town::of(schedule(&versions));
        let mut now = start;
        town.put(None, now).unwrap();
        for (hours, step) in &steps {
            now = now.plus_ms(hours * 3_600_000);
            town.take(step, now);
        }
        // Who is walked at the end is left with nothing that is due.
        town.walk(now.max(town.account().last_decided));
        town.check();
    }

    /// However seldom an account is walked within the grace, it is given the same.
    #[test]
    fn who_is_walked_within_the_grace_misses_nothing(gaps in prop::collection::vec(1_i32..=GRACE_DAYS, 12..40)) {
        let given = |gaps: &mut dyn Iterator<Item = i32>| {
            let rules = json!([
                on("anniversary", &json!({})), on("date", &json!({"dates": ["02-29", "12-31", "03-31"]})),
                on("birthday", &json!({})), on("inactivity", &json!({"days": 45})),
            ]);
            let mut town = Town::joined(document("Europe/London", &rules), "2026-01-31T12:00:00Z");
            town.contact("ann", Some("1960-02-29"), at("2026-02-01T00:00:00Z")).unwrap();
            town.order(at("2026-02-02T00:00:00Z")).unwrap();
            let (mut day, end) = (town.account().last_decided.utc_day(), Day::parse("2028-06-30").unwrap());
            while day < end {
                day = day.plus(gaps.next().unwrap()).min(end);
                town.walk(at(&format!("{day}T12:00:00Z")));
            }
            town.check();
            let mut given: Vec<_> = town.gifts().map(|(_, given)| given.occasion.to_string()).collect();
            given.sort();
            given
        };
        let daily = given(&mut std::iter::repeat(1));
        prop_assert_eq!(daily.len(), 2 + 8 + 3 + 1, "{:?}", daily);
        prop_assert_eq!(given(&mut gaps.iter().copied().cycle()), daily);
    }
}
