use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
struct Tls {
    enabled: bool,
    #[reload(when = self.enabled, non_empty, pattern(r"\.pem$"))]
    #[reload(length(..10))]
    certificate: String,
    #[reload(when = self.enabled && self.certificate.len() > 4, each(range(1..)))]
    ports: Vec<u16>,
}

#[test]
fn a_condition_that_does_not_hold_switches_the_rules_off() {
    passes::<Tls>("enabled = false\ncertificate = ''\nports = [0]");
    passes::<Tls>("enabled = true\ncertificate = '.pem'\nports = [0]");
}

#[test]
fn a_condition_that_holds_switches_them_on() {
    fails::<Tls>(
        "enabled = true\ncertificate = 'x.key'\nports = [0]",
        &[r#"certificate: "x.key" does not match `\.pem$` [pattern]"#, "ports[0]: 0 is not in 1.. [range]"],
    );
}

#[test]
fn the_rules_of_another_attribute_hold_always() {
    fails::<Tls>(
        "enabled = false\ncertificate = '0123456789'\nports = []",
        &["certificate: the length is 10, not in ..10 [length]"],
    );
}
