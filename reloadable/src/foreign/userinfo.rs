//! URLs may carry a password, which must not be shown.

use std::borrow::Cow;

/// Returns the URL with its password replaced by `***`.
pub(super) fn without_password(url: &str) -> Cow<'_, str> {
    match password(url) {
        Some((start, end)) => Cow::Owned(format!("{}***{}", &url[..start], &url[end..])),
        None => Cow::Borrowed(url),
    }
}

/// Tells whether the URL carries a password.
pub(super) fn has_password(url: &str) -> bool {
    password(url).is_some()
}

/// Finds the password between `//user:` and `@`.
fn password(url: &str) -> Option<(usize, usize)> {
    let start = url.find("//")? + 2;
    let authority = &url[start..];
    let authority = &authority[..authority.find(['/', '?', '#']).unwrap_or(authority.len())];
    // A raw `@` may stand in a password, but in no host.
    let end = authority.rfind('@')?;
    let colon = authority[..end].find(':')?;
    (colon + 1 < end).then_some((start + colon + 1, start + end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_is_replaced() {
        for (url, shown) in [
            ("https://a.example/x?q#f", "https://a.example/x?q#f"),
            ("https://a.example:80/x@y:z", "https://a.example:80/x@y:z"),
            ("postgres://user@db:5432/x", "postgres://user@db:5432/x"),
            ("postgres://user:@db/x", "postgres://user:@db/x"),
            ("postgres://user:hunter2@db:5432/x", "postgres://user:***@db:5432/x"),
            ("postgres://:hunter2@[::1]:5432", "postgres://:***@[::1]:5432"),
            ("redis://user:hun:t@r2@db", "redis://user:***@db"),
            ("mailto:a@b.example", "mailto:a@b.example"),
            ("//user:hunter2@db", "//user:***@db"),
            ("", ""),
        ] {
            assert_eq!(without_password(url), shown);
            assert_eq!(has_password(url), url != shown, "{url}");
        }
    }
}
