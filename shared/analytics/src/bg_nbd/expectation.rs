//! How many purchases to expect of a customer who is alive.
//!
//! With the rate λ gamma distributed (ρ, β) and the probability p to leave beta distributed (a, b), the expectation
//! over a time t is that of `(1 − e^(−λpt)) / p`. The paper writes it with Gauss's ₂F₁, which has a removable pole at
//! a = 1 and loses digits beside it. Two other forms of the same have neither, and all their terms are above zero:
//!
//! - over the number `N` of purchases that an immortal customer would make (negative binomial, with τ = t/β and
//!   success probability τ/(1+τ)): `Σ_j P(N > j) · E[(1−p)^j]`. Fast while N is not in the thousands;
//! - over p: `E[(1 − (1 + pτ)^(−ρ)) / p]`, by the trapezoidal rule in the logit of p. There the integrand is analytic
//!   within a strip about the axis, so the error falls with the square at each halving of the step.

/// What the expectation depends on: the rate is gamma distributed (`rho`, `beta`), leaving is beta distributed (`a`,
/// `b`; nobody leaves where `a` is 0).
#[derive(Debug, Clone, Copy)]
pub(super) struct Purchases {
    pub rho: f64,
    pub beta: f64,
    pub a: f64,
    pub b: f64,
}

/// Terms that the series may take; about as long as the integral takes.
const TERMS_MAX: f64 = 2_000.0;

/// Units of time that one may look ahead.
pub(super) const TIME_MAX: f64 = 1e9;

impl Purchases {
    /// Within `time`; below zero it counts as zero, beyond [`TIME_MAX`] as that. Relative error at most 1e-9.
    pub(super) fn within(&self, time: f64) -> f64 {
        // Not a number counts as zero, too.
        let tau = if time > 0.0 { time.min(TIME_MAX) / self.beta } else { 0.0 };
        if self.a == 0.0 {
            // Nobody leaves: the mean rate, all the time.
            return self.rho * tau;
        }
        // Where N starts from must not underflow, and its tail falls by τ/(1+τ) each term.
        let short = self.rho * tau.ln_1p() < 600.0 && (1.0 + tau) * (self.rho + 35.0) < TERMS_MAX;
        if short { self.by_series(tau) } else { self.by_integral(tau) }
    }

    pub(super) fn by_series(&self, tau: f64) -> f64 {
        let success = tau / (1.0 + tau);
        let none = -self.rho * tau.ln_1p();
        // P(N = j), P(N > j), E[(1−p)^j] at j = 0.
        let (mut mass, mut beyond, mut kept) = (none.exp(), -none.exp_m1(), 1.0);
        let mut sum = beyond;
        let mut j = 0.0;
        while j < 10.0 * TERMS_MAX {
            let ratio = success * (self.rho + j) / (j + 1.0);
            mass *= ratio;
            beyond -= mass;
            kept *= (self.b + j) / (self.a + self.b + j);
            let term = kept * beyond;
            sum += term.max(0.0);
            // From here on the terms fall at least as fast as a geometric series.
            let falling = ratio.max(success);
            if falling < 1.0 && term * falling <= 1e-12 * (1.0 - falling) * sum {
                break;
            }
            j += 1.0;
        }
        sum
    }

    pub(super) fn by_integral(&self, tau: f64) -> f64 {
        let centre = (self.a / self.b).ln();
        // The density is as narrow as its standard deviation in the logit.
        let mut step = 0.5 * (1.0 / self.a + 1.0 / self.b).sqrt().min(1.0);
        let mut sums = self.trapezoids(tau, centre, step);
        let mut coarse = sums.quotient();
        for _ in 0..8 {
            sums.add(&self.trapezoids(tau, centre + 0.5 * step, step));
            step *= 0.5;
            let fine = sums.quotient();
            // The error of `fine` is about the square of this.
            if (fine - coarse).abs() <= 1e-7 * fine {
                return fine;
            }
            coarse = fine;
        }
        coarse
    }

    /// The integrand and the density, summed at `origin + k·step`. What lies far out on either side is a geometric
    /// series and summed as one, so that no parameter, however small, makes this long.
    fn trapezoids(&self, tau: f64, origin: f64, step: f64) -> Integral {
        let mut sums = Integral { value: 0.0, weight: 0.0 };
        let centre = (self.a / self.b).ln();
        let peak = self.log_density(centre);
        let at = |logit: f64| {
            let weight = (self.log_density(logit) - peak).exp();
            Integral { value: weight * self.given(1.0 / (1.0 + (-logit).exp()), tau), weight }
        };
        // To the right, once p is 1 to within rounding, all the rest is (1−p)^b.
        let flat = 1e-11 / self.a.max(1.0);
        let mut logit = origin;
        loop {
            let node = at(logit);
            sums.add(&node);
            if (-logit).exp() < flat {
                sums.add(&node.series(self.b * step));
                break;
            }
            // Right of the peak the density falls ever faster, and the integrand with it.
            if logit > centre && node.weight <= 1e-18 * sums.weight {
                break;
            }
            logit += step;
        }
        // To the left, once p is too small to matter, all the rest is p^a.
        let flat = 1e-11 / (1.0 + tau * (1.0 + self.rho)).max(self.b);
        logit = origin - step;
        loop {
            let node = at(logit);
            sums.add(&node);
            if logit.exp() < flat {
                sums.add(&node.series(self.a * step));
                break;
            }
            // The integrand is at most ρτ times the density.
            let rest = node.weight * (1.0 + self.rho * tau);
            if logit < centre && rest <= 1e-18 * sums.value && rest <= 1e-18 * sums.weight {
                break;
            }
            logit -= step;
        }
        sums
    }

    /// Of `p^a (1−p)^b`, at the logit of p.
    fn log_density(&self, logit: f64) -> f64 {
        let small = (-logit.abs()).exp().ln_1p();
        let (ln_p, ln_q) = if logit > 0.0 { (-small, -logit - small) } else { (logit - small, -small) };
        self.a * ln_p + self.b * ln_q
    }

    /// Purchases where p is known: `(1 − (1 + pτ)^(−ρ)) / p`.
    fn given(&self, p: f64, tau: f64) -> f64 {
        -(-self.rho * (p * tau).ln_1p()).exp_m1() / p
    }
}

/// An integral and that of its weight.
struct Integral {
    value: f64,
    weight: f64,
}

impl Integral {
    fn add(&mut self, other: &Self) {
        self.value += other.value;
        self.weight += other.weight;
    }

    /// All that follows on this one where each is `e^(−decay)` of the one before.
    fn series(&self, decay: f64) -> Self {
        let factor = (-decay).exp() / -(-decay).exp_m1();
        Self { value: self.value * factor, weight: self.weight * factor }
    }

    fn quotient(&self) -> f64 {
        self.value / self.weight
    }
}
