//! Whole templates, word for word.

use reloadable::__private::decode;
use reloadable::{Document, Format, Origin, Reloadable, Violation};
use reloadable_tests::corpus::foreign::Fetcher;
use reloadable_tests::corpus::hidden::Client;
use reloadable_tests::corpus::keyed::Gateway;
use reloadable_tests::corpus::recursive::Menu;
use reloadable_tests::corpus::wide::Wide;
use serde::Deserialize;

use crate::Service;

#[test]
fn a_template_explains_every_field() {
    assert_eq!(Service::template(Format::Toml), include_str!("service.toml"));
}

#[test]
fn json_has_the_values_alone() {
    assert_eq!(Service::template(Format::Json), include_str!("service.json"));
}

#[test]
fn json_with_comments_explains_every_field() {
    assert_eq!(Service::template(Format::Jsonc), include_str!("service.jsonc"));
}

#[test]
fn yaml_explains_every_field() {
    assert_eq!(Service::template(Format::Yaml), include_str!("service.yaml"));
}

#[test]
fn without_a_default_everything_is_a_comment() {
    assert_eq!(App::template_without_defaults(Format::Toml), include_str!("app.toml"));
    assert_eq!(
        App::template_without_defaults(Format::Json),
        "{\n  \"workers\": null,\n  \"token\": null,\n  \"database\": {\n    \"url\": null\n  },\n  \"timeout\": null\n}\n"
    );
}

/// It has no default.
#[derive(Debug, Deserialize, Reloadable)]
struct App {
    workers: u16,
    #[reload(secret)]
    token: String,
    /// Required, and so is something in it.
    database: Database,
    cache: Option<Database>,
    #[serde(default)]
    logs: Vec<Database>,
    #[serde(with = "humantime_serde")]
    timeout: std::time::Duration,
    #[serde(default)]
    children: Vec<App>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Database {
    #[reload(secret)]
    url: String,
    #[serde(default)]
    #[reload(skip)]
    comment: String,
}

#[test]
fn secrets_are_in_no_template() {
    for format in crate::reads_back::FORMATS {
        let text = Service::template(format);
        for secret in ["correct horse", "hunter2"] {
            assert!(!text.contains(secret), "{secret}\n{text}");
        }
    }
}

/// Whoever takes lines out of their comments has a document of the same format.
#[test]
fn what_is_in_comments_can_be_taken_out() {
    fn check<T: Reloadable>() {
        for (format, sign) in [(Format::Toml, "#"), (Format::Yaml, "#"), (Format::Jsonc, "//")] {
            let text = T::template_without_defaults(format);
            let lines = text.lines().map(|line| {
                let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
                match rest.strip_prefix(sign) {
                    Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => {
                        format!("{indent}{setting}\n")
                    }
                    _ => format!("{line}\n"),
                }
            });
            let text: String = lines.collect();
            let document = Document::new(Origin::named("test"), format, text.as_bytes());
            let report = decode::<T>(&[document]).err().unwrap_or_default();
            let codes = ["syntax", "duplicate_key", "unknown_key", "shape", "empty", "depth"];
            let about_the_text = |violation: &&Violation| codes.contains(&violation.code());
            let faults: Vec<_> = report.violations().iter().filter(about_the_text).collect();
            assert!(faults.is_empty(), "{format}: {report}\n{text}");
        }
    }

    check::<App>();
    check::<Service>();
    check::<Wide>();
    check::<Gateway>();
    check::<Menu>();
    check::<Client>();
    check::<Fetcher>();
}

/// What cannot be read back because something is missing is written as it should be, and marked.
#[test]
fn what_is_required_and_not_shown_is_marked() {
    #[derive(Debug, Default, Deserialize, Reloadable)]
    struct Secretive {
        #[reload(secret)]
        token: String,
        #[serde(with = "humantime_serde")]
        timeout: std::time::Duration,
        routes: Vec<crate::Route>,
        #[serde(default)]
        login: Login,
    }

    #[derive(Debug, Default, Deserialize, Reloadable)]
    struct Login {
        user: String,
        #[reload(secret)]
        password: String,
    }

    assert_eq!(
        Secretive::template(Format::Toml),
        r#"# (required; secret; text)
#token = ""

# (required; value in a form of its own)
#timeout = "0s"

# (list of tables)
routes = []

#[login]
# (text)
#user = ""

# (required; secret; text)
#password = ""
"#
    );
}

#[test]
fn no_character_of_a_comment_ends_it() {
    #[derive(Debug, Default, Deserialize, Reloadable)]
    #[serde(default)]
    struct Hostile {
        #[doc = "a\rb = 1"]
        #[doc = "c\u{85}d\u{0}"]
        field: u8,
    }

    let text = Hostile::template(Format::Toml);
    assert_eq!(text, "# ab = 1\n# cd\n# (integer from 0 to 255)\nfield = 0\n");
}
