//! What is emitted for a type with lifetimes, beside the error: implementations that do nothing, so that one mistake
//! gives one error.

use proc_macro2::TokenStream;
use quote::quote;

use super::Expansion;

pub(super) fn expand(expansion: &Expansion<'_>) -> TokenStream {
    let Expansion { private, container, .. } = expansion;
    let ident = container.ident;
    let (parameters, arguments, clause) = container.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #private::Describe for #ident #arguments #clause {}

        #[automatically_derived]
        impl #parameters #private::Validate for #ident #arguments #clause {}

        #[automatically_derived]
        impl #parameters #private::Diff for #ident #arguments #clause {
            type Changes<'__changes> = #private::Leaf<'__changes, Self> where Self: '__changes;

            fn diff<'__changes>(&'__changes self, _: &'__changes Self) -> ::core::option::Option<Self::Changes<'__changes>> {
                ::core::option::Option::None
            }

            fn value(&self) -> #private::Value<'_> {
                #private::Value::Opaque
            }
        }
    }
}
