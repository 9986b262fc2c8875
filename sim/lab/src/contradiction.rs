//! A stale read that cannot be, by what we say elsewhere: a bug of ours, whatever was expected.

use leasehold_run::rules;
use leasehold_run::setup::Setup;
use leasehold_run::theory::bound::bound;
use leasehold_run::theory::{Prediction, predict};

/// By so much a bound may be off where clocks have rates: each side is rounded to whole nanoseconds (ns).
pub(crate) const ROUNDING_NS: i128 = 2;

/// Why theory says that no run of this setup has a stale read, whoever leads; `None` where it says nothing of the kind.
pub fn forbidden(setup: &Setup) -> Option<&'static str> {
    if setup.rules != rules::SOUND {
        // What theory says of some broken rules holds without messages that are held back.
        return None;
    }
    let mut anybody_leads = setup.clone();
    anybody_leads.cluster.first_leader = None;
    if matches!(predict(&anybody_leads), Prediction::Safe { .. }) {
        return Some("theory calls the setup safe");
    }
    match bound(&anybody_leads) {
        Ok(None) => Some("theory finds nobody whose lease could be broken"),
        Ok(Some(bound)) if bound.room_ns < -ROUNDING_NS => {
            Some("theory says that messages use up all the room there is")
        }
        Ok(Some(_)) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leasehold_run::scenario::load;

    #[test]
    fn theory_forbids_what_it_calls_safe_or_too_short_and_nothing_else() {
        let says = |offset: &str, rules_: &str| {
            let text = include_str!("../../../scenarios/chance.toml");
            let sets = [format!("clock.followers.offset={offset}"), format!("lease.rules={rules_}")];
            let plan =
                load("chance", text, &sets, &rules::names()).unwrap_or_else(|errors| panic!("{errors}"));
            forbidden(&plan.rows[0].scenario.setup)
        };
        assert_eq!(says("39ms", "sound"), Some("theory calls the setup safe"));
        assert_eq!(
            says("40.000001ms", "sound"),
            Some("theory says that messages use up all the room there is")
        );
        assert_eq!(says("42ms", "sound"), None);
        assert_eq!(says("39ms", "restart-forgets"), None);
    }
}
