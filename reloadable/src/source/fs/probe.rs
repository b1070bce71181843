//! What std does not tell: what kind of file system a path is on, what is mounted, who this process is. The only file that
//! names `rustix`.

use std::io;
use std::path::{Path, PathBuf};

/// Flags for an open that does not wait for the writer of a pipe.
#[cfg(unix)]
pub(super) const NONBLOCK: i32 =
    rustix::fs::OFlags::NONBLOCK.union(rustix::fs::OFlags::CLOEXEC).bits() as i32;

/// Flags for an open that neither waits nor follows a symbolic link in the file's place.
#[cfg(unix)]
pub(crate) const NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW
    .union(rustix::fs::OFlags::NONBLOCK)
    .union(rustix::fs::OFlags::CLOEXEC)
    .bits() as i32;

/// Returns the user with whose rights the process reads and writes.
#[cfg(unix)]
pub(crate) fn effective_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Takes the lock of an open file or directory, which ends with it, or with the process. Tells whether nobody else has it.
///
/// # Errors
///
/// Mostly that the file system has no locks.
#[cfg(unix)]
pub(crate) fn try_lock(file: &std::fs::File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    let locked = rustix::io::retry_on_intr(|| flock(file, FlockOperation::NonBlockingLockExclusive));
    match locked.map_err(io::Error::from) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns the name of the file system if changes may come to it that send no events: made on another machine, on the
/// host of a virtual one, by a program that serves the files, or by the kernel.
///
/// # Errors
///
/// The path does not exist or may not be reached.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn remote(path: &Path) -> io::Result<Option<&'static str>> {
    let found = rustix::io::retry_on_intr(|| rustix::fs::statfs(path))?;
    // The type is as wide as a word, and the numbers have 32 bits.
    Ok(name_of(found.f_type as u32))
}

/// Returns `None`: what is known of other systems names no such file system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn remote(_path: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// Returns the places on which something is mounted, none where there is no table of them. Whoever replaces the file
/// that is mounted on a file does not change the mount: it keeps the old file.
///
/// It asks the kernel's table and not the paths, since a mount whose server is gone blocks whoever asks.
pub(super) fn mounts() -> Vec<PathBuf> {
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    mount_points(&table).filter_map(path_of).collect()
}

#[cfg(unix)]
fn path_of(name: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(std::ffi::OsString::from_vec(name).into())
}

#[cfg(not(unix))]
fn path_of(name: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(name).ok().map(PathBuf::from)
}

/// The numbers are those of `linux/magic.h` and statfs(2); those of file systems that Linux itself does not name there
/// are GNU coreutils' (`stat -f`, by which `tail -f` decides to poll), BeeGFS's old name being FhGFS. `virtiofs` and
/// `fuseblk` bear the number of FUSE.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn name_of(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x0000_6969 => "NFS",
        0x0000_517b | 0xfe53_4d42 => "SMB",
        0xff53_4d42 => "CIFS",
        0x0102_1997 => "9p",
        0x6573_5546 => "FUSE",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x00c3_6400 => "Ceph",
        0x7375_7245 => "Coda",
        0x0000_564c => "NCP",
        0x7461_636f => "OCFS2",
        0x0116_1970 => "GFS2",
        0x4750_4653 => "GPFS",
        0x0bd0_0bd0 => "Lustre",
        0x1983_0326 => "BeeGFS",
        0xaad7_aaea => "PanFS",
        0xbeef_dead => "StorNext",
        0x786f_4256 => "vboxsf",
        0xbacb_acbc => "vmhgfs",
        0x7c7c_6673 => "prl_fs",
        0x00c0_ffee => "hostfs",
        0x0000_9fa0 => "proc",
        0x6265_6572 => "sysfs",
        _ => return None,
    })
}

/// Reads the fifth field of each line of a `mountinfo` (proc_pid_mountinfo(5)).
fn mount_points(table: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(4))
        .map(without_escapes)
}

/// White space, `#` and the backslash are written as a backslash and three octal digits.
fn without_escapes(field: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        match escaped(rest) {
            Some(byte) => {
                plain.push(byte);
                rest = &rest[4..];
            }
            None => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

fn escaped(text: &[u8]) -> Option<u8> {
    let [b'\\', digits @ ..] = text.get(..4)? else { return None };
    let value = digits.iter().try_fold(0_u32, |value, digit| {
        matches!(digit, b'0'..=b'7').then(|| value * 8 + u32::from(digit - b'0'))
    });
    u8::try_from(value?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(table: &[u8]) -> Vec<Vec<u8>> {
        mount_points(table).collect()
    }

    #[test]
    fn mount_points_are_read_from_the_table() {
        let table = b"22 27 0:21 / /proc rw,relatime - proc proc rw\n\
            27 1 254:0 / / rw,relatime master:1 propagate_from:2 - ext4 /dev/vda rw\n\
            99 27 254:0 /opt/a.toml//deleted /etc/app.toml rw - ext4 /dev/vda rw\n";
        assert_eq!(points(table), [&b"/proc"[..], b"/", b"/etc/app.toml"]);
    }

    #[test]
    fn escapes_are_decoded_and_what_only_looks_like_one_stays() {
        for (field, plain) in [
            (r"/a\040b", "/a b"),
            (r"/\011\012\043\134", "/\t\n#\\"),
            (r"/\134040", r"/\040"),
            (r"/a\04", r"/a\04"),
            (r"/a\08b", r"/a\08b"),
            (r"/a\777", r"/a\777"),
            (r"\", r"\"),
            ("", ""),
        ] {
            assert_eq!(without_escapes(field.as_bytes()), plain.as_bytes(), "{field}");
        }
        assert_eq!(without_escapes(br"/\303\251"), "/\u{e9}".as_bytes());
    }

    #[test]
    fn names_that_are_no_utf_8_come_through() {
        assert_eq!(points(b"1 2 0:1 / /\xff\xfe\\040 rw - a b c"), [b"/\xff\xfe "]);
    }

    #[test]
    fn odd_lines_are_passed_over() {
        assert_eq!(points(b""), [b""; 0]);
        assert_eq!(points(b"\n\n1 2 0:1 /\nword\n \n1 2 0:1 / /end"), [b"/end"]);
    }

    #[test]
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn the_system_is_asked() {
        let proc = Path::new("/proc");
        assert_eq!(remote(proc).unwrap(), Some("proc"));
        assert_eq!(remote(Path::new("/proc/there is none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(mounts().iter().any(|mount| mount == proc));
    }

    #[test]
    fn file_systems_that_send_all_events_have_no_name() {
        // ext4, xfs, btrfs, tmpfs, overlayfs, zfs.
        for magic in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(name_of(magic), None, "{magic:#x}");
        }
        for (magic, name) in [(0x6969, "NFS"), (0xfe53_4d42, "SMB"), (0x6573_5546, "FUSE")] {
            assert_eq!(name_of(magic), Some(name));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pipe_without_a_writer_is_opened_without_waiting() {
        use std::os::unix::fs::OpenOptionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        // A thread, since an open that waits would wait for ever.
        std::thread::spawn(move || {
            let opened = std::fs::File::options().read(true).custom_flags(NONBLOCK).open(pipe);
            sender.send(opened.and_then(|file| file.metadata()).map(|metadata| metadata.is_file()))
        });
        let is_file = receiver.recv_timeout(std::time::Duration::from_secs(30)).unwrap().unwrap();
        assert!(!is_file);
    }
}
