//! How kubelet brings a ConfigMap up to date in a mounted volume: files stand in a directory of their own, to which a
//! link leads that is replaced.

use std::fs;
use std::os::unix::fs::symlink;

use reloadable::Reloader;
use reloadable::testing::Volume;

use crate::desk::{App, Desk, Watched, text, whole};

const SWAPS: u32 = 10;

#[test]
fn a_config_map() {
    let desk = Desk::new();
    let mut volume = Volume::mount(desk.etc.join("mount")).expect("a directory");
    volume.publish([("app.toml", text(1))]).expect("the volume is swapped");
    let mut watched = Watched::start(Reloader::builder().file(desk.etc.join("mount/app.toml")));
    for version in 2..2 + SWAPS {
        volume.publish([("app.toml", text(version))]).expect("the volume is swapped");
        watched.publishes_once(&whole(version));
    }
    watched.published_no_more(&desk.etc.join("mount/app.toml"));
}

#[test]
fn a_config_map_behind_three_links() {
    let desk = Desk::new();
    let mut volume = Volume::mount(desk.etc.join("mount")).expect("a directory");
    volume.publish([("app.toml", text(1))]).expect("the volume is swapped");
    let [x, y] = ["x", "y"].map(|name| desk.etc.join(name));
    for directory in [&x, &y, &y.join("release-1"), &y.join("release-2")] {
        fs::create_dir(directory).expect("a directory");
    }
    symlink(y.join("current/app.toml"), x.join("app.toml")).expect("a link");
    symlink("release-1", y.join("current")).expect("a link");
    symlink(desk.etc.join("mount/app.toml"), y.join("release-1/app.toml")).expect("a link");

    let mut watched = Watched::start(Reloader::builder().file(x.join("app.toml")));
    for version in 2..2 + SWAPS {
        volume.publish([("app.toml", text(version))]).expect("the volume is swapped");
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
    let mut volume = Volume::mount(mount.clone()).expect("a directory");
    let halves = |version: u32| {
        let text = text(version);
        let middle = text.find("key_15").expect("there are so many keys");
        let (start, end) = text.split_at(middle);
        [("10-start.toml", start.to_owned()), ("20-end.toml", end.to_owned())]
    };
    volume.publish(halves(1)).expect("the volume is swapped");
    let mut watched = Watched::start(Reloader::<App>::builder().directory(&mount, "*.toml"));
    for version in 2..2 + SWAPS {
        volume.publish(halves(version)).expect("the volume is swapped");
        watched.publishes_once(&whole(version));
    }
}
