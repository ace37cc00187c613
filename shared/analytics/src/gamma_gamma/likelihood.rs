//! The likelihood of many buyers' mean spend, with its slope and curvature in the logarithms of the parameters.
//!
//! For one buyer with `x` purchases of the mean `z` (equation 1a of Fader & Hardie 2013, in logarithms):
//!
//! ```text
//! ln L = ln Γ(px+q) − ln Γ(px) − ln Γ(q) + q ln γ + px ln(xz) − (px+q) ln(γ+xz) − ln z
//! ```
//!
//! Spend is measured in the mean of all, so that the search starts near wherever the currency's minor unit lies.

use crate::gamma::{digamma, ln_gamma, trigamma};
use crate::newton::Local;
use crate::spend::Spend;

/// The buyers by frequency.
pub(super) struct Likelihood {
    groups: Vec<Group>,
    scale: f64,
    buyers: f64,
}

/// All with one frequency.
struct Group {
    frequency: f64,
    buyers: f64,
    cells: Vec<Cell>,
}

/// Buyers and the sum each of them spent, `xz`, in units of the mean spend; its logarithm and that of the mean.
struct Cell {
    buyers: f64,
    sum: f64,
    ln_sum: f64,
    ln_mean: f64,
}

/// The gamma function's logarithm and derivatives at one place.
struct Gamma {
    ln: f64,
    first: f64,
    second: f64,
}

impl Gamma {
    fn at(x: f64) -> Self {
        Self { ln: ln_gamma(x), first: digamma(x), second: trigamma(x) }
    }
}

/// The log-likelihood with its derivatives by the parameters themselves, the lower triangle of the curvature only.
#[derive(Default)]
struct Total {
    ln: f64,
    slope: [f64; 3],
    curvature: [[f64; 3]; 3],
}

impl Total {
    fn add(&mut self, group: &Group, [p, q, gamma]: &[f64; 3], of_q: &Gamma) {
        let (x, n) = (group.frequency, group.buyers);
        let shape = p * x + q;
        let (of_shape, of_px) = (Gamma::at(shape), Gamma::at(p * x));
        // Over the buyers: ln(xz) − ln(γ+xz), ln(γ+xz), 1/(γ+xz) and its square.
        let (mut share, mut ln, mut inverse, mut square) = (0.0, 0.0, 0.0, 0.0);
        for cell in &group.cells {
            let rate = gamma + cell.sum;
            let ln_rate = rate.ln();
            share += cell.buyers * (cell.ln_sum - ln_rate);
            ln += cell.buyers * ln_rate;
            inverse += cell.buyers / rate;
            square += cell.buyers / (rate * rate);
            self.ln -= cell.buyers * cell.ln_mean;
        }
        self.ln += n * (of_shape.ln - of_px.ln - of_q.ln + q * gamma.ln()) + p * x * share - q * ln;
        let [s_p, s_q, s_gamma] = &mut self.slope;
        *s_p += x * (n * (of_shape.first - of_px.first) + share);
        *s_q += n * (of_shape.first - of_q.first + gamma.ln()) - ln;
        *s_gamma += n * q / gamma - shape * inverse;
        let [[pp, ..], [qp, qq, _], [gp, gq, gg]] = &mut self.curvature;
        *pp += n * x * x * (of_shape.second - of_px.second);
        *qp += n * x * of_shape.second;
        *qq += n * (of_shape.second - of_q.second);
        *gp -= x * inverse;
        *gq += n / gamma - inverse;
        *gg += shape * square - n * q / (gamma * gamma);
    }
}

impl Likelihood {
    /// The buyers, grouped.
    pub(super) fn new(spend: &Spend) -> Self {
        let buyers: f64 = spend.means().map(|(_, _, buyers)| buyers).sum();
        let mean = spend.means().map(|(_, mean, buyers)| mean * buyers).sum::<f64>() / buyers;
        let scale = if mean.is_finite() { mean } else { 1.0 };
        let mut groups: Vec<Group> = Vec::new();
        for (frequency, mean, buyers) in spend.means() {
            let frequency = f64::from(frequency);
            let mean = mean / scale;
            let sum = mean * frequency;
            let cell = Cell { buyers, sum, ln_sum: sum.ln(), ln_mean: mean.ln() };
            // Frequencies are whole numbers in rising order.
            match groups.last_mut().filter(|group| frequency <= group.frequency) {
                Some(group) => {
                    group.buyers += buyers;
                    group.cells.push(cell);
                }
                None => groups.push(Group { frequency, buyers, cells: vec![cell] }),
            }
        }
        Self { groups, scale, buyers }
    }

    /// The mean spend per purchase over the buyers, in minor units; 1 without any.
    pub(super) const fn scale(&self) -> f64 {
        self.scale
    }

    /// A log-likelihood per mean spend as one per minor unit.
    pub(super) fn in_minor_units(&self, ln: f64) -> f64 {
        ln - self.buyers * self.scale.ln()
    }

    /// The negative log-likelihood at the logarithms of `[p, q, γ]`, in units of the mean spend.
    pub(super) fn negative(&self, logs: &[f64; 3]) -> Local<3> {
        let parameters = logs.map(f64::exp);
        let [_, q, _] = parameters;
        let of_q = Gamma::at(q);
        let mut total = Total::default();
        self.groups.iter().for_each(|group| total.add(group, &parameters, &of_q));
        Local::of_logs(&parameters, total.ln, &total.slope, &total.curvature)
    }
}
