use std::collections::{BTreeMap, BTreeSet};

use reloadable::{Reloadable, Reporter};
use serde::Deserialize;

use super::problems;

#[derive(Debug, Deserialize, Reloadable)]
#[serde(default)]
#[derive(Default)]
struct Secrets {
    #[reload(secret, range(..10))]
    range: u32,
    #[reload(secret, length(99..))]
    length: String,
    #[reload(secret, non_empty)]
    non_empty: String,
    #[reload(secret, one_of("hunter3", "else"))]
    one_of: String,
    #[reload(secret, pattern("^x"))]
    pattern: String,
    #[reload(secret, unique, each(length(99..), pattern("^x")))]
    list: Vec<String>,
    #[reload(secret, keys(length(99..)), values(length(99..)))]
    map: BTreeMap<String, String>,
    #[reload(secret, each(length(99..)))]
    set: BTreeSet<String>,
    #[reload(secret, validate = refuse)]
    own: String,
    #[reload(secret, key = "name")]
    keyed: Vec<Named>,
    #[reload(secret)]
    nested: Nested,
}

fn refuse(text: &str) -> Result<(), String> {
    if text.is_empty() { Ok(()) } else { Err(format!("{text} is bad")) }
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[serde(default)]
#[reload(validate = Self::check)]
struct Nested {
    #[reload(one_of("a"))]
    token: Option<String>,
    #[reload(values(length(99..)))]
    inner: BTreeMap<String, String>,
}

impl Nested {
    fn check(&self, report: &mut Reporter<'_>) -> Result<(), String> {
        match &self.token {
            Some(token) => {
                report.violation("own", format!("{token} is bad"));
                report.violation_at("token", "own", format!("{token} is bad"));
                Err(format!("{token} is bad"))
            }
            None => Ok(()),
        }
    }
}

#[derive(Debug, Deserialize, Reloadable)]
struct Named {
    name: String,
}

#[test]
fn no_message_quotes_a_secret() {
    const WITHHELD: &str = "the value was refused; why is withheld, since it is a secret [own]";
    let problems = problems::<Secrets>(
        "range = 4711\nlength = 'hunter2'\none_of = 'hunter2'\npattern = 'hunter2'\n\
         list = ['hunter2', 'hunter2']\nmap = { hunter2 = 'hunter2' }\nset = ['hunter2']\nown = 'hunter2'\n\
         keyed = [{ name = 'hunter2' }, { name = 'hunter2' }]\n\
         nested = { token = 'hunter2', inner = { hunter2 = 'hunter2' } }",
    );
    assert_eq!(
        problems,
        [
            "range: the value is not in ..10 [range]",
            "length: the value has a length that is not in 99.. [length]",
            "non_empty: the value is empty [non_empty]",
            r#"one_of: the value is not one of "hunter3", "else" [one_of]"#,
            "pattern: the value does not match `^x` [pattern]",
            "list[1]: the value is the same as element 0 [unique]",
            "list[0]: the value has a length that is not in 99.. [length]",
            "list[0]: the value does not match `^x` [pattern]",
            "list[1]: the value has a length that is not in 99.. [length]",
            "list[1]: the value does not match `^x` [pattern]",
            "map: key: the value has a length that is not in 99.. [length]",
            "map: the value has a length that is not in 99.. [length]",
            "set: the value has a length that is not in 99.. [length]",
            "own: the value is refused by `refuse`; why is withheld, since it is a secret [validate]",
            "keyed[1]: the value has the same key as element 0 [unique_key]",
            r#"nested.token: the value is not one of "a" [one_of]"#,
            "nested.inner: the value has a length that is not in 99.. [length]",
            &format!("nested: {WITHHELD}"),
            &format!("nested.token: {WITHHELD}"),
            "nested: the value is refused by `Self::check`; why is withheld, since it is a secret [validate]",
        ]
    );
    assert!(problems.iter().all(|problem| !problem.contains("hunter2") && !problem.contains("4711")));
}
