//! The things a node waits for. Each has a name, so that a stalled simulation says what it is waiting for.

use crate::time::{Alarm, Reading, Span};

/// Why a node wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Follower and candidate: no leader has been heard; campaign.
    Election,
    /// Leader: time for the next round.
    Heartbeat,
    /// Leader: no quorum has been heard for an election timeout; step down.
    QuorumCheck,
    /// Leader: it is looked whether the transfer gets on.
    TransferAbort,
    /// The oldest waiting request has waited long enough.
    RequestDeadline,
}

impl Timer {
    /// How many there are.
    pub const COUNT: usize = 5;

    /// All of them, in the order in which they fire when several are due.
    pub const ALL: [Timer; Timer::COUNT] =
        [Timer::QuorumCheck, Timer::TransferAbort, Timer::RequestDeadline, Timer::Election, Timer::Heartbeat];
}

/// The alarm of each timer that is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimerTable {
    alarms: [Option<Alarm>; Timer::COUNT],
    hastened: bool,
}

impl TimerTable {
    /// When the timer goes off, if it is set.
    pub fn alarm(&self, timer: Timer) -> Option<Alarm> {
        self.alarms[timer as usize]
    }

    /// All alarms that are set.
    pub fn iter(&self) -> impl Iterator<Item = (Timer, Alarm)> + '_ {
        Timer::ALL.into_iter().filter_map(|timer| Some((timer, self.alarm(timer)?)))
    }

    /// The timer that goes off first if the clocks run true, and how long that is from now.
    pub fn next(&self, now: &Reading) -> Option<(Timer, Span)> {
        self.iter()
            .map(|(timer, alarm)| (timer, alarm.remaining(now)))
            .min_by_key(|(_, remaining)| *remaining)
    }

    /// Has an alarm been set, since this was last asked, that may go off before one that was there? A host whose next
    /// wake-up is arranged need not think again unless this is so.
    pub fn take_hastened(&mut self) -> bool {
        std::mem::take(&mut self.hastened)
    }

    pub(crate) fn set(&mut self, timer: Timer, alarm: Alarm) {
        let slot = &mut self.alarms[timer as usize];
        self.hastened |= !slot.is_some_and(|before| alarm.is_put_off_from(&before));
        *slot = Some(alarm);
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        self.alarms[timer as usize] = None;
    }

    /// Clears the timer and tells whether it was due.
    pub(crate) fn take_due(&mut self, timer: Timer, now: &Reading) -> bool {
        let due = self.alarm(timer).is_some_and(|alarm| alarm.reached(now));
        if due {
            self.clear(timer);
        }
        due
    }
}
