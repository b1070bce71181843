//! Comparing equal values allocates nothing. A binary of its own, since it counts what the allocator hands out.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use reloadable::{AsSet, Diff, Format, Keyed, MemorySource, Order, Reloader, Value};
use reloadable_tests::corpus::foreign::Fetcher;
use reloadable_tests::corpus::hidden::Client;
use reloadable_tests::corpus::keyed::Gateway;
use reloadable_tests::corpus::recursive::Menu;
use reloadable_tests::corpus::wide::Wide;
use reloadable_tests::corpus::{through_json, tree};

fn words() -> Vec<String> {
    (0..100).map(|number| format!("word {number}")).collect()
}

fn assert_free<T: Diff>(make: impl Fn() -> T) {
    let (old, new) = (make(), make());
    let mut equal = false;
    let counted = measure(|| equal = old.diff(&new).is_none());
    assert!(equal);
    assert_eq!(counted.count_total, 0, "{}", std::any::type_name::<T>());
}

#[test]
fn equal_values_of_std_allocate_nothing() {
    let named = || words().into_iter().map(|word| (word.clone(), (vec![Some(1.5), None], word)));
    assert_free(|| (7_u128, f64::NAN, true, 'x', String::from("text"), Duration::from_secs(1)));
    assert_free(|| words().into_iter().map(Some).map(Box::new).collect::<Vec<_>>());
    assert_free(|| VecDeque::from(words()));
    assert_free(|| Arc::<[String]>::from(words()));
    assert_free(|| Cow::<'static, str>::Owned("text".to_owned()));
    assert_free(|| [words(), words()]);
    assert_free(|| named().collect::<BTreeMap<_, _>>());
    assert_free(|| named().collect::<HashMap<_, _>>());
    assert_free(|| BTreeSet::from_iter(words()));
    assert_free(|| HashSet::<_>::from_iter(words()));
}

#[test]
fn equal_keyed_lists_and_lists_as_sets_allocate_nothing() {
    let routes = || words().into_iter().zip(0..).collect::<Vec<(String, u16)>>();
    let (old, new) = (Some(routes()), Some(routes()));
    let mut equal = (false, false);
    let counted = measure(|| {
        let keyed =
            old.keyed_diff(&new, |route| Value::List(vec![route.0.value(), route.1.value()]), Order::Kept);
        equal = (keyed.is_none(), old.set_diff(&new).is_none());
    });
    assert_eq!((equal, counted.count_total), ((true, true), 0));
}

#[test]
fn changed_scalars_allocate_nothing() {
    let (old, new) = ((1, "a".to_owned(), Some(true)), (2, "b".to_owned(), None));
    let mut changed = false;
    let counted = measure(|| changed = old.diff(&new).is_some());
    assert_eq!((changed, counted.count_total), (true, 0));
}

#[test]
fn equal_values_of_derived_types_allocate_nothing() {
    assert_free(|| through_json::<Wide>(&tree::<Wide>()).unwrap());
    assert_free(|| through_json::<Gateway>(&tree::<Gateway>()).unwrap());
    assert_free(|| through_json::<Menu>(&tree::<Menu>()).unwrap());
    assert_free(|| through_json::<Fetcher>(&tree::<Fetcher>()).unwrap());
    assert_free(|| through_json::<Client>(&tree::<Client>()).unwrap());
}

#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Sites {
    #[reload(key = "name")]
    sites: Vec<Site>,
}

#[derive(serde::Deserialize, reloadable::Reloadable)]
struct Site {
    name: String,
    #[reload(restart)]
    port: u16,
}

/// Four times as many fields that wait for a restart take four times as much, and not sixteen times.
#[test]
fn what_waits_for_a_restart_is_found_in_one_pass() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let text = |number: u16, port: u16| -> String {
        (0..number).map(|site| format!("[[sites]]\nname = 's{site}'\nport = {port}\n")).collect()
    };
    let counted = |number: u16| {
        let (source, document) = MemorySource::new("sites", Format::Toml, text(number, 1));
        let config = runtime.block_on(Reloader::<Sites>::builder().source(source).start())?;
        document.replace(text(number, 2));
        let counted = measure(|| assert!(runtime.block_on(config.reload()).is_in_force()));
        let status = config.status();
        let pending = status.pending_restart().len() + status.pending_restart_omitted();
        assert_eq!((pending, config.load().sites[0].port), (number.into(), 1));
        Ok::<_, reloadable::Error>(counted.count_total)
    };
    let (few, many) = (counted(200)?, counted(800)?);
    assert!(many < 6 * few, "{few} allocations for 200 fields, {many} for 800");
    Ok(())
}

/// Of attempts that nobody reads, only those of the history are kept.
#[test]
fn attempts_that_nobody_reads_are_not_kept() -> Result<(), Box<dyn std::error::Error>> {
    type Texts = BTreeMap<String, String>;
    const LENGTH: usize = 10_000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let text = |number: usize| format!("text = '{}'", format!("{number:04}").repeat(LENGTH / 4));
    let (source, document) = MemorySource::new("texts", Format::Toml, text(0));
    let config = runtime.block_on(Reloader::<Texts>::builder().source(source).history(1).start())?;
    let reload = |numbers: std::ops::Range<usize>| {
        for number in numbers {
            document.replace(text(number));
            assert!(runtime.block_on(config.reload()).is_in_force());
        }
    };
    reload(1..10);
    let kept = measure(|| reload(10..110)).bytes_current;
    assert!(kept < 10 * LENGTH as i64, "{kept} bytes after 100 reloads of {LENGTH}");
    Ok(())
}
