//! What it costs to compare two configurations field by field, beside the `PartialEq` that rustc derives.

mod ratio;

use std::collections::BTreeMap;
use std::time::Duration;

use reloadable::{Diff, Reloadable};

#[derive(Debug, Clone, PartialEq, Reloadable)]
struct Ten {
    name: String,
    address: String,
    port: u16,
    workers: usize,
    timeout: Duration,
    ratio: f64,
    enabled: bool,
    limit: Option<u64>,
    hosts: Vec<String>,
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
struct Hundred {
    a: Ten,
    b: Ten,
    c: Ten,
    d: Ten,
    e: Ten,
    f: Ten,
    g: Ten,
    h: Ten,
    i: Ten,
    j: Ten,
}

#[derive(Debug, Clone, PartialEq, Reloadable)]
struct Thousand {
    a: Hundred,
    b: Hundred,
    c: Hundred,
    d: Hundred,
    e: Hundred,
    f: Hundred,
    g: Hundred,
    h: Hundred,
    i: Hundred,
    j: Hundred,
}

fn ten() -> Ten {
    Ten {
        name: "a name of a usual length".to_owned(),
        address: "0.0.0.0:8080".to_owned(),
        port: 8080,
        workers: 4,
        timeout: Duration::from_secs(5),
        ratio: 0.5,
        enabled: true,
        limit: Some(1_000),
        hosts: vec!["one.example".to_owned(), "two.example".to_owned()],
        labels: BTreeMap::from([("team".to_owned(), "core".to_owned())]),
    }
}

fn hundred() -> Hundred {
    let ten = ten;
    Hundred {
        a: ten(),
        b: ten(),
        c: ten(),
        d: ten(),
        e: ten(),
        f: ten(),
        g: ten(),
        h: ten(),
        i: ten(),
        j: ten(),
    }
}

fn thousand() -> Thousand {
    let of = hundred;
    Thousand { a: of(), b: of(), c: of(), d: of(), e: of(), f: of(), g: of(), h: of(), i: of(), j: of() }
}

fn compare<T: Diff + PartialEq>(
    criterion: &mut criterion::Criterion,
    fields: usize,
    old: &T,
    equal: &T,
    new: &T,
) {
    let mut group = ratio::Group::new(criterion, &format!("{fields} fields, equal"));
    group.bench("PartialEq", || old == equal);
    group.bench("diff", || old.diff(equal).is_some());
    group.finish();
    let mut group = ratio::Group::new(criterion, &format!("{fields} fields, the last differs"));
    group.bench("PartialEq", || old == new);
    group.bench("diff", || old.diff(new).is_some());
    group.finish();
}

fn main() {
    let mut criterion = ratio::criterion();
    let mut new = ten();
    new.labels.clear();
    compare(&mut criterion, 10, &ten(), &ten(), &new);
    let mut new = hundred();
    new.j.labels.clear();
    compare(&mut criterion, 100, &hundred(), &hundred(), &new);
    let mut new = thousand();
    new.j.j.labels.clear();
    compare(&mut criterion, 1_000, &thousand(), &thousand(), &new);
    println!(
        "size of the changes: 10 fields {} bytes, 100 fields {} bytes, 1,000 fields {} bytes",
        size_of::<<Ten as Diff>::Changes<'_>>(),
        size_of::<<Hundred as Diff>::Changes<'_>>(),
        size_of::<<Thousand as Diff>::Changes<'_>>()
    );
}
