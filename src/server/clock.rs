//! Which clocks a form of lease needs, and what the kernel says about its wall clock.

use leasehold::lease::LeaseForm;
use leasehold::maelstrom::KernelClock;
use leasehold::time::OsClock;

/// The wall clock is read only for the deadline form.
pub(super) const fn clock_for(form: LeaseForm) -> OsClock {
    match form {
        LeaseForm::Elapsed => OsClock::monotonic(),
        LeaseForm::Deadline => OsClock::with_wall(),
    }
}

/// What the kernel says about its wall clock now, in whichever form the lease is.
pub(super) fn kernel_clock() -> KernelClock {
    let error = OsClock::kernel_error().map(|error| error.as_nanos().div_ceil(1_000));
    KernelClock { synchronized: error.is_some(), max_error_us: error }
}
