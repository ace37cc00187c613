//! State machines and their schedules, as Step Functions and EventBridge run them: the template's own definitions,
//! executed over the functions of this cloud.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::time::{Calendar, Instant};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::cloud::{Cloud, InvokeError, wall_clock};
use crate::rollup;
use crate::template::{Definition, Faults, Jitter, Map, Retry, State, Task, Template, Timer};

/// How often the schedules are looked at. A machine that slept over several times of one schedule runs once.
const TICK: Duration = Duration::from_secs(20);

/// Why an execution came to no end of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// There is no such machine.
    #[error("there is no state machine {0}")]
    Unknown(String),
    /// A state's input is not what the state needs.
    #[error("{0}: the input has no list of items")]
    NoList(String),
    /// A state's result has no place in its input.
    #[error("{0}: the input has no fields to put a result into")]
    NoFields(String),
    /// A function failed, after all tries.
    #[error("{state}: {cause}")]
    Failed {
        /// The state.
        state: String,
        /// The error's name.
        error: String,
        /// What the function said.
        cause: String,
    },
    /// An item's own task ended without an answer.
    #[error("{0}: an item was not carried out")]
    Lost(String),
}

/// What starts a machine by itself: one of its schedules, in the time zone chosen for it.
pub(crate) struct Start {
    machine: String,
    /// Whether it counts nights.
    is_of_nights: bool,
    timer: Timer,
    calendar: Calendar,
}

/// The starts of all machines of a template, with `chosen` parameters.
pub(crate) fn starts(template: &Template, chosen: &BTreeMap<String, String>) -> Result<Vec<Start>, Faults> {
    let timers = template.machines.iter().flat_map(|machine| machine.timers.iter().map(move |timer| (machine, timer)));
    let start = |(machine, timer)| {
        let calendar = template.calendar(machine, timer, chosen)?;
        let is_of_nights = machine.definition.functions().contains(rollup::FUNCTION);
        Ok(Start { machine: machine.id.clone(), is_of_nights, timer: timer.clone(), calendar })
    };
    timers.map(start).collect()
}

impl Start {
    /// Whether it counts nights.
    pub(crate) const fn is_of_nights(&self) -> bool {
        self.is_of_nights
    }

    /// Its first time after an instant.
    fn next(&self, after: Instant) -> Option<Instant> {
        self.timer.schedule.next(&self.calendar, after)
    }
}

type Output<'a> = Pin<Box<dyn Future<Output = Result<Value, ExecutionError>> + Send + 'a>>;

impl Cloud {
    /// Executes a state machine of the template by its logical id; answers its output.
    pub async fn execute(self: &Arc<Self>, machine: &str, input: Value) -> Result<Value, ExecutionError> {
        let unknown = || ExecutionError::Unknown(machine.to_owned());
        let machine = self.template().machines.iter().find(|known| known.id == machine).ok_or_else(unknown)?;
        run(Arc::clone(self), machine.definition.clone(), input).await
    }

    /// Runs every machine whose schedule has a time after `since` and not after `until`, in the order of those times.
    pub async fn fire(self: &Arc<Self>, since: Instant, until: Instant) {
        self.fire_those(since, until, |_| true).await;
    }

    async fn fire_those(self: &Arc<Self>, since: Instant, until: Instant, wanted: impl Fn(&Start) -> bool) {
        let due = |start: &Start| start.next(since).filter(|at| *at <= until);
        let starts = self.starts().iter().filter(|start| wanted(start));
        let mut starts: Vec<_> = starts.filter_map(|start| Some((due(start)?, start))).collect();
        starts.sort_by_key(|(at, _)| *at);
        for (at, Start { machine: id, timer, .. }) in starts {
            match self.execute(id, timer.input.clone()).await {
                Ok(_) => info!(machine = id, "{id} ran, as scheduled for {at}"),
                Err(failure) => error!(machine = id, "{id}, scheduled for {at}, failed: {failure}"),
            }
        }
    }

    /// Runs the machines by their schedules until `stop` resolves; one that is under way is finished. What was missed
    /// in the day before is made up for at once: a laptop is rarely on at night.
    pub async fn run_schedules(self: &Arc<Self>, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut since = wall_clock();
        self.make_up(since).await;
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = tokio::time::sleep(TICK) => {}
            }
            let until = wall_clock();
            self.fire(since, until).await;
            since = until;
        }
    }

    /// Runs what was missed in the day before; but a night that was counted is not counted again, now that accounts have
    /// moved on.
    async fn make_up(self: &Arc<Self>, until: Instant) {
        let is_counted = self.last_night_is_counted().await;
        self.fire_those(until.plus_ms(-Instant::DAY_MS), until, |start| !(is_counted && start.is_of_nights)).await;
    }

    /// Whether the night of yesterday was counted, in the program's time zone.
    pub async fn last_night_is_counted(&self) -> bool {
        let Some(app) = self.app("metrics") else { return false };
        let (newest, schedule) = (metrics::newest_night(app).await, app.schedule().await);
        let (Ok(Some(newest)), Ok(schedule)) = (newest, schedule) else { return false };
        let now = app.clock().now();
        newest >= schedule.at(now).program.calendar.day(now).plus(-1)
    }
}

fn run<'a>(cloud: Arc<Cloud>, definition: Arc<Definition>, input: Value) -> Output<'a> {
    Box::pin(async move {
        let mut at = definition.start_at.clone();
        let mut data = input;
        loop {
            // Every name leads to a state: that was checked when the definition was read.
            let Some(state) = definition.states.get(&at) else { return Ok(data) };
            let next = match state {
                State::Task(task) => match invoke(&cloud, &at, task, &data).await {
                    Ok(answer) => {
                        data = answer;
                        task.next.clone()
                    }
                    Err(failure) => {
                        let Some(catch) = task.catch.iter().find(|catch| names(&catch.error_equals, failure.error))
                        else {
                            return Err(failure.of(&at));
                        };
                        let error = json!({"Error": failure.error, "Cause": failure.cause});
                        data = put(&at, data, &catch.result, error)?;
                        Some(catch.next.clone())
                    }
                },
                State::Map(map) => {
                    let outputs = each(&cloud, &at, map, &data).await?;
                    data = match &map.result {
                        Some(field) => put(&at, data, field, outputs)?,
                        None => outputs,
                    };
                    map.next.clone()
                }
                State::Choice(choice) => {
                    let fits = |(field, present, _): &&(String, bool, String)| data.get(field).is_some() == *present;
                    Some(choice.choices.iter().find(fits).map_or(&choice.default, |(.., next)| next).clone())
                }
                State::Succeed => None,
            };
            match next {
                Some(next) => at = next,
                None => return Ok(data),
            }
        }
    })
}

/// How a function failed, after all tries.
struct Failed {
    error: &'static str,
    cause: String,
}

impl Failed {
    fn of(self, state: &str) -> ExecutionError {
        ExecutionError::Failed { state: state.to_owned(), error: self.error.to_owned(), cause: self.cause }
    }
}

/// Whether a rule for these errors is one for this.
fn names(error_equals: &[String], error: &str) -> bool {
    error_equals.iter().any(|name| name == error || name == "States.ALL")
}

/// The input with a result in one of its fields.
fn put(state: &str, mut input: Value, field: &str, result: Value) -> Result<Value, ExecutionError> {
    let fields = input.as_object_mut().ok_or_else(|| ExecutionError::NoFields(state.to_owned()))?;
    fields.insert(field.to_owned(), result);
    Ok(input)
}

async fn invoke(cloud: &Cloud, state: &str, task: &Task, input: &Value) -> Result<Value, Failed> {
    // How often each rule was used.
    let mut used = vec![0_u32; task.retry.len()];
    loop {
        let failure = match cloud.invoke(&task.function, input.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let error = error_name(&failure);
        let rule = task.retry.iter().zip(&mut used).find(|(rule, _)| names(&rule.error_equals, error));
        let Some((rule, used)) = rule.filter(|(rule, used)| **used < rule.max_attempts) else {
            return Err(Failed { error, cause: failure.to_string() });
        };
        warn!(state, "{state} failed and is tried again: {failure}");
        tokio::time::sleep(pause(cloud.retry_delay(), rule, *used)).await;
        *used = used.saturating_add(1);
    }
}

/// How long a state rests after its failure number `used`, from 0. The pauses of a laptop: `first` stands for the
/// definition's first one, which is a cloud's, and they grow as the definition says.
fn pause(first: Duration, rule: &Retry, used: u32) -> Duration {
    let whole = first.saturating_mul(rule.backoff_rate.saturating_pow(used));
    let most = rule.max_delay_seconds.map(|most| first.saturating_mul(most.div_ceil(rule.interval_seconds.max(1))));
    let whole = whole.min(most.unwrap_or(Duration::MAX));
    match rule.jitter_strategy {
        Jitter::None => whole,
        Jitter::Full => Duration::from_millis(fastrand::u64(0..=u64::try_from(whole.as_millis()).unwrap_or(u64::MAX))),
    }
}

/// The name of an error, as it reaches a state machine.
fn error_name(failure: &InvokeError) -> &'static str {
    match failure {
        InvokeError::Fault(fault) => fault.kind(),
        InvokeError::Unknown(_) => "Lambda.ResourceNotFoundException",
        InvokeError::Panicked => "Lambda.Unknown",
    }
}

/// Carries the items out, some at once; their outputs in the order of the items.
async fn each(cloud: &Arc<Cloud>, state: &str, map: &Map, input: &Value) -> Result<Value, ExecutionError> {
    let items = map.items.as_ref().map_or(Some(input), |field| input.get(field));
    let items = items.and_then(Value::as_array).ok_or_else(|| ExecutionError::NoList(state.to_owned()))?.clone();
    let processor = Arc::new(map.processor.clone());
    let mut outputs = vec![Value::Null; items.len()];
    let mut waiting = items.into_iter().enumerate();
    let mut running = JoinSet::new();
    loop {
        while running.len() < map.max_concurrency
            && let Some((index, item)) = waiting.next()
        {
            let output = run(Arc::clone(cloud), Arc::clone(&processor), item);
            running.spawn(async move { output.await.map(|output| (index, output)) });
        }
        let Some(joined) = running.join_next().await else { return Ok(Value::Array(outputs)) };
        let (index, output) = joined.map_err(|_| ExecutionError::Lost(state.to_owned()))??;
        if let Some(place) = outputs.get_mut(index) {
            *place = output;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::cloud::{Options, Storage};
    use domain::time::Day;
    use dynoxide::Database;

    use super::*;

    /// The revision of the newest night, if there is one.
    async fn newest_revision(cloud: &Cloud) -> Option<u32> {
        let app = cloud.app("metrics").unwrap();
        let day = metrics::newest_night(app).await.unwrap()?;
        Some(metrics::night(app, day).await.unwrap().begun.revision)
    }

    #[tokio::test]
    async fn a_night_is_made_up_for_once() {
        let client = crate::connector::client(&Database::memory().unwrap());
        let open = async |counts_nights: bool| {
            let storage = Storage::Endpoint { client: client.clone(), prefix: String::new() };
            let options = Options { counts_nights, ..Options::new(storage) };
            Arc::new(Cloud::open(options).await.unwrap())
        };
        let cloud = open(false).await;
        crate::program::ensure(cloud.app("program").unwrap()).await.unwrap();
        cloud.run_schedules(std::future::ready(())).await;
        assert_eq!((cloud.counts_nights(), newest_revision(&cloud).await), (false, None));
        let cloud = open(true).await;
        assert!(!cloud.last_night_is_counted().await);
        cloud.run_schedules(std::future::ready(())).await;
        assert_eq!((cloud.last_night_is_counted().await, newest_revision(&cloud).await), (true, Some(1)));
        // Started again: accounts have moved on, and what was counted stands.
        open(true).await.run_schedules(std::future::ready(())).await;
        assert_eq!(newest_revision(&cloud).await, Some(1));
    }

    #[test]
    fn a_night_is_counted_after_its_midnight_and_before_any_sweep() {
        let template = Template::embedded().unwrap();
        for zone in ["Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kathmandu"] {
            let chosen = BTreeMap::from([("TimeZone".to_owned(), zone.to_owned())]);
            let starts = starts(&template, &chosen).unwrap();
            for day in ["2026-01-01", "2026-04-01", "2026-08-01", "2026-11-01"] {
                let midnight = Calendar::of(zone).unwrap().start_of_day(Day::parse(day).unwrap());
                let next = |id| starts.iter().find(|start| start.machine == id).unwrap().next(midnight).unwrap();
                let night = next("NightlyRollup");
                assert_eq!(night, midnight.plus_ms(5 * 60_000), "{day} in {zone}");
                assert!(night < next("ExpirySweep").min(next("ReviewSweep")), "{day} in {zone}");
            }
        }
    }
}
