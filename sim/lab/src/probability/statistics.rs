//! The mean of independent estimates, and how far it can be trusted.

/// A mean with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// The standard error of the mean, as a part of it; 0 for a mean of 0.
    pub relative_error: f64,
    /// The interval's lower end ...
    pub low: f64,
    /// ... and its upper end.
    pub high: f64,
}

/// The mean of independent estimates of something that is not negative, with Student's interval for the logarithm of the
/// mean (by the delta method): such estimates lean to the right, and no probability is below zero.
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "statistics")]
pub fn mean(estimates: &[f64]) -> Mean {
    let count = estimates.len() as f64;
    let value = estimates.iter().sum::<f64>() / count;
    if estimates.len() < 2 || value <= 0.0 {
        return Mean {
            value: if value > 0.0 { value } else { 0.0 },
            relative_error: 0.0,
            low: 0.0,
            high: 1.0,
        };
    }
    let squares: f64 = estimates.iter().map(|estimate| (estimate - value) * (estimate - value)).sum();
    let relative_error = libm::sqrt(squares / (count - 1.0) / count) / value;
    let factor = libm::exp(student(count - 1.0) * relative_error);
    Mean { value, relative_error, low: value / factor, high: (value * factor).min(1.0) }
}

/// The 97.5 % quantile of Student's distribution: the expansion of Cornish and Fisher, right to 1 % from 4 degrees on.
#[allow(clippy::float_arithmetic, reason = "statistics")]
fn student(degrees: f64) -> f64 {
    const Z: f64 = 1.959_963_985;
    let (z3, z5, z7) = (Z * Z * Z, Z * Z * Z * Z * Z, Z * Z * Z * Z * Z * Z * Z);
    Z + (z3 + Z) / (4.0 * degrees)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * degrees * degrees)
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * Z) / (384.0 * degrees * degrees * degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::float_arithmetic, reason = "a table of quantiles")]
    fn students_quantiles_are_those_of_the_tables() {
        for (degrees, quantile) in [(4.0, 2.776), (9.0, 2.262), (19.0, 2.093), (39.0, 2.023), (1e9, 1.960)] {
            let found = student(degrees);
            assert!((found / quantile - 1.0).abs() < 0.01, "{degrees}: {found}, not {quantile}");
        }
    }

    #[test]
    fn a_mean_lies_in_its_interval_and_nothing_seen_has_none() {
        let found = mean(&[1.0, 2.0, 3.0, 2.0]);
        assert!(found.value == 2.0 && found.low > 0.9 && found.low < 2.0 && found.high == 1.0);
        assert_eq!(mean(&[0.0; 5]).value, 0.0);
    }
}
