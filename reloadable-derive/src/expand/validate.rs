//! `impl Validate`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use super::diff::key;
use super::{Expansion, binding, located, pattern};
use crate::ast::{Body, Data, Field, Style, Variant, mentions};
use crate::attr::rule::{Rule, RuleKind};

pub(super) fn expand(expansion: &Expansion<'_>) -> TokenStream {
    let Expansion { private, container, .. } = expansion;
    let header = expansion.header("Validate");
    let trivial = container.reload.validate.is_empty()
        && container.reload.normalize.is_none()
        && container.fields().all(|field| field.reload.rules.is_empty() && is_plain(field));
    if trivial {
        return quote!(#header { const TRIVIAL: bool = true; });
    }
    let validated = walk(expansion, Pass::Validate);
    let own = container.reload.validate.iter().map(|function| {
        let name = function.to_token_stream().to_string().replace(' ', "");
        let span = Span::call_site().located_at(function.span());
        quote_spanned! {span=>
            let __verdict = #function(self, __report);
            #private::rules::own(#name, __verdict, __report);
        }
    });
    let normalized = walk(expansion, Pass::Normalize);
    let fill_in = container.reload.normalize.as_ref().map(|function| {
        let name = function.to_token_stream().to_string().replace(' ', "");
        let span = Span::call_site().located_at(function.span());
        quote_spanned! {span=>
            let __verdict = #function(self);
            #private::rules::normalized(#name, __verdict, __report);
        }
    });
    let normalize = (!normalized.is_empty() || fill_in.is_some()).then(|| {
        quote! {
            fn normalize(&mut self, __report: &mut #private::Reporter<'_>) {
                #normalized
                #fill_in
            }
        }
    });
    quote! {
        #header {
            #normalize

            fn validate(&self, __report: &mut #private::Reporter<'_>) {
                #validated
                #(#own)*
            }
        }
    }
}

/// Which of the two walks through a candidate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Normalize,
    Validate,
}

/// Whether nothing within the field can be wrong, as far as the written type shows it.
pub(super) fn is_plain(field: &Field<'_>) -> bool {
    let is_absent = field.serde.skip && field.reload.diff.is_none();
    field.is_primitive() || field.is_phantom() || is_absent
}

fn walk(expansion: &Expansion<'_>, pass: Pass) -> TokenStream {
    let private = &expansion.private;
    let walked = match &expansion.container.data {
        Data::Struct(body) => {
            let reference = if pass == Pass::Validate { quote!(&) } else { quote!(&mut) };
            fields(expansion, body, pass, false, |field| {
                let member = &field.member;
                quote!(#reference self.#member)
            })
        }
        Data::Enum(variants) => {
            let arms: Vec<_> = variants.iter().filter_map(|variant| arm(expansion, variant, pass)).collect();
            if arms.is_empty() { TokenStream::new() } else { quote!(match self { #(#arms)* _ => {} }) }
        }
    };
    if walked.is_empty() || !expansion.is_converted() {
        return walked;
    }
    // The names of the fields are not those of the file.
    quote! {
        __report.enter(#private::NOWHERE, false, true);
        #walked
        __report.leave();
    }
}

fn arm(expansion: &Expansion<'_>, variant: &Variant<'_>, pass: Pass) -> Option<TokenStream> {
    let private = &expansion.private;
    let serde = &expansion.container.serde;
    let access = |field: &Field<'_>| binding("field", field).to_token_stream();
    let walked = fields(expansion, &variant.body, pass, variant.serde.with, access);
    if walked.is_empty() {
        return None;
    }
    let used = variant.body.fields.iter().filter(|field| {
        let is_named = pass == Pass::Validate && is_named_in_a_condition(&variant.body, field);
        is_named || visit(expansion, field, pass, false, None, &access(field)).is_some()
    });
    let pattern = pattern(variant, "field", used);
    let name = &variant.name;
    let step = match (&serde.tag, &serde.content) {
        _ if serde.untagged || variant.serde.untagged => None,
        (Some(_), Some(content)) => Some(content),
        (Some(_), None) => None,
        (None, _) => Some(name),
    };
    let walked = match step {
        None => walked,
        Some(step) => quote! {
            __report.enter(#private::name(#step), false, false);
            #walked
            __report.leave();
        },
    };
    Some(quote!(#pattern => { #walked }))
}

/// Whether a condition on one of the fields names this one.
fn is_named_in_a_condition(body: &Body<'_>, field: &Field<'_>) -> bool {
    let mut conditioned = body.fields.iter().flat_map(|field| &field.reload.rules);
    conditioned.any(|conditioned| conditioned.when.as_ref().is_some_and(|when| names(when, field)))
}

fn names(when: &Expr, field: &Field<'_>) -> bool {
    let name = field.original.ident.as_ref();
    name.is_some_and(|name| mentions(&when.to_token_stream(), &|ident| ident == name))
}

/// A condition; within a variant it sees references to the fields that it names.
fn condition(when: &Expr, siblings: Option<&Body<'_>>) -> TokenStream {
    let named = siblings.iter().flat_map(|body| &body.fields).filter(|field| names(when, field));
    let named: Vec<_> = named
        .map(|field| {
            let (name, binding) = (&field.member, binding("field", field));
            quote!(let #name = #binding;)
        })
        .collect();
    if named.is_empty() { when.to_token_stream() } else { quote!({ #(#named)* #when }) }
}

fn fields(
    expansion: &Expansion<'_>,
    body: &Body<'_>,
    pass: Pass,
    opaque: bool,
    access: impl Fn(&Field<'_>) -> TokenStream,
) -> TokenStream {
    let siblings = matches!(expansion.container.data, Data::Enum(_)).then_some(body);
    let only = expansion.inner(body).map(|field| field.position);
    let walked = body.fields.iter().filter_map(|field| {
        let inner = only == Some(field.position) || body.style == Style::Unit;
        visit(expansion, field, pass, inner, siblings, &access(field))
    });
    let walked: TokenStream = walked.collect();
    if walked.is_empty() || !opaque {
        return walked;
    }
    let private = &expansion.private;
    quote! {
        __report.enter(#private::NOWHERE, false, true);
        #walked
        __report.leave();
    }
}

/// One pass over one field; `None` where there is nothing to do. An `inner` field stands for what is around it; the
/// `siblings` are those of a variant.
fn visit(
    expansion: &Expansion<'_>,
    field: &Field<'_>,
    pass: Pass,
    inner: bool,
    siblings: Option<&Body<'_>>,
    access: &TokenStream,
) -> Option<TokenStream> {
    let private = &expansion.private;
    let rules = match pass {
        Pass::Validate if !field.is_refused.get() => rules(expansion, field, siblings, access),
        _ => Vec::new(),
    };
    let nested = !is_plain(field);
    if rules.is_empty() && !nested {
        return None;
    }
    let (name, index) = (&field.name, field.index);
    let step = if inner || field.serde.flatten {
        quote!(#private::NOWHERE)
    } else if field.original.ident.is_some() {
        quote!(#private::name(#name))
    } else {
        quote!(#private::index(#index))
    };
    let secret = field.reload.secret.is_some();
    let known = expansion.known(field);
    let opaque = if field.serde.with { quote!(!#known::DERIVED) } else { quote!(false) };
    let method = if pass == Pass::Validate { quote!(validate) } else { quote!(normalize) };
    let check = |step: &TokenStream, secret: bool, opaque: &TokenStream| {
        nested.then(|| quote!(#known::#method(#access, #step, #secret, #opaque, __report);))
    };
    if rules.is_empty() {
        return check(&step, secret, &opaque);
    }
    let check = check(&quote!(#private::NOWHERE), false, &quote!(false));
    Some(quote! {
        __report.enter(#step, #secret, #opaque);
        #(#rules)*
        #check
        __report.leave();
    })
}

/// The rules that can be applied to the field alone.
pub(super) fn own_rules(
    expansion: &Expansion<'_>,
    field: &Field<'_>,
    access: &TokenStream,
) -> Vec<TokenStream> {
    let unconditioned = field.reload.rules.iter().filter(|conditioned| conditioned.when.is_none());
    let calls = unconditioned.flat_map(|conditioned| &conditioned.rules);
    let mut calls: Vec<_> = calls
        .map(|rule| self::rule(expansion, rule, access))
        .filter(|call| !mentions(call, &|ident| ident == "self"))
        .collect();
    calls.extend(unique_keys(expansion, field, access));
    calls
}

fn rules(
    expansion: &Expansion<'_>,
    field: &Field<'_>,
    siblings: Option<&Body<'_>>,
    access: &TokenStream,
) -> Vec<TokenStream> {
    let mut calls: Vec<_> = field
        .reload
        .rules
        .iter()
        .map(|conditioned| {
            let calls = conditioned.rules.iter().map(|rule| self::rule(expansion, rule, access));
            match &conditioned.when {
                None => quote!(#(#calls)*),
                Some(when) => {
                    let condition = condition(when, siblings);
                    quote!(if #condition { #(#calls)* })
                }
            }
        })
        .collect();
    calls.extend(unique_keys(expansion, field, access));
    calls
}

fn unique_keys(expansion: &Expansion<'_>, field: &Field<'_>, access: &TokenStream) -> Option<TokenStream> {
    let key = self::key(expansion, field, field.reload.key.as_ref()?);
    let known = expansion.known(field);
    Some(quote!(#known::unique_keys(#access, #key, __report);))
}

/// The call of one rule for the value behind the reference `value`.
fn rule(expansion: &Expansion<'_>, rule: &Rule, value: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(rule.word.span());
    let private = located(&expansion.private, span);
    let value = located(value, span);
    let word = Ident::new(&rule.word.to_string(), span);
    let call = quote_spanned!(span=> #private::rules::#word);
    match &rule.kind {
        RuleKind::Range(bounds) | RuleKind::Length(bounds) => {
            quote_spanned!(span=> #call(#value, &(#bounds), __report);)
        }
        RuleKind::NonEmpty => quote_spanned!(span=> #call(#value, __report);),
        RuleKind::Unique => {
            let shown = quote!((&&&&&#private::Shown(__item)).shown());
            quote_spanned!(span=> #call(#value, |__item| #shown, __report);)
        }
        RuleKind::OneOf(choices) => quote_spanned!(span=> #call(#value, &[#(#choices),*], __report);),
        RuleKind::Pattern(pattern) => quote_spanned! {span=> {
            static __PATTERN: #private::rules::Pattern = #private::rules::Pattern::new(#pattern);
            #call(#value, &__PATTERN, __report);
        }},
        RuleKind::Each(rules) | RuleKind::Keys(rules) | RuleKind::Values(rules) => {
            let calls = rules.iter().map(|rule| self::rule(expansion, rule, &quote!(__item)));
            quote_spanned!(span=> #call(#value, __report, |__item, __report| { #(#calls)* });)
        }
        RuleKind::Own(function) => {
            let text = &rule.text;
            let span = Span::call_site().located_at(function.span());
            let value = located(&value, span);
            quote_spanned! {span=> {
                let __verdict = #function(#value);
                #private::rules::own(#text, __verdict, __report);
            }}
        }
    }
}
