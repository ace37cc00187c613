//! The quantity price tables of the program document.

use super::Ladder;
use super::read::{self, label, percent};
use crate::audience::{self, Audience, each_once};
use crate::document::{self, Faults, Object, Path};
use crate::id::{RuleId, Sku};
use crate::money::UnitPrice;
use crate::order::{LABEL_CHARS_MAX, QUANTITY_MAX};
use crate::prices::{Goods, PriceTable, Step, StepPrice};
use crate::schema::{self, Schema};
use serde_json::{Value, json};

/// Most tables of a program.
pub(super) const PRICE_TABLES_MAX: usize = 200;
/// Most SKUs or categories of a table.
const GOODS_MAX: usize = 1_000;
/// Most steps of a table.
const STEPS_MAX: usize = 20;

pub(super) fn price_table(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<PriceTable> {
    let known = ["id", "name", "skus", "categories", "tiers", "segments", "steps"];
    let table = Object::open(value, path, &known, faults)?;
    let id = table.required("id", faults, document::id(RuleId::parse));
    let name = table.required("name", faults, label());
    let goods = goods(&table, faults);
    let audience = Audience::read(&table, faults);
    if !table.has("steps") {
        faults.add(&table.at("steps"), "missing", "is required");
    }
    let mut before = None;
    let steps = table.list("steps", 1..=STEPS_MAX, faults, |value, path, faults| {
        let step = step(value, path, faults)?;
        if let Some(before) = before.replace(step) {
            check_order(&before, &step, path, faults);
        }
        Some(step)
    });
    Some(PriceTable { id: id?, name: name?, goods: goods?, audience, steps: steps? })
}

fn goods(table: &Object<'_>, faults: &mut Faults) -> Option<Goods> {
    match (table.has("skus"), table.has("categories")) {
        (true, true) => {
            faults.add(&table.at("categories"), "conflict", "give skus or categories, not both");
            None
        }
        (false, false) => {
            faults.add(&table.at("skus"), "missing", "either skus or categories is required");
            None
        }
        (true, false) => {
            let skus = each_once(table, "skus", GOODS_MAX, faults, document::id(Sku::parse));
            Some(Goods::Skus(skus.into_iter().collect()))
        }
        (false, true) => {
            let categories = each_once(table, "categories", GOODS_MAX, faults, document::label(LABEL_CHARS_MAX));
            Some(Goods::Categories(categories.into_iter().collect()))
        }
    }
}

fn step(value: &Value, path: &Path<'_>, faults: &mut Faults) -> Option<Step> {
    let step = Object::open(value, path, &["from", "unit_price", "percent"], faults)?;
    let from = step.required("from", faults, document::whole(1..=QUANTITY_MAX));
    let price = match (step.has("unit_price"), step.has("percent")) {
        (true, true) => {
            faults.add(&step.at("percent"), "conflict", "give unit_price or percent, not both");
            None
        }
        (false, false) => {
            faults.add(&step.at("unit_price"), "missing", "either unit_price or percent is required");
            None
        }
        (true, false) => {
            let price = step.optional("unit_price", faults, document::decimal(UnitPrice::DECIMALS_MAX, 1));
            price.map(|price| StepPrice::Unit(UnitPrice(price)))
        }
        (false, true) => step.optional("percent", faults, percent).map(StepPrice::Off),
    };
    Some(Step { from: from?, price: price? })
}

/// Quantities ascend, and an item costs less with each step: one that costs as much does nothing, one that costs more
/// would fine whoever buys more.
fn check_order(before: &Step, step: &Step, path: &Path<'_>, faults: &mut Faults) {
    if step.from <= before.from {
        faults.add(&Path::Key(path, "from"), "out_of_order", "must be more than that of the step before it");
    }
    match (before.price, step.price) {
        (StepPrice::Unit(before), StepPrice::Unit(price)) if price >= before => {
            let message = "must be less than the price of the step before it";
            faults.add(&Path::Key(path, "unit_price"), "out_of_order", message);
        }
        (StepPrice::Off(before), StepPrice::Off(percent)) if percent <= before => {
            let message = "must be more than that of the step before it";
            faults.add(&Path::Key(path, "percent"), "out_of_order", message);
        }
        (StepPrice::Unit(_), StepPrice::Off(_)) | (StepPrice::Off(_), StepPrice::Unit(_)) => {
            let message = "all steps of a table state unit_price, or all percent: which is less depends on the item";
            faults.add(path, "conflict", message);
        }
        _ => {}
    }
}

/// Notes tables that contradict those before them, and those that are for nobody.
pub(super) fn sense(tables: &[PriceTable], levels: Option<&Ladder>, faults: &mut Faults) {
    let list = Path::Key(&Path::Root, "price_tables");
    for (index, table) in tables.iter().enumerate() {
        let path = Path::Index(&list, index);
        audience::check_tiers(&table.audience.tiers, &path, levels, faults);
        let before = tables.iter().take(index).find_map(|before| Some((before, before.contradicts(table)?)));
        if let Some((before, shared)) = before {
            let message = format!("prices {shared} for accounts for which {} does, which is as specific", before.id);
            faults.add(&path, "same_scope", message);
        }
    }
}

/// What the section may say.
pub(super) fn schema() -> Schema {
    let step = schema::object("Step")
        .required("from", schema::whole(1..=QUANTITY_MAX), "The smallest quantity of the step; quantities ascend.")
        .optional(
            "unit_price",
            schema::decimal(UnitPrice::DECIMALS_MAX, 1),
            "What an item costs; it falls with each step.",
        )
        .optional("percent", read::percent_schema(), "What is taken off the list price; it rises with each step.")
        .one_of_fields(&["unit_price", "percent"]);
    let table = schema::object("Price table")
        .required("id", schema::id(RuleId::parse), "Once in the list, and the same over versions.")
        .required("name", schema::label(read::NAME_CHARS_MAX), "For customers.")
        .optional("skus", schema::each_once(GOODS_MAX, schema::sku()), "What it prices, by SKU.")
        .optional(
            "categories",
            schema::each_once(GOODS_MAX, schema::label(LABEL_CHARS_MAX)),
            "What it prices, by category as orders name them.",
        )
        .one_of_fields(&["skus", "categories"])
        .required(
            "steps",
            schema::list(1..=STEPS_MAX, step),
            "From which quantity on an item costs how much. All state unit_price, or all percent.",
        );
    schema::list(0..=PRICE_TABLES_MAX, Audience::schema(table)).examples([json!([
        { "id": "crockery", "name": "Crockery by the case", "categories": ["crockery"],
          "steps": [{ "from": 24, "percent": "5" }, { "from": 96, "percent": "12.5" }] },
        { "id": "mugs-hotels", "name": "Mugs for hotels", "skus": ["MUG"], "tiers": ["gold"], "segments": ["hotels"],
          "steps": [{ "from": 1, "unit_price": "2.10" }, { "from": 48, "unit_price": "2.0375" }] },
    ])])
}

#[cfg(test)]
mod tests;
