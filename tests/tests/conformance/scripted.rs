//! A scripted source that is honest.

use std::time::Duration;

use reloadable::testing::{Answer, Rig, RigError, Script, ScriptedSource};
use reloadable::{Builder, Format, Hint, Reloadable, SourceErrorKind};

struct Scripted {
    source: Option<ScriptedSource>,
    script: Script,
    delay: Duration,
    hints: bool,
}

impl Scripted {
    fn new(delay: Duration, hints: bool) -> Self {
        let (source, script) = ScriptedSource::new("scripted", Format::Toml, [""; 0]);
        Self { source: Some(source), script, delay, hints }
    }

    fn put(&self, answer: Answer) {
        self.script.hold(answer.after(self.delay));
        if self.hints {
            self.script.hint(Hint::Complete);
        }
    }
}

impl Rig for Scripted {
    fn attach<T: Reloadable>(&mut self, builder: Builder<T>) -> Builder<T> {
        builder.source(self.source.take().expect("it is attached once"))
    }

    async fn replace(&mut self, text: &str) -> Result<(), RigError> {
        self.put(Answer::text(text));
        Ok(())
    }

    async fn remove(&mut self) -> Result<(), RigError> {
        self.put(Answer::error(SourceErrorKind::NotFound, "it is gone"));
        Ok(())
    }

    async fn block(&mut self) -> Result<(), RigError> {
        self.put(Answer::error(SourceErrorKind::Other, "it cannot be read"));
        Ok(())
    }

    fn tells(&self) -> bool {
        self.hints
    }
}

#[tokio::test(start_paused = true)]
async fn a_script_that_is_honest_passes() {
    for delay in [Duration::ZERO, Duration::from_secs(3)] {
        let found = super::found_in(|| async { Scripted::new(delay, true) }).await;
        found.assert_all_but(&["torn_content", "relocated"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_script_that_tells_nothing_passes() {
    let found = super::found_in(|| async { Scripted::new(Duration::ZERO, false) }).await;
    let told = ["final_content", "first_load", "torn_content", "relocated", "dropped_wait", "keeps_telling"];
    found.assert_all_but(&told);
}
