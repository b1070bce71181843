//! What the derive refuses, and the twins that it does not.

#[test]
fn mistakes_are_reported_where_they_are() {
    if !reloadable_tests::compares_messages() {
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.pass("tests/derive/ui/pass/*.rs");
    for topic in ["words", "rules", "compare", "files", "types", "serde"] {
        cases.compile_fail(format!("tests/derive/ui/{topic}/*.rs"));
    }
}
