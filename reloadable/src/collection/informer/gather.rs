//! What a source hands over, decoded, in the order in which it came.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::decode::{Decoded, Decoder, Decoding, Ended, Undecoded};
use super::objects::{Found, Objects};
use crate::document::Origin;
use crate::error::{SourceError, SourceErrorKind};
use crate::key::Key;
use crate::load::Reloadable;
use crate::source::{Item, Listed};

pub(super) fn ended(origin: &Origin) -> SourceError {
    SourceError::new(SourceErrorKind::Other, origin.clone(), "what was found could not be decoded any more")
}

/// Objects in the order in which they were found, of which some are still being decoded.
pub(super) struct Segment<K, T> {
    decoding: Decoding<K, T>,
    /// Nothing stands for the next that is decoded.
    places: Vec<Option<Found<K, T>>>,
    decoded: Vec<Decoded<K, T>>,
}

impl<K: Key, T: Reloadable> Segment<K, T> {
    pub(super) fn new(decoder: Decoder<T>) -> Self {
        Self { decoding: Decoding::new(decoder), places: Vec::new(), decoded: Vec::new() }
    }

    pub(super) fn push(&mut self, found: Found<K, T>) {
        self.places.push(Some(found));
    }

    pub(super) async fn decode(&mut self, undecoded: Undecoded<K, T>) -> Result<(), Ended> {
        self.places.push(None);
        self.decoded.append(&mut self.decoding.push(undecoded).await?);
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<Vec<Found<K, T>>, Ended> {
        self.decoded.append(&mut self.decoding.finish().await?);
        let mut decoded = self.decoded.into_iter().map(Found::Decoded);
        Ok(self.places.into_iter().filter_map(|place| place.or_else(|| decoded.next())).collect())
    }
}

/// Takes what is handed over, until there is no more.
pub(super) async fn collect<K: Key, T: Reloadable>(
    objects: &mut Objects<K, T>,
    decoding: Decoding<K, T>,
    mut items: mpsc::Receiver<Item<K>>,
    origin: &Origin,
    stall: Duration,
) -> Result<Vec<Found<K, T>>, SourceError> {
    let mut segment = Segment { decoding, places: Vec::new(), decoded: Vec::new() };
    let mut room = objects.most();
    loop {
        let item = match timeout(stall, items.recv()).await {
            Ok(Some(item)) => item,
            Ok(None) => break,
            Err(_) => {
                let message = format!("it handed over nothing for {stall:?}");
                return Err(SourceError::new(SourceErrorKind::TimedOut, origin.clone(), message));
            }
        };
        // Whatever it is, so that a list that goes round ends as well.
        let Some(left) = room.checked_sub(1) else {
            let message = format!("it lists more than {} objects", objects.most());
            return Err(SourceError::new(SourceErrorKind::Other, origin.clone(), message));
        };
        room = left;
        match item {
            Item::Unchanged(key) => objects.unchanged(&key),
            Item::Unreadable(key, error) => {
                if objects.listed(&key, || error.origin().clone()) {
                    segment.push(Found::Unreadable(key, error));
                }
            }
            Item::Document(found) => {
                if !objects.listed(&found.key, || found.document.origin().clone()) {
                    continue;
                }
                if let Some(undecoded) = objects.undecoded(found) {
                    segment.decode(undecoded).await.map_err(|Ended| ended(origin))?;
                }
            }
        }
    }
    segment.finish().await.map_err(|Ended| ended(origin))
}

/// Lists and collects at the same time. A list that fails ends both.
pub(super) async fn both<F>(
    listed: impl Future<Output = Result<Listed, SourceError>>,
    collected: impl Future<Output = Result<F, SourceError>>,
) -> Result<(Listed, F), SourceError> {
    let (mut listed, mut collected) = (pin!(listed), pin!(collected));
    let (mut list, mut found) = (None, None);
    poll_fn(|context| {
        if list.is_none() {
            if let Poll::Ready(ready) = listed.as_mut().poll(context) {
                list = Some(ready?);
            }
        }
        if found.is_none() {
            if let Poll::Ready(ready) = collected.as_mut().poll(context) {
                found = Some(ready?);
            }
        }
        match (list.take(), found.take()) {
            (Some(list), Some(found)) => Poll::Ready(Ok((list, found))),
            (one, other) => {
                (list, found) = (one, other);
                Poll::Pending
            }
        }
    })
    .await
}
