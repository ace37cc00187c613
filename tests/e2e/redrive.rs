//! What was given up is put back, and handled once.

use local::cloud::RedriveError;
use local::template::Template;
use serde_json::json;
use tests::{Cloud, Reply};

const SIMULATIONS: &str = "/v1/program/simulations";

/// Whatever touches an account fails, though not the queues.
const BROKEN: &str = "\"TableName\":\"accounts\"";

/// Sends something to a queue, and answers what asks for it.
async fn send(cloud: &Cloud, queue: &str) -> String {
    match queue {
        "OrderPlacedQueue" => {
            cloud.order("o-1").line("MUG", 10, "10.00").announce().await;
            "/v1/orders/shop/o-1/score".to_owned()
        }
        "OrderReturnedQueue" => {
            cloud.order("o-0").line("MUG", 10, "1.00").returned("r-1").units("1", 4).announce().await;
            "/v1/orders/shop/o-0/score".to_owned()
        }
        "SimulationQueue" => {
            let begun = cloud.request_keyed(SIMULATIONS, "k-1", &json!({"version": 1})).await.expect(202);
            begun.header("location").unwrap().to_owned()
        }
        other => panic!("say what is sent to {other} and what comes of it"),
    }
}

/// Fails unless what was sent was carried out, once.
async fn assert_handled(cloud: &Cloud, queue: &str, reply: Reply) {
    let acme = cloud.account("acme").standing().await.expect(200);
    let entries = cloud.account("acme").history().await.len();
    match queue {
        "OrderPlacedQueue" => {
            assert_eq!((&reply["points"], &acme["points"]["balance"], entries), (&json!(100), &json!(110), 2));
        }
        "OrderReturnedQueue" => {
            assert_eq!((&reply["points"], &acme["points"]["balance"], entries), (&json!(10), &json!(6), 2));
        }
        _ => assert_eq!((&reply["state"], entries), (&json!("done"), 1)),
    }
}

#[tokio::test]
async fn what_every_dead_letter_queue_holds_is_put_back_and_handled_once() {
    let queues = Template::embedded().unwrap().queues;
    let redriven: Vec<_> =
        queues.iter().filter_map(|queue| Some((&queue.id, &queue.redrive.as_ref()?.queue))).collect();
    assert!(redriven.len() > 2);
    for (queue, dead_letters) in redriven {
        let cloud = Cloud::start().await;
        if !cloud.is_embedded() {
            return;
        }
        let network = cloud.network().unwrap();
        cloud.order("o-0").line("MUG", 10, "1.00").send().await.expect(201);
        let asks = send(&cloud, queue).await;
        network.refuse_about(BROKEN, u32::MAX);
        cloud.drain().await;
        assert!(cloud.queue(queue).await.is_empty());
        let dead = cloud.queue(dead_letters).await;
        assert_eq!(dead.len(), 1, "{queue}");
        assert_eq!(dead[0].received, 5, "{queue}");
        // The reason still holds: it is given up again, after as many tries.
        assert_eq!(cloud.local().redrive(dead_letters).await.unwrap().0, 1);
        assert!(cloud.queue(dead_letters).await.is_empty());
        let again = &cloud.queue(queue).await[0];
        assert_eq!((again.received, &again.reason, &again.body), (0, &None, &dead[0].body));
        cloud.drain().await;
        assert_eq!(cloud.queue(dead_letters).await[0].received, 5, "{queue}");
        // It is mended.
        network.calm();
        let (moved, to) = cloud.local().redrive(dead_letters).await.unwrap();
        assert_eq!((moved, &to), (1, queue));
        cloud.drain().await;
        for emptied in [queue, dead_letters] {
            assert!(cloud.queue(emptied).await.is_empty(), "{emptied}");
        }
        assert_handled(&cloud, queue, cloud.get(&asks).await.expect(200)).await;
        // Nothing is there any more, and the same once more from its sender changes nothing.
        assert_eq!(cloud.local().redrive(dead_letters).await.unwrap().0, 0);
        if queue != "SimulationQueue" {
            send(&cloud, queue).await;
            cloud.drain().await;
        }
        assert_handled(&cloud, queue, cloud.get(&asks).await.expect(200)).await;
        cloud.audit().await;
    }
}

#[tokio::test]
async fn an_order_that_was_refused_is_scored_once_its_reason_is_gone() {
    let cloud = Cloud::with(|program| program["enrolment"]["unknown_account"] = json!("reject")).await;
    let dead_letters = "OrderPlacedDeadLetters";
    for id in ["o-1", "o-2", "o-3"] {
        cloud.order(id).line("MUG", 10, "10.00").announce().await;
    }
    cloud.drain().await;
    assert_eq!(cloud.queue(dead_letters).await.len(), 3);
    cloud.account("acme").put(json!({"name": "Acme"})).await.expect(201);
    assert_eq!(cloud.local().redrive(dead_letters).await.unwrap().0, 3);
    cloud.drain().await;
    assert!(cloud.queue(dead_letters).await.is_empty());
    assert_eq!(cloud.account("acme").standing().await.expect(200)["points"]["balance"], 300);
}

#[tokio::test]
async fn only_a_queue_that_holds_what_was_given_up_is_redriven() {
    let cloud = Cloud::start().await;
    for queue in ["OrderPlacedQueue", "Nowhere"] {
        let refused = cloud.local().redrive(queue).await.unwrap_err();
        assert!(matches!(&refused, RedriveError::Unknown { dead_letters, .. } if dead_letters.len() > 2));
        assert!(refused.to_string().starts_with(&format!("{queue} is no dead-letter queue; there are Order")));
    }
}
