//! From a checked input to code.

mod fallback;
mod bound;
mod describe;
mod validate;
mod probe;
mod companion;
mod diff;
mod hold;
mod value;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{DeriveInput, Lifetime, Member};

use crate::ast::{Body, Container, Data, Field, Variant};
use crate::check::check;
use crate::ctxt::Ctxt;

use self::bound::Bounds;

/// Expands `#[derive(Reloadable)]`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let Some(container) = Container::from_input(input, &ctxt) else {
        return ctxt.check().err().unwrap_or_default();
    };
    check(&container, &ctxt);
    let expansion = Expansion::new(&container);
    let errors = ctxt.check().err();
    let has_lifetimes = container.generics.lifetimes().next().is_some();
    let implementations = if has_lifetimes { fallback::expand(&expansion) } else { expansion.expand() };
    quote!(#errors #implementations)
}

/// What all parts of the expansion share.
struct Expansion<'c> {
    container: &'c Container<'c>,
    /// The path of the module for generated code.
    private: TokenStream,
    lifetime: Lifetime,
    /// The type of the changes; `None` where the type changes as a whole.
    companion: Option<Ident>,
    bounds: Bounds,
}

/// From this number of compared fields on, the changes of a struct are boxed, so that it is cheap to move them.
const BOXED: usize = 8;

impl<'c> Expansion<'c> {
    fn new(container: &'c Container<'c>) -> Self {
        let root =
            container.reload.krate.as_ref().map_or_else(|| quote!(::reloadable), ToTokens::to_token_stream);
        let private = quote!(#root::__private);
        let has_parts = match &container.data {
            Data::Struct(body) => body.compared().next().is_some(),
            Data::Enum(variants) => variants.iter().any(|variant| variant.body.compared().next().is_some()),
        };
        let companion = has_parts.then(|| format_ident!("{}Changes", container.ident.unraw()));
        Self {
            container,
            lifetime: free_lifetime(container),
            companion,
            bounds: Bounds::of(container, &private),
            private,
        }
    }

    fn expand(&self) -> TokenStream {
        let companion = companion::expand(self);
        let describe = describe::expand(self);
        let validate = validate::expand(self);
        let diff = diff::expand(self);
        let private = &self.private;
        quote! {
            #companion
            const _: () = {
                #[allow(unused_imports)]
                use #private::{
                    KeyByDisplay as _, KeyByNothing as _, KeyByReference as _, KeyBySerialize as _, KeyByValue as _, ShownByDebug as _, ShownByDiff as _,
                    ShownByDisplay as _, ShownByNothing as _, ShownBySerialize as _, Straight as _, Unknown as _, Unstepped as _,
                };
                #describe
                #validate
                #diff
            };
        }
    }

    /// `impl<..> Trait for Type<..> where ..`, without its body.
    fn header(&self, implemented: &str) -> TokenStream {
        let private = &self.private;
        let ident = self.container.ident;
        let implemented = format_ident!("{implemented}");
        let (parameters, arguments, _) = self.container.generics.split_for_impl();
        let clause = self.bounds.clause();
        quote! {
            #[automatically_derived]
            #[allow(deprecated, unreachable_patterns, unused_variables, clippy::all, clippy::pedantic, clippy::restriction)]
            impl #parameters #private::#implemented for #ident #arguments #clause
        }
    }

    /// The type itself.
    fn itself(&self) -> TokenStream {
        let ident = self.container.ident;
        let (_, arguments, _) = self.container.generics.split_for_impl();
        quote!(#ident #arguments)
    }

    /// `<FieldTy as Trait>`, all of it located at the field's type.
    fn cast(&self, field: &Field<'_>, implemented: &str) -> TokenStream {
        let span = field.span();
        let private = located(&self.private, span);
        let ty = &field.ty;
        let implemented = Ident::new(implemented, span);
        quote_spanned!(span=> <#ty as #private::#implemented>)
    }

    /// `Known::<FieldTy>`, for what its type can do.
    fn known(&self, field: &Field<'_>) -> TokenStream {
        let private = located(&self.private, field.span());
        let ty = &field.ty;
        quote_spanned!(field.span()=> #private::Known::<#ty>)
    }

    /// Whether the names of the fields are not those of the file.
    fn is_converted(&self) -> bool {
        self.container.serde.from.is_some()
    }

    fn inner<'b>(&self, body: &'b Body<'c>) -> Option<&'b Field<'c>> {
        body.inner(self.container.serde.transparent)
    }

    /// Whether the changes are boxed.
    fn is_boxed(&self) -> bool {
        matches!(&self.container.data, Data::Struct(body) if body.compared().count() >= BOXED)
    }

    /// The type of the changes.
    fn changes(&self) -> TokenStream {
        let Self { private, lifetime, .. } = self;
        let itself = self.itself();
        let Some(companion) = &self.companion else { return quote!(#private::Leaf<#lifetime, #itself>) };
        let arguments = self.bounds.arguments(lifetime);
        if self.is_boxed() {
            quote!(#private::Box<#companion #arguments>)
        } else {
            quote!(#companion #arguments)
        }
    }
}

/// The variant's fields as a pattern that binds each to `prefix` and its position.
fn pattern<'f>(
    variant: &Variant<'_>,
    prefix: &str,
    fields: impl Iterator<Item = &'f Field<'f>>,
) -> TokenStream {
    let ident = variant.ident;
    let bindings = fields.map(|field| {
        let member = &field.member;
        let binding = binding(prefix, field);
        quote!(#member: #binding,)
    });
    quote!(Self::#ident { #(#bindings)* .. })
}

/// What Rust calls a field, as text.
fn member(member: &Member) -> String {
    match member {
        Member::Named(ident) => ident.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}

fn binding(prefix: &str, field: &Field<'_>) -> Ident {
    format_ident!("__{}{}", prefix, field.position)
}

/// A lifetime that the input does not use.
fn free_lifetime(container: &Container<'_>) -> Lifetime {
    let mut used = container.generics.to_token_stream();
    used.extend(container.generics.where_clause.to_token_stream());
    used.extend(container.fields().map(|field| field.ty.to_token_stream()));
    let name = ["'a", "'b", "'c"].into_iter().find(|name| !names_lifetime(&used, &name[1..]));
    Lifetime::new(name.unwrap_or("'__changes"), Span::call_site())
}

fn names_lifetime(tokens: &TokenStream, name: &str) -> bool {
    crate::ast::mentions(tokens, &|ident| ident == name)
}

/// Moves tokens to where an error about them is best reported; what they mean does not change.
fn located(tokens: &TokenStream, span: Span) -> TokenStream {
    let moved = tokens.clone().into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), located(&group.stream(), span)).into();
        }
        token.set_span(token.span().located_at(span));
        token
    });
    moved.collect()
}

#[cfg(test)]
mod expansions;
