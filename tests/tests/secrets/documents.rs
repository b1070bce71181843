//! The texts of the configuration, and what may be wrong with them.

use crate::vault::{self, Search};

/// A line of the document: where the value stands, and the value in TOML.
pub struct Line {
    pub path: String,
    pub value: String,
    /// Whether the value is a secret or has one within.
    pub is_secret: bool,
}

/// A document whose secrets are those of a round, all known to a search.
pub struct Secrets<'s> {
    pub round: u32,
    pub search: &'s mut Search,
}

impl Secrets<'_> {
    pub fn text(&mut self, name: &str) -> String {
        let text = vault::text(name, self.round);
        self.search.add_text(&text);
        text
    }

    pub fn number(&mut self, name: &str) -> u64 {
        let number = vault::number(name, self.round);
        self.search.add_number(number);
        number
    }

    /// Returns every line of a document that is valid.
    pub fn lines(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut add = |path: &str, is_secret: bool, value: String| {
            lines.push(Line { path: path.to_owned(), value, is_secret });
        };
        let round = self.round;
        let mut text = |name: &str| format!("'{}'", self.text(name));

        add("plain", false, round.to_string());
        for path in ["text", "optional", "path", "with", "secret", "secret_option", "theirs", "token"] {
            add(path, true, text(path));
        }
        add("several_lines", true, format!("'''\n{}\n{}\n'''", text("first line"), text("second line")));
        add("choice", true, (if round % 2 == 0 { "'first_of_two'" } else { "'second_of_two'" }).to_owned());
        for login in ["login", "secret_login"] {
            add(&format!("{login}.user"), true, text(login));
            add(&format!("{login}.word"), true, "'one'".to_owned());
            let (key, value) = (text(&format!("key in {login}")), text(&format!("header in {login}")));
            add(&format!("{login}.headers"), true, format!("{{ {key} = {value} }}"));
        }
        for list in ["list", "set", "like_set", "tokens", "secrets"] {
            let one = text(&format!("one of {list}"));
            add(list, true, format!("[{one}, {}]", text(&format!("two of {list}"))));
        }
        for map in ["map", "token_keys", "secret_keys"] {
            let (key, of) = (text(&format!("key of {map}")), text(&format!("value of {map}")));
            // Only the key is secret by its type.
            let of = if map == "map" { of } else { "'me'".to_owned() };
            add(map, true, format!("{{ {key} = {{ level = 1, of = {of} }} }}"));
        }
        add("secret_map.name", true, text("secret_map"));
        match round % 3 {
            0 => add("external.token", true, text("external")),
            1 => {
                add("external.login.user", false, "'me'".to_owned());
                add("external.login.password", true, text("external"));
            }
            _ => add("external", false, "'plain'".to_owned()),
        }
        add("adjacent.kind", false, "'token'".to_owned());
        add("adjacent.is", true, text("adjacent"));
        add("flat.password", true, text("flat"));
        let (key, value) = (text("key of flat"), text("value of flat"));
        add(&format!("flat.{}", key.trim_matches('\'')), true, value);
        add("tried.token", true, text("tried"));
        add("leaf", true, format!("'https://example.org/{}'", text("leaf").trim_matches('\'')));
        add("leaf_type.user", false, "'me'".to_owned());
        add("leaf_type.password", true, text("leaf_type"));
        for list in ["keyed", "by_both", "named"] {
            let clients: Vec<_> = ["a", "b"]
                .iter()
                .map(|name| {
                    let (token, secret) = (format!("{list}.{name}.token"), format!("{list}.{name}.secret"));
                    let (token, secret) = (text(&token), text(&secret));
                    format!(
                        "{{ name = '{name}', weight = {}, token = {token}, secret = {secret} }}",
                        round % 100
                    )
                })
                .collect();
            add(list, true, format!("[{}]", clients.join(", ")));
        }

        let pair = text("pair");
        let converted = text("converted");
        let user = text("untagged");
        for path in ["number", "secret_number", "their_number", "internal.password", "flat.pin"] {
            add(path, true, self.number(path).to_string());
        }
        add("pair", true, format!("[{pair}, {}]", self.number("pair")));
        add("converted", true, format!("[{converted}, {}]", self.number("converted")));
        add("internal.kind", false, "'login'".to_owned());
        add("internal.user", false, "'me'".to_owned());
        if round % 2 == 0 {
            add("untagged.pin", true, self.number("untagged").to_string());
        } else {
            add("untagged.user", false, "'me'".to_owned());
            add("untagged.password", true, user);
        }
        let float = self.number("float") as f64 / 8.0;
        self.search.add_number(float as u64);
        add("float", true, format!("{float:?}"));
        let port = self.number("address");
        let address = format!("10.{}.{}.{}:{}", port % 251, port % 241, port % 239, 1024 + port % 60_000);
        add("address", true, format!("'{address}'"));
        // Its pieces are too short to be told from other numbers.
        self.search.add_exactly(&address);
        lines
    }
}

/// Writes lines as a document.
pub fn toml(lines: &[Line]) -> String {
    lines.iter().map(|line| format!("{} = {}\n", line.path, line.value)).collect()
}

/// Writes a document as YAML, a value a line.
pub fn yaml(table: &toml::Table) -> String {
    fn write(value: &toml::Value, depth: usize, out: &mut String) {
        let indent = " ".repeat(2 * depth);
        match value {
            toml::Value::Table(table) if !table.is_empty() => {
                for (key, value) in table {
                    out.push_str(&format!("\n{indent}{key:?}:"));
                    write(value, depth + 1, out);
                }
            }
            toml::Value::Array(values) if !values.is_empty() => {
                for value in values {
                    out.push_str(&format!("\n{indent}-"));
                    write(value, depth + 1, out);
                }
            }
            toml::Value::Table(_) => out.push_str(" {}"),
            toml::Value::Array(_) => out.push_str(" []"),
            toml::Value::Float(value) if value.is_nan() => out.push_str(" .nan"),
            // A literal block.
            toml::Value::String(text) if text.contains('\n') && !text.contains(['\r', '\t', '"']) => {
                let text = text.trim_end().replace('\n', &format!("\n{indent}"));
                out.push_str(&format!(" |-\n{indent}{}", text.trim_start()));
            }
            toml::Value::String(text) => {
                out.push_str(&format!(" {}", serde_json::Value::from(text.as_str())))
            }
            other => out.push_str(&format!(" {other}")),
        }
    }
    let mut out = String::new();
    for (key, value) in table {
        out.push_str(&format!("{key:?}:"));
        write(value, 1, &mut out);
        out.push('\n');
    }
    out
}

/// Writes a document as JSON.
pub fn json_of(table: &toml::Table) -> String {
    serde_json::to_string_pretty(table).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the same document as JSON.
pub fn json(toml: &str) -> String {
    let table: toml::Table = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    json_of(&table)
}

/// Returns documents in which one line is wrong. `secrets` are those of a round that is used for nothing else.
pub fn wrong_lines(lines: &[Line], secrets: &mut Secrets<'_>) -> Vec<String> {
    let whole = |at: usize, instead: &[String]| -> String {
        let mut text: Vec<_> = lines.iter().map(|line| format!("{} = {}", line.path, line.value)).collect();
        text.splice(at..=at, instead.iter().cloned());
        text.join("\n") + "\n"
    };
    let mut documents = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Line { path, value, is_secret } = line;
        let as_it_is = format!("{path} = {value}");
        // Missing, twice, twice with another value.
        documents.push(whole(at, &[]));
        documents.push(whole(at, &[as_it_is.clone(), as_it_is.clone()]));
        for value in wrong_values(path, *is_secret, secrets) {
            let misspelt = misspelt(path);
            // One after the other, since all of them for each value would take minutes.
            let wrong = match (at + documents.len()) % 7 {
                0 => vec![as_it_is.clone(), format!("{path} = {value}")],
                // A key that nobody knows, in place of the line and beside it.
                1 => vec![format!("{misspelt} = {value}")],
                2 => vec![as_it_is.clone(), format!("{misspelt} = {value}")],
                // Below a value that has no names, or names of its own.
                3 => vec![as_it_is.clone(), format!("{path}.below = {value}")],
                4 => vec![format!("{path}.below = {value}")],
                _ => vec![format!("{path} = {value}")],
            };
            documents.push(whole(at, &wrong));
        }
        // A syntax error on the line, and on the next.
        for wrong in [
            format!("{path}  {value}"),
            format!("{path} = = {value}"),
            format!("{path} = {value} x"),
            format!("{path} = {value}, {value}"),
            format!("{path} = {value}]"),
            format!("{path} = \"{value}"),
            format!("{path} = \"\\x {value}\""),
            format!("{path} == {value}"),
            value.clone(),
            format!("[{path}]\n{value}"),
            format!("{path} = [{value}"),
            format!("{path} = {{ {value}"),
            format!("{as_it_is}\nnext ="),
            format!("{as_it_is} # \u{1}"),
            format!("before = {as_it_is}"),
        ] {
            documents.push(whole(at, &[wrong]));
        }
    }
    // Secrets in the headers of tables and in dotted keys.
    let key = secrets.text("key in a header");
    for map in ["map", "token_keys", "secret_keys", "login.headers", "secret_login.headers"] {
        let rest: Vec<_> = lines.iter().filter(|line| line.path != map).collect();
        let rest: String = rest.iter().map(|line| format!("{} = {}\n", line.path, line.value)).collect();
        for more in [
            format!("[{map}.{key}]"),
            format!("[{map}.{key}]\nlevel = 'x'"),
            format!("[{map}.{key}]\nlevel = 1\nof = '{key}'\nlevle = 1"),
            format!("[{map}.{key}]\nlevel = 1\nof = '{key}'\n[{map}.{key}.below]\nx = 1"),
            format!("[{map}.{key}.below]"),
            format!("[[{map}.{key}]]\nlevel = 1"),
            format!("[{map}]\n{key}.level = 'x'"),
            format!("[{map}]\n{key} = {{ level = 1, of = '{key}', {key} = 1 }}"),
            format!("[{map}]\n{key} = {{ level = 1, of = 'me' }}\n{key} = 1"),
            format!("[{map}]\n{key}.level = 1\n{key}.of = 1\n{key}.{key} = 1"),
            format!("[{map}.{key}]\n[{map}.{key}]"),
            format!("[{map}.{key}"),
            format!("[{map}]\n\"{key}\\n{key}\\\"\" = {{ level = 500 }}"),
        ] {
            documents.push(format!("{rest}{more}\n"));
        }
    }
    documents
}

/// Values of every kind that does not fit.
fn wrong_values(path: &str, is_secret: bool, secrets: &mut Secrets<'_>) -> Vec<String> {
    if !is_secret {
        return ["'word'", "[1]", "{ word = 1 }", "true", "5000", "1979-05-27"].map(str::to_owned).into();
    }
    let text = secrets.text(&format!("wrong {path}"));
    let number = secrets.number(&format!("wrong {path}"));
    vec![
        format!("'{text}'"),
        format!("'careless {text}'"),
        format!("\"careless \\\"{text}\\\"[{text}\""),
        format!("'panic {text}'"),
        format!("'refused {text}'"),
        format!("'{text}{text}{text}{text}'"),
        format!("'''\n{text}\n{text}'''"),
        format!("\"\\\"{text}\\n{text}\\u00e9\""),
        format!("{number}"),
        format!("-{number}"),
        format!("{number}.5"),
        format!("[{number}, '{text}']"),
        format!("['{text}', '{text}']"),
        format!("['{text}', {number}, 1]"),
        format!("[['{text}']]"),
        format!("{{ {text} = {number} }}"),
        format!("{{ {text} = '{text}' }}"),
        format!("{{ {text} = {{ {text} = '{text}' }} }}"),
        format!("{{ {text} = {{ level = '{text}', of = {number} }} }}"),
        format!("{{ {text} = {{ level = 150, of = '{text}', levle = '{text}' }} }}"),
        format!("{{ {text} = {{ level = 250, of = '{text}' }} }}"),
        format!("{{ user = '{text}', password = '{text}', {text} = '{text}' }}"),
        format!(
            "[{{ name = 'a', token = '{text}', weight = 5000 }}, {{ token = '{text}', weight = 'many' }}]"
        ),
        format!("[{{ name = 'a', token = '{text}', tokne = '{text}' }}, {{ name = 'a', token = '{text}' }}]"),
        format!("[{{ token = {number} }}, {{ token = '{text}', secret = 1 }}]"),
        "true".to_owned(),
        "''".to_owned(),
        "nan".to_owned(),
        "1979-05-27".to_owned(),
    ]
}

/// Swaps the last two characters of the last name, or the first two where that changes nothing.
fn misspelt(path: &str) -> String {
    let mut characters: Vec<_> = path.chars().collect();
    let last = characters.len() - 1;
    characters.swap(last, last - 1);
    let swapped: String = characters.into_iter().collect();
    if swapped == path { format!("{path}s") } else { swapped }
}

/// Returns texts that differ from `text` by one character that is missing, added or all that follows it: every `step`-th.
pub fn broken(text: &str, step: usize) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut texts = Vec::new();
    for at in (0..bytes.len()).step_by(step) {
        texts.push(bytes[..at].to_vec());
        texts.push([&bytes[..at], &bytes[at + 1..]].concat());
        for added in [&b"\""[..], b"'", b"\n", b"\\", b",", b"{", b"]", b"\xff", b"\0"] {
            texts.push([&bytes[..at], added, &bytes[at..]].concat());
        }
    }
    texts
}
