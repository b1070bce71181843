//! `Diff::hold`: a wanted value that keeps what needs a restart.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::diff::key;
use super::validate::is_plain;
use super::{Expansion, binding, pattern};
use crate::ast::{Compare, Data, Field, Variant};

/// The method; `None` where nothing has to be kept, as far as the written types show it.
pub(super) fn expand(expansion: &Expansion<'_>) -> Option<TokenStream> {
    let held: TokenStream = match &expansion.container.data {
        Data::Struct(body) => {
            let held = body.fields.iter().filter_map(|field| {
                let member = &field.member;
                held(expansion, field, &quote!(&mut self.#member), &quote!(&__running.#member))
            });
            held.collect()
        }
        Data::Enum(variants) => {
            let arms: Vec<_> = variants.iter().filter_map(|variant| arm(expansion, variant)).collect();
            if arms.is_empty() {
                TokenStream::new()
            } else {
                quote!(match (self, __running) { #(#arms)* _ => {} })
            }
        }
    };
    let method = quote! {
        fn hold(&mut self, __running: &Self) {
            #held
        }
    };
    (!held.is_empty()).then_some(method)
}

/// Another variant than the running one has nothing to keep.
fn arm(expansion: &Expansion<'_>, variant: &Variant<'_>) -> Option<TokenStream> {
    let held = variant.body.fields.iter().filter_map(|field| {
        let (wanted, running) = (binding("wanted", field), binding("running", field));
        Some((field, held(expansion, field, &quote!(#wanted), &quote!(#running))?))
    });
    let (fields, held): (Vec<_>, Vec<_>) = held.unzip();
    let wanted = pattern(variant, "wanted", fields.iter().copied());
    let running = pattern(variant, "running", fields.iter().copied());
    (!held.is_empty()).then(|| quote!((#wanted, #running) => { #(#held)* }))
}

/// What is done for one field. What is compared as a whole, or by which elements there are, has no fields within.
fn held(
    expansion: &Expansion<'_>,
    field: &Field<'_>,
    wanted: &TokenStream,
    running: &TokenStream,
) -> Option<TokenStream> {
    let span = field.span();
    let known = expansion.known(field);
    if field.is_refused.get() {
        return None;
    }
    if field.reload.restart.is_some() {
        let kept = expansion.cast(field, "Kept");
        // What is compared as a whole, or is secret, names no files.
        let names_files =
            field.compare() != Compare::Leaf && field.reload.secret.is_none() && !is_plain(field);
        let told = names_files.then(|| quote_spanned!(span=> #known::kept(#wanted, #running);));
        return Some(quote_spanned!(span=> #kept::keep(#wanted, #running); #told));
    }
    match (field.compare(), &field.reload.key) {
        (Compare::Nested, _) if !is_plain(field) => {
            Some(quote_spanned!(span=> #known::hold(#wanted, #running);))
        }
        (Compare::Keyed, Some(key)) => {
            let key = self::key(expansion, field, key);
            Some(quote_spanned!(span=> #known::keyed_hold(#wanted, #running, #key);))
        }
        _ => None,
    }
}
