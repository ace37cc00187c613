//! E-mail addresses: kept as they were typed, compared by the mailbox they mean.
//!
//! Two addresses are one only where that is sure: a tag or a dot is dropped for the providers listed here, at no other.

mod domains;

use crate::document::is_printable;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

/// Longest address, and longest part before the `@`, in bytes (RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.3; its path of
/// 256 includes the angle brackets).
const ADDRESS_BYTES_MAX: usize = 254;
const LOCAL_BYTES_MAX: usize = 64;

/// An e-mail address, as it was typed. What claims compare is [`Email::canonical`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Email(String);

/// What a provider makes of the part before the `@`.
struct Provider {
    /// The domains it does that for, a list (see [`domains`]).
    domains: &'static [&'static str],
    /// The one under which all of them are one mailbox; `None`: a mailbox at each.
    mailbox: Option<&'static str>,
    /// Whether `+` and what follows is a tag.
    tags: bool,
    /// Whether dots make no difference.
    dots: bool,
}

/// The providers of whom it is known. Who is not here distinguishes all that is written.
///
/// Yahoo is not: its hyphen separates a keyword from a base name, and a base name is another name than the mailbox's
/// (help.yahoo.com, disposable addresses). Nor are tags at Apple and dots at Proton, which neither documents.
const PROVIDERS: &[Provider] = &[
    // Dots: https://support.google.com/mail/answer/7436150. Tags: https://support.google.com/mail/answer/22370.
    // One name under both domains: Official Gmail Blog, May 2010, on the end of googlemail.com in the United Kingdom.
    Provider { domains: &["gmail.com googlemail.com"], mailbox: Some("gmail.com"), tags: true, dots: true },
    // Since 2013, see https://www.zdnet.com/article/microsoft-adds-support-for-custom-email-addresses-in-office-365/.
    // A name may be different people's at each of the domains.
    Provider { domains: domains::MICROSOFT, mailbox: None, tags: true, dots: false },
    // Who has a name at one of the older domains has it at icloud.com: https://support.apple.com/118230.
    Provider { domains: &["icloud.com me.com mac.com"], mailbox: Some("icloud.com"), tags: false, dots: false },
    // https://www.fastmail.help/hc/en-us/articles/360060591053
    Provider { domains: &["fastmail.com fastmail.fm"], mailbox: None, tags: true, dots: false },
    // https://proton.me/support/creating-aliases
    Provider { domains: &["proton.me protonmail.com protonmail.ch pm.me"], mailbox: None, tags: true, dots: false },
];

impl Email {
    /// An address such as `name@example.com`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        // Of the characters that mean something in an address (RFC 5322, 3.2.3, specials) only dots stand for
        // themselves: what stands between parentheses is a comment, and would make another address of the same mailbox.
        let special = |c: char| matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | ':' | ';' | '@' | '\\' | ',' | '"');
        let plain = |c: char| !c.is_whitespace() && is_printable(c) && !special(c);
        let ascii = ascii_domain(domain)?;
        let bytes = local.len().saturating_add(1).saturating_add(ascii.len());
        let good = (1..=LOCAL_BYTES_MAX).contains(&local.len())
            && text.len().max(bytes) <= ADDRESS_BYTES_MAX
            && text.chars().filter(|c| *c != '@').all(plain)
            && is_of_a_host(&ascii);
        good.then(|| Self(text.to_owned()))
    }

    /// What claims compare, the same for every way to write one mailbox: without regard to case, the domain in ASCII,
    /// without the tag and the dots that its provider ignores.
    pub fn canonical(&self) -> String {
        let parts =
            self.0.split_once('@').and_then(|(local, domain)| Some((local.to_lowercase(), ascii_domain(domain)?)));
        // What was stored before domains were checked may have one that is none.
        let Some((local, domain)) = parts else { return self.former() };
        let Some(provider) = PROVIDERS.iter().find(|provider| domains::has(provider.domains, &domain)) else {
            return format!("{local}@{domain}");
        };
        format!("{}@{}", provider.name(&local), provider.mailbox.unwrap_or(&domain))
    }

    /// What stands behind the `@`, in ASCII and small letters. Of an address that was stored before domains were
    /// checked it may be none.
    pub fn domain(&self) -> String {
        let domain = self.0.split_once('@').map_or("", |(_, domain)| domain);
        ascii_domain(domain).unwrap_or_else(|| domain.to_lowercase())
    }

    /// Whether it is at a provider where anybody may have an address, so that its domain says nothing of its owner.
    pub fn is_free_provider(&self) -> bool {
        let domain = self.domain();
        [domains::MICROSOFT, domains::FOR_EVERYBODY].into_iter().any(|list| domains::has(list, &domain))
    }

    /// What claims compared before there was a canonical form.
    pub(super) fn former(&self) -> String {
        self.0.to_lowercase()
    }
}

impl Provider {
    /// The name of a mailbox: without tag and dots, unless nothing else is there.
    fn name(&self, local: &str) -> String {
        let untagged = local.split('+').next().filter(|_| self.tags).unwrap_or(local);
        let name = if self.dots { untagged.replace('.', "") } else { untagged.to_owned() };
        if name.is_empty() { local.to_owned() } else { name }
    }
}

/// Whether a domain can be a mail host's: it has two parts or more, and the last is no number, unlike that of an IPv4
/// address (RFC 3696, section 2).
fn is_of_a_host(ascii: &str) -> bool {
    ascii.rsplit_once('.').is_some_and(|(_, last)| !last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A domain in ASCII, lower case (UTS 46, `ToASCII`), so that its Unicode and its Punycode form are one.
fn ascii_domain(domain: &str) -> Option<String> {
    // Hyphens in the third and fourth place, which only IDNs may have, do occur in names of hosts.
    let (denied, hyphens, length) = (AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    Uts46::new().to_ascii(domain.as_bytes(), denied, hyphens, length).ok().map(|ascii| ascii.into_owned())
}

#[cfg(test)]
mod tests;
