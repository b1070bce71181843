//! Replays the entries of a walk on the serialized form of the older value, which must give that of the newer one.

use std::collections::{BTreeMap, HashMap};

use reloadable::{ChangeKind, Entry, FieldPath, Order, Segment, Value};
use serde_json::Value as Json;

/// Returns what an element of a keyed list is known by; `None` where it has no key.
pub(crate) type JsonKey = fn(&Json) -> Option<Vec<String>>;

/// Knows which lists are more than rows of values. Their paths are patterns: names, and `*` for any one step.
#[derive(Debug, Default)]
pub(crate) struct Patcher {
    lists: Vec<(Pattern, List)>,
    written: Vec<(Pattern, Writer)>,
}

type Pattern = Vec<&'static str>;
/// Writes a value as the type's own `Serialize` does.
type Writer = fn(&Json) -> Json;

#[derive(Debug, Clone, Copy)]
enum List {
    Keyed(JsonKey, Order),
    Set,
}

fn pattern(path: &'static str) -> Pattern {
    path.split('.').filter(|step| !step.is_empty()).collect()
}

fn matches(pattern: &[&str], path: &[Segment]) -> bool {
    pattern.len() == path.len()
        && pattern.iter().zip(path).all(|(step, segment)| match segment {
            Segment::Name(name) => *step == "*" || step == name,
            _ => *step == "*",
        })
}

impl Patcher {
    /// Declares a list that is compared by key.
    pub(crate) fn keyed(mut self, path: &'static str, key: JsonKey, order: Order) -> Self {
        self.lists.push((pattern(path), List::Keyed(key, order)));
        self
    }

    /// Declares a list that stands for a set.
    pub(crate) fn set(mut self, path: &'static str) -> Self {
        self.lists.push((pattern(path), List::Set));
        self
    }

    /// Declares a field whose type writes itself in another way than the field does, as `#[serde(with = ..)]` has it.
    pub(crate) fn written(mut self, path: &'static str, write: Writer) -> Self {
        self.written.push((pattern(path), write));
        self
    }

    /// Replays `entries`, each of which must fit what it finds.
    pub(crate) fn patch(&self, target: &mut Json, entries: &[Entry<'_>]) {
        // Paths are those of the older value, so what moves elements comes last, from the inside to the outside.
        let mut structural: BTreeMap<(usize, String), Vec<&Entry<'_>>> = BTreeMap::new();
        for entry in entries {
            let path = entry.path.segments();
            match entry.kind {
                ChangeKind::Added | ChangeKind::Removed | ChangeKind::Moved => {
                    let parent = FieldPath::from(path[..path.len() - 1].to_vec());
                    let order = (usize::MAX - path.len(), parent.to_string());
                    structural.entry(order).or_default().push(entry);
                }
                _ => self.assign(target, entry),
            }
        }
        for group in structural.values() {
            let path = group[0].path.segments();
            let parent = &path[..path.len() - 1];
            let list = self.list(parent);
            match self.resolve(target, parent) {
                Json::Object(entries) => self.patch_map(entries, group),
                Json::Array(elements) if matches!(list, Some(List::Set)) => patch_set(elements, group),
                Json::Array(elements) => {
                    let at_the_end = matches!(list, Some(List::Keyed(_, Order::Ignored)));
                    self.patch_sequence(elements, group, at_the_end);
                }
                other => panic!("{}: neither a table nor a list: {other}", group[0].path),
            }
        }
    }

    fn assign(&self, target: &mut Json, entry: &Entry<'_>) {
        let path = entry.path.segments();
        let place = self.resolve(target, path);
        let written =
            self.written.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, write)| *write);
        let shown = |value| written.unwrap_or(Json::clone)(&json(value));
        let (old, new) = (shown(entry.old.as_ref()), shown(entry.new.as_ref()));
        assert!(same(place, &old, path, self), "{}: is {place}, not {old}", entry.path);
        *place = new;
    }

    fn list(&self, path: &[Segment]) -> Option<List> {
        self.lists.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, list)| *list)
    }

    fn resolve<'j>(&self, target: &'j mut Json, path: &[Segment]) -> &'j mut Json {
        path.iter().enumerate().fold(target, |place, (depth, segment)| match (segment, place) {
            (Segment::Name(name), Json::Object(entries)) => {
                entries.entry(name.to_string()).or_insert(Json::Null)
            }
            (Segment::Index(index), Json::Array(elements)) => &mut elements[*index],
            (Segment::Identity(keys), Json::Array(elements)) => {
                let Some(List::Keyed(key, _)) = self.list(&path[..depth]) else {
                    panic!("{:?} is not declared as keyed", &path[..depth]);
                };
                let index = labels(elements, key).iter().position(|label| label.as_ref() == Some(keys));
                &mut elements[index.unwrap_or_else(|| panic!("no element {keys:?}"))]
            }
            (segment, place) => panic!("{segment:?} of {path:?} does not fit {place}"),
        })
    }

    fn patch_map(&self, entries: &mut serde_json::Map<String, Json>, group: &[&Entry<'_>]) {
        for entry in group {
            let path = entry.path.segments();
            let Some(Segment::Name(name)) = path.last() else {
                panic!("{}: not a name in a table", entry.path);
            };
            let before = match entry.kind {
                ChangeKind::Removed => entries.remove(name.as_ref()),
                _ => entries.insert(name.to_string(), json(entry.new.as_ref())),
            };
            let (before, old) = (before.unwrap_or_default(), json(entry.old.as_ref()));
            assert!(same(&before, &old, path, self), "{}: {before} for {old}", entry.path);
        }
    }

    fn patch_sequence(&self, elements: &mut Vec<Json>, group: &[&Entry<'_>], at_the_end: bool) {
        let mut taken: Vec<_> = group.iter().filter(|entry| entry.from.is_some()).collect();
        taken.sort_by_key(|entry| entry.from);
        for entry in taken.into_iter().rev() {
            let gone = elements.remove(entry.from.unwrap());
            if entry.kind == ChangeKind::Removed {
                let old = json(entry.old.as_ref());
                assert!(same(&gone, &old, entry.path.segments(), self), "{}: {gone} for {old}", entry.path);
            }
        }
        let mut put: Vec<_> = group.iter().filter(|entry| entry.to.is_some()).collect();
        put.sort_by_key(|entry| entry.to);
        for entry in put {
            let index = if at_the_end { elements.len() } else { entry.to.unwrap() };
            elements.insert(index, json(entry.new.as_ref()));
        }
    }

    /// Brings lists whose order means nothing into one order, and what is written in another way into that, so that
    /// values can be compared.
    pub(crate) fn normalized(&self, mut value: Json) -> Json {
        self.normalize(&mut value, &mut Vec::new());
        value
    }

    fn normalize(&self, value: &mut Json, path: &mut Vec<Segment>) {
        if let Some((_, write)) = self.written.iter().find(|(pattern, _)| matches(pattern, path)) {
            *value = write(value);
        }
        match value {
            Json::Object(entries) => {
                // No file can tell an absent value from none.
                entries.retain(|_, value| !value.is_null());
                for (name, value) in entries {
                    path.push(Segment::Name(name.clone().into()));
                    self.normalize(value, path);
                    path.pop();
                }
            }
            Json::Array(elements) => {
                for (index, value) in elements.iter_mut().enumerate() {
                    path.push(Segment::Index(index));
                    self.normalize(value, path);
                    path.pop();
                }
                match self.list(path) {
                    Some(List::Keyed(key, Order::Ignored)) => elements.sort_by_key(key),
                    Some(List::Set) => {
                        elements.sort_by_key(ToString::to_string);
                        elements.dedup();
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

fn same(left: &Json, right: &Json, path: &[Segment], patcher: &Patcher) -> bool {
    let normalized = |value: &Json| {
        let mut value = value.clone();
        patcher.normalize(&mut value, &mut path.to_vec());
        value
    };
    left == right || normalized(left) == normalized(right)
}

fn json(value: Option<&Value<'_>>) -> Json {
    value.map_or(Json::Null, |value| serde_json::to_value(value).unwrap())
}

/// As the library shows elements with a key: the second of its key is marked `#2`.
fn labels(elements: &[Json], key: JsonKey) -> Vec<Option<Vec<String>>> {
    let mut counts: HashMap<Vec<String>, usize> = HashMap::new();
    elements
        .iter()
        .map(|element| {
            let mut label = key(element)?;
            let count = counts.entry(label.clone()).or_default();
            *count += 1;
            if *count > 1 {
                label.push(format!("#{count}"));
            }
            Some(label)
        })
        .collect()
}

fn patch_set(elements: &mut Vec<Json>, group: &[&Entry<'_>]) {
    for entry in group {
        let old = json(entry.old.as_ref());
        let before = elements.len();
        match entry.kind {
            ChangeKind::Removed => elements.retain(|element| *element != old),
            _ => elements.push(json(entry.new.as_ref())),
        }
        assert_ne!(elements.len(), before, "{}: nothing was removed", entry.path);
    }
}
