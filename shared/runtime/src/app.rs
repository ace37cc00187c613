//! What a function holds between invocations.

use crate::bus::Bus;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Fault;
use crate::patience::Patience;
use crate::queue::Queue;
use domain::code::Secrets;
use domain::schedule::Schedule;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use store::Store;
use store::aws_sdk_dynamodb::Client;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// No decision is made on a schedule read longer ago than this; activation waits twice as long.
const SCHEDULE_AGE_MAX: Duration = Duration::from_secs(60);

/// A function's store, program and clock, and its own queue or bus where it has one. Cheap to clone; clones share the
/// cached program.
#[derive(Clone)]
pub struct App {
    shared: Arc<Shared>,
    clock: Clock,
    queue: Option<Queue>,
    bus: Option<Bus>,
    patience: Patience,
}

struct Shared {
    store: Store,
    config: Config,
    schedule: Mutex<Option<(ReadAt, Arc<Schedule>)>>,
}

/// When something was read, by both clocks: while a sandbox is frozen the steady one may stand still, and the wall
/// clock may be set back.
#[derive(Clone, Copy)]
struct ReadAt {
    steady: Instant,
    wall: SystemTime,
}

impl ReadAt {
    fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    fn is_recent(&self) -> bool {
        let by_wall = self.wall.elapsed().is_ok_and(|age| age < SCHEDULE_AGE_MAX);
        by_wall && self.steady.elapsed() < SCHEDULE_AGE_MAX
    }
}

impl App {
    /// An app over a client.
    pub fn new(config: Config, client: Client, clock: Clock) -> Self {
        let store = Store::new(client, config.tables.clone());
        let shared = Arc::new(Shared { store, config, schedule: Mutex::new(None) });
        Self { shared, clock, queue: None, bus: None, patience: Patience::default() }
    }

    /// The same app with another clock.
    pub fn with_clock(&self, clock: Clock) -> Self {
        Self { clock, ..self.clone() }
    }

    /// The same app with a queue of its own.
    #[must_use]
    pub fn with_queue(self, queue: Queue) -> Self {
        Self { queue: Some(queue), ..self }
    }

    /// The same app with a bus to put events on.
    #[must_use]
    pub fn with_bus(self, bus: Bus) -> Self {
        Self { bus: Some(bus), ..self }
    }

    /// The same app with other patience.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// The function's own queue.
    pub fn queue(&self) -> Result<&Queue, Fault> {
        self.queue.as_ref().ok_or(Fault::NoQueue)
    }

    /// The bus that events are put on.
    pub fn bus(&self) -> Result<&Bus, Fault> {
        self.bus.as_ref().ok_or(Fault::NoBus)
    }

    /// How long an invocation works on.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// The tables.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The secrets that codes and claims are made with.
    pub fn secrets(&self) -> &Secrets {
        &self.shared.config.secrets
    }

    /// The program's versions, read again (strongly) when the last read is too old to decide on.
    pub async fn schedule(&self) -> Result<Arc<Schedule>, Fault> {
        let mut cached = self.shared.schedule.lock().await;
        if let Some((_, schedule)) = cached.as_ref().filter(|(read, _)| read.is_recent()) {
            return Ok(schedule.clone());
        }
        let name = &self.shared.config.program;
        let asked = ReadAt::now();
        let schedule = self.shared.store.schedule(name).await?;
        let schedule = Arc::new(schedule.ok_or_else(|| Fault::NoProgram(name.to_string()))?);
        *cached = Some((asked, schedule.clone()));
        Ok(schedule)
    }

    /// Forgets the cached schedule, so that the next decision reads it again: for whoever has just activated a version.
    pub async fn forget_schedule(&self) {
        *self.shared.schedule.lock().await = None;
    }
}
