//! The words that stand on structs and enums.

use reloadable::{Reloadable, Reporter};
use serde::Deserialize;

use crate::read::{changes, violations};

#[derive(Deserialize, Reloadable)]
#[reload(normalize = Self::fill_in, validate = Self::check, validate = check_again)]
struct Limits {
    soft: u32,
    #[serde(default)]
    hard: Option<u32>,
    #[serde(default)]
    #[reload(secret)]
    inner: Inner,
    #[serde(skip)]
    #[reload(diff)]
    sum: u32,
}

#[derive(Default, Deserialize, Reloadable)]
#[reload(normalize = trimmed)]
struct Inner {
    #[serde(default)]
    name: String,
}

fn trimmed(inner: &mut Inner) -> Result<(), String> {
    inner.name = inner.name.trim().to_owned();
    if inner.name == "refuse" { Err(format!("{} is refused", inner.name)) } else { Ok(()) }
}

impl Limits {
    fn fill_in(&mut self) -> Result<(), &'static str> {
        let hard = *self.hard.get_or_insert(self.soft);
        self.sum = self.soft.checked_add(hard).ok_or("the sum is too large")?;
        Ok(())
    }

    fn check(&self, report: &mut Reporter<'_>) {
        if self.hard.is_some_and(|hard| self.soft > hard) {
            report.violation_at("soft", "limits", "soft is above hard");
        }
        if self.inner.name.starts_with(' ') {
            report.violation_at("inner.name", "limits", "it was not normalized before");
        }
    }
}

fn check_again(limits: &Limits, _: &mut Reporter<'_>) -> Result<(), String> {
    if limits.sum == 13 { Err("the sum is unlucky".to_owned()) } else { Ok(()) }
}

#[test]
fn functions_normalize_and_validate_the_whole() {
    assert_eq!(violations::<Limits>(r#"{"soft":1}"#), "");
    assert_eq!(
        violations::<Limits>(r#"{"soft":2,"hard":1,"inner":{"name":" a"}}"#),
        "soft  soft is above hard  [limits]"
    );
    assert_eq!(violations::<Limits>(r#"{"soft":6,"hard":7}"#), "the sum is unlucky  [validate]");
    assert_eq!(violations::<Limits>(r#"{"soft":4294967295}"#), "the sum is too large  [normalize]");
    let refused = violations::<Limits>(r#"{"soft":1,"inner":{"name":" refuse "}}"#);
    assert!(refused.starts_with("inner  ") && !refused.contains(" refuse "), "{refused}");
}

#[derive(Deserialize, Reloadable)]
#[reload(normalize = Self::own, validate = Self::fine)]
enum Choice {
    Inner(Inner),
    Pair { inner: Inner, size: u8 },
    None,
}

impl Choice {
    fn own(&mut self) {
        if let Self::Pair { size: 0, .. } = self {
            *self = Self::None;
        }
    }

    fn fine(&self, _: &mut Reporter<'_>) -> Result<(), &'static str> {
        match self {
            Self::Inner(inner) if inner.name.contains(' ') => Err("a space is left"),
            Self::Pair { inner, .. } if inner.name.contains(' ') => Err("a space is left"),
            Self::None => Err("nothing is left"),
            _ => Ok(()),
        }
    }
}

#[test]
fn variants_are_normalized_too() {
    assert_eq!(violations::<Choice>(r#"{"Inner":{"name":" a "}}"#), "");
    assert_eq!(violations::<Choice>(r#"{"Pair":{"inner":{"name":" a "},"size":1}}"#), "");
    assert_eq!(
        violations::<Choice>(r#"{"Pair":{"inner":{"name":"a"},"size":0}}"#),
        "nothing is left  [validate]"
    );
}

mod elsewhere {
    pub(crate) use reloadable as renamed;
}

#[derive(Deserialize, elsewhere::renamed::Reloadable)]
#[reload(crate = "crate::containers::elsewhere::renamed")]
struct ByText {
    #[reload(range(1..))]
    size: u8,
}

#[derive(Deserialize, Reloadable)]
#[reload(crate = elsewhere::renamed)]
struct ByPath {
    inner: ByText,
}

#[test]
fn the_crate_may_have_another_name() {
    assert_eq!(changes::<ByPath>(r#"{"inner":{"size":1}}"#, r#"{"inner":{"size":2}}"#), "inner.size: 1 -> 2");
    assert_eq!(violations::<ByPath>(r#"{"inner":{"size":0}}"#), "inner.size  0 is not in 1..  [range]");
}
