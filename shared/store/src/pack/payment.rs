//! The payment that an order keeps, packed.

use super::bytes::{Reader, Unpacked, Writer};
use domain::money::Points;
use domain::payment::{Payment, Stated};
use domain::time::Instant;

const IN_ORDER: u8 = 1;
const ALONE: u8 = 2;

/// Packs a payment, the last thing that an order's history holds.
pub(super) fn pack_payment(out: &mut Writer, payment: &Payment) {
    out.0.push(match payment.stated {
        Stated::InOrder => IN_ORDER,
        Stated::Alone => ALONE,
    });
    // A shop's clock may say anything.
    out.signed(payment.paid_at.as_ms());
    out.text(payment.reference.as_deref().unwrap_or_default());
    out.instant(payment.decided_at);
    out.number(payment.entry);
    out.signed(payment.points.0);
    out.instant(payment.available_at.unwrap_or(Instant::MIN));
    out.instant(payment.expires_at);
    out.signed(payment.balance.0);
}

/// Reads a payment.
pub(super) fn payment(input: &mut Reader<'_>) -> Unpacked<Payment> {
    let stated = match input.byte()? {
        IN_ORDER => Stated::InOrder,
        ALONE => Stated::Alone,
        _ => return Err("unknown kind of payment"),
    };
    Ok(Payment {
        stated,
        paid_at: Instant::from_ms(input.signed()?),
        reference: Some(input.text()?).filter(|text| !text.is_empty()).map(str::to_owned),
        decided_at: input.instant()?,
        entry: input.number()?,
        points: Points(input.signed()?),
        available_at: Some(input.instant()?).filter(|at| *at > Instant::MIN),
        expires_at: input.instant()?,
        balance: Points(input.signed()?),
    })
}
