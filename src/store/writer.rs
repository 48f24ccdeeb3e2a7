//! The one thread that writes. It takes what waits, commits it as one group and then answers each caller.
//!
//! A group is one `BEGIN IMMEDIATE`, each change in it has a savepoint of its own, and nobody is told of success before COMMIT has returned. One disk
//! flush so pays for many writes, and a change that fails takes none of its neighbours with it.

use std::io;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, lock};

/// Changes that may wait. Who comes later waits for a place, which is how the store slows its callers down.
const QUEUE: usize = 1_024;
/// Most changes in one commit.
const GROUP: usize = 64;

/// Tells the caller how the change went; `Some` where the commit itself failed.
type Answer = Box<dyn FnOnce(Option<StoreError>) + Send>;
/// Runs a change and says whether it is to be kept. Given an error instead of a connection, it only passes that on.
type Change = Box<dyn FnOnce(Result<&Connection, StoreError>) -> (bool, Answer) + Send>;

pub(super) struct Writer {
    /// Gone once stopped.
    queue: Mutex<Option<mpsc::Sender<Change>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let (queue, changes) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new()
            .name("maia-writer".into())
            .spawn(move || run(connection, changes))?;
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
        queue.send(change).await.map_err(|_| StoreError::Closed)?;
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

fn run(connection: Connection, mut changes: mpsc::Receiver<Change>) {
    while let Some(first) = changes.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP {
            match changes.try_recv() {
                Ok(change) => group.push(change),
                Err(_) => break,
            }
        }
        commit(&connection, group);
    }
    // So that the one file is the whole database after a clean exit.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be folded into the database");
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the database did not close cleanly");
    }
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
        failure = connection.execute_batch("COMMIT").err().map(StoreError::from);
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
    if let Err(error) = connection.execute_batch("SAVEPOINT change") {
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
    let end = if keep {
        "RELEASE change"
    } else {
        "ROLLBACK TO change; RELEASE change"
    };
    (answer, connection.execute_batch(end).err().map(StoreError::from))
}
