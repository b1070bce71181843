//! The words that are rules.

use std::fmt;

use proc_macro2::{Span, TokenTree};
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, ExprRange, Ident, Lit, RangeLimits, Token};

use super::words::{self, arguments, equals};
use crate::ctxt::Ctxt;

/// Every word that is a rule.
pub(crate) const RULES: [&str; 10] =
    ["range", "length", "non_empty", "one_of", "pattern", "unique", "each", "keys", "values", "validate"];

/// A rule of a field.
pub(crate) struct Rule {
    pub(crate) word: Ident,
    pub(crate) kind: RuleKind,
    /// The arguments as they were written.
    pub(crate) text: String,
}

/// As it was written.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { word, text, .. } = self;
        match self.kind {
            RuleKind::NonEmpty | RuleKind::Unique => write!(f, "{word}"),
            RuleKind::Own(_) => write!(f, "{word} = {text}"),
            _ => write!(f, "{word}({text})"),
        }
    }
}

/// What a rule asks for.
pub(crate) enum RuleKind {
    Range(Expr),
    Length(Expr),
    NonEmpty,
    OneOf(Vec<Expr>),
    Pattern(Expr),
    Unique,
    Each(Vec<Rule>),
    Keys(Vec<Rule>),
    Values(Vec<Rule>),
    Own(Expr),
}

/// Reads what follows a rule's word; `None` where the word is no rule.
pub(super) fn rule(word: &Ident, input: ParseStream<'_>, ctxt: &Ctxt) -> syn::Result<Option<Rule>> {
    let name = word.to_string();
    if !RULES.contains(&name.as_str()) {
        return Ok(None);
    }
    if let "non_empty" | "unique" = name.as_str() {
        words::alone(word, input)?;
        let kind = if name == "unique" { RuleKind::Unique } else { RuleKind::NonEmpty };
        return Ok(Some(Rule { word: word.clone(), kind, text: String::new() }));
    }
    if name == "validate" {
        equals(word, input, "validate = path::to::function")?;
        let function: Expr = input.parse()?;
        function_path(word, &function)?;
        let text = words::written(&function.to_token_stream(), None);
        return Ok(Some(Rule { word: word.clone(), kind: RuleKind::Own(function), text }));
    }
    let example = match name.as_str() {
        "range" => "range(1..=1024)",
        "length" => "length(1..=64)",
        "one_of" => "one_of(\"info\", \"debug\")",
        "pattern" => "pattern(\"^[a-z]+$\")",
        "each" => "each(non_empty)",
        "keys" => "keys(non_empty)",
        _ => "values(range(1..))",
    };
    let fork = input.fork();
    let group = arguments(word, &fork, example)?;
    if group.stream().is_empty() {
        input.advance_to(&fork);
        return Err(syn::Error::new(group.span(), format!("`{word}` needs arguments: write `{example}`")));
    }
    let content;
    syn::parenthesized!(content in input);
    let kind = arguments_of(word, &content, example, ctxt);
    // What a mistake leaves behind is not another one.
    while content.parse::<TokenTree>().is_ok() {}
    let kind = kind?;
    let text = words::written(&group.stream(), Some(&group));
    Ok(Some(Rule { word: word.clone(), kind, text }))
}

/// Reads what stands in the parentheses of a rule.
fn arguments_of(word: &Ident, content: ParseStream<'_>, example: &str, ctxt: &Ctxt) -> syn::Result<RuleKind> {
    let kind = match word.to_string().as_str() {
        "range" => RuleKind::Range(bounds(word, content, example)?),
        "length" => RuleKind::Length(bounds(word, content, example)?),
        "pattern" => RuleKind::Pattern(pattern(content)?),
        "one_of" => {
            let choices = Punctuated::<Expr, Token![,]>::parse_terminated(content)?;
            RuleKind::OneOf(choices.into_iter().collect())
        }
        "each" => RuleKind::Each(nested(content, ctxt)),
        "keys" => RuleKind::Keys(nested(content, ctxt)),
        _ => RuleKind::Values(nested(content, ctxt)),
    };
    if !content.is_empty() {
        return Err(content.error(format!("unexpected argument: write `{example}`")));
    }
    Ok(kind)
}

/// Refuses whatever is not the path of a function.
pub(super) fn function_path(word: &Ident, function: &Expr) -> syn::Result<()> {
    match function {
        Expr::Path(_) => Ok(()),
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Err(syn::Error::new(
            text.span(),
            format!("expected a path without quotes: write `{word} = {}`", text.value()),
        )),
        other => Err(syn::Error::new_spanned(
            other,
            format!("expected the path of a function: write `{word} = path::to::function`"),
        )),
    }
}

/// The rules within `each(..)`, `keys(..)` or `values(..)`.
fn nested(content: ParseStream<'_>, ctxt: &Ctxt) -> Vec<Rule> {
    let mut rules = Vec::new();
    words::within(content, ctxt, &mut |word, input| {
        match rule(&word, input, ctxt)? {
            Some(rule) => rules.push(rule),
            None => return Err(unknown(&word)),
        }
        Ok(())
    });
    rules
}

/// The error for a word that is no rule where only rules stand.
fn unknown(word: &Ident) -> syn::Error {
    let message = match words::nearest(&word.to_string(), &RULES) {
        Some(meant) => format!("unknown rule `{word}`; did you mean `{meant}`?"),
        None => format!("unknown rule `{word}`; the rules are {}", listed(&RULES)),
    };
    syn::Error::new(word.span(), message)
}

pub(super) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn bounds(word: &Ident, content: ParseStream<'_>, example: &str) -> syn::Result<Expr> {
    let bounds: Expr = content.parse()?;
    match &bounds {
        Expr::Assign(_) | Expr::Lit(_) => {
            Err(syn::Error::new_spanned(&bounds, format!("`{word}` takes a range: write `{example}`")))
        }
        Expr::Range(range) => {
            refuse_empty(range)?;
            Ok(bounds)
        }
        _ => Ok(bounds),
    }
}

/// A range of literals that holds nothing lets nothing pass.
fn refuse_empty(range: &ExprRange) -> syn::Result<()> {
    let (Some(start), Some(end)) = (range.start.as_deref(), range.end.as_deref()) else { return Ok(()) };
    let (Some(low), Some(high)) = (integer(start), integer(end)) else { return Ok(()) };
    let empty = match range.limits {
        RangeLimits::HalfOpen(_) => low >= high,
        RangeLimits::Closed(_) => low > high,
    };
    if !empty {
        return Ok(());
    }
    let message = if low > high {
        "this range holds nothing: write the smaller bound first"
    } else {
        "this range holds nothing: write `..=` if the upper bound belongs to it"
    };
    Err(syn::Error::new_spanned(range, message))
}

fn integer(bound: &Expr) -> Option<i128> {
    match bound {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => {
            integer(&unary.expr).map(|number| -number)
        }
        _ => None,
    }
}

fn pattern(content: ParseStream<'_>) -> syn::Result<Expr> {
    let pattern: Expr = content.parse()?;
    if let Expr::Lit(ExprLit { lit, .. }) = &pattern {
        let Lit::Str(text) = lit else {
            return Err(syn::Error::new(lit.span(), "expected a text: write `pattern(\"^[a-z]+$\")`"));
        };
        check_pattern(&text.value(), text.span())?;
    }
    Ok(pattern)
}

#[cfg(feature = "regex")]
fn check_pattern(pattern: &str, span: Span) -> syn::Result<()> {
    match regex_syntax::parse(pattern) {
        Ok(_) => Ok(()),
        Err(regex_syntax::Error::Parse(error)) => {
            let at = error.span().start.offset;
            Err(syn::Error::new(span, format!("not a pattern: {} at byte {at}", error.kind())))
        }
        Err(error) => Err(syn::Error::new(span, format!("not a pattern: {error}"))),
    }
}

#[cfg(not(feature = "regex"))]
fn check_pattern(_: &str, span: Span) -> syn::Result<()> {
    Err(syn::Error::new(span, "`pattern` needs the feature `regex` of the crate `reloadable`: enable it"))
}
