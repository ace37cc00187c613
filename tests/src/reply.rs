//! What comes back.

use crate::description::assert_described;
use local::gateway::Response;
use serde_json::Value;
use std::ops::Index;

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Reply {
    asked: String,
    response: Response,
    /// The body without the request's id.
    said: Vec<u8>,
    json: Value,
    request_id: Option<String>,
}

impl Reply {
    #[track_caller]
    pub(crate) fn of(method: &str, target: &str, response: Response) -> Self {
        assert_described(method, target, &response);
        let mut json = response.json();
        let mut said = response.body.to_vec();
        let is_problem = response.header("content-type") == Some("application/problem+json");
        let request_id = match json.as_object_mut().filter(|_| is_problem) {
            Some(problem) => problem.remove("request_id").and_then(|id| id.as_str().map(str::to_owned)),
            None => None,
        };
        if let Some(id) = &request_id {
            let text = String::from_utf8(said).unwrap();
            said = text.replace(&format!(",\"request_id\":\"{id}\""), "").into_bytes();
        }
        Self { asked: format!("{method} {target}"), response, said, json, request_id }
    }

    /// The request's id in a problem document.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Fails the test unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.response.status, status, "{}: {}", self.asked, String::from_utf8_lossy(&self.response.body));
        self
    }

    /// Fails the test unless it is a problem document of this status and kind.
    #[track_caller]
    pub fn expect_problem(self, status: u16, kind: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{}", reply.asked);
        assert_eq!(reply.json["type"], format!("/problems/{kind}"), "{}: {}", reply.asked, reply.json);
        assert_eq!(reply.json["status"], status);
        reply
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// The body as it came, but for the request's id in a problem document: no two requests have the same.
    pub fn body(&self) -> &[u8] {
        &self.said
    }

    /// The same as JSON.
    pub fn json(&self) -> Value {
        self.json.clone()
    }

    /// A field that is a whole number.
    #[track_caller]
    pub fn number(&self, field: &str) -> i64 {
        self.json[field].as_i64().unwrap_or_else(|| panic!("{field} of {}", self.json))
    }

    /// The JSON paths of a problem's faults.
    pub fn fault_paths(&self) -> Vec<String> {
        let faults = self.json["faults"].as_array().into_iter().flatten();
        faults.map(|fault| fault["path"].as_str().unwrap().to_owned()).collect()
    }
}

impl Index<&str> for Reply {
    type Output = Value;
    fn index(&self, field: &str) -> &Value {
        &self.json[field]
    }
}
