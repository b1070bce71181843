//! `impl Describe`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use super::{Expansion, member, probe};
use crate::ast::{Body, Compare, Data, Field, Style, Variant};
use crate::attr::rule::Rule;
use crate::attr::words::written;

pub(super) fn expand(expansion: &Expansion<'_>) -> TokenStream {
    let Expansion { private, container, .. } = expansion;
    let shape = match (&container.serde.from, &container.data) {
        (Some(from), _) => quote!(#private::Shape::Like(#private::Known::<#from>::DESCRIBE)),
        (None, Data::Struct(body)) => shape(expansion, body),
        (None, Data::Enum(variants)) => {
            let tagging = tagging(expansion);
            let variants = variants.iter().map(|variant| self::variant(expansion, variant));
            quote!(#private::Shape::Enum(#tagging, const { &[#(#variants),*] }))
        }
    };
    let docs = docs(&container.docs);
    let converted = expansion.is_converted().then(|| converted(expansion, container.fields())).flatten();
    let deny_unknown = container.serde.deny_unknown_fields.then(|| quote!(.deny_unknown()));
    let secrets = secrets(expansion);
    let normalizes = container.reload.normalize.is_some().then(|| quote!(.normalizes()));
    let header = expansion.header("Describe");
    quote! {
        #header {
            const DERIVED: bool = true;

            fn describe() -> #private::Description {
                #private::Description::new(::core::any::type_name::<Self>(), #shape)
                    #docs #deny_unknown #converted #secrets #normalizes
                    .probe(#private::Known::<Self>::PROBE)
            }
        }
    }
}

/// The fields of a converted type or variant that may hold a secret: they are not those of the file, but its errors may quote them.
fn converted<'f, 'i: 'f>(
    expansion: &Expansion<'_>,
    fields: impl Iterator<Item = &'f Field<'i>>,
) -> Option<TokenStream> {
    let private = &expansion.private;
    let may_be_secret = |field: &&Field<'_>| field.reload.secret.is_some() || !field.is_primitive();
    let fields = fields.filter(may_be_secret).filter(|field| !field.is_phantom());
    let fields: Vec<_> = fields
        .map(|field| {
            let known = expansion.known(field);
            let describe = quote_spanned!(field.span()=> #known::DESCRIBE);
            let secret = field.reload.secret.map(|_| quote!(.secret()));
            let name =
                field.original.ident.as_ref().map_or_else(String::new, |ident| ident.unraw().to_string());
            quote!(#private::Field::new(#name, #describe) #secret)
        })
        .collect();
    (!fields.is_empty()).then(|| quote!(.converted(const { &[#(#fields),*] })))
}

fn docs(docs: &str) -> Option<TokenStream> {
    (!docs.is_empty()).then(|| quote!(.docs(#docs)))
}

/// The secrets among the fields, as Rust calls them.
fn secrets(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let secret = expansion.container.fields().filter(|field| field.reload.secret.is_some());
    let members: Vec<_> = secret.map(|field| member(&field.member)).collect();
    (!members.is_empty()).then(|| quote!(.secrets(&[#(#members),*])))
}

fn aliases(aliases: &[String]) -> Option<TokenStream> {
    (!aliases.is_empty()).then(|| quote!(.aliases(&[#(#aliases),*])))
}

fn tagging(expansion: &Expansion<'_>) -> TokenStream {
    let private = &expansion.private;
    let serde = &expansion.container.serde;
    match (&serde.tag, &serde.content) {
        _ if serde.untagged => quote!(#private::Tagging::Untagged),
        (Some(tag), Some(content)) => quote!(#private::Tagging::Adjacent(#tag, #content)),
        (Some(tag), None) => quote!(#private::Tagging::Internal(#tag)),
        (None, _) => quote!(#private::Tagging::External),
    }
}

fn variant(expansion: &Expansion<'_>, variant: &Variant<'_>) -> TokenStream {
    let private = &expansion.private;
    let name = &variant.name;
    let shape =
        if variant.serde.with { quote!(#private::Shape::Opaque) } else { shape(expansion, &variant.body) };
    let converted = variant.serde.with.then(|| converted(expansion, variant.body.fields.iter())).flatten();
    let aliases = aliases(&variant.serde.aliases);
    let docs = docs(&variant.docs);
    let marks = [("untagged", variant.serde.untagged), ("skip", variant.serde.skip)];
    let marks = marks.iter().filter(|(_, set)| *set).map(|(mark, _)| format_ident!("{mark}"));
    quote!(#private::Variant::new(#name, #shape) #aliases #docs #(.#marks())* #converted)
}

fn shape(expansion: &Expansion<'_>, body: &Body<'_>) -> TokenStream {
    let private = &expansion.private;
    if let Some(inner) = expansion.inner(body) {
        let field = field(expansion, inner, "");
        return quote!(#private::Shape::Newtype(const { &#field }));
    }
    let fields = body.fields.iter().map(|field| {
        let name = if field.serde.flatten { "" } else { &field.name };
        self::field(expansion, field, name)
    });
    let kind = if body.style == Style::Named { quote!(Struct) } else { quote!(Tuple) };
    quote!(#private::Shape::#kind(const { &[#(#fields),*] }))
}

fn field(expansion: &Expansion<'_>, field: &Field<'_>, name: &str) -> TokenStream {
    let private = &expansion.private;
    let known = expansion.known(field);
    let describe = quote_spanned!(field.span()=> #known::DESCRIBE);
    let opaque = field.serde.with.then(|| quote!(.opaque_if(!#known::DERIVED)));
    let aliases = aliases(&field.serde.aliases);
    let docs = docs(&field.docs);
    let reload = &field.reload;
    let marks = [
        ("flatten", field.serde.flatten),
        ("optional", field.optional),
        ("secret", reload.secret.is_some()),
        ("restart", reload.restart.is_some()),
        ("file", reload.file.is_some()),
        ("skip", field.serde.skip),
        ("leaf", field.compare() == Compare::Leaf),
        ("left_out", !field.serde.skip && field.compare() == Compare::Skip),
    ];
    let marks = marks.iter().filter(|(_, set)| *set).map(|(mark, _)| format_ident!("{mark}"));
    let rules = rules(field);
    let member = member(&field.member);
    let probe = probe::expand(expansion, field).map(|probe| quote!(.probe(#probe)));
    quote! {
        #private::Field::new(#name, #describe).member(#member) #(.#marks())* #opaque #aliases #rules #docs #probe
    }
}

fn rules(field: &Field<'_>) -> Option<TokenStream> {
    let rules = field.reload.rules.iter().flat_map(|conditioned| {
        conditioned.rules.iter().map(|rule| match &conditioned.when {
            None => {
                let Rule { word, text, .. } = rule;
                let word = word.to_string();
                quote!((#word, #text))
            }
            Some(when) => {
                let text = format!("{rule}, {}", written(&when.to_token_stream(), None));
                quote!(("when", #text))
            }
        })
    });
    let key = field.reload.key.iter().map(|key| {
        let text = &key.text;
        quote!(("key", #text))
    });
    let rules: Vec<_> = rules.chain(key).collect();
    (!rules.is_empty()).then(|| quote!(.rules(&[#(#rules),*])))
}
