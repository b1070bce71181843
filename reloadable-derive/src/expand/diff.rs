//! `impl Diff`, and the type of the changes with it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Member;
use syn::spanned::Spanned;

use super::companion::{self, has_marker, replaced, with_parts};
use super::{Expansion, binding, hold, located, pattern, value};
use crate::ast::{Body, Compare, Data, Field, Style, Variant};
use crate::attr::reload::{Key, KeyKind};

pub(super) fn expand(expansion: &Expansion<'_>) -> TokenStream {
    let Expansion { private, container, lifetime, companion, .. } = expansion;
    let header = expansion.header("Diff");
    let changes = expansion.changes();
    let diff = match (&container.data, companion) {
        (Data::Struct(body), Some(_)) => of_struct(expansion, body),
        (Data::Struct(_), None) => quote!(::core::option::Option::None),
        (Data::Enum(variants), Some(_)) => of_enum(expansion, variants),
        (Data::Enum(_), None) => quote! {
            #private::leaf(
                ::core::mem::discriminant(self) == ::core::mem::discriminant(__new),
                self,
                __new,
            )
        },
    };
    let hold = hold::expand(expansion);
    let value = value::expand(expansion);
    let implementations = companion::implementations(expansion);
    quote! {
        #header {
            type Changes<#lifetime> = #changes where Self: #lifetime;

            fn diff<#lifetime>(
                &#lifetime self,
                __new: &#lifetime Self,
            ) -> ::core::option::Option<Self::Changes<#lifetime>> {
                #diff
            }

            #hold

            fn value(&self) -> #private::Value<'_> {
                #value
            }
        }

        #implementations
    }
}

fn of_struct(expansion: &Expansion<'_>, body: &Body<'_>) -> TokenStream {
    let Expansion { private, companion, .. } = expansion;
    let members = members(body);
    let nothing = nothing(body);
    let asked = body.compared().filter_map(|field| asked(expansion, field));
    let changes = body.compared().map(|field| {
        let member = &field.member;
        compared(expansion, field, &quote!(&self.#member), &quote!(&__new.#member))
    });
    let marker = has_marker(expansion, body).then(|| {
        let member = match body.style {
            Style::Named => quote!(__marker),
            _ => {
                let index = syn::Index::from(members.len());
                quote!(#index)
            }
        };
        quote!(#member: ::core::marker::PhantomData,)
    });
    let changed =
        if expansion.is_boxed() { quote!(#private::Box::new(__changes)) } else { quote!(__changes) };
    quote! {
        #(#asked)*
        let __changes = #companion { #(#members: #changes,)* #marker };
        if let #companion { #(#members: #nothing,)* .. } = &__changes {
            return ::core::option::Option::None;
        }
        ::core::option::Option::Some(#changed)
    }
}

/// The fields of the changes. An error about the type of one is reported where that of the field is.
fn members(body: &Body<'_>) -> Vec<TokenStream> {
    let member = |(position, field): (usize, &Field<'_>)| {
        let member = match body.style {
            Style::Named => field.member.clone(),
            _ => Member::Unnamed(syn::Index::from(position)),
        };
        located(&member.to_token_stream(), field.span())
    };
    body.compared().enumerate().map(member).collect()
}

/// The patterns for fields that did not change.
fn nothing(body: &Body<'_>) -> Vec<TokenStream> {
    body.compared().map(|field| quote_spanned!(field.span()=> ::core::option::Option::None)).collect()
}

fn of_enum(expansion: &Expansion<'_>, variants: &[Variant<'_>]) -> TokenStream {
    let Expansion { private, companion, .. } = expansion;
    let replaced = replaced(variants);
    let arms = with_parts(variants).map(|(_, variant)| {
        let ident = variant.ident;
        let body = &variant.body;
        let old = pattern(variant, "old", body.compared());
        let new = pattern(variant, "new", body.compared());
        let asked = body.compared().filter_map(|field| asked(expansion, field));
        let changes = body.compared().map(|field| {
            let (old, new) = (binding("old", field), binding("new", field));
            compared(expansion, field, &quote!(#old), &quote!(#new))
        });
        if body.style == Style::Newtype {
            let some = changes.zip(body.compared()).map(|(changes, field)| {
                let span = field.span();
                let ident = located(&ident.to_token_stream(), span);
                quote_spanned! {span=>
                    match #changes {
                        ::core::option::Option::Some(__change) => {
                            ::core::option::Option::Some(#companion::#ident { 0: __change })
                        }
                        ::core::option::Option::None => ::core::option::Option::None,
                    }
                }
            });
            return quote!((#old, #new) => { #(#asked)* #(#some)* });
        }
        let members = members(body);
        let nothing = nothing(body);
        quote! {
            (#old, #new) => {
                #(#asked)*
                let __changes = #companion::#ident { #(#members: #changes,)* };
                if let #companion::#ident { #(#members: #nothing,)* } = &__changes {
                    return ::core::option::Option::None;
                }
                ::core::option::Option::Some(__changes)
            }
        }
    });
    quote! {
        match (self, __new) {
            #(#arms)*
            _ => ::core::option::Option::map(
                #private::leaf(
                    ::core::mem::discriminant(self) == ::core::mem::discriminant(__new),
                    self,
                    __new,
                ),
                #companion::#replaced,
            ),
        }
    }
}

/// Asks of the type of a field an order, where it is said to have one.
fn asked(expansion: &Expansion<'_>, field: &Field<'_>) -> Option<TokenStream> {
    if field.is_refused.get() {
        return None;
    }
    let span = field.span();
    // With a key, the key asks for a sequence.
    let ordered = field.reload.ordered.filter(|_| field.reload.key.is_none());
    let ordered = ordered.map(|_| expansion.cast(field, "Ordered"));
    ordered.map(|ordered| quote_spanned!(span=> #ordered::ordered();))
}

/// The comparison of one field: an option of its changes.
fn compared(
    expansion: &Expansion<'_>,
    field: &Field<'_>,
    old: &TokenStream,
    new: &TokenStream,
) -> TokenStream {
    let private = &expansion.private;
    let span = field.span();
    let known = expansion.known(field);
    let changes = match field.compare() {
        Compare::Leaf => {
            let equal = match (&field.reload.eq, &field.reload.by) {
                _ if field.is_refused.get() => quote!(true),
                (Some((_, function)), _) => quote!(#function(#old, #new)),
                (None, Some((_, function))) => quote!(#function(#old) == #function(#new)),
                (None, None) => {
                    let same = expansion.cast(field, "Same");
                    quote_spanned!(span=> #same::same(#old, #new))
                }
            };
            quote!(#private::leaf(#equal, #old, #new))
        }
        Compare::Keyed => {
            let order = if field.reload.ordered.is_some() { quote!(Kept) } else { quote!(Ignored) };
            let key = field.reload.key.as_ref().map(|key| self::key(expansion, field, key));
            quote_spanned!(span=> #known::keyed_diff(#old, #new, #key, #private::Order::#order))
        }
        Compare::Set => quote_spanned!(span=> #known::set_diff(#old, #new)),
        Compare::Nested | Compare::Skip => quote_spanned!(span=> #known::diff(#old, #new)),
    };
    if field.reload.secret.is_some() {
        quote_spanned!(span=> ::core::option::Option::map(#changes, #private::Redacted::new))
    } else {
        changes
    }
}

/// A function that shows by what an element is known.
pub(super) fn key(expansion: &Expansion<'_>, field: &Field<'_>, key: &Key) -> TokenStream {
    let private = &expansion.private;
    let mut ways: Vec<Vec<String>> = Vec::new();
    let shown = match &key.kind {
        KeyKind::Function(function) => {
            ways.push(Vec::new());
            let span = Span::call_site().located_at(function.span());
            quote_spanned!(span=> (&&&&&#private::KeyOf(#function(__item))).key())
        }
        KeyKind::Fields(fields) => {
            let span = Span::call_site().located_at(key.span);
            let part = |members: &Vec<Member>| way(private, span, members);
            let parts: Vec<_> = fields.iter().map(part).collect();
            ways.extend(fields.iter().map(|members| members.iter().map(super::member).collect()));
            if let [only] = &parts[..] { only.clone() } else { quote!(#private::row([#(#parts),*])) }
        }
    };
    let span = field.span();
    let ty = &field.ty;
    let located = located(private, span);
    let item = quote_spanned!(span=> #located::ItemOf<#ty>);
    quote_spanned!(span=> {
        let __key: #located::KeyFn<#item> = |__item| {
            #located::withheld::<#item>(&[#(&[#(#ways),*]),*], #shown)
        };
        __key
    })
}

/// The value to which a way of fields leads; there is none where an option on the way is empty.
fn way(private: &TokenStream, span: Span, members: &[Member]) -> TokenStream {
    match members {
        [] => TokenStream::new(),
        [last] => quote_spanned!(span=> (&&&&&#private::KeyOf(&__item.#last)).key()),
        [first, rest @ ..] => {
            let rest = way(private, span, rest);
            quote_spanned!(span=> #private::Through(&__item.#first).step(|__item| #rest))
        }
    }
}
