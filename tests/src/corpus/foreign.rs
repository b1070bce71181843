//! Kebab-case, and types of other crates.

use std::time::Duration;

use bytesize::ByteSize;
use regex::Regex;
use reloadable::Reloadable;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Edit, Sample, edit};

/// A fetcher's settings.
#[derive(Debug, Clone, Serialize, Deserialize, Reloadable)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fetcher {
    pub base_url: Url,
    #[reload(leaf)]
    pub proxy_url: Option<Url>,
    #[serde(with = "pattern")]
    #[reload(leaf, by = Regex::as_str)]
    pub allowed_hosts: Regex,
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    #[serde(with = "humantime_serde", default)]
    pub idle_timeout: Option<Duration>,
    pub max_body: ByteSize,
    #[serde(rename = "type")]
    pub r#type: Kind,
    #[serde(alias = "maxRedirects")]
    pub max_redirects: u8,
    pub retry_policy: RetryPolicy,
}

/// Names in another case.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum Kind {
    KeepAlive,
    OneShot,
}

/// A nested table in the same case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(rename_all = "kebab-case")]
pub struct RetryPolicy {
    pub max_attempts: u8,
    #[serde(with = "humantime_serde")]
    pub base_delay: Duration,
}

/// A regular expression as its text.
mod pattern {
    use regex::Regex;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(regex: &Regex, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(regex.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
        Regex::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Sample for Fetcher {
    const TOML: &'static str = r#"
base-url = "https://a.example/"
proxy-url = "http://proxy:3128/"
allowed-hosts = "^a[.]example$"
connect-timeout = "2s"
idle-timeout = "1m 30s"
max-body = "1.0 MiB"
type = "KEEP-ALIVE"
max-redirects = 5

[retry-policy]
max-attempts = 3
base-delay = "100ms"
"#;

    const EDITS: &'static [Edit] = &[
        edit(
            "/base-url",
            "\"https://b.example/\"",
            "base-url: \"https://a.example/\" -> \"https://b.example/\"",
        ),
        edit(
            "/proxy-url",
            "\"http://other:3128/\"",
            "proxy-url: \"http://proxy:3128/\" -> \"http://other:3128/\"",
        ),
        edit("/proxy-url", "", "proxy-url: \"http://proxy:3128/\" -> none"),
        edit("/allowed-hosts", "\"^b$\"", "allowed-hosts: \"^a[.]example$\" -> \"^b$\""),
        edit("/connect-timeout", "\"2500ms\"", "connect-timeout: 2s -> 2.5s"),
        edit("/idle-timeout", "\"2m\"", "idle-timeout: 90s -> 120s"),
        edit("/idle-timeout", "", "idle-timeout: cleared, was 90s"),
        edit("/max-body", "\"2.0 MiB\"", "max-body: \"1.0 MiB\" -> \"2.0 MiB\""),
        edit("/type", "\"ONE-SHOT\"", "type: \"KEEP-ALIVE\" -> \"ONE-SHOT\""),
        edit("/max-redirects", "6", "max-redirects: 5 -> 6"),
        edit("/retry-policy/max-attempts", "4", "retry-policy.max-attempts: 3 -> 4"),
        edit("/retry-policy/base-delay", "\"1s\"", "retry-policy.base-delay: 100ms -> 1s"),
    ];
}
