//! The laws of the house, see CONTRIBUTING.md: the order of the modules, the length of the files, one file for each
//! heavy dependency, and how many crates, of which licences and versions, a user takes on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// A dependency and the only places of `reloadable/src` that may name it: files, or folders with everything in them.
const NAMED_ONCE: [(&str, &[&str]); 10] = [
    ("arc_swap", &["publish.rs"]),
    ("glob", &["source/fs/directory.rs"]),
    ("metrics", &["observe/metrics/"]),
    ("notify", &["source/fs/events.rs"]),
    ("regex", &["validate/rules/pattern.rs", "foreign.rs", "foreign/"]),
    ("rustix", &["source/fs/probe.rs", "observe/systemd.rs"]),
    ("saphyr_parser", &["format/yaml.rs"]),
    ("serde_json", &["format/json/", "schema/", "foreign.rs", "foreign/"]),
    ("toml", &["format/toml.rs", "foreign.rs", "foreign/"]),
    ("tracing", &["observe/tracing/"]),
];

/// The first module that does I/O: those listed above it are pure and know no async runtime.
const FIRST_WITH_IO: &str = "source";

const LONGEST_FILE: usize = 500;
const MOST_CRATES: usize = 36;
const LICENCES: [&str; 9] =
    ["Apache-2.0", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT", "Unicode-3.0", "Unlicense", "Zlib"];
/// Names that say nothing about what a module does; such a module ends in the middle of a circle.
const NAMELESS: [&str; 6] = ["common", "helpers", "misc", "types", "util", "utils"];

#[test]
fn modules_use_only_what_is_listed_above_them() {
    let source = root().join("reloadable/src");
    let list = module_list(&read(&source.join("lib.rs")));
    let mut breaches = Vec::new();
    for file in rust_files(&source) {
        if file != Path::new("lib.rs") {
            breaches.extend(order_breaches(&list, &file, &read(&source.join(&file))));
        }
    }
    assert_held(&breaches);
}

#[test]
fn heavy_dependencies_are_named_in_one_file_each() {
    let source = root().join("reloadable/src");
    let list = module_list(&read(&source.join("lib.rs")));
    let mut breaches = Vec::new();
    for file in rust_files(&source) {
        breaches.extend(dependency_breaches(&list, &file, &read(&source.join(&file))));
    }
    assert_held(&breaches);
}

#[test]
fn files_are_short_and_named_for_what_they_do() {
    let mut breaches = Vec::new();
    for source in ["reloadable/src", "reloadable-derive/src"].map(|source| root().join(source)) {
        for file in rust_files(&source) {
            breaches.extend(size_breaches(&file, &read(&source.join(&file))));
        }
    }
    assert_held(&breaches);
}

#[test]
fn default_features_bring_few_crates() {
    let crates = dependencies("normal");
    assert!(
        crates.len() <= MOST_CRATES,
        "{} crates, at most {MOST_CRATES} are allowed: {crates:#?}",
        crates.len()
    );
    assert!(crates.len() > 10, "the tree was not read: {crates:?}");
}

#[test]
fn default_features_build_with_the_promised_rust() {
    let promised = version(env!("CARGO_PKG_RUST_VERSION"));
    let host = host();
    let metadata = cargo(&["metadata", "--format-version", "1", "--filter-platform", &host]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("cargo metadata lists packages");
    let mut breaches = Vec::new();
    for (name, number) in dependencies("normal,build") {
        let package = packages
            .iter()
            .find(|package| package["name"] == *name && package["version"] == *number)
            .unwrap_or_else(|| panic!("{name} {number} is not in the metadata"));
        breaches.extend(
            package["rust_version"]
                .as_str()
                .filter(|needed| version(needed) > promised)
                .map(|needed| format!("{name} {number} needs Rust {needed}")),
        );
    }
    assert_held(&breaches);
}

#[test]
fn licences_are_those_that_users_can_accept() {
    let tree = cargo(&[
        "tree",
        "--package=reloadable",
        "--all-features",
        "--edges=normal,build",
        "--prefix=none",
        "--format={p}\t{l}",
    ]);
    let crates: BTreeSet<_> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    assert!(crates.len() > MOST_CRATES, "the tree was not read: {crates:?}");
    let breaches: Vec<_> = crates
        .iter()
        .filter(|line| !is_acceptable(line.split_once('\t').map_or("", |(_, licence)| licence)))
        .map(|line| format!("no accepted licence: {line}"))
        .collect();
    assert_held(&breaches);
}

/// A module of the list in `lib.rs`, with the file that holds it unless it is the folder of its name.
struct Module {
    name: String,
    file: String,
}

impl Module {
    fn holds(&self, file: &Path) -> bool {
        let folder = Path::new(&self.file).parent().filter(|folder| *folder != Path::new(""));
        file == Path::new(&self.file)
            || file.starts_with(&self.name)
            || folder.is_some_and(|folder| file.starts_with(folder))
    }
}

fn module_list(lib: &str) -> Vec<Module> {
    let lib = syn::parse_file(lib).expect("lib.rs is Rust");
    let list: Vec<_> = lib
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Mod(module) if module.content.is_none() => Some(module),
            _ => None,
        })
        .map(|module| {
            let name = module.ident.to_string();
            let file = module.attrs.iter().find_map(path_attribute).unwrap_or_else(|| format!("{name}.rs"));
            Module { name, file }
        })
        .collect();
    assert!(!list.is_empty(), "lib.rs lists modules");
    list
}

fn path_attribute(attribute: &syn::Attribute) -> Option<String> {
    match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) => Some(path.value()),
            _ => None,
        },
        _ => None,
    }
}

/// Law 1: `file` uses only modules above its own, and names every item by the path of its module.
fn order_breaches(list: &[Module], file: &Path, text: &str) -> Vec<String> {
    let Some(own) = list.iter().position(|module| module.holds(file)) else {
        return vec![format!("{}: belongs to no module of lib.rs", file.display())];
    };
    let mut breaches = Vec::new();
    // A file is as deep in the tree of modules as its path is long; `mod.rs` is the folder itself.
    let depth = file.components().count() - usize::from(file.ends_with("mod.rs"));
    visit(tokens(text), depth, &mut |before, token, after, depth| {
        let TokenTree::Ident(word) = token else { return };
        let place = format!("{}:{}", file.display(), word.span().start().line);
        if word == "super" && supers(before, after) >= depth {
            breaches.push(format!("{place}: `super::` reaches the root, write `crate::` and the module"));
        }
        if word != "crate" {
            return;
        }
        for used in heads(after) {
            match list.iter().position(|module| used == module.name) {
                Some(position) if position <= own => {}
                Some(_) => {
                    breaches.push(format!("{place}: `{}` uses `{used}`, listed below it", list[own].name))
                }
                None => {
                    breaches.push(format!("{place}: `crate::{used}` is no module, write where it stands"))
                }
            }
        }
    });
    breaches
}

/// One file names each heavy dependency, and what is pure knows no async runtime.
fn dependency_breaches(list: &[Module], file: &Path, text: &str) -> Vec<String> {
    let is_pure =
        list.iter().take_while(|module| module.name != FIRST_WITH_IO).any(|module| module.holds(file));
    // Where `mod toml;` stands, `toml::` is that module.
    let mut own = Vec::new();
    visit(tokens(text), 0, &mut |before, token, _, _| {
        if matches!(before, [.., TokenTree::Ident(word)] if word == "mod") {
            own.push(token.to_string());
        }
    });
    let mut breaches = Vec::new();
    visit(tokens(text), 0, &mut |before, token, after, _| {
        let TokenTree::Ident(word) = token else { return };
        let is_leading = matches!(before, [.., TokenTree::Punct(colon)] if colon.as_char() == ':');
        if !is_crate_name(before, after) || (!is_leading && own.contains(&word.to_string())) {
            return;
        }
        let place = format!("{}:{}", file.display(), word.span().start().line);
        for (dependency, places) in NAMED_ONCE {
            let may = places.iter().any(|place| match place.strip_suffix('/') {
                Some(folder) => file.starts_with(folder),
                None => file == Path::new(place),
            });
            if word == dependency && !may {
                breaches.push(format!("{place}: names `{dependency}`, only {places:?} may"));
            }
        }
        if is_pure && word == "tokio" {
            breaches.push(format!("{place}: names `tokio` above `{FIRST_WITH_IO}`"));
        }
    });
    breaches
}

/// Law 2: files stay short before their tests, and no module is called after nothing.
fn size_breaches(file: &Path, text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let code = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "))
        .unwrap_or(lines.len());
    let mut breaches = Vec::new();
    if code > LONGEST_FILE {
        breaches.push(format!("{}: {code} lines, at most {LONGEST_FILE} are allowed", file.display()));
    }
    let modules = file.with_extension("");
    if modules.components().any(|part| NAMELESS.iter().any(|name| part.as_os_str() == *name)) {
        breaches.push(format!("{}: the name does not say what it does", file.display()));
    }
    breaches
}

/// Returns code only: comments are gone, and docs have become the texts of attributes.
fn tokens(text: &str) -> Vec<TokenTree> {
    text.parse::<TokenStream>().expect("a file of the house is Rust").into_iter().collect()
}

/// Is called with what stands before a token, the token, what stands after it, and how deep its module is.
type See<'a> = dyn FnMut(&[TokenTree], &TokenTree, &[TokenTree], usize) + 'a;

fn visit(tokens: Vec<TokenTree>, depth: usize, see: &mut See<'_>) {
    for (nth, token) in tokens.iter().enumerate() {
        let (before, after) = (&tokens[..nth], &tokens[nth + 1..]);
        see(before, token, after, depth);
        if let TokenTree::Group(group) = token {
            let is_module = group.delimiter() == Delimiter::Brace
                && matches!(before, [.., TokenTree::Ident(word), TokenTree::Ident(_)] if word == "mod");
            visit(group.stream().into_iter().collect(), depth + usize::from(is_module), see);
        }
    }
}

fn after_colons(after: &[TokenTree]) -> Option<&[TokenTree]> {
    match after {
        [TokenTree::Punct(first), TokenTree::Punct(second), rest @ ..]
            if first.as_char() == ':' && second.as_char() == ':' =>
        {
            Some(rest)
        }
        _ => None,
    }
}

/// Returns the first names of the paths that follow `crate`: one, or those within braces.
fn heads(after: &[TokenTree]) -> Vec<Ident> {
    match after_colons(after) {
        Some([TokenTree::Ident(head), ..]) => vec![head.clone()],
        Some([TokenTree::Group(group), ..]) => {
            let within: Vec<_> = group.stream().into_iter().collect();
            within
                .split(|token| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ','))
                .filter_map(|path| match path {
                    [TokenTree::Ident(head), ..] => Some(head.clone()),
                    _ => None,
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns how many modules up a `super::super::` leads that begins here. None for `pub(super)` and within a chain.
fn supers(before: &[TokenTree], mut after: &[TokenTree]) -> usize {
    if matches!(before, [.., TokenTree::Ident(word), TokenTree::Punct(_), TokenTree::Punct(_)] if word == "super")
    {
        return 0;
    }
    let mut count = 0;
    while let Some(rest) = after_colons(after) {
        count += 1;
        match rest {
            [TokenTree::Ident(word), more @ ..] if word == "super" => after = more,
            _ => break,
        }
    }
    count
}

/// Tells whether the token between `before` and `after` begins a path, or is the whole of what is imported.
fn is_crate_name(before: &[TokenTree], after: &[TokenTree]) -> bool {
    let is_within_path = matches!(
        before,
        [.., TokenTree::Ident(_), TokenTree::Punct(first), TokenTree::Punct(second)]
            if first.as_char() == ':' && second.as_char() == ':'
    );
    let is_imported = matches!(before, [.., TokenTree::Ident(word)] if word == "use" || word == "crate");
    is_imported || (!is_within_path && after_colons(after).is_some())
}

/// Reads an SPDX expression, with `/` for `OR` as older crates write it, and tells whether it can be satisfied.
fn is_acceptable(licence: &str) -> bool {
    let spaced = licence.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest) && rest.is_empty()
}

fn either(rest: &mut &[&str]) -> bool {
    let mut accepted = both(rest);
    while let ["OR", more @ ..] = *rest {
        *rest = more;
        accepted |= both(rest);
    }
    accepted
}

fn both(rest: &mut &[&str]) -> bool {
    let mut accepted = term(rest);
    while let ["AND", more @ ..] = *rest {
        *rest = more;
        accepted &= term(rest);
    }
    accepted
}

fn term(rest: &mut &[&str]) -> bool {
    let (accepted, more) = match *rest {
        ["(", more @ ..] => {
            *rest = more;
            let accepted = either(rest);
            (accepted && rest.first() == Some(&")"), rest.get(1..).unwrap_or_default())
        }
        // An exception grants more, but it would be another text to read.
        [_, "WITH", _, more @ ..] => (false, more),
        [licence, more @ ..] => (LICENCES.contains(licence), more),
        [] => (false, *rest),
    };
    *rest = more;
    accepted
}

/// Returns name and version of what `reloadable` depends on by default, itself left out.
fn dependencies(edges: &str) -> BTreeSet<(String, String)> {
    cargo(&["tree", "--package=reloadable", "--prefix=none", "--format={p}", "--edges", edges])
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?.to_owned(), words.next()?.trim_start_matches('v').to_owned()))
        })
        .filter(|(name, _)| name != "reloadable")
        .collect()
}

fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("rustc prints UTF-8");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

fn version(text: &str) -> Vec<u32> {
    let mut numbers: Vec<_> = text.split('.').map(|part| part.parse().expect("a Rust version")).collect();
    numbers.resize(3, 0);
    numbers
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the paths of all Rust files below `folder`, relative to it.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.strip_prefix(folder).expect("it was found there").to_owned());
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "{} holds Rust files", folder.display());
    files
}

#[track_caller]
fn assert_held(breaches: &[String]) {
    assert!(breaches.is_empty(), "the law is broken {} times:\n{}", breaches.len(), breaches.join("\n"));
}

/// Every law can be broken: texts that do, and their twins that do not.
mod broken {
    use super::*;

    const LIB: &str = r#"
        mod path;
        mod report;
        #[cfg(feature = "x")]
        mod diff;
        #[path = "private.rs"]
        pub mod __private;
        mod source;
    "#;

    fn order(file: &str, text: &str) -> Vec<String> {
        order_breaches(&module_list(LIB), Path::new(file), text)
    }

    fn named(file: &str, text: &str) -> Vec<String> {
        dependency_breaches(&module_list(LIB), Path::new(file), text)
    }

    #[test]
    fn order_of_modules() {
        for (file, text, breach) in [
            ("path.rs", "use crate::report::Report;", "path.rs:1: `path` uses `report`, listed below it"),
            (
                "path.rs",
                "\n\nfn f(_: crate::diff::Step) {}",
                "path.rs:3: `path` uses `diff`, listed below it",
            ),
            ("path.rs", "use crate::{path::A, diff::B};", "path.rs:1: `path` uses `diff`, listed below it"),
            ("path.rs", "m! { $crate::diff::f() }", "path.rs:1: `path` uses `diff`, listed below it"),
            (
                "private.rs",
                "use crate::source::S;",
                "private.rs:1: `__private` uses `source`, listed below it",
            ),
            ("report.rs", "use crate::A;", "report.rs:1: `crate::A` is no module, write where it stands"),
            ("stray.rs", "", "stray.rs: belongs to no module of lib.rs"),
        ] {
            assert_eq!(order(file, text), [breach], "{text}");
        }
        for (file, text) in [
            ("report.rs", "use super::path::FieldPath;"),
            ("diff/mod.rs", "use super::path::FieldPath;"),
            ("diff/leaf.rs", "use super::super::path::FieldPath;"),
        ] {
            let breach = format!("{file}:1: `super::` reaches the root, write `crate::` and the module");
            assert_eq!(order(file, text), [breach], "{text}");
        }
        for (file, text) in [
            ("report.rs", "use crate::path::FieldPath; pub(crate) fn f() {}"),
            ("report.rs", "/// [`crate::diff::Diff`]\n// crate::diff\nmod tests { use super::*; }"),
            ("diff/mod.rs", "pub(super) mod leaf; use crate::{path::A, report::{B, C}};"),
            ("diff/leaf.rs", "use super::walk::Walker; use crate::diff::Diff;"),
            ("diff/leaf.rs", "mod tests { use super::super::walk::Walker; }"),
            ("private.rs", "pub use crate::diff::Step;"),
        ] {
            assert_eq!(order(file, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn heavy_dependencies() {
        for (file, text, breach) in [
            (
                "path.rs",
                "use glob::Pattern;",
                "path.rs:1: names `glob`, only [\"source/fs/directory.rs\"] may",
            ),
            (
                "path.rs",
                "fn f(_: ::glob::A) {}",
                "path.rs:1: names `glob`, only [\"source/fs/directory.rs\"] may",
            ),
            (
                "format/mod.rs",
                "mod glob; fn f() { ::glob::f() }",
                "format/mod.rs:1: names `glob`, only [\"source/fs/directory.rs\"] may",
            ),
            ("path.rs", "use arc_swap as swap;", "path.rs:1: names `arc_swap`, only [\"publish.rs\"] may"),
            ("diff/mod.rs", "use tokio::sync::watch;", "diff/mod.rs:1: names `tokio` above `source`"),
        ] {
            assert_eq!(named(file, text), [breach], "{text}");
        }
        for (file, text) in [
            ("source/fs/events.rs", "use notify::Event;"),
            ("format/mod.rs", "mod toml; fn f() { toml::parse() }"),
            ("foreign/json.rs", "fn f(v: serde_json::Value) {}"),
            ("path.rs", "fn f() { self::toml::parse(); notify.notify(); let toml = 1; }"),
            ("source/mod.rs", "use tokio::time::Instant;"),
        ] {
            assert_eq!(named(file, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn length_and_name_of_files() {
        let code = "// one line\n".repeat(LONGEST_FILE);
        let tests = format!("#[cfg(test)]\nmod tests {{}}\n{code}");
        assert_eq!(size_breaches(Path::new("a.rs"), &format!("{code}{tests}")), [""; 0]);
        for (text, lines) in [
            (format!("{code}\n{tests}"), LONGEST_FILE + 1),
            (format!("#[cfg(test)]\nuse a::B;\n{code}"), LONGEST_FILE + 2),
        ] {
            let breach = format!("a.rs: {lines} lines, at most {LONGEST_FILE} are allowed");
            assert_eq!(size_breaches(Path::new("a.rs"), &text), [breach]);
        }
        for file in ["utils.rs", "diff/common.rs", "helpers/mod.rs"] {
            let breach = format!("{file}: the name does not say what it does");
            assert_eq!(size_breaches(Path::new(file), ""), [breach]);
        }
    }

    #[test]
    fn licence() {
        for accepted in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "0BSD OR (MIT AND Zlib)",
        ] {
            assert!(is_acceptable(accepted), "{accepted}");
        }
        for refused in
            ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND OpenSSL", "Apache-2.0 WITH X", "(MIT"]
        {
            assert!(!is_acceptable(refused), "{refused}");
        }
    }
}
