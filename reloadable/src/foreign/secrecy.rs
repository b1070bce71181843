//! `secrecy::SecretBox` and `SecretString`: secret without `#[reload(secret)]`, and exchanged with [`Secret`].

use secrecy::zeroize::Zeroize;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};

use crate::secret::{Secret, redacted};

redacted!(SecretBox [?Sized]);

/// Takes the value out, which leaves no copy of it on the heap.
impl<T: Zeroize + Default> From<SecretBox<T>> for Secret<T> {
    fn from(mut secret: SecretBox<T>) -> Self {
        Self::new(std::mem::take(secret.expose_secret_mut()))
    }
}

/// Takes the value out, which leaves no copy of it on the heap.
impl<T: Zeroize + Default> From<Secret<T>> for SecretBox<T> {
    fn from(mut secret: Secret<T>) -> Self {
        Self::new(Box::new(std::mem::take(secret.expose_secret_mut())))
    }
}

/// Copies the text; what it was copied from is wiped.
impl From<SecretString> for Secret<String> {
    fn from(secret: SecretString) -> Self {
        secret.expose_secret().into()
    }
}

/// Copies the text; what it was copied from is wiped. To shrink it in place might leave its bytes behind.
impl From<Secret<String>> for SecretString {
    fn from(secret: Secret<String>) -> Self {
        secret.expose_secret().as_str().into()
    }
}
