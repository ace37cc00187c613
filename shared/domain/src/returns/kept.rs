//! Units of an order that are kept, return by return.

use super::{ReturnKey, Returned};
use crate::id::LineId;
use crate::order::Order;
use std::collections::BTreeMap;

/// Units of each line of an order that are kept, as its returns come one after the other.
pub(super) struct KeptUnits<'a> {
    places: BTreeMap<&'a LineId, usize>,
    /// How many, as the lines stand.
    pub units: Vec<u64>,
}

impl<'a> KeptUnits<'a> {
    /// All of them.
    pub fn of(order: &'a Order) -> Self {
        let places = order.lines.iter().enumerate().map(|(place, line)| (&line.line_id, place)).collect();
        Self { places, units: order.lines.iter().map(|line| line.quantity).collect() }
    }

    /// Less what came back once more.
    pub fn less(&mut self, returned: &Returned) {
        if returned.key == ReturnKey::Cancellation {
            self.units.fill(0);
        }
        for (line_id, back) in &returned.lines {
            if let Some(units) = self.places.get(line_id).and_then(|place| self.units.get_mut(*place)) {
                *units = units.saturating_sub(*back);
            }
        }
    }
}
