use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
struct Choices {
    #[reload(one_of("debug", "info", "warn"))]
    level: Option<String>,
    #[reload(one_of(80, 443))]
    port: Option<u16>,
    #[reload(one_of('a', 'b'))]
    slot: Option<char>,
    #[reload(one_of(true))]
    accepted: Option<bool>,
    #[reload(one_of("/a", "/b"))]
    path: Option<PathBuf>,
    #[reload(one_of("x"))]
    boxed: Option<Box<str>>,
    #[reload(one_of("x"))]
    shared: Option<Arc<str>>,
    #[reload(one_of(SMALL, SMALL * 2))]
    boxed_number: Option<Box<i64>>,
    #[reload(one_of("x"))]
    text: Option<Cow<'static, str>>,
}

const SMALL: i64 = -1;

#[test]
fn a_choice_passes() {
    passes::<Choices>("");
    passes::<Choices>(
        "level = 'warn'\nport = 443\nslot = 'b'\naccepted = true\npath = '/b'\nboxed = 'x'\nshared = 'x'\n\
         boxed_number = -2\ntext = 'x'",
    );
}

#[test]
fn what_is_no_choice_fails() {
    fails::<Choices>("port = 81", &["port: 81 is not one of 80, 443 [one_of]"]);
    fails::<Choices>("slot = 'c'", &[r#"slot: "c" is not one of "a", "b" [one_of]"#]);
    fails::<Choices>("accepted = false", &["accepted: false is not one of true [one_of]"]);
    fails::<Choices>("boxed = 'long'", &[r#"boxed: "long" is not one of "x" [one_of]"#]);
    fails::<Choices>("shared = 'long'", &[r#"shared: "long" is not one of "x" [one_of]"#]);
    fails::<Choices>("boxed_number = 0", &["boxed_number: 0 is not one of -1, -2 [one_of]"]);
    fails::<Choices>("text = 'long'", &[r#"text: "long" is not one of "x" [one_of]"#]);
}

#[test]
fn what_is_nearly_a_choice_is_asked_about() {
    fails::<Choices>(
        "level = 'wran'",
        &[r#"level: "wran" is not one of "debug", "info", "warn"; did you mean "warn"? [one_of]"#],
    );
    fails::<Choices>(
        "level = 'verbose'",
        &[r#"level: "verbose" is not one of "debug", "info", "warn" [one_of]"#],
    );
}
