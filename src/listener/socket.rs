//! A Unix socket as a file: only for its owner, never in the place of anything but a socket that nobody serves, gone after the end.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket};

/// Connections that may wait to be taken; the system has a limit of its own.
const BACKLOG: u32 = 1024;
/// Who may connect: the user that maia runs as.
const MODE: u32 = 0o600;

pub(super) struct SocketFile {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file.
    identity: (u64, u64),
}

impl SocketFile {
    pub(super) fn bind(path: &Path) -> Result<Self, String> {
        let cannot = |error: io::Error| {
            let hint = match error.kind() {
                ErrorKind::NotFound => "; its folder must exist",
                _ => "",
            };
            format!("server.socket: cannot listen on {}: {error}{hint}", path.display())
        };
        let folder = lock_folder(path).map_err(cannot)?;
        make_room(path)?;
        let socket = Self::open(path).map_err(cannot);
        drop(folder);
        socket
    }

    fn open(path: &Path) -> io::Result<Self> {
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        // Before it listens nobody can connect, so there is no moment in which others could.
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        Ok(Self {
            listener: socket.listen(BACKLOG)?,
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await?.0.into_std()
    }
}

impl fmt::Display for SocketFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.path.display())
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another maia may have put its own there since.
        if identity(&self.path).is_ok_and(|found| found == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "{self} could not be removed");
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Holds off every other maia that would put a socket there. Of two that find one of a dead server, the second would else remove what the first has put in
/// its place, and both would believe that it is theirs. The folder itself is locked, so that no other file is needed; the lock ends with the handle.
fn lock_folder(path: &Path) -> io::Result<File> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = File::open(parent.unwrap_or(Path::new(".")))?;
    folder.lock()?;
    Ok(folder)
}

/// Removes the socket of a server that is dead, and refuses what is anything else.
fn make_room(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let file = match fs::symlink_metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("server.socket: {shown}: {error}")),
    };
    if !file.file_type().is_socket() {
        return Err(format!(
            "server.socket: {shown} is there and is no socket; it is left as it is, choose another path"
        ));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(format!(
            "server.socket: a program listens on {shown} already; stop it, or choose another path"
        )),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(|error| {
            format!("server.socket: {shown} is of a program that has ended and cannot be removed: {error}")
        }),
        Err(error) => Err(format!(
            "server.socket: {shown} is there, and whether a program listens on it cannot be told: {error}"
        )),
    }
}
