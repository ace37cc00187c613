//! The parameters of a query, read together: every fault at once, as of a document.

use crate::error::{Error, RequestFault};
use crate::http::Request;

/// What is wrong with a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterFault {
    /// Which one.
    pub name: &'static str,
    /// What it must be.
    pub message: String,
}

/// The query of a request, being read.
pub struct Query<'a> {
    request: &'a Request,
    faults: Vec<ParameterFault>,
}

impl<'a> Query<'a> {
    /// Fails where it has a parameter that is none of these.
    pub fn of(request: &'a Request, known: &'static [&'static str]) -> Result<Self, Error> {
        request.takes(known)?;
        Ok(Self { request, faults: Vec::new() })
    }

    /// Whether a parameter is there.
    pub fn has(&self, name: &str) -> bool {
        self.request.query(name).is_some()
    }

    /// A parameter read by `read`; `None` where it is absent, or where it is not what it must be, which is noted.
    pub fn optional<T, E: ToString>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let read = read(self.request.query(name)?);
        read.map_err(|error| self.fault(name, error.to_string())).ok()
    }

    /// Notes what is wrong with a parameter.
    pub fn fault(&mut self, name: &'static str, message: impl Into<String>) {
        self.faults.push(ParameterFault { name, message: message.into() });
    }

    /// What was read, if nothing is wrong; otherwise the faults.
    pub fn into_result<T>(self, read: T) -> Result<T, Error> {
        if self.faults.is_empty() { Ok(read) } else { Err(RequestFault::Parameters(self.faults).into()) }
    }
}
