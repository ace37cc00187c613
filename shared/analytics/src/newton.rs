//! The minimum of a smooth function of a few variables, from its slope and curvature: Newton's method, damped the way
//! Levenberg and Marquardt do, so that it goes downhill from anywhere.

use crate::fit::FitError;

/// Steps tried before giving up, rejected ones included.
const STEPS_MAX: u32 = 400;
/// No variable moves further in one step: the variables are logarithms, so this is a factor of about 12.
const MOVE_MAX: f64 = 2.5;
/// Variables further out than this are running away: `exp(16)` is about 9 million.
const RANGE: f64 = 16.0;
/// The squared distance from the minimum, in standard errors, that counts as having arrived.
const ARRIVED: f64 = 1e-10;
/// The damping to start with, in units of the curvature's largest entry, and its least.
const DAMPING: f64 = 1e-3;
const DAMPING_MIN: f64 = 1e-9;

/// A function at one point: its value, slope and curvature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local<const N: usize> {
    pub value: f64,
    pub gradient: [f64; N],
    pub hessian: [[f64; N]; N],
}

impl<const N: usize> Local<N> {
    /// The negative of a log-likelihood by the logarithms of its parameters, from what it is by the parameters
    /// themselves. Of `curvature` the lower triangle is read.
    pub(crate) fn of_logs(parameters: &[f64; N], ln: f64, slope: &[f64; N], curvature: &[[f64; N]; N]) -> Self {
        let mut gradient = [0.0; N];
        let mut hessian = [[0.0; N]; N];
        for (entry, (parameter, slope)) in gradient.iter_mut().zip(parameters.iter().zip(slope)) {
            *entry = -parameter * slope;
        }
        for (row, entries) in hessian.iter_mut().enumerate() {
            for (column, entry) in entries.iter_mut().enumerate() {
                let of = |values: &[f64; N], index: usize| values.get(index).copied().unwrap_or(f64::NAN);
                let bent = curvature.get(row.max(column)).map_or(f64::NAN, |values| of(values, row.min(column)));
                let diagonal = if row == column { of(&gradient, row) } else { 0.0 };
                *entry = diagonal - of(parameters, row) * of(parameters, column) * bent;
            }
        }
        Self { value: -ln, gradient, hessian }
    }
}

/// Where the minimum is, and what it took to find it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Minimum<const N: usize> {
    pub point: [f64; N],
    pub value: f64,
    pub steps: u32,
}

/// Why there is no minimum.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stray<const N: usize> {
    /// A variable went beyond all bounds, and this far the others had come.
    RanAway([f64; N]),
    NotConverged {
        steps: u32,
    },
}

impl<const N: usize> From<Stray<N>> for FitError {
    fn from(stray: Stray<N>) -> Self {
        match stray {
            Stray::RanAway(_) => Self::RanAway,
            Stray::NotConverged { steps } => Self::NotConverged { steps },
        }
    }
}

/// The local minimum of `function`, downhill from `start`.
///
/// `function` is a negative log-likelihood in the logarithms of its parameters, so the curvature at the minimum is
/// the inverse of the parameters' covariance. The criterion: curvature positive definite and `gᵀ H⁻¹ g ≤ 1e-10`,
/// which is to be within 1e-5 standard errors of the minimum. It has no unit and does not depend on how many
/// customers there are.
///
/// Fails with [`Stray::RanAway`] where a variable leaves ±16, and with [`Stray::NotConverged`] after 400 steps.
pub(crate) fn minimise<const N: usize>(
    start: [f64; N],
    function: impl Fn(&[f64; N]) -> Local<N>,
) -> Result<Minimum<N>, Stray<N>> {
    let mut point = start;
    let mut here = function(&point);
    let mut damping = DAMPING;
    for steps in 1..=STEPS_MAX {
        if newton_step(&here, 0.0).is_some_and(|step| -dot(&step, &here.gradient) <= ARRIVED) {
            return Ok(Minimum { point, value: here.value, steps });
        }
        let Some(step) = newton_step(&here, damping * largest(&here.hessian)).map(shortened) else {
            damping = (damping * 8.0).max(DAMPING);
            continue;
        };
        let next_point = sum(&point, &step);
        let next = function(&next_point);
        let gain = here.value - next.value;
        let share = gain / foreseen_gain(&here, &step);
        // So near that rounding hides the gain, the step is as good as its direction. Where the function is not a
        // number, neither is true.
        if share > 1e-4 || gain.abs() <= 1e-12 * here.value.abs() {
            damping = if share > 0.75 { (damping / 8.0).max(DAMPING_MIN) } else { damping };
            (point, here) = (next_point, next);
        } else {
            damping = (damping * 8.0).max(DAMPING);
        }
        if point.iter().any(|variable| variable.abs() > RANGE) {
            return Err(Stray::RanAway(point));
        }
    }
    Err(Stray::NotConverged { steps: STEPS_MAX })
}

/// By how much the quadratic model says that the value falls.
fn foreseen_gain<const N: usize>(here: &Local<N>, step: &[f64; N]) -> f64 {
    let bent: f64 = here.hessian.iter().zip(step).map(|(row, along)| along * dot(row, step)).sum();
    -dot(&here.gradient, step) - 0.5 * bent
}

/// `-(H + damping)⁻¹ g`, if that matrix is positive definite.
fn newton_step<const N: usize>(here: &Local<N>, damping: f64) -> Option<[f64; N]> {
    let lower = factor(&here.hessian, damping)?;
    let mut forward = [0.0; N];
    for (index, (row, slope)) in lower.iter().zip(&here.gradient).enumerate() {
        let value = (-slope - dot(row, &forward)) / row.get(index)?;
        *forward.get_mut(index)? = value;
    }
    let mut step = [0.0; N];
    for (index, (row, value)) in lower.iter().zip(&forward).enumerate().rev() {
        // What is not known yet is still zero, and so is what lies above the diagonal.
        let known: f64 = lower.iter().zip(&step).filter_map(|(row, known)| Some(row.get(index)? * known)).sum();
        *step.get_mut(index)? = (value - known) / row.get(index)?;
    }
    step.iter().all(|part| part.is_finite()).then_some(step)
}

/// The lower triangle `L` with `L Lᵀ = matrix + damping` (Cholesky), if that is positive definite.
fn factor<const N: usize>(matrix: &[[f64; N]; N], damping: f64) -> Option<[[f64; N]; N]> {
    let mut lower = [[0.0; N]; N];
    for (index, row) in matrix.iter().enumerate() {
        let mut current = [0.0; N];
        for (column, (above, value)) in lower.iter().zip(row).enumerate().take(index) {
            let entry = (value - dot(&current, above)) / above.get(column)?;
            *current.get_mut(column)? = entry;
        }
        let square = row.get(index)? + damping - dot(&current, &current);
        if square.is_nan() || square <= 0.0 {
            return None;
        }
        *current.get_mut(index)? = square.sqrt();
        *lower.get_mut(index)? = current;
    }
    Some(lower)
}

/// The step, cut to the length that is trusted.
fn shortened<const N: usize>(step: [f64; N]) -> [f64; N] {
    let length = step.iter().fold(0.0_f64, |longest, part| longest.max(part.abs()));
    let factor = if length > MOVE_MAX { MOVE_MAX / length } else { 1.0 };
    step.map(|part| part * factor)
}

fn largest<const N: usize>(matrix: &[[f64; N]; N]) -> f64 {
    matrix.iter().flatten().fold(f64::MIN_POSITIVE, |largest, entry| largest.max(entry.abs()))
}

fn dot<const N: usize>(left: &[f64; N], right: &[f64; N]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn sum<const N: usize>(left: &[f64; N], right: &[f64; N]) -> [f64; N] {
    let mut sum = *left;
    sum.iter_mut().zip(right).for_each(|(sum, right)| *sum += right);
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// `(1 − x)² + 100 (y − x²)²`, whose valley bends: a minimum at (1, 1) with the value 0.
    fn rosenbrock([x, y]: &[f64; 2]) -> Local<2> {
        let off = y - x * x;
        Local {
            value: (1.0 - x).powi(2) + 100.0 * off * off,
            gradient: [-2.0 * (1.0 - x) - 400.0 * x * off, 200.0 * off],
            hessian: [[2.0 - 400.0 * off + 800.0 * x * x, -400.0 * x], [-400.0 * x, 200.0]],
        }
    }

    #[test]
    fn a_bent_valley_is_followed_to_its_end() {
        for start in [[-1.2, 1.0], [3.0, -3.0], [0.0, 10.0], [-3.0, -3.0]] {
            let minimum = minimise(start, rosenbrock).unwrap();
            assert!(minimum.point.iter().all(|variable| (variable - 1.0).abs() < 1e-4), "{start:?}: {minimum:?}");
        }
    }

    #[test]
    fn a_hilltop_and_ground_that_is_no_number_are_left() {
        // cos x, from beside its maximum; not a number beyond 5.
        let wave = |[x]: &[f64; 1]| {
            let value = if *x < 5.0 { x.cos() } else { f64::NAN };
            Local { value, gradient: [-x.sin()], hessian: [[-x.cos()]] }
        };
        let minimum = minimise([0.01], wave).unwrap();
        assert!((minimum.point.iter().sum::<f64>() - std::f64::consts::PI).abs() < 1e-4, "{minimum:?}");
    }

    #[test]
    fn what_has_no_minimum_is_said_to_run_away() {
        let falling = |[x]: &[f64; 1]| Local { value: (-x).exp(), gradient: [-(-x).exp()], hessian: [[(-x).exp()]] };
        assert!(matches!(minimise([0.0], falling), Err(Stray::RanAway([x])) if x > RANGE));
        let flat = |_: &[f64; 1]| Local { value: 0.0, gradient: [1.0], hessian: [[f64::NAN]] };
        assert!(matches!(minimise([0.0], flat), Err(Stray::NotConverged { steps: STEPS_MAX })));
    }

    #[test]
    fn rounding_near_the_minimum_does_not_stop_the_search() {
        // So large a constant that the gain of the last steps is lost in it.
        let raised = |[x]: &[f64; 1]| Local {
            value: 1e12 + 1e3 * (x.exp() - x),
            gradient: [1e3 * (x.exp() - 1.0)],
            hessian: [[1e3 * x.exp()]],
        };
        let minimum = minimise([2.0], raised).unwrap();
        assert!(minimum.point.iter().all(|x| x.abs() < 1e-6), "{minimum:?}");
    }
}
