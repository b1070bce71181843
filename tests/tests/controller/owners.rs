//! Objects that belong to others.

use super::*;

#[derive(Debug, Clone, PartialEq, Deserialize, Reloadable)]
struct Certificate {
    routes: Vec<String>,
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_is_owned_is_looked_at_by_its_owners() {
    let (informer, _routes) = informer(&[("a", 1), ("b", 2), ("c", 3)]).await;
    let (source, certificates) = MemoryCollection::<u32>::new("certificates", Format::Toml);
    let certified = Informer::<Certificate>::builder().source(source).start().await.unwrap();
    let log = Log::default();
    let handle = {
        let log = log.clone();
        let owned = controller(informer).owns(certified, |number, certificate| {
            assert!(*number < 100, "what is this?");
            certificate.routes.clone()
        });
        let run = owned.run(move |key, context| {
            log.seen(&key, &context);
            async { Ok(Requeue::done()) }
        });
        run.unwrap()
    };
    log.wait(&handle, 3).await;
    let since = |from: usize| {
        let mut said = log.all().split_off(from);
        said.sort();
        said
    };
    certificates.upsert(7_u32, "routes = ['a', 'b']");
    log.wait(&handle, 5).await;
    assert_eq!(since(3), ["a=1", "b=2"]);
    certificates.upsert(7_u32, "routes = ['b', 'c']");
    log.wait(&handle, 8).await;
    assert_eq!(since(5), ["a=1", "b=2", "c=3"], "those that have it no more as well");
    certificates.remove(7_u32);
    log.wait(&handle, 10).await;
    assert_eq!(since(8), ["b=2", "c=3"]);

    certificates.upsert(100_u32, "routes = ['a']");
    eventually("it is passed over", || handle.status().counts.panics == 1).await;
    certificates.upsert(8_u32, "routes = ['nobody']");
    log.wait(&handle, 11).await;
    assert_eq!(since(10), ["nobody unknown"]);
}

#[tokio::test(start_paused = true)]
async fn it_brings_back_what_was_given_up() {
    let (informer, _routes) = informer(&[("a", 1)]).await;
    let (source, certificates) = MemoryCollection::<u32>::new("certificates", Format::Toml);
    let certified = Informer::<Certificate>::builder().source(source).start().await.unwrap();
    let seen = certified.lister();
    let owned = controller(informer).owns(certified, |_, certificate| certificate.routes.clone());
    let handle = owned.run(move |_, _| {
        let is_there = !seen.is_empty();
        async move {
            if is_there { Ok(Requeue::done()) } else { Err(ReconcileError::permanent("no certificate")) }
        }
    });
    let handle = handle.unwrap();
    eventually("it is given up", || handle.dead_letters().len() == 1).await;
    certificates.upsert(1_u32, "routes = ['a']");
    eventually("it succeeds", || handle.status().counts.succeeded == 1).await;
    assert!(handle.dead_letters().is_empty());
}
