//! The documents that were good, and which of them may be kept.

use std::sync::Arc;
use std::time::SystemTime;

use crate::describe::Describe;
use crate::document::{Body, Document};
use crate::format;
use crate::layer::Layers;
use crate::load::guarded;

/// What all layers held when the configuration was last valid, as far as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct GoodSet {
    pub(crate) saved_at: SystemTime,
    /// The number of the snapshot that was made of it.
    pub(crate) generation: u64,
    /// All layers, also those of which nothing is kept: they tell one set-up from another.
    pub(crate) layers: Vec<KeptLayer>,
}

#[derive(Debug, Clone)]
pub(crate) struct KeptLayer {
    pub(crate) name: Arc<str>,
    /// Nothing where the layer is to be read as it is then: it holds values of the program, or secrets.
    pub(crate) documents: Option<Vec<Document>>,
}

impl GoodSet {
    /// Keeps what may be kept of these layers: no values that the program holds, and, unless `with_secrets`, no layer that
    /// holds a secret or is said to: those are named beside it.
    pub(crate) fn of<T: Describe>(
        layers: &Layers,
        generation: u64,
        with_secrets: bool,
    ) -> (Self, Vec<Arc<str>>) {
        let secret = if with_secrets {
            Vec::new()
        } else {
            // Whoever cannot say where the secrets are gets nothing kept.
            let found =
                guarded::<T, _>("finding the secrets", || format::secret_layers(layers, T::describe()));
            found.unwrap_or_else(|_| (0..layers.settings.len()).collect())
        };
        let mut left_out = Vec::new();
        let kept = layers.settings.iter().enumerate().map(|(number, settings)| {
            let is_said = settings.secrets && !with_secrets;
            let documents = layers.documents.iter().filter(|(layer, _)| *layer == number);
            let documents: Option<Vec<_>> = documents
                .map(|(_, document)| matches!(document.body(), Body::Text(..)).then(|| document.clone()))
                .collect();
            let is_secret = is_said || secret.contains(&number);
            if is_secret && documents.as_ref().is_some_and(|documents| !documents.is_empty()) {
                left_out.push(Arc::clone(&settings.name));
            }
            KeptLayer { name: Arc::clone(&settings.name), documents: documents.filter(|_| !is_secret) }
        });
        let layers = kept.collect();
        (Self { saved_at: SystemTime::now(), generation, layers }, left_out)
    }

    /// Tells whether there is nothing of any layer to start with: an empty directory is nothing either.
    pub(crate) fn is_empty(&self) -> bool {
        self.layers.iter().all(|layer| layer.documents.as_ref().is_none_or(Vec::is_empty))
    }
}

#[cfg(all(test, feature = "toml"))]
mod tests {
    use super::*;
    use crate::describe::{Description, Field, Shape};
    use crate::document::{Format, Origin};
    use crate::layer::{LayerSettings, Lints};
    use crate::value::Value;

    /// A table with a plain `workers`, and with a table `database` that has a secret `password`.
    struct App;

    struct Database;

    impl Describe for App {
        fn describe() -> Description {
            static FIELDS: [Field; 2] = [
                Field::new("workers", Description::of::<u16>),
                Field::new("database", Description::of::<Database>),
            ];
            Description::new("App", Shape::Struct(&FIELDS))
        }
    }

    impl Describe for Database {
        fn describe() -> Description {
            static FIELDS: [Field; 2] = [
                Field::new("password", Description::of::<String>).secret(),
                Field::new("host", Description::of::<String>),
            ];
            Description::new("Database", Shape::Struct(&FIELDS))
        }
    }

    struct Panics;

    impl Describe for Panics {
        fn describe() -> Description {
            panic!("no description")
        }
    }

    fn layers(texts: &[&[&str]]) -> Layers {
        let document = |text: &&str| Document::new(Origin::named("test"), Format::Toml, text.as_bytes());
        let documents = texts.iter().enumerate();
        let documents =
            documents.flat_map(|(layer, texts)| texts.iter().map(move |text| (layer, document(text))));
        let settings = (0..texts.len()).map(|number| LayerSettings::new(number.to_string()));
        Layers { settings: settings.collect(), documents: documents.collect(), lints: Lints::default() }
    }

    fn is_kept<T: Describe>(layers: &Layers, with_secrets: bool) -> Vec<bool> {
        let (set, _) = GoodSet::of::<T>(layers, 1, with_secrets);
        set.layers.iter().map(|layer| layer.documents.is_some()).collect()
    }

    #[test]
    fn a_layer_with_a_secret_is_left_out_as_a_whole() {
        let layers = layers(&[
            &["workers = 4", "database.host = 'a'"],
            &["workers = 4", "database.password = 'hunter2'"],
            &[],
        ]);
        assert_eq!(is_kept::<App>(&layers, false), [true, false, true]);
        assert_eq!(is_kept::<App>(&layers, true), [true, true, true]);
    }

    #[test]
    fn what_may_be_a_secret_counts_as_one() {
        for (text, wanted) in [
            ("workers = 4", true),
            ("database = { host = 'a' }", true),
            ("database = 'postgres://root:hunter2@db'", false),
            ("database.passwrod = 'hunter2'", false),
            ("databsae.password = 'hunter2'", false),
            ("this cannot be read", false),
        ] {
            assert_eq!(is_kept::<App>(&layers(&[&[text]]), false), [wanted], "{text}");
            assert_eq!(is_kept::<Database>(&layers(&[&["host = 'a'"]]), false), [true]);
        }
        assert_eq!(
            is_kept::<u8>(&layers(&[&["anything = 'hunter2'"]]), false),
            [true],
            "there are no secrets"
        );
        assert_eq!(is_kept::<Panics>(&layers(&[&["workers = 4"]]), false), [false]);
    }

    #[test]
    fn a_layer_that_is_said_to_hold_secrets_is_left_out() {
        let mut layers = layers(&[&["workers = 4"], &["workers = 4"]]);
        let mut settings = layers.settings.to_vec();
        settings[0].secrets = true;
        layers.settings = settings.into();
        assert_eq!(is_kept::<App>(&layers, false), [false, true]);
        assert_eq!(is_kept::<App>(&layers, true), [true, true]);
    }

    #[test]
    fn what_is_left_out_for_its_secrets_is_named_and_nothing_else() {
        let mut layers =
            layers(&[&["workers = 4"], &["database.password = 'hunter2'"], &[], &["workers = 5"]]);
        let value = Document::value(Origin::named("defaults"), Arc::new(Value::of(&7)));
        layers.documents.push((2, value));
        let mut settings = layers.settings.to_vec();
        settings[2].secrets = true;
        settings[3].secrets = true;
        layers.settings = settings.into();
        let (set, left_out) = GoodSet::of::<App>(&layers, 1, false);
        assert_eq!(left_out, ["1".into(), "3".into()]);
        assert!(!set.is_empty());
        assert!(GoodSet::of::<App>(&layers, 1, true).1.is_empty());
        assert!(GoodSet::of::<Panics>(&layers, 1, false).0.is_empty());
    }

    #[test]
    fn values_of_the_program_are_not_kept() {
        let mut layers = layers(&[&["workers = 4"], &[], &[]]);
        let value = Document::value(Origin::named("defaults"), Arc::new(Value::of(&7)));
        layers.documents.push((1, value));
        layers.documents.push((2, Document::settings(Origin::named("environment"), [])));
        assert_eq!(is_kept::<App>(&layers, true), [true, false, false]);
    }
}
