//! A gateway: three levels of lists whose elements have an identity, and enums that stand in the table around them.

use std::collections::BTreeMap;

use reloadable::Reloadable;
use serde::{Deserialize, Serialize};

use super::{Edit, Sample, edit};

/// The root: listeners, known by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Gateway {
    #[reload(key = "name")]
    pub listeners: Vec<Listener>,
    /// Policies may have no name, and their name stands in a flattened struct.
    #[serde(default)]
    #[reload(key = "meta.name")]
    pub policies: Vec<Policy>,
    /// The first rule that fits wins.
    #[serde(default)]
    #[reload(key = Rule::identity, ordered)]
    pub rules: Vec<Rule>,
    #[serde(flatten)]
    pub telemetry: Option<Telemetry>,
}

/// The first level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    pub name: String,
    #[serde(flatten)]
    pub protocol: Protocol,
    #[reload(key = (host, path_prefix))]
    pub routes: Vec<Route>,
}

/// Externally tagged: `http = {..}` stands beside `name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    #[serde(rename_all = "camelCase")]
    Http {
        keep_alive: bool,
    },
    Tls(Tls),
    Tcp(u16),
}

/// What a variant holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Tls {
    pub cert: String,
    pub versions: Vec<String>,
}

/// The second level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    pub host: String,
    pub path_prefix: String,
    #[serde(flatten)]
    pub action: Action,
}

/// Internally tagged: `type` stands beside `host`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Action {
    Forward {
        #[reload(key = "address", ordered)]
        backends: Vec<Backend>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retries: Option<u8>,
    },
    Redirect(Redirect),
    NotFound,
}

/// What a tagged variant holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Redirect {
    pub to: String,
    pub permanent: bool,
}

/// The third level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Backend {
    pub address: String,
    #[serde(flatten)]
    pub balance: Balance,
}

/// Untagged: told by its fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(untagged)]
pub enum Balance {
    Weighted { weight: u32 },
    Sticky { cookie: String },
}

/// A policy, whose own fields are the smaller part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Policy {
    #[serde(flatten)]
    pub meta: Meta,
    pub limit: u32,
    /// Whatever else the file says.
    #[serde(flatten)]
    pub rest: BTreeMap<String, String>,
}

/// What many objects have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Meta {
    pub name: Option<String>,
    pub owner: Option<String>,
}

/// A rule, known by where it comes from and goes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Rule {
    pub from: String,
    pub to: String,
    pub verdict: Verdict,
}

impl Rule {
    /// Returns the key.
    pub fn identity(&self) -> String {
        format!("{}>{}", self.from, self.to)
    }
}

/// Adjacently tagged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(tag = "kind", content = "with", rename_all = "lowercase")]
pub enum Verdict {
    Allow,
    Deny { status: u16 },
    Delay(u32),
}

/// An optional part without a table of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Telemetry {
    pub endpoint: String,
    pub sampling: f64,
}

impl Sample for Gateway {
    const TOML: &'static str = r#"
endpoint = "otel:4317"
sampling = 0.5

[[listeners]]
name = "web"
http = { keepAlive = true }

[[listeners.routes]]
host = "a.example"
pathPrefix = "/"
type = "forward"
backends = [
    { address = "10.0.0.1:80", weight = 1 },
    { address = "10.0.0.2:80", weight = 2 },
    { address = "10.0.0.3:80", cookie = "sid" },
]

[[listeners.routes]]
host = "a.example"
pathPrefix = "/old"
type = "redirect"
to = "https://a.example/"
permanent = true

[[listeners]]
name = "secure"
tls = { cert = "/tls/cert.pem", versions = ["1.2", "1.3"] }

[[listeners.routes]]
host = "b.example"
pathPrefix = "/"
type = "not-found"

[[listeners]]
name = "raw"
tcp = 9000
routes = []

[[policies]]
name = "slow"
owner = "ops"
limit = 10
note = "for now"

[[policies]]
limit = 20

[[rules]]
from = "any"
to = "db"
verdict = { kind = "deny", with = { status = 403 } }

[[rules]]
from = "web"
to = "db"
verdict = { kind = "allow" }

[[rules]]
from = "any"
to = "any"
verdict = { kind = "delay", with = 10 }
"#;

    const EDITS: &'static [Edit] = &[
        edit("/endpoint", "\"otel:4318\"", "endpoint: \"otel:4317\" -> \"otel:4318\""),
        edit("/sampling", "0.25", "sampling: 0.5 -> 0.25"),
        edit("/endpoint", "", "endpoint: cleared, was \"otel:4317\"\nsampling: cleared, was 0.5"),
        // The first level.
        edit("/listeners/0/name", "\"www\"", "listeners[\"web\"]: removed\nlisteners[\"www\"]: added"),
        edit("/listeners/2", "", "listeners[\"raw\"]: removed"),
        edit("/listeners/3", r#"{"name": "more", "tcp": 1, "routes": []}"#, "listeners[\"more\"]: added"),
        edit("/listeners/0/http/keepAlive", "false", "listeners[\"web\"].http.keepAlive: true -> false"),
        edit(
            "/listeners/1/tls/cert",
            "\"/new.pem\"",
            "listeners[\"secure\"].tls.cert: \"/tls/cert.pem\" -> \"/new.pem\"",
        ),
        edit(
            "/listeners/1/tls/versions/0",
            "\"1.1\"",
            "listeners[\"secure\"].tls.versions[0]: \"1.2\" -> \"1.1\"",
        ),
        edit("/listeners/1/tls/versions/1", "", "listeners[\"secure\"].tls.versions[1]: removed"),
        edit("/listeners/2/tcp", "9001", "listeners[\"raw\"].tcp: 9000 -> 9001"),
        edit("/listeners/1/name", "\"safe\"", "listeners[\"secure\"]: removed\nlisteners[\"safe\"]: added"),
        // The second level.
        edit(
            "/listeners/0/routes/0/host",
            "\"c.example\"",
            "listeners[\"web\"].routes[\"a.example\", \"/\"]: removed\nlisteners[\"web\"].routes[\"c.example\", \"/\"]: added",
        ),
        edit(
            "/listeners/0/routes/1/pathPrefix",
            "\"/older\"",
            "listeners[\"web\"].routes[\"a.example\", \"/old\"]: removed\nlisteners[\"web\"].routes[\"a.example\", \"/older\"]: added",
        ),
        edit("/listeners/1/routes/0", "", "listeners[\"secure\"].routes[\"b.example\", \"/\"]: removed"),
        edit(
            "/listeners/0/routes/1/to",
            "\"/\"",
            "listeners[\"web\"].routes[\"a.example\", \"/old\"].to: \"https://a.example/\" -> \"/\"",
        ),
        edit(
            "/listeners/0/routes/1/permanent",
            "false",
            "listeners[\"web\"].routes[\"a.example\", \"/old\"].permanent: true -> false",
        ),
        edit(
            "/listeners/0/routes/0/retries",
            "3",
            "listeners[\"web\"].routes[\"a.example\", \"/\"].retries: set to 3",
        ),
        edit(
            "/listeners/0/routes/1/type",
            "\"not-found\"",
            "listeners[\"web\"].routes[\"a.example\", \"/old\"].type: \"redirect\" -> \"not-found\"\nlisteners[\"web\"].routes[\"a.example\", \"/old\"].to: cleared, was \"https://a.example/\"\nlisteners[\"web\"].routes[\"a.example\", \"/old\"].permanent: cleared, was true",
        ),
        edit(
            "/listeners/0/routes/0/pathPrefix",
            "\"/new\"",
            "listeners[\"web\"].routes[\"a.example\", \"/\"]: removed\nlisteners[\"web\"].routes[\"a.example\", \"/new\"]: added",
        ),
        edit(
            "/listeners/0/routes/1/host",
            "\"d.example\"",
            "listeners[\"web\"].routes[\"a.example\", \"/old\"]: removed\nlisteners[\"web\"].routes[\"d.example\", \"/old\"]: added",
        ),
        edit(
            "/listeners/0/routes/0/type",
            "\"not-found\"",
            "listeners[\"web\"].routes[\"a.example\", \"/\"].type: \"forward\" -> \"not-found\"\nlisteners[\"web\"].routes[\"a.example\", \"/\"].backends: cleared, was [{address = \"10.0.0.1:80\", weight = 1}, {address = \"10.0.0.2:80\", weight = 2}, {address = \"10.0.0.3:80\", cookie = \"sid\"}..",
        ),
        // The third level.
        edit(
            "/listeners/0/routes/0/backends/0/weight",
            "9",
            "listeners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.1:80\"].weight: 1 -> 9",
        ),
        edit(
            "/listeners/0/routes/0/backends/2/cookie",
            "\"id\"",
            "listeners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.3:80\"].cookie: \"sid\" -> \"id\"",
        ),
        edit(
            "/listeners/0/routes/0/backends/1/address",
            "\"10.0.0.9:80\"",
            "listeners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.2:80\"]: removed\nlisteners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.9:80\"]: added",
        ),
        edit(
            "/listeners/0/routes/0/backends/1",
            "",
            "listeners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.2:80\"]: removed",
        ),
        edit(
            "/listeners/0/routes/0/backends/0/address",
            "\"10.0.0.8:80\"",
            "listeners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.1:80\"]: removed\nlisteners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.8:80\"]: added",
        ),
        edit(
            "/listeners/0/routes/0/backends/2/address",
            "\"10.0.0.7:80\"",
            "listeners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.3:80\"]: removed\nlisteners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.7:80\"]: added",
        ),
        edit(
            "/listeners/0/routes/0/backends",
            r#"[{"address": "10.0.0.3:80", "weight": 3}, {"address": "10.0.0.1:80", "weight": 1}, {"address": "10.0.0.2:80", "weight": 2}]"#,
            "listeners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.3:80\"].cookie: cleared, was \"sid\"\nlisteners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.3:80\"].weight: set to 3\nlisteners[\"web\"].routes[\"a.example\", \"/\"].backends[\"10.0.0.3:80\"]: moved from 2 to 0",
        ),
        // Names in a flattened struct, or no name.
        edit("/policies/0/name", "\"fast\"", "policies[\"slow\"]: removed\npolicies[\"fast\"]: added"),
        edit("/policies/0/owner", "", "policies[\"slow\"].owner: cleared, was \"ops\""),
        edit("/policies/0/limit", "11", "policies[\"slow\"].limit: 10 -> 11"),
        edit("/policies/0/note", "\"for ever\"", "policies[\"slow\"].note: \"for now\" -> \"for ever\""),
        edit("/policies/0/more", "\"x\"", "policies[\"slow\"].more: added"),
        edit("/policies/1/limit", "21", "policies[1].limit: 20 -> 21"),
        edit("/policies/1", "", "policies[1]: removed"),
        // Where the order counts.
        edit("/rules/0/verdict/with/status", "404", "rules[\"any>db\"].verdict.with.status: 403 -> 404"),
        edit("/rules/2/verdict/with", "11", "rules[\"any>any\"].verdict.with: 10 -> 11"),
        edit(
            "/rules/1/verdict",
            r#"{"kind": "delay", "with": 1}"#,
            "rules[\"web>db\"].verdict: {kind = \"allow\"} -> {kind = \"delay\", with = 1}",
        ),
        edit("/rules/1", "", "rules[\"web>db\"]: removed"),
        edit("/rules/1/from", "\"app\"", "rules[\"web>db\"]: removed\nrules[\"app>db\"]: added"),
        edit("/rules/1/to", "\"cache\"", "rules[\"web>db\"]: removed\nrules[\"web>cache\"]: added"),
        edit("/rules/0/from", "\"app\"", "rules[\"any>db\"]: removed\nrules[\"app>db\"]: added"),
        edit("/rules/0/to", "\"cache\"", "rules[\"any>db\"]: removed\nrules[\"any>cache\"]: added"),
        edit("/rules/2/from", "\"app\"", "rules[\"any>any\"]: removed\nrules[\"app>any\"]: added"),
        edit("/rules/2/to", "\"cache\"", "rules[\"any>any\"]: removed\nrules[\"any>cache\"]: added"),
        edit(
            "/rules/0/verdict",
            r#"{"kind": "allow"}"#,
            "rules[\"any>db\"].verdict: {kind = \"deny\", with = {status = 403}} -> {kind = \"allow\"}",
        ),
        edit(
            "/rules/2/verdict",
            r#"{"kind": "deny", "with": {"status": 500}}"#,
            "rules[\"any>any\"].verdict: {kind = \"delay\", with = 10} -> {kind = \"deny\", with = {status = 500}}",
        ),
        edit(
            "/rules",
            r#"[{"from": "any", "to": "any", "verdict": {"kind": "delay", "with": 10}},
                {"from": "any", "to": "db", "verdict": {"kind": "deny", "with": {"status": 403}}},
                {"from": "web", "to": "db", "verdict": {"kind": "allow"}}]"#,
            "rules[\"any>any\"]: moved from 2 to 0",
        ),
    ];
}
