//! The macro of `reloadable`. Its documentation stands where it is re-exported from there.

mod ctxt;
mod attr;
mod ast;
mod check;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

#[allow(missing_docs, reason = "the documentation stands on the re-export, where its examples can run")]
#[proc_macro_derive(Reloadable, attributes(reload, serde))]
pub fn derive_reloadable(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::derive(&input).into()
}
