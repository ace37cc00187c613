//! The two kinds of failure: answers for the caller, and faults for whoever operates this.

use crate::caller::Denied;
use crate::problem::Problem;
use crate::query::ParameterFault;
use domain::decision::Rejection;
use domain::document::Unread;
use lambda_runtime::Diagnostic;

/// Why a request got no answer of its own kind.
#[derive(Debug)]
pub enum Error {
    /// A business answer, shown to the caller.
    Rejected(Rejection),
    /// The caller may not do this.
    Denied(Denied),
    /// The request itself cannot be understood.
    Request(RequestFault),
    /// Anything else: logged once at the boundary, told to nobody.
    Fault(Fault),
}

/// What is wrong with a request before its document is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestFault {
    /// Not JSON; where it stops being JSON.
    NotJson(String),
    /// The body says it is base64 and is not.
    NotBase64,
    /// The body is larger than a request may be.
    TooLarge,
    /// The body says that it is no JSON text in UTF-8.
    NotJsonMedia,
    /// The write is under a condition, which this header states, and nothing would judge that.
    ConditionNotTaken(&'static str),
    /// A part of the path or of the query is not what it must be.
    Parameter {
        /// Which one.
        name: &'static str,
        /// What it must be.
        message: String,
    },
    /// Several parts of the query are not what they must be.
    Parameters(Vec<ParameterFault>),
    /// The query has parameters that the route does not know.
    UnknownParameters {
        /// Which.
        names: Vec<String>,
        /// Those that it does.
        known: &'static [&'static str],
    },
    /// Nothing is served there.
    NoSuchRoute,
    /// There are no metrics of what is asked for; why.
    NotCounted(String),
    /// A write without a business key of its own came without `Idempotency-Key`.
    NoIdempotencyKey,
}

/// A fault: the caller can do nothing about it but try again.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Fault),
    /// The commit was lost to others too often.
    #[error("the commit was lost to other writers {0} times")]
    Contended(u32),
    /// The deployment has no program yet.
    #[error("no version of the program {0} has been activated")]
    NoProgram(String),
    /// The function's own queue failed.
    #[error("SQS: {0}")]
    Queue(String),
    /// The function has no queue of its own.
    #[error("this function has no queue of its own")]
    NoQueue,
    /// The bus failed.
    #[error("EventBridge: {0}")]
    Bus(String),
    /// The function has no bus to put events on.
    #[error("this function has no bus")]
    NoBus,
    /// The event is of no kind this function serves.
    #[error("the event is neither an HTTP request nor a batch of messages: {0}")]
    UnknownEvent(String),
    /// A task of a walk cannot be carried out as it was asked for; nothing was done.
    #[error("the task is refused: {0}")]
    BadTask(String),
    /// Tasks of a walk failed; what they were, and what the others came to.
    #[error("{0}")]
    Incomplete(String),
    /// Accounts' books do not balance, or something that was to be counted cannot be read; what.
    #[error("{0}")]
    Unbalanced(String),
    /// Something panicked.
    #[error("panicked: {0}")]
    Panicked(String),
}

impl Fault {
    /// The name that alarms and state machines match on.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(_) => "StoreFault",
            Self::Contended(_) => "Contended",
            Self::NoProgram(_) => "NoProgram",
            Self::Queue(_) | Self::NoQueue => "QueueFault",
            Self::Bus(_) | Self::NoBus => "BusFault",
            Self::UnknownEvent(_) => "UnknownEvent",
            Self::BadTask(_) => "BadTask",
            Self::Incomplete(_) => "Incomplete",
            Self::Unbalanced(_) => "Unbalanced",
            Self::Panicked(_) => "Panicked",
        }
    }

    /// Whether the same may work in a while: nothing is wrong with the record that it was about.
    pub fn may_pass(&self) -> bool {
        match self {
            // What is wrong with the program is wrong for every record.
            Self::Store(store::Fault::Corrupt { table, .. }) => *table == store::PROGRAMS,
            Self::Store(store::Fault::OrderTooLarge { .. }) | Self::Panicked(_) => false,
            _ => true,
        }
    }
}

impl Error {
    /// Whether the same may work in a while.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.may_pass())
    }

    /// One line for logs: what is wrong and where. Never what a document held.
    pub fn cause(&self) -> String {
        match self {
            Self::Fault(fault) => fault.to_string(),
            other => Problem::of(other).summary(),
        }
    }
}

impl From<Fault> for Diagnostic {
    fn from(fault: Fault) -> Self {
        Self { error_type: fault.kind().to_owned(), error_message: fault.to_string() }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(store::Fault::OrderTooLarge { .. }) => Self::Rejected(Rejection::OrderTooLarge),
            other => Self::Fault(other),
        }
    }
}

impl From<store::Fault> for Error {
    fn from(fault: store::Fault) -> Self {
        Fault::Store(fault).into()
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<domain::document::Faults> for Error {
    fn from(faults: domain::document::Faults) -> Self {
        Self::Rejected(faults.into())
    }
}

impl From<Unread> for Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::NotJson(reason) => RequestFault::NotJson(reason).into(),
            Unread::Faults(faults) => faults.into(),
        }
    }
}

impl From<domain::money::Overflow> for Error {
    fn from(overflow: domain::money::Overflow) -> Self {
        Self::Rejected(overflow.into())
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<RequestFault> for Error {
    fn from(fault: RequestFault) -> Self {
        Self::Request(fault)
    }
}
