//! Callers of the embedded database, one at a time and in the order in which they asked.
//!
//! A lock would not keep that order: whoever has just given it back takes it again before a thread that slept for it is
//! awake, so that the threads work in turns and never at once. Here a caller that finds nobody before it works where it
//! is, and nothing is handed over. The others wait as tasks, not as threads, while a thread of the line works for them:
//! so their own threads decide and pack what comes next.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use tokio::sync::{Mutex, MutexGuard, oneshot};

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

/// A caller's turn: it came at once, or will come.
pub(crate) struct Turn<T>(oneshot::Receiver<T>);

impl Line {
    /// Does a piece of work when its turn comes: here, if nobody is before it.
    pub(crate) fn take<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Turn<T> {
        let (answer, answered) = oneshot::channel();
        let job = move || {
            // Whoever gave up waiting finds its work done, as with any database.
            let _ = answer.send(work());
        };
        if self.place.waiting.load(Ordering::Relaxed) == 0
            && let Ok(turn) = self.place.turn.try_lock()
        {
            carry_out(job);
            drop(turn);
            return Turn(answered);
        }
        self.place.waiting.fetch_add(1, Ordering::Relaxed);
        let sent = self.jobs.get_or_init(|| self.start()).send(Box::new(job));
        if let Err(mpsc::SendError(job)) = sent {
            // There is no thread for it: nobody holds a turn for longer than its work takes.
            let turn = loop {
                match self.place.turn.try_lock() {
                    Ok(turn) => break turn,
                    Err(_) => std::thread::yield_now(),
                }
            };
            self.place.end(turn, job);
        }
        Turn(answered)
    }

    fn start(&self) -> mpsc::Sender<Job> {
        let (jobs, asked) = mpsc::channel::<Job>();
        let place = Arc::clone(&self.place);
        let work = move || {
            for job in asked {
                place.end(place.turn.blocking_lock(), job);
            }
        };
        let started = std::thread::Builder::new().name("database".to_owned()).spawn(work);
        if let Err(error) = started {
            tracing::error!("the database's thread cannot be started, so callers wait for each other: {error}");
        }
        jobs
    }
}

impl Place {
    /// Does the work of one who has waited.
    fn end(&self, turn: MutexGuard<'_, ()>, job: Job) {
        carry_out(job);
        drop(turn);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who asked for what panics hears that there is no answer; the line goes on.
fn carry_out(job: impl FnOnce()) {
    let _ = std::panic::catch_unwind(AssertUnwindSafe(job));
}

impl<T> Turn<T> {
    /// What came of it, if it is there already.
    pub(crate) fn now(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }

    /// What came of it; `None` where the work panicked.
    pub(crate) async fn done(self) -> Option<T> {
        self.0.await.ok()
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
        for _ in 0..1_000_000 {
            let mut turn = line.take(|| ());
            if turn.now().is_some() {
                return;
            }
            assert_eq!(turn.done().await, Some(()));
        }
        panic!("somebody still counts as waiting");
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
        let at_once: Option<()> = line.take(|| panic!("a test")).done().await;
        assert_eq!((at_once, line.take(|| 3).done().await), (None, Some(3)));
    }

    #[tokio::test]
    async fn without_a_thread_callers_wait_for_each_other_and_nobody_is_lost() {
        let line = Line::default();
        // As where the thread could not be started: nobody listens.
        line.jobs.set(mpsc::channel().0).unwrap();
        let (entered, enter) = mpsc::channel();
        let (leave, left) = mpsc::channel::<()>();
        let first = line.clone();
        let working = std::thread::spawn(move || {
            let _ = first.take(move || {
                entered.send(()).unwrap();
                left.recv().unwrap();
            });
        });
        enter.recv().unwrap();
        let second = line.clone();
        let waiting = std::thread::spawn(move || second.take(|| 2).now());
        while line.place.waiting.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        leave.send(()).unwrap();
        working.join().unwrap();
        assert_eq!(waiting.join().unwrap(), Some(2));
        assert_eq!(line.take(|| 3).now(), Some(3), "and nobody counts as waiting any more");
    }

    #[test]
    fn the_thread_ends_with_the_line() {
        let line = Line::default();
        let place = Arc::downgrade(&line.place);
        let turn = line.place.turn.try_lock().unwrap();
        let later = line.take(|| 1);
        drop(turn);
        assert_eq!(later.0.blocking_recv(), Ok(1));
        drop(line);
        for _ in 0..10_000_000 {
            if place.upgrade().is_none() {
                return;
            }
            std::thread::yield_now();
        }
        panic!("the thread still holds the line's place");
    }
}
