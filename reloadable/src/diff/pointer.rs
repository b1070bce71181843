//! Values behind a pointer, which count as the value.

use std::borrow::Cow;
use std::sync::Arc;

use super::Diff;
use super::touched;
use super::walk::{Changes, Walker};
use crate::value::Value;

impl<C: Changes + ?Sized> Changes for Box<C> {
    fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
        (**self).walk(walker);
    }
}

/// The changes are boxed as the value is, so that a type which contains itself has changes that contain themselves.
impl<T: Diff + ?Sized> Diff for Box<T> {
    type Changes<'a>
        = Box<T::Changes<'a>>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        (**self).diff(new).map(Box::new)
    }

    fn hold(&mut self, running: &Self) {
        (**self).hold(running);
    }

    fn value(&self) -> Value<'_> {
        (**self).value()
    }

    fn identity(&self) -> Value<'_> {
        (**self).identity()
    }
}

/// The changes are boxed, as those of a `Box` are. Two pointers to one value are equal without a look at it, unless the
/// files that it names may have changed.
impl<T: Diff + ?Sized> Diff for Arc<T> {
    type Changes<'a>
        = Box<T::Changes<'a>>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        if Self::ptr_eq(self, new) && !touched::is_any() {
            return None;
        }
        (**self).diff(new).map(Box::new)
    }

    fn hold(&mut self, running: &Self) {
        if let Some(wanted) = Self::get_mut(self) {
            wanted.hold(running);
        }
    }

    fn value(&self) -> Value<'_> {
        (**self).value()
    }

    fn identity(&self) -> Value<'_> {
        (**self).identity()
    }
}

impl<B: Diff + ToOwned + ?Sized> Diff for Cow<'_, B> {
    type Changes<'a>
        = B::Changes<'a>
    where
        Self: 'a;

    fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>> {
        (**self).diff(new)
    }

    fn value(&self) -> Value<'_> {
        (**self).value()
    }

    fn identity(&self) -> Value<'_> {
        (**self).identity()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::describe::Describe;
    use crate::path::Segment;
    use crate::validate::Validate;

    struct Node {
        weight: u8,
        next: Option<Box<Node>>,
        shared: Option<Arc<Node>>,
        children: Vec<Node>,
        named: BTreeMap<String, Node>,
        paired: Vec<(u8, Node)>,
    }

    /// As the derive writes it.
    struct NodeChanges<'a> {
        weight: Option<<u8 as Diff>::Changes<'a>>,
        next: Option<<Option<Box<Node>> as Diff>::Changes<'a>>,
        shared: Option<<Option<Arc<Node>> as Diff>::Changes<'a>>,
        children: Option<<Vec<Node> as Diff>::Changes<'a>>,
        named: Option<<BTreeMap<String, Node> as Diff>::Changes<'a>>,
        paired: Option<<Vec<(u8, Node)> as Diff>::Changes<'a>>,
    }

    impl Changes for NodeChanges<'_> {
        fn walk<'w>(&'w self, walker: &mut Walker<'_, 'w>) {
            let fields: [(&'static str, Option<&'w dyn Changes>); 6] = [
                ("weight", self.weight.as_ref().map(|changes| changes as _)),
                ("next", self.next.as_ref().map(|changes| changes as _)),
                ("shared", self.shared.as_ref().map(|changes| changes as _)),
                ("children", self.children.as_ref().map(|changes| changes as _)),
                ("named", self.named.as_ref().map(|changes| changes as _)),
                ("paired", self.paired.as_ref().map(|changes| changes as _)),
            ];
            for (name, changes) in fields {
                if let Some(changes) = changes {
                    walker.within(Segment::Name(name.into()), changes);
                }
            }
        }
    }

    impl Describe for Node {}

    impl Validate for Node {}

    impl Diff for Node {
        type Changes<'a> = NodeChanges<'a>;

        fn diff<'a>(&'a self, new: &'a Self) -> Option<NodeChanges<'a>> {
            let changes = NodeChanges {
                weight: self.weight.diff(&new.weight),
                next: self.next.diff(&new.next),
                shared: self.shared.diff(&new.shared),
                children: self.children.diff(&new.children),
                named: self.named.diff(&new.named),
                paired: self.paired.diff(&new.paired),
            };
            (!changes.entries().is_empty()).then_some(changes)
        }

        fn value(&self) -> Value<'_> {
            self.weight.value()
        }
    }

    fn leaf(weight: u8) -> Node {
        let (children, named, paired) = (Vec::new(), BTreeMap::new(), Vec::new());
        Node { weight, next: None, shared: None, children, named, paired }
    }

    fn tree(weight: u8) -> Node {
        Node {
            weight: 0,
            next: Some(Box::new(leaf(weight))),
            shared: Some(Arc::new(leaf(weight))),
            children: vec![leaf(weight)],
            named: BTreeMap::from([("x".to_owned(), leaf(weight))]),
            paired: vec![(0, leaf(weight))],
        }
    }

    #[test]
    fn a_type_may_contain_itself() {
        let (old, new) = (tree(1), tree(2));
        let changes = old.diff(&new);
        let paths: Vec<_> =
            changes.iter().flat_map(|changes| changes.entries()).map(|entry| entry.path).collect();
        assert_eq!(
            paths.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["next.weight", "shared.weight", "children[0].weight", "named.x.weight", "paired[0][1].weight"]
        );
        assert!(old.diff(&tree(1)).is_none());
    }

    #[test]
    fn a_pointer_counts_as_its_value() {
        let (old, new): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        assert_eq!(old.diff(&new).map(|change| change.new), Some("b"));
        assert!(old.diff(&Arc::from("a")).is_none());
        assert!(old.diff(&old.clone()).is_none());
        let (old, new) = (Cow::Borrowed("a"), Cow::Owned::<str>("a".to_owned()));
        assert!(old.diff(&new).is_none());
        let (old, new): (Box<[u8]>, Box<[u8]>) = ([1].into(), [2].into());
        assert_eq!(old.diff(&new).map(|changes| changes.to_string()).as_deref(), Some("[0]: 1 -> 2"));
    }
}
