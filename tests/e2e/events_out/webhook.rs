//! Events posted to a receiver, which checks their signatures as the guide tells it to.

use super::ids;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local::cloud::{Cloud as LocalCloud, Options, Storage};
use local::webhook::Webhook;
use ring::hmac;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::Cloud;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A request as it came: names of headers in lower case, and the body.
type Received = (BTreeMap<String, String>, String);

/// A receiver on this machine that answers by turns, and the last for good.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Received>>>);

impl Receiver {
    async fn start(answers: &'static [u16]) -> (Self, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (address, receiver) = (listener.local_addr().unwrap(), Self::default());
        let noting = receiver.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = String::new();
                let (head, body) = loop {
                    let mut bytes = vec![0; 65_536];
                    let read = stream.read(&mut bytes).await.unwrap();
                    text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.to_lowercase().split("content-length: ").nth(1).unwrap().to_owned();
                    let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
                    if body.len() >= length {
                        break (head.to_owned(), body.to_owned());
                    }
                };
                let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
                let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
                let answer = {
                    let mut received = noting.0.lock().unwrap();
                    received.push((headers, body));
                    answers[(received.len() - 1).min(answers.len() - 1)]
                };
                let answer = format!("HTTP/1.1 {answer} Answer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (receiver, address)
    }

    fn received(&self) -> Vec<Received> {
        self.0.lock().unwrap().clone()
    }
}

/// As a receiver has to: with its own copy of the secret, over the bytes that came.
fn is_genuine((headers, body): &Received, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let content = format!("{}.{}.{body}", headers["webhook-id"], headers["webhook-timestamp"]);
    let signatures = headers["webhook-signature"].split(' ').filter_map(|one| one.strip_prefix("v1,"));
    signatures
        .filter_map(|text| STANDARD.decode(text).ok())
        .any(|tag| hmac::verify(&key, content.as_bytes(), &tag).is_ok())
}

/// A cloud with a webhook, beside one without over the same tables, to trade with.
async fn posting(address: SocketAddr) -> Option<(Cloud, LocalCloud)> {
    let cloud = Cloud::start().await;
    cloud.listen();
    if !cloud.is_embedded() {
        return None;
    }
    let webhook = Webhook::new(&format!("http://{address}/hooks/guilder"), SECRET).unwrap();
    let storage = Storage::Endpoint { client: cloud.local().client().clone(), prefix: String::new() };
    let clock = cloud.app().clock().clone();
    let options = Options { webhook: Some(webhook), retry_delay: Duration::ZERO, clock, ..Options::new(storage) };
    let posting = LocalCloud::open(options).await.unwrap();
    Some((cloud, posting))
}

#[tokio::test]
async fn events_are_posted_once_each_signed_with_their_time_and_id() {
    let (receiver, address) = Receiver::start(&[500, 204]).await;
    let Some((cloud, posting)) = posting(address).await else { return };
    cloud.order("o-1").line("MUG", 1, "10.00").send().await.expect(201);
    while posting.pump_streams().await.unwrap() > 0 {}
    while posting.post_events().await.unwrap() > 0 {}
    let received = receiver.received();
    // The first is refused once, and sent again.
    assert_eq!(received.len(), 4);
    let mut posted: Vec<_> = received.iter().map(|(headers, _)| headers["webhook-id"].clone()).collect();
    posted.sort();
    posted.dedup();
    assert_eq!(posted, ["acme/1/0", "acme/1/1", "acme/1/2"]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for one in &received {
        let (headers, body) = one;
        assert!(is_genuine(one, SECRET), "{headers:?}");
        assert!(!is_genuine(one, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"), "another's secret");
        assert!(!is_genuine(&(headers.clone(), format!("{body} ")), SECRET), "another body");
        let event: Value = serde_json::from_str(body).unwrap();
        assert_eq!(event["id"], headers["webhook-id"].as_str());
        assert_eq!(headers["content-type"], "application/cloudevents+json");
        assert!(now.abs_diff(headers["webhook-timestamp"].parse().unwrap()) < 120, "it is the time of sending");
    }
    assert!(ids(&cloud).is_empty(), "the other cloud has a bus of its own");
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_up_no_order_and_no_end() {
    // It takes connections and says nothing.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let Some((cloud, posting)) = posting(listener.local_addr().unwrap()).await else { return };
    let posting = Arc::new(posting);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = Arc::clone(&posting);
    let consuming = tokio::spawn(async move { serving.consume(async { stopped.await.unwrap_or_default() }).await });
    cloud.account("acme").put(serde_json::json!({"name": "Acme"})).await.expect(201);
    // A post may take ten seconds, and there are more than one: whoever waited for them would come too late.
    let waits = async || {
        let queues = posting.queues().await.unwrap();
        let webhook = queues.into_iter().find(|queue| queue.queue == "Webhook").unwrap();
        webhook.messages.iter().any(|message| message.received > 0)
    };
    let within = Duration::from_secs(8);
    let order = cloud.order("o-1").line("MUG", 1, "10.00").document();
    let scored = tokio::time::timeout(within, async {
        while !waits().await {
            tokio::task::yield_now().await;
        }
        posting.put_event("OrderPlaced", "shop.example", order).await.unwrap();
        while cloud.get("/v1/orders/shop/o-1/score").await.status() != 200 {
            tokio::task::yield_now().await;
        }
        stop.send(()).unwrap();
        consuming.await.unwrap();
    });
    scored.await.expect("nobody waits for a receiver");
}

#[tokio::test]
async fn what_nobody_takes_is_put_aside_after_a_bounded_number_of_tries() {
    let (receiver, address) = Receiver::start(&[503]).await;
    let Some((cloud, posting)) = posting(address).await else { return };
    cloud.account("acme").put(serde_json::json!({"name": "Acme"})).await.expect(201);
    while posting.pump_streams().await.unwrap() > 0 {}
    let announced = posting.bus().latest(&local::bus::Filter::default(), 10).len();
    while posting.post_events().await.unwrap() > 0 {}
    assert_eq!(receiver.received().len(), announced * 8);
    let depths: BTreeMap<_, _> =
        posting.queues().await.unwrap().into_iter().map(|queue| (queue.queue, queue.messages)).collect();
    assert!(depths["Webhook"].is_empty());
    assert_eq!(depths["WebhookDeadLetters"].len(), announced);
    assert_eq!(depths["WebhookDeadLetters"][0].reason.as_deref(), Some("it answered 503"));
    // Put back by hand they are tried as often again.
    assert_eq!(posting.redrive("WebhookDeadLetters").await.unwrap(), (announced, "Webhook".to_owned()));
    while posting.post_events().await.unwrap() > 0 {}
    assert_eq!(receiver.received().len(), announced * 16);
}
