//! What every fit of a model answers, and how it may fail.

/// Repeat buyers that a fit needs at least. A rule of thumb: from fewer, four parameters are not told from chance.
pub const REPEAT_BUYERS_MIN: u64 = 50;

/// A model with the parameters under which the observations are the likeliest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit<M> {
    /// The model.
    pub model: M,
    /// The natural logarithm of the observations' likelihood under it.
    pub log_likelihood: f64,
    /// Customers it was fitted on.
    pub customers: u64,
    /// Steps of the search.
    pub steps: u32,
}

/// Why there is no model. The metric says so, and stands on history alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Fewer repeat buyers than [`REPEAT_BUYERS_MIN`].
    #[error("{found} repeat buyers are fewer than the {REPEAT_BUYERS_MIN} that a fit needs")]
    TooFewRepeatBuyers {
        /// How many there are.
        found: u64,
    },
    /// The history is the likelier the less customers leave: there is no sign that anyone did, as in the first months
    /// of a program. A probability alive would be 1 for everyone.
    #[error("the history shows nobody who left for good")]
    NobodyLeaves,
    /// The likelihood keeps rising as a parameter goes to zero or beyond all bounds: the history is another limit of
    /// the model, such as one where all spend the same.
    #[error("the likelihood has no maximum: the history is a limit case of the model")]
    RanAway,
    /// The search used up its steps.
    #[error("no maximum of the likelihood was found in {steps} steps")]
    NotConverged {
        /// How many it had.
        steps: u32,
    },
}

/// A parameter that is not a number above zero, or one outside `1e-12..=1e12`.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is no parameter: it must lie within 1e-12 and 1e12")]
pub struct ParameterError(pub f64);

/// The parameters, if each lies within `1e-12..=1e12`.
pub(crate) fn checked<const N: usize>(parameters: [f64; N]) -> Result<[f64; N], ParameterError> {
    let fits = |parameter: &f64| (1e-12..=1e12).contains(parameter);
    parameters.iter().find(|parameter| !fits(parameter)).map_or(Ok(parameters), |bad| Err(ParameterError(*bad)))
}
