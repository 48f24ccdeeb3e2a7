//! Connections and their pragmas, and the look at a file before anything in it is touched.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{OpenError, filter, migrations};

/// Marks the file as maia's (`PRAGMA application_id`): "maia" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6d61_6961;

/// How long a statement waits for another process that has the file locked.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long until the switch to the write-ahead log is tried again.
const SWITCH_INTERVAL: Duration = Duration::from_millis(10);
/// How long the check at start may look for damage. A file too large for it is checked as far as it gets.
const INSPECTION_TIME: Duration = Duration::from_millis(300);
/// Pages of the write-ahead log from which on it is copied into the file. Four times what `SQLite` does by itself: many writes go to the same pages, and a
/// page that is copied less often costs less. A log of 16 MB is read in a moment after a crash.
const CHECKPOINT_PAGES: i64 = 4_000;
/// Size to which the write-ahead log is cut back after a checkpoint, in bytes.
const WAL_SIZE_LIMIT: i64 = 32 << 20;
/// The first bytes of every database file (<https://www.sqlite.org/fileformat.html>, section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

pub(super) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    write_ahead(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_SIZE_LIMIT)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    configure(&connection)?;
    Ok(connection)
}

/// Turns the write-ahead log on. The switch begins as a read, and `SQLite` does not wait for a lock that a read asks for later: of several processes that
/// make the same file at once, all but one would be told that it is locked.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && begun.elapsed() < BUSY_TIMEOUT =>
            {
                thread::sleep(SWITCH_INTERVAL);
            }
            ended => return ended,
        }
    }
}

/// Opens an existing file to look at it. It may write, so that it can take its log and shared memory away again when it is the last to close, which a
/// connection that may only read cannot.
pub(super) fn open_visitor(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "secure_delete", true)?;
    configure(&connection)?;
    Ok(connection)
}

pub(super) fn reader_manager(path: &Path) -> SqliteConnectionManager {
    SqliteConnectionManager::file(path)
        .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .with_init(|connection| {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.set_prepared_statement_cache_capacity(64);
            configure(connection)?;
            // SQLite opens the log at the first look. It is taken now, while there are descriptors to be had.
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        })
}

/// What every connection has.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // A statement that is used again and again keeps its plan. Otherwise SQLite plans it anew for each value of its LIMIT, which takes longer than to run it
    // (`SQLITE_DBCONFIG_ENABLE_QPSG`).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A database file may come from anywhere: its schema must not run code, and its pages are checked as they are read.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    filter::add_functions(connection)
}

/// Makes the file, readable by its owner alone, where there is none. `SQLite` gives its log and shared memory the same rights.
pub(super) fn create_private(path: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::Unusable {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
    }
}

/// Looks at an existing file without changing it: is it a sound database, ours, and not newer than this binary?
pub(super) fn inspect(path: &Path) -> Result<(), OpenError> {
    match identify(path)? {
        Some(connection) => inspect_pages(&connection, path),
        None => Ok(()),
    }
}

/// Whether an existing file is a whole database, ours, and not newer than this binary; its pages are not looked at. A connection that changes nothing,
/// where there is something to look at.
pub(super) fn identify(path: &Path) -> Result<Option<Connection>, OpenError> {
    let size = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => {
            return Err(OpenError::Unusable {
                path: path.to_owned(),
                reason: "it is not a file".into(),
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(OpenError::Unusable {
                path: path.to_owned(),
                reason: error.to_string(),
            });
        }
    };
    if size == 0 {
        return Ok(None);
    }
    let folded = inspect_header(path, size)?;
    let fail = |error: rusqlite::Error| OpenError::unusable(path, &error);
    // A reading connection leaves the empty log and the shared memory that it had to make beside the file; one that may write takes them away.
    // Where there is a log or a journal, that one would also fold it in or roll it back.
    let flags = if folded {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.pragma_update(None, "query_only", true).map_err(fail)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fail)?;
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(fail)
    };
    let tables = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .map_err(fail)?;
    let application_id = pragma("application_id")?;
    if application_id != i64::from(APPLICATION_ID) && (application_id != 0 || tables != 0) {
        let found = i32::try_from(application_id).unwrap_or_default();
        return Err(OpenError::Foreign {
            path: path.to_owned(),
            found,
        });
    }
    migrations::check_version(pragma("user_version")?, path)?;
    Ok(Some(connection))
}

/// A cut file often still opens: `SQLite` notices a missing page only when it needs it.
/// Returns whether the file is a whole one in write-ahead mode: nothing that belongs to it waits in a file beside it.
fn inspect_header(path: &Path, size: u64) -> Result<bool, OpenError> {
    let damaged = |reason: String| OpenError::Damaged {
        path: path.to_owned(),
        reason,
    };
    let mut header = [0; 100];
    fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut header))
        .map_err(|error| damaged(format!("its header cannot be read: {error}")))?;
    if !header.starts_with(MAGIC) {
        return Err(damaged("it does not begin as one".into()));
    }
    let number = |range: std::ops::Range<usize>| {
        header
            .get(range)
            .unwrap_or_default()
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let page_size = match number(16..18) {
        1 => 65_536,
        size => size,
    };
    let pages = number(28..32);
    // The count is only valid while the two change counters agree (file format, section 1.3.7). What a log still holds may not be in the file yet.
    let counted = number(24..28) == number(92..96);
    let waits_in = |suffix| fs::metadata(beside(path, suffix)).is_ok_and(|file| file.len() > 0);
    let has_log = waits_in("-wal");
    if counted && !has_log && size < pages * page_size {
        return Err(damaged(format!(
            "it has {size} bytes where its header says {}",
            pages * page_size
        )));
    }
    let write_ahead = number(18..20) == 0x0202;
    Ok(write_ahead && !has_log && !waits_in("-journal"))
}

fn inspect_pages(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let begun = Instant::now();
    let fail = |error: rusqlite::Error| OpenError::unusable(path, &error);
    connection
        .progress_handler(10_000, Some(move || begun.elapsed() > INSPECTION_TIME))
        .map_err(fail)?;
    match connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
        Ok(answer) if answer == "ok" => Ok(()),
        Ok(reason) => Err(OpenError::Damaged {
            path: path.to_owned(),
            // Its first line only says which database is meant.
            reason: reason.lines().last().unwrap_or_default().to_owned(),
        }),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(()),
        Err(error) => Err(fail(error)),
    }
}

/// A file that `SQLite` keeps beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
