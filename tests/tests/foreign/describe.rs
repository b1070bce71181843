use reloadable::{Describe, Description, Shape};

fn shape<T: Describe + ?Sized>() -> String {
    match Description::of::<T>().shape {
        Shape::Text => "text".to_owned(),
        Shape::Integer { min, max } => format!("{min}..={max}"),
        Shape::Opaque => "anything".to_owned(),
        Shape::Sequence(item) => format!("[{}]", item().type_name),
        Shape::Map(value) => format!("{{{}}}", value().type_name),
        Shape::Like(other) => format!("like {}", other().type_name),
        Shape::Newtype(field) if field.secret => format!("secret {}", (field.describe)().type_name),
        Shape::Tuple(fields) => {
            fields.iter().map(|field| (field.describe)().type_name).collect::<Vec<_>>().join(", ")
        }
        Shape::Enum(_, variants) => {
            variants.iter().map(|variant| variant.name).collect::<Vec<_>>().join(" | ")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn each_type_says_what_it_looks_like_in_a_file() {
    for (described, expected) in [
        (shape::<url::Url>(), "text"),
        (shape::<regex::Regex>(), "text"),
        (shape::<regex::RegexSet>(), "[alloc::string::String]"),
        (shape::<bytesize::ByteSize>(), "text"),
        (shape::<bytes::Bytes>(), "[u8]"),
        (shape::<camino::Utf8PathBuf>(), "text"),
        (shape::<chrono::DateTime<chrono::Utc>>(), "text"),
        (shape::<chrono::TimeDelta>(), "i64, i32"),
        (shape::<jiff::Span>(), "text"),
        (shape::<ipnet::IpNet>(), "text"),
        (shape::<semver::VersionReq>(), "text"),
        (shape::<uuid::Uuid>(), "text"),
        (shape::<http::StatusCode>(), "100..=999"),
        (shape::<http::HeaderMap>(), "{http::header::value::HeaderValue}"),
        (shape::<serde_json::Value>(), "anything"),
        (shape::<serde_json::Map<String, serde_json::Value>>(), "{serde_json::value::Value}"),
        (shape::<toml::Value>(), "anything"),
        (shape::<toml::Table>(), "{toml::value::Value}"),
        (shape::<indexmap::IndexMap<String, u8>>(), "{u8}"),
        (shape::<indexmap::IndexSet<u8>>(), "[u8]"),
        (shape::<either::Either<u8, bool>>(), "Left | Right"),
        (shape::<secrecy::SecretString>(), "secret str"),
    ] {
        assert_eq!(described, expected);
    }
}
