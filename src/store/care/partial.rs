//! A file that is only there once it is whole: written under a temporary name, flushed, then named.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{CareError, folder_of};

/// Begins and ends the names of unfinished files.
const PREFIX: &str = ".maia-";
const SUFFIX: &str = ".partial";

/// An unfinished file, readable by its owner alone. It is removed when it is dropped; what a killed process left is removed by the next one.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    /// Holds a lock that tells others that somebody still writes it.
    file: File,
}

impl Partial {
    /// Begins a file in the folder of `target`.
    ///
    /// # Errors
    /// The folder is not there or cannot be written.
    pub fn beside(target: &Path) -> Result<Self, CareError> {
        let folder = folder_of(target);
        remove_abandoned(folder);
        loop {
            let path = folder.join(format!("{PREFIX}{}{SUFFIX}", Uuid::now_v7().simple()));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(&path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => CareError::NoFolder {
                    path: target.to_owned(),
                    folder: folder.to_owned(),
                },
                _ => CareError::file(target)(error),
            })?;
            file.lock().map_err(CareError::file(&path))?;
            // Between the two lines above another process can have taken it for an abandoned one.
            if path.exists() {
                return Ok(Self { path, file });
            }
        }
    }

    /// Where it is for now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name once all of it is on the disk; returns its size in bytes.
    ///
    /// # Errors
    /// There is a file of that name and it is not to be replaced, or the disk refuses.
    pub fn publish(self, target: &Path, replace: bool) -> Result<u64, CareError> {
        let fail = CareError::file(target);
        self.file.sync_all().map_err(&fail)?;
        let bytes = self.file.metadata().map_err(&fail)?.len();
        if replace {
            fs::rename(&self.path, target).map_err(&fail)?;
        } else {
            self.name_where_there_is_none(target)?;
        }
        sync_folder(target)?;
        Ok(bytes)
    }

    /// Takes the name away at once; the file lives for as long as it is open.
    ///
    /// # Errors
    /// It cannot be opened or removed.
    pub fn into_nameless(self) -> Result<File, CareError> {
        File::open(&self.path).map_err(CareError::file(&self.path))
    }

    fn name_where_there_is_none(&self, target: &Path) -> Result<(), CareError> {
        // Unlike a rename, a link never replaces anything, whoever else is at work.
        match fs::hard_link(&self.path, target) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(CareError::Exists(target.to_owned())),
            // A file system without links.
            Err(_) if target.exists() => Err(CareError::Exists(target.to_owned())),
            Err(_) => fs::rename(&self.path, target).map_err(CareError::file(target)),
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It has been renamed where all went well.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes the names in the folder of a file last through a power cut.
pub(super) fn sync_folder(of: &Path) -> Result<(), CareError> {
    let folder = folder_of(of);
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(CareError::file(folder))
}

/// Removes the unfinished files that nobody writes any more, and the journals of those. What cannot be removed does no harm.
fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some((stem, _)) = name.split_once(SUFFIX).filter(|(stem, _)| stem.starts_with(PREFIX)) else {
            continue;
        };
        let is_abandoned = match File::open(folder.join(format!("{stem}{SUFFIX}"))) {
            Ok(file) => file.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_abandoned {
            let _ = fs::remove_file(entry.path());
        }
    }
}
