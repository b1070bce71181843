//! A secret is in no message, whatever is wrong with it.

use std::collections::BTreeMap;

use reloadable::{Describe, Description, Field, Shape};
use serde::{Deserialize, Deserializer};

use crate::{json, refused, reloadable, toml};

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct App {
    #[serde(default, alias = "key")]
    token: Option<u64>,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default, deserialize_with = "refuse")]
    password: String,
    #[serde(default)]
    tokens: BTreeMap<String, Vec<u8>>,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    login: Option<Login>,
    #[serde(default)]
    logins: Vec<Login>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    On,
    Off,
}

fn refuse<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Err(serde::de::Error::custom(format!("{text} is bad")))
}

/// Buffered, so that serde's errors have no place of their own.
#[derive(Debug, Deserialize)]
#[serde(try_from = "RawLogin")]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Login(RawLogin);

#[derive(Debug, Deserialize)]
struct RawLogin {
    #[serde(flatten)]
    credentials: Credentials,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    user: String,
    password: u64,
    #[serde(default)]
    retries: u8,
}

impl TryFrom<RawLogin> for Login {
    type Error = String;

    fn try_from(raw: RawLogin) -> Result<Self, String> {
        let Credentials { user, password, retries } = &raw.credentials;
        Err(format!("{user} with {password} after {retries}"))
    }
}

const CREDENTIALS: &[Field] = &[
    Field::new("user", String::describe),
    Field::new("password", u64::describe).secret(),
    Field::new("retries", u8::describe),
];

fn login() -> Description {
    const FLAT: &[Field] =
        &[Field::new("", || Description::new("Credentials", Shape::Struct(CREDENTIALS))).flatten()];
    Description::new("Login", Shape::Like(|| Description::new("RawLogin", Shape::Struct(FLAT))))
}

const FIELDS: &[Field] = &[
    Field::new("token", <Option<u64>>::describe).aliases(&["key"]).secret(),
    Field::new("mode", String::describe).secret(),
    Field::new("password", String::describe).secret().opaque(),
    Field::new("tokens", <BTreeMap<String, Vec<u8>>>::describe).secret(),
    Field::new("port", u16::describe),
    Field::new("login", login),
    Field::new("logins", || Description::new("Vec<Login>", Shape::Sequence(login))),
];

reloadable!(App, Shape::Struct(FIELDS));

#[test]
fn nothing_of_a_secret_is_quoted() {
    let withheld = "the value was refused; why is withheld, since it may quote a secret [decode]";
    let cases = [
        ("token = 'hunter2'", "a.toml:1:9: token: invalid type: string, expected u64 [type]".to_owned()),
        ("key = 'hunter2'", "a.toml:1:7: key: invalid type: string, expected u64 [type]".to_owned()),
        ("token = -2222", "a.toml:1:9: token: invalid value: integer, expected u64 [value]".to_owned()),
        (
            "mode = 'hunter2'",
            "a.toml:1:8: mode: unknown variant, expected one of `on`, `off` [unknown_variant]".to_owned(),
        ),
        (
            "mode = 'onn'",
            "a.toml:1:8: mode: unknown variant, expected one of `on`, `off` [unknown_variant]".to_owned(),
        ),
        ("password = 'hunter2'", format!("a.toml:1:12: password: {withheld}")),
        (
            "tokens.x = [1, 'hunter2']",
            "a.toml:1:16: tokens.x[1]: invalid type: string, expected u8 [type]".to_owned(),
        ),
        ("port = 'open'", "a.toml:1:8: port: invalid type: string \"open\", expected u16 [type]".to_owned()),
        ("[login]\nuser = 'u'\npassword = 2222", format!("a.toml:1:1: login: {withheld}")),
        ("[[logins]]\nuser = 'u'\npassword = 2222", format!("a.toml:1:1: logins[0]: {withheld}")),
        (
            "login = 'hunter2'",
            "a.toml:1:9: login: invalid type: string, expected struct RawLogin [type]".to_owned(),
        ),
        (
            "[login]\nuser = 'u'\npassword = 'hunter2'",
            "a.toml:3:12: login.password: invalid type: string, expected u64 [type]".to_owned(),
        ),
        // The value is there twice, so its place is not known: that of the table, which holds a secret.
        (
            "[login]\nuser = 'hunter2'\npassword = 'hunter2'",
            "a.toml:1:1: login: invalid type: string, expected u64 [type]".to_owned(),
        ),
        (
            "[login]\nuser = 'u'\npassword = 1\nretries = 'many'",
            "a.toml:4:11: login.retries: invalid type: string \"many\", expected u8 [type]".to_owned(),
        ),
        ("[login]\nuser = 'u'", "a.toml:1:1: login: missing field `password` [missing_field]".to_owned()),
    ];
    for (text, expected) in cases {
        let found = refused::<App>(&[toml("a.toml", text)]);
        assert_eq!(found, [expected.as_str()], "{text}");
        assert!(!found[0].contains("hunter2") && !found[0].contains("2222"), "{found:?}");
    }
    let found = refused::<App>(&[json("a.json", "{\"token\": \"hunter2\"}")]);
    assert_eq!(found, ["a.json:1:11: token: invalid type: string, expected u64 [type]"]);
}

/// Secret by their types, without an attribute.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct ByType {
    #[serde(default)]
    one: Option<secrecy::SecretString>,
    #[serde(default)]
    many: Vec<secrecy::SecretBox<u8>>,
    #[serde(default, deserialize_with = "from_number")]
    own: Option<secrecy::SecretString>,
}

fn from_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<secrecy::SecretString>, D::Error> {
    u8::deserialize(deserializer).map(|number| Some(number.to_string().into()))
}

const BY_TYPE: &[Field] = &[
    Field::new("one", <Option<secrecy::SecretString>>::describe),
    Field::new("many", <Vec<secrecy::SecretBox<u8>>>::describe),
    Field::new("own", <Option<secrecy::SecretString>>::describe).opaque(),
];

reloadable!(ByType, Shape::Struct(BY_TYPE));

#[test]
fn a_type_can_be_a_secret() {
    assert_eq!(
        refused::<ByType>(&[toml("a.toml", "one = 2222")]),
        ["a.toml:1:7: one: invalid type: integer, expected a string [type]"]
    );
    assert_eq!(
        refused::<ByType>(&[toml("a.toml", "many = [2222]")]),
        ["a.toml:1:9: many[0]: invalid value: integer, expected u8 [value]"]
    );
    assert_eq!(
        refused::<ByType>(&[toml("a.toml", "own = 2222")]),
        ["a.toml:1:7: own: invalid value: integer, expected u8 [value]"]
    );
}
