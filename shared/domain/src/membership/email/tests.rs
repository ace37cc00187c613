#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

fn canonical(text: &str) -> String {
    Email::parse(text).unwrap().canonical()
}

#[test]
fn one_mailbox_is_one_however_it_is_written() {
    for (one, other) in [
        ("Office@Acme.Example", "office@acme.example"),
        // Unicode and Punycode (RFC 3492), a decomposed letter, full width, the ideographic full stop.
        ("info@bücher.example", "info@xn--bcher-kva.example"),
        ("info@BÜCHER.example", "info@bücher.example"),
        ("info@bu\u{308}cher.example", "info@bücher.example"),
        ("info@ａｃｍｅ.example", "info@acme.example"),
        ("info@例え。テスト", "info@xn--r8jz45g.xn--zckzah"),
        ("info@डाटामेल.भारत", "info@xn--c2bd4bq1db8d.xn--h2brj9c"),
        // support.google.com/mail/answer/7436150 and 22370.
        ("john.smith@gmail.com", "johnsmith@gmail.com"),
        ("jo.hn.sm.ith@gmail.com", "johnsmith@gmail.com"),
        ("B.Uyer+shop@googlemail.com", "buyer@gmail.com"),
        ("buyer+a+b@gmail.com", "buyer@gmail.com"),
        ("buyer+a.b@gmail.com", "buyer@gmail.com"),
        ("buyer+shop@outlook.com", "buyer@outlook.com"),
        ("buyer+shop@Hotmail.com", "buyer@hotmail.com"),
        ("buyer+shop@hotmail.co.uk", "buyer@hotmail.co.uk"),
        ("buyer+shop@Live.fr", "buyer@live.fr"),
        ("buyer@me.com", "buyer@icloud.com"),
        ("buyer@mac.com", "buyer@icloud.com"),
        ("username+hiking@fastmail.com", "username@fastmail.com"),
        ("username+shop@proton.me", "username@proton.me"),
    ] {
        assert_eq!(canonical(one), canonical(other), "{one} and {other}");
    }
}

#[test]
fn what_may_be_two_mailboxes_stays_two() {
    for (one, other) in [
        // At an unknown provider every character counts.
        ("a.b@acme.example", "ab@acme.example"),
        ("a+shop@acme.example", "a@acme.example"),
        ("a-shop@acme.example", "a@acme.example"),
        ("a@acme.example", "a@mail.acme.example"),
        ("a@gmail.com.example", "a@gmail.com"),
        ("a.b@mail.gmail.com", "ab@mail.gmail.com"),
        // Dots count where the provider does not ignore them, and a name is another's at another domain.
        ("a.b@outlook.com", "ab@outlook.com"),
        ("a@outlook.com", "a@hotmail.com"),
        ("a@hotmail.com", "a@hotmail.co.uk"),
        ("a.b@icloud.com", "ab@icloud.com"),
        ("a+b@icloud.com", "a@icloud.com"),
        ("a@proton.me", "a@protonmail.com"),
        ("a@fastmail.com", "a@fastmail.fm"),
        ("a-shop@yahoo.com", "a@yahoo.com"),
        // Only a tag: whose it is cannot be told.
        ("+a@gmail.com", "+b@gmail.com"),
        // ß is a letter of its own since IDNA 2008.
        ("info@straße.example", "info@strasse.example"),
    ] {
        assert_ne!(canonical(one), canonical(other), "{one} and {other}");
    }
}

#[test]
fn what_was_typed_is_kept() {
    for typed in ["B.Uyer+shop@googlemail.com", "Info@BÜCHER.example"] {
        assert_eq!(serde_json::to_value(Email::parse(typed).unwrap()).unwrap(), typed);
    }
}

#[test]
fn what_is_no_address_is_refused() {
    let long_label = format!("a@{}.example", "x".repeat(64));
    let long_label_in_ascii = format!("a@{}.example", "ü".repeat(60));
    let long_domain = format!("a@{}example", "label.".repeat(50));
    let of_bytes = |bytes: usize| format!("{}@{}{}", "x".repeat(64), "y.".repeat(63), "z".repeat(bytes - 191));
    let (longest, long) = (of_bytes(254), of_bytes(255));
    let long_in_ascii = format!("{}@{}example", "x".repeat(64), "ü.".repeat(25));
    // Variation selectors show and are not part of a domain's name.
    let long_as_typed = format!("a@{}acme.example", "\u{fe0f}".repeat(100));
    for text in [
        "ada",
        "ada@",
        "@acme.example",
        "ada@acme",
        "a b@acme.example",
        "a@b@acme.example",
        "ada@-acme.example",
        "ada@acme-.example",
        "ada@acme..example",
        "ada@acme.example.",
        "ada@ac_me.example",
        "ada@acme.example\nBcc: x",
        "ada@ac me.example",
        "ada@ac\u{200b}me.example",
        "ada@xn--a.example",
        "ada@xn--bcher-kv.example",
        "ada@a。",
        "<ada@acme.example>",
        "ada(home)@acme.example",
        "group:ada@acme.example",
        "ada\\@acme.example",
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        "ada@acme.123",
        &long_label,
        &long_label_in_ascii,
        &long_domain,
        &long,
        &long_in_ascii,
        &long_as_typed,
        &format!("{}@acme.example", "x".repeat(65)),
    ] {
        assert_eq!(Email::parse(text), None, "{text}");
    }
    for text in ["r3---sn.a@ab--cd.example", "ada@localhost.localdomain", " ada@acme.example ", &longest] {
        assert!(Email::parse(text).is_some(), "{text}");
    }
}

#[test]
fn an_address_at_a_providers_for_everybody_says_nothing_of_its_owner() {
    for (text, domain, free) in [
        ("office@Acme.Example", "acme.example", false),
        ("info@BÜCHER.example", "xn--bcher-kva.example", false),
        ("a@gmail.com", "gmail.com", true),
        ("a@GoogleMail.com", "googlemail.com", true),
        ("a@outlook.de", "outlook.de", true),
        ("a@hotmail.co.uk", "hotmail.co.uk", true),
        ("a@yahoo.co.jp", "yahoo.co.jp", true),
        ("a@icloud.com", "icloud.com", true),
        ("a@gmx.at", "gmx.at", true),
        ("a@web.de", "web.de", true),
        ("a@t-online.de", "t-online.de", true),
        ("a@laposte.net", "laposte.net", true),
        ("a@libero.it", "libero.it", true),
        ("a@yandex.ru", "yandex.ru", true),
        ("a@163.com", "163.com", true),
        ("a@proton.me", "proton.me", true),
        // Only the domain itself, and the whole of it.
        ("a@gmail.com.acme.example", "gmail.com.acme.example", false),
        ("a@mail.gmail.com", "mail.gmail.com", false),
        ("a@gmail.co", "gmail.co", false),
        ("a@notgmail.com", "notgmail.com", false),
        // A provider's own people, at the domain where nobody else has an address.
        ("a@telekom.de", "telekom.de", false),
        ("a@google.com", "google.com", false),
    ] {
        let email = Email::parse(text).unwrap();
        assert_eq!((email.domain().as_str(), email.is_free_provider()), (domain, free), "{text}");
    }
    let stored: Email = serde_json::from_str(r#""Ada@xn--a.Example""#).unwrap();
    assert_eq!((stored.domain().as_str(), stored.is_free_provider()), ("xn--a.example", false));
}

#[test]
fn every_listed_domain_is_one_and_stands_once() {
    let lists = [domains::MICROSOFT, domains::FOR_EVERYBODY].concat();
    let listed: Vec<_> = lists.iter().flat_map(|some| some.split(' ')).collect();
    let mut once = std::collections::BTreeSet::new();
    for domain in &listed {
        assert_eq!(ascii_domain(domain).as_deref(), Some(*domain));
        assert!(is_of_a_host(domain) && once.insert(*domain), "{domain}");
    }
    // Who is known to ignore tags or dots is a provider for everybody.
    for domain in PROVIDERS.iter().flat_map(|provider| provider.domains).flat_map(|some| some.split(' ')) {
        assert!(once.contains(domain), "{domain}");
    }
}

#[test]
fn an_address_stored_with_a_domain_that_is_none_is_compared_as_before() {
    let stored: Email = serde_json::from_str(r#""Ada@xn--a.Example""#).unwrap();
    assert_eq!(stored.canonical(), "ada@xn--a.example");
}

/// Domains whose providers are known, and others.
fn domain() -> impl Strategy<Value = String> {
    let known = PROVIDERS.iter().flat_map(|provider| provider.domains).flat_map(|some| some.split(' '));
    let known = known.collect::<Vec<_>>();
    prop_oneof![
        proptest::sample::select(known).prop_map(str::to_owned),
        "[a-zäöüßéжя中]{1,9}\\.(example|бел|com)",
        "[A-Z0-9]{1,9}\\.[a-z]{2,5}",
    ]
}

proptest! {
    #[test]
    fn the_canonical_form_is_its_own(local in "[^@\\s]{1,16}", domain in domain()) {
        if let Some(email) = Email::parse(&format!("{local}@{domain}")) {
            let once = email.canonical();
            prop_assert_eq!(&canonical(&once), &once);
        }
    }

    #[test]
    fn neither_case_nor_the_form_of_the_domain_matters(local in "[a-z0-9.+_-]{1,16}", domain in domain()) {
        let text = format!("{local}@{domain}");
        let ascii = ascii_domain(&domain).unwrap();
        let (unicode, valid) = Uts46::new().to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
        prop_assert!(valid.is_ok());
        let expected = canonical(&text);
        for same in [format!("{}@{domain}", local.to_uppercase()), format!("{local}@{}", ascii.to_uppercase()),
                     format!("{local}@{unicode}"), format!("{local}@{}", domain.to_lowercase())] {
            prop_assert_eq!(&canonical(&same), &expected, "{}", same);
        }
    }

    #[test]
    fn at_gmail_neither_dots_nor_tags_nor_the_domain_matter(
        name in "[a-z0-9]{1,12}", dots in proptest::collection::vec(0..12_usize, 0..4), tag in "(\\+[a-z0-9.+]{0,8})?",
        google in any::<bool>(),
    ) {
        let mut dotted = name.clone();
        for place in dots {
            dotted.insert(place.min(dotted.len()), '.');
        }
        let domain = if google { "googlemail.com" } else { "gmail.com" };
        prop_assert_eq!(canonical(&format!("{dotted}{tag}@{domain}")), format!("{name}@gmail.com"));
    }

    #[test]
    fn mailboxes_at_providers_nobody_knows_are_never_merged(
        // Few characters, so that what differs in a dot or a tag only is common.
        one in "[ab.+-]{1,4}", other in "[ab.+-]{1,4}",
        one_domain in "[aü]\\.(gmail\\.com|example)", other_domain in "[aü]\\.(gmail\\.com|example)",
    ) {
        let parse = |local: &str, domain: &str| Email::parse(&format!("{local}@{domain}"));
        if let (Some(first), Some(second)) = (parse(&one, &one_domain), parse(&other, &other_domain)) {
            let same = one == other && one_domain == other_domain;
            prop_assert_eq!(first.canonical() == second.canonical(), same);
        }
    }
}
