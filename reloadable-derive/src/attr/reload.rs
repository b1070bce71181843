//! The words of `#[reload(..)]`.

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Member, Path, Token, WherePredicate};

use super::case::{CASES, Case};
use super::rule::{self, RULES, Rule, listed};
use super::words::{self, alone, equals, once};
use crate::ctxt::Ctxt;

const CONTAINER: [&str; 5] = ["validate", "normalize", "crate", "bound", "rename_all"];
const VARIANT: [&str; 2] = ["rename", "rename_all"];
const MARKS: [&str; 13] = [
    "when", "key", "set", "ordered", "leaf", "eq", "by", "skip", "diff", "secret", "restart", "file",
    "rename",
];

/// What stands on a struct or an enum.
#[derive(Default)]
pub(crate) struct ContainerAttr {
    pub(crate) validate: Vec<Expr>,
    pub(crate) normalize: Option<Expr>,
    pub(crate) krate: Option<Path>,
    pub(crate) bound: Option<Vec<WherePredicate>>,
    pub(crate) rename_all: Option<Case>,
}

/// What stands on a variant.
#[derive(Default)]
pub(crate) struct VariantAttr {
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Case>,
}

/// What stands on a field. The spans are those of the words.
#[derive(Default)]
pub(crate) struct FieldAttr {
    /// One for each `#[reload(..)]` with rules.
    pub(crate) rules: Vec<Conditioned>,
    pub(crate) key: Option<Key>,
    pub(crate) set: Option<Span>,
    pub(crate) ordered: Option<Span>,
    pub(crate) leaf: Option<Span>,
    pub(crate) eq: Option<(Span, Expr)>,
    pub(crate) by: Option<(Span, Expr)>,
    pub(crate) skip: Option<Span>,
    pub(crate) diff: Option<Span>,
    pub(crate) secret: Option<Span>,
    pub(crate) restart: Option<Span>,
    pub(crate) file: Option<Span>,
    pub(crate) rename: Option<String>,
}

/// The rules of one attribute with the condition of all of them.
pub(crate) struct Conditioned {
    pub(crate) when: Option<Expr>,
    pub(crate) rules: Vec<Rule>,
}

/// `key = ..`
pub(crate) struct Key {
    pub(crate) span: Span,
    pub(crate) kind: KeyKind,
    /// As it was written.
    pub(crate) text: String,
}

/// By what the elements of a sequence are known.
pub(crate) enum KeyKind {
    /// One or more fields, each with the way to it.
    Fields(Vec<Vec<Member>>),
    /// What a function makes of an element.
    Function(Expr),
}

fn attributes(all: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    all.iter().filter(|attribute| attribute.path().is_ident("reload"))
}

impl ContainerAttr {
    pub(crate) fn from_attributes(all: &[Attribute], ctxt: &Ctxt) -> Self {
        let mut attr = Self::default();
        for attribute in attributes(all) {
            words::each(attribute, ctxt, |word, input| attr.word(&word, input));
        }
        attr
    }

    fn word(&mut self, word: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        match word.to_string().as_str() {
            "validate" => self.validate.push(function(word, input)?),
            "normalize" => {
                let function = function(word, input)?;
                once(&mut self.normalize, word, function)?;
            }
            "crate" => {
                equals(word, input, "crate = \"path::to::reloadable\"")?;
                let path = if input.peek(LitStr) {
                    input.parse::<LitStr>()?.parse_with(Path::parse_mod_style)?
                } else if input.peek(Lit) {
                    return Err(input.error("expected a path: write `crate = path::to::reloadable`"));
                } else {
                    Path::parse_mod_style(input)?
                };
                once(&mut self.krate, word, path)?;
            }
            "bound" => {
                equals(word, input, "bound = \"T: reloadable::Diff\"")?;
                let text: LitStr = input.parse()?;
                let parser = Punctuated::<WherePredicate, Token![,]>::parse_terminated;
                let predicates = text.parse_with(parser)?.into_iter().collect();
                once(&mut self.bound, word, predicates)?;
            }
            "rename_all" => {
                let case = case(word, input)?;
                once(&mut self.rename_all, word, case)?;
            }
            other => return Err(unknown(word, other, "a struct or an enum", &CONTAINER)),
        }
        Ok(())
    }
}

impl VariantAttr {
    pub(crate) fn from_attributes(all: &[Attribute], ctxt: &Ctxt) -> Self {
        let mut attr = Self::default();
        for attribute in attributes(all) {
            words::each(attribute, ctxt, |word, input| match word.to_string().as_str() {
                "rename" => {
                    let name = name(&word, input)?;
                    once(&mut attr.rename, &word, name)
                }
                "rename_all" => {
                    let case = case(&word, input)?;
                    once(&mut attr.rename_all, &word, case)
                }
                other => Err(unknown(&word, other, "a variant", &VARIANT)),
            });
        }
        attr
    }
}

impl FieldAttr {
    pub(crate) fn from_attributes(all: &[Attribute], ctxt: &Ctxt) -> Self {
        let mut attr = Self::default();
        for attribute in attributes(all) {
            let mut conditioned = Conditioned { when: None, rules: Vec::new() };
            let mut when_span = None;
            words::each(attribute, ctxt, |word, input| {
                if word == "when" {
                    equals(&word, input, "when = self.enabled")?;
                    when_span = Some(word.span());
                    return once(&mut conditioned.when, &word, input.parse()?);
                }
                if let Some(rule) = rule::rule(&word, input, ctxt)? {
                    conditioned.rules.push(rule);
                    return Ok(());
                }
                attr.mark(&word, input)
            });
            match when_span {
                Some(span) if conditioned.rules.is_empty() => ctxt.error(
                    span,
                    "`when` is the condition of the rules in the same attribute, and there is none: write `#[reload(range(1..), when = self.enabled)]`",
                ),
                _ => {}
            }
            if !conditioned.rules.is_empty() {
                attr.rules.push(conditioned);
            }
        }
        attr
    }

    fn mark(&mut self, word: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        let span = word.span();
        let place = match word.to_string().as_str() {
            "set" => &mut self.set,
            "ordered" => &mut self.ordered,
            "leaf" => &mut self.leaf,
            "skip" => &mut self.skip,
            "diff" => &mut self.diff,
            "secret" => &mut self.secret,
            "restart" => &mut self.restart,
            "file" => &mut self.file,
            "eq" => {
                let function = function(word, input)?;
                return once(&mut self.eq, word, (span, function));
            }
            "by" => {
                let function = function(word, input)?;
                return once(&mut self.by, word, (span, function));
            }
            "rename" => {
                let name = name(word, input)?;
                return once(&mut self.rename, word, name);
            }
            "key" => {
                equals(word, input, "key = \"name\"")?;
                let key = key(word, &input.parse()?)?;
                return once(&mut self.key, word, key);
            }
            other => {
                if let Some(range) = range_of_a_bound(other, input) {
                    let message = format!("unknown word `{other}`; write `{range}`");
                    return Err(syn::Error::new(span, message));
                }
                let known: Vec<_> = RULES.iter().chain(&MARKS).copied().collect();
                return Err(unknown(word, other, "a field", &known));
            }
        };
        alone(word, input)?;
        once(place, word, span)
    }
}

fn function(word: &Ident, input: ParseStream<'_>) -> syn::Result<Expr> {
    equals(word, input, &format!("{word} = path::to::function"))?;
    let function = input.parse()?;
    rule::function_path(word, &function)?;
    Ok(function)
}

fn name(word: &Ident, input: ParseStream<'_>) -> syn::Result<String> {
    equals(word, input, &format!("{word} = \"name-in-the-file\""))?;
    Ok(input.parse::<LitStr>()?.value())
}

fn case(word: &Ident, input: ParseStream<'_>) -> syn::Result<Case> {
    equals(word, input, "rename_all = \"kebab-case\"")?;
    let name: LitStr = input.parse()?;
    Case::from_name(&name.value()).ok_or_else(|| {
        let known: Vec<_> = CASES.iter().map(|(known, _)| *known).collect();
        syn::Error::new(name.span(), format!("unknown style; the styles are {}", listed(&known)))
    })
}

fn key(word: &Ident, written: &Expr) -> syn::Result<Key> {
    let kind = match written {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => KeyKind::Fields(vec![dotted(text)?]),
        Expr::Tuple(parts) if !parts.elems.is_empty() => {
            KeyKind::Fields(parts.elems.iter().map(part).collect::<syn::Result<_>>()?)
        }
        Expr::Paren(part_in_parentheses) => KeyKind::Fields(vec![part(&part_in_parentheses.expr)?]),
        Expr::Path(_) => KeyKind::Function(written.clone()),
        other => {
            return Err(syn::Error::new_spanned(
                other,
                "expected `key = \"name\"`, `key = (name, port)` or `key = path::to::function`",
            ));
        }
    };
    let text = match written {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
        other => words::written(&other.to_token_stream(), None),
    };
    Ok(Key { span: word.span(), kind, text })
}

/// One part of a composite key: a field, a field within a field, or a text of them with dots.
fn part(part: &Expr) -> syn::Result<Vec<Member>> {
    match part {
        Expr::Path(path) => match path.path.get_ident() {
            Some(ident) => Ok(vec![Member::Named(ident.clone())]),
            None => Err(syn::Error::new_spanned(part, "expected a field's name")),
        },
        Expr::Field(field) => {
            let mut members = self::part(&field.base)?;
            members.push(field.member.clone());
            Ok(members)
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => dotted(text),
        Expr::Lit(ExprLit { lit: Lit::Int(index), .. }) => {
            Ok(vec![Member::Unnamed(index.base10_digits().parse::<usize>().map_or_else(
                |_| Err(syn::Error::new(index.span(), "expected a field's position")),
                |position| Ok(syn::Index::from(position)),
            )?)])
        }
        other => Err(syn::Error::new(other.span(), "expected a field's name: write `key = (name, port)`")),
    }
}

fn dotted(text: &LitStr) -> syn::Result<Vec<Member>> {
    let malformed = |_| {
        let message = format!(
            "`{}` is not the name of a field in Rust: write `key = \"name\"`, or `key = \"id.name\"` for a field within a field",
            text.value()
        );
        syn::Error::new(text.span(), message)
    };
    text.value()
        .split('.')
        .map(|name| {
            if let Ok(position) = name.parse::<usize>() {
                return Ok(Member::Unnamed(syn::Index {
                    index: u32::try_from(position).unwrap_or(u32::MAX),
                    span: text.span(),
                }));
            }
            // A keyword is a name, too: a field `r#type` is called `type`.
            let mut ident = Ident::parse_any.parse_str(name).map_err(malformed)?;
            if syn::parse_str::<Ident>(name).is_err() {
                ident = syn::parse_str(&format!("r#{name}")).map_err(malformed)?;
            }
            ident.set_span(text.span());
            Ok(Member::Named(ident))
        })
        .collect()
}

/// The error for a word that means nothing here.
fn unknown(word: &Ident, name: &str, place: &str, known: &[&str]) -> syn::Error {
    let elsewhere = [
        ("a struct or an enum", &CONTAINER[..]),
        ("a variant", &VARIANT),
        ("a field", &RULES),
        ("a field", &MARKS),
    ];
    let message = if let Some((home, _)) = elsewhere.iter().find(|(_, words)| words.contains(&name)) {
        format!("`{name}` stands on {home}, not on {place}")
    } else if let Some(instead) = foreign(name) {
        format!("unknown word `{name}`; {instead}")
    } else if let Some(meant) = words::nearest(name, known) {
        let kind = if place == "a field" && RULES.contains(&meant) { "rule" } else { "word" };
        format!("unknown {kind} `{name}`; did you mean `{meant}`?")
    } else {
        format!("unknown word `{name}`; on {place} stand {}", listed(known))
    };
    syn::Error::new(word.span(), message)
}

/// The range for a bound as other libraries write it: `min = 3`.
fn range_of_a_bound(name: &str, input: ParseStream<'_>) -> Option<String> {
    let ahead = input.fork();
    ahead.parse::<Token![=]>().ok()?;
    let bound = words::written(&ahead.parse::<Expr>().ok()?.to_token_stream(), None);
    match name {
        "min" | "minimum" => Some(format!("range({bound}..)")),
        "max" | "maximum" => Some(format!("range(..={bound})")),
        _ => None,
    }
}

/// Words of other libraries.
fn foreign(name: &str) -> Option<&'static str> {
    Some(match name {
        "min" | "max" | "minimum" | "maximum" => "write `range(1..=1024)`",
        "min_length" | "max_length" | "len" => "write `length(1..=64)`",
        "regex" => "write `pattern(\"^[a-z]+$\")`",
        "custom" | "function" | "with" => "write `validate = path::to::function`",
        "nested" | "dive" | "inner" => {
            "a nested type is checked without being told to; for elements write `each(..)`"
        }
        // Nearer to `keys`, which is a rule for maps.
        "keyed" => "write `key = \"name\"`",
        "ignore" => "write `skip`",
        "redact" | "sensitive" | "hidden" => "write `secret`",
        "default" | "flatten" | "alias" => "write it in `#[serde(..)]`",
        "enum" | "oneof" | "choices" => "write `one_of(\"a\", \"b\")`",
        _ => return None,
    })
}
