//! HTTP clients for the SDK that look at what goes to the embedded database.

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use local::connector::Embedded;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Such as `GetItem`.
    pub operation: String,
    /// The request's body.
    pub body: Vec<u8>,
    /// The answer's body.
    pub answer: Vec<u8>,
}

impl Exchange {
    /// The request as JSON.
    pub fn request(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Sends the same bytes again, below the SDK. Panics unless they are taken.
    pub async fn replay(&self, endpoint: &Embedded) {
        let response = endpoint.call(request(&self.operation, self.body.clone())).await.unwrap();
        assert!(response.status().is_success(), "{} was refused: {:?}", self.operation, response.body().bytes());
    }
}

/// A request as the SDK would send it, as far as the embedded database reads it.
pub fn request(operation: &str, body: Vec<u8>) -> HttpRequest {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.headers_mut().insert("x-amz-target", format!("DynamoDB_20120810.{operation}"));
    request
}

fn operation(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap();
    target.split_once('.').unwrap().1.to_owned()
}

/// Writes down everything that passes.
#[derive(Debug, Clone)]
pub struct Tap {
    endpoint: Embedded,
    counts_units: bool,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl Tap {
    /// Before an endpoint.
    pub fn new(endpoint: Embedded) -> Self {
        Self { endpoint, counts_units: false, exchanges: Arc::default() }
    }

    /// The same, asking the endpoint to state the capacity that each request takes.
    pub fn counting_units(endpoint: Embedded) -> Self {
        Self { counts_units: true, ..Self::new(endpoint) }
    }

    /// What has passed since the last call.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.exchanges.lock().unwrap())
    }
}

impl HttpClient for Tap {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Tap {
    fn call(&self, mut passing: HttpRequest) -> HttpConnectorFuture {
        let mut body = passing.body().bytes().unwrap().to_vec();
        if self.counts_units {
            let mut asking: Value = serde_json::from_slice(&body).unwrap();
            asking["ReturnConsumedCapacity"] = "TOTAL".into();
            body = asking.to_string().into_bytes();
            *passing.body_mut() = SdkBody::from(body.clone());
        }
        let (operation, tap) = (operation(&passing), self.clone());
        HttpConnectorFuture::new(async move {
            let response = tap.endpoint.call(passing).await?;
            let answer = response.body().bytes().unwrap().to_vec();
            tap.exchanges.lock().unwrap().push(Exchange { operation, body, answer });
            Ok(response)
        })
    }
}

/// Read and write units that exchanges took, as the endpoint states them.
pub fn units(exchanges: &[Exchange]) -> (f64, f64) {
    let (mut read, mut write) = (0.0, 0.0);
    for exchange in exchanges {
        let answer: Value = serde_json::from_slice(&exchange.answer).unwrap();
        let stated = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum(),
            table => table["CapacityUnits"].as_f64().unwrap_or(0.0),
        };
        match exchange.operation.as_str() {
            "GetItem" | "BatchGetItem" | "Query" => read += stated,
            _ => write += stated,
        }
    }
    (read, write)
}

/// An endpoint that does nothing: it hands out answers made before, so that only the caller's own time is left.
#[derive(Debug, Clone)]
pub struct Canned {
    answers: Arc<Mutex<VecDeque<Vec<u8>>>>,
}

impl Canned {
    /// With these answers, in this order.
    pub fn new(answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())) }
    }
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Canned {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let answer = self.answers.lock().unwrap().pop_front().expect("as many answers as requests");
        let mut response = HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from(answer));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        HttpConnectorFuture::ready(Ok(response))
    }
}
