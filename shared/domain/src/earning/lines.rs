//! Which lines of an order a rule counts.

use super::basket::Item;
use super::choice::Choice;
use crate::document::{self, Faults, Object, Path};
use crate::id::Sku;
use crate::order::{LABEL_CHARS_MAX, QUANTITY_MAX};
use serde_json::Value;

/// Which eligible lines count: those that all of this admits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// By what was bought.
    pub skus: Choice<Sku>,
    /// By the shop's category.
    pub categories: Choice<String>,
    /// By brand.
    pub brands: Choice<String>,
    /// By label.
    pub tags: Choice<String>,
    /// From so many units of the line on.
    pub minimum_quantity: u64,
}

impl LineFilter {
    /// Whether every eligible line counts.
    pub fn is_all(&self) -> bool {
        self.is_any_product() && self.minimum_quantity <= 1
    }

    fn is_any_product(&self) -> bool {
        let Self { skus, categories, brands, tags, .. } = self;
        skus.is_all() && categories.is_all() && brands.is_all() && tags.is_all()
    }

    /// Whether a line counts.
    pub(super) fn admits(&self, item: &Item<'_>) -> bool {
        // Shipping is of no product: only what counts every line counts it.
        let Some(line) = item.line else { return self.is_all() };
        item.units >= self.minimum_quantity
            && self.skus.admits(Some(&line.sku))
            && self.categories.admits(line.category.as_deref())
            && self.brands.admits(line.brand.as_deref())
            && self.tags.admits_any(&line.tags)
    }

    /// Reads the document's `lines`.
    pub(crate) fn read(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Self> {
        let known = ["skus", "categories", "brands", "tags", "minimum_quantity"];
        let lines = Object::open(value, path, &known, faults)?;
        let label = || document::label(LABEL_CHARS_MAX);
        let skus = lines.nested("skus", faults, |v, p, f| Choice::read(v, p, f, document::id(Sku::parse)));
        let categories = lines.nested("categories", faults, |v, p, f| Choice::read(v, p, f, label()));
        let brands = lines.nested("brands", faults, |v, p, f| Choice::read(v, p, f, label()));
        let tags = lines.nested("tags", faults, |v, p, f| Choice::read(v, p, f, label()));
        let minimum_quantity = lines.optional("minimum_quantity", faults, document::whole(1..=QUANTITY_MAX));
        Some(Self {
            skus: skus.unwrap_or_default(),
            categories: categories.unwrap_or_default(),
            brands: brands.unwrap_or_default(),
            tags: tags.unwrap_or_default(),
            minimum_quantity: minimum_quantity.unwrap_or(0),
        })
    }
}
