//! The mathematics of the metrics, as functions over values; the only place of the workspace where floats are
//! allowed.
//!
//! Nothing here reads a clock, the environment, a random source, a file or the network. What is counted is counted in
//! integers and may be counted in parts: merged in any order, the same customers give the same bytes. Floats begin
//! where a model is fitted, over cells in a fixed order: the same counts give the same bits on the same platform (the
//! last bit of a logarithm is the platform's), so what is published is rounded first.
//!
//! Where to look: [`bg_nbd`] says how often customers will buy and whether they still do, [`gamma_gamma`] what they
//! spend, [`lifetime_value`] puts the two together and [`calibration`] holds them against what happened; [`rollup`]
//! counts the accounts of a night, [`night`] reduces what was counted, and [`report`] renders what was kept of it.

pub mod bg_nbd;
mod bucket;
pub mod calibration;
pub mod distribution;
pub mod fit;
mod gamma;
pub mod gamma_gamma;
pub mod histogram;
pub mod history;
pub mod lifetime_value;
mod newton;
pub mod night;
pub mod nps;
pub mod rate;
pub mod report;
pub mod rollup;
pub mod spend;
