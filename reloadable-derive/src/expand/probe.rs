//! What decodes a field by itself, for when the whole cannot be decoded.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::Expansion;
use super::validate::{is_plain, own_rules};
use crate::ast::{Compare, Field, last_segment_is};

/// An `Option` of it; `None` for a field of which its type says enough.
pub(super) fn expand(expansion: &Expansion<'_>, field: &Field<'_>) -> Option<TokenStream> {
    if field.serde.skip || field.is_phantom() || field.is_refused.get() {
        return None;
    }
    let private = &expansion.private;
    let known = expansion.known(field);
    let rules = own_rules(expansion, field, &quote!(__value));
    if field.serde.with {
        // The function may ask something of a parameter that is only known where the whole is decoded.
        let is_generic = expansion.container.generics.type_params().next().is_some();
        let decode = field.serde.decode.as_ref().filter(|_| !is_generic)?;
        let check = check(expansion, field, &rules);
        return Some(probe(
            expansion,
            &quote! {
                #private::probe_with(__site, __report, |__deserializer| #decode(__deserializer), #check)
            },
        ));
    }
    if !rules.is_empty() {
        let check = check(expansion, field, &rules);
        return Some(probe(expansion, &quote!(#known::probe(__site, __report, #check))));
    }
    if field.is_primitive() || last_segment_is(&field.ty, &["String"]) {
        return None;
    }
    Some(match field.compare() {
        // Such a type may be one of which nothing is asked.
        Compare::Leaf | Compare::Skip => {
            quote_spanned!(field.span()=> #private::either(#known::PROBE, #known::DECODED))
        }
        _ => quote_spanned!(field.span()=> #known::PROBE),
    })
}

fn probe(expansion: &Expansion<'_>, run: &TokenStream) -> TokenStream {
    let private = &expansion.private;
    quote!(::core::option::Option::Some(const { &#private::Probe::new(|__site, __report| #run) }))
}

/// A function that does with the decoded field what is done when the whole is decoded.
fn check(expansion: &Expansion<'_>, field: &Field<'_>, rules: &[TokenStream]) -> TokenStream {
    let private = &expansion.private;
    let known = expansion.known(field);
    let ty = &field.ty;
    let nested = |method: TokenStream| {
        (!is_plain(field))
            .then(|| quote!(#known::#method(__value, #private::NOWHERE, false, false, __report);))
    };
    let (normalize, validate) = (nested(quote!(normalize)), nested(quote!(validate)));
    quote! {
        |__value: &mut #ty, __report| {
            #normalize
            let __value: &#ty = __value;
            #(#rules)*
            #validate
        }
    }
}
