//! A network that breaks after a while.

use super::Network;

impl Network {
    /// The next transactions never arrive.
    pub fn lose_requests(&self, count: u32) {
        self.lose_requests_after(0, count);
    }

    /// So many transactions pass, and those after them never arrive.
    pub fn lose_requests_after(&self, passing: u32, count: u32) {
        let mut state = self.state();
        (state.passing, state.lost_requests) = (passing, count);
    }
}
