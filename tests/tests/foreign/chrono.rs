use chrono::{
    DateTime, FixedOffset, Month, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, Utc, Weekday,
};
use reloadable::{Changes, Diff, Reloadable};
use serde::Deserialize;

use super::{edited, problems};

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[reload(range(DateTime::UNIX_EPOCH..))]
    since: Option<DateTime<Utc>>,
    local: Option<DateTime<FixedOffset>>,
    day: Option<NaiveDate>,
    #[reload(range(NaiveTime::MIN..=NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default()))]
    time: Option<NaiveTime>,
    naive: Option<NaiveDateTime>,
    grace: Option<TimeDelta>,
    weekday: Option<Weekday>,
    month: Option<Month>,
}

#[test]
fn an_edit_is_told_as_the_file_writes_it() {
    assert_eq!(
        edited::<Config>(
            "since = '2026-01-01T00:00:00Z'\nday = '2026-01-01'\ntime = '07:00:00'\nnaive = '2026-01-01T07:00:00'\n\
             grace = [5, 0]\nweekday = 'Mon'\nmonth = 'January'",
            "since = '2026-01-01T00:00:00.5Z'\nday = '2026-01-02'\ntime = '07:30:00'\nnaive = '2026-01-01T07:30:00'\n\
             grace = [5, 1]\nweekday = 'Tue'\nmonth = 'March'",
        ),
        [
            r#"since: "2026-01-01T00:00:00Z" -> "2026-01-01T00:00:00.500Z""#,
            r#"day: "2026-01-01" -> "2026-01-02""#,
            r#"time: "07:00:00" -> "07:30:00""#,
            r#"naive: "2026-01-01T07:00:00" -> "2026-01-01T07:30:00""#,
            "grace: [5, 0] -> [5, 1]",
            r#"weekday: "Mon" -> "Tue""#,
            r#"month: "January" -> "March""#,
        ]
    );
}

#[test]
fn another_offset_is_a_change() {
    assert_eq!(
        edited::<Config>("local = '2026-01-01T12:00:00+02:00'", "local = '2026-01-01T10:00:00+00:00'"),
        [r#"local: "2026-01-01T12:00:00+02:00" -> "2026-01-01T10:00:00+00:00""#]
    );
    assert_eq!(
        edited::<Config>("since = '2026-01-01T12:00:00+02:00'", "since = '2026-01-01T10:00:00Z'"),
        [""; 0]
    );
}

#[test]
fn a_negative_delta_is_shown_as_serde_writes_it() {
    let (old, new) = (TimeDelta::milliseconds(-1500), TimeDelta::seconds(-2));
    let changes = old.diff(&new).map(|changes| changes.to_string());
    assert_eq!(changes.as_deref(), Some("(root): [-2, 500000000] -> [-2, 0]"));
    assert_eq!(serde_json::to_string(&old).ok().as_deref(), Some("[-2,500000000]"));
}

#[test]
fn an_offset_is_told() {
    let (old, new) = (Utc.fix(), FixedOffset::east_opt(7200));
    let changes = Some(old).diff(&new).map(|changes| changes.entries()[0].to_string());
    assert_eq!(changes.as_deref(), Some(r#"(root): "+00:00" -> "+02:00""#));
}

#[test]
fn times_have_a_range() {
    assert_eq!(
        problems::<Config>("since = '1969-12-31T23:59:59Z'\ntime = '12:00:01'"),
        [
            "since: 1969-12-31T23:59:59Z is not in 1970-01-01T00:00:00Z.. [range]",
            "time: 12:00:01 is not in 00:00:00..=12:00:00 [range]",
        ]
    );
}
