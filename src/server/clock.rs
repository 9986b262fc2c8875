//! Which clocks a form of lease needs, and what the kernel says about its wall clock.

use leasehold::lease::LeaseForm;
use leasehold::maelstrom::KernelClock;
use leasehold::time::{OsClock, Span};

/// The wall clock is read only for the deadline form.
pub(super) const fn clock_for(form: LeaseForm, assumed_error: Option<Span>) -> OsClock {
    match (form, assumed_error) {
        (LeaseForm::Elapsed, _) => OsClock::monotonic(),
        (LeaseForm::Deadline, None) => OsClock::with_wall(),
        (LeaseForm::Deadline, Some(error)) => OsClock::with_assumed_wall(error),
    }
}

/// What the kernel says about its wall clock now, in whichever form the lease is.
pub(super) fn kernel_clock() -> KernelClock {
    let error = OsClock::kernel_error().map(|error| error.as_nanos().div_ceil(1_000));
    KernelClock { synchronized: error.is_some(), max_error_us: error }
}
