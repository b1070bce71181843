//! `impl Validate`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};

use super::diff::key;
use super::{Expansion, binding, pattern};
use crate::ast::{Body, Compare, Data, Field, Style, Variant};
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
        quote! {
            let __verdict = #function(self, __report);
            #private::rules::own(#name, __verdict, __report);
        }
    });
    let normalized = walk(expansion, Pass::Normalize);
    let fill_in = container.reload.normalize.as_ref().map(|function| {
        let name = function.to_token_stream().to_string().replace(' ', "");
        quote! {
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
fn is_plain(field: &Field<'_>) -> bool {
    field.is_primitive() || field.is_phantom() || field.compare() == Compare::Skip
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
    let used = variant
        .body
        .fields
        .iter()
        .filter(|field| visit(expansion, field, pass, false, &access(field)).is_some());
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

fn fields(
    expansion: &Expansion<'_>,
    body: &Body<'_>,
    pass: Pass,
    opaque: bool,
    access: impl Fn(&Field<'_>) -> TokenStream,
) -> TokenStream {
    let only = expansion.inner(body).map(|field| field.position);
    let walked = body.fields.iter().filter_map(|field| {
        let inner = only == Some(field.position) || body.style == Style::Unit;
        visit(expansion, field, pass, inner, &access(field))
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

/// One pass over one field; `None` where there is nothing to do. An `inner` field stands for what is around it.
fn visit(
    expansion: &Expansion<'_>,
    field: &Field<'_>,
    pass: Pass,
    inner: bool,
    access: &TokenStream,
) -> Option<TokenStream> {
    let private = &expansion.private;
    let rules = match pass {
        Pass::Validate => rules(expansion, field, access),
        Pass::Normalize => Vec::new(),
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
    let ty = &field.ty;
    let span = field.span();
    let leaf = matches!(field.compare(), Compare::Leaf | Compare::Skip);
    let opaque = match (field.serde.with, leaf) {
        (false, _) => quote!(false),
        (true, true) => quote!(!#private::Known::<#ty>::DERIVED),
        (true, false) => {
            let cast = expansion.cast(field, "Diff");
            quote_spanned!(span=> !#cast::__DERIVED)
        }
    };
    let check = |step: &TokenStream, secret: bool, opaque: &TokenStream| {
        if !nested {
            return TokenStream::new();
        }
        if leaf {
            return quote!(#private::Checked(#access).check(#step, #secret, #opaque, __report););
        }
        let cast = expansion.cast(field, "Diff");
        let method = if pass == Pass::Validate { quote!(__validate) } else { quote!(__normalize) };
        quote_spanned!(span=> #cast::#method(#access, #step, #secret, #opaque, __report);)
    };
    if rules.is_empty() {
        return Some(check(&step, secret, &opaque));
    }
    let check = check(&quote!(#private::NOWHERE), false, &quote!(false));
    Some(quote! {
        __report.enter(#step, #secret, #opaque);
        #(#rules)*
        #check
        __report.leave();
    })
}

fn rules(expansion: &Expansion<'_>, field: &Field<'_>, access: &TokenStream) -> Vec<TokenStream> {
    let private = &expansion.private;
    let report = quote!(__report);
    let mut calls: Vec<_> = field
        .reload
        .rules
        .iter()
        .map(|conditioned| {
            let calls = conditioned.rules.iter().map(|rule| self::rule(expansion, rule, access, &report));
            match &conditioned.when {
                None => quote!(#(#calls)*),
                Some(when) => quote!(if #when { #(#calls)* }),
            }
        })
        .collect();
    if let Some(key) = &field.reload.key {
        let key = self::key(expansion, key);
        calls.push(quote_spanned!(field.span()=> #private::rules::unique_keys(#access, #key, __report);));
    }
    calls
}

/// The call of one rule for the value behind the reference `value`.
fn rule(expansion: &Expansion<'_>, rule: &Rule, value: &TokenStream, report: &TokenStream) -> TokenStream {
    let private = &expansion.private;
    let span = proc_macro2::Span::call_site().located_at(rule.word.span());
    let word = syn::Ident::new(&rule.word.to_string(), span);
    let call = quote_spanned!(span=> #private::rules::#word);
    let nested = |rules: &[Rule]| {
        let calls = rules.iter().map(|rule| self::rule(expansion, rule, &quote!(__item), &quote!(__report)));
        quote!(|__item, __report| { #(#calls)* })
    };
    match &rule.kind {
        RuleKind::Range(bounds) | RuleKind::Length(bounds) => quote!(#call(#value, &(#bounds), #report);),
        RuleKind::NonEmpty | RuleKind::Unique => quote!(#call(#value, #report);),
        RuleKind::OneOf(choices) => quote!(#call(#value, &[#(#choices),*], #report);),
        RuleKind::Pattern(pattern) => quote! {{
            static __PATTERN: #private::rules::Pattern = #private::rules::Pattern::new(#pattern);
            #call(#value, &__PATTERN, #report);
        }},
        RuleKind::Each(rules) | RuleKind::Keys(rules) | RuleKind::Values(rules) => {
            let check = nested(rules);
            quote!(#call(#value, #report, #check);)
        }
        RuleKind::Own(function) => {
            let text = &rule.text;
            quote! {{
                let __verdict = #function(#value);
                #private::rules::own(#text, __verdict, #report);
            }}
        }
    }
}
