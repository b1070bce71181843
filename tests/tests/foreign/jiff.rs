use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span, Timestamp, Zoned};
use reloadable::Reloadable;
use serde::Deserialize;

use super::{edited, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[reload(range(Timestamp::UNIX_EPOCH..))]
    since: Option<Timestamp>,
    zoned: Option<Zoned>,
    day: Option<Date>,
    time: Option<Time>,
    civil: Option<DateTime>,
    #[reload(range(..SignedDuration::from_secs(60)))]
    grace: Option<SignedDuration>,
    span: Option<Span>,
}

#[test]
fn an_edit_is_told_as_the_file_writes_it() {
    assert_eq!(
        edited::<Config>(
            "since = '2026-01-01T00:00:00Z'\nday = '2026-01-01'\ntime = '07:00:00'\ncivil = '2026-01-01T07:00:00'\n\
             grace = 'PT5S'\nspan = 'P1D'",
            "since = '2026-01-01T00:00:00.5Z'\nday = '2026-01-02'\ntime = '07:30:00'\ncivil = '2026-01-01T07:30:00'\n\
             grace = 'PT6S'\nspan = 'PT24H'",
        ),
        [
            r#"since: "2026-01-01T00:00:00Z" -> "2026-01-01T00:00:00.5Z""#,
            r#"day: "2026-01-01" -> "2026-01-02""#,
            r#"time: "07:00:00" -> "07:30:00""#,
            r#"civil: "2026-01-01T07:00:00" -> "2026-01-01T07:30:00""#,
            r#"grace: "PT5S" -> "PT6S""#,
            r#"span: "P1D" -> "PT24H""#,
        ]
    );
}

#[test]
fn another_zone_is_a_change() {
    assert_eq!(
        edited::<Config>(
            "zoned = '2026-01-01T12:00:00+02:00[+02:00]'",
            "zoned = '2026-01-01T11:00:00+01:00[+01:00]'",
        ),
        [r#"zoned: "2026-01-01T12:00:00+02:00[+02:00]" -> "2026-01-01T11:00:00+01:00[+01:00]""#]
    );
}

#[test]
fn times_have_a_range() {
    assert_eq!(
        problems::<Config>("since = '1969-12-31T23:59:59Z'\ngrace = 'PT1M'"),
        [
            "since: 1969-12-31T23:59:59Z is not in 1970-01-01T00:00:00Z.. [range]",
            "grace: PT1M is not in ..PT1M [range]",
        ]
    );
}
