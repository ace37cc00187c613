//! What would be eligible besides money, and that no order of the program has.

use super::{Sections, warnings};
use crate::document::{Faults, Path};

/// Notes points that pay for nothing, and discounts of which there are none.
pub(super) fn check(sections: &Sections<'_>, faults: &mut Faults) {
    let section = Path::Key(&Path::Root, "eligibility");
    let path = Path::Key(&section, "paid_with");
    if sections.paid_with.points && !sections.states_exchange {
        let message = "names points; without points.exchange they pay for nothing";
        faults.add(&path, "never_fires", message);
    }
    if sections.paid_with.discounts && has_discounts(sections) == Some(false) {
        faults.add(&path, "never_fires", "names discounts; the program has none");
    }
}

/// Whether the program gives anybody a discount; `None`: not all of it could be read.
fn has_discounts(sections: &Sections<'_>) -> Option<bool> {
    let of_tiers = sections.levels?.iter().any(|tier| tier.discount.is_some());
    Some(of_tiers || !warnings::validities(sections)?.is_empty())
}
