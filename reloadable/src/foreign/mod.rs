//! Types of other crates as fields: one file for each crate, behind the feature of its name.

#[cfg(any(
    feature = "bytes",
    feature = "bytesize",
    feature = "camino",
    feature = "chrono",
    feature = "http",
    feature = "ipnet",
    feature = "jiff",
    feature = "json",
    feature = "regex",
    feature = "semver",
    feature = "toml",
    feature = "url",
    feature = "uuid",
))]
mod leaf;
#[cfg(any(feature = "http", feature = "url"))]
mod userinfo;
#[cfg(feature = "bytes")]
mod bytes;
#[cfg(feature = "bytesize")]
mod bytesize;
#[cfg(feature = "camino")]
mod camino;
#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "either")]
mod either;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "indexmap")]
mod indexmap;
#[cfg(feature = "ipnet")]
mod ipnet;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "regex")]
mod regex;
#[cfg(feature = "secrecy")]
mod secrecy;
#[cfg(feature = "semver")]
mod semver;
#[cfg(feature = "json")]
mod serde_json;
#[cfg(feature = "toml")]
mod toml;
#[cfg(feature = "url")]
mod url;
#[cfg(feature = "uuid")]
mod uuid;

#[cfg(feature = "either")]
pub use self::either::EitherChanges;
