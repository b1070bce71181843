//! Whole reports.

use std::collections::BTreeMap;
use std::fs;

use reloadable::{Arrays, Env, Format, MemorySource, Reloadable, Reloader};
use serde::Deserialize;

use crate::{Outcome, env, refused, toml};

#[derive(Debug, Deserialize, Reloadable)]
struct App {
    #[reload(range(1..=65535))]
    port: u32,
    #[serde(default, rename = "maxAge")]
    #[reload(range(..=10))]
    max_age: u32,
    database: Database,
    #[serde(default)]
    #[reload(each(length(..=3)))]
    tags: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, u8>,
    #[reload(secret, length(16..))]
    #[serde(default)]
    token: Option<String>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Database {
    url: String,
    #[reload(range(..=100))]
    #[serde(default)]
    pool_size: u16,
}

fn app() -> reloadable::Builder<App> {
    Reloader::builder()
}

/// What is suspicious comes first, since it may be why something else is wrong.
const SEVERAL: &str = "\
/etc/app.toml:1:8  port  0 is not in 1..=65535  [range]
       1 | port = 0
         |        ^
    also as APP_PORT or --set port=..
variable APP_MAX_AGE  maxAge  11 is not in ..=10  [range]
         | APP_MAX_AGE=11
         |             ^^
    set in layer environment; also as key `maxAge` or --set maxAge=..
/etc/conf.d/20-pool.toml:3:13  database.pool_size  5000 is not in ..=100  [range]
       3 | pool_size = 5000 # a lot
         |             ^^^^
    set in layer /etc/conf.d; also as APP_DATABASE__POOL_SIZE or --set database.pool_size=..
--set tags  tags[1]  the length is 4, not in ..=3  [length]
         | --set tags=a,bcde
         |            ^^^^^^
    set in layer command line; also as key `tags[1]` or APP_TAGS__1 or --set tags[1]=..
/etc/app.toml:3:9  token  the value has a length that is not in 16..  [length]
       3 | token = ***
         |         ^^^
/etc/app.toml:3:9  token  everybody on this machine may read this file, and it holds a secret  [warning: public_secret]
       3 | token = ***
         |         ^^^
    take that permission away, as with `chmod o-r`
variable APP_MAXAGES  maxages  there is no field of this name, did you mean `maxAge`?  [warning: unknown_key]
    set in layer environment
/etc/app.toml:2:1  prot  unknown key, did you mean `port`?  [warning: unknown_key]
       2 | prot = ***
         | ^^^^";

#[test]
fn several_problems_across_all_layers() -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    fs::create_dir(root.join("conf.d"))?;
    fs::write(root.join("app.toml"), "port = 0\nprot = 1\ntoken = \"hunter2\"\n[database]\nurl = 'x'\n")?;
    fs::write(root.join("conf.d/20-pool.toml"), "# more\n[database]\npool_size = 5000 # a lot\n")?;
    let report = refused(
        app()
            .file(root.join("app.toml"))
            .secrets()
            .directory(root.join("conf.d"), "*.toml")
            .env(env([("APP_MAX_AGE", "11"), ("APP_MAXAGES", "5")]))
            .set(["tags=a,bcde"])
            .arrays(Arrays::Append),
    );
    let told = format!("{report:#}");
    let told = told.replace(&root.display().to_string(), "/etc");
    // The columns are as wide as the name of the directory.
    let narrow = |line: &str| match line.strip_prefix("    ") {
        Some(_) => line.to_owned(),
        None => {
            line.split("  ").filter(|part| !part.is_empty()).map(str::trim).collect::<Vec<_>>().join("  ")
        }
    };
    assert_eq!(told.lines().map(narrow).collect::<Vec<_>>().join("\n"), SEVERAL);
    Ok(())
}

fn drawn(text: &str, format: Format) -> String {
    let (source, _handle) = MemorySource::new("app", format, text);
    format!("{:#}", refused(app().source(source)))
}

const TABS: &str = "\
app:1:8  port  invalid type: string \"x\", expected u32  [type]
       1 | port = 'x'
         |        ^^^";

const MULTIBYTE: &str = "\
app:1:23  labels.\"größe😀\"  invalid type: string \"x\", expected u8  [type]
       1 | labels = { \"größe😀\" = 'x' }
         |                       ^^^";

const CRLF: &str = "\
app:1:10  maxAge  11 is not in ..=10  [range]
       1 | maxAge = 11
         |          ^^";

const MULTILINE: &str = "\
app:1:8  port  invalid type: string \"x\\n\", expected u32  [type]
       1 | port = '''
         |        ^^^";

const LONG: &str = "\
app:1:310  port  invalid value: integer `-1`, expected u32  [value]
       1 | ..                                          \"port\": -1,                                                                                       ..
         |                                                     ^^";

const CONTROL: &str = "\
app:2:42  database.pool_size  101 is not in ..=100  [range]
       2 | \"database\": {\"url\": \"a\u{fffd}b\u{fffd}\", \"pool_size\": 101}}
         |                                          ^^^";

const MISSING: &str = "\
app:1:1  database  missing field `database`  [missing_field]";

const TORN: &str = "\
app:1:8  string values must be quoted, expected literal string  [syntax]";

const TWICE: &str = "\
app:2:1  duplicate key, first set at 1:1  [duplicate_key]";

#[test]
fn lines_of_every_kind() {
    let rest = "\n[database]\nurl = 'x'\n";
    let spaces = " ".repeat(300);
    for (format, text, expected) in [
        (Format::Toml, format!("port\t=\t'x'{rest}"), TABS),
        (Format::Toml, format!("labels = {{ \"größe😀\" = 'x' }}\nport = 1{rest}"), MULTIBYTE),
        (Format::Toml, "maxAge = 11\r\nport = 1\r\n[database]\r\nurl = 'x'\r\n".to_owned(), CRLF),
        (Format::Toml, format!("port = \'\'\'\nx\n\'\'\'{rest}"), MULTILINE),
        (Format::Json, format!("{{{spaces}\"port\": -1,{spaces}\"database\": {{\"url\": \"\"}}}}"), LONG),
        (
            Format::Json,
            "{\"port\": 1,\n\"database\": {\"url\": \"a\u{202e}b\u{7f}\", \"pool_size\": 101}}".to_owned(),
            CONTROL,
        ),
        (Format::Toml, "port = 1\n".to_owned(), MISSING),
        (Format::Toml, "port = ".to_owned(), TORN),
        (Format::Toml, "port = 1 # hunter2\nport = 2 # hunter2\n".to_owned(), TWICE),
    ] {
        assert_eq!(drawn(&text, format), expected);
    }
}

const ONE_LINE: &str = "\
variable APP_PORT  port  invalid type: string \"a\\nb\\tc\\u{1b}[31m\", expected u32  [type]
         | APP_PORT=a b c\u{fffd}[31m
         |          ^^^^^^^^^^
    set in layer environment; also as key `port`";

#[test]
fn the_value_of_a_variable_is_one_line() {
    let report = refused(
        app()
            .source(toml("app", "port = 1\n[database]\nurl = 'x'\n"))
            .env(env([("APP_PORT", "a\nb\tc\u{1b}[31m")])),
    );
    assert_eq!(format!("{report:#}"), ONE_LINE);
}

const JSON: &str = r#"[
  {
    "path": "port",
    "code": "range",
    "message": "0 is not in 1..=65535",
    "severity": "error",
    "layer": "app",
    "origin": "app",
    "position": {
      "line": 1,
      "column": 8
    },
    "span": {
      "start": 7,
      "end": 8
    },
    "excerpt": {
      "line": 1,
      "text": "port = 0",
      "start": 7,
      "length": 1
    },
    "ways": [
      {
        "key": "port"
      },
      {
        "variable": "APP_PORT"
      }
    ],
    "hint": null
  },
  {
    "path": "maxAge",
    "code": "range",
    "message": "11 is not in ..=10",
    "severity": "error",
    "layer": "environment",
    "origin": "variable APP_MAX_AGE",
    "position": null,
    "span": null,
    "excerpt": {
      "line": null,
      "text": "APP_MAX_AGE=11",
      "start": 12,
      "length": 2
    },
    "ways": [
      {
        "key": "maxAge"
      },
      {
        "variable": "APP_MAX_AGE"
      }
    ],
    "hint": null
  },
  {
    "path": "prot",
    "code": "unknown_key",
    "message": "unknown key, did you mean `port`?",
    "severity": "warning",
    "layer": "app",
    "origin": "app",
    "position": {
      "line": 2,
      "column": 1
    },
    "span": {
      "start": 9,
      "end": 13
    },
    "excerpt": {
      "line": 2,
      "text": "prot = ***",
      "start": 0,
      "length": 4
    },
    "ways": [],
    "hint": null
  }
]"#;

#[test]
fn as_json() -> Outcome {
    let report = refused(
        app()
            .source(toml("app", "port = 0\nprot = 1\ndatabase = { url = 'x' }\n"))
            .env(env([("APP_MAX_AGE", "11")])),
    );
    assert_eq!(serde_json::to_string_pretty(&report)?, JSON);
    Ok(())
}

#[test]
fn of_two_documents_with_one_name_the_one_at_fault_is_quoted() {
    let below = toml("app", "port = 1\ndatabase.url = 'x'\n");
    let report = refused(app().source(below).source(toml("app", "\nport = 'above'\n")));
    let lines: Vec<_> = report.violations().iter().filter_map(|violation| violation.excerpt()).collect();
    assert_eq!(lines.iter().map(|line| line.text()).collect::<Vec<_>>(), ["port = 'above'"]);
}

#[test]
fn an_element_too_far_in_a_list_that_only_it_has_names_no_other_place() {
    let report =
        refused(app().env(env([("APP_PORT", "1"), ("APP_DATABASE__URL", "x"), ("APP_TAGS__3", "a")])));
    let messages: Vec<_> = report.violations().iter().map(|violation| violation.message()).collect();
    assert_eq!(messages, ["there is no element 3: there are 0"]);
}

/// A thousand variables of somebody else's do not push what is wrong out of the report.
#[test]
fn warnings_do_not_crowd_out_errors() {
    let variables = (0..5_000).map(|number| (format!("APP_OTHER_{number}"), "x"));
    let report = refused(
        app()
            .source(toml("app", "port = 'x'\ndatabase = { url = 'x' }\n"))
            .env(Env::prefixed("APP").variables(variables)),
    );
    assert_eq!(report.errors().count(), 1);
    assert_eq!(report.violations().first().map(|violation| violation.code()), Some("type"));
    assert_eq!(report.warnings().count(), 100);
}

/// One line of half a megabyte, with a secret and a fault in each of its elements.
#[test]
fn a_long_line_of_secrets_and_faults_is_quoted_near_the_fault() {
    #[derive(Debug, serde::Deserialize, reloadable::Reloadable)]
    #[allow(dead_code, reason = "it never comes to be")]
    struct Element {
        #[reload(secret)]
        token: String,
        port: u16,
    }
    type Elements = std::collections::BTreeMap<String, Element>;
    let elements: Vec<_> =
        (0..10_000).map(|nth| format!("\"e{nth}\": {{\"token\": \"hunter2\", \"port\": -1}}")).collect();
    let text = format!("{{{}}}", elements.join(", "));
    let (source, _handle) = MemorySource::new("app", Format::Json, text);
    let report = refused(reloadable::Reloader::<Elements>::builder().source(source));
    assert_eq!(report.violations().len(), 1_000);
    let told = format!("{report:#}");
    assert!(!told.contains("hunter") && told.contains("\"token\": ***, \"port\": -1"), "{}", &told[..2_000]);
}
