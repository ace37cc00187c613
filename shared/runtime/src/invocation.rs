//! One invocation of a function, whoever invokes it: in its span, and with what it counts.

use crate::error::Fault;
use crate::metrics::{self, Counts, Metric, count};
use serde_json::Value;
use tracing::{Instrument, Span};

/// Carries out an invocation. A fault is logged and counted here, once; what is counted is handed back.
pub async fn carry_out<F>(span: Span, work: F) -> (Result<Value, Fault>, Counts)
where
    F: Future<Output = Result<Value, Fault>>,
{
    let counted = async {
        let ending = Ending;
        let answer = work.await;
        drop(ending);
        if let Err(fault) = &answer {
            count(Metric::Faults, 1);
            if matches!(fault, Fault::Unbalanced(_)) {
                count(Metric::BooksUnbalanced, 1);
            }
            tracing::error!(fault.kind = fault.kind(), "the invocation failed: {fault}");
        }
        answer
    };
    metrics::counting(counted).instrument(span).await
}

/// Says in the invocation's span that it panicked, if it does: whoever catches that is outside.
struct Ending;

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(fault.kind = "Panicked", "the invocation panicked");
        }
    }
}
