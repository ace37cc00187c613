//! Which lines of an order a rule counts.

use super::choice::{self, Choice};
use crate::document::{self, Faults, Object, Path};
use crate::id::Sku;
use crate::order::{LABEL_CHARS_MAX, OrderLine, QUANTITY_MAX};
use crate::schema::{self, Schema};
use serde_json::Value;

#[cfg(test)]
std::thread_local! {
    static LOOKED_THROUGH: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How often a filter was looked through for a line, in this thread.
#[cfg(test)]
pub(crate) fn looked_through() -> u64 {
    LOOKED_THROUGH.get()
}

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

    /// Which lines count, after "lines with"; `None`: all do.
    pub fn in_words(&self) -> Option<String> {
        let Self { skus, categories, brands, tags, minimum_quantity } = self;
        let stated = |what: &str, words: String| (!words.is_empty()).then(|| format!("{what} {words}"));
        let units = (*minimum_quantity > 1).then(|| format!("{minimum_quantity} units or more"));
        let terms = [
            stated("SKU", skus.in_words()),
            stated("category", categories.in_words()),
            stated("brand", brands.in_words()),
            stated("tag", tags.in_words()),
            units,
        ];
        let terms: Vec<_> = terms.into_iter().flatten().collect();
        (!terms.is_empty()).then(|| terms.join(" and "))
    }

    /// Whether no line counts for both, as far as they name what was bought.
    pub(crate) fn is_apart_from(&self, other: &Self) -> bool {
        self.skus.is_apart_from(&other.skus)
            || self.categories.is_apart_from(&other.categories)
            || self.brands.is_apart_from(&other.brands)
            || self.tags.is_apart_from_any(&other.tags)
    }

    /// Whether so many units of a line are enough for it to count.
    pub(super) fn admits_units(&self, units: u64) -> bool {
        units >= self.minimum_quantity
    }

    /// Whether what a line is of counts.
    pub(super) fn admits_product(&self, line: &OrderLine) -> bool {
        #[cfg(test)]
        LOOKED_THROUGH.set(LOOKED_THROUGH.get().saturating_add(1));
        self.skus.admits(Some(&line.sku))
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

    /// What the document's `lines` may say.
    pub(crate) fn schema() -> Schema {
        let labels = || choice::schema(&schema::label(LABEL_CHARS_MAX));
        schema::object("Lines")
            .optional("skus", choice::schema(&schema::sku()), "By what was bought.")
            .optional("categories", labels(), "By the shop's category.")
            .optional("brands", labels(), "By brand.")
            .optional("tags", labels(), "By label: one that is included is enough, and so is one that is excluded.")
            .optional("minimum_quantity", schema::whole(1..=QUANTITY_MAX), "From so many units of the line on.")
    }
}
