//! Reservations, each in one small item under its own id.

use crate::corrupt::corrupt;
use crate::keys;
use crate::read::Consistency;
use crate::{Fault, Store, item};
use domain::id::ReservationId;
use domain::reservation::Reservation;

impl Store {
    /// A reservation. 0.5 read units, or 1 strong.
    pub async fn reservation(&self, id: ReservationId, consistency: Consistency) -> Result<Option<Reservation>, Fault> {
        let key = keys::reservation(id);
        let Some(found) = self.get(&self.tables.codes, key.clone(), consistency).await? else { return Ok(None) };
        item::json(&found).map(Some).map_err(|what| corrupt("codes", &key, what))
    }
}
