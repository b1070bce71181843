//! Nothing that a file can hold makes the decoder panic.

use proptest::prelude::*;
use reloadable::__private::decode;
use serde::Deserialize;

use crate::{json, jsonc, reloadable, toml, yaml};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "decoding is what is tested")]
struct Config {
    title: Option<String>,
    at: Option<toml::value::Datetime>,
    numbers: Option<Vec<i64>>,
    table: Option<std::collections::BTreeMap<String, Inner>>,
    #[serde(default)]
    any: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "decoding is what is tested")]
enum Inner {
    One(u8),
    Many { values: Vec<f64> },
}

reloadable!(Config);

const TOML: &str = "title = \"a \\u00e9\"\nat = 1979-05-27T07:32:00Z\nnumbers = [1, 0x2, 3_0]\n\
    [table.a]\nvalues = [1.5, inf]\n[any]\nb.c = '''\nx'''\n[[any.d]]\ne = { f = \"\"\"g\"\"\" }\n";
const JSON: &str = "{\"title\": \"a \\u00e9\", \"numbers\": [1, -2, 30],\n \"table\": {\"a\": {\"values\": [1.5, 2e3]}, \"b\": 7},\
    \"any\": [null, {\"c\": [true, false]}, \"\\ud83d\\ude00\"]}";

const JSONC: &str =
    "// a\n{\"title\": \"a // \", /* é */ \"numbers\": [1, -2, 30,], // ]\n \"table\": {\"b\": 7,},}\n/**/";
const YAML: &str = "# é\ntitle: \"a \\u00e9\"\nnumbers: &n [1, 0x2, 3]\ntable:\n  a: {values: [1.5, .inf]}\n  b: 7\n\
    any:\n- *n\n- |\n  x\n   y\n- ? k\n  : >-\n    z\n- !!str 'it''s': ~\n-\n  - - {a, b: }\n";

fn all(bytes: &[u8]) {
    let _ = decode::<Config>(&[toml("a.toml", bytes)]);
    let _ = decode::<Config>(&[json("a.json", bytes)]);
    let _ = decode::<Config>(&[jsonc("a.jsonc", bytes)]);
    let _ = decode::<Config>(&[yaml("a.yaml", bytes)]);
}

fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        any::<prop::sample::Index>(),
        0..4_usize,
        prop::sample::select(b"[]{}=.,\"'#\\\n\r \t\0e-1a:/*&!|>?%@<\xff\xc3".to_vec()),
    );
    prop::collection::vec(edit, 1..8).prop_map(move |edits| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, how, byte) in edits {
            let at = at.index(bytes.len().max(1));
            match how {
                0 => bytes.insert(at.min(bytes.len()), byte),
                1 if at < bytes.len() => bytes[at] = byte,
                2 if at < bytes.len() => drop(bytes.remove(at)),
                3 => {
                    let copy = bytes[at.min(bytes.len())..].to_vec();
                    bytes.extend(copy);
                }
                _ => {}
            }
        }
        bytes
    })
}

/// Pieces that mean something, put together without sense.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "a",
        "b",
        ".",
        " = ",
        "=",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        ",",
        "\n",
        "\r\n",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "#",
        "1",
        "1.5",
        "true",
        "null",
        ":",
        "\"a\"",
        "\\",
        "\\u00",
        "1979-05-27",
        "07:32:00",
        "inf",
        "\u{feff}",
        "é",
        "[a]\n",
        "[[a]]\n",
        "a.b = 1\n",
        "\"a\": ",
        "-0",
        "1e9",
        "//",
        "/*",
        "*/",
        "- ",
        ": ",
        "? ",
        "\n  ",
        "\n    ",
        "\t",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "!x ",
        "|",
        ">-",
        "|2+",
        "---",
        "...",
        "%YAML 1.2\n",
        "~",
        "😀",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..60)
        .prop_map(|pieces| pieces.concat().into_bytes())
}

/// Pieces that nest, each many times, closed or not: what the scan for depth must not underrate.
fn deep_soup() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "a.",
        "a.a.a.a.a = ",
        "{a.a.a.a=",
        "[",
        "]",
        "{",
        "}",
        "[{",
        "}]",
        "\"\"\"\n\"\"\".",
        "'''\n'''.",
        "\"a\".",
        " = ",
        "\n",
        "\r",
        ",",
        "#",
        "[a.a.a]\n",
        "[[a.a]]\n",
        "[[",
        "a = [{ a.a.a = ] , ",
        "}, a.a.a.a = {",
        "\"",
        "'",
        "1",
        "- ",
        "? ",
        "a: ",
        ": ",
        "/*",
        "*/",
        "&a ",
    ];
    let piece = (prop::sample::select(pieces.to_vec()), prop_oneof![1..4_usize, 60..90_usize]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| {
        pieces.iter().map(|(piece, times)| piece.repeat(*times)).collect::<String>().into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        all(&bytes);
    }

    #[test]
    fn a_damaged_document(bytes in prop_oneof![mutated(TOML), mutated(JSON), mutated(JSONC), mutated(YAML)]) {
        all(&bytes);
    }

    #[test]
    fn a_deep_soup(bytes in deep_soup()) {
        all(&bytes);
    }

    #[test]
    fn a_soup_of_tokens(bytes in soup()) {
        all(&bytes);
    }
}

#[test]
fn the_documents_are_well_before_they_are_damaged() {
    crate::accepted::<Config>(&[toml("a.toml", TOML)]);
    crate::accepted::<Config>(&[json("a.json", JSON)]);
    crate::accepted::<Config>(&[jsonc("a.jsonc", JSONC)]);
    crate::accepted::<Config>(&[yaml("a.yaml", YAML)]);
}
