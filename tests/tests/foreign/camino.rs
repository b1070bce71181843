use camino::{Utf8Path, Utf8PathBuf};
use reloadable::Reloadable;
use serde::Deserialize;

use super::{edited, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[reload(non_empty, pattern("^/"))]
    root: Utf8PathBuf,
    #[reload(one_of("/a", "/b"))]
    boxed: Option<Box<Utf8Path>>,
}

#[test]
fn an_edit_is_told() {
    assert_eq!(edited::<Config>("root = '/a'", "root = '/b'"), [r#"root: "/a" -> "/b""#]);
    assert_eq!(
        edited::<Config>("root = '/'\nboxed = '/a'", "root = '/'\nboxed = '/b'"),
        [r#"boxed: "/a" -> "/b""#]
    );
}

#[test]
fn a_path_is_a_text_to_the_rules() {
    assert_eq!(
        problems::<Config>("root = ''\nboxed = '/elsewhere'"),
        [
            "root: the value is empty [non_empty]",
            r#"root: "" does not match `^/` [pattern]"#,
            r#"boxed: "/elsewhere" is not one of "/a", "/b" [one_of]"#,
        ]
    );
}
