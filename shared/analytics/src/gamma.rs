//! The logarithm of the gamma function and its first two derivatives, for arguments above zero.
//!
//! Small arguments are shifted up by the recurrence; from [`ASYMPTOTIC`] on Stirling's series is summed
//! (Abramowitz & Stegun 6.1.41, 6.3.18, 6.4.12), whose first term left out is below 2e-15 there.

use std::f64::consts::TAU;

/// From here on the series are exact to rounding.
const ASYMPTOTIC: f64 = 10.0;

/// `x + n`, the least that is at least [`ASYMPTOTIC`], after `step` has seen `x`, `x + 1`, ... below it.
fn shift(mut x: f64, mut step: impl FnMut(f64)) -> f64 {
    while x < ASYMPTOTIC {
        step(x);
        x += 1.0;
    }
    x
}

/// `c0 + c1·y + c2·y² + ...`, by Horner's rule.
fn polynomial(y: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * y + coefficient)
}

/// `ln Γ(x)` for `x > 0`, with an error of at most `2e-14 · max(1, |ln Γ(x)|)`.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    let mut product = 1.0;
    let x = shift(x, |low| product *= low);
    let series = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1_260.0, -1.0 / 1_680.0, 1.0 / 1_188.0, -691.0 / 360_360.0];
    (x - 0.5) * x.ln() - x + 0.5 * TAU.ln() + polynomial(1.0 / (x * x), &series) / x - product.ln()
}

/// `ψ(x) = d/dx ln Γ(x)` for `x > 0`, with an error of at most `1e-14 · max(1, |ψ(x)|)`.
pub(crate) fn digamma(x: f64) -> f64 {
    let mut sum = 0.0;
    let x = shift(x, |low| sum += 1.0 / low);
    let series = [-1.0 / 12.0, 1.0 / 120.0, -1.0 / 252.0, 1.0 / 240.0, -1.0 / 132.0, 691.0 / 32_760.0];
    let y = 1.0 / (x * x);
    x.ln() - 0.5 / x + y * polynomial(y, &series) - sum
}

/// `ψ′(x)` for `x > 0`, with a relative error of at most `1e-14`.
pub(crate) fn trigamma(x: f64) -> f64 {
    let mut sum = 0.0;
    let x = shift(x, |low| sum += 1.0 / (low * low));
    let series = [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2_730.0, 7.0 / 6.0];
    let y = 1.0 / (x * x);
    sum + 1.0 / x + 0.5 * y + y / x * polynomial(y, &series)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x`, `ln Γ`, `ψ`, `ψ′` computed with 50-digit arithmetic.
    const REFERENCE: [(f64, f64, f64, f64); 16] = [
        (1e-6, 13.815509980749432, -1000000.5772140201, 1000000000001.645),
        (0.001, 6.907178885383853, -1000.5755719318103, 1000001.6425331958),
        (0.1, 2.252712651734206, -10.423754940411076, 101.43329915079275),
        (0.243, 1.3180435846996699, -4.351093864423211, 18.141779787095828),
        (0.5, 0.5723649429247001, -1.9635100260214235, 4.934802200544679),
        (1.0, 0.0, -0.5772156649015329, 1.6449340668482264),
        (1.4616321449683623, -0.12148629053584961, -9.241265521729427e-17, 0.9676722454476212),
        (2.0, 0.0, 0.42278433509846713, 0.6449340668482264),
        (3.74, 1.475005487147576, 1.1794793534628925, 0.3062681096895634),
        (6.25, 5.219603986990229, 1.750453526883736, 0.17347923315893218),
        (9.999999, 12.801825228328935, 2.25175248390038, 0.10516634673152186),
        (10.0, 12.801827480081469, 2.251752589066721, 0.10516633568168575),
        (10.5, 13.940625219403763, 2.3030010342976865, 0.09991695605912673),
        (47.3, 134.10538214034744, 3.845902225194359, 0.02136670851489361),
        (1000.25, 5906.9472682711175, 6.907505289414428, 0.0010002499791197934),
        (1000000.0, 12815504.569147611, 13.815510057964191, 1.0000005000001667e-06),
    ];

    #[test]
    fn values_agree_with_fifty_digit_arithmetic() {
        for (x, ln, first, second) in REFERENCE {
            let within = |ours: f64, theirs: f64, bound: f64| (ours - theirs).abs() <= bound * theirs.abs().max(1.0);
            assert!(within(ln_gamma(x), ln, 2e-14), "ln Γ({x}) = {}", ln_gamma(x));
            assert!(within(digamma(x), first, 1e-14), "ψ({x}) = {}", digamma(x));
            assert!((trigamma(x) / second - 1.0).abs() <= 1e-14, "ψ′({x}) = {}", trigamma(x));
        }
    }
}
