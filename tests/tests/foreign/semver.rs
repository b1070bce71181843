use reloadable::Reloadable;
use semver::{Version, VersionReq};
use serde::Deserialize;

use super::{edited, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[reload(range(Version::new(1, 2, 0)..))]
    version: Version,
    accepts: Option<VersionReq>,
}

#[test]
fn an_edit_is_told() {
    assert_eq!(
        edited::<Config>("version = '1.2.0'\naccepts = '^1'", "version = '1.2.0+linux'\naccepts = '>=1, <3'"),
        [r#"version: "1.2.0" -> "1.2.0+linux""#, r#"accepts: "^1" -> ">=1, <3""#]
    );
}

#[test]
fn a_version_has_a_range() {
    assert_eq!(
        problems::<Config>("version = '1.2.0-rc.1'"),
        ["version: 1.2.0-rc.1 is not in 1.2.0.. [range]"]
    );
}
