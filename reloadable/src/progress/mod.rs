//! Who subscribes, and how far each has come.

mod place;
mod roster;
mod status;

pub(crate) use self::place::LastChange;
pub(crate) use self::roster::{Acknowledgement, Reached, Roster, Subscriber};
pub use self::status::{Readiness, SubscriberStatus};
