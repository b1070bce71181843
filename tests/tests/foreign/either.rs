use either::Either;
use reloadable::Reloadable;
use serde::Deserialize;

use super::{edited, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    tagged: Option<Either<u16, Tls>>,
    #[serde(default, with = "either::serde_untagged_optional")]
    untagged: Option<Either<bool, Tls>>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Tls {
    #[reload(non_empty)]
    certificate: String,
}

#[test]
fn the_side_that_stays_tells_its_own_changes() {
    assert_eq!(edited::<Config>("tagged = { Left = 1 }", "tagged = { Left = 2 }"), ["tagged.Left: 1 -> 2"]);
    assert_eq!(
        edited::<Config>(
            "tagged = { Right = { certificate = 'a' } }",
            "tagged = { Right = { certificate = 'b' } }"
        ),
        [r#"tagged.Right.certificate: "a" -> "b""#]
    );
}

#[test]
fn another_side_replaces() {
    assert_eq!(
        edited::<Config>("tagged = { Left = 1 }", "tagged = { Right = { certificate = 'b' } }"),
        [r#"tagged: {Left = 1} -> {Right = {certificate = "b"}}"#]
    );
}

#[test]
fn without_tags_the_path_ends_at_the_field() {
    assert_eq!(
        edited::<Config>("untagged = { certificate = 'a' }", "untagged = { certificate = 'b' }"),
        ["untagged: changed"]
    );
    assert_eq!(
        problems::<Config>("untagged = { certificate = '' }"),
        ["untagged: the value is empty [non_empty]"]
    );
}

#[test]
fn violations_stand_within_the_side() {
    assert_eq!(
        problems::<Config>("tagged = { Right = { certificate = '' } }"),
        ["tagged.Right.certificate: the value is empty [non_empty]"]
    );
}
