//! One struct with very many fields, as long-lived servers have them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{NonZeroI8, NonZeroU16, NonZeroU32, NonZeroUsize};
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reloadable::Reloadable;
use serde::{Deserialize, Serialize};

use super::{Edit, Sample, edit};

/// A server's settings, all in one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
pub struct Wide {
    // Numbers.
    pub signed_8: i8,
    pub signed_16: i16,
    pub signed_32: i32,
    pub signed_64: i64,
    pub signed_128: i128,
    pub signed_size: isize,
    pub unsigned_8: u8,
    pub unsigned_16: u16,
    pub unsigned_32: u32,
    pub unsigned_64: u64,
    pub unsigned_128: u128,
    pub unsigned_size: usize,
    pub float_32: f32,
    pub float_64: f64,
    pub non_zero_i8: NonZeroI8,
    pub non_zero_u16: NonZeroU16,
    pub non_zero_u32: NonZeroU32,
    pub non_zero_usize: NonZeroUsize,
    // Texts.
    pub flag: bool,
    pub letter: char,
    pub name: String,
    pub boxed_text: Box<str>,
    pub shared_text: Arc<str>,
    pub static_text: Cow<'static, str>,
    pub path: PathBuf,
    // Times.
    pub timeout: Duration,
    pub epoch: SystemTime,
    // The network.
    pub address: IpAddr,
    pub address_v4: Ipv4Addr,
    pub address_v6: Ipv6Addr,
    pub listen: SocketAddr,
    pub listen_v4: SocketAddrV4,
    pub listen_v6: SocketAddrV6,
    // What may be absent.
    pub maybe_flag: Option<bool>,
    pub maybe_count: Option<u32>,
    pub maybe_ratio: Option<f64>,
    pub maybe_name: Option<String>,
    pub maybe_path: Option<PathBuf>,
    pub maybe_address: Option<IpAddr>,
    pub maybe_count_above_zero: Option<NonZeroU32>,
    pub maybe_names: Option<Vec<String>>,
    pub maybe_level: Option<Level>,
    pub maybe_limits: Option<Limits>,
    pub maybe_shared: Option<Arc<Limits>>,
    // Rows.
    pub names: Vec<String>,
    pub counts: Vec<u16>,
    pub grid: Vec<Vec<String>>,
    pub levels: Vec<Level>,
    pub many_limits: Vec<Limits>,
    pub queue: VecDeque<u8>,
    pub triple: [f32; 3],
    pub boxed_row: Box<[u8]>,
    pub shared_row: Arc<[u8]>,
    pub pair: (String, u16),
    pub pairs: Vec<(String, u16)>,
    pub ports: Range<u16>,
    pub weights: RangeInclusive<u8>,
    #[reload(set)]
    pub origins: Vec<String>,
    pub unique_names: BTreeSet<String>,
    pub unique_counts: HashSet<u16>,
    // Maps.
    pub labels: BTreeMap<String, String>,
    pub headers: HashMap<String, String>,
    pub by_port: BTreeMap<u16, String>,
    pub by_level: BTreeMap<Level, bool>,
    pub limits_by_name: HashMap<String, Limits>,
    pub rows_by_name: HashMap<String, Vec<String>>,
    // Types of the program.
    pub level: Level,
    pub limits: Limits,
    pub boxed_limits: Box<Limits>,
    pub shared_limits: Arc<Limits>,
    pub id: Id,
    #[serde(skip)]
    pub home: Option<OsString>,
}

/// Variants without data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Reloadable)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Debug,
    Info,
    Warn,
}

/// A nested table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Limits {
    pub soft: u32,
    pub hard: Option<u32>,
}

/// A newtype.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Reloadable)]
pub struct Id(pub String);

impl Sample for Wide {
    const TOML: &'static str = r#"
signed_8 = -1
signed_16 = -2
signed_32 = -3
signed_64 = -4
signed_128 = -5
signed_size = -6
unsigned_8 = 1
unsigned_16 = 2
unsigned_32 = 3
unsigned_64 = 4
unsigned_128 = 5
unsigned_size = 6
float_32 = 0.5
float_64 = 0.25
non_zero_i8 = -1
non_zero_u16 = 1
non_zero_u32 = 2
non_zero_usize = 3
flag = true
letter = "a"
name = "main"
boxed_text = "boxed"
shared_text = "shared"
static_text = "static"
path = "/etc/wide"
timeout = { secs = 1, nanos = 0 }
epoch = { secs_since_epoch = 10, nanos_since_epoch = 0 }
address = "127.0.0.1"
address_v4 = "127.0.0.1"
address_v6 = "::1"
listen = "127.0.0.1:80"
listen_v4 = "127.0.0.1:80"
listen_v6 = "[::1]:80"
maybe_flag = true
maybe_count = 1
maybe_ratio = 0.5
maybe_name = "maybe"
maybe_path = "/maybe"
maybe_address = "::1"
maybe_count_above_zero = 1
maybe_names = ["x"]
maybe_level = "info"
maybe_limits = { soft = 1, hard = 2 }
maybe_shared = { soft = 1 }
names = ["x", "y"]
counts = [1, 2]
grid = [["a"], ["b", "c"]]
levels = ["debug", "info"]
many_limits = [{ soft = 1 }, { soft = 2 }]
queue = [1, 2]
triple = [1.0, 2.0, 3.0]
boxed_row = [1]
shared_row = [1]
pair = ["left", 1]
pairs = [["a", 1], ["b", 2]]
ports = { start = 80, end = 90 }
weights = { start = 1, end = 9 }
origins = ["a.example", "b.example"]
unique_names = ["x", "y"]
unique_counts = [1]
labels = { team = "red" }
headers = { "x-a" = "1" }
by_port = { 80 = "http" }
by_level = { info = true }
limits_by_name = { main = { soft = 1 } }
rows_by_name = { main = ["a"] }
level = "info"
limits = { soft = 1, hard = 2 }
boxed_limits = { soft = 1 }
shared_limits = { soft = 1 }
id = "one"
"#;

    const EDITS: &'static [Edit] = &[
        edit("/signed_8", "-9", "signed_8: -1 -> -9"),
        edit("/signed_16", "-9", "signed_16: -2 -> -9"),
        edit("/signed_32", "-9", "signed_32: -3 -> -9"),
        edit("/signed_64", "-9", "signed_64: -4 -> -9"),
        edit("/signed_128", "-9", "signed_128: -5 -> -9"),
        edit("/signed_size", "-9", "signed_size: -6 -> -9"),
        edit("/unsigned_8", "9", "unsigned_8: 1 -> 9"),
        edit("/unsigned_16", "9", "unsigned_16: 2 -> 9"),
        edit("/unsigned_32", "9", "unsigned_32: 3 -> 9"),
        edit("/unsigned_64", "9", "unsigned_64: 4 -> 9"),
        edit("/unsigned_128", "9", "unsigned_128: 5 -> 9"),
        edit("/unsigned_size", "9", "unsigned_size: 6 -> 9"),
        edit("/float_32", "0.1", "float_32: 0.5 -> 0.1"),
        edit("/float_64", "0.1", "float_64: 0.25 -> 0.1"),
        edit("/non_zero_i8", "9", "non_zero_i8: -1 -> 9"),
        edit("/non_zero_u16", "9", "non_zero_u16: 1 -> 9"),
        edit("/non_zero_u32", "9", "non_zero_u32: 2 -> 9"),
        edit("/non_zero_usize", "9", "non_zero_usize: 3 -> 9"),
        edit("/flag", "false", "flag: true -> false"),
        edit("/letter", "\"b\"", "letter: \"a\" -> \"b\""),
        edit("/name", "\"other\"", "name: \"main\" -> \"other\""),
        edit("/boxed_text", "\"other\"", "boxed_text: \"boxed\" -> \"other\""),
        edit("/shared_text", "\"other\"", "shared_text: \"shared\" -> \"other\""),
        edit("/static_text", "\"other\"", "static_text: \"static\" -> \"other\""),
        edit("/path", "\"/other\"", "path: \"/etc/wide\" -> \"/other\""),
        edit("/timeout", r#"{"secs": 2, "nanos": 500000000}"#, "timeout: 1s -> 2.5s"),
        edit(
            "/epoch/secs_since_epoch",
            "11",
            "epoch: {secs_since_epoch = 10, nanos_since_epoch = 0} -> {secs_since_epoch = 11, nanos_since_epoch = 0}",
        ),
        edit(
            "/epoch/nanos_since_epoch",
            "1",
            "epoch: {secs_since_epoch = 10, nanos_since_epoch = 0} -> {secs_since_epoch = 10, nanos_since_epoch = 1}",
        ),
        edit("/address", "\"::1\"", "address: \"127.0.0.1\" -> \"::1\""),
        edit("/address_v4", "\"0.0.0.0\"", "address_v4: \"127.0.0.1\" -> \"0.0.0.0\""),
        edit("/address_v6", "\"::2\"", "address_v6: \"::1\" -> \"::2\""),
        edit("/listen", "\"[::]:80\"", "listen: \"127.0.0.1:80\" -> \"[::]:80\""),
        edit("/listen_v4", "\"127.0.0.1:81\"", "listen_v4: \"127.0.0.1:80\" -> \"127.0.0.1:81\""),
        edit("/listen_v6", "\"[::1]:81\"", "listen_v6: \"[::1]:80\" -> \"[::1]:81\""),
        edit("/maybe_flag", "", "maybe_flag: cleared, was true"),
        edit("/maybe_count", "2", "maybe_count: 1 -> 2"),
        edit("/maybe_ratio", "", "maybe_ratio: cleared, was 0.5"),
        edit("/maybe_name", "\"b\"", "maybe_name: \"maybe\" -> \"b\""),
        edit("/maybe_path", "", "maybe_path: cleared, was \"/maybe\""),
        edit("/maybe_address", "\"::2\"", "maybe_address: \"::1\" -> \"::2\""),
        edit("/maybe_count_above_zero", "", "maybe_count_above_zero: cleared, was 1"),
        edit("/maybe_names", "", "maybe_names: cleared, was [\"x\"]"),
        edit("/maybe_names/0", "\"y\"", "maybe_names[0]: \"x\" -> \"y\""),
        edit("/maybe_level", "\"warn\"", "maybe_level: \"info\" -> \"warn\""),
        edit("/maybe_limits", "", "maybe_limits: cleared, was {soft = 1, hard = 2}"),
        edit("/maybe_limits/soft", "9", "maybe_limits.soft: 1 -> 9"),
        edit("/maybe_limits/hard", "9", "maybe_limits.hard: 2 -> 9"),
        edit("/maybe_shared/soft", "9", "maybe_shared.soft: 1 -> 9"),
        edit("/maybe_shared/hard", "9", "maybe_shared.hard: set to 9"),
        edit("/names/0", "\"z\"", "names[0]: \"x\" -> \"z\""),
        edit("/names/1", "", "names[1]: removed"),
        edit("/names/2", "\"z\"", "names[2]: added"),
        edit("/counts/0", "9", "counts[0]: 1 -> 9"),
        edit("/counts/1", "9", "counts[1]: 2 -> 9"),
        edit("/grid/0/0", "\"z\"", "grid[0][0]: \"a\" -> \"z\""),
        edit("/grid/1/0", "\"z\"", "grid[1][0]: \"b\" -> \"z\""),
        edit("/grid/1/1", "", "grid[1][1]: removed"),
        edit("/levels/0", "\"warn\"", "levels[0]: \"debug\" -> \"warn\""),
        edit("/levels/1", "\"warn\"", "levels[1]: \"info\" -> \"warn\""),
        edit("/many_limits/0/soft", "9", "many_limits[0].soft: 1 -> 9"),
        edit("/many_limits/1/soft", "9", "many_limits[1].soft: 2 -> 9"),
        edit("/many_limits/1/hard", "9", "many_limits[1].hard: set to 9"),
        edit("/queue/0", "9", "queue[0]: 1 -> 9"),
        edit("/queue/1", "", "queue[1]: removed"),
        edit("/triple/0", "9.5", "triple[0]: 1.0 -> 9.5"),
        edit("/triple/1", "9.5", "triple[1]: 2.0 -> 9.5"),
        edit("/triple/2", "9.5", "triple[2]: 3.0 -> 9.5"),
        edit("/boxed_row/0", "9", "boxed_row[0]: 1 -> 9"),
        edit("/shared_row/0", "9", "shared_row[0]: 1 -> 9"),
        edit("/pair/0", "\"right\"", "pair[0]: \"left\" -> \"right\""),
        edit("/pair/1", "9", "pair[1]: 1 -> 9"),
        edit("/pairs/0/0", "\"z\"", "pairs[0][0]: \"a\" -> \"z\""),
        edit("/pairs/0/1", "9", "pairs[0][1]: 1 -> 9"),
        edit("/pairs/1/0", "\"z\"", "pairs[1][0]: \"b\" -> \"z\""),
        edit("/pairs/1/1", "9", "pairs[1][1]: 2 -> 9"),
        edit("/ports/start", "81", "ports: {start = 80, end = 90} -> {start = 81, end = 90}"),
        edit("/ports/end", "91", "ports: {start = 80, end = 90} -> {start = 80, end = 91}"),
        edit("/weights/start", "2", "weights: {start = 1, end = 9} -> {start = 2, end = 9}"),
        edit("/weights/end", "8", "weights: {start = 1, end = 9} -> {start = 1, end = 8}"),
        edit("/origins/0", "", "origins[\"a.example\"]: removed"),
        edit("/origins/1", "\"c\"", "origins[\"b.example\"]: removed\norigins[\"c\"]: added"),
        edit("/origins/2", "\"c\"", "origins[\"c\"]: added"),
        edit("/unique_names/0", "", "unique_names[\"x\"]: removed"),
        edit("/unique_names/1", "\"z\"", "unique_names[\"y\"]: removed\nunique_names[\"z\"]: added"),
        edit("/unique_counts/0", "9", "unique_counts[\"1\"]: removed\nunique_counts[\"9\"]: added"),
        edit("/labels/team", "\"blue\"", "labels.team: \"red\" -> \"blue\""),
        edit("/labels/a b", "\"1\"", "labels.\"a b\": added"),
        edit("/headers/x-a", "", "headers.x-a: removed"),
        edit("/by_port/80", "\"web\"", "by_port.80: \"http\" -> \"web\""),
        edit("/by_level/info", "false", "by_level.info: true -> false"),
        edit("/by_level/debug", "true", "by_level.debug: added"),
        edit("/limits_by_name/main/soft", "9", "limits_by_name.main.soft: 1 -> 9"),
        edit("/rows_by_name/main/0", "\"b\"", "rows_by_name.main[0]: \"a\" -> \"b\""),
        edit("/level", "\"warn\"", "level: \"info\" -> \"warn\""),
        edit("/limits/soft", "9", "limits.soft: 1 -> 9"),
        edit("/limits/hard", "", "limits.hard: cleared, was 2"),
        edit("/boxed_limits/soft", "9", "boxed_limits.soft: 1 -> 9"),
        edit("/shared_limits/soft", "9", "shared_limits.soft: 1 -> 9"),
        edit("/id", "\"two\"", "id: \"one\" -> \"two\""),
    ];
}
