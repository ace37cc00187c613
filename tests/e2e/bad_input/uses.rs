//! What an order says of what it uses: a reservation, points, and what of its lines' discounts these are.

use super::{Row, order};
use serde_json::json;

const RESERVATION: &[&str] = &["$.reservation_id"];
const POINTS: &[&str] = &["$.points"];

pub fn rows() -> Vec<Row> {
    vec![
        order("reservation id empty", |o| o["reservation_id"] = json!(""), RESERVATION),
        order("reservation id of 15", |o| o["reservation_id"] = json!("0123456789abcde"), RESERVATION),
        order("reservation id of 17", |o| o["reservation_id"] = json!("0123456789abcdef0"), RESERVATION),
        order("reservation id in capitals", |o| o["reservation_id"] = json!("0123456789ABCDEF"), RESERVATION),
        order("reservation id with a sign", |o| o["reservation_id"] = json!("+123456789abcdef"), RESERVATION),
        order("reservation id a number", |o| o["reservation_id"] = json!(1_234_567_890_123_456_u64), RESERVATION),
        order("points negative", |o| o["points"] = json!(-1), POINTS),
        order("points beyond any", |o| o["points"] = json!(1_000_000_000_001_u64), POINTS),
        order("points fractional", |o| o["points"] = json!(10.5), POINTS),
        order("points a text", |o| o["points"] = json!("10"), POINTS),
        order("points of a cart", |o| o["points"] = json!("max"), POINTS),
        order(
            "discounts of the program and points above the line's discount",
            |o| {
                o["lines"][0]["discount"] = json!("5.00");
                o["lines"][0]["program_discount"] = json!("2.50");
                o["lines"][0]["paid_with_points"] = json!("2.51");
                o["lines"][1]["paid_with_points"] = json!("0.01");
            },
            &["$.lines[0].discount", "$.lines[1].discount"],
        ),
        order(
            "discounts of the program and points that are no amounts",
            |o| {
                o["lines"][0]["program_discount"] = json!("-0.01");
                o["lines"][0]["paid_with_points"] = json!("0.001");
                o["lines"][1]["program_discount"] = json!(0.5);
                o["lines"][1]["paid_with_points"] = json!("");
            },
            &[
                "$.lines[0].program_discount",
                "$.lines[0].paid_with_points",
                "$.lines[1].program_discount",
                "$.lines[1].paid_with_points",
            ],
        ),
        order(
            "a total with what is paid with points beyond 64 bits",
            |o| {
                o["lines"][1]["amount"] = json!("92233720368547758.07");
                o["lines"][1]["discount"] = json!("92233720368547758.07");
                o["lines"][1]["paid_with_points"] = json!("92233720368547758.07");
            },
            &["$.lines"],
        ),
    ]
}
