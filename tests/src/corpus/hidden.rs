//! What `Serialize` does not tell: fields that it skips always, or when they are empty, and secrets.

use reloadable::Reloadable;
use serde::{Deserialize, Serialize};

use super::{Edit, Sample, edit};

/// A client's settings. It has no `PartialEq`, as half of all real ones.
#[derive(Debug, Clone, Serialize, Deserialize, Reloadable)]
#[serde(default)]
pub struct Client {
    pub endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(skip_serializing)]
    pub pin: u32,
    #[reload(secret)]
    #[serde(skip_serializing)]
    pub token: String,
    #[reload(secret)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// A cache: no part of the configuration.
    #[serde(skip)]
    pub seen: Vec<String>,
    /// Filled in after decoding.
    #[serde(skip)]
    #[reload(diff)]
    pub derived: u32,
    #[reload(skip)]
    pub comment: String,
}

/// All of it is secret, since the field is.
#[derive(Debug, Clone, Serialize, Deserialize, Reloadable)]
pub struct Login {
    pub user: String,
    pub password: String,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            endpoint: "default".to_owned(),
            region: None,
            tags: Vec::new(),
            pin: 0,
            token: "unset".to_owned(),
            login: None,
            seen: Vec::new(),
            derived: 0,
            comment: String::new(),
        }
    }
}

impl Sample for Client {
    const TOML: &'static str = r#"
endpoint = "a"
region = "eu"
tags = ["x"]
pin = 1234
token = "hunter2"
comment = "mine"

[login]
user = "root"
password = "hunter3"
"#;

    const EDITS: &'static [Edit] = &[
        edit("/endpoint", "", "endpoint: \"a\" -> \"default\""),
        edit("/region", "\"us\"", "region: \"eu\" -> \"us\""),
        edit("/region", "", "region: cleared, was \"eu\""),
        edit("/tags", "", "tags[0]: removed"),
        edit("/tags/0", "\"y\"", "tags[0]: \"x\" -> \"y\""),
        edit("/tags/1", "\"y\"", "tags[1]: added"),
        edit("/pin", "4321", "pin: 1234 -> 4321"),
        edit("/token", "\"hunter4\"", "token: changed"),
        edit("/token", "", "token: changed"),
        edit("/login/user", "\"admin\"", "login: changed"),
        edit("/login/password", "\"hunter4\"", "login: changed"),
        edit("/login", "", "login: changed"),
        edit("/comment", "\"yours\"", ""),
    ];
}
