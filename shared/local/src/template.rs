//! `template.yaml` as typed values: what the local cloud builds itself from.
//!
//! Reading is strict. A deployment quietly ignores a misspelt key, and so would a lenient reader here: a route would
//! be missing in one place only. So whatever is not understood is a [`Fault`] with its path in the document, and all
//! of them are reported at once. Keys that matter only in AWS stand in explicit lists, one per type of resource.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use domain::time::Calendar;

pub use definition::{Catch, Choice, Definition, Jitter, Map, Retry, State, Task};
pub use route::Path;
pub use rule::{FieldPattern, Rule, Target};
pub use schedule::Schedule;

mod definition;
mod read;
mod references;
mod resources;
mod route;
mod rule;
mod schedule;
mod stream;
#[cfg(test)]
mod tests;
mod timer;
mod watch;

/// The template that this program was built with.
pub const TEXT: &str = include_str!("../../../template.yaml");

/// The definitions of state machines that the template names, by their paths.
pub const DEFINITIONS: [(&str, &str); 2] = [
    ("functions/discount-expiry/sweep.asl.json", include_str!("../../../functions/discount-expiry/sweep.asl.json")),
    ("functions/metric-rollup/rollup.asl.json", include_str!("../../../functions/metric-rollup/rollup.asl.json")),
];

/// Everything the template defines, as far as the local cloud acts on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// What a deployment may choose, by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// The functions, in the order of the document.
    pub functions: Vec<Function>,
    /// The tables, in the order of the document.
    pub tables: Vec<Table>,
    /// The queues, dead-letter queues among them.
    pub queues: Vec<Queue>,
    /// The buses, by their logical ids.
    pub buses: Vec<String>,
    /// What carries events from the bus into queues.
    pub rules: Vec<Rule>,
    /// The state machines, in the order of the document.
    pub machines: Vec<Machine>,
    /// What is announced when it happens, in the order of the document.
    pub alarms: Vec<Alarm>,
    /// What a person looks at.
    pub dashboards: Vec<Dashboard>,
}

/// One choice of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its value where nobody chooses; `None` means that somebody has to.
    pub default: Option<String>,
    /// The values it may have; empty means any.
    pub allowed: Vec<String>,
}

/// A Lambda function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its logical id.
    pub id: String,
    /// The folder below `functions/`, which is also the name of its package.
    pub name: String,
    /// Its variables, before parameters and table names are filled in.
    pub environment: BTreeMap<String, Text>,
    /// The requests it answers.
    pub routes: Vec<Route>,
    /// The queues it consumes.
    pub queues: Vec<QueueSource>,
    /// The streams it consumes.
    pub streams: Vec<StreamSource>,
    /// Seconds one invocation may take.
    pub timeout_s: u64,
    /// Its memory.
    pub memory_mb: u64,
}

/// One request a function answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The HTTP method, in capitals.
    pub method: String,
    /// The path with its parameters.
    pub path: Path,
    /// Whether whoever likes to may send it, without a token.
    pub is_open: bool,
}

/// One queue a function consumes.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSource {
    /// Logical id of the queue.
    pub queue: String,
    /// Most messages per invocation.
    pub batch_size: usize,
    /// Whether the function names the messages that failed; otherwise a batch succeeds or fails as one.
    pub reports_failures: bool,
}

/// One table's stream that a function consumes.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSource {
    /// Logical id of the table.
    pub table: String,
    /// Which records it is handed.
    pub pattern: StreamPattern,
    /// Most records per invocation.
    pub batch_size: usize,
    /// Whether the function names the records that failed; otherwise a batch succeeds or fails as one.
    pub reports_failures: bool,
    /// Whether a batch that fails is halved.
    pub bisects: bool,
    /// How often a record that fails is tried again.
    pub retries_max: u64,
    /// Seconds after which one is not tried again.
    pub age_s_max: u64,
    /// Logical id of the queue that is told of those that were given up.
    pub dead_letters: String,
}

/// Which records of a stream a function is handed: these events, of items whose sort key begins so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPattern {
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub events: Vec<String>,
    /// The attribute of the key.
    pub attribute: String,
    /// How its text begins.
    pub prefix: String,
}

/// A DynamoDB table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its logical id, such as `AccountsTable`.
    pub id: String,
    /// Its name here: the id without `Table`, in lower case.
    pub name: String,
    /// Its key.
    pub key: Key,
    /// Type of each key attribute: `S`, `N` or `B`.
    pub attributes: BTreeMap<String, String>,
    /// Its global secondary indexes.
    pub indexes: Vec<Index>,
    /// What a record of its stream holds, if it has one.
    pub stream: Option<String>,
}

/// The key of a table or index, as attribute names.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// The partition key.
    pub hash: String,
    /// The sort key.
    pub range: Option<String>,
}

/// A global secondary index.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: Key,
    /// `KEYS_ONLY` or `ALL`.
    pub projection: String,
}

/// An SQS queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// Its logical id.
    pub id: String,
    /// Seconds a received message stays hidden.
    pub visibility_timeout_s: u64,
    /// Where a message goes that keeps failing.
    pub redrive: Option<Redrive>,
}

/// When a queue gives a message up.
#[derive(Debug, Clone, PartialEq)]
pub struct Redrive {
    /// Logical id of the dead-letter queue.
    pub queue: String,
    /// How often a message is received before that.
    pub max_receive_count: u64,
}

/// A state machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Its logical id.
    pub id: String,
    /// What it does.
    pub definition: Arc<Definition>,
    /// When it runs.
    pub timers: Vec<Timer>,
}

/// One schedule of a state machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Timer {
    /// When.
    pub schedule: Schedule,
    /// The time zone that is meant, before parameters are filled in.
    pub zone: Text,
    /// What it is started with.
    pub input: serde_json::Value,
}

/// An alarm. Nothing here raises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its logical id.
    pub id: String,
    /// What it watches.
    pub measured: Measured,
}

/// A metric, and what it is measured of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Whose metric it is.
    pub namespace: String,
    /// Its name.
    pub metric: String,
    /// Names of dimensions and the logical ids that are their values.
    pub dimensions: Vec<(String, String)>,
}

/// A dashboard. Nothing here shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    /// Its logical id.
    pub id: String,
    /// All that it shows.
    pub shown: Vec<Measured>,
}

/// The value of a variable, or the time zone of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub enum Text {
    /// As it stands.
    Literal(String),
    /// What a parameter holds, a table or a bus is called, or where a queue is.
    Ref(String),
}

/// One thing about the template that is not understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Where it stands, such as `Resources.Api.Properties.Auht`.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// All that is not understood about a template.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the template has {} fault(s):", self.0.len())?;
        self.0.iter().try_for_each(|Fault { path, reason }| write!(f, "\n  {path}: {reason}"))
    }
}

impl Template {
    /// The template that this program was built with, for the functions it was built with.
    pub fn embedded() -> Result<Self, Faults> {
        Self::parse(TEXT, &crate::cloud::function_names())
    }

    /// Reads a template whose functions are to be exactly `handlers`.
    pub fn parse(text: &str, handlers: &[&str]) -> Result<Self, Faults> {
        let document = serde_yaml_ng::from_str(text)
            .map_err(|error| Faults(vec![Fault { path: "document".into(), reason: error.to_string() }]))?;
        resources::template(&document, handlers)
    }

    /// The variables of a function, with `chosen` parameters and with tables called by `prefix` and their name.
    pub fn environment(
        &self,
        function: &Function,
        chosen: &BTreeMap<String, String>,
        prefix: &str,
    ) -> Result<BTreeMap<String, String>, Faults> {
        let mut faults = Vec::new();
        let mut variables = BTreeMap::new();
        for (name, text) in &function.environment {
            match self.resolve(text, chosen, prefix) {
                Ok(value) => drop(variables.insert(name.clone(), value)),
                Err(reason) => faults.push(Fault { path: format!("{}: {name}", function.id), reason }),
            }
        }
        if faults.is_empty() { Ok(variables) } else { Err(Faults(faults)) }
    }

    /// The calendar of a timer of a machine, with `chosen` parameters.
    pub fn calendar(
        &self,
        machine: &Machine,
        timer: &Timer,
        chosen: &BTreeMap<String, String>,
    ) -> Result<Calendar, Faults> {
        let zone = self.resolve(&timer.zone, chosen, "");
        let calendar = zone.and_then(|zone| Calendar::of(&zone).ok_or_else(|| format!("{zone:?} is no time zone")));
        calendar.map_err(|reason| Faults(vec![Fault { path: machine.id.clone(), reason }]))
    }

    fn resolve(&self, text: &Text, chosen: &BTreeMap<String, String>, prefix: &str) -> Result<String, String> {
        let name = match text {
            Text::Literal(value) => return Ok(value.clone()),
            Text::Ref(name) => name,
        };
        if let Some(table) = self.tables.iter().find(|table| table.id == *name) {
            return Ok(format!("{prefix}{}", table.name));
        }
        if self.buses.contains(name) {
            return Ok(name.clone());
        }
        if self.queue(name).is_some() {
            return Ok(crate::queue::sqs::url(name));
        }
        let parameter = self.parameters.get(name).ok_or_else(|| format!("{name} has no value here"))?;
        let value = chosen.get(name).or(parameter.default.as_ref());
        let value = value.ok_or_else(|| format!("parameter {name} has no default and was not chosen"))?;
        if parameter.allowed.is_empty() || parameter.allowed.contains(value) {
            Ok(value.clone())
        } else {
            Err(format!("parameter {name} is {value:?} but may only be one of {:?}", parameter.allowed))
        }
    }

    /// The variable by which functions are told what a table is called.
    pub fn variable_of(&self, table: &Table) -> Option<&str> {
        let all = self.functions.iter().flat_map(|function| &function.environment);
        let named = Text::Ref(table.id.clone());
        all.into_iter().find(|(_, text)| **text == named).map(|(name, _)| name.as_str())
    }

    /// The queue with this logical id.
    pub fn queue(&self, id: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.id == id)
    }
}
