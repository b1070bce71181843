//! The derive's input: a struct or an enum with its attributes and with the names that its parts have in the file.

use std::cell::Cell;

use proc_macro2::{Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{DataEnum, DeriveInput, Fields, Generics, Member, Type, Visibility};

use crate::attr::case::Case;
use crate::attr::{self, reload, serde};
use crate::ctxt::Ctxt;

/// A struct or an enum.
pub(crate) struct Container<'i> {
    pub(crate) ident: &'i Ident,
    pub(crate) vis: &'i Visibility,
    pub(crate) generics: &'i Generics,
    pub(crate) docs: String,
    pub(crate) reload: reload::ContainerAttr,
    pub(crate) serde: serde::ContainerAttr,
    pub(crate) data: Data<'i>,
}

/// What is within it.
pub(crate) enum Data<'i> {
    Struct(Body<'i>),
    Enum(Vec<Variant<'i>>),
}

/// The fields of a struct or of a variant.
pub(crate) struct Body<'i> {
    pub(crate) style: Style,
    pub(crate) fields: Vec<Field<'i>>,
}

/// How fields are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Unit,
    /// One field without a name.
    Newtype,
    Tuple,
    Named,
}

/// A variant of an enum.
pub(crate) struct Variant<'i> {
    pub(crate) ident: &'i Ident,
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) serde: serde::VariantAttr,
    pub(crate) body: Body<'i>,
}

/// A field.
pub(crate) struct Field<'i> {
    pub(crate) original: &'i syn::Field,
    pub(crate) member: Member,
    /// The position among all fields.
    pub(crate) position: usize,
    /// The position among those that are in the file.
    pub(crate) index: usize,
    /// The type, where `Self` is spelled out.
    pub(crate) ty: Type,
    /// The name in the file; empty for a field without one.
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) optional: bool,
    pub(crate) reload: reload::FieldAttr,
    pub(crate) serde: serde::FieldAttr,
    /// Something about it was reported, so that nothing more should be asked of it.
    pub(crate) is_refused: Cell<bool>,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    /// Not at all.
    Skip,
    /// Field by field, by its type.
    Nested,
    /// As a whole.
    Leaf,
    /// By the keys of its elements.
    Keyed,
    /// By which elements there are.
    Set,
}

impl<'i> Container<'i> {
    /// Reads the input; `None` for what is neither a struct nor an enum.
    pub(crate) fn from_input(input: &'i DeriveInput, ctxt: &Ctxt) -> Option<Self> {
        let reload = reload::ContainerAttr::from_attributes(&input.attrs, ctxt);
        let serde = serde::ContainerAttr::from_attributes(&input.attrs);
        let itself = itself(input);
        let data = match &input.data {
            syn::Data::Struct(data) => {
                let rename_all = reload.rename_all.or(serde.rename_all);
                Data::Struct(Body::new(&data.fields, rename_all, serde.default, &itself, ctxt))
            }
            syn::Data::Enum(data) => Data::Enum(variants(data, &reload, &serde, &itself, ctxt)),
            syn::Data::Union(data) => {
                ctxt.error(
                    data.union_token.span(),
                    "a union does not know what it holds: use an enum, or implement `Diff` and `Validate` by hand",
                );
                return None;
            }
        };
        Some(Self {
            ident: &input.ident,
            vis: &input.vis,
            generics: &input.generics,
            docs: attr::docs(&input.attrs),
            reload,
            serde,
            data,
        })
    }

    /// Every field, also those of variants.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field<'i>> {
        let (own, variants) = match &self.data {
            Data::Struct(body) => (&body.fields[..], &[][..]),
            Data::Enum(variants) => (&[][..], &variants[..]),
        };
        own.iter().chain(variants.iter().flat_map(|variant| &variant.body.fields))
    }
}

fn variants<'i>(
    data: &'i DataEnum,
    reload: &reload::ContainerAttr,
    serde: &serde::ContainerAttr,
    itself: &TokenStream,
    ctxt: &Ctxt,
) -> Vec<Variant<'i>> {
    let rename_all = reload.rename_all.or(serde.rename_all);
    let variant = |variant: &'i syn::Variant| {
        let own = reload::VariantAttr::from_attributes(&variant.attrs, ctxt);
        let serdes = serde::VariantAttr::from_attributes(&variant.attrs);
        let ident = variant.ident.unraw().to_string();
        let renamed = own.rename.or_else(|| serdes.rename.clone());
        let name = renamed.unwrap_or_else(|| rename_all.map_or(ident.clone(), |case| case.variant(&ident)));
        let rename_fields = own.rename_all.or(serdes.rename_all).or(serde.rename_all_fields);
        Variant {
            ident: &variant.ident,
            name,
            docs: attr::docs(&variant.attrs),
            body: Body::new(&variant.fields, rename_fields, false, itself, ctxt),
            serde: serdes,
        }
    };
    data.variants.iter().map(variant).collect()
}

impl<'i> Body<'i> {
    fn new(
        fields: &'i Fields,
        rename_all: Option<Case>,
        default: bool,
        itself: &TokenStream,
        ctxt: &Ctxt,
    ) -> Self {
        let style = match fields {
            Fields::Unit => Style::Unit,
            Fields::Unnamed(unnamed) if unnamed.unnamed.len() == 1 => Style::Newtype,
            Fields::Unnamed(_) => Style::Tuple,
            Fields::Named(_) => Style::Named,
        };
        let mut index = 0;
        let field = |(position, original): (usize, &'i syn::Field)| {
            let errors = ctxt.count();
            let reload = reload::FieldAttr::from_attributes(&original.attrs, ctxt);
            let serde = serde::FieldAttr::from_attributes(&original.attrs);
            let ident = original.ident.as_ref().map(|ident| ident.unraw().to_string());
            let name = ident.map(|ident| {
                let renamed = reload.rename.clone().or_else(|| serde.rename.clone());
                renamed.unwrap_or_else(|| rename_all.map_or(ident.clone(), |case| case.field(&ident)))
            });
            let field = Field {
                member: original.ident.clone().map_or_else(
                    || Member::Unnamed(syn::Index { index: position as u32, span: original.ty.span() }),
                    Member::Named,
                ),
                position,
                index,
                ty: spelled_out(&original.ty, itself),
                name: name.unwrap_or_default(),
                docs: attr::docs(&original.attrs),
                optional: default
                    || serde.default
                    || (last_segment_is(&original.ty, &["Option"]) && !serde.with),
                reload,
                serde,
                original,
                is_refused: Cell::new(ctxt.count() > errors),
            };
            index += usize::from(!field.serde.skip);
            field
        };
        Self { style, fields: fields.iter().enumerate().map(field).collect() }
    }

    /// The fields that are compared.
    pub(crate) fn compared(&self) -> impl Iterator<Item = &Field<'i>> {
        self.fields.iter().filter(|field| field.compare() != Compare::Skip)
    }

    /// The only field of a struct that is written as that field alone.
    pub(crate) fn inner(&self, transparent: bool) -> Option<&Field<'i>> {
        match self.style {
            Style::Newtype => self.fields.first(),
            Style::Named | Style::Tuple if transparent => self
                .fields
                .iter()
                .find(|field| !field.serde.skip && !field.serde.default && !field.is_phantom())
                .or(self.fields.first()),
            _ => None,
        }
    }
}

impl Field<'_> {
    pub(crate) fn compare(&self) -> Compare {
        let reload = &self.reload;
        if reload.skip.is_some() || (self.serde.skip && reload.diff.is_none()) {
            Compare::Skip
        } else if reload.leaf.is_some() || self.is_refused.get() {
            Compare::Leaf
        } else if reload.key.is_some() {
            Compare::Keyed
        } else if reload.set.is_some() {
            Compare::Set
        } else {
            Compare::Nested
        }
    }

    /// Where errors about the type are reported; names are looked up where the derive stands.
    pub(crate) fn span(&self) -> Span {
        Span::call_site().located_at(self.original.ty.span())
    }

    pub(crate) fn is_phantom(&self) -> bool {
        last_segment_is(&self.ty, &["PhantomData"])
    }

    /// Whether the type is one of the language's own, of which it is known that it has neither rules nor fields.
    pub(crate) fn is_primitive(&self) -> bool {
        let Type::Path(path) = &self.ty else { return false };
        let primitives = [
            "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
            "u64", "u128", "usize",
        ];
        path.path.get_ident().is_some_and(|ident| primitives.iter().any(|primitive| ident == primitive))
    }
}

/// Tells whether a type is a path that ends in one of `names`.
pub(crate) fn last_segment_is(ty: &Type, names: &[&str]) -> bool {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|segment| names.iter().any(|name| segment.ident == name))
        }
        Type::Group(group) => last_segment_is(&group.elem, names),
        Type::Paren(paren) => last_segment_is(&paren.elem, names),
        _ => false,
    }
}

fn itself(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (_, arguments, _) = input.generics.split_for_impl();
    quote!(#ident #arguments)
}

/// Replaces `Self` by what it stands for, since it stands for something else in another type.
fn spelled_out(ty: &Type, itself: &TokenStream) -> Type {
    let tokens = ty.to_token_stream();
    if !mentions(&tokens, &|ident| ident == "Self") {
        return ty.clone();
    }
    syn::parse2(replaced(tokens, itself)).unwrap_or_else(|_| ty.clone())
}

/// Replaces `Self`, wherever it stands.
pub(crate) fn replaced(tokens: TokenStream, itself: &TokenStream) -> TokenStream {
    let mut out = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "Self" => {
                let is_path = matches!(tokens.peek(), Some(TokenTree::Punct(colon)) if colon.as_char() == ':' && colon.spacing() == Spacing::Joint);
                let spelled = itself.clone().into_iter().map(|mut token| {
                    token.set_span(ident.span());
                    token
                });
                let spelled: TokenStream = spelled.collect();
                out.extend(if is_path { quote!(<#spelled>) } else { spelled });
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), replaced(group.stream(), itself));
                inner.set_span(group.span());
                out.extend([TokenTree::Group(inner)]);
            }
            other => out.extend([other]),
        }
    }
    out
}

/// Tells whether an identifier for which `wanted` holds stands anywhere within.
pub(crate) fn mentions(tokens: &TokenStream, wanted: &dyn Fn(&Ident) -> bool) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => wanted(&ident),
        TokenTree::Group(group) => mentions(&group.stream(), wanted),
        _ => false,
    })
}
