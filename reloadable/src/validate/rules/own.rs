//! `validate = path` and `normalize = path`: what functions of the application answer.

use std::fmt;

use crate::report::Reporter;

/// Reports what a function of the application has to say against a value; the code is `validate`.
///
/// `function` names it. If the value is a secret, the message does so too, and leaves out what the function says.
///
/// # Examples
///
/// ```
/// use reloadable::{Report, Reporter, rules};
///
/// fn even(workers: &u16) -> Result<(), String> {
///     if workers % 2 == 0 { Ok(()) } else { Err(format!("{workers} is odd")) }
/// }
///
/// let mut report = Report::new();
/// rules::own("even", even(&3), &mut Reporter::new(&mut report));
/// assert_eq!(report.to_string(), "3 is odd  [validate]");
/// ```
pub fn own(function: &str, verdict: impl Verdict, report: &mut Reporter<'_>) {
    refuse("validate", function, verdict, report);
}

/// Reports why a function of the application could not bring a value into shape; the code is `normalize`.
///
/// `function` names it, as for [`own`].
pub fn normalized(function: &str, verdict: impl Verdict, report: &mut Reporter<'_>) {
    refuse("normalize", function, verdict, report);
}

fn refuse(code: &'static str, function: &str, verdict: impl Verdict, report: &mut Reporter<'_>) {
    let Some(reason) = verdict.into_refusal() else { return };
    if report.is_secret() {
        let problem = format!("is refused by `{function}`; why is withheld, since it is a secret");
        report.value_violation(code, "", problem);
    } else {
        report.violation(code, reason.to_string());
    }
}

/// What a function of the application answers: nothing, or `Err` with a reason.
///
/// # Examples
///
/// ```
/// use reloadable::rules::Verdict;
///
/// assert!(().into_refusal().is_none());
/// assert!(Err::<(), _>("too many").into_refusal().is_some());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an answer of a function that validates or normalizes",
    label = "this function should return `()` or `Result<(), E>` where `E` implements `Display`"
)]
pub trait Verdict {
    /// Returns the reason of a refusal.
    fn into_refusal(self) -> Option<impl fmt::Display>;
}

impl Verdict for () {
    fn into_refusal(self) -> Option<impl fmt::Display> {
        None::<&str>
    }
}

impl<E: fmt::Display> Verdict for Result<(), E> {
    fn into_refusal(self) -> Option<impl fmt::Display> {
        self.err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    #[test]
    fn only_an_error_is_reported() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        own("check", (), &mut reporter);
        own("check", Ok::<(), String>(()), &mut reporter);
        own("check", Err("bad"), &mut reporter);
        normalized("fill_in", Err(std::fmt::Error), &mut reporter);
        assert_eq!(
            report.to_string(),
            "bad  [validate]\nan error occurred when formatting an argument  [normalize]"
        );
    }

    #[test]
    fn about_a_secret_only_the_function_is_named() {
        let mut report = Report::new();
        let mut reporter = Reporter::new(&mut report);
        reporter.enter(None, true, false);
        own("check_token", Err("hunter2 is weak"), &mut reporter);
        assert_eq!(
            report.to_string(),
            "the value is refused by `check_token`; why is withheld, since it is a secret  [validate]"
        );
    }
}
