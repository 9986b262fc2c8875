//! The operating system's clocks, read as the node needs them (feature `os-clock`, Linux).
//!
//! `CLOCK_MONOTONIC_RAW` and `CLOCK_BOOTTIME` are read one after the other, and the process may be preempted, or the
//! machine suspended, in between. That is harmless. Each of the two differences of two stamps is an interval between two
//! instants of one clock, and what counts is that these instants lie on the right side of what happens:
//!
//! * a lease is counted from a stamp of which both halves were read before the round was sent, and checked against one of
//!   which both halves were read after the request arrived. Each half on its own then measures no less than the time from
//!   the send to the instant at which the first half of the check was read, and there the read linearizes;
//! * a promise is counted from a stamp of which both halves were read after the leader's message arrived, and is over when
//!   both differences have come to its length, each of them an interval that has passed by then.
//!
//! So neither half needs to know when exactly the other one was read, and no bracketing is needed.

use rtime_clock::adjtime::{Timex, adjtimex};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::{Clock, Nanos, Reading, Span, Stamp, Wall};

/// `STA_UNSYNC` of linux/timex.h: the clock is not synchronized.
const STA_UNSYNC: i32 = 0x0040;
/// `STA_NANO` of linux/timex.h: the seconds' fraction is in nanoseconds, else in microseconds.
const STA_NANO: i32 = 0x2000;
/// `TIME_OOP` of linux/timex.h: a leap second is being inserted, the clock shows one second twice.
const TIME_OOP: i32 = 3;
/// `TIME_ERROR` of linux/timex.h: the clock is not to be trusted.
const TIME_ERROR: i32 = 5;

/// The kernel adds 500 us to `maxerror` once a second, so between two of these it may be that much too small.
const MAXERROR_STEP: Span = Span::micros(500);

/// The clocks of this machine: both monotonic ones, and the wall clock where it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct OsClock {
    /// Reading the wall clock with its error is a system call. Only the deadline form uses it.
    with_wall: bool,
    /// The error of the wall clock that is assumed while the kernel does not vouch for it.
    assumed_error: Option<Span>,
}

impl OsClock {
    /// The two monotonic clocks, without the wall clock: all that the elapsed form of a lease needs. Its
    /// [`Reading::wall`] is `None`.
    pub const fn monotonic() -> OsClock {
        OsClock { with_wall: false, assumed_error: None }
    }

    /// The two monotonic clocks and the wall clock: for the deadline form of a lease. Costs a system call more per reading.
    pub const fn with_wall() -> OsClock {
        OsClock { with_wall: true, assumed_error: None }
    }

    /// The same on a machine that the kernel calls unsynchronized: its wall clock is believed to be off by `error` at most.
    /// For tests: nobody checks that.
    pub const fn with_assumed_wall(error: Span) -> OsClock {
        OsClock { with_wall: true, assumed_error: Some(error) }
    }

    /// The error bound of the kernel's wall clock now, rounded as the kernel tells it (microseconds) and with 500 us added
    /// for its next step. `None` when the kernel does not vouch for its clock.
    pub fn kernel_error() -> Option<Span> {
        vouched().map(|(_, error)| error)
    }

    /// The wall clock and the bound of its error, both of one system call, so that no step can come between them. `None`
    /// when the kernel does not vouch for it.
    fn kernel_wall() -> Option<Wall> {
        vouched().map(|(at, error)| Wall::new(at, error))
    }

    fn wall(&self) -> Option<Wall> {
        OsClock::kernel_wall().or_else(|| {
            let error = self.assumed_error?;
            Some(Wall::new(nanos(clock_gettime(ClockId::Realtime)), error))
        })
    }
}

impl Clock for OsClock {
    fn read(&self) -> Reading {
        let raw = nanos(clock_gettime(ClockId::MonotonicRaw));
        let boot = nanos(clock_gettime(ClockId::Boottime));
        let wall = if self.with_wall { self.wall() } else { None };
        Reading { stamp: Stamp::new(raw, boot), wall }
    }
}

fn nanos(at: Timespec) -> Nanos {
    let secs = u64::try_from(at.tv_sec).expect("monotonic clocks start at zero");
    let fraction = u64::try_from(at.tv_nsec).expect("below one second");
    Nanos((Span::secs(secs) + Span::nanos(fraction)).as_nanos())
}

fn vouched() -> Option<(Nanos, Span)> {
    let mut timex = Timex::new();
    let state = adjtimex(&mut timex).ok()?;
    let timex = timex.0;
    if state == TIME_ERROR || state == TIME_OOP || timex.status & STA_UNSYNC != 0 {
        return None;
    }
    let secs = u64::try_from(timex.time.tv_sec).ok()?;
    let fraction = u64::try_from(timex.time.tv_usec).ok()?;
    let fraction = if timex.status & STA_NANO != 0 { Span::nanos(fraction) } else { Span::micros(fraction) };
    let error = Span::micros(u64::try_from(timex.maxerror).ok()?);
    let at = (Span::secs(secs) + fraction).as_nanos();
    Some((Nanos(at), error + MAXERROR_STEP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clocks_do_not_go_back() {
        let clock = OsClock::monotonic();
        let first = clock.read();
        let second = clock.read();
        assert!(second.stamp.elapsed_max(first.stamp) < Span::secs(3_600));
        assert_eq!(first.wall, None);
    }

    #[test]
    fn a_wall_clock_that_the_kernel_vouches_for_is_past_2020_and_has_an_error() {
        // Whether it vouches is the machine's business; that it answers at all is ours.
        if let Some(wall) = OsClock::with_wall().read().wall {
            assert!(wall.earliest() < wall.latest());
            assert!(wall.latest() > Nanos(1_577_836_800_000_000_000));
        }
    }
}
