//! What a run came to, for people.

use super::{Report, Trouble, UnderSecret, What};
use domain::membership::UniqueField;
use std::fmt::{self, Display, Formatter};

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let newest = self.secrets.iter().find(|secret| secret.configured).map_or(0, |secret| secret.secret);
        let Self { accounts, accounts_rewritten, claims_rewritten, .. } = self;
        writeln!(
            f,
            "{accounts} accounts: {claims_rewritten} claims of {accounts_rewritten} of them rewritten to secret {newest}"
        )?;
        self.troubles.iter().try_for_each(|trouble| writeln!(f, "  {trouble}"))?;
        self.secrets.iter().try_for_each(|secret| of_secret(f, secret, newest))
    }
}

impl Display for Trouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = |field: &UniqueField| match field {
            UniqueField::VatId => "VAT id",
            UniqueField::Email => "e-mail address",
        };
        write!(f, "{}: ", self.account_id)?;
        match &self.what {
            What::Conflict { field, held_by, secret } => write!(
                f,
                "its {} is claimed by {held_by} as well, under secret {secret}; nothing was changed. Have one of the two \
                 state another",
                name(field)
            ),
            What::Unclaimed { field, listed } if listed.is_empty() => {
                write!(f, "it lists no claim on its {}. Change its name and back: that claims it anew", name(field))
            }
            What::Unclaimed { field, listed } => {
                let numbers: Vec<_> = listed.iter().map(u16::to_string).collect();
                write!(
                    f,
                    "no secret that is configured makes any of its claims on its {} (it lists some under {}). Configure \
                     what made them again; where that is lost, change its name and back: that claims it anew",
                    name(field),
                    numbers.join(", ")
                )
            }
            What::Failed { why } => f.write_str(why),
        }
    }
}

fn of_secret(f: &mut Formatter<'_>, secret: &UnderSecret, newest: u16) -> fmt::Result {
    let UnderSecret { secret: number, configured, claims, claims_needed, phones, addresses, .. } = secret;
    let UnderSecret { redemptions, invitations, shared_codes, .. } = secret;
    let former = claims.saturating_sub(*claims_needed);
    let is_newest = *number == newest;
    let costs = [former, *phones, *addresses, *redemptions, *invitations, *shared_codes].iter().any(|count| *count > 0);
    let says = match (is_newest, *configured, *claims_needed > 0, costs) {
        (true, ..) => "makes all that is new",
        (_, false, ..) => "is not configured, so nothing that it made can be told from anything else",
        (_, _, true, _) => "must stay: claims on what accounts state were made with it",
        (_, _, _, true) => "may be removed. That costs",
        (_, _, _, false) => "may be removed. That costs nothing",
    };
    writeln!(f, "\nsecret {number} {says}")?;
    let rows = [
        (*claims_needed, "claims on what accounts state", ""),
        (
            former,
            if is_newest { "claims" } else { "claims on what accounts stated before" },
            ": others may have it then",
        ),
        (*phones, "phone numbers", ": they match nothing then"),
        (*addresses, "postal addresses", ": they match nothing then"),
        (*redemptions, "redemptions", ": a repeat of the request hears 409 idempotency-key-reused then"),
        (*invitations, "invitations", ": a repeat of the request issues another then"),
        (*shared_codes, "shared codes", ": a repeat of the request issues another then"),
    ];
    for (count, what, cost) in rows.into_iter().filter(|(count, ..)| *count > 0) {
        writeln!(f, "{count:>9}  {what}{}", if is_newest || !configured { "" } else { cost })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::AccountId;

    fn under(secret: u16, claims: u64, claims_needed: u64) -> UnderSecret {
        UnderSecret { secret, configured: true, claims, claims_needed, ..UnderSecret::default() }
    }

    #[test]
    fn a_number_stays_while_claims_that_are_needed_stand_under_it_and_troubles_say_what_to_do() {
        let id = |text: &str| AccountId::parse(text).unwrap();
        let conflict = What::Conflict { field: UniqueField::VatId, held_by: id("beta"), secret: 3 };
        let unclaimed = |listed: &[u16]| What::Unclaimed { field: UniqueField::Email, listed: listed.to_vec() };
        let whats = [conflict, unclaimed(&[1, 2]), unclaimed(&[]), What::Failed { why: "Why not".to_owned() }];
        let troubles = whats.map(|what| Trouble { account_id: id("acme"), what }).into();
        let gone = UnderSecret { configured: false, addresses: 4, ..under(1, 0, 0) };
        let secrets = vec![under(4, 8, 0), under(3, 3, 1), under(2, 0, 0), gone];
        let report = Report { accounts: 5, accounts_rewritten: 1, claims_rewritten: 2, troubles, secrets };
        assert!(!report.is_complete());
        insta::assert_snapshot!(report);

        let whole = Report { troubles: Vec::new(), secrets: vec![under(2, 8, 0), under(1, 2, 0)], ..report.clone() };
        assert!(whole.is_complete());
        assert!(!Report { troubles: report.troubles, ..whole.clone() }.is_complete());
        assert!(!Report { secrets: report.secrets, ..whole }.is_complete());
    }
}
