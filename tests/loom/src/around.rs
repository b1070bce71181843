//! The words of other modules that the files under test use.

pub mod diff {
    pub trait Diff {
        type Changes<'a>
        where
            Self: 'a;

        fn diff<'a>(&'a self, new: &'a Self) -> Option<Self::Changes<'a>>;

        fn value(&self) -> &'static str {
            "a value"
        }
    }

    impl Diff for u64 {
        type Changes<'a> = (u64, u64);

        fn diff<'a>(&'a self, new: &'a Self) -> Option<(u64, u64)> {
            (self != new).then_some((*self, *new))
        }
    }

    pub mod touched {
        use std::path::Path;

        #[derive(Debug, Default)]
        pub struct Contents;

        impl Contents {
            pub fn compare<R>(&self, _newer: &Self, compare: impl FnOnce() -> R) -> R {
                compare()
            }

            pub fn of(&self, _named: &Path) -> Option<&[u8]> {
                None
            }
        }
    }
}

pub mod error {
    #[derive(Debug)]
    pub struct Error;

    impl Error {
        pub fn closed() -> Self {
            Self
        }
    }
}

pub mod layer {
    #[derive(Debug, Clone, Default)]
    pub struct Layers;
}

pub mod report {
    #[derive(Debug, Clone, Default)]
    pub struct Report;

    pub fn one_line(text: &str) -> String {
        text.to_owned()
    }
}

pub mod provenance {
    use crate::diff::Diff;
    use crate::layer::Layers;
    use crate::report::Report;

    pub struct Provenance;
    pub struct Explanation;
    pub struct Explanations;

    #[derive(Debug, Clone)]
    pub struct Kept;

    pub struct Basis(Layers, Report);

    impl Basis {
        pub fn new(layers: Layers, _kept: Option<Kept>, warnings: Report) -> Self {
            Self(layers, warnings)
        }

        pub fn layers(&self) -> &Layers {
            &self.0
        }

        pub fn kept(&self) -> &Layers {
            &self.0
        }

        pub fn warnings(&self) -> &Report {
            &self.1
        }

        pub fn without_secrets<T: Diff>(&self, text: &str) -> String {
            text.to_owned()
        }

        pub fn origin_of<T: Diff>(&self, _path: &str) -> Option<Provenance> {
            None
        }

        pub fn explain<T: Diff>(&self, _value: &T, _path: &str) -> Option<Explanation> {
            None
        }

        pub fn explain_all<T: Diff>(&self, _value: &T) -> Explanations {
            Explanations
        }
    }
}
