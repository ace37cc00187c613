//! A credit note goes step by step, and nothing that happens between two steps changes what it takes: other orders,
//! other credit notes, a sandbox that ends, a message that gets lost.

use domain::id::{AccountId, ReturnId};
use store::Consistency;
use tests::network::Staleness;
use tests::{Cloud, CreditNote, Reply, skips_concurrency};

const CLIENTS: usize = 64;

fn note(cloud: &Cloud, id: &str) -> CreditNote {
    cloud.account("acme").credit_note(id)
}

/// Four orders of two mugs each: 80 points.
async fn four_orders(cloud: &Cloud) {
    for n in 1..=4 {
        cloud.order(&format!("o-{n}")).line("MUG", 2, "10.00").send().await.expect(201);
    }
}

/// State, units matched, units unmatched.
fn stand(receipt: &Reply) -> (String, i64, i64) {
    let state = receipt["state"].as_str().unwrap().to_owned();
    (state, receipt.number("units_matched"), receipt.number("units_unmatched"))
}

fn is(state: &str, matched: i64, unmatched: i64) -> (String, i64, i64) {
    (state.to_owned(), matched, unmatched)
}

async fn balance(cloud: &Cloud) -> i64 {
    cloud.account("acme").standing().await.expect(200)["points"]["balance"].as_i64().unwrap()
}

/// The numbers of the credit notes whose steps the ledger holds, oldest first, each once.
async fn in_turn(cloud: &Cloud) -> Vec<String> {
    let mut history = cloud.account("acme").history().await;
    history.reverse();
    let causes = history.iter().filter_map(|entry| entry["cause"]["credit_note_id"].as_str().map(str::to_owned));
    let mut turns: Vec<_> = causes.collect();
    turns.dedup();
    turns
}

#[tokio::test]
async fn what_takes_too_long_is_accepted_and_goes_on_through_the_queue() {
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let hurried = cloud.hurried().await;
    let stated = note(&hurried, "c-1").units("MUG", 7);
    let accepted = stated.send().await.expect(202);
    assert_eq!(accepted.header("location"), Some("/v1/accounts/acme/returns/c-1"));
    assert_eq!(stand(&accepted), is("open", 2, 5));
    assert_eq!(cloud.get(accepted.header("location").unwrap()).await.expect(200).body(), accepted.body());
    // A delivery makes one step and leaves the rest to the next message, and none of them ever fails.
    for matched in [4, 6] {
        let waiting = cloud.queue("OrderReturnedQueue").await;
        assert_eq!((waiting.len(), waiting[0].received), (1, 0));
        // In the name of the account, like what comes from the bus.
        assert_eq!(waiting[0].group.as_deref(), Some("acme"));
        assert_eq!(hurried.local().pump().await.unwrap(), 1);
        assert_eq!(stand(&stated.shown().await.expect(200)), is("open", matched, 7 - matched));
    }
    hurried.drain().await;
    let done = stated.shown().await.expect(200);
    assert_eq!((stand(&done), done.number("points_reversed")), (is("done", 7, 0), 70));
    assert!(cloud.queue("OrderReturnedQueue").await.is_empty());
    assert!(cloud.queue("OrderReturnedDeadLetters").await.is_empty());
    assert_eq!(stated.send().await.expect(200).body(), done.body());
    assert_eq!(cloud.account("acme").history().await[0]["by"], "operator");
    assert_eq!(balance(&cloud).await, 10);
    cloud.audit().await;
}

#[tokio::test]
async fn an_announced_one_that_takes_too_long_goes_on_by_itself() {
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let hurried = cloud.hurried().await;
    note(&hurried, "c-1").units("MUG", 7).announce().await;
    hurried.drain().await;
    assert_eq!(stand(&note(&cloud, "c-1").shown().await.expect(200)), is("done", 7, 0));
    assert!(cloud.queue("OrderReturnedDeadLetters").await.is_empty());
    assert_eq!(cloud.account("acme").history().await[0]["by"], "event:shop.example");
}

#[tokio::test]
async fn an_order_that_comes_between_two_steps_gives_nothing() {
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let hurried = cloud.hurried().await;
    let stated = note(&hurried, "c-1").units("MUG", 100);
    stated.send().await.expect(202);
    // Orders, and returns by order number, do not wait.
    cloud.order("o-5").line("MUG", 50, "1.00").send().await.expect(201);
    cloud.order("o-2").returned("r-1").units("1", 1).send().await.expect(201);
    hurried.drain().await;
    let done = stated.shown().await.expect(200);
    assert_eq!(stand(&done), is("done", 7, 93));
    let orders: Vec<_> = done["orders"].as_array().unwrap().iter().map(|order| &order["order_id"]).collect();
    assert_eq!(orders, ["o-4", "o-3", "o-2", "o-1"]);
    // The next one finds it.
    let next = note(&cloud, "c-2").units("MUG", 50).send().await.expect(201);
    assert_eq!(stand(&next), is("done", 50, 0));
    assert_eq!(balance(&cloud).await, 0);
    cloud.audit().await;
}

#[tokio::test]
async fn a_retry_finishes_what_a_lost_message_left_open() {
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let hurried = cloud.hurried().await;
    let stated = note(&hurried, "c-1").units("MUG", 7);
    stated.send().await.expect(202);
    stated.send().await.expect(202);
    let done = stated.clone().on(&cloud).send().await.expect(200);
    assert_eq!(stand(&done), is("done", 7, 0));
    assert_eq!(done.header("idempotent-replayed"), Some("true"));
    // The messages were only late. They change nothing.
    let before = cloud.tables().await;
    assert_eq!(cloud.queue("OrderReturnedQueue").await.len(), 2);
    hurried.drain().await;
    assert_eq!(cloud.tables().await, before);
}

#[tokio::test]
async fn the_next_credit_note_waits_and_helps_the_open_one_to_its_end() {
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let hurried = cloud.hurried().await;
    let first = note(&hurried, "c-1").units("MUG", 5);
    first.send().await.expect(202);
    let done = note(&cloud, "c-2").units("MUG", 5).send().await.expect(201);
    assert_eq!(stand(&done), is("done", 3, 2));
    assert_eq!(stand(&first.shown().await.expect(200)), is("done", 5, 0));
    assert_eq!(in_turn(&cloud).await, ["c-1", "c-2"]);
    cloud.audit().await;
}

#[tokio::test]
async fn a_stale_read_of_the_account_makes_none_wait() {
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    note(&cloud, "c-1").units("MUG", 7).send().await.expect(201);
    // The account looks as it did before the last step of the first one.
    cloud.stale_reads(Staleness::Behind(1));
    note(&cloud, "c-2").units("MUG", 1).send().await.expect(201);
    let (account, id) = (AccountId::parse("acme").unwrap(), ReturnId::parse("c-2").unwrap());
    let stored = cloud.app().store().credit_note(&account, &id, Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(stored.version, 1, "carried out with its first write");
}

#[tokio::test]
async fn one_that_waits_is_kept_and_has_its_turn() {
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let hurried = cloud.hurried().await;
    let (first, second) = (note(&hurried, "c-1").units("MUG", 7), note(&hurried, "c-2").units("MUG", 1));
    first.send().await.expect(202);
    let waiting = second.send().await.expect(202);
    assert_eq!((stand(&waiting), waiting.header("location")), (is("waiting", 0, 1), Some(&*second.place())));
    assert_eq!(second.shown().await.expect(200).body(), waiting.body());
    // It is stated: something else under its number is refused, and the same is the same.
    note(&hurried, "c-2").units("MUG", 2).send().await.expect_problem(409, "content-differs");
    assert_eq!(second.send().await.expect(202)["state"], "waiting");
    hurried.drain().await;
    assert_eq!(stand(&first.shown().await.expect(200)), is("done", 7, 0));
    assert_eq!(stand(&second.shown().await.expect(200)), is("done", 1, 0));
    assert_eq!(in_turn(&cloud).await, ["c-1", "c-2"]);
    assert!(cloud.queue("OrderReturnedDeadLetters").await.is_empty());
    cloud.audit().await;
}

#[tokio::test]
async fn a_step_whose_answer_or_request_got_lost_is_taken_once() {
    for step in 0..4 {
        for answered in [true, false] {
            let cloud = Cloud::start().await;
            if !cloud.is_embedded() {
                return;
            }
            four_orders(&cloud).await;
            let hurried = cloud.hurried().await;
            let stated = note(&hurried, "c-1").units("MUG", 8);
            for _ in 0..step {
                stated.send().await.expect(202);
            }
            let network = cloud.network().unwrap();
            if answered {
                network.lose_requests(1)
            } else {
                network.lose_answers(1)
            }
            let reply = stated.clone().on(&cloud).send().await;
            reply.expect_problem(500, "internal");
            cloud.stale_reads(Staleness::Behind(1));
            let done = stated.on(&cloud).send().await;
            assert!([200, 201].contains(&done.status()), "{}", done.json());
            assert_eq!(stand(&done), is("done", 8, 0));
            assert_eq!(balance(&cloud).await, 0);
            assert_eq!(cloud.account("acme").history().await.len(), 8, "four orders, four steps");
            cloud.stale_reads(Staleness::None);
            cloud.audit().await;
        }
    }
}

#[tokio::test]
async fn one_that_nobody_finishes_is_noted_by_the_audit() {
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let hurried = cloud.hurried().await;
    note(&hurried, "c-1").units("MUG", 7).send().await.expect(202);
    note(&hurried, "c-2").units("MUG", 1).send().await.expect(202);
    let audit = async |text: &str| local::audit::run(cloud.app(), tests::at(text)).await.unwrap();
    let soon = audit("2011-03-02T11:59:59Z").await;
    assert!(soon.notes.is_empty() && soon.findings.is_empty(), "{soon}");
    let later = audit("2011-03-02T12:00:00Z").await;
    assert!(later.findings.is_empty(), "{later}");
    let notes: Vec<_> = later.notes.iter().map(ToString::to_string).collect();
    let expected = ["c-1", "c-2"].map(|id| {
        format!("account acme: credit note {id} is not done, and nothing has become of it since 2011-03-01T12:00:00Z")
    });
    assert_eq!(notes, expected);
}

/// Sends them all at once, each until there is an answer that a client would take.
async fn all_at_once(notes: impl Iterator<Item = CreditNote>) -> Vec<Reply> {
    let client = async |note: CreditNote| loop {
        let reply = note.send().await;
        if reply.status() < 500 {
            return reply;
        }
    };
    let clients: Vec<_> = notes.map(|note| tokio::spawn(client(note))).collect();
    let mut replies = Vec::new();
    for client in clients {
        replies.push(client.await.unwrap());
    }
    replies
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_one_from_many_clients_is_carried_out_once() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let replies = all_at_once(std::iter::repeat_n(note(&cloud, "c-1").units("MUG", 7), CLIENTS)).await;
    assert_eq!(replies.iter().filter(|reply| reply.status() == 201).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status() == 200).count(), CLIENTS - 1);
    assert!(replies.iter().all(|reply| reply.body() == replies[0].body()));
    assert_eq!(stand(&replies[0]), is("done", 7, 0));
    assert_eq!((balance(&cloud).await, cloud.account("acme").history().await.len()), (10, 8));
    cloud.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_at_once_take_every_unit_once_and_one_after_the_other() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    // Half of them in a hurry: their clients are told to look again.
    let hurried = cloud.hurried().await;
    let stated = |n: usize| {
        let cloud = if n.is_multiple_of(2) { &cloud } else { &hurried };
        note(cloud, &format!("c-{}", n % 8)).units("MUG", 3)
    };
    let replies = all_at_once((0..CLIENTS).map(stated)).await;
    assert!(replies.iter().all(|reply| [200, 201, 202].contains(&reply.status())), "{replies:?}");
    hurried.drain().await;
    let (mut matched, mut unmatched) = (0, 0);
    for n in 0..8 {
        let (state, more, rest) = stand(&stated(n).shown().await.expect(200));
        assert_eq!(state, "done");
        (matched, unmatched) = (matched + more, unmatched + rest);
    }
    assert_eq!((matched, unmatched, balance(&cloud).await), (8, 16, 0));
    let turns = in_turn(&cloud).await;
    assert_eq!(turns.len(), 8, "{turns:?}: one after the other");
    assert!(cloud.queue("OrderReturnedDeadLetters").await.is_empty());
    let report = cloud.audit().await;
    assert_eq!(report.reversed, 80);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn orders_returns_and_credit_notes_at_once_keep_the_books_right() {
    if skips_concurrency() {
        return;
    }
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let mut running = Vec::new();
    for n in 0..CLIENTS {
        let cloud = cloud.clone();
        running.push(tokio::spawn(async move {
            loop {
                let reply = match n % 4 {
                    0 => cloud.order(&format!("n-{n}")).line("MUG", 3, "10.00").send().await,
                    1 => cloud.order(&format!("o-{}", n % 3 + 1)).cancelled().send().await,
                    2 => cloud.order("o-4").returned("r-1").units("1", 1).send().await,
                    _ => note(&cloud, &format!("c-{}", n % 16)).units("MUG", 4).units("POT", 1).send().await,
                };
                if reply.status() < 500 {
                    return reply;
                }
            }
        }));
    }
    for client in running {
        let reply = client.await.unwrap();
        // The last mugs of an order may have gone with a credit note.
        assert!([200, 201, 422].contains(&reply.status()), "{}", reply.json());
    }
    let standing = cloud.account("acme").standing().await.expect(200);
    let report = cloud.audit().await;
    assert_eq!(standing["points"]["balance"].as_i64().unwrap(), i64::try_from(report.outstanding).unwrap());
    // Nobody ever bought a pot; the mugs may have gone with the cancellations.
    let unmatched = note(&cloud, "c-3").shown().await.expect(200)["unmatched"].clone();
    assert!(unmatched.as_array().unwrap().iter().any(|line| line["sku"] == "POT"), "{unmatched}");
}

#[tokio::test]
async fn an_order_placed_while_a_credit_note_waits_is_not_matched_by_it() {
    let cloud = Cloud::start().await;
    four_orders(&cloud).await;
    let hurried = cloud.hurried().await;
    let (first, second) = (note(&hurried, "c-1").units("MUG", 7), note(&hurried, "c-2").units("LATE", 3));
    first.send().await.expect(202);
    assert_eq!(second.send().await.expect(202)["state"], "waiting");
    cloud.order("late").line("LATE", 10, "10.00").send().await.expect(201);
    hurried.drain().await;
    assert_eq!(stand(&second.shown().await.expect(200)), is("done", 0, 3));
    cloud.audit().await;
}
