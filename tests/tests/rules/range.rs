use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct Limits {
    #[reload(range(..=1024))]
    max_workers: u16,
    #[reload(range(-10..10))]
    offset: Option<i64>,
    #[reload(range(0.0..=1.0))]
    ratio: f32,
    #[reload(range(1..))]
    boxed: Option<Box<u8>>,
    #[reload(range(1..=LARGEST))]
    shared: Option<Arc<u32>>,
    #[reload(range(..Duration::from_secs(60)))]
    timeout: Duration,
    #[reload(range(..=100))]
    shards: Option<NonZeroU32>,
    #[reload(range('a'..='z'))]
    drive: Option<char>,
}

const LARGEST: u32 = 7;

#[test]
fn values_within_pass() {
    passes::<Limits>("");
    passes::<Limits>(
        "max-workers = 1024\noffset = -10\nratio = 1.0\nboxed = 1\nshared = 7\nshards = 100\ndrive = 'c'\n\
         timeout = { secs = 59, nanos = 999999999 }",
    );
}

#[test]
fn values_outside_fail() {
    fails::<Limits>("max-workers = 1025", &["max-workers: 1025 is not in ..=1024 [range]"]);
    fails::<Limits>("offset = 10", &["offset: 10 is not in -10..10 [range]"]);
    fails::<Limits>("ratio = -0.1", &["ratio: -0.1 is not in 0.0..=1.0 [range]"]);
    fails::<Limits>("ratio = nan", &["ratio: NaN is not in 0.0..=1.0 [range]"]);
    fails::<Limits>("boxed = 0", &["boxed: 0 is not in 1.. [range]"]);
    fails::<Limits>("shared = 8", &["shared: 8 is not in 1..=7 [range]"]);
    fails::<Limits>("shards = 101", &["shards: 101 is not in ..=100 [range]"]);
    fails::<Limits>("drive = 'C'", &["drive: 'C' is not in 'a'..='z' [range]"]);
    fails::<Limits>("timeout = { secs = 60, nanos = 0 }", &["timeout: 60s is not in ..60s [range]"]);
}

#[test]
fn every_violation_is_reported() {
    fails::<Limits>(
        "ratio = 2.0\nmax-workers = 2000",
        &["max-workers: 2000 is not in ..=1024 [range]", "ratio: 2.0 is not in 0.0..=1.0 [range]"],
    );
}

/// A type of the application joins the rule.
#[derive(Debug, Deserialize, Reloadable)]
#[serde(transparent)]
struct Percent(u8);

impl reloadable::rules::Range for Percent {
    type Bound = u8;

    fn bound(&self) -> Option<u8> {
        Some(self.0)
    }
}

#[derive(Debug, Deserialize, Reloadable)]
struct Own {
    #[reload(range(..=100))]
    share: Option<Percent>,
}

#[test]
fn a_type_of_the_application_joins() {
    passes::<Own>("share = 100");
    fails::<Own>("share = 101", &["share: 101 is not in ..=100 [range]"]);
}
