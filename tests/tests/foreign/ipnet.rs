use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reloadable::Reloadable;
use serde::Deserialize;

use super::edited;

#[derive(Debug, Deserialize, Reloadable)]
struct Config {
    allowed: Vec<IpNet>,
    old: Option<Ipv4Net>,
    new: Option<Ipv6Net>,
}

#[test]
fn an_edit_is_told() {
    assert_eq!(
        edited::<Config>(
            "allowed = ['10.0.0.0/8', '::/0']\nold = '10.0.0.0/8'\nnew = 'fe80::/10'",
            "allowed = ['10.0.0.0/9', '::/0']\nold = '10.0.0.0/16'\nnew = 'fe80::/64'",
        ),
        [
            r#"allowed[0]: "10.0.0.0/8" -> "10.0.0.0/9""#,
            r#"old: "10.0.0.0/8" -> "10.0.0.0/16""#,
            r#"new: "fe80::/10" -> "fe80::/64""#,
        ]
    );
}
