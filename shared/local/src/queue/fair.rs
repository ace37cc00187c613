//! Whose message is next: what SQS's fair queues do for tenants of one queue.
//!
//! A message may be of a group. Who has many messages under way gets the next one only after all who have fewer, so a
//! burst of one group delays its own messages and hardly those of others. Nothing is held back: where one group alone
//! waits, it gets everything. A message of no group is nobody else's and waits for none.

use std::collections::HashMap;

use domain::time::Instant;

use super::Message;

/// How many of the oldest messages of a queue are looked at. Behind as many of one group the others wait.
pub const SEEN_MAX: usize = 10_000;

/// Longest name of a group, as in SQS.
const GROUP_BYTES_MAX: usize = 128;

/// Whether SQS takes this as the name of a group: 1 to 128 letters, digits and punctuation marks.
pub fn is_group(name: &str) -> bool {
    (1..=GROUP_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The messages that can be received `now`, in the order of their turns, out of those of a queue, oldest first.
pub(super) fn turns(messages: Vec<Message>, now: Instant) -> Vec<Message> {
    let mut under_way = HashMap::<String, u64>::new();
    let mut count = |group: &Option<String>| {
        let Some(group) = group else { return 0 };
        let count = under_way.entry(group.clone()).or_default();
        let before = *count;
        *count = count.saturating_add(1);
        before
    };
    let (visible, hidden): (Vec<_>, Vec<_>) = messages.into_iter().partition(|message| message.visible_at <= now);
    for message in &hidden {
        count(&message.group);
    }
    let mut ranked = visible.into_iter().map(|message| (count(&message.group), message)).collect::<Vec<_>>();
    // Stable: within a rank the oldest comes first.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, message)| message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_as_sqs_takes_them() {
        let long = "x".repeat(128);
        for name in ["acme", "A.b_c:d-9", &long] {
            assert!(is_group(name), "{name}");
        }
        for name in ["", "two words", "käse", &format!("{long}x")] {
            assert!(!is_group(name), "{name}");
        }
    }

    #[test]
    fn messages_of_no_group_do_not_wait_for_each_other() {
        let message = |id: &str, group: Option<&str>| Message {
            id: id.into(),
            group: group.map(str::to_owned),
            body: String::new(),
            sent_at: Instant::MIN,
            received: 0,
            visible_at: Instant::MIN,
            reason: None,
        };
        let all = vec![message("1", Some("a")), message("2", Some("a")), message("3", None), message("4", None)];
        let turns = turns(all, Instant::MIN);
        assert_eq!(turns.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), ["1", "3", "4", "2"]);
    }
}
