//! The file scripts do what the programs do for which they stand.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use reloadable::testing::{Save, TornWrite, Volume, chmod, swap_link, touch};

#[test]
fn every_way_saves_all_of_it_and_leaves_nothing_but_a_backup() -> io::Result<()> {
    for save in Save::ALL {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("app.toml");
        fs::write(&path, "a = 1\nb = 1\nc = 1\n")?;
        // Shorter, and longer again.
        for text in ["a = 2\n", "a = 3\nb = 3\nc = 3\nd = 3\n"] {
            let before = fs::metadata(&path)?.ino();
            save.to(&path, text)?;
            assert_eq!(fs::read_to_string(&path)?, text, "{save:?}");
            let is_the_same = fs::metadata(&path)?.ino() == before;
            match save {
                Save::Truncate | Save::Overwrite | Save::Lines => assert!(is_the_same, "{save:?}"),
                Save::Replace | Save::Backup => assert!(!is_the_same, "{save:?}"),
                // A file that is made anew may well get the number of the one before.
                _ => {}
            }
        }
        let left = fs::read_dir(directory.path())?.count();
        assert_eq!(left, if save == Save::Backup { 2 } else { 1 }, "{save:?}");
    }
    Ok(())
}

#[test]
fn a_torn_write_shows_each_piece() -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("app.toml");
    for (open, whole) in [
        (TornWrite::truncate as fn(PathBuf) -> _, ["", "a = 2\n", "a = 2\nb = 2\n"]),
        (TornWrite::overwrite, ["a = 1\nb = 1\n", "a = 2\nb = 1\n", "a = 2\nb = 2\n"]),
        (TornWrite::append, ["a = 1\nb = 1\n", "a = 1\nb = 1\na = 2\n", "a = 1\nb = 1\na = 2\nb = 2\n"]),
    ] {
        fs::write(&path, "a = 1\nb = 1\n")?;
        let mut write = open(path.clone())?;
        let mut seen = vec![fs::read_to_string(&path)?];
        for piece in ["a = 2\n", "b = 2\n"] {
            write.piece(piece)?;
            seen.push(fs::read_to_string(&path)?);
        }
        write.close();
        assert_eq!(seen, whole);
    }
    Ok(())
}

#[test]
fn a_volume_is_swapped_as_a_whole() -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let mut volume = Volume::mount(directory.path().join("config"))?;
    volume.publish([("a.toml", "a = 1"), ("sub/b.toml", "b = 1")])?;
    let first = fs::read_link(volume.path().join("..data"))?;
    assert_eq!(fs::read_link(volume.path().join("a.toml"))?.to_str(), Some("..data/a.toml"));
    assert_eq!(fs::read_to_string(volume.path().join("sub/b.toml"))?, "b = 1");

    volume.publish([("a.toml", "a = 2"), ("c.toml", "c = 2")])?;
    assert_ne!(fs::read_link(volume.path().join("..data"))?, first);
    let mut names: Vec<_> =
        fs::read_dir(volume.path())?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    names.sort();
    let version = fs::read_link(volume.path().join("..data"))?;
    assert_eq!(
        names,
        ["..2025", "..data", "a.toml", "c.toml"]
            .map(|name| { if name == "..2025" { version.clone().into_os_string() } else { name.into() } })
    );
    Ok(())
}

#[test]
fn links_modes_and_times() -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let [one, two, link] = ["one", "two", "link"].map(|name| directory.path().join(name));
    fs::write(&one, "1")?;
    fs::write(&two, "2")?;
    for (target, text) in [("one", "1"), ("two", "2"), ("one", "1")] {
        swap_link(&link, target)?;
        assert_eq!(fs::read_to_string(&link)?, text);
    }
    chmod(&one, 0o640)?;
    assert_eq!(fs::metadata(&one)?.permissions().mode() & 0o777, 0o640);
    let old = std::time::SystemTime::UNIX_EPOCH;
    fs::File::options().write(true).open(&one)?.set_modified(old)?;
    touch(&one)?;
    assert!(fs::metadata(&one)?.modified()? > old);
    assert_eq!(fs::read_to_string(&one)?, "1");
    assert!(touch(directory.path().join("nowhere")).is_err());
    Ok(())
}
