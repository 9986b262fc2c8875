//! What became of the nodes' disks: who ended or did not start for its disk's sake, and what was forgotten.

use leasehold_world::{Event, Happening, Process, Reader, World};

/// Something that a disk has brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskNews {
    /// True time, ns.
    pub at: u64,
    /// Whose disk.
    pub node: usize,
    /// What.
    pub what: DiskEvent,
}

/// What a disk has brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskEvent {
    /// The process ended, for this reason.
    Ended(String),
    /// The process did not start, for this reason.
    Refused(String),
    /// This was reported as safe, and was not there after a crash.
    Forgot(String),
    /// There was no room.
    Full,
    /// One bit changed: which.
    Corrupted(String),
}

impl DiskEvent {
    /// In words, with the node's name.
    pub fn words(&self, name: &str) -> String {
        match self {
            DiskEvent::Ended(why) => format!("{name} ended by itself: {why}"),
            DiskEvent::Refused(why) => format!("{name} did not start: {why}"),
            DiskEvent::Forgot(what) => {
                format!("{name} has forgotten what its disk had reported as safe: {what}")
            }
            DiskEvent::Full => format!("{name} had no room for what it was to write"),
            DiskEvent::Corrupted(what) => format!("{name}: {what} changed"),
        }
    }
}

/// News that are kept; of one that happens again and again the first are enough.
const NEWS_MAX: usize = 100;

/// Collects them.
#[derive(Debug, Clone, Default)]
pub struct Disks {
    news: Vec<DiskNews>,
}

impl Disks {
    /// All of them, in order; the first hundred.
    pub fn into_news(self) -> Vec<DiskNews> {
        self.news
    }
}

impl<P: Process> Reader<P> for Disks {
    #[inline(always)]
    fn read(&mut self, event: &Event<'_, P::Message, P::Note>, _world: &World<P>) {
        let (node, what) = match event.what {
            Happening::Ended { node, why } => (node, DiskEvent::Ended(why.to_owned())),
            Happening::Refused { node, why } => (node, DiskEvent::Refused(why.to_owned())),
            Happening::Forgot { node, what } => (node, DiskEvent::Forgot(what.to_owned())),
            Happening::DiskFull { node } => (node, DiskEvent::Full),
            Happening::Corrupted { node, what } => (node, DiskEvent::Corrupted(what.to_owned())),
            _ => return,
        };
        if self.news.len() < NEWS_MAX {
            self.news.push(DiskNews { at: event.at, node, what });
        }
    }
}
