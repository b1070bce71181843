//! A secret is in no message, whatever is wrong with it.

use std::collections::BTreeMap;

use reloadable::{Describe, Description, Field, Reloadable, Reporter, Shape};
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
    Field::new("retries", u8::describe).optional(),
];

fn login() -> Description {
    const FLAT: &[Field] =
        &[Field::new("", || Description::new("Credentials", Shape::Struct(CREDENTIALS))).flatten()];
    Description::new("Login", Shape::Like(|| Description::new("RawLogin", Shape::Struct(FLAT))))
}

const FIELDS: &[Field] = &[
    Field::new("token", <Option<u64>>::describe).aliases(&["key"]).secret(),
    Field::new("mode", String::describe).optional().secret(),
    Field::new("password", String::describe).optional().secret().opaque(),
    Field::new("tokens", <BTreeMap<String, Vec<u8>>>::describe).optional().secret(),
    Field::new("port", u16::describe).optional(),
    Field::new("login", login).optional(),
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
            "a.toml:1:16: tokens: invalid type: string, expected u8 [type]".to_owned(),
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
        (
            "[login]\nuser = 'hunter2'\npassword = 'hunter2'",
            "a.toml:3:12: login.password: invalid type: string, expected u64 [type]".to_owned(),
        ),
        (
            "[login]\nuser = 'u'\npassword = 1\nretries = 'many'",
            "a.toml:4:11: login.retries: invalid type: string \"many\", expected u8 [type]".to_owned(),
        ),
        (
            "[login]\nuser = 'u'",
            "a.toml:1:1: login.password: missing field `password` [missing_field]".to_owned(),
        ),
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

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Keyed {
    #[serde(default)]
    #[reload(secret)]
    tokens: BTreeMap<String, Grant>,
    #[serde(default)]
    #[reload(secret)]
    ports: BTreeMap<u16, u8>,
    #[serde(default)]
    #[reload(secret)]
    pick: Option<Pick>,
    #[serde(default)]
    #[reload(secret)]
    grant: Option<Grant>,
    #[serde(default)]
    flat: Option<Flat>,
    #[serde(default)]
    open: BTreeMap<String, Grant>,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Grant {
    level: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "decoding is what is tested")]
enum Pick {
    Some(Grant),
}

#[derive(Debug, Deserialize, Reloadable)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Flat {
    #[serde(flatten)]
    #[reload(secret)]
    rest: BTreeMap<String, u8>,
}

#[test]
fn a_key_beneath_a_secret_is_as_secret_as_its_value() {
    let type_error = "invalid type: string, expected u8 [type]";
    let unknown = "unknown key, expected `level` [unknown_key]";
    for (text, expected) in [
        ("[tokens.hunter2]\nlevel = 'x'", vec![format!("a.toml:2:9: tokens: {type_error}")]),
        ("[tokens.hunter2]\nlevel = 1\nlevle = 1", vec![format!("a.toml:3:1: tokens: {unknown}")]),
        ("[tokens.hunter2]", vec!["a.toml:1:1: tokens: missing field `level` [missing_field]".to_owned()]),
        (
            "[ports]\nhunter2 = 1",
            vec!["a.toml:2:1: ports: invalid type: string, expected u16 [type]".to_owned()],
        ),
        (
            "[pick.hunter2]",
            vec!["a.toml:1:7: pick: unknown variant, expected `some` [unknown_variant]".to_owned()],
        ),
        ("[flat]\nhunter2 = 'x'", vec![format!("a.toml:2:11: flat: {type_error}")]),
        // What the type spells out is no secret.
        ("[pick.some]\nlevel = 'x'", vec![format!("a.toml:2:9: pick.some.level: {type_error}")]),
        ("[grant]\nlevel = 1\nhunter2 = 1", vec![format!("a.toml:3:1: grant: {unknown}")]),
        (
            "[open.it]\nlevel = 1\nlevle = 1",
            vec!["a.toml:3:1: open.it.levle: unknown key, did you mean `level`? [unknown_key]".to_owned()],
        ),
    ] {
        let found = refused::<Keyed>(&[toml("a.toml", text)]);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn layers_that_disagree_beneath_a_secret_do_not_name_the_key() {
    let table = toml("a.toml", "tokens.hunter2.level = 1\nopen.it.level = 1");
    let number = json("b.json", r#"{"tokens": {"hunter2": 5}, "open": {"it": 5}}"#);
    assert_eq!(
        refused::<Keyed>(&[table, number]),
        [
            "b.json:1:24: tokens: this is an integer, but a table in a.toml:1:8 [shape]",
            "b.json:1:43: open.it: this is an integer, but a table in a.toml:2:6 [shape]"
        ]
    );
}

#[test]
fn a_key_that_is_set_twice_is_not_named_where_there_are_secrets() {
    assert_eq!(
        refused::<Keyed>(&[toml("a.toml", "[tokens]\nhunter2 = 1\nhunter2 = 2")]),
        ["a.toml:3:1: duplicate key, first set at 2:1 [duplicate_key]"]
    );
    assert_eq!(
        refused::<Keyed>(&[json("a.json", r#"{"tokens": {"hunter2": 1, "hunter2": 2}}"#)]),
        ["a.json:1:27: duplicate key, first set at 1:13 [duplicate_key]"]
    );
    assert_eq!(
        refused::<Grant>(&[toml("a.toml", "level = 1\nlevel = 2")]),
        ["a.toml:2:1: duplicate key `level`, first set at 1:1 [duplicate_key]"]
    );
}

/// Knows nothing of secrets.
#[derive(Debug, Deserialize)]
struct RawAuth {
    token: String,
    user: Option<u8>,
}

/// Its own fields are not those of the file.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(try_from = "RawAuth")]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Auth {
    #[reload(secret)]
    token: String,
}

impl TryFrom<RawAuth> for Auth {
    type Error = String;

    fn try_from(raw: RawAuth) -> Result<Self, String> {
        Err(format!("bad token {} of {:?}", raw.token, raw.user))
    }
}

#[derive(Debug, Deserialize, Reloadable)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Converted {
    #[serde(default)]
    auth: Option<Auth>,
    #[serde(default)]
    wrapped: Vec<Wrapped>,
    #[serde(default)]
    open: Option<Open>,
}

/// Secret by the type of its field.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(try_from = "RawAuth")]
#[allow(dead_code, reason = "decoding is what is tested")]
enum Wrapped {
    One(Box<Auth>),
}

impl TryFrom<RawAuth> for Wrapped {
    type Error = String;

    fn try_from(raw: RawAuth) -> Result<Self, String> {
        Err(format!("bad token {}", raw.token))
    }
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(try_from = "u8")]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Open {
    level: u8,
}

impl TryFrom<u8> for Open {
    type Error = String;

    fn try_from(level: u8) -> Result<Self, String> {
        Err(format!("{level} is too low"))
    }
}

#[test]
fn a_conversion_into_a_type_with_secrets_is_not_quoted() {
    let withheld = "the value was refused; why is withheld, since it may quote a secret [decode]";
    for (text, expected) in [
        ("auth = { token = 'hunter2' }", format!("a.toml:1:8: auth: {withheld}")),
        ("wrapped = [{ token = 'hunter2' }]", format!("a.toml:1:12: wrapped[0]: {withheld}")),
        (
            "auth = { token = 'a', user = 'hunter2' }",
            "a.toml:1:30: auth: invalid type: string, expected u8 [type]".to_owned(),
        ),
        ("open = 3", "a.toml:1:8: open: 3 is too low [decode]".to_owned()),
    ] {
        assert_eq!(refused::<Converted>(&[toml("a.toml", text)]), [expected.as_str()], "{text}");
    }
}

#[derive(Debug, Deserialize, Reloadable)]
#[reload(validate = Self::check)]
struct Told {
    #[reload(secret)]
    token: String,
    #[serde(default)]
    #[reload(secret)]
    tokens: BTreeMap<String, u8>,
    user: String,
    #[serde(default)]
    #[reload(key = "name")]
    routes: Vec<Route>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Route {
    name: String,
    #[reload(secret)]
    key: String,
}

impl Told {
    fn check(&self, report: &mut Reporter<'_>) {
        report.violation_at("token", "own", format!("{} is bad", self.token));
        for key in self.tokens.keys() {
            report.violation_at(&format!("tokens.{key}"), "own", format!("{key} is bad"));
        }
        report.violation_at("user", "own", format!("{} is bad", self.user));
        for (index, route) in self.routes.iter().enumerate() {
            report.violation_at(&format!("routes[{index}].key"), "own", format!("{} is bad", route.key));
            let path = format!("routes[\"{}\"].key", route.name);
            report.violation_at(&path, "own", format!("{} is bad", route.key));
        }
        report.at_name("token", |report| {
            report.violation("own", format!("{} is worse", self.token));
            report.value_violation("own", &self.token, "is too short");
        });
    }
}

#[test]
fn a_container_cannot_quote_the_secret_of_a_field() {
    let withheld = "the value was refused; why is withheld, since it is a secret [own]";
    let text =
        "token = 'hunter2'\ntokens.hunter2 = 1\nuser = 'me'\nroutes = [{ name = 'a', key = 'hunter2' }]";
    assert_eq!(
        refused::<Told>(&[toml("a.toml", text)]),
        [
            format!("a.toml:1:9: token: {withheld}"),
            format!("a.toml:2:1: tokens: {withheld}"),
            "a.toml:3:8: user: me is bad [own]".to_owned(),
            format!("a.toml:4:31: routes[0].key: {withheld}"),
            format!("a.toml:4:31: routes[\"a\"].key: {withheld}"),
            format!("a.toml:1:9: token: {withheld}"),
            "a.toml:1:9: token: the value is too short [own]".to_owned(),
        ]
    );
}

/// Speaks of its secret by a name that is not that of the file.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(from = "RawKey")]
#[reload(validate = Self::check)]
struct Key {
    #[reload(secret)]
    text: String,
    level: u8,
}

#[derive(Debug, Deserialize, Reloadable)]
struct RawKey {
    #[reload(secret)]
    secret: String,
}

impl From<RawKey> for Key {
    fn from(raw: RawKey) -> Self {
        Self { text: raw.secret, level: 0 }
    }
}

impl Key {
    fn check(&self, report: &mut Reporter<'_>) {
        report.violation_at("text", "own", format!("{} is bad", self.text));
        report.value_violation("own", self.level, "is too low");
    }
}

#[derive(Debug, Deserialize, Reloadable)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Keys {
    key: Key,
}

#[test]
fn a_converted_container_cannot_either() {
    assert_eq!(
        refused::<Keys>(&[toml("a.toml", "key = { secret = 'hunter2' }")]),
        [
            "a.toml:1:7: key.text: the value was refused; why is withheld, since it is a secret [own]",
            "a.toml:1:7: key: 0 is too low [own]",
        ]
    );
}

#[derive(Debug, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "decoding is what is tested")]
enum Proof {
    #[serde(deserialize_with = "refuse_token")]
    Token {
        #[reload(secret)]
        token: String,
    },
}

fn refuse_token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    refuse(deserializer)
}

#[derive(Debug, Deserialize, Reloadable)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Proofs {
    proof: Proof,
}

#[test]
fn a_variant_that_a_function_reads_is_not_quoted() {
    let withheld = "the value was refused; why is withheld, since it may quote a secret [decode]";
    assert_eq!(
        refused::<Proofs>(&[toml("a.toml", "proof.token = 'hunter2'")]),
        [format!("a.toml:1:15: proof.token: {withheld}")]
    );
}
