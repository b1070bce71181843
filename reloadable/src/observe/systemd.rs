//! The protocol by which a service tells systemd what it is doing: datagrams to the socket that `NOTIFY_SOCKET` names.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::Witness;
use crate::status::{Attempt, Reason, ReloadOutcome, Status, Suspension};

/// How long a manager that does not read may hold up the reloader; once, and no more until it reads again.
const PATIENCE: Duration = Duration::from_millis(200);

/// The manager of this service.
pub(super) struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
    is_waited_for: bool,
    progress: Progress,
    /// How the last attempt went, in a line.
    line: String,
}

/// What the manager was told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Starting,
    Loaded,
    Ready,
    Reloading,
}

impl Manager {
    /// None if there is no manager that wants to know.
    pub(super) fn of_this_process() -> Option<Self> {
        let address = address(&env::var_os("NOTIFY_SOCKET")?)?;
        let socket = UnixDatagram::unbound().ok()?;
        socket.set_write_timeout(Some(PATIENCE)).ok()?;
        Some(Self { socket, address, is_waited_for: true, progress: Progress::Starting, line: String::new() })
    }

    /// There is nobody to be told that the manager cannot be reached.
    fn send(&mut self, message: &str) {
        let sent = self.socket.send_to_addr(message.as_bytes(), &self.address);
        let is_waited_for = !sent.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        if is_waited_for != self.is_waited_for && self.socket.set_nonblocking(!is_waited_for).is_ok() {
            self.is_waited_for = is_waited_for;
        }
    }

    fn begin(&mut self) {
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
        self.progress = Progress::Reloading;
    }

    fn ready(&mut self) {
        self.send(&format!("READY=1\nSTATUS={}", self.line));
        self.progress = Progress::Ready;
    }
}

/// A path, or a name that no file has, which begins with an `@`.
fn address(name: &OsStr) -> Option<SocketAddr> {
    match name.as_bytes() {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        [b'@', name @ ..] => {
            #[cfg(target_os = "android")]
            use std::os::android::net::SocketAddrExt as _;
            #[cfg(target_os = "linux")]
            use std::os::linux::net::SocketAddrExt as _;
            SocketAddr::from_abstract_name(name).ok()
        }
        [b'/', ..] => SocketAddr::from_pathname(name).ok(),
        _ => None,
    }
}

/// Whoever asked, as systemd by a signal, waits for an answer; an edit of a file that is followed is no reload to it.
fn is_asked_for(reason: &Reason) -> bool {
    match reason {
        Reason::Manual
        | Reason::Signal
        | Reason::Trigger(_)
        | Reason::Override
        | Reason::Rollback(_)
        | Reason::Resume => true,
        Reason::Initial | Reason::LastGood | Reason::Change | Reason::Resync | Reason::Retry => false,
    }
}

impl Witness for Manager {
    fn begun(&mut self, _: u64, reason: &Reason) {
        if is_asked_for(reason) {
            self.begin();
        }
    }

    fn told(&mut self, attempt: &Attempt, status: &Status) {
        self.line = line(attempt, status);
        match self.progress {
            Progress::Starting => self.progress = Progress::Loaded,
            Progress::Ready => self.send(&format!("STATUS={}", self.line)),
            Progress::Loaded | Progress::Reloading => {}
        }
    }

    fn ended(&mut self) {
        if matches!(self.progress, Progress::Loaded | Progress::Reloading) {
            self.ready();
        }
    }

    fn not_started(&mut self, attempt: &Attempt) {
        let Some(error) = attempt.outcome().error() else { return };
        let problems = error.report().errors().count() + error.report().omitted();
        self.send(&format!("STATUS=no valid configuration to start with: {}", many(problems, "problem")));
    }

    fn restated(&mut self, status: &Status) {
        let line = line(&status.last_attempt, status);
        if line != self.line {
            self.line = line;
            if self.progress == Progress::Ready {
                self.send(&format!("STATUS={}", self.line));
            }
        }
    }

    fn turned_away(&mut self, _: &Reason, _: &Suspension) {
        // The line says already that reloads are suspended.
        self.begin();
        self.ready();
    }

    fn closed(&mut self) {
        // A service that never became ready has not begun to stop either.
        if matches!(self.progress, Progress::Ready | Progress::Reloading) {
            self.send("STOPPING=1");
        }
    }
}

fn line(attempt: &Attempt, status: &Status) -> String {
    let generation = attempt.generation();
    let mut line = match attempt.outcome() {
        ReloadOutcome::Applied(applied) if matches!(attempt.reason(), Reason::Initial | Reason::LastGood) => {
            format!("generation {}", applied.generation())
        }
        ReloadOutcome::Applied(applied) => {
            let changed = applied.changes().len() + applied.omitted();
            format!("generation {generation}: {}", many(changed, "change"))
        }
        ReloadOutcome::Unchanged => format!("generation {generation}: unchanged"),
        ReloadOutcome::Vetoed(veto) => {
            format!("generation {generation} stays in force, vetoed by the gate `{}`", veto.gate())
        }
        outcome => {
            let problems =
                outcome.error().map_or(0, |error| error.report().errors().count() + error.report().omitted());
            let name = outcome.name();
            format!("generation {generation} stays in force, {name}: {}", many(problems, "problem"))
        }
    };
    if !status.pending_restart.is_empty() {
        line.push_str(&format!(
            "; {} for a restart",
            match status.pending_restart.len() + status.pending_restart_omitted {
                1 => "1 field waits".to_owned(),
                fields => format!("{fields} fields wait"),
            }
        ));
    }
    if status.last_good.as_ref().is_some_and(|last_good| last_good.is_in_force) {
        line.push_str("; on the last good set, not on what the sources hold");
    }
    if let Some(suspension) = &status.suspension {
        line.push_str(&format!("; {suspension}"));
    }
    line
}

fn many(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_path_or_begins_with_an_at() {
        for (name, is_one) in [("/run/notify", true), ("@abstract", true), ("relative", false), ("", false)] {
            assert_eq!(address(OsStr::new(name)).is_some(), is_one, "{name}");
        }
        assert!(address(OsStr::new(&format!("/{}", "long".repeat(1000)))).is_none());
        assert!(address(OsStr::new(&format!("@{}", "long".repeat(1000)))).is_none());
    }

    #[test]
    fn the_line_counts_in_good_english() {
        assert_eq!([0, 1, 2].map(|count| many(count, "problem")), ["0 problems", "1 problem", "2 problems"]);
    }
}
