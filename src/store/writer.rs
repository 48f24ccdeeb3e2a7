//! The one thread that writes. It takes what waits, commits it as one group and then answers each caller.
//!
//! A group is one `BEGIN IMMEDIATE`, each change in it has a savepoint of its own, and nobody is told of success before COMMIT has returned. One disk
//! flush so pays for many writes, and a change that fails takes none of its neighbours with it.

use std::io;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::connection::BUSY_TIMEOUT;
use super::{StoreError, indexing};
use crate::sync::lock;

/// Changes that may wait. Who comes later waits for a place, which is how the store slows its callers down.
const QUEUE: usize = 1_024;
/// Most changes in one commit.
const GROUP: usize = 64;

/// How long folding the log waits for those who read in it.
const FOLD_TIMEOUT: Duration = Duration::from_millis(200);

/// Tells the caller how the change went; `Some` where the commit itself failed.
type Answer = Box<dyn FnOnce(Option<StoreError>) + Send>;
enum Job {
    Change(Change),
    /// Fold the log into the file.
    Fold(oneshot::Sender<Result<(), StoreError>>),
}

/// Runs a change and says whether it is to be kept. Given an error instead of a connection, it only passes that on.
type Change = Box<dyn FnOnce(Result<&Connection, StoreError>) -> (bool, Answer) + Send>;

pub(super) struct Writer {
    /// Gone once stopped.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new()
            .name("maia-writer".into())
            .spawn(move || run(connection, jobs))?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let queue = lock(&self.queue).clone().ok_or(StoreError::Closed)?;
        let (sender, receiver) = oneshot::channel();
        let change: Change = Box::new(move |connection| {
            let result = connection.and_then(|connection| change(connection).map_err(StoreError::from));
            let keep = result.is_ok();
            // A caller that has gone away does not hear of it; its change stands all the same.
            let answer: Answer = Box::new(move |failure| {
                let _ = sender.send(result.and_then(|value| failure.map_or(Ok(value), Err)));
            });
            (keep, answer)
        });
        queue.send(Job::Change(change)).await.map_err(|_| StoreError::Closed)?;
        drop(queue);
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    /// Folds the write-ahead log into the file and empties it, unless nothing was written since the last time.
    pub(super) async fn fold(&self) -> Result<(), StoreError> {
        let queue = lock(&self.queue).clone().ok_or(StoreError::Closed)?;
        let (sender, receiver) = oneshot::channel();
        queue.send(Job::Fold(sender)).await.map_err(|_| StoreError::Closed)?;
        drop(queue);
        receiver.await.map_err(|_| StoreError::Closed)?
    }

    /// Lets the thread finish what waits and close the file.
    pub(super) fn stop(&self) {
        drop(lock(&self.queue).take());
        if let Some(thread) = lock(&self.thread).take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(connection: Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut log_is_empty = false;
    while let Some(first) = jobs.blocking_recv() {
        let (mut group, mut folds) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Change(change) => group.push(change),
                Job::Fold(answer) => folds.push(answer),
            }
            next = if group.len() < GROUP {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        if !group.is_empty() {
            commit(&connection, group);
            log_is_empty = false;
        }
        for answer in folds {
            let folded = if log_is_empty { Ok(()) } else { fold(&connection) };
            log_is_empty = folded.is_ok();
            // Whoever asked may have gone.
            let _ = answer.send(folded);
        }
    }
    // So that the one file is the whole database after a clean exit.
    if let Err(error) = fold(&connection) {
        tracing::warn!(%error, "the write-ahead log could not be folded into the database");
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the database did not close cleanly");
    }
}

/// Folds the log into the file and cuts it to nothing. Waits for readers, but not for long: the writes that come wait too.
fn fold(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(FOLD_TIMEOUT)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    if busy? { Err(StoreError::Busy) } else { Ok(()) }
}

fn commit(connection: &Connection, group: Vec<Change>) {
    let mut failure = connection.execute_batch("BEGIN IMMEDIATE").err().map(StoreError::from);
    let mut answers = Vec::with_capacity(group.len());
    for change in group {
        if let Some(error) = &failure {
            // Without a transaction around it the change must not run.
            answers.push(change(Err(error.clone())).1);
            continue;
        }
        let (answer, error) = run_in_savepoint(connection, change);
        answers.push(answer);
        failure = error;
    }
    if failure.is_none() {
        let committed = indexing::enter(connection).and_then(|()| connection.execute_batch("COMMIT"));
        failure = committed.err().map(StoreError::from);
    }
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a failed group of writes could not be rolled back");
    }
    for answer in answers {
        answer(failure.clone());
    }
}

/// Runs one change; the error is one that ends the whole group.
fn run_in_savepoint(connection: &Connection, change: Change) -> (Answer, Option<StoreError>) {
    if let Err(error) = run_cached(connection, "SAVEPOINT change") {
        let error = StoreError::from(error);
        return (change(Err(error.clone())).1, Some(error));
    }
    let (keep, answer) = change(Ok(connection));
    // A full disk or a failing one can make SQLite roll back the whole transaction by itself.
    if connection.is_autocommit() {
        return (
            answer,
            Some(StoreError::Database("the transaction was rolled back".into())),
        );
    }
    let undone = if keep {
        Ok(())
    } else {
        run_cached(connection, "ROLLBACK TO change")
    };
    let ended = undone.and_then(|()| run_cached(connection, "RELEASE change"));
    (answer, ended.err().map(StoreError::from))
}

fn run_cached(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(|_| ())
}
