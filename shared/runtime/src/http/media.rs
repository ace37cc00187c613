//! What a body says it is.

use super::Request;
use crate::error::{Error, RequestFault};

/// What `curl -d` says of whatever it sends; taken, too, so that trying things out takes no header.
const UNSTATED: &str = "application/x-www-form-urlencoded";

impl Request {
    /// Fails where the body says that it is no JSON text in UTF-8. One that says nothing is read as that.
    pub(super) fn check_media(&self) -> Result<(), Error> {
        let kind = self.header("content-type").unwrap_or(UNSTATED);
        let encoding = self.header("content-encoding").unwrap_or("identity").trim();
        match is_json(kind) && encoding.eq_ignore_ascii_case("identity") {
            true => Ok(()),
            false => Err(RequestFault::NotJsonMedia.into()),
        }
    }
}

fn is_json(kind: &str) -> bool {
    let mut parts = kind.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let suffix = media.rsplit_once('+').map_or("", |(_, suffix)| suffix);
    let is_known = ["application/json", "", UNSTATED].iter().any(|known| media.eq_ignore_ascii_case(known));
    let is_other_charset = |part: &str| {
        let Some((name, charset)) = part.split_once('=') else { return false };
        name.trim().eq_ignore_ascii_case("charset") && !charset.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    };
    (is_known || suffix.eq_ignore_ascii_case("json")) && !parts.any(is_other_charset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_taken_under_its_names_and_nothing_else() {
        let rows = [
            ("application/json", true),
            ("Application/JSON ; charset=\"UTF-8\"", true),
            ("application/json; charset=utf-8; profile=x", true),
            ("application/merge-patch+json", true),
            ("application/cloudevents+json; charset=utf-8", true),
            ("", true),
            (UNSTATED, true),
            ("application/json; charset=iso-8859-1", false),
            ("application/jsonp", false),
            ("application/xml", false),
            ("text/plain", false),
            ("text/csv", false),
            ("multipart/form-data; boundary=x", false),
            ("application/json, application/json", false),
        ];
        for (kind, expected) in rows {
            assert_eq!(is_json(kind), expected, "{kind}");
        }
    }
}
