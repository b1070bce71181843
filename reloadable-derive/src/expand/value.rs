//! `Diff::value`: a value as the file would show it.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Expansion, binding, pattern};
use crate::ast::{Body, Compare, Data, Field, Style, Variant};

pub(super) fn expand(expansion: &Expansion<'_>) -> TokenStream {
    match &expansion.container.data {
        Data::Struct(body) => {
            let parts = Parts::of(expansion, body, |field| {
                let member = &field.member;
                quote!(&self.#member)
            });
            parts.alone(expansion)
        }
        Data::Enum(variants) if variants.is_empty() => quote!(match *self {}),
        Data::Enum(variants) => {
            let arms = variants.iter().map(|variant| {
                let pattern = pattern(variant, "field", shown(&variant.body));
                let value = self::variant(expansion, variant);
                quote!(#pattern => #value,)
            });
            quote!(match self { #(#arms)* })
        }
    }
}

/// The fields that are shown: those that are compared and in the file.
fn shown<'b, 'i>(body: &'b Body<'i>) -> impl Iterator<Item = &'b Field<'i>> {
    body.compared().filter(|field| !field.serde.skip)
}

/// What a struct or a variant holds.
enum Parts {
    Nothing,
    Inner(TokenStream),
    Row(Vec<TokenStream>),
    Table(Vec<TokenStream>),
}

impl Parts {
    fn of(expansion: &Expansion<'_>, body: &Body<'_>, access: impl Fn(&Field<'_>) -> TokenStream) -> Self {
        let private = &expansion.private;
        if let Some(inner) = expansion.inner(body) {
            return match shown(body).find(|field| field.position == inner.position) {
                Some(field) => Self::Inner(value(expansion, field, &access(field))),
                None => Self::Nothing,
            };
        }
        let values = shown(body).map(|field| (field, value(expansion, field, &access(field))));
        match body.style {
            Style::Unit | Style::Newtype => Self::Nothing,
            Style::Tuple => Self::Row(values.map(|(_, value)| value).collect()),
            Style::Named => Self::Table(
                values
                    .map(|(field, value)| {
                        let name = &field.name;
                        if field.serde.flatten {
                            quote!(#private::Part::Flat(#value))
                        } else {
                            quote!(#private::Part::Entry(#name, #value))
                        }
                    })
                    .collect(),
            ),
        }
    }

    /// The value without a tag.
    fn alone(self, expansion: &Expansion<'_>) -> TokenStream {
        let private = &expansion.private;
        match self {
            Self::Nothing => quote!(#private::Value::Null),
            Self::Inner(value) => value,
            Self::Row(values) => quote!(#private::row([#(#values),*])),
            Self::Table(parts) => quote!(#private::table([#(#parts),*])),
        }
    }
}

fn variant(expansion: &Expansion<'_>, variant: &Variant<'_>) -> TokenStream {
    let private = &expansion.private;
    let serde = &expansion.container.serde;
    let name = &variant.name;
    let parts = Parts::of(expansion, &variant.body, |field| {
        let binding = binding("field", field);
        quote!(#binding)
    });
    if serde.untagged || variant.serde.untagged {
        return parts.alone(expansion);
    }
    let Some(tag) = &serde.tag else {
        if let Parts::Nothing = parts {
            return quote!(#private::text(#name));
        }
        let content = parts.alone(expansion);
        return quote!(#private::table([#private::Part::Entry(#name, #content)]));
    };
    let tag = quote!(#private::Part::Entry(#tag, #private::text(#name)));
    match (parts, &serde.content) {
        (Parts::Nothing, _) => quote!(#private::table([#tag])),
        (parts, Some(content)) => {
            let value = parts.alone(expansion);
            quote!(#private::table([#tag, #private::Part::Entry(#content, #value)]))
        }
        (Parts::Table(parts), None) => quote!(#private::table([#tag, #(#parts),*])),
        (parts, None) => {
            let value = parts.alone(expansion);
            quote!(#private::table([#tag, #private::Part::Flat(#value)]))
        }
    }
}

/// The value of one field.
fn value(expansion: &Expansion<'_>, field: &Field<'_>, access: &TokenStream) -> TokenStream {
    let private = &expansion.private;
    if field.reload.secret.is_some() {
        return quote!(#private::Value::Secret);
    }
    if field.compare() == Compare::Leaf {
        return quote!((&&&&&#private::Shown(#access)).shown());
    }
    let known = expansion.known(field);
    quote!(#known::value(#access))
}
