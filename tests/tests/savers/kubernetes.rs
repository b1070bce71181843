//! How kubelet brings a ConfigMap up to date in a mounted volume: files stand in a directory of their own, to which a
//! link leads that is replaced.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use reloadable::Reloader;

use crate::desk::{App, Desk, Watched, text, whole};

const SWAPS: u32 = 10;

/// A mounted volume, written as `AtomicWriter` in Kubernetes' `pkg/volume/util/atomic_writer.go` does, in its order.
struct Volume {
    directory: PathBuf,
    writes: u32,
}

impl Volume {
    fn new(directory: PathBuf) -> Self {
        fs::create_dir(&directory).expect("a directory");
        Self { directory, writes: 0 }
    }

    fn write(&mut self, files: &[(&str, String)]) {
        let data = self.directory.join("..data");
        let old = fs::read_link(&data).ok();

        self.writes += 1;
        let stamp = format!("..2025_01_31_12_00_{:02}.{}", self.writes, 1_234_567 + self.writes);
        let new = self.directory.join(&stamp);
        fs::create_dir(&new).expect("a directory");
        fs::set_permissions(&new, Permissions::from_mode(0o755)).expect("a mode");
        for (name, content) in files {
            fs::write(new.join(name), content).expect("a file");
            fs::set_permissions(new.join(name), Permissions::from_mode(0o644)).expect("a mode");
        }

        let data_tmp = self.directory.join("..data_tmp");
        symlink(&stamp, &data_tmp).expect("a link");
        fs::rename(&data_tmp, &data).expect("the link is replaced");

        for (name, _) in files {
            let visible = self.directory.join(name);
            if fs::read_link(&visible).is_err() {
                symlink(Path::new("..data").join(name), visible).expect("a link");
            }
        }
        if let Some(old) = old {
            fs::remove_dir_all(self.directory.join(old)).expect("the old directory goes");
        }
    }
}

#[test]
fn a_config_map() {
    let desk = Desk::new();
    let mut volume = Volume::new(desk.etc.join("mount"));
    volume.write(&[("app.toml", text(1))]);
    let mut watched = Watched::start(Reloader::builder().file(desk.etc.join("mount/app.toml")));
    for version in 2..2 + SWAPS {
        volume.write(&[("app.toml", text(version))]);
        watched.publishes_once(&whole(version));
    }
    watched.published_no_more(&desk.etc.join("mount/app.toml"));
}

#[test]
fn a_config_map_behind_three_links() {
    let desk = Desk::new();
    let mut volume = Volume::new(desk.etc.join("mount"));
    volume.write(&[("app.toml", text(1))]);
    let [x, y] = ["x", "y"].map(|name| desk.etc.join(name));
    for directory in [&x, &y, &y.join("release-1"), &y.join("release-2")] {
        fs::create_dir(directory).expect("a directory");
    }
    symlink(y.join("current/app.toml"), x.join("app.toml")).expect("a link");
    symlink("release-1", y.join("current")).expect("a link");
    symlink(desk.etc.join("mount/app.toml"), y.join("release-1/app.toml")).expect("a link");

    let mut watched = Watched::start(Reloader::builder().file(x.join("app.toml")));
    for version in 2..2 + SWAPS {
        volume.write(&[("app.toml", text(version))]);
        watched.publishes_once(&whole(version));
    }

    // Any other change shows that nothing came between; here one in the middle of the links.
    fs::write(y.join("release-2/app.toml"), text(50)).expect("a file");
    symlink("release-2", y.join("next")).expect("a link");
    fs::rename(y.join("next"), y.join("current")).expect("the link is replaced");
    watched.publishes_once(&whole(50));
    watched.published_no_more(&x.join("app.toml"));
}

#[test]
fn a_config_map_of_two_keys() {
    let desk = Desk::new();
    let mount = desk.etc.join("mount");
    let mut volume = Volume::new(mount.clone());
    let halves = |version: u32| {
        let text = text(version);
        let middle = text.find("key_15").expect("there are so many keys");
        let (start, end) = text.split_at(middle);
        [("10-start.toml", start.to_owned()), ("20-end.toml", end.to_owned())]
    };
    volume.write(&halves(1));
    let mut watched = Watched::start(Reloader::<App>::builder().directory(&mount, "*.toml"));
    for version in 2..2 + SWAPS {
        volume.write(&halves(version));
        watched.publishes_once(&whole(version));
    }
}
