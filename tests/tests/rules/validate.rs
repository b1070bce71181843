use reloadable::{Reloadable, Reporter};
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
#[reload(validate = Self::check, validate = complete)]
struct Limits {
    #[reload(validate = even)]
    soft: u32,
    #[reload(validate = Self::below)]
    hard: u32,
    #[serde(default)]
    inner: Inner,
}

#[derive(Debug, Default, Deserialize, Reloadable)]
#[reload(validate = Inner::check)]
struct Inner {
    a: bool,
    b: bool,
}

fn even(number: &u32) -> Result<(), String> {
    if number % 2 == 0 { Ok(()) } else { Err(format!("{number} is odd")) }
}

fn complete(limits: &Limits, report: &mut Reporter<'_>) {
    if limits.soft == 0 {
        report.violation("incomplete", "nothing is allowed");
    }
}

impl Limits {
    fn below(hard: &u32) -> Result<(), &'static str> {
        if *hard < 1000 { Ok(()) } else { Err("too high") }
    }

    fn check(&self, report: &mut Reporter<'_>) -> Result<(), String> {
        if self.inner.a {
            report.violation_at("inner.a", "unfit", "does not fit here");
        }
        if self.soft <= self.hard { Ok(()) } else { Err("soft is above hard".to_owned()) }
    }
}

impl Inner {
    fn check(&self, report: &mut Reporter<'_>) {
        if self.b {
            report.violation("own", "b is not allowed");
        }
    }
}

#[test]
fn what_the_functions_accept_passes() {
    passes::<Limits>("soft = 2\nhard = 2");
}

#[test]
fn what_they_refuse_stands_at_its_place() {
    fails::<Limits>("soft = 1\nhard = 2", &["soft: 1 is odd [validate]"]);
    fails::<Limits>("soft = 2\nhard = 1000", &["hard: too high [validate]"]);
    fails::<Limits>("soft = 4\nhard = 2", &["soft is above hard [validate]"]);
    fails::<Limits>("soft = 0\nhard = 2", &["nothing is allowed [incomplete]"]);
    fails::<Limits>(
        "soft = 2\nhard = 2\ninner = { a = true, b = true }",
        &["inner: b is not allowed [own]", "inner.a: does not fit here [unfit]"],
    );
}
