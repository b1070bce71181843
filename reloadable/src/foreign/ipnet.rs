//! `ipnet::IpNet`, `Ipv4Net` and `Ipv6Net`.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::leaf::{leaf, text};
use crate::describe::Shape;

leaf! {
    impl[] for IpNet { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for Ipv4Net { shape: Shape::Text, same: PartialEq::eq, shown: text }
    impl[] for Ipv6Net { shape: Shape::Text, same: PartialEq::eq, shown: text }
}
