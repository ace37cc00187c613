//! Definitions of state machines, in Amazon's States Language: as much of it as the template's machines use.
//!
//! Anything else is refused when it is read, and so is a name that leads to no state: a deployment would notice only
//! when the machine runs, or never.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// States and where they begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The first state.
    pub start_at: String,
    /// All states by their names.
    pub states: BTreeMap<String, State>,
}

/// One state.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// A function is invoked with the input, and its answer is the output.
    Task(Task),
    /// Each item of a list is carried out by itself; the output is the list of their outputs.
    Map(Map),
    /// Goes on by what the input holds.
    Choice(Choice),
    /// The end.
    Succeed,
}

/// The invocation of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its name, the folder below `functions/`.
    pub function: String,
    /// What is done about errors: the first that fits counts.
    pub retry: Vec<Retry>,
    /// What follows an error that is not tried again: the first that fits counts.
    pub catch: Vec<Catch>,
    /// The state that follows; `None`: the end.
    pub next: Option<String>,
}

/// How an error is tried again.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Retry {
    /// The errors' names; `States.ALL` is any.
    pub error_equals: Vec<String>,
    /// Seconds before the first new try.
    #[serde(default = "one")]
    pub interval_seconds: u32,
    /// Most new tries.
    #[serde(default = "three")]
    pub max_attempts: u32,
    /// What the pause is multiplied with after each.
    #[serde(default = "two")]
    pub backoff_rate: u32,
    /// Longest pause in seconds; `None`: as long as they grow.
    pub max_delay_seconds: Option<u32>,
    /// Whether a pause is drawn anew up to its length.
    #[serde(default)]
    pub jitter_strategy: Jitter,
}

/// Whether pauses differ by chance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Jitter {
    /// Any length up to the whole.
    #[serde(rename = "FULL")]
    Full,
    /// The whole.
    #[default]
    #[serde(rename = "NONE")]
    None,
}

/// Where an execution goes on after an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Catch {
    /// The errors' names; `States.ALL` is any.
    pub error_equals: Vec<String>,
    /// The field of the input that the error is put into.
    pub result: String,
    /// The state that follows.
    pub next: String,
}

fn one() -> u32 {
    1
}

fn two() -> u32 {
    2
}

fn three() -> u32 {
    3
}

/// A list that is carried out item by item.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// The field of the input that holds the list; `None`: the input is the list.
    pub items: Option<String>,
    /// Items under way at once.
    pub max_concurrency: usize,
    /// What is done with each.
    pub processor: Definition,
    /// The field of the input that the outputs are put into; `None`: they are the output.
    pub result: Option<String>,
    /// The state that follows; `None`: the end.
    pub next: Option<String>,
}

/// A fork.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Fields of the input, whether they are to be there, and the state that follows then.
    pub choices: Vec<(String, bool, String)>,
    /// The state that follows otherwise.
    pub default: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawDefinition {
    #[serde(default, rename = "Comment")]
    _comment: String,
    start_at: String,
    states: BTreeMap<String, RawState>,
}

#[derive(Deserialize)]
#[serde(tag = "Type", deny_unknown_fields, rename_all_fields = "PascalCase")]
enum RawState {
    Task {
        #[serde(default, rename = "Comment")]
        _comment: String,
        resource: String,
        #[serde(default)]
        retry: Vec<Retry>,
        #[serde(default)]
        catch: Vec<RawCatch>,
        next: Option<String>,
        #[serde(default)]
        end: bool,
    },
    Map {
        #[serde(default, rename = "Comment")]
        _comment: String,
        items_path: String,
        max_concurrency: usize,
        item_processor: Processor,
        result_path: Option<String>,
        next: Option<String>,
        #[serde(default)]
        end: bool,
    },
    Choice {
        #[serde(default, rename = "Comment")]
        _comment: String,
        choices: Vec<RawChoice>,
        default: String,
    },
    Succeed {
        #[serde(default, rename = "Comment")]
        _comment: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawCatch {
    error_equals: Vec<String>,
    result_path: String,
    next: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Processor {
    #[serde(rename = "ProcessorConfig")]
    _config: ProcessorConfig,
    start_at: String,
    states: BTreeMap<String, RawState>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ProcessorConfig {
    #[serde(rename = "Mode")]
    _mode: Mode,
}

#[derive(Deserialize)]
enum Mode {
    #[serde(rename = "INLINE")]
    Inline,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RawChoice {
    variable: String,
    is_present: bool,
    next: String,
}

impl Definition {
    /// Reads a definition whose `${names}` stand for functions.
    pub fn parse(text: &str, functions: &BTreeMap<String, String>) -> Result<Self, String> {
        let raw: RawDefinition = serde_json::from_str(text).map_err(|error| error.to_string())?;
        definition(raw.start_at, raw.states, functions)
    }

    /// The names of the functions it invokes.
    pub fn functions(&self) -> BTreeSet<&str> {
        let mut all = BTreeSet::new();
        for state in self.states.values() {
            match state {
                State::Task(task) => drop(all.insert(task.function.as_str())),
                State::Map(map) => all.extend(map.processor.functions()),
                State::Choice(_) | State::Succeed => {}
            }
        }
        all
    }
}

fn definition(
    start_at: String,
    raw: BTreeMap<String, RawState>,
    functions: &BTreeMap<String, String>,
) -> Result<Definition, String> {
    let names: BTreeSet<String> = raw.keys().cloned().collect();
    let known = |from: &str, name: &String| {
        if names.contains(name) { Ok(()) } else { Err(format!("{from} names {name:?}, which is no state")) }
    };
    known("StartAt", &start_at)?;
    let mut states = BTreeMap::new();
    for (name, raw) in raw {
        let state = state(&name, raw, functions)?;
        let follow: Vec<&String> = match &state {
            State::Task(task) => task.next.iter().chain(task.catch.iter().map(|catch| &catch.next)).collect(),
            State::Map(map) => map.next.iter().collect(),
            State::Choice(choice) => choice.choices.iter().map(|(.., next)| next).chain([&choice.default]).collect(),
            State::Succeed => Vec::new(),
        };
        follow.into_iter().try_for_each(|next| known(&name, next))?;
        states.insert(name, state);
    }
    Ok(Definition { start_at, states })
}

fn state(name: &str, raw: RawState, functions: &BTreeMap<String, String>) -> Result<State, String> {
    let in_state = |reason: String| format!("{name}: {reason}");
    Ok(match raw {
        RawState::Task { resource, retry, catch, next, end, .. } => {
            let variable = resource.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
            let function = functions.get(variable);
            let function = function.ok_or_else(|| in_state(format!("{resource:?} stands for no function")))?;
            let catch = catch.into_iter().map(|RawCatch { error_equals, result_path, next }| {
                Ok(Catch { error_equals, result: field(&result_path)?, next })
            });
            let catch = catch.collect::<Result<Vec<_>, _>>().map_err(in_state)?;
            check_names("Retry", retry.iter().map(|rule| &rule.error_equals)).map_err(in_state)?;
            check_names("Catch", catch.iter().map(|rule| &rule.error_equals)).map_err(in_state)?;
            State::Task(Task { function: function.clone(), retry, catch, next: follow(next, end).map_err(in_state)? })
        }
        RawState::Map { items_path, max_concurrency, item_processor, result_path, next, end, .. } => State::Map(Map {
            items: Some(items_path)
                .filter(|path| path != "$")
                .map(|path| field(&path))
                .transpose()
                .map_err(in_state)?,
            max_concurrency: Some(max_concurrency)
                .filter(|most| *most > 0)
                .ok_or_else(|| in_state("MaxConcurrency must be at least 1".to_owned()))?,
            processor: definition(item_processor.start_at, item_processor.states, functions).map_err(in_state)?,
            result: result_path.map(|path| field(&path)).transpose().map_err(in_state)?,
            next: follow(next, end).map_err(in_state)?,
        }),
        RawState::Choice { choices, default, .. } => {
            let choice = |raw: RawChoice| Ok((field(&raw.variable)?, raw.is_present, raw.next));
            let choices = choices.into_iter().map(choice).collect::<Result<Vec<_>, _>>().map_err(in_state)?;
            State::Choice(Choice { choices, default })
        }
        RawState::Succeed { .. } => State::Succeed,
    })
}

fn follow(next: Option<String>, end: bool) -> Result<Option<String>, String> {
    if next.is_some() == end { Err("must have either Next or End".to_owned()) } else { Ok(next) }
}

/// The field that a path such as `$.cursor` names.
fn field(path: &str) -> Result<String, String> {
    let name = path.strip_prefix("$.").unwrap_or_default();
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word { Ok(name.to_owned()) } else { Err(format!("{path:?} is no path to a field such as $.cursor")) }
}

/// `States.ALL` is the only name of its own kind, and stands alone and last.
fn check_names<'a>(of: &str, rules: impl ExactSizeIterator<Item = &'a Vec<String>>) -> Result<(), String> {
    let count = rules.len();
    for (index, names) in rules.enumerate() {
        let all = names.iter().any(|name| name == "States.ALL");
        let last = index.saturating_add(1) == count;
        if names.is_empty() || all && !(last && names.len() == 1) {
            return Err(format!("States.ALL must stand alone in the last {of}, and no {of} be empty"));
        }
        if let Some(unknown) = names.iter().find(|name| name.starts_with("States.") && !all) {
            return Err(format!("{unknown} is not understood in {of}; known: States.ALL, and errors of functions"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::DEFINITIONS;

    const SWEEP: &str = DEFINITIONS[0].1;

    fn functions() -> BTreeMap<String, String> {
        [("Function".to_owned(), "discount-expiry".to_owned())].into()
    }

    #[test]
    fn the_machines_own_definition_is_understood() {
        let definition = Definition::parse(SWEEP, &functions()).unwrap();
        assert_eq!(definition.start_at, "Plan");
        let State::Map(stages) = &definition.states["Stages"] else { panic!("{definition:?}") };
        let field = || Some("stages".to_owned());
        assert_eq!((stages.items.clone(), stages.result.clone(), stages.max_concurrency), (field(), field(), 1));
        let State::Map(tasks) = &stages.processor.states["Tasks"] else { panic!("{stages:?}") };
        assert_eq!((&tasks.items, &tasks.result, tasks.max_concurrency), (&None, &None, 8));
        let State::Task(walk) = &tasks.processor.states["Walk"] else { panic!("{tasks:?}") };
        let rule = &walk.retry[1];
        assert_eq!((rule.max_delay_seconds, rule.jitter_strategy), (Some(120), Jitter::Full));
        let caught: Vec<_> = walk.catch.iter().map(|catch| (catch.result.as_str(), catch.next.as_str())).collect();
        assert_eq!(caught, [("failure", "Failed"), ("failure", "LastTry")]);
        assert_eq!(definition.functions(), ["discount-expiry"].into());
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (old, new, reason) in [
            ("\"StartAt\": \"Plan\"", "\"StartAt\": \"Plann\"", "StartAt names \"Plann\", which is no state"),
            ("\"StartAt\": \"Walk\"", "\"StartAt\": \"Work\"", "Stages: Tasks: StartAt names \"Work\""),
            ("\"Next\": \"Stages\"", "\"Next\": \"Stage\"", "Plan names \"Stage\", which is no state"),
            ("\"Default\": \"Done\"", "\"Default\": \"Dne\"", "IsMoreLeft names \"Dne\""),
            ("true, \"Next\": \"Walk\"", "true, \"Next\": \"Plan\"", "IsMoreLeft names \"Plan\", which is no state"),
            ("\"Next\": \"LastTry\"", "\"Next\": \"LastTyr\"", "Walk names \"LastTyr\", which is no state"),
            ("\"Next\": \"Stages\"", "\"Next\": \"Stages\", \"End\": true", "either Next or End"),
            ("\"Next\": \"Stages\"", "\"ResultPath\": \"$.x\", \"Next\": \"Stages\"", "unknown field `ResultPath`"),
            ("\"$.failure\"", "\"$\"", "no path to a field"),
            ("\"ResultPath\": \"$.stages\"", "\"ResultPath\": \"$.plan.stages\"", "no path to a field"),
            ("\"ResultPath\": \"$.failure\", ", "", "missing field `ResultPath`"),
            ("\"FULL\"", "\"SOME\"", "unknown variant `SOME`"),
            ("\"Type\": \"Succeed\"", "\"Type\": \"Wait\"", "unknown variant `Wait`"),
            ("${Function}", "${Functoin}", "\"${Functoin}\" stands for no function"),
            ("${Function}", "arn:aws:states:::lambda:invoke", "stands for no function"),
            ("INLINE", "DISTRIBUTED", "unknown variant `DISTRIBUTED`"),
            ("\"ItemsPath\": \"$.stages\"", "\"ItemsPath\": \"$.plan.stages\"", "no path to a field"),
            ("\"MaxConcurrency\": 8", "\"MaxConcurrency\": 0", "at least 1"),
            ("IsPresent", "IsNull", "unknown field `IsNull`"),
            ("[\"BadTask\"], \"MaxA", "[\"States.ALL\"], \"MaxA", "must stand alone in the last Retry"),
            ("[\"BadTask\"], \"MaxA", "[\"States.Timeout\"], \"MaxA", "States.Timeout is not understood in Retry"),
            ("[\"BadTask\"], \"Res", "[\"States.ALL\"], \"Res", "must stand alone in the last Catch"),
        ] {
            assert!(SWEEP.contains(old), "{old}");
            let refused = Definition::parse(&SWEEP.replacen(old, new, 1), &functions()).unwrap_err();
            assert!(refused.contains(reason), "{old} → {new}: {refused}");
        }
    }
}
