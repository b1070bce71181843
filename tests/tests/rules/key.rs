use std::sync::Arc;

use reloadable::Reloadable;
use serde::Deserialize;

use super::{fails, passes};

#[derive(Debug, Deserialize, Reloadable)]
struct Lists {
    #[serde(default)]
    #[reload(key = "name")]
    routes: Vec<Route>,
    #[reload(key = (name, port))]
    backends: Option<Arc<[Route]>>,
    #[reload(key = Route::lowercase)]
    hosts: Option<Vec<Route>>,
    #[reload(key = "port")]
    optional: Option<Vec<Route>>,
}

#[derive(Debug, Deserialize, Reloadable)]
struct Route {
    name: String,
    port: Option<u16>,
}

impl Route {
    fn lowercase(&self) -> String {
        self.name.to_lowercase()
    }
}

#[test]
fn different_keys_pass() {
    passes::<Lists>("");
    passes::<Lists>(
        "routes = [{ name = 'a' }, { name = 'A' }]\n\
         backends = [{ name = 'a', port = 1 }, { name = 'a', port = 2 }, { name = 'a' }]\n\
         hosts = [{ name = 'a' }, { name = 'b' }]\n\
         optional = [{ name = 'a' }, { name = 'b' }, { name = 'c', port = 1 }]",
    );
}

#[test]
fn equal_keys_name_both_positions() {
    fails::<Lists>(
        "routes = [{ name = 'a' }, { name = 'b' }, { name = 'a' }]",
        &[r#"routes[2]: element 2 has the same key as element 0: "a" [unique_key]"#],
    );
    fails::<Lists>(
        "backends = [{ name = 'a', port = 1 }, { name = 'a', port = 1 }]",
        &[r#"backends[1]: element 1 has the same key as element 0: ["a", 1] [unique_key]"#],
    );
    fails::<Lists>(
        "hosts = [{ name = 'a' }, { name = 'A' }]",
        &[r#"hosts[1]: element 1 has the same key as element 0: "a" [unique_key]"#],
    );
    fails::<Lists>(
        "optional = [{ name = 'a', port = 1 }, { name = 'b', port = 1 }]",
        &["optional[1]: element 1 has the same key as element 0: 1 [unique_key]"],
    );
}
