//! The type of the changes, and what it implements.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Ident, Lifetime, Member, Visibility};

use super::{Expansion, binding, located};
use crate::ast::{Body, Compare, Data, Field, Style, Variant};

/// The type itself.
pub(super) fn expand(expansion: &Expansion<'_>) -> TokenStream {
    let Some(companion) = &expansion.companion else { return TokenStream::new() };
    let Expansion { container, lifetime, bounds, .. } = expansion;
    let vis = container.vis;
    let docs = format!("What changed between two values of `{}`.", container.ident.unraw());
    let parameters = bounds.parameters(lifetime, true);
    let clause = bounds.clause_with_outlives(lifetime);
    let attributes = quote! {
        #[doc = #docs]
        #[allow(
            dead_code, deprecated, missing_copy_implementations, non_camel_case_types, non_snake_case,
            private_bounds, private_interfaces, single_use_lifetimes, unnameable_types, unreachable_pub,
            clippy::all, clippy::pedantic, clippy::restriction
        )]
    };
    match &container.data {
        Data::Struct(body) => {
            let marker = marker(expansion, body);
            let fields = body.compared().map(|field| self::field(expansion, field, &field.original.vis));
            if body.style == Style::Named {
                let marker = marker.map(|ty| quote!(#[doc(hidden)] __marker: #ty,));
                quote!(#attributes #vis struct #companion #parameters #clause { #(#fields,)* #marker })
            } else {
                let marker = marker.map(|ty| quote!(#[doc(hidden)] #ty,));
                quote!(#attributes #vis struct #companion #parameters (#(#fields,)* #marker) #clause;)
            }
        }
        Data::Enum(variants) => {
            let replaced = replaced(variants);
            let docs = format!("Another variant: the older and the newer `{}`.", container.ident.unraw());
            let leaf = leaf(expansion);
            let variants = with_parts(variants).map(|(_, variant)| self::variant(expansion, variant));
            quote! {
                #attributes
                #vis enum #companion #parameters #clause {
                    #(#variants,)*
                    #[doc = #docs]
                    #replaced(#leaf),
                }
            }
        }
    }
}

/// The variants with something that is compared, each with its position among all.
pub(super) fn with_parts<'v, 'i>(
    variants: &'v [Variant<'i>],
) -> impl Iterator<Item = (usize, &'v Variant<'i>)> {
    variants.iter().enumerate().filter(|(_, variant)| variant.body.compared().next().is_some())
}

/// The name for "another variant", unless a variant has it.
pub(super) fn replaced(variants: &[Variant<'_>]) -> Ident {
    let taken = |name: &str| variants.iter().any(|variant| variant.ident == name);
    let name = ["Replaced", "ReplacedVariant", "ReplacedByVariant"].into_iter().find(|name| !taken(name));
    format_ident!("{}", name.unwrap_or("__Replaced"))
}

fn leaf(expansion: &Expansion<'_>) -> TokenStream {
    let Expansion { private, lifetime, .. } = expansion;
    let itself = expansion.itself();
    quote!(#private::Leaf<#lifetime, #itself>)
}

fn variant(expansion: &Expansion<'_>, variant: &Variant<'_>) -> TokenStream {
    let ident = variant.ident;
    let docs = format!("The changes within `{}`.", ident.unraw());
    let body = &variant.body;
    let fields = match body.style {
        Style::Newtype => {
            let types = body.compared().map(|field| changes(expansion, field));
            quote!((#(#types),*))
        }
        Style::Named => {
            let fields = body.compared().map(|field| self::field(expansion, field, &Visibility::Inherited));
            quote!({ #(#fields),* })
        }
        _ => {
            let fields = body.compared().map(|field| self::field(expansion, field, &Visibility::Inherited));
            quote!((#(#fields),*))
        }
    };
    quote!(#[doc = #docs] #ident #fields)
}

fn field(expansion: &Expansion<'_>, field: &Field<'_>, vis: &Visibility) -> TokenStream {
    let changes = changes(expansion, field);
    let (name, docs) = match &field.member {
        Member::Named(ident) => {
            (Some(quote!(#ident:)), format!("The change of `{}`, if it changed.", ident.unraw()))
        }
        Member::Unnamed(index) => (None, format!("The change of field {}, if it changed.", index.index)),
    };
    let option = quote_spanned!(field.span()=> ::core::option::Option<#changes>);
    quote!(#[doc = #docs] #vis #name #option)
}

/// The type of the changes of a field.
fn changes(expansion: &Expansion<'_>, field: &Field<'_>) -> TokenStream {
    let span = field.span();
    let lifetime =
        Lifetime { apostrophe: span, ident: Ident::new(&expansion.lifetime.ident.to_string(), span) };
    let private = located(&expansion.private, span);
    let implemented = match field.compare() {
        Compare::Leaf => None,
        Compare::Keyed => Some("Keyed"),
        Compare::Set => Some("AsSet"),
        Compare::Nested | Compare::Skip => Some("Diff"),
    };
    let changes = match implemented {
        None => {
            let ty = &field.ty;
            quote_spanned!(span=> #private::Leaf<#lifetime, #ty>)
        }
        Some(implemented) => {
            let cast = expansion.cast(field, implemented);
            quote_spanned!(span=> #cast::Changes<#lifetime>)
        }
    };
    if field.reload.secret.is_some() { quote_spanned!(span=> #private::Redacted<#changes>) } else { changes }
}

/// A field that mentions the parameters that no other mentions.
fn marker(expansion: &Expansion<'_>, body: &Body<'_>) -> Option<TokenStream> {
    let used = body.compared().map(|field| field.ty.to_token_stream()).collect();
    let unused = expansion.bounds.unused(&used);
    let lifetime = &expansion.lifetime;
    (!unused.is_empty()).then(|| quote!(::core::marker::PhantomData<(#(&#lifetime #unused,)*)>))
}

/// Whether there is a field that mentions parameters.
pub(super) fn has_marker(expansion: &Expansion<'_>, body: &Body<'_>) -> bool {
    marker(expansion, body).is_some()
}

/// `impl Changes`, and the ways to show it.
pub(super) fn implementations(expansion: &Expansion<'_>) -> TokenStream {
    let Some(companion) = &expansion.companion else { return TokenStream::new() };
    let Expansion { private, lifetime, bounds, container, .. } = expansion;
    let itself = expansion.itself();
    let parameters = bounds.parameters(lifetime, false);
    let arguments = bounds.arguments(lifetime);
    let clause = bounds.clause_with_outlives(lifetime);
    let describe = quote!(&<#itself as #private::Describe>::describe());
    let walk = match &container.data {
        Data::Struct(body) => {
            let mut compared = 0;
            let access = |field: &Field<'_>| {
                let member = match body.style {
                    Style::Named => field.member.clone(),
                    _ => Member::Unnamed(syn::Index::from(compared)),
                };
                compared += 1;
                quote!(&self.#member)
            };
            let steps =
                steps(expansion, body, Told { certain: false, named: !expansion.is_converted() }, access);
            quote!(__walker.fields(#describe, [#(#steps),*]);)
        }
        Data::Enum(variants) => {
            let replaced = replaced(variants);
            let arms = with_parts(variants).map(|(position, variant)| {
                let ident = variant.ident;
                let body = &variant.body;
                let certain = body.style == Style::Newtype;
                let told = Told { certain, named: !expansion.is_converted() && !variant.serde.with };
                let bindings = body.compared().enumerate().map(|(position, field)| {
                    let span = field.span();
                    let member = match body.style {
                        Style::Named => field.member.clone(),
                        _ => Member::Unnamed(syn::Index::from(position)),
                    };
                    let member = located(&member.to_token_stream(), span);
                    let binding = located(&binding("change", field).to_token_stream(), span);
                    quote_spanned!(span=> #member: #binding)
                });
                let pattern = quote!(Self::#ident { #(#bindings),* });
                let steps = steps(expansion, body, told, |field| binding("change", field).to_token_stream());
                let call = if expansion.is_converted() {
                    quote!(fields(#describe, [#(#steps),*]))
                } else {
                    quote!(variant(#describe, #position, [#(#steps),*]))
                };
                quote!(#pattern => __walker.#call,)
            });
            quote! {
                match self {
                    #(#arms)*
                    Self::#replaced(__leaf) => __walker.entry(
                        #private::ChangeKind::Replaced,
                        ::core::option::Option::Some(#private::Diff::value(__leaf.old)),
                        ::core::option::Option::Some(#private::Diff::value(__leaf.new)),
                    ),
                }
            }
        }
    };
    let attributes = quote! {
        #[automatically_derived]
        #[allow(deprecated, clippy::all, clippy::pedantic, clippy::restriction)]
    };
    let shown = ["Display", "Debug"].map(|name| {
        let name = format_ident!("{name}");
        quote! {
            #attributes
            impl #parameters ::core::fmt::#name for #companion #arguments #clause {
                fn fmt(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #private::lines(self, __f)
                }
            }
        }
    });
    quote! {
        #attributes
        impl #parameters #private::Changes for #companion #arguments #clause {
            fn walk<'__walk>(&'__walk self, __walker: &mut #private::Walker<'_, '__walk>) {
                #walk
            }
        }

        #(#shown)*

        #attributes
        impl #parameters #private::Serialize for #companion #arguments #clause {
            fn serialize<__S: #private::Serializer>(
                &self,
                __serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                #private::list(self, __serializer)
            }
        }
    }
}

/// What is known of the changes of a body's fields.
#[derive(Clone, Copy)]
struct Told {
    /// There are some, so that they are no option.
    certain: bool,
    /// The description has the fields, with their marks.
    named: bool,
}

/// What the walker is told about each field of the description. `changed` gives the change of a compared field: a
/// reference to it, and to an option of it unless it is certain.
fn steps(
    expansion: &Expansion<'_>,
    body: &Body<'_>,
    Told { certain, named }: Told,
    mut changed: impl FnMut(&Field<'_>) -> TokenStream,
) -> Vec<TokenStream> {
    let private = &expansion.private;
    let only = expansion.inner(body).map(|field| field.position);
    let mut told = |field: &Field<'_>| {
        if field.compare() == Compare::Skip {
            return quote!(#private::Step::Same);
        }
        let step = step(expansion, field, certain, &changed(field));
        // What was reported about the field leaves its marks without a meaning.
        if named || field.reload.restart.is_none() || field.is_refused.get() {
            return step;
        }
        quote!(#private::restart_step(#step))
    };
    let steps: Vec<_> = body.fields.iter().map(|field| (field.position, told(field))).collect();
    steps
        .into_iter()
        .filter(|(position, _)| only.is_none_or(|only| only == *position))
        .map(|(_, step)| step)
        .collect()
}

fn step(expansion: &Expansion<'_>, field: &Field<'_>, certain: bool, changed: &TokenStream) -> TokenStream {
    let span = field.span();
    let private = located(&expansion.private, span);
    let changed = located(changed, span);
    let is_leaf = field.compare() == Compare::Leaf;
    if !is_leaf || field.reload.secret.is_some() {
        // Nothing within a leaf has a mark.
        let secret = if is_leaf || field.reload.secret.is_none() { "" } else { "secret_" };
        let certain = if certain { "certain_" } else { "" };
        let method = Ident::new(&format!("{certain}{secret}step"), span);
        return quote_spanned!(span=> #private::Stepped(#changed).#method());
    }
    let shown = quote!((
        (&&&&&#private::Shown(__leaf.old)).shown(),
        (&&&&&#private::Shown(__leaf.new)).shown(),
    ));
    if certain {
        return quote!({
            let __leaf = #changed;
            #private::leaf_step(::core::option::Option::Some(#shown))
        });
    }
    quote! {
        #private::leaf_step(match #changed {
            ::core::option::Option::Some(__leaf) => ::core::option::Option::Some(#shown),
            ::core::option::Option::None => ::core::option::Option::None,
        })
    }
}
