use either::Either;
use indexmap::IndexMap;
use reloadable::{Reloadable, Report, Reporter, Validate};
use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, SecretBox};
use serde::Deserialize;

use super::from_toml;

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    map: IndexMap<String, Size>,
    left: Either<Size, Size>,
    right: Either<Size, Size>,
    secret: SecretBox<Size>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Reloadable)]
#[reload(normalize = Self::double)]
struct Size {
    size: u32,
}

impl Size {
    fn double(&mut self) -> Result<(), String> {
        self.size *= 2;
        if self.size < 100 { Ok(()) } else { Err(format!("{} is too much", self.size)) }
    }
}

impl Zeroize for Size {
    fn zeroize(&mut self) {
        self.size = 0;
    }
}

#[test]
fn what_is_within_is_normalized_where_it_stands() {
    let mut config: Config = from_toml(
        "map = { a = { size = 1 }, b = { size = 51 } }\nleft = { Left = { size = 52 } }\n\
         right = { Right = { size = 53 } }\nsecret = { size = 54 }",
    );
    let mut report = Report::new();
    config.normalize(&mut Reporter::new(&mut report));
    assert_eq!(config.map["a"], Size { size: 2 });
    assert_eq!(config.left, Either::Left(Size { size: 104 }));
    assert_eq!(config.right, Either::Right(Size { size: 106 }));
    assert_eq!(config.secret.expose_secret(), &Size { size: 108 });
    let problems: Vec<_> = report.violations().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "map.b: 102 is too much [normalize]",
            "left.Left: 104 is too much [normalize]",
            "right.Right: 106 is too much [normalize]",
            "secret: the value is refused by `Self::double`; why is withheld, since it is a secret [normalize]",
        ]
    );
}
