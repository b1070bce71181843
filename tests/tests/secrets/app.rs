//! A configuration with a secret of every kind.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use reloadable::{Reloadable, Reporter, Secret, Zeroize};
use secrecy::{SecretBox, SecretString};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::vault;

#[derive(Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
#[reload(validate = Self::check)]
pub struct App {
    #[reload(range(..1000))]
    pub plain: u32,

    #[reload(secret, length(12..=40), pattern("^[a-z0-9]+$"), validate = quoted)]
    pub text: String,
    #[reload(secret, range(..99_000_000_000))]
    pub number: u64,
    #[reload(secret)]
    pub float: f64,
    #[reload(secret, length(..40))]
    pub optional: Option<String>,
    #[reload(secret)]
    pub address: Option<SocketAddr>,
    #[reload(secret)]
    pub path: PathBuf,
    #[reload(secret)]
    pub several_lines: String,
    #[serde(default = "by_default")]
    #[reload(secret)]
    pub by_default: String,
    #[reload(secret)]
    pub choice: Choice,
    #[serde(deserialize_with = "with")]
    #[reload(secret)]
    pub with: String,

    #[reload(secret)]
    pub login: Login,
    #[reload(secret, unique, each(length(..40)))]
    pub list: Vec<String>,
    #[reload(secret)]
    pub pair: (String, u64),
    #[reload(secret)]
    pub set: BTreeSet<String>,
    #[reload(secret, set)]
    pub like_set: Vec<String>,
    #[reload(secret, keys(length(..40)), values(validate = level))]
    pub map: BTreeMap<String, Grant>,

    pub token: Token,
    #[reload(restart)]
    pub tokens: Vec<Token>,
    pub token_keys: BTreeMap<Token, Grant>,

    pub external: External,
    pub internal: Internal,
    pub adjacent: Adjacent,
    pub untagged: Untagged,
    pub flat: Flat,
    pub tried: Tried,
    pub converted: Converted,

    #[reload(length(12..=40), pattern("^[a-z0-9]+$"), validate = quoted_secret)]
    #[reload(restart)]
    pub secret: Secret<String>,
    #[reload(range(..99_000_000_000))]
    #[reload(restart)]
    pub secret_number: Secret<u64>,
    #[reload(restart)]
    pub secret_login: Secret<Login>,
    #[reload(each(length(..40)), unique)]
    pub secrets: Vec<Secret<String>>,
    #[reload(values(length(..40)))]
    pub secret_map: BTreeMap<String, Secret<String>>,
    pub secret_keys: BTreeMap<Secret<String>, Grant>,
    #[reload(restart)]
    pub secret_option: Option<Secret<String>>,

    #[reload(length(12..=40))]
    #[reload(restart)]
    pub theirs: SecretString,
    #[reload(range(..99_000_000_000))]
    pub their_number: SecretBox<u64>,

    #[reload(secret, leaf, eq = same)]
    pub leaf: Url,
    #[reload(leaf)]
    pub leaf_type: LeafType,

    #[reload(key = "token")]
    pub keyed: Vec<Client>,
    #[reload(key = (name, secret))]
    pub by_both: Vec<Client>,
    #[reload(key = "name")]
    pub named: Vec<Client>,
}

impl App {
    fn check(&self, report: &mut Reporter<'_>) {
        report_all(report, "text", &self.text);
        report_all(report, "secret", self.secret.expose_secret());
        report_all(report, "tokens[0]", self.tokens.first().map_or("", |token| &token.0));
        report_all(report, "flat.rest", &format!("{:?}", self.flat.rest));
    }
}

/// A careless validator: where it finds something wrong, it quotes.
fn report_all(report: &mut Reporter<'_>, field: &'static str, value: &str) {
    if value.contains("careless") {
        report.violation_at(field, "own", format!("{value} is bad"));
        report.violation_at(&format!("{field}.{value}"), "own", format!("{value} is bad"));
        // `at_name` takes a name, not a path.
        if field.chars().all(char::is_alphanumeric) {
            report.at_name(field, |report| {
                report.violation("own", format!("{value} is bad"));
                report.value_violation("own", value, "is bad");
            });
        }
    }
    assert!(!value.contains("panic"), "{value} is very bad");
}

fn by_default() -> String {
    vault::text("by default", 0)
}

fn quoted(text: &str) -> Result<(), String> {
    if text.contains("careless") { Err(format!("{text} is bad")) } else { Ok(()) }
}

fn quoted_secret(secret: &Secret<String>) -> Result<(), String> {
    quoted(secret.expose_secret())
}

fn level(grant: &Grant) -> Result<(), String> {
    if grant.level > 100 { Err(format!("{} is too much for {}", grant.level, grant.of)) } else { Ok(()) }
}

fn with<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    assert!(!text.contains("panic"), "{text} is very bad");
    quoted(&text).map_err(serde::de::Error::custom)?;
    Ok(text)
}

fn same(old: &Url, new: &Url) -> bool {
    assert!(!new.path().contains("panic"), "{new} is very bad");
    old == new
}

#[derive(Debug, Clone, Copy, Deserialize, Reloadable)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    FirstOfTwo,
    SecondOfTwo,
}

#[derive(Clone, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
#[reload(normalize = Self::fill_in, validate = Self::check)]
pub struct Login {
    #[reload(length(..40))]
    pub user: String,
    #[reload(one_of("one", "two"))]
    pub word: Option<String>,
    #[reload(keys(length(..40)), values(length(..40)))]
    pub headers: BTreeMap<String, String>,
}

impl Login {
    fn fill_in(&mut self) -> Result<(), String> {
        assert!(!self.user.contains("panic"), "{} is very bad", self.user);
        quoted(&self.user)
    }

    fn check(&self, report: &mut Reporter<'_>) -> Result<(), String> {
        report_all(report, "user", &self.user);
        quoted(&self.user)
    }
}

impl Zeroize for Login {
    fn zeroize(&mut self) {
        self.user.zeroize();
    }
}

#[derive(Clone, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    #[reload(range(..200))]
    pub level: u8,
    pub of: String,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Reloadable)]
pub struct Token(#[reload(secret, length(..40))] pub String);

#[derive(Deserialize, Reloadable)]
#[serde(rename_all = "snake_case")]
pub enum External {
    Plain,
    Token(#[reload(secret)] String),
    Login {
        user: String,
        #[reload(secret)]
        password: String,
    },
}

#[derive(Deserialize, Reloadable)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Internal {
    Plain,
    Login {
        #[reload(length(..10))]
        user: String,
        #[reload(secret)]
        password: u64,
    },
}

#[derive(Deserialize, Reloadable)]
#[serde(tag = "kind", content = "is", rename_all = "snake_case")]
pub enum Adjacent {
    Plain,
    Token(Secret<String>),
}

#[derive(Deserialize, Reloadable)]
#[serde(untagged)]
pub enum Untagged {
    Pin {
        #[reload(secret)]
        pin: u64,
    },
    Login {
        user: String,
        #[reload(secret)]
        password: String,
    },
}

#[derive(Deserialize, Reloadable)]
pub struct Flat {
    #[serde(flatten)]
    pub inner: Inner,
    #[serde(flatten)]
    #[reload(secret)]
    pub rest: BTreeMap<String, String>,
}

#[derive(Deserialize, Reloadable)]
pub struct Inner {
    #[reload(secret, length(..40))]
    pub password: String,
    pub pin: Secret<u64>,
}

#[derive(Deserialize)]
struct RawTried {
    token: String,
    user: Option<String>,
}

#[derive(Deserialize, Reloadable)]
#[serde(try_from = "RawTried")]
#[reload(validate = Self::check)]
pub struct Tried {
    #[reload(secret)]
    token: String,
}

impl TryFrom<RawTried> for Tried {
    type Error = String;

    fn try_from(raw: RawTried) -> Result<Self, String> {
        quoted(&raw.token)?;
        if raw.user.is_some() {
            Err(format!("{} is not for {:?}", raw.token, raw.user))
        } else {
            Ok(Self { token: raw.token })
        }
    }
}

impl Tried {
    fn check(&self, report: &mut Reporter<'_>) {
        if self.token.contains("refused") {
            report.violation_at("token", "own", format!("{} is bad", self.token));
        }
    }
}

#[derive(Deserialize, Reloadable)]
#[serde(from = "(String, u64)")]
pub struct Converted {
    #[reload(secret)]
    token: String,
    pin: Secret<u64>,
}

impl From<(String, u64)> for Converted {
    fn from((token, pin): (String, u64)) -> Self {
        assert!(!token.contains("panic"), "{token} is very bad");
        Self { token, pin: pin.into() }
    }
}

#[derive(Clone, PartialEq, Deserialize, Reloadable)]
pub struct LeafType {
    pub user: String,
    pub password: Secret<String>,
}

#[derive(Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct Client {
    #[serde(default)]
    pub name: String,
    #[reload(secret, length(..40))]
    pub token: String,
    #[serde(default)]
    pub secret: Option<Secret<String>>,
    #[serde(default)]
    #[reload(range(..100))]
    pub weight: u32,
}
