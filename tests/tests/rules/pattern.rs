use std::path::PathBuf;
use std::sync::Arc;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

const HOST: &str = r"^[a-z0-9.-]+$";

#[derive(Debug, Deserialize, Reloadable)]
struct Texts {
    #[reload(pattern("^[a-z]+$"))]
    name: Option<String>,
    #[reload(pattern(HOST))]
    host: Option<Arc<str>>,
    #[reload(pattern(r"\.pem$"))]
    certificate: Option<Box<PathBuf>>,
    #[reload(each(pattern("^/")))]
    routes: Option<Vec<String>>,
    #[reload(pattern(BROKEN))]
    broken: Option<String>,
}

const BROKEN: &str = "[a";

#[test]
fn a_match_passes() {
    passes::<Texts>("");
    passes::<Texts>("name = 'api'\nhost = 'a.example'\ncertificate = '/etc/a.pem'\nroutes = ['/', '/a']");
}

#[test]
fn what_does_not_match_fails() {
    fails::<Texts>("name = 'Api'", &[r#"name: "Api" does not match `^[a-z]+$` [pattern]"#]);
    fails::<Texts>("host = 'a b'", &[r#"host: "a b" does not match `^[a-z0-9.-]+$` [pattern]"#]);
    fails::<Texts>("certificate = 'a.key'", &[r#"certificate: "a.key" does not match `\.pem$` [pattern]"#]);
    fails::<Texts>("routes = ['/', 'a']", &[r#"routes[1]: "a" does not match `^/` [pattern]"#]);
}

#[test]
fn a_broken_pattern_refuses_and_says_why() {
    passes::<Texts>("");
    fails::<Texts>(
        "broken = 'x'",
        &[r#"broken: "x" cannot be checked: `[a` is not a pattern: unclosed character class [pattern]"#],
    );
}
