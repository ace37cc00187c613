//! Callers of the embedded database, one at a time and in the order in which they asked.
//!
//! A lock would not keep that order: whoever has just given it back takes it again before a thread that slept for it is
//! awake, so that the threads work in turns and never at once. Here a caller that finds nobody before it works where it
//! is, and nothing is handed over. The others wait as tasks, not as threads, while a thread of the line works for them:
//! so their own threads decide and pack what comes next.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use tokio::sync::{Mutex, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// A line of callers. Clones are the same line; its thread ends with the last of them.
#[derive(Clone, Default)]
pub(crate) struct Line {
    place: Arc<Place>,
    jobs: Arc<OnceLock<mpsc::Sender<Job>>>,
}

#[derive(Default)]
struct Place {
    /// Held by who works.
    turn: Mutex<()>,
    /// How many wait.
    waiting: AtomicUsize,
}

/// A caller's turn.
pub(crate) enum Turn<T> {
    /// It came at once, and this is what came of it.
    Now(T),
    /// It will come.
    Later(oneshot::Receiver<T>),
}

impl Line {
    /// Does a piece of work when its turn comes: here, if nobody is before it.
    pub(crate) fn take<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Turn<T> {
        if self.place.waiting.load(Ordering::Relaxed) == 0
            && let Ok(_turn) = self.place.turn.try_lock()
        {
            return Turn::Now(work());
        }
        let (answer, answered) = oneshot::channel();
        self.place.waiting.fetch_add(1, Ordering::Relaxed);
        // Whoever gave up waiting finds its work done, as with any database. A line without a thread answers nobody.
        let _ = self.jobs.get_or_init(|| self.start()).send(Box::new(move || {
            let _ = answer.send(work());
        }));
        Turn::Later(answered)
    }

    fn start(&self) -> mpsc::Sender<Job> {
        let (jobs, asked) = mpsc::channel::<Job>();
        let place = Arc::clone(&self.place);
        let work = move || {
            for job in asked {
                let turn = place.turn.blocking_lock();
                // Who asked for what panics hears that there is no answer; the line goes on.
                let _ = std::panic::catch_unwind(AssertUnwindSafe(job));
                drop(turn);
                place.waiting.fetch_sub(1, Ordering::Relaxed);
            }
        };
        let started = std::thread::Builder::new().name("database".to_owned()).spawn(work);
        if let Err(error) = started {
            tracing::error!("the database's thread cannot be started: {error}");
        }
        jobs
    }
}

impl<T> Turn<T> {
    /// What came of it; `None` where the work panicked.
    pub(crate) async fn done(self) -> Option<T> {
        match self {
            Self::Now(answer) => Some(answer),
            Self::Later(answered) => answered.await.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::task::JoinSet;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_works_beside_another_and_everybody_is_answered() {
        let (line, inside) = (Line::default(), Arc::new(AtomicUsize::new(0)));
        let mut callers = JoinSet::new();
        for number in 0..200_usize {
            let (line, inside) = (line.clone(), Arc::clone(&inside));
            callers.spawn(async move {
                let work = move || {
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                    number
                };
                assert_eq!(line.take(work).done().await, Some(number));
            });
        }
        while let Some(ended) = callers.join_next().await {
            ended.unwrap();
        }
        // The line's thread leaves its place right after its last answer.
        while let later @ Turn::Later(_) = line.take(|| ()) {
            assert_eq!(later.done().await, Some(()));
        }
    }

    #[tokio::test]
    async fn who_waits_is_served_in_order_and_a_panic_is_nobody_elses() {
        let line = Line::default();
        let held = line.place.turn.lock().await;
        let served = Arc::new(std::sync::Mutex::new(Vec::new()));
        let note = |number| {
            let served = Arc::clone(&served);
            line.take(move || served.lock().unwrap().push(number))
        };
        let (first, broken, last) = (note(1), line.take(|| panic!("a test")), note(2));
        assert_eq!(*served.lock().unwrap(), [0; 0], "nobody is served while another works");
        drop(held);
        assert_eq!(tokio::time::timeout(Duration::from_secs(60), last.done()).await.unwrap(), Some(()));
        let broken: Option<()> = broken.done().await;
        assert_eq!((first.done().await, broken), (Some(()), None));
        assert_eq!(*served.lock().unwrap(), [1, 2]);
    }
}
