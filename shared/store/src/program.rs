//! The program: its schedule, and its versions.
//!
//! A version stands in a partition of all versions. Once it is activated a copy of it stands in that of the schedule,
//! which a function that starts reads whole: versions that are in force nowhere cost it nothing. Versions from before
//! there was a partition of all of them have the copy only.

use crate::corrupt::corrupt;
use crate::keys::{self, Item};
use crate::read::Consistency;
use crate::{Fault, PROGRAMS, Store, item};
use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::ProgramName;
use domain::idempotency::CommandKey;
use domain::program::Program;
use domain::schedule::{Activation, Schedule};
use domain::version::{KeyUse, Timeline, Version};
use std::collections::HashMap;
use std::sync::Arc;

/// The schedule as it is stored and with the rules it names.
#[derive(Debug, Clone, Default)]
pub struct Planned {
    /// As it is stored.
    pub timeline: Timeline,
    /// With the rules; `None` where nothing was ever activated.
    pub schedule: Option<Schedule>,
}

/// Versions, a page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionsPage {
    /// The versions, newest first.
    pub versions: Vec<Version>,
    /// Below which number to go on; `None` at the end.
    pub next: Option<u32>,
}

impl Store {
    /// The activation schedule with every version it names, read strongly; `None` where nothing was ever activated.
    pub async fn schedule(&self, program: &ProgramName) -> Result<Option<Schedule>, Fault> {
        Ok(self.planned(program).await?.schedule)
    }

    /// The same, and as it is stored.
    ///
    /// One query, however many versions there are: all it names stand in the program's partition, and a function that
    /// starts waits for one round trip. A version that is activated meanwhile is not in the schedule read before it.
    pub async fn planned(&self, program: &ProgramName) -> Result<Planned, Fault> {
        let key = keys::schedule(program);
        let mut found = self.program_items(program).await?;
        let Some(stored) = take(&mut found, &key) else { return Ok(Planned::default()) };
        let timeline: Timeline = item::plain(stored).map_err(|what| corrupt(PROGRAMS, &key, what))?;
        let mut programs: HashMap<u32, Arc<Program>> = HashMap::new();
        let mut activations = Vec::with_capacity(timeline.activations.len());
        for activation in &timeline.activations {
            let (from, version) = (activation.from, activation.version);
            let rules = match programs.get(&version) {
                Some(rules) => rules.clone(),
                None => {
                    let key = keys::program_version(program, version);
                    let stored = take(&mut found, &key);
                    let stored = stored.ok_or_else(|| corrupt(PROGRAMS, &key, "is missing".to_owned()))?;
                    Arc::new(rules_of(&read_version(stored)?, &key)?)
                }
            };
            programs.insert(version, rules.clone());
            activations.push(Activation { from, version, program: rules });
        }
        Ok(Planned { timeline, schedule: Schedule::new(activations) })
    }

    /// All items of a program by their sort keys.
    async fn program_items(&self, program: &ProgramName) -> Result<HashMap<String, Item>, Fault> {
        let mut items = HashMap::new();
        let mut after = None;
        loop {
            let query = self
                .client
                .query()
                .table_name(&self.tables.programs)
                .key_condition_expression("program = :program")
                .expression_attribute_values(":program", AttributeValue::S(program.to_string()))
                .set_exclusive_start_key(after)
                .consistent_read(true);
            let found = query.send().await.map_err(Fault::service)?;
            let sorted = |item: Item| Some((item.get("sk")?.as_s().ok()?.clone(), item));
            items.extend(found.items.unwrap_or_default().into_iter().filter_map(sorted));
            after = found.last_evaluated_key;
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    /// The schedule as it is stored, read strongly, without the rules it names.
    pub async fn timeline(&self, program: &ProgramName) -> Result<Timeline, Fault> {
        let key = keys::schedule(program);
        let Some(found) = self.get(&self.tables.programs, key.clone(), Consistency::Strong).await? else {
            return Ok(Timeline::default());
        };
        item::plain(found).map_err(|what| corrupt(PROGRAMS, &key, what))
    }

    /// A version, in force or not, read strongly. 1 read unit per started 4 KB of its document.
    pub async fn version(&self, program: &ProgramName, number: u32) -> Result<Option<Version>, Fault> {
        for key in [keys::stored_version(program, number), keys::program_version(program, number)] {
            if let Some(found) = self.get(&self.tables.programs, key, Consistency::Strong).await? {
                return read_version(found).map(Some);
            }
        }
        Ok(None)
    }

    /// A version with its rules.
    pub async fn version_rules(
        &self,
        program: &ProgramName,
        number: u32,
    ) -> Result<Option<(Version, Arc<Program>)>, Fault> {
        let Some(version) = self.version(program, number).await? else { return Ok(None) };
        let rules = rules_of(&version, &keys::stored_version(program, number))?;
        Ok(Some((version, Arc::new(rules))))
    }

    /// The version with the highest number, read strongly.
    pub async fn newest_version(&self, program: &ProgramName) -> Result<Option<Version>, Fault> {
        Ok(self.versions_page(program, None, 1).await?.versions.pop())
    }

    /// Versions below a number (all, where `None`), newest first, at most `limit`, read strongly.
    pub async fn versions_page(
        &self,
        program: &ProgramName,
        below: Option<u32>,
        limit: u16,
    ) -> Result<VersionsPage, Fault> {
        let (mut up_to, mut left) = (below.map_or(u32::MAX, |below| below.saturating_sub(1)), usize::from(limit));
        let (mut versions, mut more): (Vec<Version>, bool) = (Vec::new(), false);
        // Those that have the copy only are older than all others.
        for beside in [keys::stored_version(program, 0), keys::program_version(program, 0)] {
            // One more than asked for says whether there are more.
            let (found, cut_short) = self.versions_beside(&beside, up_to, left.saturating_add(1)).await?;
            more = cut_short || found.len() > left;
            versions.extend(found.into_iter().take(left));
            left = usize::from(limit).saturating_sub(versions.len());
            up_to = versions.last().map_or(up_to, |last| last.number.saturating_sub(1));
            if more {
                break;
            }
        }
        let next = versions.last().filter(|_| more).map(|last| last.number);
        Ok(VersionsPage { versions, next })
    }

    /// Versions of the partition of this one, up to a number, newest first; and whether the answer was cut short.
    async fn versions_beside(&self, beside: &Item, up_to: u32, limit: usize) -> Result<(Vec<Version>, bool), Fault> {
        let (names, values) = keys::versions_beside(beside, up_to);
        let query = self.client.query().table_name(&self.tables.programs).key_condition_expression(names);
        let query = query.set_expression_attribute_values(Some(values)).scan_index_forward(false);
        let query = query.limit(i32::try_from(limit).unwrap_or(i32::MAX)).consistent_read(true);
        let found = query.send().await.map_err(Fault::service)?;
        let versions: Vec<_> =
            found.items.unwrap_or_default().into_iter().map(read_version).collect::<Result<_, _>>()?;
        let cut_short = found.last_evaluated_key.is_some() && versions.len() < limit;
        Ok((versions, cut_short))
    }

    /// What the key of a request for a new version was used for, read strongly.
    pub async fn version_key(&self, program: &ProgramName, key: &CommandKey) -> Result<Option<KeyUse>, Fault> {
        let key = keys::version_key(program, key);
        let found = self.get(&self.tables.programs, key.clone(), Consistency::Strong).await?;
        found.map(item::plain).transpose().map_err(|what| corrupt(PROGRAMS, &key, what))
    }
}

/// Takes the item of a key out of those of its partition.
fn take(items: &mut HashMap<String, Item>, key: &Item) -> Option<Item> {
    items.remove(key.get("sk")?.as_s().ok()?)
}

fn read_version(found: Item) -> Result<Version, Fault> {
    let number = keys::version_number(&found);
    let key: Item = ["program", "sk"].iter().filter_map(|name| found.get_key_value(*name)).map(owned).collect();
    let wrong = |what: String| corrupt(PROGRAMS, &key, what);
    let version: Version = item::plain(found).map_err(wrong)?;
    let number = number.ok_or_else(|| wrong("has no number in its key".to_owned()))?;
    Ok(Version { number, ..version })
}

fn owned((name, value): (&String, &AttributeValue)) -> (String, AttributeValue) {
    (name.clone(), value.clone())
}

fn rules_of(version: &Version, key: &Item) -> Result<Program, Fault> {
    let wrong = |what: String| corrupt(PROGRAMS, key, what);
    let document = serde_json::from_str(&version.document).map_err(|e| wrong(e.to_string()))?;
    Program::from_json(&document).map_err(|faults| wrong(format!("{:?}", faults.listed())))
}
