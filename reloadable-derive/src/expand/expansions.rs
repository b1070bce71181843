//! What the derive writes, as text to be read, and what it must never write.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::{DeriveInput, File};

fn expanded(input: TokenStream) -> TokenStream {
    let input: DeriveInput = syn::parse2(input).unwrap();
    super::derive(&input)
}

fn formatted(tokens: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2::<File>(tokens).unwrap())
}

fn config() -> TokenStream {
    quote! {
        /// The configuration.
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        #[reload(validate = Self::check, normalize = fill_in)]
        pub struct Config {
            /// Where to listen.
            #[reload(restart, file)]
            pub listen_on: SocketAddr,
            #[reload(range(1..=1024), when = self.pooled)]
            pub(crate) workers: u16,
            #[reload(secret, length(16..))]
            token: String,
            #[serde(flatten)]
            nested: Nested,
            #[reload(key = (name, id.port), each(non_empty, validate = sound))]
            routes: Vec<Route>,
            #[reload(leaf, by = Regex::as_str)]
            #[serde(with = "serde_regex", alias = "re")]
            pattern: Regex,
            #[reload(set)]
            origins: Vec<String>,
            #[serde(skip)]
            cache: Mutex<u8>,
        }
    }
}

fn storage() -> TokenStream {
    quote! {
        #[serde(tag = "type", content = "with")]
        enum Storage<T, const N: usize = 1> where T: Backend {
            Memory,
            File(PathBuf),
            #[serde(rename = "s3")]
            Bucket { #[reload(pattern("^[a-z]+$"))] name: String, options: T::Options, #[reload(leaf)] sizes: [T; N] },
            Pair(u8, #[reload(skip)] u8),
            Nested(Vec<Self>),
        }
    }
}

#[test]
fn a_struct() {
    insta::assert_snapshot!(formatted(expanded(config())));
}

#[test]
fn an_enum() {
    // The rule `pattern` belongs to a feature.
    let input = if cfg!(feature = "regex") { storage() } else { return };
    insta::assert_snapshot!(formatted(expanded(input)));
}

#[test]
fn a_mistake() {
    insta::assert_snapshot!(formatted(expanded(quote! {
        struct Config<T> {
            #[reload(rnage(1..))]
            value: T,
        }
    })));
}

#[test]
fn nothing_is_named_that_a_user_may_have_named() {
    let mut inputs = vec![
        config(),
        quote!(
            struct Port(#[reload(range(1..))] u16);
        ),
        quote!(
            enum Level {
                Info,
                Debug,
            }
        ),
    ];
    if cfg!(feature = "regex") {
        inputs.push(storage());
    }
    for input in inputs {
        let mut found = Vec::new();
        strangers(expanded(input), &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}

/// Collects names of the prelude without a path, ways to panic, and locals without a prefix.
fn strangers(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (position, token) in tokens.iter().enumerate() {
        let before = |distance: usize| {
            position.checked_sub(distance).map(|position| tokens[position].to_string()).unwrap_or_default()
        };
        match token {
            TokenTree::Group(group) => strangers(group.stream(), found),
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                let is_local = before(1) == "let" && name != "Some" && !name.ends_with("Changes");
                if is_local && !name.starts_with("__")
                    || ["std", "unwrap", "expect", "panic", "unreachable", "todo", "vec"].contains(&&*name)
                    || ["Some", "None", "Option", "Result", "Ok", "Err", "Box", "core"].contains(&&*name)
                        && before(1) != ":"
                {
                    found.push(format!("{} {} {name}", before(2), before(1)));
                }
            }
            _ => {}
        }
    }
}
