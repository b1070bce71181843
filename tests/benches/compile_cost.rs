//! What the derive costs the compiler, beside serde's `Deserialize` on the same structs, and how large the changes are.
//!
//! Each variant of the structs is a throw-away crate, which is built alone again and again: its dependencies are built
//! before, and incremental compilation is off. Processor time is counted, which other work on the machine hardly disturbs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io};

/// How often each variant is built; the table shows the median.
const ROUNDS: usize = 5;

const DERIVES: [Derive; 4] = [Derive::Nothing, Derive::Deserialize, Derive::Reloadable, Derive::Both];

/// `cargo check`, and `cargo build` of a crate that only defines the structs and of one that uses what is derived: a
/// library with nothing but `Deserialize` holds no machine code yet, since the derived function is generic.
const TASKS: [(&str, &str, bool); 3] = [
    ("cargo check", "check", false),
    ("cargo build, not used", "build", false),
    ("cargo build, used", "build", true),
];

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_cost");
    let shapes = [
        ("100 structs of 20 fields", "many", many()),
        ("one struct of 336 fields", "wide", vec![Struct { name: "Wide".to_owned(), fields: leaves(336) }]),
    ];
    let mut crates = vec![Crate::sizes()];
    for (_, name, structs) in &shapes {
        for derive in DERIVES {
            for used in [false, true] {
                crates
                    .push(Crate { name: crate_name(name, derive, used), code: code(structs, derive, used) });
            }
        }
    }
    write_workspace(&root, &crates)?;
    for task in ["check", "build"] {
        cargo(&root, &[task, "--workspace"])?;
    }
    for (title, name, _) in &shapes {
        table(&root, title, name)?;
    }
    println!("{}", cargo(&root, &["run", "--package", "sizes"])?);
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Derive {
    Nothing,
    Deserialize,
    /// Without `Deserialize`, for what is only compared.
    Reloadable,
    Both,
}

/// A source of code that is built alone.
struct Crate {
    name: String,
    code: String,
}

struct Struct {
    name: String,
    fields: Vec<String>,
}

/// Prints what each task costs with each derive, and the ratio of what the derives add.
fn table(root: &Path, title: &str, name: &str) -> io::Result<()> {
    println!(
        "| {title} | nothing | Deserialize | Reloadable | both | Reloadable adds, alone and to both |\n|---|---|---|---|---|---|"
    );
    for (shown, task, used) in TASKS {
        let mut times = [const { Vec::new() }; DERIVES.len()];
        // One after the other and then again, so that a busy moment of the machine meets all of them.
        for _ in 0..ROUNDS {
            for (derive, times) in DERIVES.into_iter().zip(&mut times) {
                let name = crate_name(name, derive, used);
                touch(&root.join(&name).join("src/lib.rs"))?;
                let before = Spent::now();
                cargo(root, &[task, "--package", &name])?;
                times.push(before.since());
            }
        }
        let [nothing, deserialize, reloadable, both] = times.map(median);
        println!(
            "| {shown} | {nothing:.2} s | {deserialize:.2} s | {reloadable:.2} s | {both:.2} s | {:.2}, {:.2} |",
            (reloadable - nothing) / (deserialize - nothing),
            (both - deserialize) / (deserialize - nothing)
        );
    }
    println!();
    Ok(())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Time that went by: of the processor, for all children that ended, where Linux tells it; else of the clock.
enum Spent {
    Processor(Duration),
    Clock(Instant),
}

impl Spent {
    fn now() -> Self {
        processor().map_or_else(|| Self::Clock(Instant::now()), Self::Processor)
    }

    /// In seconds.
    fn since(&self) -> f64 {
        match self {
            Self::Processor(before) => processor().unwrap_or_default().saturating_sub(*before).as_secs_f64(),
            Self::Clock(before) => before.elapsed().as_secs_f64(),
        }
    }
}

fn processor() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in parentheses, which may hold anything, come the fields from the third on; those of the children
    // are the sixteenth and the seventeenth, in hundredths of a second.
    let ticks = stat.rsplit(')').next()?.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().ok()).sum::<Option<_>>()?;
    Some(Duration::from_millis(ticks * 10))
}

fn cargo(root: &Path, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .args(["--offline", "--quiet", "--target-dir", "target"])
        .current_dir(root)
        .env("CARGO_INCREMENTAL", "0")
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("cargo {} ended with {}", arguments.join(" "), output.status)));
    }
    String::from_utf8(output.stdout).map_err(io::Error::other)
}

fn touch(file: &Path) -> io::Result<()> {
    fs::write(file, fs::read(file)?)
}

fn write_workspace(root: &Path, crates: &[Crate]) -> io::Result<()> {
    let repository = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let members: Vec<_> = crates.iter().map(|member| format!("{:?}", member.name)).collect();
    let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n", members.join(", "));
    fs::create_dir_all(root)?;
    fs::write(root.join("Cargo.toml"), manifest)?;
    // The same versions as here, so that nothing has to be fetched.
    fs::copy(repository.join("Cargo.lock"), root.join("Cargo.lock"))?;
    for Crate { name, code } in crates {
        let manifest = format!(
            "[package]\nname = {name:?}\nedition = \"2024\"\n\n[dependencies]\nreloadable = {{ path = {:?} }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\nserde_json = \"1\"\n",
            repository.join("reloadable")
        );
        let file = if code.contains("fn main()") { "main.rs" } else { "lib.rs" };
        fs::create_dir_all(root.join(name).join("src"))?;
        fs::write(root.join(name).join("Cargo.toml"), manifest)?;
        fs::write(root.join(name).join("src").join(file), code)?;
    }
    Ok(())
}

fn crate_name(shape: &str, derive: Derive, used: bool) -> String {
    let derive = match derive {
        Derive::Nothing => "nothing",
        Derive::Deserialize => "deserialize",
        Derive::Reloadable => "reloadable",
        Derive::Both => "both",
    };
    format!("{shape}-{derive}{}", if used { "-used" } else { "" })
}

/// Types in about the proportions in which real configurations have them.
const TYPES: [&str; 20] = [
    "u16",
    "String",
    "bool",
    "Option<u32>",
    "Section",
    "u64",
    "Option<String>",
    "Duration",
    "Mode",
    "f64",
    "Vec<String>",
    "usize",
    "PathBuf",
    "Option<Section>",
    "bool",
    "String",
    "HashMap<String, String>",
    "NonZeroUsize",
    "Option<Mode>",
    "i32",
];

fn leaves(fields: usize) -> Vec<String> {
    TYPES.iter().map(ToString::to_string).cycle().take(fields).collect()
}

fn many() -> Vec<Struct> {
    (0..100).map(|nth| Struct { name: format!("Part{nth}"), fields: leaves(20) }).collect()
}

fn code(structs: &[Struct], derive: Derive, used: bool) -> String {
    let attribute = match derive {
        Derive::Nothing => "",
        Derive::Deserialize => "#[derive(serde::Deserialize)]\n",
        Derive::Reloadable => "#[derive(reloadable::Reloadable)]\n",
        Derive::Both => "#[derive(serde::Deserialize, reloadable::Reloadable)]\n",
    };
    let mut code = String::from(
        "use std::collections::HashMap;\nuse std::num::NonZeroUsize;\nuse std::path::PathBuf;\nuse std::time::Duration;\n",
    );
    let _ = write!(
        code,
        "{attribute}pub enum Mode {{ Fast, Safe, Custom {{ limit: u32 }} }}\n\
         {attribute}pub struct Section {{ pub name: String, pub size: u64, pub enabled: bool }}\n"
    );
    for Struct { name, fields } in structs {
        let _ = writeln!(code, "{attribute}pub struct {name} {{");
        for (nth, ty) in fields.iter().enumerate() {
            // Half of the fields of real configurations have docs.
            let docs = if nth % 2 == 0 { "    /// What this is for, in a line.\n" } else { "" };
            let _ = writeln!(code, "{docs}    pub field_{nth}: {ty},");
        }
        code.push_str("}\n");
        if used && matches!(derive, Derive::Deserialize | Derive::Both) {
            let _ = writeln!(
                code,
                "pub fn read_{name}(text: &str) -> serde_json::Result<{name}> {{ serde_json::from_str(text) }}"
            );
        }
        if used && matches!(derive, Derive::Reloadable | Derive::Both) {
            let _ = writeln!(
                code,
                "pub fn compare_{name}(old: &{name}, new: &{name}) -> Option<String> \
                 {{ reloadable::Diff::diff(old, new).map(|changes| changes.to_string()) }}"
            );
        }
    }
    code.insert_str(0, "#![allow(non_snake_case)]\n");
    code
}

impl Crate {
    /// A program that prints how large the changes are, of one wide struct and of a root of 565 leaves in sections.
    fn sizes() -> Self {
        let mut structs = vec![Struct { name: "Wide".to_owned(), fields: leaves(336) }];
        // As wide as those of a database's server: two very wide sections, and many narrow ones, some within others.
        let widths = [
            118, 53, 40, 36, 32, 28, 24, 24, 20, 20, 16, 16, 16, 12, 12, 12, 10, 10, 8, 8, 8, 6, 6, 6, 4, 4,
            4, 2,
        ];
        let mut root: Vec<String> = vec!["u64".to_owned(); 10];
        for (nth, width) in widths.into_iter().enumerate() {
            let name = format!("Section{nth}");
            let mut fields = vec!["u64".to_owned(); width];
            // The narrow ones stand within the wide ones.
            let inner = widths.len() - 1 - nth;
            if inner > nth && nth < 10 {
                fields.push(format!("Section{inner}"));
            }
            if nth < widths.len() - 10 {
                root.push(name.clone());
            }
            structs.push(Struct { name, fields });
        }
        structs.push(Struct { name: "Root".to_owned(), fields: root });
        let mut code = code(&structs, Derive::Reloadable, false);
        code.push_str(
            "fn row<T: reloadable::Diff>(shown: &str, held: usize) {
    let (value, moved) = (size_of::<T>(), size_of::<Option<T::Changes<'_>>>());
    println!(\"| {shown} | {value} | {moved} | {held} |\");
}
fn main() {
    println!(\"| bytes of | the value | its changes, as they are moved | the struct of changes |\\n|---|---|---|---|\");
    row::<Section>(\"a struct of 3 fields\", size_of::<SectionChanges<'_>>());
    row::<Section9>(\"a struct of 20 leaves and a section\", size_of::<Section9Changes<'_>>());
    row::<Wide>(\"one struct of 336 fields\", size_of::<WideChanges<'_>>());
    row::<Root>(\"a root of 565 leaves in nested sections\", size_of::<RootChanges<'_>>());
}
",
        );
        Self { name: "sizes".to_owned(), code }
    }
}
