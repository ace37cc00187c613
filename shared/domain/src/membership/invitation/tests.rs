#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
use super::super::club::{Club, at};
use super::super::{StatedBy, profile_document, put_account};
use super::*;
use crate::code::Secrets;
use crate::id::AccountId;
use crate::schedule::Schedule;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

const NOW: &str = "2030-01-01T12:00:00Z";

/// Companies that enrol, and one invitation.
struct Fair {
    schedule: Schedule,
    invitation: Option<Invitation>,
    members: BTreeMap<String, Member>,
}

impl Fair {
    fn of(kind: &str) -> Self {
        let schedule = Club::with(json!({"kind": kind})).schedule;
        Self { schedule, invitation: None, members: BTreeMap::new() }
    }

    fn decide<T>(
        &self,
        now: &str,
        act: impl FnOnce(&Context<'_>) -> Result<Decision<T>, Rejection>,
    ) -> Result<Decision<T>, Rejection> {
        let (now, secrets) = (at(now), Secrets::parse("1:sixteen bytes long").unwrap());
        let (schedule, wall_day) = (&self.schedule, now.utc_day());
        act(&Context { schedule, secrets: &secrets, by: "test", now, wall_day, collisions: 0 })
    }

    /// Issues the invitation.
    fn issue(&mut self, document: &Value) -> Result<(), Rejection> {
        let document = invitation_document(document).unwrap();
        let key = CommandKey::new("test", "issue", "key").unwrap();
        let decision =
            self.decide(NOW, |context| issue_invitation(&document, &key, self.invitation.as_ref(), context))?;
        self.invitation = Some(decision.answer);
        Ok(())
    }

    fn enrolling(&self, now: &str, id: &str, invited: bool, segments: &[&str]) -> Result<Vec<Write>, Rejection> {
        let invitation = self.invitation.clone().filter(|_| invited);
        let mut document = json!({"name": id, "segments": segments});
        if let Some(invitation) = &invitation {
            document["invitation_code"] = json!(invitation.code.as_str());
        }
        let document = profile_document(&document).unwrap();
        let member = Member { invitation, ..self.members.get(id).cloned().unwrap_or_default() };
        let id = AccountId::parse(id).unwrap();
        Ok(self.decide(now, |context| put_account(&id, &member, &document, StatedBy::Merchant, context))?.writes)
    }

    /// Writes, if the guard of the invitation holds; whether it does.
    fn commit(&mut self, writes: Vec<Write>) -> bool {
        let holds = |write: &Write| match write {
            Write::Put(Record::Invitation(_), Guard::Version(version)) => {
                self.invitation.as_ref().is_some_and(|held| held.version == *version)
            }
            _ => true,
        };
        let done = writes.iter().all(holds);
        for write in writes.into_iter().filter(|_| done) {
            match write {
                Write::Put(Record::Invitation(invitation), _) => self.invitation = Some(*invitation),
                Write::Put(Record::Account(account), _) => {
                    let member = self.members.entry(account.id.to_string()).or_default();
                    member.account = Some(*account);
                }
                Write::Put(Record::Profile(profile), _) => {
                    let member = self.members.entry(profile.account_id.to_string()).or_default();
                    member.profile = Some(*profile);
                }
                _ => {}
            }
        }
        done
    }

    fn enrol(&mut self, now: &str, id: &str, invited: bool, segments: &[&str]) -> Result<usize, Rejection> {
        let writes = self.enrolling(now, id, invited, segments)?;
        let count = writes.len();
        assert!(self.commit(writes));
        Ok(count)
    }

    fn used(&self) -> u32 {
        self.invitation.as_ref().unwrap().used
    }

    fn account(&self, id: &str) -> &Account {
        self.members[id].account.as_ref().unwrap()
    }

    fn segments(&self, id: &str) -> Vec<&str> {
        self.account(id).segments.iter().map(Segment::as_str).collect()
    }
}

#[test]
fn who_enrols_with_an_invitation_is_a_member_and_in_its_group() {
    let mut fair = Fair::of("invitation");
    fair.issue(&json!({"uses": 2, "segment": "partner"})).unwrap();
    let missing = fair.enrol(NOW, "acme", false, &[]);
    assert_eq!(missing, Err(Rejection::Uninvited(Uninvited::Missing)));
    fair.enrol(NOW, "acme", true, &["uk"]).unwrap();
    assert_eq!((fair.used(), fair.segments("acme")), (1, vec!["partner", "uk"]));
    // The same again writes nothing, and uses nothing up; and it needs no invitation any more.
    assert_eq!(fair.enrol(NOW, "acme", true, &["uk"]), Ok(0));
    fair.enrol(NOW, "acme", false, &["uk"]).unwrap();
    assert_eq!((fair.used(), fair.segments("acme")), (1, vec!["uk"]), "what is stated is all there is");
    fair.enrol(NOW, "beta", true, &["partner"]).unwrap();
    assert_eq!(fair.enrol(NOW, "gamma", true, &[]), Err(Rejection::Uninvited(Uninvited::UsedUp)));
    let full = ["a", "b", "c", "d", "e", "f", "g", "h"];
    fair.invitation.as_mut().unwrap().terms.uses = 9;
    assert!(matches!(fair.enrol(NOW, "gamma", true, &full), Err(Rejection::Invalid(_))));
}

#[test]
fn an_invitation_lets_an_applicant_in_at_once_and_nobody_who_was_turned_away() {
    let mut fair = Fair::of("approval");
    fair.issue(&json!({"uses": 9})).unwrap();
    fair.enrol(NOW, "acme", false, &[]).unwrap();
    assert!(matches!(fair.account("acme").membership.admission, Admission::Applied { .. }));
    fair.enrol("2030-01-05T00:00:00Z", "acme", true, &[]).unwrap();
    let acme = fair.account("acme");
    assert_eq!((acme.membership.admission, acme.joined_at), (Admission::Admitted, at("2030-01-05T00:00:00Z")));
    fair.enrol(NOW, "beta", true, &[]).unwrap();
    assert_eq!(fair.account("beta").membership.admission, Admission::Admitted);
    let rejected = Admission::Rejected { since: at(NOW) };
    fair.members.get_mut("beta").unwrap().account.as_mut().unwrap().membership.admission = rejected;
    assert!(matches!(fair.enrol(NOW, "beta", true, &[]), Err(Rejection::NotAMember(_))));
    assert_eq!(fair.used(), 2);
}

#[test]
fn an_invitation_ends_and_is_revoked_and_is_issued_once() {
    let mut fair = Fair::of("invitation");
    let document = json!({"uses": 3, "expires_at": "2030-02-01T00:00:00Z", "note": "The fair"});
    fair.issue(&document).unwrap();
    let first = fair.invitation.clone();
    fair.issue(&document).unwrap();
    assert_eq!(fair.invitation, first, "the same again is the same invitation");
    assert_eq!(fair.issue(&json!({"uses": 4})), Err(Rejection::KeyReused));
    fair.enrol("2030-01-31T23:59:59Z", "acme", true, &[]).unwrap();
    let late = fair.enrol("2030-02-01T00:00:00Z", "beta", true, &[]);
    assert_eq!(late, Err(Rejection::Uninvited(Uninvited::Expired)));
    let revoked = fair.decide(NOW, |context| revoke_invitation(fair.invitation.as_ref(), context)).unwrap();
    assert!(fair.commit(revoked.writes));
    let again = fair.decide("2030-01-02T00:00:00Z", |context| revoke_invitation(fair.invitation.as_ref(), context));
    assert_eq!(again.unwrap(), Decision { writes: Vec::new(), answer: revoked.answer });
    assert_eq!(fair.enrol(NOW, "beta", true, &[]), Err(Rejection::Uninvited(Uninvited::Revoked)));
    let unknown = fair.decide(NOW, |context| revoke_invitation(None, context));
    assert_eq!(unknown, Err(Rejection::UnknownInvitation));
    let mut over = Fair::of("invitation");
    assert_eq!(over.issue(&json!({"uses": 1, "expires_at": NOW})), Err(Rejection::ExpiresInPast));
}

#[test]
fn every_fault_of_an_invitation_is_told_at_once() {
    for (document, expected) in [
        (json!([]), &["$ wrong_type"][..]),
        (json!({}), &["$.uses missing"]),
        (
            json!({"uses": 0, "expires_at": "soon", "segment": "a b", "note": "", "code": "X"}),
            &[
                "$.code unknown_field",
                "$.uses out_of_range",
                "$.expires_at invalid_time",
                "$.segment invalid_id",
                "$.note invalid_text",
            ],
        ),
        (json!({"uses": 100_001}), &["$.uses out_of_range"]),
    ] {
        let faults = invitation_document(&document).unwrap_err();
        let told: Vec<_> = faults.listed().iter().map(|fault| format!("{} {}", fault.path, fault.code)).collect();
        assert_eq!(told, expected, "{document}");
    }
}

proptest! {
    #[test]
    fn an_invitation_admits_as_many_as_it_is_for_in_any_interleaving(
        uses in 1_u32..5,
        // Who reads, and who of those that have read commits.
        steps in prop::collection::vec((any::<bool>(), 0_usize..10), 1..60),
    ) {
        let mut fair = Fair::of("invitation");
        fair.issue(&json!({"uses": uses})).unwrap();
        let mut decided: BTreeMap<usize, Vec<Write>> = BTreeMap::new();
        let mut refused = 0_u32;
        for (reads, client) in steps {
            let id = format!("client-{client}");
            match decided.remove(&client).filter(|_| !reads) {
                Some(writes) => drop(fair.commit(writes)),
                None => match fair.enrolling(NOW, &id, true, &[]) {
                    Ok(writes) => drop(decided.insert(client, writes)),
                    Err(rejection) => {
                        prop_assert_eq!(rejection, Rejection::Uninvited(Uninvited::UsedUp));
                        refused += 1;
                    }
                },
            }
            let members = u32::try_from(fair.members.len()).unwrap();
            prop_assert_eq!((fair.used(), members <= uses), (members, true));
            prop_assert!(refused == 0 || members == uses, "who is refused is refused for a reason");
        }
    }
}
