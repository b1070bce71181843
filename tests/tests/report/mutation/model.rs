//! What a document may look like, how it may be broken, and how it is spread over layers.

use reloadable::{FieldPath, Segment};

/// Numbers that look like chance and are the same in every run.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }

    pub(super) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub(super) fn pick<'t, T>(&mut self, choices: &'t [T]) -> &'t T {
        &choices[self.below(choices.len())]
    }
}

/// A scalar, or something small that is written in one piece.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    EmptyArray,
}

/// A value, and what can be wrong with it.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Leaf {
        valid: Literal,
        /// What does not fit its type.
        wrong: Vec<Literal>,
        /// What fits its type and breaks a rule.
        refused: Vec<Literal>,
    },
    Table {
        fields: Vec<Field>,
        /// Unknown keys are refused.
        strict: bool,
        /// What a value that is no table would be, as far as it is refused as a whole.
        wrong: Vec<Literal>,
        /// It cannot be spread over layers.
        whole: bool,
    },
    List(Vec<Node>),
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    /// The first is what the type calls it.
    names: Vec<String>,
    node: Node,
    required: bool,
    /// This is the tag on which those fields depend that say so.
    tag: Option<&'static str>,
    depends: Option<&'static str>,
    /// The key is the name of a variant, so that another is wrong.
    is_variant: bool,
}

pub(super) fn text(text: &str) -> Literal {
    Literal::Text(text.to_owned())
}

pub(super) fn leaf(
    valid: Literal,
    wrong: impl IntoIterator<Item = Literal>,
    refused: impl IntoIterator<Item = Literal>,
) -> Node {
    Node::Leaf { valid, wrong: wrong.into_iter().collect(), refused: refused.into_iter().collect() }
}

pub(super) fn table(fields: impl IntoIterator<Item = Field>) -> Node {
    let wrong = vec![Literal::Bool(true), text("table"), Literal::Integer(7)];
    Node::Table { fields: fields.into_iter().collect(), strict: false, wrong, whole: false }
}

pub(super) fn list(nodes: impl IntoIterator<Item = Node>) -> Node {
    Node::List(nodes.into_iter().collect())
}

impl Node {
    pub(super) fn strict(mut self) -> Self {
        if let Self::Table { strict, .. } = &mut self {
            *strict = true;
        }
        self
    }

    pub(super) fn whole(mut self) -> Self {
        if let Self::Table { whole, .. } = &mut self {
            *whole = true;
        }
        self
    }
}

impl Field {
    pub(super) fn required(names: &[&str], node: Node) -> Self {
        let names = names.iter().map(ToString::to_string).collect();
        Self { names, node, required: true, tag: None, depends: None, is_variant: false }
    }

    pub(super) fn optional(names: &[&str], node: Node) -> Self {
        Self { required: false, ..Self::required(names, node) }
    }

    pub(super) fn tag(name: &'static str, variant: &str) -> Self {
        let node = leaf(text(variant), [text("no such variant")], []);
        Self { tag: Some(name), ..Self::required(&[name], node) }
    }

    /// The only field of a table whose key says which variant it is.
    pub(super) fn variant(names: &[&str], node: Node) -> Self {
        Self { is_variant: true, required: false, ..Self::required(names, node) }
    }

    pub(super) fn depending(self, tag: &'static str) -> Self {
        Self { depends: Some(tag), ..self }
    }
}

/// A place in the model: the number of the field or element on each level.
type Way = Vec<usize>;

#[derive(Debug, Clone)]
enum Change {
    Replaced(Literal),
    Refused(Literal),
    Removed,
    Renamed,
    Unknown,
}

#[derive(Debug, Clone)]
struct Target {
    way: Way,
    change: Change,
    /// Nothing can be told of what is below.
    covers: bool,
    /// The table and the tag without which nothing can be told of its other fields.
    tag: Option<(Way, &'static str)>,
    /// The tables and tags that this depends on.
    depends: Vec<(Way, &'static str)>,
}

impl Target {
    fn conflicts(&self, other: &Self) -> bool {
        let covers = |one: &Self, other: &Self| {
            let unknown = |target: &Self| matches!(target.change, Change::Unknown);
            (one.way == other.way && unknown(one) == unknown(other))
                || (one.covers && other.way.starts_with(&one.way))
                || one.tag.as_ref().is_some_and(|tag| other.depends.contains(tag))
        };
        covers(self, other) || covers(other, self)
    }
}

/// What a layer holds; the number is that of a value, and what is written stands for it.
#[derive(Debug, Clone)]
pub(super) enum Out {
    Scalar(Place, Literal),
    Table(Place, Vec<(Place, String, Out)>),
    Array(Place, Vec<Out>),
}

/// What a writer tells the position of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Key(Way, bool),
    Value(Way),
}

/// A violation that must be reported.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) layer: usize,
    pub(super) place: Place,
    pub(super) path: String,
}

#[derive(Debug)]
pub(super) struct Case {
    pub(super) layers: Vec<Out>,
    pub(super) breaks: Vec<Broken>,
}

const UNKNOWN: &str = "zzz unknown";
const RENAMED: &str = "zzz renamed";

impl Case {
    pub(super) fn new(dice: &mut Dice, model: fn(&mut Dice) -> Node, faults: usize) -> Self {
        let model = model(dice);
        let mut all = Vec::new();
        targets(&model, &mut Vec::new(), &[], &mut all);
        let mut chosen: Vec<Target> = Vec::new();
        for _ in 0..faults * 4 {
            let target = dice.pick(&all);
            if chosen.len() < faults && !chosen.iter().any(|other| other.conflicts(target)) {
                chosen.push(target.clone());
            }
        }
        let count = 1 + dice.below(3);
        let mut spread = Spread { count, chosen: &chosen, tables: Vec::new(), leaves: Vec::new() };
        let mut layers = vec![None; count];
        spread.node(dice, &model, &mut Vec::new(), None, &mut layers);
        // A layer without anything would be an empty document.
        let empty = Out::Table(Place::Value(Vec::new()), Vec::new());
        let layers: Vec<_> = layers.into_iter().map(|layer| layer.unwrap_or(empty.clone())).collect();
        let breaks = chosen.iter().map(|target| spread.broken(&model, target)).collect();
        Self { layers, breaks }
    }
}

fn targets(node: &Node, way: &mut Way, depends: &[(Way, &'static str)], all: &mut Vec<Target>) {
    let mut add = |way: &Way, change, covers| {
        all.push(Target { way: way.clone(), change, covers, tag: None, depends: depends.to_vec() });
    };
    match node {
        Node::Leaf { wrong, refused, .. } => {
            for literal in wrong {
                add(way, Change::Replaced(literal.clone()), false);
            }
            for literal in refused {
                add(way, Change::Refused(literal.clone()), false);
            }
        }
        Node::Table { fields, strict, wrong, .. } => {
            if !way.is_empty() {
                for literal in wrong {
                    add(way, Change::Replaced(literal.clone()), true);
                }
            }
            for (nth, field) in fields.iter().enumerate() {
                way.push(nth);
                let table = way[..nth_of(way)].to_vec();
                let mut deeper = depends.to_vec();
                deeper.extend(field.depends.map(|tag| (table.clone(), tag)));
                let mark = all.len();
                targets(&field.node, way, &deeper, all);
                let also = |change, covers| Target {
                    way: way.clone(),
                    change,
                    covers,
                    tag: None,
                    depends: deeper.clone(),
                };
                if field.required {
                    all.push(also(Change::Removed, true));
                }
                if field.is_variant {
                    all.push(also(Change::Renamed, true));
                }
                if let Some(tag) = field.tag {
                    for target in &mut all[mark..] {
                        target.tag = Some((table.clone(), tag));
                    }
                }
                way.pop();
            }
            if *strict {
                let mut depends = depends.to_vec();
                // Which keys there may be depends on the tag.
                depends.extend(fields.iter().filter_map(|field| field.tag).map(|tag| (way.clone(), tag)));
                let way = way.clone();
                all.push(Target { way, change: Change::Unknown, covers: false, tag: None, depends });
            }
        }
        Node::List(nodes) => {
            for (nth, node) in nodes.iter().enumerate() {
                way.push(nth);
                targets(node, way, depends, all);
                way.pop();
            }
        }
    }
}

fn nth_of(way: &Way) -> usize {
    way.len() - 1
}

/// Where everything came to stand.
struct Spread<'c> {
    count: usize,
    chosen: &'c [Target],
    /// In which layer each table stands first, and how it is called there.
    tables: Vec<(Way, usize, String)>,
    /// In which layer each other value stands last, and how it is called there.
    leaves: Vec<(Way, usize, String)>,
}

impl Spread<'_> {
    fn change(&self, way: &Way) -> Option<&Change> {
        let target =
            self.chosen.iter().find(|target| target.way == *way && !matches!(target.change, Change::Unknown));
        target.map(|target| &target.change)
    }

    /// Spreads a value over the layers, or puts it into the one that is given.
    fn node(
        &mut self,
        dice: &mut Dice,
        node: &Node,
        way: &mut Way,
        only: Option<usize>,
        layers: &mut [Option<Out>],
    ) {
        let place = || Place::Value(way.clone());
        let home = only.unwrap_or_else(|| dice.below(self.count));
        if let Some(Change::Replaced(literal) | Change::Refused(literal)) = self.change(way) {
            layers[home] = Some(Out::Scalar(place(), literal.clone()));
            return;
        }
        match node {
            Node::Leaf { valid, wrong, refused } => {
                layers[home] = Some(Out::Scalar(place(), valid.clone()));
                // What is overridden may be as wrong as it likes.
                let decoys: Vec<_> = wrong.iter().chain(refused).collect();
                if home > 0 && only.is_none() && !decoys.is_empty() && dice.one_in(3) {
                    let below = dice.below(home);
                    layers[below] = Some(Out::Scalar(place(), (*dice.pick(&decoys)).clone()));
                }
            }
            Node::List(nodes) => {
                let elements = nodes.iter().enumerate().map(|(nth, node)| {
                    way.push(nth);
                    let mut inner = vec![None; self.count];
                    self.node(dice, node, way, Some(home), &mut inner);
                    way.pop();
                    inner.swap_remove(home).expect("an element is somewhere")
                });
                let elements = elements.collect();
                layers[home] = Some(Out::Array(Place::Value(way.clone()), elements));
            }
            Node::Table { fields, whole, .. } => {
                let only = only.or(whole.then_some(home));
                self.table(dice, fields, way, only, layers);
                let unknown = self
                    .chosen
                    .iter()
                    .any(|target| target.way == *way && matches!(target.change, Change::Unknown));
                if unknown {
                    let entry = (
                        Place::Key(way.clone(), true),
                        UNKNOWN.to_owned(),
                        Out::Scalar(Place::Value(vec![usize::MAX]), Literal::Integer(1)),
                    );
                    let home = only.unwrap_or_else(|| dice.below(self.count));
                    insert(dice, &mut layers[home], way, entry);
                    self.leaves.push((unknown_way(way), home, UNKNOWN.to_owned()));
                }
                // An empty table stands somewhere too.
                if layers.iter().all(Option::is_none) {
                    layers[home] = Some(Out::Table(Place::Value(way.clone()), Vec::new()));
                }
            }
        }
    }

    fn table(
        &mut self,
        dice: &mut Dice,
        fields: &[Field],
        way: &mut Way,
        only: Option<usize>,
        layers: &mut [Option<Out>],
    ) {
        for (nth, field) in fields.iter().enumerate() {
            way.push(nth);
            if !matches!(self.change(way), Some(Change::Removed)) {
                let mut inner = vec![None; self.count];
                // Another variant in another layer would replace all of this one.
                let only = only.or_else(|| field.tag.map(|_| dice.below(self.count)));
                self.node(dice, &field.node, way, only, &mut inner);
                let is_table = inner.iter().flatten().any(|out| matches!(out, Out::Table(..)));
                for (layer, out) in inner.into_iter().enumerate() {
                    let Some(out) = out else { continue };
                    let mut name = dice.pick(&field.names).clone();
                    if matches!(self.change(way), Some(Change::Renamed)) {
                        name = RENAMED.to_owned();
                    }
                    if !is_table {
                        self.leaves.retain(|(known, ..)| known != way);
                        self.leaves.push((way.clone(), layer, name.clone()));
                    } else if !self.tables.iter().any(|(known, ..)| known == way) {
                        self.tables.push((way.clone(), layer, name.clone()));
                    }
                    let around = way[..nth_of(way)].to_vec();
                    insert(dice, &mut layers[layer], &around, (Place::Key(way.clone(), false), name, out));
                }
            }
            way.pop();
        }
    }

    fn broken(&self, model: &Node, target: &Target) -> Broken {
        let way = &target.way;
        match target.change {
            Change::Replaced(_) => {
                let layer = self.home(way);
                Broken {
                    layer,
                    place: Place::Value(way.clone()),
                    path: self.path(model, way, Spelled::InFile),
                }
            }
            Change::Refused(_) => {
                let layer = self.home(way);
                Broken {
                    layer,
                    place: Place::Value(way.clone()),
                    path: self.path(model, way, Spelled::InType),
                }
            }
            Change::Renamed => {
                let layer = self.home(way);
                Broken {
                    layer,
                    place: Place::Key(way.clone(), false),
                    path: self.path(model, way, Spelled::InFile),
                }
            }
            Change::Removed => {
                let table = way[..nth_of(way)].to_vec();
                let layer = self.first(&table);
                Broken { layer, place: Place::Value(table), path: self.path(model, way, Spelled::ByTable) }
            }
            Change::Unknown => {
                let layer = self.home(&unknown_way(way));
                let mut path: FieldPath = self.path(model, way, Spelled::InFile).parse().expect("a path");
                path.push(Segment::Name(UNKNOWN.into()));
                Broken { layer, place: Place::Key(way.clone(), true), path: path.to_string() }
            }
        }
    }

    /// Returns the layer in which a value stands last; what is within a list stands with it.
    fn home(&self, way: &[usize]) -> usize {
        let of =
            |way: &[usize]| self.leaves.iter().find(|(known, ..)| *known == way).map(|(_, layer, _)| *layer);
        (0..=way.len()).rev().find_map(|length| of(&way[..length])).unwrap_or_else(|| self.first(way))
    }

    /// Returns the layer in which a table stands first.
    fn first(&self, way: &[usize]) -> usize {
        if way.is_empty() {
            return 0;
        }
        let known = self.tables.iter().find(|(known, ..)| *known == way).map(|(_, layer, _)| *layer);
        known.unwrap_or_else(|| {
            let of = |way: &[usize]| {
                self.leaves.iter().find(|(known, ..)| *known == way).map(|(_, layer, _)| *layer)
            };
            (0..way.len()).rev().find_map(|length| of(&way[..length])).unwrap_or(0)
        })
    }

    fn path(&self, model: &Node, way: &[usize], spelled: Spelled) -> String {
        let mut path = FieldPath::root();
        let mut node = model;
        for (depth, nth) in way.iter().enumerate() {
            match node {
                Node::Leaf { .. } => unreachable!("nothing is below a leaf"),
                Node::List(nodes) => {
                    path.push(Segment::Index(*nth));
                    node = &nodes[*nth];
                }
                Node::Table { fields, .. } => {
                    let field = &fields[*nth];
                    let here = &way[..=depth];
                    let known = self.tables.iter().chain(&self.leaves).find(|(known, ..)| *known == here);
                    let is_last = depth + 1 == way.len();
                    let name = match (spelled, known) {
                        (Spelled::InType, _) => &field.names[0],
                        (Spelled::ByTable, _) if is_last => &field.names[0],
                        (_, Some((_, _, name))) => name,
                        (_, None) => unreachable!("{way:?} was never written"),
                    };
                    path.push(Segment::Name(name.clone().into()));
                    node = &field.node;
                }
            }
        }
        path.to_string()
    }
}

/// How a path calls what has several names.
#[derive(Clone, Copy)]
enum Spelled {
    InFile,
    InType,
    /// As in the file, but for what is not in it.
    ByTable,
}

/// Stands for the unknown key of a table.
fn unknown_way(table: &[usize]) -> Way {
    let mut way = table.to_vec();
    way.push(usize::MAX);
    way
}

fn insert(dice: &mut Dice, table: &mut Option<Out>, way: &[usize], entry: (Place, String, Out)) {
    let table = table.get_or_insert_with(|| Out::Table(Place::Value(way.to_vec()), Vec::new()));
    if let Out::Table(_, entries) = table {
        entries.insert(dice.below(entries.len() + 1), entry);
    }
}
