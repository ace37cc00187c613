#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
use super::*;
use crate::id::AccountId;
use crate::membership::CLAIM_VERSION;
use serde_json::json;

const OLD: &str = "1:an old secret of ours";
const BOTH: &str = "1:an old secret of ours,2:a new secret of ours";
const NEW: &str = "2:a new secret of ours";
const THREE: &str = "1:an old secret of ours,2:a new secret of ours,3:the newest of them all";

fn secrets(text: &str) -> Secrets {
    Secrets::parse(text).unwrap()
}

fn id(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

/// A claim on a value as it is given, under the newest of some secrets.
fn key(field: UniqueField, value: &str, of: &str) -> ClaimKey {
    ClaimKey { field, keyed: secrets(of).keyed_hashes(field.name(), value).0 }
}

fn email(value: &str, of: &str) -> ClaimKey {
    key(UniqueField::Email, value, of)
}

fn vat_id(of: &str) -> ClaimKey {
    key(UniqueField::VatId, "DE136695976", of)
}

fn held_by(account: &str, keys: &[ClaimKey]) -> Vec<Claim> {
    keys.iter().map(|key| Claim { key: key.clone(), account_id: id(account) }).collect()
}

/// An account that states a VAT id and an e-mail address, and lists these claims.
fn acme(claims: &[ClaimKey]) -> Profile {
    let stated = json!({"account_id": "acme", "name": "Acme", "version": 7, "vat_id": "DE136695976",
        "email": "office@acme.example"});
    Profile { claims: claims.to_vec(), ..serde_json::from_value(stated).unwrap() }
}

fn listed(writes: &[Write]) -> Option<Vec<ClaimKey>> {
    let mut profiles = writes.iter().filter_map(|write| match write {
        Write::Put(Record::Profile(profile), Guard::Version(7)) if profile.version == 8 => Some(profile.claims.clone()),
        Write::Put(Record::Profile(_), guard) => panic!("a profile is put under {guard:?}"),
        _ => None,
    });
    let only = profiles.next();
    assert_eq!(profiles.next(), None);
    only
}

/// The writes that move what an account lists and what is claimed, and what they come to.
fn moved(profile: Profile, claims: Vec<Claim>, of: &str) -> (Vec<Write>, Rekeyed) {
    let Decision { writes, answer } = rekey(&Known { profile: Some(profile), claims }, &secrets(of));
    (writes, answer)
}

#[test]
fn what_is_stated_is_claimed_anew_by_the_transaction_that_gives_the_old_claims_up() {
    let old = [vat_id(OLD), email("office@acme.example", OLD)];
    let new = [vat_id(NEW), email("office@acme.example", NEW)];
    let (writes, answer) = moved(acme(&old), held_by("acme", &old), BOTH);
    assert_eq!(answer, Rekeyed { moved: vec![UniqueField::VatId, UniqueField::Email], conflicts: Vec::new() });
    for (old, new) in old.iter().zip(&new) {
        assert!(writes.contains(&Write::Release(old.clone(), Guard::Version(CLAIM_VERSION))), "{writes:?}");
        assert!(writes.contains(&take(new, &id("acme"))), "{writes:?}");
    }
    assert_eq!(listed(&writes).unwrap(), new);
    assert_eq!(writes.len(), 5);

    // And again there is nothing to do, whatever of the secrets is left.
    for of in [BOTH, NEW] {
        let again = moved(acme(&new), held_by("acme", &new), of);
        assert_eq!(again, (Vec::new(), Rekeyed::default()));
        assert_eq!(asked(&acme(&new), &secrets(of)), []);
    }
}

#[test]
fn what_was_stated_before_stays_in_its_place() {
    let former = [email("first@acme.example", OLD), email("second@acme.example", OLD)];
    let claims = [vat_id(NEW), former[0].clone(), email("office@acme.example", OLD), former[1].clone()];
    let (writes, answer) = moved(acme(&claims), held_by("acme", &claims), BOTH);
    assert_eq!(answer.moved, [UniqueField::Email]);
    let [first, second] = former;
    assert_eq!(listed(&writes).unwrap(), [vat_id(NEW), first, email("office@acme.example", NEW), second]);
    assert_eq!(writes.len(), 3);
}

#[test]
fn nothing_becomes_of_a_value_that_another_account_has_claimed_too() {
    let old = [vat_id(OLD), email("office@acme.example", OLD)];
    // Under the newest secret, or under one between.
    for (theirs, of) in [(vat_id(NEW), BOTH), (vat_id(NEW), THREE)] {
        let theirs = held_by("beta", &[theirs]);
        let (writes, answer) = moved(acme(&old), [held_by("acme", &old), theirs.clone()].concat(), of);
        assert_eq!(answer, Rekeyed { moved: vec![UniqueField::Email], conflicts: theirs });
        let newest = secrets(of).current();
        assert_eq!(listed(&writes).unwrap()[0], vat_id(OLD));
        assert_eq!(listed(&writes).unwrap()[1].keyed.secret, newest);
        let of_vat_id = |write: &&Write| match write {
            Write::Release(key, _) | Write::Expect(key) => key.field == UniqueField::VatId,
            Write::Put(Record::Claim(claim), _) => claim.key.field == UniqueField::VatId,
            _ => false,
        };
        assert_eq!(writes.iter().filter(of_vat_id).count(), 0, "{writes:?}");
    }
}

#[test]
fn a_claim_on_the_former_form_becomes_one_on_the_canonical_form() {
    let stated = json!({"account_id": "acme", "name": "Acme", "version": 7, "email": "B.Uyer@gmail.com"});
    let profile: Profile = serde_json::from_value(stated).unwrap();
    let former = email("b.uyer@gmail.com", OLD);
    let profile = Profile { claims: vec![former.clone()], ..profile };
    let (writes, _) = moved(profile, held_by("acme", std::slice::from_ref(&former)), BOTH);
    assert_eq!(listed(&writes).unwrap(), [email("buyer@gmail.com", NEW)]);
    assert!(writes.contains(&take(&email("buyer@gmail.com", NEW), &id("acme"))));
    // Nobody has it in either form under either secret by then.
    for free in [email("buyer@gmail.com", OLD), email("b.uyer@gmail.com", NEW)] {
        assert!(writes.contains(&Write::Expect(free)), "{writes:?}");
    }
    assert!(writes.contains(&give_up(&former)));
}

#[test]
fn with_a_wrong_secret_or_without_the_old_one_nothing_is_touched() {
    let old = [vat_id(OLD), email("office@acme.example", OLD)];
    for of in [NEW, "1:another text than then,2:a new secret of ours"] {
        assert_eq!(asked(&acme(&old), &secrets(of)), []);
        assert_eq!(moved(acme(&old), held_by("acme", &old), of).0, []);
        let standing =
            StatedValue::all(&acme(&old), &secrets(of)).iter().map(StatedValue::standing).collect::<Vec<_>>();
        assert_eq!(standing, [Standing::Unknown, Standing::Unknown]);
    }
    assert_eq!(rekey(&Known::default(), &secrets(BOTH)).writes, [], "who was erased has claimed nothing");
}

/// Carries writes out on claims, as the tables would; false: a guard did not hold.
fn carried_out(claims: &mut Vec<Claim>, writes: &[Write]) -> bool {
    let before = claims.clone();
    let is_free = |key: &ClaimKey| before.iter().all(|claim| claim.key != *key);
    writes.iter().all(|write| match write {
        Write::Put(Record::Claim(claim), Guard::Absent) => {
            claims.push(Claim::clone(claim));
            is_free(&claim.key)
        }
        Write::Release(key, Guard::Version(CLAIM_VERSION)) => {
            claims.retain(|claim| claim.key != *key);
            !is_free(key)
        }
        Write::Expect(key) => is_free(key),
        Write::Put(Record::Profile(_), Guard::Version(7)) => true,
        other => panic!("{other:?}"),
    })
}

#[test]
fn whoever_has_claimed_a_value_in_whatever_way_has_it_afterwards_and_nobody_else_does() {
    let numbers = [OLD, NEW, "3:the newest of them all"];
    let holders = |case: u32| {
        let holder = |place: u32| ["", "acme", "beta"][(case / 3_u32.pow(place) % 3) as usize];
        [holder(0), holder(1), holder(2)]
    };
    let mut rewritten = 0;
    for (case, listing) in (0..27).flat_map(|case| (0..8_u32).map(move |listing| (case, listing))) {
        let mut claims = Vec::new();
        for (holder, of) in holders(case).into_iter().zip(numbers).filter(|(holder, _)| !holder.is_empty()) {
            claims.extend(held_by(holder, &[vat_id(of)]));
        }
        let lists: Vec<_> =
            numbers.iter().zip(0..).filter(|(_, bit)| listing >> bit & 1 == 1).map(|(of, _)| vat_id(of)).collect();
        let profile = Profile { email: None, ..acme(&lists) };
        let wanted = asked(&profile, &secrets(THREE));
        let known: Vec<_> = claims.iter().filter(|claim| wanted.contains(&claim.key)).cloned().collect();
        let (writes, answer) = moved(profile.clone(), known, THREE);
        let (before, mut after) = (claims.clone(), claims);
        assert!(carried_out(&mut after, &writes), "{case} {listing}: {writes:?}");
        let owners = |claims: &[Claim]| {
            let mut owners: Vec<_> = claims.iter().map(|claim| claim.account_id.to_string()).collect();
            owners.sort();
            owners.dedup();
            owners
        };
        if !answer.conflicts.is_empty() || answer.moved.is_empty() {
            assert_eq!((&writes, &after), (&Vec::new(), &before), "{case} {listing}");
            continue;
        }
        rewritten += 1;
        assert_eq!(owners(&after), ["acme"], "{case} {listing}");
        assert_eq!(after, held_by("acme", &[vat_id(numbers[2])]), "{case} {listing}");
        let profile = Profile { claims: listed(&writes).unwrap(), ..profile };
        assert_eq!(profile.claims, [vat_id(numbers[2])], "{case} {listing}");
        assert_eq!(moved(profile, after, THREE), (Vec::new(), Rekeyed::default()), "{case} {listing}");
    }
    // Nobody else has it (8 cases), and something old is listed (6 listings).
    assert_eq!(rewritten, 48);
}
