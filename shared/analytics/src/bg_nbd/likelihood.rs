//! The likelihood of many histories, with its slope and curvature in the logarithms of the parameters.
//!
//! For one customer (equation 6 of Fader, Hardie & Lee 2005, rearranged as in their note on its computation):
//!
//! ```text
//! ln L = ln Γ(r+x)/Γ(r) + r ln α + ln Γ(b+x)/Γ(b) − ln Γ(a+b+x)/Γ(a+b) + ln(e^l₀ + e^l₁)
//! l₀ = −(r+x) ln(α+T)                              still alive
//! l₁ = ln a − ln(b+x−1) − (r+x) ln(α+t_x)          left with the last purchase; only where x > 0
//! ```
//!
//! With `x` a whole number, the ratios of gamma functions are products of `x` factors: exact to rounding however
//! large the parameters are, and each frequency's follows from the one before.

use crate::histogram::Histogram;
use crate::history::History;
use crate::newton::Local;
use std::num::NonZeroU32;

/// The histories by frequency, times in units.
pub(super) struct Likelihood {
    groups: Vec<Group>,
}

/// All with one frequency.
struct Group {
    frequency: u32,
    customers: f64,
    cells: Vec<Cell>,
}

struct Cell {
    age: f64,
    recency: f64,
    customers: f64,
}

/// `ln ((c)(c+1)…(c+x−1))` and its first two derivatives by `c`.
#[derive(Clone, Copy, Default)]
struct Rising {
    ln: f64,
    first: f64,
    second: f64,
}

impl Rising {
    /// Takes in one more factor.
    fn extend(&mut self, factor: f64) {
        self.ln += factor.ln();
        self.first += 1.0 / factor;
        self.second -= 1.0 / (factor * factor);
    }
}

/// The three products for the frequencies so far.
#[derive(Clone, Copy, Default)]
struct Products {
    frequency: u32,
    r: Rising,
    b: Rising,
    both: Rising,
}

impl Products {
    fn extend_to(&mut self, frequency: u32, [r, _, a, b]: &[f64; 4]) {
        for factor in (self.frequency..frequency).map(f64::from) {
            self.r.extend(r + factor);
            self.b.extend(b + factor);
            self.both.extend(a + b + factor);
        }
        self.frequency = frequency;
    }
}

/// Sums over the cells of one frequency. `left` is the probability of having left, `alive` its complement; `u` is
/// `1/(α+T)`, `v` is `1/(α+t_x)`; `silence` is `ln (α+T)/(α+t_x)`; `closing` is `(r+x)(u−v)`.
#[derive(Default)]
struct Sums {
    ln: f64,
    /// `alive · ln(α+T) + left · ln(α+t_x)`.
    log_time: f64,
    /// `alive · u + left · v`.
    inverse: f64,
    /// `alive · u² + left · v²`.
    inverse_square: f64,
    left: f64,
    /// `alive · left`, alone and with products of `silence` and `closing`.
    doubt: f64,
    doubt_silence: f64,
    doubt_closing: f64,
    doubt_silence_square: f64,
    doubt_silence_closing: f64,
    doubt_closing_square: f64,
}

impl Sums {
    /// Of those that bought once only: they cannot have left.
    fn of_single(cells: &[Cell], [r, alpha, ..]: &[f64; 4]) -> Self {
        let mut sums = Self::default();
        for cell in cells {
            let time = alpha + cell.age;
            sums.ln -= cell.customers * r * time.ln();
            sums.log_time += cell.customers * time.ln();
            sums.inverse += cell.customers / time;
            sums.inverse_square += cell.customers / (time * time);
        }
        sums
    }

    fn of_repeated(cells: &[Cell], x: f64, [r, alpha, a, b]: &[f64; 4]) -> Self {
        let mut sums = Self::default();
        let odds = a.ln() - (b + x - 1.0).ln();
        let rho = r + x;
        for cell in cells {
            let (time, last) = (alpha + cell.age, alpha + cell.recency);
            let (u, v) = (1.0 / time, 1.0 / last);
            let log_time = time.ln();
            let silence = (time * v).ln();
            // l₁ − l₀, and from it ln(e^l₀ + e^l₁) = l₀ + ln(1 + e^(l₁−l₀)) without overflow.
            let excess = odds + rho * silence;
            let small = (-excess.abs()).exp();
            let (left, alive) = if excess > 0.0 {
                (1.0 / (1.0 + small), small / (1.0 + small))
            } else {
                (small / (1.0 + small), 1.0 / (1.0 + small))
            };
            let weight = cell.customers;
            sums.ln += weight * (excess.max(0.0) + small.ln_1p() - rho * log_time);
            sums.log_time += weight * (log_time - left * silence);
            sums.inverse += weight * (alive * u + left * v);
            sums.inverse_square += weight * (alive * u * u + left * v * v);
            sums.left += weight * left;
            let doubt = weight * alive * left;
            let closing = rho * (u - v);
            sums.doubt += doubt;
            sums.doubt_silence += doubt * silence;
            sums.doubt_closing += doubt * closing;
            sums.doubt_silence_square += doubt * silence * silence;
            sums.doubt_silence_closing += doubt * silence * closing;
            sums.doubt_closing_square += doubt * closing * closing;
        }
        sums
    }
}

/// The log-likelihood with its derivatives by the parameters themselves, the lower triangle of the curvature only.
#[derive(Default)]
struct Total {
    ln: f64,
    slope: [f64; 4],
    curvature: [[f64; 4]; 4],
}

impl Total {
    fn add(&mut self, group: &Group, products: &Products, parameters: &[f64; 4]) {
        let [r, alpha, a, b] = *parameters;
        let x = f64::from(group.frequency);
        let sums = if group.frequency == 0 {
            Sums::of_single(&group.cells, parameters)
        } else {
            Sums::of_repeated(&group.cells, x, parameters)
        };
        let (n, rho) = (group.customers, r + x);
        // 1/(b+x−1) stands for a term that is not there where x = 0.
        let rest = if group.frequency == 0 { 0.0 } else { 1.0 / (b + x - 1.0) };
        let both = products.both;
        self.ln += n * (products.r.ln + r * alpha.ln() + products.b.ln - both.ln) + sums.ln;
        let [s_r, s_alpha, s_a, s_b] = &mut self.slope;
        *s_r += n * (products.r.first + alpha.ln()) - sums.log_time;
        *s_alpha += n * r / alpha - rho * sums.inverse;
        *s_a += sums.left / a - n * both.first;
        *s_b += n * (products.b.first - both.first) - sums.left * rest;
        let [[rr, ..], [ar, aa, ..], [cr, ca, cc, _], [dr, da, dc, dd]] = &mut self.curvature;
        *rr += n * products.r.second + sums.doubt_silence_square;
        *ar += n / alpha - sums.inverse + sums.doubt_silence_closing;
        *aa += rho * sums.inverse_square - n * r / (alpha * alpha) + sums.doubt_closing_square;
        *cr += sums.doubt_silence / a;
        *ca += sums.doubt_closing / a;
        *cc += (sums.doubt - sums.left) / (a * a) - n * both.second;
        *dr -= sums.doubt_silence * rest;
        *da -= sums.doubt_closing * rest;
        *dc -= sums.doubt * rest / a + n * both.second;
        *dd += n * (products.b.second - both.second) + (sums.doubt + sums.left) * rest * rest;
    }
}

impl Likelihood {
    /// The histories, grouped; a unit of time is `ticks_per_unit` ticks.
    pub(super) fn new(histories: &Histogram<History>, ticks_per_unit: NonZeroU32) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let unit = f64::from(ticks_per_unit.get());
        for (history, customers) in histories.iter() {
            // Exact up to 2^53 customers.
            let customers = customers as f64;
            let cell =
                Cell { age: f64::from(history.age()) / unit, recency: f64::from(history.recency()) / unit, customers };
            match groups.last_mut().filter(|group| group.frequency == history.frequency()) {
                Some(group) => {
                    group.customers += customers;
                    group.cells.push(cell);
                }
                None => groups.push(Group { frequency: history.frequency(), customers, cells: vec![cell] }),
            }
        }
        Self { groups }
    }

    /// Repeat purchases per unit of time over all customers; 1 where there are none or no time has passed.
    pub(super) fn mean_rate(&self) -> f64 {
        let purchases: f64 = self.groups.iter().map(|group| f64::from(group.frequency) * group.customers).sum();
        let cells = self.groups.iter().flat_map(|group| &group.cells);
        let time: f64 = cells.map(|cell| cell.age * cell.customers).sum();
        if purchases > 0.0 && time > 0.0 { purchases / time } else { 1.0 }
    }

    /// The negative log-likelihood at the logarithms of `[r, α, a, b]`.
    pub(super) fn negative(&self, logs: &[f64; 4]) -> Local<4> {
        let parameters = logs.map(f64::exp);
        let mut products = Products::default();
        let mut total = Total::default();
        for group in &self.groups {
            products.extend_to(group.frequency, &parameters);
            total.add(group, &products, &parameters);
        }
        Local::of_logs(&parameters, total.ln, &total.slope, &total.curvature)
    }

    /// The same where nobody leaves, at the logarithms of `[r, α]`.
    pub(super) fn negative_without_leaving(&self, [r, alpha]: &[f64; 2]) -> Local<2> {
        let whole = self.negative(&[*r, *alpha, f64::NEG_INFINITY, 0.0]);
        // What is by `a` is not a number there, the rest is.
        let ([by_r, by_alpha, ..], [[rr, ra, ..], [ar, aa, ..], ..]) = (whole.gradient, whole.hessian);
        Local { value: whole.value, gradient: [by_r, by_alpha], hessian: [[rr, ra], [ar, aa]] }
    }
}
