use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use reloadable::Reloadable;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::{edited, problems};

/// `http` has no serde of its own.
#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    #[serde(default, deserialize_with = "method")]
    #[reload(one_of("GET", "PUT"))]
    method: Option<Method>,
    #[serde(default, deserialize_with = "parsed::<_, u16, _>")]
    #[reload(range(400..500), one_of(404, 451))]
    status: Option<StatusCode>,
    #[serde(default, deserialize_with = "parsed::<_, String, _>")]
    #[reload(pattern("^x-"))]
    name: Option<HeaderName>,
    #[serde(default, deserialize_with = "parsed::<_, String, _>")]
    #[reload(length(..20))]
    value: Option<HeaderValue>,
    #[serde(default, deserialize_with = "sensitive")]
    #[reload(length(..20), pattern("^Bearer"))]
    authorization: Option<HeaderValue>,
    #[serde(default, deserialize_with = "parsed::<_, String, _>")]
    #[reload(pattern("^https:"))]
    upstream: Option<Uri>,
    #[serde(default, deserialize_with = "headers")]
    headers: HeaderMap,
}

fn parsed<'de, T, Raw, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: TryFrom<Raw, Error: std::fmt::Display>,
    Raw: DeserializeOwned,
    D: Deserializer<'de>,
{
    T::try_from(Raw::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Method>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(D::Error::custom)
}

fn sensitive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HeaderValue>, D::Error> {
    let mut value: Option<HeaderValue> = parsed::<_, String, _>(deserializer)?;
    if let Some(value) = &mut value {
        value.set_sensitive(true);
    }
    Ok(value)
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderMap, D::Error> {
    let pairs = Vec::<(String, String)>::deserialize(deserializer)?;
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::try_from(name).map_err(D::Error::custom)?;
        map.append(name, HeaderValue::try_from(value).map_err(D::Error::custom)?);
    }
    Ok(map)
}

#[test]
fn an_edit_is_told() {
    assert_eq!(
        edited::<Config>(
            "method = 'GET'\nstatus = 404\nname = 'x-a'\nvalue = 'a'\nupstream = 'https://me:hunter1@a/'\n\
             headers = [['x-b', '1'], ['x-a', '1']]",
            "method = 'PUT'\nstatus = 451\nname = 'X-B'\nvalue = 'b'\nupstream = 'https://me:hunter2@b/'\n\
             headers = [['x-a', '1'], ['x-a', '2'], ['x-b', '1']]",
        ),
        [
            r#"method: "GET" -> "PUT""#,
            "status: 404 -> 451",
            r#"name: "x-a" -> "x-b""#,
            r#"value: "a" -> "b""#,
            r#"upstream: "https://me:***@a/" -> "https://me:***@b/""#,
            r#"headers: {x-a = "1", x-b = "1"} -> {x-a = ["1", "2"], x-b = "1"}"#,
        ]
    );
    assert_eq!(
        edited::<Config>("headers = [['a', '1'], ['b', '2']]", "headers = [['b', '2'], ['a', '1']]"),
        [""; 0]
    );
}

#[test]
fn a_sensitive_value_is_not_shown() {
    assert_eq!(
        edited::<Config>("authorization = 'Bearer hunter1'", "authorization = 'Bearer hunter2'"),
        ["authorization: changed"]
    );
    assert_eq!(
        problems::<Config>("authorization = 'Basic hunter2 hunter2'"),
        [
            "authorization: the value has a length that is not in ..20 [length]",
            "authorization: the value does not match `^Bearer` [pattern]",
        ]
    );
}

#[test]
fn rules_work_on_them() {
    assert_eq!(
        problems::<Config>(
            "method = 'GTE'\nstatus = 500\nname = 'y-a'\nvalue = 'aaaaaaaaaaaaaaaaaaaa'\nupstream = 'http://a/'"
        ),
        [
            r#"method: "GTE" is not one of "GET", "PUT"; did you mean "GET"? [one_of]"#,
            "status: 500 is not in 400..500 [range]",
            "status: 500 is not one of 404, 451 [one_of]",
            r#"name: "y-a" does not match `^x-` [pattern]"#,
            "value: the length is 20, not in ..20 [length]",
            r#"upstream: "http://a/" does not match `^https:` [pattern]"#,
        ]
    );
}
