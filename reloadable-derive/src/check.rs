//! What the attributes of one input say together, and what can be told from its types.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, Type};

use crate::ast::{Compare, Container, Data, Field};
use crate::ctxt::Ctxt;

/// Reports everything that cannot be meant.
pub(crate) fn check(container: &Container<'_>, ctxt: &Ctxt) {
    for lifetime in container.generics.lifetimes() {
        ctxt.error_on(
            &lifetime.lifetime,
            "`Reloadable` keeps snapshots for ever: use owned types (`String` for `&'a str`)",
        );
    }
    let borrows = container.generics.lifetimes().next().is_some();
    if let Data::Enum(variants) = &container.data {
        for variant in variants.iter().filter(|variant| variant.serde.with) {
            for file in variant.body.fields.iter().filter_map(|field| field.reload.file) {
                ctxt.error(
                    file,
                    "`with` gives the variant another shape in the file, so `file` has no place: remove one",
                );
            }
        }
    }
    for field in container.fields() {
        let errors = ctxt.count();
        check_borrow(field, borrows, ctxt);
        check_words(field, ctxt);
        check_type(field, borrows, ctxt);
        if container.serde.from.is_some() {
            check_converted(container, field, ctxt);
        }
        if ctxt.count() > errors {
            field.is_refused.set(true);
        }
    }
}

fn check_borrow(field: &Field<'_>, reported: bool, ctxt: &Ctxt) {
    if let (Some(borrow), false) = (&field.serde.borrow, reported) {
        ctxt.error_on(
            borrow,
            "`Reloadable` keeps snapshots for ever: remove `borrow` and use owned types (`String` for `&'a str`)",
        );
    }
}

/// Reports words that contradict each other or have nothing to act on.
fn check_words(field: &Field<'_>, ctxt: &Ctxt) {
    let reload = &field.reload;
    let key = reload.key.as_ref().map(|key| key.span);
    if let Some(skip) = reload.skip {
        let others = [
            ("diff", reload.diff),
            ("leaf", reload.leaf),
            ("key", key),
            ("set", reload.set),
            ("ordered", reload.ordered),
            ("restart", reload.restart),
            ("file", reload.file),
        ];
        for (word, _) in others.iter().filter(|(_, span)| span.is_some()) {
            ctxt.error(
                skip,
                format!(
                    "`skip` leaves the field out of the diff, so `{word}` has nothing to act on: remove one"
                ),
            );
        }
    } else if let (true, None) = (field.serde.skip, reload.diff) {
        for (word, span) in
            [("leaf", reload.leaf), ("key", key), ("set", reload.set), ("restart", reload.restart)]
        {
            if let Some(span) = span {
                ctxt.error(span, format!("a field that serde skips is left out of the diff: write `diff, {word}` to compare it all the same"));
            }
        }
    }
    if let (Some(diff), false) = (reload.diff, field.serde.skip) {
        ctxt.error(diff, "`diff` takes in a field that serde skips; this one is compared anyway: remove it");
    }
    for (word, span) in [("eq", reload.eq.as_ref()), ("by", reload.by.as_ref())] {
        if let (Some((span, _)), None) = (span, reload.leaf) {
            ctxt.error(
                *span,
                format!("`{word}` says how a leaf is compared: write `leaf, {word} = path::to::function`"),
            );
        }
    }
    if let (Some(_), Some(_), Some((by, _))) = (reload.leaf, &reload.eq, &reload.by) {
        ctxt.error(*by, "`eq` and `by` both say how the leaf is compared: remove one");
    }
    if let Some(leaf) = reload.leaf {
        for (word, span) in [("key", key), ("set", reload.set), ("ordered", reload.ordered)] {
            if span.is_some() {
                ctxt.error(
                    leaf,
                    format!("a leaf is compared as a whole, so `{word}` has nothing to act on: remove one"),
                );
            }
        }
    }
    if let (Some(_), Some(set)) = (key, reload.set) {
        ctxt.error(set, "`key` and `set` are two ways to compare a sequence: remove one");
    }
    check_file(field, ctxt);
    if let (Some(ordered), Some(_)) = (reload.ordered, reload.set) {
        ctxt.error(ordered, "a set has no order: remove `set` or `ordered`");
    }
    if field.serde.flatten {
        let refused = [("restart", reload.restart), ("file", reload.file), ("key", key), ("set", reload.set)];
        for (word, span) in refused {
            if let Some(span) = span {
                ctxt.error(span, flattened(word));
            }
        }
        for rule in reload.rules.iter().flat_map(|conditioned| &conditioned.rules) {
            ctxt.error_on(&rule.word, flattened(&rule.word.to_string()));
        }
    }
}

/// A file is followed by what is shown of the field that names it.
fn check_file(field: &Field<'_>, ctxt: &Ctxt) {
    let Some(file) = field.reload.file else { return };
    if field.reload.secret.is_some() {
        ctxt.error(
            file,
            "where a secret leads is not shown, so its file cannot be watched: remove `secret`, since the path is none and what the file holds is never shown",
        );
    }
    if field.reload.leaf.is_some() {
        ctxt.error(
            file,
            "a leaf compares as its type does, which knows nothing of files: remove `leaf` and name the file by a `PathBuf` or a `String`",
        );
    }
    if field.serde.skip {
        ctxt.error(file, "a field that serde skips is not in the file, so it names none: remove `file`");
    }
}

fn flattened(word: &str) -> String {
    format!(
        "a flattened field has no name in the file, so `{word}` has no place: put it on a field of the inner type"
    )
}

/// The fields of a type that serde converts from another one are not in the file.
fn check_converted(container: &Container<'_>, field: &Field<'_>, ctxt: &Ctxt) {
    let Some(from) = &container.serde.from else { return };
    let from = from.to_token_stream();
    if let Some(file) = field.reload.file {
        ctxt.error(
            file,
            format!("the file has the fields of `{from}`: derive `Reloadable` on `{from}`, and mark the field of this name there"),
        );
    }
    for rule in field.reload.rules.iter().flat_map(|conditioned| &conditioned.rules) {
        ctxt.error_on(
            &rule.word,
            format!("the file has the fields of `{from}`: derive `Reloadable` on `{from}` and put the rule there, or check with `#[reload(validate = Self::check)]` on this type"),
        );
    }
}

const INTERIOR: [&str; 14] = [
    "Cell",
    "RefCell",
    "UnsafeCell",
    "OnceCell",
    "LazyCell",
    "Rc",
    "Mutex",
    "RwLock",
    "OnceLock",
    "LazyLock",
    "ArcSwap",
    "ArcSwapOption",
    "SyncCell",
    "Once",
];

/// Where a type of that name may come from; of a type from elsewhere nothing is known.
const HOMES: [&str; 10] =
    ["std", "core", "alloc", "cell", "rc", "sync", "parking_lot", "once_cell", "arc_swap", "tokio"];

/// Reports what is no configuration, as far as the written type shows it.
fn check_type(field: &Field<'_>, reported: bool, ctxt: &Ctxt) {
    if field.compare() == Compare::Skip {
        return;
    }
    let leaf = field.reload.leaf.is_some();
    let mut report = |span: Span, what: Found| {
        match what {
        Found::Interior(name) if name == "Rc" => {
            ctxt.error(span, "`Rc` cannot be shared between threads: use `Arc`, or mark the field `#[reload(skip)]`");
        }
        Found::Interior(name) => {
            ctxt.error(span, format!("`{name}` holds state, which is no configuration: mark the field `#[reload(skip)]`"));
        }
        Found::Function => {
            ctxt.error(span, "a function is no configuration: mark the field `#[reload(skip)]`");
        }
        Found::TraitObject if !leaf => ctxt.error(
            span,
            "a trait object cannot be compared: mark the field `#[reload(leaf, eq = path::to::function)]` or `#[reload(skip)]`",
        ),
        Found::Reference(text) if !reported => {
            ctxt.error(span, format!("`Reloadable` keeps snapshots for ever: use an owned type (`String` for `{text}`)"));
        }
        Found::TraitObject | Found::Reference(_) => {}
    }
    };
    walk(&field.original.ty, &mut report);
}

fn is_atomic(name: &str) -> bool {
    let width = name.strip_prefix("Atomic").map(|rest| rest.trim_start_matches(['I', 'U']));
    matches!(width, Some("Bool" | "Ptr" | "8" | "16" | "32" | "64" | "128" | "size"))
}

enum Found {
    Interior(String),
    Function,
    TraitObject,
    Reference(String),
}

fn walk(ty: &Type, report: &mut dyn FnMut(Span, Found)) {
    match ty {
        Type::Array(array) => walk(&array.elem, report),
        Type::Slice(slice) => walk(&slice.elem, report),
        Type::Group(group) => walk(&group.elem, report),
        Type::Paren(paren) => walk(&paren.elem, report),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|ty| walk(ty, report)),
        Type::FnPtr(function) => report(function.fn_token.span(), Found::Function),
        Type::TraitObject(object) => {
            report(object.dyn_token.map_or_else(|| object.span(), |token| token.span()), Found::TraitObject);
        }
        Type::Reference(reference)
            if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") =>
        {
            let text = reference.to_token_stream().to_string().replace("& ", "&");
            report(reference.and_token.span(), Found::Reference(text));
        }
        Type::Path(path) => {
            let segments = &path.path.segments;
            let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return };
            let name = last.ident.to_string();
            let at_home = segments.len() == 1 || HOMES.iter().any(|home| first.ident == home);
            if at_home && (INTERIOR.contains(&name.as_str()) || is_atomic(&name)) {
                report(last.ident.span(), Found::Interior(name));
                return;
            }
            match &last.arguments {
                PathArguments::AngleBracketed(arguments) => {
                    for argument in &arguments.args {
                        if let GenericArgument::Type(ty) = argument {
                            walk(ty, report);
                        }
                    }
                }
                PathArguments::None | PathArguments::Parenthesized(_) => {}
            }
        }
        _ => {}
    }
}
