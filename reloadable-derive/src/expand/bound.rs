//! The generics of the generated code: bounds stand on the types of fields, never on parameters.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericArgument, GenericParam, Generics, Lifetime, PathArguments, Type};

use crate::ast::{Compare, Container, Field, last_segment_is, mentions, replaced};

/// The bounds of one input.
pub(super) struct Bounds {
    generics: Generics,
    predicates: Vec<TokenStream>,
    /// The types of fields that mention a parameter.
    open: Vec<Type>,
}

impl Bounds {
    pub(super) fn of(container: &Container<'_>, private: &TokenStream) -> Self {
        let generics = container.generics.clone();
        let (_, arguments, clause) = generics.split_for_impl();
        let ident = container.ident;
        let itself = quote!(#ident #arguments);
        let mut predicates: Vec<_> = clause
            .iter()
            .flat_map(|clause| &clause.predicates)
            .map(|predicate| replaced(predicate.to_token_stream(), &itself))
            .collect();
        let mut open = Vec::new();
        if let Some(bound) = &container.reload.bound {
            predicates.extend(bound.iter().map(ToTokens::to_token_stream));
        }
        for field in container.fields() {
            let tokens = field.ty.to_token_stream();
            let is_open =
                generics.type_params().any(|parameter| mentions(&tokens, &|ident| *ident == parameter.ident));
            if !is_open || field.is_phantom() || field.compare() == Compare::Skip {
                continue;
            }
            open.push(field.ty.clone());
            if container.reload.bound.is_none() {
                predicates.extend(wanted(container, field, private));
            }
        }
        Self { generics, predicates, open }
    }

    pub(super) fn clause(&self) -> TokenStream {
        let predicates = &self.predicates;
        if predicates.is_empty() { TokenStream::new() } else { quote!(where #(#predicates,)*) }
    }

    /// As [`clause`](Self::clause), for the type of the changes, which borrows from the fields.
    pub(super) fn clause_with_outlives(&self, lifetime: &Lifetime) -> TokenStream {
        let Self { predicates, open, generics } = self;
        let parameters = generics.type_params().map(|parameter| &parameter.ident);
        let predicates = quote!(#(#predicates,)* #(#parameters: #lifetime,)* #(#open: #lifetime,)*);
        if predicates.is_empty() { predicates } else { quote!(where #predicates) }
    }

    /// The parameters of the type of the changes.
    pub(super) fn parameters(&self, lifetime: &Lifetime, with_defaults: bool) -> TokenStream {
        let parameters = self.generics.params.iter().map(|parameter| {
            let mut parameter = parameter.clone();
            match &mut parameter {
                GenericParam::Type(parameter) => {
                    parameter.attrs.clear();
                    parameter.default = parameter.default.take().filter(|_| with_defaults);
                }
                GenericParam::Const(parameter) => {
                    parameter.attrs.clear();
                    parameter.default = parameter.default.take().filter(|_| with_defaults);
                }
                GenericParam::Lifetime(_) => {}
            }
            parameter
        });
        quote!(<#lifetime, #(#parameters,)*>)
    }

    /// The arguments of the type of the changes.
    pub(super) fn arguments(&self, lifetime: &Lifetime) -> TokenStream {
        let arguments = self.generics.params.iter().map(|parameter| match parameter {
            GenericParam::Type(parameter) => &parameter.ident,
            GenericParam::Const(parameter) => &parameter.ident,
            GenericParam::Lifetime(parameter) => &parameter.lifetime.ident,
        });
        quote!(<#lifetime, #(#arguments,)*>)
    }

    /// The parameters that `used` does not mention.
    pub(super) fn unused(&self, used: &TokenStream) -> Vec<TokenStream> {
        self.generics
            .type_params()
            .filter(|parameter| !mentions(used, &|ident| *ident == parameter.ident))
            .map(|parameter| parameter.ident.to_token_stream())
            .collect()
    }
}

/// What a field whose type mentions a parameter asks of it.
fn wanted(container: &Container<'_>, field: &Field<'_>, private: &TokenStream) -> Vec<TokenStream> {
    let ty = &field.ty;
    let tokens = ty.to_token_stream();
    // A bound on a type that contains the container again would never be decided. Nor is it needed: what the container
    // asks of its parameters is given within its own implementations, so only what stands beside it counts.
    if mentions(&tokens, &|ident| ident == container.ident) {
        let mut beside = ty.clone();
        leave_out(&mut beside, container);
        let tokens = beside.to_token_stream();
        let parameters = container.generics.type_params().map(|parameter| &parameter.ident);
        return parameters
            .filter(|parameter| mentions(&tokens, &|ident| ident == *parameter))
            .map(|parameter| quote!(#parameter: #private::Diff))
            .collect();
    }
    let mut wanted = Vec::new();
    match field.compare() {
        _ if field.is_refused.get() => return Vec::new(),
        Compare::Leaf if field.reload.eq.is_none() && field.reload.by.is_none() => {
            wanted.push(quote!(#ty: ::core::cmp::PartialEq));
        }
        Compare::Nested => wanted.push(quote!(#ty: #private::Diff)),
        // A bound on the sequence would hide what it holds.
        Compare::Keyed => match element(ty) {
            Some(element) => wanted.push(quote!(#element: #private::Diff)),
            None => wanted.push(quote!(#ty: #private::Keyed)),
        },
        Compare::Set => wanted.push(quote!(#ty: #private::AsSet)),
        Compare::Leaf | Compare::Skip => {}
    }
    if field.reload.ordered.is_some() && field.reload.key.is_none() {
        wanted.push(quote!(#ty: #private::Ordered));
    }
    if field.reload.restart.is_some() {
        wanted.push(quote!(#ty: ::core::clone::Clone));
    }
    wanted
}

/// Replaces the container within a type by a type without parameters.
fn leave_out(ty: &mut Type, container: &Container<'_>) {
    match ty {
        Type::Array(array) => leave_out(&mut array.elem, container),
        Type::Slice(slice) => leave_out(&mut slice.elem, container),
        Type::Group(group) => leave_out(&mut group.elem, container),
        Type::Paren(paren) => leave_out(&mut paren.elem, container),
        Type::Tuple(tuple) => tuple.elems.iter_mut().for_each(|ty| leave_out(ty, container)),
        Type::Path(path) => {
            let Some(last) = path.path.segments.last_mut() else { return };
            if last.ident == *container.ident {
                *ty = syn::parse_quote!(());
                return;
            }
            if let PathArguments::AngleBracketed(arguments) = &mut last.arguments {
                for argument in &mut arguments.args {
                    if let GenericArgument::Type(ty) = argument {
                        leave_out(ty, container);
                    }
                }
            }
        }
        _ => {}
    }
}

/// The type of the elements of a sequence, as far as the written type shows it.
fn element(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Array(array) => Some(&array.elem),
        Type::Slice(slice) => Some(&slice.elem),
        Type::Group(group) => element(&group.elem),
        Type::Paren(paren) => element(&paren.elem),
        Type::Path(path) => {
            let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
                return None;
            };
            let inner = arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(inner) => Some(inner),
                _ => None,
            })?;
            if last_segment_is(ty, &["Vec", "VecDeque"]) {
                Some(inner)
            } else if last_segment_is(ty, &["Option", "Box", "Arc"]) {
                element(inner)
            } else {
                None
            }
        }
        _ => None,
    }
}
