//! Whom an event concerns: addresses are read when it is sent, and kept nowhere.

use domain::event::{Concerns, Event, Recipient};
use domain::id::{AccountId, ContactId};
use runtime::{App, Fault};
use store::Consistency;

/// The address that goes with an event; `None` where it concerns nobody by name, or no address is known any more: a
/// person who is gone is not written to, and nobody else is in their place.
pub async fn of(app: &App, event: &Event) -> Result<Option<Recipient>, Fault> {
    let account = &event.id.account_id;
    match event.concerns() {
        Concerns::Nobody => Ok(None),
        Concerns::Contact(contact) => person(app, account, contact).await,
        Concerns::Account => company(app, account).await,
    }
}

async fn person(app: &App, account: &AccountId, contact_id: ContactId) -> Result<Option<Recipient>, Fault> {
    let found = app.store().contact(account, &contact_id, Consistency::Eventual).await?;
    let Some(document) = found.map(|contact| contact.document) else { return Ok(None) };
    Ok(document.email.map(|email| Recipient {
        contact_id: Some(contact_id),
        name: document.name,
        email,
        locale: Some(document.locale),
    }))
}

async fn company(app: &App, account: &AccountId) -> Result<Option<Recipient>, Fault> {
    let found = app.store().profile(account, Consistency::Eventual).await?;
    Ok(found.and_then(|profile| {
        let email = profile.email?;
        Some(Recipient { contact_id: None, name: profile.name, email, locale: None })
    }))
}
