use reloadable::Reloadable;
use secrecy::zeroize::Zeroize;
use secrecy::{SecretBox, SecretString};
use serde::Deserialize;

use super::{edited, from_toml, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[reload(length(16..), pattern("^[a-z]+$"))]
    token: Option<SecretString>,
    login: Option<SecretBox<Login>>,
}

#[derive(Debug, Clone, Deserialize, Reloadable)]
struct Login {
    #[reload(one_of("root"))]
    user: String,
}

impl Zeroize for Login {
    fn zeroize(&mut self) {
        self.user.zeroize();
    }
}

#[test]
fn only_that_it_changed_is_told() {
    assert_eq!(edited::<Config>("token = 'hunter1'", "token = 'hunter2'"), ["token: changed"]);
    assert_eq!(edited::<Config>("token = 'hunter1'", ""), ["token: cleared"]);
    assert_eq!(edited::<Config>("", "login = { user = 'hunter2' }"), ["login: set"]);
    assert_eq!(
        edited::<Config>("login = { user = 'hunter1' }", "login = { user = 'hunter2' }"),
        ["login: changed"]
    );
    assert_eq!(edited::<Config>("token = 'hunter2'", "token = 'hunter2'"), [""; 0]);
}

#[test]
fn no_message_quotes_it() {
    assert_eq!(
        problems::<Config>("token = 'hunter2'\nlogin = { user = 'hunter2' }"),
        [
            "token: the value has a length that is not in 16.. [length]",
            "token: the value does not match `^[a-z]+$` [pattern]",
            r#"login.user: the value is not one of "root" [one_of]"#,
        ]
    );
}

#[test]
fn changes_do_not_print_it() {
    use reloadable::Diff as _;
    let (old, new): (Config, Config) = (from_toml("token = 'hunter1'"), from_toml("token = 'hunter2'"));
    let changes = old.diff(&new).map(|changes| {
        let serialized = serde_json::to_string(&changes).unwrap_or_default();
        format!("{changes} {changes:?} {serialized}")
    });
    assert!(changes.is_some_and(|text| text.contains("token") && !text.contains("hunter")));
}
