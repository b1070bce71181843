//! The same with files: what cannot be read, and files that the configuration names.

use std::path::Path;
use std::{fs, io};

use reloadable::{Reloadable, Reloader, Secret};
use serde::Deserialize;

use crate::outputs::{Outputs, assert_none};
use crate::vault::{self, Search};

#[derive(Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct App {
    #[reload(secret, length(..40))]
    token: String,
    #[reload(length(..40))]
    password: Secret<String>,
    #[reload(file)]
    certificate: std::path::PathBuf,
    #[serde(default)]
    #[reload(key = "name")]
    routes: Vec<Route>,
}

#[derive(Deserialize, Reloadable)]
#[serde(deny_unknown_fields)]
struct Route {
    name: String,
    #[reload(file)]
    key: Option<std::path::PathBuf>,
    #[serde(default)]
    secret: Option<Secret<String>>,
}

/// Makes a secret that `search` finds.
fn secret(search: &mut Search, name: &str) -> String {
    let text = vault::text(name, 0);
    search.add_text(&text);
    text
}

#[test]
fn whatever_happens_to_the_files() -> Result<(), Box<dyn std::error::Error>> {
    let mut search = Search::default();
    let mut secret = |name: &str| secret(&mut search, name);
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name);
    let write = |name: &str, text: &[u8]| fs::write(path(name), text);
    let document = |token: &str, password: &str, more: &str| {
        format!("certificate = 'server.pem'\ntoken = '{token}'\npassword = '{password}'\n{more}")
    };
    let [one, two, three] = ["one", "two", "three"].map(&mut secret);
    let [pem, key, third] = ["pem", "key", "third"].map(|name| secret(name).repeat(40));
    let routes = format!("[[routes]]\nname = 'a'\nkey = 'a.key'\nsecret = '{three}'\n");
    let good = document(&one, &two, &routes);
    write("app.toml", good.as_bytes())?;
    write("above.json", format!("{{\n  \"token\": \"{two}\"\n}}").as_bytes())?;
    write("server.pem", pem.as_bytes())?;
    write("a.key", key.as_bytes())?;

    let (mut outputs, mut leaks) = (Outputs::default(), Vec::new());
    let builder = Reloader::<App>::builder().file(path("app.toml")).file(path("above.json"));
    outputs.debug("builder", &builder);
    let config = builder.start_blocking()?;
    outputs.reloader(&config);
    let mut certificates = config.subscribe_to(|app| &app.certificate);
    let mut routes = config.subscribe_to(|app| &app.routes);

    type Step<'s> = (&'s str, &'s dyn Fn(&Path) -> io::Result<()>);
    let gone: &dyn Fn(&Path) -> io::Result<()> = &|path| fs::remove_file(path);
    let directory_instead: &dyn Fn(&Path) -> io::Result<()> = &|path| {
        fs::remove_file(path)?;
        fs::create_dir(path)
    };
    let wrong_utf_8 = [one.as_bytes(), b"\xff", two.as_bytes()].concat();
    let bad_text = |path: &Path| fs::write(path, &wrong_utf_8);
    let wrong = document(&one, &two, &format!("tokne = '{three}'"));
    let unknown = |path: &Path| fs::write(path, &wrong);
    let wrong = document(&one, &two.repeat(4), "");
    let broken_rule = |path: &Path| fs::write(path, &wrong);
    let cut = &good[..good.len() - 40];
    let torn = |path: &Path| fs::write(path, cut);
    let wrong = document(&one, &two, &format!("[[routes]]\nname = 'b'\nkey = 'none'\nsecret = '{three}'"));
    let names_nothing = |path: &Path| fs::write(path, &wrong);
    let empty = |path: &Path| fs::write(path, "");
    let of_another_format = |path: &Path| fs::write(path, format!("token: {one}\n"));
    let steps: [Step<'_>; 17] = [
        ("server.pem", &|path| fs::write(path, &third)),
        ("a.key", &|path| fs::write(path, &third)),
        ("server.pem", gone),
        ("a.key", directory_instead),
        ("app.toml", gone),
        ("app.toml", directory_instead),
        ("app.toml", &bad_text),
        ("app.toml", &unknown),
        ("app.toml", &broken_rule),
        ("app.toml", &torn),
        ("app.toml", &names_nothing),
        ("app.toml", &empty),
        ("app.toml", &of_another_format),
        ("above.json", gone),
        ("above.json", &bad_text),
        ("above.json", &of_another_format),
        ("above.json", &|path| fs::write(path, format!("{{\"token\": {{\"{two}\": 1}}}}"))),
    ];
    for (nth, (name, step)) in steps.into_iter().enumerate() {
        step(&path(name))?;
        let outcome = config.blocking_reload();
        assert_eq!(outcome.is_in_force(), nth < 2, "step {nth}, {name}: {outcome}");
        outputs.outcome(&outcome);
        outputs.status(&config.status());
        outputs.check(&search, &format!("step {nth}, {name}"), &mut leaks);
        if nth == 1 {
            outputs.change(&certificates.blocking_changed()?);
            outputs.change(&routes.blocking_changed()?);
        }
        if nth > 1 {
            // As it was before.
            if path(name).is_dir() {
                fs::remove_dir(path(name))?;
            }
            write("app.toml", good.as_bytes())?;
            write("above.json", format!("{{\n  \"token\": \"{two}\"\n}}").as_bytes())?;
            write("server.pem", third.as_bytes())?;
            write("a.key", third.as_bytes())?;
            let outcome = config.blocking_reload();
            assert!(outcome.is_in_force(), "step {nth}, {name}, mended: {outcome}");
            outputs.outcome(&outcome);
        }
        outputs.reloader(&config);
        outputs.check(&search, &format!("after step {nth}, {name}"), &mut leaks);
    }
    assert_none(&leaks);
    assert_eq!(config.snapshot().file(&config.load().certificate), Some(third.as_bytes()));
    Ok(())
}
