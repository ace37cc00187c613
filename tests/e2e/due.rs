//! Looking ahead, and making up for what was slept through.

use crate::walker::{expiries, put_due, with_due};
use domain::time::Day;
use domain::warning::Walk;
use local::due::{DueError, forecast};
use tests::{Cloud, at};

#[tokio::test]
async fn looking_years_ahead_reads_no_more_than_what_is_filed() {
    let cloud = Cloud::start().await;
    for n in 0..7 {
        cloud.order(&format!("o-{n}")).account(&format!("a-{n}")).line("MUG", 1, "600.00").send().await.expect(201);
    }
    // What has ended already is filed under today.
    put_due(&cloud, "late", at("2011-02-27T12:00:00Z")).await;
    for walk in Walk::ALL {
        cloud.app().store().set_filed_activation(walk, 1).await.unwrap();
    }
    let ahead = async |day| forecast(cloud.app(), Day::parse(day).unwrap(), cloud.now()).await;
    assert_eq!(ahead("2011-03-01").await.unwrap().points_expired.count, 1);
    if let Some(network) = cloud.network() {
        network.empty_page_about("\"IndexName\":\"due\"", 5);
        let (told, cost) = cloud.units(ahead("2030-05-31")).await;
        assert_eq!((told.unwrap().accounts, network.named_met()), (8, 5));
        assert_eq!(cost.requests, 2 + 8 + 8, "what either walk filed for, the parts of the index, the accounts");
    }
    let past = ahead("2011-02-28").await.unwrap_err();
    assert!(matches!(past, DueError::Past(_)) && past.to_string().contains("2011-02-28 is past"), "{past}");
}

#[tokio::test]
async fn a_machine_makes_up_for_the_night_it_slept_through() {
    let (cloud, ids) = with_due(3, 3).await;
    cloud.local().run_schedules(std::future::ready(())).await;
    for id in &ids {
        assert_eq!(expiries(&cloud, id).await, 1);
    }
}
