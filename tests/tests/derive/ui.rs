//! What the derive refuses, and the twins that it does not. The texts are those of one compiler: with another one,
//! set `RELOADABLE_UI=skip`.

#[test]
fn mistakes_are_reported_where_they_are() {
    if std::env::var_os("RELOADABLE_UI").is_some_and(|choice| choice == "skip") {
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.pass("tests/derive/ui/pass/*.rs");
    for topic in ["words", "rules", "compare", "types", "serde"] {
        cases.compile_fail(format!("tests/derive/ui/{topic}/*.rs"));
    }
}
