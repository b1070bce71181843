//! What of a target is watched, and how its changes are noticed.

use std::path::PathBuf;
use std::time::Instant;

use super::events::{Deaf, Follow, Watch, Watches};
use super::mode::Mode;
use super::settings::Probe;
use super::survey::{Survey, Target};

/// A target, what was found of it at the last survey, and the watches on that.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) target: Target,
    pub(super) watches: Watches,
    pub(super) survey: Survey,
    /// What is watched.
    pub(super) followed: Vec<Watch>,
    pub(super) mode: Mode,
    /// What is to be watched may be something else now.
    pub(super) is_elsewhere: bool,
    pub(super) mounts: Vec<PathBuf>,
    pub(super) probe: Probe,
}

/// A tree of directories may grow while it is listed; what is left then is listed at the next look.
const ROUNDS: usize = 16;

impl Watched {
    pub(super) fn new(target: Target, probe: Probe) -> Self {
        Self {
            target,
            watches: Watches::new(),
            survey: Survey::default(),
            followed: Vec::new(),
            mode: Mode::Native,
            is_elsewhere: true,
            mounts: Vec::new(),
            probe,
        }
    }

    /// Surveys the target, and watches what is to be watched, until nothing new comes of that. Tells whether something is
    /// watched that was not. It blocks.
    pub(super) fn watch(&mut self, mut how: Follow) -> bool {
        self.is_elsewhere = false;
        let mut grew = false;
        // What stands in the way of it is found out below.
        if let Some(ahead) = Survey::ahead(&self.target).filter(|_| self.followed.is_empty()) {
            self.survey = ahead;
            if let Ok(is_new) = self.follow_survey(how) {
                // What was watched just now need not be renewed.
                (grew, how) = (is_new, Follow::New);
            }
        }
        for _ in 0..ROUNDS {
            let survey = Survey::of(&self.target, &self.mounts);
            let is_new = !survey.is_watched_by(&self.followed);
            self.survey = survey;
            let followed = self.follow_survey(how);
            let is_new = is_new || followed == Ok(true);
            if let Err(why) = followed {
                self.watches.release();
                self.followed.clear();
                self.mode.poll(why, Instant::now());
                return false;
            }
            self.mode = Mode::Native;
            how = Follow::New;
            if !is_new {
                return grew;
            }
            // A directory that was made before its parent was watched is listed now, and watched in the next round.
            grew = true;
        }
        self.is_elsewhere = true;
        grew
    }

    fn follow_survey(&mut self, how: Follow) -> Result<bool, String> {
        let tells = |watch: &&Watch| watch.required || watch.is_file();
        for watch in self.survey.watches.iter().filter(tells) {
            if let Ok(Some(kind)) = (self.probe)(&watch.path) {
                let path = watch.path.display();
                return Err(format!("{path} is on {kind}, which sends no events for the changes of others"));
            }
        }
        let is_new = self.watches.follow(&self.survey.watches, how).map_err(|Deaf(why)| why)?;
        self.followed.clone_from(&self.survey.watches);
        Ok(is_new)
    }
}
