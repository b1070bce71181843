//! A watched directory with a file that is saved in it, and the judgement about each save.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use reloadable::{Builder, Reloader};
use tempfile::TempDir;

use crate::process::are_installed;

/// Every key may be absent, so that a file which lost its end passes as well as a whole one.
pub type App = BTreeMap<String, String>;

/// Far above what a publish takes, so that only a test that fails ever waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

/// The file gets longer, shorter, and longer again.
pub const VERSIONS: [u32; 5] = [1, 20_000, 3, 40_000, 5];

/// Returns a file of 30 keys whose first and last tell the version. It is longer than the buffers of most programs, so
/// that it is written in several pieces.
pub fn text(version: u32) -> String {
    let mut text = format!("first = \"version {version}\"\n");
    for key in 2..30 {
        writeln!(text, "key_{key:02} = \"{}\"", "as it was ".repeat(40)).expect("a string takes everything");
    }
    writeln!(text, "last = \"version {version}\"").expect("a string takes everything");
    text
}

/// Two directories on the disk: `etc`, which is watched, and `elsewhere`, which is not.
pub struct Desk {
    _directory: TempDir,
    pub etc: PathBuf,
    pub elsewhere: PathBuf,
}

/// One save that a program is to do.
pub struct Save {
    /// The file to save, in the watched directory.
    pub path: PathBuf,
    /// Another file, which holds what is to be saved.
    pub new: PathBuf,
    pub old_version: u32,
    pub new_version: u32,
}

impl Save {
    /// The words to search for, and those to put in their place.
    pub fn words(&self) -> [String; 2] {
        [self.old_version, self.new_version].map(|version| format!("version {version}\""))
    }

    pub fn directory(&self) -> &Path {
        self.path.parent().expect("the file is in a directory")
    }
}

impl Desk {
    /// Returns `None` if one of the programs is missing and may be.
    pub fn with(programs: &[&str]) -> Option<Self> {
        are_installed(programs).then(Self::new)
    }

    pub fn new() -> Self {
        // Not the directory for temporary files, which is often in memory, and where some editors save otherwise.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let [etc, elsewhere] = ["etc", "elsewhere"].map(|name| directory.path().join(name));
        fs::create_dir(&etc).expect("a directory");
        fs::create_dir(&elsewhere).expect("a directory");
        Self { _directory: directory, etc, elsewhere }
    }

    /// Saves the file in several versions, one after the other, and judges each save.
    pub fn saves(&self, way: Way, save: impl Fn(&Save)) {
        self.saves_versions(&VERSIONS, way, save);
    }

    /// As `saves`, for what writes over a file without cutting it off at its new end.
    pub fn saves_of_equal_length(&self, way: Way, save: impl Fn(&Save)) {
        self.saves_versions(&[10_001, 20_002, 30_003, 40_004, 50_005], way, save);
    }

    fn saves_versions(&self, versions: &[u32], way: Way, save: impl Fn(&Save)) {
        let path = self.etc.join("app.toml");
        fs::write(&path, text(versions[0])).expect("a file");
        let mut watched = Watched::start(Reloader::builder().file(&path));
        for (round, pair) in versions.windows(2).enumerate() {
            let (old_version, new_version) = (pair[0], pair[1]);
            // A file that was saved just now is looked at with more care, so both are tried: with a pause for thought
            // the file gets shorter and longer, and at once as well.
            if [1, 2].contains(&round) {
                thread::sleep(Duration::from_millis(150));
            }
            let new = self.elsewhere.join(format!("{new_version}.toml"));
            fs::write(&new, text(new_version)).expect("a file");
            let before = inode(&path);
            save(&Save { path: path.clone(), new, old_version, new_version });
            let saved = fs::read_to_string(&path).expect("a file");
            assert!(saved == text(new_version), "it saved something else");
            match way {
                Way::Rewritten => assert_eq!(inode(&path), before, "it did not rewrite the file"),
                Way::Replaced => assert_ne!(inode(&path), before, "it did not replace the file"),
                Way::Recreated => {}
            }
            watched.publishes_once(&whole(new_version));
        }
        watched.published_no_more(&path);
    }
}

/// What becomes of the file that stood there before.
pub enum Way {
    /// It is written anew.
    Rewritten,
    /// Another one takes its name while it is still there.
    Replaced,
    /// It is removed first, so that the next one may well get its inode number.
    Recreated,
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).expect("a file").ino()
}

/// What a file of this version must be read as.
pub fn whole(version: u32) -> App {
    let filling = (2..30).map(|key| (format!("key_{key:02}"), "as it was ".repeat(40)));
    let ends = ["first", "last"].map(|key| (key.to_owned(), format!("version {version}")));
    filling.chain(ends).collect()
}

/// A running reloader, and what it published.
pub struct Watched {
    published: Receiver<(u64, App)>,
    generation: u64,
    _reloader: Reloader<App>,
}

impl Watched {
    pub fn start(builder: Builder<App>) -> Self {
        let reloader = builder.start_blocking().expect("it starts");
        let mut changes = reloader.subscribe();
        let (sender, published) = mpsc::channel();
        // In its own thread, so that a snapshot which stood for a moment only is seen as well. It ends with the reloader.
        thread::spawn(move || {
            while let Ok(change) = changes.blocking_changed() {
                if sender.send((change.generation(), change.current().clone())).is_err() {
                    break;
                }
            }
        });
        Self { published, generation: reloader.snapshot().generation(), _reloader: reloader }
    }

    /// Waits for the next publish, which must be the only one since the last and must be this.
    pub fn publishes_once(&mut self, expected: &App) {
        let (generation, value) = self.published.recv_timeout(DEADLINE).expect("the save is published");
        assert!(value == *expected, "published: {}", outline(&value));
        self.generation += 1;
        assert_eq!(generation, self.generation, "there was more than one publish");
    }

    /// Changes the file in another way and sees that nothing came between, since events keep their order.
    pub fn published_no_more(&mut self, path: &Path) {
        let beside = path.with_extension("beside");
        fs::write(&beside, text(99)).expect("a file");
        fs::rename(beside, path).expect("the file is replaced");
        self.publishes_once(&whole(99));
    }
}

/// A value in a line: how many keys there are, and the versions at both ends.
fn outline(value: &App) -> String {
    let end = |key| value.get(key).map_or("none", String::as_str);
    format!("{} keys, first: {}, last: {}", value.len(), end("first"), end("last"))
}
