//! What is logged: JSON, a line for each event. A line carries the fields of the spans that it is logged in: of the
//! invocation, of the message or account that is worked on.
//!
//! A span names requests, messages, accounts and orders by their ids, and nothing else about them. What is no id, such as
//! a part of an address that does not parse as one, is left out.

use domain::decision::{Record, Write};
use domain::id::{AccountId, OrderId, OrderKey, Source};
use serde_json::{Map, Value};
use std::fmt::{self, Debug};
use tracing::field::{Empty, Field, Visit, display};
use tracing::{Event, Span, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, SubscriberBuilder};
use tracing_subscriber::registry::LookupSpan;

/// The field of the invocation's id, as Lambda's own lines call it.
pub const REQUEST_ID: &str = "requestId";

/// What writes the lines; the caller chooses level and writer.
pub fn lines() -> SubscriberBuilder<JsonFields, Lines> {
    tracing_subscriber::fmt().fmt_fields(JsonFields::new()).event_format(Lines)
}

/// The span of an invocation of a function. It stands at every level, so that each line has its fields.
pub fn invocation(request_id: &str, event: &Value) -> Span {
    let span = tracing::error_span!(
        "invocation",
        requestId = request_id,
        function = Empty,
        request.id = Empty,
        account.id = Empty,
        order.id = Empty,
    );
    // What the API has told the caller.
    if event.get("requestContext").is_some() {
        span.record("request.id", crate::http::request_id(event));
    }
    span
}

/// The span of one message of a batch.
pub(crate) fn message(id: &str) -> Span {
    tracing::error_span!("message", message.id = id, account.id = Empty, order.id = Empty)
}

/// The span of one account of a walk.
pub(crate) fn account(id: &AccountId) -> Span {
    tracing::error_span!("account", account.id = %id, order.id = Empty)
}

/// From here on lines are about this account.
pub fn about_account(id: &AccountId) {
    Span::current().record("account.id", display(id));
}

/// From here on lines are about this order.
pub fn about_order(key: &OrderKey) {
    Span::current().record("order.id", display(key));
}

/// The account or the order that an address names, if it does.
pub(crate) fn about_path(segments: &[String]) {
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["v1", "accounts", id, ..] => {
            let _ = AccountId::parse(id).map(|id| about_account(&id));
        }
        ["v1", "orders", source, order_id, ..] => {
            if let (Ok(source), Ok(order_id)) = (Source::parse(source), OrderId::parse(order_id)) {
                about_order(&OrderKey { source, order_id });
            }
        }
        _ => {}
    }
}

/// The account and the order that a decision changes.
pub(crate) fn about(writes: &[Write]) {
    let span = Span::current();
    if span.is_disabled() {
        return;
    }
    for write in writes {
        match write {
            Write::Put(Record::Entry(entry), _) => drop(span.record("account.id", display(&entry.account_id))),
            Write::Put(Record::Order(scored), _) => drop(span.record("order.id", display(&scored.order.key))),
            _ => {}
        }
    }
}

/// One line of JSON for each event: when, how severe, what; then the fields of the event and of the spans around it. Of
/// two fields of one name the inner counts.
#[derive(Debug, Clone, Copy)]
pub struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut members = Members::default();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map(|fields| fields.fields.as_str());
            if let Some(Ok(Value::Object(fields))) = fields.map(serde_json::from_str) {
                members.0.extend(fields);
            }
        }
        event.record(&mut members);
        let mut fields = members.0;
        // Some libraries log fields alone.
        let message = fields.remove("message").unwrap_or_else(|| "".into());
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let level = event.metadata().level();
        write!(writer, r#"{{"timestamp":"{timestamp}","level":"{level}","message":{message}"#)?;
        for (name, value) in &fields {
            write!(writer, ",{}:{value}", Value::from(name.as_str()))?;
        }
        writeln!(writer, "}}")
    }
}

/// The fields of an event.
#[derive(Default)]
struct Members(Map<String, Value>);

impl Members {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Members {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing::subscriber::with_default;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged at a level, its instants left out.
    fn logged(level: tracing::Level, work: impl FnOnce()) -> Vec<Value> {
        let log = Log::default();
        let writer = log.clone();
        with_default(lines().with_max_level(level).with_writer(move || writer.clone()).finish(), work);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let line = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let timestamp = line.as_object_mut().unwrap().remove("timestamp").unwrap();
            assert!(domain::time::Instant::parse(timestamp.as_str().unwrap()).is_some(), "{timestamp}");
            line
        };
        text.lines().map(line).collect()
    }

    #[test]
    fn a_line_carries_what_its_invocation_is_about() {
        let event = json!({"requestContext": {"requestId": "api-1"}});
        let lines = logged(tracing::Level::INFO, || {
            invocation("r-1", &event).in_scope(|| {
                tracing::info!(points = 5, repeated = false, "before");
                about_account(&AccountId::parse("acme").unwrap());
                let message = message("m-1");
                message.in_scope(|| {
                    about_path(&["v1", "orders", "shop", "o-1", "returns"].map(str::to_owned));
                    tracing::warn!(account.id = "beta", "within \"quotes\"\nand lines");
                });
                tracing::error!("after");
            });
            tracing::info!("outside");
        });
        let expected = [
            json!({"level": "INFO", "message": "before", "points": 5, "repeated": false,
                "requestId": "r-1", "request.id": "api-1"}),
            json!({"level": "WARN", "message": "within \"quotes\"\nand lines", "requestId": "r-1", "request.id": "api-1",
                "message.id": "m-1", "account.id": "beta", "order.id": "shop#o-1"}),
            json!({"level": "ERROR", "message": "after", "requestId": "r-1", "request.id": "api-1",
                "account.id": "acme"}),
            json!({"level": "INFO", "message": "outside"}),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn where_little_is_logged_it_carries_no_less() {
        let lines = logged(tracing::Level::ERROR, || {
            invocation("r-1", &Value::Null).in_scope(|| {
                about_path(&["v1", "accounts", "acme"].map(str::to_owned));
                tracing::info!("not this");
                tracing::error!("this");
            });
        });
        let expected = json!({"level": "ERROR", "message": "this", "requestId": "r-1", "account.id": "acme"});
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn what_is_no_id_is_left_out() {
        let lines = logged(tracing::Level::INFO, || {
            invocation("r-1", &Value::Null).in_scope(|| {
                about_path(&["v1", "accounts", "ann@acme.example"].map(str::to_owned));
                about_path(&["v1", "orders", "shop", "Ann Example"].map(str::to_owned));
                tracing::info!("line");
            });
        });
        assert_eq!(lines, [json!({"level": "INFO", "message": "line", "requestId": "r-1"})]);
    }
}
