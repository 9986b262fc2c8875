//! `lease_read_config`: would these lengths make a safe lease? [`LeaseSettings::judge`] answers it; with `apply` the cluster
//! then uses them.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Fault;
use super::fields::{Field, flag_field, present, shown};
use crate::lease::{LeaseForm, LeaseLengths, LeaseSettings};
use crate::time::Span;

/// No length in a question may be longer: one year in milliseconds.
pub const CONFIG_MILLIS_MAX: u64 = 365 * 24 * 60 * 60 * 1_000;

/// The lengths somebody asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigQuestion {
    /// `D`, the lease duration; at least 1 ms.
    pub lease_duration: Span,
    /// `T`, the election timeout and the length of promises; at least 1 ms.
    pub election_timeout: Span,
    /// `s`, the declared clock skew; may be 0.
    pub max_clock_skew: Span,
    /// Not only a question: the cluster is to use them.
    pub apply: bool,
    /// The answer is to say how much would be survived.
    pub explain: bool,
    /// With `apply`: the election timeout may become more than ten times as long.
    pub lengthen: bool,
}

/// An `apply` makes the election timeout no more than so many times as long, unless it says `lengthen`. Three zeros too many
/// in milliseconds would keep the cluster from electing anybody for as long, also after restarts.
pub const LENGTHEN_FACTOR_MAX: u64 = 10;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    lease_duration_ms: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    election_timeout_ms: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    max_clock_skew_ms: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    apply: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    lengthen: Field<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    explain: Field<'a>,
}

impl ConfigQuestion {
    /// Reads the question. Every field that is wrong is named in the fault.
    pub(super) fn parse(body: &RawValue) -> Result<ConfigQuestion, Fault> {
        let body: Body<'_> =
            serde_json::from_str(body.get()).map_err(|error| Fault::malformed(error.to_string()))?;
        let lease = millis("lease_duration_ms", body.lease_duration_ms, 1);
        let timeout = millis("election_timeout_ms", body.election_timeout_ms, 1);
        let skew = millis("max_clock_skew_ms", body.max_clock_skew_ms, 0);
        let (lease_duration, election_timeout, max_clock_skew) = match (lease, timeout, skew) {
            (Ok(lease), Ok(timeout), Ok(skew)) => (lease, timeout, skew),
            (lease, timeout, skew) => {
                let wrong = [lease.err(), timeout.err(), skew.err()];
                let texts: Vec<String> = wrong.into_iter().flatten().map(|error| error.to_string()).collect();
                return Err(Fault::malformed(texts.join("; ")));
            }
        };
        let apply = flag_field("apply", body.apply)?;
        let lengthen = flag_field("lengthen", body.lengthen)?;
        let explain = flag_field("explain", body.explain)?;
        Ok(ConfigQuestion { lease_duration, election_timeout, max_clock_skew, apply, explain, lengthen })
    }

    /// Would it lengthen an election timeout of `in_force` by so much that it has to say so, and does not?
    pub fn lengthens_too_much(&self, in_force: Span) -> bool {
        !self.lengthen && self.election_timeout > in_force * LENGTHEN_FACTOR_MAX
    }

    /// The lengths that are asked about.
    pub fn lengths(&self) -> LeaseLengths {
        LeaseLengths {
            duration: self.lease_duration,
            election_timeout: self.election_timeout,
            max_clock_skew: self.max_clock_skew,
        }
    }

    /// The settings that are asked about, for a lease of that form.
    pub fn settings(&self, form: LeaseForm) -> LeaseSettings {
        LeaseSettings {
            form,
            duration: self.lease_duration,
            election_timeout: self.election_timeout,
            max_clock_skew: self.max_clock_skew,
        }
    }
}

/// Why a field is no length of time.
#[derive(Debug, thiserror::Error)]
enum LengthError {
    #[error(
        "`{name}` is missing: it is a whole number of milliseconds from {least} to {CONFIG_MILLIS_MAX} (one year)"
    )]
    Missing { name: &'static str, least: u64 },
    #[error(
        "`{name}` is {found}, not a whole number of milliseconds from {least} to {CONFIG_MILLIS_MAX} (one year)"
    )]
    Wrong { name: &'static str, found: String, least: u64 },
}

/// A length in whole milliseconds, from `least` to [`CONFIG_MILLIS_MAX`].
fn millis(name: &'static str, field: Field<'_>, least: u64) -> Result<Span, LengthError> {
    let Some(raw) = field else {
        return Err(LengthError::Missing { name, least });
    };
    match raw.get().parse() {
        Ok(millis) if (least..=CONFIG_MILLIS_MAX).contains(&millis) => Ok(Span::millis(millis)),
        _ => Err(LengthError::Wrong { name, found: shown(raw.get()).into_owned(), least }),
    }
}
