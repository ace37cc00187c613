//! What a request is known by: in its answer, in its problem document, in logs.

use serde_json::Value;

/// Most characters of a request's id.
pub const REQUEST_ID_CHARS_MAX: usize = 64;

/// The header that states it, and tells it again.
pub const REQUEST_ID: &str = "x-request-id";

/// Whether an id that somebody stated can be told and logged as it is: 1 to 64 of `A-Z a-z 0-9 . _ : / + = -`.
pub fn is_request_id(text: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/+=-".contains(&byte);
    !text.is_empty() && text.len() <= REQUEST_ID_CHARS_MAX && text.bytes().all(is_safe)
}

/// The id of the request that an event of payload format 2.0 is: the caller's own, if it stated one that can be told,
/// or else the one that the gateway gave it.
pub fn request_id(event: &Value) -> String {
    let stated = event.get("headers").and_then(|headers| headers.get(REQUEST_ID));
    let given = event.get("requestContext").and_then(|context| context.get("requestId"));
    let usable = [stated, given].into_iter().flatten().filter_map(Value::as_str).find(|id| is_request_id(id));
    // Only an event that somebody wrote by hand has none at all.
    usable.map_or_else(|| format!("{:016x}", fastrand::u64(..)), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_keeps_the_id_its_caller_states_if_it_can_be_told() {
        let of = |stated: Value| {
            request_id(&json!({"headers": {REQUEST_ID: stated}, "requestContext": {"requestId": "given-1="}}))
        };
        let longest = "x".repeat(REQUEST_ID_CHARS_MAX);
        for own in ["1", "7f0c-4a", "Root=1-5e/a+b:c_d.e", &*longest] {
            assert_eq!(of(json!(own)), own);
        }
        let too_long = "x".repeat(REQUEST_ID_CHARS_MAX + 1);
        for unsafe_one in ["", "a b", "a\nb", "<b>", "é", "a,b", "ann@acme.example", &*too_long] {
            assert_eq!(of(json!(unsafe_one)), "given-1=", "{unsafe_one:?}");
        }
        assert_eq!(of(Value::Null), "given-1=");
        let made = request_id(&json!({}));
        assert!(is_request_id(&made) && made != request_id(&json!({})), "{made}");
    }
}
